//! Keys that Terraform makes by the provider `awscc`: in its language, in a plan, and in a state.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use declared::{loaded_as, pinned};
use keyreach::ingest::Loaded;
use keyreach::inventory::Key;
use serde_json::{Value, json};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"kms:*","Resource":"*"}]}"#;

/// One key with a policy, tags and an alias, and one with nothing.
const MODULE: &str = r#"
provider "aws" { region = "eu-central-1" }
provider "awscc" { region = "eu-west-1" }
resource "awscc_kms_key" "own" {
  key_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:*",
    Resource = "*", Principal = { AWS = "arn:aws:iam::111122223333:role/app" } }] })
  enable_key_rotation = true
  key_spec            = "RSA_2048"
  key_usage           = "SIGN_VERIFY"
  tags                = [{ key = "team", value = "pay" }]
}
resource "awscc_kms_alias" "own" {
  alias_name    = "alias/own"
  target_key_id = awscc_kms_key.own.key_id
}
resource "awscc_kms_key" "plain" {}
"#;

/// What every way to say it comes to.
fn holds(loaded: &Loaded) {
    let keys: Vec<_> = loaded.inventory.keys.values().collect();
    let [own, plain] = keys.as_slice() else { panic!("{}", keys.len()) };
    let metadata = own.metadata.as_ref().unwrap();
    assert_eq!(metadata.spec.as_deref(), Some("RSA_2048"));
    assert_eq!(metadata.usage.as_deref(), Some("SIGN_VERIFY"));
    assert_eq!((own.rotation, plain.rotation), (Some(true), Some(false)));
    assert_eq!(own.arn.region(), "eu-west-1");
    assert_eq!(own.tags.as_ref().unwrap().len(), 1);
    let policy = |key: &Key| key.policy.as_ref().unwrap().written().into_owned();
    assert!(policy(own).contains("111122223333:role/app"), "{}", policy(own));
    // What gives no policy has the default of KMS.
    assert!(policy(plain).contains("111122223333:root"), "{}", policy(plain));
    let aliases: Vec<&str> = loaded.inventory.aliases_of(own).map(|it| it.arn.name()).collect();
    assert_eq!(aliases, ["alias/own"]);
}

#[test]
fn a_module_declares_keys_of_the_other_provider() {
    holds(&loaded_as(&[("main.tf", MODULE)], &pinned()));
}

#[test]
fn a_plan_makes_keys_of_the_other_provider() {
    let resource = |of_type: &str, name: &str, values: &Value, unknown: Value| {
        let address = format!("{of_type}.{name}");
        json!({ "address": address, "mode": "managed", "type": of_type, "name": name, "values": values,
            "change": { "actions": ["create"], "before": null, "after": values, "after_unknown": unknown } })
    };
    let own = json!({ "key_policy": POLICY, "enable_key_rotation": true, "key_spec": "RSA_2048",
        "key_usage": "SIGN_VERIFY", "tags": [{ "key": "team", "value": "pay" }] });
    let open = json!({ "arn": true, "id": true, "key_id": true, "multi_region": true, "enabled": true,
        "origin": true });
    let mut nothing = open.clone();
    for name in ["key_policy", "enable_key_rotation", "key_spec", "key_usage", "tags"] {
        nothing[name] = json!(true);
    }
    let resources = [
        resource("awscc_kms_key", "own", &own, open),
        resource(
            "awscc_kms_alias",
            "own",
            &json!({ "alias_name": "alias/own" }),
            json!({ "target_key_id": true }),
        ),
        resource("awscc_kms_key", "plain", &json!({}), nothing),
    ];
    let configured = |of_type: &str, name: &str, expressions: Value| {
        json!({ "address": format!("{of_type}.{name}"), "mode": "managed", "type": of_type, "name": name,
            "provider_config_key": "awscc", "expressions": expressions })
    };
    let given: Value =
        own.as_object().unwrap().keys().map(|name| (name.clone(), json!({}))).collect();
    let target = json!({ "alias_name": {}, "target_key_id": { "references": ["awscc_kms_key.own.key_id", "awscc_kms_key.own"] } });
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.8",
        "planned_values": { "root_module": { "resources": resources } },
        "resource_changes": resources,
        "configuration": {
            "provider_config": {
                "aws": { "name": "aws", "expressions": { "region": { "constant_value": "eu-central-1" } } },
                "awscc": { "name": "awscc", "expressions": { "region": { "constant_value": "eu-west-1" } } },
            },
            "root_module": { "resources": [
                configured("awscc_kms_key", "own", given),
                configured("awscc_kms_alias", "own", target),
                configured("awscc_kms_key", "plain", json!({})),
            ] },
        },
    });
    holds(&loaded_as(&[("plan.json", &plan.to_string())], &pinned()));
}

#[test]
fn a_state_has_keys_of_the_other_provider() {
    let instance = |of_type: &str, name: &str, attributes: Value| {
        json!({ "mode": "managed", "type": of_type, "name": name,
            "provider": "provider[\"registry.terraform.io/hashicorp/awscc\"]",
            "instances": [{ "attributes": attributes }] })
    };
    let arn = |id: &str| format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
    let (one, two) =
        ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222");
    let root = POLICY.replace("role/app", "root");
    let key = |id: &str, policy: &str, is_own: bool| {
        let (spec, usage) = match is_own {
            true => ("RSA_2048", "SIGN_VERIFY"),
            false => ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        };
        json!({ "arn": arn(id), "id": id, "key_id": id, "key_policy": policy, "key_spec": spec,
            "key_usage": usage, "enable_key_rotation": is_own, "enabled": true, "multi_region": false,
            "origin": "AWS_KMS", "tags": [{ "key": "team", "value": "pay" }] })
    };
    let state = json!({
        "version": 4, "terraform_version": "1.9.8", "serial": 1, "lineage": "x", "outputs": {},
        "resources": [
            instance("awscc_kms_key", "own", key(one, POLICY, true)),
            instance("awscc_kms_alias", "own", json!({ "alias_name": "alias/own", "target_key_id": one })),
            instance("awscc_kms_key", "plain", key(two, &root, false)),
        ],
    });
    holds(&loaded_as(&[("terraform.tfstate", &state.to_string())], &pinned()));
}

#[test]
fn what_is_not_read_of_the_other_provider_is_told() {
    let role = "resource \"awscc_iam_role\" \"r\" {\n  role_name = \"r\"\n}\n";
    let loaded = loaded_as(&[("main.tf", &format!("{MODULE}{role}"))], &pinned());
    let open = &loaded.inventory.declared.as_ref().unwrap().unresolved;
    let told: Vec<&str> = open.iter().map(|open| &*open.value).collect();
    assert_eq!(told, ["awscc_iam_role.r: what the provider awscc makes of it"]);
}
