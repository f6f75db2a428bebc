//! What a request has besides its parameters: where it comes from, when, and in which session.

use jiff::Timestamp;

use crate::decision::Context;
use crate::inventory::Inventory;

use super::who::Who;

/// The condition keys that the wire and the session give. The endpoint stands for one that speaks TLS.
pub(super) fn of(
    who: &Who,
    world: &Inventory,
    region: &str,
    user_agent: Option<&str>,
    now: Timestamp,
) -> Context {
    let mut context = Context::default();
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let instants = [
        ("aws:SecureTransport", "true".to_owned()),
        ("aws:SourceIp", "127.0.0.1".to_owned()),
        ("aws:ViaAWSService", "false".to_owned()),
        ("aws:CurrentTime", now.to_string()),
        ("aws:EpochTime", now.as_second().to_string()),
        ("aws:RequestedRegion", region.to_owned()),
        ("aws:userid", who.user_id(world)),
    ];
    instants.iter().for_each(|(name, value)| context.set_one(name, value));
    if let Some(agent) = user_agent {
        context.set_one("aws:UserAgent", agent);
    }
    for name in ["kms:ViaService", "aws:CalledVia*", "aws:SourceVpc", "aws:SourceVpce"] {
        context.set_absent(name);
    }
    if let Some(session) = &who.session {
        context.set_one("aws:MultiFactorAuthPresent", "false");
        let issued = session.issued.and_then(|at| Timestamp::from_second(at).ok());
        context.set_one("aws:TokenIssueTime", &issued.unwrap_or(now).to_string());
        for (key, value) in &session.tags {
            context.set_one(&format!("aws:PrincipalTag/{key}"), value);
        }
        if let Some(source) = &session.source_identity {
            context.set_one("aws:SourceIdentity", source);
        }
    }
    context
}
