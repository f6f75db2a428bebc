//! Who holds what on a key: groups of callers that share every answer, and their answers as sets of
//! actions.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{ActionSet, KmsAction};
use crate::inventory::{Constraints, Edit, Grant, Grantee, Key};
use crate::policy::{PolicyDocument, PolicyKind};

use super::{Bound, Caller, Citation, Fate, Gate};

/// The actions of KMS that a caller holds on a key: bounds, without witnesses. Actions that the key can
/// never perform are in no set (rule S5). `always`, `sure` and `possible` each hold the one before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Holding {
    /// Every request is allowed, for certain.
    pub always: ActionSet,
    /// Some request is allowed, for certain: [`Verdict::reaches`](super::Verdict::reaches).
    pub sure: ActionSet,
    /// Some request could be allowed; what is not in it is never allowed, whatever is missing.
    pub possible: ActionSet,
}

impl Holding {
    /// Adds an action by the bounds of the verdict on it.
    pub fn add(&mut self, action: KmsAction, least: Bound, most: Bound) {
        let sets = [
            (&mut self.always, least == Bound::Always),
            (&mut self.sure, least > Bound::Never),
            (&mut self.possible, most > Bound::Never),
        ];
        sets.into_iter().filter(|(_, holds)| *holds).for_each(|(set, _)| set.insert(action));
    }

    /// The same for these actions alone.
    #[must_use]
    pub fn within(self, wanted: ActionSet) -> Self {
        Self {
            always: self.always.intersection(wanted),
            sure: self.sure.intersection(wanted),
            possible: self.possible.intersection(wanted),
        }
    }
}

/// Callers that share every answer on one key, and what they hold.
#[derive(Clone, Debug)]
pub struct Holders {
    /// Who they are.
    pub who: Crowd,
    /// What each of them holds.
    pub holds: Holding,
}

/// Callers that an Allow statement or a grant means, and what becomes of it for each of them.
#[derive(Clone, Debug)]
pub struct Meant {
    /// Who they are.
    pub who: Crowd,
    /// What becomes of it.
    pub fates: Fates,
}

/// What becomes of an Allow statement or a grant for one caller and key, as
/// [`Fate`] says of each action. What is in no set it never applies to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Fates {
    /// It applies to some request that no Deny stops.
    pub free: ActionSet,
    /// Every request it applies to is denied explicitly, whatever is missing.
    pub denied: ActionSet,
    /// Not decidable, or what is missing decides.
    pub unknown: ActionSet,
}

impl Fates {
    /// The fates of single actions, together.
    pub fn of_each(wanted: ActionSet, fate: impl Fn(KmsAction) -> Fate) -> Self {
        let mut fates = Self::default();
        for action in wanted.iter() {
            match fate(action) {
                Fate::NeverApplies => {}
                Fate::Free(_) => fates.free.insert(action),
                Fate::Denied { .. } => fates.denied.insert(action),
                Fate::Unknown => fates.unknown.insert(action),
            }
        }
        fates
    }

    /// The actions for which it applies, or could.
    pub fn applies(self) -> ActionSet {
        self.free.union(self.denied).union(self.unknown)
    }

    /// The same for these actions alone.
    #[must_use]
    pub fn within(self, wanted: ActionSet) -> Self {
        Self {
            free: self.free.intersection(wanted),
            denied: self.denied.intersection(wanted),
            unknown: self.unknown.intersection(wanted),
        }
    }
}

/// The explicit denies that stop what an Allow statement or a grant gives.
#[derive(Clone, Default, Debug)]
pub struct Denials {
    /// The gates they stand at.
    pub gates: BTreeSet<Gate>,
    /// The statements, in the order of the gates.
    pub by: Vec<Citation>,
}

impl Denials {
    /// The denials of single actions, together.
    pub fn of_each(wanted: ActionSet, fate: impl Fn(KmsAction) -> Fate) -> Self {
        let mut all = Self::default();
        for action in wanted.iter() {
            if let Fate::Denied { gates, by, .. } = fate(action) {
                all.gates.extend(gates);
                all.by.extend(by);
            }
        }
        all
    }
}

