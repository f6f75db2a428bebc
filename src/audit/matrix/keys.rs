//! What is shown beside a key, and the sets that multi-Region keys make.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::eval::reference::{Ability, ability};
use crate::inventory::{Inventory, Key};

use super::Matrix;

/// A key, and what is shown beside it.
#[derive(Clone, Debug)]
pub struct KeyFacts {
    /// Its ARN.
    pub arn: KeyArn,
    /// The names of its aliases; sorted.
    pub aliases: Vec<Box<str>>,
    /// `Enabled`, `Disabled`, ... where it was exported.
    pub state: Option<Box<str>>,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, ... where it was exported.
    pub usage: Option<Box<str>>,
    /// The actions it can ever perform (rule S5).
    pub possible: ActionSet,
    /// Those among them that its state rules out now (rule S3).
    pub ruled_out: ActionSet,
    /// The set of related multi-Region keys it belongs to, where the export has more of them.
    pub set: Option<usize>,
}

/// Related multi-Region keys of the export: one material under several policies (rule X4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySet {
    /// The id they share.
    pub id: Box<str>,
    /// The members by their places among the keys; at least two, sorted.
    pub members: Vec<usize>,
}

impl KeyFacts {
    fn new(world: &Inventory, arn: &KeyArn, possible: ActionSet) -> Self {
        let key = world.key(arn);
        let metadata = key.and_then(|key| key.metadata.as_ref());
        let aliases = key.into_iter().flat_map(|key| world.aliases_of(key));
        Self {
            arn: arn.clone(),
            aliases: aliases.map(|alias| alias.arn.name().into()).collect(),
            state: metadata.and_then(|metadata| metadata.state.clone()),
            usage: metadata.and_then(|metadata| metadata.usage.clone()),
            possible,
            ruled_out: key.map_or(ActionSet::EMPTY, ruled_out),
            set: None,
        }
    }

    /// The first alias and the id, or the ARN: as people name it. Related keys share an id, so theirs
    /// comes with the Region.
    pub fn shown(&self) -> String {
        match self.aliases.first() {
            Some(alias) if self.arn.is_multi_region() => {
                format!("{alias} ({} in {})", self.arn.id(), self.arn.region())
            }
            Some(alias) => format!("{alias} ({})", self.arn.id()),
            None => self.arn.to_string(),
        }
    }

    /// Its state, where that is worth a word.
    pub fn notable_state(&self) -> Option<&str> {
        self.state.as_deref().filter(|state| *state != "Enabled")
    }
}

fn ruled_out(key: &Key) -> ActionSet {
    KmsAction::all().filter(|action| matches!(ability(key, *action), Ability::NotNow(_))).collect()
}

/// The facts of the keys of `matrix`, in their order, and the sets among them.
pub(super) fn facts(matrix: &Matrix<'_>, world: &Inventory) -> (Vec<KeyFacts>, Vec<KeySet>) {
    let keys = matrix.keys().par_iter().enumerate();
    let mut facts: Vec<KeyFacts> =
        keys.map(|(at, arn)| KeyFacts::new(world, arn, matrix.possible(Some(at)))).collect();
    let mut related: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
    for (at, arn) in matrix.keys().iter().enumerate().filter(|(_, arn)| arn.is_multi_region()) {
        let owner = format!("{}:{}", arn.partition(), arn.account());
        related.entry((arn.id(), owner)).or_default().push(at);
    }
    let related = related.into_iter().filter(|(_, members)| members.len() > 1);
    let sets: Vec<KeySet> =
        related.map(|((id, _), members)| KeySet { id: id.into(), members }).collect();
    for (number, set) in sets.iter().enumerate() {
        for member in &set.members {
            if let Some(key) = facts.get_mut(*member) {
                key.set = Some(number);
            }
        }
    }
    (facts, sets)
}
