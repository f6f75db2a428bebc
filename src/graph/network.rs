//! The graph itself: typed nodes, typed edges, in petgraph.

use std::collections::BTreeSet;
use std::fmt;

use petgraph::graph::DiGraph;

use crate::aws::{AccountId, AliasArn, KeyArn};
use crate::decision::{Caller, Citation, Condition, Why};

use super::EdgeKind;

/// The principal-key graph. Nodes and edges stand in the order they were made, which is that of their
/// names: the same world always gives the same graph.
pub type Network = DiGraph<Node, Edge>;

/// What stands at a node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Node {
    /// A user, a role, an account root, or a session that a policy or grant names.
    Principal(Caller),
    /// Somebody outside the export: a provider's subject, a service, a principal of another account.
    External(Caller),
    /// A group, by its ARN.
    Group(Box<str>),
    /// A managed or inline policy, by its ARN or `<holder ARN>/inline/<name>`.
    Policy(Box<str>),
    /// A key.
    Key(KeyArn),
    /// An alias.
    Alias(AliasArn),
    /// A grant of a key.
    Grant(KeyArn, Box<str>),
    /// The IAM of an account: who writes there can be any identity of it that is not guarded.
    Iam(AccountId),
    /// Several targets that the same can be done to, as a policy's `Resource` names them.
    Targets(Box<str>),
}

impl Node {
    /// The kind, as one word: `principal`, `external`, `group`, ...
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Principal(_) => "principal",
            Self::External(_) => "external",
            Self::Group(_) => "group",
            Self::Policy(_) => "policy",
            Self::Key(_) => "key",
            Self::Alias(_) => "alias",
            Self::Grant(..) => "grant",
            Self::Iam(_) => "iam",
            Self::Targets(_) => "targets",
        }
    }

    /// The account it belongs to, where it has one.
    pub fn account(&self) -> Option<AccountId> {
        let of_arn = |arn: &str| AccountId::parse(arn.split(':').nth(4)?);
        match self {
            Self::Principal(caller) | Self::External(caller) => caller.account,
            Self::Group(arn) | Self::Policy(arn) | Self::Targets(arn) => of_arn(arn),
            Self::Key(key) | Self::Grant(key, _) => Some(key.account()),
            Self::Alias(alias) => Some(alias.account()),
            Self::Iam(account) => Some(*account),
        }
    }
}

impl fmt::Display for Node {
    /// Its ARN, or what stands for one: unique among the nodes of its kind.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(caller) | Self::External(caller) => caller.fmt(out),
            Self::Group(text) | Self::Policy(text) | Self::Targets(text) => out.write_str(text),
            Self::Key(key) => key.fmt(out),
            Self::Alias(alias) => alias.fmt(out),
            Self::Grant(key, grant) => write!(out, "{key}/grant/{grant}"),
            Self::Iam(account) => write!(out, "IAM of {account}"),
        }
    }
}

/// What leads from one node to another.
#[derive(Clone, Debug)]
pub struct Edge {
    /// What kind of step it is.
    pub kind: EdgeKind,
    /// What is called or allowed, as AWS names it: `sts:AssumeRole`, `kms:Decrypt`; sorted. Empty where
    /// nothing is called.
    pub actions: Vec<Box<str>>,
    /// When, where not always.
    pub condition: Option<Condition>,
    /// The statements and grants that make it so.
    pub because: Vec<Citation>,
    /// Why it is not certain; empty for one that holds whatever the export leaves out.
    pub doubts: BTreeSet<Why>,
}
