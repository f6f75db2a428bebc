//! What conditions ask for that whoever calls can bring about: tags, aliases, operations of grants, Regions
//! (rules T32 to T34, G54).

use std::collections::BTreeSet;

use crate::aws::pattern::takes;
use crate::aws::{AccountId, ActionSet};
use crate::decision::{
    Caller, Facet, PRINCIPAL_TAG, RESOURCE_TAG, TARGET_TAGS, Thing, has_variables, likened, tags_in,
};
use crate::inventory::Account;
use crate::policy::{Condition, Part, Polarity, Policy, Variables, parts};

use super::call::{is_alike_for_all, is_of_services};
use super::cast::Cast;
use super::change::WRITTEN;
use super::likeness::{filled, filled_by, sample};
use super::made::Names;
use super::tagging::{PrincipalTags, Tag, TagSet, Together, filled_set, other, speaks_of_targets};

/// The condition key of a managed policy that is attached, in lower case.
const POLICY: &str = "iam:policyarn";

/// What the condition keys of some policies ask for.
#[derive(Clone, Default)]
pub(super) struct Asked {
    /// Tags of principals, with the values that are named.
    pub(super) principal_tags: BTreeSet<(Box<str>, Box<str>)>,
    /// Tags of keys, with the values that are named.
    pub(super) key_tags: BTreeSet<(Box<str>, Box<str>)>,
    /// Tags of keys, with texts whose variables whoever calls fills.
    key_texts: BTreeSet<(Box<str>, Box<str>)>,
    /// Tags of principals, with texts whose variables whoever calls fills, or what is called on.
    own_texts: BTreeSet<Tag>,
    /// Texts in which tags of principals stand, and what of the thing that is called on they must be like.
    likenesses: BTreeSet<(Facet, Box<str>)>,
    /// Tags of principals that variables bring, in lower case.
    tag_variables: BTreeSet<String>,
    /// Tags of principals that statements ask for at once.
    pub(super) principals_together: BTreeSet<TagSet>,
    /// Tags of keys that statements ask for at once, with texts whose variables whoever calls fills.
    keys_together: BTreeSet<TagSet>,
    /// What statements ask of the tags that requests give, likewise.
    of_requests: BTreeSet<TagSet>,
    /// Aliases, `alias/` first.
    pub(super) aliases: BTreeSet<Box<str>>,
    /// The same with variables that whoever calls fills.
    alias_texts: BTreeSet<Box<str>>,
    /// Operations of grants (rule G54).
    pub(super) operations: ActionSet,
    /// Regions, or patterns of them, that conditions and the ARNs of resources name.
    pub(super) regions: BTreeSet<Box<str>>,
    /// The boundary of what is changed, or made: ARNs, patterns of them, or whether there is one.
    pub(super) boundaries: BTreeSet<Box<str>>,
    /// Tags of users and roles that others call on, with the values that are named.
    pub(super) target_tags: BTreeSet<Tag>,
    /// The same with texts whose variables whoever calls fills.
    target_texts: BTreeSet<Tag>,
    /// The managed policy that is attached.
    policies: bool,
    /// Users and roles that could be made.
    pub(super) names: Names,
    /// The name of a session.
    pub(super) session_names: bool,
    /// Whether a service calls on somebody's behalf.
    services: bool,
    /// The place of an account in the organization.
    places: bool,
    /// To whom grants are made.
    grantees: bool,
    /// How somebody is signed in, or which kind of principal it is.
    sign_in: bool,
}

