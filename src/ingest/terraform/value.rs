//! What an expression evaluates to, as far as that is known, each part with the place it was written at.

use std::rc::Rc;

use crate::source::{FileId, Span};

use super::super::declared::may_be_symbolic;

/// Where something is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct At {
    pub(super) file: FileId,
    pub(super) span: Span,
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) at: At,
    pub(super) data: Data,
    /// What it and all in it would take, in bytes, were each part written out.
    weight: usize,
    /// Whether evaluation fails at it, or at a part of it, for sure.
    fails: bool,
}

/// What a [`Value`] is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    /// A number as it is printed.
    Number(Rc<str>),
    /// A text in pieces, some of which may not be known.
    Text(Rc<[Piece]>),
    /// The text that `jsonencode` makes of a value.
    Json(Rc<Value>),
    List(List),
    Object(Rc<Object>),
    /// At most one of several, and nobody knows which.
    OneOf(Rc<str>, Rc<[Value]>),
    Unknown(Rc<Hole>),
}

/// A list, tuple or set.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) items: Rc<[Value]>,
    /// Whether some of the items stand for any number of items.
    pub(super) is_open: bool,
    /// Whether it is a set, whose items are their own keys.
    pub(super) is_set: bool,
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) at: At,
    pub(super) data: PieceData,
}

/// What a [`Piece`] is.
#[derive(Clone, Debug)]
pub(super) enum PieceData {
    Known(Rc<str>),
    /// A text that stands for one that will be known: a declared key's ARN. Syntax is not looked for in it.
    Symbol(Rc<str>),
    Hole(Rc<Hole>),
}

/// A value, or a part of a text, that is not known.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    /// What stands there in the source.
    pub(super) expression: Box<str>,
    /// A pattern that it matches as a text.
    pub(super) shape: Box<str>,
    /// Whether evaluation fails there for sure, so that `try` goes on.
    pub(super) fails: bool,
    /// What may stand there where a text is a document.
    pub(super) inside: Inside,
}

/// What may stand in a document in the place of a [`Hole`].
#[derive(Clone, Debug)]
pub(super) enum Inside {
    /// A value, or a part of a string.
    Value,
    /// The same, or the end of a string, others, and the beginning of one: a quote is written in what makes it.
    Values,
    /// These parts of the text, each any number of times.
    Parts(Vec<Vec<Piece>>),
    /// Any part of the text.
    Anything,
}

impl Hole {
    /// A hole that matches `shape` as a text.
    pub(super) fn new(expression: impl Into<Box<str>>, shape: impl Into<Box<str>>) -> Self {
        let (expression, shape): (Box<str>, Box<str>) = (expression.into(), shape.into());
        let inside = if expression.contains("\\\"") { Inside::Values } else { Inside::Value };
        Self { expression, shape, fails: false, inside }
    }
}

/// An object or map, its members in order.
#[derive(Clone, Default, Debug)]
pub(super) struct Object {
    pub(super) members: Vec<Member>,
    /// What decides which further members there are, where that is not known.
    pub(super) rest: Option<Rc<str>>,
}

/// A member of an [`Object`].
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: Rc<str>,
    /// Where the name is written.
    pub(super) at: At,
    pub(super) value: Value,
}

/// How long a text may grow while it is evaluated, in bytes.
pub(super) const TEXT: usize = 4 << 20;

/// How much a value with all its parts may weigh.
pub(super) const WEIGHT: usize = 16 << 20;

/// What a value weighs beside its parts.
const PART: usize = 32;

impl At {
    pub(super) fn new(file: FileId, range: Option<std::ops::Range<usize>>) -> Self {
        let range = range.unwrap_or_default();
        Self { file, span: Span::new(range.start, range.end) }
    }
}

impl Value {
    pub(super) fn new(at: At, data: Data) -> Self {
        let weight = data.weight().saturating_add(PART);
        if weight > WEIGHT {
            return Self::too_large(at);
        }
        let fails = data.fails();
        Self { at, data, weight, fails }
    }

    /// A value that grew beyond what is followed.
    pub(super) fn too_large(at: At) -> Self {
        Self::unknown(at, "a value of more than 16 MB")
    }

    pub(super) fn null(at: At) -> Self {
        Self::new(at, Data::Null)
    }

    pub(super) fn bool(at: At, truth: bool) -> Self {
        Self::new(at, Data::Bool(truth))
    }

    pub(super) fn number(at: At, number: impl ToString) -> Self {
        Self::new(at, Data::Number(number.to_string().into()))
    }

    /// A text that is known.
    pub(super) fn text(at: At, text: impl Into<Rc<str>>) -> Self {
        Self::pieces(at, vec![Piece { at, data: PieceData::Known(text.into()) }])
    }

