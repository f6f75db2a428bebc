//! Facts to an inventory: what is stated of one entity is brought together, the first by path counts.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use rayon::prelude::*;

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{
    Account, Alias, Conflict, Declared, Gap, Group, Identity, IdentityKind, Inventory, Key,
    LoosePolicy, ManagedPolicy, Stated,
};
use crate::policy::PolicyDocument;
use crate::source::{Place, Sources};

use super::cloudformation::Template;
use super::cloudformation::manifest::Manifest;
use super::facts::{
    Fact, GroupFact, IdentityFact, KeyFact, Listing, OrganizationFact, Page, Pending, PolicyFact,
};
use super::given::Given;
use super::symbols::Symbols;
use super::{gaps, managed, resolve, settle, stored, terraform, text, worlds};

/// All facts of a run, by what they speak of.
#[derive(Default)]
pub(super) struct Facts {
    #[expect(clippy::vec_box, reason = "facts are large, and are moved between vectors")]
    pub(super) identities: Vec<Box<IdentityFact>>,
    pub(super) groups: Vec<GroupFact>,
    pub(super) policies: Vec<PolicyFact>,
    pub(super) keys: Vec<KeyFact>,
    pub(super) aliases: Vec<Alias>,
    pub(super) listings: Vec<(Listing, Page<()>)>,
    pub(super) organization: Vec<Stated<OrganizationFact>>,
    pub(super) endpoints: Vec<(Box<str>, PolicyDocument)>,
    pub(super) loose: Vec<LoosePolicy>,
    pub(super) worlds: Vec<Inventory>,
    pub(super) pending: Vec<Pending>,
    pub(super) templates: Vec<Template>,
    pub(super) manifests: Vec<Manifest>,
    pub(super) terraform: Vec<terraform::Source>,
    pub(super) stored: Vec<stored::Piece>,
    /// What code gives to something that it does not declare itself.
    pub(super) given: Vec<Given>,
    /// What stands for names and ids that are not known; nothing before code is evaluated.
    pub(super) symbols: Symbols,
    /// What code leaves open; nothing before it is evaluated.
    pub(super) declared: Option<Declared>,
}

impl Facts {
    /// Sorts a fact in.
    pub(super) fn add(&mut self, fact: Fact) {
        match fact {
            Fact::Identity(fact) => self.identities.push(fact),
            Fact::Group(fact) => self.groups.push(*fact),
            Fact::Policy(fact) => self.policies.push(*fact),
            Fact::Key(fact) => self.keys.push(fact),
            Fact::Alias(alias) => self.aliases.push(alias),
            Fact::Listing(listing, page) => self.listings.push((listing, page)),
            Fact::Organization(fact) => self.organization.push(fact),
            Fact::Endpoint(id, policy) => self.endpoints.push((id, policy)),
            Fact::Loose(policy) => self.loose.push(policy),
            Fact::World(world) => self.worlds.push(*world),
            Fact::Pending(pending) => self.pending.push(*pending),
            Fact::Given(given) => self.given.push(*given),
            Fact::Manifest(manifest) => self.manifests.push(manifest),
            Fact::Template(template) => self.templates.push(*template),
            Fact::Terraform(source) => self.terraform.push(source),
            Fact::Stored(piece) => self.stored.push(*piece),
            Fact::Fault { .. } | Fact::Broken { .. } => {}
        }
    }

    /// Whether they speak of what is in some account.
    pub(super) fn are_of_accounts(&self) -> bool {
        !(self.identities.is_empty()
            && self.groups.is_empty()
            && self.policies.is_empty()
            && self.keys.is_empty()
            && self.aliases.is_empty()
            && self.worlds.is_empty()
            && self.organization.is_empty()
            && self.pending.is_empty())
    }

    /// Whether nothing of them has to do with keys: there is nothing but code that does not speak of any.
    pub(super) fn are_without_keys(&self) -> bool {
        let speaks_of_kms = |source: &terraform::Source| text::mentions_kms(&source.text);
        !self.are_of_accounts()
            && self.listings.is_empty()
            && self.endpoints.is_empty()
            && self.loose.is_empty()
            && self.templates.is_empty()
            && self.stored.is_empty()
            && !self.terraform.iter().any(speaks_of_kms)
    }

