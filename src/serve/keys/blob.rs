//! Key material and ciphertext blobs.
//!
//! ```text
//! "kr1\0"                       magic and version
//! u16 length, key               what the material belongs to: ACCOUNT/KEY ID, without the Region, which
//!                               related multi-Region keys do not share
//! 16 bytes                      salt
//! ciphertext, 16 bytes of tag   AES-256-GCM
//! ```
//! Each message has a key of its own, derived from the material and the salt, so that the nonce may be
//! zero. What is authenticated beside the text: everything before the ciphertext, and the encryption
//! context as sorted pairs with their lengths before them, so that {"a":"bc"} is not {"ab":"c"}.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};

use crate::aws::{AccountId, KeyArn};

const MAGIC: &[u8] = b"kr1\0";
const SALT: usize = 16;

/// The material of all keys, derived from the master secret.
pub(super) struct Material(hmac::Key);

/// The parts of a ciphertext blob.
pub(super) struct Blob<'b> {
    account: AccountId,
    id: &'b str,
    header: &'b [u8],
    salt: &'b [u8],
    sealed: &'b [u8],
}

impl<'b> Blob<'b> {
    /// Reads a blob, which is not verified yet; nothing where it is none of ours.
    pub(super) fn parse(bytes: &'b [u8]) -> Option<Self> {
        let (length, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (salt, sealed) = rest.split_at_checked(SALT)?;
        let (header, _) = bytes.split_at_checked(bytes.len() - sealed.len())?;
        let (account, id) = str::from_utf8(name).ok()?.split_once('/')?;
        Some(Self { account: AccountId::parse(account)?, id, header, salt, sealed })
    }

    /// The key that opens it in a Region.
    pub(super) fn key(&self, partition: &str, region: &str) -> Option<KeyArn> {
        KeyArn::new(partition, region, self.account, self.id)
    }
}

impl Material {
    pub(super) fn new(master: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, master);
        let key = hmac::sign(&root, b"keyreach material 1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// Encrypts; nothing where the system gives no random bytes.
    pub(super) fn seal(
        &self,
        key: &KeyArn,
        pairs: &BTreeMap<String, String>,
        text: &[u8],
    ) -> Option<Vec<u8>> {
        let name = format!("{}/{}", key.account(), key.id());
        let mut salt = [0; SALT];
        rand::fill(&mut salt).ok()?;
        let length = u16::try_from(name.len()).ok()?.to_be_bytes();
        let mut blob = [MAGIC, &length, name.as_bytes(), &salt].concat();
        let aad = aad(&blob, pairs);
        let mut sealed = text.to_vec();
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        self.message_key(&name, &salt)?
            .seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed)
            .ok()?;
        blob.extend_from_slice(&sealed);
        Some(blob)
    }

    /// Decrypts; nothing where the blob is not the one that was made, or with this context.
    pub(super) fn open(
        &self,
        blob: &Blob<'_>,
        pairs: &BTreeMap<String, String>,
    ) -> Option<Vec<u8>> {
        let name = format!("{}/{}", blob.account, blob.id);
        let mut sealed = blob.sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let aad = Aad::from(aad(blob.header, pairs));
        let text =
            self.message_key(&name, blob.salt)?.open_in_place(nonce, aad, &mut sealed).ok()?;
        Some(text.to_vec())
    }

    fn message_key(&self, name: &str, salt: &[u8]) -> Option<LessSafeKey> {
        let material = hmac::sign(&self.0, name.as_bytes());
        let material = hmac::Key::new(hmac::HMAC_SHA256, material.as_ref());
        let key = hmac::sign(&material, salt);
        UnboundKey::new(&AES_256_GCM, key.as_ref()).ok().map(LessSafeKey::new)
    }
}

fn aad(header: &[u8], pairs: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = header.to_vec();
    for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
        out.extend_from_slice(&(text.len() as u64).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(region: &str, id: &str) -> KeyArn {
        let account = AccountId::parse("111122223333").expect("an account");
        KeyArn::new("aws", region, account, id).expect("a key")
    }

    fn pairs(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn open(secret: u8, blob: &[u8], context: &[(&str, &str)]) -> Option<Vec<u8>> {
        Material::new(&[secret; 32]).open(&Blob::parse(blob)?, &pairs(context))
    }

    #[test]
    fn only_the_same_context_and_secret_open_it() {
        let context = [("a", "bc")];
        let blob = Material::new(&[1; 32]).seal(&key("us-east-1", "k"), &pairs(&context), b"text");
        let blob = blob.expect("it is sealed");
        assert_eq!(open(1, &blob, &context).as_deref(), Some(&b"text"[..]));
        for other in [&[("ab", "c")][..], &[], &[("a", "bc"), ("d", "")], &[("A", "bc")]] {
            assert_eq!(open(1, &blob, other), None, "{other:?}");
        }
        assert_eq!(open(2, &blob, &context), None);
    }

    #[test]
    fn any_flipped_bit_refuses() {
        let blob = Material::new(&[1; 32]).seal(&key("us-east-1", "k"), &pairs(&[]), b"text");
        let blob = blob.expect("it is sealed");
        for at in 0..blob.len() * 8 {
            let mut bytes = blob.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            assert_eq!(open(1, &bytes, &[]), None, "{at}");
        }
        for length in 0..blob.len() {
            assert_eq!(open(1, &blob[..length], &[]), None, "{length}");
        }
    }

    #[test]
    fn the_largest_text_fits_and_no_two_blobs_are_equal() {
        let seal = || {
            let material = Material::new(&[1; 32]);
            material.seal(
                &key("us-east-1", "0d0d0d0d-4444-4d4d-8d8d-dddddddddddd"),
                &pairs(&[]),
                &[0; 4096],
            )
        };
        let (one, other) = (seal().expect("sealed"), seal().expect("sealed"));
        assert!(one.len() <= 4096 + 256 && one != other);
        let blob = Blob::parse(&one).expect("a blob");
        let sibling = blob.key("aws", "eu-west-1").expect("a key");
        assert_eq!(sibling.region(), "eu-west-1");
    }
}
