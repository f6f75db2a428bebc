//! What calls change about principals, and the principals as they are then.

use crate::aws::AccountId;
use crate::decision::{Citation, Cited};
use crate::inventory::{AttachedPolicy, Identity, ManagedPolicy, NamedPolicy};
use crate::policy::{Element, Polarity, Policy, PolicyDocument, PolicyKind};
use crate::source::{FileId, Place, Span};

use super::cast::{Cast, Ix};
use super::organize::OrgMove;
use super::tagging::{PrincipalTags, TagSet};

/// Something that a call changed about principals.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Change {
    /// An identity policy of a user or role allows everything (rules T20, T21).
    Everything(Ix),
    /// A policy of a group allows everything (rules T20, T21).
    OpenGroup(GroupName),
    /// A managed policy is attached to a group (rule T21).
    Given(GroupName, Box<str>),
    /// The default version of a customer managed policy allows everything (rule T22).
    Rewritten(Box<str>),
    /// Another version of a customer managed policy is the default (rule T23).
    Version(Box<str>, Box<str>),
    /// A managed policy is attached to a user or role (rule T21).
    Attached(Ix, Box<str>),
    /// A user is in a group (rule T24).
    Joined(Ix, GroupName),
    /// A user or role has no permissions boundary, or one that allows everything (rule T30).
    Unbounded(Ix),
    /// A user or role has another permissions boundary (rule T30).
    Bounded(Ix, Box<str>),
    /// A policy that denies is gone from a user or role (rule T31).
    Without(Ix, Carrier),
    /// A user or role has tags (rule T34).
    Tagged(Ix, TagSet),
    /// A user or role lost tags (rule T34).
    Untagged(Ix, Box<[Box<str>]>),
    /// A session of a role brings whatever tags are wanted (rule T7).
    SessionTags(Ix),
    /// A role's trust policy names whoever wants in, and the role is there (rules T25, T35).
    Trusting(Ix),
    /// A user is there (rule T35).
    Made(Ix),
    /// The organization is another (rule T37).
    Organized(OrgMove),
}

/// A group: its account and its name.
pub(super) type GroupName = (AccountId, Box<str>);

/// Where a user or role has a policy from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Carrier {
    /// An inline policy, by its name.
    Inline(Box<str>),
    /// A managed policy that is attached, by its ARN.
    Attached(Box<str>),
    /// A group, by its name.
    Group(Box<str>),
    /// An inline policy of a group, by both names.
    GroupInline(Box<str>, Box<str>),
    /// A managed policy that is attached to a group, by the group's name and the policy's ARN.
    GroupAttached(Box<str>, Box<str>),
}

/// The name of inline policies that paths write.
pub(super) const WRITTEN: &str = "keyreach";

/// The managed policy of AWS that is always there (rule T21).
pub(super) fn administrator_access(partition: &str) -> String {
    format!("arn:{partition}:iam::aws:policy/AdministratorAccess")
}

/// An identity policy that allows everything.
pub(super) fn everything() -> PolicyDocument {
    const TEXT: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    PolicyDocument::json(nowhere(), PolicyKind::Identity, TEXT)
}

/// The place of what paths write.
pub(super) fn nowhere() -> Place {
    Place::plain(FileId(0), Span::default())
}

/// Whether a statement or grant was written by a path, and stands in no file.
pub fn is_written(citation: &Citation) -> bool {
    match &citation.cited {
        Cited::Statement { document, .. } => document.place == nowhere(),
        Cited::Grant { place, .. } => *place == nowhere(),
    }
}

impl Change {
    /// Whether the user or role `at` is another one by it, where `others` hold as well.
    pub(super) fn touches(&self, cast: &Cast<'_>, at: Ix, others: &[Change]) -> bool {
        // A session is what its role is.
        let at = cast.role_of(at).unwrap_or(at);
        match self {
            Self::Everything(who)
            | Self::Unbounded(who)
            | Self::Bounded(who, _)
            | Self::Without(who, _)
            | Self::Joined(who, _)
            | Self::Attached(who, _)
            | Self::Tagged(who, _)
            | Self::Untagged(who, _)
            | Self::SessionTags(who) => *who == at,
            Self::OpenGroup(group) | Self::Given(group, _) => is_member(cast, at, group, others),
            Self::Rewritten(policy) | Self::Version(policy, _) => {
                bounds(cast, at, policy) || holds(cast, at, policy, others)
            }
            Self::Trusting(_) | Self::Made(_) | Self::Organized(_) => false,
        }
    }

