//! The reference encryptor: AWS KMS in one process, with real cryptography, under the policies of a world.
//!
//! [`Encryptor::call`] takes one operation as the wire has it. Checks come in the order of AWS: the shape
//! of the body, the key, **authorization**, then the key's state, its usage, algorithm and sizes, then
//! DryRun, then the work; so nobody learns of a key what they may not. Authorization is the reference
//! evaluator's over the present world, and changes are edits of that world, copied on write: a call sees
//! one world from its beginning to its end, and calls that change something come one after the other.
//!
//! The cryptography is aws-lc-rs'; `blob` documents the format of ciphertexts. A key of which the export
//! says neither spec nor usage counts as symmetric and enabled.
//!
//! Whoever keeps state on disk hands in a [`Store`]: it hears of every change before the caller does.

mod blob;
mod body;
mod caller;
mod clock;
pub mod directory;
mod due;
mod error;
mod imported;
mod material;
mod operations;
mod secret;
mod state;
mod usage;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::aws::{KeyArn, KmsAction};
use crate::decision::{Context, Decision, Request};
use crate::inventory::{Edit, Inventory};

pub use caller::{Ambient, Caller};
pub use clock::Clock;
pub(crate) use error::reason;
pub use error::{Asked, KmsError, Refusal, Without};
pub use secret::MasterSecret;
pub use state::{GrantRecord, Imported, KeyRecord, Rotation, State, Touched};

use material::{Materials, Sharing};
use state::seconds;
use usage::Usages;
use work::{Authority, Work};

/// Where changes and generated keys are kept.
pub trait Store: Send + Sync {
    /// Makes a change durable that takes one state to another. The caller is answered once this returns,
    /// and on an error the change has not happened.
    ///
    /// # Errors
    /// It cannot be written.
    fn commit(&self, before: &State, after: &State, touched: &[Touched]) -> Result<(), KmsError>;

    /// Makes the private half of a generated key durable, before its first use.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep_pair(&self, name: &str, material: &[u8]) -> Result<(), KmsError>;

    /// The key that was kept under a name.
    ///
    /// # Errors
    /// It cannot be read.
    fn pair(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError>;
}

/// A KMS over one world; answers from any thread.
pub struct Encryptor {
    state: RwLock<Arc<State>>,
    /// Held by a call that changes something, from its first look at the state on.
    changing: Mutex<()>,
    materials: Arc<Materials>,
    clock: Clock,
    store: Option<Arc<dyn Store>>,
    /// Seconds until a new grant counts without its token.
    grant_delay: i64,
    usages: Usages,
}

impl Encryptor {
    /// An encryptor that keeps nothing, and for which keys of one spec share their key pair: what `verify`
    /// proves with.
    pub fn in_memory(world: Inventory, secret: MasterSecret, clock: Clock) -> Self {
        let materials = Materials::new(secret, Sharing::PerSpec, None);
        Self::over(State::new(world, BTreeMap::new()), Arc::new(materials), clock, None)
    }

    /// An encryptor that keeps its changes in `store`.
    pub fn with_store(
        state: State,
        secret: MasterSecret,
        clock: Clock,
        store: Arc<dyn Store>,
    ) -> Self {
        let materials = Materials::new(secret, Sharing::PerKey, Some(Arc::clone(&store)));
        Self::over(state, Arc::new(materials), clock, Some(store))
    }

    fn over(
        state: State,
        materials: Arc<Materials>,
        clock: Clock,
        store: Option<Arc<dyn Store>>,
    ) -> Self {
        Self {
            state: RwLock::new(Arc::new(state)),
            changing: Mutex::new(()),
            materials,
            clock,
            store,
            grant_delay: 0,
            usages: Usages::since(seconds(clock.now())),
        }
    }

    /// Lets new grants count without their token only so many seconds later.
    #[must_use]
    pub fn with_grant_delay(mut self, seconds: i64) -> Self {
        self.grant_delay = seconds;
        self
    }