/// Hears what the policies of each account ask for, and apart from them what those of keys and of the
/// organization do.
pub(super) fn hear(cast: &mut Cast<'_>) {
    let world = cast.world;
    for key in world.keys.values() {
        let documents = key.policy.iter().chain(&key.ram_policy);
        documents.for_each(|document| document.peek(|policy| cast.of_keys.hear(policy)));
    }
    let organization = world.organization.iter().flat_map(|it| it.policies.values());
    let documents = organization.filter_map(|it| it.document.as_ref());
    documents.for_each(|document| document.peek(|policy| cast.of_organization.hear(policy)));
    cast.hears_boundaries = !cast.of_organization.boundaries.is_empty();
    cast.hears_target_tags = cast.of_organization.is_of_targets();
    cast.hears_policies = cast.of_organization.policies;
    cast.hears_session_names = cast.of_organization.session_names;
    cast.hears_services = cast.of_organization.services;
    cast.hears_places = cast.of_organization.places || cast.of_keys.places;
    cast.hears_grantees = cast.of_organization.grantees;
    for asked in [&cast.of_organization, &cast.of_keys] {
        cast.principal_tag_keys.extend(asked.principal_tag_keys());
    }
    let of_all = [&cast.of_organization, &cast.of_keys];
    let mut regions: BTreeSet<Box<str>> =
        of_all.into_iter().flat_map(|asked| asked.regions.iter().cloned()).collect();
    for account in world.accounts.values() {
        if let Some(household) = cast.accounts.get_mut(&account.id) {
            household.asked.hear_account(account);
            cast.hears_boundaries |= !household.asked.boundaries.is_empty();
            cast.hears_target_tags |= household.asked.is_of_targets();
            cast.hears_policies |= household.asked.policies;
            cast.hears_session_names |= household.asked.session_names;
            cast.hears_services |= household.asked.services;
            cast.hears_places |= household.asked.places;
            cast.hears_grantees |= household.asked.grantees;
            cast.principal_tag_keys.extend(household.asked.principal_tag_keys());
            regions.extend(household.asked.regions.iter().cloned());
        }
    }
    cast.enter_regions(&regions);
    let identities = world.accounts.values().flat_map(|account| account.identities.values());
    for trust in identities.filter_map(|identity| identity.trust.as_ref()) {
        trust.peek(|policy| cast.of_trust.hear_principals(policy));
    }
}

impl Cast<'_> {
    /// What the policies that count in an account ask for: its own, those of keys and organization, and trust
    /// policies.
    pub(super) fn asked_in(&self, account: AccountId) -> impl Iterator<Item = &Asked> {
        let own = self.accounts.get(&account).map(|household| &household.asked);
        own.into_iter().chain([&self.of_keys, &self.of_organization, &self.of_trust])
    }
}

impl Asked {
    fn hear_account(&mut self, account: &Account) {
        let mut hear = |policy: &Policy| self.hear(policy);
        for identity in account.identities.values() {
            identity.inline.iter().for_each(|policy| policy.document.peek(&mut hear));
            identity.trust.iter().for_each(|trust| trust.peek(&mut hear));
        }
        for group in account.groups.values() {
            group.inline.iter().for_each(|policy| policy.document.peek(&mut hear));
        }
        let versions = account.policies.values().flat_map(|policy| &policy.versions);
        versions.for_each(|version| version.document.peek(&mut hear));
    }

    /// Whether it asks for something that users, roles and others hold differently.
    pub(super) fn is_of_sign_in(&self) -> bool {
        self.sign_in
    }

    /// Whether the tags of principals that it asks for are all named with their values.
    pub(super) fn names_tags_alone(&self) -> bool {
        self.own_texts.is_empty() && self.tag_variables.is_empty()
    }

    /// Whether it asks to whom grants are made.
    pub(super) fn is_of_grantees(&self) -> bool {
        self.grantees
    }

    /// Whether it asks for tags of principals.
    pub(super) fn is_of_principal_tags(&self) -> bool {
        self.principal_tag_keys().next().is_some()
    }

    fn principal_tag_keys(&self) -> impl Iterator<Item = String> {
        let asked = self.principal_tags.iter().chain(&self.own_texts);
        let asked = asked.map(|(key, _)| key.to_ascii_lowercase());
        asked.chain(self.tag_variables.iter().cloned())
    }

    /// Whether it is anything about keys.
    pub(super) fn is_of_keys(&self) -> bool {
        let is_of_aliases = !self.aliases.is_empty() || !self.alias_texts.is_empty();
        is_of_aliases || !self.key_tags.is_empty() || !self.key_texts.is_empty()
    }

    /// Whether it asks for tags of users and roles that others call on.
    pub(super) fn is_of_targets(&self) -> bool {
        !self.target_tags.is_empty() || !self.target_texts.is_empty()
    }

    /// The tags of users and roles that others call on which one caller's own fill.
    pub(super) fn targets_for(
        &self,
        caller: &Caller,
        tags: &dyn Fn(&str) -> Option<Box<str>>,
    ) -> impl Iterator<Item = Tag> {
        let texts = self.target_texts.iter();
        texts.filter_map(|(tag, text)| Some((tag.clone(), filled_by(text, caller, tags)?)))
    }

