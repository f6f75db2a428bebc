//! Data key pairs.

use serde_json::{Value, json};

use crate::aws::{KeySpec, KeyUsage, KmsAction};
use crate::encryptor::KmsError;
use crate::encryptor::body::{Body, encoded};
use crate::encryptor::material::{KeyPair, private_of_kem};
use crate::encryptor::work::{Found, Work};

use super::said::Said;
use super::symmetric::{encrypted, with_material};

type Answer = Result<Value, KmsError>;

const SPECS: &[&str] = &[
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "SM2",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
];

pub(super) fn generate_data_key_pair(work: &Work<'_>, body: &Body<'_>) -> Answer {
    data_key_pair(work, body, KmsAction::GENERATE_DATA_KEY_PAIR, true)
}

pub(super) fn generate_data_key_pair_without_plaintext(work: &Work<'_>, body: &Body<'_>) -> Answer {
    data_key_pair(work, body, KmsAction::GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT, false)
}

fn data_key_pair(work: &Work<'_>, body: &Body<'_>, action: KmsAction, plain: bool) -> Answer {
    body.no_recipient()?;
    let id = body.key_id("KeyId")?;
    let context = body.encryption_context("EncryptionContext")?;
    let name = body.one_of("KeyPairSpec", SPECS)?;
    let name = name.ok_or_else(|| KmsError::missing("keyPairSpec"))?;
    let (dry_run, tokens) = (body.dry_run()?, body.grant_tokens()?);
    let Found { key, target } = work.find(id)?;
    let said = Said::default().one("kms:DataKeyPairSpec", name).pairs(&context);
    let said = said.one("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    work.authorize(action, target, said.0, &tokens)?;
    work.can(key, action, action.name())?;
    let spec = KeySpec::parse(name).filter(|spec| *spec != KeySpec::Sm2);
    let spec = spec.ok_or_else(|| KmsError::unsupported("keyreach makes no SM2 keys."))?;
    work.unless_dry_run(dry_run)?;
    let is_kem = name.starts_with("ML_KEM");
    let usage = if is_kem { KeyUsage::EncapsulateDecapsulate } else { KeyUsage::SignVerify };
    let private = work.materials().data_pair(spec, usage)?;
    let public = KeyPair::read(spec, usage, &private)?.public_der()?;
    let private = if is_kem { private_of_kem(spec, &private) } else { private };
    let blob = encrypted(work, key, "SYMMETRIC_DEFAULT", &context, &private)?;
    let mut answer = json!({ "PrivateKeyCiphertextBlob": encoded(&blob),
        "PublicKey": encoded(&public), "KeyId": key.arn.as_str(), "KeyPairSpec": name });
    if let Some(members) = answer.as_object_mut().filter(|_| plain) {
        members.insert("PrivateKeyPlaintext".into(), encoded(&private).into());
    }
    with_material(work, key, &blob, "KeyMaterialId", answer)
}