    /// A text that stands for one that will be known.
    pub(super) fn symbol(at: At, text: impl Into<Rc<str>>) -> Self {
        Self::pieces(at, vec![Piece { at, data: PieceData::Symbol(text.into()) }])
    }

    pub(super) fn pieces(at: At, pieces: Vec<Piece>) -> Self {
        let length: usize = pieces.iter().map(Piece::len).sum();
        if length > TEXT {
            return Self::unknown(at, "a text of more than 4 MB");
        }
        Self::new(at, Data::Text(pieces.into()))
    }

    pub(super) fn list(at: At, items: Vec<Value>) -> Self {
        Self::open_list(at, items, false)
    }

    pub(super) fn open_list(at: At, items: Vec<Value>, is_open: bool) -> Self {
        Self::new(at, Data::List(List { items: items.into(), is_open, is_set: false }))
    }

    /// A set of items in their order.
    pub(super) fn set(at: At, items: Vec<Value>, is_open: bool) -> Self {
        Self::new(at, Data::List(List { items: items.into(), is_open, is_set: true }))
    }

    pub(super) fn object(at: At, members: Vec<Member>) -> Self {
        Self::new(at, Data::Object(Rc::new(Object { members, rest: None })))
    }

    /// A value of which nothing is known.
    pub(super) fn unknown(at: At, expression: impl Into<Box<str>>) -> Self {
        Self::shaped(at, expression, "*")
    }

    /// A value that matches `shape` as a text.
    pub(super) fn shaped(
        at: At,
        expression: impl Into<Box<str>>,
        shape: impl Into<Box<str>>,
    ) -> Self {
        Self::new(at, Data::Unknown(Rc::new(Hole::new(expression, shape))))
    }

    /// What evaluation fails at.
    pub(super) fn failed(at: At, expression: impl Into<Box<str>>) -> Self {
        let hole = Hole { fails: true, ..Hole::new(expression, "*") };
        Self::new(at, Data::Unknown(Rc::new(hole)))
    }

    /// At most one of `branches`.
    pub(super) fn one_of(at: At, expression: impl Into<Rc<str>>, branches: Vec<Value>) -> Self {
        Self::new(at, Data::OneOf(expression.into(), branches.into()))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// Whether evaluation fails at it, or at a part of it, for sure.
    pub(super) fn fails(&self) -> bool {
        self.fails
    }

    /// What it weighs with all its parts.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// This value, made of others: where evaluation fails at one of them it fails here.
    pub(super) fn made_of<'v>(mut self, others: impl IntoIterator<Item = &'v Value>) -> Self {
        self.fails |= others.into_iter().any(Value::fails);
        self
    }

    /// What is not known about it as a whole; nothing where it is known, or a part of it.
    pub(super) fn doubt(&self) -> Option<Rc<str>> {
        match &self.data {
            Data::Unknown(hole) => Some(Rc::from(&*hole.expression)),
            Data::OneOf(expression, _) => Some(Rc::clone(expression)),
            Data::Text(pieces) => pieces.iter().find_map(|piece| match &piece.data {
                PieceData::Hole(hole) => Some(Rc::from(&*hole.expression)),
                _ => None,
            }),
            _ => None,
        }
    }

    /// Its text, where it is a scalar that is known.
    pub(super) fn known(&self) -> Option<Rc<str>> {
        match &self.data {
            Data::Bool(truth) => Some(if *truth { "true".into() } else { "false".into() }),
            Data::Number(text) => Some(Rc::clone(text)),
            Data::Text(pieces) => match &**pieces {
                [Piece { data: PieceData::Known(text) | PieceData::Symbol(text), .. }] => {
                    Some(Rc::clone(text))
                }
                pieces => pieces.iter().map(Piece::known).collect::<Option<String>>().map(Rc::from),
            },
            Data::Json(value) => super::json::encode(value).map(Rc::from),
            _ => None,
        }
    }

    /// Its truth, where it is known; a text says it, too.
    pub(super) fn truth(&self) -> Option<bool> {
        match self.known().as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }
    }

    /// A whole number that is known.
    pub(super) fn index(&self) -> Option<i64> {
        self.known()?.parse().ok()
    }

    /// Its pieces as a text; nothing where it can be none.
    pub(super) fn as_pieces(&self) -> Option<Vec<Piece>> {
        let one = |data| Some(vec![Piece { at: self.at, data }]);
        match &self.data {
            Data::Text(pieces) => Some(pieces.to_vec()),
            Data::Bool(_) | Data::Number(_) => one(PieceData::Known(self.known()?)),
            Data::Unknown(hole) => one(PieceData::Hole(Rc::clone(hole))),
            Data::OneOf(expression, branches) => {
                let has_quote = |it: &Value| match &it.data {
                    Data::Text(pieces) => pieces.iter().any(Piece::has_quote),
                    _ => false,
                };
                let inside = match branches.iter().any(has_quote) {
                    true => Inside::Values,
                    false => Inside::Value,
                };
                one(PieceData::Hole(Rc::new(Hole { inside, ..Hole::new(&**expression, "*") })))
            }
            Data::Json(_) => match self.known() {
                Some(text) => one(PieceData::Known(text)),
                None => {
                    let hole = Hole::new("a JSON text that is known in part", "*");
                    one(PieceData::Hole(Rc::new(hole)))
                }
            },
            Data::Null | Data::List(_) | Data::Object(_) => None,
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(list) => Some(&list.items),
            _ => None,
        }
    }

    /// The member of an object.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        match &self.data {
            Data::Object(object) => object.get(name),
            _ => None,
        }
    }

    /// This value, written elsewhere as a whole.
    pub(super) fn moved(mut self, at: At) -> Self {
        self.at = at;
        self
    }
}

