//! Whoever may move an alias decides who may use the key, where conditions ask for its aliases.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, AliasArn, KmsAction};
use crate::decision::{Caller, Request, Target};
use crate::inventory::{Alias, Edit};

use super::asked::put_in;
use super::controllers::reveal;
use super::escalation::{Change, allowed, begun, by_itself, direct, told, ways, without_way};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct AliasWriteEscalation;

impl Rule for AliasWriteEscalation {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if !scope.key.aliases_listed || scope.readable_policy().is_none() {
            return;
        }
        let moves = [KmsAction::CREATE_ALIAS, KmsAction::UPDATE_ALIAS, KmsAction::DELETE_ALIAS];
        let goal: ActionSet = reveal(scope).into_iter().collect();
        let groups = without_way(scope, moves.into_iter().collect(), goal, &|it| {
            wishes(scope, it).next().is_some()
        });
        let members: Vec<&Caller> = groups.iter().flat_map(|(_, members)| members).collect();
        let wanted = goal.union(KmsAction::PUT_KEY_POLICY.into());
        let changes = candidates(scope, &members).into_iter().filter_map(|it| pointed(scope, &it));
        let removals = scope.key.aliases.iter().map(|alias| removed(scope, alias));
        let mut found = Vec::new();
        for Move { action, keys, alias, edit, words } in changes.chain(removals) {
            let request = |caller: &Caller| may(scope, caller, action, &alias, &keys);
            found.extend(ways(scope, &groups, &Change { edit, words, request: &request }, wanted));
        }
        let label = "allows it to change the key's aliases";
        let begin = |report, way: &_| begun(scope, report, way, label);
        if let Some(report) = told(scope, sink, found, begin) {
            report
                .help(
                    "allow kms:CreateAlias, kms:UpdateAlias and kms:DeleteAlias on few aliases or few \
                     keys, or pick keys by their ARNs or tags instead of kms:ResourceAliases",
                )
                .done();
        }
    }
}

/// A change of the aliases of a key.
struct Move {
    action: KmsAction,
    /// The keys that must allow it beside the alias (rules L1 to L3), the key itself first.
    keys: Vec<Target>,
    alias: AliasArn,
    edit: Edit,
    words: String,
}

/// The aliases that conditions ask for where the caller uses the key.
fn wishes<'a>(scope: &KeyScope<'a>, caller: &Caller) -> impl Iterator<Item = &'a Box<str>> {
    scope.scope.asked().about(scope.key, caller).flat_map(|asked| &asked.aliases)
}

/// The aliases that a condition asks for and the key lacks.
fn candidates(scope: &KeyScope<'_>, members: &[&Caller]) -> Vec<AliasArn> {
    let arn = &scope.key.arn;
    let mut names: BTreeSet<Box<str>> = BTreeSet::new();
    for caller in members {
        let principal = scope.identity(caller);
        names.extend(wishes(scope, caller).filter_map(|name| put_in(name, principal?)));
    }
    names
        .iter()
        .filter_map(|name| arn.alias(name))
        .filter(|it| !scope.key.aliases.contains(it))
        .collect()
}

/// How an alias comes to point to the key: made, or taken from another key.
fn pointed(scope: &KeyScope<'_>, alias: &AliasArn) -> Option<Move> {
    let known = scope.world().alias(alias);
    let mut keys = vec![Target::Key(scope.key.arn.clone())];
    let action = match known {
        Some(known) => {
            keys.push(Target::Key(Alias::key(known)?));
            KmsAction::UPDATE_ALIAS
        }
        None => KmsAction::CREATE_ALIAS,
    };
    let edit = Edit::PointAlias { alias: alias.clone(), key: scope.key.arn.clone() };
    let words = format!("point {} to it", alias.name());
    Some(Move { action, keys, alias: alias.clone(), edit, words })
}

fn removed(scope: &KeyScope<'_>, alias: &AliasArn) -> Move {
    Move {
        action: KmsAction::DELETE_ALIAS,
        keys: vec![Target::Key(scope.key.arn.clone())],
        alias: alias.clone(),
        edit: Edit::DeleteAlias { alias: alias.clone() },
        words: format!("delete its {}", alias.name()),
    }
}

/// The request on the key, where every half of it is allowed.
fn may(
    scope: &KeyScope<'_>,
    caller: &Caller,
    action: KmsAction,
    alias: &AliasArn,
    keys: &[Target],
) -> Option<Request> {
    let first = allowed(scope, direct(scope, caller, action))?;
    let others = keys.iter().skip(1).cloned().chain([Target::Alias(alias.clone())]);
    let all = others.map(|target| {
        let mut request = Request::plain(caller.clone(), action, target);
        by_itself(&mut request);
        request
    });
    all.map(|request| allowed(scope, request)).all(|it| it.is_some()).then_some(first)
}
