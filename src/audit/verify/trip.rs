//! One cell's round trip: the operation as the principal, and its other half by hand.
#![expect(clippy::indexing_slicing, reason = "of JSON: a member that is not there reads as null")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::aws::{Category, KeyArn, KmsAction as K};
use crate::decision::{Context, ContextValue, Request};
use crate::encryptor::{Ambient, Caller, Encryptor, KmsError};

use super::scene::other_key;

const SECRET: &[u8] = b"attack at dawn";

/// How a trip ended.
pub(super) enum Trip {
    /// What went in came out.
    Done,
    /// The action has no cryptography; the permission was given.
    Permitted,
    /// The permission was given and the operation failed for another reason: the error.
    Allowed(KmsError),
    /// The permission was refused.
    Refused(KmsError),
    /// The operation succeeded, and what came out is not what went in.
    Wrong(&'static str),
}

/// Makes `request` for real. `sealed_by` is the key whose ciphertext a Decrypt is to open, where that is a
/// sibling of the request's.
pub(super) fn travel(
    encryptor: &Encryptor,
    request: &Request,
    key: Option<&KeyArn>,
    sealed: Option<&Value>,
) -> Trip {
    let is_operation = request.action.info().category == Category::Use
        || [K::GET_PUBLIC_KEY, K::GENERATE_RANDOM].contains(&request.action);
    let Some(key) = key.filter(|_| is_operation) else {
        let decision = encryptor.decide(request);
        return match decision.is_allowed() {
            true => Trip::Permitted,
            false => Trip::Refused(KmsError::refused(request.clone(), decision)),
        };
    };
    let traveller = Traveller::new(encryptor, request, key);
    match traveller.go(sealed) {
        Ok(true) => Trip::Done,
        Ok(false) => Trip::Wrong("what came out is not what went in"),
        Err(Half::Own(error)) if error.name == "AccessDeniedException" => Trip::Refused(error),
        // Another check came first: whether the permission is given is asked by itself.
        Err(Half::Own(error) | Half::Other(error)) => {
            let decision = encryptor.decide(request);
            match decision.is_allowed() {
                true => Trip::Allowed(error),
                false => Trip::Refused(KmsError::refused(request.clone(), decision)),
            }
        }
    }
}

/// Which half of a trip failed.
enum Half {
    /// The principal's own.
    Own(KmsError),
    /// The one that is made by hand.
    Other(KmsError),
}

struct Traveller<'e> {
    encryptor: &'e Encryptor,
    request: &'e Request,
    key: &'e KeyArn,
    caller: Caller,
    ambient: Ambient,
    pairs: Map<String, Value>,
}

/// What bodies say, and ambient contexts do not.
const OF_BODIES: [&str; 8] = [
    "kms:EncryptionContextKeys",
    "kms:EncryptionAlgorithm",
    "kms:SigningAlgorithm",
    "kms:MessageType",
    "kms:MacAlgorithm",
    "kms:KeyAgreementAlgorithm",
    "kms:DataKeyPairSpec",
    "kms:ReEncryptOnSameKey",
];

const CONTEXT: &str = "kms:EncryptionContext:";

impl<'e> Traveller<'e> {
    fn new(encryptor: &'e Encryptor, request: &'e Request, key: &'e KeyArn) -> Self {
        let mut pairs = Map::new();
        for (name, entry) in request.context.with_prefix(CONTEXT) {
            if let ContextValue::One(value) = &entry.value {
                pairs.insert(name.to_owned(), (**value).into());
            }
        }
        let mut ambient = Context::default();
        for name in request.context.absent() {
            ambient.set_absent(name);
        }
        for entry in request.context.entries() {
            let is = |name: &&str| entry.name.eq_ignore_ascii_case(name);
            let begins = entry.name.get(..CONTEXT.len());
            let is_pair = begins.is_some_and(|begins| begins.eq_ignore_ascii_case(CONTEXT));
            // Keys of a context that has no pairs are what the witness says and no body can.
            let is_lone = pairs.is_empty() && is(&"kms:EncryptionContextKeys");
            if is_lone || !is_pair && !OF_BODIES.iter().any(is) {
                ambient.set(&entry.name, entry.value.clone());
            }
        }
        let mut caller = Caller::new(request.caller.clone(), key.region());
        caller.session_policies.clone_from(&request.session_policies);
        let ambient = Ambient { context: ambient, request_id: None };
        Self { encryptor, request, key, caller, ambient, pairs }
    }

    /// What the request says of a condition key that a body carries.
    fn said(&self, name: &str) -> Option<&str> {
        self.request.context.get(name)?.value.values().first().map(AsRef::as_ref)
    }

    fn own(&self, operation: &str, body: Value) -> Result<Value, Half> {
        let who = (&self.caller, &self.ambient);
        self.encryptor.call_for(self.request.action, who, operation, &body).map_err(Half::Own)
    }

    fn other(&self, operation: &str, body: Value) -> Result<Value, Half> {
        self.encryptor.by_hand(self.key, operation, &body).map_err(Half::Other)
    }

