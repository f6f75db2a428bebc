//! Terraform: what modules declare, without running Terraform. Each directory of
//! `testdata/infrastructure/terraform/` is compared with its `.expected` file, which `KEYREACH_BLESS=1`
//! writes anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

#[path = "support/command.rs"]
mod command;
#[path = "support/declared.rs"]
mod declared;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/tf_json.rs"]
mod tf_json;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use command::{Folder, keyreach};
use declared::{module, pinned};
use jiff::Timestamp;
use keyreach::audit::Engine;
use keyreach::aws::KmsAction;
use keyreach::decision::{Bound, Caller, FACTS, Reach, Request, Target, Verdict};
use keyreach::ingest::{Deployment, Loaded, load_deployed, read_text};
use keyreach::inventory::{AttachedPolicy, Grant, Inventory, NamedPolicy};
use keyreach::policy::PolicyDocument;
use keyreach::source::{Files, LineIndex, Listed, Memory};
use seeds::{Random, for_each_seed};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/infrastructure/terraform");

/// The files below a directory, by their paths from there.
fn files(directory: &Path) -> Memory {
    fn add(root: &Path, directory: &Path, into: &mut Memory) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(root, &path, into);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                into.put(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut memory = Memory::default();
    add(directory, directory, &mut memory);
    memory
}

fn loaded(files: &Memory, deployment: &Deployment) -> Loaded {
    load_deployed(files, &[".".to_owned()], deployment)
}

/// What was loaded, in words.
fn described(files: &Memory, loaded: &Loaded) -> String {
    let teller = Teller { files, loaded };
    let mut out = String::new();
    for account in loaded.inventory.accounts.values() {
        for identity in account.identities.values() {
            writeln!(out, "{}", identity.arn).unwrap();
            for (name, value) in identity.tags.iter() {
                writeln!(out, "  tag {name}={value}").unwrap();
            }
            if let Some(trust) = &identity.trust {
                teller.policy(&mut out, "trust", trust);
            }
            if let Some(boundary) = &identity.boundary {
                writeln!(out, "  boundary {}", boundary.arn).unwrap();
            }
            for group in &identity.groups {
                writeln!(out, "  in group {group}").unwrap();
            }
            teller.policies(&mut out, &identity.inline, &identity.attached);
        }
        for group in account.groups.values() {
            writeln!(out, "{}", group.arn).unwrap();
            teller.policies(&mut out, &group.inline, &group.attached);
        }
        for policy in account.policies.values() {
            writeln!(out, "{}", policy.arn).unwrap();
            teller.policy(&mut out, "policy", policy.document().unwrap());
        }
    }
    for key in loaded.inventory.keys.values() {
        writeln!(out, "{}", key.arn).unwrap();
        // Of a key that nothing declares no more is known than what is said of it.
        let metadata = key.metadata.as_ref();
        if let Some(description) = metadata.and_then(|it| it.description.as_ref()) {
            writeln!(out, "  description {description}").unwrap();
        }
        let words = metadata.map(|it| [&it.spec, &it.usage, &it.origin, &it.state]);
        let words = words.map(|words| words.map(|word| word.as_deref().unwrap_or("?")).join(" "));
        let words = words.unwrap_or_else(|| "not declared".to_owned());
        writeln!(out, "  {words} rotation {:?}", key.rotation).unwrap();
        if let Some(of) = metadata.and_then(|it| it.multi_region.as_ref()) {
            let primary = of.primary.as_deref().unwrap_or("?");
            writeln!(out, "  {} of {primary}, replicas {:?}", of.role.name(), of.replicas).unwrap();
        }
        for (name, value) in key.tags.iter().flat_map(|tags| tags.iter()) {
            writeln!(out, "  tag {name}={value}").unwrap();
        }
        for alias in &key.aliases {
            writeln!(out, "  {}", alias.name()).unwrap();
        }
        teller.policy(&mut out, "policy", key.policy.as_ref().unwrap());
        for Grant { id, grantee, operations, constraints, .. } in &key.grants {
            let grantee = grantee.text();
            writeln!(out, "  grant {id} to {grantee}: {operations:?} {constraints:?}").unwrap();
        }
    }
    for gap in loaded.inventory.gaps.iter() {
        writeln!(out, "missing: {:?}", gap.kind).unwrap();
    }
    for problem in &loaded.problems {
        let line = problem.position.map(|position| position.line);
        writeln!(out, "{}:{line:?} {}", problem.path, problem.message).unwrap();
    }
    out
}

/// Tells policies, each statement with the line that it stands on.
struct Teller<'a> {
    files: &'a dyn Files,
    loaded: &'a Loaded,
}

