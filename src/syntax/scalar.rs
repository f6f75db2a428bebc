//! Scalars of YAML: what they are, and exactly where they are written. Events are vague about the
//! edges of blocks and of what is empty.

use std::borrow::Cow;

use granit_parser::ScalarStyle;

use super::Kind;
use crate::source::{Span, first_line};

/// What a plain scalar is.
pub(super) fn resolve(text: Cow<'_, str>) -> Kind<'_> {
    if text.is_empty() || is_null(&text) {
        Kind::Null
    } else if let Some(value) = boolean(&text) {
        Kind::Bool(value)
    } else if is_integer(&text) || (!has_leading_zero(&text) && is_float(&text)) {
        Kind::Number(text)
    } else {
        Kind::String(text)
    }
}

/// What a scalar is that its core tag (`str` for `!!str`) names the kind of; the text where it is not that.
pub(super) fn apply_core_tag<'a>(core: &str, text: Cow<'a, str>) -> Result<Kind<'a>, Cow<'a, str>> {
    match core {
        "null" if text.is_empty() || is_null(&text) => Ok(Kind::Null),
        "bool" => boolean(&text).map(Kind::Bool).ok_or(text),
        "int" if is_integer(&text) => Ok(Kind::Number(text)),
        "float" if is_float(&text) => Ok(Kind::Number(text)),
        "str" => Ok(Kind::String(text)),
        _ => Err(text),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "null" | "Null" | "NULL" | "~")
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Whether it is an integer of at most 128 bits, decimal or behind `0x`, `0o`, `0b`.
fn is_integer(text: &str) -> bool {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..)),
        Some(b'+') => (false, text.get(1..)),
        _ => (false, Some(text)),
    };
    let digits = digits.unwrap_or_default();
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, digits.get(2..).unwrap_or_default()),
        Some("0o") => (8, digits.get(2..).unwrap_or_default()),
        Some("0b") => (2, digits.get(2..).unwrap_or_default()),
        _ if has_leading_zero(text) => return false,
        _ => (10, digits),
    };
    let greatest = if negative { 1 << 127 } else { u128::MAX };
    !digits.starts_with('+')
        && u128::from_str_radix(digits, radix).is_ok_and(|number| number <= greatest)
}

fn is_float(text: &str) -> bool {
    let unsigned = match text.strip_prefix('+') {
        Some(rest) if rest.starts_with(['+', '-']) => return false,
        Some(rest) => rest,
        None => text,
    };
    matches!(unsigned, ".inf" | ".Inf" | ".INF" | "-.inf" | "-.Inf" | "-.INF")
        || matches!(text, ".nan" | ".NaN" | ".NAN")
        || unsigned.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Digits behind a zero: an account id, not a number.
fn has_leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The exact range of a scalar, where events let block scalars run on to the next token.
pub(super) fn span(text: &str, event: Span, value: &str, style: ScalarStyle) -> Span {
    match style {
        ScalarStyle::Literal | ScalarStyle::Folded if value.trim_matches('\n').is_empty() => {
            empty_block_span(text, event)
        }
        ScalarStyle::Literal => literal_span(text, event, value),
        ScalarStyle::Folded => {
            let written = event.slice(text).unwrap_or_default().trim_end();
            Span::new(event.range().start, event.range().start + written.len())
        }
        _ => event,
    }
}

/// A block without content: its header, or the place behind that.
fn empty_block_span(text: &str, event: Span) -> Span {
    let start = event.range().start;
    let header = event.slice(text).unwrap_or_default().trim_end();
    if !header.is_empty() {
        return Span::new(start, start + header.len());
    }
    let end = text.get(..start).unwrap_or_default().trim_end().len();
    Span::new(end, end)
}

/// The lines of a literal block: each line feed of its value is one line break of the text.
fn literal_span(text: &str, event: Span, value: &str) -> Span {
    // The event begins at the first line that is not blank.
    let first = event.range().start;
    let mut start = line_start(text, first);
    let indent = first - start;
    for _ in value.bytes().take_while(|&byte| byte == b'\n') {
        let above = text.get(..start).unwrap_or_default();
        let above = above.strip_suffix('\n').unwrap_or(above);
        start = line_start(text, above.strip_suffix('\r').unwrap_or(above).len());
    }
    let line = text.get(start..).unwrap_or_default();
    start += line.bytes().take(indent).take_while(|&byte| byte == b' ').count();

    let rest = |end: usize| text.get(end..).unwrap_or_default();
    let mut end = start;
    for _ in value.bytes().filter(|&byte| byte == b'\n') {
        end += first_line(rest(end)).1;
    }
    if !value.ends_with('\n') {
        end += first_line(rest(end)).0.len();
    }
    Span::new(start, end)
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().rfind(['\n', '\r']).map_or(0, |at| at + 1)
}

/// Where an empty scalar stands: right behind the `-`, or the `:` of the member whose value it is.
/// Events name a place behind the blanks after a dash, and before the colon.
pub(super) fn empty_span(text: &str, event: Span, is_value: bool) -> Span {
    const BLANK: [char; 2] = [' ', '\t'];
    let (before, behind) = text.split_at_checked(event.range().start).unwrap_or((text, ""));
    let at = match behind.trim_start_matches(BLANK).strip_prefix(':') {
        Some(rest) if is_value => text.len() - rest.len(),
        _ => before.trim_end_matches(BLANK).len(),
    };
    Span::new(at, at)
}

/// Where a block list begins whose name ends at `from`: a list no deeper than its name is given an
/// event behind its first dash.
pub(super) fn first_dash(text: &str, from: usize, event: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..event).filter(|rest| !rest.is_empty()) {
        let (line, length) = first_line(rest);
        let item = line.trim_start_matches(' ');
        let dash = item
            .strip_prefix('-')
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        if dash && at > from {
            return at + line.len() - item.len();
        }
        at += length;
    }
    event
}
