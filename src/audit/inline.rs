//! Suppressions that stand as comments in YAML: `# keyreach: ignore[rule] reason`, behind what is meant or
//! on a line of its own above it.

use crate::findings::{Reach, Suppressed, Suppression};
use crate::rules::{self, named};
use crate::source::{FileId, FileProblem, Place, ProblemKind, Sources, Span};
use crate::syntax::yaml;

use super::Texts;

/// What such a comment begins with.
const MARK: &str = "keyreach: ignore";

/// The suppressions in the YAML files of a run, and what is wrong with some.
pub fn inline_suppressions(
    sources: &Sources,
    texts: &Texts<'_>,
) -> (Vec<Suppression>, Vec<FileProblem>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (nth, path) in sources.paths().enumerate() {
        let is_yaml = [".yaml", ".yml"].iter().any(|ending| path.ends_with(ending));
        let file = FileId(u32::try_from(nth).unwrap_or(u32::MAX));
        if let Some(text) = is_yaml.then(|| texts.read(file)).flatten()
            && text.contains(MARK)
        {
            of_file(file, path, &text, &mut found, &mut problems);
        }
    }
    (found, problems)
}

fn of_file(
    file: FileId,
    path: &str,
    text: &str,
    found: &mut Vec<Suppression>,
    problems: &mut Vec<FileProblem>,
) {
    let lines = crate::source::LineIndex::new(text);
    let (documents, _) = yaml::parse(text);
    for comment in documents.iter().flat_map(|document| &document.comments) {
        let Some(rest) = comment.value.trim_start().strip_prefix(MARK) else {
            continue;
        };
        match read(rest) {
            Ok((rules, reason)) => {
                let line = lines.line(comment.span.start);
                let place = Place::plain(file, Span::new(0, text.len()));
                found.push(Suppression {
                    what: Suppressed::Rules(rules),
                    keys: Vec::new(),
                    principals: Vec::new(),
                    files: Reach::Line(line_meant(text, line)),
                    reason,
                    until: None,
                    place,
                    span: comment.span,
                });
            }
            Err(message) => problems.push(FileProblem {
                kind: ProblemKind::Suppression,
                path: path.to_owned(),
                span: Some(comment.span),
                position: Some(lines.position(text, comment.span.start)),
                message,
                help: "write `# keyreach: ignore[RULE] why this is accepted`".to_owned(),
            }),
        }
    }
}

/// The rules and the reason behind the mark.
fn read(rest: &str) -> Result<(Vec<&'static str>, String), String> {
    let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (names, reason) = inner.ok_or("a suppression names its rules in brackets")?;
    let rules: Result<Vec<&'static str>, String> = names
        .split(',')
        .map(|name| match named(name.trim()) {
            Some(rule) => Ok(rule.metadata.slug),
            None => Err(rules::unknown(name.trim())),
        })
        .collect();
    let reason = reason.trim().trim_start_matches(['-', ':']).trim();
    match reason.is_empty() {
        true => Err("a suppression without a reason".to_owned()),
        false => Ok((rules?, reason.to_owned())),
    }
}

/// The line that a comment on line `at` speaks of: its own, or where it stands alone the next that is no
/// comment and not empty.
fn line_meant(text: &str, at: u32) -> u32 {
    let is_comment = |line: &str| line.trim_start().starts_with('#') || line.trim().is_empty();
    let from = (at as usize).saturating_sub(1);
    let after = text.lines().skip(from).position(|line| !is_comment(line)).unwrap_or_default();
    at.saturating_add(u32::try_from(after).unwrap_or_default())
}
