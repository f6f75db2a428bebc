//! The script that `keyreach collect-script` prints, run against a stand-in for the aws CLI.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/collect_script/collect.sh");
const FAKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/collect_script");

/// The account of every profile but `staging`, and that of `staging`.
const PRODUCTION: &str = "111122223333";
const STAGING: &str = "444455556666";

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const AWS_KEY: &str = "aaaabbbb-12ab-34cd-56ef-1234567890ab";
const IMPORTED_KEY: &str = "mrk-0123456789abcdef0123456789abcdef";

/// Contents by path.
type Tree = BTreeMap<String, String>;

/// A directory of its own for one test: what the stand-in replays, and what the script wrote.
struct Desk {
    root: PathBuf,
}

/// What one run of the script did.
struct Run {
    status: Option<i32>,
    stderr: String,
    /// The arguments of each call of the aws CLI.
    calls: Vec<String>,
}

impl Desk {
    fn new(name: &str, replay: &Tree) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("collect-script-{name}-{}", process::id()));
        for (path, text) in replay {
            let file = root.join("replay").join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self { root }
    }

    /// Where every run writes to: a name with spaces.
    fn out(&self) -> PathBuf {
        self.root.join("an export of keys")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// Runs the script while the call `at` goes wrong as `fault` says (see the stand-in).
    fn run_faulty(&self, arguments: &[&str], at: &str, fault: &str) -> Run {
        self.run_with(arguments, &[("FAULT_AT", at), ("FAULT", fault)])
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let log = self.root.join("calls.log");
        fs::write(&log, "").unwrap();
        let output = Command::new("sh")
            .args([SCRIPT.as_ref(), "-o".as_ref(), self.out().as_os_str()])
            .args(arguments)
            .env_clear()
            .env("PATH", path_with_fake())
            .env("REPLAY", self.root.join("replay"))
            .env("LOG", &log)
            .envs(environment.iter().copied())
            .current_dir(&self.root)
            .output()
            .expect("sh runs");
        let run = Run {
            status: output.status.code(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            calls: fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect(),
        };
        assert!(output.stdout.is_empty(), "standard output stays empty");
        for call in &run.calls {
            assert!(reads_only(call), "not a read-only call: aws {call}");
        }
        run
    }

    fn exported(&self) -> Tree {
        let mut tree = Tree::new();
        read_tree(&self.out(), "", &mut tree);
        tree
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.root).unwrap();
        }
    }
}

impl Run {
    /// The calls whose answers are stored, as opposed to those that name what to ask for.
    fn fetched(&self) -> Vec<&str> {
        self.calls
            .iter()
            .map(String::as_str)
            .filter(|call| call.contains("--output json"))
            .collect()
    }
}

fn path_with_fake() -> OsString {
    let mut path = OsString::from(FAKE);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path
}

fn reads_only(call: &str) -> bool {
    let mut words = call.split(' ');
    let (service, verb) = (words.next().unwrap(), words.next().unwrap());
    let configured = (service, verb) == ("configure", "get"); // Reads the CLI's own settings.
    let assumes = (service, verb) == ("sts", "assume-role");
    configured
        || assumes
        || ["list-", "get-", "describe-"].iter().any(|read| verb.starts_with(read))
}

