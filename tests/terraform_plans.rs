//! Terraform: what a plan or a state says, alone or beside the source that it is of.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/command.rs"]
mod command;
#[path = "support/declared.rs"]
mod declared;

use std::fs;
use std::path::Path;

use command::{Folder, keyreach};
use declared::{ALWAYS, ANYTHING, NEVER, bounds_of, bounds_on, module, pinned};
use keyreach::aws::KmsAction;
use keyreach::decision::Bound;
use keyreach::ingest::{Deployment, Loaded, load_deployed};
use keyreach::source::{Files, Memory};
use serde_json::{Value, json};

/// The module that other formats declare, too, and its plan.
const SAME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/infrastructure/same/terraform");

fn loaded(files: &Memory, deployment: &Deployment) -> Loaded {
    load_deployed(files, &[".".to_owned()], deployment)
}

#[test]
fn who_ran_terraform_is_the_deployer() {
    let folder = Folder::new("terraform-deployer");
    let plan = fs::read_to_string(Path::new(SAME).join("plan.json")).unwrap();
    folder.put("plan.json", plan.replace(":role/deploy\"", ":role/app\""));
    let source = fs::read_to_string(Path::new(SAME).join("main.tf")).unwrap();
    // Without the root's statement whoever is not named can no longer change the policy.
    folder.put("main.tf", source.replace("\"kms:*\"", "\"kms:List*\""));
    let args = [
        "check",
        "--format",
        "json",
        "--now",
        "2026-01-01",
        "--select",
        "deployer-locked-out",
        ".",
    ];
    let run = keyreach(&args).within(folder.path()).run();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{}", run.stdout);
    assert_eq!(findings[0]["rule"], "deployer-locked-out");
}

#[test]
fn a_state_says_what_was_made() {
    let policy = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"#;
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let attributes = format!(
        r#"{{ "arn": "{arn}", "key_id": "1234abcd-12ab-34cd-56ef-1234567890ab", "policy": "{policy}", "is_enabled": true, "enable_key_rotation": true }}"#
    );
    let state = format!(
        r#"{{ "version": 4, "terraform_version": "1.9.8", "serial": 1, "lineage": "x", "outputs": {{}}, "resources": [ {{ "mode": "managed", "type": "aws_kms_key", "name": "a", "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]", "instances": [ {{ "index_key": 0, "attributes": {attributes} }} ] }} ] }}"#
    );
    let shown = format!(
        r#"{{ "format_version": "1.0", "terraform_version": "1.9.8", "values": {{ "root_module": {{ "child_modules": [ {{ "address": "module.m", "resources": [ {{ "address": "module.m.aws_kms_key.a[0]", "mode": "managed", "type": "aws_kms_key", "name": "a", "values": {attributes} }} ] }} ] }} }} }}"#
    );
    for text in [state, shown] {
        let mut files = Memory::default();
        files.put("terraform.tfstate", text.as_bytes());
        let loaded = loaded(&files, &Deployment::default());
        assert_eq!(loaded.problems, []);
        let keys: Vec<_> = loaded.inventory.keys.values().collect();
        let [key] = keys.as_slice() else { panic!("{}", keys.len()) };
        assert_eq!(key.arn.as_str(), arn);
        assert_eq!(key.rotation, Some(true));
        let policy = key.policy.as_ref().unwrap().policy();
        assert_eq!(policy.statements.len(), 1, "{policy:?}");
        assert_eq!(policy.faults, []);
    }
}

