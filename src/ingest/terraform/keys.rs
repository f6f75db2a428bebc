//! Keys, their policies, aliases and grants as facts.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::aws::KeyArn;
use crate::aws::pattern::meets;
use crate::inventory::{Alias, Grant, KeyManager, KeyMetadata, MultiRegion, MultiRegionRole};
use crate::policy::PolicyKind;
use crate::source::Place;
use crate::syntax::{BROKEN, WHETHER};

use super::super::declared;
use super::super::facts::{Fact, KeyFact, KeyPart, Page};
use super::super::given::{Gift, Given, grant_in_doubt};
use super::super::symbols;
use super::defaults::{default_value, is_none};
use super::evaluator::Evaluator;
use super::grants;
use super::names::Shape;
use super::resource::Resource;
use super::value::{Data, Value, shape};
use super::world::{Declared, is_key};

/// What is declared of one key.
pub(super) struct KeyDraft<'r> {
    resource: &'r Declared<'r>,
    arn: KeyArn,
    /// What is known of the ARN and the id, where they are not known before the key is made.
    shape: Option<Shape>,
    place: Place,
    /// Policies that can be in force, and what decides whether one is.
    policies: Vec<(Value, Option<Rc<str>>)>,
    /// Whether the first of them is the one that the key declares itself.
    is_first_own: bool,
    grants: Vec<Grant>,
    are_grants_open: bool,
    are_aliases_open: bool,
}

/// The keys of some resources, by their ARNs.
pub(super) struct Keys<'r> {
    drafts: BTreeMap<KeyArn, KeyDraft<'r>>,
    facts: Vec<Fact>,
    /// What is given to keys that are not declared here.
    given: Vec<Given>,
}

impl<'r> Keys<'r> {
    /// Collects the keys that resources declare, and what others say of them.
    pub(super) fn new(evaluator: &Evaluator<'_>, resources: &'r [Declared<'r>]) -> Self {
        let mut keys = Self { drafts: BTreeMap::new(), facts: Vec::new(), given: Vec::new() };
        for declared in resources {
            if is_key(&declared.resource) {
                keys.key(evaluator, declared);
            }
        }
        for declared in resources {
            match declared.resource.of_type {
                "aws_kms_key_policy" => keys.policy(evaluator, declared),
                "aws_kms_alias" | "awscc_kms_alias" => keys.alias(evaluator, declared),
                "aws_kms_grant" => keys.grant(evaluator, declared),
                _ => {}
            }
        }
        keys
    }

    fn key(&mut self, evaluator: &Evaluator<'_>, declared: &'r Declared<'r>) {
        let resource = &declared.resource;
        let Some(arn) = evaluator.key_arn(resource) else {
            let address = &resource.address;
            evaluator.unresolved(declared.at, format!("{address}: no ARN can be made of it"));
            return;
        };
        let place = declared.place();
        let own = evaluator.argument(&resource.arguments, "policy");
        let policies = own.filter(|policy| !is_none(policy)).map(|policy| (policy, None));
        let draft = KeyDraft {
            resource: declared,
            arn: arn.clone(),
            shape: evaluator.key_shape(resource),
            place,
            is_first_own: policies.is_some(),
            policies: policies.into_iter().collect(),
            grants: Vec::new(),
            are_grants_open: declared.is_open,
            are_aliases_open: declared.is_open,
        };
        self.bypass(evaluator, declared, &arn);
        if self.drafts.insert(arn, draft).is_some() {
            evaluator.unresolved(declared.at, format!("{}: a second key", resource.address));
        }
    }

    /// Notes where a key or its policy switches off the check that its author can change the policy.
    fn bypass(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>, arn: &KeyArn) {
        if let Some(place) = bypassed(evaluator, declared) {
            let (arn, part) = (arn.clone(), KeyPart::LockoutCheckBypassed);
            self.facts.push(Fact::Key(KeyFact { arn, place, part }));
        }
    }

    /// Gives something to a key that other code or an export may have, unless it is one that `is_here`.
    fn give(
        &mut self,
        evaluator: &Evaluator<'_>,
        declared: &Declared<'_>,
        (key, is_here): (Option<&Value>, bool),
        gift: impl FnOnce() -> Gift,
    ) {
        let Some(key) = key.filter(|key| !key.is_null()) else { return };
        self.given.push(evaluator.given_to_key(declared, (key, is_here), gift()));
    }

    /// The key that an argument names.
    fn named(
        &mut self,
        evaluator: &Evaluator<'_>,
        value: Option<&Value>,
        resource: &Resource<'_>,
    ) -> Option<&mut KeyDraft<'r>> {
        let known = value?.known()?;
        let arn = evaluator.key_named(&resource.provider.deployment, &known)?;
        self.drafts.get_mut(&arn)
    }