    /// What statements ask of the tags that requests of whoever it is give.
    pub(super) fn requests_of_anyone(&self) -> impl Iterator<Item = TagSet> {
        let is_plain = |(_, text): &Tag| !has_variables(text, Variables::Replaced);
        self.of_requests.iter().filter(move |set| set.iter().all(is_plain)).cloned()
    }

    /// Whether what it asks of the tags of keys hangs on who calls.
    pub(super) fn is_of_callers(&self) -> bool {
        let mut own = self.own_texts.iter();
        !self.key_texts.is_empty()
            || own.any(|(_, text)| tags_in(text, RESOURCE_TAG).next().is_some())
    }

    /// Whether what it asks of the aliases of keys hangs on who calls.
    pub(super) fn names_aliases_for_callers(&self) -> bool {
        !self.alias_texts.is_empty()
    }

    /// The aliases of keys that it asks for by something of a caller.
    pub(super) fn aliases_like(
        &self,
        caller: &Caller,
        tags: &dyn Fn(&str) -> Option<Box<str>>,
    ) -> impl Iterator<Item = Box<str>> {
        self.alias_texts.iter().filter_map(|text| filled_by(text, caller, tags))
    }

    /// The tags of keys that it asks for by something of a caller; `tags` are those of the caller.
    pub(super) fn key_tags_like(
        &self,
        caller: &Caller,
        tags: &dyn Fn(&str) -> Option<Box<str>>,
    ) -> impl Iterator<Item = (Box<str>, Box<str>)> {
        let filled = self.key_texts.iter();
        let filled =
            filled.filter_map(|(tag, text)| Some((tag.clone(), filled_by(text, caller, tags)?)));
        let like = |(own, text): &Tag| likened(text, &tags(own)?, RESOURCE_TAG);
        let tied = self.own_texts.iter().filter_map(like).flatten();
        filled.chain(tied)
    }

    /// The tags of keys that statements ask for at once, as one caller is to have them.
    pub(super) fn keys_together_for(
        &self,
        caller: &Caller,
        tags: &dyn Fn(&str) -> Option<Box<str>>,
    ) -> impl Iterator<Item = TagSet> {
        self.keys_together.iter().filter_map(|set| filled_set(set, caller, tags))
    }

    /// What statements ask of the tags that requests of a caller give.
    pub(super) fn requests_for(
        &self,
        caller: &Caller,
        tags: &dyn Fn(&str) -> Option<Box<str>>,
    ) -> impl Iterator<Item = TagSet> {
        self.of_requests.iter().filter_map(|set| filled_set(set, caller, tags))
    }

    /// Whether it asks for a tag of keys.
    pub(super) fn asks_for_key_tag(&self, tag: &str) -> bool {
        let named = self.key_tags.iter().chain(&self.key_texts).map(|(known, _)| &**known);
        let tied = self.own_texts.iter().flat_map(|(_, text)| tags_in(text, RESOURCE_TAG));
        named.chain(tied).any(|known| known.eq_ignore_ascii_case(tag))
    }

    /// The tags of principals that are like something of what is called on.
    pub(super) fn tied_to(&self, thing: &Thing<'_>) -> impl Iterator<Item = TagSet> {
        let like = self.likenesses.iter().flat_map(|(facet, text)| facet.likened(text, thing));
        let tied = self.own_texts.iter().filter_map(|(own, text)| {
            let value = filled(text, &|variable| thing.value(variable))?;
            Some(TagSet::from([(own.clone(), value)]))
        });
        like.chain(tied)
    }

    /// Whether it wants tags of principals to be like something else.
    pub(super) fn likens_tags(&self) -> bool {
        !self.likenesses.is_empty() || !self.own_texts.is_empty()
    }

    /// Tags of principals of any value, that something of what is called on can be made like.
    pub(super) fn any_tags(&self) -> impl Iterator<Item = Tag> {
        let like = self.likenesses.iter().flat_map(|(_, text)| tags_in(text, PRINCIPAL_TAG));
        let of_key = |variable: &str| {
            let is_of_key = variable.to_ascii_lowercase().starts_with(RESOURCE_TAG);
            is_of_key.then(|| WRITTEN.into())
        };
        let own = self.own_texts.iter();
        let own = own.filter_map(move |(tag, text)| Some((tag.clone(), filled(text, &of_key)?)));
        like.map(|tag| (tag.into(), WRITTEN.into())).chain(own)
    }

