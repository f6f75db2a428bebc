//! Users, groups, roles and their policies.
//!
//! What belongs to one entity stands in several resources: it is gathered first, and stated at the end.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::aws::managed::is_without_keys;
use crate::inventory::{
    AttachedPolicy, LoosePolicy, NamedPolicy, PolicyVersion, Stated, policy_name,
};
use crate::policy::PolicyKind;
use crate::syntax::{Kind, Node};

use super::super::declared::MAX_SESSION;
use super::super::facts::{Fact, PolicyFact, PrincipalKind};
use super::super::given::{Gift, Given, Target as GivenTo};
use super::evaluate::{At, Resource, each_branch, list, text_of};
use super::holder::Holder;
use super::keys::tags;
use super::names::{Entity, Names, entity_of};
use super::targets::{TARGETS, Target, each_target};
use super::text;

/// All users, groups and roles of a run.
pub(super) struct Gathered<'n> {
    names: &'n Names,
    holders: BTreeMap<Box<str>, Holder>,
    policies: BTreeMap<Box<str>, PolicyFact>,
    /// Policies that are for nobody who is known, and what is given to others.
    others: Vec<Fact>,
    /// What templates declare, by ARNs.
    own: Arc<BTreeSet<Box<str>>>,
}

impl<'n> Gathered<'n> {
    pub(super) fn new(names: &'n Names) -> Self {
        let (holders, policies, others) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let own = Arc::new(names.entities.iter().map(|entity| entity.arn.clone()).collect());
        Self { names, holders, policies, others, own }
    }

    /// Takes what declares an entity.
    pub(super) fn declare(&mut self, at: &At<'_, '_>, resource: &Resource<'_>) {
        let Some((kind, word, property)) = entity_of(resource.of_type()) else { return };
        let arn: Box<str> = text::named(&at.iam_arn(resource, word, property)).into();
        let Some(kind) = kind else { return self.managed_policy(at, resource, arn) };
        let mut holder = self.holder(at, resource, kind);
        if let Some(trust) = at.property(resource, "AssumeRolePolicyDocument") {
            holder.trust = Some(self.names.policy(at, PolicyKind::Trust, &trust, None));
        }
        for policy in list(at.property(resource, "Policies").as_ref()) {
            self.inline(at, &mut holder, policy, resource);
        }
        self.attach(at, &mut holder, resource, "ManagedPolicyArns");
        for group in list(at.property(resource, "Groups").as_ref()) {
            self.member(at, &mut holder, group);
        }
        self.add(at, resource, arn, holder);
    }

    /// What the properties of a role, user or group say of it alone.
    pub(super) fn holder(
        &self,
        at: &At<'_, '_>,
        resource: &Resource<'_>,
        kind: PrincipalKind,
    ) -> Holder {
        let boundary = match at.text(resource, "PermissionsBoundary") {
            None => Some(None),
            Some(text) => {
                let place = at.stack.template.place(resource.span);
                let known = self.names.known(&text);
                if known.is_none() {
                    let what = format!("the permissions boundary of {}", resource.name);
                    at.unresolved(resource.span, what);
                }
                known.map(|arn| Some(AttachedPolicy { arn, place }))
            }
        };
        Holder {
            kind,
            account: at.stack.deployment.account,
            place: at.stack.template.place(resource.span),
            tags: tags(at, resource),
            boundary,
            trust: None,
            max_session: match kind {
                PrincipalKind::Role => max_session(at, resource),
                PrincipalKind::User | PrincipalKind::Group => None,
            },
            inline: Vec::new(),
            attached: Vec::new(),
            doubted: Vec::new(),
            groups: BTreeSet::new(),
            all_attached: at.stack.macros().is_empty(),
            all_groups: true,
            is_one_of_several: false,
            is_in_doubt: resource.doubt.is_some(),
        }
    }

