//! What is missing: pages, documents and listings that something exported speaks of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{Account, Gap, GapKind, Inventory, Key, OrgPolicyKind, Organization};
use crate::source::Place;

use super::facts::{Listing, Page};
use super::merge::Notes;

/// Finds what is missing, and says of which accounts every identity is known.
pub(super) fn find(listings: &[(Listing, Page<()>)], inventory: &mut Inventory, notes: &mut Notes) {
    let listings = Listings::new(listings);
    accounts(&listings, inventory, notes);
    documents(inventory, notes);
    keys(&listings, inventory, notes);
    if let Some(organization) = &inventory.organization {
        of_organization(organization, notes);
    }
    others(&listings, notes);
}

/// What is missing of the tree and of what is attached to it (rule U7).
fn of_organization(organization: &Organization, notes: &mut Notes) {
    let mut missing = |what: String, place| {
        notes.gaps.push(Gap { kind: GapKind::Organization { what: what.into() }, place });
    };
    let place = organization.place;
    if organization.id.is_none() || organization.management_account.is_none() {
        missing("id and management account of the organization".to_owned(), place);
    }
    let units = organization.units.keys().chain(organization.parents.values()).map(|id| &**id);
    let accounts = organization.accounts.iter().map(AccountId::as_str);
    let nodes: BTreeSet<&str> = units.chain(accounts).collect();
    let lost = |id: &&&str| !id.starts_with("r-") && !organization.parents.contains_key(**id);
    for id in nodes.iter().filter(lost) {
        missing(format!("parent of {id}"), place);
    }
    for policy in organization.policies.values().filter(|policy| policy.document.is_none()) {
        missing(format!("document of {} {}", policy.kind.name(), policy.id), policy.place);
    }
    let unknown = organization.attachments.values().flatten();
    let unknown: BTreeSet<_> =
        unknown.filter(|id| !organization.policies.contains_key(*id)).collect();
    for id in unknown {
        missing(format!("document of organization policy {id}"), place);
    }
    let management = organization.management_account;
    // Which account SCPs do not bind is not known without describe-organization.
    let is_bound = |id: &&str| match (AccountId::parse(id), management) {
        (Some(account), Some(management)) => account != management,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let levels: Vec<&str> = nodes.into_iter().filter(is_bound).collect();
    // Every level has an SCP where SCPs are enabled: AWS does not let the last one be detached.
    let is_told = |gap: &Gap| matches!(&gap.kind, GapKind::Organization { what } if what.starts_with("targets of SCP"));
    let is_enabled = organization.is_enabled(OrgPolicyKind::Scp) && !notes.gaps.iter().any(is_told);
    // A policy that is not described may be one.
    let may_be_scp = |id: &str| {
        organization.policies.get(id).is_none_or(|policy| policy.kind == OrgPolicyKind::Scp)
    };
    let has_scp = |id: &str| {
        let attached = organization.attachments.get(id);
        attached.is_some_and(|ids| ids.iter().any(|id| may_be_scp(id)))
    };
    let mut missing = |what: String, place| {
        notes.gaps.push(Gap { kind: GapKind::Organization { what: what.into() }, place });
    };
    if is_enabled && !levels.iter().any(|id| has_scp(id)) {
        missing("targets of the SCPs".to_owned(), place);
    } else if is_enabled {
        for id in levels.into_iter().filter(|id| !has_scp(id)) {
            missing(format!("SCPs of {id}"), place);
        }
    }
}

/// Which listings were made, and which of them stop before their end.
struct Listings<'l> {
    /// A listing that was made: the page behind which others are missing, if any.
    made: BTreeMap<&'l Listing, Option<Place>>,
}

impl<'l> Listings<'l> {
    fn new(pages: &'l [(Listing, Page<()>)]) -> Self {
        let mut made: BTreeMap<&Listing, Option<Place>> = BTreeMap::new();
        let ended: BTreeSet<&Listing> =
            pages.iter().filter(|(_, page)| !page.more).map(|(listing, _)| listing).collect();
        for (listing, page) in pages {
            let cut = Some(page.place).filter(|_| !ended.contains(listing));
            let entry = made.entry(listing).or_insert(cut);
            *entry = (*entry).min(cut);
        }
        Self { made }
    }

    fn is_complete(&self, listing: &Listing) -> bool {
        self.made.get(listing).is_some_and(Option::is_none)
    }

    /// Where a listing stops before its end.
    fn cut(&self, listing: &Listing) -> Option<Place> {
        self.made.get(listing).copied().flatten()
    }
}

fn accounts(listings: &Listings<'_>, inventory: &mut Inventory, notes: &mut Notes) {
    for listing in listings.made.keys() {
        if let Listing::Authorization(id)
        | Listing::Users(id)
        | Listing::Roles(id)
        | Listing::Groups(id) = listing
        {
            inventory.account_mut(*id);
        }
    }
    // Accounts whose identities matter here: those with identities, and those that own keys.
    let owners = inventory.keys.keys().map(KeyArn::account);
    let ids: BTreeSet<AccountId> = inventory.accounts.keys().copied().chain(owners).collect();
    let mut spoken: Option<BTreeMap<AccountId, Place>> = None;
    for id in ids {
        let single = [Listing::Users(id), Listing::Roles(id), Listing::Groups(id)];
        let is_listed = listings.is_complete(&Listing::Authorization(id))
            || single.iter().all(|listing| listings.is_complete(listing));
        if is_listed {
            inventory.account_mut(id).identities_listed = true;
            continue;
        }
        let all = [Listing::Authorization(id)].into_iter().chain(single);
        let cut = all.filter_map(|listing| listings.cut(&listing)).min();
        let spoken = spoken.get_or_insert_with(|| spoken_of(inventory));
        if let Some(place) = cut.or_else(|| spoken.get(&id).copied()) {
            let kind = GapKind::Identities { account: id, truncated: cut.is_some() };
            notes.gaps.push(Gap { kind, place });
        }
    }
}

