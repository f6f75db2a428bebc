//! Users, roles, groups and policies that are not there and could be made, under names that policies let in
//! or that whoever makes them may choose (rules T21, T35).

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::pattern::takes;
use crate::aws::{AccountId, Identity as Named, identity};
use crate::decision::has_variables;
use crate::inventory::{Account, AttachedPolicy, Identity, IdentityKind};
use crate::policy::{Polarity, Policy, Statement, Variables};

use super::cast::{Cast, Household, Ix};
use super::center::is_reserved;
use super::change::{WRITTEN, administrator_access, nowhere};
use super::likeness::{pattern_of, sample};
use super::tagging::{TagSet, worth_giving};

/// What policies tell of users and roles that could be made.
#[derive(Clone, Default)]
pub(super) struct Names {
    /// ARNs that conditions ask principals for.
    principals: BTreeSet<Box<str>>,
    /// ARNs of what may be made.
    makable: BTreeSet<Box<str>>,
    /// ARNs of what may be written for those who are made.
    writable: BTreeSet<Box<str>>,
    /// ARNs of groups that may be made, written or joined.
    groups: BTreeSet<Box<str>>,
    /// ARNs of policies that may be made or attached.
    policies: BTreeSet<Box<str>>,
}

/// The boundary and the tags with which a user or role is made.
pub(super) type Making = (Option<Box<str>>, TagSet);

/// How many boundaries, tags and sets of them are looked at.
const FEW: usize = 4;

/// How many of these with any two of them together.
const MANY: usize = 8;

/// How many groups and policies that could be made are looked at.
const SEVERAL: usize = 8;

/// How many names are looked at that one text takes once its variables are filled.
const FILLED: usize = 64;

/// What makes users and roles, in lower case.
const MAKING: [&str; 2] = ["iam:createuser", "iam:createrole"];

/// What else is needed to make use of them (rule T35).
const WRITING: [&str; 6] = [
    "iam:putuserpolicy",
    "iam:putrolepolicy",
    "iam:attachuserpolicy",
    "iam:attachrolepolicy",
    "iam:createaccesskey",
    "iam:createloginprofile",
];

/// What lets somebody do more than before, whatever it is (rules T20 to T23).
const ALLOWING: [&str; 8] = [
    "iam:putuserpolicy",
    "iam:putrolepolicy",
    "iam:putgrouppolicy",
    "iam:attachuserpolicy",
    "iam:attachrolepolicy",
    "iam:attachgrouppolicy",
    "iam:createpolicyversion",
    "iam:setdefaultpolicyversion",
];

/// What is needed of a group.
const OF_GROUPS: [&str; 4] =
    ["iam:creategroup", "iam:putgrouppolicy", "iam:attachgrouppolicy", "iam:addusertogroup"];

/// The condition keys of a policy that is attached or put as a boundary.
const OF_POLICY: [&str; 2] = ["iam:PolicyARN", "iam:PermissionsBoundary"];

/// What makes a policy.
const OF_POLICIES: [&str; 1] = ["iam:createpolicy"];

impl Names {
    /// ARNs, or patterns of them, that conditions ask principals for.
    pub(super) fn principals(&self) -> impl Iterator<Item = &str> {
        self.principals.iter().map(|text| &**text)
    }

    /// Hears what one policy tells.
    pub(super) fn hear(&mut self, policy: &Policy) {
        for statement in &policy.statements {
            let conditions = statement.conditions.iter();
            let asked =
                conditions.filter(|it| it.key.value.eq_ignore_ascii_case("aws:PrincipalArn"));
            let values = asked.flat_map(|condition| &condition.values);
            self.principals.extend(values.filter_map(|it| it.value.text()).map(Into::into));
            let conditions = statement.conditions.iter();
            let asked = conditions.filter(|it| {
                let key = &it.key.value;
                OF_POLICY.iter().any(|of_policy| key.eq_ignore_ascii_case(of_policy))
            });
            let values = asked.flat_map(|condition| &condition.values);
            self.policies.extend(values.filter_map(|it| it.value.text()).map(Into::into));
            // Whoever writes what it may do makes whatever it likes (rule T55).
            if statement.allows() && is_of(statement, &ALLOWING) {
                self.makable.insert("*".into());
            }
            let all: [(&mut BTreeSet<Box<str>>, &[&str]); 4] = [
                (&mut self.makable, &MAKING),
                (&mut self.writable, &WRITING),
                (&mut self.groups, &OF_GROUPS),
                (&mut self.policies, &OF_POLICIES),
            ];
            let allowing =
                all.into_iter().filter(|(_, any)| statement.allows() && is_of(statement, any));
            for (texts, _) in allowing {
                let resources = statement.resource.iter().flat_map(|element| &element.values);
                texts.extend(resources.filter_map(|it| it.value.text()).map(Into::into));
            }
        }
    }
}

