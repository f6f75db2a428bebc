//! What a name that code uses may mean, among all that is declared and exported.

use std::collections::BTreeSet;

use crate::aws::pattern::meets;
use crate::aws::{AccountId, KeyArn};
use crate::inventory::{IdentityKind, Inventory};

use super::super::declared::REGION;
use super::super::facts::PrincipalKind;
use super::super::given::{Named, Pattern};
use super::super::symbols::{Symbols, wide};

/// Everything that can be given something.
pub(super) struct Candidates {
    holders: Vec<Holder>,
    keys: Vec<KnownKey>,
    /// The levels of the organization, by their ids.
    nodes: BTreeSet<Box<str>>,
}

/// A user, role or group.
struct Holder {
    kind: PrincipalKind,
    account: AccountId,
    arn: Box<str>,
    name: Box<str>,
    /// What the name is, whatever it turns out to be.
    shape: Box<str>,
    /// Whether that is known.
    is_named: bool,
}

/// A key.
struct KnownKey {
    arn: KeyArn,
    /// What its ARN is, whatever it turns out to be.
    shape: Box<str>,
    /// Whether nothing but its ARN is known: it may be one that has no id yet.
    is_spoken_of: bool,
    /// The names of its aliases; nothing where these may not be all.
    aliases: Option<Vec<Box<str>>>,
}

/// What a name means: ARNs.
pub(super) enum Meant {
    /// Nothing that is known.
    Nothing,
    /// This.
    One(Box<str>),
    /// One of these, or something else.
    Perhaps(Vec<Box<str>>),
}

impl Candidates {
    pub(super) fn new(symbols: &Symbols, inventory: &Inventory) -> Self {
        let mut holders = Vec::new();
        let mut add = |kind, account, arn: &str, name: &str| {
            let shape = symbols.shape_of(name);
            let is_named = shape.is_none_or(|shape| shape == name);
            let shape = symbols.opened(shape.unwrap_or(name)).into();
            let (arn, name) = (arn.into(), name.into());
            holders.push(Holder { kind, account, arn, name, shape, is_named });
        };
        for account in inventory.accounts.values() {
            for identity in account.identities.values() {
                let kind = match identity.kind {
                    IdentityKind::User => PrincipalKind::User,
                    IdentityKind::Role => PrincipalKind::Role,
                };
                add(kind, account.id, &identity.arn, &identity.name);
            }
            for group in account.groups.values() {
                add(PrincipalKind::Group, account.id, &group.arn, &group.name);
            }
        }
        let keys = inventory.keys.values().map(|key| {
            let arn = key.arn.as_str();
            KnownKey {
                arn: key.arn.clone(),
                shape: wide(symbols.shape_of(arn).unwrap_or(arn)).into(),
                is_spoken_of: key.policy.is_none() && key.metadata.is_none(),
                aliases: key
                    .aliases_listed
                    .then(|| key.aliases.iter().map(|alias| alias.name().into()).collect()),
            }
        });
        let keys = keys.collect();
        let organization = inventory.organization.iter();
        let nodes = organization.flat_map(|all| {
            let units = all.units.keys().chain(all.parents.values()).cloned();
            units.chain(all.accounts.iter().map(|account| account.as_str().into()))
        });
        let nodes = nodes.collect();
        Self { holders, keys, nodes }
    }

    /// What a name means; what `own` lists was looked at already.
    pub(super) fn meant(
        &self,
        named: &Named,
        symbols: &Symbols,
        own: &BTreeSet<Box<str>>,
    ) -> Meant {
        match named {
            Named::Holder { kind, account, name } => {
                let holders = self.holders.iter();
                let others = holders.filter(|it| it.kind == *kind && !own.contains(&it.arn));
                holder(others, *account, name, symbols)
            }
            Named::Own { arn, .. } => Meant::One(arn.clone()),
            Named::Key { account, region, id, by_alias, .. } => {
                let others = self.keys.iter().filter(|key| !own.contains(key.arn.as_str()));
                let others = others.filter(|key| key.may_have(by_alias.as_deref()));
                key(others, (*account, region), id)
            }
            Named::Node { id } if id.is_known => match self.nodes.get(&id.shape) {
                Some(node) => Meant::One(node.clone()),
                None => Meant::Nothing,
            },
            Named::Node { id } => {
                let may = self.nodes.iter().filter(|node| meets(&id.shape, node));
                meaning(Vec::new(), may.cloned().collect())
            }
        }
    }
}

impl KnownKey {
    /// Whether it may have an alias of this pattern, where one is asked for.
    fn may_have(&self, alias: Option<&str>) -> bool {
        let Some((alias, known)) = alias.zip(self.aliases.as_ref()) else { return true };
        known.iter().any(|name| meets(alias, name))
    }
}

/// Two accounts with numbers are two accounts; a symbol may stand for any.
fn may_be_one(one: AccountId, other: AccountId) -> bool {
    one == other || one.is_symbol() || other.is_symbol()
}

/// A name is that of one thing of its kind in an account.
fn holder<'h>(
    holders: impl Iterator<Item = &'h Holder>,
    account: AccountId,
    name: &Pattern,
    symbols: &Symbols,
) -> Meant {
    let wanted = symbols.opened(&name.shape);
    let (mut sure, mut may) = (Vec::new(), Vec::new());
    for holder in holders.filter(|holder| may_be_one(holder.account, account)) {
        let is_named = name.is_known && holder.is_named && holder.name == name.shape;
        if is_named && holder.account == account {
            sure.push(holder.arn.clone());
        } else if meets(&wanted, &holder.shape) {
            may.push(holder.arn.clone());
        }
    }
    meaning(sure, may)
}

/// An ARN is that of one key, and so is an id in an account and Region.
fn key<'k>(
    keys: impl Iterator<Item = &'k KnownKey>,
    (account, region): (AccountId, &str),
    id: &Pattern,
) -> Meant {
    let of_partition = |arn: &KeyArn| KeyArn::new(arn.partition(), region, account, &id.shape);
    let wanted = wide(&id.shape);
    let (mut sure, mut may) = (Vec::new(), Vec::new());
    for key in keys {
        let is_beside = may_be_one(key.arn.account(), account)
            && (key.arn.region() == region || key.arn.region() == REGION || region == REGION);
        let by_arn = || KeyArn::parse(&id.shape).or_else(|| of_partition(&key.arn));
        let arn: Box<str> = key.arn.as_str().into();
        if id.is_known && by_arn().is_some_and(|named| named == key.arn) {
            match key.is_spoken_of {
                true => may.push(arn),
                false => sure.push(arn),
            }
        } else if meets(&wanted, &key.shape) || is_beside && meets(&wanted, id_of(&key.shape)) {
            may.push(arn);
        }
    }
    match may.as_slice() {
        // Nothing else can be meant.
        [only] if sure.is_empty() && id.is_known && is_literal(only, &id.shape) => {
            Meant::One(only.clone())
        }
        _ => meaning(sure, may),
    }
}

/// Whether this is the ARN that was named, or has the id that was.
fn is_literal(arn: &str, named: &str) -> bool {
    arn == named || id_of(arn) == named
}

/// The id in the ARN of a key.
fn id_of(arn: &str) -> &str {
    arn.rsplit_once(":key/").map_or("*", |(_, id)| id)
}

fn meaning(sure: Vec<Box<str>>, mut may: Vec<Box<str>>) -> Meant {
    match sure.as_slice() {
        [one] => return Meant::One(one.clone()),
        // Two paths of one name: nobody knows which of them there is.
        _ => may.extend(sure),
    }
    if may.is_empty() { Meant::Nothing } else { Meant::Perhaps(may) }
}
