//! The baseline: a file that `--write-baseline` wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::aws::KeyArn;
use crate::findings::{Base, Baseline, Known};
use crate::source::{FileId, Place, Span};
use crate::syntax::{Kind, Node, json};

use super::Fault;
use super::reader::Reader;

/// What a baseline says it is, before its version.
const NAME: &str = "keyreach/baseline/";

/// The version that is read and written.
const VERSION: u32 = 1;

/// Reads the baseline in `text`, the content of `file`.
///
/// # Errors
/// No JSON, another version, entries that are none.
pub fn read(text: &str, file: FileId) -> Result<Baseline, Vec<Fault>> {
    let place = Place::plain(file, Span::new(0, text.len()));
    let nowhere = Base { current: "/".into(), folder: "/".into() };
    let mut reader = Reader::new(place, Arc::new(nowhere));
    let root = match json::parse(text) {
        Ok(root) => root,
        Err(problem) => {
            reader.fault(problem.span, problem.message, REWRITE);
            return Err(reader.faults);
        }
    };
    version(&mut reader, &root);
    let mut known = BTreeMap::new();
    if reader.faults.is_empty() {
        match root.get("findings").map(|node| (&node.kind, node.span)) {
            Some((Kind::Array(entries), _)) => {
                known.extend(entries.iter().filter_map(|one| entry(&mut reader, one)));
            }
            _ => reader.fault(root.span, "a baseline without `findings`", REWRITE),
        }
    }
    if reader.faults.is_empty() { Ok(Baseline { known, place }) } else { Err(reader.faults) }
}

/// What to do about a damaged one.
const REWRITE: &str = "write it anew with --write-baseline";

fn version(reader: &mut Reader, root: &Node<'_>) {
    let node = root.get("schema");
    let span = node.map_or(root.span, |node| node.span);
    let version = node.and_then(Node::as_str).and_then(|text| text.strip_prefix(NAME));
    match version.and_then(|version| version.parse::<u32>().ok()) {
        Some(VERSION) => {}
        Some(other) if other > VERSION => {
            let message = format!("a baseline of version {other}; this keyreach reads {VERSION}");
            let help = "use the keyreach that wrote it, or write it anew with --write-baseline";
            reader.fault(span, message, help);
        }
        _ => reader.fault(span, format!("no baseline: `schema` is not {NAME}{VERSION}"), REWRITE),
    }
}

fn entry(reader: &mut Reader, node: &Node<'_>) -> Option<(String, Known)> {
    let text = |name: &str| node.get(name).and_then(Node::as_str);
    let (Some(fingerprint), Some(rule)) = (text("fingerprint"), text("rule")) else {
        reader.fault(node.span, "an entry without `fingerprint` and `rule`", REWRITE);
        return None;
    };
    let principals = node.get("principals").map(Node::one_or_many).unwrap_or_default();
    let known = Known {
        rule: rule.to_owned(),
        key: text("key").and_then(KeyArn::parse),
        principals: principals
            .iter()
            .filter_map(Node::as_str)
            .map(str::to_owned)
            .collect::<BTreeSet<_>>(),
        span: node.span,
    };
    Some((fingerprint.to_owned(), known))
}
