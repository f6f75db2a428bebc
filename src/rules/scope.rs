//! What a rule may ask: the world, the engine, and one key with the answers already found for it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::aws::KmsAction;
use crate::decision::{Caller, Cell, Reach, Verdict};
use crate::inventory::{Inventory, Key};

/// What every rule may ask.
pub struct Scope<'a> {
    /// The world.
    pub world: &'a Inventory,
    /// The engine.
    pub reach: &'a dyn Reach,
}

impl<'a> Scope<'a> {
    /// A scope over the engine's world.
    pub fn new(reach: &'a dyn Reach) -> Self {
        Self { world: reach.world(), reach }
    }
}

/// One key, and the verdicts that rules asked for before.
pub struct KeyScope<'a> {
    /// What every rule may ask.
    pub scope: &'a Scope<'a>,
    /// The key.
    pub key: &'a Key,
    verdicts: RefCell<BTreeMap<(Caller, KmsAction), Rc<Verdict>>>,
    candidates: RefCell<BTreeMap<KmsAction, Rc<Vec<Caller>>>>,
}

impl<'a> KeyScope<'a> {
    /// The scope of one key.
    pub fn new(scope: &'a Scope<'a>, key: &'a Key) -> Self {
        Self { scope, key, verdicts: RefCell::default(), candidates: RefCell::default() }
    }

    /// The world.
    pub fn world(&self) -> &'a Inventory {
        self.scope.world
    }

    /// The verdict of a principal's permission on this key.
    pub fn verdict(&self, principal: &Caller, action: KmsAction) -> Rc<Verdict> {
        let name = (principal.clone(), action);
        if let Some(known) = self.verdicts.borrow().get(&name) {
            return Rc::clone(known);
        }
        let cell = Cell { principal: principal.clone(), key: self.key.arn.clone(), action };
        let verdict = Rc::new(self.scope.reach.verdict(&cell));
        self.verdicts.borrow_mut().insert(name, Rc::clone(&verdict));
        verdict
    }

    /// Everyone who may hold `action` on this key; who is not there surely does not. Sorted.
    pub fn candidates(&self, action: KmsAction) -> Rc<Vec<Caller>> {
        if let Some(known) = self.candidates.borrow().get(&action) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.scope.reach.candidates(&self.key.arn, action));
        self.candidates.borrow_mut().insert(action, Rc::clone(&found));
        found
    }

    /// The key as people name it: its alias, with the id beside it.
    pub fn name(&self) -> String {
        self.world().shown_key(self.key)
    }
}