    /// Whether it is of tags, which others' policies may ask for.
    pub(super) fn is_tag(&self) -> bool {
        matches!(self, Self::Tagged(..) | Self::Untagged(..) | Self::SessionTags(_))
    }

    /// Whether it is of one of these tags.
    pub(super) fn is_of_tags(&self, asked: &PrincipalTags) -> bool {
        match self {
            Self::Tagged(_, set) => set.iter().any(|(name, _)| asked.speak_of(name)),
            Self::Untagged(_, names) => names.iter().any(|name| asked.speak_of(name)),
            Self::SessionTags(_) => !asked.is_empty(),
            _ => false,
        }
    }

    /// Whether it lets somebody have more policies, which others may change.
    pub(super) fn brings_policies(&self) -> bool {
        matches!(self, Self::Joined(..) | Self::Attached(..) | Self::Given(..))
    }

    /// Whether `at` may do everything by it, so that another change, which only allows more, adds nothing.
    pub(super) fn makes_idle(&self, cast: &Cast<'_>, at: Ix, other: &Self) -> bool {
        let opens = |it: &Self| matches!(it, Self::Everything(_) | Self::OpenGroup(_));
        opens(self) && (opens(other) || other.brings_policies()) && self.touches(cast, at, &[])
    }

    /// The one whom it touches, where it is not of a group or a policy.
    pub(super) fn whose(&self) -> Option<Ix> {
        match self {
            Self::Everything(who)
            | Self::Unbounded(who)
            | Self::Bounded(who, _)
            | Self::Without(who, _)
            | Self::Joined(who, _)
            | Self::Attached(who, _)
            | Self::Tagged(who, _)
            | Self::Untagged(who, _)
            | Self::SessionTags(who)
            | Self::Trusting(who)
            | Self::Made(who) => Some(*who),
            Self::OpenGroup(_)
            | Self::Given(..)
            | Self::Rewritten(_)
            | Self::Version(..)
            | Self::Organized(_) => None,
        }
    }

    /// The change of the same one that brings all that this one brings, and more: a policy that allows
    /// everything instead of another.
    pub(super) fn wider(&self) -> Option<Self> {
        match self {
            Self::Joined(at, _) | Self::Attached(at, _) => Some(Self::Everything(*at)),
            Self::Given(group, _) => Some(Self::OpenGroup(group.clone())),
            Self::Version(policy, _) => Some(Self::Rewritten(policy.clone())),
            _ => None,
        }
    }

    /// The account of the group or policy that is changed.
    pub(super) fn account(&self) -> Option<AccountId> {
        match self {
            Self::OpenGroup((account, _)) | Self::Given((account, _), _) => Some(*account),
            Self::Rewritten(arn) | Self::Version(arn, _) => {
                AccountId::parse(arn.split(':').nth(4)?)
            }
            _ => None,
        }
    }

