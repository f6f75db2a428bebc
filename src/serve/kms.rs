//! What the endpoint asks of the KMS behind it.

use std::sync::Arc;

use serde_json::Value;

use crate::aws::AccountId;
use crate::decision::{Caller, Context, Decision, Request};
use crate::inventory::{Edit, Inventory};
use crate::policy::PolicyDocument;

/// Who calls, as the KMS takes it.
#[derive(Clone, Debug)]
pub struct KmsCaller {
    /// The user, root user, or session of a role.
    pub principal: Caller,
    /// The Region that is called.
    pub region: String,
    /// Session policies.
    pub session_policies: Vec<PolicyDocument>,
}

/// Why a call fails.
#[derive(Clone, Debug)]
pub struct KmsFault {
    /// `AccessDeniedException`, ...
    pub name: &'static str,
    /// What is said beside it.
    pub message: String,
    /// The request that was denied and the decision on it, where that is why.
    pub refusal: Option<Box<(Request, Decision)>>,
}

/// A KMS of many accounts and Regions.
pub trait Kms: Send + Sync + 'static {
    /// One operation with its parameters. `context` is what the request has besides them.
    ///
    /// # Errors
    /// The operation fails.
    fn call(
        &self,
        caller: &KmsCaller,
        context: &Context,
        operation: &str,
        body: &Value,
    ) -> Result<Value, KmsFault>;

    /// The world as it is now.
    fn world(&self) -> Arc<Inventory>;

    /// Changes the identities of an account, for good.
    ///
    /// # Errors
    /// The change cannot be kept; nothing is changed then.
    fn change(&self, account: AccountId, edits: &[Edit]) -> Result<(), String>;

    /// Takes another export below what clients changed.
    ///
    /// # Errors
    /// It cannot be taken; the one before stays.
    fn reload(&self, exported: &Inventory) -> Result<(), String>;
}
