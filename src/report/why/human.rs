//! The story for a reader: gate by gate, the statements underlined.

use std::io::{self, Write};

use crate::audit::{Story, Texts, near_principal};
use crate::decision::{Citation, ContextValue, Entry, Gate, Reading, Request, Step};
use crate::diag::{Diagnostic, Renderer, Severity};
use crate::inventory::Inventory;

use super::super::basis::covered;
use super::super::citing::told;
use super::words::{Words, question};

/// Writes the story.
///
/// # Errors
/// What `out` says.
pub fn human(
    out: &mut dyn Write,
    renderer: &Renderer,
    world: &Inventory,
    texts: &Texts<'_>,
    story: &Story,
) -> io::Result<()> {
    let words = Words { world, texts, story };
    renderer.paragraph(out, &words.headline(), "  ")?;
    renderer.paragraph(out, &words.overall(), "  ")?;
    writeln!(out)?;
    for step in ordered(&story.decision.trace) {
        let shown = shown(step);
        renderer.render(out, &told(texts, words.step(step), severity(step), shown))?;
        if step.gate == Gate::KeyPolicy && !story.idle.is_empty() {
            renderer.render(out, &told(texts, words.idle(), Severity::Medium, &story.idle))?;
        }
    }
    if story.decision.is_allowed() {
        renderer.render(out, &Diagnostic::new(Severity::Info, "no Deny applies"))?;
    }
    writeln!(out)?;
    turns(out, renderer, &words)?;
    let notes = notes(&words);
    if !notes.is_empty() {
        writeln!(out)?;
    }
    notes.iter().try_for_each(|note| renderer.paragraph(out, note, "  "))
}

/// The steps in the order in which people ask: denies, the key's side, the caller's, the limits.
fn ordered(trace: &[Step]) -> Vec<&Step> {
    let rank = |step: &&Step| match (&step.reading, step.gate) {
        (Reading::Denies | Reading::MayDeny | Reading::Refuses(_), _) => 0,
        (_, Gate::KeyPolicy) => 1,
        (_, Gate::Grant) => 2,
        (_, Gate::IdentityPolicy) => 3,
        (_, Gate::PermissionsBoundary) => 4,
        (_, Gate::SessionPolicy) => 5,
        _ => 6,
    };
    let mut steps: Vec<&Step> = trace.iter().collect();
    steps.sort_by_key(rank);
    steps
}

/// The statements of a step that are worth being shown: all but the SCPs that allow everywhere.
fn shown(step: &Step) -> &[Citation] {
    match (&step.reading, step.gate) {
        (Reading::Allows(_), Gate::Scp | Gate::Rcp) => &[],
        _ => &step.cited,
    }
}

fn severity(step: &Step) -> Severity {
    match step.reading {
        Reading::Denies | Reading::Refuses(_) => Severity::High,
        Reading::MayDeny | Reading::Silent(_) => Severity::Medium,
        Reading::Allows(_) | Reading::NotAsked(_) => Severity::Info,
    }
}

fn turns(out: &mut dyn Write, renderer: &Renderer, words: &Words<'_>) -> io::Result<()> {
    let would = match words.story.decision.is_allowed() {
        true => "deny",
        false => "allow",
    };
    if words.story.turns.is_empty() {
        let nothing = format!("No change of a policy in the export would {would} it.");
        return renderer.paragraph(out, &nothing, "  ");
    }
    let heading = match words.story.turns.len() {
        1 => format!("What would {would} it:"),
        _ => format!("What would {would} it, one of:"),
    };
    writeln!(out, "{heading}")?;
    for turn in &words.story.turns {
        let changes: Vec<String> = turn.changes.iter().map(|change| words.change(change)).collect();
        let rest = if turn.proven { "" } else { " (then ask again: more may be missing)" };
        renderer.paragraph(out, &format!("  - {}{rest}", changes.join("; and ")), "    ")?;
    }
    Ok(())
}

fn notes(words: &Words<'_>) -> Vec<String> {
    let story = words.story;
    let mut notes = Vec::new();
    let request = &story.request;
    if request.context != story.asked.context {
        notes.push(format!(
            "Answered for a grant like the one that would allow it, as the request says of none: with {}.",
            difference(&story.asked, request)
        ));
    } else if words.is_plain() {
        let plain = "Answered for a plain request: without condition keys, but for \
                     aws:SecureTransport, which KMS always sends.";
        notes.push(plain.to_owned());
    }
    if let Some(other) = &story.elsewhere {
        let answer = if story.decision.is_allowed() { "denied" } else { "allowed" };
        notes.push(format!("It would be {answer} with {}.", difference(request, other)));
    }
    if story.is_unknown_caller(words.world) {
        let caller = &request.caller;
        let near = near_principal(words.world, caller);
        let near = near.map_or_else(String::new, |near| format!(" Did you mean {near}?"));
        notes.push(format!(
            "{caller} is not in the export, and has no policies of its own here.{near}"
        ));
    }
    let beside = words.other_side().into_iter().chain(words.ability());
    notes.extend(beside.map(|beside| format!("Beside the decision: {beside}.")));
    for what in story.decision.missing.union(&story.overall.answer.missing) {
        notes.push(format!("Not in the export, and could change the answer: {what}."));
    }
    for point in story.decision.open_points.union(&story.overall.answer.open) {
        notes.push(format!(
            "AWS does not document {} ({}): the other reading gives the other answer.",
            question(*point),
            point.name()
        ));
    }
    notes.extend(story.coverage.as_ref().map(|coverage| format!("Known: {}.", covered(coverage))));
    notes
}

/// The context keys that the other request has, or lacks.
fn difference(request: &Request, other: &Request) -> String {
    let is_new = |entry: &&Entry| {
        request.context.get(&entry.name).is_none_or(|known| known.value != entry.value)
    };
    let new = other.context.entries().filter(is_new).map(|entry| match &entry.value {
        ContextValue::One(value) => format!("{} = {value}", entry.name),
        ContextValue::Many(values) => format!("{} = [{}]", entry.name, values.join(", ")),
    });
    let gone = request.context.entries().filter(|entry| other.context.get(&entry.name).is_none());
    let all: Vec<String> = new.chain(gone.map(|entry| format!("no {}", entry.name))).collect();
    all.join(" and ")
}