    /// Adds an entity. At most one of several of the same name will be there.
    pub(super) fn add(
        &mut self,
        at: &At<'_, '_>,
        resource: &Resource<'_>,
        arn: Box<str>,
        holder: Holder,
    ) {
        match self.holders.entry(arn) {
            Entry::Vacant(free) => drop(free.insert(holder)),
            Entry::Occupied(mut first) => {
                first.get_mut().is_one_of_several = true;
                let kind = word(holder.kind);
                at.unresolved(resource.span, format!("{}: a second {kind}", resource.name));
            }
        }
    }

    fn inline(
        &self,
        at: &At<'_, '_>,
        holder: &mut Holder,
        node: &Node<'static>,
        resource: &Resource<'_>,
    ) {
        let (policies, doubt) = match &node.kind {
            Kind::OneOf { expression, branches } => (branches.as_slice(), Some(&**expression)),
            _ => (std::slice::from_ref(node), None),
        };
        for policy in policies {
            let document = match policy.get("PolicyDocument") {
                Some(document) => document.clone(),
                None => {
                    super::evaluate::unknown(policy.span, &format!("{}.Policies", resource.name))
                }
            };
            let document = self.names.policy(at, PolicyKind::Identity, &document, doubt);
            let name = policy.get("PolicyName").and_then(text_of);
            let name = name.map_or_else(|| resource.name.to_owned(), |name| text::named(&name));
            holder.inline.push(NamedPolicy { name: name.into(), document });
        }
    }

    /// Attaches the managed policies that a property lists.
    fn attach(
        &self,
        at: &At<'_, '_>,
        holder: &mut Holder,
        resource: &Resource<'_>,
        property: &str,
    ) {
        let all = at.property(resource, property);
        for (policy, doubt) in each_branch(list(all.as_ref()), None) {
            let arn = text_of(policy).and_then(|text| self.names.known(&text));
            let place = at.stack.template.place(policy.span);
            match arn.map(|arn| AttachedPolicy { arn, place }) {
                Some(arn) => match doubt {
                    // What has nothing to do with keys decides nothing.
                    Some(_) if is_without_keys(&arn.arn) => {}
                    Some(doubt) => {
                        let what = format!(
                            "whether {} is attached to {}",
                            policy_name(&arn.arn),
                            resource.name
                        );
                        at.unresolved(policy.span, what);
                        holder.doubted.push((arn, doubt.into()));
                    }
                    None => holder.attached.push(arn),
                },
                None => {
                    holder.all_attached = false;
                    let text = text_of(policy).map_or("...".to_owned(), |text| text::shown(&text));
                    let what = format!("the policy {text}, attached to {}", resource.name);
                    at.unresolved(policy.span, what);
                }
            }
        }
    }

    fn managed_policy(&mut self, at: &At<'_, '_>, resource: &Resource<'_>, arn: Box<str>) {
        let Some(node) = at.property(resource, "PolicyDocument") else { return };
        let doubt = resource.doubt.as_deref();
        let document = self.names.policy(at, PolicyKind::Identity, &node, doubt);
        let place = at.stack.template.place(resource.span);
        let version = PolicyVersion { id: "v1".into(), document };
        let fact = PolicyFact {
            arn: arn.clone(),
            account: Some(at.stack.deployment.account),
            place,
            default_version: Some("v1".into()),
            versions: vec![version],
        };
        match self.policies.entry(arn) {
            Entry::Vacant(free) => drop(free.insert(fact)),
            Entry::Occupied(mut first) => {
                // Nobody knows what it will say.
                let first = first.get_mut();
                (first.default_version, first.versions) = (None, Vec::new());
                at.unresolved(resource.span, format!("{}: a second policy", resource.name));
            }
        }
    }

