//! What is asked of the graph.

use std::collections::BTreeSet;

use crate::aws::{KeyArn, KeySpec, KeyUsage, KmsAction, can_perform};
use crate::decision::Caller;
use crate::inventory::Key;

/// What to look for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The keys; all of them where nothing is said.
    pub keys: Option<BTreeSet<KeyArn>>,
    /// Who sets out; everybody where nothing is said.
    pub principals: Option<BTreeSet<Caller>>,
    /// What is to be gained.
    pub goal: Goal,
    /// The most calls of a path.
    pub max_hops: Option<usize>,
    /// The most primitives of a path (rule T52).
    pub max_primitives: usize,
    /// Whether those outside the export alone set out.
    pub external_only: bool,
    /// What is told of ways that hang on what is not known.
    pub supposed: Supposed,
}

/// What is told of ways that hang on what is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Supposed {
    /// Nothing: they are not looked for.
    Left,
    /// How many there are.
    Counted,
    /// Each of them.
    Told,
}

impl Default for Wanted {
    /// Everybody and every key, to use it, as rule T52 bounds it.
    fn default() -> Self {
        Self {
            keys: None,
            principals: None,
            goal: Goal::Use,
            max_hops: None,
            max_primitives: 2,
            external_only: false,
            supposed: Supposed::Told,
        }
    }
}

/// What is to be gained on a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Goal {
    /// What reveals or forges with it.
    Use,
    /// Another key policy.
    Administer,
    /// Its end.
    Destroy,
}

/// What reveals or forges, the first that a key can perform.
const REVEALING: [KmsAction; 4] =
    [KmsAction::DECRYPT, KmsAction::SIGN, KmsAction::GENERATE_MAC, KmsAction::DERIVE_SHARED_SECRET];

impl Goal {
    /// The action on a key; nothing where the key can never perform it. Keys that AWS manages can be
    /// neither administered nor destroyed (rule K15).
    pub fn action(self, key: &Key) -> Option<KmsAction> {
        let metadata = key.metadata.as_ref();
        let spec = metadata.and_then(|it| KeySpec::parse(it.spec.as_deref()?));
        let usage = metadata.and_then(|it| KeyUsage::parse(it.usage.as_deref()?));
        match self {
            Self::Use => REVEALING.into_iter().find(|action| match (usage, spec) {
                (Some(usage), Some(spec)) => can_perform(usage, spec, *action),
                _ => true,
            }),
            _ if key.is_aws_managed() => None,
            Self::Administer => Some(KmsAction::PUT_KEY_POLICY),
            Self::Destroy => Some(KmsAction::SCHEDULE_KEY_DELETION),
        }
    }
}
