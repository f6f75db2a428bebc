//! What all files state of one entity, made one: the first by path counts, and what contradicts it is
//! noted. Pages of one listing are joined.

mod alone;
mod candidates;
mod given;
mod inline;
mod limits;
mod nodes;
mod organization;

use std::collections::BTreeSet;
use std::mem;

use crate::aws::KeyArn;
use crate::inventory::{
    AttachedPolicy, EXISTENCE, Gap, GapKind, Grant, Group, Identity, IdentityKind, Key,
    KeyMetadata, ManagedPolicy, NamedPolicy, PolicyVersion, Stated, Tags, policy_name,
};
use crate::policy::PolicyDocument;
use crate::source::Place;

use super::facts::{GroupFact, IdentityFact, KeyFact, KeyPart, Names, Page, Parts, PolicyFact};
use super::merge::Notes;

pub(in crate::ingest) use given::given;
pub(in crate::ingest) use organization::organization;

/// Who is settled.
struct Subject<'s> {
    arn: &'s str,
}

impl Subject<'_> {
    /// Keeps the first statement; notes a later one that says otherwise.
    fn keep<T>(
        &self,
        slot: &mut Option<Stated<T>>,
        value: T,
        place: Place,
        part: &str,
        same: impl Fn(&T, &T) -> bool,
        notes: &mut Notes,
    ) {
        match slot {
            None => *slot = Some(Stated::new(value, place)),
            Some(first) if same(&first.value, &value) => {}
            Some(first) => {
                notes.conflict(format!("{part} of {}", self.arn), self.arn, first.place, place);
            }
        }
    }

    /// Makes one list of pages: where each is complete the first, else all together.
    fn join<T>(
        &self,
        pages: Vec<Page<T>>,
        part: &str,
        same: impl Fn(&T, &T) -> bool,
        mut extend: impl FnMut(&mut T, T),
        notes: &mut Notes,
    ) -> Option<Joined<T>> {
        let more = pages.iter().find(|page| page.more).map(|page| page.place);
        let is_whole = pages.iter().any(|page| !page.more);
        let mut pages = pages.into_iter();
        let first = pages.next()?;
        let (mut items, place) = (first.items, first.place);
        for page in pages {
            if more.is_some() {
                extend(&mut items, page.items);
            } else if !same(&items, &page.items) {
                notes.conflict(format!("{part} of {}", self.arn), self.arn, place, page.place);
            }
        }
        Some(Joined { items, truncated: more.filter(|_| !is_whole) })
    }
}

/// A listing whose pages were joined.
struct Joined<T> {
    items: T,
    /// The page behind which others are missing.
    truncated: Option<Place>,
}

