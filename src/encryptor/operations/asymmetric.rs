//! Signatures, public keys, shared secrets.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::aws::{KeySpec, KeyUsage, KmsAction};
use crate::encryptor::KmsError;
use crate::encryptor::body::{Body, encoded};
use crate::encryptor::material::{KeyPair, Message};
use crate::encryptor::work::{Found, Work, kind, origin};
use crate::inventory::Key;

use super::said::Said;

type Answer = Result<Value, KmsError>;

const ALGORITHMS: &[&str] = &[
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "ECDSA_SHA_256",
    "ECDSA_SHA_384",
    "ECDSA_SHA_512",
    "SM2DSA",
    "ML_DSA_SHAKE_256",
    "ED25519_SHA_512",
    "ED25519_PH_SHA_512",
];

pub(super) fn sign(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let asked = asked(work, body, KmsAction::SIGN, || Ok(()))?;
    let message = Message::of(asked.kind, &asked.message);
    // A digest of the wrong length is found before DryRun ends the call.
    let signature = asked.pair.sign(asked.algorithm, &message)?;
    work.unless_dry_run(body.dry_run()?)?;
    Ok(json!({ "Signature": encoded(&signature), "SigningAlgorithm": asked.algorithm,
        "KeyId": asked.key.arn.as_str() }))
}

pub(super) fn verify(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let shape = || body.blob("Signature", 6144).map(drop);
    let asked = asked(work, body, KmsAction::VERIFY, shape)?;
    let message = Message::of(asked.kind, &asked.message);
    if !asked.pair.verify(asked.algorithm, &message, &body.blob("Signature", 6144)?)? {
        return Err(KmsError::bare("KMSInvalidSignatureException"));
    }
    work.unless_dry_run(body.dry_run()?)?;
    Ok(json!({ "SignatureValid": true, "SigningAlgorithm": asked.algorithm,
        "KeyId": asked.key.arn.as_str() }))
}

struct Asked<'w> {
    key: &'w Key,
    pair: Arc<KeyPair>,
    message: Vec<u8>,
    kind: &'static str,
    algorithm: &'static str,
}

fn asked<'w>(
    work: &'w Work<'_>,
    body: &Body<'_>,
    action: KmsAction,
    shape: impl Fn() -> Result<(), KmsError>,
) -> Result<Asked<'w>, KmsError> {
    let id = body.key_id("KeyId")?;
    let message = body.blob("Message", 4096)?.to_vec();
    let message_type = body.word("MessageType", &["RAW", "DIGEST", "EXTERNAL_MU"])?;
    let algorithm = body.one_of("SigningAlgorithm", ALGORITHMS)?;
    let algorithm = algorithm.ok_or_else(|| KmsError::missing("signingAlgorithm"))?;
    shape()?;
    let tokens = body.grant_tokens()?;
    body.dry_run()?;
    let Found { key, target } = work.find(id)?;
    let said = Said::default().one("kms:SigningAlgorithm", algorithm);
    work.authorize(action, target, said.one("kms:MessageType", message_type).0, &tokens)?;
    work.can(key, action, action.name())?;
    let (spec, usage) = kind(key);
    if usage != KeyUsage::SignVerify || !spec.info().signing_algorithms.contains(&algorithm) {
        let text = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
        return Err(KmsError::new("InvalidKeyUsageException", text));
    }
    if message_type == "EXTERNAL_MU" {
        return Err(external_mu(algorithm, &message));
    }
    if algorithm == "ED25519_PH_SHA_512" {
        let text = format!("keyreach does not sign with {algorithm} and {message_type}.");
        return Err(KmsError::unsupported(text));
    }
    let pair = work.pair(key)?;
    Ok(Asked { key, pair, message, kind: message_type, algorithm })
}

/// Why a message representative is not signed: the library makes it of the whole message itself, and takes
/// none.
fn external_mu(algorithm: &str, message: &[u8]) -> KmsError {
    if algorithm != "ML_DSA_SHAKE_256" {
        let text = format!("MessageType EXTERNAL_MU is incompatible with {algorithm}.");
        return KmsError::validation(text);
    }
    if message.len() != 64 {
        let text = "A message of MessageType EXTERNAL_MU must be 64 bytes long.";
        return KmsError::validation(text);
    }
    KmsError::unsupported(
        "keyreach has no cryptography for MessageType EXTERNAL_MU: hand over the whole message, with \
         MessageType RAW; the signatures are of the same kind.",
    )
}

