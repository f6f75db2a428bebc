//! Keys, their replicas, and aliases.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{AliasArn, KeyArn};
use crate::inventory::{Alias, KeyManager, KeyMetadata, MultiRegion, MultiRegionRole, Tags};
use crate::policy::{PolicyDocument, PolicyKind, Reading};
use crate::syntax::{Kind, Member, Node};

use super::super::declared;
use super::super::facts::{Fact, KeyFact, KeyPart, Page};
use super::super::given::{Gift, Given, Named, Target};
use super::evaluate::{At, Resource, text_of, unknown};
use super::names::{Names, default_key_policy, pattern};
use super::stacks::Macro;
use super::text;

/// What a KMS resource states.
pub(super) fn facts(at: &At<'_, '_>, names: &Names, resource: &Resource<'_>) -> Vec<Fact> {
    if is_key(resource) { key(at, names, resource) } else { Vec::new() }
}

fn is_key(resource: &Resource<'_>) -> bool {
    matches!(resource.of_type(), "AWS::KMS::Key" | "AWS::KMS::ReplicaKey")
}

fn key(at: &At<'_, '_>, names: &Names, resource: &Resource<'_>) -> Vec<Fact> {
    let Some(arn) = KeyArn::parse(&text::shape(&at.key_arn(resource))) else {
        at.unresolved(resource.span, format!("the ARN of {}", resource.name));
        return Vec::new();
    };
    let place = at.stack.template.place(resource.span);
    let policy = policy(at, names, resource).read_in(readings(at, names, resource));
    // It was new when it was made: it has no grants but those that others will give.
    let mut parts = vec![
        KeyPart::Known,
        KeyPart::Policy(policy),
        KeyPart::Grants(Page { items: Vec::new(), place, more: false }),
    ];
    match metadata(at, resource, &arn) {
        Some(metadata) => parts.push(KeyPart::Metadata(Box::new(metadata))),
        None => at.unresolved(resource.span, format!("what kind of key {} is", resource.name)),
    }
    match tags(at, resource) {
        Some(items) => parts.push(KeyPart::Tags(Page { items, place, more: false })),
        None => at.unresolved(resource.span, format!("the tags of {}", resource.name)),
    }
    match at.truth(resource, "EnableKeyRotation") {
        Some(Some(is_on)) => parts.push(KeyPart::Rotation(is_on)),
        None if resource.of_type() == "AWS::KMS::Key" => parts.push(KeyPart::Rotation(false)),
        _ => {}
    }
    let mut facts: Vec<Fact> = parts
        .into_iter()
        .map(|part| Fact::Key(KeyFact { arn: arn.clone(), place, part }))
        .collect();
    let bypass = "BypassPolicyLockoutSafetyCheck";
    match at.truth(resource, bypass) {
        Some(Some(true)) => {
            let span = at.property(resource, bypass).map_or(resource.span, |node| node.span);
            let (place, part) = (at.stack.template.place(span), KeyPart::LockoutCheckBypassed);
            facts.push(Fact::Key(KeyFact { arn, place, part }));
        }
        Some(None) => {
            let what = format!("whether {} switches the lockout check off", resource.name);
            at.unresolved(resource.span, what);
        }
        Some(Some(false)) | None => {}
    }
    facts
}

/// The policy of a key.
fn policy(at: &At<'_, '_>, names: &Names, resource: &Resource<'_>) -> PolicyDocument {
    let written = at.property(resource, "KeyPolicy").map(|node| or_default(at, node));
    match (written, at.stack.macros().first()) {
        (Some(node), None) => names.policy(at, PolicyKind::Key, &node, None),
        (None, None) => default_key_policy(at, resource.span),
        (written, Some(made)) => {
            let account = at.stack.deployment.account;
            let default = || declared::default_key_tree(resource.span, at.partition(), account);
            let node = with_more(written.unwrap_or_else(default), made);
            names.policy(at, PolicyKind::Key, &node, None)
        }
    }
}

/// The policy of a key where conditions hold and where they do not, if several parts of it hang on the same ones.
fn readings(at: &At<'_, '_>, names: &Names, resource: &Resource<'_>) -> Vec<Reading> {
    let written = resource.node.get("Properties").and_then(|all| all.get("KeyPolicy"));
    let Some(written) = written else { return Vec::new() };
    let policy = || policy(at, names, resource);
    let cases = at.where_it_is(resource, || at.each_case(written, &policy));
    cases.into_iter().map(|(open, document)| Reading { open, document }).collect()
}