    /// The keys that an argument may name, which surely names none of them; each with what decides.
    fn candidates(
        &mut self,
        evaluator: &Evaluator<'_>,
        value: Option<&Value>,
        resource: &Resource<'_>,
    ) -> Vec<(&mut KeyDraft<'r>, Rc<str>)> {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Vec::new() };
        let deployment = &resource.provider.deployment;
        if evaluator.is_of_none_declared(deployment, value) {
            return Vec::new();
        }
        let shape_of = |value: &Value| {
            let pieces = value.as_pieces().map(|pieces| shape(&pieces).0);
            pieces.unwrap_or_else(|| "*".to_owned())
        };
        let wanted = shape_of(value);
        // Of several values each may name one that is declared, and then no other.
        let branches = match &value.data {
            Data::OneOf(_, branches) => branches.iter().filter(|it| !it.is_null()).collect(),
            _ => vec![value],
        };
        let named = |value: &Value| evaluator.key_named(deployment, &value.known()?);
        let is_declared = |arn: &KeyArn| self.drafts.contains_key(arn);
        let branches: Vec<(&Value, String, Option<KeyArn>)> = branches
            .into_iter()
            .map(|it| (it, shape_of(it), named(it).filter(is_declared)))
            .collect();
        let doubt = |draft: &KeyDraft<'_>| {
            let address = &draft.resource.resource.address;
            value.doubt().unwrap_or_else(|| format!("{WHETHER}{wanted} is {address}").into())
        };
        let may_mean = |draft: &KeyDraft<'_>, value: &Value, wanted: &str| {
            let (account, region) = (draft.arn.account(), draft.arn.region());
            let is_beside = account == deployment.account && region == &*deployment.region;
            match &draft.shape {
                Some(shape) => {
                    is_beside && meets(wanted, &shape.name)
                        || meets(wanted, &symbols::wide(&shape.arn))
                }
                // A key with an id is not meant by another.
                None => {
                    let (arn, id) = (draft.arn.as_str(), draft.arn.id());
                    value.known().is_none()
                        && (meets(wanted, arn) || is_beside && meets(wanted, id))
                }
            }
        };
        let may_be = |draft: &KeyDraft<'_>| {
            branches.iter().any(|(value, wanted, named)| match named {
                Some(arn) => *arn == draft.arn,
                None => may_mean(draft, value, wanted),
            })
        };
        let may = self.drafts.values_mut().filter(|draft| may_be(draft));
        may.map(|draft| {
            let doubt = doubt(draft);
            (draft, doubt)
        })
        .collect()
    }

    fn policy(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>) {
        let resource = &declared.resource;
        let argument = |name: &str| evaluator.argument(&resource.arguments, name);
        let (key, policy) = (argument("key_id"), argument("policy"));
        let Some(policy) = policy else { return };
        let Some(draft) = self.named(evaluator, key.as_ref(), resource) else {
            let mut is_here = false;
            for (draft, doubt) in self.candidates(evaluator, key.as_ref(), resource) {
                draft.policies.push((policy.clone(), Some(doubt)));
                is_here = true;
            }
            let bypass = bypassed(evaluator, declared);
            let document = || evaluator.policy(PolicyKind::Key, &policy, None);
            let gift = || Gift::KeyPolicy { document: document(), bypass };
            return self.give(evaluator, declared, (key.as_ref(), is_here), gift);
        };
        // It replaces what the key declares itself; of two such nobody knows which is applied last.
        if declared.doubt.is_none() && std::mem::take(&mut draft.is_first_own) {
            draft.policies.remove(0);
        }
        draft.policies.push((policy, declared.doubt.clone()));
        let arn = draft.arn.clone();
        self.bypass(evaluator, declared, &arn);
    }

    fn alias(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>) {
        let resource = &declared.resource;
        let target = evaluator.argument(&resource.arguments, "target_key_id");
        let Some(arn) = evaluator.alias_arn(resource) else { return };
        let name = evaluator.argument(&resource.arguments, "name");
        // Which name it has, or whether it is there, may not be known.
        let name_at = name.as_ref().map(|name| name.at);
        let is_open = declared.doubt.is_some() || name.is_none_or(|name| name.known().is_none());
        match self.named(evaluator, target.as_ref(), resource) {
            Some(draft) if is_open => {
                draft.are_aliases_open = true;
                if declared.doubt.is_none() {
                    let what = format!("{}: its name", resource.address);
                    evaluator.unresolved(name_at.unwrap_or(declared.at), what);
                }
            }
            Some(draft) => {
                let target = Some(draft.arn.id().into());
                self.facts.push(Fact::Alias(Alias { arn, target, place: declared.place() }));
            }
            None => {
                let mut is_here = false;
                for (draft, _) in self.candidates(evaluator, target.as_ref(), resource) {
                    draft.are_aliases_open = true;
                    is_here = true;
                }
                let alias = Alias { arn, target: None, place: declared.place() };
                self.give(evaluator, declared, (target.as_ref(), is_here), || {
                    Gift::Alias((!is_open).then_some(alias))
                });
            }
        }
    }

    fn grant(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>) {
        let resource = &declared.resource;
        let key = evaluator.argument(&resource.arguments, "key_id");
        let grant = grants::made(evaluator, declared);
        let Some(draft) = self.named(evaluator, key.as_ref(), resource) else {
            let mut is_here = false;
            for (draft, doubt) in self.candidates(evaluator, key.as_ref(), resource) {
                is_here = true;
                draft.grant(evaluator, declared, grant.clone(), Some(&doubt));
            }
            let whole = |grant: Grant| {
                let mut all = declared::grants(&evaluator.symbols, &grant);
                all.push(grant);
                all
            };
            return self.give(evaluator, declared, (key.as_ref(), is_here), || {
                Gift::Grants(grant.map(whole))
            });
        };
        draft.grant(evaluator, declared, grant, declared.doubt.as_ref());
    }

    /// The facts of the keys.
    pub(super) fn facts(mut self, evaluator: &Evaluator<'_>) -> Vec<Fact> {
        let own: Arc<BTreeSet<Box<str>>> =
            Arc::new(self.drafts.keys().map(|arn| arn.as_str().into()).collect());
        let given = std::mem::take(&mut self.given).into_iter();
        let given = given.map(|given| Given { own: Arc::clone(&own), ..given });
        self.facts.extend(given.map(|given| Fact::Given(Box::new(given))));
        let mut related: BTreeMap<KeyArn, Related> = BTreeMap::new();
        for draft in self.drafts.values() {
            let resource = &draft.resource.resource;
            match evaluator.primary(resource) {
                Some(primary) => {
                    let replicas = &mut related.entry(primary).or_default().replicas;
                    replicas.insert(draft.arn.as_str().into());
                }
                None if is_replica(resource) => {}
                None => {
                    let related = related.entry(draft.arn.clone()).or_default();
                    (related.spec, related.usage) = (
                        word(evaluator, resource, SPEC).unwrap_or_else(|| Some(SPEC.1.into())),
                        word(evaluator, resource, USAGE).unwrap_or_else(|| Some(USAGE.1.into())),
                    );
                }
            }
        }
        for draft in std::mem::take(&mut self.drafts).into_values() {
            self.facts.extend(parts(evaluator, draft, &related));
        }
        self.facts
    }
}

