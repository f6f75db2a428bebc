//! Finds the entity that a document is about and does not name.
//!
//! A directory of the canonical layout has told already. Else, in this order: a document of the same
//! directory that names an entity (`describe-key` beside `get-key-policy`), paired by what stands
//! behind the call in their file names; the file name; the directories from the nearest up. A name
//! counts where an entity is known by it, an id by its form. What fits two entities fits none.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{
    AttachedPolicy, Gap, GapKind, IdentityKind, LoosePolicy, Stated, policy_name,
};
use crate::source::{Place, Sources};

use super::authorization_details::account_of;
use super::facts::{
    Fact, GroupFact, IdentityFact, KeyFact, KeyPart, Listing, OrganizationFact, Page, Parts,
    Pending, PendingPart, PolicyFact, PrincipalKind,
};
use super::hint::Hint;
use super::merge::{Facts, Notes};
use super::organizations::{is_node, is_policy};

/// Turns what is pending into facts of an entity; where none can be told a gap says so.
pub(super) fn resolve(sources: &Sources, facts: &mut Facts, notes: &mut Notes) {
    let waiting = std::mem::take(&mut facts.pending);
    if waiting.is_empty() {
        return;
    }
    let known = Known::new(sources, facts);
    let mut found = Vec::new();
    for pending in waiting {
        let Pending { command, place, what } = pending;
        let about = About { known: &known, place, hint: Hint::new(sources.path(place.file)) };
        match about.facts(what) {
            Ok(facts) => found.extend(facts),
            Err(left) => {
                notes.gaps.push(Gap { kind: GapKind::Subject { command }, place });
                found.extend(left);
            }
        }
    }
    drop(known);
    found.into_iter().for_each(|fact| facts.add(fact));
}

/// What a name in a path may stand for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Named {
    /// A key's id, or one of its aliases.
    Key,
    /// A user, role or group.
    Principal(PrincipalKind),
    /// A managed policy.
    Policy,
    /// An organization policy.
    OrgPolicy,
}

/// Entities of some kinds that documents name, by ARN or id.
#[derive(Default)]
struct Index {
    /// By what they are called.
    names: FxHashMap<(Named, Box<str>), BTreeSet<Box<str>>>,
    /// By the directory of the files that are about one of them alone.
    siblings: FxHashMap<(Named, Box<str>), Siblings>,
}

/// What stands beside the call in the names of files, and the ARN or id that each is about.
type Siblings = BTreeSet<(Box<str>, Box<str>)>;

/// The entities that documents name; each kind is indexed when it is first asked for.
struct Known<'f> {
    sources: &'f Sources,
    facts: &'f Facts,
    keys: OnceCell<Index>,
    principals: OnceCell<Index>,
    policies: OnceCell<Index>,
    org_policies: OnceCell<Index>,
}

impl<'f> Known<'f> {
    fn new(sources: &'f Sources, facts: &'f Facts) -> Self {
        let (keys, principals) = (OnceCell::new(), OnceCell::new());
        let (policies, org_policies) = (OnceCell::new(), OnceCell::new());
        Self { sources, facts, keys, principals, policies, org_policies }
    }

    fn index(&self, named: Named) -> &Index {
        match named {
            Named::Key => self.keys.get_or_init(|| self.index_keys()),
            Named::Principal(_) => self.principals.get_or_init(|| self.index_principals()),
            Named::Policy => self.policies.get_or_init(|| self.index_policies()),
            Named::OrgPolicy => self.org_policies.get_or_init(|| self.index_org_policies()),
        }
    }