/// A key from all facts of it, of which it takes what they state.
pub(super) fn key(facts: &mut [KeyFact]) -> Option<(KeyArn, Key, Notes)> {
    let (arn, place) = facts.first().map(|fact| (fact.arn.clone(), fact.place))?;
    let mut found = Notes::default();
    let notes = &mut found;
    let subject = Subject { arn: arn.as_str() };
    let mut key = Key::new(arn.clone(), place);
    let (mut metadata, mut policy, mut ram, mut rotation) = (None, None, None, None);
    let (mut grants, mut tags, mut aliases) = (Vec::new(), Vec::new(), Vec::new());
    for fact in facts {
        let place = fact.place;
        match mem::replace(&mut fact.part, KeyPart::Known) {
            KeyPart::Known => {}
            KeyPart::Metadata(value) => {
                let same = |one: &KeyMetadata, other: &KeyMetadata| one == other;
                subject.keep(&mut metadata, *value, place, "metadata", same, notes);
            }
            KeyPart::Policy(value) => {
                let same = PolicyDocument::same_meaning;
                let at = value.place;
                subject.keep(&mut policy, value, at, "key policy", same, notes);
            }
            KeyPart::RamPolicy(value) => {
                let same = PolicyDocument::same_meaning;
                let at = value.place;
                subject.keep(&mut ram, value, at, "RAM policy", same, notes);
            }
            KeyPart::Rotation(value) => {
                let same = |one: &bool, other: &bool| one == other;
                subject.keep(&mut rotation, value, place, "rotation", same, notes);
            }
            KeyPart::LockoutCheckBypassed => {
                key.lockout_check_bypassed = key.lockout_check_bypassed.or(Some(place));
            }
            KeyPart::Grants(page) => grants.push(page),
            KeyPart::GrantsOpen => {
                let part = "grants";
                let kind = GapKind::KeyPart { key: arn.clone(), part, truncated: false };
                notes.gaps.push(Gap { kind, place });
            }
            KeyPart::Tags(page) => tags.push(page),
            KeyPart::Aliases(page) => aliases.push(page),
        }
    }
    key.metadata = metadata.map(|stated| stated.value);
    key.policy = policy.map(|stated| stated.value);
    key.ram_policy = ram.map(|stated| stated.value);
    key.rotation = rotation.map(|stated| stated.value);
    let mut truncated = |part, place: Option<Place>| {
        if let Some(place) = place {
            let kind = GapKind::KeyPart { key: arn.clone(), part, truncated: true };
            notes.gaps.push(Gap { kind, place });
        }
    };
    let mut conflicts = Notes::default();
    if let Some(joined) = subject.join(
        grants,
        "grants",
        |one, other| same_grants(one, other),
        add_grants,
        &mut conflicts,
    ) {
        key.grants = joined.items;
        key.grants_listed = true;
        truncated("grants", joined.truncated);
    }
    let same_tags = |one: &Tags, other: &Tags| one == other;
    if let Some(joined) = subject.join(tags, "tags", same_tags, Tags::extend, &mut conflicts) {
        key.tags = Some(joined.items);
        truncated("tags", joined.truncated);
    }
    let same = |(): &(), (): &()| true;
    if let Some(joined) = subject.join(aliases, "aliases", same, |(), ()| {}, &mut conflicts) {
        key.aliases_listed = joined.truncated.is_none();
        truncated("aliases", joined.truncated);
    }
    notes.conflicts.append(&mut conflicts.conflicts);
    Some((arn, key, found))
}

fn add_grants(grants: &mut Vec<Grant>, more: Vec<Grant>) {
    for grant in more {
        if !grants.iter().any(|known| known.id == grant.id) {
            grants.push(grant);
        }
    }
}

/// Whether two lists hold the same grants, in whatever order.
fn same_grants(one: &[Grant], other: &[Grant]) -> bool {
    let has = |list: &[Grant], grant: &Grant| list.iter().any(|other| same_grant(grant, other));
    one.len() == other.len() && one.iter().all(|grant| has(other, grant))
}

fn same_grant(one: &Grant, other: &Grant) -> bool {
    one.id == other.id
        && one.name == other.name
        && one.grantee == other.grantee
        && one.retiring == other.retiring
        && one.issuing_account == other.issuing_account
        && one.operations == other.operations
        && one.unknown_operations == other.unknown_operations
        && one.constraints == other.constraints
}

