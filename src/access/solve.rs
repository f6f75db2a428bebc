//! Whether a formula holds of some request that AWS could send, exactly.
//!
//! The keys of the formula and those that the linking facts tie to them are cut into classes; a search
//! over the classes decides. What is found is a request for which the formula holds. Nothing is said to
//! be impossible unless every class was there to be tried and no cap was met.

use std::sync::Arc;

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use crate::aws::{ActionSet, carried, carrying};
use crate::decision::{Context, ContextValue, Fact};

use super::axioms::{Axiom, Tied, spelled_together};
use super::bits::Bits;
use super::domain::{Domain, Group, Limits, is_null, limit_spelled};
use super::footprint::{Footprint, View};
use super::formula::{Atom, AtomId, Formula, Formulas, Node};
use super::frame::{Frame, Limit, Who};
use super::instant::{CURRENT, EPOCH, ISSUED};
use super::kinds::tells_kinds;
use super::names::Names;
use super::problem::{Free, Problem};
use super::search::{self, Outcome};
use super::small::SmallSet;
use super::source;
use super::test::Test;
use super::ties;
use super::together::Together;
use crate::kept::Interner;
use crate::kept::Memo;

/// The key that limits all pairs of the encryption context.
pub(super) const ALL_PAIRS: &str = "kms:encryptioncontext";

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

/// What the classes of a group depend on: the tests, in order of what they say, and the limits.
type DomainKey = (Group, Box<[AtomId]>, Box<Limits>);

/// Decides formulas of [`Atom::Request`] atoms; shared by all threads.
pub(super) struct Solver {
    pub(super) formulas: Arc<Formulas>,
    axioms: Vec<Axiom>,
    tied: Tied,
    now: Timestamp,
    /// The number of each formula's footprint.
    footprints: Memo<Formula, u32>,
    same_footprints: Interner<Footprint>,
    alike: Memo<Formula, Arc<[ActionSet]>>,
    domains: Memo<DomainKey, Arc<Domain>>,
    views: Interner<View>,
    /// Whether formulas hold of some request.
    held: Memo<(Formula, u32), Held>,
    /// Contexts in which they do, of those that were asked for one.
    found: Memo<(Formula, u32), Found>,
}

/// Whether a formula holds of some request that AWS could send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    /// It does.
    Yes,
    /// It holds of none.
    No,
    /// A cap was met, or something cannot be cut exactly.
    Undecided,
}

impl Solver {
    /// With these facts; requests happen from `now` on.
    pub(super) fn new(formulas: Arc<Formulas>, facts: &[Fact], now: Timestamp) -> Self {
        let axioms: Vec<Axiom> = facts.iter().map(|fact| Axiom::new(&formulas, fact)).collect();
        Self {
            tied: Tied::by(&axioms),
            axioms,
            formulas,
            now,
            footprints: Memo::new(),
            same_footprints: Interner::new(),
            alike: Memo::new(),
            domains: Memo::new(),
            views: Interner::new(),
            held: Memo::new(),
            found: Memo::new(),
        }
    }

    /// Whether `formula` holds in some possible context. Results are kept.
    pub(super) fn holds(&self, formula: Formula, frame: &Frame) -> Held {
        match formula {
            Formula::TRUE => return Held::Yes,
            Formula::FALSE => return Held::No,
            _ => {}
        }
        if let Some(frame) = self.unfolded(formula, frame) {
            return self.holds(formula, &frame);
        }
        let seen = (formula, self.view(formula, frame));
        self.held.get(seen, |_| match self.solve(formula, frame) {
            Found::Yes(_) => Held::Yes,
            Found::No => Held::No,
            Found::Undecided => Held::Undecided,
        })
    }

    /// A possible context in which `formula` holds. Results are kept.
    pub(super) fn find(&self, formula: Formula, frame: &Frame) -> Found {
        match formula {
            Formula::TRUE => return Found::Yes(Arc::default()),
            Formula::FALSE => return Found::No,
            _ => {}
        }
        if let Some(frame) = self.unfolded(formula, frame) {
            return self.find(formula, &frame);
        }
        let seen = (formula, self.view(formula, frame));
        match self.held.known(&seen) {
            Some(Held::No) => Found::No,
            Some(Held::Undecided) => Found::Undecided,
            _ => self.found.get(seen, |_| self.solve(formula, frame)),
        }
    }

