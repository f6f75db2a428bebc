//! CloudFormation: what a deployer has beside the templates, what loops and macros make, and what SAM
//! gives to the roles that it makes.
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

use command::{Folder, keyreach};
use declared::{ALWAYS, ANYTHING, NEVER, bounds, bounds_of, loaded, loaded_as};
use keyreach::aws::KmsAction;
use keyreach::decision::Bound;
use keyreach::ingest::{Deployment, Loaded};
use serde_json::{Value, json};

/// What could not be resolved as a whole.
fn unresolved(loaded: &Loaded) -> Vec<&str> {
    let declared = loaded.inventory.declared.as_ref().unwrap();
    declared.unresolved.iter().map(|stated| &*stated.value).collect()
}

/// A key whose policy names one principal.
fn key(principal: &str) -> String {
    format!(
        "  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        Version: 2012-10-17\n        \
         Statement:\n          - Effect: Allow\n            Action: kms:Decrypt\n            Resource: '*'\n            \
         Principal: {{ AWS: {principal} }}\n"
    )
}

#[test]
fn a_template_is_of_the_partition_of_its_region() {
    let principal = "!Sub 'arn:${AWS::Partition}:iam::111122223333:role/app'";
    let template = format!("Resources:\n{}", key(principal));
    for (region, partition) in [("eu-west-1", "aws"), ("us-iso-east-1", "aws-iso")] {
        let mut deployment = Deployment::default();
        deployment.in_region(region);
        let loaded = loaded_as(&[("t.yaml", &template)], &deployment);
        let key = loaded.inventory.keys.values().next().unwrap();
        assert_eq!((key.arn.partition(), key.arn.region()), (partition, region));
        let policy = key.policy.as_ref().unwrap().policy();
        let entries = &policy.statements[0].principal.as_ref().unwrap().entries;
        let role = format!("arn:{partition}:iam::111122223333:role/app");
        assert_eq!(entries[0].value.text(), role);
    }
}

