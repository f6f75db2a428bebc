//! Operations that change a key: its policy, its tags, its state.

use std::collections::BTreeSet;

use aws_lc_rs::rand;
use serde_json::{Value, json};

use crate::aws::{KeyArn, KeySpec, KeyState, KeyUsage, KmsAction};
use crate::decision::{Caller, CallerKind};
use crate::eval::reference::{NewKey, Operation, Reference, lockout_check};
use crate::graph::Call as GraphCall;
use crate::inventory::{Edit, Key, KeyManager, KeyMetadata, MultiRegion, MultiRegionRole, Tags};
use crate::policy::{Gravity, PolicyDocument, PolicyKind};
use crate::serve::kms::KmsFault;
use crate::serve::who::policy;

use super::describe::described;
use super::input::{Input, invalid};
use super::{Call, Done};

const TAGS: usize = 50;
const DAYS: std::ops::RangeInclusive<i64> = 7..=30;

impl Call<'_> {
    pub(super) fn put_key_policy(&self) -> Done {
        let document = sound(self.input.needed("Policy")?)?;
        let name = self.input.text("PolicyName")?.unwrap_or("default");
        let (_, key) = self.bare_key("KeyId")?;
        let call = GraphCall::PutKeyPolicy { key: key.arn.clone(), policy: document.clone() };
        self.may_call(&call, key.arn.as_str())?;
        self.in_state(KmsAction::PUT_KEY_POLICY, &key)?;
        if name != "default" {
            return Err(KmsFault::new("NotFoundException", "No such policy exists"));
        }
        self.not_locked_out(&key, &document)?;
        self.edit(&[&key.arn], |_| Ok(call.edits(&self.caller.principal)))?;
        Ok(Value::Null)
    }

    /// Rule K9.
    fn not_locked_out(&self, key: &Key, document: &PolicyDocument) -> Result<(), KmsFault> {
        let bypass = self.input.flag("BypassPolicyLockoutSafetyCheck")?;
        let reference = Reference::new(&self.world);
        let caller = &self.caller.principal;
        if bypass || lockout_check(&reference, caller, key, document, self.context) {
            return Ok(());
        }
        Err(KmsFault::new(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        ))
    }

    pub(super) fn tag_resource(&self) -> Done {
        let tags = tags(self.input.list("Tags")?)?;
        let (_, key) = self.bare_key("KeyId")?;
        let call = GraphCall::TagKey { key: key.arn.clone(), tags: tags.clone() };
        self.may_call(&call, key.arn.as_str())?;
        self.in_state(KmsAction::TAG_RESOURCE, &key)?;
        self.edit(&[&key.arn], |world| {
            let known = world.key(&key.arn).and_then(|key| key.tags.as_ref());
            let all: BTreeSet<&str> = known
                .into_iter()
                .chain([&tags])
                .flat_map(|tags| tags.keys())
                .map(|key| &**key)
                .collect();
            match all.len() > TAGS {
                true => Err(KmsFault::new("TagException", "Too many tags")),
                false => Ok(call.edits(&self.caller.principal)),
            }
        })?;
        Ok(Value::Null)
    }

    pub(super) fn untag_resource(&self) -> Done {
        let keys = self.input.texts("TagKeys")?.into_iter().map(Into::into).collect();
        let (_, key) = self.bare_key("KeyId")?;
        let call = GraphCall::UntagKey { key: key.arn.clone(), keys };
        self.may_call(&call, key.arn.as_str())?;
        self.in_state(KmsAction::UNTAG_RESOURCE, &key)?;
        self.edit(&[&key.arn], |_| Ok(call.edits(&self.caller.principal)))?;
        Ok(Value::Null)
    }

    pub(super) fn update_key_description(&self) -> Done {
        let text = self.input.needed("Description")?;
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::UPDATE_KEY_DESCRIPTION, &target, &key, &[])?;
        self.edit_metadata(&key, |known| known.description = Some(text.into()))?;
        Ok(Value::Null)
    }

    pub(super) fn enable_key(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::ENABLE_KEY, &target, &key, &[])?;
        self.set_state(&key, KeyState::Enabled)?;
        Ok(Value::Null)
    }

    pub(super) fn disable_key(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::DISABLE_KEY, &target, &key, &[])?;
        self.set_state(&key, KeyState::Disabled)?;
        Ok(Value::Null)
    }

    pub(super) fn schedule_key_deletion(&self) -> Done {
        let days = self.input.number("PendingWindowInDays")?.unwrap_or(30);
        if !DAYS.contains(&days) {
            let bound =
                if days < 7 { "greater than or equal to 7" } else { "less than or equal to 30" };
            return Err(invalid(format!(
                "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy \
                 constraint: Member must have value {bound}"
            )));
        }
        let (target, key) = self.bare_key("KeyId")?;
        let window = [("kms:ScheduleKeyDeletionPendingWindowInDays", &*days.to_string())];
        self.may(KmsAction::SCHEDULE_KEY_DELETION, &target, &key, &window)?;
        self.set_state(&key, KeyState::PendingDeletion)?;
        Ok(json!({
            "KeyId": key.arn.as_str(),
            "DeletionDate": self.now().as_second() + days * 86_400,
            "KeyState": KeyState::PendingDeletion.as_str(),
            "PendingWindowInDays": days,
        }))
    }

    pub(super) fn cancel_key_deletion(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::CANCEL_KEY_DELETION, &target, &key, &[])?;
        // Page "CancelKeyDeletion": it is disabled afterwards.
        self.set_state(&key, KeyState::Disabled)?;
        Ok(json!({ "KeyId": key.arn.as_str() }))
    }

    pub(super) fn set_rotation(&self, on: bool) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        let action = match on {
            true => KmsAction::ENABLE_KEY_ROTATION,
            false => KmsAction::DISABLE_KEY_ROTATION,
        };
        self.may(action, &target, &key, &[])?;
        self.edit_key(&key.arn, |key| key.rotation = Some(on))?;
        Ok(Value::Null)
    }

    fn set_state(&self, key: &Key, state: KeyState) -> Result<(), KmsFault> {
        self.edit_metadata(key, |known| known.state = Some(state.as_str().into()))
    }

    fn edit_metadata(
        &self,
        key: &Key,
        change: impl FnOnce(&mut KeyMetadata),
    ) -> Result<(), KmsFault> {
        self.edit_key(&key.arn, |key| change(key.metadata.get_or_insert_with(plain_metadata)))
    }

    /// CreateKey (rule K10).
    pub(super) fn create_key(&self) -> Done {
        let spec = self.input.text("KeySpec")?.or(self.input.text("CustomerMasterKeySpec")?);
        let spec = spec.unwrap_or("SYMMETRIC_DEFAULT");
        if spec != KeySpec::SymmetricDefault.as_str() {
            let message = format!("Keys of the spec {spec} are not served yet.");
            return Err(KmsFault::new("UnsupportedOperationException", message));
        }
        let usage = self.input.text("KeyUsage")?.unwrap_or(KeyUsage::EncryptDecrypt.as_str());
        if usage != KeyUsage::EncryptDecrypt.as_str() {
            return Err(invalid(format!("KeyUsage {usage} is not compatible with KeySpec {spec}")));
        }
        let origin = self.input.text("Origin")?.unwrap_or("AWS_KMS");
        if origin != "AWS_KMS" {
            let message = format!("Keys of the origin {origin} are not served yet.");
            return Err(KmsFault::new("UnsupportedOperationException", message));
        }
        let tags = tags(self.input.list("Tags")?)?;
        let multi_region = self.input.flag("MultiRegion")?;
        let mut key = self.new_key(multi_region)?;
        let document = match self.input.text("Policy")? {
            Some(text) => sound(text)?,
            None => default_policy(&self.caller.principal),
        };
        self.may_create(&key, &tags)?;
        key.policy = Some(document.clone());
        key.tags = Some(tags);
        if let Some(known) = &mut key.metadata {
            known.description = self.input.text("Description")?.map(Into::into);
        }
        self.not_locked_out(&key, &document)?;
        self.edit(&[&key.arn], |_| Ok(vec![Edit::PutKey { key: Box::new(key.clone()) }]))?;
        let mut answer = described(&key);
        let created = self.now().as_second().into();
        if let Some(known) = answer.get_mut("KeyMetadata").and_then(Value::as_object_mut) {
            known.insert("CreationDate".to_owned(), created);
        }
        Ok(answer)
    }

    fn may_create(&self, key: &Key, tags: &Tags) -> Result<(), KmsFault> {
        let account = key.arn.account();
        let new = NewKey { account, region: key.arn.region().into(), tagged: !tags.is_empty() };
        let mut context = self.context.clone();
        let related = key.metadata.as_ref().and_then(|known| known.multi_region.as_ref());
        let texts = [
            ("kms:KeySpec", "SYMMETRIC_DEFAULT"),
            ("kms:KeyUsage", "ENCRYPT_DECRYPT"),
            ("kms:KeyOrigin", "AWS_KMS"),
            ("kms:MultiRegion", if related.is_some() { "true" } else { "false" }),
        ];
        texts.iter().for_each(|(name, value)| context.set_one(name, value));
        if related.is_some() {
            context.set_one("kms:MultiRegionKeyType", MultiRegionRole::Primary.name());
        }
        let bypass = self.input.flag("BypassPolicyLockoutSafetyCheck")?;
        context
            .set_one("kms:BypassPolicyLockoutSafetyCheck", if bypass { "true" } else { "false" });
        for (key, value) in tags.iter() {
            context.set_one(&format!("aws:RequestTag/{key}"), value);
        }
        if !tags.is_empty() {
            let keys = tags.keys().cloned().collect();
            context.set("aws:TagKeys", crate::decision::ContextValue::Many(keys));
        }
        self.may_do(&Operation::CreateKey(new), &context)
    }

    fn new_key(&self, multi_region: bool) -> Result<Key, KmsFault> {
        let mut bytes = [0u8; 16];
        let fault = || KmsFault::new("KMSInternalException", "the system gives no random bytes");
        rand::fill(&mut bytes).map_err(|_| fault())?;
        let digits = format!("{:032x}", u128::from_be_bytes(bytes));
        let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
        let id = match multi_region {
            true => format!("mrk-{digits}"),
            false => [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"),
        };
        let partition = self.caller.principal.partition();
        let arn = KeyArn::new(partition, &self.caller.region, self.account()?, &id);
        let arn = arn.ok_or_else(fault)?;
        let mut key = Key::new(arn.clone(), default_policy(&self.caller.principal).place);
        let mut metadata = plain_metadata();
        metadata.multi_region = multi_region.then(|| MultiRegion {
            role: MultiRegionRole::Primary,
            primary: Some(arn.as_str().into()),
            replicas: BTreeSet::new(),
        });
        key.metadata = Some(metadata);
        (key.grants_listed, key.aliases_listed, key.rotation) = (true, true, Some(false));
        Ok(key)
    }
}

