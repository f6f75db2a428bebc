//! Boolean formulas over atoms, in negation normal form; equal formulas are one.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;

use crate::decision::OpenPoint;

use super::asked::REQUEST_ALIAS;
use super::question::{Question, Untold};
use super::small::{SmallMap, SmallSet};
use super::spellings::Spellings;
use super::test::{Piece, Test};
use crate::kept::Interner;
use crate::kept::Memo;

/// A formula, by its number in [`Formulas`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Formula(u32);

impl Formula {
    /// True of every request.
    pub(super) const TRUE: Self = Self(0);
    /// True of none.
    pub(super) const FALSE: Self = Self(1);

    /// A constant.
    pub(super) fn constant(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// Whether it is a constant.
    pub(super) fn is_constant(self) -> bool {
        self == Self::TRUE || self == Self::FALSE
    }
}

/// An atom, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct AtomId(u32);

/// What a formula is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Atom {
    /// A test of a condition key of the request.
    Request(Test),
    /// A question about the caller, answered once the caller is known.
    Caller(Question),
    /// A question about the key, answered once the key is known.
    Key(Question),
    /// Something that nobody can tell; what it says of a request can be anything.
    Untold {
        /// Why.
        why: Untold,
        /// A digest of what it is asked: one question can hold without another.
        about: u64,
        /// What a decision takes it for.
        taken: bool,
        /// Whether somebody wrote what it is a part of.
        is_written: bool,
    },
    /// A point that AWS leaves open is read the other way than section 10 chooses (rule U8).
    Open(OpenPoint),
}

impl Atom {
    /// Calls `see` with every condition key that it asks for, as variables too.
    pub(super) fn each_key(&self, see: &mut dyn FnMut(&str)) {
        match self {
            Self::Request(test)
            | Self::Caller(Question::Test { test, .. })
            | Self::Key(Question::Test { test, .. }) => {
                see(&test.key);
                test.variables().for_each(see);
            }
            Self::Caller(Question::Resource(pattern)) | Self::Key(Question::Resource(pattern)) => {
                pattern.variables().for_each(see);
            }
            Self::Caller(_) | Self::Key(_) | Self::Untold { .. } | Self::Open(_) => {}
        }
    }
}

/// The parts of a formula, hardly ever more than these.
type Parts = SmallVec<[Formula; 4]>;

/// The shape of a formula.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Node {
    /// Always true.
    True,
    /// Never true.
    False,
    /// An atom, or its negation.
    Literal {
        /// The atom.
        atom: AtomId,
        /// Whether it must hold.
        holds: bool,
    },
    /// All of them; at least two, none of them `And`.
    And(Parts),
    /// One of them; at least two, none of them `Or`.
    Or(Parts),
}

/// What kinds of atoms a formula has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Kinds(u8);

impl Kinds {
    /// Tests of the request.
    pub(super) const REQUEST: Self = Self(1);
    /// Questions about the caller.
    pub(super) const CALLER: Self = Self(2);
    /// Questions about the key.
    pub(super) const KEY: Self = Self(4);
    /// What nobody can tell.
    pub(super) const UNTOLD: Self = Self(8);
    /// Open points.
    pub(super) const OPEN: Self = Self(16);
    /// What asks for `kms:RequestAlias`, besides being of another kind.
    pub(super) const ALIAS: Self = Self(32);
    /// What asks for `aws:userid`, besides being of another kind.
    pub(super) const USER_ID: Self = Self(64);

    /// Both kinds.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of `other` is among them.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every atom is a test of the request.
    pub(super) fn is_of_request(self) -> bool {
        self.0 & !(Self::ALIAS.0 | Self::USER_ID.0) == Self::REQUEST.0
    }

    fn of(atom: &Atom) -> Self {
        let kind = match atom {
            Atom::Request(_) => Self::REQUEST,
            Atom::Caller(_) => Self::CALLER,
            Atom::Key(_) => Self::KEY,
            Atom::Untold { .. } => Self::UNTOLD,
            Atom::Open(_) => Self::OPEN,
        };
        let asked = |key: &str| match key {
            REQUEST_ALIAS => Self::ALIAS,
            "aws:userid" => Self::USER_ID,
            _ => Self::default(),
        };
        let mut all = kind;
        atom.each_key(&mut |key| all = all.and(asked(key)));
        all
    }
}

