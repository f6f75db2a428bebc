//! Ways to get at what is forbidden by further calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::Caller;
use crate::graph::{Goal, Graph, Path, Wanted};

use super::judge::Judge;
use super::select::{Part, means_caller};
use super::{Breach, Claim, How, Selection};

/// Whether a row, by number, can take an action on a key today.
type Has<'h> = &'h dyn Fn(usize, usize, KmsAction) -> bool;

/// The ways that lead to selected cells, and those that may. Who sets out is of the export, or outside it
/// and named by a policy; ways change policies, identities or keys as often as rule T52 says.
///
/// # Errors
/// No way is looked for to any of the selected actions, in words.
pub(super) fn ways(judge: &Judge<'_>, has: Has<'_>) -> Result<Vec<Breach>, String> {
    let graph = Graph::new(judge.access);
    let starts: BTreeSet<Caller> =
        graph.principals().into_iter().filter(|caller| is_selected(judge, caller)).collect();
    let rows: BTreeMap<&str, usize> =
        judge.matrix.rows().iter().enumerate().map(|(at, row)| (&*row.name, at)).collect();
    let has = |from: &Caller, key: usize, action: KmsAction| {
        rows.get(&*from.text).is_some_and(|row| has(*row, key, action))
    };
    let (mut found, mut some) = (Vec::new(), false);
    for goal in [Goal::Use, Goal::Administer, Goal::Destroy] {
        let keys = keys(judge, goal);
        if keys.is_empty() {
            continue;
        }
        some = true;
        let wanted = Wanted {
            keys: Some(keys.keys().map(|arn| (*arn).clone()).collect()),
            principals: Some(starts.clone()),
            goal,
            ..Wanted::default()
        };
        let ways = graph.paths(&wanted);
        let paths = ways.paths.into_iter().map(|path| (path, true));
        let paths = paths.chain(ways.unknown.into_iter().map(|path| (path, false)));
        found.extend(paths.filter_map(|(path, executed)| {
            let (key, action) = (*keys.get(&path.key)?, path.goal);
            (counts(judge, &path.from, key, action) && !has(&path.from, key, action))
                .then(|| by_way(judge, key, path, executed))
        }));
        let of_broken = |broken: &crate::graph::Broken| {
            let key = *keys.get(&broken.key)?;
            let action = goal.action(judge.world().key(&broken.key)?)?;
            (counts(judge, &broken.from, key, action) && !has(&broken.from, key, action))
                .then(|| breach(judge, &broken.from, key, action, How::Broken))
        };
        found.extend(ways.broken.iter().filter_map(of_broken));
    }
    if !some {
        return Err(
            "`transitive` looks for ways to decrypt, sign, make codes or derive secrets, to \
             PutKeyPolicy and to ScheduleKeyDeletion: its actions have none of them"
                .to_owned(),
        );
    }
    found.sort_by(|one, other| (&one.key, &one.principal).cmp(&(&other.key, &other.principal)));
    Ok(found)
}

/// The keys on which the goal's action is selected, with their places.
fn keys<'j>(judge: &'j Judge<'_>, goal: Goal) -> BTreeMap<&'j KeyArn, usize> {
    let asked = judge.keys().into_iter().flatten().filter_map(|at| {
        let arn: &KeyArn = judge.matrix.keys().get(at)?;
        let action = goal.action(judge.world().key(arn)?)?;
        judge.wanted_of(Some(at), |_| false).contains(action).then_some((arn, at))
    });
    asked.collect()
}

/// Whether the assertion speaks of somebody, exceptions aside.
fn is_selected(judge: &Judge<'_>, caller: &Caller) -> bool {
    let names = &judge.assertion.of.principals;
    let is_named = names.iter().any(|text| means_caller(judge.world(), caller, text));
    match judge.assertion.claim {
        Claim::Only => !is_named,
        Claim::Forbid | Claim::Require { .. } => names.is_empty() || is_named,
    }
}

/// Whether no exception means somebody's way to an action.
fn counts(judge: &Judge<'_>, from: &Caller, key: usize, action: KmsAction) -> bool {
    let means = |selection: &Selection| {
        let mut names = selection.principals.iter();
        selection.principals.is_empty() || names.any(|it| means_caller(judge.world(), from, it))
    };
    let exempting: Vec<&Part> =
        judge.exceptions().filter(|(_, it)| means(it)).map(|(part, _)| part).collect();
    let is_exempting = |part: &Part| exempting.iter().any(|known| std::ptr::eq(*known, part));
    judge.wanted_of(Some(key), is_exempting).contains(action)
}

fn by_way(judge: &Judge<'_>, key: usize, path: Path, executed: bool) -> Breach {
    let (from, action) = (path.from.clone(), path.goal);
    breach(judge, &from, key, action, How::Way { path: Box::new(path), executed })
}

fn breach(judge: &Judge<'_>, from: &Caller, key: usize, action: KmsAction, how: How) -> Breach {
    Breach {
        principal: from.text.clone(),
        stands_for: None,
        key: judge.matrix.keys().get(key).map(|arn| (*arn).clone()),
        could_be_meant: judge.doubt(Some(key)),
        actions: ActionSet::of(action),
        possible: judge.possible(Some(key)),
        how,
    }
}
