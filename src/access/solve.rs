//! Whether a formula holds of some request that AWS could send, exactly.
//!
//! The keys of the formula and those that the linking facts tie to them are cut into classes; a search
//! over the classes decides. What is found is a request for which the formula holds. Nothing is said to
//! be impossible unless every class was there to be tried and no cap was met.

use std::sync::Arc;

use jiff::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::aws::{ActionSet, carried};
use crate::decision::{Context, Fact};

use super::axioms::{Axiom, actions};
use super::bits::Bits;
use super::cache::Cache;
use super::domain::{Domain, Group, Limits, group, is_fixed, limit};
use super::formula::{Atom, AtomId, Formula, Formulas, Kinds, Node};
use super::frame::{Frame, Limit, Who};
use super::pairs::{NAMES, PREFIX};
use super::search::{self, Outcome};
use super::test::Test;
use super::ties;

/// The key that limits all pairs of the encryption context.
const ALL_PAIRS: &str = "kms:encryptioncontext";

/// What is found for a formula.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// It holds of a request with this context.
    Yes(Arc<Context>),
    /// It holds of no request.
    No,
    /// A cap was met, or something cannot be cut exactly.
    Undecided,
}

/// Decides formulas of [`Atom::Request`] atoms; shared by all threads.
pub(super) struct Solver {
    pub(super) formulas: Arc<Formulas>,
    axioms: Vec<Axiom>,
    now: Timestamp,
    footprints: Cache<Formula, Arc<Footprint>>,
    domains: Cache<(Group, Box<[AtomId]>, Box<Limits>), Arc<Domain>>,
    found: Cache<(Formula, View), Found>,
}

/// The keys that a formula can notice, facts included, each with the actions that carry it.
struct Footprint {
    keys: Vec<(Box<str>, ActionSet)>,
    /// Whether it speaks of the encryption context.
    pairs: bool,
}

/// The part of a frame that a formula can notice.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct View {
    who: Who,
    /// Which keys of the footprint the action carries.
    carried: Bits,
    limits: Box<Limits>,
}

/// A formula made ready for the search.
struct Problem {
    nodes: Vec<search::Node>,
    /// The node of each formula.
    known: FxHashMap<Formula, usize>,
    /// The variable and the number of the test of each atom.
    literals: FxHashMap<AtomId, (usize, usize)>,
    /// The truth of atoms whose keys are absent.
    constants: FxHashMap<AtomId, bool>,
    domains: Vec<Arc<Domain>>,
    groups: Vec<Group>,
    /// Whether literals that are not cut exactly are taken as true, whichever way they stand.
    relaxed: bool,
}

impl Solver {
    pub(super) fn condition(&self, _: Formula, _: &Frame) -> Option<crate::decision::Condition> { None }

    /// With these facts; requests happen from `now` on.
    pub(super) fn new(formulas: Arc<Formulas>, facts: &[Fact], now: Timestamp) -> Self {
        Self {
            axioms: facts.iter().map(|fact| Axiom::new(&formulas, fact)).collect(),
            formulas,
            now,
            footprints: Cache::new(),
            domains: Cache::new(),
            found: Cache::new(),
        }
    }

    /// A possible context in which `formula` holds. Results are kept.
    pub(super) fn find(&self, formula: Formula, frame: &Frame) -> Found {
        match formula {
            Formula::TRUE => return Found::Yes(Arc::default()),
            Formula::FALSE => return Found::No,
            _ => {}
        }
        let footprint = self.footprints.get_or(formula, |formula| self.footprint(*formula).into());
        let view = footprint.view(frame);
        self.found.get_or((formula, view), |_| self.solve(formula, frame))
    }

    /// The tests of a formula by their atoms; nothing where it has other atoms.
    pub(super) fn tests(&self, formula: Formula) -> Option<Vec<(AtomId, &Test)>> {
        let mut seen = FxHashSet::default();
        let mut atoms = FxHashSet::default();
        let mut found = Vec::new();
        let mut open = vec![formula];
        while let Some(formula) = open.pop() {
            match self.formulas.node(formula) {
                Node::True | Node::False => {}
                Node::Literal { atom, .. } => {
                    let Atom::Request(test) = self.formulas.atom(*atom) else {
                        return None;
                    };
                    if atoms.insert(*atom) {
                        found.push((*atom, test));
                    }
                }
                Node::And(parts) | Node::Or(parts) => {
                    open.extend(parts.iter().filter(|part| seen.insert(**part)));
                }
            }
        }
        Some(found)
    }

    /// Whether a request of the frame never carries `key`.
    pub(super) fn is_absent(frame: &Frame, key: &str) -> bool {
        let absent = |key| limit(&frame.limits, key) == Some(&Limit::Absent);
        let pair = key == NAMES || key.starts_with(PREFIX);
        !carried(frame.action, key) || absent(key) || pair && (absent(ALL_PAIRS) || absent(NAMES))
    }

