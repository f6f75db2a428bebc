//! The managed policies that an argument attaches, as far as they are known.

use std::rc::Rc;

use crate::aws::managed::is_without_keys;
use crate::inventory::AttachedPolicy;
use crate::source::Place;

use super::evaluator::Evaluator;
use super::resource::Resource;
use super::value::{Data, Value};

/// Managed policies, as an argument lists them.
#[derive(Default)]
pub(super) struct Attachments {
    pub(super) policies: Vec<AttachedPolicy>,
    /// Those that may not be there, with what decides.
    pub(super) doubted: Vec<(AttachedPolicy, Rc<str>)>,
    /// Whether there may be others.
    pub(super) is_open: bool,
}

impl Attachments {
    /// One managed policy, or all of a list.
    pub(super) fn of(policy: &Value) -> Self {
        let mut all = Self::default();
        match &policy.data {
            Data::List(list) => {
                all.is_open = list.is_open;
                list.items.iter().map(Self::of).for_each(|one| all.add(one));
            }
            Data::OneOf(expression, branches) => {
                let branches = branches.iter().filter(|branch| !branch.is_null());
                branches
                    .map(|branch| Self::of(branch).when(expression))
                    .for_each(|one| all.add(one));
            }
            _ => {
                let place = Place::plain(policy.at.file, policy.at.span);
                let known = policy.known();
                let known = known.map(|arn| AttachedPolicy { arn: Box::from(&*arn), place });
                all.is_open = known.is_none();
                all.policies.extend(known);
            }
        }
        all
    }

    /// Tells where a resource leaves open which policies it attaches.
    pub(super) fn tell(evaluator: &Evaluator<'_>, resource: &Resource<'_>, policy: &Value) {
        let all = Self::of(policy);
        // What has nothing to do with keys decides nothing.
        let decides = |(policy, _): &(AttachedPolicy, Rc<str>)| !is_without_keys(&policy.arn);
        if all.is_open || all.doubted.iter().any(decides) {
            let what = format!("{}: which policies it attaches", resource.address);
            evaluator.unresolved(policy.at, what);
        }
    }

    fn add(&mut self, other: Self) {
        self.policies.extend(other.policies);
        self.doubted.extend(other.doubted);
        self.is_open |= other.is_open;
    }

    /// The same, where `doubt` decides whether it is there.
    pub(super) fn when(mut self, doubt: &Rc<str>) -> Self {
        let policies = std::mem::take(&mut self.policies);
        self.doubted.extend(policies.into_iter().map(|policy| (policy, Rc::clone(doubt))));
        self
    }
}