    /// The frame in which the absence of a family of keys is that of its members; nothing where none is
    /// absent as a whole.
    fn unfolded(&self, formula: Formula, frame: &Frame) -> Option<Frame> {
        let family = |(key, limit): &(Box<str>, Limit)| {
            let beginning = key.strip_suffix('*').filter(|_| *limit == Limit::Absent);
            beginning.map(Box::from)
        };
        let families: Vec<Box<str>> = frame.limits.iter().filter_map(family).collect();
        if families.is_empty() {
            return None;
        }
        let keys = self.keys(formula);
        let members = keys.iter().map(|(key, _)| &**key).filter(|key| {
            let is_member = families.iter().any(|beginning| key.starts_with(&**beginning));
            is_member && limit_spelled(&frame.limits, key).is_none()
        });
        let members = members.map(|key| (Box::from(key), Limit::Absent));
        let others = frame.limits.iter().filter(|it| family(it).is_none()).cloned();
        let mut limits: Vec<(Box<str>, Limit)> = others.chain(members).collect();
        limits.extend(Names::Tags.without_others(frame));
        limits.sort();
        Some(Frame { limits: limits.into(), ..frame.clone() })
    }

    /// The number of what a formula, and whatever is made of it once it is known what is missing, can notice
    /// of a frame.
    pub(super) fn noticed(&self, formula: Formula, frame: &Frame) -> u32 {
        match self.unfolded(formula, frame) {
            Some(frame) => self.view(formula, &frame),
            None => self.view(formula, frame),
        }
    }

    /// The number of what a formula can notice of a frame.
    fn view(&self, formula: Formula, frame: &Frame) -> u32 {
        let footprint = self
            .footprints
            .get(formula, |formula| self.same_footprints.intern(self.footprint(*formula)));
        self.views.intern(self.same_footprints.get(footprint).view(frame))
    }

    /// The tests of a formula by their atoms; nothing where it has other atoms.
    pub(super) fn tests(&self, formula: Formula) -> Option<Vec<(AtomId, &Test)>> {
        let mut seen = SmallSet::new();
        let mut atoms = SmallSet::new();
        let mut found = Vec::new();
        let mut open: SmallVec<[Formula; 16]> = smallvec![formula];
        while let Some(formula) = open.pop() {
            match self.formulas.node(formula) {
                Node::True | Node::False => {}
                Node::Literal { atom, .. } => {
                    let Atom::Request(test) = self.formulas.atom(*atom) else {
                        return None;
                    };
                    if atoms.insert(*atom, ()) {
                        found.push((*atom, test));
                    }
                }
                Node::And(parts) | Node::Or(parts) => {
                    open.extend(parts.iter().copied().filter(|part| seen.insert(*part, ())));
                }
            }
        }
        Some(found)
    }

    /// Whether a request of the frame never carries `key`.
    pub(super) fn is_absent(frame: &Frame, key: &str) -> bool {
        let absent = |key| limit_spelled(&frame.limits, key) == Some(&Limit::Absent);
        // Without the set of the names nothing is given.
        let is_unnamed = || match Names::of(key) {
            Some(Names::Pairs) => absent(ALL_PAIRS) || absent(Names::Pairs.set()),
            Some(Names::Tags) => Names::Tags.go_together(frame) && absent(Names::Tags.set()),
            None => false,
        };
        !carried(frame.action, key) || absent(key) || is_unnamed()
    }

    /// Whether some fact speaks of `key`.
    pub(super) fn tells_of(&self, key: &str) -> bool {
        self.tied.group_of(key).is_some()
    }

    /// What every request of the frame says of `key`, where a fact tells.
    pub(super) fn always(&self, key: &str, frame: &Frame) -> Option<Formula> {
        let tells = |axiom: &&Axiom| {
            axiom.when.is_empty()
                && *axiom.then == *key
                && axiom.is_carried(frame.action)
                && axiom.is_about(frame.caller)
        };
        self.axioms.iter().find(tells).map(|axiom| axiom.says)
    }

    /// What `key` can hold: its range and limit say so of a text.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets of KMS actions between which the formula cannot tell, whoever calls; each action is in one.
    /// The formula may have atoms that are settled later.
    pub(super) fn alike(&self, formula: Formula) -> Arc<[ActionSet]> {
        self.alike.get(formula, |formula| {
            let mut classes = vec![ActionSet::ALL];
            for (_, carrying) in self.keys(*formula) {
                let parts =
                    |class: ActionSet| [class.intersection(carrying), class.minus(carrying)];
                classes = classes.into_iter().flat_map(parts).filter(|it| !it.is_empty()).collect();
            }
            classes.into()
        })
    }

    fn footprint(&self, formula: Formula) -> Footprint {
        let keys = self.keys(formula);
        let has = |names| keys.iter().any(|(key, _)| Names::of(key) == Some(names));
        let (pairs, tags) = (has(Names::Pairs), has(Names::Tags));
        let kinds = self.tells_kinds(formula);
        Footprint { keys: keys.into(), pairs, tags, kinds }
    }