    fn apply(&self, cast: &Cast<'_>, identity: &mut Identity) {
        match self {
            Self::Everything(_) => allow_everything(identity),
            Self::OpenGroup((_, name)) => {
                if identity.groups.contains(name) {
                    allow_everything(identity);
                }
            }
            Self::Given((_, name), arn) => {
                if identity.groups.contains(name) {
                    let (arn, place) = (arn.clone(), nowhere());
                    identity.attached.push(AttachedPolicy { arn, place });
                }
            }
            Self::Unbounded(_) => identity.boundary = None,
            Self::Bounded(_, arn) => {
                identity.boundary = Some(AttachedPolicy { arn: arn.clone(), place: nowhere() });
            }
            Self::Without(_, Carrier::Inline(name)) => {
                identity.inline.retain(|policy| policy.name != *name);
            }
            Self::Without(_, Carrier::Attached(arn)) => {
                identity.attached.retain(|policy| policy.arn != *arn);
            }
            Self::Without(_, Carrier::Group(name)) => {
                identity.groups.remove(name);
            }
            Self::Without(_, Carrier::GroupInline(group, name)) => {
                leave(cast, identity, group);
                identity.inline.retain(|policy| policy.name != *name);
            }
            Self::Without(_, Carrier::GroupAttached(group, arn)) => {
                leave(cast, identity, group);
                identity.attached.retain(|policy| policy.arn != *arn);
            }
            Self::Joined(_, (_, group)) => {
                identity.groups.insert(group.clone());
            }
            Self::Attached(_, arn) => {
                identity.attached.push(AttachedPolicy { arn: arn.clone(), place: nowhere() });
            }
            Self::Rewritten(arn) => {
                if identity.boundary.as_ref().is_some_and(|bounds| bounds.arn == *arn) {
                    identity.boundary = None;
                }
                replace(cast, identity, arn, everything());
            }
            Self::Version(arn, version) => {
                let policy = cast.world.managed_policy(identity.account, arn);
                let found = policy.and_then(|it| it.versions.iter().find(|one| one.id == *version));
                if let Some(version) = found {
                    // Of a boundary what allows everything is another word for none.
                    let is_boundary = identity.boundary.as_ref().is_some_and(|it| it.arn == *arn);
                    if is_boundary && version.document.peek(is_everything) {
                        identity.boundary = None;
                    }
                    replace(cast, identity, arn, version.document.clone());
                }
            }
            Self::Tagged(_, set) => identity.tags.extend(set.iter().cloned()),
            Self::Untagged(_, keys) => {
                keys.iter().for_each(|key| drop(identity.tags.remove(key)));
            }
            Self::SessionTags(_) | Self::Trusting(_) | Self::Made(_) | Self::Organized(_) => {}
        }
    }
}

fn allow_everything(identity: &mut Identity) {
    identity.inline.retain(|policy| &*policy.name != WRITTEN);
    identity.inline.push(NamedPolicy { name: WRITTEN.into(), document: everything() });
}

/// Takes a user out of a group and gives it the group's policies themselves.
fn leave(cast: &Cast<'_>, identity: &mut Identity, name: &str) {
    let account = cast.world.account(identity.account);
    if let Some(group) = account.and_then(|account| account.groups.get(name))
        && identity.groups.remove(name)
    {
        identity.inline.extend(group.inline.iter().cloned());
        identity.attached.extend(group.attached.iter().cloned());
    }
}

/// Puts another document in the place of a managed policy, wherever the user or role has it from.
fn replace(cast: &Cast<'_>, identity: &mut Identity, arn: &str, document: PolicyDocument) {
    let account = cast.world.account(identity.account);
    let has = |name: &str| {
        let group = account.and_then(|account| account.groups.get(name));
        group.is_some_and(|group| group.attached.iter().any(|policy| *policy.arn == *arn))
    };
    let groups = identity.groups.iter().filter(|name| has(name));
    let groups: Vec<Box<str>> = groups.cloned().collect();
    groups.iter().for_each(|group| leave(cast, identity, group));
    let before = identity.attached.len();
    identity.attached.retain(|policy| *policy.arn != *arn);
    if identity.attached.len() < before {
        identity.inline.push(NamedPolicy { name: WRITTEN.into(), document });
    }
}

/// The user or role as it is after `changes`, those that make it a member of something first.
pub(super) fn changed(cast: &Cast<'_>, at: Ix, changes: &[Change]) -> Option<Identity> {
    let mut identity = cast.identity(at)?.clone();
    let joins = |it: &&Change| matches!(it, Change::Joined(..));
    let brings = |it: &&Change| it.brings_policies();
    changes.iter().filter(joins).for_each(|it| it.apply(cast, &mut identity));
    let given = changes.iter().filter(|it| brings(it) && !joins(it));
    given.for_each(|it| it.apply(cast, &mut identity));
    changes.iter().filter(|it| !brings(it)).for_each(|it| it.apply(cast, &mut identity));
    Some(identity)
}

fn is_member(cast: &Cast<'_>, at: Ix, group: &GroupName, others: &[Change]) -> bool {
    let identity = cast.identity(at);
    identity.is_some_and(|it| it.account == group.0 && it.groups.contains(&group.1))
        || others.contains(&Change::Joined(at, group.clone()))
}