#[derive(PartialEq, Eq)]
struct Stored {
    node: Node,
    /// Of the content, so that the order of children is the same in every run.
    hash: u64,
    kinds: Kinds,
}

impl Hash for Stored {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// All formulas of a run; shared by all threads, only grows.
pub(super) struct Formulas {
    atoms: Interner<Atom>,
    nodes: Interner<Stored>,
    negations: Mutex<FxHashMap<Formula, Formula>>,
    /// The parts of ARNs before the last, which many patterns share; nothing for one that is malformed.
    pub(super) parts: Memo<Box<str>, Option<Arc<[Piece]>>>,
    /// How the keys of the tests are spelled.
    pub(super) spellings: Spellings,
}

impl Formulas {
    /// With the constants alone.
    pub(super) fn new() -> Self {
        let formulas = Self {
            atoms: Interner::new(),
            nodes: Interner::new(),
            negations: Mutex::default(),
            parts: Memo::new(),
            spellings: Spellings::default(),
        };
        for node in [Node::True, Node::False] {
            let hash = u64::from(node == Node::False);
            formulas.nodes.intern(Stored { node, hash, kinds: Kinds::default() });
        }
        formulas
    }

    /// The shape of a formula.
    pub(super) fn node(&self, formula: Formula) -> &Node {
        &self.nodes.get(formula.0).node
    }

    /// What kinds of atoms it has.
    pub(super) fn kinds(&self, formula: Formula) -> Kinds {
        self.nodes.get(formula.0).kinds
    }

    /// What an atom asks.
    pub(super) fn atom(&self, atom: AtomId) -> &Atom {
        self.atoms.get(atom.0)
    }

    /// The formula that `atom` holds.
    pub(super) fn of(&self, atom: Atom) -> Formula {
        self.literal(AtomId(self.atoms.intern(atom)), true)
    }

    /// The formula that an atom holds, or does not.
    pub(super) fn literal(&self, atom: AtomId, holds: bool) -> Formula {
        let content = self.atom(atom);
        let kinds = Kinds::of(content);
        self.store(Node::Literal { atom, holds }, hash_of(&(2_u8, holds, content)), kinds)
    }

    /// All of them hold.
    pub(super) fn and(&self, parts: impl IntoIterator<Item = Formula>) -> Formula {
        self.join(parts, true)
    }

    /// One of them holds.
    pub(super) fn or(&self, parts: impl IntoIterator<Item = Formula>) -> Formula {
        self.join(parts, false)
    }

    /// It does not hold.
    pub(super) fn not(&self, formula: Formula) -> Formula {
        match self.node(formula) {
            Node::True => return Formula::FALSE,
            Node::False => return Formula::TRUE,
            Node::Literal { atom, holds } => return self.literal(*atom, !holds),
            Node::And(_) | Node::Or(_) => {}
        }
        let known = self.negations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&formula) {
            return *known;
        }
        drop(known);
        let negated = match self.node(formula) {
            Node::And(parts) => self.or(parts.iter().map(|part| self.not(*part))),
            Node::Or(parts) => self.and(parts.iter().map(|part| self.not(*part))),
            _ => formula,
        };
        let mut known = self.negations.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(formula, negated);
        known.insert(negated, formula);
        negated
    }

    /// The formula with some atoms replaced; `replace` gives nothing for those that stay. `holds` says in
    /// which polarity the atom stands: a formula is a negation normal form.
    pub(super) fn replaced(
        &self,
        formula: Formula,
        touched: Kinds,
        replace: &mut dyn FnMut(AtomId, &Atom, bool) -> Option<Formula>,
    ) -> Formula {
        let mut done = SmallMap::new();
        self.replaced_in(formula, touched, replace, &mut done)
    }

    /// The formula with answers put in for some of its questions.
    pub(super) fn answered(
        &self,
        formula: Formula,
        kinds: Kinds,
        answers: &[(AtomId, Formula)],
    ) -> Formula {
        self.replaced(formula, kinds, &mut |id, _, holds| {
            let (_, answer) = answers.iter().find(|(asked, _)| *asked == id)?;
            Some(if holds { *answer } else { self.not(*answer) })
        })
    }

