//! Rotation: a rotated key encrypts with another version of its material, and opens all it ever sealed.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::aws::{KeySpec, KmsAction};
use crate::encryptor::body::Body;
use crate::encryptor::due::{PERIOD, is_replica};
use crate::encryptor::state::{KeyRecord, Rotation};
use crate::encryptor::work::{Found, Work, kind, origin, state_of, wrong_origin};
use crate::encryptor::{KmsError, Touched};
use crate::inventory::{Edit, Key};

use super::keys::expiration;
use super::page::Page;
use super::said::Said;

type Answer = Result<Value, KmsError>;

/// The most rotations that are asked for.
const ON_DEMAND: usize = 25;

pub(super) fn get_key_rotation_status(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = rotating(work, body, KmsAction::GET_KEY_ROTATION_STATUS, Said::default())?;
    let enabled = key.rotation.unwrap_or_default();
    let mut answer = json!({ "KeyId": key.arn.as_str(), "KeyRotationEnabled": enabled });
    let record = work.state().record(&key.arn);
    if let Some(members) = answer.as_object_mut().filter(|_| enabled) {
        members
            .insert("RotationPeriodInDays".into(), record.rotation_period.unwrap_or(PERIOD).into());
        members.extend(record.next_rotation().map(|date| ("NextRotationDate".into(), date.into())));
    }
    Ok(answer)
}

pub(super) fn list_key_rotations(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let which = body.word("IncludeKeyMaterial", &["ROTATIONS_ONLY", "ALL_KEY_MATERIAL"])?;
    let asked = Page::asked(body, (100, 1000))?;
    let key = rotating(work, body, KmsAction::LIST_KEY_ROTATIONS, Said::default())?;
    let record = work.state().record(&key.arn);
    let known = (record.rotations.len() + 1).max(record.imported.len());
    let shown = if which == "ROTATIONS_ONLY" { 1..record.rotations.len() + 1 } else { 0..known };
    let shown =
        shown.map(|number| Ok((format!("{number:06}"), version(work, key, &record, number)?)));
    let shown: Result<Vec<(String, Value)>, KmsError> = shown.collect();
    asked.of("Rotations", shown?.into_iter())
}

/// What is told of the material of one version, counted from 0, and of the rotation that made it the current
/// one: the first came by none.
fn version(work: &Work<'_>, key: &Key, record: &KeyRecord, number: usize) -> Answer {
    let current = record.rotations.len();
    let arn = &key.arn;
    let mut item = json!({ "KeyId": arn.as_str(), "KeyMaterialState": match number.cmp(&current) {
        Ordering::Less => "NON_CURRENT",
        Ordering::Equal => "CURRENT",
        Ordering::Greater if arn.is_multi_region() && !work.state().can_rotate_to_imported(arn) => {
            "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
        }
        Ordering::Greater => "PENDING_ROTATION",
    } });
    let Some(members) = item.as_object_mut() else {
        return Ok(item);
    };
    if let Some(rotation) = number.checked_sub(1).and_then(|at| record.rotations.get(at)) {
        let kind = if rotation.on_demand { "ON_DEMAND" } else { "AUTOMATIC" };
        members.insert("RotationDate".into(), rotation.date.into());
        members.insert("RotationType".into(), kind.into());
    }
    let first = u32::from(!record.imported.is_empty()) + 1;
    let id = work.material_id(key, first + number as u32)?;
    members.insert("KeyMaterialId".into(), id.into());
    if let Some(one) = record.imported.get(number) {
        let is_there = if one.sealed.is_some() { "IMPORTED" } else { "PENDING_IMPORT" };
        members.insert("KeyMaterialDescription".into(), one.description.as_str().into());
        members.insert("ImportState".into(), is_there.into());
        members.insert("ExpirationModel".into(), expiration(one.valid_to).into());
        members.extend(one.valid_to.map(|date| ("ValidTo".into(), date.into())));
    }
    Ok(item)
}

