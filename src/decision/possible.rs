//! Whether AWS could send a context: the facts that link condition keys to each other, to the action and
//! to the caller. A fact stands here only with its rule; one that is left out makes more possible.

use crate::aws::carried;

use super::{CallerKind, Context, ContextValue, Request};

/// Whether AWS could send `request` with its context.
pub fn is_possible(request: &Request) -> bool {
    let context = &request.context;
    let keys_accompany = context.entries().all(|entry| carried(request.action, &entry.name));
    keys_accompany
        && path_is_possible(request)
        && network_is_possible(context)
        && session_is_possible(request)
}

/// Makes `context` whole: what follows from the keys it has is set, so that the request reads as AWS
/// would send it (rules C52, C53, C66, G53, U5).
pub fn completed(mut request: Request, region: &str) -> Request {
    let context = &mut request.context;
    let for_resource = is(context, "kms:GrantIsForAWSResource", "true");
    let service_call = request.caller.kind == CallerKind::Service;
    // Rule G53: only a service in between sets it.
    if for_resource && context.get("kms:ViaService").is_none() && !service_call {
        context.set_one("kms:ViaService", &format!("ec2.{region}.amazonaws.com"));
    }
    // Rule U5.
    if context.get("kms:ViaService").is_some() && context.get("aws:ViaAWSService").is_none() {
        context.set_one("aws:ViaAWSService", "true");
    }
    request
}

fn is(context: &Context, name: &str, wanted: &str) -> bool {
    context.get(name).is_some_and(|entry| {
        matches!(&entry.value, ContextValue::One(value) if value.eq_ignore_ascii_case(wanted))
    })
}

fn has(context: &Context, name: &str) -> bool {
    context.get(name).is_some()
}

/// Service calls, FAS calls and direct calls (rules C53, C66, E40 to E43, G53).
fn path_is_possible(request: &Request) -> bool {
    let context = &request.context;
    let via = has(context, "kms:ViaService");
    let service_call = request.caller.kind == CallerKind::Service;
    if service_call && via {
        // Rule C53.
        return false;
    }
    // Rules U4, U5: a FAS call says so; a direct one does not.
    if via && is(context, "aws:ViaAWSService", "false") {
        return false;
    }
    if !via && !service_call && is(context, "aws:ViaAWSService", "true") {
        return false;
    }
    // Rule G53.
    if !via && !service_call && is(context, "kms:GrantIsForAWSResource", "true") {
        return false;
    }
    // Rule U4: what only a service in between or a service call sets.
    const SET_BY_SERVICES: [&str; 8] = [
        "aws:CalledVia",
        "aws:CalledViaFirst",
        "aws:CalledViaLast",
        "aws:SourceArn",
        "aws:SourceAccount",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:SourceOwner",
    ];
    via || service_call || !SET_BY_SERVICES.iter().any(|name| has(context, name))
}

/// Rule C50: through a VPC endpoint or from an address, never both; section 2.5: KMS speaks TLS only.
fn network_is_possible(context: &Context) -> bool {
    const OF_ENDPOINTS: [&str; 7] = [
        "aws:SourceVpc",
        "aws:SourceVpcArn",
        "aws:SourceVpce",
        "aws:VpcSourceIp",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:VpceOrgPaths",
    ];
    let through_endpoint = OF_ENDPOINTS.iter().any(|name| has(context, name));
    let secure = !has(context, "aws:SecureTransport") || is(context, "aws:SecureTransport", "true");
    secure && !(through_endpoint && has(context, "aws:SourceIp"))
}

/// Section 2.5: what sessions carry and long-term credentials do not.
fn session_is_possible(request: &Request) -> bool {
    let context = &request.context;
    let mfa = has(context, "aws:MultiFactorAuthPresent");
    match request.caller.kind {
        // Service calls carry none; rule C67 speaks of FAS calls, which are the caller's own.
        CallerKind::Service => !mfa && !has(context, "aws:MultiFactorAuthAge"),
        // A user's long-term key carries none; its FAS calls carry the key as false (rule C67).
        CallerKind::User | CallerKind::Root => {
            let age_without_mfa = has(context, "aws:MultiFactorAuthAge")
                && !is(context, "aws:MultiFactorAuthPresent", "true");
            !age_without_mfa
        }
        _ => true,
    }
}