impl Data {
    /// What all parts weigh.
    fn weight(&self) -> usize {
        let sum =
            |parts: &[Value]| parts.iter().fold(0, |sum: usize, it| sum.saturating_add(it.weight));
        match self {
            Self::Text(pieces) => pieces.iter().map(Piece::len).sum(),
            Self::Json(value) => value.weight,
            Self::List(list) => sum(&list.items),
            Self::OneOf(_, branches) => sum(branches),
            Self::Object(object) => object.members.iter().fold(0, |sum: usize, member| {
                sum.saturating_add(member.name.len()).saturating_add(member.value.weight)
            }),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Unknown(_) => 0,
        }
    }

    /// Whether evaluation fails at a part for sure.
    fn fails(&self) -> bool {
        match self {
            Self::Unknown(hole) => hole.fails,
            Self::Text(pieces) => pieces
                .iter()
                .any(|piece| matches!(&piece.data, PieceData::Hole(hole) if hole.fails)),
            Self::Json(value) => value.fails,
            Self::List(list) => list.items.iter().any(Value::fails),
            Self::Object(object) => object.members.iter().any(|member| member.value.fails),
            // Nobody knows whether it is there.
            Self::OneOf(..) => false,
            Self::Null | Self::Bool(_) | Self::Number(_) => false,
        }
    }
}

impl List {
    /// Whether it may lack items, or have others: one that is open only because two of its items may be
    /// the same has those that it has.
    pub(super) fn is_doubted(&self) -> bool {
        self.is_open && self.items.iter().any(|item| item.doubt().is_some())
    }
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.iter().rev().find(|member| *member.name == *name).map(|member| &member.value)
    }

    /// Whether it has no member of this name, and may have one all the same: one of the names is, or stands
    /// in part for, a text that will be known.
    pub(super) fn may_have(&self, name: &Value) -> bool {
        let Some(known) = name.known() else { return true };
        if self.get(&known).is_some() {
            return false;
        }
        let is_open = matches!(&name.data, Data::Text(pieces) if super::is_symbolic(pieces));
        !self.members.is_empty() && is_open
            || self.members.iter().any(|member| may_be_symbolic(&member.name))
    }

    /// Sets a member, in place of one of the same name.
    pub(super) fn set(&mut self, member: Member) {
        match self.members.iter_mut().find(|known| known.name == member.name) {
            Some(known) => *known = member,
            None => self.members.push(member),
        }
    }
}

impl Piece {
    pub(super) fn known(&self) -> Option<&str> {
        match &self.data {
            PieceData::Known(text) | PieceData::Symbol(text) => Some(text),
            PieceData::Hole(_) => None,
        }
    }

    /// Whether a quote stands in it, or in what makes it.
    fn has_quote(&self) -> bool {
        match &self.data {
            PieceData::Known(text) | PieceData::Symbol(text) => text.contains('"'),
            PieceData::Hole(hole) => !matches!(hole.inside, Inside::Value),
        }
    }

    fn len(&self) -> usize {
        self.known().map_or(1, str::len)
    }
}

/// What a text of pieces is as a pattern, and as its author wrote it.
pub(super) fn shape(pieces: &[Piece]) -> (String, String) {
    let (mut shape, mut written) = (String::new(), String::new());
    for piece in pieces {
        match &piece.data {
            PieceData::Known(text) | PieceData::Symbol(text) => {
                // A policy variable is a hole of its own.
                let mut rest = &**text;
                while let Some((before, behind)) = rest.split_once("${") {
                    shape.push_str(before);
                    shape.push('*');
                    rest = behind.split_once('}').map_or("", |(_, rest)| rest);
                }
                shape.push_str(rest);
                written.push_str(text);
            }
            PieceData::Hole(hole) => {
                shape.push_str(&hole.shape);
                match pieces.len() {
                    1 => written.push_str(&hole.expression),
                    _ => written.push_str(&format!("${{{}}}", hole.expression)),
                }
            }
        }
    }
    while shape.contains("**") {
        shape = shape.replace("**", "*");
    }
    (shape, written)
}
