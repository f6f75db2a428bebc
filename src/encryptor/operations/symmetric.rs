//! Encrypt, Decrypt, ReEncrypt, data keys, random bytes. RSA keys encrypt too.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::aws::{KeySpec, KeyUsage, KmsAction};
use crate::decision::Target;
use crate::encryptor::KmsError;
use crate::encryptor::blob::{Blob, EncryptionContext, seal};
use crate::encryptor::body::{Body, KEY_ID, encoded};
use crate::encryptor::secret::random;
use crate::encryptor::work::{Found, Work, kind};
use crate::inventory::Key;

use super::said::Said;

type Answer = Result<Value, KmsError>;

const PLAINTEXT: usize = 4096;
const CIPHERTEXT: usize = 6144;
/// How many bytes the material has.
const MATERIAL: usize = 32;
const ALGORITHMS: &[&str] =
    &["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"];

pub(super) fn encrypt(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let plaintext = body.blob("Plaintext", PLAINTEXT)?;
    let context = body.encryption_context("EncryptionContext")?;
    let algorithm = body.word("EncryptionAlgorithm", ALGORITHMS)?;
    let (dry_run, tokens) = (body.dry_run()?, body.grant_tokens()?);
    let Found { key, target } = work.find(id)?;
    let said = Said::default().one("kms:EncryptionAlgorithm", algorithm).pairs(&context);
    work.authorize(KmsAction::ENCRYPT, target, said.0, &tokens)?;
    work.can(key, KmsAction::ENCRYPT, "Encrypt")?;
    fits(key, algorithm, &context)?;
    room(work, key, algorithm, plaintext.len())?;
    work.unless_dry_run(dry_run)?;
    let blob = encrypted(work, key, algorithm, &context, &plaintext)?;
    Ok(json!({ "CiphertextBlob": encoded(&blob), "KeyId": key.arn.as_str(),
        "EncryptionAlgorithm": algorithm }))
}

pub(super) fn decrypt(work: &Work<'_>, body: &Body<'_>) -> Answer {
    body.no_recipient()?;
    let Sealed { blob, key: id, is_ignored } = Sealed::of(body, "KeyId")?;
    let context = body.encryption_context("EncryptionContext")?;
    let algorithm = body.word("EncryptionAlgorithm", ALGORITHMS)?;
    let (dry_run, tokens) = (body.dry_run()?, body.grant_tokens()?);
    let source = source(work, id, &blob, algorithm)?;
    let Found { key, target } = source.found;
    let said = Said::default().one("kms:EncryptionAlgorithm", algorithm).pairs(&context);
    let authorized = work.authorize(KmsAction::DECRYPT, target, said.0, &tokens);
    source.is_named.told(authorized)?;
    source.is_named.check()?;
    work.can(key, KmsAction::DECRYPT, "Decrypt")?;
    fits(key, algorithm, &context)?;
    work.unless_dry_run(is_ignored)?;
    let plaintext = opened(work, key, algorithm, &context, &blob)?;
    work.unless_dry_run(dry_run)?;
    let answer = json!({ "Plaintext": encoded(&plaintext), "KeyId": key.arn.as_str(),
        "EncryptionAlgorithm": algorithm });
    with_material(work, key, &blob, "KeyMaterialId", answer)
}

pub(super) fn re_encrypt(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let Sealed { blob, key: id, is_ignored } = Sealed::of(body, "SourceKeyId")?;
    let from = body.encryption_context("SourceEncryptionContext")?;
    let to = body.encryption_context("DestinationEncryptionContext")?;
    let source_algorithm = body.word("SourceEncryptionAlgorithm", ALGORITHMS)?;
    let algorithm = body.word("DestinationEncryptionAlgorithm", ALGORITHMS)?;
    let destination = body.key_id("DestinationKeyId")?;
    let (dry_run, tokens) = (body.dry_run()?, body.grant_tokens()?);
    let source = source(work, id, &blob, source_algorithm)?;
    let destination = work.find(destination)?;
    let same = (source.found.key.arn == destination.key.arn).to_string();
    let said = |algorithm, context| {
        let said = Said::default().one("kms:EncryptionAlgorithm", algorithm);
        said.one("kms:ReEncryptOnSameKey", &same).pairs(context).0
    };
    let asked = said(source_algorithm, &from);
    let authorized =
        work.authorize(KmsAction::RE_ENCRYPT_FROM, source.found.target, asked, &tokens);
    source.is_named.told(authorized)?;
    let asked = said(algorithm, &to);
    work.authorize(KmsAction::RE_ENCRYPT_TO, destination.target, asked, &tokens)?;
    let (old, new) = (source.found.key, destination.key);
    source.is_named.check()?;
    work.can(old, KmsAction::RE_ENCRYPT_FROM, "ReEncrypt")?;
    work.can(new, KmsAction::RE_ENCRYPT_TO, "ReEncrypt")?;
    fits(old, source_algorithm, &from)?;
    fits(new, algorithm, &to)?;
    work.unless_dry_run(is_ignored)?;
    let plaintext = opened(work, old, source_algorithm, &from, &blob)?;
    room(work, new, algorithm, plaintext.len())?;
    work.unless_dry_run(dry_run)?;
    let made = encrypted(work, new, algorithm, &to, &plaintext)?;
    let answer = json!({ "CiphertextBlob": encoded(&made), "SourceKeyId": old.arn.as_str(),
        "KeyId": new.arn.as_str(), "SourceEncryptionAlgorithm": source_algorithm,
        "DestinationEncryptionAlgorithm": algorithm });
    let answer = with_material(work, old, &blob, "SourceKeyMaterialId", answer)?;
    with_material(work, new, &made, "DestinationKeyMaterialId", answer)
}

