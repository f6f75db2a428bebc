//! Ciphertext blobs of symmetric keys, format 1.
//!
//! | bytes | what |
//! | --- | --- |
//! | 3 | `KRB` |
//! | 1 | the format's version, 1 |
//! | 2 + n | length, big endian, and name of the key: `partition:region:account:id`; the Region is empty for multi-Region keys, which open each other's blobs |
//! | 4 | version of the material, big endian |
//! | 16 | random; the key and the nonce of this message are HKDF-SHA256 of the material with it |
//! | n | ciphertext of AES-256-GCM |
//! | 16 | tag |
//!
//! All that stands before the ciphertext is authenticated, and after it the encryption context: the pairs
//! sorted by the bytes of their keys, each text behind its length. No context and an empty one are the
//! same. A key a message leaves no bound on how many messages one key encrypts.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::aws::{AccountId, KeyArn};

use super::KmsError;
use super::secret::{expand, fill};

/// Pairs that must be the same when a blob is opened.
pub(super) type EncryptionContext = BTreeMap<String, String>;

const MAGIC: &[u8; 4] = b"KRB\x01";
const SALT: usize = 16;
const TAG: usize = 16;

/// A blob whose header was read; nothing of it is proven yet.
pub(super) struct Blob<'b> {
    header: &'b [u8],
    sealed: &'b [u8],
    salt: &'b [u8],
    name: &'b str,
    /// The version of the material.
    pub(super) version: u32,
}

impl<'b> Blob<'b> {
    /// Reads the header; nothing where it is none.
    pub(super) fn parse(bytes: &'b [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (name, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (salt, sealed) = rest.split_at_checked(SALT)?;
        if sealed.len() < TAG {
            return None;
        }
        let header = bytes.get(..bytes.len() - sealed.len())?;
        let name = std::str::from_utf8(name).ok()?;
        Some(Self { header, sealed, salt, name, version: u32::from_be_bytes(*version) })
    }

    /// The key it names; for a multi-Region key its sibling in `region`.
    pub(super) fn key(&self, region: &str) -> Option<KeyArn> {
        let mut parts = self.name.splitn(4, ':');
        let mut next = || parts.next();
        let (partition, of, account, id) = (next()?, next()?, next()?, next()?);
        let of = if of.is_empty() { region } else { of };
        KeyArn::new(partition, of, AccountId::parse(account)?, id)
    }

