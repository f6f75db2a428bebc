//! Key policies.

use serde_json::{Value, json};

use crate::aws::KmsAction;
use crate::decision::{Request, Target};
use crate::encryptor::body::{Body, WORD};
use crate::encryptor::work::{Found, Work};
use crate::encryptor::{KmsError, Touched};
use crate::eval::reference::lockout_check;
use crate::inventory::{Edit, Key};
use crate::policy::{
    Condition, Gravity, Polarity, PolicyDocument, PolicyKind, Principal, Quantifier, Statement,
};

use super::nowhere;
use super::page::Page;
use super::said::Said;

type Answer = Result<Value, KmsError>;

/// The most bytes of a key policy.
const POLICY: usize = 32 << 10;

/// The most characters of one in a request.
const TEXT: usize = 128 << 10;

pub(super) fn get_key_policy(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, name) = (body.key_id("KeyId")?, name(body)?);
    let Found { key, target } = work.find_key(id)?;
    let said = Said::default().one("kms:PolicyName", name);
    work.authorize(KmsAction::GET_KEY_POLICY, target, said.0, &[])?;
    work.can(key, KmsAction::GET_KEY_POLICY, "GetKeyPolicy")?;
    let none = || KmsError::not_found(format!("No such policy exists for key {}", key.arn));
    let policy = key.policy.as_ref().filter(|_| name == "default").ok_or_else(none)?;
    Ok(json!({ "Policy": policy.written(), "PolicyName": "default" }))
}

pub(super) fn list_key_policies(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, asked) = (body.key_id("KeyId")?, Page::asked(body, (100, 1000))?);
    let Found { key, target } = work.find_key(id)?;
    work.authorize(KmsAction::LIST_KEY_POLICIES, target, Said::default().0, &[])?;
    work.can(key, KmsAction::LIST_KEY_POLICIES, "ListKeyPolicies")?;
    asked.of("PolicyNames", [("default".to_owned(), "default".into())].into_iter())
}

pub(super) fn put_key_policy(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let (name, policy) = (name(body)?, document(body)?);
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

/// The name of the policy that a body means.
fn name<'v>(body: &Body<'v>) -> Result<&'v str, KmsError> {
    let name = body.given("PolicyName", 128)?.unwrap_or("default");
    Body::spelled("PolicyName", name, WORD)
}

/// The policy that a body gives, where it gives one; whether KMS would store it [`acceptable`] says.
pub(super) fn document(body: &Body<'_>) -> Result<Option<PolicyDocument>, KmsError> {
    let Some(text) = body.given("Policy", TEXT)? else {
        return Ok(None);
    };
    let is_latin = |one: char| matches!(one, '\t' | '\n' | '\r' | ' '..='\u{FF}');
    if !text.chars().all(is_latin) {
        let must = "Member must satisfy regular expression pattern: \
                    [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
        return Err(KmsError::constraint(None, "policy", must));
    }
    Ok(Some(PolicyDocument::json(nowhere(), PolicyKind::Key, text)))
}

/// Rule A21.
fn well_formed(policy: &PolicyDocument) -> Result<(), KmsError> {
    if policy.text().len() > POLICY {
        return Err(KmsError::limit("The key policy is larger than 32 KiB."));
    }
    let mut faults = policy.policy().faults.iter();
    // A principal of no form that there is has a text of its own.
    let is_principal = |statement: &Statement| principals(statement).any(is_invalid);
    let by_principal = policy.policy().statements.iter().any(is_principal);
    match faults.find(|fault| fault.gravity == Gravity::Malformed).filter(|_| !by_principal) {
        Some(fault) => Err(malformed(format!("Syntax errors in policy: {}.", fault.message))),
        None => Ok(()),
    }
}

fn malformed(text: impl Into<String>) -> KmsError {
    KmsError::new("MalformedPolicyDocumentException", text)
}

fn principals(statement: &Statement) -> impl Iterator<Item = &Principal> {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    entries.map(|entry| &entry.value)
}

/// Rule A48: to everybody but those that are named.
fn all_but_some(statement: &Statement) -> bool {
    let element = statement.principal.as_ref();
    statement.allows() && element.is_some_and(|element| element.polarity == Polarity::IsNot)
}

fn is_invalid(principal: &Principal) -> bool {
    matches!(principal, Principal::Invalid(_))
}

/// That KMS would store a policy (rules A21 to A23), and that whoever sets it can set another one (rule
/// K9), unless they say that they know.
pub(super) fn acceptable(
    work: &Work<'_>,
    key: &Key,
    policy: &PolicyDocument,
    bypass: bool,
) -> Result<(), KmsError> {
    well_formed(policy)?;
    let statements = &policy.policy().statements;
    let partition = key.arn.partition();
    let unknown = |it: &Principal| work.world().is_nobody(it, partition);
    // Rules A22, A48.
    if statements.iter().any(|it| all_but_some(it) || principals(it).any(unknown)) {
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
    let asked = Request {
        caller: caller.principal.clone(),
        action: KmsAction::PUT_KEY_POLICY,
        target: Target::Key(key.arn.clone()),
        context,
        session_policies: caller.session_policies.clone(),
    };
    if lockout_check(&work.state().reference(), &asked, key, policy) {
        return Ok(());
    }
    Err(malformed("The new key policy will not allow you to update the key policy in the future."))
}

/// Rule A23: true of every request that leaves the key out.
fn is_overly_permissive(condition: &Condition) -> bool {
    let name = condition.key.value.to_ascii_lowercase();
    let one_value = ["kms:encryptioncontext:", "aws:requesttag/"];
    condition.operator.value.quantifier == Some(Quantifier::ForAllValues)
        && one_value.iter().any(|prefix| name.starts_with(prefix))
}