pub(super) fn generate_data_key(work: &Work<'_>, body: &Body<'_>) -> Answer {
    data_key(work, body, KmsAction::GENERATE_DATA_KEY, true)
}

pub(super) fn generate_data_key_without_plaintext(work: &Work<'_>, body: &Body<'_>) -> Answer {
    data_key(work, body, KmsAction::GENERATE_DATA_KEY_WITHOUT_PLAINTEXT, false)
}

fn data_key(work: &Work<'_>, body: &Body<'_>, action: KmsAction, plain: bool) -> Answer {
    body.no_recipient()?;
    let id = body.key_id("KeyId")?;
    let context = body.encryption_context("EncryptionContext")?;
    let spec = body.one_of("KeySpec", &["AES_256", "AES_128"])?;
    let bytes = body.number("NumberOfBytes", 1, 1024)?;
    let length = match (spec, bytes) {
        (Some("AES_128"), None) => 16,
        (Some(_), None) => 32,
        (None, Some(bytes)) => bytes as usize,
        (None, None) => {
            let text = "Please specify either number of bytes or key spec.";
            return Err(KmsError::validation(text));
        }
        (Some(_), Some(_)) => {
            let text = "Please specify either number of bytes or key spec, but not both.";
            return Err(KmsError::validation(text));
        }
    };
    let (dry_run, tokens) = (body.dry_run()?, body.grant_tokens()?);
    let key = with_symmetric(work, (id, action), &context, &tokens)?;
    work.unless_dry_run(dry_run)?;
    let plaintext = random(length)?;
    let blob = encrypted(work, key, "SYMMETRIC_DEFAULT", &context, &plaintext)?;
    let mut answer = json!({ "CiphertextBlob": encoded(&blob), "KeyId": key.arn.as_str() });
    if let Some(members) = answer.as_object_mut().filter(|_| plain) {
        members.insert("Plaintext".into(), encoded(&plaintext).into());
    }
    with_material(work, key, &blob, "KeyMaterialId", answer)
}

/// An answer with the id of the material that sealed a blob: of symmetric keys alone.
pub(super) fn with_material(
    work: &Work<'_>,
    key: &Key,
    blob: &[u8],
    name: &str,
    mut answer: Value,
) -> Answer {
    let version = match kind(key).0 {
        KeySpec::SymmetricDefault => Blob::parse(blob).map(|blob| blob.version),
        _ => None,
    };
    let id = version.map(|version| work.material_id(key, version)).transpose()?;
    if let Some(members) = answer.as_object_mut() {
        members.extend(id.map(|id| (name.to_owned(), id.into())));
    }
    Ok(answer)
}

/// The symmetric key that a data key is made under, once that is allowed and can be.
pub(super) fn with_symmetric<'w>(
    work: &'w Work<'_>,
    (id, action): (&str, KmsAction),
    context: &EncryptionContext,
    tokens: &[&str],
) -> Result<&'w Key, KmsError> {
    let Found { key, target } = work.find(id)?;
    let said = Said::default().one("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT").pairs(context);
    work.authorize(action, target, said.0, tokens)?;
    work.can(key, action, action.name())?;
    fits(key, "SYMMETRIC_DEFAULT", context)?;
    Ok(key)
}

pub(super) fn generate_random(work: &Work<'_>, body: &Body<'_>) -> Answer {
    body.no_recipient()?;
    let bytes = body.number("NumberOfBytes", 1, 1024)?;
    let bytes = bytes.ok_or_else(|| KmsError::validation("NumberOfBytes is required."))?;
    work.authorize(KmsAction::GENERATE_RANDOM, Target::Account, Said::default().0, &[])?;
    if body.get("CustomKeyStoreId").is_some() {
        return Err(KmsError::unsupported("keyreach has no custom key stores."));
    }
    Ok(json!({ "Plaintext": encoded(&random(bytes as usize)?) }))
}

/// The ciphertext of a body.
struct Sealed<'v> {
    blob: Zeroizing<Vec<u8>>,
    /// The key that the body names.
    key: Option<&'v str>,
    /// Whether a dry run does without it, of a key that is named then.
    is_ignored: bool,
}

