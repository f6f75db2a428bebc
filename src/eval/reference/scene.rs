//! One request with everything the evaluator asks of it: caller, key, resource, context, policy lenses.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::aws::{AccountId, KmsAction};
use crate::decision::{ContextValue, OpenPoint, Readings, Target};
use crate::inventory::{Inventory, Key};
use crate::policy::{Effect, PolicyDocument, PolicyKind, Variables, Version};

use super::Reference;
use super::asking::{Asking, What};
use super::caller::CallerFacts;
use super::context;
use super::control;

/// How a policy looks at a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lens {
    /// Its kind: a key policy does not see some keys (rule C56), short patterns differ (rule A63).
    pub(super) kind: PolicyKind,
    /// Its version: variables (rule A3).
    pub(super) version: Version,
    /// What the statement in hand does; a value nobody knows counts against the caller.
    pub(super) effect: Effect,
}

impl Lens {
    /// The lens of a document, for a statement with `effect`.
    pub(super) fn of(document: &PolicyDocument, effect: Effect) -> Self {
        Self { kind: document.kind, version: document.policy().version, effect }
    }

    /// The lens that sees every key (rule C56).
    pub(super) fn widest() -> Self {
        Self { kind: PolicyKind::Identity, version: Version::V2012, effect: Effect::Allow }
    }

    /// Whether `${...}` is a variable.
    pub(super) fn variables(self) -> Variables {
        self.version.into()
    }
}

/// A request in its world.
pub(super) struct Scene<'a, 'w: 'a> {
    /// The evaluator.
    pub(super) reference: &'a Reference<'w>,
    /// The request.
    pub(super) request: Asking<'a>,
    /// What is known of the caller.
    pub(super) caller: CallerFacts<'a, 'w>,
    /// The key it is decided on, where it is in the export; an alias is resolved (rule A67).
    pub(super) key: Option<&'w Key>,
    /// The requested resource as policies match it (rules A67, A68).
    resource: String,
    readings: Readings,
    consulted: RefCell<BTreeSet<OpenPoint>>,
    missing: RefCell<BTreeSet<String>>,
}