    /// The facts of parts, one behind the other; each is moved once.
    pub(super) fn of(mut parts: Vec<Self>) -> Self {
        let parts = &mut parts;
        Self {
            identities: joined(parts, |part| &mut part.identities),
            groups: joined(parts, |part| &mut part.groups),
            policies: joined(parts, |part| &mut part.policies),
            keys: joined(parts, |part| &mut part.keys),
            aliases: joined(parts, |part| &mut part.aliases),
            listings: joined(parts, |part| &mut part.listings),
            organization: joined(parts, |part| &mut part.organization),
            endpoints: joined(parts, |part| &mut part.endpoints),
            loose: joined(parts, |part| &mut part.loose),
            worlds: joined(parts, |part| &mut part.worlds),
            pending: joined(parts, |part| &mut part.pending),
            templates: joined(parts, |part| &mut part.templates),
            manifests: joined(parts, |part| &mut part.manifests),
            terraform: joined(parts, |part| &mut part.terraform),
            stored: joined(parts, |part| &mut part.stored),
            given: joined(parts, |part| &mut part.given),
            // Code is evaluated behind this.
            symbols: Symbols::default(),
            declared: None,
        }
    }
}

/// What stands in one field of all parts.
fn joined<T>(parts: &mut [Facts], field: impl Fn(&mut Facts) -> &mut Vec<T>) -> Vec<T> {
    let count = parts.iter_mut().map(|part| field(part).len()).sum();
    let mut all = Vec::with_capacity(count);
    parts.iter_mut().for_each(|part| all.append(field(part)));
    all
}

/// What is noticed while facts are brought together.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) gaps: Vec<Gap>,
    pub(super) conflicts: Vec<Conflict>,
}

impl Notes {
    /// Two places state different things of `what`.
    pub(super) fn conflict(&mut self, what: String, subject: &str, kept: Place, other: Place) {
        let (what, subject) = (what.into(), subject.into());
        self.conflicts.push(Conflict { what, subject, kept, other });
    }

    fn append(&mut self, mut other: Self) {
        self.gaps.append(&mut other.gaps);
        self.conflicts.append(&mut other.conflicts);
    }
}

/// Merges the facts of files, which come in the order of their paths.
pub(super) fn merge(sources: Arc<Sources>, mut facts: Facts) -> Inventory {
    let mut notes = Notes::default();
    resolve::resolve(&sources, &mut facts, &mut notes);
    let mut inventory = Inventory { sources, ..Inventory::default() };
    let (keys, aliases) = (mem::take(&mut facts.keys), mem::take(&mut facts.aliases));
    let ((accounts, of_accounts), (keys, of_keys)) =
        rayon::join(|| accounts(&mut facts), || self::keys(keys));
    inventory.accounts = accounts;
    notes.append(of_accounts);
    notes.append(of_keys);
    self::aliases(aliases, keys, &mut inventory, &mut notes);
    settle::organization(mem::take(&mut facts.organization), &mut inventory, &mut notes);
    endpoints(&mut facts, &mut inventory, &mut notes);
    inventory.loose = mem::take(&mut facts.loose);
    managed::add(&mut inventory);
    gaps::find(&facts.listings, &mut inventory, &mut notes);
    let mut whole = inventory.accounts.is_empty()
        && inventory.keys.is_empty()
        && facts.declared.is_none()
        && facts.given.is_empty()
        && !facts.worlds.is_empty();
    for world in mem::take(&mut facts.worlds) {
        whole &= world.has_no_organization;
        worlds::add(&mut inventory, world, &mut notes);
    }
    // A scenario is complete.
    inventory.has_no_organization = whole;
    inventory.declared = mem::take(&mut facts.declared).map(Arc::new);
    let given = mem::take(&mut facts.given);
    if !given.is_empty() {
        settle::given(given, &facts.symbols, &mut inventory, &mut notes);
        managed::add(&mut inventory);
        gaps::documents(&inventory, &mut notes);
    }
    notes.gaps.sort_by(|left, right| (&left.kind, left.place).cmp(&(&right.kind, right.place)));
    notes.gaps.dedup_by(|later, earlier| later.kind == earlier.kind);
    notes.conflicts.sort_by(|left, right| {
        (&left.what, left.kept, left.other).cmp(&(&right.what, right.kept, right.other))
    });
    inventory.gaps = Arc::new(notes.gaps);
    inventory.conflicts = Arc::new(notes.conflicts);
    inventory
}