    /// Asks for those tags by their values.
    pub(super) fn tie_to(&mut self, thing: &Thing<'_>) {
        let tied: Vec<TagSet> = self.tied_to(thing).collect();
        self.own_texts
            .retain(|(_, text)| filled(text, &|variable| thing.value(variable)).is_none());
        self.principal_tags.extend(tied.iter().flatten().cloned());
        self.principals_together.extend(tied.into_iter().filter(|set| set.len() > 1));
    }

    /// The tags of principals that it asks for.
    pub(super) fn tags_of_principals(&self) -> PrincipalTags {
        let own = self.own_texts.iter().map(|(tag, _)| tag.clone());
        PrincipalTags { named: self.principal_tags.clone(), own: own.collect() }
    }

    /// The tags of principals that one is to have by its own name, account and other tags.
    pub(super) fn own_tags_for(
        &self,
        caller: &Caller,
        tags: &dyn Fn(&str) -> Option<Box<str>>,
    ) -> impl Iterator<Item = Tag> {
        let texts = self.own_texts.iter();
        texts.filter_map(|(tag, text)| Some((tag.clone(), filled_by(text, caller, tags)?)))
    }

    /// Hears what one policy asks for.
    pub(super) fn hear(&mut self, policy: &Policy) {
        self.names.hear(policy);
        self.hear_conditions(policy);
    }

    /// The same, but for the names of users and roles that could be made.
    pub(super) fn hear_conditions(&mut self, policy: &Policy) {
        let variables = policy.version.into();
        for statement in &policy.statements {
            let resources = statement.resource.iter().flat_map(|element| &element.values);
            let is_not = statement.resource.as_ref().map(|it| it.polarity == Polarity::IsNot);
            let serves = is_not == Some(statement.denies());
            for text in resources.filter_map(|value| value.value.text()) {
                self.hear_variables(text, variables);
                self.hear_likeness(Some(&Facet::Arn), text, serves, variables);
                let arn = text.strip_prefix("arn:");
                let region = arn.and_then(|arn| arn.split(':').nth(2));
                self.hear_regions(region.as_slice());
            }
            let mut together = Together::default();
            let of_targets = speaks_of_targets(statement);
            for condition in &statement.conditions {
                self.hear_condition(condition, statement.denies(), variables);
                if of_targets {
                    self.hear_target(condition, statement.denies(), variables);
                }
                together.hear(condition, statement.denies(), variables);
            }
            self.add(together);
        }
    }

    /// Hears which tags of principals one policy asks for.
    fn hear_principals(&mut self, policy: &Policy) {
        let mut asked = Self::default();
        asked.hear_conditions(policy);
        self.principal_tags.extend(asked.principal_tags);
        self.own_texts.extend(asked.own_texts);
        self.principals_together.extend(asked.principals_together);
    }

    fn add(&mut self, together: Together) {
        let Together { principals, keys, requests } = together;
        let several =
            [(principals, &mut self.principals_together), (keys, &mut self.keys_together)];
        for (tags, sets) in several {
            if tags.len() > 1 {
                sets.insert(tags.into_iter().collect());
            }
        }
        if !requests.is_empty() {
            self.of_requests.insert(requests.into_iter().collect());
        }
    }

    /// Tags of the user or role that is called on.
    fn hear_target(&mut self, condition: &Condition, denies: bool, variables: Variables) {
        let key = condition.key.value.to_ascii_lowercase();
        let family = TARGET_TAGS.into_iter().find(|family| key.starts_with(family));
        let Some(tag) = family.and_then(|family| condition.key.value.get(family.len()..)) else {
            return;
        };
        let texts = condition.values.iter().filter_map(|value| value.value.text());
        let texts: Vec<&str> = texts.collect();
        let (filled, plain): (Vec<&str>, Vec<&str>) =
            texts.iter().partition(|text| has_variables(text, variables));
        let named = plain.iter().map(|text| sample(text)).chain(other(condition, denies, &texts));
        self.target_tags.extend(named.map(|value| (tag.into(), value)));
        self.target_texts.extend(filled.iter().map(|text| (tag.into(), (*text).into())));
    }