    /// The present state.
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One operation: its name as X-Amz-Target has it behind `TrentService.`, and its body.
    ///
    /// # Errors
    /// What AWS would answer.
    pub fn call(
        &self,
        caller: &Caller,
        ambient: &Ambient,
        operation: &str,
        body: &Value,
    ) -> Result<Value, KmsError> {
        self.perform(&Authority::Of(caller, ambient), operation, body)
    }

    /// The same where one of the permissions that the operation needs is asked for, and the others are
    /// taken as given: a proof of one cell stands on that cell alone.
    ///
    /// # Errors
    /// What AWS would answer.
    pub fn call_for(
        &self,
        action: KmsAction,
        (caller, ambient): (&Caller, &Ambient),
        operation: &str,
        body: &Value,
    ) -> Result<Value, KmsError> {
        self.perform(&Authority::For(action, caller, ambient), operation, body)
    }

    /// An encryptor with the same secrets over a world of its own, which keeps nothing.
    #[must_use]
    pub fn fork(&self, edits: &[Edit]) -> Self {
        let mut state = State::clone(&self.state());
        edits.iter().for_each(|edit| state.apply(edit));
        Self::over(state, Arc::clone(&self.materials), self.clock, None)
    }

    /// The same by nobody: no permission is asked for. For the other half of a proof, such as the
    /// ciphertext that somebody is to open.
    ///
    /// # Errors
    /// What AWS would answer.
    pub fn by_hand(&self, key: &KeyArn, operation: &str, body: &Value) -> Result<Value, KmsError> {
        self.perform(&Authority::Nobody(key), operation, body)
    }

    fn perform(
        &self,
        authority: &Authority<'_>,
        operation: &str,
        body: &Value,
    ) -> Result<Value, KmsError> {
        let Some(known) = operations::find(operation) else {
            let text = "The action is not an operation of AWS KMS.";
            return Err(KmsError::new("UnknownOperationException", text));
        };
        self.settle();
        let changing = || self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let _held = known.changes.then(changing);
        let work = Work::new(self, authority, known.name);
        let answer = (known.perform)(&work, &body::Body::new(body)?)?;
        if known.uses {
            self.usages.note(operation, &answer, work.now(), work.request_id());
        }
        if let Some((after, touched)) = work.into_change() {
            self.commit(after, &touched)?;
        }
        Ok(answer)
    }

    /// What the clock did to keys since the last call.
    fn settle(&self) {
        let now = seconds(self.clock.now());
        if self.state().is_due(now) {
            let _held = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.state();
            let (after, kept) = before.settled(now);
            let store = self.store.as_ref().filter(|_| !kept.is_empty());
            // What cannot be kept now is due again at the next call.
            if store.is_none_or(|store| store.commit(&before, &after, &kept).is_ok()) {
                self.show(after);
            }
        }
    }

    /// The decision on one permission in the present world: for what has no operation here.
    pub fn decide(&self, request: &Request) -> Decision {
        self.state().reference().evaluate(request)
    }

    /// Whether the present world allows one permission, in each of these contexts.
    pub fn allows_in(&self, request: &Request, contexts: &[&Context]) -> Vec<bool> {
        self.state().reference().allows_in(request, contexts)
    }

    /// Changes the world by something else than an operation of KMS: a call of IAM, another export.
    ///
    /// # Errors
    /// The change cannot be kept; it has not happened then.
    pub fn edit(&self, edits: &[Edit], touched: &[Touched]) -> Result<(), KmsError> {
        self.change(touched, |state| edits.iter().for_each(|edit| state.apply(edit)))
    }

    /// The same by any function.
    ///
    /// # Errors
    /// The change cannot be kept; it has not happened then.
    pub fn change(
        &self,
        touched: &[Touched],
        change: impl FnOnce(&mut State),
    ) -> Result<(), KmsError> {
        let _held = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after = State::clone(&self.state());
        change(&mut after);
        self.commit(after, touched)
    }

    fn commit(&self, after: State, touched: &[Touched]) -> Result<(), KmsError> {
        if let Some(store) = &self.store {
            store.commit(&self.state(), &after, touched)?;
        }
        self.show(after);
        Ok(())
    }

    fn show(&self, after: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
    }
}
