//! The policies that take part in a question, as people name them; for citations alone.

use crate::decision::{CallerKind, Citation, Cited, Gate};
use crate::inventory::{Identity, Key, ManagedPolicy, NamedPolicy, OrgPolicyKind, policy_name};
use crate::policy::PolicyDocument;

use super::library::World;
use super::subject::Subject;

/// A policy that takes part.
pub(super) struct Participant<'w> {
    /// The gate it stands at.
    pub(super) gate: Gate,
    name: String,
    /// The policy.
    pub(super) document: &'w PolicyDocument,
}

impl Participant<'_> {
    /// Its Deny statements, by index and as they are cited.
    pub(super) fn denies(&self) -> impl Iterator<Item = (usize, Citation)> {
        let statements = self.document.policy().statements.iter().enumerate();
        statements.filter(|(_, statement)| statement.denies()).map(|(index, _)| {
            let cited = Cited::Statement { document: self.document.clone(), index };
            (index, Citation { policy: self.name.clone(), cited })
        })
    }
}

/// The policies of both sides, in the order of section 7.
pub(super) fn of<'w>(
    world: &World<'w>,
    subject: &Subject<'w>,
    key: Option<&'w Key>,
) -> Vec<Participant<'w>> {
    let mut all = Vec::new();
    let service = subject.caller.kind == CallerKind::Service;
    if !service && !subject.is_service_linked() {
        of_organization(world, subject.caller.account, OrgPolicyKind::Scp, &mut all);
    }
    if let Some(key) = key {
        if !key.is_aws_managed() && !subject.is_service_linked() {
            of_organization(world, Some(key.arn.account()), OrgPolicyKind::Rcp, &mut all);
        }
        let shown = world.inventory.name_of(key);
        let policies = [("key policy", &key.policy), ("AWS_RAM policy", &key.ram_policy)];
        all.extend(policies.into_iter().filter_map(|(what, document)| {
            let name = format!("{what} of {shown}");
            Some(Participant { gate: Gate::KeyPolicy, name, document: document.as_ref()? })
        }));
    }
    if let Some(identity) = subject.identity {
        of_identity(world, identity, &mut all);
        let boundary = identity.boundary.as_ref().filter(|_| !subject.is_service_linked());
        if let Some(policy) = boundary {
            managed(world, identity, &policy.arn, Gate::PermissionsBoundary, &mut all);
        }
    }
    all
}

fn of_organization<'w>(
    world: &World<'w>,
    account: Option<crate::aws::AccountId>,
    kind: OrgPolicyKind,
    all: &mut Vec<Participant<'w>>,
) {
    let Some((organization, account)) = world.inventory.organization.as_deref().zip(account) else {
        return;
    };
    // Levels bind no one of the management account, and none of a kind that is not enabled.
    if world.levels(account, kind).is_none() {
        return;
    }
    let own = organization.accounts.get(&account).map(|account| vec![account.as_str()]);
    let ids = organization.levels(account).or(own).unwrap_or_default();
    let gate = if kind == OrgPolicyKind::Scp { Gate::Scp } else { Gate::Rcp };
    for id in ids {
        for policy in organization.attached(id, kind) {
            let name = format!("{} {} ({}) at {id}", kind.name(), policy.name, policy.id);
            all.extend(policy.document.as_ref().map(|document| Participant {
                gate,
                name,
                document,
            }));
        }
    }
}

fn of_identity<'w>(world: &World<'w>, identity: &'w Identity, all: &mut Vec<Participant<'w>>) {
    let account = world.inventory.account(identity.account);
    let groups = identity.groups.iter().filter_map(|name| account?.groups.get(name));
    let own = (&identity.inline, &identity.attached, &identity.arn);
    let holders = std::iter::once(own).chain(groups.map(|it| (&it.inline, &it.attached, &it.arn)));
    for (inline, attached, arn) in holders {
        all.extend(inline.iter().map(|policy| Participant {
            gate: Gate::IdentityPolicy,
            name: NamedPolicy::words(&policy.name, arn),
            document: &policy.document,
        }));
        for policy in attached {
            managed(world, identity, &policy.arn, Gate::IdentityPolicy, all);
        }
    }
}

fn managed<'w>(
    world: &World<'w>,
    identity: &Identity,
    arn: &str,
    gate: Gate,
    all: &mut Vec<Participant<'w>>,
) {
    let found = world.inventory.managed_policy(identity.account, arn);
    let name = format!("managed policy {}", policy_name(arn));
    let document = found.and_then(ManagedPolicy::document);
    all.extend(document.map(|document| Participant { gate, name, document }));
}