fn plain_metadata() -> KeyMetadata {
    KeyMetadata {
        manager: KeyManager::Customer,
        spec: Some("SYMMETRIC_DEFAULT".into()),
        usage: Some("ENCRYPT_DECRYPT".into()),
        origin: Some("AWS_KMS".into()),
        state: Some("Enabled".into()),
        multi_region: None,
        description: None,
    }
}

/// What KMS gives a key that is made without a policy (page "Default key policy").
fn default_policy(caller: &Caller) -> PolicyDocument {
    let account = caller.account.map(|account| account.to_string()).unwrap_or_default();
    let root = match caller.kind {
        CallerKind::Root => caller.text.to_string(),
        _ => format!("arn:{}:iam::{account}:root", caller.partition()),
    };
    let text = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": root },
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    policy(PolicyKind::Key, &text.to_string())
}

/// A key policy that KMS would store.
fn sound(text: &str) -> Result<PolicyDocument, KmsFault> {
    let document = policy(PolicyKind::Key, text);
    let read = document.policy();
    let fault = read.faults.iter().find(|fault| fault.gravity != Gravity::Harmless);
    match fault {
        None if read.readable => Ok(document),
        fault => {
            let message = fault.map_or("This is no policy", |fault| &*fault.message);
            Err(KmsFault::new("MalformedPolicyDocumentException", message))
        }
    }
}

fn tags(list: Vec<Input<'_>>) -> Result<Tags, KmsFault> {
    let fault = |message: &str| KmsFault::new("TagException", message);
    if list.len() > TAGS {
        return Err(fault("Too many tags"));
    }
    let mut tags = Tags::default();
    for tag in list {
        let (key, value) = (tag.needed("TagKey")?, tag.needed("TagValue")?);
        if key.starts_with("aws:") {
            return Err(fault("Tags beginning with aws: are reserved"));
        }
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(fault("A tag has a key of up to 128 characters and a value of up to 256"));
        }
        if tags.insert(key.into(), value.into()).is_some() {
            return Err(fault("Duplicate tag keys"));
        }
    }
    Ok(tags)
}
