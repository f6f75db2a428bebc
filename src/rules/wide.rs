//! Identity statements that reach every key: asked by several rules.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet, KmsAction, Nature, condition_key};
use crate::decision::{Allowing, Caller};
use crate::inventory::{Identity, Inventory, Key};
use crate::policy::{Condition, Element, Polarity, PolicyDocument, PolicyKind, Statement};

use super::outsiders::uses;
use super::trust::{on_keys, performed};
use super::{Documented, KeyScope, Scope};

/// How far the resources of a statement reach.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Breadth {
    /// All keys.
    All,
    /// All keys of the Regions that a pattern takes.
    Regions,
    /// All keys of one Region.
    Region,
}

/// An Allow statement of an identity policy for every key, whatever the key is.
pub(super) struct Wide<'a> {
    /// Its index.
    pub(super) index: usize,
    /// The actions on keys that it allows.
    pub(super) actions: ActionSet,
    /// How far it reaches.
    pub(super) breadth: Breadth,
    /// Whose it is, those who may do everything in their account anyway left out.
    pub(super) holders: Vec<&'a Identity>,
}

/// What a wide statement really gives.
pub(super) struct Reached<'a> {
    /// Keys of the account that some holder reaches by it, with what.
    pub(super) keys: Vec<(&'a Key, ActionSet)>,
    /// The holders who reach some.
    pub(super) holders: Vec<&'a Identity>,
}

/// What takes data or the key away from everybody.
pub(super) fn destroys() -> ActionSet {
    let all = [
        KmsAction::SCHEDULE_KEY_DELETION,
        KmsAction::DISABLE_KEY,
        KmsAction::DELETE_IMPORTED_KEY_MATERIAL,
    ];
    all.into_iter().collect()
}

/// What leads to any other permission on a key.
pub(super) fn controls() -> ActionSet {
    let all = [KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT, KmsAction::REPLICATE_KEY];
    all.into_iter().collect()
}

/// Use, control and destruction.
fn everything() -> ActionSet {
    uses().union(controls()).union(destroys())
}

/// What a statement really gives, and on how many keys that is use, control and destruction together: nothing where
/// that is none.
pub(super) fn full<'a>(
    scope: &Scope<'a>,
    document: &PolicyDocument,
    wide: &Wide<'a>,
) -> Option<(Reached<'a>, usize)> {
    if !everything().is_subset(wide.actions) {
        return None;
    }
    let reached = reached(scope, document, wide, ActionSet::ALL);
    // Whole on some key: what a boundary, a Deny or an SCP cuts is no full access.
    let is_whole = |(key, held): &&(&Key, ActionSet)| {
        let possible = KeyScope::new(scope, key).possible();
        everything().intersection(possible).is_subset(*held)
    };
    let whole = reached.keys.iter().filter(is_whole).count();
    (whole > 0).then_some((reached, whole))
}

/// The wide statements of a policy that say more than one of it which gives all of KMS as far as they reach:
/// `kms-full-access` tells of that one.
pub(super) fn wide_but_for_full<'a>(
    scope: &Scope<'a>,
    document: &Documented<'a>,
    wanted: ActionSet,
) -> Vec<Wide<'a>> {
    let mut all = wide(scope, document);
    if !all.iter().any(|it| it.actions.intersects(wanted)) {
        return Vec::new();
    }
    let is_full = |it: &&Wide<'a>| full(scope, document.document, it).is_some();
    if let Some(widest) = all.iter().filter(is_full).map(|it| it.breadth).min() {
        all.retain(|it| it.breadth < widest);
    }
    all.retain(|it| it.actions.intersects(wanted));
    all
}

/// The wide statements of a policy that somebody holds and that its owner may edit.
pub(super) fn wide<'a>(scope: &Scope<'a>, document: &Documented<'a>) -> Vec<Wide<'a>> {
    let is_theirs = document.document.kind == PolicyKind::Identity && !document.is_written_by_aws();
    let Some(first) = document.holders.first().filter(|_| is_theirs) else {
        return Vec::new();
    };
    let statements = document.document.policy().statements.iter().enumerate();
    let wide = statements.filter_map(|(index, statement)| {
        let actions = statement.action.as_ref().filter(|_| statement.allows())?;
        let actions = scope.reach.actions(actions).intersection(on_keys());
        let breadth = breadth(statement.resource.as_ref()?, first.account)?;
        let is_open = !actions.is_empty() && !statement.conditions.iter().any(narrows);
        is_open.then_some((index, actions, breadth))
    });
    let wide: Vec<_> = wide.collect();
    if wide.is_empty() {
        return Vec::new();
    }
    let others = document.holders.iter().copied();
    let holders: Vec<&Identity> = others.filter(|it| !scope.is_administrator(it)).collect();
    if holders.is_empty() {
        return Vec::new();
    }
    let wide = wide.into_iter();
    wide.map(|(index, actions, breadth)| Wide { index, actions, breadth, holders: holders.clone() })
        .collect()
}