#[test]
fn a_file_of_parameters_says_what_a_template_leaves_open() {
    let template = "Parameters:\n  Who: { Type: String }\n  Looked:\n    \
                    Type: AWS::SSM::Parameter::Value<String>\nResources:\n"
        .to_owned();
    let arn = "arn:aws:iam::111122223333:role/app";
    for (file, who, expected) in [
        (format!(r#"[{{"ParameterKey": "Who", "ParameterValue": "{arn}"}}]"#), "!Ref Who", 0),
        (format!(r#"{{"Parameters": {{"Who": "{arn}"}}}}"#), "!Ref Who", 0),
        (format!("Who: {arn}\n"), "!Ref Who", 0),
        ("{}".to_owned(), "!Ref Who", 1),
        // What is looked up is named by what it is looked up by.
        (format!(r#"{{"Looked": "{arn}"}}"#), "!Ref Looked", 1),
    ] {
        let folder = Folder::new("parameters");
        folder.put("t/template.yaml", template.clone() + &key(who));
        folder.put("p.json", &file);
        let args = [
            "check",
            "--strict",
            "--select",
            "unresolved-reference",
            "--parameters",
            "p.json",
            "t",
        ];
        let run = keyreach(&args).within(folder.path()).run();
        assert_eq!(run.code, expected, "{file}\n{run:?}");
    }
    let folder = Folder::new("parameters-broken");
    folder.put("p.json", "{\n  \"Who\": {\"x\": 1}\n}");
    let run = keyreach(&["check", "--parameters", "p.json", "."]).within(folder.path()).run();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("--parameters: p.json:2:10: a value is a text"), "{}", run.stderr);
}

#[test]
fn loops_are_written_out() {
    let template = |values: &str| {
        format!(
            "Transform: AWS::LanguageExtensions\nParameters:\n  Names: {{ Type: CommaDelimitedList, Default: 'app, ops-1' }}\n  \
             Open: {{ Type: CommaDelimitedList }}\nResources:\n  Fn::ForEach::Roles:\n    - Name\n    - {values}\n    - \
             Role&{{Name}}:\n        Type: AWS::IAM::Role\n        Properties:\n          RoleName: !Ref Name\n          \
             AssumeRolePolicyDocument: {{ Version: 2012-10-17, Statement: [] }}\n          Policies:\n            - \
             PolicyName: !Sub '${{Name}}-policy'\n              PolicyDocument:\n                Version: 2012-10-17\n                \
             Statement: [{{ Effect: Allow, Action: kms:Decrypt, Resource: !GetAtt Key.Arn }}]\n  Key:\n    Type: AWS::KMS::Key\n"
        )
    };
    for values in ["[app, ops-1]", "!Ref Names"] {
        let text = template(values);
        let loaded = loaded(&[("t.yaml", &text)]);
        let identities = loaded.inventory.accounts.values().flat_map(|it| it.identities.values());
        let names: Vec<&str> = identities.map(|identity| &*identity.name).collect();
        assert_eq!(names, ["app", "ops-1"], "{values}");
        assert_eq!(bounds(&loaded, "role/ops-1", KmsAction::DECRYPT), ALWAYS);
        assert_eq!(bounds(&loaded, "role/other", KmsAction::DECRYPT).0, NEVER.0);
        assert_eq!(unresolved(&loaded), <[&str; 0]>::default());
    }
    let open = template("!Ref Open");
    let open = loaded(&[("t.yaml", &open)]);
    assert_eq!(unresolved(&open), ["the resources that `Fn::ForEach::Roles` makes"]);
}

#[test]
fn what_a_macro_makes_is_not_known() {
    let root = "!Sub 'arn:aws:iam::${AWS::AccountId}:root'";
    let whole = format!("Transform: [AWS::Serverless-2016-10-31, Ours]\nResources:\n{}", key(root));
    let told = loaded(&[("t.yaml", &whole)]);
    assert_eq!(unresolved(&told), ["what the macro `Ours` makes of the template"]);
    // A key whose properties a macro writes has no default policy.
    let template = "Resources:\n  App:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: app\n      \
                    AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n  Key:\n    \
                    Type: AWS::KMS::Key\n    Properties:\n      Fn::Transform:\n        Name: AWS::Include\n        \
                    Parameters: { Location: s3://x/y }\n";
    let part = loaded(&[("t.yaml", template)]);
    assert_eq!(bounds(&part, "role/app", KmsAction::DECRYPT), ANYTHING);
}

#[test]
fn the_manifest_of_the_cdk_says_the_account_and_the_region() {
    let manifest = |environments: &[&str]| {
        let stacks = environments.iter().enumerate().map(|(nth, environment)| {
            format!(
                r#""S{nth}": {{"type": "aws:cloudformation:stack", "environment": "{environment}", "properties": {{"templateFile": "S{nth}.template.json"}}}}"#
            )
        });
        let stacks: Vec<String> = stacks.collect();
        format!(
            r#"{{"version": "36.0.0", "artifacts": {{"T": {{"type": "cdk:tree"}}, {}}}}}"#,
            stacks.join(", ")
        )
    };
    let template = r#"{"Resources": {"Key": {"Type": "AWS::KMS::Key"}}}"#;
    let arns = |environments: &[&str], deployment: &Deployment| -> Vec<String> {
        let manifest = manifest(environments);
        let files = [("cdk.out/manifest.json", &*manifest), ("cdk.out/S0.template.json", template)];
        let loaded = loaded_as(&files, deployment);
        loaded.inventory.keys.values().map(|key| key.arn.to_string()).collect()
    };
    let open = Deployment::default();
    let of = |environments: &[&str]| arns(environments, &open);
    assert_eq!(
        of(&["aws://111122223333/eu-west-1"]),
        ["arn:aws:kms:eu-west-1:111122223333:key/Key"]
    );
    let unknown = ["arn:aws:kms:this-region:this-account:key/Key"];
    assert_eq!(of(&["aws://unknown-account/unknown-region"]), unknown);
    // Each stack has its own.
    let two = ["aws://444455556666/us-east-1", "aws://111122223333/eu-west-1"];
    assert_eq!(of(&two), ["arn:aws:kms:us-east-1:444455556666:key/Key"]);
    let account = keyreach::aws::AccountId::parse("777788889999").unwrap();
    let pinned = Deployment { account, ..Deployment::default() };
    assert_eq!(
        arns(&["aws://111122223333/eu-west-1"], &pinned),
        ["arn:aws:kms:eu-west-1:777788889999:key/Key"]
    );
    // A template that lies elsewhere is for another account, as far as anybody knows.
    let manifest = manifest(&["aws://111122223333/eu-west-1"]);
    let files = [("cdk.out/manifest.json", &*manifest), ("other/t.json", template)];
    let elsewhere = loaded(&files);
    assert_eq!(elsewhere.inventory.keys.values().next().unwrap().arn.as_str(), unknown[0]);
}

#[test]
fn an_alias_of_a_known_key_may_be_of_one_that_another_template_makes() {
    let key = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n";
    let alias = |target: &str| {
        format!(
            "Resources:\n  Alias:\n    Type: AWS::KMS::Alias\n    Properties:\n      AliasName: alias/a\n      \
             TargetKeyId: {target}\n"
        )
    };
    let known = alias("1234abcd-12ab-34cd-56ef-1234567890ab");
    let is_listed = |files: &[(&str, &str)]| {
        let loaded = loaded(files);
        let keys = loaded.inventory.keys.values();
        let of_template = |arn: &str| arn.ends_with(":key/Key");
        let mut declared = keys.filter(|key| of_template(key.arn.as_str()));
        declared.next().expect("the declared key").aliases_listed
    };
    assert!(is_listed(&[("key.yaml", key)]));
    assert!(!is_listed(&[("key.yaml", key), ("alias.yaml", &known)]));
    // A stack's own key has no id before the stack is made.
    let own = format!("{key}{}", known.trim_start_matches("Resources:\n"));
    assert!(is_listed(&[("key.yaml", &own)]));
}

#[test]
fn stacks_of_the_cdk_are_each_of_their_own_account() {
    let stack = |name: &str, environment: &str| {
        format!(
            r#""{name}": {{"type": "aws:cloudformation:stack", "environment": "{environment}", "properties": {{"templateFile": "{name}.template.json"}}}}"#
        )
    };
    let stacks = [
        stack("Dev", "aws://111122223333/eu-west-1"),
        stack("Prod", "aws://444455556666/us-east-1"),
        stack("Open", "aws://unknown-account/unknown-region"),
    ];
    let manifest = format!(r#"{{"version": "36.0.0", "artifacts": {{{}}}}}"#, stacks.join(", "));
    // The role of one account has the name of that of the other, and is another.
    let template = |name: &str| {
        json!({ "Resources": {
            (format!("{name}Key")): { "Type": "AWS::KMS::Key" },
            (format!("{name}App")): { "Type": "AWS::IAM::Role", "Properties": { "RoleName": "app",
                "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [] } } },
            (format!("{name}Policy")): { "Type": "AWS::IAM::Policy", "Properties": { "PolicyName": name,
                "Roles": ["app"], "PolicyDocument": { "Version": "2012-10-17", "Statement": [
                    { "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" }] } } }
        } })
        .to_string()
    };
    let (dev, prod, open) = (template("Dev"), template("Prod"), template("Open"));
    let loaded = loaded(&[
        ("cdk.out/manifest.json", &*manifest),
        ("cdk.out/Dev.template.json", &*dev),
        ("cdk.out/Prod.template.json", &*prod),
        ("cdk.out/Open.template.json", &*open),
    ]);
    let keys: Vec<String> = loaded.inventory.keys.values().map(|key| key.arn.to_string()).collect();
    assert_eq!(
        keys,
        [
            "arn:aws:kms:eu-west-1:111122223333:key/DevKey",
            "arn:aws:kms:this-region:this-account:key/OpenKey",
            "arn:aws:kms:us-east-1:444455556666:key/ProdKey",
        ]
    );
    let inline = |account: &str| -> Vec<String> {
        let arn = format!("arn:aws:iam::{account}:role/app");
        let role = loaded.inventory.identity(&arn).expect("a role");
        role.inline.iter().map(|policy| policy.name.to_string()).collect()
    };
    // Whether the open stack is of the one account or the other, nobody knows.
    assert_eq!(inline("111122223333"), ["Dev"]);
    assert_eq!(inline("444455556666"), ["Prod"]);
}

/// A role with properties of its own that may do this with every key.
fn entitled(name: &str, properties: &str, action: &str) -> String {
    format!(
        "  {name}:\n    Type: AWS::IAM::Role\n{properties}      \
         AssumeRolePolicyDocument: {{ Version: 2012-10-17, Statement: [] }}\n      Policies:\n        - \
         PolicyName: own\n          PolicyDocument:\n            Version: 2012-10-17\n            \
         Statement: [{{ Effect: Allow, Action: '{action}', Resource: '*' }}]\n"
    )
}

/// A deployment with one variable.
fn with(name: &str, value: &str) -> Deployment {
    let variables = [(name.into(), value.into())].into();
    Deployment { variables, ..Deployment::default() }
}

#[test]
fn a_key_policy_that_may_be_none_may_be_the_default_one() {
    let role = entitled("App", "    Properties:\n      RoleName: app\n", "kms:Decrypt");
    let admin = "{ Version: 2012-10-17, Statement: [{ Effect: Allow, Action: 'kms:*', Resource: '*', \
                 Principal: { AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:role/admin' } }] }";
    let none = "!Ref AWS::NoValue";
    let nested = format!("!If [IsProd, {admin}, !If [IsTest, {admin}, {none}]]");
    let template = |policy: &str| {
        format!(
            "Parameters: {{ Env: {{ Type: String }} }}\nConditions:\n  IsProd: !Equals [!Ref Env, prod]\n  \
             IsTest: !Equals [!Ref Env, test]\nResources:\n{role}  Key:\n    Type: AWS::KMS::Key\n    \
             Properties:\n      KeyPolicy: {policy}\n"
        )
    };
    for policy in [format!("!If [IsProd, {admin}, {none}]"), nested] {
        let text = template(&policy);
        let files = [("t.yaml", &*text)];
        let found =
            |deployment| bounds(&loaded_as(&files, &deployment), "role/app", KmsAction::DECRYPT);
        assert_eq!(found(Deployment::default()), ANYTHING, "{policy}");
        assert_eq!(found(with("Env", "prod")), NEVER, "{policy}");
        assert_eq!(found(with("Env", "dev")), ALWAYS, "{policy}");
    }
    // Where each branch has a policy, none is the default one.
    let text = template(&format!("!If [IsProd, {admin}, {admin}]"));
    assert_eq!(bounds(&loaded(&[("t.yaml", &text)]), "role/app", KmsAction::DECRYPT), NEVER);
}

#[test]
fn what_asks_for_nothing_in_one_branch_may_let_anyone_in() {
    let (account, none) = ("'111122223333'", "!Ref AWS::NoValue");
    let template = |condition: &str| {
        format!(
            "Parameters: {{ Env: {{ Type: String }} }}\nConditions:\n  IsProd: !Equals [!Ref Env, prod]\nResources:\n  \
             Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        Version: 2012-10-17\n        \
             Statement:\n          - Effect: Allow\n            Principal: '*'\n            Action: kms:Decrypt\n            \
             Resource: '*'\n            Condition: {condition}\n"
        )
    };
    let stranger = "arn:aws:iam::999988887777:role/x";
    for condition in [
        format!("{{ StringEquals: {{ kms:CallerAccount: !If [IsProd, {account}, {none}] }} }}"),
        format!("{{ StringEquals: !If [IsProd, {{ kms:CallerAccount: {account} }}, {none}] }}"),
        format!("!If [IsProd, {{ StringEquals: {{ kms:CallerAccount: {account} }} }}, {none}]"),
    ] {
        let text = template(&condition);
        let at_most = |deployment| {
            let loaded = loaded_as(&[("t.yaml", &*text)], &deployment);
            bounds_of(&loaded, stranger, KmsAction::DECRYPT).1
        };
        assert_eq!(at_most(with("Env", "prod")), Bound::Never, "{condition}");
        assert_ne!(at_most(with("Env", "dev")), Bound::Never, "{condition}");
        assert_ne!(at_most(Deployment::default()), Bound::Never, "{condition}");
    }
}

#[test]
fn of_two_roles_of_one_name_nobody_knows_which_will_be_there() {
    let named = |condition: &str| format!("{condition}    Properties:\n      RoleName: app\n");
    let (on, off) = (named("    Condition: IsX\n"), named("    Condition: IsOther\n"));
    let key = "  Key:\n    Type: AWS::KMS::Key\n";
    let chosen = format!(
        "Parameters: {{ P: {{ Type: String }} }}\nConditions:\n  IsX: !Equals [!Ref P, x]\n  \
         IsOther: !Not [!Condition IsX]\nResources:\n{}{}{key}",
        entitled("R1", &on, "kms:Encrypt"),
        entitled("R2", &off, "kms:Decrypt"),
    );
    let one = format!("Resources:\n{}{key}", entitled("R1", &named(""), "kms:Encrypt"));
    let other = format!("Resources:\n{}", entitled("R2", &named(""), "kms:Decrypt"));
    let (one_template, two): ([_; 1], [_; 2]) =
        ([("t.yaml", &*chosen)], [("dev.yaml", &*one), ("prod.yaml", &*other)]);
    let encrypt = KmsAction::from_name("Encrypt").unwrap();
    for files in [one_template.as_slice(), &two] {
        let loaded = loaded(files);
        for action in [encrypt, KmsAction::DECRYPT] {
            assert_eq!(bounds(&loaded, "role/app", action), ANYTHING, "{files:?}");
        }
        assert_eq!(unresolved(&loaded), ["R2: a second role"], "{files:?}");
    }
    // So it is of managed policies.
    let managed = |name: &str, action: &str| {
        format!(
            "  {name}:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      ManagedPolicyName: use\n      \
             PolicyDocument:\n        Version: 2012-10-17\n        \
             Statement: [{{ Effect: Allow, Action: '{action}', Resource: '*' }}]\n"
        )
    };
    let attached = "      RoleName: other\n      ManagedPolicyArns: [!Ref P1]\n";
    let attached = entitled("R3", &format!("    Properties:\n{attached}"), "kms:ListKeys");
    let text = format!(
        "Resources:\n{attached}{}{}{key}",
        managed("P1", "kms:Encrypt"),
        managed("P2", "kms:Decrypt"),
    );
    let both = loaded(&[("t.yaml", &text)]);
    for action in [encrypt, KmsAction::DECRYPT] {
        assert_eq!(bounds(&both, "role/other", action), ANYTHING);
    }
    assert_eq!(unresolved(&both), ["P2: a second policy"]);
    // Where it is known which is there, it is the only one.
    let loaded = loaded_as(&one_template, &with("P", "x"));
    assert_eq!(bounds(&loaded, "role/app", encrypt), ALWAYS);
    assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), NEVER);
}

#[test]
fn what_a_parent_stack_passes_holds_for_the_nested_one() {
    let child = "Parameters: { Env: { Type: String } }\nResources:\n  App:\n    Type: AWS::IAM::Role\n    \
                 Properties:\n      RoleName: !Sub 'app-${Env}'\n      \
                 AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n";
    let parent = "Parameters: { Env: { Type: String } }\nResources:\n  Child:\n    \
                  Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: ./child.yaml\n      \
                  Parameters: { Env: !Sub '${Env}-eu' }\n";
    let files = [("child.yaml", child), ("parent.yaml", parent)];
    let loaded = loaded_as(&files, &with("Env", "dev"));
    assert_eq!(role(&loaded), "arn:aws:iam::this-account:role/app-dev-eu");
}

#[test]
fn a_list_that_a_parent_stack_joins_is_one_for_the_nested_one() {
    let child = "Parameters: { Readers: { Type: CommaDelimitedList } }\nResources:\n  Key:\n    \
                 Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        Version: 2012-10-17\n        \
                 Statement: [{ Effect: Allow, Principal: { AWS: !Ref Readers }, Action: kms:Decrypt, Resource: '*' }]\n";
    let parent = |joined: &str| {
        format!(
            "Parameters: {{ P: {{ Type: String }} }}\nResources:\n  App:\n    Type: AWS::IAM::Role\n    \
             Properties:\n      AssumeRolePolicyDocument: {{ Version: 2012-10-17, Statement: [] }}\n  Child:\n    \
             Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: ./child.yaml\n      \
             Parameters: {{ Readers: !Join [',', [{joined}, !Sub 'arn:aws:iam::${{AWS::AccountId}}:role/etl']] }}\n"
        )
    };
    for (joined, of_app, of_other) in [
        ("!GetAtt App.Arn", ALWAYS, NEVER),
        // One that is not known at all may be several.
        ("!Ref P", ANYTHING, ANYTHING),
    ] {
        let parent = parent(joined);
        let loaded = loaded(&[("child.yaml", child), ("parent.yaml", &parent)]);
        let of = |role: &str| bounds(&loaded, role, KmsAction::DECRYPT);
        assert_eq!(of("role/<StackName>-App-<App>"), of_app, "{joined}");
        assert_eq!(of("role/other"), of_other, "{joined}");
    }
}

#[test]
fn the_template_of_a_set_of_stacks_is_read() {
    let inner = "          Parameters: { Who: { Type: String } }\n          Resources:\n            Key:\n              \
                 Type: AWS::KMS::Key\n              Properties:\n                KeyPolicy:\n                  \
                 Version: 2012-10-17\n                  Statement: [{ Effect: Allow, Principal: { AWS: !Ref Who }, \
                 Action: kms:Decrypt, Resource: '*' }]\n";
    let set = |body: &str, more: &str| {
        format!(
            "Resources:\n  Set:\n    Type: AWS::CloudFormation::StackSet\n{more}    Properties:\n      \
             StackSetName: keys\n      Parameters: [{{ ParameterKey: Who, ParameterValue: '*' }}]\n      {body}\n"
        )
    };
    let read = set(&format!("TemplateBody: |\n{inner}"), "");
    let loaded = loaded(&[("t.yaml", &read)]);
    let keys: Vec<_> = loaded.inventory.keys.values().collect();
    assert_eq!((keys.len(), unresolved(&loaded)), (1, Vec::new()));
    assert!(keys[0].arn.account().is_symbol() && keys[0].arn.account().as_str() != "this-account");
    let told = &loaded.inventory.declared.as_ref().unwrap().accounts[&keys[0].arn.account()];
    assert_eq!(&**told, "an account that the stack set Set deploys to");
    let stranger = "arn:aws:iam::999988887777:role/x";
    assert_ne!(bounds_of(&loaded, stranger, KmsAction::DECRYPT).1, Bound::Never);
    for unread in [
        set("TemplateURL: https://x/y.yaml", ""),
        set(&format!("TemplateBody: !Sub |\n{inner}"), ""),
        set(&format!("TemplateBody: |\n{inner}"), "    Condition: IsThere\n"),
    ] {
        let loaded = declared::loaded(&[("t.yaml", &unread)]);
        assert_eq!(unresolved(&loaded), ["the stacks of the stack set Set"], "{unread}");
    }
}

#[test]
fn a_reference_may_be_made_by_a_function() {
    let text = "Transform: AWS::LanguageExtensions\nResources:\n  Key:\n    Type: AWS::KMS::Key\n  Alias:\n    \
                Type: AWS::KMS::Alias\n    Properties:\n      AliasName: alias/app\n      \
                TargetKeyId: !Ref { 'Fn::Sub': Key }\n";
    let loaded = loaded(&[("t.yaml", text)]);
    let keys: Vec<_> = loaded.inventory.keys.values().collect();
    assert_eq!((keys.len(), keys[0].aliases.len()), (1, 1));
    assert_eq!(unresolved(&loaded), <[&str; 0]>::default());
}

#[test]
fn a_policy_for_some_of_the_unnamed_roles_of_its_stack_may_be_for_each_that_it_mentions() {
    let template = |of_type: &str, roles: &str| {
        let role = |name: &str| {
            format!(
                "  {name}:\n    Type: AWS::IAM::Role\n    Properties:\n      \
                 AssumeRolePolicyDocument: {{ Version: 2012-10-17, Statement: [] }}\n"
            )
        };
        let (a, b) = (role("A"), role("B"));
        let name = if of_type == "Policy" { "      PolicyName: p\n" } else { "" };
        format!(
            "Parameters: {{ P: {{ Type: String }} }}\nConditions:\n  IsX: !Equals [!Ref P, x]\nResources:\n  \
             Key:\n    Type: AWS::KMS::Key\n{a}{b}  Given:\n    Type: AWS::IAM::{of_type}\n    Properties:\n\
             {name}      Roles: {roles}\n      PolicyDocument:\n        Version: 2012-10-17\n        \
             Statement: [{{ Effect: Allow, Action: kms:Decrypt, Resource: '*' }}]\n"
        )
    };
    let open = Some("Given: which role it is for");
    let elsewhere = Some("Given: its role is not declared here");
    for (roles, of_a, of_b, told) in [
        ("[!If [IsX, !Ref A, !Ref B]]", ANYTHING, ANYTHING, open),
        ("!If [IsX, [!Ref A], !Ref AWS::NoValue]", ANYTHING, NEVER, open),
        ("!Split [',', !Join [',', [!Ref A, !Ref B]]]", ANYTHING, ANYTHING, open),
        ("[!Sub 'x-${P}', !If [IsX, !Sub '${B}', y]]", NEVER, ANYTHING, open),
        ("[!Ref A]", ALWAYS, NEVER, None),
        ("[!Ref P]", NEVER, NEVER, elsewhere),
        ("[other]", NEVER, NEVER, elsewhere),
    ] {
        for of_type in ["Policy", "ManagedPolicy"] {
            let text = template(of_type, roles);
            let loaded = loaded(&[("t.yaml", &text)]);
            for (name, expected) in [("A", of_a), ("B", of_b)] {
                let role = format!("role/<StackName>-{name}-<{name}>");
                let found = bounds(&loaded, &role, KmsAction::DECRYPT);
                assert_eq!(found, expected, "{name} {of_type} {roles}");
            }
            assert_eq!(unresolved(&loaded).first().copied(), told, "{of_type} {roles}");
        }
    }
}

#[test]
fn users_that_may_join_a_group_may_do_what_it_may() {
    let template = "Parameters: { P: { Type: String } }\nConditions:\n  IsX: !Equals [!Ref P, x]\nResources:\n  \
                    Key:\n    Type: AWS::KMS::Key\n  U:\n    Type: AWS::IAM::User\n  V:\n    \
                    Type: AWS::IAM::User\n  W:\n    Type: AWS::IAM::User\n  G:\n    Type: AWS::IAM::Group\n    \
                    Properties:\n      Policies:\n        - PolicyName: p\n          PolicyDocument:\n            \
                    Version: 2012-10-17\n            \
                    Statement: [{ Effect: Allow, Action: kms:Decrypt, Resource: '*' }]\n  Joined:\n    \
                    Type: AWS::IAM::UserToGroupAddition\n    Properties:\n      GroupName: !Ref G\n      \
                    Users: [!If [IsX, !Ref U, !Ref V]]\n";
    let loaded = loaded(&[("t.yaml", template)]);
    for (name, expected) in [("U", ANYTHING), ("V", ANYTHING), ("W", NEVER)] {
        let user = format!("user/<StackName>-{name}-<{name}>");
        assert_eq!(bounds(&loaded, &user, KmsAction::DECRYPT), expected, "{name}");
    }
    assert_eq!(unresolved(&loaded), ["Joined: which user it is for"]);
}

#[test]
fn a_replica_is_what_its_declared_primary_is() {
    let template = |primary: &str| {
        let policy = "KeyPolicy: { Version: 2012-10-17, Statement: [{ Effect: Allow, Action: 'kms:*', Resource: '*', \
                      Principal: { AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root' } }] }";
        format!(
            "Resources:\n  P:\n    Type: AWS::KMS::Key\n    Properties:\n      MultiRegion: true\n      \
             KeySpec: HMAC_256\n      KeyUsage: GENERATE_VERIFY_MAC\n      {policy}\n  R:\n    \
             Type: AWS::KMS::ReplicaKey\n    Properties:\n      PrimaryKeyArn: {primary}\n      {policy}\n"
        )
    };
    let literal =
        "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab".to_owned();
    for (primary, is_known) in [("!GetAtt P.Arn".to_owned(), true), (literal, false)] {
        let text = template(&primary);
        let loaded = loaded(&[("t.yaml", &text)]);
        let mut usages: Vec<Option<&str>> = Vec::new();
        for key in loaded.inventory.keys.values() {
            let metadata = key.metadata.as_ref().unwrap();
            assert_eq!(metadata.spec.is_some(), metadata.usage.is_some(), "{primary}");
            usages.push(metadata.usage.as_deref());
        }
        usages.sort_unstable();
        let replica = is_known.then_some("GENERATE_VERIFY_MAC");
        assert_eq!(usages, [replica, Some("GENERATE_VERIFY_MAC")], "{primary}");
    }
    // One policy gives the same on both.
    let folder = Folder::new("replica");
    folder.put("template.yaml", template("!GetAtt P.Arn"));
    let args = ["check", "--strict", "--select", "replica-policy-drift", "."];
    let run = keyreach(&args).within(folder.path()).run();
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn what_a_template_makes_that_is_not_read_is_told() {
    let template = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Set:\n    \
                    Type: AWS::CloudFormation::StackSet\n    Properties: { StackSetName: x, TemplateBody: '{}' }\n  \
                    App:\n    Type: AWS::Serverless::Application\n    \
                    Properties: { Location: { ApplicationId: x, SemanticVersion: 1.0.0 } }\n  Part:\n    \
                    Type: Our::Key::Part::MODULE\n  Scp:\n    Type: AWS::Organizations::Policy\n    \
                    Properties: { Name: x, Type: SERVICE_CONTROL_POLICY, Content: {} }\n  Tags:\n    \
                    Type: AWS::Organizations::Policy\n    Properties: { Name: y, Type: TAG_POLICY, Content: {} }\n";
    assert_eq!(
        unresolved(&loaded(&[("t.yaml", template)])),
        [
            "the stacks of the stack set Set",
            "the nested stack App",
            "what the module Part makes",
            "the organization policy Scp",
        ]
    );
    // Each is told of alone, too.
    let alone =
        "Resources:\n  Scp:\n    Type: AWS::Organizations::Policy\n    Properties: { Name: x }\n";
    assert_eq!(unresolved(&loaded(&[("t.yaml", alone)])), ["the organization policy Scp"]);
}

#[test]
fn a_policy_may_be_a_json_text() {
    let policy =
        |statement: Value| json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let of_key = |who: &str| {
        let principal = format!("arn:aws:iam::${{AWS::AccountId}}:{who}");
        policy(
            json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "kms:*", "Resource": "*" }),
        )
    };
    let own = policy(json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" }));
    let trust = policy(json!({ "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": { "Federated": "arn:aws:iam::${AWS::AccountId}:oidc-provider/${Issuer}" },
        "Condition": { "StringEquals": { "${Issuer}:sub": "system:serviceaccount:x:y" } } }));
    let template = |key: &str| {
        format!(
            "Parameters:\n  Issuer: {{ Type: String }}\n  P: {{ Type: String }}\n  \
             Q: {{ Type: String, AllowedValues: [app, other] }}\n  \
             Z: {{ Type: String, AllowedValues: [x, y] }}\nConditions: {{ IsX: !Equals [!Ref P, x] }}\n\
             Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy: {key}\n  App:\n    \
             Type: AWS::IAM::Role\n    Properties:\n      RoleName: app\n      \
             AssumeRolePolicyDocument: !Sub '{trust}'\n      \
             Policies: [{{ PolicyName: own, PolicyDocument: '{own}' }}]\n"
        )
    };
    let malformed = |folder: &str, text: &str| {
        let folder = Folder::new(folder);
        folder.put("template.yaml", text);
        let args = ["check", "--strict", "--select", "malformed-policy", "."];
        keyreach(&args).within(folder.path()).run()
    };
    let of_open_actions = of_key("root").replace("\"kms:*\"", "${P}");
    for (nth, (key, expected)) in [
        (format!("!Sub '{}'", of_key("root")), ALWAYS),
        (format!("!Sub |\n        {}", of_key("root")), ALWAYS),
        (format!("!Sub '{}'", of_key("role/app")), ALWAYS),
        (format!("!Sub '{}'", of_key("role/other")), NEVER),
        (format!("!Sub '{}'", of_key("role/${P}")), ANYTHING),
        (format!("!Sub '{}'", of_key("role/${Q}")), ANYTHING),
        (format!("!Sub '{}'", of_key("role/${Z}")), NEVER),
        (format!("!Sub '{of_open_actions}'"), ANYTHING),
        (format!("!If [IsX, !Sub '{}', !Ref AWS::NoValue]", of_key("role/other")), ANYTHING),
        ("!Ref P".to_owned(), ANYTHING),
    ]
    .into_iter()
    .enumerate()
    {
        let text = template(&key);
        let loaded = loaded(&[("t.yaml", &text)]);
        assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), expected, "{key}");
        let run = malformed(&format!("json-text-{nth}"), &text);
        assert_eq!(run.code, 0, "{key}: {run:?}");
    }
    let run = malformed("json-text-broken", &template("'{ \"Version\": '"));
    assert_eq!(run.code, 1, "{run:?}");
}

/// A function with globals and properties of its own, beside a key that delegates.
fn serverless(globals: &str, properties: &str) -> Loaded {
    let text = format!(
        "Transform: AWS::Serverless-2016-10-31\n{globals}Resources:\n  Key:\n    Type: AWS::KMS::Key\n  F:\n    \
         Type: AWS::Serverless::Function\n    Properties:\n      Handler: x\n{properties}"
    );
    loaded(&[("t.yaml", &text)])
}

fn role(loaded: &Loaded) -> String {
    let mut identities = loaded.inventory.accounts.values().flat_map(|it| it.identities.values());
    identities.next().unwrap().arn.to_string()
}

#[test]
fn globals_of_sam_hold_for_its_roles() {
    let decrypting = "      Policies:\n        - Statement: [{ Effect: Allow, Action: kms:Decrypt, Resource: '*' }]\n";
    let bounded = "Globals:\n  Function:\n    RolePath: /team/\n    PermissionsBoundary: \
                   arn:aws:iam::aws:policy/AmazonSQSFullAccess\n";
    for (globals, expected) in [("", ALWAYS), (bounded, NEVER)] {
        let loaded = serverless(globals, decrypting);
        let role = role(&loaded);
        assert_eq!(role.contains(":role/team/"), !globals.is_empty(), "{role}");
        assert_eq!(bounds_of(&loaded, &role, KmsAction::DECRYPT), expected, "{globals}");
    }
}

#[test]
fn a_function_may_use_the_key_of_the_secret_of_its_events() {
    let events = "      Events:\n        E:\n          Type: SelfManagedKafka\n          Properties:\n            \
                  SecretsManagerKmsKeyId: !Ref Key\n";
    for (events, expected) in [("", NEVER), (events, ALWAYS)] {
        let loaded = serverless("", events);
        assert_eq!(bounds_of(&loaded, &role(&loaded), KmsAction::DECRYPT), expected, "{events}");
    }
}

#[test]
fn a_function_that_may_have_no_role_may_have_one_that_sam_makes() {
    let properties = |role: &str| {
        format!(
            "      Role: {role}\n      Policies:\n        - \
             Statement: [{{ Effect: Allow, Action: kms:Decrypt, Resource: '*' }}]\n"
        )
    };
    let condition =
        "Parameters: { P: { Type: String } }\nConditions: { IsX: !Equals [!Ref P, x] }\n";
    let given = "arn:aws:iam::111122223333:role/x";
    let maybe = properties(&format!("!If [IsX, '{given}', !Ref AWS::NoValue]"));
    let loaded = serverless(condition, &maybe);
    assert_eq!(role(&loaded), "arn:aws:iam::this-account:role/<StackName>-FRole-<FRole>");
    assert_eq!(bounds_of(&loaded, &role(&loaded), KmsAction::DECRYPT), ALWAYS);
    let loaded = serverless(condition, &properties(given));
    assert!(loaded.inventory.accounts.values().all(|account| account.identities.is_empty()));
}

#[test]
fn what_each_branch_says_stands_there_whichever_is_taken() {
    let deny = "{ Effect: Deny, Principal: '*', Action: [kms:Decrypt], Resource: '*' }";
    let allow = "{ Effect: Allow, Principal: '*', Action: kms:Encrypt, Resource: '*' }";
    let template = |then: &str, otherwise: &str| {
        format!(
            "Parameters: {{ Env: {{ Type: String }} }}\nConditions:\n  IsProd: !Equals [!Ref Env, prod]\nResources:\n  \
             Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        Version: 2012-10-17\n        \
             Statement:\n          - {{ Effect: Allow, Principal: '*', Action: 'kms:Decrypt', Resource: '*' }}\n          \
             - !If [IsProd, {then}, {otherwise}]\n"
        )
    };
    let stranger = "arn:aws:iam::999988887777:role/x";
    let bounds = |then: &str, otherwise: &str, deployment| {
        let text = template(then, otherwise);
        let loaded = loaded_as(&[("t.yaml", &*text)], &deployment);
        bounds_of(&loaded, stranger, KmsAction::DECRYPT)
    };
    assert_eq!(bounds(deny, deny, Deployment::default()), NEVER);
    // What one of them lacks hangs on which is taken.
    for (then, otherwise) in [(deny, allow), (deny, "!Ref AWS::NoValue")] {
        let found = bounds(then, otherwise, Deployment::default());
        assert_ne!(found.1, Bound::Never, "{otherwise}");
        assert_eq!(found.0, Bound::Never, "{otherwise}");
        assert_eq!(bounds(then, otherwise, with("Env", "prod")), NEVER, "{otherwise}");
    }
}

#[test]
fn an_alias_is_no_key_of_whatever_account() {
    let template = |resource: &str| {
        format!(
            "Parameters: {{ Name: {{ Type: String }} }}\nResources:\n{}",
            key("'arn:aws:iam::444455556666:role/app'").replace("'*'", resource)
        )
    };
    let arn = |name: &str| format!("'arn:aws:kms:us-east-1:111122223333:{name}'");
    let of_code = "!Sub 'arn:aws:kms:${AWS::Region}:${AWS::AccountId}:alias/${Name}'";
    for (resource, is_told) in [
        (arn("alias/app"), true),
        (of_code.to_owned(), true),
        (arn("key/1234abcd-12ab-34cd-56ef-1234567890ab"), false),
        (of_code.replace("alias/", "key/"), false),
        ("!Ref Name".to_owned(), false),
    ] {
        let folder = Folder::new("alias-of-another-account");
        folder.put("t.yaml", template(&resource));
        let args = ["check", ".", "--select", "key-policy-resource-mismatch"];
        let run = keyreach(&args).within(folder.path()).run();
        assert_eq!(run.stdout.contains("its Resource is an alias"), is_told, "{resource}: {run:?}");
    }
}
