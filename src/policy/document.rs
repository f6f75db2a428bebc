//! A policy where it stands: its text, its place, and the policy it lowers to.

use std::sync::{Arc, OnceLock};

use crate::source::{Place, Span};
use crate::syntax::json;

use super::{Fault, Gravity, Policy, Version, lower};

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
    body: Arc<Body>,
}

#[derive(Debug)]
struct Body {
    /// The JSON text; empty where the policy was lowered when it was read.
    text: Box<str>,
    policy: OnceLock<Policy>,
}

impl PolicyDocument {
    /// A policy in JSON, not parsed yet.
    pub fn json(place: Place, kind: PolicyKind, text: impl Into<Box<str>>) -> Self {
        Self { place, kind, body: Arc::new(Body { text: text.into(), policy: OnceLock::new() }) }
    }

    /// A policy that was lowered already; its spans count from the place's start.
    pub fn lowered(place: Place, kind: PolicyKind, policy: Policy) -> Self {
        let body = Body { text: Box::default(), policy: OnceLock::from(policy) };
        Self { place, kind, body: Arc::new(body) }
    }

    /// The JSON text; empty where the policy was lowered when it was read.
    pub fn text(&self) -> &str {
        &self.body.text
    }

    /// The policy; parses and lowers its text at the first call. Never fails: see [`Policy::faults`].
    pub fn policy(&self) -> &Policy {
        self.body.policy.get_or_init(|| read(&self.body.text, self.kind))
    }

    /// The same policy without the statement at `span`, at the same place.
    pub fn without(&self, span: Span) -> Self {
        let mut policy = self.policy().clone();
        policy.statements.retain(|statement| statement.span != span);
        Self::lowered(self.place, self.kind, policy)
    }

    /// Whether both say the same, whatever the order, spelling of lists and white space.
    pub fn same_meaning(&self, other: &Self) -> bool {
        let same_text = !self.body.text.is_empty() && self.body.text == other.body.text;
        Arc::ptr_eq(&self.body, &other.body)
            || same_text
            || self.policy().normal_form() == other.policy().normal_form()
    }
}

fn read(text: &str, kind: PolicyKind) -> Policy {
    match json::parse(text) {
        Ok(node) => lower(&node, kind),
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