impl Teller<'_> {
    fn policies(&self, out: &mut String, inline: &[NamedPolicy], attached: &[AttachedPolicy]) {
        for policy in inline {
            self.policy(out, &format!("inline {}", policy.name), &policy.document);
        }
        for policy in attached {
            writeln!(out, "  attached {}", policy.arn).unwrap();
        }
    }

    fn policy(&self, out: &mut String, name: &str, document: &PolicyDocument) {
        let path = self.loaded.inventory.sources.path(document.place.file);
        let text = read_text(self.files, path).unwrap();
        let lines = LineIndex::new(&text);
        let policy = document.policy();
        writeln!(out, "  {name} in {path}").unwrap();
        let written: serde_json::Value = serde_json::from_str(&document.written()).unwrap();
        let written = written["Statement"].as_array().unwrap();
        for (statement, written) in policy.statements.iter().zip(written) {
            let span = document.place.locate(&text, statement.span);
            let line = lines.position(&text, span.start).line;
            let doubt = statement.doubt.as_ref().map(|doubt| format!(" if ({doubt})"));
            writeln!(out, "    {line}:{} {written}", doubt.unwrap_or_default()).unwrap();
        }
        for fault in &policy.faults {
            writeln!(out, "    fault: {}", fault.message).unwrap();
        }
    }
}

