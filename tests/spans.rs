//! Places lead back: whatever a policy of the fixtures says, the bytes of the file that its span names
//! say the same when they are read again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use keyreach::ingest::{Disk, load, read_text};
use keyreach::inventory::Inventory;
use keyreach::policy::{
    Operator, PolicyDocument, PolicyKind, Principal, Statement, Value, Version, lower,
};
use keyreach::source::{Decoded, Encoding, Files, Located, Span};
use keyreach::syntax::{Node, json, yaml};
use support::seeds::{Random, for_each_seed};
use support::worlds::World;
use support::worlds::render::{self, Tree};

/// The directories and files that are worlds of their own.
fn worlds() -> Vec<PathBuf> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let mut worlds = Vec::new();
    for path in below(&testdata) {
        match path.file_name().unwrap().to_str().unwrap() {
            "rules" => worlds.extend(below(&path).iter().flat_map(|rule| below(rule))),
            "infrastructure" => {
                let kinds = below(&path).into_iter();
                let kinds = kinds.filter(|kind| kind.is_dir() && !kind.ends_with("same"));
                worlds.extend(kinds.flat_map(|kind| below(&kind)).filter(|it| it.is_dir()));
            }
            _ if path.is_dir() => worlds.push(path),
            _ => {}
        }
    }
    worlds
}

/// Every policy of a world.
fn documents(world: &Inventory) -> Vec<&PolicyDocument> {
    let mut all = Vec::new();
    for key in world.keys.values() {
        all.extend(key.policy.iter().chain(&key.ram_policy));
    }
    for account in world.accounts.values() {
        let identities = account.identities.values();
        all.extend(identities.clone().filter_map(|identity| identity.trust.as_ref()));
        let of_groups = account.groups.values().flat_map(|group| &group.inline);
        let inline = identities.flat_map(|identity| &identity.inline).chain(of_groups);
        all.extend(inline.map(|policy| &policy.document));
        let versions = account.policies.values().flat_map(|policy| &policy.versions);
        all.extend(versions.map(|version| &version.document));
    }
    let organization = world.organization.iter().flat_map(|it| it.policies.values());
    all.extend(organization.filter_map(|policy| policy.document.as_ref()));
    all.extend(world.endpoints.values());
    all.extend(world.loose.iter().map(|loose| &loose.document));
    all
}

/// How many of each kind of place were read again.
type Counts = BTreeMap<&'static str, usize>;

#[test]
fn what_is_written_at_a_span_says_what_was_read_there() {
    let mut counts = Counts::new();
    for path in worlds() {
        check_all(&Disk, path.to_str().unwrap(), &mut counts);
    }
    let least = [
        ("plain JSON", 50),
        ("a JSON string", 50),
        ("YAML", 50),
        ("principals", 100),
        ("declared", 50),
    ];
    enough(&counts, &least);
}

#[test]
fn random_worlds_lead_back_too() {
    for_each_seed("random_worlds_lead_back_too", "spans", |seed| {
        let mut counts = Counts::new();
        for number in 0..40 {
            let random = &mut Random::new(seed, 300 + number);
            let world = World::random(random);
            let scenario = |text: String| Tree::from([("w.yaml".to_owned(), text.into())]);
            let files = match number % 4 {
                0 => render::single_calls(&world),
                1 => scenario(render::scenario(&world)),
                2 => scenario(render::block_scenario(&world)),
                _ => render::rearranged(&world, random),
            };
            check_all(&render::memory(&files), ".", &mut counts);
        }
        let least = [("plain JSON", 20), ("a JSON string", 20), ("YAML", 20), ("conditions", 50)];
        enough(&counts, &least);
    });
}

/// Checks every policy of the world at `path`.
fn check_all(files: &dyn Files, path: &str, counts: &mut Counts) {
    let world = load(files, &[path.to_owned()]).inventory;
    for document in documents(&world) {
        let file = world.sources.path(document.place.file);
        let text = read_text(files, file).unwrap();
        let case = Case { document, file, text: &text };
        match world.declared {
            Some(_) => check_declared(&case, counts),
            None => check(&case, counts),
        }
    }
}

