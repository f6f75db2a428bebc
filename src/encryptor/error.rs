//! How an operation fails: AWS's names and texts.

use crate::aws::AccountId;
use crate::decision::{ControlRequest, Decision, Gate, Outcome, Request, Target};
use crate::inventory::Inventory;

/// What the error of an operation says on the wire, and what a log says beside it.
#[derive(Debug)]
pub struct KmsError {
    /// `AccessDeniedException`, ...: the value of `__type`.
    pub name: &'static str,
    /// The text; nothing where AWS sends none.
    pub message: Option<String>,
    /// The request that was refused and the decision on it, where authorization is why.
    pub refusal: Option<Box<Refusal>>,
}

/// A permission that was asked for and not given.
#[derive(Debug)]
pub struct Refusal {
    /// What was asked.
    pub asked: Asked,
    /// The decision with its trace.
    pub decision: Decision,
    /// The world that it was made in, where grants were left out of it.
    pub without: Option<Without>,
}

/// A world in which some grants do not count: they are new and their tokens were not given, or it is
/// another one that is to be retired.
#[derive(Debug)]
pub struct Without {
    /// The ids of the grants.
    pub grants: Vec<Box<str>>,
    /// What is left.
    pub world: Inventory,
}

/// What a permission was asked of.
#[derive(Debug)]
pub enum Asked {
    /// KMS.
    Kms(Request),
    /// Another service, on whose permission KMS insists as well.
    Control(ControlRequest),
}

impl KmsError {
    /// An error with its text.
    pub fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: Some(message.into()), refusal: None }
    }

    /// An error to which AWS gives no text.
    pub fn bare(name: &'static str) -> Self {
        Self { name, message: None, refusal: None }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        if self.name == INTERNAL { 500 } else { 400 }
    }

    /// The member that carries the text: AWS spells it with a capital here and there.
    pub fn member(&self) -> &'static str {
        match self.name {
            DENIED | "UnsupportedOperationException" => "Message",
            _ => "message",
        }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// A member that breaks a constraint; `value` is left out for blobs.
    pub(super) fn constraint(value: Option<&str>, field: &str, must: &str) -> Self {
        let value = value.map(|value| format!("'{value}' ")).unwrap_or_default();
        Self::validation(format!(
            "1 validation error detected: Value {value}at '{field}' failed to satisfy constraint: {must}"
        ))
    }

    /// A member that must be there and is not.
    pub(super) fn missing(field: &str) -> Self {
        Self::validation(format!(
            "1 validation error detected: Value null at '{field}' failed to satisfy constraint: \
             Member must not be null"
        ))
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFoundException", message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new("UnsupportedOperationException", message)
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new("LimitExceededException", message)
    }

    /// That there are as many of something as an account may have.
    pub(super) fn quota(of: &str, most: usize, count: usize) -> Self {
        let text = "quota for this account in this region is";
        Self::limit(format!("{of} {text} {most}, current usage is {count}."))
    }

    /// The ciphertext is not of a key that the caller may know of.
    pub(super) fn foreign_blob() -> Self {
        Self::new(DENIED, FOREIGN_BLOB)
    }

    /// The same of a key that is there and does not let another account in: nobody can tell the two apart.
    pub(super) fn of_blob(self) -> Self {
        let hides = self.refusal.as_deref().is_some_and(|it| match &it.asked {
            Asked::Kms(request) => hides(request, &it.decision),
            Asked::Control(_) => false,
        });
        let message = if hides { Some(FOREIGN_BLOB.to_owned()) } else { self.message };
        Self { message, ..self }
    }

    /// The same of a key that is named: whether another account's is there is not told.
    pub(super) fn foreign_key(who: &str, action: &str) -> Self {
        Self::new(
            DENIED,
            format!(
                "User: {who} is not authorized to perform: {action} on this resource because the resource \
                 does not exist in this Region, no resource-based policies allow access, or a \
                 resource-based policy explicitly denies access"
            ),
        )
    }

    /// Something that should not happen: the library refused what it never refuses, a disk is full.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL, message)
    }

    /// A permission that is not given, in AWS's words; `who` is the caller, and `target` what it is
    /// asked on, as AWS shows them.
    pub(super) fn denied(who: &str, target: &str, request: Request, decision: Decision) -> Self {
        let action = request.action.as_str();
        let error = match hides(&request, &decision) {
            true => Self::foreign_key(who, action),
            false => {
                let on = match request.target {
                    // AWS names no resource for the tags of a key that is to be made.
                    Target::NewKey { .. } => String::new(),
                    _ => format!(" on resource: {target}"),
                };
                let why = reason(&decision, action);
                let text = format!("User: {who} is not authorized to perform: {action}{on}{why}");
                Self::new(DENIED, text)
            }
        };
        let refusal = Refusal { asked: Asked::Kms(request), decision, without: None };
        Self { refusal: Some(Box::new(refusal)), ..error }
    }

    /// The same of a permission of another service.
    pub(super) fn denied_control(who: &str, request: ControlRequest, decision: Decision) -> Self {
        let (action, on) = (request.action.as_str(), &request.resource);
        let why = reason(&decision, action);
        let text =
            format!("User: {who} is not authorized to perform: {action} on resource: {on}{why}");
        let refusal = Refusal { asked: Asked::Control(request), decision, without: None };
        Self { refusal: Some(Box::new(refusal)), ..Self::new(DENIED, text) }
    }
}