#[test]
fn modules_declare_what_is_expected() {
    let mut names: Vec<_> =
        fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.is_dir());
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    let mut faults = Vec::new();
    for directory in names {
        let files = files(&directory);
        let found = described(&files, &loaded(&files, &Deployment::default()));
        let expected = directory.with_extension("expected");
        if std::env::var_os("KEYREACH_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != found {
            faults.push(format!("{}\n{found}", directory.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The same files in JSON syntax.
fn in_json(of_hcl: &Memory) -> Memory {
    let mut made = Memory::default();
    for listed in of_hcl.list(".") {
        let Listed::File(path) = listed else { panic!("{listed:?}") };
        let text = read_text(of_hcl, &path).unwrap();
        match path.rsplit_once('.') {
            Some((_, "tf")) => made.put(format!("{path}.json"), tf_json::of_module(&text)),
            Some((_, "tfvars")) => made.put(format!("{path}.json"), tf_json::of_values(&text)),
            _ => made.put(path, text),
        }
    }
    made
}

#[test]
fn modules_in_json_syntax_declare_the_same() {
    // Lines differ, and so does the order of statements where some are dynamic.
    let told = |files: &Memory| {
        let found = described(files, &loaded(files, &Deployment::default()));
        let found = found.replace(".tf.json", ".tf");
        let mut lines: Vec<String> = Vec::new();
        for line in found.lines() {
            let rest = line.trim_start();
            let numbered = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let numbered = if numbered == rest { line } else { numbered };
            let at = numbered.split_once(":Some(").map(|(path, rest)| (path, rest.split_once(')')));
            lines.push(match at {
                Some((path, Some((_, message)))) => format!("{path}{message}"),
                _ => numbered.to_owned(),
            });
        }
        lines.sort();
        lines
    };
    let mut compared = 0;
    let mut modules = vec![("open.tf".to_owned(), module(OPEN))];
    for entry in fs::read_dir(FOLDER).unwrap() {
        let directory = entry.unwrap().path();
        // What stands there in JSON has its own expectation.
        if directory.is_dir() && !directory.ends_with("json") {
            modules.push((directory.display().to_string(), files(&directory)));
        }
    }
    for (name, of_hcl) in modules {
        let (hcl, json) = (told(&of_hcl), told(&in_json(&of_hcl)));
        let only = |these: &[String], those: &[String]| {
            let only: Vec<String> =
                these.iter().filter(|it| !those.contains(it)).cloned().collect();
            only.join("\n")
        };
        assert!(
            hcl == json,
            "{}\nonly in HCL:\n{}\nonly in JSON:\n{}",
            name,
            only(&hcl, &json),
            only(&json, &hcl)
        );
        compared += hcl.len();
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn a_deployment_pins_the_account_the_region_and_variables() {
    let files = files(&Path::new(FOLDER).join("variables"));
    let mut deployment = Deployment {
        account: keyreach::aws::AccountId::parse("111122223333").unwrap(),
        region: "eu-west-1".into(),
        ..Deployment::default()
    };
    deployment.variables.insert("given".into(), "pinned".into());
    deployment.variables.insert("settings".into(), "{ name = \"other\", actions = [] }".into());
    let loaded = loaded(&files, &deployment);
    let text = described(&files, &loaded);
    assert!(text.contains("arn:aws:kms:eu-west-1:111122223333:key/aws_kms_key.key"), "{text}");
    assert!(text.contains("default,pinned,auto,none"), "{text}");
    assert!(text.contains("arn:aws:iam::111122223333:role/other"), "{text}");
}

#[test]
fn two_roots_that_declare_the_same_are_two_accounts() {
    let mut files = Memory::default();
    let key = "resource \"aws_kms_key\" \"app\" {}\n";
    files.put("envs/dev/main.tf", key);
    files.put("envs/prod/main.tf", key);
    let loaded = loaded(&files, &Deployment::default());
    let keys: Vec<_> = loaded.inventory.keys.values().map(|key| key.arn.to_string()).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(loaded.inventory.conflicts.is_empty());
    assert!(keys.iter().any(|arn| arn.contains(":this-account:")), "{keys:?}");
    assert!(keys.iter().any(|arn| arn.contains(":this-prod---:")), "{keys:?}");
}

#[test]
fn a_directory_without_kms_says_nothing() {
    let files = module("resource \"aws_iam_role\" \"app\" { name = \"app\" }\n");
    let loaded = loaded(&files, &Deployment::default());
    assert!(loaded.inventory.accounts.is_empty());
    assert!(loaded.problems.is_empty());
}

#[test]
fn broken_hcl_is_told_at_its_place() {
    let mut files = module("resource \"aws_kms_key\" \"a\" {}\n");
    files.put("other.tf", "resource \"aws_kms_key\" \"b\" {\n  policy = \n}\n");
    let loaded = loaded(&files, &Deployment::default());
    assert_eq!(loaded.inventory.keys.values().count(), 1);
    let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
    assert_eq!(problem.path, "other.tf");
    assert!(problem.message.starts_with("broken HCL"), "{}", problem.message);
}

#[test]
fn what_a_broken_file_says_of_its_module_is_not_known() {
    let policy = |action: &str| {
        format!(
            "jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"{action}\", Resource = \"*\" }}] }})"
        )
    };
    let mut files = module(&format!(
        "resource \"aws_kms_key\" \"a\" {{}}\nresource \"aws_iam_role\" \"app\" {{\n  name = \"app\"\n  \
         assume_role_policy = jsonencode({{ Version = \"2012-10-17\", Statement = [] }})\n  inline_policy {{\n    \
         name = \"use\"\n    policy = {}\n  }}\n}}\n",
        policy("kms:Encrypt")
    ));
    let bounds = |files: &Memory| {
        let loaded = loaded(files, &Deployment::default());
        let asked = Asked::new(&loaded.inventory);
        [KmsAction::ENCRYPT, KmsAction::DECRYPT].map(|action| {
            let verdict = asked.verdict("arn:aws:iam::this-account:role/app", action);
            (verdict.at_least(), verdict.at_most())
        })
    };
    let (always, never) = ((Bound::Always, Bound::Always), (Bound::Never, Bound::Never));
    assert_eq!(bounds(&files), [always, never]);
    files.put("other.tf", "resource \"aws_iam_role_policy\" \"use\" {\n  policy = \n}\n");
    assert_eq!(bounds(&files), [(Bound::Never, Bound::Always); 2]);
}

#[test]
fn what_is_broken_in_json_syntax_is_told_at_its_place() {
    for (text, column) in [
        (r#"{"resource": {"aws_kms_key": {"b": {"policy": }}}}"#, 47),
        (r#"{"resource": {"aws_kms_key": {"b": {"policy": "${f(}"}}}}"#, 52),
        (r#"{"resource": {"aws_kms_key": {"b": "none"}}}"#, 36),
    ] {
        let mut files = module("resource \"aws_kms_key\" \"a\" {}\n");
        files.put("other.tf.json", text);
        let loaded = loaded(&files, &Deployment::default());
        assert_eq!(loaded.inventory.keys.values().count(), 1);
        let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
        assert_eq!(problem.position.map(|it| it.column), Some(column), "{text}");
        assert!(problem.message.starts_with("broken JSON"), "{}", problem.message);
    }
}

/// Asks a world what principals may do with its one key.
struct Asked<'w> {
    engine: Engine<'w>,
    key: String,
}

impl<'w> Asked<'w> {
    fn new(world: &'w Inventory) -> Self {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let key = world.keys.values().next().unwrap().arn.to_string();
        Self { engine: Engine::with_facts(world, now, FACTS), key }
    }

    fn verdict(&self, caller: &str, action: KmsAction) -> Verdict {
        let target = Target::parse(&self.key).unwrap();
        self.engine.verdict_of(&Request::plain(Caller::parse(caller).unwrap(), action, target))
    }
}

/// The module that other formats declare, too, and its plan.
fn same(names: &[&str]) -> Memory {
    let mut memory = Memory::default();
    for name in names {
        let path = Path::new(FOLDER).join("../same/terraform").join(name);
        memory.put(*name, fs::read(path).unwrap());
    }
    memory
}

const SAME: [&str; 5] = ["role/app", "role/deploy", "user/alice", "role/other", "user/x"];

#[test]
fn a_plan_beside_its_source_says_what_the_source_says() {
    let source = loaded(&same(&["main.tf"]), &pinned());
    let beside = loaded(&same(&["main.tf", "plan.json"]), &Deployment::default());
    let alone = loaded(&same(&["plan.json"]), &Deployment::default());
    assert_eq!(alone.problems, []);
    let caller = "arn:aws:iam::111122223333:role/deploy";
    for planned in [&beside, &alone] {
        assert_eq!(planned.callers.iter().map(|it| &**it).collect::<Vec<_>>(), [caller]);
        assert!(planned.inventory.conflicts.is_empty());
        assert_eq!(planned.inventory.keys.values().count(), 1);
        assert_eq!(planned.inventory.aliases.len(), 1);
    }
    let files = same(&["main.tf", "plan.json"]);
    let without_names = |text: String| text.replace("plan.json", "main.tf");
    assert_eq!(
        without_names(described(&files, &beside)),
        without_names(described(&same(&["main.tf"]), &source))
    );
    let asked = [&source, &beside, &alone].map(|loaded| Asked::new(&loaded.inventory));
    let mut told = 0;
    for name in SAME {
        let caller = format!("arn:aws:iam::111122223333:{name}");
        for action in KmsAction::all() {
            let [source, beside, alone] = [0, 1, 2].map(|nth| asked[nth].verdict(&caller, action));
            let bounds = |verdict: &Verdict| (verdict.at_least(), verdict.at_most());
            assert_eq!(bounds(&source), bounds(&beside), "{name} {}", action.name());
            // The plan alone does not know who is meant by what it will make.
            let is_within =
                alone.at_least() <= source.at_least() && source.at_most() <= alone.at_most();
            assert!(is_within, "{name} {}: {source:?} {alone:?}", action.name());
            told += usize::from(source.at_least() != Bound::Never);
        }
    }
    assert!(told > 5, "{told}");
}

#[test]
fn the_same_infrastructure_as_source_plan_template_and_export_gives_the_same_matrix() {
    let same = "testdata/infrastructure/same";
    let matrix = |path: &str, more: &[&str]| {
        let path = format!("{same}/{path}");
        let run = keyreach(&[&["matrix", "--format", "jsonl", &path], more].concat()).run();
        assert_eq!((run.code, &*run.stderr), (0, ""), "{path}");
        run.stdout.replace("key/aws_kms_key.app", "key/AppKey")
    };
    let pins = ["--account", "111122223333", "--region", "eu-central-1"];
    let exported = matrix("export", &[]);
    assert!(exported.lines().count() > 10, "{exported}");
    assert_eq!(matrix("terraform/main.tf", &pins), exported);
    assert_eq!(matrix("terraform", &[]), exported);
    assert_eq!(matrix("terraform-json", &pins), exported);
    assert_eq!(matrix("cloudformation.yaml", &pins), exported);
}

#[test]
fn what_could_not_be_resolved_is_told_once() {
    let files = files(&Path::new(FOLDER).join("modules"));
    let loaded = loaded(&files, &Deployment::default());
    let declared = loaded.inventory.declared.as_ref().unwrap();
    let told: Vec<&str> = declared.unresolved.iter().map(|stated| &*stated.value).collect();
    assert_eq!(told, ["module.remote: `terraform-aws-modules/kms/aws` is not here"]);
}

#[test]
fn modules_without_an_account_are_not_judged_beside_exports() {
    let mut files = module("resource \"aws_kms_key\" \"a\" {}\n");
    let metadata = "{\"KeyMetadata\": {\"Arn\": \"arn:aws:kms:eu-west-1:111122223333:key/a\", \"KeyId\": \"a\"}}";
    files.put("describe-key.json", metadata);
    let open = loaded(&files, &Deployment::default());
    assert_eq!(open.inventory.keys.values().count(), 1);
    assert_eq!(open.problems.len(), 1, "{:?}", open.problems);
    assert_eq!(open.problems[0].path, "main.tf");
    let known = loaded(&files, &pinned());
    assert_eq!(known.problems, []);
    assert_eq!(known.inventory.keys.values().count(), 2);
}

#[test]
fn policies_in_templates_of_texts_keep_their_holes() {
    let statement = |principal: &str, sid: &str| {
        format!(
            r#"{{ "Version": "2012-10-17", "Statement": [ {{ "Sid": "{sid}", "Effect": "Allow", "Principal": {{ "AWS": "{principal}" }}, "Action": "kms:Decrypt", "Resource": "*" }} ] }}"#
        )
    };
    let mut files = Memory::default();
    files.put("a.json.tftpl", statement("arn:aws:iam::${account}:root", "%{ if x }on%{ endif }"));
    files.put("b.json.j2", statement("arn:aws:iam::{{ account }}:root", "{# none #}on"));
    let loaded = loaded(&files, &Deployment::default());
    assert_eq!(loaded.problems, []);
    let found = loaded.inventory.loose.iter().map(|policy| policy.document.written().into_owned());
    let found: Vec<String> = found.collect();
    assert_eq!(found.len(), 2, "{found:?}");
    for text in &found {
        assert!(text.contains("arn:aws:iam::${account}:root"), "{text}");
        assert!(text.contains("\"Sid\":\"on\""), "{text}");
    }
}

/// A module in which much hangs on variables.
const OPEN: &str = include_str!("../testdata/infrastructure/open.tf");

/// A value for each variable of [`OPEN`].
fn values(random: &mut Random) -> Deployment {
    let account = "this-account";
    let role = |name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let principals =
        [role("app"), role("ops"), format!("arn:aws:iam::{account}:root"), "*".to_owned()];
    let list = |items: Vec<String>| serde_json::to_string(&items).unwrap();
    let actions: Vec<String> =
        ["kms:Decrypt", "kms:*", "kms:Put*", "kms:Encrypt"].map(str::to_owned).to_vec();
    let mut deployment = Deployment::default();
    let truth = |random: &mut Random| random.chance(50).to_string();
    let variables = [
        ("readers", list(random.some(&principals, 0, 2))),
        ("denied", list(random.some(&principals, 0, 2))),
        ("actions", list(random.some(&actions, 1, 2))),
        ("open", truth(random)),
        ("effect", random.pick(&["Allow", "Deny"]).to_string()),
        ("name", random.pick(&["app", "ops"]).to_string()),
        ("attach", truth(random)),
        ("own_policy", truth(random)),
        ("sid", random.pick(&["Root", "Use", "Other"]).to_string()),
        ("context", random.pick(&["orders", "*"]).to_string()),
        ("holder", random.pick(&["app", "ops"]).to_string()),
        ("override", random.pick(&["{}", "{\"Statement\": []}"]).to_string()),
        ("title", random.pick(&["first", "second"]).to_string()),
        ("target", random.pick(&["aws_kms_key.key", "some-other"]).to_string()),
    ];
    for (name, value) in variables {
        deployment.variables.insert(name.into(), value.into());
    }
    deployment
}

#[test]
fn no_value_of_a_variable_contradicts_what_is_said_without_it() {
    let files = module(OPEN);
    let actions = [
        KmsAction::DECRYPT,
        KmsAction::ENCRYPT,
        KmsAction::PUT_KEY_POLICY,
        KmsAction::DESCRIBE_KEY,
        KmsAction::CREATE_GRANT,
    ];
    let test = "no_value_of_a_variable_contradicts_what_is_said_without_it";
    for_each_seed(test, "code", |seed| {
        let (mut told, mut compared) = (0, 0);
        for number in 0..150 {
            let random = &mut Random::new(seed, number);
            let all = values(random);
            let names: Vec<_> = all.variables.keys().cloned().collect();
            let known = random.some(&names, 2, names.len() - 1);
            let variables =
                known.iter().map(|it| (it.clone(), all.variables[it].clone())).collect();
            let some = Deployment { variables, ..Deployment::default() };
            let worlds = [&some, &all].map(|deployment| loaded(&files, deployment));
            let asked = [0, 1].map(|nth| Asked::new(&worlds[nth].inventory));
            // Before its name is known a role is called by its address.
            let title = |deployment: &Deployment| match deployment.variables.get("title") {
                Some(name) => format!("role/{name}"),
                None => "role/aws_iam_role.titled".to_owned(),
            };
            let [app, ops] = ["role/app", "role/ops"].map(str::to_owned);
            let names = [[app.clone(), app], [ops.clone(), ops], [title(&some), title(&all)]];
            for names in names {
                for action in actions {
                    let callers =
                        names.each_ref().map(|it| format!("arn:aws:iam::this-account:{it}"));
                    let [open, known] = [0, 1].map(|nth| asked[nth].verdict(&callers[nth], action));
                    let name = &names[0];
                    let is_within =
                        open.at_least() <= known.at_least() && known.at_most() <= open.at_most();
                    assert!(
                        is_within,
                        "{name} {}: {open:?} with {:?}\nbut {known:?} with {:?}\n{}\n{}",
                        action.name(),
                        some.variables,
                        all.variables,
                        described(&files, &worlds[0]),
                        described(&files, &worlds[1]),
                    );
                    compared += 1;
                    told += usize::from(open.at_least() == open.at_most());
                }
            }
        }
        assert!(compared == 2250 && told > 150, "{told} of {compared}");
    });
}

#[test]
fn a_comment_beside_a_statement_suppresses() {
    let text = |comment: &str| {
        format!(
            r#"data "aws_iam_policy_document" "key" {{
  statement {{
    actions   = ["kms:*"]
    resources = ["*"]
    principals {{
      type        = "AWS"
      identifiers = ["arn:aws:iam::${{data.aws_caller_identity.current.account_id}}:root"]
    }}
  }}

{comment}
  statement {{
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {{
      type        = "*"
      identifiers = ["*"]
    }}
  }}
}}

data "aws_caller_identity" "current" {{}}

resource "aws_kms_key" "key" {{
  policy = data.aws_iam_policy_document.key.json
}}
"#
        )
    };
    let folder = Folder::new("terraform-suppression");
    let findings = |comment: &str| {
        folder.put("main.tf", text(comment));
        let args = [
            "check",
            "--format",
            "json",
            "--now",
            "2026-01-01",
            "--select",
            "public-key-access",
            ".",
        ];
        let run = keyreach(&args).within(folder.path()).run();
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        report["findings"].as_array().unwrap().clone()
    };
    let found = findings("");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["locations"][0]["line"], 12);
    let suppressed = findings("  // keyreach: ignore[public-key-access] a public demonstration");
    assert!(suppressed.is_empty(), "{suppressed:?}");
}

#[test]
fn what_a_module_that_is_not_here_gives_is_not_nothing() {
    let text = r#"
module "team" {
  source = "../team"
  count  = 1
}

variable "names" {
  type    = list(string)
  default = null
}

module "inner" {
  source = "./inner"
  names  = var.names
}

resource "aws_kms_key" "key" {
  description = join(",", tolist(toset(["b", "a"])), [for name, value in { d = 4, c = 3 } : name])
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = concat(["arn:aws:iam::111122223333:role/ops"], module.team[*].role_arn, module.inner.arns) }
      Action    = "kms:Decrypt"
      Resource  = "*"
    }]
  })
}
"#;
    let mut files = module(text);
    files.put(
        "inner/main.tf",
        "variable \"names\" {\n  default  = [\"one\"]\n  nullable = false\n}\noutput \"arns\" {\n  value = \
         [for name in var.names : \"arn:aws:iam::111122223333:role/${name}\"]\n}\n",
    );
    let loaded = loaded(&files, &pinned());
    let key = loaded.inventory.keys.values().next().unwrap();
    let description = key.metadata.as_ref().unwrap().description.as_deref();
    assert_eq!(description, Some("a,b,c,d"));
    // What the module gives stays a principal that is not known, beside those that are.
    let policy = key.policy.as_ref().unwrap().policy();
    let principals = policy.statements[0].principal.as_ref().unwrap();
    let texts: Vec<&str> = principals.entries.iter().map(|entry| entry.value.text()).collect();
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    assert_eq!(texts, [&*role("ops"), "module.team[*].role_arn", &*role("one")]);
}

