//! Functions of lists and objects.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::expression::{any_of, equal, number};
use super::super::is_symbolic;
use super::super::value::{At, Data, List, Member, Object, Piece, Value};

/// How many pairs a product may have.
const PRODUCT: usize = 10_000;

/// What a call gives; nothing where that is not known, or the function is none of these.
pub(super) fn call(name: &str, arguments: &[Value], at: At) -> Option<Value> {
    Some(match (name, arguments) {
        ("concat", lists) if lists.iter().any(Value::is_null) => Value::failed(at, "concat(...)"),
        ("concat", lists) => concat(lists, at),
        ("toset" | "tolist", [value]) if value.is_null() => Value::null(at),
        ("flatten", [list]) => {
            let (mut items, mut is_open) = (Vec::new(), false);
            flatten(list, &mut items, &mut is_open);
            Value::open_list(at, items, is_open)
        }
        ("tolist", [value]) => match &value.data {
            Data::List(list) => Value::open_list(at, list.items.to_vec(), list.is_open),
            _ => value.clone(),
        },
        ("toset", [list]) => set(list, at)?,
        ("distinct", [list]) => distinct(list, at)?,
        ("compact", [list]) => compact(list, at)?,
        ("merge", objects) => merge(objects, at)?,
        ("tomap" | "one", [value]) if name == "tomap" => value.clone(),
        ("one", [value]) => match closed(value)? {
            [] => Value::null(at),
            [only] => only.clone(),
            _ => return None,
        },
        ("keys", [value]) => {
            let Data::Object(object) = &value.data else { return None };
            object.rest.is_none().then_some(())?;
            let mut names: Vec<&Member> = object.members.iter().collect();
            names.sort_by(|left, right| left.name.cmp(&right.name));
            let names = names.into_iter().map(|it| Value::text(it.at, Rc::clone(&it.name)));
            Value::list(at, names.collect())
        }
        ("values", [value]) => {
            let Data::Object(object) = &value.data else { return None };
            object.rest.is_none().then_some(())?;
            let mut members: Vec<&Member> = object.members.iter().collect();
            members.sort_by(|left, right| left.name.cmp(&right.name));
            Value::list(at, members.into_iter().map(|it| it.value.clone()).collect())
        }
        ("length", [value]) => match &value.data {
            Data::List(list) if !list.is_open => Value::number(at, list.items.len()),
            Data::Object(object) if object.rest.is_none() => {
                Value::number(at, object.members.len())
            }
            Data::Text(pieces) if !is_symbolic(pieces) => {
                Value::number(at, value.known()?.chars().count())
            }
            _ => return None,
        },
        ("element", [list, index]) => {
            let items = closed(list)?;
            let index = index.index()?;
            let nth = index.checked_rem_euclid(i64::try_from(items.len()).ok()?)?;
            items.get(usize::try_from(nth).ok()?)?.clone()
        }
        ("lookup", [map, key]) => lookup(map, key, &Value::failed(at, "lookup(...)"), at)?,
        ("lookup", [map, key, default]) => lookup(map, key, default, at)?,
        ("contains", [list, wanted]) => contains(list, wanted, at)?,
        ("coalesce", values) => coalesce(values, at)?,
        ("coalescelist", lists) => coalesce_list(lists, at)?,
        ("reverse", [list]) => Value::list(at, closed(list)?.iter().rev().cloned().collect()),
        ("sort", [list]) => {
            let mut items: Vec<(Rc<str>, Value)> = closed(list)?
                .iter()
                .map(|item| Some((item.known()?, item.clone())))
                .collect::<Option<_>>()?;
            items.sort_by(|left, right| left.0.cmp(&right.0));
            Value::list(at, items.into_iter().map(|(_, item)| item).collect())
        }
        ("slice", [list, from, to]) => {
            let range = usize::try_from(from.index()?).ok()?..usize::try_from(to.index()?).ok()?;
            Value::list(at, closed(list)?.get(range)?.to_vec())
        }
        ("range", [end]) => range(0, end.index()?, at)?,
        ("range", [start, end]) => range(start.index()?, end.index()?, at)?,
        ("zipmap", [names, values]) => {
            let (names, values) = (closed(names)?, closed(values)?);
            let mut object = Object::default();
            for (name, value) in names.iter().zip(values) {
                object.set(Member { name: name.known()?, at: name.at, value: value.clone() });
            }
            Value::new(at, Data::Object(Rc::new(object)))
        }
        ("setunion", lists) => set(&concat(lists, at), at)?,
        ("setsubtract", [from, without]) => {
            let mut items = Vec::new();
            for item in closed(from)? {
                if contains(without, item, at)?.truth() == Some(false) {
                    items.push(item.clone());
                }
            }
            Value::set(at, items, false)
        }
        ("setintersection", [first, others @ ..]) => {
            let mut items = closed(first)?.to_vec();
            for other in others {
                let is_in = |item: &Value| contains(other, item, at)?.truth();
                let kept: Option<Vec<bool>> = items.iter().map(is_in).collect();
                let mut kept = kept?.into_iter();
                items.retain(|_| kept.next() == Some(true));
            }
            Value::set(at, items, false)
        }
        ("setproduct", [first, others @ ..]) if !others.is_empty() => product(first, others, at)?,
        ("min" | "max", numbers) => {
            let numbers: Vec<f64> = numbers.iter().map(number).collect::<Option<_>>()?;
            let of = |best: f64, number: f64| {
                if name == "min" { best.min(number) } else { best.max(number) }
            };
            Value::number(at, numbers.into_iter().reduce(of)?)
        }
        ("alltrue", [list]) => {
            let truths: Option<Vec<bool>> = closed(list)?.iter().map(Value::truth).collect();
            Value::bool(at, truths?.into_iter().all(|truth| truth))
        }
        ("anytrue", [list]) => {
            let truths: Option<Vec<bool>> = closed(list)?.iter().map(Value::truth).collect();
            Value::bool(at, truths?.into_iter().any(|truth| truth))
        }
        _ => return None,
    })
}