    /// The keys of a formula's tests, each once.
    fn asked(&self, formula: Formula) -> Vec<&str> {
        let mut asked: Vec<&str> = Vec::new();
        self.formulas.each_atom(formula, &mut |atom| {
            if let Atom::Request(test) = atom {
                add(&mut asked, &test.key);
                ties::variables(test).for_each(|key| add(&mut asked, key));
            }
        });
        asked
    }

    /// The keys of a formula's tests, and those that facts about requests of the frame bring into play.
    pub(super) fn in_play(&self, formula: Formula, frame: &Frame) -> Vec<&str> {
        let mut keys = self.asked(formula);
        self.tied.bearing(&self.axioms, &mut keys, frame);
        keys
    }

    /// Whether a formula asks what requests of some kinds of callers answer otherwise than those of others.
    pub(super) fn tells_kinds(&self, formula: Formula) -> bool {
        self.asked(formula).into_iter().any(tells_kinds)
    }

    /// Whether facts about requests of services, or about those of others, bear on a formula.
    pub(super) fn tells_services(&self, formula: Formula) -> bool {
        self.tied.tells_services(&self.axioms, &self.asked(formula))
    }

    /// The keys of a formula's tests and those that facts tie to them, each with the actions that carry
    /// it; sorted.
    pub(super) fn keys(&self, formula: Formula) -> Vec<(Arc<str>, ActionSet)> {
        let mut asked = self.asked(formula);
        let (mut keys, mut groups) = (Vec::new(), Vec::new());
        // What a question fixes of the instant is noticed in its other form, and when the session began.
        if [CURRENT, EPOCH, ISSUED].iter().any(|key| asked.contains(key)) {
            add(&mut asked, CURRENT);
            add(&mut asked, EPOCH);
        }
        // Some actions carry the keys of tags, and not the tags.
        if asked.iter().any(|key| Names::of(key) == Some(Names::Tags)) {
            Names::OF_TAGS.into_iter().for_each(|key| add(&mut asked, key));
        }
        for key in asked {
            match self.tied.group_of(key) {
                Some(group) if groups.contains(&group) => {}
                Some(group) => {
                    groups.push(group);
                    keys.extend_from_slice(self.tied.keys(group));
                }
                None => keys.push((key.into(), carrying(key))),
            }
        }
        keys.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        keys
    }