fn read_tree(directory: &Path, prefix: &str, tree: &mut Tree) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read_tree(&entry.path(), &format!("{name}/"), tree);
        } else {
            tree.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Two accounts in an organization, as the aws CLI prints them; all that the script may ask for.
fn replay() -> Tree {
    let mut tree = Tree::new();
    let mut add = |path: String, text: &str| assert!(tree.insert(path, text.to_owned()).is_none());

    for account in [PRODUCTION, STAGING] {
        let own = format!("arn:aws:iam::{account}:policy/teams/Shared");
        let aws = "arn:aws:iam::aws:policy/Shared";
        add(
            format!("{account}/iam/account-authorization-details.json"),
            &format!(
                r#"{{
    "UserDetailList": [
        {{
            "UserName": "Jürgen",
            "PermissionsBoundary": {{
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": "{own}"
            }}
        }}
    ],
    "RoleDetailList": [
        {{
            "RoleName": "App",
            "Description": "\n\"PermissionsBoundaryArn\": \"arn:aws:iam::{account}:policy/No\"",
            "PermissionsBoundary": {{
                "PermissionsBoundaryArn": "{aws}",
                "PermissionsBoundaryType": "Policy"
            }}
        }},
        {{
            "RoleName": "Other",
            "PermissionsBoundary": {{
                "PermissionsBoundaryArn": "{own}"
            }}
        }}
    ]
}}
"#
            ),
        );
        for (place, arn) in [("Shared", own.as_str()), ("aws/Shared", aws)] {
            add(
                format!("{account}/iam/policies/{place}/get-policy.json"),
                &format!(
                    "{{\n    \"Policy\": {{\n        \"Arn\": \"{arn}\",\n        \
                     \"DefaultVersionId\": \"v3\"\n    }}\n}}\n"
                ),
            );
            add(
                format!("{account}/iam/policies/{place}/get-policy-version.json"),
                &format!("{{ \"PolicyVersion\": \"of {arn}\" }}\n"),
            );
        }
    }

    for (account, region, keys) in [
        (PRODUCTION, "eu-west-1", [KEY, AWS_KEY].as_slice()),
        (PRODUCTION, "us-east-1", &[IMPORTED_KEY]),
        (PRODUCTION, "ap-southeast-2", &[]),
        (STAGING, "eu-west-1", &[KEY]),
    ] {
        add(
            format!("{account}/{region}/ec2/describe-vpc-endpoints.json"),
            "{ \"VpcEndpoints\": [] }",
        );
        for key in keys {
            let add_of_key = &mut |call: &str, text: &str| {
                add(format!("{account}/{region}/kms/{key}/{call}.json"), text);
            };
            let origin = if *key == IMPORTED_KEY { "EXTERNAL" } else { "AWS_KMS" };
            add_of_key(
                "describe-key",
                &format!(
                    "{{\n    \"KeyMetadata\": {{\n        \"Description\": \"ключ\",\n        \
                     \"Origin\": \"{origin}\"\n    }}\n}}\n"
                ),
            );
            for call in ["get-key-policy", "list-grants", "list-resource-tags", "list-aliases"] {
                add_of_key(call, &format!("{{ \"{call}\": \"{account} {region} {key}\" }}\n"));
            }
            if origin == "AWS_KMS" {
                add_of_key("get-key-rotation-status", "{\n    \"KeyRotationEnabled\": true\n}\n");
            }
        }
    }

    let mut add = |path: &str, text: &str| add(format!("organizations/{path}"), text);
    let ids = |ids: &[&str]| {
        let members =
            ids.iter().map(|id| format!("        {{\n            \"Id\": \"{id}\"\n        }}"));
        format!("{{\n    \"List\": [\n{}\n    ]\n}}\n", members.collect::<Vec<_>>().join(",\n"))
    };
    add("describe-organization.json", "{ \"Organization\": {} }\n");
    add("list-accounts.json", "{ \"Accounts\": [] }\n");
    add("list-roots.json", &ids(&["r-exam"]));
    for (parent, units) in [
        ("r-exam", ["ou-exam-1", "ou-exam-2"].as_slice()),
        ("ou-exam-1", &["ou-exam-1a"]),
        ("ou-exam-2", &[]),
        ("ou-exam-1a", &[]),
    ] {
        add(&format!("list-organizational-units-for-parent.{parent}.json"), &ids(units));
        add(&format!("list-accounts-for-parent.{parent}.json"), &ids(&[PRODUCTION]));
    }
    for (id, kind) in [
        ("p-FullAWSAccess", "SERVICE_CONTROL_POLICY"),
        ("p-deny12345", "SERVICE_CONTROL_POLICY"),
        ("p-RCPFullAWSAccess", "RESOURCE_CONTROL_POLICY"),
    ] {
        let text = format!("{{\n    \"Policy\": {{\n        \"Type\": \"{kind}\"\n    }}\n}}\n");
        add(&format!("policies/{id}/describe-policy.json"), &text);
        add(&format!("policies/{id}/list-targets-for-policy.json"), "{ \"Targets\": [] }\n");
    }
    tree
}

/// What exports the whole replay.
const ALL: [&str; 3] = ["-p", "production,staging", "--organization"];

fn without(mut tree: Tree, path: &str) -> Tree {
    tree.remove(path).unwrap_or_else(|| panic!("{path} is in the replay"));
    tree
}

fn part(tree: Tree, keep: impl Fn(&str) -> bool) -> Tree {
    tree.into_iter().filter(|(path, _)| keep(path)).collect()
}

/// Takes the report of failed calls out of an export: its lines.
fn take_errors(tree: &mut Tree) -> Vec<String> {
    let report = tree.remove("collect-errors.txt").expect("failed calls are on record");
    report.lines().map(str::to_owned).collect()
}

#[test]
fn export_is_what_aws_answered_byte_for_byte() {
    let desk = Desk::new("whole", &replay());
    let run = desk.run(&ALL);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(desk.exported(), replay());
    assert!(run.stderr.contains("the export in "), "{}", run.stderr);

    // Each file came from one call, and nobody else can read it.
    assert_eq!(run.fetched().len(), replay().len());
    for path in ["", "organizations", "organizations/list-roots.json"] {
        let mode = fs::metadata(desk.out().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path} is for its owner alone");
    }
}

