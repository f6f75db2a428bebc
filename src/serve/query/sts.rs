//! STS: who am I, and sessions of roles.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::aws::{AccountId, Identity as Named, identity};
use crate::decision::{CallerKind, ContextValue};
use crate::graph::Call;
use crate::inventory::{Inventory, ManagedPolicy};
use crate::policy::{Gravity, PolicyKind};
use crate::serve::who::{Session, Who, policy};

use super::{QueryFault, Question, Xml};

/// Limits of the page "AssumeRole".
const POLICY_CHARACTERS: usize = 2048;
const MANAGED_POLICIES: usize = 10;
const TAGS: usize = 50;
const NAME: usize = 64;
const EXTERNAL_ID: usize = 1224;
const SECONDS: std::ops::RangeInclusive<i64> = 900..=43_200;
/// How long a session may last that another session makes.
const CHAINED_SECONDS: i64 = 3600;

/// GetCallerIdentity, which needs no permission.
pub(super) fn get_caller_identity(question: &Question<'_>) -> Option<Xml> {
    let world = question.endpoint.world();
    let who = question.who;
    let account = who.caller.account.map(|account| account.to_string()).unwrap_or_default();
    Some(
        Xml::new("Result")
            .with_text("Arn", &who.caller.text)
            .with_text("UserId", &who.user_id(&world))
            .with_text("Account", &account),
    )
}

/// AssumeRole (rules T3 to T7): the trust policy and the caller's own must allow it; session tags and a
/// source identity are permissions of their own.
pub(super) fn assume_role(question: &Question<'_>) -> Result<Option<Xml>, QueryFault> {
    let world = question.endpoint.world();
    if question.who.caller.kind == CallerKind::Root {
        let message = "Roles may not be assumed by root accounts.";
        return Err(QueryFault::new(403, "AccessDenied", message));
    }
    let (session, given) = requested(question, &world)?;
    let mut context = question.context.clone();
    context.set_one("sts:RoleSessionName", &session.name);
    if let Some(id) = question.form.get("ExternalId") {
        context.set_one("sts:ExternalId", id);
    }
    if let Some(source) = question.form.get("SourceIdentity") {
        context.set_one("sts:SourceIdentity", source);
    }
    if !session.transitive.is_empty() {
        let keys = session.transitive.iter().map(|key| key.as_str().into()).collect();
        context.set("sts:TransitiveTagKeys", ContextValue::Many(keys));
    }
    let tags = given.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into()));
    let call = Call::AssumeRole { role: session.role.as_str().into(), tags: tags.collect() };
    question.authorize(&call, &world, &context)?;
    lasts(&world, &session)?;
    Ok(Some(granted(question, &world, session)))
}

/// What the session is told as.
fn granted(question: &Question<'_>, world: &Inventory, session: Session) -> Xml {
    let key = question.endpoint.credentials().of_session(&session);
    let expires = session.expires.and_then(|end| Timestamp::from_second(end).ok());
    let credentials = Xml::new("Credentials")
        .with_text("AccessKeyId", &key.id)
        .with_text("SecretAccessKey", &key.secret)
        .with_text("SessionToken", key.token.as_deref().unwrap_or_default())
        .with_text("Expiration", &expires.unwrap_or(question.now).to_string());
    let source = session.source_identity.clone();
    let arn = session.arn().unwrap_or_default();
    let id = Who::of_session(session).map(|who| who.user_id(world)).unwrap_or_default();
    let user = Xml::new("AssumedRoleUser").with_text("AssumedRoleId", &id).with_text("Arn", &arn);
    let result = Xml::new("Result").with(credentials).with(user);
    match source {
        Some(source) => result.with_text("SourceIdentity", &source),
        None => result,
    }
}

/// The session that is asked for, and the tags that the request itself gives.
fn requested(
    question: &Question<'_>,
    world: &Inventory,
) -> Result<(Session, BTreeMap<String, String>), QueryFault> {
    let role = question.needed("RoleArn")?.to_owned();
    let Some(Named::Role { account, .. }) = identity(&role) else {
        return Err(QueryFault::validation(format!("{role} is invalid")));
    };
    let name = question.needed("RoleSessionName")?.to_owned();
    named("roleSessionName", &name, NAME, "")?;
    if let Some(id) = question.form.get("ExternalId") {
        named("externalId", id, EXTERNAL_ID, ":/")?;
    }
    let before = question.who.session.as_deref();
    let given = tags(question)?;
    let (all, transitive) = inherited(question, before, &given)?;
    let asked = question.form.get("SourceIdentity").map(str::to_owned);
    if let Some(source) = &asked {
        named("sourceIdentity", source, NAME, "")?;
    }
    // Page "Monitor and control actions taken with assumed roles": it stays along a chain.
    let kept = before.and_then(|before| before.source_identity.clone());
    if let (Some(kept), Some(asked)) = (&kept, &asked)
        && kept != asked
    {
        let message = "A different SourceIdentity is already set in the calling session";
        return Err(QueryFault::new(403, "AccessDenied", message));
    }
    let now = question.now.as_second();
    let session = Session {
        policies: policies(question, world, account)?,
        tags: all,
        transitive,
        source_identity: kept.or(asked),
        issued: Some(now),
        expires: Some(now + seconds(question)?),
        role,
        name,
    };
    Ok((session, given))
}

