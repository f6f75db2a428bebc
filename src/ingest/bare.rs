//! Policy documents that stand alone: a file that is the policy itself.
//!
//! A bare document does not say what it is attached to. Statements with principals make a resource
//! policy; of those only key policies are taken, not the policies of buckets, queues, topics and roles.
//! Statements without principals make an identity policy, taken where it could touch KMS.

use crate::aws::Arn;
use crate::inventory::LoosePolicy;
use crate::policy::{Element, Polarity, Policy, PolicyDocument, PolicyKind, Principal, Statement};
use crate::source::{Place, Span};
use crate::syntax::{Node, json, yaml};

use super::cloudformation::fragments::{self, Fragment};
use super::detect::is_member;
use super::document::{Document, Read, Refusal, Source};
use super::facts::{Fact, KeyPart, Pending, PendingPart};
use super::hint::Hint;

/// A policy document in JSON.
pub(super) fn read(document: &Document<'_, '_>) -> Read {
    let source = &document.source;
    let Some(text) = document.span.slice(source.text) else { return Err(Refusal::Other) };
    let place = document.place();
    if may_be_filled_in(text)
        && let Ok(root) = json::parse(text)
        && let Some(fragment) = fragment(source, &root, document.span.start)
    {
        let fact = take(&source.hint, |kind| fragment.policy(kind));
        return fact.map(|fact| vec![fact]).ok_or(Refusal::Other);
    }
    let make = |kind| PolicyDocument::json(place, kind, text);
    take(&source.hint, make).map(|fact| vec![fact]).ok_or(Refusal::Other)
}

/// Whether a policy in JSON may be one that a template takes in, or that a script fills in.
fn may_be_filled_in(text: &str) -> bool {
    ["${", "\"Fn::", "\"Ref\""].iter().any(|mark| text.contains(mark))
}

/// A policy that is filled in later; what was exported is as it is in force.
fn fragment(source: &Source<'_>, root: &Node<'_>, offset: u32) -> Option<Fragment> {
    let is_exported = source.hint.is_export() || source.hint.key_by_directory().is_some();
    if is_exported { None } else { fragments::read(source.file, root, offset) }
}

/// The policy documents of a YAML text; nothing where it holds none, or is a text of another kind.
///
/// The one place where YAML is read here: a text that mentions no `Statement` at the start of a line is
/// not parsed at all.
pub(super) fn read_yaml(source: &Source<'_>) -> Vec<Fact> {
    let starts = |line: &str| line.trim_start_matches(['"', '\'']).starts_with("Statement");
    if !source.text.lines().any(starts) {
        return Vec::new();
    }
    let (documents, problems) = yaml::parse(source.text);
    if !problems.is_empty() && !source.hint.is_data() {
        return Vec::new();
    }
    let mut facts = Vec::new();
    for document in &documents {
        facts.extend(of_node(source, &document.root));
    }
    let is_ours = !facts.is_empty() || could_touch_kms(source.text);
    if let Some(problem) = problems.first().filter(|_| is_ours) {
        let message = format!("broken YAML: {}", problem.message);
        facts.push(Fact::Broken { span: problem.span, message });
    }
    facts
}

fn of_node(source: &Source<'_>, root: &Node<'_>) -> Option<Fact> {
    let (file, hint) = (source.file, &source.hint);
    root.get("Statement")?;
    if let Some(fragment) = fragment(source, root, 0) {
        return take(hint, |kind| fragment.policy(kind));
    }
    // The spans of the tree count from the start of the file.
    let place = Place::plain(file, Span { start: 0, end: root.span.end });
    take(hint, |kind| PolicyDocument::lowered(place, kind, crate::policy::lower(root, kind)))
}

/// A policy document whose JSON is broken: what is wrong with it the policy itself says.
pub(super) fn broken(source: &Source<'_>, span: Span) -> Option<Fact> {
    let text = span.slice(source.text)?;
    if !is_member(text, "Statement") || !is_member(text, "Effect") || !could_touch_kms(text) {
        return None;
    }
    let kind = if is_member(text, "Principal") { PolicyKind::Key } else { PolicyKind::Identity };
    let document = PolicyDocument::json(source.place(span), kind, text);
    Some(fact(&source.hint, document))
}

/// Whether a text that cannot be read mentions KMS.
fn could_touch_kms(text: &str) -> bool {
    text.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"kms:"))
}

/// The policy as a fact, where it is one that could touch KMS.
pub(super) fn take(hint: &Hint<'_>, make: impl Fn(PolicyKind) -> PolicyDocument) -> Option<Fact> {
    let by_path = hint.command == Some("get-key-policy");
    let first = make(PolicyKind::Key);
    if !is_policy(first.policy()) {
        return None;
    }
    match kind_of(first.policy(), hint) {
        Some(PolicyKind::Key) => Some(fact(hint, first)),
        _ if by_path => Some(fact(hint, first)),
        Some(kind) => Some(fact(hint, make(kind))),
        None => None,
    }
}