    fn hint(&self, place: Place) -> Hint<'f> {
        Hint::new(self.sources.path(place.file))
    }

    fn index_keys(&self) -> Index {
        let mut index = Index::default();
        for fact in &self.facts.keys {
            index.name(Named::Key, fact.arn.id(), fact.arn.as_str());
            // A list of aliases or tags may be of many keys; what else names one key is about it alone.
            let is_about = matches!(
                fact.part,
                KeyPart::Metadata(_) | KeyPart::Grants(_) | KeyPart::Rotation(_)
            );
            if is_about {
                index.sibling(Named::Key, &self.hint(fact.place), fact.arn.as_str());
            }
        }
        for alias in &self.facts.aliases {
            if let Some(key) = alias.key() {
                let name = alias.arn.name().trim_start_matches("alias/");
                index.name(Named::Key, name, key.as_str());
            }
        }
        index
    }

    fn index_principals(&self) -> Index {
        let mut index = Index::default();
        for fact in &self.facts.identities {
            let (kind, call) = match fact.kind {
                IdentityKind::User => (PrincipalKind::User, "get-user"),
                IdentityKind::Role => (PrincipalKind::Role, "get-role"),
            };
            index.entity(Named::Principal(kind), call, &self.hint(fact.place), &fact.arn);
        }
        for fact in &self.facts.groups {
            let named = Named::Principal(PrincipalKind::Group);
            index.entity(named, "get-group", &self.hint(fact.place), &fact.arn);
        }
        index
    }

    fn index_policies(&self) -> Index {
        let mut index = Index::default();
        for fact in &self.facts.policies {
            index.entity(Named::Policy, "get-policy", &self.hint(fact.place), &fact.arn);
        }
        index
    }

    fn index_org_policies(&self) -> Index {
        let mut index = Index::default();
        for fact in &self.facts.organization {
            if let OrganizationFact::Policy { id, document: Some(_), .. } = &fact.value {
                index.sibling(Named::OrgPolicy, &self.hint(fact.place), id);
            }
        }
        index
    }

    /// The only account whose users, roles, groups and policies are known.
    fn only_account(&self) -> Option<AccountId> {
        let identities = self.facts.identities.iter().map(|fact| fact.account);
        let groups = self.facts.groups.iter().map(|fact| fact.account);
        let policies = self.facts.policies.iter().filter_map(|fact| fact.account);
        let mut accounts = identities.chain(groups).chain(policies);
        let first = accounts.next()?;
        accounts.all(|account| account == first).then_some(first)
    }

    /// The only account whose authorization details lie in `directory`, or anywhere.
    fn authorized(&self, directory: &str) -> Option<AccountId> {
        let all = || {
            self.facts.listings.iter().filter_map(|(listing, page)| match listing {
                Listing::Authorization(account) => Some((*account, page.place)),
                _ => None,
            })
        };
        let beside = all().filter(|(_, place)| self.hint(*place).directory == directory);
        let beside: BTreeSet<AccountId> = beside.map(|(account, _)| account).collect();
        let accounts =
            if beside.is_empty() { all().map(|(account, _)| account).collect() } else { beside };
        accounts.first().copied().filter(|_| accounts.len() == 1)
    }
}

impl Index {
    fn name(&mut self, named: Named, name: &str, arn: &str) {
        self.names.entry((named, name.into())).or_default().insert(arn.into());
    }

    fn sibling(&mut self, named: Named, hint: &Hint<'_>, arn: &str) {
        let siblings = self.siblings.entry((named, hint.directory.into())).or_default();
        siblings.insert((hint.label().into(), arn.into()));
    }

    /// An entity that is called by the last part of its ARN; a file named for `call` is about it alone.
    fn entity(&mut self, named: Named, call: &str, hint: &Hint<'_>, arn: &str) {
        self.name(named, policy_name(arn), arn);
        if hint.command == Some(call) {
            self.sibling(named, hint, arn);
        }
    }
}

/// A document that does not name what it is about.
struct About<'k, 'p> {
    known: &'k Known<'k>,
    place: Place,
    hint: Hint<'p>,
}

/// The facts, or what is left of a document about nobody knows whom.
type Resolved = Result<Vec<Fact>, Option<Fact>>;

