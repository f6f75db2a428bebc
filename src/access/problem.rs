//! A formula made ready for the search: its literals as classes of variables.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::decision::{Context, Entry};

use super::bits::Bits;
use super::domain::{Domain, Group, is_fixed};
use super::formula::{AtomId, Formula, Formulas, Node};
use super::search;

/// A formula made ready for the search.
#[derive(Default)]
pub(super) struct Problem {
    /// The nodes; children come first.
    pub(super) nodes: Vec<search::Node>,
    /// The node of each formula.
    pub(super) known: FxHashMap<Formula, usize>,
    /// The variable and the number of the test of each atom.
    pub(super) literals: FxHashMap<AtomId, (usize, usize)>,
    /// The truth of atoms whose keys are absent.
    pub(super) constants: FxHashMap<AtomId, bool>,
    /// The classes of each variable.
    pub(super) domains: Vec<Arc<Domain>>,
    /// The keys of each variable.
    pub(super) groups: Vec<Group>,
    /// Atoms that can be anything where their key is present; for a relaxed problem alone.
    pub(super) free: FxHashMap<AtomId, Free>,
    /// How many variables of two classes follow those of the domains.
    pub(super) free_variables: usize,
}

/// A test that is not cut exactly.
pub(super) struct Free {
    /// The variable that says whether its key is present, with the classes where it is and is not.
    pub(super) presence: (usize, Bits, Bits),
    /// A variable of its own: class 1 where the test holds of a present key.
    pub(super) variable: usize,
    /// Whether it holds of an absent one.
    pub(super) absent: bool,
    /// Whether it holds of a present one, where it does not ask for more.
    pub(super) fixed: Option<bool>,
}

impl Free {
    /// That the test holds, or does not; parts go before it.
    pub(super) fn node(&self, holds: bool, nodes: &mut Vec<search::Node>) -> search::Node {
        let (variable, present, missing) = &self.presence;
        let first = nodes.len();
        nodes.push(search::Node::Literal(*variable, present.clone()));
        nodes.push(search::Node::Literal(*variable, missing.clone()));
        nodes.push(match self.fixed {
            Some(fixed) => search::Node::Constant(fixed == holds),
            None => {
                search::Node::Literal(self.variable, Bits::of(2, |class| (class == 1) == holds))
            }
        });
        let both = search::Node::All([first, first + 2].into());
        if self.absent != holds {
            return both;
        }
        nodes.push(both);
        search::Node::Any([first + 1, first + 3].into())
    }
}

impl Problem {
    /// The node of a formula.
    pub(super) fn node(&mut self, formulas: &Formulas, formula: Formula) -> usize {
        if let Some(known) = self.known.get(&formula) {
            return *known;
        }
        let node = match formulas.node(formula) {
            Node::True => search::Node::Constant(true),
            Node::False => search::Node::Constant(false),
            Node::Literal { atom, holds } => match self.free.get(atom) {
                Some(free) => free.node(*holds, &mut self.nodes),
                None => self.literal(*atom, *holds),
            },
            Node::And(parts) => {
                search::Node::All(parts.iter().map(|part| self.node(formulas, *part)).collect())
            }
            Node::Or(parts) => {
                search::Node::Any(parts.iter().map(|part| self.node(formulas, *part)).collect())
            }
        };
        self.nodes.push(node);
        self.known.insert(formula, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    pub(super) fn literal(&self, atom: AtomId, holds: bool) -> search::Node {
        if let Some(value) = self.constants.get(&atom) {
            return search::Node::Constant(*value == holds);
        }
        match self.classes(atom, holds) {
            Some((variable, classes)) => search::Node::Literal(variable, classes),
            None => search::Node::Constant(false),
        }
    }

    /// The variable of an atom, and its classes where the atom holds, or does not.
    pub(super) fn classes(&self, atom: AtomId, holds: bool) -> Option<(usize, Bits)> {
        let (variable, number) = self.literals.get(&atom)?;
        let domain = self.domains.get(*variable)?;
        let holding = domain.truths.get(*number)?;
        let classes = Bits::of(domain.classes.len(), |class| holding.has(class) == holds);
        Some((*variable, classes))
    }

    /// One more variable of two classes; all domains are there before the first.
    pub(super) fn fresh(&mut self) -> usize {
        self.free_variables += 1;
        self.domains.len() + self.free_variables - 1
    }

    /// The request of one choice. That a key is absent which the export could fix is said.
    pub(super) fn context(&self, classes: &[usize]) -> Context {
        let mut context = Context::default();
        for ((domain, group), class) in self.domains.iter().zip(&self.groups).zip(classes) {
            let Some(entries) = domain.classes.get(*class) else {
                continue;
            };
            for (name, value) in entries {
                // Rule C5: one spelling serves for another that has the same value.
                let serves =
                    |known: &Entry| matches!(group, Group::One(_)) && known.value == *value;
                if !context.get(name).is_some_and(serves) {
                    context.set(name, value.clone());
                }
            }
            let is_given =
                |key: &str| entries.iter().any(|(name, _)| name.eq_ignore_ascii_case(key));
            for key in group.keys().into_iter().filter(|key| !is_given(key) && is_fixed(key)) {
                context.set_absent(key);
            }
        }
        context
    }
}
