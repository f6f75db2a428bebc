//! An account outside reaches keys by assuming a role of ours.

use std::collections::BTreeSet;

use crate::aws::pattern::is_pattern;
use crate::aws::{AccountId, ActionSet, Arn, KmsAction};
use crate::decision::Allowing;
use crate::inventory::{Identity, Key};
use crate::policy::{Condition, Polarity, Principal, Statement, Value};
use crate::syntax::is_of_deployment;

use super::controllers::{REVEAL, list};
use super::outsiders::{allowed_abroad, means_everyone, of_stranger, outsiders};
use super::report::Sink;
use super::role_trust::{covers, is_firm, may_keep_out, role_of, told};
use super::{Documented, KeyScope, Rule, Scope};

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
            if let Some(admitted) = Admitted::by(scope, statement) {
                tell(scope, (document, index), role, &admitted, sink);
            }
        }
    }
}

/// Who of outside may assume the role.
struct Admitted {
    /// Accounts by their ids; nothing stands for any account.
    accounts: BTreeSet<Option<AccountId>>,
    /// The organizations of which they have to be, where a condition names some.
    organizations: BTreeSet<String>,
}

impl Admitted {
    /// Whom a statement admits; nothing where it is nobody of outside.
    fn by(scope: &Scope<'_>, statement: &Statement) -> Option<Self> {
        let element = statement.principal.as_ref().filter(|one| one.polarity == Polarity::Is)?;
        if !statement.allows() || !covers(statement, ASSUME_ROLE) || pins(scope, statement) {
            return None;
        }
        let outside = |principal: &Principal| match principal {
            Principal::Anyone => Some(None),
            named => account_of(named).filter(|account| !scope.is_trusted(*account)).map(Some),
        };
        let accounts = element.entries.iter().filter_map(|entry| outside(&entry.value)).collect();
        let admitted = Self { accounts, organizations: organizations(statement) };
        (!admitted.accounts.is_empty()).then_some(admitted)
    }

    fn words(&self) -> String {
        if !self.accounts.contains(&None) {
            let accounts = self.accounts.iter().flatten();
            return list(&accounts.map(|one| format!("account {one}")).collect::<Vec<_>>());
        }
        let organizations: Vec<String> = self.organizations.iter().cloned().collect();
        match organizations.is_empty() {
            true => "any account".to_owned(),
            false => format!("any account of {}", list(&organizations)),
        }
    }

    /// Whether the policy of a key lets all of them in: then that is told of the key.
    fn are_let_in(&self, scope: &KeyScope<'_>, action: KmsAction) -> bool {
        let Some(document) = &scope.key.policy else { return false };
        let mut let_in = BTreeSet::new();
        for (index, statement) in document.policy().statements.iter().enumerate() {
            let wanted = allowed_abroad(scope, statement).intersection(ActionSet::of(action));
            if wanted.is_empty() {
                continue;
            }
            if means_everyone(statement)
                && !of_stranger(scope, document, index, wanted).free.is_empty()
            {
                return true;
            }
            let allowing = Allowing::Statement(document, index);
            let outsiders = outsiders(scope, statement).into_keys();
            let met = outsiders.filter(|one| !scope.fates(one, allowing, wanted).free.is_empty());
            let_in.extend(met.map(|one| one.account));
        }
        self.accounts.is_subset(&let_in)
    }
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
    let key = condition.key.value.to_ascii_lowercase();
    // What is not known may be ours, as far as its shape goes: nothing is told for it.
    let may_be_ours = |value: &Value| match value {
        Value::Text(text) => is_ours(scope, &key, text, false),
        // Another reading of a value that counts itself.
        Value::Unresolved(open) if is_of_deployment(&open.expression) => true,
        Value::Unresolved(open) => {
            !names_any_account(&open.expression) && is_ours(scope, &key, &open.shape, true)
        }
    };
    is_firm(condition) && condition.values.iter().all(|value| may_be_ours(&value.value))
}

/// Whether an expression of an ARN writes a pattern for its account, whatever else is not known of it.
fn names_any_account(expression: &str) -> bool {
    let is_pattern = |text: &str| text.bytes().all(|byte| matches!(byte, b'*' | b'?'));
    Arn::parse(expression).is_some_and(|arn| !arn.account.is_empty() && is_pattern(arn.account))
}

/// Whether a value of a condition on `key` names us alone; a shape, whether it could.
fn is_ours(scope: &Scope<'_>, key: &str, text: &str, is_shape: bool) -> bool {
    let is_open = |part: &str| is_shape && is_pattern(part);
    let account = |text: &str| {
        is_open(text) || AccountId::parse(text).is_some_and(|account| scope.is_trusted(account))
    };
    let organization = |text: &str| is_open(text) || of_organization(scope, text);
    match key {
        "aws:principalorgid" => organization(text),
        "aws:principalorgpaths" => organization(text.split('/').next().unwrap_or(text)),
        "aws:principalaccount" => account(text),
        "aws:principalarn" => match Arn::parse(text) {
            Some(arn) => account(arn.account),
            None => is_open(text),
        },
        _ => false,
    }
}

fn of_organization(scope: &Scope<'_>, id: &str) -> bool {
    let own = scope.world.organization.as_ref().and_then(|one| one.id.as_deref());
    own == Some(id) || scope.settings.trusted_organizations.contains(id)
}

/// The organizations of which callers have to be by some condition of a statement.
fn organizations(statement: &Statement) -> BTreeSet<String> {
    let named = |condition: &Condition| -> Option<BTreeSet<String>> {
        let key = condition.key.value.to_ascii_lowercase();
        let of_organization = ["aws:principalorgid", "aws:principalorgpaths"];
        let is_one = is_firm(condition) && of_organization.contains(&&*key);
        let texts = condition.values.iter().filter(|_| is_one).map(|value| {
            let id = value.value.text()?.split('/').next()?;
            (!is_pattern(id)).then(|| id.to_owned())
        });
        texts.collect()
    };
    statement.conditions.iter().filter_map(named).find(|ids| !ids.is_empty()).unwrap_or_default()
}

fn tell(
    scope: &Scope<'_>,
    at: (&Documented<'_>, usize),
    role: &Identity,
    admitted: &Admitted,
    sink: &mut Sink<'_>,
) {
    let is_told = |key: &Key, action| !admitted.are_let_in(&KeyScope::new(scope, key), action);
    let who = admitted.words();
    if let Some(mut report) = told(scope, sink, at, role, (&who, &REVEAL), &is_told) {
        // Which organization is ours nothing says: it may be this one.
        let own = scope.world.organization.as_ref().and_then(|one| one.id.as_deref());
        if own.is_none() && !admitted.organizations.is_empty() {
            report = report.facet("organization");
        }
        report
            .help(
                "narrow what the role may do with keys, or whom it trusts; sts:ExternalId helps \
                 against a confused deputy only",
            )
            .done();
    }
}
