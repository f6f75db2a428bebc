//! Who calls, and what comes with a call besides its body.

use crate::decision::{self, CallerKind, Context};
use crate::inventory::Tags;
use crate::policy::PolicyDocument;

/// Who calls an operation.
#[derive(Clone, Debug)]
pub struct Caller {
    /// A user, an account root, a session of a role, a service.
    pub principal: decision::Caller,
    /// The Region that the call is made in.
    pub region: Box<str>,
    /// The policies that the session was made with; they unite (rule E2).
    pub session_policies: Vec<PolicyDocument>,
    /// The tags that the session was made with (rule T7).
    pub session_tags: Tags,
}

impl Caller {
    /// Somebody without session policies and session tags.
    pub fn new(principal: decision::Caller, region: &str) -> Self {
        Self {
            principal,
            region: region.into(),
            session_policies: Vec::new(),
            session_tags: Tags::default(),
        }
    }

    /// The ARN as AWS shows it: sessions by the ARN that STS gives them.
    pub fn shown(&self) -> String {
        let principal = &self.principal;
        match (&principal.kind, principal.account) {
            (CallerKind::Role, Some(account)) => {
                let name = principal.text.rsplit('/').next().unwrap_or_default();
                let partition = principal.partition();
                format!("arn:{partition}:sts::{account}:assumed-role/{name}/keyreach")
            }
            _ => principal.text.to_string(),
        }
    }
}

/// Everything that a call has besides its body: where it comes from, the session's MFA, a service in
/// between, the time. The wire fills in its own, `verify` that of a witness. What the body says (the
/// encryption context, algorithms, tags) has no place here: it would be taken for said.
#[derive(Clone, Default, Debug)]
pub struct Ambient {
    /// The condition keys.
    pub context: Context,
    /// The id of the request, which answers tell again.
    pub request_id: Option<Box<str>>,
}
