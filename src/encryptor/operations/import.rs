//! Imported key material.
//!
//! An import token holds the private half of its wrapping key, sealed for one KMS key. So nothing is kept of a
//! GetParametersForImport, and its token still works after a restart.

use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrapPadded as _};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::aws::{KeySpec, KeyUsage, KmsAction};
use crate::encryptor::blob::{Blob, EncryptionContext, seal};
use crate::encryptor::body::{Body, Spelling, encoded};
use crate::encryptor::due::is_replica;
use crate::encryptor::imported::fits;
use crate::encryptor::material::{KeyPair, generate};
use crate::encryptor::state::{Imported, KeyRecord, date_text};
use crate::encryptor::work::{Found, Work, kind, origin, wrong_origin};
use crate::encryptor::{KmsError, Touched};
use crate::inventory::{Edit, Key};

use super::said::Said;

type Answer = Result<Value, KmsError>;

const DAY: i64 = 86_400;
/// The longest that material is valid.
const VALID: i64 = 365 * DAY;
const BLOB: usize = 6144;
/// How many characters the id of material has.
const MATERIAL_ID: usize = 64;
const EXPIRES: &str = "KEY_MATERIAL_EXPIRES";
const EXISTING: &str = "EXISTING_KEY_MATERIAL";
const NEW: &str = "NEW_KEY_MATERIAL";

/// The wrapping algorithms; a token names one by its place here. AWS takes the last two no more, or not
/// outside of China.
const ALGORITHMS: &[&str] = &[
    "RSAES_OAEP_SHA_256",
    "RSAES_OAEP_SHA_1",
    "RSA_AES_KEY_WRAP_SHA_256",
    "RSA_AES_KEY_WRAP_SHA_1",
    "RSAES_PKCS1_V1_5",
    "SM2PKE",
];

pub(super) fn get_parameters_for_import(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let algorithm = body.one_of("WrappingAlgorithm", ALGORITHMS)?;
    let algorithm = algorithm.ok_or_else(|| KmsError::missing("wrappingAlgorithm"))?;
    let spec = body.one_of("WrappingKeySpec", &["RSA_2048", "RSA_3072", "RSA_4096", "SM2"])?;
    let spec = spec.ok_or_else(|| KmsError::missing("wrappingKeySpec"))?;
    let said = Said::default().one("kms:WrappingAlgorithm", algorithm);
    let said = said.one("kms:WrappingKeySpec", spec);
    let key = external(work, id, KmsAction::GET_PARAMETERS_FOR_IMPORT, said)?;
    if spec == "SM2" || algorithm == "SM2PKE" || algorithm == "RSAES_PKCS1_V1_5" {
        let text = format!("Key material cannot be wrapped by {algorithm} under {spec}.");
        return Err(KmsError::unsupported(text));
    }
    let spec = KeySpec::parse(spec).ok_or_else(|| KmsError::missing("wrappingKeySpec"))?;
    let private = generate(spec, KeyUsage::EncryptDecrypt)?;
    let public = KeyPair::read(spec, KeyUsage::EncryptDecrypt, &private)?.public_der()?;
    let token = Token { algorithm, valid_to: work.now() + DAY, private };
    Ok(json!({ "KeyId": key.arn.as_str(), "ImportToken": encoded(&token.sealed(work, key)?),
        "PublicKey": encoded(&public), "ParametersValidTo": token.valid_to }))
}

