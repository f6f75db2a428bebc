//! `Fn::ForEach` of `AWS::LanguageExtensions`: what a loop makes, written out before anything is evaluated.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html>

use std::borrow::Cow;
use std::cell::Cell;

use crate::source::Located;
use crate::syntax::{Kind, Member, Node};

use super::super::declared::Deployment;
use super::Template;
use super::evaluate::function;

/// What the name of a loop begins with.
const LOOP: &str = "Fn::ForEach::";

/// How many members the loops of one template make.
const MADE: usize = 5000;

/// How deep loops and objects lie in one another.
const DEPTH: usize = 64;

/// The templates with their loops written out; a loop over what is not known stays.
pub(super) fn unrolled<'t>(
    templates: &'t [Template],
    deployment: &Deployment,
) -> Cow<'t, [Template]> {
    let has_loop = |template: &Template| template.has_loops;
    if !templates.iter().any(has_loop) {
        return Cow::Borrowed(templates);
    }
    let unroll = |template: &Template| {
        if !template.has_loops {
            return template.clone();
        }
        let loops = Loops { root: &template.root, deployment, left: Cell::new(MADE) };
        Template { root: loops.node(&template.root, &[], 0), ..template.clone() }
    };
    Cow::Owned(templates.iter().map(unroll).collect())
}

/// Whether a loop stands somewhere in a tree.
pub(super) fn has_loops(node: &Node<'_>) -> bool {
    match &node.kind {
        Kind::Array(items) => items.iter().any(has_loops),
        Kind::Object(members) => {
            members.iter().any(|it| it.name.value.starts_with(LOOP) || has_loops(&it.value))
        }
        _ => false,
    }
}

/// The names that the loops around a place bind, each with its value.
type Bound<'b> = &'b [(&'b str, &'b str)];

struct Loops<'t> {
    root: &'t Node<'static>,
    deployment: &'t Deployment,
    left: Cell<usize>,
}

impl Loops<'_> {
    fn node(&self, node: &Node<'static>, bound: Bound<'_>, depth: usize) -> Node<'static> {
        if depth > DEPTH {
            return node.clone();
        }
        if let Some(("Ref", argument)) = function(node)
            && let Some((_, value)) =
                bound.iter().find(|(name, _)| argument.as_str() == Some(*name))
        {
            let kind = Kind::String(Cow::Owned((*value).to_owned()));
            return Node { span: node.span, tag: None, kind };
        }
        let kind = match &node.kind {
            Kind::String(text) => Kind::String(filled(text, bound)),
            Kind::Array(items) => {
                Kind::Array(items.iter().map(|item| self.node(item, bound, depth + 1)).collect())
            }
            Kind::Object(members) => Kind::Object(self.members(members, bound, depth + 1)),
            kind => kind.clone(),
        };
        Node { kind, ..node.clone() }
    }

    fn members(
        &self,
        members: &[Member<'static>],
        bound: Bound<'_>,
        depth: usize,
    ) -> Vec<Member<'static>> {
        let mut made = Vec::new();
        for member in members {
            let is_loop = member.name.value.starts_with(LOOP);
            match self.each(&member.value, bound, depth).filter(|_| is_loop) {
                Some(members) => made.extend(members),
                None => made.push(Member {
                    name: Located::new(filled(&member.name.value, bound), member.name.span),
                    value: self.node(&member.value, bound, depth),
                }),
            }
        }
        made
    }

    /// What a loop makes: `[Name, values, { Member: value }]`.
    fn each(
        &self,
        node: &Node<'static>,
        bound: Bound<'_>,
        depth: usize,
    ) -> Option<Vec<Member<'static>>> {
        let Kind::Array(parts) = &node.kind else { return None };
        let [name, values, body] = parts.as_slice() else { return None };
        let (name, values) = (name.as_str()?, self.values(values, bound)?);
        let mut made = Vec::new();
        for value in &values {
            let left = self.left.get().checked_sub(body.members().len().max(1))?;
            self.left.set(left);
            let inner: Vec<(&str, &str)> =
                [(name, value.as_str())].into_iter().chain(bound.iter().copied()).collect();
            made.extend(self.members(body.members(), &inner, depth));
        }
        Some(made)
    }

    /// The values of a loop: a list of texts, or a parameter that is one.
    fn values(&self, node: &Node<'static>, bound: Bound<'_>) -> Option<Vec<String>> {
        if let Some(("Ref", argument)) = function(node) {
            return self.parameter(argument.as_str()?);
        }
        let Kind::Array(items) = &node.kind else { return None };
        let mut values = Vec::new();
        for item in items {
            match function(item) {
                Some(("Ref", argument)) => values.extend(self.parameter(argument.as_str()?)?),
                Some(_) => return None,
                None => values.push(filled(item.scalar()?, bound).into_owned()),
            }
        }
        Some(values)
    }

    fn parameter(&self, name: &str) -> Option<Vec<String>> {
        let declared = self.root.get("Parameters")?.get(name)?;
        let of_type = declared.get("Type").and_then(Node::as_str).unwrap_or("String");
        let given = self.deployment.variables.get(name);
        if of_type.starts_with("AWS::SSM::Parameter::Value") && given.is_none() {
            return None;
        }
        let given = given.or_else(|| self.deployment.parameters.get(name)).map(|text| &**text);
        let text = given.or_else(|| declared.get("Default").and_then(Node::scalar))?;
        let items = text.split(',').map(|item| item.trim().to_owned());
        Some(if of_type.contains("List") { items.collect() } else { vec![text.to_owned()] })
    }
}

/// A text with the names that loops bind: `${Name}`, or `&{Name}` for its letters and digits alone.
fn filled(text: &str, bound: Bound<'_>) -> Cow<'static, str> {
    let mut filled = text.to_owned();
    for (name, value) in bound {
        if filled.contains(name) {
            let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
            filled = filled.replace(&format!("${{{name}}}"), value);
            filled = filled.replace(&format!("&{{{name}}}"), &plain);
        }
    }
    Cow::Owned(filled)
}