/// What a caller could give itself on a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Gift {
    /// A key policy with one statement, which allows it every action by its name (`PutKeyPolicy`).
    Policy,
    /// A grant of these operations to its name, without constraints (`CreateGrant`).
    Grant(ActionSet),
}

impl Gift {
    /// The edit with which `caller` gives it to itself.
    pub fn edit(self, key: &Key, caller: &Caller) -> Edit {
        match self {
            Self::Policy => {
                Edit::PutKeyPolicy { key: key.arn.clone(), policy: opened(key, caller) }
            }
            Self::Grant(operations) => {
                let grant = Box::new(grant(key, caller, operations));
                Edit::CreateGrant { key: key.arn.clone(), grant }
            }
        }
    }
}

fn opened(key: &Key, caller: &Caller) -> PolicyDocument {
    let statement = serde_json::json!({
        "Effect": "Allow", "Principal": { "AWS": &*caller.text }, "Action": "kms:*", "Resource": "*",
    });
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] });
    let place = key.policy.as_ref().map_or(key.place, |document| document.place);
    PolicyDocument::json(place, PolicyKind::Key, policy.to_string())
}

fn grant(key: &Key, caller: &Caller, operations: ActionSet) -> Grant {
    Grant {
        id: "self-grant".into(),
        name: None,
        grantee: Grantee::principal(&caller.text),
        retiring: None,
        issuing_account: caller.account,
        operations,
        unknown_operations: Vec::new(),
        constraints: Constraints::default(),
        place: key.place,
    }
}

/// Callers that an engine knows, by their numbers: what groups are made of, shared by many of them.
#[derive(Debug)]
pub struct Members {
    /// Every caller that the engine knows.
    all: Arc<[Caller]>,
    /// The numbers of these, sorted.
    numbers: Box<[u32]>,
}

impl Members {
    /// Those of `all` with these numbers, which are sorted and in the order of the callers.
    pub fn new(all: Arc<[Caller]>, numbers: Box<[u32]>) -> Arc<Self> {
        Arc::new(Self { all, numbers })
    }
}

/// Some callers, in order. Cheap to clone; groups of one engine share what they are made of.
#[derive(Clone, Debug)]
pub struct Crowd {
    first: u32,
    members: Arc<Members>,
    /// The numbers of those that are in another group, sorted.
    others: Arc<[u32]>,
}

impl Crowd {
    /// The members, except `others`, whose numbers are sorted; nothing where nobody is left.
    pub fn new(members: Arc<Members>, others: Arc<[u32]>) -> Option<Self> {
        let left = |number: &&u32| others.binary_search(number).is_err();
        let first = *members.numbers.iter().find(left)?;
        members.all.get(first as usize)?;
        Some(Self { first, members, others })
    }

    /// One caller.
    pub fn one(caller: Caller) -> Self {
        let members = Members::new([caller].into(), [0].into());
        Self { first: 0, members, others: Arc::default() }
    }

    /// One of them, who speaks for all: the first.
    #[expect(clippy::indexing_slicing, reason = "`new` found it")]
    pub fn first(&self) -> &Caller {
        &self.members.all[self.first as usize]
    }

    /// The number of the first among all callers of the engine.
    pub fn number(&self) -> u32 {
        self.first
    }

    /// The numbers of all of them.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        let left = |number: &u32| self.others.binary_search(number).is_err();
        self.members.numbers.iter().copied().filter(left)
    }

    /// How many they are; never none.
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Caller> {
        self.numbers().filter_map(|number| self.members.all.get(number as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_whoever_is_in_no_other_group() {
        let caller = |name| Caller::parse(&format!("arn:aws:iam::111122223333:user/{name}"));
        let all: Arc<[Caller]> = ["a", "b", "c", "d"].into_iter().filter_map(caller).collect();
        let members = |numbers: &[u32]| Members::new(Arc::clone(&all), numbers.into());
        let some = Crowd::new(members(&[0, 1, 3]), [0, 2].into());
        let some = some.expect("b and d");
        assert_eq!((some.first(), some.count()), (&all[1], 2));
        assert_eq!(some.iter().collect::<Vec<_>>(), [&all[1], &all[3]]);
        assert!(Crowd::new(members(&[0]), [0].into()).is_none());
    }
}