impl About<'_, '_> {
    fn facts(&self, what: PendingPart) -> Resolved {
        let place = self.place;
        let organization = |facts: Vec<OrganizationFact>| -> Vec<Fact> {
            facts.into_iter().map(|fact| Fact::Organization(Stated::new(fact, place))).collect()
        };
        match what {
            PendingPart::Key { id, part } => match self.key(id.as_deref()) {
                Some(arn) => Ok(vec![Fact::Key(KeyFact { arn, place, part })]),
                None => Err(self.loose(part)),
            },
            PendingPart::Parts { kinds, name, parts } => {
                let (kind, arn) = self.principal(kinds, name.as_deref()).ok_or(None)?;
                self.parts(kind, &arn, parts).map(|fact| vec![fact]).ok_or(None)
            }
            PendingPart::Groups(page) => {
                let (_, arn) = self.principal(&[PrincipalKind::User], None).ok_or(None)?;
                let account = account_of(&arn).ok_or(None)?;
                let mut fact = IdentityFact::new(IdentityKind::User, arn, account, place);
                fact.groups = Some(page);
                Ok(vec![Fact::Identity(Box::new(fact))])
            }
            PendingPart::Version { version, is_default } => {
                let default_version = is_default.then(|| version.id.clone());
                self.policy_fact(default_version, vec![version]).ok_or(None)
            }
            PendingPart::DefaultVersion(id) => self.policy_fact(Some(id), Vec::new()).ok_or(None),
            PendingPart::Entities(entities) => self.entities(entities).ok_or(None),
            PendingPart::Authorization(page) => {
                let account = self.known.authorized(self.hint.directory).ok_or(None)?;
                Ok(vec![Fact::Listing(Listing::Authorization(account), page)])
            }
            PendingPart::Children(what, page) => {
                let parent = self.by_form(is_node).ok_or(None)?;
                let parent_of = |child| OrganizationFact::Parent { child, parent: parent.clone() };
                let (children, page) = split(page);
                let mut facts = organization(children.into_iter().map(parent_of).collect());
                facts.push(Fact::Listing(Listing::Other(what, parent), page));
                Ok(facts)
            }
            PendingPart::Parent(parent) => {
                let child = self.by_form(is_target).ok_or(None)?;
                Ok(organization(vec![OrganizationFact::Parent { child, parent }]))
            }
            PendingPart::Targets(page) => {
                let sibling = self.sibling(Named::OrgPolicy);
                let policy = sibling.or_else(|| self.by_form(is_policy)).ok_or(None)?;
                let attached =
                    |target| OrganizationFact::Attachment { policy: policy.clone(), target };
                let (targets, page) = split(page);
                let mut facts: Vec<_> = targets.into_iter().map(attached).collect();
                facts.push(OrganizationFact::Targets { policy: policy.clone() });
                let mut facts = organization(facts);
                facts.push(Fact::Listing(Listing::Other("targets of a policy", policy), page));
                Ok(facts)
            }
            PendingPart::Policies(page) => {
                let target = self.by_form(is_target).ok_or(None)?;
                let attached =
                    |policy| OrganizationFact::Attachment { policy, target: target.clone() };
                let (policies, page) = split(page);
                let mut facts: Vec<_> = policies.into_iter().map(attached).collect();
                facts.push(OrganizationFact::Policies { target: target.clone() });
                let mut facts = organization(facts);
                facts.push(Fact::Listing(Listing::Other("policies of a target", target), page));
                Ok(facts)
            }
        }
    }

    /// A key policy is linted though nobody knows whose it is.
    fn loose(&self, part: KeyPart) -> Option<Fact> {
        match part {
            KeyPart::Policy(document) => {
                let loose = LoosePolicy::new(self.hint.stem.into(), document);
                Some(Fact::Loose(LoosePolicy { is_of_key: true, ..loose }))
            }
            KeyPart::RamPolicy(document) => {
                Some(Fact::Loose(LoosePolicy::new(self.hint.stem.into(), document)))
            }
            _ => None,
        }
    }

    fn key(&self, id: Option<&str>) -> Option<KeyArn> {
        if let Some(id) = id {
            let by_path = || self.hint.key_of_id(id);
            let found = self.named(Named::Key, id).and_then(|arn| KeyArn::parse(&arn));
            return found.or_else(by_path);
        }
        let by_name = || {
            self.hint.names().find_map(|name| {
                let known = self.named(Named::Key, name).and_then(|arn| KeyArn::parse(&arn));
                known.or_else(|| self.hint.key_of_id(name).filter(|_| super::hint::is_key_id(name)))
            })
        };
        let by_directory = || {
            let mut names = self.hint.directories();
            names.find_map(|name| self.named(Named::Key, name)).and_then(|arn| KeyArn::parse(&arn))
        };
        let sibling = self.sibling(Named::Key).and_then(|arn| KeyArn::parse(&arn));
        sibling.or_else(by_name).or_else(|| self.hint.key_by_directory()).or_else(by_directory)
    }

    /// The user, role or group of one of `kinds`, by name or by what the path tells.
    fn principal(
        &self,
        kinds: &[PrincipalKind],
        name: Option<&str>,
    ) -> Option<(PrincipalKind, Box<str>)> {
        let one = |found: Vec<(PrincipalKind, Box<str>)>| {
            let mut found = found.into_iter();
            found.next().filter(|_| found.next().is_none())
        };
        let of_kinds = |find: &dyn Fn(Named) -> Option<Box<str>>| {
            let found = |&kind: &PrincipalKind| Some((kind, find(Named::Principal(kind))?));
            one(kinds.iter().filter_map(found).collect())
        };
        if let Some(name) = name {
            return of_kinds(&|named| self.named(named, name));
        }
        let by_sibling = of_kinds(&|named| self.sibling(named));
        by_sibling
            .or_else(|| {
                self.hint.names().find_map(|name| of_kinds(&|named| self.named(named, name)))
            })
            .or_else(|| {
                let mut names = self.hint.directories();
                names.find_map(|name| of_kinds(&|named| self.named(named, name)))
            })
    }

    fn policy(&self) -> Option<Box<str>> {
        let by_name = || {
            self.hint.names().find_map(|name| {
                let short = without_version(name);
                self.named(Named::Policy, name).or_else(|| self.named(Named::Policy, short?))
            })
        };
        let by_directory =
            || self.hint.directories().find_map(|name| self.named(Named::Policy, name));
        self.sibling(Named::Policy).or_else(by_name).or_else(by_directory)
    }

