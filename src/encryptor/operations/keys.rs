//! Keys: making, describing, listing, enabling, deleting.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::aws::{AccountId, ControlAction, KeyArn, KeySpec, KeyUsage, KmsAction};
use crate::decision::Target;
use crate::encryptor::body::Body;
use crate::encryptor::due::replicas_of;
use crate::encryptor::secret::{random, uuid};
use crate::encryptor::state::KeyRecord;
use crate::encryptor::work::{Found, Work, kind, origin};
use crate::encryptor::{KmsError, Touched};
use crate::inventory::{Edit, Key, KeyManager, KeyMetadata, MultiRegion, MultiRegionRole};
use crate::policy::{PolicyDocument, PolicyKind};

use super::asymmetric::algorithms;
use super::page::Page;
use super::said::Said;
use super::{nowhere, policies, tags};

type Answer = Result<Value, KmsError>;

const DAY: i64 = 86_400;
const WAITS_FOR_REPLICAS: &str = "PendingReplicaDeletion";

pub(super) fn describe_key(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, tokens) = (body.key_id("KeyId")?, body.grant_tokens()?);
    let Found { key, target } = work.find(id)?;
    work.authorize(KmsAction::DESCRIBE_KEY, target, Said::default().0, &tokens)?;
    let record = work.state().record(&key.arn);
    Ok(json!({ "KeyMetadata": described(work, key, &record)? }))
}

/// A key as DescribeKey tells it.
pub(super) fn described(work: &Work<'_>, key: &Key, record: &KeyRecord) -> Answer {
    let (arn, (spec, usage)) = (&key.arn, kind(key));
    let metadata = key.metadata.as_ref();
    let text = |get: fn(&KeyMetadata) -> Option<&str>| metadata.and_then(get);
    let state = text(|it| it.state.as_deref()).unwrap_or("Enabled");
    let manager = if key.is_aws_managed() { "AWS" } else { "CUSTOMER" };
    let related = metadata.and_then(|it| it.multi_region.as_ref());
    let mut all = json!({ "AWSAccountId": arn.account().as_str(), "KeyId": arn.id(),
        "Arn": arn.as_str(), "CreationDate": record.created, "Enabled": state == "Enabled",
        "Description": text(|it| it.description.as_deref()).unwrap_or_default(),
        "KeyUsage": usage.as_str(), "KeyState": state, "KeyManager": manager,
        "Origin": origin(key),
        "KeySpec": spec.as_str(), "CustomerMasterKeySpec": spec.as_str(),
        "MultiRegion": related.is_some() });
    let mut more = Map::new();
    let (name, list) = algorithms(spec, usage);
    more.insert(name.to_owned(), list.to_vec().into());
    more.extend(record.deletion.map(|date| ("DeletionDate".to_owned(), date.into())));
    let waits = record.window.filter(|_| state == WAITS_FOR_REPLICAS);
    more.extend(waits.map(|days| ("PendingDeletionWindowInDays".to_owned(), days.into())));
    more.extend(imported(record).map(|(name, value)| (name.to_owned(), value)));
    let has_material = match origin(key) {
        "EXTERNAL" => state != "PendingImport" && !record.awaits_import,
        origin => origin == "AWS_KMS",
    };
    if spec == KeySpec::SymmetricDefault && has_material {
        let id = work.material_id(key, record.version())?;
        more.insert("CurrentKeyMaterialId".to_owned(), id.into());
    }
    more.extend(
        related.map(|related| ("MultiRegionConfiguration".to_owned(), family(arn, related))),
    );
    if let Some(all) = all.as_object_mut() {
        all.append(&mut more);
    }
    Ok(all)
}