/// Whether a managed policy is the permissions boundary of a user or role.
fn bounds(cast: &Cast<'_>, at: Ix, arn: &str) -> bool {
    let boundary = cast.identity(at).and_then(|identity| identity.boundary.as_ref());
    boundary.is_some_and(|boundary| *boundary.arn == *arn)
}

/// What the permissions boundary of a user or role says after changes, where one of them is of its version (rule
/// T23).
pub(super) fn boundary_after<'w>(
    cast: &Cast<'w>,
    identity: &Identity,
    changes: &[Change],
) -> Option<&'w PolicyDocument> {
    let boundary = identity.boundary.as_ref()?;
    changes.iter().find_map(|change| match change {
        Change::Version(arn, version) if *arn == boundary.arn => {
            let policy = cast.world.managed_policy(identity.account, arn)?;
            let version = policy.versions.iter().find(|one| one.id == *version)?;
            Some(&version.document)
        }
        _ => None,
    })
}

/// Whether a policy allows everything and denies nothing.
pub(super) fn is_everything(policy: &Policy) -> bool {
    let is_all = |element: &Option<Element>| {
        element.as_ref().is_some_and(|element| {
            let mut texts = element.values.iter().filter_map(|value| value.value.text());
            element.polarity == Polarity::Is && texts.any(|text| text == "*")
        })
    };
    let mut statements = policy.statements.iter();
    statements.all(|statement| statement.allows())
        && policy.statements.iter().any(|statement| {
            statement.conditions.is_empty()
                && is_all(&statement.action)
                && is_all(&statement.resource)
        })
}

/// Whether a user or role has a managed policy, itself or by a group, once `others` hold.
fn holds(cast: &Cast<'_>, at: Ix, arn: &str, others: &[Change]) -> bool {
    let Some(identity) = cast.identity(at) else {
        return false;
    };
    let has = |attached: &[AttachedPolicy]| attached.iter().any(|policy| *policy.arn == *arn);
    let account = cast.world.account(identity.account);
    let joined = others.iter().filter_map(|it| match it {
        Change::Joined(who, (_, name)) if *who == at => Some(name),
        _ => None,
    });
    let mut groups = identity.groups.iter().chain(joined);
    has(&identity.attached)
        || groups.any(|name| {
            account.and_then(|it| it.groups.get(name)).is_some_and(|it| has(&it.attached))
        })
        || others.iter().any(|it| match it {
            Change::Attached(who, policy) => *who == at && **policy == *arn,
            Change::Given(group, policy) => **policy == *arn && is_member(cast, at, group, others),
            _ => false,
        })
}

/// The policies of a user or role that deny something.
pub(super) fn deniers(cast: &Cast<'_>, identity: &Identity) -> Vec<Carrier> {
    let denies = |policy: &Policy| policy.statements.iter().any(|statement| statement.denies());
    let managed = |arn: &str| {
        let policy = cast.world.managed_policy(identity.account, arn);
        policy.and_then(ManagedPolicy::document).is_some_and(|it| it.peek(denies))
    };
    let mut all = Vec::new();
    let inline = identity.inline.iter().filter(|it| !it.is_managed() && it.document.peek(denies));
    all.extend(inline.map(|policy| Carrier::Inline(policy.name.clone())));
    let attached = identity.attached.iter().filter(|policy| managed(&policy.arn));
    all.extend(attached.map(|policy| Carrier::Attached(policy.arn.clone())));
    let account = cast.world.account(identity.account);
    for name in &identity.groups {
        let Some(group) = account.and_then(|account| account.groups.get(name)) else { continue };
        let before = all.len();
        let inline = group.inline.iter().filter(|it| !it.is_managed() && it.document.peek(denies));
        all.extend(inline.map(|it| Carrier::GroupInline(name.clone(), it.name.clone())));
        let attached = group.attached.iter().filter(|policy| managed(&policy.arn));
        all.extend(attached.map(|it| Carrier::GroupAttached(name.clone(), it.arn.clone())));
        if all.len() > before {
            all.push(Carrier::Group(name.clone()));
        }
    }
    all
}
