//! A policy where it stands: its text, its place, and the policy it lowers to.

use std::sync::{Arc, OnceLock};

use crate::source::{Place, Span};
use crate::syntax::{Node, json};

use super::{Fault, Gravity, Policy, Statement, Version, lower};

/// What a policy is attached to, which decides the members it must and must not have (rules A13 to A15).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PolicyKind {
    /// A key policy.
    Key,
    /// An identity policy: inline or managed. A permissions boundary has the same grammar.
    Identity,
    /// A session policy.
    Session,
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
    /// A role's trust policy.
    Trust,
    /// A VPC endpoint policy.
    Endpoint,
}

impl PolicyKind {
    /// Its name in the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key policy",
            Self::Identity => "identity policy",
            Self::Session => "session policy",
            Self::Scp => "SCP",
            Self::Rcp => "RCP",
            Self::Trust => "trust policy",
            Self::Endpoint => "VPC endpoint policy",
        }
    }

    /// Whether its statements name principals.
    pub fn is_resource_policy(self) -> bool {
        matches!(self, Self::Key | Self::Rcp | Self::Trust | Self::Endpoint)
    }
}

/// A policy and where it stands. Cloning is cheap; its text is lowered once, when first asked for.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// Where its text stands; spans of the policy count in that text.
    pub place: Place,
    /// What it is attached to.
    pub kind: PolicyKind,
    /// What is to be said of one that code declares; nothing of most.
    in_code: Option<Arc<InCode>>,
    body: Arc<Body>,
}

/// What is to be said of a policy that code declares.
#[derive(Clone, Default, Debug)]
struct InCode {
    /// The range of the file that is the policy, where the place holds more: its parts stand apart.
    own: Option<Span>,
    /// What it is where code takes these branches or those; none where no two of them hang together.
    readings: Vec<Reading>,
}

/// A policy as it is where code takes one branch of each condition that several parts of it hang on.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What decides that these branches are taken, as it is written.
    pub open: Vec<Box<str>>,
    /// The policy there.
    pub document: PolicyDocument,
}

/// What equal policies have in common.
#[derive(Debug)]
pub(super) struct Body {
    /// The JSON text; empty where the policy was lowered when it was read.
    text: Box<str>,
    policy: OnceLock<Policy>,
    /// Whether some statement denies, once the policy is parsed: many requests ask.
    denies: OnceLock<bool>,
}

impl Body {
    /// A text, not parsed yet.
    pub(super) fn of_text(text: Box<str>) -> Self {
        Self { text, policy: OnceLock::new(), denies: OnceLock::new() }
    }

