//! One concrete request for an action outside KMS: a step on the way to a key.

use crate::aws::ControlAction;
use crate::policy::PolicyDocument;

use super::{Caller, Context};

/// One request for one control action (rule T2). A step that needs several actions is several requests.
#[derive(Clone, Debug)]
pub struct ControlRequest {
    /// Who asks; [`Caller::of_provider`] for the subject of an identity provider.
    pub caller: Caller,
    /// For which action.
    pub action: ControlAction,
    /// On what: an ARN, or `*` where the action has no resource or the account is meant (rule A68).
    pub resource: Box<str>,
    /// The condition keys it gives; what the export fixes is derived (rule U9).
    pub context: Context,
    /// Session policies passed when the session was made; they unite (rule E2).
    pub session_policies: Vec<PolicyDocument>,
}

impl ControlRequest {
    /// A plain request: without context and without session policies.
    pub fn plain(caller: Caller, action: ControlAction, resource: &str) -> Self {
        let (context, session_policies) = (Context::default(), Vec::new());
        Self { caller, action, resource: resource.into(), context, session_policies }
    }
}