#[test]
fn a_plan_is_its_own_base() {
    let policy = |principal: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": { "AWS": principal } }]
        })
        .to_string()
    };
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let key = |principal: &str| json!({ "arn": arn, "key_id": "1234abcd-12ab-34cd-56ef-1234567890ab", "policy": policy(principal) });
    let (root, role) = ("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/app");
    let resource = |name: &str, values: Value| json!({ "address": format!("aws_kms_key.{name}"), "mode": "managed", "type": "aws_kms_key", "name": name, "values": values });
    let new = json!({ "description": "new" });
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.8",
        "planned_values": { "root_module": { "resources": [resource("a", key(role)), resource("new", new.clone())] } },
        "prior_state": { "values": { "root_module": { "resources": [resource("a", key(root))] } } },
        "resource_changes": [
            { "address": "aws_kms_key.a", "mode": "managed", "type": "aws_kms_key", "name": "a",
              "change": { "actions": ["update"], "before": key(root), "after": key(role), "after_unknown": {} } },
            { "address": "aws_kms_key.new", "mode": "managed", "type": "aws_kms_key", "name": "new",
              "change": { "actions": ["create"], "before": null, "after": new, "after_unknown": { "arn": true } } },
        ],
    });
    let mut files = module("resource \"aws_kms_key\" \"source\" {}\n");
    files.put("plan.json", plan.to_string());
    let said = |is_before: bool| -> Vec<(String, String)> {
        let loaded = loaded(&files, &Deployment { is_before, ..Deployment::default() });
        assert_eq!((loaded.problems, loaded.used > 0), (Vec::new(), true));
        let of = |key: &keyreach::inventory::Key| {
            (key.arn.id().to_owned(), key.policy.as_ref().unwrap().written().into_owned())
        };
        loaded.inventory.keys.values().map(|key| of(key)).collect()
    };
    let (before, after) = (said(true), said(false));
    let [(id, policy)] = before.as_slice() else { panic!("{before:?}") };
    assert!(id.starts_with("1234abcd") && policy.contains(root), "{before:?}");
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(after.iter().any(|(_, policy)| policy.contains(role)), "{after:?}");
    // Where nothing stood before, that is said, too.
    let folder = Folder::new("terraform-base");
    folder.put("plan.json", plan.to_string());
    let run = keyreach(&["check", "--base", "plan.json", "plan.json"]).within(folder.path()).run();
    assert!(run.code < 2, "{run:?}");
}

/// A plan without source, of these resources.
fn plan_of(resources: &Value) -> Memory {
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.8",
        "planned_values": { "root_module": { "resources": resources } },
        "resource_changes": [],
    });
    let mut files = Memory::default();
    files.put("plan.json", plan.to_string());
    files
}

#[test]
fn what_a_plan_states_as_null_is_not_given() {
    let key = json!({ "address": "aws_kms_key.a", "mode": "managed", "type": "aws_kms_key", "name": "a",
        "values": { "custom_key_store_id": null, "xks_key_id": null, "is_enabled": null, "enable_key_rotation": null,
            "policy": null, "key_usage": null, "customer_master_key_spec": null, "multi_region": null, "tags": null } });
    let grant = json!({ "address": "aws_kms_grant.g", "mode": "managed", "type": "aws_kms_grant", "name": "g",
        "values": { "key_id": "aws_kms_key.a", "grantee_principal": "arn:aws:iam::111122223333:role/app", "operations": ["Decrypt"],
            "constraints": [{ "encryption_context_equals": null, "encryption_context_subset": { "a": "b" } }] } });
    let files = plan_of(&json!([key, grant]));
    let loaded = loaded(&files, &pinned());
    let key = loaded.inventory.keys.values().next().unwrap();
    let metadata = key.metadata.as_ref().unwrap();
    assert_eq!(metadata.origin.as_deref(), Some("AWS_KMS"));
    assert_eq!(metadata.state.as_deref(), Some("Enabled"));
    assert_eq!((key.rotation, key.grants.len()), (Some(false), 1));
}

/// A plan of some resources as Terraform prints it: what it knows, what it does not, and its
/// configuration.
fn whole_plan(resources: &[Value], configuration: &Value) -> Memory {
    let planned = resources.iter().map(|resource| {
        let mut planned = resource.clone();
        planned.as_object_mut().unwrap().remove("unknown");
        planned
    });
    let changes = resources.iter().map(|resource| {
        let (values, unknown) = (resource["values"].clone(), resource["unknown"].clone());
        json!({ "address": resource["address"], "mode": "managed", "type": resource["type"],
            "name": resource["name"],
            "change": { "actions": ["create"], "before": null, "after": values, "after_unknown": unknown } })
    });
    let deposed = json!({ "address": "aws_kms_key.app", "mode": "managed", "type": "aws_kms_key",
        "name": "app", "deposed": "8c2f1a60",
        "change": { "actions": ["delete"], "before": {}, "after": null, "after_unknown": {} } });
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.8",
        "planned_values": { "root_module": { "resources": planned.collect::<Vec<_>>() } },
        "resource_changes": changes.chain([deposed]).collect::<Vec<_>>(),
        "configuration": configuration,
    });
    let mut files = Memory::default();
    files.put("plan.json", plan.to_string());
    files
}

