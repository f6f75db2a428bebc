//! The worked cases of the semantics, as tables: every request of every world is put to the reference
//! evaluator. A case is a world in the words of a scenario, the rules it is about, and what is expected.
//!
//! In a request `action` is one, a list, or `all` (of those on a key, RetireGrant aside), `on` a key, an
//! alias, a principal, `"*"`, or `new key`; `session_policies` are policies as in a scenario. An operation
//! with several authorizations has a request for each. Beside requests a case may ask for the `lockout`
//! check of a key policy (K9), for the `ability` of a key (S4), and state a `matrix` verdict.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use keyreach::aws::{AccountId, KeyArn, KmsAction};
use keyreach::decision::{Caller, Context, ContextValue, Gate, Request, Target};
use keyreach::eval::reference::{Ability, Reference, ability, lockout_check};
use keyreach::ingest::scenario::{Scenario, load, load_tree};
use keyreach::policy::PolicyKind;
use keyreach::source::FileId;
use keyreach::syntax::{Node, yaml};

/// Members of a case.
const CASE: &[&str] = &["id", "rules", "note", "world", "requests", "lockout", "ability", "matrix"];

/// Members of a request.
const REQUEST: &[&str] =
    &["principal", "action", "on", "context", "session_policies", "expect", "reason", "denied_by"];

const REASONS: &[&str] = &[
    "allowed-by-key-policy",
    "allowed-by-iam-policy",
    "allowed-by-grant",
    "explicit-deny",
    "implicit-deny",
];

const GATES: &[&str] = &[
    "key-policy",
    "identity-policy",
    "scp",
    "rcp",
    "permissions-boundary",
    "session-policy",
    "vpc-endpoint-policy",
    "cross-account",
    "operation",
];

const VERDICTS: &[&str] = &["always", "conditional", "never", "unknown"];

/// The text of every file of cases, by name.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/worked-cases");
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Calls `check` with the name of the file and each of its cases.
fn for_each_case(mut check: impl FnMut(&str, &Node<'_>)) {
    for (name, text) in files() {
        let (documents, problems) = yaml::parse(&text);
        assert_eq!((problems.as_slice(), documents.len()), ([].as_slice(), 1), "{name}");
        for case in documents[0].root.one_or_many() {
            check(&name, case);
        }
    }
}

fn text<'n>(node: &'n Node<'_>, member: &str) -> &'n str {
    let found = node.get(member).and_then(Node::scalar);
    found.unwrap_or_else(|| panic!("no `{member}` in {node:?}"))
}

fn items<'n, 'a>(node: &'n Node<'a>, member: &str) -> &'n [Node<'a>] {
    node.get(member).map(Node::one_or_many).unwrap_or_default()
}

