//! The store of iam-collect (<https://github.com/cloud-copilot/iam-collect>) as it lies on disk:
//! `aws/<partition>/accounts/<account>/...` and `aws/<partition>/organizations/<id>/...`.
//!
//! Each entity has a directory, and each part of it a file there: a path says what a file is about, as its
//! text does not. Paths are in small letters; the ARN is in `metadata.json`. A part that is empty has no
//! file. So parts are kept while the input is read, and brought together behind it: a file that is there
//! and could not be read is not known, and never nothing.
//!
//! Not in the store, and so not known: grants, aliases, and what DescribeKey says of a key.

mod organization;
mod parts;

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{
    AttachedPolicy, IdentityKind, NamedPolicy, OrgPolicyKind, PolicyVersion, Stated, Tags,
    policy_name,
};
use crate::policy::PolicyDocument;
use crate::source::Place;

use super::facts::{
    Fact, GroupFact, IdentityFact, Listing, Names, OrganizationFact, Page, Parts, PolicyFact,
    PrincipalKind,
};

pub(super) use parts::read;
use parts::{Metadata, Part};

/// What a file of the store is about, as its path says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum About {
    /// A key.
    Key(KeyArn),
    /// A user, role or group, or a managed policy where there is no kind.
    Iam { account: AccountId, kind: Option<PrincipalKind> },
    /// An SCP or RCP; the id as the path has it.
    OrgPolicy { kind: OrgPolicyKind, id: Box<str> },
    /// A root or an organizational unit.
    Unit(Box<str>),
    /// The organization.
    Organization,
}

/// A part of an entity, kept until all files are read.
#[derive(Debug)]
pub(super) struct Piece {
    about: About,
    /// The directory of the entity.
    directory: Box<str>,
    place: Place,
    part: Part,
}

/// What the file at `path` is about, and which part of that; nothing where it is none of a store's, or one
/// that says nothing of access to keys.
pub(super) fn about(path: &str) -> Option<(About, &str)> {
    let (directory, name) = path.rsplit_once('/')?;
    // Most paths are of other layouts, and need not be cut up.
    if !directory.contains("accounts/") && !directory.contains("organizations/") {
        return None;
    }
    let name = name.strip_suffix(".json")?;
    let names: Vec<&str> = directory.split('/').collect();
    let found = names.windows(2).enumerate().rev().find_map(|(at, pair)| {
        let partition = at.checked_sub(1).and_then(|before| names.get(before)).copied();
        let rest = names.get(at + 2..)?;
        match pair {
            ["accounts", id] => of_account(partition, AccountId::parse(id)?, rest),
            ["organizations", id] if id.starts_with("o-") => {
                partition.filter(|partition| partition.starts_with("aws"))?;
                of_organization(rest)
            }
            _ => None,
        }
    });
    let about = found?;
    let known: &[&str] = match &about {
        About::Key(_) => &["metadata", "policy", "tags"],
        About::Iam { kind: Some(_), .. } => {
            &["metadata", "trust-policy", "inline-policies", "managed-policies", "groups", "tags"]
        }
        About::Iam { kind: None, .. } => &["metadata", "current-policy"],
        About::OrgPolicy { .. } => &["metadata", "policy"],
        About::Unit(_) => &["metadata"],
        About::Organization => &["metadata", "accounts", "ous"],
    };
    known.contains(&name).then_some((about, name))
}

fn of_account(partition: Option<&str>, account: AccountId, rest: &[&str]) -> Option<About> {
    match rest {
        ["kms", region, "key", id] => {
            let partition = partition.filter(|partition| partition.starts_with("aws"));
            let partition = partition.unwrap_or_else(|| crate::aws::region::partition(region));
            KeyArn::new(partition, region, account, id).map(About::Key)
        }
        ["iam", "aws", "policy", _] => Some(About::Iam { account, kind: None }),
        ["iam", kind, _] => {
            let kind = match *kind {
                "user" => Some(PrincipalKind::User),
                "role" => Some(PrincipalKind::Role),
                "group" => Some(PrincipalKind::Group),
                "policy" => None,
                _ => return None,
            };
            Some(About::Iam { account, kind })
        }
        _ => None,
    }
}

fn of_organization(rest: &[&str]) -> Option<About> {
    match *rest {
        [] => Some(About::Organization),
        ["ous", id] => Some(About::Unit(id.into())),
        ["scps", id] => Some(About::OrgPolicy { kind: OrgPolicyKind::Scp, id: id.into() }),
        ["rcps", id] => Some(About::OrgPolicy { kind: OrgPolicyKind::Rcp, id: id.into() }),
        _ => None,
    }
}

/// The facts of stores; `paths` are those of all files, sorted.
pub(super) fn facts(pieces: Vec<Piece>, paths: &[String]) -> Vec<Fact> {
    let mut entities: BTreeMap<Box<str>, Vec<Piece>> = BTreeMap::new();
    for piece in pieces {
        entities.entry(piece.directory.clone()).or_default().push(piece);
    }
    let mut facts = Vec::new();
    let mut described: BTreeMap<AccountId, Described> = BTreeMap::new();
    for (directory, pieces) in &mut entities {
        let Some(first) = pieces.first() else { continue };
        let (about, place) = (first.about.clone(), first.place);
        let entity = Entity::new(directory, place, paths, std::mem::take(pieces));
        match about {
            About::Iam { account, kind } => {
                let known = described.entry(account).or_default();
                match entity.of_iam(account, kind) {
                    Some((fact, place)) => {
                        known.count += 1;
                        known.first = known.first.or(kind.map(|_| place));
                        facts.push(fact);
                    }
                    None => known.is_cut = true,
                }
            }
            About::OrgPolicy { kind, id } => facts.push(entity.of_organization(kind, id)),
            About::Key(_) | About::Unit(_) | About::Organization => {}
        }
    }
    // Who is in an account is known where each entity of the store is described.
    if described.is_empty() {
        return facts;
    }
    for path in paths {
        if let Some((About::Iam { account, .. }, "metadata")) = about(path)
            && let Some(known) = described.get_mut(&account)
        {
            known.listed += 1;
        }
    }
    for (account, known) in described {
        let is_whole = !known.is_cut && known.count == known.listed;
        if let Some(place) = known.first.filter(|_| is_whole) {
            let page = Page { items: (), place, more: false };
            facts.push(Fact::Listing(Listing::Authorization(account), page));
        }
    }
    facts
}