    fn hear_condition(&mut self, condition: &Condition, denies: bool, variables: Variables) {
        let key = condition.key.value.to_ascii_lowercase();
        self.sign_in |= !is_alike_for_all(&key);
        let texts = condition.values.iter().filter_map(|value| value.value.text());
        let texts: Vec<&str> = texts.collect();
        let facet = Facet::of(&key);
        let serves = denies != (condition.operator.value.polarity == Polarity::Is);
        for text in &texts {
            self.hear_variables(text, variables);
            self.hear_likeness(facet.as_ref(), text, serves, variables);
        }
        let (filled, plain): (Vec<&str>, Vec<&str>) =
            texts.iter().partition(|text| has_variables(text, variables));
        let spelled = |prefix: &str| condition.key.value.get(prefix.len()..).unwrap_or_default();
        let wanted = || {
            let named = plain.iter().map(|text| sample(text));
            named.chain(other(condition, denies, &texts))
        };
        if key.starts_with(PRINCIPAL_TAG) {
            let tag = spelled(PRINCIPAL_TAG);
            self.principal_tags.extend(wanted().map(|value| (tag.into(), value)));
            self.own_texts.extend(filled.iter().map(|text| (tag.into(), (*text).into())));
        } else if key.starts_with(RESOURCE_TAG) {
            let tag = spelled(RESOURCE_TAG);
            self.key_tags.extend(wanted().map(|value| (tag.into(), value)));
            self.key_texts.extend(filled.iter().map(|text| (tag.into(), (*text).into())));
        } else if facet == Some(Facet::Alias) {
            let is_name = |text: &&&str| text.starts_with("alias/");
            self.aliases.extend(plain.iter().filter(is_name).map(|text| sample(text)));
            self.alias_texts.extend(filled.iter().filter(is_name).map(|text| (*text).into()));
        } else if key == "kms:grantoperations" {
            let all = ActionSet::ALL.iter().filter(|action| action.info().grantable);
            let named = all.filter(|it| texts.iter().any(|text| takes(text, it.name())));
            self.operations = self.operations.union(named.collect());
        } else if key == "aws:requestedregion" || key == "kms:replicaregion" {
            self.hear_regions(&texts);
        } else if key == "iam:permissionsboundary" {
            self.boundaries.extend(texts.iter().map(|text| (*text).into()));
        } else if key == POLICY {
            self.policies = true;
        } else if key == "sts:rolesessionname" {
            self.session_names = true;
        } else if key == "kms:granteeprincipal" {
            self.grantees = true;
        } else if is_of_services(&key) {
            self.services = true;
        } else if key == "aws:principalorgpaths" || key == "aws:resourceorgpaths" {
            self.places = true;
        }
    }

    fn hear_regions(&mut self, texts: &[&str]) {
        for text in texts.iter().filter(|text| !text.is_empty() && **text != "*") {
            if !self.regions.contains(*text) {
                self.regions.insert((*text).into());
            }
        }
    }

    /// Hears of tags of principals in a text that is compared with `facet` of what is called on, or with what
    /// is of the request alone; `serves` says whether likeness does.
    fn hear_likeness(
        &mut self,
        facet: Option<&Facet>,
        text: &str,
        serves: bool,
        variables: Variables,
    ) {
        let is_plain = variables == Variables::Literal || !text.contains("${");
        if is_plain || tags_in(text, PRINCIPAL_TAG).next().is_none() {
            return;
        }
        if let Some(facet) = facet {
            self.likenesses.insert((facet.clone(), text.into()));
        }
        if facet.is_none() || !serves {
            // Any value of a caller's choice will do.
            let tags = tags_in(text, PRINCIPAL_TAG);
            self.principal_tags.extend(tags.map(|tag| (tag.into(), WRITTEN.into())));
        }
    }

    fn hear_variables(&mut self, text: &str, variables: Variables) {
        if !text.contains("${") {
            return;
        }
        for part in parts(text, variables) {
            let Part::Variable { key, .. } = part else { continue };
            let key = key.to_ascii_lowercase();
            self.sign_in |= !is_alike_for_all(&key);
            self.policies |= key == POLICY;
            self.places |= key.ends_with("orgpaths");
            self.tag_variables.extend(key.strip_prefix(PRINCIPAL_TAG).map(str::to_owned));
        }
    }
}