impl KmsError {
    /// The same with the world in which it was refused.
    pub(super) fn without(mut self, without: Option<Without>) -> Self {
        if let Some(refusal) = &mut self.refusal {
            refusal.without = without;
        }
        self
    }

    /// A permission that is not given, told of the caller by its own ARN.
    pub fn refused(request: Request, decision: Decision) -> Self {
        let (who, target) = (request.caller.text.to_string(), request.target.to_string());
        Self::denied(&who, &target, request, decision)
    }
}

const INTERNAL: &str = "KMSInternalException";
const DENIED: &str = "AccessDeniedException";
const FOREIGN_BLOB: &str = "The ciphertext refers to a customer master key that does not exist, does not \
                            exist in this region, or you are not allowed to access.";

/// Whether it is another account's key that does not let the caller in.
fn hides(request: &Request, decision: &Decision) -> bool {
    let owner: Option<AccountId> = match &request.target {
        Target::Key(key) => Some(key.account()),
        Target::Alias(alias) => Some(alias.account()),
        _ => None,
    };
    let (Outcome::ExplicitDeny(gate) | Outcome::ImplicitDeny(gate)) = decision.outcome else {
        return false;
    };
    let of_owner = matches!(gate, Gate::KeyPolicy | Gate::Grant | Gate::Rcp | Gate::CrossAccount);
    let caller = request.caller.account;
    of_owner && caller.is_some() && owner.is_some() && caller != owner
}

/// What follows `is not authorized to perform: ... on resource: ...` in the texts of AWS.
pub(crate) fn reason(decision: &Decision, action: &str) -> String {
    let kind = |gate: Gate| match gate {
        Gate::KeyPolicy | Gate::TrustPolicy | Gate::Grant => Some("resource-based policy"),
        Gate::IdentityPolicy => Some("identity-based policy"),
        Gate::Scp => Some("service control policy"),
        Gate::Rcp => Some("resource control policy"),
        Gate::VpcEndpointPolicy => Some("VPC endpoint policy"),
        Gate::PermissionsBoundary => Some("permissions boundary"),
        Gate::SessionPolicy => Some("session policy"),
        Gate::Operation | Gate::CrossAccount => None,
    };
    match decision.outcome {
        Outcome::ExplicitDeny(gate) => kind(gate).map(|kind| {
            let article = if kind.starts_with('i') { "an" } else { "a" };
            format!(" with an explicit deny in {article} {kind}")
        }),
        Outcome::ImplicitDeny(gate) => {
            kind(gate).map(|kind| format!(" because no {kind} allows the {action} action"))
        }
        Outcome::Allowed(_) => None,
    }
    .unwrap_or_default()
}
