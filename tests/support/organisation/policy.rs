//! Policy statements and documents, members in the order people write them.

use super::json::{Json, object};

/// A statement under construction; its resource is `*` until it is said otherwise.
pub struct Statement {
    sid: Option<String>,
    effect: &'static str,
    principal: Option<(&'static str, Json)>,
    action: (&'static str, Json),
    resource: Option<(&'static str, Json)>,
    condition: Option<Json>,
}

/// An Allow of some actions.
pub fn allow(action: impl Into<Json>) -> Statement {
    Statement::new("Allow", "Action", action.into())
}

/// An Allow of everything but some actions.
pub fn allow_all_but(action: impl Into<Json>) -> Statement {
    Statement::new("Allow", "NotAction", action.into())
}

/// A Deny of some actions.
pub fn deny(action: impl Into<Json>) -> Statement {
    Statement::new("Deny", "Action", action.into())
}

/// A Deny of everything but some actions.
pub fn deny_all_but(action: impl Into<Json>) -> Statement {
    Statement::new("Deny", "NotAction", action.into())
}

/// An Allow in a trust policy, which has no resource.
pub fn trust(principal: Json, action: impl Into<Json>) -> Statement {
    Statement { resource: None, ..allow(action).to(principal) }
}

/// The `Principal` of one or several ARNs or account ids.
pub fn aws(principals: Vec<String>) -> Json {
    object! { "AWS": Json::one_or_many(principals) }
}

/// A document of the current version.
pub fn document(statements: Vec<Statement>) -> Json {
    object! { "Version": "2012-10-17", "Statement": statements }
}

/// A document with an `Id`, as KMS and its console write key policies.
pub fn named_document(id: &str, statements: Vec<Statement>) -> Json {
    object! { "Version": "2012-10-17", "Id": id, "Statement": statements }
}

/// A document of the old version, in which variables are ordinary text.
pub fn old_document(statement: Statement) -> Json {
    object! { "Version": "2008-10-17", "Statement": [statement] }
}

impl Statement {
    fn new(effect: &'static str, member: &'static str, action: Json) -> Self {
        Self {
            sid: None,
            effect,
            principal: None,
            action: (member, action),
            resource: Some(("Resource", "*".into())),
            condition: None,
        }
    }

    /// Names the statement.
    pub fn sid(self, sid: impl Into<String>) -> Self {
        Self { sid: Some(sid.into()), ..self }
    }

    /// Sets its `Principal`.
    pub fn to(self, principal: impl Into<Json>) -> Self {
        Self { principal: Some(("Principal", principal.into())), ..self }
    }

    /// Sets its `NotPrincipal`.
    pub fn except(self, principal: impl Into<Json>) -> Self {
        Self { principal: Some(("NotPrincipal", principal.into())), ..self }
    }

    /// Sets its `Resource`.
    pub fn on(self, resource: impl Into<Json>) -> Self {
        Self { resource: Some(("Resource", resource.into())), ..self }
    }

    /// Sets its `NotResource`.
    pub fn on_all_but(self, resource: impl Into<Json>) -> Self {
        Self { resource: Some(("NotResource", resource.into())), ..self }
    }

    /// Sets its `Condition`.
    pub fn when(self, condition: Json) -> Self {
        Self { condition: Some(condition), ..self }
    }
}

impl From<Statement> for Json {
    fn from(statement: Statement) -> Self {
        let mut json = object! {};
        if let Some(sid) = statement.sid {
            json.push("Sid", sid);
        }
        json.push("Effect", statement.effect);
        for (name, value) in statement.principal.into_iter().chain([statement.action]) {
            json.push(name, value);
        }
        if let Some((name, value)) = statement.resource {
            json.push(name, value);
        }
        if let Some(condition) = statement.condition {
            json.push("Condition", condition);
        }
        json
    }
}