    fn replaced_in(
        &self,
        formula: Formula,
        touched: Kinds,
        replace: &mut dyn FnMut(AtomId, &Atom, bool) -> Option<Formula>,
        done: &mut SmallMap<Formula, Formula>,
    ) -> Formula {
        if !self.kinds(formula).has(touched) {
            return formula;
        }
        let (parts, all) = match self.node(formula) {
            Node::True | Node::False => return formula,
            Node::Literal { atom, holds } => {
                return replace(*atom, self.atom(*atom), *holds).unwrap_or(formula);
            }
            Node::And(parts) => (parts, true),
            Node::Or(parts) => (parts, false),
        };
        if let Some(known) = done.get(formula) {
            return known;
        }
        let deciding = Formula::constant(!all);
        let mut replaced = Parts::with_capacity(parts.len());
        for part in parts {
            let part = self.replaced_in(*part, touched, replace, done);
            replaced.push(part);
            if part == deciding {
                break;
            }
        }
        let result = match replaced.last() {
            Some(last) if *last == deciding => deciding,
            _ if replaced == *parts => formula,
            _ => self.join(replaced, all),
        };
        done.insert(formula, result);
        result
    }

    /// Calls `see` with every atom of the formula, once each.
    pub(super) fn each_atom<'a>(&'a self, formula: Formula, see: &mut dyn FnMut(&'a Atom)) {
        self.each_atom_id(formula, &mut |_, atom| see(atom));
    }

    /// Calls `see` with every atom of the formula and its number, once each.
    pub(super) fn each_atom_id<'a>(
        &'a self,
        formula: Formula,
        see: &mut dyn FnMut(AtomId, &'a Atom),
    ) {
        self.each_atom_of([formula], see);
    }

    /// The same for several formulas together, in no order.
    pub(super) fn each_atom_of<'a>(
        &'a self,
        formulas: impl IntoIterator<Item = Formula>,
        see: &mut dyn FnMut(AtomId, &'a Atom),
    ) {
        let mut seen = SmallSet::new();
        let mut atoms = SmallSet::new();
        let mut open: SmallVec<[Formula; 16]> = formulas.into_iter().collect();
        while let Some(formula) = open.pop() {
            if !seen.insert(formula, ()) {
                continue;
            }
            match self.node(formula) {
                Node::True | Node::False => {}
                Node::Literal { atom, .. } => {
                    if atoms.insert(*atom, ()) {
                        see(*atom, self.atom(*atom));
                    }
                }
                Node::And(parts) | Node::Or(parts) => open.extend_from_slice(parts),
            }
        }
    }

    fn join(&self, parts: impl IntoIterator<Item = Formula>, all: bool) -> Formula {
        let (neutral, deciding) = match all {
            true => (Formula::TRUE, Formula::FALSE),
            false => (Formula::FALSE, Formula::TRUE),
        };
        let mut flat = Parts::new();
        for part in parts {
            if part == deciding {
                return deciding;
            }
            match self.node(part) {
                Node::And(inner) if all => flat.extend_from_slice(inner),
                Node::Or(inner) if !all => flat.extend_from_slice(inner),
                _ if part == neutral => {}
                _ => flat.push(part),
            }
        }
        flat.sort_unstable_by_key(|part| (self.nodes.get(part.0).hash, part.0));
        flat.dedup();
        match *flat.as_slice() {
            [] => return neutral,
            [only] => return only,
            _ => {}
        }
        if flat.len() <= 64 && self.contradict(&flat) {
            return deciding;
        }
        let mut kinds = 0;
        let mut hasher = FxHasher::default();
        all.hash(&mut hasher);
        for part in &flat {
            let stored = self.nodes.get(part.0);
            kinds |= stored.kinds.0;
            stored.hash.hash(&mut hasher);
        }
        flat.shrink_to_fit();
        let node = if all { Node::And(flat) } else { Node::Or(flat) };
        self.store(node, hasher.finish(), Kinds(kinds))
    }

    /// Whether an atom stands among the parts in both polarities.
    fn contradict(&self, parts: &[Formula]) -> bool {
        let mut seen = SmallMap::new();
        parts.iter().any(|part| match self.node(*part) {
            Node::Literal { atom, holds } => {
                !seen.insert(*atom, *holds) && seen.get(*atom) != Some(*holds)
            }
            _ => false,
        })
    }

    fn store(&self, node: Node, hash: u64, kinds: Kinds) -> Formula {
        Formula(self.nodes.intern(Stored { node, hash, kinds }))
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}