    fn solve(&self, formula: Formula, frame: &Frame) -> Found {
        // Other atoms are settled before: one that is left is a fault of the caller.
        if !self.formulas.kinds(formula).is_of_request() {
            return Found::Undecided;
        }
        if frame.caller == Who::Unnamed {
            return self.solve_unnamed(formula, frame);
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

    /// What the search finds, and whether every class was there. Where `relaxed`, tests that are not cut
    /// exactly can hold or not as they like, so that only a `No` counts.
    pub(super) fn decide(&self, formula: Formula, frame: &Frame, relaxed: bool) -> (Found, bool) {
        let tests = self.tests(formula).unwrap_or_default();
        let mut keys = Vec::new();
        tests.iter().for_each(|(_, test)| add(&mut keys, &test.key));
        let mut facts = self.tied.bearing(&self.axioms, &mut keys, frame);
        facts.extend(spelled_together(&self.formulas, tests.iter().map(|(_, test)| &*test.key)));
        let mut atoms = tests;
        for fact in &facts {
            for (atom, test) in self.tests(*fact).unwrap_or_default() {
                if !atoms.iter().any(|(known, _)| *known == atom) {
                    atoms.push((atom, test));
                }
            }
        }
        let mut problem = self.problem(&mut atoms, frame, relaxed);
        let complete = problem.domains.iter().all(|domain| domain.complete);
        let roots = std::iter::once(formula).chain(facts);
        let roots: Vec<usize> = roots.map(|root| problem.node(&self.formulas, root)).collect();
        let choices = problem.domains.iter().map(|domain| Bits::all(domain.classes.len()));
        let free = std::iter::repeat_n(Bits::all(2), problem.free_variables);
        let choices = choices.chain(free).collect();
        let found = match search::search(&problem.nodes, roots, choices) {
            Outcome::Capped => Found::Undecided,
            Outcome::None => Found::No,
            Outcome::Chosen(_) if relaxed => Found::Undecided,
            Outcome::Chosen(classes) => {
                let mut context = problem.context(&classes);
                Names::Tags.complete(&mut context, frame);
                Found::Yes(context.into())
            }
        };
        (found, complete)
    }

    fn problem<'a>(
        &'a self,
        atoms: &mut Vec<(AtomId, &'a Test)>,
        frame: &Frame,
        relaxed: bool,
    ) -> Problem {
        let mut problem = Problem::default();
        let present = |test: &Test| !Self::is_absent(frame, &test.key);
        if relaxed {
            self.add_presence(atoms);
        }
        let together = Together::of(atoms.iter().map(|(_, test)| *test), frame);
        let mut groups: Vec<(Group, Vec<(AtomId, &Test)>)> = Vec::new();
        let mut tied = Vec::new();
        for (atom, test) in atoms.iter() {
            if !present(test) {
                problem.constants.insert(*atom, test.holds(None, &|_| None));
                continue;
            }
            if ties::variables(test).next().is_some() {
                tied.push((*atom, *test));
                continue;
            }
            let group = together.group(&test.key);
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, tests)) => tests.push((*atom, test)),
                None => groups.push((group, vec![(*atom, test)])),
            }
        }
        groups.sort_by(|one, other| one.0.cmp(&other.0));
        for (group, mut tests) in groups {
            tests.sort_by_key(|(_, test)| *test);
            let domain = self.domain(&group, &tests, frame);
            if relaxed && !domain.complete {
                tied.extend(tests);
                continue;
            }
            for (number, (atom, _)) in tests.iter().enumerate() {
                problem.literals.insert(*atom, (problem.domains.len(), number));
            }
            problem.domains.push(domain);
            problem.groups.push(group);
        }
        self.set_free(&mut problem, tied);
        problem
    }

    /// Adds the presence of every key, which free tests need.
    fn add_presence<'a>(&'a self, atoms: &mut Vec<(AtomId, &'a Test)>) {
        let mut keys: Vec<&str> = Vec::new();
        atoms.iter().for_each(|(_, test)| add(&mut keys, &test.key));
        for key in keys {
            let present = self.formulas.of(Atom::Request(Test::present(key)));
            for (atom, test) in self.tests(present).unwrap_or_default() {
                if !atoms.iter().any(|(known, _)| *known == atom) {
                    atoms.push((atom, test));
                }
            }
        }
    }

    /// Gives each free test a variable, and each key of them that has no domain one for its presence.
    fn set_free(&self, problem: &mut Problem, tests: Vec<(AtomId, &Test)>) {
        let mut keys: FxHashMap<&str, usize> = FxHashMap::default();
        for (atom, test) in tests {
            let known = self.formulas.of(Atom::Request(Test::present(&test.key)));
            let known = self.tests(known).and_then(|tests| tests.first().map(|(atom, _)| *atom));
            let presence = known
                .and_then(|known| problem.classes(known, true).zip(problem.classes(known, false)));
            let presence = match presence {
                Some(((variable, present), (_, missing))) => (variable, present, missing),
                None => {
                    let variable = *keys.entry(&test.key).or_insert_with(|| problem.fresh());
                    let class = |wanted| Bits::of(2, |class| class == wanted);
                    (variable, class(1), class(0))
                }
            };
            let absent = test.holds(None, &|_| None);
            // Presence alone settles what asks for nothing else.
            let variable = problem.fresh();
            let fixed =
                is_null(test).then(|| test.holds(Some(&ContextValue::Many(Vec::new())), &|_| None));
            problem.free.insert(atom, Free { presence, variable, absent, fixed });
        }
    }

    fn domain(&self, group: &Group, tests: &[(AtomId, &Test)], frame: &Frame) -> Arc<Domain> {
        let of_other_spelling = match group {
            Group::One(own) => {
                limit_spelled(&frame.limits, own).map(|it| (own.clone(), it.clone()))
            }
            _ => None,
        };
        let limits = frame.limits.iter().filter(|(key, _)| match group {
            Group::One(_) => false,
            Group::Instant => [CURRENT, EPOCH].contains(&&**key),
            Group::Session => [CURRENT, EPOCH, ISSUED].contains(&&**key),
            Group::Source => source::KEYS.contains(&&**key),
            Group::Place(_) => false,
            Group::Named(names) => Names::of(key) == Some(*names),
        });
        let atoms = tests.iter().map(|(atom, _)| *atom).collect();
        let limits = limits.cloned().chain(of_other_spelling).collect();
        let key = (group.clone(), atoms, limits);
        self.domains.get(key, |(group, _, limits)| {
            let tests: Vec<&Test> = tests.iter().map(|(_, test)| *test).collect();
            Domain::of(group, &tests, limits, self.now, &self.formulas.spellings).into()
        })
    }
}

fn add<'a>(keys: &mut Vec<&'a str>, key: &'a str) {
    if !keys.contains(&key) {
        keys.push(key);
    }
}
