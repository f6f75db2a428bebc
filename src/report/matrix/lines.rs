//! `matrix --format jsonl`: one line a cell. Members may be added, none removed or changed.
//!
//! A line is put together from pieces that are rendered once for all cells with the same answer; the
//! test below holds them to the type `Line`, from which the schema is made.

use std::io::{self, Write};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::audit::matrix::{Access, View};
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{CellAnswer, Context, Standing};
use crate::report::request_line;

use super::words::{assumed, bound, condition};
use super::{MatrixReport, further, stream};

/// Writes a line for each cell that is shown.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &MatrixReport<'_>) -> io::Result<()> {
    let keys: Vec<Vec<u8>> =
        (0..report.view.keys.len()).map(|key| key_members(report.view, key)).collect();
    let make = || Scratch { keys: &keys, answers: FxHashMap::default() };
    stream::write(out, report, make, |scratch, text, access| cells(scratch, text, report, access))?;
    let Some(further) = report.further else {
        return Ok(());
    };
    let mut text = Vec::new();
    for pair in further.pairs.iter().filter(|pair| !further::is_shown(report.view, pair)) {
        let answer = further::answer(report.view, pair);
        let members = keys.get(pair.key).map_or(&[] as &[u8], Vec::as_slice);
        text.extend_from_slice(&head(&pair.from.text, members));
        text.extend_from_slice(pair.action.as_str().as_bytes());
        text.extend_from_slice(&middle(&answer));
        text.extend_from_slice(b",\"witness\":null,\"counter_witness\":null");
        text.extend_from_slice(format!(",\"hops\":{}", pair.hops).as_bytes());
        text.extend_from_slice(&tail(ActionSet::of(pair.action), &answer));
    }
    out.write_all(&text)
}

/// What stands before the action.
fn head(principal: &str, key: &[u8]) -> Vec<u8> {
    let mut head = b"{\"principal\":".to_vec();
    string(&mut head, principal);
    head.extend_from_slice(key);
    head.extend_from_slice(b",\"action\":\"");
    head
}

/// In how many calls a cell can be had: none where it is allowed today, as far as its verdict says.
fn put_hops(
    text: &mut Vec<u8>,
    report: &MatrixReport<'_>,
    access: &Access,
    action: KmsAction,
    answer: &CellAnswer,
) {
    let Some(further) = report.further else {
        return;
    };
    let known = further.hops(access.row, access.key, action);
    let hops = known.or_else(|| (answer.verdict != Standing::Never).then_some(0));
    text.extend_from_slice(b",\"hops\":");
    text.extend_from_slice(hops.map_or("null".to_owned(), |hops| hops.to_string()).as_bytes());
}

/// What a thread has rendered so far.
struct Scratch<'a> {
    /// The members about each key.
    keys: &'a [Vec<u8>],
    /// The members that an answer makes, by its place and the action of an alias.
    answers: FxHashMap<(*const CellAnswer, ActionSet), Rendered>,
}

/// The members that an answer makes, before and behind the requests; it is kept, so that its place names it.
type Rendered = (Arc<CellAnswer>, Vec<u8>, Vec<u8>);

/// `"key":ARN,"key_alias":...,"key_state":...,"action":"` of a key.
fn key_members(view: &View<'_>, key: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let Some(facts) = view.keys.get(key) else {
        return text;
    };
    text.extend_from_slice(b",\"key\":");
    string(&mut text, facts.arn.as_str());
    text.extend_from_slice(b",\"key_alias\":");
    optional(&mut text, facts.aliases.first().map(|alias| &**alias));
    text.extend_from_slice(b",\"key_state\":");
    optional(&mut text, facts.state.as_deref());
    text
}