/// A user or role from all facts of it. `members_listed`: every group that is known lists its members.
#[expect(clippy::vec_box, reason = "facts are large, and are moved between vectors")]
pub(super) fn identity(
    mut facts: Vec<Box<IdentityFact>>,
    members_listed: bool,
    notes: &mut Notes,
) -> Identity {
    let is_in_doubt = facts.iter().all(|fact| fact.is_in_doubt);
    let rest = facts.split_off(1.min(facts.len()));
    #[expect(clippy::expect_used, reason = "facts are grouped by their ARN, no group is empty")]
    let first = *facts.pop().expect("a group of facts");
    let IdentityFact { kind, arn, account, place, .. } = first;
    let subject = Subject { arn: &arn };
    let mut unique_id = first.unique_id.map(|id| Stated::new(id, place));
    let mut tags = first.tags.map(|tags| Stated::new(tags, place));
    let mut boundary = first.boundary.map(|boundary| Stated::new(boundary, place));
    let mut max_session = first.max_session.map(|seconds| Stated::new(seconds, place));
    let mut trust = first.trust.map(|trust| Stated::new(trust, place));
    let mut groups: Vec<_> = first.groups.into_iter().collect();
    let mut member_of: BTreeSet<Box<str>> = first.member_of.into_iter().collect();
    let mut parts = vec![(first.parts, place)];
    for fact in rest {
        let at = fact.place;
        if let Some(id) = fact.unique_id {
            subject.keep(&mut unique_id, id, at, "unique id", |one, other| one == other, notes);
        }
        if let Some(value) = fact.tags {
            subject.keep(&mut tags, value, at, "tags", |one, other| one == other, notes);
        }
        if let Some(value) = fact.boundary {
            let arn =
                |boundary: &Option<AttachedPolicy>| boundary.as_ref().map(|to| to.arn.clone());
            let same = |one: &_, other: &_| arn(one) == arn(other);
            subject.keep(&mut boundary, value, at, "permissions boundary", same, notes);
        }
        if let Some(value) = fact.max_session {
            let what = "maximum session duration";
            subject.keep(&mut max_session, value, at, what, |one, other| one == other, notes);
        }
        if let Some(value) = fact.trust {
            let same = PolicyDocument::same_meaning;
            subject.keep(&mut trust, value, at, "trust policy", same, notes);
        }
        groups.extend(fact.groups);
        member_of.extend(fact.member_of);
        parts.push((fact.parts, at));
    }
    let mut missing = |part| {
        let kind = GapKind::IdentityPart { account, arn: arn.clone(), part };
        notes.gaps.push(Gap { kind, place });
    };
    if is_in_doubt {
        missing(EXISTENCE);
    }
    if boundary.is_none() {
        missing("permissions boundary");
    }
    if tags.is_none() {
        missing("tags");
    }
    let all = members_listed && !member_of.is_empty();
    let same = |one: &BTreeSet<_>, other: &BTreeSet<_>| one == other;
    let groups = match subject.join(groups, "memberships", same, BTreeSet::extend, notes) {
        Some(joined) => {
            if joined.truncated.is_some() {
                let part = "memberships";
                let kind = GapKind::IdentityPart { account, arn: arn.clone(), part };
                notes.gaps.push(Gap { kind, place });
            }
            joined.items
        }
        None => {
            if kind == IdentityKind::User && !all {
                let part = "memberships";
                let kind = GapKind::IdentityPart { account, arn: arn.clone(), part };
                notes.gaps.push(Gap { kind, place });
            }
            BTreeSet::new()
        }
    };
    member_of.extend(groups);
    let policies = policies(&subject, parts, notes);
    for part in policies.missing {
        let kind = GapKind::IdentityPart { account, arn: arn.clone(), part };
        notes.gaps.push(Gap { kind, place });
    }
    Identity {
        kind,
        name: policy_name(&arn).into(),
        account,
        unique_id: unique_id.map(|stated| stated.value),
        tags: tags.map(|stated| stated.value).unwrap_or_default(),
        inline: policies.inline,
        attached: policies.attached,
        groups: member_of,
        boundary: boundary.and_then(|stated| stated.value),
        max_session: max_session.map(|stated| stated.value),
        trust: trust.map(|stated| stated.value),
        place,
        arn,
    }
}

/// A group from all facts of it.
pub(super) fn group(facts: Vec<GroupFact>, notes: &mut Notes) -> Group {
    let first = facts.first().map(|fact| (fact.arn.clone(), fact.account, fact.place));
    #[expect(clippy::expect_used, reason = "facts are grouped by their ARN, no group is empty")]
    let (arn, account, place) = first.expect("a group of facts");
    let is_in_doubt = facts.iter().all(|fact| fact.is_in_doubt);
    let parts = facts.into_iter().map(|fact| (fact.parts, fact.place)).collect();
    let policies = policies(&Subject { arn: &arn }, parts, notes);
    for part in policies.missing.into_iter().chain(is_in_doubt.then_some(EXISTENCE)) {
        let kind = GapKind::IdentityPart { account, arn: arn.clone(), part };
        notes.gaps.push(Gap { kind, place });
    }
    Group {
        name: policy_name(&arn).into(),
        inline: policies.inline,
        attached: policies.attached,
        place,
        arn,
    }
}

/// The policies of a user, role or group, and which parts are not known wholly.
struct Policies {
    inline: Vec<NamedPolicy>,
    attached: Vec<AttachedPolicy>,
    missing: Vec<&'static str>,
}

