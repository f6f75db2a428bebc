//! Whether a call is allowed, by the reference evaluator alone; and whether the key is in a state for it.

use std::collections::BTreeMap;

use crate::aws::{KeyState, KmsAction, StateAnswer, carried, state_allows};
use crate::decision::{Context, Decision, Request, Target};
use crate::eval::reference::{Operation, Reference};
use crate::graph::{Ask, Call as GraphCall};
use crate::inventory::{Inventory, Key};
use crate::serve::explain::because;
use crate::serve::kms::KmsFault;

use super::Call;

impl Call<'_> {
    /// That the caller may use a key, with the keys of `more` beside those of every request, and the key
    /// is in a state for it.
    pub(super) fn may(
        &self,
        action: KmsAction,
        target: &Target,
        key: &Key,
        more: &[(&str, &str)],
    ) -> Result<(), KmsFault> {
        self.allowed(action, target, key.arn.as_str(), more, &BTreeMap::new())?;
        self.in_state(action, key)
    }

    /// Like [`Call::may`], for an operation that takes an encryption context.
    pub(super) fn may_with(
        &self,
        action: KmsAction,
        target: &Target,
        key: &Key,
        pairs: &BTreeMap<String, String>,
    ) -> Result<(), KmsFault> {
        let algorithm = [("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")];
        self.allowed(action, target, key.arn.as_str(), &algorithm, pairs)?;
        self.in_state(action, key)
    }

    /// One half of ReEncrypt (rule L7).
    pub(super) fn may_re_encrypt(
        &self,
        action: KmsAction,
        target: &Target,
        key: &Key,
        pairs: &BTreeMap<String, String>,
        same: &str,
    ) -> Result<(), KmsFault> {
        let more =
            [("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"), ("kms:ReEncryptOnSameKey", same)];
        self.allowed(action, target, key.arn.as_str(), &more, pairs)
    }

    /// That the caller may do what has no key.
    pub(super) fn may_at_all(&self, action: KmsAction) -> Result<(), KmsFault> {
        self.allowed(action, &Target::Account, "*", &[], &BTreeMap::new())
    }

    fn allowed(
        &self,
        action: KmsAction,
        target: &Target,
        shown: &str,
        more: &[(&str, &str)],
        pairs: &BTreeMap<String, String>,
    ) -> Result<(), KmsFault> {
        let mut context = self.context.clone();
        more.iter().for_each(|(name, value)| context.set_one(name, value));
        for (key, value) in pairs {
            context.set_one(&format!("kms:EncryptionContext:{key}"), value);
        }
        let request = Request {
            caller: self.caller.principal.clone(),
            action,
            target: target.clone(),
            context: fitting(action, &context),
            session_policies: self.caller.session_policies.clone(),
        };
        self.decided(request, shown)
    }

    /// That every permission of a call that changes something is allowed.
    pub(super) fn may_call(&self, call: &GraphCall, shown: &str) -> Result<(), KmsFault> {
        for ask in call.asks(&self.caller.principal, &self.world, self.context) {
            if let Ask::Kms(mut request) = ask {
                request.session_policies.clone_from(&self.caller.session_policies);
                self.decided(request, shown)?;
            }
        }
        Ok(())
    }

    /// That every permission of an operation that needs several is allowed.
    pub(super) fn may_do(&self, operation: &Operation, context: &Context) -> Result<(), KmsFault> {
        operation.requests(&self.caller.principal, context).into_iter().try_for_each(
            |mut request| {
                request.context = fitting(request.action, &request.context);
                request.session_policies.clone_from(&self.caller.session_policies);
                let shown = request.target.to_string();
                self.decided(request, &shown)
            },
        )
    }

    fn decided(&self, request: Request, shown: &str) -> Result<(), KmsFault> {
        let decision = self.decide(&request)?;
        if decision.is_allowed() {
            return Ok(());
        }
        Err(denied(request, decision, shown))
    }

    /// The decision on a request: grants that are too fresh count with their tokens alone.
    pub(super) fn decide(&self, request: &Request) -> Result<Decision, KmsFault> {
        let tokens = self.input.texts("GrantTokens")?;
        let world = self.keys.fresh.seen(&self.world, request, &tokens)?;
        let world: &Inventory = world.as_ref().unwrap_or(&self.world);
        Ok(Reference::new(world).evaluate(request))
    }

    /// Rule S3.
    pub(super) fn in_state(&self, action: KmsAction, key: &Key) -> Result<(), KmsFault> {
        let state = key.metadata.as_ref().and_then(|known| known.state.as_deref());
        let state = state.and_then(KeyState::parse).unwrap_or(KeyState::Enabled);
        let fails = |name, what: &str| Err(KmsFault::new(name, format!("{} is {what}.", key.arn)));
        match (state_allows(action, state), state) {
            (StateAnswer::Succeeds(_) | StateAnswer::NoEffect | StateAnswer::Depends(_), _) => {
                Ok(())
            }
            (_, KeyState::Disabled) => fails("DisabledException", "disabled"),
            (_, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) => {
                fails("KMSInvalidStateException", "pending deletion")
            }
            (_, KeyState::PendingImport) => fails("KMSInvalidStateException", "pending import"),
            (_, state) => {
                let name = state.as_str().to_ascii_lowercase();
                fails("KMSInvalidStateException", &name)
            }
        }
    }
}

/// The condition keys that requests for an action carry (rule C6).
fn fitting(action: KmsAction, all: &Context) -> Context {
    let mut context = Context::default();
    all.absent().for_each(|name| context.set_absent(name));
    for entry in all.entries().filter(|entry| carried(action, &entry.name)) {
        context.set(&entry.name, entry.value.clone());
    }
    context
}

pub(super) fn denied(request: Request, decision: Decision, shown: &str) -> KmsFault {
    let (caller, action) = (&request.caller, request.action);
    let because = because(&decision, action.as_str());
    let message = format!(
        "User: {caller} is not authorized to perform: {action} on resource: {shown}{because}"
    );
    let refusal = Some(Box::new((request, decision)));
    KmsFault { name: "AccessDeniedException", message, refusal }
}