/// Where each account is first spoken of, by a key or an identity of it.
fn spoken_of(inventory: &Inventory) -> BTreeMap<AccountId, Place> {
    let mut spoken: BTreeMap<AccountId, Place> = BTreeMap::new();
    let keys = inventory.keys.values().map(|key| (key.arn.account(), key.place));
    let identities = inventory.accounts.values().flat_map(|account| {
        account.identities.values().map(|identity| (account.id, identity.place))
    });
    for (id, place) in keys.chain(identities) {
        let first = spoken.entry(id).or_insert(place);
        *first = (*first).min(place);
    }
    spoken
}

/// Managed policies without a document, and groups that are not described.
pub(super) fn documents(inventory: &Inventory, notes: &mut Notes) {
    let has_document = |account: &Account, arn: &str| {
        account.policies.get(arn).is_some_and(|policy| policy.document().is_some())
    };
    let aws_managed: BTreeSet<&str> = inventory
        .accounts
        .values()
        .flat_map(|account| account.policies.values())
        .filter(|policy| policy.arn.contains(":iam::aws:policy/") && policy.document().is_some())
        .map(|policy| &*policy.arn)
        .collect();
    let accounts: Vec<&Account> = inventory.accounts.values().map(Arc::as_ref).collect();
    let of_account = |account: &&Account| {
        let mut gaps = Vec::new();
        for policy in account.attached_policies() {
            if !has_document(account, &policy.arn) && !aws_managed.contains(&*policy.arn) {
                let arn = policy.arn.clone();
                let kind = GapKind::PolicyDocument { account: account.id, policy: arn };
                gaps.push(Gap { kind, place: policy.place });
            }
        }
        for identity in account.identities.values() {
            for name in identity.groups.iter().filter(|name| !account.groups.contains_key(name)) {
                let kind = GapKind::Group { account: account.id, name: name.clone() };
                gaps.push(Gap { kind, place: identity.place });
            }
        }
        gaps
    };
    let gaps: Vec<Vec<Gap>> = accounts.par_iter().map(of_account).collect();
    notes.gaps.extend(gaps.into_iter().flatten());
}

fn keys(listings: &Listings<'_>, inventory: &mut Inventory, notes: &mut Notes) {
    // Whether the aliases of an account and Region are listed, for the last ones: keys come by them.
    let mut last: Option<(Listing, bool)> = None;
    let mut are_listed = |arn: &KeyArn| {
        let is_last = |(listing, _): &&(Listing, bool)| {
            let of = |account: &AccountId, region: &str| {
                *account == arn.account() && *region == *arn.region()
            };
            matches!(listing, Listing::Aliases(account, region) if of(account, region))
        };
        if let Some((_, known)) = last.as_ref().filter(is_last) {
            return *known;
        }
        let listing = Listing::Aliases(arn.account(), arn.region().into());
        let is_complete = listings.is_complete(&listing);
        last = Some((listing, is_complete));
        is_complete
    };
    for key in inventory.keys.values_mut() {
        let missing = |part| {
            let kind = GapKind::KeyPart { key: key.arn.clone(), part, truncated: false };
            Gap { kind, place: key.place }
        };
        if key.policy.is_none() {
            notes.gaps.push(missing("key policy"));
        }
        if !key.grants_listed && !key.is_aws_managed() {
            notes.gaps.push(missing("grants"));
        }
        if !key.aliases_listed && are_listed(&key.arn) {
            Arc::make_mut(key).aliases_listed = true;
        }
    }
}

/// What is missing of a key of which only a part is known.
pub(super) fn of_key_alone(key: &Key, inventory: &Inventory, notes: &mut Notes) {
    let part = |part| GapKind::KeyPart { key: key.arn.clone(), part, truncated: false };
    let account = key.arn.account();
    let is_listed = inventory.accounts.get(&account).is_some_and(|it| it.identities_listed);
    let kinds = [
        key.policy.is_none().then(|| part("key policy")),
        Some(part("grants")),
        (!is_listed).then_some(GapKind::Identities { account, truncated: false }),
    ];
    for kind in kinds.into_iter().flatten() {
        if !notes.gaps.iter().any(|gap| gap.kind == kind) {
            notes.gaps.push(Gap { kind, place: key.place });
        }
    }
}

fn others(listings: &Listings<'_>, notes: &mut Notes) {
    for (listing, cut) in &listings.made {
        let Some(place) = *cut else { continue };
        let what = match listing {
            Listing::Keys(..) => "keys",
            Listing::Aliases(..) => "aliases",
            Listing::Other(what, _) => what,
            Listing::Authorization(_)
            | Listing::Users(_)
            | Listing::Roles(_)
            | Listing::Groups(_) => continue,
        };
        notes.gaps.push(Gap { kind: GapKind::Listing { what }, place });
    }
}
