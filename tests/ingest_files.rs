//! Which files are read, which are none of ours, and what is wrong with the others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

#[path = "support/exports.rs"]
mod exports;

use std::io::Write as _;

use exports::{
    ACCOUNT, KEY, OTHER_KEY, allow, authorization, borrowed, canonical, check_places, describe_key,
    escaped, gaps, get_key_policy, key_arn, key_policy, loaded, memory, policies, policy_detail,
    role_detail, single_calls, user_detail, world,
};
use keyreach::ingest::{Disk, load, read_text};
use keyreach::policy::PolicyKind;
use keyreach::source::{Memory, ProblemKind};

#[test]
fn several_documents_in_one_file_are_read() {
    let lines = format!(
        "{}\n{}\n",
        describe_key(KEY).replace('\n', " "),
        describe_key(OTHER_KEY).replace('\n', " ")
    );
    assert_eq!(world(&[("keys.jsonl", &lines)]).keys.len(), 2);
    let list = format!("[{},{}]", describe_key(KEY), describe_key(OTHER_KEY));
    assert_eq!(world(&[("keys.json", &list)]).keys.len(), 2);
    let mixed = format!("{} {}", describe_key(KEY), get_key_policy(ACCOUNT));
    let inventory = world(&[("key.json", &mixed)]);
    assert!(inventory.keys.values().next().unwrap().policy.is_some());
    // A broken line hides no other.
    let broken = lines.replacen('}', "", 1) + &lines;
    let loaded = loaded(&[("keys.jsonl", &broken)]);
    assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
}

#[test]
fn gzip_is_read_and_bombs_are_not() {
    let pack = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let mut files = Memory::default();
    let path = format!("{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json.gz");
    files.put(&*path, pack(get_key_policy(ACCOUNT).as_bytes()));
    files.put("describe-key", pack(describe_key(KEY).as_bytes()));
    files.put("get-user.json.gz", pack(&vec![b' '; 100 << 20]));
    files.put("list-grants.json.gz", pack(&vec![b' '; 100 << 20]));
    let loaded = load(&files, &[".".to_owned()]);
    assert_eq!((loaded.used, loaded.skipped, loaded.problems.len()), (2, 1, 1));
    assert_eq!(loaded.problems[0].kind, ProblemKind::TooLarge);
    assert_eq!(check_places(&files, &loaded.inventory), 1);
}