/// What infrastructure code says is evaluated: a span is that of what somebody edits, and says something.
fn check_declared(case: &Case<'_>, counts: &mut Counts) {
    let Case { document, file, text } = *case;
    for statement in &document.policy().statements {
        let values = values(statement).map(|value| value.span);
        let entries = statement.principal.iter().flat_map(|element| &element.entries);
        let spans = values.chain(entries.map(|entry| entry.span)).chain([statement.span]);
        for span in spans {
            let written = document.place.locate(text, span).slice(text);
            assert!(written.is_some_and(|it| !it.trim().is_empty()), "{file}: {span:?}");
            *counts.entry("declared").or_default() += 1;
        }
    }
}

fn enough(counts: &Counts, least: &[(&str, usize)]) {
    for (what, least) in least {
        let count = counts.get(what).copied().unwrap_or_default();
        assert!(count >= *least, "only {count} of {what}: {counts:?}");
    }
}

/// A policy and the file that it stands in.
struct Case<'a> {
    document: &'a PolicyDocument,
    file: &'a str,
    text: &'a str,
}

fn check(case: &Case<'_>, counts: &mut Counts) {
    let Case { document, file, text } = *case;
    let place = document.place;
    assert!(place.span.slice(text).is_some(), "{file}: {place:?}");
    let policy = document.policy();
    for fault in &policy.faults {
        assert!(case.written(fault.span).is_some(), "{file}: {fault:?}");
    }
    let what = match (place.encoding, document.text().is_empty()) {
        (Encoding::Plain, false) => "plain JSON",
        (Encoding::JsonString, _) => "a JSON string",
        (Encoding::PercentJsonString, _) => "percent-encoded",
        _ => "YAML",
    };
    *counts.entry(what).or_default() += 1;
    if document.text().is_empty() {
        return check_yaml(case, counts);
    }
    if let Some(decoded) = place.decode(text) {
        assert_eq!(decoded.text, document.text(), "{file}");
    } else {
        // Other YAML scalars are pointed at as a whole.
        assert_eq!(place.encoding, Encoding::YamlScalar, "{file}");
        return;
    }
    for statement in &policy.statements {
        check_statement(case, policy.version, statement, counts);
    }
}

impl Case<'_> {
    /// What stands in the file where `span` of the policy was read from.
    fn written(&self, span: Span) -> Option<&str> {
        self.document.place.locate(self.text, span).slice(self.text)
    }

    /// The part of the policy's text at `span`, which the file has there, too.
    fn inner(&self, span: Span) -> &str {
        let inner = span.slice(self.document.text()).unwrap_or_else(|| panic!("{}", self.file));
        let written = self.written(span).unwrap_or_else(|| panic!("{}: {span:?}", self.file));
        let decoded = match self.document.place.encoding {
            Encoding::JsonString => Decoded::json_string(&format!("\"{written}\"")).unwrap().text,
            Encoding::PercentJsonString => Decoded::percent(written).unwrap().text,
            Encoding::Plain => written.to_owned(),
            // The lines of a literal block lose their indent.
            Encoding::YamlScalar => return inner,
        };
        assert_eq!(decoded, inner, "{}", self.file);
        inner
    }

    fn scalar(&self, span: Span) -> String {
        match serde_json::from_str(self.inner(span)) {
            Ok(serde_json::Value::String(text)) => text,
            Ok(other) => other.to_string(),
            Err(error) => panic!("{}: {error}: {}", self.file, self.inner(span)),
        }
    }
}