pub(super) fn import_key_material(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let token = body.blob("ImportToken", BLOB)?;
    let wrapped = body.blob("EncryptedKeyMaterial", BLOB)?;
    let model = body.word("ExpirationModel", &[EXPIRES, "KEY_MATERIAL_DOES_NOT_EXPIRE"])?;
    let valid_to = body.instant("ValidTo")?;
    expires_rightly(work, model, valid_to)?;
    let wanted = Wanted::of(body)?;
    // Rule C51: its default is not told.
    let said = body.get("ExpirationModel").map(|_| model);
    let said = Said::default().some("kms:ExpirationModel", said);
    let said = said.some("kms:ValidTo", valid_to.map(date_text).as_deref());
    let key = external(work, id, KmsAction::IMPORT_KEY_MATERIAL, said)?;
    let (spec, usage) = kind(key);
    wanted.is_for(spec)?;
    let token = Token::opened(work, key, &token)?;
    let unreadable = || KmsError::bare("InvalidCiphertextException");
    let material = token.unwrapped(&wrapped)?.ok_or_else(unreadable)?;
    if !fits(spec, usage, &material) {
        return Err(incorrect(format!("The key material is none of a key of spec {spec}.")));
    }
    let mut made = work.taken_in(key, &material)?;
    made.valid_to = valid_to;
    let made_id = made.id.clone();
    let mut record = work.state().record(&key.arn);
    if record.imported.is_empty() {
        record.imported = of_related(work, key);
    }
    wanted.put(key, &mut record, made)?;
    record.renew_import(work.now());
    put(work, key, record);
    let mut answer = json!({ "KeyId": key.arn.as_str() });
    if let Some(members) = answer.as_object_mut().filter(|_| spec == KeySpec::SymmetricDefault) {
        members.insert("KeyMaterialId".into(), made_id.into());
    }
    Ok(answer)
}

pub(super) fn delete_imported_key_material(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, material) = (body.key_id("KeyId")?, material_id(body)?);
    let action = KmsAction::DELETE_IMPORTED_KEY_MATERIAL;
    let key = external(work, id, action, Said::default())?;
    let mut record = work.state().record(&key.arn);
    let current = record.rotations.len();
    let at = match material {
        None => current,
        Some(id) => record.imported.iter().position(|one| one.id == id).ok_or_else(|| {
            KmsError::not_found(format!("Key material '{id}' is not associated with {}", key.arn))
        })?,
    };
    let mut answer = json!({ "KeyId": key.arn.as_str() });
    if let (Some(one), Some(members)) = (record.imported.get(at), answer.as_object_mut()) {
        members.insert("KeyMaterialId".into(), one.id.as_str().into());
    }
    match record.imported.get_mut(at) {
        // What no rotation has made the current one is not bound to the key for good: other bytes can take
        // its place.
        Some(_) if at > current && !is_replica(key) => drop(record.imported.remove(at)),
        Some(one) => (one.sealed, one.valid_to) = (None, None),
        // The stand-in of material that nobody has here.
        None => record.awaits_import = true,
    }
    record.renew_import(work.now());
    put(work, key, record);
    Ok(answer)
}

/// The key that material is imported into, once the action is allowed.
fn external<'w>(
    work: &'w Work<'_>,
    id: &str,
    action: KmsAction,
    said: Said,
) -> Result<&'w Key, KmsError> {
    let Found { key, target } = work.find_key(id)?;
    work.authorize(action, target, said.0, &[])?;
    if origin(key) != "EXTERNAL" {
        return Err(wrong_origin(key));
    }
    work.can(key, action, action.name())?;
    Ok(key)
}

fn expires_rightly(work: &Work<'_>, model: &str, valid_to: Option<i64>) -> Result<(), KmsError> {
    let invalid = |text: &str| Err(KmsError::validation(text));
    match (model == EXPIRES, valid_to) {
        (true, None) => {
            invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
        }
        (false, Some(_)) => invalid(
            "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
        ),
        (true, Some(date)) if date <= work.now() => {
            invalid("The validTo date must lie in the future")
        }
        (true, Some(date)) if date > work.now() + VALID => {
            invalid("The validTo date must lie within 365 days")
        }
        _ => Ok(()),
    }
}

/// The changed record of a key, and the state that follows from it.
fn put(work: &Work<'_>, key: &Key, record: KeyRecord) {
    let arn = &key.arn;
    let related = match is_replica(key) {
        true => Vec::new(),
        false => work.state().related_with_imports(arn),
    };
    let touched: Vec<Touched> = related.iter().chain([arn]).cloned().map(Touched::Key).collect();
    let named = record.named();
    work.change(&touched, |state| {
        for other in &related {
            let mut of_other = state.record(other);
            of_other.follow(&named);
            of_other.renew_import(work.now());
            state.set_record(other, of_other);
        }
        if record.awaits_import {
            state.await_import(arn);
        } else {
            let mut after = key.clone();
            if let Some(metadata) = &mut after.metadata
                && metadata.state.as_deref() == Some("PendingImport")
            {
                metadata.state = Some("Enabled".into());
                state.apply(&Edit::PutKey { key: Box::new(after) });
            }
        }
        state.set_record(arn, record);
    });
}

