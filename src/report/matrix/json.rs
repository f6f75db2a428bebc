//! `keyreach/matrix/1`: the matrix by classes. Members may be added, none removed or changed.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::audit::FurtherPair;
use crate::audit::matrix::{self, Access, KeyFacts, View};
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{CellAnswer, Context, Standing};
use crate::report::request_line;

use super::about::Evidence;
use super::blocks::{Block, Entry, SetBlock, sections};
use super::human::unions;
use super::words::{assumed, bound, condition};
use super::{GroupBy, MatrixReport};

/// The whole answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg(test)]
struct Answer<'a> {
    /// `keyreach/matrix/1`.
    schema: &'static str,
    /// What the answer stands on.
    about: Evidence<'a>,
    /// The keys that were looked at.
    keys: Vec<KeyShown<'a>>,
    /// Sets of related multi-Region keys.
    multi_region_keys: Vec<Related<'a>>,
    /// Principals that can do the same with the same keys are one class; with `--group-by key`, keys
    /// with which the same principals can do the same.
    classes: Vec<Class<'a>>,
    /// With `--transitive`: who lacks an action today and can get it by further calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    further: Option<Vec<Get<'a>>>,
}

/// A principal that lacks an action on a key, and can get it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Get<'a> {
    /// Who sets out.
    principal: &'a str,
    /// The key.
    key: &'a str,
    /// What it can get.
    action: &'static str,
    /// In so many calls.
    hops: usize,
    /// Whether a call's effect lies outside KMS, IAM and STS and is taken at its word.
    modelled: bool,
    /// Whether nothing that is missing, open or undecided could close the path.
    certain: bool,
}

/// A key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeyShown<'a> {
    /// Its ARN.
    key: &'a str,
    /// Its aliases.
    aliases: Vec<&'a str>,
    /// Its state, which no verdict depends on unless `--effective-now` is given.
    state: Option<&'a str>,
    /// What it is for.
    usage: Option<&'a str>,
}

/// Related multi-Region keys.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Related<'a> {
    /// The id they share.
    id: &'a str,
    /// Their ARNs.
    members: Vec<&'a str>,
    /// Who can do what with some member, with `--group-by key`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    access: Vec<Accessed<'a>>,
}

/// Principals, or keys, with one answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Class<'a> {
    /// Who they are; with `--group-by key` in `access`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    principals: Vec<Named<'a>>,
    /// Which keys they are, with `--group-by key`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    keys: Vec<&'a str>,
    /// What can be done.
    access: Vec<Accessed<'a>>,
    /// The unions over sets of multi-Region keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    multi_region_keys: Vec<United>,
}

/// A principal.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Named<'a> {
    /// An ARN, a service, `*` for anyone.
    name: &'a str,
    /// Whom else it stands for.
    stands_for: Option<&'a str>,
}

/// What can be done with keys of one class.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Accessed<'a> {
    /// The keys; `*` for operations without a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    keys: Vec<&'a str>,
    /// The principals, with `--group-by key`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    principals: Vec<Named<'a>>,
    /// What holds of which actions.
    cells: Vec<Cells>,
}

/// What can be done with some member of a set.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct United {
    /// The set, and its Regions.
    set: String,
    /// What holds of which actions, on the member that allows most.
    cells: Vec<Cells>,
}

/// Cells with one answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Cells {
    /// The actions.
    actions: Vec<&'static str>,
    /// `always`, `conditional`, `never` or `unknown`.
    verdict: &'static str,
    /// The least an unknown verdict can be.
    at_least: Option<&'static str>,
    /// The most an unknown verdict can be.
    at_most: Option<&'static str>,
    /// How it is allowed, or denied.
    reason: &'static str,
    /// The gate that denies the counter-witness.
    denied_by: Option<&'static str>,
    /// When conditional cells are allowed, exactly.
    condition: Option<String>,
    /// A request that is allowed: of the first principal, key and action.
    witness: Option<Value>,
    /// A request that is denied.
    counter_witness: Option<Value>,
    /// What was not exported and could change the verdict.
    missing: Vec<String>,
    /// Points that AWS leaves open and that could change the verdict.
    open: Vec<&'static str>,
    /// Whether a cap kept the engine from deciding.
    undecided: bool,
    /// What else must hold for the witness.
    assumes: Vec<String>,
}

/// Writes the matrix as one JSON object, a line for each key and each class.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &MatrixReport<'_>) -> io::Result<()> {
    let view = report.view;
    out.write_all(b"{\n\"schema\":\"keyreach/matrix/1\",\n\"about\":")?;
    serde_json::to_writer(&mut *out, &Evidence::of(report.about))?;
    out.write_all(b",\n\"keys\":[")?;
    let keys = view.columns().filter_map(|column| view.key(column)).map(key);
    lines(out, keys)?;
    out.write_all(b"],\n\"multi_region_keys\":[")?;
    let sections = sections(view, report.group_by);
    let told =
        |at: usize| sections.iter().flat_map(|section| &section.sets).find(|it| it.set == at);
    let sets = view.sets.iter().enumerate().map(|(at, set)| Related {
        id: &set.id,
        members: set.members.iter().filter_map(|at| arn(view, Some(*at))).collect(),
        access: told(at).map(|set| of_set(view, set)).unwrap_or_default(),
    });
    lines(out, sets)?;
    out.write_all(b"],\n\"classes\":[")?;
    let blocks = sections.iter().flat_map(|section| &section.blocks);
    lines(out, blocks.map(|block| class(report, block)))?;
    out.write_all(b"]")?;
    if let Some(further) = report.further {
        out.write_all(b",\n\"further\":[")?;
        lines(out, further.pairs.iter().filter_map(|pair| get(view, pair)))?;
        out.write_all(b"]")?;
    }
    out.write_all(b"\n}\n")
}

