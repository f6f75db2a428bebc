//! The matrix engine: every principal, key and action at once, decided exactly.
//!
//! It shares parsed policies, the inventory and the words of an answer with the reference evaluator, and
//! nothing else: no matcher, no operator, no choice of which policies take part.
//!
//! Policies are compiled once to formulas over questions about the caller, questions about the key, and
//! tests of the request (`statement`, `entry`, `question`). What the export fixes is put in
//! (`subject`, `asked`, `resolve`), which leaves the caller's side (`home`) and the key's side (`owner`);
//! callers and keys whose sides are equal are one class. Both sides together are the `ways` that allow,
//! for all actions in one go (`masked`). What is left is a formula over condition keys of the request,
//! equal formulas are one (`formula`), and each is decided once and exactly (`solve`, `judge`).
//! What was not exported and what AWS leaves open stay in it as atoms, and give a verdict its bounds.
//!
//! Who asks for one caller and one key, either of them perhaps changed, asks by `side`; for one caller and many
//! keys by `survey`, which works out equal sides once.
//!
//! The same code compiles policies for the actions outside KMS that lead to a key (`word`): one caller's
//! side for all of them in one go, a resource at a time (`control`, `trust`, `resource`, `targets`). The
//! matrix asks for none of it.

mod accounts;
mod asked;
mod automaton;
mod axioms;
mod bits;
mod caller_values;
mod candidates;
mod cells;
mod census;
mod classes;
mod compare;
mod contradiction;
mod control;
mod count;
mod crowds;
mod domain;
mod elements;
mod entry;
mod evaluate;
mod expand;
mod filled;
mod footprint;
mod formula;
mod frame;
mod gaps;
mod gifts;
mod given;
mod glob;
mod grants;
mod guise;
mod holding;
mod home;
mod instant;
mod judge;
mod kinds;
mod levels;
mod library;
mod look;
mod masked;
mod matrix;
mod members;
mod names;
mod nice;
mod one_by_one;
mod opens;
mod organizations;
mod owner;
mod pairs;
mod participants;
mod parts;
mod place;
mod point;
mod problem;
mod question;
mod range;
mod readable;
mod resolve;
mod resource;
mod rows;
mod search;
mod services;
mod side;
mod small;
mod solve;
mod source;
mod speech;
mod spellings;
mod spoken;
mod star;
mod statement;
mod subject;
mod survey;
mod targets;
mod test;
#[cfg(test)]
mod tests;
mod ties;
mod together;
mod trust;
mod values;
mod ways;
mod word;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::aws::{AccountId, KeyArn};
use crate::decision::{Assumptions, Caller, Context, FACTS, Fact};
use crate::inventory::{Edit, Inventory, OrgPolicyKind};
use crate::policy::Policy;

use crate::kept::Memo;
use candidates::Lists;
use control::Kept;
use formula::Formulas;
use gaps::Gaps;
use home::Home;
use levels::Levels;
use library::{Library, World};
use owner::Owner;
use solve::Solver;

pub use census::Census;
pub use contradiction::contradiction;
pub use control::{ControlClass, ControlSide};
pub use expand::PairClass;
pub use guise::Guise;
pub use matrix::{Counts, Doubts, Matrix, Row};
pub use point::verdict;
pub use side::{KeyHome, KeySide, KeySideClass, KeyTarget, Opening, Reached, ToldApart};
pub use survey::{KeyTargets, Sides, Survey};
pub use targets::ControlTargets;

/// The engine over one world. Cheap to make: policies are compiled when a question first meets them.
pub struct Access<'w> {
    inventory: Cow<'w, Inventory>,
    gaps: Arc<Gaps>,
    given: Context,
    /// The service that calls on the caller's behalf, without its Region (rule U5).
    via: Option<Box<str>>,
    core: Arc<Core>,
    levels: Memo<(AccountId, OrgPolicyKind), Option<Arc<Levels>>>,
    /// Of the second action word; empty until somebody asks for it.
    kept: Kept,
    lists: Memo<AccountId, Arc<Lists>>,
    /// The sides of callers that single questions were about, by what these fixed.
    homes: Memo<(Caller, Context), Arc<Home>>,
    /// Those of keys, where nothing was fixed.
    owners: Memo<KeyArn, Arc<Owner>>,
}

/// What a world and its edits share.
struct Core {
    formulas: Arc<Formulas>,
    library: Library,
    solver: Solver,
}

impl<'w> Access<'w> {
    /// The engine over `inventory`; requests happen from `now` on.
    pub fn new(inventory: &'w Inventory, now: Timestamp) -> Self {
        Self::with_facts(inventory, now, FACTS)
    }

    /// The engine with these facts about what AWS sends in place of all that are known.
    pub fn with_facts(inventory: &'w Inventory, now: Timestamp, facts: &[Fact]) -> Self {
        let formulas = Arc::new(Formulas::new());
        let solver = Solver::new(Arc::clone(&formulas), facts, now);
        Self {
            inventory: Cow::Borrowed(inventory),
            gaps: Arc::new(Gaps::of(inventory)),
            given: Context::default(),
            via: None,
            core: Arc::new(Core { formulas, library: Library::new(), solver }),
            levels: Memo::new(),
            kept: Kept::new(),
            lists: Memo::new(),
            homes: Memo::new(),
            owners: Memo::new(),
        }
    }

    /// The same engine under assumptions: every request agrees with them.
    #[must_use]
    pub fn assuming(mut self, assumptions: &Assumptions) -> Self {
        self.given = assumptions.whole();
        let names = self.given.entries().map(|entry| &entry.name);
        names.for_each(|name| self.core.formulas.spellings.hear(name));
        self.via = assumptions.via.clone();
        self
    }

    /// Hears how a policy spells condition keys before it takes part in an answer. Who asks from several
    /// threads lets every policy be heard first: answers then spell keys alike in every run.
    pub fn hear_policy(&self, policy: &Policy) {
        self.core.formulas.spellings.hear_policy(policy);
    }

    /// The world it answers for.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The engine over the world after `edit`. What is compiled and solved stays known, so that only what
    /// the edit touches is decided again.
    pub fn after(&self, edit: &Edit) -> Access<'static> {
        Access {
            inventory: Cow::Owned(self.inventory.apply(edit)),
            gaps: Arc::clone(&self.gaps),
            given: self.given.clone(),
            via: self.via.clone(),
            core: Arc::clone(&self.core),
            levels: Memo::new(),
            kept: Kept::new(),
            lists: Memo::new(),
            homes: Memo::new(),
            owners: Memo::new(),
        }
    }

    fn world<'a>(&'a self, given: &'a Context) -> World<'a> {
        World {
            inventory: &self.inventory,
            gaps: &self.gaps,
            given,
            via: self.via.as_deref(),
            every_limit: false,
            formulas: &self.core.formulas,
            library: &self.core.library,
            levels: &self.levels,
            control_levels: &self.kept.levels,
        }
    }
}