#[test]
fn other_resource_policies_are_no_key_policies() {
    let statement = |principal: &str, action: &str, resource: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": {action}, "Resource": {resource}}}]}}"#
        )
    };
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;
    let bucket = statement(r#""*""#, r#""s3:GetObject""#, r#""arn:aws:s3:::b/*""#);
    let star = statement(r#""*""#, r#""*""#, r#""arn:aws:s3:::b/*""#);
    let queue =
        statement(r#"{"AWS": "*"}"#, r#"["sqs:*"]"#, r#""arn:aws:sqs:us-east-1:111122223333:q""#);
    let topic = statement(r#"{"AWS": "*"}"#, r#"["SNS:Publish"]"#, r#""*""#);
    for policy in [trust, &bucket, &star, &queue, &topic] {
        let output = format!("{{\"Policy\": {}}}", escaped(policy));
        let loaded = loaded(&[("a/policy.json", policy), ("b/get-bucket-policy.json", &output)]);
        assert_eq!((loaded.used, loaded.skipped), (0, 2), "{policy}");
        assert_eq!(loaded.problems, []);
    }
    let key = statement(r#"{"AWS": "*"}"#, r#"["kms:Decrypt", "kms:DescribeKey"]"#, r#""*""#);
    let all = statement(r#"{"AWS": "*"}"#, r#""*""#, r#""*""#);
    for policy in [&key, &all] {
        let inventory = world(&[("policy.json", policy)]);
        assert_eq!(inventory.loose[0].document.kind, PolicyKind::Key);
        assert_eq!(&*inventory.loose[0].name, "policy");
        assert_eq!(gaps(&inventory), [""; 0]);
    }
    let rcp = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": ["s3:*", "kms:*"], "Resource": "*"}]}"#;
    assert_eq!(world(&[("limits.json", rcp)]).loose[0].document.kind, PolicyKind::Rcp);
}

#[test]
fn bare_identity_policies_are_taken_where_they_touch_kms() {
    for action in ["kms:Decrypt", "KMS:*", "*", "k?s:*", "*:*"] {
        let inventory = world(&[("app.json", &allow(action))]);
        assert_eq!(inventory.loose[0].document.kind, PolicyKind::Identity, "{action}");
    }
    assert_eq!(loaded(&[("app.json", &allow("s3:*"))]).skipped, 1);
    let not = allow("iam:*").replace("\"Action\"", "\"NotAction\"");
    assert_eq!(world(&[("app.json", &not)]).loose.len(), 1);
    let scp = allow("*");
    assert_eq!(world(&[("base.scp.json", &scp)]).loose[0].document.kind, PolicyKind::Scp);
}

#[test]
fn bare_policies_in_yaml_are_read() {
    let text = "# a key policy\nVersion: '2012-10-17'\nStatement:\n  - Effect: Allow\n    Principal: {AWS: '*'}\n    \
                Action: kms:*\n    Resource: '*'\n";
    let inventory = world(&[("key.yaml", text)]);
    let policy = &inventory.loose[0].document;
    let statement = &policy.policy().statements[0];
    let located = policy.place.locate(text, statement.span).slice(text).unwrap();
    assert!(
        located.starts_with("Effect: Allow") && located.ends_with("Resource: '*'"),
        "{located}"
    );
    assert_eq!(loaded(&[("s3.yml", &text.replace("kms:*", "s3:*"))]).skipped, 1);
    assert_eq!(loaded(&[("notes.md", "# Statement\n\nStatement of work\n")]).skipped, 1);
}

#[test]
fn what_is_no_utf8_and_speaks_of_kms_is_told() {
    let utf16 = |text: &str| -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let policy = "{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"kms:*\"}]}";
    let (kind, said) = one_problem("p.json", &utf16(policy)).expect("a problem");
    assert!(kind == ProblemKind::NotText && said.contains("UTF-16"), "{said}");
    let template = "Resources:\n  K: {Type: AWS::KMS::Key}\n";
    assert!(one_problem("t.yaml", &utf16(template)).is_some());
    let latin = [b"# cl\xE9\n".as_slice(), b"resource \"aws_kms_key\" \"k\" {}\n"].concat();
    let (kind, said) = one_problem("main.tf", &latin).expect("a problem");
    assert!(kind == ProblemKind::NotText && said.contains("no UTF-8"), "{said}");
    for other in ["{\"Statement\": [{\"Action\": \"s3:*\"}]}", "keys of AWS KMS"] {
        assert_eq!(one_problem("notes.txt", &utf16(other)), None, "{other}");
    }
}

/// Loads one file beside a sound one, which no fault may hide.
fn one_problem(path: &str, bytes: &[u8]) -> Option<(ProblemKind, String)> {
    let mut files = Memory::default();
    files.put("sound/describe-key.json", describe_key(KEY));
    files.put(path, bytes);
    let loaded = load(&files, &[".".to_owned()]);
    assert_eq!(loaded.inventory.keys.len(), 1, "{path}");
    assert!(loaded.problems.len() <= 1, "{:?}", loaded.problems);
    if loaded.problems.is_empty() {
        assert_eq!(loaded.skipped, 1, "{path}: {:?}", loaded.inventory.loose);
    }
    loaded.problems.into_iter().next().map(|problem| {
        assert_eq!(problem.path, path);
        assert!(!problem.help.is_empty() && !problem.message.contains('\n'));
        (problem.kind, problem.message)
    })
}

#[test]
fn each_fault_is_told_once() {
    let kms = |name: &str| format!("{ACCOUNT}/us-east-1/kms/{KEY}/{name}.json");
    let at = kms("get-key-policy");
    let check = |bytes: &[u8], kind: ProblemKind, message: &str| {
        let (found, said) = one_problem(&at, bytes).expect("a problem");
        assert_eq!(found, kind, "{said}");
        assert!(said.contains(message), "{said}");
        // The same content under a name of its own is nobody's.
        assert_eq!(one_problem("notes/readme.txt", bytes), None, "{said}");
    };
    check(b"", ProblemKind::Unusable, "empty");
    check(b"  \n", ProblemKind::Unusable, "empty");
    check(b"<!DOCTYPE html><html></html>", ProblemKind::Unusable, "HTML");
    check(b"An error occurred (AccessDenied)", ProblemKind::Broken, "no JSON");
    check(b"{\"Policy\": \"{", ProblemKind::Broken, "broken JSON");
    check(b"[1, 2", ProblemKind::Broken, "broken JSON");
    check(b"5", ProblemKind::Broken, "no JSON");
    check(b"{}", ProblemKind::Unusable, "not what `get-key-policy` prints");
    check(b"[]", ProblemKind::Unusable, "not what `get-key-policy` prints");
    check(b"\x89PNG\r\n\x1a\n\0\0\xFF", ProblemKind::NotText, "binary");
    check(b"{\"Policy\": \"\xE9\"}", ProblemKind::NotText, "no UTF-8");
    check(b"\xFF\xFE{\0}\0", ProblemKind::NotText, "UTF-16");
    check(b"\x1F\x8B\x08\0\0", ProblemKind::NotText, "gzip");
    check(&[b"[".repeat(10_000), b"]".repeat(10_000)].concat(), ProblemKind::Unusable, "not what");
    check(
        b"{\"Policy\": \"{}\", \"Policy\": \"{}\"}",
        ProblemKind::Unusable,
        "`Policy` stands twice",
    );
}

#[test]
fn content_tells_without_a_name() {
    let whole = describe_key(OTHER_KEY);
    let (kind, _) = one_problem("x.json", &whole.as_bytes()[..80]).unwrap();
    assert_eq!(kind, ProblemKind::Broken);
    let no_arn = whole.replace(&key_arn(OTHER_KEY), "nonsense");
    let (kind, message) = one_problem("x.json", no_arn.as_bytes()).unwrap();
    assert_eq!(kind, ProblemKind::Unusable);
    assert!(message.contains("does not name its key"), "{message}");
    let wrong = whole.replace("\"Enabled\"", "7");
    let loaded = loaded(&[("x.json", &wrong)]);
    let position = loaded.problems[0].position.unwrap();
    assert_eq!(position.line, 2, "{:?}", loaded.problems);
    assert!(one_problem("x.json", b"{\"UserDetailList\": 5}").is_some());
    for other in
        ["{\"name\": \"web\"}", "{\"name\": ", "{\"Users\": [1]}", "{\"Tags\": []}", "[[]]"]
    {
        assert_eq!(one_problem("web/list-users.json.txt", other.as_bytes()), None, "{other}");
    }
}

#[test]
fn a_sound_entry_is_not_lost_beside_a_broken_one() {
    let role = role_detail().replace("arn:aws:iam::111122223333:role/app", "nonsense");
    for role in [role, "{\"Arn\": 5}".to_owned()] {
        let text = authorization(&user_detail(), &role, &policy_detail(), "");
        let loaded = loaded(&[("details.json", &text)]);
        assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
        assert!(loaded.problems[0].position.is_some());
        assert_eq!(loaded.inventory.principal_count(), 1);
    }
}

#[test]
fn a_broken_policy_is_a_fault_of_the_policy() {
    let at = format!("{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json");
    for policy in ["[]", "5", "\"x\"", "", "<html>", "{\"Statement\": [}"] {
        let text = format!("{{\"Policy\": {}, \"PolicyName\": \"default\"}}", escaped(policy));
        let inventory = world(&[(&at, &text)]);
        let key = inventory.keys.values().next().unwrap();
        let policy = key.policy.as_ref().unwrap().policy();
        assert!(!policy.readable && policy.faults.len() == 1, "{policy:?}");
    }
    for text in [
        "{\"Policy\": 5, \"PolicyName\": \"default\"}",
        "{\"Policy\": [], \"PolicyName\": \"default\"}",
    ] {
        let inventory = world(&[(&at, text)]);
        assert!(
            !inventory.keys.values().next().unwrap().policy.as_ref().unwrap().policy().readable
        );
    }
    let trailing = key_policy(ACCOUNT).replace("}]", "},]");
    let inventory = world(&[("policy.json", &trailing)]);
    assert_eq!(inventory.loose[0].document.policy().faults.len(), 1);
    let deep = format!(
        "{{\"Statement\": {{\"Effect\": \"Allow\", \"Action\": \"kms:*\", \"Condition\": {}{}}}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    let text = format!("{{\"Policy\": {}, \"PolicyName\": \"default\"}}", escaped(&deep));
    let inventory = world(&[(&at, &text)]);
    assert_eq!(
        inventory.keys.values().next().unwrap().policy.as_ref().unwrap().policy().faults.len(),
        1
    );
}

#[test]
fn paths_are_walked_and_faults_told() {
    let root = std::env::temp_dir().join(format!("keyreach-ingest-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    let folder = root.join("a");
    std::fs::create_dir_all(folder.join(".git")).unwrap();
    std::fs::create_dir_all(folder.join("node_modules")).unwrap();
    std::fs::write(folder.join("describe-key.json"), describe_key(KEY)).unwrap();
    std::fs::write(folder.join(".git/describe-key.json"), "{").unwrap();
    std::fs::write(folder.join("node_modules/describe-key.json"), "{").unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().replace('\\', "/");
    let file = path(&folder.join("describe-key.json"));
    let roots = [path(&root), file.clone(), path(&root.join("none"))];
    let loaded = load(&Disk, &roots);
    assert_eq!((loaded.read, loaded.used), (1, 1));
    assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
    assert_eq!(loaded.problems[0].kind, ProblemKind::NotFound);
    assert_eq!(loaded.problems[0].path, roots[2]);
    let key = loaded.inventory.keys.values().next().unwrap();
    assert_eq!(loaded.inventory.sources.path(key.place.file), file);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&root, folder.join("up")).unwrap();
        std::os::unix::fs::symlink(root.join("none"), folder.join("gone.json")).unwrap();
        let loaded = load(&Disk, &roots[..1]);
        let kinds: Vec<ProblemKind> = loaded.problems.iter().map(|it| it.kind).collect();
        assert_eq!(
            kinds,
            [ProblemKind::NotFound, ProblemKind::Unreadable],
            "{:?}",
            loaded.problems
        );
        assert_eq!(loaded.used, 1);
    }
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn links_out_of_the_tree_are_not_followed() {
    use std::os::unix::fs::symlink;
    let root = std::env::temp_dir().join(format!("keyreach-links-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    let (tree, outside) = (root.join("tree"), root.join("outside"));
    std::fs::create_dir_all(tree.join("a/own")).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    let key = |id: &str| format!(r#"{{"KeyMetadata":{{"Arn":"{}","KeyId":"{id}"}}}}"#, key_arn(id));
    std::fs::write(tree.join("a/own/describe-key.json"), key("own")).unwrap();
    std::fs::write(outside.join("describe-key.json"), key("other")).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let read = |root: &std::path::Path| {
        let loaded = load(&Disk, &[path(root)]);
        let keys = loaded.inventory.keys.values().map(|key| key.arn.id().to_owned());
        let paths = loaded.problems.iter().map(|it| (it.kind, it.path.clone()));
        (keys.collect::<Vec<_>>(), paths.collect::<Vec<_>>())
    };
    // A file and a directory outside; behind the second the walk is one from the root.
    symlink(outside.join("describe-key.json"), tree.join("a/file.json")).unwrap();
    let refused = |names: &[&str]| -> Vec<_> {
        names.iter().map(|name| (ProblemKind::Unreadable, path(&tree.join(name)))).collect()
    };
    assert_eq!(read(&tree), (vec!["own".to_owned()], refused(&["a/file.json"])));
    symlink(&outside, tree.join("folder")).unwrap();
    symlink(tree.join("a/own"), tree.join("again")).unwrap();
    let found = read(&tree);
    assert_eq!(found, (vec!["own".to_owned()], refused(&["a/file.json", "folder"])));
    // What is asked for by name is read, link or not.
    assert_eq!(read(&tree.join("folder")), (vec!["other".to_owned()], Vec::new()));
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn a_byte_order_mark_and_line_ends_keep_places_right() {
    let text =
        format!("\u{feff}{}", get_key_policy(ACCOUNT).replace("{\"Policy\"", "{\r\n\"Policy\""));
    let path = format!("{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json");
    let files = [(path.as_str(), text.as_str())];
    assert_eq!(check_places(&memory(&files), &world(&files)), 1);
    assert!(!read_text(&memory(&files), &path).unwrap().starts_with('\u{feff}'));
}

/// A small generator, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

#[test]
fn damage_of_one_file_hides_no_other() {
    let mut files = canonical();
    files.extend(single_calls().into_iter().map(|(path, text)| (format!("x/{path}"), text)));
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..600 {
        let damaged = random.below(files.len());
        let mut memory = memory(&borrowed(&files));
        let mut bytes = files[damaged].1.clone().into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at + 1),
                _ => bytes.insert(at, b"{}[]\",:\\\n 0n"[random.below(12)]),
            }
        }
        memory.put(&*files[damaged].0, bytes);
        let loaded = load(&memory, &[".".to_owned()]);
        assert!(loaded.problems.len() <= 1, "{:?}", loaded.problems);
        assert!(loaded.problems.iter().all(|it| it.path == files[damaged].0));
        assert_eq!(loaded.read, files.len());
        let lost = files.len() - loaded.used;
        assert!(lost <= 1, "{}", files[damaged].0);
        for document in policies(&loaded.inventory) {
            let path = loaded.inventory.sources.path(document.place.file);
            let text = read_text(&memory, path).unwrap();
            for statement in &document.policy().statements {
                assert!(document.place.locate(&text, statement.span).slice(&text).is_some());
            }
        }
    }
}

/// A template with a key.
const TEMPLATE: &str =
    "AWSTemplateFormatVersion: 2010-09-09\nResources:\n  Key:\n    Type: AWS::KMS::Key\n";

#[test]
fn what_texts_and_programs_show_is_passed_over_where_they_are_no_documents_as_a_whole() {
    let prose = "An IAM\nStatement for kms: see [x]: {docs}: \"a\" b\n".to_owned();
    let fenced = format!("# A key\n\n```yaml\n{TEMPLATE}```\n");
    let bracket =
        r#"[a key](docs) {"Statement": [{"Effect": "Allow", "Action": "kms:*",}]}"#.to_owned();
    for name in ["NOTES.txt", "README.md", "README_1.bak", "stack.ts", "tool.py"] {
        for text in [&prose, &fenced, &bracket] {
            assert_eq!(one_problem(name, text.as_bytes()), None, "{name} {text}");
        }
        assert_eq!(loaded(&[(name, TEMPLATE)]).inventory.keys.len(), 1, "{name}");
    }
    for name in ["stack.yaml", "stack.YML", "stack.template", "stack"] {
        for text in [&prose, &fenced] {
            assert!(one_problem(name, text.as_bytes()).is_some(), "{name} {text}");
        }
    }
}

#[test]
fn a_template_in_json_with_a_comma_too_many_is_no_broken_policy() {
    let template = |behind: &str| {
        format!(
            r#"{{ "AWSTemplateFormatVersion": "2010-09-09", "Resources": {{ "Key": {{ "Type": "AWS::KMS::Key", "Properties": {{
  "KeyPolicy": {{ "Version": "2012-10-17", "Statement": [
    {{ "Effect": "Allow", "Principal": {{ "AWS": {{ "Ref": "AWS::AccountId" }} }}, "Action": "kms:*", "Resource": "*" }}{behind}
  ] }} }} }} }} }}"#
        )
    };
    for name in ["stack.template", "stack.json", "stack.txt"] {
        let loaded = loaded(&[(name, &template(","))]);
        assert_eq!(loaded.problems, [], "{name}");
        assert_eq!((loaded.inventory.keys.len(), loaded.inventory.loose.len()), (1, 0), "{name}");
    }
    let (kind, message) = one_problem("stack.json", template(" {").as_bytes()).unwrap();
    assert_eq!(kind, ProblemKind::Broken);
    assert!(message.contains("broken JSON"), "{message}");
}

#[test]
fn a_broken_text_that_people_write_is_not_to_be_exported_again() {
    let statement = "Statement:\n  - Effect: Allow\n   Action: kms:*\n    Resource: \"*\"\n";
    let policy = format!("Version: \"2012-10-17\"\n{statement}");
    let key = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n   Properties: {}\n";
    let template = format!("AWSTemplateFormatVersion: \"2010-09-09\"\n{key}");
    for text in [policy, template, key.to_owned()] {
        let loaded = loaded(&[("stack.yaml", &text)]);
        let [problem] = &loaded.problems[..] else { panic!("{:?}", loaded.problems) };
        assert_eq!(problem.kind, ProblemKind::Broken, "{problem:?}");
        assert!(problem.help.starts_with("correct it"), "{problem:?}");
    }
}

#[test]
fn what_is_filled_in_later_is_no_fault_of_a_policy() {
    let text = |principal: &str, organization: &str| {
        format!(
            r#"{{ "Version": "2012-10-17", "Statement": [ {{ "Effect": "Allow", "Principal": {{ "AWS": {principal} }},
  "Action": "kms:*", "Resource": "*", "Condition": {{ "StringEquals": {{ "aws:PrincipalOrgID": "{organization}" }} }} }} ] }}"#
        )
    };
    let written = "arn:aws:iam::${account_id}:root";
    let quoted = format!("\"{written}\"");
    let sub = r#"{ "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" }"#;
    for (name, principal, organization, named, unresolved) in [
        ("key.json", quoted.as_str(), "o-a1b2c3d4e5", written, 1),
        ("key.json.tpl", quoted.as_str(), "o-a1b2c3d4e5", written, 1),
        ("key.json", sub, "o-a1b2c3d4e5", "this-account", 0),
        ("key.json", r#"{ "Ref": "Admins" }"#, "${ORG_ID}", "Admins", 2),
        ("key.yaml", r#"!Ref Admins"#, "${ORG_ID}", "Admins", 2),
        ("key.json", "\"111122223333\"", "${aws:ResourceOrgID}", "111122223333", 0),
    ] {
        let text = text(principal, organization);
        // In flow style a tag stands before its value as well.
        let text = if name.ends_with(".yaml") {
            format!("# A key\n{}", text.replace(", \"Statement", ",\n\"Statement"))
        } else {
            text
        };
        let inventory = world(&[(name, &text)]);
        let [policy] = &inventory.loose[..] else { panic!("{name} {principal}") };
        let policy = policy.document.policy();
        assert_eq!(policy.faults, [], "{name} {principal}");
        let statement = &policy.statements[0];
        let entries = &statement.principal.as_ref().unwrap().entries;
        assert_eq!(entries[0].value.text(), named, "{name} {principal}");
        assert_eq!(statement.unresolved().count(), unresolved, "{name} {principal}");
    }
}

#[test]
fn a_scenario_can_be_json() {
    let text = r#"{"keyreach": "scenario/1", "accounts": {"111122223333": {"keys": {"k": {}}}}}"#;
    let lines = text.replacen(", ", ",\n  ", 9).replacen('{', "\n{\n  ", 1);
    for text in
        [text, &lines, "{keyreach: scenario/1, accounts: {\"111122223333\": {keys: {k: {}}}}}"]
    {
        assert_eq!(world(&[("world.json", text)]).keys.len(), 1, "{text}");
    }
    // Wherever the member stands.
    let last = r#"{"accounts": {"111122223333": {"keys": {"k": null}}}, "keyreach": "scenario/1"}"#;
    assert_eq!(world(&[("world.json", last)]).keys.len(), 1);
    let no_json = last.replace("1\"}", "1\",}");
    let lines = "accounts: { \"111122223333\": { keys: { k: null } } }\nkeyreach: scenario/1\n";
    for text in [&*no_json, lines] {
        assert_eq!(world(&[("world.yaml", text)]).keys.len(), 1, "{text}");
    }
    // What another program calls so is none.
    let other = text.replace("scenario/1", "check/1");
    assert_eq!(loaded(&[("world.json", &other)]).skipped, 1);
}

#[test]
fn a_fault_that_an_anchor_repeats_is_told_once() {
    let text = "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    users:\n      \
                ann: { policies: &all [{ allow: kms:Decrypt, on: nokey }] }\n      \
                bob: { policies: *all }\n    keys: { k: {} }\n";
    let loaded = loaded(&[("world.yaml", text)]);
    let messages: Vec<&str> = loaded.problems.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(messages, ["`nokey` names no key"]);
}