    /// The plaintext, where material and context are those it was sealed with.
    pub(super) fn open(
        &self,
        material: &[u8],
        context: &EncryptionContext,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let invalid = || KmsError::bare("InvalidCiphertextException");
        let (key, nonce) = message_key(material, self.salt)?;
        let mut text = Zeroizing::new(self.sealed.to_vec());
        let opened = key.open_in_place(nonce, aad(self.header, context), &mut text);
        let length = opened.map_err(|_| invalid())?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// Seals `plaintext` under a key's material.
pub(super) fn seal(
    key: &KeyArn,
    version: u32,
    material: &[u8],
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, KmsError> {
    let name = name(key);
    let length = u16::try_from(name.len()).map_err(|_| KmsError::internal("a long key id"))?;
    let mut salt = [0; SALT];
    fill(&mut salt)?;
    let parts = [&MAGIC[..], &length.to_be_bytes(), name.as_bytes(), &version.to_be_bytes(), &salt];
    let mut blob = parts.concat();
    let (key, nonce) = message_key(material, &salt)?;
    let mut text = Zeroizing::new(plaintext.to_vec());
    let tag = key.seal_in_place_separate_tag(nonce, aad(&blob, context), &mut text);
    let tag = tag.map_err(|_| KmsError::internal("nothing could be sealed"))?;
    blob.extend_from_slice(&text);
    blob.extend_from_slice(tag.as_ref());
    Ok(blob)
}

fn name(key: &KeyArn) -> String {
    let region = if key.is_multi_region() { "" } else { key.region() };
    format!("{}:{region}:{}:{}", key.partition(), key.account(), key.id())
}

fn message_key(material: &[u8], salt: &[u8]) -> Result<(LessSafeKey, Nonce), KmsError> {
    let derived = expand(material, salt, &[b"keyreach/message/1"], 32 + 12)?;
    let (key, nonce) = derived.split_at_checked(32).unwrap_or_default();
    let fails = |_| KmsError::internal("no key for a message");
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(fails)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(fails)?;
    Ok((LessSafeKey::new(key), nonce))
}

fn aad(header: &[u8], context: &EncryptionContext) -> Aad<Vec<u8>> {
    let mut bytes = header.to_vec();
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Aad::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MATERIAL: [u8; 32] = [7; 32];

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn key() -> KeyArn {
        KeyArn::parse("arn:aws:kms:eu-west-1:111122223333:key/K").expect("a key")
    }

    fn opens(blob: &[u8], material: &[u8], pairs: &[(&str, &str)]) -> Option<Vec<u8>> {
        Some(Blob::parse(blob)?.open(material, &context(pairs)).ok()?.to_vec())
    }

    #[test]
    fn what_is_sealed_opens_with_its_context_alone() {
        let sealed = |pairs| seal(&key(), 3, &MATERIAL, &context(pairs), b"text").expect("a blob");
        let blob = sealed(&[("a", "bc"), ("d", "")]);
        assert_eq!(opens(&blob, &MATERIAL, &[("d", ""), ("a", "bc")]), Some(b"text".to_vec()));
        let others: [&[(&str, &str)]; 5] = [
            &[("ab", "c"), ("d", "")],
            &[("a", "bcd"), ("", "")],
            &[("a", "bc")],
            &[("A", "bc"), ("d", "")],
            &[],
        ];
        for other in others {
            assert_eq!(opens(&blob, &MATERIAL, other), None, "{other:?}");
        }
        assert_eq!(opens(&sealed(&[]), &MATERIAL, &[]), Some(b"text".to_vec()));
        assert_ne!(sealed(&[]), sealed(&[]), "a salt a message");
        // One text in two normal forms is two texts.
        assert_eq!(opens(&sealed(&[("k", "\u{e9}")]), &MATERIAL, &[("k", "e\u{301}")]), None);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused() {
        let blob = seal(&key(), 1, &MATERIAL, &context(&[("a", "b")]), b"text").expect("a blob");
        for at in 0..blob.len() * 8 {
            let mut other = blob.clone();
            other[at / 8] ^= 1 << (at % 8);
            assert_eq!(opens(&other, &MATERIAL, &[("a", "b")]), None, "bit {at}");
        }
        for length in 0..blob.len() {
            assert_eq!(opens(&blob[..length], &MATERIAL, &[("a", "b")]), None, "{length} bytes");
        }
        assert_eq!(opens(&[blob, vec![0]].concat(), &MATERIAL, &[("a", "b")]), None);
    }

    #[test]
    fn the_key_stands_in_the_blob_and_another_material_opens_nothing() {
        let blob = seal(&key(), 9, &MATERIAL, &context(&[]), &[0; 4096]).expect("a blob");
        let read = Blob::parse(&blob).expect("a header");
        assert_eq!((read.key("us-east-1"), read.version), (Some(key()), 9));
        assert!(blob.len() <= 4096 + 256 && blob.len() < 6144);
        assert_eq!(opens(&blob, &[8; 32], &[]), None);
    }

    #[test]
    fn x4_siblings_of_a_multi_region_key_open_each_others_blobs() {
        let arn = |region: &str| {
            KeyArn::parse(&format!("arn:aws:kms:{region}:111122223333:key/mrk-12")).expect("a key")
        };
        let blob = seal(&arn("eu-west-1"), 1, &MATERIAL, &context(&[]), b"x").expect("a blob");
        let read = Blob::parse(&blob).expect("a header");
        assert_eq!(read.key("us-east-1"), Some(arn("us-east-1")));
    }
}
