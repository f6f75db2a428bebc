//! Rotation: a rotated key encrypts with another version of its material, and opens all it ever sealed.

use serde_json::{Value, json};

use crate::aws::{KeySpec, KmsAction};
use crate::encryptor::body::Body;
use crate::encryptor::state::Rotation;
use crate::encryptor::work::{Found, Work, kind};
use crate::encryptor::{KmsError, Touched};
use crate::inventory::{Edit, Key};

use super::page::page;
use super::said::Said;

type Answer = Result<Value, KmsError>;

/// The most rotations that are asked for.
const ON_DEMAND: usize = 25;
const DAY: i64 = 86_400;
const PERIOD: i64 = 365;

pub(super) fn get_key_rotation_status(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = rotating(work, body, KmsAction::GET_KEY_ROTATION_STATUS, Said::default())?;
    let enabled = key.rotation.unwrap_or_default();
    let mut answer = json!({ "KeyId": key.arn.as_str(), "KeyRotationEnabled": enabled });
    let record = work.state().record(&key.arn);
    if let Some(members) = answer.as_object_mut().filter(|_| enabled) {
        let period = record.rotation_period.unwrap_or(PERIOD);
        let last = record.rotations.last().map_or(record.created, |rotation| rotation.date);
        members.insert("RotationPeriodInDays".into(), period.into());
        members.insert("NextRotationDate".into(), (last + period * DAY).into());
    }
    Ok(answer)
}

pub(super) fn list_key_rotations(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = rotating(work, body, KmsAction::LIST_KEY_ROTATIONS, Said::default())?;
    let rotations = work.state().record(&key.arn).rotations;
    let shown = rotations.into_iter().enumerate().map(|(number, rotation)| {
        let kind = if rotation.on_demand { "ON_DEMAND" } else { "AUTOMATIC" };
        let item = json!({ "KeyId": key.arn.as_str(), "RotationDate": rotation.date,
            "RotationType": kind });
        (format!("{number:06}"), item)
    });
    page(body, "Rotations", (100, 1000), shown)
}

pub(super) fn enable_key_rotation(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let period = body.number("RotationPeriodInDays", 90, 2560)?;
    let text = period.map(|days| days.to_string());
    let said = Said::default().some("kms:RotationPeriodInDays", text.as_deref());
    let key = rotating(work, body, KmsAction::ENABLE_KEY_ROTATION, said)?;
    set(work, key, true, period);
    Ok(json!({}))
}

pub(super) fn disable_key_rotation(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = rotating(work, body, KmsAction::DISABLE_KEY_ROTATION, Said::default())?;
    set(work, key, false, None);
    Ok(json!({}))
}

pub(super) fn rotate_key_on_demand(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = rotating(work, body, KmsAction::ROTATE_KEY_ON_DEMAND, Said::default())?;
    let mut record = work.state().record(&key.arn);
    if record.rotations.iter().filter(|rotation| rotation.on_demand).count() >= ON_DEMAND {
        return Err(KmsError::limit("The limit of on-demand rotations is reached."));
    }
    record.rotations.push(Rotation { date: work.now(), on_demand: true });
    // Related keys share the material, and so its versions.
    let related = work.world().keys.keys().filter(|arn| {
        key.arn.is_multi_region() && arn.id() == key.arn.id() && arn.account() == key.arn.account()
    });
    let mut all: Vec<_> = related.cloned().collect();
    all.retain(|arn| *arn != key.arn);
    all.push(key.arn.clone());
    for arn in all {
        work.change(&[Touched::Key(arn.clone())], |state| {
            let mut of_key = state.record(&arn);
            of_key.rotations.clone_from(&record.rotations);
            state.set_record(&arn, of_key);
        });
    }
    Ok(json!({ "KeyId": key.arn.as_str() }))
}

fn set(work: &Work<'_>, key: &Key, enabled: bool, period: Option<i64>) {
    let mut after = key.clone();
    after.rotation = Some(enabled);
    let edit = Edit::PutKey { key: Box::new(after) };
    work.change(&[Touched::Key(key.arn.clone())], |state| {
        state.apply(&edit);
        let mut record = state.record(&key.arn);
        if enabled {
            record.rotation_period = period.or(record.rotation_period);
        }
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
    let unsupported = || KmsError::unsupported(format!("{} cannot be rotated.", key.arn));
    if kind(key).0 != KeySpec::SymmetricDefault {
        return Err(unsupported());
    }
    work.can(key, action, action.name())?;
    let origin = key.metadata.as_ref().and_then(|it| it.origin.as_deref());
    match origin.unwrap_or("AWS_KMS") {
        "AWS_KMS" => Ok(key),
        origin => Err(KmsError::unsupported(format!(
            "{} origin is {origin} which is not valid for this operation.",
            key.arn
        ))),
    }
}