pub(super) fn enable_key_rotation(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let period = body.number("RotationPeriodInDays", 90, 2560)?;
    // Rule C51: its default is told.
    let days = period.unwrap_or(PERIOD).to_string();
    let said = Said::default().one("kms:RotationPeriodInDays", &days);
    let key = rotating(work, body, KmsAction::ENABLE_KEY_ROTATION, said)?;
    let was_on = key.rotation == Some(true);
    set(work, key, true, |record| {
        let before = record.rotation_period;
        record.rotation_period = period.or(before);
        let goes_on = was_on && record.rotation_period == before;
        // Of an exported key nobody knows since when its rotation is on.
        record.rotates_from = record.rotates_from.filter(|_| goes_on).or(Some(work.now()));
    });
    Ok(json!({}))
}

pub(super) fn disable_key_rotation(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = rotating(work, body, KmsAction::DISABLE_KEY_ROTATION, Said::default())?;
    set(work, key, false, |record| record.rotates_from = None);
    Ok(json!({}))
}

pub(super) fn rotate_key_on_demand(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = rotating(work, body, KmsAction::ROTATE_KEY_ON_DEMAND, Said::default())?;
    let mut record = work.state().record(&key.arn);
    if record.rotations.iter().filter(|rotation| rotation.on_demand).count() >= ON_DEMAND {
        return Err(KmsError::limit(format!(
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand \
             rotations can be performed for this key: {}",
            key.arn
        )));
    }
    if origin(key) == "EXTERNAL" && !record.has_waiting() {
        let text = format!("No available key material pending rotation for the key: {}.", key.arn);
        return Err(KmsError::new("KMSInvalidStateException", text));
    }
    if origin(key) == "EXTERNAL" && !work.state().can_rotate_to_imported(&key.arn) {
        return Err(state_of(key, "has key material that is not imported into every Region yet."));
    }
    record.rotations.push(Rotation { date: work.now(), on_demand: true });
    let touched = family(work, key);
    work.change(&touched, |state| {
        state.share_rotation(&key.arn, &record);
        state.set_record(&key.arn, record);
    });
    Ok(json!({ "KeyId": key.arn.as_str() }))
}

/// A key and those that rotate with it.
fn family(work: &Work<'_>, key: &Key) -> Vec<Touched> {
    let related = work.state().related(&key.arn).into_iter();
    related.chain([key.arn.clone()]).map(Touched::Key).collect()
}

fn set(work: &Work<'_>, key: &Key, enabled: bool, change: impl FnOnce(&mut KeyRecord)) {
    let related = work.state().related(&key.arn);
    let keys = related.iter().filter_map(|arn| work.world().key(arn)).chain([key]);
    let edits: Vec<Edit> = keys
        .map(|one| Edit::PutKey { key: Box::new(Key { rotation: Some(enabled), ..one.clone() }) })
        .collect();
    work.change(&family(work, key), |state| {
        edits.iter().for_each(|edit| state.apply(edit));
        let mut record = state.record(&key.arn);
        change(&mut record);
        state.share_rotation(&key.arn, &record);
        state.set_record(&key.arn, record);
    });
}

/// A key that can be rotated, once the action is allowed.
fn rotating<'w>(
    work: &'w Work<'_>,
    body: &Body<'_>,
    action: KmsAction,
    said: Said,
) -> Result<&'w Key, KmsError> {
    let Found { key, target } = work.find_key(body.key_id("KeyId")?)?;
    work.authorize(action, target, said.0, &[])?;
    if kind(key).0 != KeySpec::SymmetricDefault {
        return Err(KmsError::unsupported(format!("{} cannot be rotated.", key.arn)));
    }
    let of_imported = [KmsAction::ROTATE_KEY_ON_DEMAND, KmsAction::LIST_KEY_ROTATIONS];
    match origin(key) {
        "AWS_KMS" => {}
        "EXTERNAL" if of_imported.contains(&action) => {}
        _ => return Err(wrong_origin(key)),
    }
    work.can(key, action, action.name())?;
    let of_primary = [
        KmsAction::ENABLE_KEY_ROTATION,
        KmsAction::DISABLE_KEY_ROTATION,
        KmsAction::ROTATE_KEY_ON_DEMAND,
    ];
    if of_primary.contains(&action) && is_replica(key) {
        let text = format!("{} is a replica key, which rotates with its primary key.", key.arn);
        return Err(KmsError::unsupported(text));
    }
    Ok(key)
}