    fn go(&self, sealed: Option<&Value>) -> Result<bool, Half> {
        match self.request.action {
            K::ENCRYPT => {
                let blob = self.own("Encrypt", self.plain())?;
                Ok(self.opens(&blob["CiphertextBlob"], "EncryptionAlgorithm")? == encoded(SECRET))
            }
            K::DECRYPT => {
                let blob = match sealed {
                    Some(blob) => blob.clone(),
                    None => self.sealed(self.key)?,
                };
                let opened = self.own("Decrypt", self.cipher(&blob))?;
                Ok(opened["Plaintext"] == encoded(SECRET))
            }
            K::RE_ENCRYPT_FROM | K::RE_ENCRYPT_TO => self.re_encrypt(),
            K::GENERATE_DATA_KEY => {
                let made = self
                    .own("GenerateDataKey", self.with_context(json!({ "KeySpec": "AES_256" })))?;
                let opened = self.opens(&made["CiphertextBlob"], "")?;
                Ok(made["Plaintext"].is_string() && opened == made["Plaintext"])
            }
            K::GENERATE_DATA_KEY_WITHOUT_PLAINTEXT => {
                let body = self.with_context(json!({ "NumberOfBytes": 32 }));
                let made = self.own("GenerateDataKeyWithoutPlaintext", body)?;
                Ok(self
                    .opens(&made["CiphertextBlob"], "")?
                    .as_str()
                    .is_some_and(|it| it.len() == 44))
            }
            K::GENERATE_DATA_KEY_PAIR | K::GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT => {
                let spec = self.said("kms:DataKeyPairSpec").unwrap_or("ECC_NIST_P256");
                let body = self.with_context(json!({ "KeyPairSpec": spec }));
                let made = self.own(self.request.action.name(), body)?;
                let opened = self.opens(&made["PrivateKeyCiphertextBlob"], "")?;
                let plain = made.get("PrivateKeyPlaintext");
                Ok(opened.is_string() && plain.is_none_or(|plain| *plain == opened))
            }
            K::GENERATE_RANDOM => {
                let made = self.own("GenerateRandom", json!({ "NumberOfBytes": 24 }))?;
                Ok(made["Plaintext"].as_str().is_some_and(|it| it.len() == 32))
            }
            K::SIGN => {
                let signed = self.own("Sign", self.to_sign())?;
                let body = joined(self.to_sign(), "Signature", signed["Signature"].clone());
                Ok(self.other("Verify", body)?["SignatureValid"] == true)
            }
            K::VERIFY => {
                let signed = self.other("Sign", self.to_sign())?;
                let body = joined(self.to_sign(), "Signature", signed["Signature"].clone());
                Ok(self.own("Verify", body)?["SignatureValid"] == true)
            }
            K::GENERATE_MAC => {
                let made = self.own("GenerateMac", self.to_mac())?;
                let body = joined(self.to_mac(), "Mac", made["Mac"].clone());
                Ok(self.other("VerifyMac", body)?["MacValid"] == true)
            }
            K::VERIFY_MAC => {
                let made = self.other("GenerateMac", self.to_mac())?;
                let body = joined(self.to_mac(), "Mac", made["Mac"].clone());
                Ok(self.own("VerifyMac", body)?["MacValid"] == true)
            }
            K::GET_PUBLIC_KEY => {
                Ok(self.own("GetPublicKey", self.keyed(json!({})))?["PublicKey"].is_string())
            }
            K::DERIVE_SHARED_SECRET => {
                let public =
                    self.other("GetPublicKey", self.keyed(json!({})))?["PublicKey"].clone();
                let algorithm = self.said("kms:KeyAgreementAlgorithm").unwrap_or("ECDH");
                let body =
                    self.keyed(json!({ "KeyAgreementAlgorithm": algorithm, "PublicKey": public }));
                let own = self.own("DeriveSharedSecret", body.clone())?;
                let other = self.other("DeriveSharedSecret", body)?;
                Ok(own["SharedSecret"].is_string() && own["SharedSecret"] == other["SharedSecret"])
            }
            K::ENCAPSULATE => {
                let made = self.own("Encapsulate", self.keyed(encapsulating()))?;
                let body = self.keyed(carrying(&made));
                let opened = self.other("Decapsulate", body)?;
                Ok(made["SharedSecret"].is_string()
                    && made["SharedSecret"] == opened["SharedSecret"])
            }
            K::DECAPSULATE => {
                let made = self.other("Encapsulate", self.keyed(encapsulating()))?;
                let body = self.keyed(carrying(&made));
                let opened = self.own("Decapsulate", body)?;
                Ok(made["SharedSecret"].is_string()
                    && made["SharedSecret"] == opened["SharedSecret"])
            }
            action => Err(Half::Other(KmsError::internal(format!("{} is no trip", action.name())))),
        }
    }