fn policies(subject: &Subject<'_>, parts: Vec<(Parts, Place)>, notes: &mut Notes) -> Policies {
    let (mut inline, mut names, mut attached) = (Vec::<NamedPolicy>::new(), Vec::new(), Vec::new());
    let mut also = Vec::new();
    let is_one = parts.len() == 1;
    for (part, place) in parts {
        let is_whole = part.attached.as_ref().is_none_or(|page| !page.more);
        let is_all = is_one && is_whole && matches!(part.inline_names, Names::All);
        if is_all && inline::are_told_apart(&part.inline) {
            // One document says all there is: nothing to compare.
            let attached = part.attached.map(|page| page.items).unwrap_or_default();
            return Policies { inline: part.inline, attached, missing: Vec::new() };
        }
        match part.inline_names {
            Names::Unknown => {}
            Names::All => {
                let all = part.inline.iter().map(|policy| policy.name.clone()).collect();
                names.push(Page { items: all, place, more: false });
            }
            Names::Page(page) => names.push(page),
        }
        attached.extend(part.attached);
        also.extend(part.also_attached);
        inline.extend(part.inline);
    }
    let mut inline = inline::each_once(subject, inline, notes);
    let mut missing = Vec::new();
    let same = |one: &BTreeSet<Box<str>>, other: &BTreeSet<Box<str>>| one == other;
    match subject.join(names, "names of the inline policies", same, BTreeSet::extend, notes) {
        Some(joined) => {
            let has = |name: &str| inline.iter().any(|policy| *policy.name == *name);
            if joined.truncated.is_some() || !joined.items.iter().all(|name| has(name)) {
                missing.push("inline policies");
            }
            // The first listing counts: what only another document has is not in force.
            if joined.truncated.is_none() {
                inline.retain(|policy| joined.items.contains(&policy.name));
            }
        }
        None => missing.push("inline policies"),
    }
    let same = |one: &Vec<AttachedPolicy>, other: &Vec<AttachedPolicy>| arns(one) == arns(other);
    let attached = match subject.join(attached, "attached policies", same, Vec::extend, notes) {
        Some(joined) => {
            if joined.truncated.is_some() {
                missing.push("attached policies");
                also_attached(joined.items, also)
            } else {
                joined.items
            }
        }
        None => {
            missing.push("attached policies");
            also_attached(Vec::new(), also)
        }
    };
    inline.sort_by(|left, right| left.name.cmp(&right.name));
    Policies { inline, attached, missing }
}

fn arns(attached: &[AttachedPolicy]) -> BTreeSet<&str> {
    attached.iter().map(|policy| &*policy.arn).collect()
}

fn also_attached(mut list: Vec<AttachedPolicy>, also: Vec<AttachedPolicy>) -> Vec<AttachedPolicy> {
    for policy in also {
        if !list.iter().any(|known| known.arn == policy.arn) {
            list.push(policy);
        }
    }
    list.sort_by(|left, right| left.arn.cmp(&right.arn));
    list
}

/// A managed policy from all facts of it.
pub(super) fn policy(facts: Vec<PolicyFact>, notes: &mut Notes) -> ManagedPolicy {
    let first = facts.first().map(|fact| (fact.arn.clone(), fact.place));
    #[expect(clippy::expect_used, reason = "facts are grouped by their ARN, no group is empty")]
    let (arn, place) = first.expect("a group of facts");
    let subject = Subject { arn: &arn };
    let mut default_version = None;
    let mut versions: Vec<PolicyVersion> = Vec::new();
    for fact in facts {
        if let Some(id) = fact.default_version {
            let (part, at) = ("default version", fact.place);
            subject.keep(&mut default_version, id, at, part, |one, other| one == other, notes);
        }
        if versions.is_empty() {
            versions = fact.versions;
            continue;
        }
        for version in fact.versions {
            match versions.iter().find(|known| known.id == version.id) {
                None => versions.push(version),
                Some(known) if known.document.same_meaning(&version.document) => {}
                Some(known) => {
                    let what = format!("version {} of {arn}", version.id);
                    notes.conflict(what, &arn, known.document.whole(), version.document.whole());
                }
            }
        }
    }
    versions.sort_by(|left, right| left.id.cmp(&right.id));
    let default_version = default_version.map(|stated: Stated<Box<str>>| stated.value);
    ManagedPolicy { default_version, versions, place, arn }
}