/// A resource of a plan: what is known of it, and what is not.
fn planned(of_type: &str, name: &str, values: Value, unknown: Value) -> Value {
    let address = format!("{of_type}.{name}");
    json!({ "address": address, "mode": "managed", "type": of_type, "name": name,
        "values": values, "unknown": unknown })
}

/// What the configuration says of a resource.
fn configured(of_type: &str, name: &str, provider: &str, expressions: Value) -> Value {
    let address = format!("{of_type}.{name}");
    json!({ "address": address, "mode": "managed", "type": of_type, "name": name,
        "provider_config_key": provider, "expressions": expressions })
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

#[test]
fn a_plan_alone_takes_each_resource_for_one_of_its_provider() {
    let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/app"},"Action":"kms:Decrypt","Resource":"*"}]}"#;
    let role = json!({ "name": "app", "path": "/", "assume_role_policy": TRUST,
        "tags_all": { "team": "audit" } });
    let resources = [
        planned(
            "aws_kms_key",
            "app",
            json!({ "policy": own, "tags": null,
            "tags_all": { "team": "audit" } }),
            json!({ "arn": true }),
        ),
        planned("aws_iam_role", "app", role.clone(), json!({ "arn": true })),
        planned(
            "aws_kms_key",
            "far",
            json!({ "region": "us-west-2" }),
            json!({ "arn": true, "policy": true }),
        ),
    ];
    let none = json!({});
    let configuration = json!({
        "provider_config": {
            "aws": { "name": "aws", "expressions": { "region": { "constant_value": "eu-central-1" } } },
            "aws.audit": { "name": "aws", "alias": "audit", "expressions": {
                "region": { "constant_value": "eu-west-1" },
                "assume_role": [{ "role_arn": { "constant_value": "arn:aws:iam::444455556666:role/deploy" } }],
                "default_tags": [{ "tags": { "constant_value": { "team": "audit" } } }] } },
        },
        "root_module": { "resources": [
            configured("aws_kms_key", "app", "aws.audit", json!({ "policy": { "constant_value": own } })),
            configured("aws_iam_role", "app", "aws.audit", none.clone()),
            configured("aws_kms_key", "far", "aws", none),
        ] },
    });
    let loaded = loaded(&whole_plan(&resources, &configuration), &pinned());
    assert_eq!(loaded.problems, []);
    let keys: Vec<&str> = loaded.inventory.keys.values().map(|key| key.arn.as_str()).collect();
    let audit = "arn:aws:kms:eu-west-1:444455556666:key/aws_kms_key.app";
    assert_eq!(keys, [audit, "arn:aws:kms:us-west-2:111122223333:key/aws_kms_key.far"]);
    let keys: Vec<_> = loaded.inventory.keys.values().collect();
    // A deposed object that goes says nothing of the one that comes, and tags are those of the provider, too.
    assert!(keys[0].policy.as_ref().unwrap().written().contains("role/app"));
    assert_eq!(keys[0].tags.as_ref().unwrap().len(), 1);
    // No policy is given: KMS gives one.
    assert!(keys[1].policy.as_ref().unwrap().written().contains("111122223333:root"));
    let role = "arn:aws:iam::444455556666:role/app";
    assert_eq!(bounds_on(&loaded, role, KmsAction::DECRYPT, audit).0, Bound::Always);
}

#[test]
fn an_argument_of_a_plan_is_what_it_refers_to_only_where_it_names_it() {
    let role = json!({ "name": "app", "path": "/", "assume_role_policy": TRUST });
    let resources = [
        planned("aws_kms_key", "app", json!({}), json!({ "arn": true, "policy": true })),
        planned(
            "aws_kms_alias",
            "app",
            json!({ "name": "alias/app" }),
            json!({ "target_key_id": true }),
        ),
        planned("aws_iam_role", "app", role, json!({ "arn": true })),
        planned("aws_iam_user", "u", json!({ "path": "/" }), json!({ "arn": true, "name": true })),
        planned(
            "aws_iam_user_group_membership",
            "u",
            json!({}),
            json!({ "user": true, "groups": true }),
        ),
    ];
    let references = |all: &[&str]| json!({ "references": all });
    let configuration = json!({
        "root_module": { "resources": [
            // jsonencode of a policy that names the role is not the role.
            configured("aws_kms_key", "app", "aws", json!({ "policy": references(&["aws_iam_role.app.arn", "aws_iam_role.app"]) })),
            configured("aws_kms_alias", "app", "aws", json!({ "target_key_id": references(&["aws_kms_key.app.key_id", "aws_kms_key.app"]) })),
            configured("aws_iam_user_group_membership", "u", "aws", json!({
                "user": references(&["aws_iam_user.u.name", "aws_iam_user.u"]),
                "groups": references(&["aws_iam_group.a.name", "aws_iam_group.a", "aws_iam_group.b.name", "aws_iam_group.b"]) })),
        ] },
    });
    let files = whole_plan(&resources, &configuration);
    let loaded = loaded(&files, &pinned());
    let key = loaded.inventory.keys.values().next().unwrap();
    assert_eq!(key.aliases.len(), 1);
    let policy = key.policy.as_ref().unwrap().policy();
    assert_eq!(policy.faults, []);
    let role = "arn:aws:iam::111122223333:role/app";
    assert_eq!(bounds_of(&loaded, role, KmsAction::DECRYPT), ANYTHING);
    let gaps: Vec<String> =
        loaded.inventory.gaps.iter().map(|it| format!("{:?}", it.kind)).collect();
    assert!(gaps.iter().any(|gap| gap.contains("memberships")), "{gaps:?}");
}

#[test]
fn who_ran_a_plan_is_told_where_its_data_say_one_thing() {
    let identity = |name: &str, account: &str, provider: &str| {
        let data = json!({ "address": format!("data.aws_caller_identity.{name}"), "mode": "data",
            "type": "aws_caller_identity", "name": name,
            "values": { "account_id": account, "arn": format!("arn:aws:iam::{account}:role/ci") } });
        let configured = json!({ "address": data["address"], "mode": "data",
            "type": "aws_caller_identity", "name": name, "provider_config_key": provider, "expressions": {} });
        (data, configured)
    };
    let accounts = |second: &str| -> Vec<String> {
        let (audit, of_audit) = identity("audit", "444455556666", second);
        let (current, of_current) = identity("current", "111122223333", "aws");
        let plan = json!({
            "format_version": "1.2", "terraform_version": "1.9.8",
            "planned_values": { "root_module": { "resources": [
                { "address": "aws_kms_key.a", "mode": "managed", "type": "aws_kms_key", "name": "a", "values": {} }] } },
            "prior_state": { "values": { "root_module": { "resources": [audit, current] } } },
            "configuration": { "provider_config": { "aws": { "name": "aws" } },
                "root_module": { "resources": [of_audit, of_current] } },
        });
        let mut files = Memory::default();
        files.put("plan.json", plan.to_string());
        let loaded = loaded(&files, &Deployment::default());
        loaded.inventory.keys.values().map(|key| key.arn.account().to_string()).collect()
    };
    assert_eq!(accounts("aws.audit"), ["111122223333"]);
    assert_eq!(accounts("aws"), ["this-account"]);
}

#[test]
fn a_plan_says_which_instances_of_a_module_there_are() {
    let mut files = module(
        "data \"aws_ssm_parameter\" \"names\" { name = \"names\" }\nmodule \"m\" {\n  source = \"./m\"\n  \
         for_each = toset(split(\",\", data.aws_ssm_parameter.names.value))\n}\n",
    );
    files.put(
        "m/main.tf",
        "resource \"aws_kms_key\" \"k\" {\n  for_each = toset([\"x\", \"y\"])\n}\n",
    );
    let resource = |module: &str, key: &str| {
        json!({ "address": format!("module.m[\"{module}\"].aws_kms_key.k[\"{key}\"]"), "mode": "managed",
            "type": "aws_kms_key", "name": "k", "values": {} })
    };
    let resources = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")].map(|(m, k)| resource(m, k));
    let plan = plan_of(&json!(resources));
    files.put("plan.json", plan.read("plan.json").unwrap());
    let loaded = loaded(&files, &Deployment::default());
    let ids: Vec<&str> = loaded.inventory.keys.values().map(|key| key.arn.id()).collect();
    let expected = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")];
    let expected = expected.map(|(m, k)| format!("module.m[\"{m}\"].aws_kms_key.k[\"{k}\"]"));
    assert_eq!(ids, expected);
}

/// A policy that allows an action on everything.
fn allows(action: &str) -> String {
    json!({ "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] })
    .to_string()
}

#[test]
fn what_a_new_role_lists_once_it_is_made_is_nothing_of_its_own() {
    let role = json!({ "name": "app", "path": "/", "assume_role_policy": TRUST });
    let unknown = json!({ "arn": true, "inline_policy": true, "managed_policy_arns": true });
    let resources = [
        planned("aws_kms_key", "app", json!({}), json!({ "arn": true, "policy": true })),
        planned("aws_iam_role", "app", role, unknown),
    ];
    let role = "arn:aws:iam::111122223333:role/app";
    for (given, expected) in [(json!({}), NEVER), (json!({ "managed_policy_arns": {} }), ANYTHING)]
    {
        let configuration = json!({ "root_module": { "resources": [
            configured("aws_kms_key", "app", "aws", json!({})),
            configured("aws_iam_role", "app", "aws", given),
        ] } });
        let loaded = loaded(&whole_plan(&resources, &configuration), &pinned());
        assert_eq!(bounds_of(&loaded, role, KmsAction::DECRYPT), expected);
    }
}

#[test]
fn what_a_plan_changes_of_a_role_is_not_as_the_role_lists_it() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let arn = format!("arn:aws:kms:eu-central-1:111122223333:key/{id}");
    let managed = "arn:aws:iam::111122223333:policy/old";
    let resource = |of_type: &str, values: &Value| {
        json!({ "address": format!("{of_type}.a"), "mode": "managed", "type": of_type, "name": "a",
            "values": values })
    };
    let change = |of_type: &str, actions: &[&str], before: &Value, after: &Value| {
        json!({ "address": format!("{of_type}.a"), "mode": "managed", "type": of_type, "name": "a",
            "change": { "actions": actions, "before": before, "after": after, "after_unknown": {} } })
    };
    let of_key = json!({ "arn": arn, "key_id": id, "id": id });
    let foreign = json!({ "name": "foreign", "policy": allows("kms:DescribeKey") });
    let role = json!({ "arn": "arn:aws:iam::111122223333:role/app", "name": "app", "path": "/",
        "assume_role_policy": TRUST, "managed_policy_arns": [managed],
        "inline_policy": [{ "name": "own", "policy": allows("kms:Decrypt") }, foreign] });
    let of_policy =
        json!({ "arn": managed, "name": "old", "path": "/", "policy": allows("kms:GetKeyPolicy") });
    let before = json!({ "name": "own", "role": "app", "policy": allows("kms:Decrypt") });
    let after = json!({ "name": "own", "role": "app", "policy": allows("kms:Encrypt") });
    let attached = json!({ "role": "app", "policy_arn": managed });
    let plan = |last: &str| {
        let plan = json!({
            "format_version": "1.2", "terraform_version": "1.9.8",
            "planned_values": { "root_module": { "resources": [resource("aws_kms_key", &of_key),
                resource("aws_iam_role", &role), resource("aws_iam_policy", &of_policy),
                resource("aws_iam_role_policy", &after)] } },
            "resource_changes": [
                change("aws_iam_role", &["no-op"], &role, &role),
                change("aws_iam_role_policy", &["update"], &before, &after),
                change("aws_iam_role_policy_attachment", &[last], &attached, &Value::Null)],
            "configuration": { "root_module": { "resources": [
                configured("aws_kms_key", "a", "aws", json!({})),
                configured("aws_iam_role", "a", "aws", json!({})),
                configured("aws_iam_role_policy", "a", "aws", json!({}))] } },
        });
        let mut files = Memory::default();
        files.put("plan.json", plan.to_string());
        files
    };
    let bounds = |last: &str| {
        let loaded = loaded(&plan(last), &pinned());
        assert_eq!(loaded.inventory.conflicts.len(), 0);
        let role = "arn:aws:iam::111122223333:role/app";
        ["Encrypt", "Decrypt", "DescribeKey", "GetKeyPolicy"].map(|name| {
            let action = KmsAction::from_name(name).unwrap();
            bounds_on(&loaded, role, action, &arn)
        })
    };
    assert_eq!(bounds("delete"), [ALWAYS, NEVER, ALWAYS, NEVER]);
    // What Terraform only forgets stays attached.
    assert_eq!(bounds("forget"), [ALWAYS, NEVER, ALWAYS, ALWAYS]);
}

#[test]
fn what_is_new_in_a_plan_is_of_the_account_of_what_is_there() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let arn = format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
    let role = json!({ "name": "new", "path": "/", "assume_role_policy": TRUST });
    let unknown = json!({ "arn": true, "inline_policy": true, "managed_policy_arns": true });
    let of_role = json!({ "name": "use", "role": "new", "policy": allows("kms:Decrypt") });
    let far = json!({ "arn": "arn:aws:iam::444455556666:role/far", "name": "far", "path": "/",
        "assume_role_policy": TRUST });
    let resources = [
        planned("aws_kms_key", "key", json!({ "arn": arn, "key_id": id, "id": id }), json!({})),
        planned("aws_iam_role", "new", role, unknown),
        planned("aws_iam_role_policy", "use", of_role, json!({ "id": true })),
        planned("aws_iam_role", "far", far, json!({})),
    ];
    let configuration = json!({ "root_module": { "resources": [
        configured("aws_kms_key", "key", "aws", json!({})),
        configured("aws_iam_role", "new", "aws", json!({})),
        configured("aws_iam_role_policy", "use", "aws", json!({})),
        configured("aws_iam_role", "far", "aws.far", json!({})),
    ] } });
    let loaded = loaded(&whole_plan(&resources, &configuration), &Deployment::default());
    let role = "arn:aws:iam::111122223333:role/new";
    assert_eq!(bounds_on(&loaded, role, KmsAction::DECRYPT, &arn), ALWAYS);
    let far = "arn:aws:iam::444455556666:role/far";
    assert_eq!(bounds_on(&loaded, far, KmsAction::DECRYPT, &arn), NEVER);
}

#[test]
fn a_state_says_which_configuration_made_what() {
    let resource = |of_type: &str, name: &str, alias: &str, attributes: Value| {
        json!({ "mode": "managed", "type": of_type, "name": name,
            "provider": format!("provider[\"registry.terraform.io/hashicorp/aws\"]{alias}"),
            "instances": [{ "attributes": attributes }] })
    };
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let arn = |account: &str| format!("arn:aws:kms:eu-west-1:{account}:key/{id}");
    let grant = |account: &str| {
        json!({ "key_id": id, "operations": ["Decrypt"], "grant_id": account,
            "grantee_principal": "arn:aws:iam::111122223333:role/app" })
    };
    let key = |account: &str| json!({ "arn": arn(account), "key_id": id, "id": id });
    let state = json!({ "version": 4, "lineage": "x", "terraform_version": "1.9.0", "resources": [
        resource("aws_kms_key", "one", "", key("111122223333")),
        resource("aws_kms_key", "two", ".audit", key("444455556666")),
        resource("aws_kms_grant", "two", ".audit", grant("444455556666")),
    ] });
    let mut files = Memory::default();
    files.put("terraform.tfstate", state.to_string());
    let loaded = loaded(&files, &Deployment::default());
    let grants = |account: &str| {
        let key = keyreach::aws::KeyArn::parse(&arn(account)).unwrap();
        loaded.inventory.keys.get(&key).unwrap().grants.len()
    };
    assert_eq!((grants("111122223333"), grants("444455556666")), (0, 1));
}

#[test]
fn what_an_argument_refers_to_stands_in_the_same_instance_of_the_module() {
    let instances = ["x", "y"].map(|name| format!("module.m[\"{name}\"]"));
    let change = |module: &str, of_type: &str, after: Value, unknown: Value| {
        json!({ "address": format!("{module}.{of_type}.a"), "mode": "managed", "type": of_type, "name": "a",
            "change": { "actions": ["create"], "before": null, "after": after, "after_unknown": unknown } })
    };
    let changes: Vec<Value> = instances
        .iter()
        .flat_map(|module| {
            let grant = json!({ "operations": ["Decrypt"], "grantee_principal": "arn:aws:iam::111122223333:role/app" });
            let unknown = json!({ "arn": true, "policy": true });
            [
                change(module, "aws_kms_key", json!({}), unknown),
                change(module, "aws_kms_grant", grant, json!({ "key_id": true })),
            ]
        })
        .collect();
    let modules: Vec<Value> = instances
        .iter()
        .map(|module| {
            let inside =
                changes.iter().filter(|it| it["address"].as_str().unwrap().starts_with(module));
            let resource = |change: &Value| {
                json!({ "address": change["address"], "mode": "managed", "type": change["type"],
                    "name": "a", "values": change["change"]["after"] })
            };
            json!({ "address": module, "resources": inside.map(resource).collect::<Vec<_>>() })
        })
        .collect();
    let to_key = json!({ "key_id": { "references": ["aws_kms_key.a.key_id", "aws_kms_key.a"] } });
    let inner = json!({ "resources": [configured("aws_kms_key", "a", "aws", json!({})),
        configured("aws_kms_grant", "a", "aws", to_key)] });
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.8",
        "planned_values": { "root_module": { "child_modules": modules } },
        "resource_changes": changes,
        "configuration": { "root_module": { "module_calls": { "m": { "module": inner } } } },
    });
    let mut files = Memory::default();
    files.put("plan.json", plan.to_string());
    let loaded = loaded(&files, &pinned());
    let keys: Vec<_> = loaded.inventory.keys.values().collect();
    let grants = keys.iter().map(|key| key.grants.len());
    assert_eq!(grants.collect::<Vec<_>>(), [1, 1]);
    assert!(keys.iter().all(|key| key.grants.iter().all(|it| it.operations.len() == 1)));
}

