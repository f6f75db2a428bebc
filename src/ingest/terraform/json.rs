//! JSON and YAML between texts and values: `jsonencode`, `jsondecode`, `yamldecode`, and policies written as texts
//! with holes.

use std::rc::Rc;

use crate::source::{FileId, Span};
use crate::syntax::{self, Kind, Node, json, yaml};

use super::marked::{Marked, Syntax};
use super::value::{At, Data, Hole, Inside, List, Member, Piece, PieceData, TEXT, Value, shape};

/// How deep values are followed.
const DEPTH: usize = 64;

/// The JSON text of a value that is known wholly, and not too long.
pub(super) fn encode(value: &Value) -> Option<String> {
    let mut text = String::new();
    write(value, &mut text, 0).map(|()| text)
}

fn write(value: &Value, text: &mut String, depth: usize) -> Option<()> {
    if depth > DEPTH || text.len() > TEXT {
        return None;
    }
    match &value.data {
        Data::Null => text.push_str("null"),
        Data::Bool(_) | Data::Number(_) => text.push_str(&value.known()?),
        Data::Text(_) | Data::Json(_) => quote(&value.known()?, text)?,
        Data::List(list) if !list.is_open => {
            text.push('[');
            for (nth, item) in list.items.iter().enumerate() {
                if nth > 0 {
                    text.push(',');
                }
                write(item, text, depth + 1)?;
            }
            text.push(']');
        }
        Data::Object(object) if object.rest.is_none() => {
            text.push('{');
            for (nth, member) in object.members.iter().enumerate() {
                if nth > 0 {
                    text.push(',');
                }
                quote(&member.name, text)?;
                text.push(':');
                write(&member.value, text, depth + 1)?;
            }
            text.push('}');
        }
        _ => return None,
    }
    Some(())
}

fn quote(text: &str, into: &mut String) -> Option<()> {
    into.push_str(&serde_json::to_string(text).ok()?);
    Some(())
}

/// The value of a JSON text in pieces; nothing where it is no JSON.
pub(super) fn decode(
    at: At,
    pieces: &[Piece],
    source: &dyn Fn(FileId) -> Rc<str>,
) -> Option<Value> {
    let text = Marked::new(pieces, Syntax::Json)?;
    let node = json::parse(&text.text).ok()?;
    let map = Map::new(&text, source);
    Some(value(&node, at, &text, &map, 0))
}

/// The value of a YAML text in pieces; nothing where something in it is not known, which may be lines of it, and
/// where it is not one document, or one with tags or merged names.
pub(super) fn decode_yaml(
    at: At,
    pieces: &[Piece],
    source: &dyn Fn(FileId) -> Rc<str>,
) -> Option<Value> {
    if pieces.iter().any(|piece| matches!(piece.data, PieceData::Hole(_))) {
        return None;
    }
    let text = Marked::new(pieces, Syntax::Yaml)?;
    let (documents, problems) = yaml::parse(&text.text);
    let [document] = documents.as_slice() else { return None };
    if !problems.is_empty() || !is_plain(&document.root) {
        return None;
    }
    let map = Map::new(&text, source);
    Some(value(&document.root, at, &text, &map, 0))
}

/// Whether a tree says nothing but what JSON can say.
fn is_plain(node: &Node<'_>) -> bool {
    node.tag.is_none()
        && match &node.kind {
            Kind::Array(items) => items.iter().all(is_plain),
            Kind::Object(members) => {
                members.iter().all(|member| member.name.value != "<<" && is_plain(&member.value))
            }
            _ => true,
        }
}

/// Where the first fault of a text in pieces is written that is no JSON; nothing where that is not known.
pub(super) fn fault(pieces: &[Piece], source: &dyn Fn(FileId) -> Rc<str>) -> Option<At> {
    let text = Marked::new(pieces, Syntax::Json)?;
    let span = json::parse(&text.text).err()?.span;
    let map = Map::new(&text, source);
    map.locate(Span { start: span.start, end: span.end.max(span.start + 1) })
}

/// The value of a document that stands in a file as it is.
pub(super) fn of_node(node: &Node<'_>, file: FileId) -> Value {
    let at = At { file, span: node.span };
    let text = Marked::default();
    let map = Map { parts: Vec::new(), whole: Some(file) };
    value(node, at, &text, &map, 0)
}

