//! The exception of a Deny is written so that no request ever satisfies it.

use crate::aws::pattern::takes;
use crate::aws::{AccountId, Arn};
use crate::inventory::{Identity, Inventory};
use crate::policy::{Comparison, Condition, Polarity, PolicyKind, Principal, Statement};

use super::audience::knows_all;
use super::controllers::list;
use super::report::Sink;
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct DenyExemptionNeverMatches;

impl Rule for DenyExemptionNeverMatches {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.document.kind == PolicyKind::Trust || document.is_written_by_aws() {
            return;
        }
        for (index, statement) in document.document.policy().statements.iter().enumerate() {
            let action = statement.action.as_ref().filter(|_| statement.denies());
            if action.is_none_or(|element| scope.reach.actions(element).is_empty()) {
                continue;
            }
            let seen = Seen { world: scope.world, document };
            let by_condition =
                statement.conditions.iter().find_map(|condition| by_condition(&seen, condition));
            let by_principal = || by_principal(&seen, statement);
            let follows: &[&'static str] = match by_condition.is_some() {
                true => &["deny-locks-out-everyone"],
                false => &["deny-locks-out-everyone", "unknown-principal"],
            };
            let Some((names, why)) = by_condition.or_else(by_principal) else {
                continue;
            };
            let message =
                format!("a Deny of {} spares nobody: {} ({why})", document.name, list(&names));
            let mut report = sink
                .report(&*document.subject, message)
                .statement(document.document, index, "denies this to everyone, the exception included")
                .help(match why {
                    NO_SESSION => {
                        "add `:*` to the id and compare with `StringNotLike`, or name the role itself \
                         in aws:PrincipalArn"
                    }
                    _ => {
                        "name the role itself: `arn:aws:iam::ACCOUNT:role/PATH/NAME` in \
                         aws:PrincipalArn, path included, whatever its sessions are called"
                    }
                })
                .explains_there(follows);
            if let Some(key) = document.key {
                report = report.key(&key.arn);
            }
            report.done();
        }
    }
}

/// Why the id of a role alone is never aws:userid (rule C45).
const NO_SESSION: &str = "an id without the session's name behind a colon";

/// A policy, and the world that it is read in.
struct Seen<'a> {
    world: &'a Inventory,
    document: &'a Documented<'a>,
}

/// The values of a negated condition, where none of them can ever be, and why.
fn by_condition(seen: &Seen<'_>, condition: &Condition) -> Option<(Vec<String>, &'static str)> {
    let operator = condition.operator.value;
    let is_pattern = match operator.comparison {
        Comparison::StringLike | Comparison::ArnLike => true,
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => false,
        _ => return None,
    };
    let is_exception = operator.polarity == Polarity::IsNot && operator.quantifier.is_none();
    if !is_exception || condition.values.is_empty() {
        return None;
    }
    let never: fn(&Seen<'_>, &str, bool) -> Option<&'static str> =
        match &*condition.key.value.to_ascii_lowercase() {
            "aws:principalarn" => never_an_arn,
            "aws:userid" => never_a_user_id,
            "aws:principalaccount" => never_an_account,
            _ => return None,
        };
    let mut names = Vec::new();
    let mut why = "";
    for value in &condition.values {
        let text = value.value.text().filter(|text| !text.contains("${"))?;
        why = never(seen, text, is_pattern)?;
        names.push(format!("`{text}`"));
    }
    Some((names, why))
}

/// Why aws:PrincipalArn is never this; nothing where it can be.
fn never_an_arn(seen: &Seen<'_>, text: &str, is_pattern: bool) -> Option<&'static str> {
    let has_wildcard = is_pattern && text.contains(['*', '?']);
    let arn = match Arn::parse(text) {
        Some(arn) => arn,
        None if has_wildcard => return None,
        None => return Some("no ARN"),
    };
    if arn.service == "sts" && arn.resource.starts_with("assumed-role/") {
        return Some("the ARN of a session, where aws:PrincipalArn is that of its role");
    }
    let is_of_principals = matches!(arn.service, "iam" | "sts") || arn.service.contains(['*', '?']);
    if !is_of_principals {
        return Some("no ARN of a principal");
    }
    let of_identities = ["role/", "user/"].iter().any(|kind| arn.resource.starts_with(kind));
    let account = AccountId::parse(arn.account);
    if arn.service != "iam" || !of_identities {
        return None;
    }
    let world = seen.world;
    let accounts = world.accounts.values().filter(|it| account.is_none_or(|one| one == it.id));
    let mut identities = accounts.flat_map(|account| account.identities.values());
    let exists = if has_wildcard {
        identities.any(|identity| takes(text, &identity.arn))
    } else {
        identities.any(|identity| identity.arn.eq_ignore_ascii_case(text))
    };
    let is_known = || match account {
        Some(account) => world.is_complete(account),
        None => knows_all(world, seen.document),
    };
    (!exists && is_known()).then_some("the ARN of nobody")
}

/// Why aws:userid is never this; nothing where it can be.
fn never_a_user_id(seen: &Seen<'_>, text: &str, is_pattern: bool) -> Option<&'static str> {
    if Arn::parse(text).is_some() {
        return Some("an ARN, not an id");
    }
    let id = text.split(':').next().unwrap_or(text);
    if is_pattern && id.contains(['*', '?']) {
        return None;
    }
    if id.starts_with("AROA") && !text.contains(':') {
        return Some(NO_SESSION);
    }
    if !(id.starts_with("AROA") || id.starts_with("AIDA")) {
        return None;
    }
    let world = seen.world;
    let mut all = world.accounts.values().flat_map(|account| account.identities.values());
    let unknown = |identity: &Identity| identity.unique_id.as_deref().is_none_or(|it| it == id);
    let is_nobodys = !all.any(unknown) && knows_all(world, seen.document);
    is_nobodys.then_some("the id of nobody")
}

/// Why aws:PrincipalAccount is never this; nothing where it can be.
fn never_an_account(_: &Seen<'_>, text: &str, is_pattern: bool) -> Option<&'static str> {
    let has_wildcard = is_pattern && text.contains(['*', '?']);
    (!has_wildcard && AccountId::parse(text).is_none()).then_some("no id of an account")
}

/// The principals of a `NotPrincipal`, where none of them is anybody, and why.
fn by_principal(seen: &Seen<'_>, statement: &Statement) -> Option<(Vec<String>, &'static str)> {
    let element = statement.principal.as_ref().filter(|it| it.polarity == Polarity::IsNot)?;
    let is_nobody = |principal: &Principal| match principal {
        Principal::User(arn) | Principal::Role(arn) => never_an_arn(seen, arn, false).is_some(),
        Principal::Invalid(_) | Principal::CanonicalUser(_) => true,
        _ => false,
    };
    let dead =
        !element.entries.is_empty() && element.entries.iter().all(|entry| is_nobody(&entry.value));
    let names = element.entries.iter().map(|entry| format!("`{}`", entry.value.text()));
    dead.then(|| (names.collect(), "the ARN of nobody"))
}
