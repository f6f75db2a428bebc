//! Operations that encrypt and decrypt.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::aws::{KeyArn, KmsAction};
use crate::decision::Target;
use crate::inventory::Key;
use crate::serve::kms::KmsFault;

use super::blob::Blob;
use super::input::invalid;
use super::{Call, Done};

const TEXT: usize = 4096;
const BLOB: usize = 6144;
/// What the keys and values of an encryption context may come to.
const CONTEXT: usize = 8192;
const RANDOM: i64 = 1024;
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

impl Call<'_> {
    pub(super) fn encrypt(&self) -> Done {
        let text = self.input.needed_bytes("Plaintext", TEXT)?;
        let pairs = self.pairs("EncryptionContext")?;
        let (target, key) = self.key_id()?;
        self.may_with(KmsAction::ENCRYPT, &target, &key, &pairs)?;
        self.symmetric(&key, "Encrypt", "EncryptionAlgorithm")?;
        self.dry_run()?;
        let blob = self.sealed(&key.arn, &pairs, &text)?;
        Ok(
            json!({ "CiphertextBlob": blob, "KeyId": key.arn.as_str(), "EncryptionAlgorithm": ALGORITHM }),
        )
    }

    pub(super) fn decrypt(&self) -> Done {
        self.no_recipient()?;
        let bytes = self.input.needed_bytes("CiphertextBlob", BLOB)?;
        let pairs = self.pairs("EncryptionContext")?;
        let (target, key, blob) = self.source(&bytes, "KeyId")?;
        self.may_with(KmsAction::DECRYPT, &target, &key, &pairs)?;
        self.symmetric(&key, "Decrypt", "EncryptionAlgorithm")?;
        let text = self.opened(&key.arn, blob, &pairs)?;
        self.dry_run()?;
        let text = BASE64_STANDARD.encode(text);
        Ok(
            json!({ "KeyId": key.arn.as_str(), "Plaintext": text, "EncryptionAlgorithm": ALGORITHM }),
        )
    }

    pub(super) fn re_encrypt(&self) -> Done {
        let bytes = self.input.needed_bytes("CiphertextBlob", BLOB)?;
        let (before, after) =
            (self.pairs("SourceEncryptionContext")?, self.pairs("DestinationEncryptionContext")?);
        let (source, from, blob) = self.source(&bytes, "SourceKeyId")?;
        let (destination, to) = self.named(self.input.needed("DestinationKeyId")?)?;
        let same = (from.arn == to.arn).to_string();
        self.may_re_encrypt(KmsAction::RE_ENCRYPT_FROM, &source, &from, &before, &same)?;
        self.may_re_encrypt(KmsAction::RE_ENCRYPT_TO, &destination, &to, &after, &same)?;
        self.in_state(KmsAction::RE_ENCRYPT_FROM, &from)?;
        self.in_state(KmsAction::RE_ENCRYPT_TO, &to)?;
        self.symmetric(&from, "ReEncrypt", "SourceEncryptionAlgorithm")?;
        self.symmetric(&to, "ReEncrypt", "DestinationEncryptionAlgorithm")?;
        let text = self.opened(&from.arn, blob, &before)?;
        self.dry_run()?;
        Ok(json!({
            "CiphertextBlob": self.sealed(&to.arn, &after, &text)?,
            "SourceKeyId": from.arn.as_str(),
            "KeyId": to.arn.as_str(),
            "SourceEncryptionAlgorithm": ALGORITHM,
            "DestinationEncryptionAlgorithm": ALGORITHM,
        }))
    }

    pub(super) fn generate_data_key(&self, told: bool) -> Done {
        self.no_recipient()?;
        let bytes = match (self.input.text("KeySpec")?, self.input.number("NumberOfBytes")?) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(count)) if (1..=RANDOM).contains(&count) => count,
            (Some(_), Some(_)) | (None, None) => {
                return Err(invalid("Please specify either number of bytes or key spec."));
            }
            (Some(spec), None) => {
                return Err(invalid(format!(
                    "1 validation error detected: Value '{spec}' at 'keySpec' failed to satisfy \
                     constraint: Member must satisfy enum value set: [AES_256, AES_128]"
                )));
            }
            (None, Some(count)) => return Err(number_of_bytes(count)),
        };
        let pairs = self.pairs("EncryptionContext")?;
        let (target, key) = self.key_id()?;
        let (action, operation) = match told {
            true => (KmsAction::GENERATE_DATA_KEY, "GenerateDataKey"),
            false => {
                (KmsAction::GENERATE_DATA_KEY_WITHOUT_PLAINTEXT, "GenerateDataKeyWithoutPlaintext")
            }
        };
        self.may_with(action, &target, &key, &pairs)?;
        self.symmetric(&key, operation, "EncryptionAlgorithm")?;
        self.dry_run()?;
        let text = random(bytes)?;
        let blob = self.sealed(&key.arn, &pairs, &text)?;
        let mut answer = json!({ "CiphertextBlob": blob, "KeyId": key.arn.as_str() });
        if let Some(members) = answer.as_object_mut().filter(|_| told) {
            members.insert("Plaintext".to_owned(), BASE64_STANDARD.encode(text).into());
        }
        Ok(answer)
    }

    pub(super) fn generate_random(&self) -> Done {
        self.no_recipient()?;
        let count = self.input.number("NumberOfBytes")?;
        let count = count.ok_or_else(|| invalid("NumberOfBytes is required."))?;
        if !(1..=RANDOM).contains(&count) {
            return Err(number_of_bytes(count));
        }
        self.may_at_all(KmsAction::GENERATE_RANDOM)?;
        Ok(json!({ "Plaintext": BASE64_STANDARD.encode(random(count)?) }))
    }

    /// The key that a blob was made with, as `member` names it or else by itself. What it names is not
    /// verified: only a caller who may use the key learns whether the blob is whole.
    fn source<'b>(
        &self,
        bytes: &'b [u8],
        member: &str,
    ) -> Result<(Target, Arc<Key>, Option<Blob<'b>>), KmsFault> {
        let blob = Blob::parse(bytes);
        if let Some(text) = self.input.text(member)? {
            let (target, key) = self.named(text)?;
            return Ok((target, key, blob));
        }
        let blob = blob.ok_or_else(|| KmsFault::new("InvalidCiphertextException", ""))?;
        let arn = blob.key(self.caller.principal.partition(), &self.caller.region);
        let key = arn.and_then(|arn| self.world.keys.get(&arn)).ok_or_else(|| {
            KmsFault::new(
                "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not exist in \
                 this region, or you are not allowed to access.",
            )
        })?;
        Ok((Target::Key(key.arn.clone()), Arc::clone(key), Some(blob)))
    }

    fn opened(
        &self,
        key: &KeyArn,
        blob: Option<Blob<'_>>,
        pairs: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, KmsFault> {
        let fault = || KmsFault::new("InvalidCiphertextException", "");
        let blob = blob.ok_or_else(fault)?;
        if blob.key(key.partition(), key.region()).as_ref() != Some(key) {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(KmsFault::new("IncorrectKeyException", message));
        }
        self.keys.material.open(&blob, pairs).ok_or_else(fault)
    }

    fn sealed(
        &self,
        key: &KeyArn,
        pairs: &BTreeMap<String, String>,
        text: &[u8],
    ) -> Result<String, KmsFault> {
        let blob = self.keys.material.seal(key, pairs, text);
        blob.map(|blob| BASE64_STANDARD.encode(blob)).ok_or_else(no_randomness)
    }

    fn pairs(&self, member: &str) -> Result<BTreeMap<String, String>, KmsFault> {
        let pairs = self.input.pairs(member)?;
        let length: usize = pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
        match length <= CONTEXT {
            true => Ok(pairs),
            false => Err(invalid(format!("EncryptionContext must be less than {CONTEXT} bytes"))),
        }
    }

    /// That the key is one that encrypts by itself, with the one algorithm that it has.
    fn symmetric(&self, key: &Key, operation: &str, member: &str) -> Result<(), KmsFault> {
        let known = key.metadata.as_ref();
        let usage = known.and_then(|known| known.usage.as_deref()).unwrap_or("ENCRYPT_DECRYPT");
        let spec = known.and_then(|known| known.spec.as_deref()).unwrap_or(ALGORITHM);
        let arn = &key.arn;
        if usage != "ENCRYPT_DECRYPT" {
            let message = format!("{arn} key usage is {usage} which is not valid for {operation}.");
            return Err(KmsFault::new("InvalidKeyUsageException", message));
        }
        if spec != ALGORITHM {
            let message = format!("{arn}: keys of the spec {spec} are not served yet.");
            return Err(KmsFault::new("UnsupportedOperationException", message));
        }
        match self.input.text(member)? {
            None | Some(ALGORITHM) => Ok(()),
            Some(other) => {
                let message = format!("Algorithm {other} is incompatible with key spec {spec}.");
                Err(KmsFault::new("InvalidKeyUsageException", message))
            }
        }
    }

    fn no_recipient(&self) -> Result<(), KmsFault> {
        match self.input.inside("Recipient") {
            None => Ok(()),
            Some(_) => Err(invalid("Recipient is not supported: there is no enclave to attest.")),
        }
    }

    /// Ends the operation here where the caller only asks whether it would succeed.
    pub(super) fn dry_run(&self) -> Result<(), KmsFault> {
        match self.input.flag("DryRun")? {
            false => Ok(()),
            true => Err(KmsFault::new(
                "DryRunOperationException",
                "The request would have succeeded, but the DryRun option is set.",
            )),
        }
    }
}

fn number_of_bytes(count: i64) -> KmsFault {
    let bound = if count < 1 { "greater than or equal to 1" } else { "less than or equal to 1024" };
    invalid(format!(
        "1 validation error detected: Value '{count}' at 'numberOfBytes' failed to satisfy constraint: \
         Member must have value {bound}"
    ))
}

fn no_randomness() -> KmsFault {
    KmsFault::new("KMSInternalException", "the system gives no random bytes")
}

fn random(count: i64) -> Result<Vec<u8>, KmsFault> {
    let mut bytes = vec![0; usize::try_from(count).unwrap_or_default()];
    rand::fill(&mut bytes).map_err(|_| no_randomness())?;
    Ok(bytes)
}