    /// Takes what gives policies to entities, or joins users to groups; after all were declared.
    pub(super) fn give(&mut self, at: &At<'_, '_>, resource: &Resource<'_>) {
        match resource.of_type() {
            "AWS::IAM::ManagedPolicy" => self.give_managed(at, resource),
            "AWS::IAM::Policy" => self.give_inline(at, resource, &TARGETS),
            "AWS::IAM::RolePolicy" => {
                self.give_inline(at, resource, &[("RoleName", PrincipalKind::Role)]);
            }
            "AWS::IAM::UserPolicy" => {
                self.give_inline(at, resource, &[("UserName", PrincipalKind::User)]);
            }
            "AWS::IAM::GroupPolicy" => {
                self.give_inline(at, resource, &[("GroupName", PrincipalKind::Group)]);
            }
            "AWS::IAM::UserToGroupAddition" => self.join(at, resource),
            _ => {}
        }
    }

    fn give_inline(
        &mut self,
        at: &At<'_, '_>,
        resource: &Resource<'_>,
        targets: &[(&str, PrincipalKind)],
    ) {
        let Some(node) = at.property(resource, "PolicyDocument") else { return };
        let name = at.text(resource, "PolicyName");
        let name: Box<str> = match name {
            Some(name) => text::named(&name).into(),
            None => resource.name.into(),
        };
        let doubt = resource.doubt.as_deref();
        let sure = self.names.policy(at, PolicyKind::Identity, &node, doubt);
        let (mut is_given, mut elsewhere) = (false, Vec::new());
        for target in each_target(at, resource, targets) {
            let (meant, may) = self.meant(at, resource, &target, &mut elsewhere);
            for entity in meant {
                is_given = true;
                self.put(entity, NamedPolicy { name: name.clone(), document: sure.clone() });
            }
            let whom = format!("whether {} is given to", text::shown(&target.text));
            for entity in may {
                let doubt = format!("{whom} {}", text::named(&entity.name));
                let document = self.names.policy(at, PolicyKind::Identity, &node, Some(&doubt));
                self.put(entity, NamedPolicy { name: name.clone(), document });
            }
        }
        let loose = (!is_given).then(|| Box::from(resource.name));
        if elsewhere.is_empty() {
            let loose = loose.map(|name| LoosePolicy::new(name, sure));
            return self.others.extend(loose.map(Fact::Loose));
        }
        // Whether it is there each target says.
        let document = self.names.policy(at, PolicyKind::Identity, &node, None);
        let gift = Gift::Inline { policy: NamedPolicy { name, document }, loose };
        self.give_elsewhere(at, resource, elsewhere, gift);
    }

    /// Gives something to what other code or an export may have.
    fn give_elsewhere(
        &mut self,
        at: &At<'_, '_>,
        resource: &Resource<'_>,
        to: Vec<GivenTo>,
        gift: Gift,
    ) {
        if !to.is_empty() {
            let place = at.stack.template.place(resource.span);
            let given = Given { to, gift, place, own: Arc::clone(&self.own) };
            self.others.push(Fact::Given(Box::new(given)));
        }
    }

    /// The entities that a target surely means, or else those that it may, of which one may be `elsewhere`.
    fn meant(
        &self,
        at: &At<'_, '_>,
        resource: &Resource<'_>,
        target: &Target<'_>,
        elsewhere: &mut Vec<GivenTo>,
    ) -> (Vec<&'n Entity>, Vec<&'n Entity>) {
        let names: &'n Names = self.names;
        let sure = names.sure(target.kind, at, &target.text);
        if !sure.is_empty() {
            return (sure, Vec::new());
        }
        let may = names.possible(target.kind, at, &target.text, target.written);
        let (name, kind) = (resource.name, word(target.kind));
        let what = match may.is_empty() {
            true => format!("{name}: its {kind} is not declared here"),
            false => format!("{name}: which {kind} it is for"),
        };
        let told = Stated::new(what.into(), at.stack.template.place(target.span));
        elsewhere.extend(target.elsewhere(at, resource, &told));
        (sure, may)
    }

    fn put(&mut self, entity: &Entity, policy: NamedPolicy) {
        if let Some(holder) = self.holders.get_mut(&entity.arn) {
            holder.inline.push(policy);
        }
    }

