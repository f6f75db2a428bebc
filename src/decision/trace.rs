//! A decision and the trace that leads to it.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use crate::policy::{Effect, PolicyDocument, Statement};
use crate::source::{Place, Span};

/// The answer to one request: allowed or denied, never a third value (rule U1).
#[derive(Clone, Debug)]
pub struct Decision {
    /// How it is allowed, or how it is denied.
    pub outcome: Outcome,
    /// The gates in the order they were asked (rules E10 to E15).
    pub trace: Vec<Step>,
    /// What was named but not exported, and could change the answer; sorted.
    pub missing: BTreeSet<String>,
    /// Points AWS leaves open whose other reading gives the other answer (rule U8).
    pub open_points: BTreeSet<OpenPoint>,
}

impl Decision {
    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Allowed(_))
    }

    /// What decided: the statements and grants of the steps that made the answer.
    pub fn matched(&self) -> impl Iterator<Item = &Citation> {
        self.trace.iter().filter(|step| step.decides).flat_map(|step| &step.cited)
    }
}

/// How a request ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Allowed on this path.
    Allowed(Path),
    /// A Deny statement of this gate applies (rule E10).
    ExplicitDeny(Gate),
    /// No Deny is known to apply; this gate lacks an Allow, or what it says is not known.
    ImplicitDeny(Gate),
}

impl Outcome {
    /// The reason in the words of the batch contract.
    pub fn reason(self) -> Reason {
        match self {
            Self::Allowed(path) => path.reason(),
            Self::ExplicitDeny(_) => Reason::ExplicitDeny,
            Self::ImplicitDeny(_) => Reason::ImplicitDeny,
        }
    }

    /// The gate that denies.
    pub fn denied_by(self) -> Option<Gate> {
        match self {
            Self::Allowed(_) => None,
            Self::ExplicitDeny(gate) | Self::ImplicitDeny(gate) => Some(gate),
        }
    }
}

/// Why, in one word of the batch contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// A key policy statement names the principal.
    AllowedByKeyPolicy,
    /// The key policy delegates to the account, and an identity policy allows; or no key is involved.
    AllowedByIamPolicy,
    /// A grant.
    AllowedByGrant,
    /// A role's trust policy names the principal, or whoever vouches for it.
    AllowedByTrustPolicy,
    /// A Deny statement applies.
    ExplicitDeny,
    /// A required Allow is missing.
    ImplicitDeny,
}

impl Reason {
    /// Its spelling in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllowedByKeyPolicy => "allowed-by-key-policy",
            Self::AllowedByIamPolicy => "allowed-by-iam-policy",
            Self::AllowedByGrant => "allowed-by-grant",
            Self::AllowedByTrustPolicy => "allowed-by-trust-policy",
            Self::ExplicitDeny => "explicit-deny",
            Self::ImplicitDeny => "implicit-deny",
        }
    }
}

/// A kind of policy, or rule, that can stop a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Gate {
    /// What is refused whatever policies say (rules L5, K15).
    Operation,
    /// Another account's permission for it never has an effect (rule E11).
    CrossAccount,
    /// Service control policies (rule E13).
    Scp,
    /// Resource control policies (rule E12).
    Rcp,
    /// The VPC endpoint's policy (rule E14).
    VpcEndpointPolicy,
    /// The key policy, and where nothing of the key's side allows, the grants with it.
    KeyPolicy,
    /// A role's trust policy (rules T3, T4).
    TrustPolicy,
    /// Identity policies.
    IdentityPolicy,
    /// The permissions boundary.
    PermissionsBoundary,
    /// Session policies.
    SessionPolicy,
    /// Grants; a way to be allowed, never one that denies (rule G2).
    Grant,
}

impl Gate {
    /// Its spelling in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::CrossAccount => "cross-account",
            Self::Scp => "scp",
            Self::Rcp => "rcp",
            Self::VpcEndpointPolicy => "vpc-endpoint-policy",
            Self::KeyPolicy => "key-policy",
            Self::TrustPolicy => "trust-policy",
            Self::IdentityPolicy => "identity-policy",
            Self::PermissionsBoundary => "permissions-boundary",
            Self::SessionPolicy => "session-policy",
            Self::Grant => "grant",
        }
    }
}

/// The ways to be allowed (rule E20, and E50, G41, T3 beside it). A role's trust policy stands where the
/// key policy does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Path {
    /// The key policy names the user.
    P1,
    /// The key policy names the session.
    P2,
    /// The key policy allows everyone.
    P3,
    /// The key policy names the session's role.
    P4,
    /// The key policy names the user of a federated session.
    P5,
    /// The key policy delegates to the account, and an identity policy allows.
    P6,
    /// The key policy names the account; the caller is its root user.
    P7,
    /// The key policy names the service (rule E40).
    Service,
    /// Identity policies alone: no key is involved (rule E50).
    NoKey,
    /// The account's root user needs no identity policy where no key is involved (rule E51).
    RootNoKey,
    /// A grant names the user, session or service.
    P8,
    /// A grant names the session's role, or the user of a federated session.
    P9,
    /// A grant names the account, and an identity policy allows.
    P10,
    /// A grant may be retired by the caller (rule G41).
    Retire,
    /// A trust policy names the caller, in whatever class: no identity policy is needed (rules T3, T8, T9).
    Trust,
}

