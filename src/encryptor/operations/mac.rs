//! Message authentication codes.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::aws::{KeySpec, KeyUsage, KmsAction};
use crate::encryptor::KmsError;
use crate::encryptor::body::{Body, encoded};
use crate::encryptor::work::{Found, Work, kind};
use crate::inventory::Key;

use super::said::Said;

type Answer = Result<Value, KmsError>;

const ALGORITHMS: &[&str] = &["HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"];

pub(super) fn generate_mac(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let asked = asked(work, body, KmsAction::GENERATE_MAC, || Ok(()))?;
    work.unless_dry_run(body.dry_run()?)?;
    let mac = hmac::sign(&asked.secret, &asked.message);
    Ok(json!({ "Mac": encoded(mac.as_ref()), "MacAlgorithm": asked.algorithm,
        "KeyId": asked.key.arn.as_str() }))
}

pub(super) fn verify_mac(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let shape = || body.blob("Mac", 6144).map(drop);
    let asked = asked(work, body, KmsAction::VERIFY_MAC, shape)?;
    let mac = body.blob("Mac", 6144)?;
    let invalid = |_| KmsError::bare("KMSInvalidMacException");
    hmac::verify(&asked.secret, &asked.message, &mac).map_err(invalid)?;
    work.unless_dry_run(body.dry_run()?)?;
    Ok(json!({ "MacValid": true, "MacAlgorithm": asked.algorithm,
        "KeyId": asked.key.arn.as_str() }))
}

struct Asked<'w> {
    key: &'w Key,
    secret: hmac::Key,
    message: Vec<u8>,
    algorithm: &'static str,
}

/// What both need, in the order of the checks; `shape` checks the members of one alone.
fn asked<'w>(
    work: &'w Work<'_>,
    body: &Body<'_>,
    action: KmsAction,
    shape: impl Fn() -> Result<(), KmsError>,
) -> Result<Asked<'w>, KmsError> {
    let id = body.key_id("KeyId")?;
    let message = body.blob("Message", 4096)?.to_vec();
    let algorithm = body.one_of("MacAlgorithm", ALGORITHMS)?;
    let algorithm = algorithm.ok_or_else(|| KmsError::missing("macAlgorithm"))?;
    shape()?;
    let tokens = body.grant_tokens()?;
    body.dry_run()?;
    let Found { key, target } = work.find(id)?;
    let said = Said::default().one("kms:MacAlgorithm", algorithm);
    work.authorize(action, target, said.0, &tokens)?;
    work.can(key, action, action.name())?;
    let (spec, usage) = kind(key);
    let fits =
        usage == KeyUsage::GenerateVerifyMac && spec.info().mac_algorithms.contains(&algorithm);
    let (by, length) = match spec {
        KeySpec::Hmac224 => (hmac::HMAC_SHA224, 28),
        KeySpec::Hmac384 => (hmac::HMAC_SHA384, 48),
        KeySpec::Hmac512 => (hmac::HMAC_SHA512, 64),
        _ => (hmac::HMAC_SHA256, 32),
    };
    if !fits {
        let text = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
        return Err(KmsError::new("InvalidKeyUsageException", text));
    }
    let material = work.symmetric(key, work.version(key), length)?;
    Ok(Asked { key, secret: hmac::Key::new(by, &material), message, algorithm })
}