    /// From this key to another, or from another to this one: the permission of one half is what is
    /// proven. `kms:ReEncryptOnSameKey` says whether the other is this one.
    fn re_encrypt(&self) -> Result<bool, Half> {
        let same = self.said("kms:ReEncryptOnSameKey") == Some("true");
        let unknown = || Half::Other(KmsError::internal("no other key"));
        let other =
            if same { self.key.clone() } else { other_key(self.key).ok_or_else(unknown)? };
        let from = self.request.action == K::RE_ENCRYPT_FROM;
        let (source, destination) = if from { (self.key, &other) } else { (&other, self.key) };
        let algorithm = |mine: bool| match mine || same {
            true => self.said("kms:EncryptionAlgorithm").unwrap_or("SYMMETRIC_DEFAULT"),
            false => "SYMMETRIC_DEFAULT",
        };
        let context = |mine: bool| if mine { self.pairs.clone() } else { Map::new() };
        let sealed = json!({ "KeyId": source.as_str(), "Plaintext": encoded(SECRET),
            "EncryptionAlgorithm": algorithm(from), "EncryptionContext": context(from) });
        let blob = self.other("Encrypt", sealed)?["CiphertextBlob"].clone();
        let body = json!({ "CiphertextBlob": blob, "SourceKeyId": source.as_str(),
            "SourceEncryptionContext": context(from), "SourceEncryptionAlgorithm": algorithm(from),
            "DestinationKeyId": destination.as_str(), "DestinationEncryptionContext": context(!from),
            "DestinationEncryptionAlgorithm": algorithm(!from) });
        let made = self.own("ReEncrypt", body)?["CiphertextBlob"].clone();
        let open = json!({ "KeyId": destination.as_str(), "CiphertextBlob": made,
            "EncryptionAlgorithm": algorithm(!from), "EncryptionContext": context(!from) });
        Ok(self.other("Decrypt", open)?["Plaintext"] == encoded(SECRET))
    }

    /// `body` with the key and the encryption context.
    fn with_context(&self, body: Value) -> Value {
        let body = self.keyed(body);
        match self.pairs.is_empty() {
            true => body,
            false => joined(body, "EncryptionContext", self.pairs.clone().into()),
        }
    }

    fn keyed(&self, body: Value) -> Value {
        joined(body, "KeyId", self.key.as_str().into())
    }

    fn with_algorithm(&self, body: Value, member: &str) -> Value {
        match self.said(&format!("kms:{member}")) {
            Some(algorithm) => joined(body, member, algorithm.into()),
            None => body,
        }
    }

    fn plain(&self) -> Value {
        let body = self.with_context(json!({ "Plaintext": encoded(SECRET) }));
        self.with_algorithm(body, "EncryptionAlgorithm")
    }

    fn cipher(&self, blob: &Value) -> Value {
        let body = self.with_context(json!({ "CiphertextBlob": blob }));
        self.with_algorithm(body, "EncryptionAlgorithm")
    }

    /// A ciphertext that is there already.
    fn sealed(&self, key: &KeyArn) -> Result<Value, Half> {
        let body = joined(self.plain(), "KeyId", key.as_str().into());
        Ok(self.other("Encrypt", body)?["CiphertextBlob"].clone())
    }

    /// What a ciphertext of this key holds.
    fn opens(&self, blob: &Value, algorithm: &str) -> Result<Value, Half> {
        let body = self.with_context(json!({ "CiphertextBlob": blob }));
        let body = if algorithm.is_empty() { body } else { self.with_algorithm(body, algorithm) };
        Ok(self.other("Decrypt", body)?["Plaintext"].clone())
    }

    fn to_sign(&self) -> Value {
        let algorithm = self.said("kms:SigningAlgorithm").unwrap_or("ECDSA_SHA_256");
        let kind = self.said("kms:MessageType").unwrap_or("RAW");
        let length = match algorithm.rsplit('_').next() {
            Some("384") => 48,
            Some("512") => 64,
            _ => 32,
        };
        self.keyed(json!({ "Message": encoded(&vec![7; length]), "MessageType": kind,
            "SigningAlgorithm": algorithm }))
    }

    fn to_mac(&self) -> Value {
        let algorithm = self.said("kms:MacAlgorithm").unwrap_or("HMAC_SHA_256");
        self.keyed(json!({ "Message": encoded(SECRET), "MacAlgorithm": algorithm }))
    }
}

/// What a ciphertext for `request` would be, made by hand under `key` before anything happens.
pub(super) fn sealed(encryptor: &Encryptor, request: &Request, key: &KeyArn) -> Option<Value> {
    Traveller::new(encryptor, request, key).sealed(key).ok()
}

/// What a body says of how a secret is carried.
fn encapsulating() -> Value {
    json!({ "EncapsulationAlgorithm": "ML_KEM" })
}

/// The body that opens what `made` says.
fn carrying(made: &Value) -> Value {
    let carrier = made["SharedSecretCiphertextBlob"].clone();
    joined(encapsulating(), "SharedSecretCiphertextBlob", carrier)
}

fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `body` with one member more.
fn joined(mut body: Value, name: &str, value: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    body
}
