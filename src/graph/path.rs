//! Paths: who gets to a key, by which calls.

use std::collections::BTreeSet;

use crate::aws::{KeyArn, KmsAction};
use crate::decision::{Caller, Citation, Context, Why};

use super::Call;

/// A way from a principal to an action on a key that it cannot take today.
#[derive(Clone, Debug)]
pub struct Path {
    /// Who sets out.
    pub from: Caller,
    /// The key.
    pub key: KeyArn,
    /// What is gained.
    pub goal: KmsAction,
    /// The calls, in order.
    pub hops: Vec<Hop>,
    /// Who takes the action in the end: `from`, or an identity that a hop took on.
    pub goal_as: Caller,
    /// The key it is taken on: `key`, or the replica of the same material that a hop made (rule T17).
    pub goal_key: KeyArn,
    /// What the request for the goal needs.
    pub context: Context,
    /// Statements and grants that allow it in the end.
    pub because: Vec<Citation>,
    /// Why it is not certain; empty for a path that holds whatever the export leaves out.
    pub doubts: BTreeSet<Why>,
}

impl Path {
    /// Whether a step's effect lies outside KMS, IAM and STS, and is taken for granted.
    pub fn is_modelled(&self) -> bool {
        self.hops.iter().any(|hop| hop.modelled)
    }
}

/// One call of a path.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Who calls: the one who set out, or an identity that an earlier hop took on.
    pub caller: Caller,
    /// The call.
    pub call: Call,
    /// What kind of edge it follows.
    pub edge: EdgeKind,
    /// The statements and grants that allow it.
    pub because: Vec<Citation>,
    /// What its requests need beyond the parameters.
    pub context: Context,
    /// Whether its effect lies outside KMS, IAM and STS: a launched instance, changed code.
    pub modelled: bool,
}

/// What leads from one node to the next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EdgeKind {
    /// A user is a direct member of a group (rule T10).
    MemberOf,
    /// A policy is attached to a principal or a group.
    Attached,
    /// A managed policy is the permissions boundary of a user or role: it only limits.
    Bounds,
    /// A role's trust policy admits somebody (rules T3, T4, T8, T9).
    Trusts,
    /// Takes on a role's session, or makes one of its own (rules T3 to T8, T12).
    Assumes,
    /// A key policy leaves it to the account's IAM (rule P6).
    Delegates,
    /// Can use the key.
    Uses,
    /// Is the grantee of a grant.
    HoldsGrant,
    /// May retire a grant.
    Retires,
    /// Changes policies, identities or keys so that access follows: the rule of the primitive, `T16`.
    EscalatesBy(&'static str),
}

impl EdgeKind {
    /// Its spelling in output: `assumes`, `escalates-by T20`.
    pub fn name(self) -> String {
        match self {
            Self::MemberOf => "member-of".into(),
            Self::Attached => "attached".into(),
            Self::Bounds => "bounds".into(),
            Self::Trusts => "trusts".into(),
            Self::Assumes => "assumes".into(),
            Self::Delegates => "delegates".into(),
            Self::Uses => "uses".into(),
            Self::HoldsGrant => "holds-grant".into(),
            Self::Retires => "retires".into(),
            Self::EscalatesBy(rule) => format!("escalates-by {rule}"),
        }
    }
}