/// The keys of their account that the holders really reach by the statement.
pub(super) fn reached<'a>(
    scope: &Scope<'a>,
    document: &PolicyDocument,
    wide: &Wide<'a>,
    wanted: ActionSet,
) -> Reached<'a> {
    // A policy may be attached to somebody and to its groups.
    let mut seen = BTreeSet::new();
    let each = wide.holders.iter().filter(|it| seen.insert(&it.arn));
    let named = each.filter_map(|it| Some((*it, Caller::parse(&it.arn)?)));
    let holders: Vec<(&Identity, Caller)> = named.collect();
    let mut found = Reached { keys: Vec::new(), holders: Vec::new() };
    let Some(account) = wide.holders.first().map(|holder| holder.account) else {
        return found;
    };
    let allowing = Allowing::Statement(document, wide.index);
    let mut is_told = vec![false; holders.len()];
    for key in scope.keys_of(account) {
        let on_key = KeyScope::new(scope, key);
        let actions = performed(&on_key, wide.actions.intersection(wanted));
        let mut all = ActionSet::EMPTY;
        for ((holder, caller), is_told) in holders.iter().zip(&mut is_told) {
            // One that adds nothing need not be asked, unless it is not told yet.
            if *is_told && actions.is_subset(all) {
                continue;
            }
            let sure = on_key.holding(caller, actions).sure;
            if sure.is_empty() || (*is_told && sure.is_subset(all)) {
                continue;
            }
            let by_it = on_key.fates(caller, allowing, sure).free;
            if !by_it.is_empty() {
                all = all.union(by_it);
                if !*is_told {
                    *is_told = true;
                    found.holders.push(holder);
                }
            }
        }
        if !all.is_empty() {
            found.keys.push((key, all));
        }
    }
    found
}

fn breadth(element: &Element, account: AccountId) -> Option<Breadth> {
    if element.polarity == Polarity::IsNot {
        return None;
    }
    let breadths =
        element.values.iter().filter_map(|value| of_pattern(value.value.text()?, account));
    breadths.min()
}

/// How far a pattern reaches, where it covers every key of the account.
fn of_pattern(text: &str, account: AccountId) -> Option<Breadth> {
    if text == "*" {
        return Some(Breadth::All);
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let part = |nth: usize| parts.get(nth).copied();
    // Rule A63: what an ARN leaves out in an identity policy is a wildcard.
    let [region, owner, resource] = [3, 4, 5].map(|nth| part(nth).unwrap_or("*"));
    let keys = resource.strip_prefix("key/").or(resource.strip_prefix("key")).unwrap_or(resource);
    let is_wide = matches!(part(2), Some("kms" | "*"))
        && (is_all(owner) || owner == account.as_str())
        && is_all(keys);
    match region {
        _ if !is_wide || region.contains('$') => None,
        _ if is_all(region) => Some(Breadth::All),
        region if region.contains(['*', '?']) => Some(Breadth::Regions),
        _ => Some(Breadth::Region),
    }
}

/// Whether a pattern takes every name, however short.
fn is_all(pattern: &str) -> bool {
    matches!(pattern, "*" | "**" | "?*" | "*?")
}

/// Whether a condition picks some keys, or some data, by what they are.
fn narrows(condition: &Condition) -> bool {
    let name = condition.key.value.to_ascii_lowercase();
    let of_owner = matches!(
        name.as_str(),
        "aws:resourceaccount" | "aws:resourceorgid" | "aws:resourceorgpaths"
    );
    let of_key = condition_key(&name).is_some_and(|info| info.nature == Nature::Key);
    (of_key && !of_owner) || name == "kms:requestalias" || name.starts_with("kms:encryptioncontext")
}

/// Whether an identity policy lets it do everything there is, and none keeps it from all of IAM: then it is no
/// administrator.
pub(super) fn may_do_everything(world: &Inventory, identity: &Identity) -> bool {
    let Some(account) = world.account(identity.account) else { return false };
    let groups = || identity.groups.iter().filter_map(|name| account.groups.get(name));
    let inline = identity.inline.iter().chain(groups().flat_map(|group| &group.inline));
    let attached = identity.attached.iter().chain(groups().flat_map(|group| &group.attached));
    let managed = attached.filter_map(|policy| {
        world.managed_policy(identity.account, &policy.arn).and_then(|known| known.document())
    });
    let documents: Vec<&PolicyDocument> =
        inline.map(|policy| &policy.document).chain(managed).collect();
    let any = |is_one: fn(&Statement) -> bool| {
        documents.iter().any(|document| document.policy().statements.iter().any(is_one))
    };
    any(allows_everything) && !any(denies_all_of_iam)
}

fn allows_everything(statement: &Statement) -> bool {
    statement.allows() && is_of_all(statement, &["*"])
}

fn denies_all_of_iam(statement: &Statement) -> bool {
    statement.denies() && is_of_all(statement, &["*", "iam:*"])
}

/// Whether a statement speaks of one of these groups of actions on everything, whatever the request.
fn is_of_all(statement: &Statement, actions: &[&str]) -> bool {
    let has = |element: &Option<Element>, texts: &[&str]| {
        element.as_ref().is_some_and(|element| {
            let is_one = |text: &str| texts.iter().any(|one| text.eq_ignore_ascii_case(one));
            element.polarity == Polarity::Is
                && element.values.iter().any(|value| value.value.text().is_some_and(is_one))
        })
    };
    statement.conditions.is_empty()
        && has(&statement.action, actions)
        && has(&statement.resource, &["*"])
}