/// Whether a statement speaks of any of these actions.
fn is_of(statement: &Statement, any: &[&str]) -> bool {
    statement.action.as_ref().is_some_and(|element| {
        let mut names = element.values.iter().filter_map(|name| name.value.text());
        let named = |name: &str| {
            let name = name.to_ascii_lowercase();
            any.iter().any(|action| takes(&name, action))
        };
        element.polarity == Polarity::IsNot || names.any(named)
    })
}

impl Cast<'_> {
    /// Takes in those who could be made in each account, none of whom is there.
    pub(super) fn enter_made(&mut self) {
        let mut everywhere: BTreeSet<Box<str>> = BTreeSet::new();
        for asked in [&self.of_keys, &self.of_organization] {
            everywhere.extend(asked.names.principals.iter().cloned());
        }
        for household in self.accounts.values() {
            everywhere.extend(household.asked.names.principals.iter().cloned());
        }
        let listed = self.world.accounts.values().filter(|account| account.identities_listed);
        for account in listed {
            let Some(household) = self.accounts.get(&account.id) else { continue };
            let root = household.root.and_then(|root| self.member(root));
            let partition = root.map_or("aws", |root| root.caller.partition()).to_owned();
            let names = &household.asked.names;
            let writable = names.writable.iter().filter(|_| !names.makable.is_empty());
            let texts = everywhere.iter().chain(&names.makable).chain(writable);
            let home = Home { partition: &partition, account };
            let arns: BTreeSet<String> = texts.flat_map(|text| home.fitting(text)).collect();
            let makings = self.makings(household, &partition);
            let new_groups = new_groups(&home, &names.groups);
            let asked = names.policies.union(&self.of_organization.names.policies);
            let new_policies = new_policies(&home, asked.map(AsRef::as_ref));
            for arn in arns {
                self.enter_one(account, &arn, &makings);
            }
            if let Some(household) = self.accounts.get_mut(&account.id) {
                (household.new_groups, household.new_policies) = (new_groups, new_policies);
            }
        }
    }

    /// What may be asked of those who are made: boundaries and tags, none of either first.
    fn makings(&self, household: &Household<'_>, partition: &str) -> Vec<Making> {
        let asked = || [&household.asked, &self.of_organization, &self.of_keys].into_iter();
        let texts: BTreeSet<&str> =
            asked().flat_map(|asked| &asked.boundaries).map(|text| &**text).collect();
        let own = household.account.into_iter().flat_map(|account| account.policies.keys());
        let own = own.filter(|arn| texts.iter().any(|text| takes(text, arn)));
        // Where policies ask for boundaries at all, one that allows everything may serve as well.
        let wide = Some(administrator_access(partition)).filter(|_| !texts.is_empty());
        let boundaries: BTreeSet<Box<str>> =
            own.map(Into::into).chain(wide.map(Into::into)).take(FEW).collect();
        let alone = asked().flat_map(|asked| asked.principal_tags.iter().chain(&asked.target_tags));
        let together = asked().flat_map(|asked| {
            asked.requests_of_anyone().chain(asked.principals_together.iter().cloned())
        });
        let tags = worth_giving(alone.take(FEW).cloned(), together.take(FEW));
        let tags = || std::iter::once(TagSet::default()).chain(tags.iter().take(MANY).cloned());
        let boundaries = std::iter::once(None).chain(boundaries.into_iter().map(Some));
        boundaries.flat_map(|it| tags().map(move |tags| (it.clone(), tags))).collect()
    }

    fn enter_one(&mut self, account: &Account, arn: &str, makings: &[Making]) {
        let (kind, name) = match identity(arn) {
            Some(Named::User { name, .. }) => (IdentityKind::User, name),
            Some(Named::Role { name, .. }) => (IdentityKind::Role, name),
            _ => return,
        };
        let mut others = account.identities.values();
        let is_taken = others.any(|it| it.kind == kind && it.name.eq_ignore_ascii_case(name));
        let is_of_aws = arn.contains(":role/aws-service-role/") || is_reserved(arn);
        if is_taken || self.find(arn).is_some() || is_of_aws {
            return;
        }
        for (boundary, tags) in makings {
            let mut made = Identity::named(kind, arn, account.id, nowhere());
            let boundary = boundary.clone();
            made.boundary = boundary.map(|arn| AttachedPolicy { arn, place: nowhere() });
            made.tags.extend(tags.iter().cloned());
            self.add_made(made);
        }
    }

    /// Those of an account who could be made.
    pub(super) fn makable(&self, account: AccountId, kind: IdentityKind) -> Vec<Ix> {
        let made = self.accounts.get(&account).into_iter().flat_map(|it| &it.made);
        let is_it = |at: &Ix| self.identity(*at).is_some_and(|it| it.kind == kind);
        made.copied().filter(is_it).collect()
    }

    /// The boundary and the tags with which one is made.
    pub(super) fn made_with(&self, at: Ix) -> Making {
        let made = self.made(at);
        let boundary = made.and_then(|made| made.boundary.as_ref());
        let tags = made.into_iter().flat_map(|made| &made.tags);
        let tags = tags.map(|(key, value)| (key.clone(), value.clone()));
        (boundary.map(|boundary| boundary.arn.clone()), tags.collect())
    }

    /// The tags with which one is made; none of others.
    pub(super) fn made_tags(&self, at: Ix) -> TagSet {
        self.made_with(at).1
    }

    /// One who is not there and could be made.
    pub(super) fn made(&self, at: Ix) -> Option<&Identity> {
        self.made.get(&at)
    }
}