#[test]
fn files_that_override_give_resources_other_arguments() {
    let mut files = module(
        r#"
resource "aws_kms_key" "key" {
  description = "of main"
  policy      = data.aws_iam_policy_document.key.json
}

data "aws_iam_policy_document" "key" {
  policy_id = "of main"
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:root"]
    }
  }
}

locals {
  reader = "main"
}

provider "aws" {
  region = "eu-central-1"
}
"#,
    );
    // It comes before the others by its name, and counts all the same.
    files.put(
        "a_override.tf",
        r#"
resource "aws_kms_key" "key" {
  description = "of the override for ${local.reader}"
}

data "aws_iam_policy_document" "key" {
  statement {
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:role/${local.reader}"]
    }
  }
}

locals {
  reader = "override"
}

provider "aws" {
  region = "eu-west-1"
}
"#,
    );
    let loaded = loaded(&files, &pinned());
    let key = loaded.inventory.keys.values().next().unwrap();
    assert_eq!(key.arn.region(), "eu-west-1");
    let description = key.metadata.as_ref().unwrap().description.as_deref();
    assert_eq!(description, Some("of the override for override"));
    let written = key.policy.as_ref().unwrap().written();
    assert!(written.contains("role/override") && !written.contains(":root"), "{written}");
    assert!(written.contains("of main"), "{written}");
    let declared = loaded.inventory.declared.as_ref().unwrap();
    assert!(declared.unresolved.is_empty(), "{:?}", declared.unresolved);
}

