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
    let usages = &action.info().key_usages;
    if !usages.is_empty() {
        let usage = metadata.usage.as_deref().and_then(KeyUsage::parse);
        let spec = metadata.spec.as_deref().and_then(KeySpec::parse);
        match (usage, spec) {
            (Some(usage), Some(spec)) if !can_perform(usage, spec, action) => {
                return Ability::NotThisKey;
            }
            (Some(_), Some(_)) => {}
            _ => return Ability::Unknown,
        }
    }
    match metadata.state.as_deref().and_then(KeyState::parse) {
        None => Ability::Unknown,
        Some(state) => match state_allows(action, state) {
            StateAnswer::Succeeds(_) | StateAnswer::NoEffect | StateAnswer::Depends(_) => {
                Ability::Can
            }
            answer => Ability::NotNow(answer),
        },
    }
}