impl<'v> Sealed<'v> {
    fn of(body: &Body<'v>, key: &str) -> Result<Self, KmsError> {
        match body.ignores_ciphertext()? {
            true => {
                body.blob_if_any("CiphertextBlob", CIPHERTEXT)?;
                let key = Some(body.key_id(key)?);
                Ok(Self { blob: Zeroizing::default(), key, is_ignored: true })
            }
            false => {
                let blob = body.blob("CiphertextBlob", CIPHERTEXT)?;
                Ok(Self { blob, key: body.given(key, KEY_ID)?, is_ignored: false })
            }
        }
    }
}

/// The key of a ciphertext.
struct Source<'w> {
    found: Found<'w>,
    is_named: Named,
}

/// Whether the key that the request names is the one that the blob names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Same,
    Another,
    /// The request names none.
    ByBlob,
}

impl Named {
    fn check(self) -> Result<(), KmsError> {
        let text =
            "The key ID in the request does not identify a CMK that can perform this operation.";
        match self {
            Self::Same | Self::ByBlob => Ok(()),
            Self::Another => Err(KmsError::new("IncorrectKeyException", text)),
        }
    }

    /// A refusal does not tell a foreign key that only a blob names from one that is not there.
    fn told(self, authorized: Result<(), KmsError>) -> Result<(), KmsError> {
        authorized.map_err(|error| if self == Self::ByBlob { error.of_blob() } else { error })
    }
}

/// The key that a blob names; for a bare RSA ciphertext the one that the request does. A blob that cannot
/// be read tells nobody who may not know: the request's key is asked for first, where there is one.
fn source<'w>(
    work: &'w Work<'_>,
    id: Option<&str>,
    blob: &[u8],
    algorithm: &str,
) -> Result<Source<'w>, KmsError> {
    let named = id.map(|id| work.find(id)).transpose()?;
    if algorithm != "SYMMETRIC_DEFAULT" {
        let found = named.ok_or_else(|| KmsError::missing("keyId"))?;
        return Ok(Source { found, is_named: Named::Same });
    }
    let of_blob = Blob::parse(blob).and_then(|blob| blob.key(work.region()));
    match (named, of_blob) {
        (Some(found), of_blob) => {
            let same = of_blob.is_none_or(|arn| arn == found.key.arn);
            let is_named = if same { Named::Same } else { Named::Another };
            Ok(Source { found, is_named })
        }
        (None, None) => Err(KmsError::bare("InvalidCiphertextException")),
        (None, Some(arn)) => {
            let here = Some(&arn).filter(|arn| arn.region() == work.region());
            let key = here.and_then(|arn| work.world().key(arn));
            let key = key.ok_or_else(KmsError::foreign_blob)?;
            let found = Found { key, target: Target::Key(arn) };
            Ok(Source { found, is_named: Named::ByBlob })
        }
    }
}

/// Whether the key encrypts by the algorithm, and with an encryption context where there is one.
fn fits(key: &Key, algorithm: &str, context: &EncryptionContext) -> Result<(), KmsError> {
    let (spec, usage) = kind(key);
    if usage != KeyUsage::EncryptDecrypt || !spec.info().encryption_algorithms.contains(&algorithm)
    {
        let text = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
        return Err(KmsError::new("InvalidKeyUsageException", text));
    }
    if spec != KeySpec::SymmetricDefault && !context.is_empty() {
        let text = "EncryptionContext is not supported when using asymmetric keys.";
        return Err(KmsError::validation(text));
    }
    Ok(())
}

fn room(work: &Work<'_>, key: &Key, algorithm: &str, length: usize) -> Result<(), KmsError> {
    let (spec, _) = kind(key);
    if spec == KeySpec::SymmetricDefault {
        return Ok(());
    }
    let room = work.pair(key)?.room(algorithm);
    let text = format!(
        "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {room} bytes."
    );
    if length > room { Err(KmsError::validation(text)) } else { Ok(()) }
}

pub(super) fn encrypted(
    work: &Work<'_>,
    key: &Key,
    algorithm: &str,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, KmsError> {
    match kind(key) {
        (KeySpec::SymmetricDefault, _) => {
            let version = work.version(key);
            let material = work.symmetric(key, version, MATERIAL)?;
            seal(&key.arn, version, &material, context, plaintext)
        }
        _ => work.pair(key)?.encrypt(algorithm, plaintext),
    }
}

fn opened(
    work: &Work<'_>,
    key: &Key,
    algorithm: &str,
    context: &EncryptionContext,
    blob: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    match kind(key) {
        (KeySpec::SymmetricDefault, _) => {
            let invalid = || KmsError::bare("InvalidCiphertextException");
            let blob = Blob::parse(blob).ok_or_else(invalid)?;
            blob.open(&work.symmetric(key, blob.version, MATERIAL)?, context)
        }
        _ => work.pair(key)?.decrypt(algorithm, blob),
    }
}