#[test]
fn of_two_that_exclude_each_other_nothing_is_said_but_what_both_have() {
    let text = r#"
variable "legacy" { type = bool }
variable "policy" {
  type    = string
  default = null
}
variable "custom" { type = bool }

resource "aws_kms_key" "key" {
  multi_region = var.legacy
  policy       = var.custom ? jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:role/ops" }, Action = "kms:*", Resource = "*" }]
  }) : var.policy
}

resource "aws_iam_role" "old" {
  count              = var.legacy ? 1 : 0
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
  inline_policy {
    name   = "use"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }] })
  }
}

resource "aws_iam_role" "new" {
  count              = var.legacy ? 0 : 1
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
"#;
    let loaded = loaded(&module(text), &pinned());
    let key = loaded.inventory.keys.values().next().unwrap();
    // Whether it is one of several keys is not known, and conditions ask.
    assert!(key.metadata.is_none());
    let asked = Asked::new(&loaded.inventory);
    let bounds = |caller: &str, action| {
        let verdict = asked.verdict(caller, action);
        (verdict.at_least(), verdict.at_most())
    };
    // The policy that KMS gives may be there, and one of the roles may have the policy that uses it.
    let (never, always) = (Bound::Never, Bound::Always);
    assert_eq!(bounds("arn:aws:iam::111122223333:role/app", KmsAction::DECRYPT), (never, always));
    assert_eq!(
        bounds("arn:aws:iam::111122223333:root", KmsAction::PUT_KEY_POLICY),
        (never, always)
    );
}

#[test]
fn documents_without_statements_add_none_and_large_products_are_not_cut() {
    let text = "data \"aws_iam_policy_document\" \"d\" {\n  source_policy_documents = [\"\", \"{}\", \
                jsonencode({ Version = \"2012-10-17\" })]\n  override_json = \"\"\n  statement {\n    \
                actions = [\"kms:*\"]\n    resources = [\"*\"]\n    principals {\n      type = \"AWS\"\n      \
                identifiers = [\"arn:aws:iam::111122223333:root\"]\n    }\n  }\n}\nresource \"aws_kms_key\" \"k\" {\n  \
                policy = data.aws_iam_policy_document.d.json\n  description = length(setproduct(range(200), range(200))) > 10000 ? \"many\" : \"few\"\n}\n";
    let loaded = loaded(&module(text), &pinned());
    let key = loaded.inventory.keys.values().next().unwrap();
    assert_eq!(key.policy.as_ref().unwrap().policy().statements.len(), 1);
    // How many there are is not counted, and never said to be fewer.
    assert_eq!(key.metadata.as_ref().unwrap().description, None);
}