impl Path {
    /// The reason that the batch contract gives for this path (`design` 5.1 point 1: same account, a
    /// statement on the account principal counts as IAM; its root user as the key policy).
    pub fn reason(self) -> Reason {
        match self {
            Self::P1 | Self::P2 | Self::P3 | Self::P4 | Self::P5 | Self::P7 | Self::Service => {
                Reason::AllowedByKeyPolicy
            }
            Self::P6 | Self::NoKey | Self::RootNoKey => Reason::AllowedByIamPolicy,
            Self::P8 | Self::P9 | Self::P10 | Self::Retire => Reason::AllowedByGrant,
            Self::Trust => Reason::AllowedByTrustPolicy,
        }
    }
}

/// One gate of a trace.
#[derive(Clone, Debug)]
pub struct Step {
    /// The gate.
    pub gate: Gate,
    /// How it answered.
    pub reading: Reading,
    /// Whether the answer follows from this step.
    pub decides: bool,
    /// The statements and grants it rests on.
    pub cited: Vec<Citation>,
    /// The rules it follows.
    pub rules: &'static [&'static str],
}

/// How a gate answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    /// A Deny statement applies.
    Denies,
    /// What a policy says is not known, so that it may deny (rule U7).
    MayDeny,
    /// An Allow applies, on this path where the gate opens one.
    Allows(Option<Path>),
    /// Nothing allows; at this level of the organization where levels are asked.
    Silent(Option<Box<str>>),
    /// The gate does not take part, and why.
    NotAsked(&'static str),
    /// Refused whatever policies say, and why.
    Refuses(&'static str),
}

/// A statement or a grant that a step rests on.
#[derive(Clone, Debug)]
pub struct Citation {
    /// The policy as people name it: `key policy of ...`, `inline policy x of ...`, an ARN, `grant ...`.
    pub policy: String,
    /// What is cited.
    pub cited: Cited,
}

/// What a [`Citation`] cites.
#[derive(Clone, Debug)]
pub enum Cited {
    /// A statement of a policy.
    Statement {
        /// The policy.
        document: PolicyDocument,
        /// The statement's index in it.
        index: usize,
    },
    /// A grant, by its id.
    Grant {
        /// `GrantId`.
        id: Box<str>,
        /// Where it is listed.
        place: Place,
    },
}

impl Citation {
    /// The statement, where one is cited.
    pub fn statement(&self) -> Option<&Statement> {
        match &self.cited {
            Cited::Statement { document, index } => document.policy().statements.get(*index),
            Cited::Grant { .. } => None,
        }
    }

    /// Where it stands: the text, and the range in it.
    pub fn at(&self) -> (Place, Span) {
        match &self.cited {
            Cited::Statement { document, .. } => {
                (document.place, self.statement().map(|it| it.span).unwrap_or_default())
            }
            Cited::Grant { place, .. } => {
                (*place, Span { start: 0, end: place.span.end - place.span.start })
            }
        }
    }

    /// The line of its file on which it begins; nothing where the file must be read again to tell.
    pub fn line(&self) -> Option<u32> {
        match &self.cited {
            Cited::Statement { document, .. } => {
                let start = self.statement().map_or(0, |it| it.span.start);
                document.place.line_of(document.text(), start)
            }
            Cited::Grant { place, .. } => place.line.map(NonZeroU32::get),
        }
    }

    /// What the cited thing does.
    pub fn effect(&self) -> Effect {
        match self.statement() {
            Some(statement) if statement.denies() => Effect::Deny,
            _ => Effect::Allow,
        }
    }
}

/// A point that AWS leaves open and that can change a decision (section 10, those marked with a dagger).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OpenPoint {
    /// Does a cross-account grantee need an identity Allow at home?
    O1,
    /// Is an account as grantee a delegation, or every identity of it?
    O2,
    /// Do implicit denies of boundary and session policies limit the use of grants?
    O3,
    /// Must a NotPrincipal Deny list account and role beside the principal?
    O5,
    /// Do key policies see `aws:ResourceTag` and `kms:ResourceAliases`?
    O9,
    /// Do the keys of a grant's encryption context compare without case?
    O10,
    /// Must the lockout check's caller be able to put the policy, or is the account statement enough?
    O11,
    /// Does the union of `default` and `AWS_RAM` count?
    O17,
    /// Does a `*` that ends an ARN part cross colons?
    O28,
}

impl OpenPoint {
    /// Its id.
    pub fn name(self) -> &'static str {
        match self {
            Self::O1 => "O1",
            Self::O2 => "O2",
            Self::O3 => "O3",
            Self::O5 => "O5",
            Self::O9 => "O9",
            Self::O10 => "O10",
            Self::O11 => "O11",
            Self::O17 => "O17",
            Self::O28 => "O28",
        }
    }
}

/// Which points are read the other way (rule U8). Empty: the choice of section 10 everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Readings {
    other: u16,
}

impl Readings {
    /// These readings, with `point` read the other way than here.
    pub fn flipped(self, point: OpenPoint) -> Self {
        Self { other: self.other ^ (1 << point as u16) }
    }

    /// Whether `point` is read the other way.
    pub fn is_other(self, point: OpenPoint) -> bool {
        self.other & (1 << point as u16) != 0
    }
}