/// A key policy in the directory of a key, or named for the call that reads one, is that key's.
fn fact(hint: &Hint<'_>, document: PolicyDocument) -> Fact {
    let place = document.place;
    let named = hint.command == Some("get-key-policy");
    if document.kind == PolicyKind::Key && (named || hint.key_by_directory().is_some()) {
        return Fact::Pending(Box::new(Pending {
            command: "get-key-policy",
            place,
            what: PendingPart::Key { id: None, part: KeyPart::Policy(document) },
        }));
    }
    Fact::Loose(LoosePolicy::new(hint.stem.into(), document))
}

/// Whether an object with a member called `Statement` is a policy at all.
fn is_policy(policy: &Policy) -> bool {
    policy
        .statements
        .iter()
        .any(|statement| statement.effect.is_some() || statement.action.is_some())
}

/// What kind of policy it is; nothing for one that has nothing to do with KMS.
fn kind_of(policy: &Policy, hint: &Hint<'_>) -> Option<PolicyKind> {
    let is_named = |word: &str| {
        let mut words = hint.stem.split(|c: char| !c.is_alphanumeric());
        words.any(|part| part.eq_ignore_ascii_case(word))
    };
    let touches = policy.statements.iter().any(touches_kms);
    if !policy.statements.iter().any(|statement| statement.principal.is_some()) {
        let kind = if is_named("scp") { PolicyKind::Scp } else { PolicyKind::Identity };
        return touches.then_some(kind);
    }
    let is_of_endpoint = (is_named("endpoint") || is_named("vpce")) && !is_named("key");
    if is_key_policy(policy) && !is_of_endpoint {
        let kind = if is_named("rcp") { PolicyKind::Rcp } else { PolicyKind::Key };
        return Some(kind);
    }
    if !names_kms(policy) {
        return None;
    }
    let is_rcp =
        policy.statements.iter().all(|statement| statement.denies() && is_for_anyone(statement));
    if is_named("rcp") || is_rcp {
        Some(PolicyKind::Rcp)
    } else if is_of_endpoint {
        Some(PolicyKind::Endpoint)
    } else {
        Some(PolicyKind::Key)
    }
}

/// Whether a policy that stands alone can only be one of a key: it says nothing but what key policies say,
/// and speaks of KMS by name, which the policy that VPC endpoints have by default does not.
pub(super) fn is_surely_key_policy(policy: &Policy) -> bool {
    is_key_policy(policy) && names_kms(policy)
}

/// Whether a resource policy can only be a key policy: every action is one of KMS, or all are meant
/// and no resource is named.
pub(super) fn is_key_policy(policy: &Policy) -> bool {
    let has_principal = policy.statements.iter().any(|statement| statement.principal.is_some());
    has_principal
        && policy.statements.iter().all(|statement| {
            let actions = statement
                .action
                .as_ref()
                .is_none_or(|element| texts(element).all(|text| text == "*" || is_of_kms(text)));
            let resources = statement
                .resource
                .as_ref()
                .is_none_or(|element| texts(element).all(|text| text == "*" || is_kms_arn(text)));
            actions && resources
        })
}

/// Whether a policy may allow some action of KMS.
pub(super) fn may_touch_kms(policy: &Policy) -> bool {
    let is_open = |element: &Element| element.values.iter().any(|it| it.value.text().is_none());
    policy
        .statements
        .iter()
        .filter(|statement| !statement.denies())
        .any(|statement| touches_kms(statement) || statement.action.as_ref().is_some_and(is_open))
}

/// Whether some action could be one of KMS.
fn touches_kms(statement: &Statement) -> bool {
    statement.action.as_ref().is_some_and(|element| {
        element.polarity == Polarity::IsNot || texts(element).any(covers_kms)
    })
}

/// Whether some action is spelled as one of KMS.
fn names_kms(policy: &Policy) -> bool {
    let elements = policy.statements.iter().filter_map(|statement| statement.action.as_ref());
    elements.flat_map(texts).any(is_of_kms)
}

fn is_for_anyone(statement: &Statement) -> bool {
    statement.principal.as_ref().is_some_and(|element| {
        element.polarity == Polarity::Is
            && element.entries.iter().all(|entry| entry.value == Principal::Anyone)
    })
}

fn texts(element: &Element) -> impl Iterator<Item = &str> {
    element.values.iter().filter_map(|value| value.value.text())
}

fn is_of_kms(action: &str) -> bool {
    action.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("kms:"))
}

/// Whether the pattern could match an action of KMS: its part before the colon matches `kms`.
fn covers_kms(action: &str) -> bool {
    let service = action.split(':').next().unwrap_or_default();
    matches_word(service.as_bytes(), b"kms")
}

/// Whether `pattern` with `*` and `?` matches the lower-case `word`, without regard to case.
fn matches_word(pattern: &[u8], word: &[u8]) -> bool {
    match (pattern, word) {
        ([], word) => word.is_empty(),
        ([b'*', rest @ ..], word) => {
            (0..=word.len()).any(|cut| word.get(cut..).is_some_and(|tail| matches_word(rest, tail)))
        }
        ([b'?', rest @ ..], [_, tail @ ..]) => matches_word(rest, tail),
        ([byte, rest @ ..], [first, tail @ ..]) => {
            byte.to_ascii_lowercase() == *first && matches_word(rest, tail)
        }
        _ => false,
    }
}

fn is_kms_arn(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| arn.service == "kms")
}