    /// What `key` can hold: its range and limit say so of a text.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    fn footprint(&self, formula: Formula) -> Footprint {
        let tests = self.tests(formula).unwrap_or_default();
        let mut keys: Vec<&str> = Vec::new();
        for (_, test) in tests {
            add(&mut keys, &test.key);
            ties::variables(test).for_each(|key| add(&mut keys, key));
        }
        loop {
            let before = keys.len();
            for axiom in &self.axioms {
                let of = |key: &str| keys.contains(&key);
                if of(&axiom.then) || axiom.when.as_deref().is_some_and(of) {
                    add(&mut keys, &axiom.then);
                    axiom.when.iter().for_each(|key| add(&mut keys, key));
                }
            }
            if keys.len() == before {
                break;
            }
        }
        keys.sort_unstable();
        let pairs = keys.iter().any(|key| *key == NAMES || key.starts_with(PREFIX));
        let keys = keys.into_iter().map(|key| (key.into(), actions(key)));
        Footprint { keys: keys.collect(), pairs }
    }

    fn solve(&self, formula: Formula, frame: &Frame) -> Found {
        // Other atoms are settled before: one that is left is a fault of the caller.
        if self.formulas.kinds(formula) != Kinds::REQUEST {
            return Found::Undecided;
        }
        let Some(tests) = self.tests(formula) else {
            return Found::Undecided;
        };
        if tests.iter().any(|(_, test)| ties::variables(test).next().is_some()) {
            return ties::find(self, formula, frame);
        }
        match self.decide(formula, frame, false) {
            (Found::No, false) => self.decide(formula, frame, true).0,
            (found, _) => found,
        }
    }

    /// What the search finds, and whether every class was there. `relaxed` takes what is not cut exactly
    /// as true, so that only its `No` counts.
    pub(super) fn decide(&self, formula: Formula, frame: &Frame, relaxed: bool) -> (Found, bool) {
        let tests = self.tests(formula).unwrap_or_default();
        let facts = self.facts(&tests, frame);
        let mut atoms = tests;
        for fact in &facts {
            for (atom, test) in self.tests(*fact).unwrap_or_default() {
                if !atoms.iter().any(|(known, _)| *known == atom) {
                    atoms.push((atom, test));
                }
            }
        }
        let mut problem = self.problem(&atoms, frame, relaxed);
        let complete = problem.domains.iter().all(|domain| domain.complete);
        let roots = std::iter::once(formula).chain(facts);
        let roots: Vec<usize> = roots.map(|root| problem.node(&self.formulas, root)).collect();
        let choices = problem.domains.iter().map(|domain| Bits::all(domain.classes.len()));
        let choices = choices.collect();
        let found = match search::search(&problem.nodes, roots, choices) {
            Outcome::Capped => Found::Undecided,
            Outcome::None => Found::No,
            Outcome::Chosen(_) if relaxed => Found::Undecided,
            Outcome::Chosen(classes) => Found::Yes(problem.context(&classes).into()),
        };
        (found, complete)
    }

    /// The facts that can bear on the tests: those that speak of keys in play, and of the keys that
    /// these bring into play.
    fn facts<'a>(&'a self, tests: &[(AtomId, &'a Test)], frame: &Frame) -> Vec<Formula> {
        let given = |key: &str| matches!(limit(&frame.limits, key), Some(Limit::Given(_)));
        let settled = |key: &str| {
            let settles = |axiom: &Axiom| {
                axiom.settles && *axiom.then == *key && axiom.is_about(frame.caller)
            };
            given(key) || self.axioms.iter().any(settles)
        };
        let mut keys: Vec<&str> = Vec::new();
        tests.iter().for_each(|(_, test)| add(&mut keys, &test.key));
        let mut used = vec![false; self.axioms.len()];
        loop {
            let mut changed = false;
            for (axiom, used) in self.axioms.iter().zip(&mut used) {
                if *used {
                    continue;
                }
                let in_play = |key: &str| keys.contains(&key);
                let brought = match axiom.when.as_deref() {
                    None => in_play(&axiom.then),
                    Some(when) => in_play(when) || in_play(&axiom.then) && settled(when),
                };
                let brought = brought && axiom.is_about(frame.caller) && speaks(axiom, frame);
                if brought {
                    add(&mut keys, &axiom.then);
                    axiom.when.iter().for_each(|when| add(&mut keys, when));
                    (*used, changed) = (true, true);
                }
            }
            if !changed {
                let used = self.axioms.iter().zip(used).filter(|(_, used)| *used);
                return used.map(|(axiom, _)| axiom.says).collect();
            }
        }
    }

    fn problem(&self, atoms: &[(AtomId, &Test)], frame: &Frame, relaxed: bool) -> Problem {
        let mut problem = Problem {
            nodes: Vec::new(),
            known: FxHashMap::default(),
            literals: FxHashMap::default(),
            constants: FxHashMap::default(),
            domains: Vec::new(),
            groups: Vec::new(),
            relaxed,
        };
        let present = |test: &Test| !Self::is_absent(frame, &test.key);
        let names = atoms.iter().any(|(_, test)| *test.key == *NAMES && present(test));
        let mut groups: Vec<(Group, Vec<(AtomId, &Test)>)> = Vec::new();
        for (atom, test) in atoms {
            if !present(test) {
                problem.constants.insert(*atom, test.holds(None, &|_| None));
                continue;
            }
            let group = group(&test.key, names);
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, tests)) => tests.push((*atom, test)),
                None => groups.push((group, vec![(*atom, test)])),
            }
        }
        groups.sort_by(|one, other| one.0.cmp(&other.0));
        for (variable, (group, mut tests)) in groups.into_iter().enumerate() {
            tests.sort_by_key(|(_, test)| *test);
            for (number, (atom, _)) in tests.iter().enumerate() {
                problem.literals.insert(*atom, (variable, number));
            }
            problem.domains.push(self.domain(&group, &tests, frame));
            problem.groups.push(group);
        }
        problem
    }

    fn domain(&self, group: &Group, tests: &[(AtomId, &Test)], frame: &Frame) -> Arc<Domain> {
        let limits = frame.limits.iter().filter(|(key, _)| match group {
            Group::One(own) => key == own,
            Group::Instant => matches!(&**key, "aws:currenttime" | "aws:epochtime"),
            Group::Pairs => **key == *NAMES || key.starts_with(PREFIX),
        });
        let atoms = tests.iter().map(|(atom, _)| *atom).collect();
        let key = (group.clone(), atoms, limits.cloned().collect());
        self.domains.get_or(key, |(group, _, limits)| {
            let tests: Vec<&Test> = tests.iter().map(|(_, test)| *test).collect();
            Domain::of(group, &tests, limits, self.now).into()
        })
    }
}

