//! What is gathered of one user, role or group.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::AccountId;
use crate::inventory::{AttachedPolicy, IdentityKind, NamedPolicy, Tags};
use crate::policy::PolicyDocument;
use crate::source::Place;

use super::super::facts::{
    Fact, GroupFact, IdentityFact, Names as Listed, Page, Parts, PrincipalKind,
};
use super::super::given::{Gift, Given, Target as GivenTo};

/// What is gathered of a user, role or group.
pub(super) struct Holder {
    pub(super) kind: PrincipalKind,
    pub(super) account: AccountId,
    pub(super) place: Place,
    pub(super) tags: Option<Tags>,
    pub(super) boundary: Option<Option<AttachedPolicy>>,
    pub(super) trust: Option<PolicyDocument>,
    /// How long sessions of a role may last, where that is known.
    pub(super) max_session: Option<u32>,
    pub(super) inline: Vec<NamedPolicy>,
    pub(super) attached: Vec<AttachedPolicy>,
    /// Policies of which nobody knows whether they are attached, with what decides.
    pub(super) doubted: Vec<(AttachedPolicy, Box<str>)>,
    pub(super) groups: BTreeSet<Box<str>>,
    /// Whether nothing else can be attached, and no other group be joined.
    pub(super) all_attached: bool,
    pub(super) all_groups: bool,
    /// Whether another is declared by the same name, and at most one of them will be there.
    pub(super) is_one_of_several: bool,
    /// Whether nobody knows if it will be there.
    pub(super) is_in_doubt: bool,
}

impl Holder {
    /// Gives it a policy of its own.
    pub(super) fn give(&mut self, name: &str, document: PolicyDocument) {
        self.inline.push(NamedPolicy { name: name.into(), document });
    }

    /// Attaches a managed policy to it, or one that nobody knows.
    pub(super) fn take(&mut self, policy: Option<AttachedPolicy>) {
        self.all_attached &= policy.is_some();
        self.attached.extend(policy);
    }

    /// Says what its boundary is, or that nobody knows which.
    pub(super) fn bind(&mut self, boundary: Option<AttachedPolicy>) {
        self.boundary = boundary.map(Some);
    }

    /// Says whom it trusts.
    pub(super) fn trust(&mut self, document: PolicyDocument) {
        self.trust = Some(document);
    }

    /// What it may have is given to it once all policies are known.
    pub(super) fn doubted(&self, arn: &str) -> impl Iterator<Item = Fact> {
        let doubted = self.doubted.iter().filter(|_| !self.is_one_of_several);
        doubted.map(move |(policy, doubt)| {
            let to = GivenTo::own(self.kind, arn, doubt);
            let policies = vec![policy.clone()];
            let gift = Gift::Attached { policies, is_open: false };
            let (place, own) = (policy.place, Arc::default());
            Fact::Given(Box::new(Given { to: vec![to], gift, place, own }))
        })
    }

    /// It as a fact.
    pub(super) fn fact(self, arn: Box<str>) -> Fact {
        let (account, place) = (self.account, self.place);
        let parts = match self.is_one_of_several {
            true => Parts::default(),
            false => Parts {
                inline: self.inline,
                inline_names: Listed::All,
                attached: Some(Page { items: self.attached, place, more: !self.all_attached }),
                also_attached: None,
            },
        };
        let kind = match self.kind {
            PrincipalKind::Group => {
                let group = GroupFact::new(arn, account, place, parts);
                return Fact::Group(Box::new(GroupFact { is_in_doubt: self.is_in_doubt, ..group }));
            }
            PrincipalKind::Role => IdentityKind::Role,
            PrincipalKind::User => IdentityKind::User,
        };
        let mut fact = IdentityFact::new(kind, arn, account, place);
        if self.is_one_of_several {
            // Which of them it will be nobody knows, and so nothing of what it has.
            return Fact::Identity(Box::new(fact));
        }
        fact.tags = self.tags;
        fact.boundary = self.boundary;
        fact.trust = self.trust;
        fact.max_session = self.max_session;
        fact.parts = parts;
        fact.is_in_doubt = self.is_in_doubt;
        fact.groups = Some(Page { items: self.groups, place, more: !self.all_groups });
        Fact::Identity(Box::new(fact))
    }
}
