//! Key policies.

use serde_json::{Value, json};

use crate::aws::{AccountId, Arn, KmsAction};
use crate::encryptor::body::Body;
use crate::encryptor::work::{Found, Work};
use crate::encryptor::{KmsError, Touched};
use crate::eval::reference::lockout_check;
use crate::inventory::{Edit, Inventory, Key};
use crate::policy::{
    Condition, Gravity, PolicyDocument, PolicyKind, Principal, Quantifier, Statement,
};

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
    acceptable(work, key, &policy, bypass)?;
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
    let is_latin = |one: char| matches!(one, '\t' | '\n' | '\r' | ' '..='\u{FF}');
    if !text.chars().all(is_latin) {
        let must = "Member must satisfy regular expression pattern: \
                    [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
        return Err(KmsError::constraint(None, "policy", must));
    }
    let policy = PolicyDocument::json(nowhere(), PolicyKind::Key, text);
    let mut faults = policy.policy().faults.iter();
    // A principal of no form that there is has a text of its own.
    let is_principal = |statement: &Statement| principals(statement).any(is_invalid);
    let by_principal = policy.policy().statements.iter().any(is_principal);
    match faults.find(|fault| fault.gravity == Gravity::Malformed).filter(|_| !by_principal) {
        Some(fault) => Err(malformed(format!("Syntax errors in policy: {}.", fault.message))),
        None => Ok(Some(policy)),
    }
}

fn malformed(text: impl Into<String>) -> KmsError {
    KmsError::new("MalformedPolicyDocumentException", text)
}

fn principals(statement: &Statement) -> impl Iterator<Item = &Principal> {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    entries.map(|entry| &entry.value)
}

fn is_invalid(principal: &Principal) -> bool {
    matches!(principal, Principal::Invalid(_))
}

/// That KMS would store a policy (rules A22, A23), and that whoever sets it can set another one (rule K9),
/// unless they say that they know.
pub(super) fn acceptable(
    work: &Work<'_>,
    key: &Key,
    policy: &PolicyDocument,
    bypass: bool,
) -> Result<(), KmsError> {
    let statements = &policy.policy().statements;
    let partition = key.arn.partition();
    let unknown = |it: &Principal| is_invalid(it) || is_nobody(work.world(), it, partition);
    if statements.iter().flat_map(principals).any(unknown) {
        return Err(malformed("Policy contains a statement with one or more invalid principals."));
    }
    let mut conditions = statements.iter().flat_map(|statement| &statement.conditions);
    if let Some(condition) = conditions.find(|condition| is_overly_permissive(condition)) {
        let (operator, name) = (condition.operator.value.name(), &condition.key.value);
        let text =
            format!("OverlyPermissiveCondition: {operator} with {name}, which has one value.");
        return Err(malformed(text));
    }
    let Some((caller, context)) = work.asking().filter(|_| !bypass) else {
        return Ok(());
    };
    let reference = work.state().reference();
    if lockout_check(&reference, &caller.principal, key, policy, &context) {
        return Ok(());
    }
    Err(malformed("The new key policy will not allow you to update the key policy in the future."))
}

/// Rule A22: nobody that there is, as far as the export is complete; whoever it does not know may exist.
fn is_nobody(world: &Inventory, principal: &Principal, partition: &str) -> bool {
    let is_abroad = |arn: &str| Arn::parse(arn).is_some_and(|arn| arn.partition != partition);
    match principal {
        Principal::Account { partition: Some(named), .. } => **named != *partition,
        Principal::User(arn) | Principal::Role(arn) => {
            let account = Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account));
            let is_known = account.is_some_and(|account| world.is_complete(account));
            is_abroad(arn) || is_known && world.identity(arn).is_none()
        }
        Principal::AssumedRole(arn) | Principal::FederatedUser(arn) => is_abroad(arn),
        _ => false,
    }
}

/// Rule A23: true of every request that leaves the key out.
fn is_overly_permissive(condition: &Condition) -> bool {
    let name = condition.key.value.to_ascii_lowercase();
    let one_value = ["kms:encryptioncontext:", "aws:requesttag/"];
    condition.operator.value.quantifier == Some(Quantifier::ForAllValues)
        && one_value.iter().any(|prefix| name.starts_with(prefix))
}
