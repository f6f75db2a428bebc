//! Operations that tell what there is.

use serde_json::{Value, json};

use crate::aws::{KeySpec, KmsAction};
use crate::encryptor::directory::documents;
use crate::inventory::{Alias, Key};
use crate::serve::kms::KmsFault;

use super::{Call, Done};

impl Call<'_> {
    pub(super) fn describe_key(&self) -> Done {
        let (target, key) = self.key_id()?;
        self.may(KmsAction::DESCRIBE_KEY, &target, &key, &[])?;
        Ok(described(&key))
    }

    pub(super) fn list_keys(&self) -> Done {
        self.may_at_all(KmsAction::LIST_KEYS)?;
        let (account, region) = (self.account()?, &*self.caller.region);
        let own =
            |key: &&std::sync::Arc<Key>| key.arn.account() == account && key.arn.region() == region;
        let keys = self.world.keys.values().filter(own);
        let keys = keys.map(|key| json!({ "KeyId": key.arn.id(), "KeyArn": key.arn.as_str() }));
        self.paged("Keys", keys.collect(), 100, 1000)
    }

    pub(super) fn list_aliases(&self) -> Done {
        self.may_at_all(KmsAction::LIST_ALIASES)?;
        let (account, region) = (self.account()?, &*self.caller.region);
        let of_key = match self.input.text("KeyId")? {
            Some(text) => Some(self.named(text)?.1.arn.clone()),
            None => None,
        };
        let own = |alias: &&Alias| {
            let here = alias.arn.account() == account && alias.arn.region() == region;
            here && of_key.as_ref().is_none_or(|key| alias.key().as_ref() == Some(key))
        };
        let told = |alias: &Alias| {
            let mut told = json!({ "AliasName": alias.arn.name(), "AliasArn": alias.arn.as_str() });
            if let (Some(target), Some(members)) = (&alias.target, told.as_object_mut()) {
                members.insert("TargetKeyId".to_owned(), (**target).into());
            }
            told
        };
        self.paged("Aliases", self.world.aliases.values().filter(own).map(told).collect(), 50, 100)
    }

    pub(super) fn list_key_policies(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::LIST_KEY_POLICIES, &target, &key, &[])?;
        self.paged("PolicyNames", vec!["default".into()], 100, 1000)
    }

    pub(super) fn get_key_policy(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        let name = self.input.text("PolicyName")?.unwrap_or("default");
        self.may(KmsAction::GET_KEY_POLICY, &target, &key, &[("kms:PolicyName", name)])?;
        let policy = key.policy.as_ref().filter(|_| name == "default");
        let policy =
            policy.ok_or_else(|| KmsFault::new("NotFoundException", "No such policy exists"))?;
        Ok(json!({ "Policy": policy.written(), "PolicyName": "default" }))
    }

    pub(super) fn list_resource_tags(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::LIST_RESOURCE_TAGS, &target, &key, &[])?;
        let tags = key.tags.iter().flat_map(|tags| tags.iter());
        let tags = tags.map(|(key, value)| json!({ "TagKey": key, "TagValue": value }));
        self.paged("Tags", tags.collect(), 50, 50)
    }

    pub(super) fn list_grants(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::LIST_GRANTS, &target, &key, &[])?;
        let (id, grantee) = (self.input.text("GrantId")?, self.input.text("GranteePrincipal")?);
        let wanted = key.grants.iter().filter(|grant| {
            id.is_none_or(|id| *grant.id == *id)
                && grantee.is_none_or(|grantee| grant.grantee.text() == grantee)
        });
        let grants = wanted.map(|grant| documents::grant_entry(&key, grant));
        self.paged("Grants", grants.collect(), 50, 100)
    }

    pub(super) fn list_retirable_grants(&self) -> Done {
        let retiring = self.input.needed("RetiringPrincipal")?;
        self.may_at_all(KmsAction::LIST_RETIRABLE_GRANTS)?;
        let account = self.account()?;
        let here = |key: &&std::sync::Arc<Key>| {
            key.arn.region() == self.caller.region && key.arn.account() == account
        };
        let grants = self.world.keys.values().filter(here).flat_map(|key| {
            let can = |it: &&crate::inventory::Grant| {
                it.retiring.as_ref().is_some_and(|retiring_one| retiring_one.text() == retiring)
            };
            key.grants.iter().filter(can).map(|grant| documents::grant_entry(key, grant))
        });
        self.paged("Grants", grants.collect(), 50, 100)
    }

    pub(super) fn get_key_rotation_status(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        self.may(KmsAction::GET_KEY_ROTATION_STATUS, &target, &key, &[])?;
        let on = key.rotation.unwrap_or(false);
        Ok(json!({ "KeyRotationEnabled": on, "KeyId": key.arn.as_str() }))
    }

    /// A page of a list under its name.
    fn paged(&self, name: &str, all: Vec<Value>, usual: usize, most: usize) -> Done {
        let (page, next) = self.input.page(all, usual, most)?;
        let mut answer = json!({ name: page, "Truncated": next.is_some() });
        if let (Some(next), Some(members)) = (next, answer.as_object_mut()) {
            members.insert("NextMarker".to_owned(), next.into());
        }
        Ok(answer)
    }
}

/// What DescribeKey answers: the document of an export, with the algorithms of its spec.
pub(super) fn described(key: &Key) -> Value {
    let mut described = documents::describe_key(key);
    let spec = key.metadata.as_ref().and_then(|known| KeySpec::parse(known.spec.as_deref()?));
    let usage = key.metadata.as_ref().and_then(|known| known.usage.as_deref());
    if let (Some(spec), Some(members)) =
        (spec, described.get_mut("KeyMetadata").and_then(Value::as_object_mut))
    {
        let info = spec.info();
        let (name, algorithms) = match usage {
            Some("SIGN_VERIFY") => ("SigningAlgorithms", &info.signing_algorithms),
            Some("GENERATE_VERIFY_MAC") => ("MacAlgorithms", &info.mac_algorithms),
            Some("KEY_AGREEMENT") => ("KeyAgreementAlgorithms", &info.key_agreement_algorithms),
            _ => ("EncryptionAlgorithms", &info.encryption_algorithms),
        };
        members.insert(name.to_owned(), json!(algorithms));
    }
    described
}