    fn policy_fact(
        &self,
        default_version: Option<Box<str>>,
        versions: Vec<crate::inventory::PolicyVersion>,
    ) -> Option<Vec<Fact>> {
        let arn = self.policy()?;
        let account = self.account_of_policy(&arn);
        let fact = PolicyFact { arn, account, place: self.place, default_version, versions };
        Some(vec![Fact::Policy(Box::new(fact))])
    }

    /// The account that a policy belongs to; of an AWS managed one the account of the export.
    fn account_of_policy(&self, arn: &str) -> Option<AccountId> {
        account_of(arn).or_else(|| self.hint.account()).or_else(|| self.known.only_account())
    }

    fn entities(&self, entities: Vec<(PrincipalKind, Box<str>)>) -> Option<Vec<Fact>> {
        let arn = self.policy()?;
        let account = self.account_of_policy(&arn)?;
        let facts = entities.into_iter().filter_map(|(kind, name)| {
            let found = self
                .known
                .index(Named::Principal(kind))
                .names
                .get(&(Named::Principal(kind), name))?;
            let principal = found.iter().find(|arn| account_of(arn) == Some(account))?;
            let also_attached = Some(AttachedPolicy { arn: arn.clone(), place: self.place });
            self.parts(kind, principal, Parts { also_attached, ..Parts::default() })
        });
        Some(facts.collect())
    }

    fn parts(&self, kind: PrincipalKind, arn: &str, parts: Parts) -> Option<Fact> {
        let account = account_of(arn)?;
        let kind = match kind {
            PrincipalKind::User => IdentityKind::User,
            PrincipalKind::Role => IdentityKind::Role,
            PrincipalKind::Group => {
                let fact = GroupFact::new(arn.into(), account, self.place, parts);
                return Some(Fact::Group(Box::new(fact)));
            }
        };
        let fact = IdentityFact::new(kind, arn, account, self.place);
        Some(Fact::Identity(Box::new(IdentityFact { parts, ..fact })))
    }

    /// The only entity called `name`, in the account that the path names, if it names one.
    fn named(&self, named: Named, name: &str) -> Option<Box<str>> {
        let found = self.known.index(named).names.get(&(named, name.into()))?;
        let (account, region) = (self.hint.account(), self.hint.region());
        let mut fitting = found.iter().filter(|arn| {
            let arn = crate::aws::Arn::parse(arn);
            let own = arn.map(|arn| (AccountId::parse(arn.account), arn.region));
            own.is_none_or(|(of, at)| {
                let same_account = of.is_none() || account.is_none() || of == account;
                let same_region = at.is_empty() || region.is_none_or(|region| region == at);
                same_account && same_region
            })
        });
        fitting.next().filter(|_| fitting.next().is_none()).cloned()
    }

    /// The only entity that a file of this directory is about: the file whose name has the same behind
    /// its call, else one where only either has something there.
    fn sibling(&self, named: Named) -> Option<Box<str>> {
        let siblings =
            self.known.index(named).siblings.get(&(named, self.hint.directory.into()))?;
        let own = self.hint.label();
        let only = |fits: &dyn Fn(&str) -> bool| {
            let fitting = siblings.iter().filter(|(label, _)| fits(label));
            let arns: BTreeSet<&str> = fitting.map(|(_, arn)| &**arn).collect();
            arns.first().filter(|_| arns.len() == 1).map(|arn| Box::<str>::from(*arn))
        };
        let is_alone = siblings.iter().map(|(_, arn)| arn).collect::<BTreeSet<_>>().len() == 1;
        only(&|label| label == own)
            .or_else(|| only(&|label| label.is_empty() || own.is_empty()).filter(|_| is_alone))
    }

    /// The id of the wanted form in the file name, else the nearest in the directories.
    fn by_form(&self, is_wanted: fn(&str) -> bool) -> Option<Box<str>> {
        let names = self.hint.names().chain(self.hint.directories());
        names.filter(|name| is_wanted(name)).map(Box::from).next()
    }
}

fn split<T>(page: Page<T>) -> (T, Page<()>) {
    (page.items, Page { items: (), place: page.place, more: page.more })
}

fn is_target(id: &str) -> bool {
    is_node(id) || AccountId::parse(id).is_some()
}

/// `name` without the version at its end: `deploy` of `deploy-v3`.
fn without_version(name: &str) -> Option<&str> {
    let (short, version) = name.rsplit_once(['-', '.', '_'])?;
    let number = version.strip_prefix(['v', 'V'])?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(short)
}