#[test]
fn header_names_the_permission_of_every_call() {
    let desk = Desk::new("header", &replay());
    let script = fs::read_to_string(SCRIPT).unwrap();
    let header: String = script.lines().take_while(|line| line.starts_with('#')).collect();
    let mut calls = desk.run(&ALL).calls;
    calls.extend(desk.run(&["-a", STAGING, "-R", "Audit"]).calls);
    calls.retain(|call| !call.starts_with("configure get"));
    for call in calls {
        let action: String = call.split(' ').nth(1).unwrap().split('-').map(capital).collect();
        assert!(header.contains(&action), "the header does not name {action}");
    }
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn second_run_fetches_what_is_missing() {
    let desk = Desk::new("resume", &replay());
    desk.run(&ALL);

    let again = desk.run(&ALL);
    assert_eq!((again.status, again.fetched()), (Some(0), vec![]));

    let missing = format!("{PRODUCTION}/eu-west-1/kms/{KEY}/list-grants.json");
    fs::remove_file(desk.out().join(&missing)).unwrap();
    let emptied = "organizations/list-accounts.json";
    fs::write(desk.out().join(emptied), "").unwrap();
    let resumed = desk.run(&ALL);
    let [accounts, grants] = resumed.fetched()[..] else { panic!("{:?}", resumed.fetched()) };
    assert!(accounts.starts_with("organizations list-accounts "), "{accounts}");
    assert!(grants.starts_with("kms list-grants ") && grants.contains(KEY), "{grants}");
    assert_eq!(desk.exported(), replay());

    assert_eq!(desk.run(&["--refresh"]).fetched().len(), {
        part(replay(), |path| path.starts_with(PRODUCTION)).len()
    });
}

#[test]
fn denied_call_leaves_the_rest_whole() {
    let desk = Desk::new("denied", &replay());
    // The key id also exists in the other account.
    let run = desk.run_faulty(
        &["-p", "production", "--organization"],
        &format!("kms get-key-policy {KEY}"),
        "denied",
    );
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("failed calls: 1,") && run.stderr.contains("the rest was exported")
    );

    let mut exported = desk.exported();
    assert_eq!(
        take_errors(&mut exported),
        [format!(
            "aws kms get-key-policy --region eu-west-1 --key-id {KEY} --policy-name default \
             (account {PRODUCTION}): An error occurred (AccessDeniedException) when calling the \
             operation: User is not authorized"
        )]
    );
    let whole = part(replay(), |path| !path.starts_with(STAGING));
    let denied = format!("{PRODUCTION}/eu-west-1/kms/{KEY}/get-key-policy.json");
    assert_eq!(exported, without(whole, &denied));

    // Later it is allowed: nothing is left to report.
    assert_eq!(desk.run(&ALL).status, Some(0));
    assert_eq!(desk.exported(), replay());
}

#[test]
fn unfinished_answer_leaves_no_file() {
    for fault in ["half", "silent"] {
        let desk = Desk::new(fault, &replay());
        let run = desk.run_faulty(&ALL, "organizations list-roots ", fault);
        assert_eq!(run.status, Some(1));
        let mut exported = desk.exported();
        assert_eq!(
            take_errors(&mut exported),
            [format!("aws organizations list-roots (account {PRODUCTION}): no output")]
        );
        // Without the roots there is no tree to walk.
        assert_eq!(
            exported,
            part(replay(), |path| !path.contains("list-roots") && !path.contains("-for-parent."))
        );
    }
}

#[test]
fn expired_credentials_end_their_account_alone() {
    let desk = Desk::new("expired", &replay());
    let run = desk.run_faulty(
        &["-p", "production,staging"],
        &format!("kms list-grants {AWS_KEY}"),
        "expired",
    );
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("with new credentials"), "{}", run.stderr);
    let mut exported = desk.exported();
    assert_eq!(take_errors(&mut exported).len(), 1);
    assert!(!exported.keys().any(|path| path.starts_with("111122223333/us-east-1/")));
    let staging = |path: &str| path.starts_with(STAGING);
    assert_eq!(part(exported, staging), part(replay(), staging));

    assert_eq!(desk.run(&ALL).status, Some(0));
    assert_eq!(desk.exported(), replay());
}