/// Appends a text as JSON. Memory takes everything: there is no error to tell.
fn string(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends the lines of an access.
fn cells(
    scratch: &mut Scratch<'_>,
    text: &mut Vec<u8>,
    report: &MatrixReport<'_>,
    access: &Access,
) -> io::Result<()> {
    let view = report.view;
    let Some(row) = view.row(access.row) else {
        return Ok(());
    };
    let keyless: &[u8] = b",\"key\":\"*\",\"key_alias\":null,\"key_state\":null";
    let members = access.key.and_then(|key| scratch.keys.get(key)).map_or(keyless, Vec::as_slice);
    let head = head(&row.name, members);
    let sets: Vec<Set<'_>> = view
        .cells(access)
        .flat_map(|(actions, answer)| Set::all(view, access, actions, answer))
        .collect();
    let all = sets.iter().fold(ActionSet::EMPTY, |all, set| all.union(set.actions));
    for action in all.iter() {
        let Some(set) = sets.iter().find(|set| set.actions.contains(action)) else {
            continue;
        };
        // What is assumed hangs on the action, too, where it is one of aliases.
        let own =
            if action.info().has_alias_resource { ActionSet::of(action) } else { ActionSet::EMPTY };
        let make = || (Arc::clone(set.answer), middle(set.answer), tail(own, set.answer));
        let key = (Arc::as_ptr(set.answer), own);
        let (_, middle, tail) = scratch.answers.entry(key).or_insert_with(make);
        text.extend_from_slice(&head);
        text.extend_from_slice(action.as_str().as_bytes());
        text.extend_from_slice(middle);
        text.extend_from_slice(b",\"witness\":");
        put(text, action, &set.witness);
        text.extend_from_slice(b",\"counter_witness\":");
        put(text, action, &set.counter);
        put_hops(text, report, access, action, set.answer);
        text.extend_from_slice(tail);
    }
    Ok(())
}

/// Actions with one answer, and the requests that show it.
struct Set<'a> {
    actions: ActionSet,
    answer: &'a Arc<CellAnswer>,
    witness: Vec<u8>,
    counter: Vec<u8>,
}

impl<'a> Set<'a> {
    /// One set, or one for each action where assumptions make their requests differ.
    fn all(
        view: &View<'_>,
        access: &Access,
        actions: ActionSet,
        answer: &'a Arc<CellAnswer>,
    ) -> Vec<Self> {
        match view.requests_are_alike() {
            true => vec![Self::new(view, access, actions, answer)],
            false => {
                let single = |action| Self::new(view, access, ActionSet::of(action), answer);
                actions.iter().map(single).collect()
            }
        }
    }

    fn new(
        view: &View<'_>,
        access: &Access,
        actions: ActionSet,
        answer: &'a Arc<CellAnswer>,
    ) -> Self {
        // The requests of one answer differ in their actions alone; see `Matrix::request`.
        let made = |context: &Option<Context>| {
            let first = actions.iter().next().zip(context.as_ref());
            first.map(|(action, context)| request(view, access, action, context))
        };
        let witness = made(&answer.witness).unwrap_or_default();
        Self { actions, answer, witness, counter: made(&answer.counter).unwrap_or_default() }
    }
}

/// A request without its beginning, `{"action":"kms:X"`; empty where there is none.
fn request(view: &View<'_>, access: &Access, action: KmsAction, context: &Context) -> Vec<u8> {
    let Some(request) = view.request(access, action, context) else {
        return Vec::new();
    };
    let written = request_line::write("1", &request).to_string();
    let beginning = format!("{{\"action\":\"{action}\"");
    written.strip_prefix(&beginning).unwrap_or_default().into()
}

fn put(text: &mut Vec<u8>, action: KmsAction, request: &[u8]) {
    if request.is_empty() {
        text.extend_from_slice(b"null");
        return;
    }
    text.extend_from_slice(b"{\"action\":\"");
    text.extend_from_slice(action.as_str().as_bytes());
    text.push(b'"');
    text.extend_from_slice(request);
}

/// What stands between the action and the requests.
fn middle(answer: &CellAnswer) -> Vec<u8> {
    let (at_least, at_most) = match answer.verdict {
        Standing::Unknown { at_least, at_most } => (Some(bound(at_least)), Some(bound(at_most))),
        _ => (None, None),
    };
    let mut text =
        format!("\",\"verdict\":\"{}\",\"at_least\":", answer.verdict.name()).into_bytes();
    optional(&mut text, at_least);
    text.extend_from_slice(b",\"at_most\":");
    optional(&mut text, at_most);
    text.extend_from_slice(format!(",\"reason\":\"{}\"", answer.reason.name()).as_bytes());
    text.extend_from_slice(b",\"denied_by\":");
    optional(&mut text, answer.denied_by.map(|gate| gate.name()));
    text.extend_from_slice(b",\"condition\":");
    optional(&mut text, answer.condition.as_ref().map(condition).as_deref());
    text
}