/// What the declared keys of one multi-Region key have in common, by the ARN of the primary; of one that
/// has no replicas its own.
#[derive(Default)]
struct Related {
    replicas: BTreeSet<Box<str>>,
    /// What the primary declares; nothing where that is not known, or it is not declared here.
    spec: Option<Box<str>>,
    usage: Option<Box<str>>,
}

/// An argument of a key, and what it is where it is not given.
const SPEC: (&str, &str) = ("customer_master_key_spec", "SYMMETRIC_DEFAULT");
const USAGE: (&str, &str) = ("key_usage", "ENCRYPT_DECRYPT");

/// What a key says of an argument, as far as that is known; nothing where it does not give it.
fn word(
    evaluator: &Evaluator<'_>,
    resource: &Resource<'_>,
    (name, _): (&str, &str),
) -> Option<Option<Box<str>>> {
    // A plan states each argument that is not given as null.
    let given = evaluator.argument(&resource.arguments, name).filter(|it| !it.is_null())?;
    Some(given.known().map(|word| Box::from(&*word)))
}

fn is_replica(resource: &Resource<'_>) -> bool {
    resource.of_type.contains("replica")
}

impl KeyDraft<'_> {
    /// Takes a grant; one that may not be there is for somebody who is not known.
    fn grant(
        &mut self,
        evaluator: &Evaluator<'_>,
        declared: &Declared<'_>,
        grant: Option<Grant>,
        doubt: Option<&Rc<str>>,
    ) {
        let Some(mut grant) = grant else {
            self.are_grants_open = true;
            let what = format!("{}: what it allows", declared.resource.address);
            return evaluator.unresolved(declared.at, what);
        };
        grant.issuing_account = Some(self.arn.account());
        if let Some(doubt) = doubt {
            grant = grant_in_doubt(grant, doubt);
        }
        self.grants.extend(declared::grants(&evaluator.symbols, &grant));
        self.grants.push(grant);
    }
}