fn seconds(question: &Question<'_>) -> Result<i64, QueryFault> {
    let text = question.form.get("DurationSeconds").unwrap_or("3600");
    let breaks = |must: &str| breaks("durationSeconds", text, must);
    let seconds: i64 = text.parse().map_err(|_| breaks("Member must be an integer"))?;
    let (least, most) = (SECONDS.start(), SECONDS.end());
    if seconds < *least {
        return Err(breaks(&format!("Member must have value greater than or equal to {least}")));
    }
    if seconds > *most {
        return Err(breaks(&format!("Member must have value less than or equal to {most}")));
    }
    if question.who.session.is_some() && seconds > CHAINED_SECONDS {
        return Err(QueryFault::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
             chaining.",
        ));
    }
    Ok(seconds)
}

/// That the role lets its sessions last so long; of a role whose maximum was not exported nobody knows.
fn lasts(world: &Inventory, session: &Session) -> Result<(), QueryFault> {
    let most = world.identity(&session.role).and_then(|role| role.max_session);
    let seconds = session.expires.zip(session.issued).map(|(end, begin)| end - begin);
    match most.zip(seconds) {
        Some((most, seconds)) if seconds > i64::from(most) => Err(QueryFault::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )),
        _ => Ok(()),
    }
}

/// That a member breaks a constraint.
fn breaks(member: &str, text: &str, must: &str) -> QueryFault {
    QueryFault::validation(format!(
        "1 validation error detected: Value '{text}' at '{member}' failed to satisfy constraint: {must}"
    ))
}

/// That a name has the length and the characters that STS takes; some have more than letters, digits and
/// these.
fn named(member: &str, text: &str, most: usize, more: &str) -> Result<(), QueryFault> {
    let known =
        |one: char| one.is_ascii_alphanumeric() || "_+=,.@-".contains(one) || more.contains(one);
    match text.chars().count() {
        0 | 1 => Err(breaks(member, text, "Member must have length greater than or equal to 2")),
        length if length > most => {
            let must = format!("Member must have length less than or equal to {most}");
            Err(breaks(member, text, &must))
        }
        _ if text.chars().all(known) => Ok(()),
        _ => {
            let must =
                format!("Member must satisfy regular expression pattern: [\\w+=,.@{more}-]*");
            Err(breaks(member, text, &must))
        }
    }
}

fn tags(question: &Question<'_>) -> Result<BTreeMap<String, String>, QueryFault> {
    let keys = question.form.members("Tags", "Key");
    let values = question.form.members("Tags", "Value");
    if keys.len() != values.len() {
        return Err(QueryFault::missing("tags.member.value"));
    }
    if keys.len() > TAGS {
        let message = format!("A session has at most {TAGS} tags");
        return Err(QueryFault::validation(message));
    }
    let mut tags = BTreeMap::new();
    for (key, value) in keys.iter().zip(values) {
        if tags.keys().any(|known: &String| known.eq_ignore_ascii_case(key)) {
            let message =
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(QueryFault::new(400, "InvalidParameterValue", message));
        }
        tags.insert((*key).to_owned(), value.to_owned());
    }
    Ok(tags)
}

/// The tags of the session with those that it inherits, and which of them it passes on (page "Pass
/// session tags in AWS STS", chaining roles).
fn inherited(
    question: &Question<'_>,
    before: Option<&Session>,
    given: &BTreeMap<String, String>,
) -> Result<(BTreeMap<String, String>, Vec<String>), QueryFault> {
    let mut all = given.clone();
    let mut transitive = Vec::new();
    for key in question.form.members("TransitiveTagKeys", "") {
        if !given.keys().any(|known| known.eq_ignore_ascii_case(key)) {
            let message = format!("The transitive tag key {key} is not among the tags");
            return Err(QueryFault::validation(message));
        }
        transitive.push(key.to_owned());
    }
    let passed = before.into_iter().flat_map(|before| {
        let passed =
            |key: &&String| before.transitive.iter().any(|passed| passed.eq_ignore_ascii_case(key));
        before.tags.iter().filter(move |(key, _)| passed(key))
    });
    for (key, value) in passed {
        if given.keys().any(|known| known.eq_ignore_ascii_case(key)) {
            let message = format!(
                "One of the specified transitive tag keys can't be set because it \
                                   conflicts with a transitive tag key from the calling session: {key}"
            );
            return Err(QueryFault::new(400, "InvalidParameterValue", message));
        }
        all.insert(key.clone(), value.clone());
        transitive.push(key.clone());
    }
    Ok((all, transitive))
}

/// The texts of the session policies: one that is given, and managed ones of the role's account.
fn policies(
    question: &Question<'_>,
    world: &Inventory,
    account: AccountId,
) -> Result<Vec<String>, QueryFault> {
    let mut texts = Vec::new();
    if let Some(text) = question.form.get("Policy") {
        if text.len() > POLICY_CHARACTERS {
            return Err(QueryFault::new(
                400,
                "PackedPolicyTooLarge",
                format!("A session policy has at most {POLICY_CHARACTERS} characters"),
            ));
        }
        texts.push(text.to_owned());
    }
    let arns = question.form.members("PolicyArns", "arn");
    if arns.len() > MANAGED_POLICIES {
        let message = format!("A session has at most {MANAGED_POLICIES} managed policies");
        return Err(QueryFault::validation(message));
    }
    for arn in arns {
        let document = world.managed_policy(account, arn).and_then(ManagedPolicy::document);
        let document = document.ok_or_else(|| {
            QueryFault::new(400, "InvalidParameterValue", format!("{arn} does not exist"))
        })?;
        texts.push(document.written().into_owned());
    }
    for text in &texts {
        let document = policy(PolicyKind::Session, text);
        let read = document.policy();
        if !read.readable || read.faults.iter().any(|it| it.gravity == Gravity::Malformed) {
            let message = "The policy is not in the valid JSON format.";
            return Err(QueryFault::new(400, "MalformedPolicyDocument", message));
        }
    }
    Ok(texts)
}
