//! Values to the trees that policies are lowered from.

use std::borrow::Cow;
use std::rc::Rc;

use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{FileId, Located, Place, Span};
use crate::syntax::{Kind, Member, Node, Unresolved};

use super::super::declared;
use super::evaluator::Evaluator;
use super::value::{At, Data, Value, shape};

impl Evaluator<'_> {
    /// The policy that a value is; `doubt` decides whether it is there at all.
    pub(super) fn policy(
        &self,
        kind: PolicyKind,
        value: &Value,
        doubt: Option<Rc<str>>,
    ) -> PolicyDocument {
        self.one_of_policies(kind, std::slice::from_ref(value), doubt)
    }

    /// One of several policies, or none of them, where `doubt` says what decides.
    pub(super) fn one_of_policies(
        &self,
        kind: PolicyKind,
        values: &[Value],
        doubt: Option<Rc<str>>,
    ) -> PolicyDocument {
        let trees: Vec<Value> = values.iter().map(|value| self.tree(value)).collect();
        let at = trees.first().map_or_else(
            || At::new(FileId(0), None),
            |tree| match &tree.data {
                Data::OneOf(_, branches) => branches.first().map_or(tree.at, |branch| branch.at),
                _ => tree.at,
            },
        );
        let mut nodes: Vec<Node<'static>> =
            trees.iter().map(|tree| node(tree, at, Part::Document)).collect();
        let node = match (doubt, nodes.len()) {
            (None, 1) => nodes.remove(0),
            (doubt, _) => {
                let expression = doubt.unwrap_or_else(|| "which policy is in force".into());
                let kind = Kind::OneOf { expression: Box::from(&*expression), branches: nodes };
                Node { span: at.span, tag: None, kind }
            }
        };
        let end = self.text(at.file).len();
        let place = Place::plain(at.file, Span::new(0, end));
        declared::policy(&self.symbols, place, kind, &node).standing_at(at.span)
    }

    /// The document in a JSON text; one that is no JSON stays a text.
    fn tree(&self, value: &Value) -> Value {
        match &value.data {
            Data::OneOf(expression, branches) => {
                let branches = branches.iter().map(|branch| self.tree(branch)).collect();
                Value::one_of(value.at, Rc::clone(expression), branches)
            }
            Data::Json(document) => (**document).clone(),
            Data::Text(pieces) => match (self.json(value), value.doubt()) {
                (Some(document), _) => document,
                (None, Some(doubt)) => Value::unknown(value.at, &*doubt),
                (None, None) => {
                    let fault = super::json::fault(pieces, &|file| self.text(file));
                    value.clone().moved(fault.unwrap_or(value.at))
                }
            },
            _ => value.clone(),
        }
    }
}

/// The tree of a document in the file of `around`.
pub(super) fn tree(document: &Value, around: At) -> Node<'static> {
    node(document, around, Part::Document)
}

/// What part of a policy a tree is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The document.
    Document,
    /// Anything in it.
    Inside,
}

/// The tree of a value in the file of `around`; what was written elsewhere is taken to stand there.
fn node(value: &Value, around: At, part: Part) -> Node<'static> {
    let at = if value.at.file == around.file { value.at } else { around };
    let unresolved = |expression: &str, shape: &str| {
        Kind::Unresolved(Unresolved { expression: expression.into(), shape: shape.into() })
    };
    let kind = match &value.data {
        Data::Null => Kind::Null,
        Data::Bool(truth) => Kind::Bool(*truth),
        Data::Number(number) => Kind::Number(Cow::Owned(number.to_string())),
        Data::Text(pieces) => match value.known() {
            Some(text) => Kind::String(Cow::Owned(text.to_string())),
            None => {
                let (shape, written) = shape(pieces);
                unresolved(&written, &shape)
            }
        },
        Data::Json(_) => match value.known() {
            Some(text) => Kind::String(Cow::Owned(text.to_string())),
            None => unresolved("a JSON text", "*"),
        },
        Data::List(list) => {
            Kind::Array(list.items.iter().map(|item| node(item, at, Part::Inside)).collect())
        }
        Data::Object(object) => {
            // It decides what all the rest means.
            let version = || object.get("Version").filter(|_| part == Part::Document)?.doubt();
            match object.rest.clone().or_else(version) {
                Some(expression) => unresolved(&expression, "*"),
                None => Kind::Object(object.members.iter().map(|it| member(it, at)).collect()),
            }
        }
        Data::OneOf(expression, branches) => Kind::OneOf {
            expression: Box::from(&**expression),
            branches: branches
                .iter()
                .filter(|branch| !branch.is_null())
                .map(|branch| node(branch, at, part))
                .collect(),
        },
        Data::Unknown(hole) => unresolved(&hole.expression, &hole.shape),
    };
    Node { span: at.span, tag: None, kind }
}

fn member(member: &super::value::Member, around: At) -> Member<'static> {
    let at = if member.at.file == around.file { member.at } else { around };
    let name = Located::new(Cow::Owned(member.name.to_string()), at.span);
    Member { name, value: node(&member.value, around, Part::Inside) }
}