/// What DescribeKey says of imported material while it is there.
fn imported(record: &KeyRecord) -> impl Iterator<Item = (&'static str, Value)> {
    let current = record.imported(record.version()).filter(|_| !record.awaits_import);
    let model = current.map(|_| expiration(record.valid_to));
    let valid_to = current.and(record.valid_to).map(Value::from);
    let members = [("ExpirationModel", model.map(Value::from)), ("ValidTo", valid_to)];
    members.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

/// The `ExpirationModel` of material that is valid until then.
pub(super) fn expiration(valid_to: Option<i64>) -> &'static str {
    match valid_to {
        Some(_) => "KEY_MATERIAL_EXPIRES",
        None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
}

pub(super) fn get_key_last_usage(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let Found { key, target } = work.find_key(body.key_id("KeyId")?)?;
    work.authorize(KmsAction::GET_KEY_LAST_USAGE, target, Said::default().0, &[])?;
    let (usages, created) = (work.usages(), work.state().record(&key.arn).created);
    Ok(json!({ "KeyId": key.arn.as_str(), "KeyCreationDate": created,
        "TrackingStartDate": usages.since.max(created), "KeyLastUsage": usages.last(&key.arn) }))
}

fn family(arn: &KeyArn, related: &MultiRegion) -> Value {
    let member = |text: &str| {
        let region = KeyArn::parse(text).map(|arn| arn.region().to_owned());
        json!({ "Arn": text, "Region": region.unwrap_or_default() })
    };
    let replicas: Vec<Value> = related.replicas.iter().map(|arn| member(arn)).collect();
    let primary = member(related.primary.as_deref().unwrap_or(arn.as_str()));
    json!({ "MultiRegionKeyType": related.role.name(), "PrimaryKey": primary,
        "ReplicaKeys": replicas })
}

pub(super) fn list_keys(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (account, region) = (work.account()?, work.region());
    let asked = Page::asked(body, (100, 1000))?;
    let owners = body.words("ResourceOwners", &["SELF", "OTHER_ACCOUNTS_VIA_RAM"])?;
    work.authorize(KmsAction::LIST_KEYS, Target::Account, Said::default().0, &[])?;
    if owners.contains(&"OTHER_ACCOUNTS_VIA_RAM") {
        return Err(KmsError::unsupported("keyreach does not list keys that others share."));
    }
    let keys = work.world().keys.keys();
    let here = keys.filter(|arn| arn.account() == account && arn.region() == region);
    let shown =
        here.map(|arn| (arn.to_string(), json!({ "KeyId": arn.id(), "KeyArn": arn.as_str() })));
    asked.of("Keys", shown)
}

pub(super) fn create_key(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let wanted = Wanted::of(body)?;
    let (given, tags) = (policies::document(body)?, tags::tags(body)?);
    let bypass = body.flag("BypassPolicyLockoutSafetyCheck")?;
    let description = body.description()?;
    let (account, region) = (work.account()?, work.region());
    let mut said = Said::default()
        .one("kms:KeySpec", wanted.spec.as_str())
        .one("kms:KeyUsage", wanted.usage.as_str())
        .one("kms:KeyOrigin", wanted.origin)
        .one("kms:MultiRegion", if wanted.multi_region { "true" } else { "false" })
        .some("kms:MultiRegionKeyType", wanted.multi_region.then_some("PRIMARY"))
        .some("kms:BypassPolicyLockoutSafetyCheck", bypass.then_some("true"));
    said = said.tags(&tags);
    work.authorize(KmsAction::CREATE_KEY, Target::Account, said.0.clone(), &[])?;
    if !tags.is_empty() {
        let target = Target::NewKey { region: region.into(), account };
        work.authorize(KmsAction::TAG_RESOURCE, target, said.0, &[])?;
    }
    if wanted.multi_region {
        // Rule L10: also where the role is there already.
        let role = format!("arn:{}:iam::{account}:role/{MULTI_REGION_ROLE}", work.partition());
        let said = Said::default().one("iam:AWSServiceName", MULTI_REGION_SERVICE).0;
        work.authorize_control(ControlAction::IAM_CREATE_SERVICE_LINKED_ROLE, &role, said)?;
    }
    let id = match wanted.multi_region {
        true => {
            let hex: String = random(16)?.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("mrk-{hex}")
        }
        false => uuid()?,
    };
    let arn = KeyArn::new(work.partition(), region, account, &id);
    let arn = arn.ok_or_else(|| KmsError::validation(format!("Invalid Region {region}")))?;
    let is_given = given.is_some();
    let policy = given.unwrap_or_else(|| default_policy(work.partition(), account));
    let related = wanted.multi_region.then(|| MultiRegion {
        role: MultiRegionRole::Primary,
        primary: Some(arn.as_str().into()),
        replicas: BTreeSet::new(),
    });
    let metadata = KeyMetadata {
        manager: KeyManager::Customer,
        spec: Some(wanted.spec.as_str().into()),
        usage: Some(wanted.usage.as_str().into()),
        origin: Some(wanted.origin.into()),
        state: Some(if wanted.is_external() { "PendingImport" } else { "Enabled" }.into()),
        multi_region: related,
        description: Some(description.unwrap_or_default().into()),
    };
    let key = Key {
        metadata: Some(metadata),
        policy: Some(policy),
        grants_listed: true,
        aliases_listed: true,
        tags: Some(tags),
        rotation: Some(false),
        ..Key::new(arn.clone(), nowhere())
    };
    // Rule K9: the policy that the service gives by itself is exempt.
    if let Some(policy) = key.policy.as_ref().filter(|_| is_given) {
        policies::acceptable(work, &key, policy, bypass)?;
    }
    wanted.can_be_made()?;
    let (created, awaits_import) = (work.now(), wanted.is_external());
    let record = KeyRecord { created, awaits_import, ..KeyRecord::default() };
    let answer = json!({ "KeyMetadata": described(work, &key, &record)? });
    let edit = Edit::PutKey { key: Box::new(key) };
    work.change(&[Touched::Key(arn.clone())], |state| {
        state.apply(&edit);
        state.set_record(&arn, record);
    });
    Ok(answer)
}

/// The service that keeps multi-Region keys alike.
const MULTI_REGION_SERVICE: &str = "mrk.kms.amazonaws.com";

/// Its role, with the path.
const MULTI_REGION_ROLE: &str =
    "aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys";

/// What kind of key a body asks for.
struct Wanted {
    spec: KeySpec,
    usage: KeyUsage,
    origin: &'static str,
    multi_region: bool,
    in_key_store: bool,
}

const ORIGINS: &[&str] = &["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];

impl Wanted {
    fn of(body: &Body<'_>) -> Result<Self, KmsError> {
        let name = match (body.text("KeySpec")?, body.text("CustomerMasterKeySpec")?) {
            (Some(_), Some(_)) => {
                let text = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. \
                            CustomerMasterKeySpec is deprecated.";
                return Err(KmsError::validation(text));
            }
            (new, old) => new.or(old).unwrap_or("SYMMETRIC_DEFAULT"),
        };
        let must = |field: &str, value: &str, words: Vec<&str>| {
            let must = format!("Member must satisfy enum value set: [{}]", words.join(", "));
            KmsError::constraint(Some(value), field, &must)
        };
        let specs = || KeySpec::ALL.iter().map(|spec| spec.as_str()).collect();
        let usages = || KeyUsage::ALL.iter().map(|usage| usage.as_str()).collect();
        let spec = KeySpec::parse(name).ok_or_else(|| must("keySpec", name, specs()))?;
        let usage = match body.text("KeyUsage")? {
            Some(name) => KeyUsage::parse(name).ok_or_else(|| must("keyUsage", name, usages()))?,
            None if spec == KeySpec::SymmetricDefault => KeyUsage::EncryptDecrypt,
            None => {
                let text = "You must specify a KeyUsage value for all KMS keys except for \
                            symmetric encryption keys.";
                return Err(KmsError::validation(text));
            }
        };
        if !spec.info().usages.contains(&usage) {
            let text = format!("KeyUsage {usage} is not compatible with KeySpec {spec}");
            return Err(KmsError::validation(text));
        }
        let origin = body.word("Origin", ORIGINS)?;
        let multi_region = body.flag("MultiRegion")?;
        let in_key_store = ["CustomKeyStoreId", "XksKeyId"].iter().any(|it| body.get(it).is_some());
        Ok(Self { spec, usage, origin, multi_region, in_key_store })
    }

    fn is_external(&self) -> bool {
        self.origin == "EXTERNAL"
    }

    fn can_be_made(&self) -> Result<(), KmsError> {
        let unsupported = |text: String| Err(KmsError::unsupported(text));
        match (self.origin, self.usage) {
            _ if self.in_key_store => unsupported("keyreach has no custom key stores.".to_owned()),
            _ if self.spec == KeySpec::Sm2 => unsupported("keyreach makes no SM2 keys.".to_owned()),
            ("EXTERNAL", KeyUsage::EncapsulateDecapsulate) => {
                unsupported(format!("keyreach imports no material of spec {}.", self.spec))
            }
            ("AWS_KMS" | "EXTERNAL", _) => Ok(()),
            (origin, _) => unsupported(format!("keyreach makes no keys of origin {origin}.")),
        }
    }
}

/// The policy of a key that is made without one: the account's IAM decides (rule K2).
pub(super) fn default_policy(partition: &str, account: AccountId) -> PolicyDocument {
    let statement = json!({ "Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": { "AWS": format!("arn:{partition}:iam::{account}:root") },
        "Action": "kms:*", "Resource": "*" });
    let policy =
        json!({ "Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement] });
    PolicyDocument::json(nowhere(), PolicyKind::Key, policy.to_string())
}

pub(super) fn update_key_description(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let text = body.description()?.ok_or_else(|| KmsError::missing("description"))?;
    let key = asked(work, id, KmsAction::UPDATE_KEY_DESCRIPTION, Said::default())?;
    put(work, key, |metadata| metadata.description = Some(text.into()), |_| ());
    Ok(json!({}))
}

pub(super) fn enable_key(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = asked(work, body.key_id("KeyId")?, KmsAction::ENABLE_KEY, Said::default())?;
    let enabled = |metadata: &mut KeyMetadata| metadata.state = Some("Enabled".into());
    put(work, key, enabled, |record| record.catch_up(work.now()));
    Ok(json!({}))
}

pub(super) fn disable_key(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let key = asked(work, body.key_id("KeyId")?, KmsAction::DISABLE_KEY, Said::default())?;
    put(work, key, |metadata| metadata.state = Some("Disabled".into()), |_| ());
    Ok(json!({}))
}

pub(super) fn schedule_key_deletion(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, days) = (body.key_id("KeyId")?, body.number("PendingWindowInDays", 7, 30)?);
    let days = days.unwrap_or(30);
    let said = Said::default().one("kms:ScheduleKeyDeletionPendingWindowInDays", &days.to_string());
    let key = asked(work, id, KmsAction::SCHEDULE_KEY_DELETION, said)?;
    let (state, date) = match replicas_of(key) {
        0 => ("PendingDeletion", Some(work.now() + days * DAY)),
        // The window begins once the last of them is deleted.
        _ => (WAITS_FOR_REPLICAS, None),
    };
    let was = key.metadata.as_ref().and_then(|metadata| metadata.state.as_deref());
    put(
        work,
        key,
        |metadata| metadata.state = Some(state.into()),
        |record| {
            (record.deletion, record.window) = (date, Some(days));
            record.awaits_import |= was == Some("PendingImport");
        },
    );
    let mut answer = json!({ "KeyId": key.arn.as_str(), "KeyState": state,
        "PendingWindowInDays": days });
    if let Some(members) = answer.as_object_mut() {
        members.extend(date.map(|date| ("DeletionDate".into(), date.into())));
    }
    Ok(answer)
}

pub(super) fn cancel_key_deletion(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let key = asked(work, id, KmsAction::CANCEL_KEY_DELETION, Said::default())?;
    let has_material = !work.state().record(&key.arn).awaits_import;
    let state = if has_material { "Disabled" } else { "PendingImport" };
    put(
        work,
        key,
        |metadata| metadata.state = Some(state.into()),
        |record| {
            (record.deletion, record.window) = (None, None);
        },
    );
    Ok(json!({ "KeyId": key.arn.as_str() }))
}

fn asked<'w>(
    work: &'w Work<'_>,
    id: &str,
    action: KmsAction,
    said: Said,
) -> Result<&'w Key, KmsError> {
    let Found { key, target } = work.find_key(id)?;
    work.authorize(action, target, said.0, &[])?;
    work.can(key, action, action.name())?;
    Ok(key)
}

/// Changes what DescribeKey says of a key.
fn put(
    work: &Work<'_>,
    key: &Key,
    metadata: impl FnOnce(&mut KeyMetadata),
    record: impl FnOnce(&mut KeyRecord),
) {
    let mut after = key.clone();
    let (spec, usage) = kind(key);
    metadata(after.metadata.get_or_insert_with(|| KeyMetadata {
        manager: if key.is_aws_managed() { KeyManager::Aws } else { KeyManager::Customer },
        spec: Some(spec.as_str().into()),
        usage: Some(usage.as_str().into()),
        origin: Some("AWS_KMS".into()),
        state: Some("Enabled".into()),
        multi_region: None,
        description: None,
    }));
    let edit = Edit::PutKey { key: Box::new(after) };
    work.change(&[Touched::Key(key.arn.clone())], |state| {
        state.apply(&edit);
        let mut known = state.record(&key.arn);
        record(&mut known);
        state.set_record(&key.arn, known);
    });
}