fn known_rules() -> BTreeSet<String> {
    let list = include_str!("../testdata/rules-of-the-semantics.txt");
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_case_is_there_once_and_well_formed() {
    let (rules, mut ids) = (known_rules(), Vec::new());
    for_each_case(|file, case| {
        let id = text(case, "id").to_owned();
        for member in case.members() {
            assert!(CASE.contains(&&*member.name.value), "{id}: {}", member.name.value);
        }
        assert!(!text(case, "note").is_empty(), "{id}");
        assert!(!items(case, "rules").is_empty(), "{id}");
        for rule in items(case, "rules") {
            assert!(rules.contains(rule.scalar().unwrap()), "{id}: no rule {rule:?}");
        }
        let scenario = load_tree(case.get("world").unwrap(), FileId(0));
        assert_eq!(scenario.problems, [], "{file} {id}");
        assert_eq!(*scenario.inventory.gaps, [], "{file} {id}");
        for request in items(case, "requests") {
            check_shape(&id, &scenario, request);
        }
        if let Some(cell) = case.get("matrix") {
            caller(&scenario, text(cell, "principal"));
            target(&scenario, text(cell, "on"));
            assert!(!actions(cell).is_empty(), "{id}");
            assert!(VERDICTS.contains(&text(cell, "expect")), "{id}");
        }
        ids.push(id);
    });
    let worked: Vec<&String> = ids.iter().filter(|id| id.starts_with('W')).collect();
    let expected: Vec<String> = (1..=160).map(|number| format!("W{number}")).collect();
    assert_eq!(worked, expected.iter().collect::<Vec<_>>());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id stands twice");
}

fn check_shape(id: &str, scenario: &Scenario, request: &Node<'_>) {
    for member in request.members() {
        assert!(REQUEST.contains(&&*member.name.value), "{id}: {}", member.name.value);
    }
    let (reason, gate) = (text(request, "reason"), request.get("denied_by").and_then(Node::scalar));
    assert!(REASONS.contains(&reason), "{id}: {reason}");
    assert!(gate.is_none_or(|gate| GATES.contains(&gate)), "{id}: {gate:?}");
    let is_denied = match text(request, "expect") {
        "allowed" => false,
        "denied" => true,
        other => panic!("{id}: {other}"),
    };
    assert_eq!(reason.ends_with("deny"), is_denied, "{id}");
    assert_eq!(gate.is_some(), is_denied, "{id}");
    assert!(!actions(request).is_empty(), "{id}");
    caller(scenario, text(request, "principal"));
    target(scenario, text(request, "on"));
}

/// The actions of a request; `all` is every action on a key but RetireGrant, which grants alone allow.
fn actions(request: &Node<'_>) -> Vec<KmsAction> {
    if request.get("action").and_then(Node::scalar) == Some("all") {
        let on_keys = KmsAction::all().filter(|action| action.info().has_key_resource);
        return on_keys.filter(|action| *action != KmsAction::RETIRE_GRANT).collect();
    }
    let named = |node: &Node<'_>| KmsAction::parse(node.scalar().unwrap()).expect("an action");
    items(request, "action").iter().map(named).collect()
}

fn caller(scenario: &Scenario, name: &str) -> Caller {
    let found = scenario.names.caller(name).and_then(|arn| Caller::parse(&arn));
    found.unwrap_or_else(|| panic!("nobody is called {name}"))
}

fn target(scenario: &Scenario, name: &str) -> Target {
    if name == "new key" {
        let account = scenario.names.home().unwrap();
        return Target::NewKey { region: "us-west-2".into(), account };
    }
    let found = scenario.names.target(name).and_then(|arn| Target::parse(&arn));
    found.unwrap_or_else(|| panic!("nothing is called {name}"))
}

fn context(node: Option<&Node<'_>>) -> Context {
    let mut context = Context::default();
    for member in node.map(Node::members).unwrap_or_default() {
        let value = match member.value.scalar() {
            Some(value) => ContextValue::One(value.into()),
            None => {
                let values = member.value.one_or_many().iter();
                ContextValue::Many(values.map(|value| value.scalar().unwrap().into()).collect())
            }
        };
        context.set(&member.name.value, value);
    }
    context
}

/// The requests of one row, one for each action.
fn requests(scenario: &Scenario, row: &Node<'_>) -> Vec<Request> {
    let session_policies: Vec<_> = items(row, "session_policies")
        .iter()
        .map(|node| {
            let (policy, problems) = scenario.policy(node, PolicyKind::Session);
            assert_eq!(problems, []);
            policy
        })
        .collect();
    let request = |action| Request {
        caller: caller(scenario, text(row, "principal")),
        action,
        target: target(scenario, text(row, "on")),
        context: context(row.get("context")),
        session_policies: session_policies.clone(),
    };
    actions(row).into_iter().map(request).collect()
}

#[test]
fn the_reference_decides_every_case_as_the_semantics_say() {
    let mut faults = String::new();
    for_each_case(|_, case| {
        let id = text(case, "id");
        let scenario = load_tree(case.get("world").unwrap(), FileId(0));
        let reference = Reference::new(&scenario.inventory);
        for row in items(case, "requests") {
            for request in requests(&scenario, row) {
                let outcome = reference.evaluate(&request).outcome;
                let found = (outcome.reason().name(), outcome.denied_by().map(Gate::name));
                let denied_by = row.get("denied_by").and_then(Node::scalar);
                let expected = (text(row, "reason"), denied_by);
                if found != expected {
                    let Request { caller, action, target, .. } = &request;
                    writeln!(faults, "{id}: {caller} {action} {target}").unwrap();
                    writeln!(faults, "  expected {expected:?}, found {found:?}").unwrap();
                }
            }
        }
        faults += &lockout(id, case, &scenario, &reference);
        faults += &ability_of(id, case, &scenario);
    });
    assert!(faults.is_empty(), "\n{faults}");
}

/// The lockout check of a key policy (rule K9).
fn lockout(id: &str, case: &Node<'_>, scenario: &Scenario, reference: &Reference<'_>) -> String {
    let Some(row) = case.get("lockout") else { return String::new() };
    let arn = scenario.names.target(text(row, "key")).unwrap();
    let key = scenario.inventory.key(&KeyArn::parse(&arn).unwrap()).unwrap();
    let policy = match row.get("policy").unwrap() {
        node if node.as_str() == Some("default") => key.policy.clone().unwrap(),
        node => scenario.policy(node, PolicyKind::Key).0,
    };
    let caller = caller(scenario, text(row, "principal"));
    let target = Target::Key(key.arn.clone());
    let mut asked = Request::plain(caller, KmsAction::PUT_KEY_POLICY, target);
    asked.context = context(row.get("context"));
    let passes = lockout_check(reference, &asked, key, &policy);
    let found = if passes { "accepted" } else { "refused" };
    let expected = text(row, "expect");
    if found == expected { String::new() } else { format!("{id}: lockout check {found}\n") }
}

/// What a key can do at all (rules S4, S5).
fn ability_of(id: &str, case: &Node<'_>, scenario: &Scenario) -> String {
    let Some(row) = case.get("ability") else { return String::new() };
    let arn = scenario.names.target(text(row, "on")).unwrap();
    let key = scenario.inventory.key(&KeyArn::parse(&arn).unwrap()).unwrap();
    let found = match ability(key, KmsAction::parse(text(row, "action")).unwrap()) {
        Ability::Can => "can",
        Ability::NotThisKey => "n/a",
        Ability::NotNow(_) => "not now",
        Ability::Unknown => "unknown",
    };
    let expected = text(row, "expect");
    if found == expected { String::new() } else { format!("{id}: ability {found}\n") }
}

#[test]
fn the_course_scenario_is_the_world_of_its_cases() {
    let source = include_str!("../testdata/course-scenario/course.yaml");
    let course = load(source, FileId(0));
    assert_eq!(course.problems, []);
    assert_eq!(course.inventory.aliases.len(), 3);
    let reference = Reference::new(&course.inventory);
    let mut requests_made = 0;
    for_each_case(|file, case| {
        for row in items(case, "requests").iter().filter(|_| file.starts_with("6.1")) {
            for request in requests(&course, row) {
                let outcome = reference.evaluate(&request).outcome;
                assert_eq!(outcome.reason().name(), text(row, "reason"), "{request:?}");
                requests_made += 1;
            }
        }
    });
    assert!(requests_made > 400, "{requests_made}");
}

#[test]
fn the_keys_of_the_cases_are_those_of_the_document() {
    let account = AccountId::parse("111122223333").unwrap();
    for_each_case(|_, case| {
        let scenario = load_tree(case.get("world").unwrap(), FileId(0));
        let home = scenario.names.home();
        assert_eq!(home, Some(account), "{}", text(case, "id"));
        if let Some(key) = scenario.names.target("K") {
            let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
            assert_eq!(key, format!("arn:aws:kms:us-west-2:{account}:key/{id}"));
        }
    });
}