/// Where a key or its policy switches off the check that its author can change the policy.
fn bypassed(evaluator: &Evaluator<'_>, declared: &Declared<'_>) -> Option<Place> {
    let resource = &declared.resource;
    let name = "bypass_policy_lockout_safety_check";
    let bypass = evaluator.argument(&resource.arguments, name).filter(|it| !it.is_null())?;
    if bypass.truth().is_none() {
        let what = format!("{}: whether it switches the lockout check off", resource.address);
        evaluator.unresolved(bypass.at, what);
    }
    let at = evaluator.name_at(&resource.arguments, name);
    (bypass.truth() == Some(true)).then(|| Place::plain(at.file, at.span))
}

/// What is stated of a key.
fn parts(
    evaluator: &Evaluator<'_>,
    draft: KeyDraft<'_>,
    related: &BTreeMap<KeyArn, Related>,
) -> Vec<Fact> {
    let resource = &draft.resource.resource;
    let deployment = &resource.provider.deployment;
    let (arn, place) = (draft.arn, draft.place);
    let argument = |name: &str| evaluator.argument(&resource.arguments, name);
    let default = || declared::default_key_policy(place, &deployment.partition, arn.account());
    // One that may be none may be the one that KMS gives.
    let or_default = |(policy, doubt): (Value, Option<Rc<str>>)| match &policy.data {
        Data::OneOf(expression, branches) => {
            let branch = |branch: &Value| match is_none(branch) {
                true => default_value(draft.resource.at, resource),
                false => branch.clone(),
            };
            let branches = branches.iter().map(branch).collect();
            (Value::one_of(policy.at, Rc::clone(expression), branches), doubt)
        }
        _ => (policy, doubt),
    };
    let mut policies: Vec<_> = draft.policies.into_iter().map(or_default).collect();
    if policies.is_empty() && draft.resource.is_open {
        let what = format!("{BROKEN}{}", resource.address);
        let doubt = Rc::from(what.as_str());
        policies.push((Value::unknown(draft.resource.at, what), Some(doubt)));
    }
    let policy = match policies.as_slice() {
        [] => default(),
        [(only, None)] => evaluator.policy(PolicyKind::Key, only, None),
        all => {
            let doubt = all.iter().find_map(|(_, doubt)| doubt.clone());
            let mut values: Vec<Value> = all.iter().map(|(value, _)| value.clone()).collect();
            if all.iter().all(|(_, doubt)| doubt.is_some()) {
                values.push(default_value(draft.resource.at, resource));
            }
            evaluator.one_of_policies(PolicyKind::Key, &values, doubt)
        }
    };
    let metadata = metadata(evaluator, resource, &arn, related);
    let mut made = vec![KeyPart::Known, KeyPart::Policy(policy)];
    match metadata {
        Some(metadata) => made.push(KeyPart::Metadata(Box::new(metadata))),
        None => {
            let what = format!("{}: what kind of key it is", resource.address);
            evaluator.unresolved(draft.resource.at, what);
        }
    }
    made.push(KeyPart::Grants(Page { items: draft.grants, place, more: false }));
    if draft.are_grants_open {
        made.push(KeyPart::GrantsOpen);
    }
    if !draft.are_aliases_open {
        made.push(KeyPart::Aliases(Page { items: (), place, more: false }));
    }
    if let Some(tags) = evaluator.tags(resource) {
        made.push(KeyPart::Tags(Page { items: tags, place, more: false }));
    }
    match argument("enable_key_rotation").filter(|rotation| !rotation.is_null()) {
        Some(rotation) => made.extend(rotation.truth().map(KeyPart::Rotation)),
        None => made.push(KeyPart::Rotation(false)),
    }
    let fact = |part| Fact::Key(KeyFact { arn: arn.clone(), place, part });
    made.into_iter().map(fact).collect()
}