#[test]
fn what_terraform_only_forgets_stays() {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}"#;
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let key =
        json!({ "arn": arn, "key_id": "1234abcd-12ab-34cd-56ef-1234567890ab", "policy": policy });
    let role = json!({ "arn": "arn:aws:iam::111122223333:role/app", "name": "app", "path": "/",
        "assume_role_policy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}", "managed_policy_arns": [],
        "inline_policy": [{ "name": "use", "policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}]}" }] });
    let change = |of_type: &str, before: &Value, action: &str| {
        json!({ "address": format!("{of_type}.a"), "mode": "managed", "type": of_type, "name": "a",
            "change": { "actions": [action], "before": before, "after": null, "after_unknown": {} } })
    };
    for (source, action) in [(false, "forget"), (true, "forget"), (false, "delete")] {
        let plan = json!({
            "format_version": "1.2", "terraform_version": "1.9.8", "planned_values": { "root_module": {} },
            "resource_changes": [change("aws_kms_key", &key, action), change("aws_iam_role", &role, action)],
        });
        let removed = "removed {\n  from = aws_kms_key.a\n  lifecycle { destroy = false }\n}\n";
        let mut files = if source { module(removed) } else { Memory::default() };
        files.put("plan.json", plan.to_string());
        let loaded = loaded(&files, &pinned());
        let keys: Vec<&str> = loaded.inventory.keys.values().map(|key| key.arn.as_str()).collect();
        if action == "delete" {
            assert_eq!(keys, [""; 0]);
            continue;
        }
        assert_eq!(keys, [arn]);
        let app = "arn:aws:iam::111122223333:role/app";
        assert_eq!(bounds_of(&loaded, app, KmsAction::DECRYPT), ALWAYS, "{source}");
    }
}