    /// A policy that was lowered already.
    fn lowered(text: Box<str>, policy: Policy) -> Self {
        Self { policy: OnceLock::from(policy), ..Self::of_text(text) }
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl PolicyDocument {
    /// A policy in JSON, not parsed yet.
    pub fn json(place: Place, kind: PolicyKind, text: impl Into<Box<str>>) -> Self {
        Self::with_body(place, kind, Arc::new(Body::of_text(text.into())))
    }

    /// A policy at `place` whose body others may share.
    pub(super) fn with_body(place: Place, kind: PolicyKind, body: Arc<Body>) -> Self {
        Self { place, kind, in_code: None, body }
    }

    /// A policy that was lowered already; its spans count from the place's start.
    pub fn lowered(place: Place, kind: PolicyKind, policy: Policy) -> Self {
        Self::with_body(place, kind, Arc::new(Body::lowered(Box::default(), policy)))
    }

    /// The same, `own` of whose place is the policy: the rest of the place holds parts that it refers to.
    #[must_use]
    pub fn standing_at(self, own: Span) -> Self {
        self.with_code(|code| code.own = Some(own))
    }

    /// The same, with what it is where code takes these branches or those: together they are all that it can be.
    #[must_use]
    pub fn read_in(self, readings: Vec<Reading>) -> Self {
        if readings.is_empty() { self } else { self.with_code(|code| code.readings = readings) }
    }

    fn with_code(self, say: impl FnOnce(&mut InCode)) -> Self {
        let mut code = self.in_code.as_deref().cloned().unwrap_or_default();
        say(&mut code);
        Self { in_code: Some(Arc::new(code)), ..self }
    }

    /// What it is where code takes these branches or those; none where no two of them hang together.
    pub fn readings(&self) -> &[Reading] {
        self.in_code.as_deref().map(|code| &*code.readings).unwrap_or_default()
    }

    /// Where it stands as a whole, to be shown: no more than its place.
    pub fn whole(&self) -> Place {
        let own = self.in_code.as_deref().and_then(|code| code.own);
        let span = own.map_or(self.place.span, |own| own.shifted(self.place.span.start));
        Place { span, ..self.place }
    }

    /// The JSON text; empty where the policy was lowered when it was read.
    pub fn text(&self) -> &str {
        &self.body.text
    }

    /// The policy; parses and lowers its text at the first call. Never fails: see [`Policy::faults`].
    pub fn policy(&self) -> &Policy {
        self.body.policy.get_or_init(|| read(&self.body.text, self.kind))
    }

    /// Looks at the policy once. Unlike [`PolicyDocument::policy`] it keeps nothing: who reads every
    /// policy of a large export once pays for no memory.
    pub fn peek<T>(&self, look: impl FnOnce(&Policy) -> T) -> T {
        match self.body.policy.get() {
            Some(policy) => look(policy),
            None => look(&read(&self.body.text, self.kind)),
        }
    }

    /// Whether some statement of it may deny. `false` is certain, and needs no parse: in JSON that escapes
    /// nothing the word stands as it is.
    pub fn may_deny(&self) -> bool {
        match self.body.policy.get() {
            Some(policy) => {
                let denies = || policy.statements.iter().any(Statement::denies);
                *self.body.denies.get_or_init(denies)
            }
            None => self.body.text.contains("Deny") || self.body.text.contains('\\'),
        }
    }

    /// The tree of its text; nothing where it was lowered when it was read, or is no JSON.
    pub fn tree(&self) -> Option<Node<'_>> {
        json::parse(&self.body.text).ok()
    }

    /// The same text, read as `tree`.
    pub fn read_as(&self, tree: &Node<'_>) -> Self {
        let text = self.body.text.clone();
        let policy = lowered(tree, &text, self.kind);
        Self { body: Arc::new(Body::lowered(text, policy)), ..self.clone() }
    }

    /// A number that tells this text from others for as long as some clone of it lives.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.body) as usize
    }

    /// The same policy without the statement at `span`, at the same place.
    pub fn without(&self, span: Span) -> Self {
        let mut policy = self.policy().clone();
        policy.statements.retain(|statement| statement.span != span);
        self.with_policy(policy)
    }

    /// The same policy, of which nobody knows whether it is in force: `doubt` decides.
    pub fn doubted(&self, doubt: &str) -> Self {
        let mut policy = self.policy().clone();
        for statement in &mut policy.statements {
            statement.doubt.get_or_insert_with(|| doubt.into());
        }
        self.with_policy(policy)
    }

    /// Another policy at the same place.
    fn with_policy(&self, policy: Policy) -> Self {
        let other = Self::lowered(self.place, self.kind, policy);
        match self.in_code.as_deref().and_then(|code| code.own) {
            Some(own) => other.standing_at(own),
            None => other,
        }
    }

    /// Whether both say the same, whatever the order, spelling of lists and white space.
    pub fn same_meaning(&self, other: &Self) -> bool {
        let same_text = !self.body.text.is_empty() && self.body.text == other.body.text;
        Arc::ptr_eq(&self.body, &other.body)
            || same_text
            || self.policy().normal_form() == other.policy().normal_form()
    }
}

/// How many bytes a key policy may have (rule A8).
pub(super) const KEY_POLICY_BYTES: usize = 32_768;

fn read(text: &str, kind: PolicyKind) -> Policy {
    match json::parse(text) {
        Ok(node) => lowered(&node, text, kind),
        Err(problem) => Policy {
            version: Version::V2008,
            id: None,
            statements: Vec::new(),
            faults: vec![Fault {
                span: if problem.span.end as usize <= text.len() {
                    problem.span
                } else {
                    Span::default()
                },
                message: format!("no valid JSON: {}", problem.message),
                gravity: Gravity::Malformed,
            }],
            readable: false,
        },
    }
}

