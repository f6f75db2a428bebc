//! What is supposed of conditions while a branch is evaluated, or a resource that is there only where they hold.

use std::collections::BTreeSet;

use crate::syntax::{Kind, Node};

use super::conditions::Truth;
use super::evaluate::{At, function, text_of};
use super::stacks::InStack;
use super::text;

/// How many conditions of one value are supposed to hold and not to hold, each with each.
const TOGETHER: usize = 4;

/// What is supposed to hold, or not to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Supposed {
    /// A condition.
    Condition(InStack),
    /// That two texts are the same.
    Same(String, String),
}

impl<'w, 't> At<'w, 't> {
    /// What `ask` gives where the condition called `name` holds, or does not.
    pub(super) fn supposing<T>(self, name: &str, holds: bool, ask: impl FnOnce() -> T) -> T {
        let mut all = Vec::new();
        self.follows(name, holds, &mut all);
        let before = self.world.supposed.borrow().len();
        self.world.supposed.borrow_mut().extend(all);
        let conditions = self.world.conditions.take();
        let made = ask();
        self.world.conditions.replace(conditions);
        self.world.supposed.borrow_mut().truncate(before);
        made
    }

    /// What holds, or does not, where the condition called `name` does or does not.
    fn follows(self, name: &str, holds: bool, all: &mut Vec<(Supposed, bool)>) {
        all.push((Supposed::Condition((self.number, name.into())), holds));
        let written = self.stack.template.root.get("Conditions").and_then(|it| it.get(name));
        if let Some((node, at)) = written.zip(self.deeper()) {
            at.follows_as_written(node, holds, all);
        }
    }

    fn follows_as_written(
        self,
        node: &Node<'static>,
        holds: bool,
        all: &mut Vec<(Supposed, bool)>,
    ) {
        if let Some(name) = named(node) {
            return self.follows(name, holds, all);
        }
        let Some(((function, argument), at)) = function(node).zip(self.deeper()) else { return };
        match (function, argument.one_or_many()) {
            ("Not", [inner]) => at.follows_as_written(inner, !holds, all),
            // All of them hold where `And` does; none does where `Or` does not.
            ("And", items) if holds => {
                items.iter().for_each(|item| at.follows_as_written(item, true, all));
            }
            ("Or", items) if !holds => {
                items.iter().for_each(|item| at.follows_as_written(item, false, all));
            }
            ("Equals", [left, right]) => {
                let text = |node| text_of(&at.eval(node)?);
                let same = text(left).zip(text(right));
                all.extend(same.map(|(left, right)| (Supposed::Same(left, right), holds)));
            }
            _ => {}
        }
    }

    /// Whether the condition called `name` is supposed to hold; nothing where nothing is supposed of it.
    pub(super) fn is_supposed(self, name: &str) -> Option<bool> {
        let asked = Supposed::Condition((self.number, name.into()));
        let supposed = self.world.supposed.borrow();
        supposed.iter().find(|(of, _)| *of == asked).map(|(_, holds)| *holds)
    }

    /// Whether two texts are the same where that follows from what is supposed.
    pub(super) fn is_same_as_supposed(self, left: &str, right: &str) -> Option<bool> {
        let supposed = self.world.supposed.borrow();
        let told = |of: &str, holds: bool| -> Vec<String> {
            let others = supposed.iter().filter_map(|(it, it_holds)| match it {
                Supposed::Same(one, other) if one == of => Some((other, *it_holds)),
                Supposed::Same(other, one) if one == of => Some((other, *it_holds)),
                _ => None,
            });
            others.filter(|it| it.1 == holds).map(|(other, _)| other.clone()).collect()
        };
        let is_other = |others: &[String], text: &str| others.iter().any(|other| other == text);
        if is_other(&told(left, true), right) {
            return Some(true);
        }
        if is_other(&told(left, false), right) {
            return Some(false);
        }
        [(left, right), (right, left)].into_iter().find_map(|(open, known)| {
            let by_value = || told(open, true).iter().find_map(|value| text::same(value, known));
            by_value().or_else(|| {
                // What is left of its choices.
                let others = told(open, false);
                let mut left = text::expansions(open).filter(|_| !text::is_known(open))?;
                left.retain(|choice| !is_other(&others, choice));
                let same = left.iter().map(|choice| text::same(choice, known));
                let same: BTreeSet<Option<bool>> = same.collect();
                match same.into_iter().collect::<Vec<_>>().as_slice() {
                    [only] => *only,
                    _ => None,
                }
            })
        })
    }

    /// What `ask` gives in each of those cases that tell apart what several parts of a value hang on together, with
    /// the conditions that decide; nothing where each part hangs on something of its own.
    pub(super) fn each_case<T>(
        self,
        value: &Node<'static>,
        ask: &dyn Fn() -> T,
    ) -> Vec<(Vec<Box<str>>, T)> {
        let mut asked = Vec::new();
        conditions(value, &mut asked);
        let mut names: Vec<&str> = asked.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.open_condition(name).is_some());
        let is_open = |name: &&str| self.open_condition(name).is_some();
        let decides = |name: &str| {
            let others = names.iter().filter(|other| **other != name);
            asked.iter().filter(|it| *it == name).count() > 1
                || [true, false]
                    .into_iter()
                    .any(|holds| self.supposing(name, holds, || !others.clone().all(is_open)))
        };
        let several: Vec<&str> = names.iter().copied().filter(|name| decides(name)).collect();
        let mut found = Vec::new();
        if several.len() <= TOGETHER && !several.is_empty() {
            self.cases(&several, &mut Vec::new(), ask, &mut found);
        }
        found
    }

    fn cases<T>(
        self,
        names: &[&str],
        open: &mut Vec<Box<str>>,
        ask: &dyn Fn() -> T,
        found: &mut Vec<(Vec<Box<str>>, T)>,
    ) {
        let Some((name, rest)) = names.split_first() else {
            return found.push((open.clone(), ask()));
        };
        match self.open_condition(name) {
            None => self.cases(rest, open, ask, found),
            Some(told) => {
                open.push(told);
                for holds in [true, false] {
                    self.supposing(name, holds, || self.cases(rest, open, ask, found));
                }
                open.pop();
            }
        }
    }

    /// What decides, where nobody knows whether a condition holds.
    fn open_condition(self, name: &str) -> Option<Box<str>> {
        match self.condition(name) {
            Truth::Unknown(told) => Some(told),
            Truth::True | Truth::False => None,
        }
    }
}

/// The name of a condition that stands in place of what it is written as.
fn named<'n>(node: &'n Node<'static>) -> Option<&'n str> {
    match node.members() {
        [member] if member.name.value == "Condition" => member.value.as_str(),
        _ => node.as_str().filter(|_| node.tag.as_ref().is_some_and(|it| it.value == "!Condition")),
    }
}

/// The conditions that a value asks for, as often as it does.
fn conditions(node: &Node<'static>, found: &mut Vec<String>) {
    if let Some((name, argument)) = function(node) {
        let items = argument.one_or_many();
        if let ("If", [condition, ..]) = (name, items) {
            found.extend(condition.as_str().map(ToOwned::to_owned));
        }
        return items.iter().for_each(|item| conditions(item, found));
    }
    match &node.kind {
        Kind::Array(items) => items.iter().for_each(|item| conditions(item, found)),
        Kind::Object(members) => {
            members.iter().for_each(|member| conditions(&member.value, found));
        }
        _ => {}
    }
}

/// Whether a value, or a part of it, is one of two branches.
pub(super) fn has_branches(node: &Node<'static>) -> bool {
    let mut found = Vec::new();
    conditions(node, &mut found);
    !found.is_empty()
}