/// What was imported into a related multi-Region key, which this one has to be given as well.
fn of_related(work: &Work<'_>, key: &Key) -> Vec<Imported> {
    let related = work.state().records().iter().find(|(arn, record)| {
        let same = arn.id() == key.arn.id() && arn.account() == key.arn.account();
        key.arn.is_multi_region() && same && !record.imported.is_empty()
    });
    related.map(|(_, record)| record.named()).unwrap_or_default()
}

fn incorrect(text: impl Into<String>) -> KmsError {
    KmsError::new("IncorrectKeyMaterialException", text)
}

/// What a body says of the material beside its bytes.
struct Wanted<'b> {
    kind: Option<&'static str>,
    id: Option<&'b str>,
    description: Option<&'b str>,
}

/// What names material: the digits of a digest.
fn material_id<'b>(body: &Body<'b>) -> Result<Option<&'b str>, KmsError> {
    const DIGITS: Spelling =
        (|text| text.chars().all(|one| matches!(one, '0'..='9' | 'a'..='f')), "^[a-f0-9]+$");
    match body.given("KeyMaterialId", MATERIAL_ID)? {
        Some(id) if id.len() < MATERIAL_ID => {
            let must = format!("Member must have length greater than or equal to {MATERIAL_ID}");
            Err(KmsError::constraint(Some(id), "keyMaterialId", &must))
        }
        Some(id) => Body::spelled("KeyMaterialId", id, DIGITS).map(Some),
        None => Ok(None),
    }
}

impl<'b> Wanted<'b> {
    fn of(body: &Body<'b>) -> Result<Self, KmsError> {
        let wanted = Self {
            kind: body.one_of("ImportType", &[NEW, EXISTING])?,
            id: material_id(body)?,
            description: body.given_or_empty("KeyMaterialDescription", 256)?,
        };
        if wanted.kind == Some(NEW) && wanted.id.is_some() {
            let text = "KeyMaterialId cannot be set if the ImportType is NEW_KEY_MATERIAL.";
            return Err(KmsError::validation(text));
        }
        Ok(wanted)
    }

    fn is_for(&self, spec: KeySpec) -> Result<(), KmsError> {
        let says = self.kind.is_some() || self.id.is_some() || self.description.is_some();
        if says && spec != KeySpec::SymmetricDefault {
            let text = "ImportType, KeyMaterialId and KeyMaterialDescription are for symmetric \
                        encryption keys alone.";
            return Err(KmsError::validation(text));
        }
        Ok(())
    }

    /// Puts material where it belongs: at the place that its bytes had before, or behind all others.
    fn put(&self, key: &Key, record: &mut KeyRecord, made: Imported) -> Result<(), KmsError> {
        let usual = if record.imported.is_empty() { NEW } else { EXISTING };
        let is_new = self.kind.unwrap_or(usual) == NEW;
        if self.kind == Some(NEW) && is_replica(key) {
            let arn = &key.arn;
            let text = format!("{arn} is a replica key: its primary key takes new material first.");
            return Err(KmsError::unsupported(text));
        }
        if self.id.is_some_and(|id| id != made.id) {
            return Err(incorrect("The key material is not the one of the KeyMaterialId."));
        }
        let is_waiting = record.has_waiting();
        let place = record.imported.iter_mut().find(|one| one.id == made.id);
        match (is_new, place) {
            (true, Some(_)) => {
                Err(incorrect("The key material is associated with the key already."))
            }
            (false, None) => {
                Err(incorrect("The key material is not the one that was imported before."))
            }
            (false, Some(one)) => {
                let description =
                    self.description.map_or_else(|| one.description.clone(), str::to_owned);
                *one = Imported { description, ..made };
                Ok(())
            }
            (true, None) if is_waiting => {
                let waiting = record.imported.last().map(|one| one.id.as_str()).unwrap_or_default();
                let text = format!(
                    "New key material (id: {}) cannot be imported into KMS key {}, because another key \
                     material (id: {waiting}) is pending rotation.",
                    made.id,
                    key.arn.id(),
                );
                Err(KmsError::new("KMSInvalidStateException", text))
            }
            (true, None) => {
                let description = self.description.unwrap_or_default().to_owned();
                // It takes the place of material that expired while it waited.
                record.imported.truncate(record.rotations.len() + 1);
                record.imported.push(Imported { description, ..made });
                Ok(())
            }
        }
    }
}

