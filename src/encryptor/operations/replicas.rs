//! Multi-Region keys.

use serde_json::{Value, json};

use crate::aws::{KeyArn, KmsAction};
use crate::decision::Target;
use crate::encryptor::body::Body;
use crate::encryptor::state::KeyRecord;
use crate::encryptor::work::{Found, Work, origin};
use crate::encryptor::{KmsError, Touched};
use crate::graph::Call;
use crate::inventory::{Edit, Key, MultiRegion, MultiRegionRole};

use super::keys::{default_policy, described};
use super::said::Said;
use super::{policies, tags};

type Answer = Result<Value, KmsError>;

pub(super) fn replicate_key(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, region) = (body.key_id("KeyId")?, body.needed("ReplicaRegion", 32)?);
    let bypass = body.flag("BypassPolicyLockoutSafetyCheck")?;
    let (given, tags) = (policies::document(body)?, tags::tags(body)?);
    let description = body.description()?;
    let Found { key, .. } = work.find_key(id)?;
    let is_given = given.is_some();
    let default = || default_policy(key.arn.partition(), key.arn.account());
    let policy = given.unwrap_or_else(default);
    let replicate =
        Call::ReplicateKey { key: key.arn.clone(), region: region.into(), policy: policy.clone() };
    work.authorize_call(&replicate)?;
    if !tags.is_empty() {
        let target = Target::NewKey { region: region.into(), account: key.arn.account() };
        let said = Said::default().one("aws:RequestedRegion", region).tags(&tags);
        work.authorize(KmsAction::TAG_RESOURCE, target, said.0, &[])?;
    }
    work.can(key, KmsAction::REPLICATE_KEY, "ReplicateKey")?;
    let Some(primary) = related(key).filter(|it| it.role == MultiRegionRole::Primary) else {
        let text = format!("{} is not a multi-region primary key.", key.arn);
        return Err(KmsError::unsupported(text));
    };
    let arn = sibling(key, region)?;
    if work.world().key(&arn).is_some() || primary.replicas.contains(arn.as_str()) {
        return Err(KmsError::new("AlreadyExistsException", format!("{arn} already exists")));
    }
    let edit =
        Edit::ReplicateKey { key: key.arn.clone(), region: region.into(), policy: policy.clone() };
    let made = work.world().apply(&edit);
    let replica = made.key(&arn).ok_or_else(|| KmsError::internal("no replica was made"))?;
    // Rule K9: the policy that the service gives by itself is exempt.
    if is_given {
        policies::acceptable(work, replica, &policy, bypass)?;
    }
    let mut replica = replica.clone();
    replica.tags = Some(tags);
    // Related keys do not share it.
    if let Some(metadata) = &mut replica.metadata {
        metadata.description = Some(description.unwrap_or_default().into());
    }
    let of_primary = work.state().record(&key.arn);
    let mut record = KeyRecord {
        created: work.now(),
        rotations: of_primary.rotations.clone(),
        rotation_period: of_primary.rotation_period,
        rotates_from: of_primary.rotates_from,
        ..KeyRecord::default()
    };
    if let Some(metadata) = replica.metadata.as_mut().filter(|_| origin(key) == "EXTERNAL") {
        metadata.state = Some("PendingImport".into());
        (record.imported, record.awaits_import) = (of_primary.named(), true);
    }
    let metadata = described(work, &replica, &record)?;
    let put = Edit::PutKey { key: Box::new(replica.clone()) };
    let family = work.state().related(&key.arn).into_iter().chain([key.arn.clone(), arn.clone()]);
    let touched: Vec<Touched> = family.map(Touched::Key).collect();
    work.change(&touched, |state| {
        state.apply(&edit);
        state.apply(&put);
        state.set_record(&arn, record.clone());
    });
    let tags = replica.tags.iter().flat_map(|tags| tags.iter());
    let tags: Vec<Value> =
        tags.map(|(tag, value)| json!({ "TagKey": &**tag, "TagValue": &**value })).collect();
    Ok(json!({ "ReplicaKeyMetadata": metadata,
        "ReplicaPolicy": policy.text(), "ReplicaTags": tags }))
}

pub(super) fn update_primary_region(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, region) = (body.key_id("KeyId")?, body.needed("PrimaryRegion", 32)?);
    let Found { key, target } = work.find_key(id)?;
    let replica = sibling(key, region)?;
    let said = || Said::default().one("kms:PrimaryRegion", region).0;
    let action = KmsAction::UPDATE_PRIMARY_REGION;
    work.authorize(action, target, said(), &[])?;
    let other = work.world().key(&replica);
    if other.is_some() {
        work.authorize(action, Target::Key(replica.clone()), said(), &[])?;
    }
    work.can(key, action, "UpdatePrimaryRegion")?;
    let primary = related(key).filter(|it| it.role == MultiRegionRole::Primary);
    let is_related = other.is_none_or(|other| related(other).is_some());
    let Some(primary) = primary.filter(|_| is_related) else {
        let text = format!("{} is not a multi-region primary key.", key.arn);
        return Err(KmsError::unsupported(text));
    };
    if other.is_none() {
        return Err(KmsError::not_found(format!("Key '{replica}' does not exist")));
    }
    let family = work
        .world()
        .keys
        .values()
        .filter(|one| one.arn.id() == key.arn.id() && one.arn.account() == key.arn.account());
    let family: Vec<Key> = family.map(|one| Key::clone(one)).collect();
    // One that nobody exported is known by the primary key alone.
    let mut replicas = primary.replicas.clone();
    replicas.extend(family.iter().map(|one| one.arn.as_str().into()));
    replicas.remove(replica.as_str());
    for mut one in family {
        if one.arn == replica {
            one.rotation = key.rotation;
        }
        let role =
            if one.arn == replica { MultiRegionRole::Primary } else { MultiRegionRole::Replica };
        if let Some(metadata) = &mut one.metadata {
            let (primary, replicas) = (Some(replica.as_str().into()), replicas.clone());
            metadata.multi_region = Some(MultiRegion { role, primary, replicas });
        }
        let touched = Touched::Key(one.arn.clone());
        work.edit(&Edit::PutKey { key: Box::new(one) }, touched);
    }
    Ok(json!({}))
}

fn related(key: &Key) -> Option<&MultiRegion> {
    key.metadata.as_ref()?.multi_region.as_ref()
}

fn sibling(key: &Key, region: &str) -> Result<KeyArn, KmsError> {
    let arn = KeyArn::new(key.arn.partition(), region, key.arn.account(), key.arn.id());
    arn.ok_or_else(|| KmsError::validation(format!("Invalid Region {region}")))
}
