//! Key usage and key state: facts beside a decision, never part of it (rules S1 to S5).

use crate::aws::{KeySpec, KeyState, KeyUsage, KmsAction, StateAnswer, can_perform, state_allows};
use crate::inventory::Key;

/// Whether a key can perform an action at all, once the caller is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ability {
    /// It can.
    Can,
    /// Its usage or spec rules the action out for good: `n/a (usage)` (rules S4, S5).
    NotThisKey,
    /// Its present state rules it out (rule S3).
    NotNow(StateAnswer),
    /// Its metadata was not exported.
    Unknown,
}

/// What `key` can do, by its usage, spec and state (rules S3, S4).
pub fn ability(key: &Key, action: KmsAction) -> Ability {
    let Some(metadata) = &key.metadata else {
        return Ability::Unknown;
    };
    let usage = metadata.usage.as_deref().and_then(KeyUsage::parse);
    let spec = metadata.spec.as_deref().and_then(KeySpec::parse);
    let suits = match usage.zip(spec) {
        _ if action.info().key_usages.is_empty() => Some(true),
        kind => kind.map(|(usage, spec)| can_perform(usage, spec, action)),
    };
    let state = metadata.state.as_deref().and_then(KeyState::parse);
    match (suits, state.map(|state| state_allows(action, state))) {
        (Some(false), _) => Ability::NotThisKey,
        (
            Some(true),
            Some(StateAnswer::Succeeds(_) | StateAnswer::NoEffect | StateAnswer::Depends(_)),
        ) => Ability::Can,
        // What the state rules out it rules out of every kind of key.
        (
            _,
            Some(
                answer @ (StateAnswer::Fails(_)
                | StateAnswer::FailsEither(..)
                | StateAnswer::Impossible),
            ),
        ) => Ability::NotNow(answer),
        _ => Ability::Unknown,
    }
}