/// What an import token says.
struct Token {
    algorithm: &'static str,
    valid_to: i64,
    /// The private half of the wrapping key.
    private: Zeroizing<Vec<u8>>,
}

impl Token {
    fn sealed(&self, work: &Work<'_>, key: &Key) -> Result<Vec<u8>, KmsError> {
        let unknown = || KmsError::internal("a wrapping algorithm without a place");
        let algorithm = ALGORITHMS.iter().position(|name| *name == self.algorithm);
        let algorithm = algorithm.ok_or_else(unknown)? as u8;
        let mut text = Zeroizing::new(vec![algorithm]);
        text.extend_from_slice(&self.valid_to.to_be_bytes());
        text.extend_from_slice(&self.private);
        seal(&key.arn, 0, &work.materials().token_secret("import")?, &bound(key), &text)
    }

    /// Opens a token that was given for this key, while it is valid.
    fn opened(work: &Work<'_>, key: &Key, token: &[u8]) -> Result<Self, KmsError> {
        let invalid = || KmsError::bare("InvalidImportTokenException");
        let blob = Blob::parse(token).ok_or_else(invalid)?;
        let secret = work.materials().token_secret("import")?;
        let text = blob.open(&secret, &bound(key)).map_err(|_| invalid())?;
        let (algorithm, rest) = text.split_first().ok_or_else(invalid)?;
        let (valid_to, private) = rest.split_first_chunk().ok_or_else(invalid)?;
        let algorithm = ALGORITHMS.get(usize::from(*algorithm)).ok_or_else(invalid)?;
        let valid_to = i64::from_be_bytes(*valid_to);
        if valid_to <= work.now() {
            return Err(KmsError::bare("ExpiredImportTokenException"));
        }
        Ok(Self { algorithm, valid_to, private: Zeroizing::new(private.to_vec()) })
    }

    /// The material that was wrapped; nothing where it was wrapped otherwise.
    fn unwrapped(&self, wrapped: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
        // Any RSA spec reads any RSA key.
        let pair = KeyPair::read(KeySpec::Rsa4096, KeyUsage::EncryptDecrypt, &self.private)?;
        let Some(hash) = self.algorithm.strip_prefix("RSA_AES_KEY_WRAP_") else {
            return Ok(pair.decrypt(self.algorithm, wrapped).ok());
        };
        let Some((wrapping, wrapped)) = wrapped.split_at_checked(pair.length()) else {
            return Ok(None);
        };
        let aes = pair.decrypt(&format!("RSAES_OAEP_{hash}"), wrapping);
        Ok(aes.ok().and_then(|aes| unwrapped_by_aes(&aes, wrapped)))
    }
}

/// AES key wrap with padding (RFC 5649).
fn unwrapped_by_aes(key: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = if key.len() == 16 { &AES_128 } else { &AES_256 };
    let key = AesKek::new(cipher, key).ok()?;
    let mut out = Zeroizing::new(vec![0; wrapped.len()]);
    let length = key.unwrap_with_padding(wrapped, &mut out).ok()?.len();
    out.truncate(length);
    Some(out)
}

/// What a token is sealed with: the key that it is for, of related ones too.
fn bound(key: &Key) -> EncryptionContext {
    EncryptionContext::from([("key".to_owned(), key.arn.to_string())])
}