/// The facts of one account.
#[derive(Default)]
struct AccountFacts {
    #[expect(clippy::vec_box, reason = "facts are large, and are moved between vectors")]
    identities: Vec<Box<IdentityFact>>,
    groups: Vec<GroupFact>,
    policies: Vec<PolicyFact>,
}

/// Brings the facts of each account together, the accounts in parallel.
fn accounts(facts: &mut Facts) -> (BTreeMap<AccountId, Arc<Account>>, Notes) {
    let mut by_account: BTreeMap<AccountId, AccountFacts> = BTreeMap::new();
    for fact in mem::take(&mut facts.identities) {
        by_account.entry(fact.account).or_default().identities.push(fact);
    }
    for fact in mem::take(&mut facts.groups) {
        by_account.entry(fact.account).or_default().groups.push(fact);
    }
    // Any account can carry what AWS manages: every other finds it there.
    let any = by_account.keys().next().copied();
    for fact in mem::take(&mut facts.policies) {
        if let Some(account) = fact.account.or(any) {
            by_account.entry(account).or_default().policies.push(fact);
        }
    }
    let done: Vec<(AccountId, Account, Notes)> = by_account
        .into_par_iter()
        .map(|(id, facts)| {
            let mut notes = Notes::default();
            (id, account(id, facts, &mut notes), notes)
        })
        .collect();
    let (mut accounts, mut notes) = (BTreeMap::new(), Notes::default());
    for (id, account, more) in done {
        accounts.insert(id, Arc::new(account));
        notes.append(more);
    }
    (accounts, notes)
}

fn account(id: AccountId, facts: AccountFacts, notes: &mut Notes) -> Account {
    let mut account = Account::new(id);
    let groups = together(facts.groups, |fact| &fact.arn, |fact| fact.place);
    let members_listed = groups.iter().all(|facts| {
        let mut listed = facts.iter().filter_map(|fact| fact.members.as_ref());
        listed.any(|page| !page.more)
    });
    account.groups = groups
        .into_iter()
        .map(|facts| settle::group(facts, notes))
        .map(|group: Group| (group.name.clone(), group))
        .collect();
    let identities = together(facts.identities, |fact| &fact.arn, |fact| fact.place);
    let identities: Vec<Identity> = identities
        .into_iter()
        .map(|facts| settle::identity(facts, members_listed, notes))
        .collect();
    let roles_by_name = identities
        .iter()
        .filter(|identity| identity.kind == IdentityKind::Role)
        .map(|role| (role.name.to_ascii_lowercase().into(), role.arn.clone()));
    account.roles_by_name = Arc::new(roles_by_name.collect());
    account.identities =
        identities.into_iter().map(|identity| (identity.arn.clone(), identity)).collect();
    let policies = together(facts.policies, |fact| &fact.arn, |fact| fact.place);
    account.policies = policies
        .into_iter()
        .map(|facts| settle::policy(facts, notes))
        .map(|policy: ManagedPolicy| (policy.arn.clone(), policy))
        .collect();
    account
}

/// Brings the facts of each key together, in parallel; the keys by their ARNs.
fn keys(mut facts: Vec<KeyFact>) -> (Vec<(KeyArn, Key)>, Notes) {
    let is_same = |left: &KeyFact, right: &KeyFact| left.arn == right.arn;
    // The files of a key lie together mostly: then its facts need no sorting, but the keys do.
    let mut each: Vec<&mut [KeyFact]> = facts.chunk_by_mut(is_same).collect();
    each.par_sort_by(|left, right| arn_of(left).cmp(&arn_of(right)));
    let is_together = each.is_sorted_by(|left, right| arn_of(left) < arn_of(right));
    if !is_together || !each.iter().all(|facts| facts.is_sorted_by_key(|fact| fact.place)) {
        facts.par_sort_by(|left, right| (&left.arn, left.place).cmp(&(&right.arn, right.place)));
        each = facts.chunk_by_mut(is_same).collect();
    }
    let settled: Vec<Option<(KeyArn, Key, Notes)>> =
        each.into_par_iter().map(settle::key).collect();
    let (mut keys, mut notes) = (Vec::with_capacity(settled.len()), Notes::default());
    for (arn, key, more) in settled.into_iter().flatten() {
        keys.push((arn, key));
        notes.append(more);
    }
    (keys, notes)
}

