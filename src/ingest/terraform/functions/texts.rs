//! Functions of texts.

use std::rc::Rc;

use super::super::is_symbolic;
use super::super::value::{At, Data, Piece, PieceData, TEXT, Value, WEIGHT};

/// What a call gives; nothing where that is not known, or the function is none of these.
pub(super) fn call(name: &str, arguments: &[Value], at: At) -> Option<Value> {
    match (name, arguments) {
        ("join", [separator, lists @ ..]) => return join(separator, lists, at),
        ("format", [format, values @ ..]) => return formatted(format, values, at),
        ("formatlist", [format, values @ ..]) => return format_list(format, values, at),
        _ => {}
    }
    let text = |text: String| Some(Value::text(at, text));
    match (name, arguments) {
        ("lower", [value]) => text(plain(value)?.to_lowercase()),
        ("upper", [value]) => text(plain(value)?.to_uppercase()),
        ("title", [value]) => {
            let words = plain(value)?;
            let words = words.split(' ').map(|word| {
                let mut chars = word.chars();
                let first = chars.next().map(|first| first.to_uppercase().to_string());
                first.unwrap_or_default() + chars.as_str()
            });
            text(words.collect::<Vec<_>>().join(" "))
        }
        ("trimspace", [value]) => text(plain(value)?.trim().to_owned()),
        ("chomp", [value]) => text(plain(value)?.trim_end_matches(['\r', '\n']).to_owned()),
        ("trim", [value, cut]) => {
            let cut = plain(cut)?;
            text(plain(value)?.trim_matches(|c| cut.contains(c)).to_owned())
        }
        ("trimprefix", [value, prefix]) => {
            let (value, prefix) = (plain(value)?, plain(prefix)?);
            text(value.strip_prefix(&*prefix).unwrap_or(&value).to_owned())
        }
        ("trimsuffix", [value, suffix]) => {
            let (value, suffix) = (plain(value)?, plain(suffix)?);
            text(value.strip_suffix(&*suffix).unwrap_or(&value).to_owned())
        }
        ("replace", [value, from, to]) => {
            let (value, from, to) = (plain(value)?, plain(from)?, plain(to)?);
            // Between slashes stands a regular expression.
            let is_pattern = from.len() > 1 && from.starts_with('/') && from.ends_with('/');
            (!is_pattern && !from.is_empty()).then_some(())?;
            let more = value.matches(&*from).count().saturating_mul(to.len());
            (more <= TEXT).then(|| value.replace(&*from, &to)).and_then(text)
        }
        ("split", [separator, value]) => {
            let (separator, value) = (plain(separator)?, plain(value)?);
            let parts: Vec<Value> = match separator.is_empty() {
                true => value.chars().map(|c| Value::text(at, c.to_string())).collect(),
                false => value.split(&*separator).map(|part| Value::text(at, part)).collect(),
            };
            Some(Value::list(at, parts))
        }
        ("substr", [value, from, length]) => {
            let (value, from) = (plain(value)?, usize::try_from(from.index()?).ok()?);
            let length = usize::try_from(length.index()?).unwrap_or(usize::MAX);
            text(value.chars().skip(from).take(length).collect())
        }
        ("startswith", [value, prefix]) => {
            Some(Value::bool(at, plain(value)?.starts_with(&*plain(prefix)?)))
        }
        ("endswith", [value, suffix]) => {
            Some(Value::bool(at, plain(value)?.ends_with(&*plain(suffix)?)))
        }
        ("strcontains", [value, part]) => {
            Some(Value::bool(at, plain(value)?.contains(&*plain(part)?)))
        }
        _ => None,
    }
}

/// A text that is known. What stands for one is not looked into.
pub(super) fn plain(value: &Value) -> Option<Rc<str>> {
    match &value.data {
        Data::Text(pieces) if is_symbolic(pieces) => None,
        _ => value.known(),
    }
}

pub(super) fn join(separator: &Value, lists: &[Value], at: At) -> Option<Value> {
    let separator = separator.as_pieces()?;
    let mut pieces: Vec<Piece> = Vec::new();
    for (nth, item) in lists
        .iter()
        .map(Value::items)
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .flatten()
        .enumerate()
    {
        if nth > 0 {
            pieces.extend(separator.iter().cloned());
        }
        pieces.extend(item.as_pieces()?);
        (pieces.len() <= TEXT).then_some(())?;
    }
    // Any number of items stands there: a hole that covers the separators, too.
    let is_open = lists.iter().any(|list| matches!(&list.data, Data::List(list) if list.is_open));
    if is_open {
        return None;
    }
    Some(Value::pieces(at, pieces))
}

/// `format`, as far as its verbs take values as they are.
fn formatted(format: &Value, values: &[Value], at: At) -> Option<Value> {
    let format = format.known()?;
    let mut values = values.iter();
    let mut pieces = Vec::new();
    let known = |text: &str| Piece { at, data: PieceData::Known(Rc::from(text)) };
    let mut rest = &*format;
    while let Some((before, behind)) = rest.split_once('%') {
        pieces.push(known(before));
        let (verb, behind) = behind.split_at_checked(1)?;
        match verb {
            "%" => pieces.push(known("%")),
            "s" | "d" | "v" | "t" => pieces.extend(values.next()?.as_pieces()?),
            "q" => {
                let text = values.next()?.known()?;
                pieces.push(known(&serde_json::to_string(&*text).ok()?));
            }
            _ => return None,
        }
        rest = behind;
    }
    pieces.push(known(rest));
    Some(Value::pieces(at, pieces))
}

/// `formatlist`: one text for each item of the lists among the values.
fn format_list(format: &Value, values: &[Value], at: At) -> Option<Value> {
    let is_list = |value: &&Value| matches!(value.data, Data::List(_));
    let lists: Vec<&Value> = values.iter().filter(is_list).collect();
    let Some(first) = lists.first() else {
        // What is not known may be a list: any number of texts that look like this one.
        let is_open = values.iter().any(|it| matches!(it.data, Data::Unknown(_) | Data::OneOf(..)));
        return Some(Value::open_list(at, vec![formatted(format, values, at)?], is_open));
    };
    let count = first.items()?.len();
    let is_open = lists.iter().any(|list| matches!(&list.data, Data::List(list) if list.is_open));
    let of_formats = format.weight().saturating_mul(count);
    (of_formats <= WEIGHT).then_some(())?;
    let mut made = Vec::with_capacity(count);
    for nth in 0..count {
        let of_item = values.iter().map(|value| match &value.data {
            Data::List(list) => list.items.get(nth).cloned(),
            _ => Some(value.clone()),
        });
        made.push(formatted(format, &of_item.collect::<Option<Vec<_>>>()?, at)?);
    }
    Some(Value::open_list(at, made, is_open))
}
