//! A change moves an alias to another key, and with it somebody's access.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{ActionSet, KeyArn};
use crate::decision::{Caller, Reach};
use crate::inventory::{Alias, Edit, Key};

use super::controllers::{list, short};
use super::outsiders::uses;
use super::report::Sink;
use super::wide::controls;
use super::{Rule, Scope};

/// See the rule's page.
pub(super) struct AliasRetarget;

impl Rule for AliasRetarget {
    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        let Some(base) = scope.base else { return };
        // Where no policy asks for aliases nobody's access follows one.
        let follows = scope.documents.iter().any(|one| {
            let statements = &one.document.policy().statements;
            let mut conditions = statements.iter().flat_map(|statement| &statement.conditions);
            conditions.any(|condition| {
                let asks = |name: &str| condition.key.value.eq_ignore_ascii_case(name);
                asks("kms:ResourceAliases") || asks("kms:RequestAlias")
            })
        });
        for alias in scope.world.aliases.values() {
            let before = base.world().alias(&alias.arn).and_then(Alias::key);
            let (Some(from), Some(to)) = (before, alias.key()) else { continue };
            if from != to {
                moved(scope, alias, &from, &to, follows, sink);
            }
        }
    }
}

fn moved(
    scope: &Scope<'_>,
    alias: &Alias,
    from: &KeyArn,
    to: &KeyArn,
    follows: bool,
    sink: &mut Sink<'_>,
) {
    let changes = if follows { changes(scope, alias, from, to) } else { Vec::new() };
    let unusable = scope.world.key(to).and_then(unusable);
    let shown = |arn: &KeyArn| scope.world.shown_arn(arn);
    let mut follows = Vec::new();
    if let Some(state) = &unusable {
        follows.push(format!("that key is {state}"));
    }
    for change in &changes {
        let sides = [(&change.gain, "gain access to"), (&change.lose, "lose access to")];
        for (who, what) in sides.into_iter().filter(|(who, _)| !who.is_empty()) {
            let names: Vec<String> = who.iter().map(|caller| short(caller).to_owned()).collect();
            follows.push(format!("{} {what} key {}", list(&names), change.key.id()));
        }
    }
    if follows.is_empty() {
        return;
    }
    let message = format!(
        "{} moves from key {} to {}: {}",
        alias.arn.name(),
        from.id(),
        shown(to),
        follows.join(", ")
    );
    let concerned = changes.iter().flat_map(|change| change.gain.iter().chain(&change.lose));
    let concerned = concerned.map(|caller| caller.to_string());
    sink.report(alias.arn.as_str(), message)
        .key(to)
        .at(alias.place, None, "points to another key than before")
        .principals(concerned.collect::<BTreeSet<_>>())
        .help(
            "compare the access to both keys before and after; where the key is meant and not the \
             name, name it by its ARN",
        )
        .done();
}

/// The state of a key that cannot be used, in lower case.
fn unusable(key: &Key) -> Option<&'static str> {
    match key.metadata.as_ref()?.state.as_deref()? {
        "Disabled" => Some("disabled"),
        "PendingDeletion" | "PendingReplicaDeletion" => Some("about to be deleted"),
        "PendingImport" => Some("without key material"),
        "Unavailable" => Some("unavailable"),
        _ => None,
    }
}

/// Who gains and who loses something on a key.
struct Change<'k> {
    key: &'k KeyArn,
    gain: BTreeSet<Caller>,
    lose: BTreeSet<Caller>,
}

/// What the move alone does to each of the two keys, the new one first: the world as it is against the world
/// with the alias where it was.
fn changes<'k>(
    scope: &Scope<'_>,
    alias: &Alias,
    from: &'k KeyArn,
    to: &'k KeyArn,
) -> Vec<Change<'k>> {
    let wanted = uses().union(controls());
    let back = Edit::PointAlias { alias: alias.arn.clone(), key: from.clone() };
    let before = scope.reach.after(&back);
    let mut changes = Vec::new();
    for key in [to, from].into_iter().filter(|key| scope.world.key(key).is_some()) {
        let mut change = Change { key, gain: BTreeSet::new(), lose: BTreeSet::new() };
        let (was, is) = (held(&*before, key, wanted), held(scope.reach, key, wanted));
        let none = ActionSet::EMPTY;
        for caller in was.keys().chain(is.keys()) {
            let had = *was.get(caller).unwrap_or(&none);
            let has = *is.get(caller).unwrap_or(&none);
            if !has.is_subset(had) {
                change.gain.insert(caller.clone());
            }
            if !had.is_subset(has) {
                change.lose.insert(caller.clone());
            }
        }
        changes.push(change);
    }
    changes
}

fn held(reach: &dyn Reach, key: &KeyArn, wanted: ActionSet) -> BTreeMap<Caller, ActionSet> {
    let holders = reach.holders(key, wanted);
    let each = holders.iter().flat_map(|group| group.who.iter().map(|it| (it, group.holds.sure)));
    each.map(|(caller, sure)| (caller.clone(), sure)).collect()
}