fn check_statement(case: &Case<'_>, version: Version, statement: &Statement, counts: &mut Counts) {
    let file = case.file;
    let version = match version {
        Version::V2008 => "2008-10-17",
        Version::V2012 => "2012-10-17",
    };
    let inner = case.inner(statement.span);
    let again = format!("{{\"Version\":\"{version}\",\"Statement\":{inner}}}");
    let again = lower(&json::parse(&again).unwrap(), case.document.kind);
    assert_eq!(again.statements.len(), 1, "{file}");
    assert_eq!(again.statements[0].normal_form(), statement.normal_form(), "{file}");
    for value in values(statement) {
        if let Value::Text(text) = &value.value {
            assert_eq!(case.scalar(value.span), **text, "{file}");
            *counts.entry("values").or_default() += 1;
        }
    }
    for entry in statement.principal.iter().flat_map(|element| &element.entries) {
        let text = case.scalar(entry.span);
        let is_same = match &entry.value {
            known @ (Principal::Service(_)
            | Principal::Federated(_)
            | Principal::CanonicalUser(_)
            | Principal::Invalid(_)) => known.text() == text,
            known => *known == Principal::aws(&text),
        };
        assert!(is_same, "{file}: {text} is not {:?}", entry.value);
        *counts.entry("principals").or_default() += 1;
    }
    for condition in &statement.conditions {
        assert_eq!(case.scalar(condition.key.span), *condition.key.value, "{file}");
        let operator = Operator::parse(&case.scalar(condition.operator.span));
        assert_eq!(operator, Some(condition.operator.value), "{file}");
        *counts.entry("conditions").or_default() += 1;
    }
    if let Some(sid) = &statement.sid {
        assert_eq!(case.scalar(sid.span), *sid.value, "{file}");
    }
}

/// The values of a statement's actions, resources and conditions.
fn values(statement: &Statement) -> impl Iterator<Item = &Located<Value>> {
    let elements = statement.action.iter().chain(&statement.resource);
    let conditions = statement.conditions.iter().flat_map(|condition| &condition.values);
    elements.flat_map(|element| &element.values).chain(conditions)
}

/// The tree of a part of a YAML file, read again where it stands.
fn read_again<R>(text: &str, span: Span, read: impl FnOnce(&Node<'_>) -> R) -> Option<R> {
    let line = text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let indent = " ".repeat(text[line..span.start as usize].chars().count());
    let part = format!("{indent}{}", span.slice(text)?);
    let (documents, problems) = yaml::parse(&part);
    assert_eq!(problems, [], "{part}");
    documents.first().map(|document| read(&document.root))
}

/// In YAML a scalar stands for itself; a short statement has names where AWS has ARNs.
fn check_yaml(case: &Case<'_>, counts: &mut Counts) {
    let Case { document, file, text } = *case;
    let is_short = text.lines().any(|line| line.starts_with("keyreach:"));
    let place = document.place;
    let scalar = |span: Span| {
        let read = |node: &Node<'_>| node.scalar().map(str::to_owned);
        read_again(text, place.locate(text, span), read).flatten()
    };
    for statement in &document.policy().statements {
        let span = place.locate(text, statement.span);
        let is_object = |node: &Node<'_>| !node.members().is_empty();
        if read_again(text, span, is_object) != Some(true) {
            // A statement that nobody wrote points at what it is made for: a key's name.
            assert!(is_short, "{file}: {:?}", span.slice(text));
            continue;
        }
        if !is_short {
            let kind = PolicyKind::Identity;
            let kind = if statement.principal.is_some() { document.kind } else { kind };
            let again = read_again(text, span, |node| lower(&wrapped(node), kind)).unwrap();
            assert_eq!(again.statements[0].normal_form(), statement.normal_form(), "{file}");
        }
        let resources = statement.resource.iter().filter(|_| !is_short);
        let elements = statement.action.iter().chain(resources).flat_map(|it| &it.values);
        let conditions = statement.conditions.iter().flat_map(|condition| &condition.values);
        for value in elements.chain(conditions) {
            if let Value::Text(expected) = &value.value {
                assert_eq!(scalar(value.span).as_deref(), Some(&**expected), "{file}");
                *counts.entry("values").or_default() += 1;
            }
        }
        for condition in &statement.conditions {
            assert_eq!(
                scalar(condition.key.span).as_deref(),
                Some(&*condition.key.value),
                "{file}"
            );
        }
    }
}

/// A statement as the only one of a policy.
fn wrapped<'a>(statement: &Node<'a>) -> Node<'a> {
    let text = "{ Version: 2012-10-17, Statement: [] }";
    let mut policy = yaml::parse(text).0.swap_remove(0).root;
    if let keyreach::syntax::Kind::Object(members) = &mut policy.kind {
        members[1].value = statement.clone();
    }
    policy
}
