//! A Deny with NotPrincipal stops those whom it lists.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Caller, CallerKind};
use crate::inventory::Edit;
use crate::policy::{Polarity, PolicyKind, Principal, PrincipalElement, Statement};

use super::controllers::{list, short};
use super::report::Sink;
use super::trust::performed;
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct DenyNotPrincipal;

impl Rule for DenyNotPrincipal {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.document.kind != PolicyKind::Key || document.is_written_by_aws() {
            return;
        }
        for statement in &document.document.policy().statements {
            let element = statement.principal.as_ref().filter(|_| statement.denies());
            if let Some(element) = element.filter(|one| one.polarity == Polarity::IsNot) {
                let lost = document.key.and_then(|key| {
                    let on_key = KeyScope::new(scope, key);
                    stopped(&on_key, document, statement, element)
                });
                tell(document, statement, element, lost, sink);
            }
        }
    }
}

/// Those whom the list means and the Deny stops, and what they would hold without it.
struct Stopped {
    who: BTreeSet<Caller>,
    actions: ActionSet,
}

/// Whom the list means and the Deny stops: they would hold without it what they cannot hold with it.
fn stopped(
    scope: &KeyScope<'_>,
    document: &Documented<'_>,
    statement: &Statement,
    element: &PrincipalElement,
) -> Option<Stopped> {
    let listed = Listed::of(element);
    let wanted = performed(scope, scope.scope.reach.actions(statement.action.as_ref()?));
    // How a list is read is an open point (O5): what is sure counts.
    let held = |caller: &Caller| scope.holding(caller, wanted).sure;
    // Nobody gains by the loss of a Deny who holds it all, or whom nothing else allows.
    let gains = |caller: &&Caller| !scope.opened(caller, wanted).minus(held(caller)).is_empty();
    let candidates: BTreeSet<&Caller> = listed.named.iter().filter(gains).collect();
    if candidates.is_empty() && listed.accounts.is_empty() {
        return None;
    }
    let edit =
        Edit::WithoutStatement { policy: document.document.place, statement: statement.span };
    let after = scope.scope.reach.holders_after(&edit, &scope.key.arn, wanted);
    let is_one = |caller: &Caller| candidates.contains(caller) || listed.has_account_of(caller);
    let mut found = Stopped { who: BTreeSet::new(), actions: ActionSet::EMPTY };
    for group in &after {
        for caller in group.who.iter().filter(|caller| is_one(caller)) {
            let lost = group.holds.sure.minus(held(caller));
            if !lost.is_empty() {
                found.actions = found.actions.union(lost);
                found.who.insert(caller.clone());
            }
        }
    }
    (!found.who.is_empty()).then_some(found)
}

/// Whom a list of principals means.
struct Listed {
    named: BTreeSet<Caller>,
    accounts: BTreeSet<AccountId>,
}

impl Listed {
    fn of(element: &PrincipalElement) -> Self {
        let mut listed = Self { named: BTreeSet::new(), accounts: BTreeSet::new() };
        for entry in &element.entries {
            match &entry.value {
                Principal::User(arn) | Principal::Role(arn) | Principal::AssumedRole(arn) => {
                    listed.named.extend(Caller::parse(arn));
                }
                Principal::Account { account, .. } => {
                    listed.accounts.insert(*account);
                }
                _ => {}
            }
        }
        // Beside a user or a role its account has to stand: then the account alone means nobody.
        let named = &listed.named;
        listed
            .accounts
            .retain(|account| !named.iter().any(|caller| caller.account == Some(*account)));
        listed
    }

    fn has_account_of(&self, caller: &Caller) -> bool {
        let is_identity = matches!(caller.kind, CallerKind::User | CallerKind::Role);
        is_identity && caller.account.is_some_and(|account| self.accounts.contains(&account))
    }
}

fn tell(
    document: &Documented<'_>,
    statement: &Statement,
    element: &PrincipalElement,
    stopped: Option<Stopped>,
    sink: &mut Sink<'_>,
) {
    let name = &document.name;
    let message = match &stopped {
        Some(stopped) => {
            let who: Vec<String> =
                stopped.who.iter().map(|caller| short(caller).to_owned()).collect();
            let actions: Vec<String> =
                stopped.actions.iter().map(|action| action.to_string()).collect();
            let (who, actions) = (list(&who), list(&actions));
            format!(
                "the Deny in {name} stops {who} from {actions}, though its NotPrincipal lists it"
            )
        }
        None => format!("{name} denies by NotPrincipal, which spares only who is listed in full"),
    };
    let mut report = sink
        .report(document.subject.as_str(), message)
        .of_statement(document.document, statement)
        .at(document.document.place, Some(element.span), "role, session and account are three")
        .help(
            "deny Principal `*` instead, with `ArnNotLike` on aws:PrincipalArn for those who are to \
             be spared: that matches a role by its own ARN, whatever its sessions are called",
        );
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    match stopped {
        Some(stopped) => {
            let who = stopped.who.iter().map(|caller| caller.to_string());
            report.principals(who).explains(&["allow-fully-denied"]).done();
        }
        None => report.facet("fragile").done(),
    }
}
