//! An account outside reaches keys by assuming a role of ours.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet, Arn, KmsAction};
use crate::decision::{Caller, Cell};
use crate::inventory::{Identity, Key};
use crate::policy::{
    Comparison, Condition, Polarity, PolicyKind, Principal, Quantifier, Statement,
};

use super::controllers::{REVEAL, list};
use super::report::Sink;
use super::{Documented, Rule, Scope, short_name};

/// See the rule's page.
pub(super) struct ExternalRoleChainToKey;

impl Rule for ExternalRoleChainToKey {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.document.kind != PolicyKind::Trust {
            return;
        }
        let role = document.subject.strip_suffix("/trust");
        let Some(role) = role.and_then(|arn| scope.world.identity(arn)) else { return };
        let statements = &document.document.policy().statements;
        if statements.iter().any(may_keep_out) {
            return;
        }
        for (index, statement) in statements.iter().enumerate() {
            let admitted = admitted(scope, statement);
            if !admitted.is_empty() {
                tell(scope, document, index, role, &admitted, sink);
            }
        }
    }
}

/// Who of outside may assume the role: accounts by their ids, `*` for any account.
fn admitted(scope: &Scope<'_>, statement: &Statement) -> BTreeSet<String> {
    let element = statement.principal.as_ref().filter(|one| one.polarity == Polarity::Is);
    if !statement.allows() || !assumes(statement) || pins(scope, statement) {
        return BTreeSet::new();
    }
    let outside = |principal: &Principal| match principal {
        Principal::Anyone => Some("*".to_owned()),
        named => {
            let account = account_of(named)?;
            (!scope.is_trusted(account)).then(|| account.to_string())
        }
    };
    let entries = element.into_iter().flat_map(|one| &one.entries);
    entries.filter_map(|entry| outside(&entry.value)).collect()
}

fn account_of(principal: &Principal) -> Option<AccountId> {
    match principal {
        Principal::Account { account, .. } => Some(*account),
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => AccountId::parse(Arn::parse(arn)?.account),
        _ => None,
    }
}

/// Whether the statement is a Deny that could be meant for outsiders: it is not weighed whom it spares.
fn may_keep_out(statement: &Statement) -> bool {
    let action = statement.action.as_ref();
    statement.denies()
        && (assumes(statement) || action.is_some_and(|one| one.polarity == Polarity::IsNot))
}

/// Whether the statement covers sts:AssumeRole.
fn assumes(statement: &Statement) -> bool {
    const WANTED: &str = "sts:assumerole";
    let element = statement.action.as_ref().filter(|one| one.polarity == Polarity::Is);
    let mut texts =
        element.into_iter().flat_map(|one| &one.values).filter_map(|one| one.value.text());
    texts.any(|text| {
        let text = text.to_ascii_lowercase();
        text.split_once('*').map_or(text == WANTED, |(head, _)| WANTED.starts_with(head))
    })
}

/// Whether a condition keeps everybody out who is not of ours.
fn pins(scope: &Scope<'_>, statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| pins_callers(scope, condition))
}

fn pins_callers(scope: &Scope<'_>, condition: &Condition) -> bool {
    let operator = condition.operator.value;
    let compares = matches!(
        operator.comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::ArnLike
    );
    let is_ours = |text: &str| match &*condition.key.value.to_ascii_lowercase() {
        "aws:principalorgid" => of_organization(scope, text),
        "aws:principalorgpaths" => of_organization(scope, text.split('/').next().unwrap_or(text)),
        "aws:principalaccount" => {
            AccountId::parse(text).is_some_and(|account| scope.is_trusted(account))
        }
        "aws:principalarn" => {
            let account = Arn::parse(text).and_then(|arn| AccountId::parse(arn.account));
            account.is_some_and(|account| scope.is_trusted(account))
        }
        _ => false,
    };
    let is_firm = operator.polarity == Polarity::Is
        && operator.quantifier != Some(Quantifier::ForAllValues)
        && !operator.if_exists;
    compares
        && is_firm
        && condition.values.iter().all(|value| value.value.text().is_some_and(is_ours))
}

fn of_organization(scope: &Scope<'_>, id: &str) -> bool {
    let own = scope.world.organization.as_ref().and_then(|one| one.id.as_deref());
    own == Some(id) || scope.settings.trusted_organizations.contains(id)
}

/// The keys with which the role surely decrypts, signs or the like, and an action of the first.
fn reached<'a>(scope: &Scope<'a>, role: &Caller) -> Vec<(&'a Key, KmsAction)> {
    let wanted: ActionSet = REVEAL.into_iter().collect();
    let keys = scope.world.keys.values().map(std::sync::Arc::as_ref);
    let action = |key: &Key| {
        let held = scope.reach.holding(role, &key.arn, wanted).sure;
        REVEAL.into_iter().find(|action| held.contains(*action))
    };
    keys.filter(|key| !key.is_aws_managed()).filter_map(|key| Some((key, action(key)?))).collect()
}

fn tell(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    index: usize,
    role: &Identity,
    admitted: &BTreeSet<String>,
    sink: &mut Sink<'_>,
) {
    let Some(caller) = Caller::parse(&role.arn) else { return };
    let keys = reached(scope, &caller);
    let Some((key, action)) = keys.first() else { return };
    let who = if admitted.contains("*") {
        "any account".to_owned()
    } else {
        let accounts: Vec<String> = admitted.iter().map(|one| format!("account {one}")).collect();
        list(&accounts)
    };
    let names: Vec<String> = keys.iter().map(|(key, _)| scope.world.shown_key(key)).collect();
    let message =
        format!("{who} may become {} and gain {action} on {}", short_name(role), list(&names));
    let cell = Cell { principal: caller, key: key.arn.clone(), action: *action };
    let verdict = scope.reach.verdict(&cell);
    sink.report(&*document.subject, message)
        .statement(document.document, index, "lets principals outside assume the role")
        .principals([role.arn.to_string()])
        .witness(verdict.witness())
        .help(
            "narrow what the role may do with keys, or whom it trusts; sts:ExternalId helps against \
             a confused deputy only",
        )
        .done();
}