/// What stands behind the requests, to the end of the line.
fn tail(actions: ActionSet, answer: &CellAnswer) -> Vec<u8> {
    let mut text = Vec::new();
    list(&mut text, "missing", answer.missing.iter().map(String::as_str));
    list(&mut text, "open", answer.open.iter().map(|point| point.name()));
    text.extend_from_slice(format!(",\"undecided\":{}", answer.undecided).as_bytes());
    list(&mut text, "assumes", assumed(actions, answer).iter().map(String::as_str));
    text.extend_from_slice(b",\"schema\":\"keyreach/matrix-line/1\"}\n");
    text
}

fn list<'a>(out: &mut Vec<u8>, name: &str, texts: impl Iterator<Item = &'a str>) {
    out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
    for (nth, text) in texts.enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        string(out, text);
    }
    out.push(b']');
}

/// A line: one cell.
#[cfg(test)]
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is read for its shape")]
struct Line {
    /// The principal: an ARN, a service, `*` for anyone.
    principal: String,
    /// ARN of the key; `*` for operations without a key.
    key: String,
    /// The first alias of the key.
    key_alias: Option<String>,
    /// The state of the key, which the verdict does not depend on.
    key_state: Option<String>,
    /// The action: `kms:Decrypt`.
    action: String,
    /// `always`, `conditional`, `never` or `unknown`.
    verdict: String,
    /// The least an unknown verdict can be: `never`, `conditional`, `always`.
    at_least: Option<String>,
    /// The most an unknown verdict can be.
    at_most: Option<String>,
    /// `allowed-by-key-policy`, `allowed-by-iam-policy`, `allowed-by-grant`, `explicit-deny`,
    /// `implicit-deny`.
    reason: String,
    /// The gate that denies the counter-witness.
    denied_by: Option<String>,
    /// When a conditional cell is allowed, exactly.
    condition: Option<String>,
    /// A request that is allowed, as `simulate` takes it.
    witness: Option<serde_json::Value>,
    /// A request that is denied.
    counter_witness: Option<serde_json::Value>,
    /// With `--transitive`: in how many calls it can be had; 0 where it is allowed today, as far as the
    /// verdict says, null where no path leads there.
    #[serde(default)]
    hops: Option<usize>,
    /// What was not exported and could change the verdict.
    missing: Vec<String>,
    /// Points that AWS leaves open and that could change the verdict.
    open: Vec<String>,
    /// Whether a cap kept the engine from deciding.
    undecided: bool,
    /// What else must hold for the witness.
    assumes: Vec<String>,
    /// `keyreach/matrix-line/1`.
    schema: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_schema_is_kept() {
        super::super::super::schemas::compare::<Line>("matrix-line");
    }

    #[test]
    fn pieces_make_a_line_of_the_type() {
        let answer = CellAnswer {
            verdict: Standing::Always,
            reason: crate::decision::Reason::AllowedByGrant,
            denied_by: None,
            condition: None,
            witness: None,
            counter: None,
            missing: BTreeSet::from(["a \"b\"".to_owned(), "c".to_owned()]),
            open: BTreeSet::from([crate::decision::OpenPoint::O1]),
            undecided: true,
            assumes: BTreeSet::new(),
        };
        let mut text =
            br#"{"principal":"p","key":"*","key_alias":null,"key_state":null,"action":"kms:Sign"#
                .to_vec();
        text.extend(middle(&answer));
        text.extend(b",\"witness\":null,\"counter_witness\":null");
        text.extend(tail(ActionSet::EMPTY, &answer));
        let line: Line = serde_json::from_slice(&text).expect("a line");
        assert_eq!((line.verdict.as_str(), line.undecided), ("always", true));
        assert_eq!(line.missing, ["a \"b\"", "c"]);
    }
}
