//! What code gives to something that it does not declare itself: a policy, a group, a grant or an alias
//! for what another root, the other language or an export beside it has.
//!
//! To whom that is nobody knows before all inputs are together: [`super::settle`] gives it then.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{Alias, AttachedPolicy, Grant, Grantee, NamedPolicy, OrgPolicy, Stated};
use crate::policy::{AtMost, PolicyDocument, Principal, UnresolvedPrincipal};
use crate::source::Place;

use super::facts::PrincipalKind;

/// Something that is given to what is declared or exported elsewhere.
#[derive(Debug)]
pub(super) struct Given {
    /// To whom: each gets it.
    pub(super) to: Vec<Target>,
    pub(super) gift: Gift,
    /// Where it is given.
    pub(super) place: Place,
    /// What the giver declares, by ARNs: it has looked there already.
    pub(super) own: Arc<BTreeSet<Box<str>>>,
}

/// Whom something is given to.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) named: Named,
    /// What decides whether it is given at all, where nobody knows.
    pub(super) doubt: Option<Box<str>>,
    /// What is told where nothing is found that this surely means.
    pub(super) told: Option<Stated<Box<str>>>,
    /// Who it is, in words, where the name is not known and may be that of anybody.
    pub(super) whom: Option<Box<str>>,
}

impl Target {
    /// A user, role or group that the giver itself declares; `doubt` decides whether it has it.
    pub(super) fn own(kind: PrincipalKind, arn: &str, doubt: &str) -> Self {
        let named = Named::Own { kind, arn: arn.into() };
        Self { named, doubt: Some(doubt.into()), told: None, whom: None }
    }
}

/// How a target is named.
#[derive(Debug)]
pub(super) enum Named {
    /// A user, role or group, by its name.
    Holder { kind: PrincipalKind, account: AccountId, name: Pattern },
    /// A user, role or group that the giver itself declares, by its ARN.
    Own { kind: PrincipalKind, arn: Box<str> },
    /// A key, by its id or ARN; an id is one of this account and Region. One that is looked up `by_alias` is
    /// one that may have an alias of this pattern. Where nothing that is read is meant for sure it is `alone`:
    /// a key of which no more is known than what is given to it.
    Key {
        account: AccountId,
        region: Box<str>,
        id: Pattern,
        by_alias: Option<Box<str>>,
        alone: Option<KeyArn>,
    },
    /// A root, a unit or an account of the organization, by its id.
    Node { id: Pattern },
}

/// A name, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// What matches it, whatever it turns out to be.
    pub(super) shape: Box<str>,
    /// Whether that is the name.
    pub(super) is_known: bool,
}

/// What is given.
#[derive(Debug)]
pub(super) enum Gift {
    /// An inline policy. Of one that is for nobody who is known a `loose` one is made of this name.
    Inline { policy: NamedPolicy, loose: Option<Box<str>> },
    /// Managed policies, and perhaps others.
    Attached { policies: Vec<AttachedPolicy>, is_open: bool },
    /// Groups, and perhaps others.
    Groups { names: BTreeSet<Box<str>>, is_open: bool },
    /// A key policy, and where the check is switched off that its author can change it.
    KeyPolicy { document: PolicyDocument, bypass: Option<Place> },
    /// A grant with all that it may be; nothing where nobody knows what it allows.
    Grants(Option<Vec<Grant>>),
    /// An alias; nothing where its name is not known.
    Alias(Option<Alias>),
    /// An SCP or an RCP.
    OrgPolicy(OrgPolicy),
}

/// A grant of which nobody knows whether it is there: it is for somebody who is not known.
pub(super) fn grant_in_doubt(mut grant: Grant, doubt: &str) -> Grant {
    grant.grantee = in_doubt(grant.grantee, doubt);
    grant.retiring = grant.retiring.map(|retiring| in_doubt(retiring, doubt));
    grant
}

/// Who a grant names, where nobody knows whether it does.
fn in_doubt(grantee: Grantee, doubt: &str) -> Grantee {
    let at_most = match grantee {
        Grantee::Principal(Principal::Unresolved(of)) => of.at_most,
        Grantee::Principal(principal) => AtMost::Principal(principal),
        Grantee::Service(name) => AtMost::Principal(Principal::Service(name)),
    };
    let of = UnresolvedPrincipal { expression: doubt.into(), at_most };
    Grantee::Principal(Principal::Unresolved(Box::new(of)))
}
