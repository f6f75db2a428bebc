//! Entries of `ignore`.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::findings::{Reach, Suppressed, Suppression};
use crate::rules::{named, unknown};
use crate::source::Span;
use crate::syntax::Node;

use super::reader::Reader;

/// The members of an entry.
pub(super) const MEMBERS: [&str; 7] =
    ["rule", "fingerprint", "key", "principal", "files", "reason", "until"];

/// Reads one entry; nothing where a fault leaves open what it means.
pub(super) fn read(reader: &mut Reader, node: &Node<'_>) -> Option<Suppression> {
    let (mut rules, mut fingerprint) = (Vec::new(), None);
    let (mut keys, mut principals) = (Vec::new(), Vec::new());
    let (mut files, mut reason, mut until) = (Reach::Everywhere, None, None);
    for (name, value) in reader.members(node, "an entry of `ignore`", &MEMBERS) {
        match name {
            "rule" => rules = rule_names(reader, value),
            "fingerprint" => fingerprint = hexadecimal(reader, value),
            "key" => keys = plain(reader, value, "a key"),
            "principal" => principals = plain(reader, value, "a principal"),
            "files" => files = reader.globs(value).map_or(Reach::Everywhere, Reach::Files),
            "reason" => reason = reader.text(value, "a reason"),
            "until" => until = day(reader, value),
            _ => {}
        }
    }
    if node.get("reason").is_none() {
        let help = "add `reason:` with why the finding is accepted";
        reader.fault(node.span, "a suppression without a reason", help);
    }
    let what = match (node.get("rule"), node.get("fingerprint")) {
        (Some(_), None) => Suppressed::Rules(rules),
        (None, Some(_)) => Suppressed::Fingerprint(fingerprint?),
        _ => {
            let help = "name a `rule`, or the `fingerprint` that a finding is printed with";
            reader.fault(node.span, "a suppression of neither one rule nor one finding", help);
            return None;
        }
    };
    let (place, span) = (reader.place, node.span);
    Some(Suppression { what, keys, principals, files, reason: reason?, until, place, span })
}

fn plain(reader: &mut Reader, value: &Node<'_>, what: &str) -> Vec<String> {
    reader.texts(value, what).into_iter().map(|(text, _)| text).collect()
}

fn rule_names(reader: &mut Reader, value: &Node<'_>) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (name, span) in reader.texts(value, "a rule") {
        match named(&name) {
            Some(rule) => found.push(rule.metadata.slug),
            None => reader.fault(span, unknown(&name), ""),
        }
    }
    found
}

fn hexadecimal(reader: &mut Reader, value: &Node<'_>) -> Option<String> {
    let text = reader.text(value, "a fingerprint")?;
    let is_one = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_one {
        let help = "16 hexadecimal digits, in quotes; `--format json` prints them";
        reader.fault(value.span, format!("`{text}` is no fingerprint"), help);
    }
    is_one.then(|| text.to_ascii_lowercase())
}

/// The first second behind a day, in UTC, and the day.
fn day(reader: &mut Reader, value: &Node<'_>) -> Option<(i64, String)> {
    let text = reader.text(value, "a date")?;
    let behind = |date: Date| {
        let next = date.checked_add(1.day()).ok()?;
        Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    };
    match text.parse::<Date>().ok().and_then(behind) {
        Some(end) => Some((end, text)),
        None => {
            let span: Span = value.span;
            reader.fault(span, format!("`{text}` is no date"), "write 2026-12-31");
            None
        }
    }
}
