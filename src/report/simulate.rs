//! The answers of the batch contract: one line of JSON each.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::audit::{Answer, Matched};

/// Writes the answer to the request called `id`, and a line feed.
///
/// # Errors
/// What `out` says.
pub fn write(
    out: &mut impl Write,
    id: Option<&RawValue>,
    answer: Result<&Answer, &str>,
) -> io::Result<()> {
    match answer {
        Ok(answer) => serde_json::to_writer(&mut *out, &Line::of(id, answer))?,
        Err(error) => serde_json::to_writer(&mut *out, &Malformed { id, error })?,
    }
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Malformed<'a> {
    id: Option<&'a RawValue>,
    error: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    id: Option<&'a RawValue>,
    decision: &'static str,
    reason: &'static str,
    matched: Vec<MatchedLine<'a>>,
    denied_by: Option<&'static str>,
    missing: Vec<&'a str>,
    open_points: Vec<&'static str>,
}

#[derive(Serialize)]
struct MatchedLine<'a> {
    policy: &'a str,
    sid: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    effect: &'static str,
}

impl<'a> Line<'a> {
    fn of(id: Option<&'a RawValue>, answer: &'a Answer) -> Self {
        let denied_by = answer.outcome.denied_by();
        Self {
            id,
            decision: if denied_by.is_none() { "allowed" } else { "denied" },
            reason: answer.outcome.reason().name(),
            matched: answer.matched.iter().map(MatchedLine::of).collect(),
            denied_by: denied_by.map(|gate| gate.name()),
            missing: answer.missing.iter().map(String::as_str).collect(),
            open_points: answer.open_points.iter().map(|point| point.name()).collect(),
        }
    }
}

impl<'a> MatchedLine<'a> {
    fn of(matched: &'a Matched) -> Self {
        Self {
            policy: &matched.policy,
            sid: matched.sid.as_deref(),
            file: matched.file.as_deref(),
            line: matched.line,
            effect: matched.effect.name(),
        }
    }
}
