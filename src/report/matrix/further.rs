//! Who could get what the table says they lack, and in how many calls: the part of `--transitive`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::audit::matrix::{Access, View};
use crate::audit::{Further, FurtherPair};
use crate::aws::KmsAction;
use crate::decision::{CellAnswer, Reason, Standing};
use crate::report::basis::plural;

/// Names that a line lists before it counts.
const NAMED: usize = 8;

/// Some who can get the same in as many calls.
pub(super) struct Steps {
    /// The key as people name it.
    pub(super) key: String,
    /// What they can get.
    pub(super) action: KmsAction,
    /// How, in words: `in 2 calls`.
    pub(super) how: String,
    /// Who.
    pub(super) names: Vec<String>,
}

/// The pairs, those of one key, action and way together.
pub(super) fn steps(view: &View<'_>, further: &Further) -> Vec<Steps> {
    let mut all: BTreeMap<(usize, KmsAction, usize, bool, bool), Vec<String>> = BTreeMap::new();
    for pair in &further.pairs {
        let same = (pair.key, pair.action, pair.hops, pair.modelled, !pair.certain);
        all.entry(same).or_default().push(pair.from.to_string());
    }
    let step = |((key, action, hops, modelled, doubtful), names)| {
        let mut how = format!("in {}", plural(hops, "call"));
        if modelled {
            how.push_str(", one of them taken at its word");
        }
        if doubtful {
            how.push_str(", not certain");
        }
        let key = view.key(Some(key)).map(|key| key.shown()).unwrap_or_default();
        Steps { key, action, how, names }
    };
    all.into_iter().map(step).collect()
}

/// What holds of the cell of a pair today.
pub(super) fn answer(view: &View<'_>, pair: &FurtherPair) -> Arc<CellAnswer> {
    let cells = pair.row.map(|row| view.matrix.pair(row, Some(pair.key)));
    let known = cells.and_then(|known| {
        let mut cells = known.cells.iter();
        cells.find(|(actions, _)| actions.contains(pair.action)).map(|(_, it)| Arc::clone(it))
    });
    // Who has no row is no principal of any account, and asks KMS nothing.
    known.unwrap_or_else(|| {
        Arc::new(CellAnswer {
            verdict: Standing::Never,
            reason: Reason::ImplicitDeny,
            denied_by: None,
            condition: None,
            witness: None,
            counter: None,
            missing: BTreeSet::new(),
            open: BTreeSet::new(),
            undecided: false,
            assumes: BTreeSet::new(),
        })
    })
}

/// Whether the table shows the cell of a pair.
pub(super) fn is_shown(view: &View<'_>, pair: &FurtherPair) -> bool {
    let Some(row) = pair.row else {
        return false;
    };
    let (key, cells) = (Some(pair.key), view.matrix.pair(row, Some(pair.key)));
    let access = Access { row, key, pair: cells };
    view.cells(&access).any(|(actions, _)| actions.contains(pair.action))
}

/// What opens the part.
pub(super) fn heading(further: &Further) -> String {
    match further.pairs.as_slice() {
        [] => {
            "Nobody else can get there by calls of KMS, IAM, STS, Organizations or launches that \
               were looked for: at most two changes of policies, identities or keys on a path"
                .to_owned()
        }
        pairs => format!(
            "Not allowed today, and to be had by further calls: {} (`keyreach paths` tells the \
             calls)",
            plural(pairs.len(), "pair")
        ),
    }
}

/// What has to be said of ways that failed.
pub(super) fn failed(further: &Further) -> Option<String> {
    let count = further.broken;
    (count > 0).then(|| {
        format!(
            "{} should lead further and did not when executed: a fault of keyreach, please report it",
            plural(count, "way")
        )
    })
}

/// `a, b and 3 more principals`, or all names.
pub(super) fn listed(names: &[String], named: usize) -> String {
    match names.len() > named.saturating_add(1) {
        true => {
            let some: Vec<&str> = names.iter().take(named).map(String::as_str).collect();
            format!("{} and {} more principals", some.join(", "), names.len() - named)
        }
        false => names.join(", "),
    }
}

/// The lines of the part for people.
pub(super) fn lines(view: &View<'_>, further: &Further) -> Vec<String> {
    let line = |steps: Steps| {
        let names = listed(&steps.names, NAMED);
        format!("{}, {}, {}: {names}", steps.key, steps.action, steps.how)
    };
    let steps = steps(view, further).into_iter().map(line);
    std::iter::once(heading(further)).chain(steps).chain(failed(further)).collect()
}
