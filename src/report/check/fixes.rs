//! Fixes: where they are written, and what they change.

use serde::Serialize;
use serde_json::{Value, json};

use crate::audit::Texts;
use crate::audit::fixing::{ByteEdit, Candidate, Compared, Difference, resolve};
use crate::decision::CellAnswer;
use crate::findings::{Access, Finding};
use crate::inventory::Inventory;
use crate::report::basis::plural;
use crate::report::escape;
use crate::report::matrix::words::when;
use crate::source::Position;

use super::CheckReport;

/// What mends a finding.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Fixed<'a> {
    /// What it does.
    title: &'a str,
    /// What becomes of access by it: `stays`, whatever the rest of the world is; `decided`, as `--fix` finds out
    /// by the matrix before it writes; `may-change`, in ways that the matrix does not show.
    access: &'static str,
    /// The bytes that are written otherwise, by file and place.
    edits: Vec<Edited>,
}

/// Bytes of a file that are written otherwise.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Edited {
    /// The path as it was given.
    file: String,
    /// The first byte that goes, counted in the text without a byte order mark.
    start: u32,
    /// The byte behind the last that goes.
    end: u32,
    /// First line, from 1.
    line: u32,
    /// First column in characters, from 1.
    column: u32,
    /// Last line.
    end_line: u32,
    /// Column behind the last character.
    end_column: u32,
    /// What stands there then.
    text: String,
}

impl Fixed<'_> {
    /// In a line, with the option that writes it.
    pub(super) fn told(&self) -> String {
        let option = match self.access {
            "may-change" => "--unsafe-fixes",
            "decided" => "--fix, if it changes nobody's access, or --unsafe-fixes",
            _ => "--fix",
        };
        format!("mended by {option}: {}", self.title)
    }
}

/// The fix of a finding, where it can be written.
pub(super) fn of<'a>(report: &CheckReport<'_>, finding: &'a Finding) -> Option<Fixed<'a>> {
    let fix = finding.fix.as_deref()?;
    let edits = resolve(report.texts, fix)?;
    let edits: Option<Vec<Edited>> = edits.into_iter().map(|it| edited(report.texts, it)).collect();
    Some(Fixed { title: &fix.title, access: access(fix.access), edits: edits? })
}

/// The same as SARIF has it.
pub(super) fn sarif(report: &CheckReport<'_>, finding: &Finding) -> Option<Value> {
    let fix = of(report, finding)?;
    let change = |edit: &Edited| {
        json!({
            "artifactLocation": { "uri": escape::uri(report.inside(&edit.file)) },
            "replacements": [{
                "deletedRegion": {
                    "startLine": edit.line,
                    "startColumn": edit.column,
                    "endLine": edit.end_line,
                    "endColumn": edit.end_column,
                },
                "insertedContent": { "text": edit.text },
            }],
        })
    };
    Some(json!([{
        "description": { "text": fix.title },
        "artifactChanges": fix.edits.iter().map(change).collect::<Vec<_>>(),
        "properties": { "access": fix.access },
    }]))
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Stays => "stays",
        Access::Decided => "decided",
        Access::MayChange => "may-change",
    }
}

fn edited(texts: &Texts<'_>, edit: ByteEdit) -> Option<Edited> {
    let whole = texts.whole(edit.file)?;
    let at = |offset| -> Position { whole.lines.position(&whole.text, offset) };
    let (start, end) = (at(edit.span.start), at(edit.span.end));
    Some(Edited {
        file: edit.path,
        start: edit.span.start,
        end: edit.span.end,
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        text: edit.text,
    })
}

/// A fix in a line: `a.json:3:4: write kms:Decrypt (unknown-action)`.
pub fn fixed(texts: &Texts<'_>, fix: &Candidate) -> String {
    let place = fix.edits.first().and_then(|edit| {
        let whole = texts.whole(edit.file)?;
        let at = whole.lines.position(&whole.text, edit.span.start);
        Some(format!("{}:{}:{}: ", edit.path, at.line, at.column))
    });
    format!("- {}{} ({})", place.unwrap_or_default(), fix.title, fix.rule)
}

/// What fixes change of the matrix, in at most so many lines beside the first.
pub fn changes(world: &Inventory, changed: &Compared, lines: usize) -> Vec<String> {
    let all = &changed.differences;
    let head = match all.len() {
        0 => "the matrix stays as it was".to_owned(),
        count => format!("the matrix changes in {}", plural(count, "place")),
    };
    let doubts = match changed.undecided {
        true => ", as far as it is decided: the input has gaps, or points that are not known",
        false => "",
    };
    let mut told = vec![format!("{head}{doubts}")];
    told.extend(all.iter().take(lines).map(|one| line(world, one)));
    if all.len() > lines {
        told.push(format!("and {}", plural(all.len() - lines, "more place")));
    }
    told
}

fn line(world: &Inventory, one: &Difference) -> String {
    let key = match &one.key {
        Some(arn) => format!(" on {}", world.shown_arn(arn)),
        None => String::new(),
    };
    let actions: Vec<&str> = one.actions.iter().map(crate::aws::KmsAction::as_str).collect();
    let held = |answer: &Option<std::sync::Arc<CellAnswer>>| {
        answer.as_ref().map_or_else(|| "never".to_owned(), |answer| when(answer))
    };
    let (who, before, after) = (&one.principal, held(&one.before), held(&one.after));
    format!("- {who}{key}: {}: {before} -> {after}", actions.join(", "))
}