#[test]
fn role_is_assumed_in_other_accounts_only() {
    let desk = Desk::new("role", &replay());
    let accounts = format!("{PRODUCTION}, {STAGING}");
    let run =
        desk.run(&["-p", "production", "-a", &accounts, "-R", "audit/Reader", "--organization"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(desk.exported(), replay());
    let assumed: Vec<_> = run.calls.iter().filter(|call| call.contains("assume-role")).collect();
    let [assumed] = assumed[..] else { panic!("{assumed:?}") };
    assert!(assumed.contains("--role-arn arn:aws:iam::444455556666:role/audit/Reader "));
    assert!(!run.calls.concat().contains("secret") && !run.stderr.contains("secret"));

    let refused = "sts assume-role arn:aws:iam::444455556666:role/Reader";
    let run = desk.run_faulty(&["-a", &accounts, "-R", "Reader"], refused, "denied");
    assert_eq!(run.status, Some(1));
    let errors = take_errors(&mut desk.exported());
    assert!(errors.len() == 1 && errors[0].contains("AccessDenied"), "{errors:?}");
}

#[test]
fn regions_are_those_named_or_enabled_or_configured() {
    let eu = |path: &str| path.contains("/eu-west-1/") || path.contains("/iam/");
    let production = part(replay(), |path| path.starts_with(PRODUCTION) && eu(path));

    let desk = Desk::new("regions-named", &replay());
    let run = desk.run(&["-r", "eu-west-1"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(desk.exported(), production);
    assert!(!run.calls.iter().any(|call| call.contains("describe-regions")));

    let desk = Desk::new("regions-configured", &replay());
    let fault = [("FAULT_AT", "ec2 describe-regions "), ("FAULT", "denied")];
    let run = desk.run_with(&[], &[fault[0], fault[1], ("AWS_REGION", "eu-west-1")]);
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("only eu-west-1 is exported"), "{}", run.stderr);
    let mut exported = desk.exported();
    assert_eq!(take_errors(&mut exported).len(), 1);
    assert_eq!(exported, production);
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    let desk = Desk::new("names", &replay());
    let run = desk.run_faulty(&["-r", "eu-west-1"], "kms list-keys ", "names");
    assert_eq!(run.status, Some(1));
    let mut exported = desk.exported();
    let refused: Vec<_> = ["../../up", "-x", "..", "file:///etc/passwd"]
        .map(|name| format!("aws kms list-keys (account {PRODUCTION}): refused the name '{name}'"))
        .into();
    assert_eq!(take_errors(&mut exported), refused);
    assert!(!exported.keys().any(|path| path.contains("/kms/")));
    assert!(!run.calls.iter().any(|call| call.starts_with("kms describe-key")));
}

#[test]
fn boundary_that_is_no_policy_is_not_asked_for() {
    let mut replay = replay();
    let details = format!("{PRODUCTION}/iam/account-authorization-details.json");
    let text = replay.get_mut(&details).unwrap();
    *text = text.replace("arn:aws:iam::aws:policy/Shared", "file:///etc/Shared");
    let desk = Desk::new("boundary", &replay);
    let run = desk.run(&["-r", "eu-west-1"]);
    assert_eq!(run.status, Some(1));
    assert!(!run.calls.iter().any(|call| call.contains("file:")));
    assert_eq!(take_errors(&mut desk.exported()).len(), 1);
}

#[test]
fn wrong_usage_calls_nothing_and_writes_nothing() {
    let desk = Desk::new("usage", &Tree::new());
    fs::create_dir_all(&desk.root).unwrap();
    for arguments in [
        ["--unknown"].as_slice(),
        &["stray"],
        &["-r"],
        &["-r", "../.."],
        &["-p", "a,,b"],
        &["-a", PRODUCTION],
        &["-R", "Audit"],
        &["-a", "production", "-R", "Audit"],
        &["-a", PRODUCTION, "-R", "Audit", "-p", "a,b"],
    ] {
        let run = desk.run(arguments);
        assert_eq!(run.status, Some(2), "{arguments:?}: {}", run.stderr);
        assert_eq!((run.calls.len(), run.stderr.lines().count()), (0, 1), "{arguments:?}");
    }
    let help = desk.run(&["--help"]);
    assert_eq!((help.status, help.calls.len()), (Some(0), 0));
    assert!(help.stderr.starts_with("usage: "));
    assert!(!desk.out().exists());
}

#[test]
fn help_names_every_option() {
    let script = fs::read_to_string(SCRIPT).unwrap();
    let desk = Desk::new("help", &Tree::new());
    fs::create_dir_all(&desk.root).unwrap();
    let help = desk.run(&["-h"]).stderr;
    let options: BTreeSet<_> = script
        .lines()
        .filter_map(|line| line.trim().split_once(") "))
        .flat_map(|(pattern, _)| pattern.split(" | "))
        .filter(|word| word.starts_with('-') && !word.contains('*'))
        .collect();
    assert!(options.contains("-o") && options.contains("--refresh"), "{options:?}");
    for option in options.into_iter().filter(|option| *option != "-") {
        assert!(help.contains(&format!("\n  {option} ")), "{option} is not in the help");
    }
}

#[test]
fn shellcheck_has_no_findings() {
    let fake = format!("{FAKE}/aws");
    match Command::new("shellcheck").args(["--shell=sh", SCRIPT, &fake]).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        // Not by println!, which the test harness keeps to itself.
        Err(_) => writeln!(std::io::stderr(), "skipped: shellcheck is not installed").unwrap(),
    }
}