pub(super) fn get_public_key(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, tokens) = (body.key_id("KeyId")?, body.grant_tokens()?);
    let Found { key, target } = work.find(id)?;
    work.authorize(KmsAction::GET_PUBLIC_KEY, target, Said::default().0, &tokens)?;
    let (spec, usage) = kind(key);
    work.can(key, KmsAction::GET_PUBLIC_KEY, "GetPublicKey").map_err(|error| match error.name {
        // AWS does not speak of usages here.
        "InvalidKeyUsageException" => {
            KmsError::unsupported(format!("{} has no public key.", key.arn))
        }
        _ => error,
    })?;
    if usage == KeyUsage::GenerateVerifyMac || spec == KeySpec::SymmetricDefault {
        return Err(KmsError::unsupported(format!("{} has no public key.", key.arn)));
    }
    let public = work.pair(key)?.public_der()?;
    let mut answer = json!({ "KeyId": key.arn.as_str(), "PublicKey": encoded(&public),
        "KeySpec": spec.as_str(), "CustomerMasterKeySpec": spec.as_str(),
        "KeyUsage": usage.as_str() });
    if let Some(members) = answer.as_object_mut() {
        let (name, list) = algorithms(spec, usage);
        members.insert(name.into(), list.to_vec().into());
    }
    Ok(answer)
}

/// The algorithms of a key, and under which name answers list them.
pub(super) fn algorithms(
    spec: KeySpec,
    usage: KeyUsage,
) -> (&'static str, &'static [&'static str]) {
    let info = spec.info();
    match usage {
        KeyUsage::EncryptDecrypt => ("EncryptionAlgorithms", &info.encryption_algorithms),
        KeyUsage::SignVerify => ("SigningAlgorithms", &info.signing_algorithms),
        KeyUsage::GenerateVerifyMac => ("MacAlgorithms", &info.mac_algorithms),
        KeyUsage::KeyAgreement => ("KeyAgreementAlgorithms", &info.key_agreement_algorithms),
        KeyUsage::EncapsulateDecapsulate => {
            ("EncapsulationAlgorithms", &info.encapsulation_algorithms)
        }
    }
}

pub(super) fn derive_shared_secret(work: &Work<'_>, body: &Body<'_>) -> Answer {
    body.no_recipient()?;
    let id = body.key_id("KeyId")?;
    let algorithm = body.one_of("KeyAgreementAlgorithm", &["ECDH"])?;
    let algorithm = algorithm.ok_or_else(|| KmsError::missing("keyAgreementAlgorithm"))?;
    let public = body.blob("PublicKey", 8192)?;
    let (dry_run, tokens) = (body.dry_run()?, body.grant_tokens()?);
    let Found { key, target } = work.find(id)?;
    let said = Said::default().one("kms:KeyAgreementAlgorithm", algorithm);
    work.authorize(KmsAction::DERIVE_SHARED_SECRET, target, said.0, &tokens)?;
    work.can(key, KmsAction::DERIVE_SHARED_SECRET, "DeriveSharedSecret")?;
    let invalid = || KmsError::validation("The public key does not fit the key.");
    let secret = work.pair(key)?.agree(&public).ok_or_else(invalid)?;
    work.unless_dry_run(dry_run)?;
    Ok(json!({ "KeyId": key.arn.as_str(), "SharedSecret": encoded(&secret),
        "KeyAgreementAlgorithm": algorithm, "KeyOrigin": origin(key) }))
}

/// The only algorithm of key encapsulation.
const ML_KEM: &str = "ML_KEM";

pub(super) fn encapsulate(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (key, pair) = capsule(work, body, KmsAction::ENCAPSULATE)?;
    work.unless_dry_run(body.dry_run()?)?;
    let (carrier, secret) = pair.encapsulate()?;
    Ok(json!({ "KeyId": key.arn.as_str(), "SharedSecretCiphertextBlob": encoded(&carrier),
        "SharedSecret": encoded(&secret), "EncapsulationAlgorithm": ML_KEM }))
}

pub(super) fn decapsulate(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let carrier = body.blob("SharedSecretCiphertextBlob", 6144)?;
    let (key, pair) = capsule(work, body, KmsAction::DECAPSULATE)?;
    let secret = pair.decapsulate(&carrier)?;
    work.unless_dry_run(body.dry_run()?)?;
    Ok(json!({ "KeyId": key.arn.as_str(), "SharedSecret": encoded(&secret),
        "EncapsulationAlgorithm": ML_KEM }))
}

fn capsule<'w>(
    work: &'w Work<'_>,
    body: &Body<'_>,
    action: KmsAction,
) -> Result<(&'w Key, Arc<KeyPair>), KmsError> {
    let id = body.key_id("KeyId")?;
    let algorithm = body.one_of("EncapsulationAlgorithm", &[ML_KEM])?;
    algorithm.ok_or_else(|| KmsError::missing("encapsulationAlgorithm"))?;
    let tokens = body.grant_tokens()?;
    body.dry_run()?;
    let Found { key, target } = work.find(id)?;
    work.authorize(action, target, Said::default().0, &tokens)?;
    work.can(key, action, action.name())?;
    Ok((key, work.pair(key)?))
}
