//! Key policies.

use serde_json::{Value, json};

use crate::aws::KmsAction;
use crate::encryptor::body::Body;
use crate::encryptor::work::{Found, Work};
use crate::encryptor::{KmsError, Touched};
use crate::eval::reference::lockout_check;
use crate::inventory::{Edit, Key};
use crate::policy::{PolicyDocument, PolicyKind};

use super::nowhere;
use super::page::page;
use super::said::Said;

type Answer = Result<Value, KmsError>;

/// The most bytes of a key policy.
const POLICY: usize = 32 << 10;

pub(super) fn get_key_policy(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let Found { key, target } = work.find_key(body.key_id("KeyId")?)?;
    let name = body.text("PolicyName")?.unwrap_or("default");
    let said = Said::default().one("kms:PolicyName", name);
    work.authorize(KmsAction::GET_KEY_POLICY, target, said.0, &[])?;
    work.can(key, KmsAction::GET_KEY_POLICY, "GetKeyPolicy")?;
    let none = || KmsError::not_found(format!("No such policy exists for key {}", key.arn));
    let policy = key.policy.as_ref().filter(|_| name == "default").ok_or_else(none)?;
    Ok(json!({ "Policy": policy.written(), "PolicyName": "default" }))
}

pub(super) fn list_key_policies(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let Found { key, target } = work.find_key(body.key_id("KeyId")?)?;
    work.authorize(KmsAction::LIST_KEY_POLICIES, target, Said::default().0, &[])?;
    work.can(key, KmsAction::LIST_KEY_POLICIES, "ListKeyPolicies")?;
    page(body, "PolicyNames", (100, 1000), [("default".to_owned(), "default".into())].into_iter())
}

pub(super) fn put_key_policy(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let (name, policy) = (body.text("PolicyName")?.unwrap_or("default"), document(body)?);
    let policy = policy.ok_or_else(|| KmsError::missing("policy"))?;
    let bypass = body.flag("BypassPolicyLockoutSafetyCheck")?;
    let Found { key, target } = work.find_key(id)?;
    let said = Said::default().one("kms:PolicyName", name);
    let said = said.some("kms:BypassPolicyLockoutSafetyCheck", bypass.then_some("true"));
    work.authorize(KmsAction::PUT_KEY_POLICY, target, said.0, &[])?;
    work.can(key, KmsAction::PUT_KEY_POLICY, "PutKeyPolicy")?;
    if name != "default" {
        return Err(KmsError::unsupported("The only policy of a key is default."));
    }
    unlocked(work, key, &policy, bypass)?;
    let edit = Edit::PutKeyPolicy { key: key.arn.clone(), policy };
    work.edit(&edit, Touched::Key(key.arn.clone()));
    Ok(json!({}))
}

/// The policy that a body gives, where it gives one.
pub(super) fn document(body: &Body<'_>) -> Result<Option<PolicyDocument>, KmsError> {
    let Some(text) = body.text("Policy")? else {
        return Ok(None);
    };
    if text.len() > POLICY {
        return Err(KmsError::limit("The key policy is larger than 32 KiB."));
    }
    let policy = PolicyDocument::json(nowhere(), PolicyKind::Key, text);
    let is_sound = policy.policy().readable && !policy.policy().statements.is_empty();
    let malformed = || KmsError::bare("MalformedPolicyDocumentException");
    is_sound.then_some(Some(policy)).ok_or_else(malformed)
}

/// Rule K9: whoever sets a policy must be able to set another one, unless they say that they know.
pub(super) fn unlocked(
    work: &Work<'_>,
    key: &Key,
    policy: &PolicyDocument,
    bypass: bool,
) -> Result<(), KmsError> {
    let Some((caller, context)) = work.asking().filter(|_| !bypass) else {
        return Ok(());
    };
    let reference = work.state().reference();
    if lockout_check(&reference, &caller.principal, key, policy, &context) {
        return Ok(());
    }
    let text = "The new key policy will not allow you to update the key policy in the future.";
    Err(KmsError::new("MalformedPolicyDocumentException", text))
}