/// Groups of an account that could be made under names that texts take, with their ARNs.
fn new_groups(home: &Home<'_>, texts: &BTreeSet<Box<str>>) -> BTreeMap<Box<str>, Box<str>> {
    let named = texts.iter().flat_map(|text| home.named("group", text));
    let each = named.filter_map(|arn| match identity(&arn) {
        Some(Named::Group { name, .. }) => Some((Box::from(name), Box::from(&*arn))),
        _ => None,
    });
    let is_free = |name: &str| {
        let mut groups = home.account.groups.values();
        !groups.any(|group| group.name.eq_ignore_ascii_case(name))
    };
    each.filter(|(name, _)| is_free(name)).take(SEVERAL).collect()
}

/// The same of policies.
fn new_policies<'t>(home: &Home<'_>, texts: impl Iterator<Item = &'t str>) -> Vec<Box<str>> {
    let named = texts.flat_map(|text| home.named("policy", text));
    let free = named.filter(|arn| home.account.policies.get(arn.as_str()).is_none());
    let free: BTreeSet<Box<str>> = free.map(Into::into).take(SEVERAL).collect();
    free.into_iter().collect()
}

/// An account that names are looked for in.
struct Home<'a> {
    partition: &'a str,
    account: &'a Account,
}

impl Home<'_> {
    /// ARNs of users and roles of the account that a text takes.
    fn fitting(&self, text: &str) -> Vec<String> {
        ["user", "role"].into_iter().flat_map(|kind| self.named(kind, text)).collect()
    }

    /// ARNs of what is of a kind and not there that a text takes, its variables filled by one of those who are.
    fn named(&self, kind: &str, text: &str) -> Vec<String> {
        if !has_variables(text, Variables::Replaced) {
            return self.named_plainly(kind, text).into_iter().collect();
        }
        let filled: BTreeSet<Box<str>> = self
            .account
            .identities
            .values()
            .filter_map(|identity| pattern_of(text, identity))
            .collect();
        let named = filled.iter().filter_map(|text| self.named_plainly(kind, text));
        named.filter(|arn| !self.account.identities.contains_key(arn)).take(FILLED).collect()
    }

    /// The ARN of something of a kind that a text without variables takes.
    fn named_plainly(&self, kind: &str, text: &str) -> Option<String> {
        let tail = text.splitn(6, ':').nth(5).unwrap_or(text);
        let name = match tail.split_once('/') {
            _ if tail == "*" => WRITTEN.into(),
            Some((_, name)) => sample(name),
            None => return None,
        };
        let arn = format!("arn:{}:iam::{}:{kind}/{name}", self.partition, self.account.id);
        takes(text, &arn).then_some(arn)
    }
}
