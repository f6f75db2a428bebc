//! The matrix as a table for spreadsheets: a row for each principal, key, verdict and condition, or one
//! for each cell.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::audit::FurtherPair;
use crate::audit::matrix::Access;
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{CellAnswer, Standing};
use crate::report::escape;

use super::words::{bound, can, condition};
use super::{MatrixReport, further, stream};

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
    record(&mut heading, report, COLUMNS.map(str::to_owned), "hops")?;
    out.write_all(&heading)?;
    stream::write(out, report, || (), |(), text, access| rows(text, report, access))?;
    let Some(further) = report.further else {
        return Ok(());
    };
    let mut text = Vec::new();
    further.pairs.iter().try_for_each(|pair| get(&mut text, report, pair))?;
    out.write_all(&text)
}

/// Appends a record, with `hops` behind it where the report tells who could get further.
fn record(
    out: &mut Vec<u8>,
    report: &MatrixReport<'_>,
    cells: [String; 17],
    hops: &str,
) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    let hops = report.further.map(|_| hops.to_owned());
    let cells = cells.map(escape::cell).into_iter().chain(hops);
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.flush()
}

/// Appends the record of somebody who lacks an action today and can get it.
fn get(text: &mut Vec<u8>, report: &MatrixReport<'_>, pair: &FurtherPair) -> io::Result<()> {
    let hops = pair.hops.to_string();
    let answer = further::answer(report.view, pair);
    let told = Told { actions: pair.action.into(), answers: vec![&*answer] };
    let row = pair.row.and_then(|row| report.view.row(row));
    let names = (&*pair.from.text, row.and_then(|row| row.stands_for.as_deref()));
    row_of(text, report, names, Some(pair.key), &told, &hops)
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
    told.iter().try_for_each(|told| row(text, report, access, told))
}

fn row(
    text: &mut Vec<u8>,
    report: &MatrixReport<'_>,
    access: &Access,
    told: &Told<'_>,
) -> io::Result<()> {
    let (Some(row), Some(first)) = (report.view.row(access.row), told.answers.first()) else {
        return Ok(());
    };
    let hops = if first.verdict == Standing::Never { "" } else { "0" };
    row_of(text, report, (&row.name, row.stands_for.as_deref()), access.key, told, hops)
}

fn row_of(
    text: &mut Vec<u8>,
    report: &MatrixReport<'_>,
    (name, stands_for): (&str, Option<&str>),
    key: Option<usize>,
    told: &Told<'_>,
    hops: &str,
) -> io::Result<()> {
    let (view, place) = (report.view, key);
    let Some(first) = told.answers.first() else {
        return Ok(());
    };
    let key = view.key(place);
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
        report,
        [
            name.to_owned(),
            owned(stands_for),
            key.map_or("*", |key| key.arn.as_str()).to_owned(),
            owned(key.and_then(|key| key.aliases.first()).map(|alias| &**alias)),
            owned(key.and_then(|key| key.state.as_deref())),
            owned(key.and_then(|key| key.usage.as_deref())),
            can(told.actions, view.possible(place), false),
            actions.join(" "),
            first.verdict.name().to_owned(),
            at_least.to_owned(),
            at_most.to_owned(),
            first.condition.as_ref().map(condition).unwrap_or_default(),
            all(&|answer| vec![answer.reason.name().to_owned()]),
            all(&|answer| answer.denied_by.iter().map(|gate| gate.name().to_owned()).collect()),
            all(&|answer| {
                let undecided = answer.undecided.then(|| "undecided".to_owned());
                answer.missing.iter().cloned().chain(undecided).collect()
            }),
            all(&|answer| answer.open.iter().map(|point| point.name().to_owned()).collect()),
            all(&|answer| answer.assumes.iter().cloned().collect()),
        ],
        hops,
    )
}