/// The policy in a tree of `text`.
fn lowered(tree: &Node<'_>, text: &str, kind: PolicyKind) -> Policy {
    let mut policy = lower(tree, kind);
    if kind == PolicyKind::Key {
        policy.faults.extend(unstorable(text));
        policy.faults.sort_by_key(|fault| fault.span);
    }
    policy
}

/// Why KMS would not store the text of a key policy (rule A8).
fn unstorable(text: &str) -> impl Iterator<Item = Fault> {
    let ignored = |span, message| Fault { span, message, gravity: Gravity::Ignored };
    let too_long = (text.len() > KEY_POLICY_BYTES).then(|| {
        let end = (KEY_POLICY_BYTES..text.len()).find(|end| text.is_char_boundary(*end));
        let message = format!("{} bytes: a key policy has at most {KEY_POLICY_BYTES}", text.len());
        ignored(Span::new(end.unwrap_or(text.len()), text.len()), message)
    });
    // No JSON holds the other characters of ASCII that are refused.
    let refused = |character: &char| !matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FF}');
    let mut characters = (!text.is_ascii()).then(|| text.char_indices()).into_iter().flatten();
    let refused = characters.find(|(_, character)| refused(character));
    let refused = refused.map(|(at, character)| {
        let code = u32::from(character);
        let message =
            format!("`{character}` (U+{code:04X}) is no character that a key policy may hold");
        ignored(Span::new(at, at + character.len_utf8()), message)
    });
    too_long.into_iter().chain(refused)
}

#[cfg(test)]
mod tests {
    use crate::source::FileId;

    use super::*;

    fn text(sid: &str) -> String {
        format!(
            "{{\"Statement\":{{\"Sid\":\"{sid}\",\"Effect\":\"Allow\",\"Principal\":\"*\",\
             \"Action\":\"kms:*\",\"Resource\":\"*\"}}}}"
        )
    }

    /// What is wrong with a policy whose one Sid is `sid`.
    fn check(kind: PolicyKind, sid: &str, expected: &[(&str, &str)]) {
        let text = text(sid);
        let place = Place::plain(FileId(0), Span::new(0, text.len()));
        let document = PolicyDocument::json(place, kind, &*text);
        let faults = document.policy().faults.iter();
        let found: Vec<_> = faults
            .filter(|fault| fault.gravity == Gravity::Ignored)
            .map(|fault| (fault.span.slice(&text).unwrap_or_default(), fault.message.as_str()))
            .collect();
        assert_eq!(found, expected);
        assert!(document.policy().readable);
    }

    /// Whether a policy with this `Sid` and `Effect`, as it is written, may deny: before it is parsed, and
    /// after.
    fn may_deny(sid: &str, effect: &str) -> [bool; 2] {
        let text = text(sid).replace("\"Allow\"", effect);
        let place = Place::plain(FileId(0), Span::new(0, text.len()));
        let document = PolicyDocument::json(place, PolicyKind::Key, text);
        let before = document.may_deny();
        document.policy();
        [before, document.may_deny()]
    }

    #[test]
    fn a12_what_may_deny_is_told_without_a_parse() {
        assert_eq!(may_deny("", "\"Deny\""), [true, true]);
        assert_eq!(may_deny("", "\"Allow\""), [false, false]);
        assert_eq!(may_deny("", "\"\\u0044eny\""), [true, true], "it is written in another way");
        assert_eq!(may_deny("Deny", "\"Allow\""), [true, false], "the word stands elsewhere");
        assert_eq!(may_deny("", "\"deny\""), [false, false], "it is no effect");
    }

    #[test]
    fn a8_key_policies_are_short_and_latin() {
        let rest = text("").len();
        check(PolicyKind::Key, "Accès\u{FF}", &[]);
        let message = "`—` (U+2014) is no character that a key policy may hold";
        check(PolicyKind::Key, "a — b — c", &[("—", message)]);
        check(PolicyKind::Rcp, "a — b", &[]);
        check(PolicyKind::Key, &"x".repeat(KEY_POLICY_BYTES - rest), &[]);
        let message = "32769 bytes: a key policy has at most 32768";
        check(PolicyKind::Key, &"x".repeat(KEY_POLICY_BYTES - rest + 1), &[("}", message)]);
    }
}
