//! The copy of the world that proofs are made in.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::aws::{AccountId, KeyArn, KeySpec};
use crate::decision::{Caller, Context, FACTS, Request, Surroundings, Target, completed};
use crate::encryptor::{Clock, Encryptor, KmsError, MasterSecret};
use crate::eval::probe::Probe;
use crate::graph::outsider;
use crate::inventory::{Edit, Inventory, Key, KeyManager, KeyMetadata};
use crate::source::{FileId, Place, Span};

/// A copy of the world in which every key is enabled, so that what policies allow can be done, with one
/// more key in each Region: the other key of a ReEncrypt.
pub(super) struct Scene<'c> {
    pub(super) truth: &'c Inventory,
    pub(super) encryptor: Encryptor,
    pub(super) probe: Probe<'c>,
    pub(super) now: Timestamp,
}

impl<'c> Scene<'c> {
    pub(super) fn new(truth: &'c Inventory, now: Timestamp) -> Result<Self, KmsError> {
        let world = enabled(truth);
        let encryptor = Encryptor::in_memory(world, MasterSecret::random()?, Clock::At(now));
        Ok(Self { truth, encryptor, probe: Probe::new(truth, now), now })
    }

    /// The encryptor of a world in which an outside principal is there; nothing where it need not be put
    /// in.
    pub(super) fn with(&self, caller: &Caller) -> Option<Encryptor> {
        outsider(self.truth, caller).map(|edit| self.encryptor.fork(&[edit]))
    }

    /// A request as AWS would send it.
    pub(super) fn sent(&self, request: &Request) -> Request {
        let key = match &request.target {
            Target::Key(arn) => self.truth.key(arn),
            _ => None,
        };
        let spec = key.and_then(|key| KeySpec::parse(key.metadata.as_ref()?.spec.as_deref()?));
        completed(request.clone(), &Surroundings { facts: FACTS, now: self.now, spec })
    }
}

impl Scene<'_> {
    /// The context of a request as a stated condition speaks of it: with the caller's own tags.
    pub(super) fn told(&self, request: &Request) -> Context {
        let identity = request.caller.identity_in(self.truth);
        let mut context = request.context.clone();
        for (tag, value) in identity.iter().flat_map(|identity| identity.tags.iter()) {
            let key = format!("aws:PrincipalTag/{tag}");
            if context.get(&key).is_none() {
                context.set_one(&key, value);
            }
        }
        context
    }
}

/// The other symmetric key of a key's Region, of nobody's account.
pub(super) fn other_key(key: &KeyArn) -> Option<KeyArn> {
    KeyArn::new(key.partition(), key.region(), AccountId::NOBODYS, "keyreach-verify")
}

fn enabled(truth: &Inventory) -> Inventory {
    let mut world = truth.clone();
    let mut others: BTreeMap<KeyArn, Key> = BTreeMap::new();
    let state = |key: &Key| key.metadata.as_ref().map(|metadata| metadata.state.clone());
    for key in truth.keys.values() {
        if let Some(other) = other_key(&key.arn) {
            others.entry(other.clone()).or_insert_with(|| symmetric(other));
        }
        if state(key).is_some_and(|state| state.as_deref() != Some("Enabled")) {
            let mut usable = Key::clone(key);
            if let Some(metadata) = &mut usable.metadata {
                metadata.state = Some("Enabled".into());
            }
            world = world.apply(&Edit::PutKey { key: Box::new(usable) });
        }
    }
    for key in others.into_values() {
        world = world.apply(&Edit::PutKey { key: Box::new(key) });
    }
    world
}

fn symmetric(arn: KeyArn) -> Key {
    let metadata = KeyMetadata {
        manager: KeyManager::Customer,
        spec: Some("SYMMETRIC_DEFAULT".into()),
        usage: Some("ENCRYPT_DECRYPT".into()),
        origin: Some("AWS_KMS".into()),
        state: Some("Enabled".into()),
        multi_region: None,
        description: None,
    };
    let place = Place::plain(FileId(u32::MAX), Span::default());
    Key { metadata: Some(metadata), grants_listed: true, ..Key::new(arn, place) }
}
