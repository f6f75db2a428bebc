//! The matrix as a table for spreadsheets: a row for each principal, key, verdict and condition, or one
//! for each cell.
//!
//! A row is put together from what is said of its principal, of its key, and of what the one may do with
//! the other: each piece is rendered once for all rows that have it in common.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::io::{self, Write};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::audit::matrix::{Access, Kind, View};
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{CellAnswer, Pair, Standing};
use crate::report::escape;

use super::words::{assumed, bound, can, condition};
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
    let hops = report.further.map(|_| "hops".to_owned());
    let heading = COLUMNS.iter().map(|name| (*name).to_owned()).chain(hops);
    writeln!(out, "{}", cells(heading)?)?;
    let view = report.view;
    let keys = (0..view.keys.len()).map(|key| cells(of_key(view, Some(key))));
    let keys: Vec<String> = keys.collect::<io::Result<_>>()?;
    let no_key = cells(of_key(view, None))?;
    let key = |key: Option<usize>| key.and_then(|key| keys.get(key)).unwrap_or(&no_key);
    stream::write(out, report, Scratch::default, |scratch, text, access| {
        let said = scratch.said(report, access)?;
        let Some(row) = view.row(access.row).filter(|_| !said.is_empty()) else { return Ok(()) };
        let principal = cells(of_principal(&row.name, row.stands_for.as_deref()))?;
        said.iter().try_for_each(|said| writeln!(text, "{principal},{},{said}", key(access.key)))
    })?;
    let Some(further) = report.further else {
        return Ok(());
    };
    for pair in &further.pairs {
        let answer = further::answer(view, pair);
        let told = Told { actions: pair.action.into(), answers: vec![answer] };
        let stands_for = pair.row.and_then(|row| view.row(row)?.stands_for.as_deref());
        let principal = cells(of_principal(&pair.from.text, stands_for))?;
        let hops = Some(pair.hops.to_string());
        let said = cells(of_told(&told, view.possible(Some(pair.key))).into_iter().chain(hops))?;
        writeln!(out, "{principal},{},{said}", key(Some(pair.key)))?;
    }
    Ok(())
}

/// Cells as they stand in a record, safe from being taken for formulas.
fn cells(cells: impl IntoIterator<Item = String>) -> io::Result<String> {
    let mut writer = ::csv::WriterBuilder::new().buffer_capacity(1 << 8).from_writer(Vec::new());
    writer.write_record(cells.into_iter().map(escape::cell)).map_err(io::Error::other)?;
    let record = writer.into_inner().map_err(io::Error::other)?;
    let record = record.strip_suffix(b"\n").unwrap_or(&record);
    String::from_utf8(record.to_vec()).map_err(io::Error::other)
}

fn owned(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn of_principal(name: &str, stands_for: Option<&str>) -> [String; 2] {
    [name.to_owned(), owned(stands_for)]
}

fn of_key(view: &View<'_>, key: Option<usize>) -> [String; 4] {
    let key = view.key(key);
    [
        key.map_or("*", |key| key.arn.as_str()).to_owned(),
        owned(key.and_then(|key| key.aliases.first()).map(|alias| &**alias)),
        owned(key.and_then(|key| key.state.as_deref())),
        owned(key.and_then(|key| key.usage.as_deref())),
    ]
}

/// What a thread has rendered so far: what accesses say that read the same.
#[derive(Default)]
struct Scratch(FxHashMap<Kind, Rendered>);

/// The ends of records; the pair is kept, so that its place names it.
type Rendered = (Arc<Pair>, Vec<String>);

impl Scratch {
    fn said(&mut self, report: &MatrixReport<'_>, access: &Access) -> io::Result<&[String]> {
        let (_, said) = match self.0.entry(report.view.kind(access)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert((Arc::clone(&access.pair), said(report, access)?)),
        };
        Ok(said)
    }
}

/// What a row tells of several cells.
struct Told {
    actions: ActionSet,
    answers: Vec<Arc<CellAnswer>>,
}

/// The ends of the records of an access, by verdict and condition, or by action.
fn said(report: &MatrixReport<'_>, access: &Access) -> io::Result<Vec<String>> {
    let possible = report.view.possible(access.key);
    let mut told: Vec<Told> = Vec::new();
    for (actions, answer) in report.view.cells(access) {
        if report.actions {
            let single =
                |action| Told { actions: ActionSet::of(action), answers: vec![answer.clone()] };
            told.extend(actions.iter().map(single));
            continue;
        }
        let is_same = |told: &&mut Told| {
            let same = |known: &&Arc<CellAnswer>| {
                known.verdict == answer.verdict && known.condition == answer.condition
            };
            told.answers.first().filter(same).is_some()
        };
        match told.iter_mut().find(is_same) {
            Some(known) => {
                known.actions = known.actions.union(actions);
                known.answers.push(answer.clone());
            }
            None => told.push(Told { actions, answers: vec![answer.clone()] }),
        }
    }
    if report.actions {
        told.sort_by_key(|told| told.actions.lowest());
    }
    let told = told.iter().map(|told| {
        let is_never = told.answers.iter().all(|answer| answer.verdict == Standing::Never);
        let hops = report.further.map(|_| if is_never { "" } else { "0" }.to_owned());
        cells(of_told(told, possible).into_iter().chain(hops))
    });
    told.collect()
}

fn of_told(told: &Told, possible: ActionSet) -> [String; 11] {
    let Some(first) = told.answers.first() else { return Default::default() };
    let (at_least, at_most) = match first.verdict {
        Standing::Unknown { at_least, at_most } => (bound(at_least), bound(at_most)),
        _ => ("", ""),
    };
    let all = |of: &dyn Fn(&CellAnswer) -> Vec<String>| {
        let all: BTreeSet<String> = told.answers.iter().flat_map(|answer| of(answer)).collect();
        all.into_iter().collect::<Vec<_>>().join("; ")
    };
    let actions: Vec<&str> = told.actions.iter().map(KmsAction::as_str).collect();
    [
        can(told.actions, possible, false),
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
        all(&|answer| assumed(told.actions, answer)),
    ]
}