/// A value whose parts all stand at one place.
pub(super) fn placed(value: &Value, at: At) -> Value {
    let data = match &value.data {
        Data::Text(pieces) => {
            Data::Text(pieces.iter().map(|piece| Piece { at, ..piece.clone() }).collect())
        }
        Data::List(list) => {
            let items = list.items.iter().map(|item| placed(item, at)).collect();
            Data::List(List { items, ..*list })
        }
        Data::Object(object) => {
            let mut object = (**object).clone();
            for member in &mut object.members {
                member.at = at;
                member.value = placed(&member.value, at);
            }
            Data::Object(Rc::new(object))
        }
        data => data.clone(),
    };
    Value::new(at, data)
}

/// Where the bytes of a decoded text are written.
struct Map {
    parts: Vec<Part>,
    /// The file, where the text stands there as it is.
    whole: Option<FileId>,
}

/// A run of bytes of the decoded text.
struct Part {
    start: usize,
    at: At,
    /// The offset in the file of each byte; empty where only the whole is known.
    offsets: Vec<u32>,
}

impl Map {
    fn new(text: &Marked<'_>, source: &dyn Fn(FileId) -> Rc<str>) -> Self {
        let parts = text.starts.iter().map(|(piece, start)| {
            let offsets = match &piece.data {
                PieceData::Known(known) => {
                    let written = source(piece.at.file);
                    aligned(known, piece.at.span, &written).unwrap_or_default()
                }
                _ => Vec::new(),
            };
            Part { start: *start, at: piece.at, offsets }
        });
        Self { parts: parts.collect(), whole: None }
    }

    /// Where a range of the decoded text is written; nothing where it crosses files.
    fn locate(&self, span: Span) -> Option<At> {
        if let Some(file) = self.whole {
            return Some(At { file, span });
        }
        let (first, start) = self.end(span.start as usize, false)?;
        let (last, end) = self.end((span.end as usize).checked_sub(1)?, true)?;
        (first == last && start <= end).then_some(At { file: first, span: Span { start, end } })
    }

    /// The offset of a byte, or behind it.
    fn end(&self, byte: usize, behind: bool) -> Option<(FileId, u32)> {
        let nth = self.parts.partition_point(|part| part.start <= byte).checked_sub(1)?;
        let part = self.parts.get(nth)?;
        let offset = match part.offsets.get(byte.checked_sub(part.start)?) {
            Some(offset) => offset + u32::from(behind),
            None if behind => part.at.span.end,
            None => part.at.span.start,
        };
        Some((part.at.file, offset))
    }
}

/// The offset in the file of each byte of `known`, which is written at `span` with escapes or
/// indentation that `known` lacks.
fn aligned(known: &str, span: Span, written: &str) -> Option<Vec<u32>> {
    let source = span.slice(written)?.as_bytes();
    let mut offsets = Vec::with_capacity(known.len());
    let mut at = 0;
    for byte in known.bytes() {
        let escape = match byte {
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => &[byte][..],
        };
        let length = loop {
            let rest = source.get(at..)?;
            match rest.first()? {
                first if *first == byte => break 1,
                _ if rest.starts_with(escape) => break escape.len(),
                _ => at += 1,
            }
        };
        offsets.push(span.start + u32::try_from(at).ok()?);
        at += length;
    }
    Some(offsets)
}

fn value(node: &Node<'_>, around: At, text: &Marked<'_>, map: &Map, depth: usize) -> Value {
    let at = map.locate(node.span).unwrap_or(around);
    if depth > DEPTH {
        return Value::unknown(at, "a document that is nested too deeply");
    }
    match &node.kind {
        Kind::Null => Value::null(at),
        Kind::Bool(truth) => Value::bool(at, *truth),
        Kind::Number(number) => Value::number(at, number),
        Kind::String(string) => whole(text.pieces(string, at), at),
        Kind::Array(items) => {
            let value = |item| value(item, at, text, map, depth + 1);
            if let Some((hole, parts)) = text.group(items) {
                let parts = parts.iter().map(value).collect();
                return Value::one_of(at, &*hole.expression, parts);
            }
            let is_open = items.iter().any(|item| text.is_group(item));
            Value::open_list(at, items.iter().map(value).collect(), is_open)
        }
        Kind::Object(members) => match object(members, at, text, map, depth) {
            Some(members) => Value::object(at, members),
            None => Value::unknown(at, "an object whose names are not known"),
        },
        Kind::Unresolved(of) => Value::shaped(at, of.expression.clone(), of.shape.clone()),
        Kind::OneOf { expression, .. } => Value::unknown(at, expression.clone()),
    }
}