fn add<'a>(keys: &mut Vec<&'a str>, key: &'a str) {
    if !keys.contains(&key) {
        keys.push(key);
    }
}

/// A fact about a key that the action does not carry says nothing; neither does one that a key is always
/// there which the frame says is not.
fn speaks(axiom: &Axiom, frame: &Frame) -> bool {
    axiom.actions.contains(frame.action)
        && (axiom.when.is_some() || !Solver::is_absent(frame, &axiom.then))
}

impl Footprint {
    fn view(&self, frame: &Frame) -> View {
        let carried =
            |at: usize| self.keys.get(at).is_some_and(|(_, by)| by.contains(frame.action));
        let noticed = |key: &str| {
            let known = self.keys.binary_search_by(|(known, _)| (**known).cmp(key)).is_ok();
            known || self.pairs && (key == ALL_PAIRS || key == NAMES || key.starts_with(PREFIX))
        };
        let limits = frame.limits.iter().filter(|(key, _)| noticed(key));
        View {
            who: frame.caller,
            carried: Bits::of(self.keys.len(), carried),
            limits: limits.cloned().collect(),
        }
    }
}

impl Problem {
    /// The node of a formula.
    fn node(&mut self, formulas: &Formulas, formula: Formula) -> usize {
        if let Some(known) = self.known.get(&formula) {
            return *known;
        }
        let node = match formulas.node(formula) {
            Node::True => search::Node::Constant(true),
            Node::False => search::Node::Constant(false),
            Node::Literal { atom, holds } => self.literal(*atom, *holds),
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

    fn literal(&self, atom: AtomId, holds: bool) -> search::Node {
        if let Some(value) = self.constants.get(&atom) {
            return search::Node::Constant(*value == holds);
        }
        let found = self.literals.get(&atom).copied();
        let Some((variable, number)) = found else {
            return search::Node::Constant(self.relaxed);
        };
        match self.domains.get(variable) {
            Some(domain) if domain.complete || !self.relaxed => {
                let all = Bits::all(domain.classes.len());
                let mut classes = domain.truths.get(number).cloned().unwrap_or(all.clone());
                if !holds {
                    let mut others = all;
                    others.remove(&classes);
                    classes = others;
                }
                search::Node::Literal(variable, classes)
            }
            _ => search::Node::Constant(true),
        }
    }

    /// The request of one choice. That a key is absent which the export could fix is said.
    fn context(&self, classes: &[usize]) -> Context {
        let mut context = Context::default();
        for ((domain, group), class) in self.domains.iter().zip(&self.groups).zip(classes) {
            let Some(entries) = domain.classes.get(*class) else {
                continue;
            };
            for (name, value) in entries {
                context.set(name, value.clone());
            }
            if let Group::One(key) = group
                && entries.is_empty()
                && is_fixed(key)
            {
                context.set_absent(key);
            }
        }
        context
    }
}