/// A policy to which a macro may add statements.
fn with_more(node: Node<'static>, made: &Macro) -> Node<'static> {
    let Kind::Object(members) = node.kind else { return node };
    let span = node.span;
    let more = |member: Member<'static>| match &*member.name.value {
        "Statement" => {
            let mut all = member.value.one_or_many().to_vec();
            all.push(unknown(member.value.span, &made.what));
            let value = Node { span: member.value.span, tag: None, kind: Kind::Array(all) };
            Member { value, ..member }
        }
        _ => member,
    };
    Node { span, tag: None, kind: Kind::Object(members.into_iter().map(more).collect()) }
}

/// A policy of a key, where one that may be none may be the one that KMS gives.
fn or_default(at: &At<'_, '_>, node: Node<'static>) -> Node<'static> {
    let Kind::OneOf { expression, branches } = node.kind else { return node };
    let mut branches: Vec<_> = branches.into_iter().map(|branch| or_default(at, branch)).collect();
    if branches.len() < 2 {
        let account = at.stack.deployment.account;
        branches.push(declared::default_key_tree(node.span, at.partition(), account));
    }
    Node { kind: Kind::OneOf { expression, branches }, ..node }
}

/// What DescribeKey will say; nothing where a part that decides is not known.
fn metadata(at: &At<'_, '_>, resource: &Resource<'_>, arn: &KeyArn) -> Option<KeyMetadata> {
    let is_replica = resource.of_type() == "AWS::KMS::ReplicaKey";
    let multi_region = match (is_replica, at.truth(resource, "MultiRegion")) {
        (true, _) => Some(MultiRegion {
            role: MultiRegionRole::Replica,
            primary: at.text(resource, "PrimaryKeyArn").map(|arn| text::shape(&arn).into()),
            replicas: BTreeSet::new(),
        }),
        (false, Some(None)) => return None,
        (false, Some(Some(true))) => Some(MultiRegion {
            role: MultiRegionRole::Primary,
            primary: Some(arn.as_str().into()),
            replicas: BTreeSet::new(),
        }),
        (false, _) => None,
    };
    let state = match at.truth(resource, "Enabled") {
        None | Some(Some(true)) => "Enabled",
        Some(Some(false)) => "Disabled",
        Some(None) => return None,
    };
    // What a replica is, its primary says.
    let nature = match is_replica {
        false => Some(nature(at, resource)?),
        true => primary(at, resource).and_then(|(at, key)| nature(&at, &key)),
    };
    let [spec, usage, origin] = nature.map_or([const { None }; 3], |nature| nature.map(Some));
    Some(KeyMetadata {
        manager: KeyManager::Customer,
        spec,
        usage,
        origin,
        state: Some(state.into()),
        multi_region,
        description: at.text(resource, "Description").map(|text| text::shown(&text).into()),
    })
}

/// The spec and the usage of a key, and where its material is from; nothing where one is not known.
fn nature(at: &At<'_, '_>, key: &Resource<'_>) -> Option<[Box<str>; 3]> {
    let word = |name: &str, default: &str| -> Option<Box<str>> {
        match at.text(key, name) {
            None => Some(default.into()),
            Some(text) => text::is_known(&text).then(|| text.into()),
        }
    };
    let (spec, usage) =
        (word("KeySpec", "SYMMETRIC_DEFAULT")?, word("KeyUsage", "ENCRYPT_DECRYPT")?);
    Some([spec, usage, word("Origin", "AWS_KMS")?])
}

/// The primary of a replica, where a template of this run declares it.
fn primary<'w, 't>(at: &At<'w, 't>, replica: &Resource<'_>) -> Option<(At<'w, 't>, Resource<'w>)> {
    let id = at.key_id(replica);
    (0..at.world.stacks.len()).find_map(|number| {
        let at = at.over(number);
        let mut resources = at.stack.resources().iter();
        resources.find_map(|member| {
            let key = at.resource(member).filter(|it| it.of_type() == "AWS::KMS::Key")?;
            (at.key_id(&key) == id).then_some((at, key))
        })
    })
}

/// The tags of a resource; nothing where one of them is not known.
pub(super) fn tags(at: &At<'_, '_>, resource: &Resource<'_>) -> Option<Tags> {
    let Some(node) = at.property(resource, "Tags") else { return Some(Tags::new()) };
    let known = |node: Option<&Node<'static>>| -> Option<Box<str>> {
        let text = text_of(node?)?;
        text::is_known(&text).then(|| text.into())
    };
    match &node.kind {
        Kind::Array(items) => items
            .iter()
            .map(|tag| Some((known(tag.get("Key"))?, known(tag.get("Value"))?)))
            .collect(),
        _ => None,
    }
}

