//! SCPs and RCPs that code attaches to accounts, where no organization was exported.
//!
//! Nobody knows whether one is in force: the account may be the management account, which none binds, and
//! the kind may be switched off. So each may limit the accounts that are read and that it is attached to, or
//! that may lie below what it is attached to.
//! What AWS attaches to every level is taken for attached (rules E12, E13).

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::aws::pattern::meets;
use crate::inventory::{Declared, Inventory, OrgPolicy, OrgPolicyKind};
use crate::policy::{self, PolicyDocument, PolicyKind};
use crate::source::Span;
use crate::syntax::{LIMITS, Node};

use super::super::declared::{object_at, text_at};
use super::super::given::Pattern;

/// The number of some account.
const ANY_NUMBER: &str = "????????????";

/// Attaches a policy to the accounts that `target` may name; `doubt` decides whether it is attached. Gives
/// their ids.
pub(super) fn attach(
    inventory: &Inventory,
    declared: &mut Declared,
    target: &Pattern,
    policy: &OrgPolicy,
    doubt: Option<&str>,
) -> Vec<AccountId> {
    let Some(document) = policy.document.as_ref().filter(|_| inventory.organization.is_none())
    else {
        return Vec::new();
    };
    let named = AccountId::parse(&target.shape).filter(|_| target.is_known);
    let keys = inventory.keys.values().map(|key| key.arn.account());
    let read: BTreeSet<AccountId> = inventory.accounts.keys().copied().chain(keys).collect();
    let may_be = |account: &AccountId| match named {
        // Two accounts with numbers are two accounts; a symbol may stand for any.
        Some(named) => *account == named || account.is_symbol() || named.is_symbol(),
        // Nobody knows what lies below a root or a unit (rules E12, E13).
        None if target.is_known => is_node(&target.shape),
        None if account.is_symbol() => meets(&target.shape, ANY_NUMBER),
        None => meets(&target.shape, account.as_str()),
    };
    let met: Vec<AccountId> = read.into_iter().filter(may_be).collect();
    for account in &met {
        let own =
            format!("{LIMITS}{} {} limits account {account}", policy.kind.name(), policy.name);
        let limits = declared.limits.entry(*account).or_default();
        if !limits.iter().any(|known| known.kind == policy.kind) {
            limits.push(of_aws(policy));
        }
        let document = Some(document.doubted(doubt.unwrap_or(&own)));
        limits.push(OrgPolicy { document, ..policy.clone() });
    }
    met
}

/// Whether it is the id of a root or a unit (API reference of Organizations, AttachPolicy).
fn is_node(id: &str) -> bool {
    id.starts_with("r-") || id.starts_with("ou-")
}

/// What AWS attaches to every level beside a policy of its kind.
fn of_aws(beside: &OrgPolicy) -> OrgPolicy {
    let place = beside.place;
    let span = Span { start: 0, end: place.span.end.saturating_sub(place.span.start) };
    let text = |text: &str| text_at(span, text.to_owned());
    let (name, kind, who): (_, _, Option<(&'static str, Node<'static>)>) = match beside.kind {
        OrgPolicyKind::Scp => ("FullAWSAccess", PolicyKind::Scp, None),
        OrgPolicyKind::Rcp => ("RCPFullAWSAccess", PolicyKind::Rcp, Some(("Principal", text("*")))),
    };
    let plain = [("Effect", "Allow"), ("Action", "*"), ("Resource", "*")];
    let members = plain.into_iter().map(|(name, value)| (name, text(value))).chain(who);
    let statement = object_at(span, members.collect());
    let version = ("Version", text("2012-10-17"));
    let tree = object_at(span, vec![version, ("Statement", statement)]);
    let document = PolicyDocument::lowered(place, kind, policy::lower(&tree, kind));
    let id: Box<str> = format!("p-{name}").into();
    OrgPolicy { id, name: name.into(), kind: beside.kind, document: Some(document), place }
}
