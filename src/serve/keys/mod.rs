//! KMS for symmetric keys: what the endpoint needs to be of use until the encryptor knows every key spec.
//!
//! Each operation is looked up, authorized by the reference evaluator, held against the state of the key,
//! and done, in this order (a caller who is not allowed learns nothing of the key but that). Keys of
//! other specs are described and administered; to use one is an `UnsupportedOperationException`.

mod administration;
mod aliases;
mod blob;
mod cryptography;
mod describe;
mod fresh;
mod grants;
mod input;
mod permission;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::aws::{AccountId, AliasArn, KeyArn};
use crate::decision::{Context, Target};
use crate::encryptor::directory::{Change, KeptWorld, StateError, Store};
use crate::inventory::{Alias, Edit, Inventory, Key};

use super::kms::{Kms, KmsCaller, KmsFault};
use blob::Material;
use fresh::Fresh;
use input::Input;

type Done = Result<Value, KmsFault>;

/// The keys of a world, and their material.
pub(super) struct Keys {
    world: KeptWorld,
    material: Material,
    fresh: Fresh,
    shift: SignedDuration,
}

impl Keys {
    /// The keys of an export, with what the store keeps laid over it.
    pub(super) fn open(
        exported: &Inventory,
        store: Arc<Store>,
        shift: SignedDuration,
        grant_delay: std::time::Duration,
    ) -> Result<Self, StateError> {
        let (material, fresh) =
            (Material::new(store.secret()), Fresh::new(store.secret(), grant_delay));
        Ok(Self { world: KeptWorld::new(exported, store)?, material, fresh, shift })
    }
}

impl Kms for Keys {
    fn call(
        &self,
        caller: &KmsCaller,
        context: &Context,
        operation: &str,
        body: &Value,
    ) -> Result<Value, KmsFault> {
        let call =
            Call { keys: self, world: self.world.now(), caller, context, input: Input(body) };
        match operation {
            "Encrypt" => call.encrypt(),
            "Decrypt" => call.decrypt(),
            "ReEncrypt" => call.re_encrypt(),
            "GenerateDataKey" => call.generate_data_key(true),
            "GenerateDataKeyWithoutPlaintext" => call.generate_data_key(false),
            "GenerateRandom" => call.generate_random(),
            "DescribeKey" => call.describe_key(),
            "ListKeys" => call.list_keys(),
            "ListAliases" => call.list_aliases(),
            "ListKeyPolicies" => call.list_key_policies(),
            "GetKeyPolicy" => call.get_key_policy(),
            "PutKeyPolicy" => call.put_key_policy(),
            "ListResourceTags" => call.list_resource_tags(),
            "TagResource" => call.tag_resource(),
            "UntagResource" => call.untag_resource(),
            "CreateGrant" => call.create_grant(),
            "ListGrants" => call.list_grants(),
            "ListRetirableGrants" => call.list_retirable_grants(),
            "RetireGrant" => call.retire_grant(),
            "RevokeGrant" => call.revoke_grant(),
            "CreateKey" => call.create_key(),
            "CreateAlias" => call.create_alias(),
            "UpdateAlias" => call.update_alias(),
            "DeleteAlias" => call.delete_alias(),
            "UpdateKeyDescription" => call.update_key_description(),
            "EnableKey" => call.enable_key(),
            "DisableKey" => call.disable_key(),
            "ScheduleKeyDeletion" => call.schedule_key_deletion(),
            "CancelKeyDeletion" => call.cancel_key_deletion(),
            "GetKeyRotationStatus" => call.get_key_rotation_status(),
            "EnableKeyRotation" => call.set_rotation(true),
            "DisableKeyRotation" => call.set_rotation(false),
            known if is_kms_operation(known) => {
                let message = format!("{known} is not served yet.");
                Err(KmsFault::new("UnsupportedOperationException", message))
            }
            _ => Err(KmsFault::new("UnknownOperationException", "")),
        }
    }

    fn world(&self) -> Arc<Inventory> {
        self.world.now()
    }

    fn change(&self, account: AccountId, edits: &[Edit]) -> Result<(), String> {
        self.world.edit(account, edits).map_err(|error| error.to_string())
    }

    fn reload(&self, exported: &Inventory) -> Result<(), String> {
        self.world.reload(exported).map_err(|error| error.to_string())
    }
}

