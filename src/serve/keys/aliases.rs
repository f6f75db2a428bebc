//! Aliases.

use serde_json::Value;

use crate::aws::{AliasArn, KmsAction};
use crate::graph::Call as GraphCall;
use crate::inventory::Alias;
use crate::serve::kms::KmsFault;

use super::input::invalid;
use super::{Call, Done};

impl Call<'_> {
    pub(super) fn create_alias(&self) -> Done {
        let alias = self.alias_name()?;
        let (_, key) = self.bare_key("TargetKeyId")?;
        let call = GraphCall::CreateAlias { alias: alias.clone(), key: key.arn.clone() };
        self.may_call(&call, key.arn.as_str())?;
        self.in_state(KmsAction::CREATE_ALIAS, &key)?;
        self.edit(&[&key.arn], |world| match world.alias(&alias) {
            Some(_) => {
                let message = format!("An alias with the name {alias} already exists");
                Err(KmsFault::new("AlreadyExistsException", message))
            }
            None => Ok(call.edits(&self.caller.principal)),
        })?;
        Ok(Value::Null)
    }

    pub(super) fn update_alias(&self) -> Done {
        let alias = self.alias_name()?;
        let (_, key) = self.bare_key("TargetKeyId")?;
        let call = GraphCall::UpdateAlias { alias: alias.clone(), key: key.arn.clone() };
        self.may_call(&call, key.arn.as_str())?;
        self.in_state(KmsAction::UPDATE_ALIAS, &key)?;
        let before = self.world.alias(&alias).and_then(Alias::key).ok_or_else(|| absent(&alias))?;
        self.edit(&[&before, &key.arn], |_| Ok(call.edits(&self.caller.principal)))?;
        Ok(Value::Null)
    }

    pub(super) fn delete_alias(&self) -> Done {
        let alias = self.alias_name()?;
        let call = GraphCall::DeleteAlias { alias: alias.clone() };
        self.may_call(&call, alias.as_str())?;
        let key = self.world.alias(&alias).and_then(Alias::key).ok_or_else(|| absent(&alias))?;
        self.edit(&[&key], |_| Ok(call.edits(&self.caller.principal)))?;
        Ok(Value::Null)
    }

    /// The alias that is named, in the caller's account and Region.
    fn alias_name(&self) -> Result<AliasArn, KmsFault> {
        let name = self.input.needed("AliasName")?;
        let known = |one: char| one.is_ascii_alphanumeric() || "/_-".contains(one);
        if !name.starts_with("alias/") || name.len() > 256 || !name.chars().all(known) {
            return Err(invalid(
                "Alias must start with the prefix \"alias/\". Please see \
                 https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
            ));
        }
        if name.starts_with("alias/aws/") {
            return Err(KmsFault::new("NotAuthorizedException", ""));
        }
        let principal = &self.caller.principal;
        let alias =
            AliasArn::new(principal.partition(), &self.caller.region, self.account()?, name);
        alias.ok_or_else(|| KmsFault::new("InvalidAliasNameException", ""))
    }
}

fn absent(alias: &AliasArn) -> KmsFault {
    KmsFault::new("NotFoundException", format!("Alias {alias} is not found."))
}