/// The items of a list whose length is known.
fn closed(value: &Value) -> Option<&[Value]> {
    match &value.data {
        Data::List(List { items, is_open: false, .. }) => Some(items),
        _ => None,
    }
}

/// All lists behind each other; one that is not known stands for any number of items.
fn concat(lists: &[Value], at: At) -> Value {
    let (mut items, mut is_open) = (Vec::new(), false);
    for list in lists {
        match &list.data {
            Data::List(list) => {
                for item in list.items.iter() {
                    if !(list.is_open && is_again(items.last(), item)) {
                        items.push(item.clone());
                    }
                }
                is_open |= list.is_open;
            }
            Data::Null => {}
            _ => {
                if !is_again(items.last(), list) {
                    items.push(list.clone());
                }
                is_open = true;
            }
        }
    }
    Value::open_list(at, items, is_open)
}

/// The first list that is neither null nor empty.
fn coalesce_list(lists: &[Value], at: At) -> Option<Value> {
    for list in lists.iter().filter(|list| !list.is_null()) {
        if !closed(list)?.is_empty() {
            return Some(list.clone());
        }
    }
    Some(Value::failed(at, "coalescelist(...)"))
}

/// The whole numbers from `start` up to `end`, which is none of them, or down to it.
fn range(start: i64, end: i64, at: At) -> Option<Value> {
    let count = i64::try_from(start.abs_diff(end)).ok().filter(|count| *count <= 1000)?;
    let step = if start <= end { 1 } else { -1 };
    let numbers = (0..count).map(|nth| Value::number(at, start + nth * step));
    Some(Value::list(at, numbers.collect()))
}

/// Each way to take one item of every list.
fn product(first: &Value, others: &[Value], at: At) -> Option<Value> {
    let mut rows: Vec<Vec<Value>> = closed(first)?.iter().map(|item| vec![item.clone()]).collect();
    for other in others {
        let other = closed(other)?;
        (rows.len().checked_mul(other.len())? <= PRODUCT).then_some(())?;
        let longer = |row: Vec<Value>| {
            other.iter().map(move |item| row.iter().chain([item]).cloned().collect())
        };
        rows = rows.into_iter().flat_map(longer).collect();
    }
    Some(Value::list(at, rows.into_iter().map(|row| Value::list(at, row)).collect()))
}

/// Whether what is not known is what the last item stands for already: any number of items.
fn is_again(last: Option<&Value>, item: &Value) -> bool {
    match (last.map(|last| &last.data), &item.data) {
        (Some(Data::Unknown(last)), Data::Unknown(item)) => Rc::ptr_eq(last, item),
        _ => false,
    }
}

fn flatten(value: &Value, into: &mut Vec<Value>, is_open: &mut bool) {
    match &value.data {
        Data::List(list) => {
            *is_open |= list.is_open;
            list.items.iter().for_each(|item| flatten(item, into, is_open));
        }
        Data::Unknown(_) | Data::OneOf(..) => {
            // It can be a list itself.
            *is_open = true;
            into.push(value.clone());
        }
        _ => into.push(value.clone()),
    }
}