/// The members of an object, those that a hole may add among them; nothing where a name is not known.
fn object(
    members: &[syntax::Member<'_>],
    at: At,
    text: &Marked<'_>,
    map: &Map,
    depth: usize,
) -> Option<Vec<Member>> {
    let (mut made, mut added) = (Vec::new(), Vec::new());
    for member in members {
        let value = value(&member.value, at, text, map, depth + 1);
        match text.group_of(&member.name.value) {
            Some(hole) => added.extend(perhaps(&value, hole)?),
            None => {
                let name_at = map.locate(member.name.span).unwrap_or(at);
                let name = text.pieces(&member.name.value, name_at);
                let name: Option<String> = name.iter().map(Piece::known).collect();
                made.push(Member { name: Rc::from(name?), at: name_at, value });
            }
        }
    }
    // Of two that exclude each other nobody knows which stands there.
    let is_other = |one: &str, other: &str| one == other || one.strip_prefix("Not") == Some(other);
    for new in added {
        let excludes = |it: &Member| is_other(&it.name, &new.name) || is_other(&new.name, &it.name);
        if made.iter().any(excludes) {
            return None;
        }
        made.push(new);
    }
    Some(made)
}

/// The members that a hole may add to an object, of which `parts` are what it adds in each case.
fn perhaps(parts: &Value, hole: &Hole) -> Option<Vec<Member>> {
    let of_part = |part: &Value| match &part.data {
        Data::Object(object) if object.rest.is_none() => Some(Rc::clone(object)),
        _ => None,
    };
    // The first is empty.
    let parts = parts.items()?.iter().skip(1).map(of_part).collect::<Option<Vec<_>>>()?;
    let mut made: Vec<Member> = Vec::new();
    for member in parts.iter().flat_map(|part| &part.members) {
        if made.iter().any(|it| it.name == member.name) {
            continue;
        }
        let values = parts.iter().filter_map(|part| part.get(&member.name)).cloned();
        let one_of = |values| Value::one_of(member.value.at, &*hole.expression, values);
        let mut values: Vec<Value> = values.collect();
        if values.len() < parts.len() {
            // One alone may be none.
            values = values.into_iter().map(|value| one_of(vec![value])).collect();
        }
        let value = match values.len() {
            1 if parts.len() > 1 => values.remove(0),
            _ => one_of(values),
        };
        made.push(Member { value, ..member.clone() });
    }
    Some(made)
}

/// A text; where it is one hole, what may stand there is no text, either, and where one may end it nothing is known.
fn whole(pieces: Vec<Piece>, at: At) -> Value {
    let may_end = |piece: &Piece| matches!(&piece.data, PieceData::Hole(hole) if matches!(hole.inside, Inside::Values));
    match pieces.as_slice() {
        several if several.len() > 1 && several.iter().any(may_end) => {
            Value::unknown(at, shape(several).1)
        }
        [Piece { data: PieceData::Hole(hole), .. }] => {
            Value::new(at, Data::Unknown(Rc::clone(hole)))
        }
        _ => Value::pieces(at, pieces),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: At = At { file: FileId(0), span: Span { start: 0, end: 0 } };

    fn decoded(pieces: Vec<PieceData>) -> Option<String> {
        let pieces: Vec<Piece> = pieces.into_iter().map(|data| Piece { at: AT, data }).collect();
        encode(&decode_yaml(AT, &pieces, &|_| "".into())?)
    }

    fn known(text: &str) -> PieceData {
        PieceData::Known(text.into())
    }

    #[test]
    fn yaml_says_what_json_can_say() {
        let text = "pay:\n  role: app # a comment\n  keys: [db, 'no']\n  on: true\n";
        let said = r#"{"pay":{"role":"app","keys":["db","no"],"on":true}}"#;
        assert_eq!(decoded(vec![known(text)]).as_deref(), Some(said));
        assert_eq!(decoded(vec![known("a: "), known("b\n")]).as_deref(), Some(r#"{"a":"b"}"#));
        for unread in ["a: !Ref b\n", "<<: {a: b}\n", "a: 1\n---\nb: 2\n", "a: [b\n", ""] {
            assert_eq!(decoded(vec![known(unread)]), None, "{unread}");
        }
        // What is not known may be lines.
        let hole = Hole::new("var.x", "*");
        assert_eq!(decoded(vec![known("a: b\n"), PieceData::Hole(Rc::new(hole))]), None);
    }
}
