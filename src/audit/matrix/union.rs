//! What is possible on some member of a set of keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Bound, CellAnswer, Condition, Pair, Standing};

/// The union over pairs of one principal, each with the actions that count of it: each action with the most that
/// any pair allows of it. Its conditions are those of the members, one of which must hold; witnesses stay with
/// the members.
pub(super) fn union(pairs: &[(ActionSet, &Pair)]) -> Vec<(ActionSet, Arc<CellAnswer>)> {
    let mut cells: Vec<(ActionSet, Arc<CellAnswer>)> = Vec::new();
    for action in KmsAction::all() {
        let of = |(mask, pair): &(ActionSet, &Pair)| {
            let mut found = pair.cells.iter().filter(|_| mask.contains(action));
            let found = found.find(|(actions, _)| actions.contains(action));
            found.map(|(_, answer)| Arc::clone(answer))
        };
        let answers: Vec<Arc<CellAnswer>> = pairs.iter().filter_map(of).collect();
        let Some(answer) = joined(&answers) else {
            continue;
        };
        match cells.iter_mut().find(|(_, known)| **known == answer) {
            Some((actions, _)) => actions.insert(action),
            None => cells.push((action.into(), Arc::new(answer))),
        }
    }
    cells
}

fn joined(answers: &[Arc<CellAnswer>]) -> Option<CellAnswer> {
    let at_least = answers.iter().map(|answer| answer.verdict.at_least()).max()?;
    let at_most = answers.iter().map(|answer| answer.verdict.at_most()).max()?;
    // Of those that allow most the one that assumes least: one is enough.
    let most = answers.iter().filter(|answer| answer.verdict.at_most() == at_most);
    let best = most.min_by_key(|answer| answer.assumes.len())?;
    let verdict = match (at_least, at_most) {
        (Bound::Always, _) => Standing::Always,
        (Bound::Conditional, Bound::Conditional) => Standing::Conditional,
        (Bound::Never, Bound::Never) => Standing::Never,
        _ => Standing::Unknown { at_least, at_most },
    };
    let unknown = matches!(verdict, Standing::Unknown { .. });
    let doubtful = || answers.iter().filter(|_| unknown);
    Some(CellAnswer {
        verdict,
        reason: best.reason,
        denied_by: best.denied_by.filter(|_| verdict == Standing::Never),
        condition: any(answers).filter(|_| verdict == Standing::Conditional),
        witness: None,
        counter: None,
        missing: doubtful().flat_map(|answer| answer.missing.clone()).collect(),
        open: doubtful().flat_map(|answer| answer.open.clone()).collect(),
        undecided: doubtful().any(|answer| answer.undecided),
        assumes: best.assumes.clone(),
    })
}

fn any(answers: &[Arc<CellAnswer>]) -> Option<Condition> {
    let all: BTreeSet<&Condition> =
        answers.iter().filter_map(|answer| answer.condition.as_ref()).collect();
    let mut all: Vec<Condition> = all.into_iter().cloned().collect();
    match all.len() {
        0 | 1 => all.pop(),
        _ => Some(Condition::Any(all)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;

    #[test]
    fn what_every_member_assumes_the_union_assumes() {
        let pair = |assumes: &[&str]| Pair {
            cells: vec![(
                KmsAction::DECRYPT.into(),
                Arc::new(CellAnswer {
                    verdict: Standing::Always,
                    reason: Reason::AllowedByKeyPolicy,
                    denied_by: None,
                    condition: None,
                    witness: None,
                    counter: None,
                    missing: BTreeSet::new(),
                    open: BTreeSet::new(),
                    undecided: false,
                    assumes: assumes.iter().map(|text| (*text).to_owned()).collect(),
                }),
            )],
        };
        let assumed = |one: &[&str], other: &[&str]| -> Vec<String> {
            let (one, other) = (pair(one), pair(other));
            let united = union(&[(ActionSet::ALL, &one), (ActionSet::ALL, &other)]);
            united.iter().flat_map(|(_, answer)| answer.assumes.clone()).collect()
        };
        assert_eq!(
            assumed(&["its account allows it"], &["its account allows it"]),
            ["its account allows it"]
        );
        // One member is enough.
        assert_eq!(assumed(&["its account allows it"], &[]), [] as [&str; 0]);
    }
}