fn metadata(
    evaluator: &Evaluator<'_>,
    resource: &Resource<'_>,
    arn: &KeyArn,
    related: &BTreeMap<KeyArn, Related>,
) -> Option<KeyMetadata> {
    // A plan states each argument that is not given as null.
    let argument =
        |name: &str| evaluator.argument(&resource.arguments, name).filter(|it| !it.is_null());
    let is_replica = is_replica(resource);
    let primary = evaluator.primary(resource);
    // A replica has the spec and the usage of its primary.
    let of = related.get(primary.as_ref().unwrap_or(arn));
    let own = |name| word(evaluator, resource, name);
    let spec = own(SPEC).unwrap_or_else(|| of.and_then(|of| of.spec.clone()));
    let usage = own(USAGE).unwrap_or_else(|| of.and_then(|of| of.usage.clone()));
    let written = argument("origin").map(|origin| origin.known());
    let origin = match resource.of_type {
        "awscc_kms_key" if written.is_some() => written.as_ref().and_then(|it| it.as_deref()),
        "aws_kms_external_key" | "aws_kms_replica_external_key" => Some("EXTERNAL"),
        _ if argument("xks_key_id").is_some() => Some("EXTERNAL_KEY_STORE"),
        _ if argument("custom_key_store_id").is_some() => Some("AWS_CLOUDHSM"),
        _ if is_replica => None,
        _ => Some("AWS_KMS"),
    };
    let is_enabled = argument("is_enabled").or_else(|| argument("enabled"));
    let state = match is_enabled.map(|value| value.truth()) {
        Some(Some(true)) | None => Some("Enabled"),
        Some(Some(false)) => Some("Disabled"),
        Some(None) => None,
    };
    // Conditions ask whether a key is one of several: no part of this is told where that is not known.
    let is_multi_region = match argument("multi_region") {
        Some(_) if is_replica => true,
        Some(written) => written.truth()?,
        None => false,
    };
    let (role, primary) = match is_replica {
        true => (Some(MultiRegionRole::Replica), primary),
        false => (is_multi_region.then_some(MultiRegionRole::Primary), Some(arn.clone())),
    };
    let multi_region = role.map(|role| MultiRegion {
        role,
        primary: primary.as_ref().map(|primary| primary.as_str().into()),
        replicas: primary
            .and_then(|primary| related.get(&primary))
            .map(|related| related.replicas.clone())
            .unwrap_or_default(),
    });
    Some(KeyMetadata {
        manager: KeyManager::Customer,
        spec,
        usage,
        origin: origin.map(Into::into),
        state: state.map(Into::into),
        multi_region,
        description: argument("description").and_then(|it| it.known()).map(|it| Box::from(&*it)),
    })
}