/// The aliases of all stacks, and of which keys they are all that there are.
pub(super) fn aliases(all: &[(At<'_, '_>, Resource<'_>)]) -> Vec<Fact> {
    let (mut facts, mut open, mut is_open) = (Vec::new(), BTreeSet::new(), false);
    let keys = all.iter().filter(|(_, resource)| is_key(resource));
    let keys = keys.filter_map(|(at, resource)| {
        let arn = KeyArn::parse(&text::shape(&at.key_arn(resource)))?;
        Some((at, resource, arn))
    });
    let keys: Vec<_> = keys.collect();
    let own: BTreeSet<Box<str>> = keys.iter().map(|(.., arn)| arn.as_str().into()).collect();
    let own = Arc::new(own);
    for (at, resource) in all.iter().filter(|(_, it)| it.of_type() == "AWS::KMS::Alias") {
        let key = target(at, resource);
        let name = at.text(resource, "AliasName").filter(|name| text::is_known(name));
        let region = text::shape(&at.region());
        let account = at.stack.deployment.account;
        let arn = name.and_then(|name| AliasArn::new(at.partition(), &region, account, &name));
        if !key.as_ref().is_some_and(|key| own.contains(key.as_str())) {
            facts.extend(elsewhere(at, resource, arn.clone(), &own));
        }
        let known = arn.zip(key.clone()).filter(|_| resource.doubt.is_none());
        let Some((arn, key)) = known else {
            at.unresolved(resource.span, format!("the alias {}", resource.name));
            match key {
                Some(key) => drop(open.insert(key)),
                None => is_open = true,
            }
            continue;
        };
        if !keys.iter().any(|(_, _, declared)| *declared == key) {
            // It was there before this stack, and may be what another one makes.
            let others = keys.iter().filter(|(other, ..)| other.number != at.number);
            open.extend(others.map(|(_, _, declared)| declared.clone()));
        }
        let place = at.stack.template.place(resource.span);
        facts.push(Fact::Alias(Alias { arn, target: Some(key.id().into()), place }));
    }
    for (at, resource, arn) in keys.into_iter().filter(|_| !is_open) {
        if open.contains(&arn) {
            continue;
        }
        let place = at.stack.template.place(resource.span);
        let part = KeyPart::Aliases(Page { items: (), place, more: false });
        facts.push(Fact::Key(KeyFact { arn, place, part }));
    }
    facts
}

/// An alias of a key that other code or an export may have; `arn` is nothing where its name is not known,
/// `own` are the keys of the templates.
fn elsewhere(
    at: &At<'_, '_>,
    alias: &Resource<'_>,
    arn: Option<AliasArn>,
    own: &Arc<BTreeSet<Box<str>>>,
) -> Option<Fact> {
    let id = pattern(&at.text(alias, "TargetKeyId")?);
    let (account, region) = (at.stack.deployment.account, text::shape(&at.region()).into());
    let named = Named::Key { account, region, id, by_alias: None, alone: None };
    let to = vec![Target { named, doubt: alias.doubt.clone(), told: None, whom: None }];
    let place = at.stack.template.place(alias.span);
    let gift = Gift::Alias(arn.map(|arn| Alias { arn, target: None, place }));
    Some(Fact::Given(Box::new(Given { to, gift, place, own: Arc::clone(own) })))
}

/// The key that an alias points to, where that is known.
fn target(at: &At<'_, '_>, alias: &Resource<'_>) -> Option<KeyArn> {
    let target = at.text(alias, "TargetKeyId")?;
    let parts = text::parts(&target);
    if parts.iter().any(|part| matches!(part, text::Part::Hole(..))) {
        return None;
    }
    let target = text::shape(&target);
    let region = text::shape(&at.region());
    let own = || KeyArn::new(at.partition(), &region, at.stack.deployment.account, &target);
    KeyArn::parse(&target).or_else(own)
}