fn is_kms_operation(name: &str) -> bool {
    crate::aws::KmsAction::from_name(name).is_some()
}

/// One operation that somebody calls.
struct Call<'c> {
    keys: &'c Keys,
    world: Arc<Inventory>,
    caller: &'c KmsCaller,
    context: &'c Context,
    input: Input<'c>,
}

impl Call<'_> {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.keys.shift).unwrap_or(now)
    }

    fn account(&self) -> Result<AccountId, KmsFault> {
        let account = self.caller.principal.account;
        account.ok_or_else(|| KmsFault::new("InvalidArnException", "no account calls"))
    }

    /// What `KeyId` names: a key, or an alias and the key it points to.
    fn named(&self, text: &str) -> Result<(Target, Arc<Key>), KmsFault> {
        let partition = self.caller.principal.partition();
        let (region, account) = (&*self.caller.region, self.account()?);
        let absent = |message: String| KmsFault::new("NotFoundException", message);
        let alias = match AliasArn::parse(text) {
            Some(alias) => Some(alias),
            None if text.starts_with("alias/") => AliasArn::new(partition, region, account, text),
            None => None,
        };
        if let Some(alias) = alias {
            let none = || absent(format!("Alias {alias} is not found."));
            if alias.region() != region {
                return Err(absent(format!("Invalid arn {}", alias.region())));
            }
            let key = self.world.alias(&alias).and_then(Alias::key).ok_or_else(none)?;
            let key = self.world.keys.get(&key).ok_or_else(none)?;
            return Ok((Target::Alias(alias), Arc::clone(key)));
        }
        let arn = match KeyArn::parse(text) {
            Some(arn) => arn,
            None if text.starts_with("arn:") => {
                return Err(absent(format!("Invalid keyId '{text}'")));
            }
            None => KeyArn::new(partition, region, account, text)
                .ok_or_else(|| absent(format!("Invalid keyId '{text}'")))?,
        };
        if arn.region() != region {
            return Err(absent(format!("Invalid arn {}", arn.region())));
        }
        let key = self.world.keys.get(&arn);
        let key = key.ok_or_else(|| absent(format!("Key '{arn}' does not exist")))?;
        Ok((Target::Key(arn), Arc::clone(key)))
    }

    /// The key that `KeyId` names.
    fn key_id(&self) -> Result<(Target, Arc<Key>), KmsFault> {
        self.named(self.input.needed("KeyId")?)
    }

    /// The key that `member` names by its id or ARN, where AWS takes no alias.
    fn bare_key(&self, member: &str) -> Result<(Target, Arc<Key>), KmsFault> {
        let text = self.input.needed(member)?;
        if text.starts_with("alias/") || AliasArn::parse(text).is_some() {
            let message = format!("Invalid keyId '{text}'");
            return Err(KmsFault::new("NotFoundException", message));
        }
        self.named(text)
    }

    /// Makes edits of one key's part of the world, for good. `again` looks once more at the world as it
    /// is when the change is made, when no other change can come between.
    fn edit(
        &self,
        keys: &[&KeyArn],
        again: impl FnOnce(&Inventory) -> Result<Vec<Edit>, KmsFault>,
    ) -> Result<(), KmsFault> {
        self.keys.world.change(|world| {
            let edits = again(world)?;
            let world = edits.iter().fold(world.clone(), |world, edit| world.apply(edit));
            let keys = keys.iter().map(|arn| KeyArn::clone(arn)).collect();
            Ok((Change { world, keys, ..Change::default() }, ()))
        })
    }

    /// Changes a key in place.
    fn edit_key(&self, arn: &KeyArn, change: impl FnOnce(&mut Key)) -> Result<(), KmsFault> {
        self.edit(&[arn], |world| {
            let mut key = world.key(arn).cloned().ok_or_else(|| {
                KmsFault::new("NotFoundException", format!("Key '{arn}' does not exist"))
            })?;
            change(&mut key);
            Ok(vec![Edit::PutKey { key: Box::new(key) }])
        })
    }
}

impl KmsFault {
    fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), refusal: None }
    }
}

impl From<StateError> for KmsFault {
    /// The state cannot be kept: not the caller's fault.
    fn from(error: StateError) -> Self {
        Self::new("KMSInternalException", error.to_string())
    }
}
