//! Suppressions that stand as comments in YAML and in Terraform's language: `# keyreach: ignore[rule] reason`,
//! behind what is meant or on a line of its own above it.

use crate::findings::{Reach, Suppressed, Suppression};
use crate::rules::{self, named};
use crate::source::{FileId, FileProblem, Place, ProblemKind, Sources, Span};
use crate::syntax::yaml;

use super::Texts;

/// What such a comment begins with, and what comes next, perhaps behind spaces.
const NAME: &str = "keyreach:";
const IGNORE: &str = "ignore";

/// What a comment says, and where it stands.
type Comment = (String, Span);

/// Finds the comments of a text.
type Comments = fn(&str) -> Vec<Comment>;

/// The languages that have comments, by the endings of their files.
const LANGUAGES: [(&str, Comments); 5] = [
    (".yaml", yaml_comments),
    (".yml", yaml_comments),
    (".template", yaml_comments),
    (".tf", hcl_comments),
    (".tofu", hcl_comments),
];

/// The suppressions in the files of a run, and what is wrong with some.
pub fn inline_suppressions(
    sources: &Sources,
    texts: &Texts<'_>,
) -> (Vec<Suppression>, Vec<FileProblem>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (nth, path) in sources.paths().enumerate() {
        let Some((_, comments)) = LANGUAGES.iter().find(|(ending, _)| path.ends_with(ending))
        else {
            continue;
        };
        let file = FileId(u32::try_from(nth).unwrap_or(u32::MAX));
        if let Some(text) = texts.read(file).filter(|text| text.contains(NAME)) {
            of_file((file, path, &text), comments(&text), &mut found, &mut problems);
        }
    }
    (found, problems)
}

/// The comments of a YAML text.
fn yaml_comments(text: &str) -> Vec<Comment> {
    let (documents, _) = yaml::parse(text);
    let comments = documents.iter().flat_map(|document| &document.comments);
    comments.map(|comment| (comment.value.to_string(), comment.span)).collect()
}

/// The comments of a text in Terraform's language that could be suppressions, from what begins them to
/// the end of their line.
fn hcl_comments(text: &str) -> Vec<Comment> {
    let comment = |(at, _): (usize, &str)| {
        behind_mark(text.get(at..)?)?;
        let before = text.get(..at)?.trim_end_matches([' ', '\t']);
        let start = ["#", "//"].iter().find_map(|mark| before.strip_suffix(mark))?.len();
        let end = text.get(at..)?.find(['\r', '\n']).map_or(text.len(), |length| at + length);
        Some((text.get(at..end)?.to_owned(), Span::new(start, end)))
    };
    text.match_indices(NAME).filter_map(comment).collect()
}

/// What stands behind the mark that a comment begins with.
fn behind_mark(comment: &str) -> Option<&str> {
    comment.strip_prefix(NAME)?.trim_start_matches([' ', '\t']).strip_prefix(IGNORE)
}

fn of_file(
    (file, path, text): (FileId, &str, &str),
    comments: Vec<Comment>,
    found: &mut Vec<Suppression>,
    problems: &mut Vec<FileProblem>,
) {
    let lines = crate::source::LineIndex::new(text);
    for (comment, span) in comments {
        let Some(rest) = behind_mark(comment.trim_start()) else {
            continue;
        };
        match read(rest) {
            Ok((rules, reason)) => {
                let line = lines.line(span.start);
                let place = Place::plain(file, Span::new(0, text.len()));
                found.push(Suppression {
                    what: Suppressed::Rules(rules),
                    keys: Vec::new(),
                    principals: Vec::new(),
                    files: Reach::Line(line_meant(text, line)),
                    reason,
                    until: None,
                    place,
                    span,
                });
            }
            Err(message) => problems.push(FileProblem {
                kind: ProblemKind::Suppression,
                path: path.to_owned(),
                span: Some(span),
                position: Some(lines.position(text, span.start)),
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
    let is_comment = |line: &str| {
        // An item of YAML may begin below its dash.
        let line = line.trim().trim_start_matches("- ").trim_start();
        line.starts_with('#') || line.starts_with("//") || line.is_empty()
    };
    let from = (at as usize).saturating_sub(1);
    let after = text.lines().skip(from).position(|line| !is_comment(line)).unwrap_or_default();
    at.saturating_add(u32::try_from(after).unwrap_or_default())
}
