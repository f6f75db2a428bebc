//! Statements and grants that an answer rests on: where they stand, and underlined.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::audit::Texts;
use crate::decision::{Citation, Cited};
use crate::diag::{Diagnostic, Label, Severity};
use crate::graph::is_written;
use crate::policy::{Effect, Standing};
use crate::source::{Place, Span};

use super::excerpt;

/// The file and the line in it, from 1; nothing for what stands in no file.
pub(super) fn at<'t>(
    texts: &'t Texts<'_>,
    place: Place,
    span: Span,
) -> (Option<&'t str>, Option<u32>) {
    match texts.position(place, span) {
        Some(position) => (Some(texts.path(place.file)), Some(position.line)),
        None => (None, None),
    }
}

/// A statement or a grant.
#[derive(PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Because<'a> {
    /// The file; null for what an earlier hop wrote.
    file: Option<&'a str>,
    /// The line in it, from 1.
    line: Option<u32>,
    /// The statement's `Sid`.
    sid: Option<String>,
    /// The policy or grant as people name it.
    policy: &'a str,
}

/// What is cited, each once.
pub(super) fn because<'a>(
    texts: &'a Texts<'a>,
    cited: impl IntoIterator<Item = &'a Citation>,
) -> Vec<Because<'a>> {
    let mut all: Vec<Because<'a>> = Vec::new();
    for citation in cited {
        let (place, span) = citation.at();
        let (file, line) = match is_written(citation) {
            true => (None, None),
            false => at(texts, place, span),
        };
        let sid = citation.statement().and_then(|statement| statement.sid.as_ref());
        let sid = sid.map(|sid| sid.value.to_string());
        let one = Because { file, line, sid, policy: &citation.policy };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// A sentence with what it cites, the statements of one policy in one snippet.
pub(super) fn told(
    texts: &Texts<'_>,
    message: String,
    severity: Severity,
    cited: &[Citation],
) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(severity, message);
    let mut places: BTreeMap<Place, Vec<Label>> = BTreeMap::new();
    for citation in cited {
        let (place, span) = citation.at();
        let text = match (&citation.cited, citation.effect()) {
            (Cited::Grant { .. }, _) => "this grant",
            (Cited::Statement { .. }, Effect::Allow) => "allows",
            (Cited::Statement { .. }, Effect::Deny) if is_unwritten(citation) => "not known",
            (Cited::Statement { .. }, Effect::Deny) => "denies",
        };
        places.entry(place).or_default().push(Label::primary(span, text));
    }
    for (place, labels) in places {
        if let Some(snippet) = excerpt(texts, place, labels) {
            diagnostic = diagnostic.snippet(snippet);
        }
    }
    diagnostic
}

/// Whether nobody wrote it: what stands there is not known.
fn is_unwritten(citation: &Citation) -> bool {
    citation.statement().is_some_and(|statement| statement.standing == Standing::Unwritten)
}
