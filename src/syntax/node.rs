//! The tree that every input format is read into.

use std::borrow::Cow;

use crate::source::{Located, Span};

/// A value of a document and the bytes it was read from.
#[derive(Clone, PartialEq, Debug)]
pub struct Node<'a> {
    /// The value's range: from its first to behind its last byte; a string's quotes are inside.
    pub span: Span,
    /// An explicit YAML tag such as `!Sub`, with its exclamation mark; never set in JSON.
    pub tag: Option<Located<Cow<'a, str>>>,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a [`Node`] is.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written; never converted, so a 12-digit account id keeps its zeros.
    Number(Cow<'a, str>),
    /// A string, decoded.
    String(Cow<'a, str>),
    /// A list, in order.
    Array(Vec<Node<'a>>),
    /// An object, its members in order; a name that stands twice is there twice.
    Object(Vec<Member<'a>>),
    /// A value that is not known, or not wholly. No text reads as this: templates are evaluated to it.
    Unresolved(Unresolved),
    /// At most one of several values, and nobody knows which. No text reads as this either.
    OneOf {
        /// What decides, for messages.
        expression: Box<str>,
        /// The values; that none of them stands there is possible as well.
        branches: Vec<Node<'a>>,
    },
}

/// A value that is not known, or not wholly.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Unresolved {
    /// What stands for it where it is written, for messages: `!Ref Team`, `var.team`.
    pub expression: Box<str>,
    /// A pattern (`*`, `?`) that it matches whatever it turns out to be; `*` where nothing is known.
    pub shape: Box<str>,
}

/// What begins the expression of a value that asks whether two names are one: a known value that could
/// name something whose name is not known.
pub const WHETHER: &str = "whether ";

/// What begins the words for what a file that could not be read may say of something.
pub const BROKEN: &str = "what a broken file says of ";

/// What begins the words for whether a policy of an organization binds an account.
pub const LIMITS: &str = "if the ";

/// Whether nothing is not known but which account, Region or name something will have once it is
/// deployed.
pub fn is_of_deployment(expression: &str) -> bool {
    expression.starts_with(WHETHER)
}

/// What is not known, without what else it may name that only its deployment tells: one value has as
/// many such readings as there are names.
pub fn without_deployment(expression: &str) -> &str {
    let reading = expression.match_indices(", ").find(|(at, comma)| {
        let rest = expression.get(at + comma.len()..);
        rest.is_some_and(is_of_deployment)
    });
    reading.and_then(|(at, _)| expression.get(..at)).unwrap_or(expression)
}

impl Unresolved {
    /// A value of which nothing is known.
    pub fn unknown(expression: impl Into<Box<str>>) -> Self {
        Self { expression: expression.into(), shape: "*".into() }
    }
}

/// A name and its value in an object.
#[derive(Clone, PartialEq, Debug)]
pub struct Member<'a> {
    /// The name, decoded; its span includes the quotes it is written with.
    pub name: Located<Cow<'a, str>>,
    /// The value.
    pub value: Node<'a>,
}

/// What is wrong with a text, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The smallest range that shows it.
    pub span: Span,
    /// One line, lower case, no full stop.
    pub message: String,
}

impl<'a> Node<'a> {
    /// The value of the first member called `name`, where this is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members().iter().find(|member| member.name.value == name).map(|member| &member.value)
    }

    /// The members of an object; none for every other kind.
    pub fn members(&self) -> &[Member<'a>] {
        match &self.kind {
            Kind::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of a list, or the node itself as the only one.
    pub fn one_or_many(&self) -> &[Node<'a>] {
        match &self.kind {
            Kind::Array(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string, a number as written, or a boolean as `true` or `false`.
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) | Kind::Number(text) => Some(text),
            Kind::Bool(true) => Some("true"),
            Kind::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// Whether it hangs on something that is not known, and there may be none: as where one of two branches gives
    /// nothing.
    pub fn may_be_none(&self) -> bool {
        match &self.kind {
            Kind::OneOf { branches, .. } => {
                branches.len() < 2 || branches.iter().any(Self::may_be_none)
            }
            _ => false,
        }
    }

    /// What it is, in a word for messages.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::Array(_) => "a list",
            Kind::Object(_) => "an object",
            Kind::Unresolved(_) | Kind::OneOf { .. } => "not known",
        }
    }
}
