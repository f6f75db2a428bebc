//! The exception of a Deny is written so that no request ever satisfies it.

use globset::GlobBuilder;

use crate::aws::{AccountId, Arn};
use crate::inventory::{Identity, Inventory};
use crate::policy::{Comparison, Condition, Polarity, PolicyKind, Principal, Statement};

use super::audience::is_whole;
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
            let by_condition = statement
                .conditions
                .iter()
                .find_map(|condition| by_condition(scope.world, condition));
            let Some((names, why)) = by_condition.or_else(|| by_principal(scope.world, statement))
            else {
                continue;
            };
            let message =
                format!("a Deny of {} spares nobody: {} ({why})", document.name, list(&names));
            let mut report = sink
                .report(&*document.subject, message)
                .statement(document.document, index, "denies this to everyone, the exception included")
                .help(
                    "name the role itself: `arn:aws:iam::ACCOUNT:role/PATH/NAME` in aws:PrincipalArn, \
                     path included, whatever its sessions are called",
                );
            if let Some(key) = document.key {
                report = report.key(&key.arn);
            }
            report.done();
        }
    }
}

/// The values of a negated condition, where none of them can ever be, and why.
fn by_condition(world: &Inventory, condition: &Condition) -> Option<(Vec<String>, &'static str)> {
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
    let never: fn(&Inventory, &str, bool) -> Option<&'static str> =
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
        why = never(world, text, is_pattern)?;
        names.push(format!("`{text}`"));
    }
    Some((names, why))
}

/// Why aws:PrincipalArn is never this; nothing where it can be.
fn never_an_arn(world: &Inventory, text: &str, is_pattern: bool) -> Option<&'static str> {
    let has_wildcard = is_pattern && text.contains(['*', '?']);
    let arn = match Arn::parse(text) {
        Some(arn) => arn,
        None if has_wildcard => return None,
        None => return Some("no ARN"),
    };
    if arn.service == "sts" && arn.resource.starts_with("assumed-role/") {
        return Some("the ARN of a session, where aws:PrincipalArn is that of its role");
    }
    if arn.service != "iam" && !(has_wildcard && arn.service.contains(['*', '?', 's'])) {
        return Some("no ARN of a principal");
    }
    let of_identities = ["role/", "user/"].iter().any(|kind| arn.resource.starts_with(kind));
    let account = AccountId::parse(arn.account);
    let is_known = account.map_or_else(|| is_whole(world), |account| world.is_complete(account));
    if arn.service != "iam" || !of_identities || !is_known {
        return None;
    }
    let accounts = world.accounts.values().filter(|it| account.is_none_or(|one| one == it.id));
    let mut identities = accounts.flat_map(|account| account.identities.values());
    let exists = if has_wildcard {
        let pattern: String = text.chars().flat_map(escaped).collect();
        let glob = GlobBuilder::new(&pattern).backslash_escape(true).build().ok()?;
        let glob = glob.compile_matcher();
        identities.any(|identity| glob.is_match(&*identity.arn))
    } else {
        identities.any(|identity| identity.arn.eq_ignore_ascii_case(text))
    };
    (!exists).then_some("the ARN of nobody")
}

/// What a character is in a glob, where `*` and `?` alone mean more.
fn escaped(character: char) -> Vec<char> {
    match character {
        '[' | ']' | '{' | '}' | '\\' | '!' => vec!['\\', character],
        _ => vec![character],
    }
}

/// Why aws:userid is never this; nothing where it can be.
fn never_a_user_id(world: &Inventory, text: &str, is_pattern: bool) -> Option<&'static str> {
    if Arn::parse(text).is_some() {
        return Some("an ARN, not an id");
    }
    let id = text.split(':').next().unwrap_or(text);
    if is_pattern && id.contains(['*', '?']) {
        return None;
    }
    if id.starts_with("AROA") && !text.contains(':') {
        return Some("an id without the session's name behind a colon");
    }
    if !is_whole(world) || !(id.starts_with("AROA") || id.starts_with("AIDA")) {
        return None;
    }
    let all = || world.accounts.values().flat_map(|account| account.identities.values());
    let unknown = |identity: &Identity| identity.unique_id.as_deref().is_none_or(|it| it == id);
    (!all().any(unknown)).then_some("the id of nobody")
}

/// Why aws:PrincipalAccount is never this; nothing where it can be.
fn never_an_account(_: &Inventory, text: &str, is_pattern: bool) -> Option<&'static str> {
    let has_wildcard = is_pattern && text.contains(['*', '?']);
    (!has_wildcard && AccountId::parse(text).is_none()).then_some("no id of an account")
}

/// The principals of a `NotPrincipal`, where none of them is anybody, and why.
fn by_principal(world: &Inventory, statement: &Statement) -> Option<(Vec<String>, &'static str)> {
    let element = statement.principal.as_ref().filter(|it| it.polarity == Polarity::IsNot)?;
    let is_nobody = |principal: &Principal| match principal {
        Principal::User(arn) | Principal::Role(arn) => never_an_arn(world, arn, false).is_some(),
        Principal::Invalid(_) | Principal::CanonicalUser(_) => true,
        _ => false,
    };
    let dead =
        !element.entries.is_empty() && element.entries.iter().all(|entry| is_nobody(&entry.value));
    let names = element.entries.iter().map(|entry| format!("`{}`", entry.value.text()));
    dead.then(|| (names.collect(), "the ARN of nobody"))
}