impl<'a, 'w: 'a> Scene<'a, 'w> {
    pub(super) fn new(
        reference: &'a Reference<'w>,
        request: impl Into<Asking<'a>>,
        readings: Readings,
    ) -> Self {
        let world = reference.world;
        let request = request.into();
        let caller = CallerFacts::new(world, request.caller, request.context);
        let key = match request.target() {
            Some(Target::Key(arn)) => world.key(arn),
            Some(Target::Alias(arn)) => world
                .alias(arn)
                .and_then(crate::inventory::Alias::key)
                .and_then(|arn| world.key(&arn)),
            _ => None,
        };
        let mut scene = Self {
            reference,
            request,
            caller,
            key,
            resource: String::new(),
            readings,
            consulted: RefCell::default(),
            missing: RefCell::default(),
        };
        scene.resource = scene.requested_resource();
        scene
    }

    /// The same request, of which nothing was asked yet.
    pub(super) fn afresh(&self) -> Self {
        self.read_as(self.readings)
    }

    /// The same, with the open points read like this.
    pub(super) fn read_as(&self, readings: Readings) -> Self {
        Self {
            reference: self.reference,
            request: self.request,
            caller: self.caller.clone(),
            key: self.key,
            resource: self.resource.clone(),
            readings,
            consulted: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    /// The world.
    pub(super) fn world(&self) -> &'w Inventory {
        self.reference.world
    }

    /// The resource as policies match it.
    pub(super) fn resource(&self) -> &str {
        &self.resource
    }

    /// Whether this request is the alias half of an alias operation (rules E52, L1 to L3).
    pub(super) fn is_alias_half(&self) -> bool {
        matches!(self.request.target(), Some(Target::Alias(_)))
            && self.request.info().is_some_and(|info| info.has_alias_resource)
    }

    /// The account of what is asked for; none where that has none.
    pub(super) fn owner(&self) -> Option<AccountId> {
        match self.request.what {
            What::Kms(_, Target::Key(arn)) => Some(arn.account()),
            What::Kms(_, Target::Alias(arn)) => Some(arn.account()),
            What::Kms(..) => None,
            What::Control(_, resource) => control::owner(resource),
        }
    }

    /// Rules 3.1, E50, E52: whether the key policy and grants take part.
    pub(super) fn needs_key(&self) -> bool {
        self.request.info().is_some_and(|info| info.has_key_resource)
            && !self.is_alias_half()
            && matches!(self.request.target(), Some(Target::Key(_) | Target::Alias(_)))
    }

    /// Whether `point` is read the other way. `matters` says whether it could change anything here; only
    /// then it is noted as met on the way.
    pub(super) fn reads_other(&self, point: OpenPoint, matters: impl FnOnce() -> bool) -> bool {
        if matters() {
            self.consulted.borrow_mut().insert(point);
        }
        self.readings.is_other(point)
    }

    /// The points met on the way.
    pub(super) fn consulted(&self) -> BTreeSet<OpenPoint> {
        self.consulted.take()
    }

    /// Notes that something named is not in the export.
    pub(super) fn note_missing(&self, what: impl Into<String>) {
        self.missing.borrow_mut().insert(what.into());
    }

    /// Whether anything was noted as missing.
    pub(super) fn has_missing(&self) -> bool {
        !self.missing.borrow().is_empty()
    }

    /// What was noted as missing.
    pub(super) fn missing(&self) -> BTreeSet<String> {
        self.missing.borrow().clone()
    }

    /// The value of a condition key as a policy with this lens sees it: given, else derived (rule U9).
    pub(super) fn context(&self, lens: Lens, name: &str) -> Option<Cow<'a, ContextValue>> {
        match self.request.context.get(name) {
            Some(entry) => Some(Cow::Borrowed(&entry.value)),
            None if self.request.context.is_absent(name) => None,
            None => context::derived(self, lens, name).map(Cow::Owned),
        }
    }

    /// The value of a policy variable: single-valued keys only (rule C40).
    pub(super) fn variable(&self, lens: Lens, name: &str) -> Option<Box<str>> {
        if crate::aws::condition_keys::is_multivalued(name) {
            return None;
        }
        match self.context(lens, name)?.into_owned() {
            ContextValue::One(value) => Some(value),
            ContextValue::Many(_) => None,
        }
    }

    fn requested_resource(&self) -> String {
        let target = match self.request.what {
            What::Kms(_, target) => target,
            What::Control(action, "*") => return self.account_form(action.service()),
            What::Control(_, arn) => return arn.to_owned(),
        };
        match target {
            Target::Key(arn) => arn.as_str().to_owned(),
            // Rule A67: a key named by its alias is requested by its ARN.
            Target::Alias(arn) if !self.is_alias_half() => self
                .world()
                .alias(arn)
                .and_then(crate::inventory::Alias::key)
                .map_or_else(String::new, |key| key.as_str().to_owned()),
            Target::Alias(arn) => arn.as_str().to_owned(),
            Target::NewKey { region, account } => {
                format!("arn:{}:kms:{region}:{account}:key/*", self.request.caller.partition())
            }
            Target::Principal(arn) => arn.to_string(),
            // Rule A68: ListRetirableGrants asks about a principal.
            Target::Account if self.request.is(KmsAction::LIST_RETIRABLE_GRANTS) => {
                self.caller.principal_arn().unwrap_or_default().to_owned()
            }
            Target::Account => self.account_form("kms"),
        }
    }

    /// Rule A68: the account form, with a literal `*`; ARNs of IAM and Organizations name no Region.
    fn account_form(&self, service: &str) -> String {
        let request = self.request;
        let has_region = !matches!(service, "iam" | "organizations");
        let given = request.context.get("aws:RequestedRegion");
        let region = match given.map(|entry| entry.value.values()) {
            Some([region]) if has_region => region,
            _ => "",
        };
        let account = self.caller.account.map_or(String::new(), |account| account.to_string());
        format!("arn:{}:{service}:{region}:{account}:*", request.caller.partition())
    }
}
