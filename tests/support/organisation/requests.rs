//! Requests for `simulate`, most of them about somebody whom the key's policy or grants name.

use serde_json::{Map, Value, json};

use super::key::Key;
use super::random::Random;
use super::world::{STAGES, TEAMS, VIA, World};

/// Actions that most requests ask for.
const COMMON: [&str; 6] =
    ["Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey", "CreateGrant", "ReEncryptFrom"];
/// Actions that name a key.
const ON_KEYS: [&str; 43] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "Sign",
    "Verify",
    "GenerateMac",
    "VerifyMac",
    "DeriveSharedSecret",
    "GetPublicKey",
    "DescribeKey",
    "CreateGrant",
    "ListGrants",
    "RevokeGrant",
    "RetireGrant",
    "PutKeyPolicy",
    "GetKeyPolicy",
    "ListKeyPolicies",
    "EnableKey",
    "DisableKey",
    "EnableKeyRotation",
    "DisableKeyRotation",
    "GetKeyRotationStatus",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "TagResource",
    "UntagResource",
    "ListResourceTags",
    "UpdateKeyDescription",
    "ReplicateKey",
    "UpdatePrimaryRegion",
    "ImportKeyMaterial",
    "DeleteImportedKeyMaterial",
    "GetParametersForImport",
    "RotateKeyOnDemand",
    "ListKeyRotations",
    "CreateAlias",
    "DeleteAlias",
    "UpdateAlias",
];
/// Actions without a key.
const ELSEWHERE: [&str; 4] = ["CreateKey", "ListKeys", "ListAliases", "GenerateRandom"];

/// One request line; the same number is always the same request.
pub fn request(world: &World, number: usize) -> Value {
    let mut random = world.random("request", &[number]);
    let key = loop {
        let account = random.below(world.accounts.len());
        let keys = world.accounts[account].keys;
        if keys > 0 {
            break Key::new(world, account, random.below(keys));
        }
    };
    let region = random.pick(&key.regions);
    let principal = principal(world, &key, region, &mut random);
    let mut context = context(&key, &mut random);
    let (action, resource) = if random.percent(3) {
        (random.pick(&ELSEWHERE), "*".to_owned())
    } else {
        let action = if random.percent(70) { random.pick(&COMMON) } else { random.pick(&ON_KEYS) };
        let id = &world.accounts[key.account].id;
        match key.aliases.first() {
            Some(alias) if random.percent(10) => {
                (action, format!("arn:aws:kms:{region}:{id}:{alias}"))
            }
            _ => (action, key.arn(world, region)),
        }
    };
    if action == "CreateGrant" && random.percent(50) {
        context.insert("kms:GrantIsForAWSResource".into(), random.percent(50).to_string().into());
        let operations: &[&str] =
            random.pick(&[&["Decrypt", "DescribeKey"], &["Decrypt", "Encrypt"]]);
        context.insert("kms:GrantOperations".into(), operations.into());
    }
    if action == "TagResource" && random.percent(50) {
        context.insert("aws:TagKeys".into(), json!(["team", "env"]));
        context.insert("aws:RequestTag/env".into(), random.pick(&STAGES).into());
    }
    context.insert("aws:RequestedRegion".into(), region.into());
    // KMS speaks TLS only, and a policy that insists on it is everywhere.
    context.insert("aws:SecureTransport".into(), "true".into());
    let mut request = json!({
        "id": number.to_string(),
        "principal": principal,
        "action": format!("kms:{action}"),
        "resource": resource,
        "context": context,
    });
    if principal.contains(":assumed-role/") && random.percent(20) {
        let statement = json!({"Effect": "Allow", "Action": "kms:*crypt", "Resource": "*"});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        request["session_policies"] = json!([policy]);
    }
    request
}

fn principal(world: &World, key: &Key, region: &str, random: &mut Random) -> String {
    let (own, other) = (key.account, random.below(world.accounts.len()));
    let named: Vec<&String> =
        key.policy.named.iter().take(4).chain(key.grantees.iter().take(3)).collect();
    match random.below(100) {
        0..35 if !named.is_empty() => random.pick(&named).clone(),
        0..60 => world.any_role(random, own),
        60..75 => world.any_user(random, own),
        75..90 => world.any_role(random, other),
        90..94 => {
            let account = random.pick(&[own, other]);
            world.root_arn(account)
        }
        94..97 => world.any_session(random, own),
        _ => {
            let logs = format!("logs.{region}.amazonaws.com");
            random.pick(&[logs.as_str(), "cloudtrail.amazonaws.com", "s3.amazonaws.com"]).into()
        }
    }
}

fn context(key: &Key, random: &mut Random) -> Map<String, Value> {
    let mut context = Map::new();
    if random.percent(60) {
        for (name, value) in &key.policy.context {
            context.insert(name.clone(), value.as_str().into());
        }
    }
    let region = key.regions[0];
    if random.percent(15) {
        let (service, _) = random.pick(&VIA);
        context.insert("kms:ViaService".into(), format!("{service}.{region}.amazonaws.com").into());
    }
    if random.percent(15) {
        context.insert("kms:EncryptionContext:tenant".into(), random.pick(&TEAMS).into());
    }
    if random.percent(10) {
        let present = random.pick(&["true", "false"]);
        context.insert("aws:MultiFactorAuthPresent".into(), present.into());
    }
    if random.percent(10) {
        let address = random.pick(&["10.1.2.3", "198.51.100.7"]);
        context.insert("aws:SourceIp".into(), address.into());
    }
    if let (true, Some(alias)) = (random.percent(10), key.aliases.first()) {
        context.insert("kms:RequestAlias".into(), alias.as_str().into());
    }
    context
}