/// What a store describes of the users, roles, groups and policies of an account.
#[derive(Default)]
struct Described {
    /// The first user, role or group.
    first: Option<Place>,
    /// How many could be read.
    count: usize,
    /// How many there are.
    listed: usize,
    /// Whether one lacks what says its name.
    is_cut: bool,
}

/// What the files of one directory say.
struct Entity<'p> {
    directory: &'p str,
    /// Where the first of them begins.
    first: Place,
    paths: &'p [String],
    metadata: Option<(Metadata, Place)>,
    trust: Option<PolicyDocument>,
    policy: Option<PolicyDocument>,
    inline: Option<Vec<NamedPolicy>>,
    managed: Option<(Vec<AttachedPolicy>, Place)>,
    groups: Option<BTreeSet<Box<str>>>,
    tags: Option<Tags>,
}

impl<'p> Entity<'p> {
    fn new(directory: &'p str, first: Place, paths: &'p [String], pieces: Vec<Piece>) -> Self {
        let mut made = Self {
            directory,
            first,
            paths,
            metadata: None,
            trust: None,
            policy: None,
            inline: None,
            managed: None,
            groups: None,
            tags: None,
        };
        for Piece { part, place, .. } in pieces {
            match part {
                Part::Metadata(metadata) => made.metadata = Some((*metadata, place)),
                Part::Trust(policy) => made.trust = Some(policy),
                Part::Policy(policy) => made.policy = Some(policy),
                Part::Inline(inline) => made.inline = Some(inline),
                Part::Managed(policies) => made.managed = Some((policies, place)),
                Part::Groups(groups) => made.groups = Some(groups),
                Part::Tags(tags) => made.tags = Some(tags),
            }
        }
        made
    }

    /// Whether there is a file of that name, be it readable or not.
    fn has(&self, name: &str) -> bool {
        let path = format!("{}/{name}.json", self.directory);
        self.paths.binary_search(&path).is_ok()
    }

    /// What a part is: what was read, or that there is none.
    fn or_none<T: Default>(&self, part: Option<T>, name: &str) -> Option<T> {
        part.or_else(|| (!self.has(name)).then(T::default))
    }

    /// A user, role, group or managed policy with its place; nothing where its ARN is not known.
    fn of_iam(mut self, account: AccountId, kind: Option<PrincipalKind>) -> Option<(Fact, Place)> {
        let (metadata, place) = self.metadata.take()?;
        let kind = match kind {
            None => {
                let id = metadata.default_version.unwrap_or_else(|| "v1".into());
                let document = self.policy.take();
                let default_version = document.is_some().then(|| id.clone());
                let versions = document.map(|document| PolicyVersion { id, document });
                let fact = PolicyFact {
                    arn: metadata.arn,
                    account: Some(account),
                    place,
                    default_version,
                    versions: versions.into_iter().collect(),
                };
                return Some((Fact::Policy(Box::new(fact)), place));
            }
            Some(kind) => kind,
        };
        let parts = self.parts(place);
        let kind = match kind {
            PrincipalKind::Group => {
                let fact = GroupFact::new(metadata.arn, account, place, parts);
                return Some((Fact::Group(Box::new(fact)), place));
            }
            PrincipalKind::User => IdentityKind::User,
            PrincipalKind::Role => IdentityKind::Role,
        };
        let (groups, tags) = (self.groups.take(), self.tags.take());
        let groups = self.or_none(groups, "groups").filter(|_| kind == IdentityKind::User);
        let boundary = metadata.boundary.map(|arn| AttachedPolicy { arn, place });
        let fact = IdentityFact {
            unique_id: metadata.id,
            tags: self.or_none(tags, "tags"),
            boundary: Some(boundary),
            trust: self.trust.take(),
            parts,
            groups: groups.map(|items| Page { items, place, more: false }),
            ..IdentityFact::new(kind, metadata.arn, account, place)
        };
        Some((Fact::Identity(Box::new(fact)), place))
    }

    fn parts(&mut self, place: Place) -> Parts {
        let inline = self.inline.take();
        let inline = self.or_none(inline, "inline-policies");
        let at = self.managed.as_ref().map_or(place, |(_, at)| *at);
        let managed = self.managed.take().map(|(policies, _)| policies);
        let managed = self.or_none(managed, "managed-policies");
        Parts {
            inline_names: if inline.is_some() { Names::All } else { Names::Unknown },
            inline: inline.unwrap_or_default(),
            attached: managed.map(|items| Page { items, place: at, more: false }),
            also_attached: None,
        }
    }

    /// An SCP or RCP, by the id that its ARN has.
    fn of_organization(self, kind: OrgPolicyKind, id: Box<str>) -> Fact {
        let place = self.metadata.as_ref().map_or(self.first, |(_, place)| *place);
        let (id, name) = match self.metadata {
            Some((metadata, _)) => (policy_name(&metadata.arn).into(), metadata.name),
            None => (id, None),
        };
        let fact = OrganizationFact::Policy { id, name, kind, document: self.policy };
        Fact::Organization(Stated::new(fact, place))
    }
}
