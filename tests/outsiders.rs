//! Rows of the matrix for principals outside the export: who has one, and whether what they prove holds
//! once the outsider is in the export and its own account lets it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/beside.rs"]
mod beside;
mod support;

use beside::{LOCAL, PARTNER, check, check_statements, inventory, outsiders, statement, world};
use keyreach::access::{Access, Matrix};
use keyreach::aws::KmsAction;
use keyreach::decision::{Caller, Request, Standing, Target};
use keyreach::eval::reference::Reference;
use keyreach::inventory::Inventory;
use support::command::{Folder, keyreach};
use support::matrix::now;

const TO_OTHERS: &str = r#"            - { allow: kms:Decrypt, to: "444455556666" }
            - { allow: kms:Encrypt, to: "*" }
"#;

#[test]
fn x11_strangers_are_of_the_partition_of_the_keys() {
    for (region, partition) in
        [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
    {
        let root = format!("arn:{partition}:iam::444455556666:root");
        check(
            &world(region, TO_OTHERS),
            &[
                "* Encrypt always",
                &format!("{root} Decrypt always"),
                &format!("{root} Encrypt always"),
            ],
        );
    }
}

#[test]
fn x11_a_root_user_without_users_beside_it_is_of_the_partition_of_its_keys() {
    let text = world("cn-north-1", "").replace("    users: { bob: {} }\n", "");
    let told = inventory(&text);
    let access = Access::new(&told, now());
    let matrix = Matrix::new(&access);
    let root = format!("arn:aws-cn:iam::{LOCAL}:root");
    let row = matrix.rows().iter().position(|row| *row.name == *root).unwrap();
    let pair = matrix.pair(row, Some(0));
    assert!(pair.cells.iter().any(|(_, answer)| answer.verdict == Standing::Always), "{pair:?}");
}

#[test]
fn x11_a_key_of_each_partition_has_its_strangers() {
    let text = "keyreach: scenario/1\naccounts:\n";
    let account = |id: &str, region: &str| {
        format!(
            "  \"{id}\":\n    keys:\n      K:\n        region: {region}\n        policy:\n          \
             Version: \"2012-10-17\"\n          Statement:\n            - {{ allow: kms:Encrypt, to: \"*\" }}\n            \
             - {{ allow: kms:Decrypt, to: \"444455556666\" }}\n"
        )
    };
    let text = format!(
        "{text}{}{}",
        account("222233334444", "us-west-2"),
        account("333344445555", "cn-north-1")
    );
    check(
        &text,
        &[
            "* Encrypt always",
            "* in aws-cn Encrypt always",
            "arn:aws-cn:iam::444455556666:root Decrypt always",
            "arn:aws-cn:iam::444455556666:root Encrypt always",
            "arn:aws:iam::444455556666:root Decrypt always",
            "arn:aws:iam::444455556666:root Encrypt always",
        ],
    );
}

#[test]
fn e29_a_federated_user_that_a_key_policy_names_has_a_row() {
    let bob = format!("arn:aws:sts::{PARTNER}:federated-user/bob");
    check_statements(&[("allow", "Decrypt", &bob, "")], &[&format!("{bob} Decrypt always")]);
    let with_pair = r#"StringEquals: { "kms:EncryptionContext:app": "x" }"#;
    check_statements(
        &[("allow", "Decrypt", &bob, with_pair), ("allow", "PutKeyPolicy", &bob, "")],
        &[&format!("{bob} Decrypt conditional")],
    );
    check_statements(&[("allow", "Decrypt", &bob, ""), ("deny", "Decrypt", "*", "")], &[]);
}

#[test]
fn c45_who_is_named_from_outside_has_a_unique_id() {
    let [eve, app] = ["user/eve", "role/app"].map(|who| format!("arn:aws:iam::{PARTNER}:{who}"));
    for (who, pattern, verdict) in [
        (&eve, "AIDA*", "always"),
        (&eve, "AIDAEXAMPLE*", "conditional"),
        (&app, "AROA*:*", "always"),
        (&app, "*:night", "conditional"),
    ] {
        let when = format!(r#"StringLike: {{ "aws:userid": "{pattern}" }}"#);
        let row = format!("{who} Decrypt {verdict}");
        check_statements(&[("allow", "Decrypt", who, &when)], &[&row]);
    }
    for (who, pattern) in [(&eve, "AROA*"), (&app, "AIDA*")] {
        let when = format!(r#"StringLike: {{ "aws:userid": "{pattern}" }}"#);
        check_statements(&[("allow", "Decrypt", who, &when)], &[]);
    }
}

#[test]
fn whoever_is_in_an_organization_is_somewhere_in_it() {
    let to_all = |action: &str, paths: &str| {
        let when = format!(r#""ForAnyValue:StringLike": {{ "aws:PrincipalOrgPaths": "{paths}" }}"#);
        statement("allow", action, "*", &when)
    };
    let statements = to_all("Decrypt", "o-own/*")
        + &to_all("DescribeKey", "o-own/r-1/ou-1-a/*")
        + &to_all("Encrypt", "o-other/*")
        // Its root is another one.
        + &to_all("GenerateDataKey", "o-own/r-2/*");
    let organization = "organization: { id: o-own, root: r-1, management: \"999999999999\", accounts: [\"111122223333\"], units: { A: { id: ou-1-a, accounts: [\"222222222222\"] } } }\naccounts:";
    let text = world("us-west-2", &statements).replacen("accounts:", organization, 1);
    let rows = ["o-other Encrypt always", "o-own Decrypt always", "o-own DescribeKey conditional"];
    check(&text, &rows);
    // An account that is no member can be in any other organization, or in none.
    let of = |action: &str, id: &str| {
        let when = format!(r#"StringEquals: {{ "aws:PrincipalOrgID": "{id}" }}"#);
        statement("allow", action, PARTNER, &when)
    };
    let statements = of("Decrypt", "o-other") + &of("Encrypt", "o-own");
    let text = world("us-west-2", &statements).replacen("accounts:", organization, 1);
    check(&text, &[&format!("arn:aws:iam::{PARTNER}:root Decrypt conditional")]);
}

#[test]
fn c34_organizations_that_no_test_names_have_a_row() {
    let organization = "organization: { id: o-own, management: \"999999999999\", accounts: [\"111122223333\"] }\naccounts:";
    let check = |statements: &[String], rows: &[&str]| {
        let text = world("us-west-2", &statements.concat());
        check(&text.replacen("accounts:", organization, 1), rows);
    };
    let paths = r#"ForAnyValue:StringNotLike: { "aws:PrincipalOrgPaths": "o-own/*" }"#;
    check(&[statement("allow", "Decrypt", "*", paths)], &["o-any Decrypt always"]);
    let allow = statement("allow", "Decrypt", "*", "");
    let other = r#"StringEqualsIfExists: { "aws:PrincipalOrgID": "o-other" }"#;
    let rows = ["o-any Decrypt always", "o-own Decrypt always"];
    check(&[allow, statement("deny", "Decrypt", "*", other)], &rows);
}

#[test]
fn c45_an_id_that_begins_with_an_account_tells_it() {
    let rows = [format!("arn:aws:iam::{PARTNER}:root Decrypt conditional")];
    for id in [PARTNER, &format!("{PARTNER}:*")] {
        let when = format!(r#"StringLike: {{ "aws:userid": "{id}" }}"#);
        let text = world("us-west-2", &statement("allow", "Decrypt", "*", &when));
        check(&text, &[&rows[0]]);
    }
}

#[test]
fn c45_nobody_outside_has_the_unique_id_of_one_in_the_export() {
    let eve = format!("arn:aws:iam::{PARTNER}:user/eve");
    let with_ids = |to: &str, values: &str| {
        let when = format!(r#"StringLike: {{ "aws:userid": [{values}] }}"#);
        world("us-west-2", &statement("allow", "Decrypt", to, &when)).replace(
            "users: { bob: {} }",
            "users: { bob: { id: AIDATESTBOB } }\n    roles: { app: { id: AROATESTAPP } }",
        )
    };
    for to in ["*", PARTNER, &eve] {
        check(&with_ids(to, "AIDATESTBOB, 'AROATESTAPP:*'"), &[]);
    }
    check(&with_ids(&eve, "AIDATESTBOB, AIDATESTEVE"), &[&format!("{eve} Decrypt conditional")]);
}

#[test]
fn e30_accounts_that_a_pattern_takes_have_a_row() {
    check_statements(
        &[
            ("allow", "Decrypt", "*", r#"StringLike: { "aws:PrincipalAccount": "4444*" }"#),
            ("allow", "Encrypt", "*", r#"StringLike: { "kms:CallerAccount": "4444*" }"#),
            (
                "allow",
                "GenerateDataKey",
                "*",
                r#"ArnLike: { "aws:PrincipalArn": "arn:aws:iam::4444*:role/x" }"#,
            ),
        ],
        &[
            "arn:aws:iam::4444*:root Decrypt always",
            "arn:aws:iam::4444*:root Encrypt always",
            "arn:aws:iam::4444*:root GenerateDataKey conditional",
        ],
    );
}

#[test]
fn e30_a_stand_in_is_nobody_whom_a_policy_speaks_of() {
    // Those that a pattern takes, but those that a narrower one takes.
    check_statements(
        &[
            ("allow", "Decrypt", "*", r#"StringLike: { "aws:PrincipalAccount": "4444*" }"#),
            ("deny", "Decrypt", "*", r#"StringLike: { "aws:PrincipalAccount": "44449*" }"#),
        ],
        &["arn:aws:iam::4444*:root Decrypt always"],
    );
    check_statements(
        &[("allow", "Decrypt", "*", r#"StringNotLike: { "aws:PrincipalAccount": "9*" }"#)],
        &["* Decrypt always"],
    );
    check_statements(
        &[("allow", "Decrypt", "*", ""), ("deny", "Decrypt", "999999999999", "")],
        &["* Decrypt always"],
    );
}

#[test]
fn e40_services_have_a_row_where_they_alone_are_admitted() {
    check_statements(
        &[
            ("allow", "Decrypt", "*", r#"Bool: { "aws:PrincipalIsAWSService": "true" }"#),
            (
                "allow",
                "Encrypt",
                "*",
                r#"StringEquals: { "aws:PrincipalServiceName": "logs.amazonaws.com" }"#,
            ),
            (
                "allow",
                "GenerateDataKey",
                "*",
                r#"StringLike: { "aws:PrincipalServiceName": "delivery.*.amazonaws.com" }"#,
            ),
        ],
        &[
            "*.amazonaws.com Decrypt always",
            "delivery.*.amazonaws.com Decrypt always",
            "delivery.*.amazonaws.com GenerateDataKey always",
            "logs.amazonaws.com Decrypt always",
            "logs.amazonaws.com Encrypt always",
        ],
    );
}

/// Conditions that hold of some principals of the other account and not of others.
const OF_SOME: [&str; 14] = [
    r#"ArnEquals: { "aws:PrincipalArn": "arn:aws:iam::444455556666:user/eve" }"#,
    r#"ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:user/*" }"#,
    r#"ArnLike: { "aws:PrincipalArn": "arn:aws:iam::444455556666:role/*" }"#,
    r#"ArnNotEquals: { "aws:PrincipalArn": "arn:aws:iam::444455556666:user/eve" }"#,
    r#"ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::444455556666:role/*" }"#,
    r#"ArnEquals: { "aws:PrincipalArn": "arn:aws:iam::444455556666:root" }"#,
    r#"StringEquals: { "aws:PrincipalType": "User" }"#,
    r#"StringEquals: { "aws:PrincipalType": "Account" }"#,
    r#"StringNotEquals: { "aws:PrincipalType": "AssumedRole" }"#,
    r#"StringEquals: { "aws:username": "eve" }"#,
    r#"StringNotEquals: { "aws:username": "eve" }"#,
    r#"Null: { "aws:username": "true" }"#,
    r#"StringEquals: { "aws:username": "bob" }, ArnLike: { "aws:PrincipalArn": "arn:aws:iam::444455556666:user/ops/*" }"#,
    r#"Null: { "aws:MultiFactorAuthPresent": "true" }"#,
];

#[test]
fn e30_a_row_of_an_account_stands_for_users_and_its_root_as_well() {
    let row = format!("arn:aws:iam::{PARTNER}:root Decrypt conditional");
    for condition in OF_SOME {
        check_statements(&[("allow", "Decrypt", PARTNER, condition)], &[&row]);
    }
    for condition in [
        r#"StringEquals: { "aws:PrincipalType": "FederatedUser" }"#,
        r#"ArnEquals: { "aws:PrincipalArn": "arn:aws:sts::444455556666:federated-user/eve" }"#,
        r#"StringLike: { "aws:userid": "444455556666:*" }"#,
        r#"StringLike: { "aws:userid": "AIDA*" }"#,
        r#"Null: { "aws:TokenIssueTime": "true" }"#,
    ] {
        check_statements(&[("allow", "Decrypt", PARTNER, condition)], &[&row]);
    }
}

#[test]
fn e30_what_every_kind_is_allowed_is_always_allowed() {
    check_statements(
        &[(
            "allow",
            "Decrypt",
            PARTNER,
            r#"StringLike: { "aws:PrincipalArn": "arn:aws:*::444455556666:*" }"#,
        )],
        &[&format!("arn:aws:iam::{PARTNER}:root Decrypt always")],
    );
}

#[test]
fn e30_anyone_and_an_organization_stand_for_users_as_well() {
    let users = r#"ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:user/*" }"#;
    check_statements(&[("allow", "Decrypt", "*", users)], &["* Decrypt conditional"]);
    let of_organization = format!(r#"{users}, StringEquals: {{ "aws:PrincipalOrgID": "o-zz" }}"#);
    let text = world("us-west-2", &statement("allow", "Decrypt", "*", &of_organization));
    let found = outsiders(&text);
    assert_eq!(found.get(&("o-zz".to_owned(), "Decrypt")), Some(&"conditional"), "{found:?}");
}

/// Requests of principals of the other account, each kind with what its requests hold (section 2.5).
fn requests_of_partner(told: &Inventory) -> Vec<Request> {
    let key = told.keys.values().next().unwrap().arn.clone();
    let mfa: [(&str, &[Option<&str>]); 5] = [
        ("role/any", &[Some("true"), Some("false")]),
        ("user/eve", &[Some("true"), None]),
        ("user/ops/bob", &[Some("true"), None]),
        ("user/ann", &[Some("true"), None]),
        ("root", &[Some("true"), None]),
    ];
    let request = |name: &str, mfa: Option<&str>| {
        let caller = Caller::parse(&format!("arn:aws:iam::{PARTNER}:{name}")).unwrap();
        let mut request = Request::plain(caller, KmsAction::DECRYPT, Target::Key(key.clone()));
        match mfa {
            Some(mfa) => request.context.set_one("aws:MultiFactorAuthPresent", mfa),
            None => request.context.set_absent("aws:MultiFactorAuthPresent"),
        }
        request
    };
    mfa.iter().flat_map(|(name, all)| all.iter().map(|mfa| request(name, *mfa))).collect()
}

/// Whatever the reference evaluator allows somebody of another account, once that is in the export, its row
/// has; what it denies somebody is not always.
#[test]
fn e30_whoever_is_admitted_has_a_row() {
    let partner = format!(
        "  \"{PARTNER}\":\n    users:\n      eve: {{ policies: [{{ allow: \"kms:*\" }}] }}\n      \
         ann: {{ policies: [{{ allow: \"kms:*\" }}] }}\n      \
         bob: {{ path: \"/ops/\", policies: [{{ allow: \"kms:*\" }}] }}\n    \
         roles:\n      any: {{ policies: [{{ allow: \"kms:*\" }}] }}\n"
    );
    let row = (format!("arn:aws:iam::{PARTNER}:root"), "Decrypt");
    let mut admitted = 0;
    for allowed in OF_SOME {
        for denied in [""].into_iter().chain(OF_SOME) {
            let mut statements = statement("allow", "Decrypt", PARTNER, allowed);
            if !denied.is_empty() {
                statements.push_str(&statement("deny", "Decrypt", "*", denied));
            }
            let text = world("us-west-2", &statements);
            let truth = inventory(&format!("{text}{partner}"));
            let reference = Reference::new(&truth);
            let answers = requests_of_partner(&truth)
                .into_iter()
                .map(|request| reference.evaluate(&request).is_allowed())
                .collect::<Vec<bool>>();
            let verdict = outsiders(&text).get(&row).copied();
            if answers.contains(&true) {
                admitted += 1;
                assert!(verdict.is_some(), "{text}");
            }
            assert!(verdict != Some("always") || !answers.contains(&false), "{text}");
        }
    }
    assert!(admitted > 60, "{admitted}");
}

/// A template whose account has no identities in it.
fn template(principal: &str, condition: &str) -> String {
    format!(
        "AWSTemplateFormatVersion: \"2010-09-09\"\nResources:\n  AppKey:\n    Type: AWS::KMS::Key\n    Properties:\n      \
         KeyPolicy:\n        Version: \"2012-10-17\"\n        Statement:\n          - Effect: Allow\n            \
         Principal: {{AWS: {principal}}}\n            Action: \"kms:*\"\n            Resource: \"*\"\n{condition}"
    )
}

/// The cell of `kms:Decrypt` that a row of a template's matrix has.
fn decrypt_of(name: &str, template: &str, options: &[&str], row: &str) -> serde_json::Value {
    let folder = Folder::new(name);
    folder.put("template.yaml", template);
    let args = ["matrix", "--format", "jsonl", "--now", "2026-01-01", "--account", LOCAL];
    let args: Vec<&str> = args.iter().chain(options).copied().chain(["."]).collect();
    let run = keyreach(&args).within(folder.path()).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{template}");
    let lines = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<serde_json::Value> = lines.collect();
    lines.retain(|line| line["principal"] == row && line["action"] == "kms:Decrypt");
    assert_eq!(lines.len(), 1, "{template}\n{}", run.stdout);
    lines.remove(0)
}

#[test]
fn an_own_account_without_identities_stands_for_users_as_well() {
    let users = format!(
        "            Condition: {{ArnLike: {{\"aws:PrincipalArn\": \"arn:aws:iam::{LOCAL}:user/ops-*\"}}}}\n"
    );
    let root = format!("arn:aws:iam::{LOCAL}:root");
    let template = template(&format!("\"{root}\""), &users);
    let cell = decrypt_of("outsiders-own-users", &template, &[], &root);
    assert_eq!(cell["verdict"], "conditional", "{cell}");
    assert_eq!(cell["witness"]["principal"], format!("arn:aws:iam::{LOCAL}:user/ops-x"), "{cell}");
}

#[test]
fn x11_an_own_account_without_identities_is_of_the_partition_of_its_keys() {
    let template = template("!Sub \"arn:${AWS::Partition}:iam::${AWS::AccountId}:root\"", "");
    let options = ["--region", "cn-north-1"];
    let root = format!("arn:aws-cn:iam::{LOCAL}:root");
    let cell = decrypt_of("outsiders-own-partition", &template, &options, &root);
    assert_eq!(cell["verdict"], "always", "{cell}");
}
