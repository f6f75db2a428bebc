//! An account outside reaches keys by assuming a role of ours.

use std::collections::BTreeSet;

use crate::aws::{AccountId, Arn};
use crate::inventory::Identity;
use crate::policy::{Condition, Polarity, Principal, Statement};

use super::controllers::{REVEAL, list};
use super::report::Sink;
use super::role_trust::{covers, is_firm, may_keep_out, role_of, told};
use super::{Documented, Rule, Scope};

/// The action by which principals of accounts become a role, in lower case.
const ASSUME_ROLE: &str = "sts:assumerole";

/// See the rule's page.
pub(super) struct ExternalRoleChainToKey;

impl Rule for ExternalRoleChainToKey {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let Some(role) = role_of(scope, document) else { return };
        let statements = &document.document.policy().statements;
        if statements.iter().any(|one| may_keep_out(one, ASSUME_ROLE)) {
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
    if !statement.allows() || !covers(statement, ASSUME_ROLE) || pins(scope, statement) {
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

/// Whether a condition keeps everybody out who is not of ours.
fn pins(scope: &Scope<'_>, statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| pins_callers(scope, condition))
}

fn pins_callers(scope: &Scope<'_>, condition: &Condition) -> bool {
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
    is_firm(condition)
        && condition.values.iter().all(|value| value.value.text().is_some_and(is_ours))
}

fn of_organization(scope: &Scope<'_>, id: &str) -> bool {
    let own = scope.world.organization.as_ref().and_then(|one| one.id.as_deref());
    own == Some(id) || scope.settings.trusted_organizations.contains(id)
}

fn tell(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    index: usize,
    role: &Identity,
    admitted: &BTreeSet<String>,
    sink: &mut Sink<'_>,
) {
    let who = if admitted.contains("*") {
        "any account".to_owned()
    } else {
        let accounts: Vec<String> = admitted.iter().map(|one| format!("account {one}")).collect();
        list(&accounts)
    };
    if let Some(report) = told(scope, sink, (document, index), role, &who, &REVEAL) {
        report
            .help(
                "narrow what the role may do with keys, or whom it trusts; sts:ExternalId helps \
                 against a confused deputy only",
            )
            .done();
    }
}
