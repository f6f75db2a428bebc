//! The matrix as a table for spreadsheets: a row for each principal, key, verdict and condition, or one
//! for each cell.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::audit::matrix::{Access, View};
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{CellAnswer, Standing};

use super::words::{bound, can};
use super::{MatrixReport, stream};

/// The columns.
const COLUMNS: [&str; 17] = [
    "principal",
    "stands_for",
    "key",
    "key_alias",
    "key_state",
    "key_usage",
    "can",
    "actions",
    "verdict",
    "at_least",
    "at_most",
    "condition",
    "reason",
    "denied_by",
    "missing",
    "open",
    "assumes",
];

/// Writes the table with its heading.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &MatrixReport<'_>) -> io::Result<()> {
    let mut heading = Vec::new();
    record(&mut heading, COLUMNS.map(str::to_owned))?;
    out.write_all(&heading)?;
    stream::write(out, report, || (), |(), text, access| rows(text, report, access))
}

fn record(out: &mut Vec<u8>, cells: [String; 17]) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(cells.map(harmless)).map_err(io::Error::other)?;
    writer.flush()
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    // The key `*` and the principal `*` begin no formula.
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// What a row tells of several cells.
struct Told<'a> {
    actions: ActionSet,
    answers: Vec<&'a CellAnswer>,
}

fn rows(text: &mut Vec<u8>, report: &MatrixReport<'_>, access: &Access) -> io::Result<()> {
    let mut told: Vec<Told<'_>> = Vec::new();
    for (actions, answer) in report.view.cells(access) {
        if report.actions {
            let single = |action| Told { actions: ActionSet::of(action), answers: vec![&**answer] };
            told.extend(actions.iter().map(single));
            continue;
        }
        let is_same = |told: &&mut Told<'_>| {
            let same = |known: &&&CellAnswer| {
                known.verdict == answer.verdict && known.condition == answer.condition
            };
            told.answers.first().filter(same).is_some()
        };
        match told.iter_mut().find(is_same) {
            Some(known) => {
                known.actions = known.actions.union(actions);
                known.answers.push(answer);
            }
            None => told.push(Told { actions, answers: vec![answer] }),
        }
    }
    if report.actions {
        told.sort_by_key(|told| told.actions.iter().next());
    }
    told.iter().try_for_each(|told| row(text, report.view, access, told))
}

fn row(text: &mut Vec<u8>, view: &View<'_>, access: &Access, told: &Told<'_>) -> io::Result<()> {
    let (Some(row), Some(first)) = (view.row(access.row), told.answers.first()) else {
        return Ok(());
    };
    let key = view.key(access.key);
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let (at_least, at_most) = match first.verdict {
        Standing::Unknown { at_least, at_most } => (bound(at_least), bound(at_most)),
        _ => ("", ""),
    };
    let all = |of: &dyn Fn(&CellAnswer) -> Vec<String>| {
        let all: BTreeSet<String> = told.answers.iter().flat_map(|answer| of(answer)).collect();
        all.into_iter().collect::<Vec<_>>().join("; ")
    };
    let actions: Vec<&str> = told.actions.iter().map(KmsAction::as_str).collect();
    record(
        text,
        [
            row.name.to_string(),
            owned(row.stands_for.as_deref()),
            key.map_or("*", |key| key.arn.as_str()).to_owned(),
            owned(key.and_then(|key| key.aliases.first()).map(|alias| &**alias)),
            owned(key.and_then(|key| key.state.as_deref())),
            owned(key.and_then(|key| key.usage.as_deref())),
            can(told.actions, view.possible(access.key), false),
            actions.join(" "),
            first.verdict.name().to_owned(),
            at_least.to_owned(),
            at_most.to_owned(),
            first.condition.as_ref().map(ToString::to_string).unwrap_or_default(),
            all(&|answer| vec![answer.reason.name().to_owned()]),
            all(&|answer| answer.denied_by.iter().map(|gate| gate.name().to_owned()).collect()),
            all(&|answer| {
                let undecided = answer.undecided.then(|| "undecided".to_owned());
                answer.missing.iter().cloned().chain(undecided).collect()
            }),
            all(&|answer| answer.open.iter().map(|point| point.name().to_owned()).collect()),
            all(&|answer| view.assumes(access.row, answer).into_iter().collect()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(harmless(cell.to_owned()), format!("'{cell}"));
        }
        for cell in ["", "*", "arn:aws:iam::111122223333:role/=x", "a=b"] {
            assert_eq!(harmless(cell.to_owned()), cell);
        }
    }
}
