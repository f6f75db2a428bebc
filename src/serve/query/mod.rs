//! The Query protocol of STS and IAM: a form in, XML out.

mod form;
mod iam;
mod sts;
mod xml;

use jiff::Timestamp;

use crate::decision::{Context, ControlRequest, Decision};
use crate::graph::{Ask, Call};
use crate::inventory::Inventory;

use super::endpoint::{Answer, Endpoint, Noted, shown};
use super::who::Who;

pub(super) use form::Form;
use xml::Xml;

/// One request of the Query protocol, signed by somebody.
pub(super) struct Question<'q> {
    pub(super) endpoint: &'q Endpoint,
    pub(super) who: &'q Who,
    pub(super) form: Form,
    /// What it has besides its parameters.
    pub(super) context: Context,
    /// `sts` or `iam`, as it was signed for.
    pub(super) service: &'q str,
    pub(super) request_id: &'q str,
    pub(super) now: Timestamp,
}

/// Why a request fails, in the words of the Query protocol.
#[derive(Debug)]
pub(super) struct QueryFault {
    status: u16,
    code: &'static str,
    message: String,
    refusal: Option<Box<(ControlRequest, Decision)>>,
}

impl QueryFault {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), refusal: None }
    }

    fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    fn missing(name: &str) -> Self {
        Self::validation(format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member \
             must not be null",
            lower_first(name)
        ))
    }
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// The name space of a service's answers.
fn name_space(service: &str) -> &'static str {
    match service {
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        _ => "https://sts.amazonaws.com/doc/2011-06-15/",
    }
}

/// Answers a request.
pub(super) fn answer(question: &Question<'_>) -> Answer {
    let action = question.form.get("Action").unwrap_or_default().to_owned();
    let done = match (question.service, &*action) {
        ("sts", "GetCallerIdentity") => Ok(sts::get_caller_identity(question)),
        ("sts", "AssumeRole") => sts::assume_role(question),
        ("iam", "CreateUser") => iam::create_user(question),
        ("iam", "CreateAccessKey") => iam::create_access_key(question),
        ("iam", "CreateGroup") => iam::create_group(question),
        ("iam", "CreatePolicy") => iam::create_policy(question),
        ("iam", "AttachGroupPolicy") => iam::attach_group_policy(question),
        ("iam", "AddUserToGroup") => iam::add_user_to_group(question),
        _ => {
            let version = question.form.get("Version").unwrap_or_default();
            let message = format!("Could not find operation {action} for version {version}");
            Err(QueryFault::new(400, "InvalidAction", message))
        }
    };
    let noted = Noted {
        action: format!("{}:{}", question.service, shown(&action)),
        caller: question.who.caller.to_string(),
        ..Noted::default()
    };
    let space = name_space(question.service);
    match done {
        Ok(result) => {
            let mut root = Xml::new(&format!("{action}Response")).with_attribute("xmlns", space);
            root = match result {
                Some(result) => root.with(result.named(&format!("{action}Result"))),
                None => root,
            };
            let metadata = Xml::new("ResponseMetadata").with_text("RequestId", question.request_id);
            Answer::xml(200, root.with(metadata).to_string(), noted)
        }
        Err(fault) => {
            let explained = fault.refusal.as_deref().filter(|_| question.endpoint.explains());
            let world = question.endpoint.world();
            let explanation = explained
                .map(|(request, decision)| super::explain::control(&world, request, decision))
                .or_else(|| (fault.status >= 500).then(|| fault.message.clone()));
            let noted = Noted { error: Some(fault.code), explanation, ..noted };
            let body = error_body(space, fault.code, &fault.message, question.request_id);
            Answer::xml(fault.status, body, noted)
        }
    }
}

/// The body of a failure.
pub(super) fn error_body(space: &str, code: &str, message: &str, request_id: &str) -> String {
    let error = Xml::new("Error")
        .with_text("Type", "Sender")
        .with_text("Code", code)
        .with_text("Message", message);
    let root = Xml::new("ErrorResponse").with_attribute("xmlns", space);
    root.with(error).with_text("RequestId", request_id).to_string()
}

/// The name space where it is not known for which service a request was signed.
pub(super) fn default_name_space() -> &'static str {
    name_space("sts")
}

impl Question<'_> {
    /// A parameter that must be there.
    fn needed(&self, name: &str) -> Result<&str, QueryFault> {
        self.form.get(name).ok_or_else(|| QueryFault::missing(name))
    }

    /// That every permission that a call needs is allowed, with what `context` has beside its parameters.
    fn authorize(
        &self,
        call: &Call,
        world: &Inventory,
        context: &Context,
    ) -> Result<(), QueryFault> {
        let asks = call.asks(&self.who.caller, world, context);
        asks.into_iter().try_for_each(|ask| match ask {
            Ask::Control(request) => self.allowed(request, world),
            // No call of STS or IAM needs a permission of KMS.
            Ask::Kms(_) => Ok(()),
        })
    }

    /// That one permission is allowed.
    fn allowed(&self, mut request: ControlRequest, world: &Inventory) -> Result<(), QueryFault> {
        request.session_policies = self.who.policies();
        let decision = crate::eval::reference::Reference::new(world).evaluate_control(&request);
        if decision.is_allowed() {
            return Ok(());
        }
        let message = format!(
            "User: {} is not authorized to perform: {} on resource: {}{}",
            request.caller,
            request.action,
            request.resource,
            super::explain::because(&decision, request.action.as_str()),
        );
        let mut fault = QueryFault::new(403, "AccessDenied", message);
        fault.refusal = Some(Box::new((request, decision)));
        Err(fault)
    }
}