    fn give_managed(&mut self, at: &At<'_, '_>, resource: &Resource<'_>) {
        let arn: Box<str> =
            text::named(&at.iam_arn(resource, "policy", "ManagedPolicyName")).into();
        let place = at.stack.template.place(resource.span);
        let mut elsewhere = Vec::new();
        for target in each_target(at, resource, &TARGETS) {
            let (meant, may) = self.meant(at, resource, &target, &mut elsewhere);
            for entity in meant {
                if let Some(holder) = self.holders.get_mut(&entity.arn) {
                    // Whether it is there its document says.
                    holder.attached.push(AttachedPolicy { arn: arn.clone(), place });
                }
            }
            for entity in may {
                if let Some(holder) = self.holders.get_mut(&entity.arn) {
                    let policy = AttachedPolicy { arn: arn.clone(), place };
                    let whom = format!("whether {} is given to", text::shown(&target.text));
                    let doubt = format!("{whom} {}", text::named(&entity.name));
                    holder.doubted.push((policy, doubt.into()));
                }
            }
        }
        let policies = vec![AttachedPolicy { arn, place }];
        self.give_elsewhere(at, resource, elsewhere, Gift::Attached { policies, is_open: false });
    }

    /// Makes a user a member of a group, where it is known which.
    fn member(&self, at: &At<'_, '_>, holder: &mut Holder, group: &Node<'static>) {
        match self.group(at, group) {
            Some(name) => drop(holder.groups.insert(name)),
            None => {
                holder.all_groups = false;
                at.unresolved(group.span, "a group that a user is in");
            }
        }
    }

    /// The name of a group, where it is known which.
    fn group(&self, at: &At<'_, '_>, group: &Node<'static>) -> Option<Box<str>> {
        let text = text_of(group).filter(|_| !matches!(group.kind, Kind::OneOf { .. }));
        let is_meant = |text: &String| {
            let is_declared = || !self.names.sure(PrincipalKind::Group, at, text).is_empty();
            text::is_known(text) || is_declared()
        };
        text.filter(is_meant).map(|name| text::named(&name).into())
    }

    fn join(&mut self, at: &At<'_, '_>, resource: &Resource<'_>) {
        let group = at.property(resource, "GroupName").filter(|_| resource.doubt.is_none());
        let mut elsewhere = Vec::new();
        for target in each_target(at, resource, &[("Users", PrincipalKind::User)]) {
            let (meant, may) = self.meant(at, resource, &target, &mut elsewhere);
            for entity in meant {
                let Some(mut holder) = self.holders.remove(&entity.arn) else { continue };
                match &group {
                    Some(group) => self.member(at, &mut holder, group),
                    None => holder.all_groups = false,
                }
                self.holders.insert(entity.arn.clone(), holder);
            }
            for entity in may {
                if let Some(holder) = self.holders.get_mut(&entity.arn) {
                    holder.all_groups = false;
                }
            }
        }
        let known = group.and_then(|group| self.group(at, &group));
        let gift = Gift::Groups { is_open: known.is_none(), names: known.into_iter().collect() };
        self.give_elsewhere(at, resource, elsewhere, gift);
    }

    /// Everything as facts.
    pub(super) fn facts(self) -> Vec<Fact> {
        let policies = self.policies.into_values().map(|policy| Fact::Policy(Box::new(policy)));
        let mut facts: Vec<Fact> = policies.chain(self.others).collect();
        for (arn, holder) in self.holders {
            facts.extend(holder.doubted(&arn));
            facts.push(holder.fact(arn));
        }
        facts
    }
}

/// `MaxSessionDuration` of a role; nothing where it is not known.
fn max_session(at: &At<'_, '_>, resource: &Resource<'_>) -> Option<u32> {
    match at.property(resource, "MaxSessionDuration") {
        None => Some(MAX_SESSION),
        Some(seconds) => seconds.scalar()?.parse().ok(),
    }
}

/// What people call it.
fn word(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "user",
        PrincipalKind::Role => "role",
        PrincipalKind::Group => "group",
    }
}
