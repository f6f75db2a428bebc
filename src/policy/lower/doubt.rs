//! What templates leave open: items that may stand there, and statements of which nothing is known.

use std::collections::BTreeSet;

use crate::policy::{
    Alternative, Effect, Element, Polarity, PolicyKind, Principal, PrincipalElement, Standing,
    Statement, Unresolved, Value,
};
use crate::source::{Located, Span};
use crate::syntax::{Kind, Node};

/// One of several branches of code.
#[derive(Clone, Copy)]
pub(super) struct Branch<'n> {
    /// What decides whether it is taken.
    expression: &'n str,
    /// Which of them it is.
    alternative: Alternative,
}

/// Calls `take` with each item of a list, or with the node itself as the only one; alternatives, as
/// templates make them, are laid flat, each with what decides whether it stands there.
pub(super) fn spread<'n, 'a>(
    node: &'n Node<'a>,
    take: &mut dyn FnMut(&'n Node<'a>, Option<&'n str>),
) {
    spread_branches(node, &mut |node, branch| take(node, branch.map(|branch| branch.expression)));
}

/// The same, each with the branch that it stands in.
pub(super) fn spread_branches<'n, 'a>(
    node: &'n Node<'a>,
    take: &mut dyn FnMut(&'n Node<'a>, Option<Branch<'n>>),
) {
    match &node.kind {
        Kind::Array(items) => items.iter().for_each(|item| spread_item(item, None, take)),
        _ => spread_item(node, None, take),
    }
}

fn spread_item<'n, 'a>(
    node: &'n Node<'a>,
    branch: Option<Branch<'n>>,
    take: &mut dyn FnMut(&'n Node<'a>, Option<Branch<'n>>),
) {
    let Kind::OneOf { expression, branches } = &node.kind else { return take(node, branch) };
    for (number, node_of_branch) in branches.iter().enumerate() {
        let branch = Branch { expression, alternative: Alternative { of: node.span, number } };
        node_of_branch.one_or_many().iter().for_each(|item| spread_item(item, Some(branch), take));
    }
}

/// The statement, which may not stand there where it is in a branch.
pub(super) fn in_branch(statement: Statement, branch: Option<Branch<'_>>) -> Statement {
    match branch {
        None => statement,
        Some(Branch { expression, alternative }) => Statement {
            doubt: Some(expression.into()),
            alternative: Some(alternative),
            ..statement
        },
    }
}

/// Takes the statements out that say the same in each branch: one of these is taken, so that they stand there
/// whichever it is.
pub(super) fn take_shared<T>(branches: &mut [(Vec<Statement>, T)]) -> Vec<Statement> {
    let form = |statement: &Statement| {
        let is_known =
            statement.standing == Standing::Sound && statement.unresolved().next().is_none();
        is_known.then(|| statement.normal_form())
    };
    let Some(((first, _), others)) = branches.split_first_mut() else { return Vec::new() };
    let forms = |all: &[Statement]| all.iter().filter_map(form).collect::<BTreeSet<String>>();
    let mut shared = forms(first);
    for (other, _) in others.iter() {
        let other = forms(other);
        shared.retain(|form| other.contains(form));
    }
    let is_shared = |statement: &Statement| form(statement).is_some_and(|it| shared.contains(&it));
    others.iter_mut().for_each(|(other, _)| other.retain(|it| !is_shared(it)));
    let (taken, own) = std::mem::take(first).into_iter().partition(is_shared);
    *first = own;
    taken
}

/// What stands for the effect of a statement, where it is not known.
pub(super) fn unknown_effect<'n>(statement: &'n Node<'_>) -> Option<&'n str> {
    match &statement.get("Effect")?.kind {
        Kind::Unresolved(Unresolved { expression, .. }) | Kind::OneOf { expression, .. } => {
            Some(expression)
        }
        _ => None,
    }
}

/// The statement with another effect.
pub(super) fn with_effect<'a>(statement: &Node<'a>, effect: &'static str) -> Node<'a> {
    let mut statement = statement.clone();
    if let Kind::Object(members) = &mut statement.kind {
        for member in members.iter_mut().filter(|member| member.name.value == "Effect") {
            member.value.kind = Kind::String(effect.into());
        }
    }
    statement
}

/// What decides on a part of a condition that is not known, or that may not stand there, and whether it asks for more
/// than is known: where it may not stand there, nothing may be left of it.
pub(super) fn open_condition<'n>(part: &'n Node<'_>) -> Option<(&'n str, bool)> {
    match &part.kind {
        Kind::Unresolved(Unresolved { expression, .. }) => Some((expression, true)),
        Kind::OneOf { expression, .. } => Some((expression, !part.may_be_none())),
        _ => None,
    }
}

/// Statements of which nothing is known.
pub(super) fn unknown_statements(span: Span, kind: PolicyKind, expression: &str) -> [Statement; 2] {
    let unknown = || {
        let value = Value::Unresolved(Box::new(Unresolved::unknown(expression)));
        Located::new(value, span)
    };
    let element = || Some(Element { polarity: Polarity::Is, values: vec![unknown()], span });
    let anyone = Principal::unresolved("", &Unresolved::unknown(expression));
    let principal = PrincipalElement {
        polarity: Polarity::Is,
        entries: vec![Located::new(anyone, span)],
        span,
    };
    [Effect::Allow, Effect::Deny].map(|effect| Statement {
        span,
        sid: None,
        effect: Some(Located::new(effect, span)),
        principal: kind.is_resource_policy().then(|| principal.clone()),
        action: element(),
        resource: if kind == PolicyKind::Trust { None } else { element() },
        conditions: Vec::new(),
        standing: Standing::Unwritten,
        doubt: Some(expression.into()),
        alternative: None,
        may_ask_more: true,
    })
}