/// Each item once; whether those that are not known are others, is not known.
fn distinct(list: &Value, at: At) -> Option<Value> {
    let Data::List(list) = &list.data else { return None };
    let (mut kept, mut is_open): (Vec<Value>, bool) = (Vec::new(), list.is_open);
    for item in list.items.iter() {
        let mut is_known = false;
        for known in &kept {
            match equal(known, item) {
                Some(true) => is_known = true,
                Some(false) => {}
                None => is_open = true,
            }
        }
        if !is_known {
            kept.push(item.clone());
        }
    }
    Some(Value::open_list(at, kept, is_open))
}

/// A list as a set: each item once, in the order of their texts, or of what they count.
pub(in super::super) fn set(list: &Value, at: At) -> Option<Value> {
    let once = distinct(list, at)?;
    let Data::List(List { items, is_open, .. }) = &once.data else { return Some(once) };
    let mut items = items.to_vec();
    if !is_open && items.iter().all(|item| matches!(item.data, Data::Number(_))) {
        items.sort_by(|left, right| {
            number(left).partial_cmp(&number(right)).unwrap_or(Ordering::Equal)
        });
    } else if !is_open && items.iter().all(|item| item.known().is_some()) {
        items.sort_by_cached_key(Value::known);
    }
    Some(Value::set(at, items, *is_open))
}

/// The items without those that are empty or null.
fn compact(list: &Value, at: At) -> Option<Value> {
    let Data::List(list) = &list.data else { return None };
    let (mut items, mut is_open) = (Vec::new(), list.is_open);
    for item in list.items.iter() {
        let is_empty = item.is_null() || item.known().is_some_and(|text| text.is_empty());
        if !is_empty {
            is_open |= item.doubt().is_some() && !has_text(item);
            items.push(item.clone());
        }
    }
    Some(Value::open_list(at, items, is_open))
}

fn merge(objects: &[Value], at: At) -> Option<Value> {
    let mut merged = Object::default();
    for object in objects {
        match &object.data {
            Data::Object(object) => {
                // What is not known of it may stand in place of what came before.
                if object.rest.is_some() && !merged.members.is_empty() {
                    return None;
                }
                merged.rest = merged.rest.take().or_else(|| object.rest.clone());
                object.members.iter().cloned().for_each(|member| merged.set(member));
            }
            Data::Null => {}
            _ if merged.members.is_empty() => merged.rest = object.doubt(),
            _ => return None,
        }
    }
    Some(Value::new(at, Data::Object(Rc::new(merged))))
}

fn lookup(map: &Value, key: &Value, default: &Value, at: At) -> Option<Value> {
    let Data::Object(object) = &map.data else { return None };
    let any = || {
        let default = Some(default).filter(|default| !default.fails());
        let said = key.doubt().unwrap_or_else(|| "lookup(...)".into());
        let open = Value::unknown(at, &*said).made_of([key]);
        any_of(map, default, &open)
    };
    let Some(known) = key.known() else { return any() };
    match (object.get(&known), &object.rest) {
        (Some(value), _) => Some(value.clone()),
        // What a symbol stands for may be any of the names.
        (None, None) if object.may_have(key) => any(),
        (None, None) => Some(default.clone()),
        (None, Some(_)) => None,
    }
}

fn contains(list: &Value, wanted: &Value, at: At) -> Option<Value> {
    let Data::List(list) = &list.data else { return None };
    let mut is_known = !list.is_open;
    for item in list.items.iter() {
        match equal(item, wanted) {
            Some(true) => return Some(Value::bool(at, true)),
            Some(false) => {}
            None => is_known = false,
        }
    }
    is_known.then(|| Value::bool(at, false))
}

/// The first value that is neither null nor empty.
fn coalesce(values: &[Value], at: At) -> Option<Value> {
    for value in values {
        match value.known() {
            Some(text) if text.is_empty() => {}
            Some(_) => return Some(value.clone()),
            None if value.is_null() => {}
            None if matches!(value.data, Data::List(_) | Data::Object(_)) => {
                return Some(value.clone());
            }
            None => {
                return has_text(value).then(|| value.clone());
            }
        }
    }
    Some(Value::failed(at, "coalesce(...)"))
}

/// Whether it is a text of which a part is known, which is not empty then; that of JSON never is.
fn has_text(value: &Value) -> bool {
    let is_some = |piece: &Piece| piece.known().is_some_and(|text| !text.is_empty());
    match &value.data {
        Data::Text(pieces) => pieces.iter().any(is_some),
        Data::Json(_) => true,
        _ => false,
    }
}