fn get<'a>(view: &'a View<'_>, pair: &'a FurtherPair) -> Option<Get<'a>> {
    Some(Get {
        principal: &pair.from.text,
        key: arn(view, Some(pair.key))?,
        action: pair.action.as_str(),
        hops: pair.hops,
        modelled: pair.modelled,
        certain: pair.certain,
    })
}

/// Writes values, one a line, as the inside of a list.
fn lines<T: Serialize>(out: &mut dyn Write, values: impl Iterator<Item = T>) -> io::Result<()> {
    for (nth, value) in values.enumerate() {
        out.write_all(if nth == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &value)?;
    }
    out.write_all(b"\n")
}

fn key(facts: &KeyFacts) -> KeyShown<'_> {
    KeyShown {
        key: facts.arn.as_str(),
        aliases: facts.aliases.iter().map(|alias| &**alias).collect(),
        state: facts.state.as_deref(),
        usage: facts.usage.as_deref(),
    }
}

fn arn<'a>(view: &'a View<'_>, key: Option<usize>) -> Option<&'a str> {
    match key {
        Some(_) => view.key(key).map(|key| key.arn.as_str()),
        None => Some("*"),
    }
}

fn class<'a>(report: &'a MatrixReport<'a>, block: &Block) -> Class<'a> {
    let view = report.view;
    let by_key = report.group_by == GroupBy::Key;
    let (principals, keys) = sides(view, &block.subjects, by_key);
    let access = |entry: &Entry| {
        let (principals, keys) = sides(view, &entry.accesses, !by_key);
        let cells = entry.first().map(|access| cells(view, access)).unwrap_or_default();
        Accessed { keys, principals, cells }
    };
    let united = |(set, all): (String, matrix::United)| United { set, cells: of_united(&all) };
    Class {
        principals,
        keys,
        access: block.entries.iter().map(access).collect(),
        multi_region_keys: unions(view, block).into_iter().map(united).collect(),
    }
}

/// Who can do what with some member of a set.
fn of_set<'a>(view: &'a View<'a>, set: &SetBlock) -> Vec<Accessed<'a>> {
    let access = |all: &Vec<Vec<Access>>| {
        let firsts: Vec<Access> = all.iter().filter_map(|it| it.first().cloned()).collect();
        let united = all.first().map(|members| of_united(&view.united(members)));
        let (principals, keys) = sides(view, &firsts, false);
        Accessed { keys, principals, cells: united.unwrap_or_default() }
    };
    set.entries.iter().map(access).collect()
}

/// The cells of a union; witnesses stay with the members.
fn of_united(united: &matrix::United) -> Vec<Cells> {
    let cells = united.cells.iter();
    cells.map(|(actions, answer)| told(*actions, answer, [None, None])).collect()
}

/// The principals of accesses, or their keys.
fn sides<'a>(
    view: &'a View<'a>,
    accesses: &[Access],
    keys: bool,
) -> (Vec<Named<'a>>, Vec<&'a str>) {
    if keys {
        return (Vec::new(), accesses.iter().filter_map(|it| arn(view, it.key)).collect());
    }
    let rows = accesses.iter().filter_map(|access| view.row(access.row));
    let named = |row: &'a crate::audit::matrix::Row| Named {
        name: &row.name,
        stands_for: row.stands_for.as_deref(),
    };
    (rows.map(named).collect(), Vec::new())
}

fn cells(view: &View<'_>, access: &Access) -> Vec<Cells> {
    let all = view.cells(access).map(|(actions, answer)| {
        let request = |context: &Option<Context>| {
            let action = actions.iter().next()?;
            let made = view.request(access, action, context.as_ref()?)?;
            Some(request_line::write("1", &made))
        };
        told(actions, answer, [&answer.witness, &answer.counter].map(request))
    });
    all.collect()
}

fn told(actions: ActionSet, answer: &CellAnswer, requests: [Option<Value>; 2]) -> Cells {
    let (at_least, at_most) = match answer.verdict {
        Standing::Unknown { at_least, at_most } => (Some(bound(at_least)), Some(bound(at_most))),
        _ => (None, None),
    };
    let [witness, counter_witness] = requests;
    Cells {
        actions: actions.iter().map(KmsAction::as_str).collect(),
        verdict: answer.verdict.name(),
        at_least,
        at_most,
        reason: answer.reason.name(),
        denied_by: answer.denied_by.map(|gate| gate.name()),
        condition: answer.condition.as_ref().map(condition),
        witness,
        counter_witness,
        missing: answer.missing.iter().cloned().collect(),
        open: answer.open.iter().map(|point| point.name()).collect(),
        undecided: answer.undecided,
        assumes: assumed(actions, answer),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_schema_is_kept() {
        super::super::super::schemas::compare::<super::Answer<'_>>("matrix");
    }
}