/// The key that facts speak of.
fn arn_of(facts: &[KeyFact]) -> Option<&KeyArn> {
    facts.first().map(|fact| &fact.arn)
}

/// Lays the aliases and the keys that they point to into the inventory; `keys` come in the order of their
/// ARNs.
fn aliases(
    mut aliases: Vec<Alias>,
    keys: Vec<(KeyArn, Key)>,
    inventory: &mut Inventory,
    notes: &mut Notes,
) {
    aliases.par_sort_by(|left, right| (&left.arn, left.place).cmp(&(&right.arn, right.place)));
    aliases.dedup_by(|alias, first| {
        let is_same = alias.arn == first.arn;
        if is_same && first.target != alias.target {
            let what = format!("target of {}", alias.arn);
            notes.conflict(what, alias.arn.as_str(), first.place, alias.place);
        }
        is_same
    });
    let mut keys: Vec<(KeyArn, Arc<Key>)> =
        keys.into_par_iter().map(|(arn, key)| (arn, Arc::new(key))).collect();
    // The key that each points to, and its number where it is known.
    let target = |alias: &Alias| {
        let arn = alias.key()?;
        let at = keys.binary_search_by(|(known, _)| known.cmp(&arn)).ok();
        Some((arn, at))
    };
    let targets: Vec<Option<(KeyArn, Option<usize>)>> = aliases.par_iter().map(target).collect();
    // Keys that are spoken of and were not exported.
    let mut spoken: BTreeMap<KeyArn, Key> = BTreeMap::new();
    for (alias, target) in aliases.iter().zip(targets) {
        let Some((arn, at)) = target else { continue };
        match at.and_then(|at| keys.get_mut(at)) {
            Some((_, key)) => drop(Arc::make_mut(key).aliases.insert(alias.arn.clone())),
            None if alias.arn.name().starts_with("alias/aws/") => {}
            None => {
                let key =
                    spoken.entry(arn).or_insert_with_key(|arn| Key::new(arn.clone(), alias.place));
                key.aliases.insert(alias.arn.clone());
            }
        }
    }
    keys.extend(spoken.into_iter().map(|(arn, key)| (arn, Arc::new(key))));
    let known = aliases.into_iter().map(|alias| (alias.arn.clone(), alias));
    let (known, keys) = rayon::join(|| known.collect(), || keys.into_iter().collect());
    inventory.aliases = known;
    inventory.keys = keys;
}

fn endpoints(facts: &mut Facts, inventory: &mut Inventory, notes: &mut Notes) {
    let mut endpoints = mem::take(&mut facts.endpoints);
    endpoints.sort_by(|left, right| (&left.0, left.1.place).cmp(&(&right.0, right.1.place)));
    for (id, policy) in endpoints {
        if let Some(first) = inventory.endpoints.get(&id) {
            if !first.same_meaning(&policy) {
                let what = format!("policy of VPC endpoint {id}");
                notes.conflict(what, &id, first.place, policy.place);
            }
            continue;
        }
        inventory.endpoints.insert(id, policy);
    }
}

/// Groups facts by their entity, each group in the order of paths.
fn together<F, K: Ord>(
    mut facts: Vec<F>,
    entity: impl Fn(&F) -> &K,
    place: impl Fn(&F) -> Place,
) -> Vec<Vec<F>> {
    facts.sort_by(|left, right| {
        entity(left).cmp(entity(right)).then_with(|| place(left).cmp(&place(right)))
    });
    let mut groups: Vec<Vec<F>> = Vec::new();
    for fact in facts {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|first| entity(first) == entity(&fact)) => {
                group.push(fact);
            }
            _ => groups.push(vec![fact]),
        }
    }
    groups
}
