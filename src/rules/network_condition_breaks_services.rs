//! A Deny by network on a key that services call for its users: they come from another network.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, Nature, condition_key};
use crate::decision::{Allowing, Caller};
use crate::inventory::{Edit, Grantee};
use crate::policy::{Condition, Effect, PolicyDocument, Principal, Statement};

use super::controllers::{list, short};
use super::grants::is_of_service;
use super::outsiders::uses;
use super::report::Sink;
use super::trust::performed;
use super::what_if::{More, alone, changed, narrowed};
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct NetworkConditionBreaksServices;

impl Rule for NetworkConditionBreaksServices {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document.filter(|document| is_for_services(scope, document)) else {
            return;
        };
        for (index, statement) in document.policy().statements.iter().enumerate() {
            let network = statement.conditions.iter().find(|it| is_of_network(it));
            if let Some(condition) = network.filter(|_| statement.denies()) {
                look(scope, sink, (document, index, statement), condition);
            }
        }
    }
}

/// Whether services call the key: one has a grant, is named, or stands between by condition.
fn is_for_services(scope: &KeyScope<'_>, document: &PolicyDocument) -> bool {
    let names = |statement: &Statement| {
        let entries = statement.principal.iter().flat_map(|element| &element.entries);
        let mut conditions = statement.conditions.iter();
        statement.allows()
            && (entries.into_iter().any(|it| matches!(it.value, Principal::Service(_)))
                || conditions.any(|it| it.key.value.eq_ignore_ascii_case("kms:ViaService")))
    };
    scope.key.grants.iter().any(|grant| is_of_service(&grant.grantee))
        || document.policy().statements.iter().any(names)
}

/// Whether it asks where a call comes from.
fn is_of_network(condition: &Condition) -> bool {
    let name = &condition.key.value;
    // Services encrypt what they send, too.
    !name.eq_ignore_ascii_case("aws:SecureTransport")
        && condition_key(name).is_some_and(|info| info.nature == Nature::Network)
}

fn look(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    (document, index, statement): (&PolicyDocument, usize, &Statement),
    condition: &Condition,
) {
    let Some(element) = &statement.action else { return };
    let wanted = performed(scope, scope.scope.reach.actions(element)).intersection(uses());
    let network = &*condition.key.value;
    let deny = Deny { document, index, statement, wanted };
    let (callers, services) = (deny.callers(scope, network), deny.services(scope, network));
    let Some(told) = told(scope, network, &callers, &services) else { return };
    let principals = callers.iter().chain(&services).map(|it| it.to_string());
    sink.report(scope.key.arn.as_str(), told.message)
        .key(&scope.key.arn)
        .of_statement(document, statement)
        .at(document.place, Some(condition.span), "a service calls from its own network")
        .principals(principals)
        .help(told.help)
        .done();
}

/// A Deny of cryptography by network.
struct Deny<'d> {
    document: &'d PolicyDocument,
    index: usize,
    statement: &'d Statement,
    wanted: ActionSet,
}

impl Deny<'_> {
    /// What it denies, as if that alone was allowed: calls that lack the network key, and for which `more` holds.
    fn as_allow(&self, network: &str, more: &[More<'_>]) -> PolicyDocument {
        let allowing = changed(self.document, self.index, |statement| {
            if let Some(effect) = &mut statement.effect {
                effect.value = Effect::Allow;
            }
        });
        let lacking = narrowed(&allowing, self.index, &[("Null", network, &["true"])]);
        alone(&narrowed(&lacking, self.index, more), self.index)
    }

    /// The world without it.
    fn spared(&self) -> Edit {
        Edit::WithoutStatement { policy: self.document.place, statement: self.statement.span }
    }

    /// The users and roles for whom services call, and whose calls it stops: whoever could not use the key
    /// without it either loses nothing.
    fn callers(&self, scope: &KeyScope<'_>, network: &str) -> Vec<Caller> {
        let (reach, key) = (scope.scope.reach, &scope.key.arn);
        let through = self.as_allow(network, &[("Null", "kms:ViaService", &["false"])]);
        let edit = Edit::PutKeyPolicy { key: key.clone(), policy: through.clone() };
        let spared = reach.holders_after(&self.spared(), key, self.wanted);
        let each = spared.iter().flat_map(|it| it.who.iter().map(|who| (who, it.holds.sure)));
        let holding: Vec<(&Caller, ActionSet)> = each
            .filter(|(caller, held)| !held.is_empty() && scope.identity(caller).is_some())
            .collect();
        let callers: Vec<Caller> = holding.iter().map(|(caller, _)| (*caller).clone()).collect();
        let allowing = Allowing::Statement(&through, 0);
        let hit = reach.fates_after(&edit, key, &callers, allowing, self.wanted);
        let each = callers.into_iter().zip(holding).zip(hit);
        let losing = each.filter(|((_, (_, held)), hit)| hit.free.intersects(*held));
        losing.map(|((caller, _), _)| caller).collect()
    }

    /// The services that a grant or an Allow names, and whose own calls it stops.
    fn services(&self, scope: &KeyScope<'_>, network: &str) -> Vec<Caller> {
        let statements = self.document.policy().statements.iter().filter(|it| it.allows());
        let entries = statements.flat_map(|it| &it.principal).flat_map(|element| &element.entries);
        let named = entries.filter_map(|entry| match &entry.value {
            Principal::Service(name) => Some(&**name),
            _ => None,
        });
        let granted = scope.key.grants.iter().filter_map(|grant| match &grant.grantee {
            Grantee::Service(name) => Some(&**name),
            Grantee::Principal(_) => None,
        });
        let all: BTreeSet<Caller> = named.chain(granted).filter_map(Caller::parse).collect();
        if all.is_empty() {
            return Vec::new();
        }
        let (reach, key) = (scope.scope.reach, &scope.key.arn);
        let own = self.as_allow(network, &[]);
        let edit = Edit::PutKeyPolicy { key: key.clone(), policy: own.clone() };
        let (after, spared) = (reach.after(&edit), reach.after(&self.spared()));
        let is_stopped = |service: &Caller| {
            let held = spared.holding(service, key, self.wanted).sure;
            let hit = after.fates(service, key, Allowing::Statement(&own, 0), held).free;
            !hit.is_empty()
        };
        all.into_iter().filter(is_stopped).collect()
    }
}

/// What is said of a Deny.
struct Told {
    message: String,
    help: String,
}

/// What is said of a Deny that stops calls for `callers` and the own calls of `services`.
fn told(
    scope: &KeyScope<'_>,
    network: &str,
    callers: &[Caller],
    services: &[Caller],
) -> Option<Told> {
    let for_callers: Vec<String> = callers.iter().map(|it| short(it).to_owned()).collect();
    let own: Vec<String> = services.iter().map(|it| it.to_string()).collect();
    let (for_callers, own, key) = (list(&for_callers), list(&own), scope.name());
    let (what, exempt) = match (callers.is_empty(), services.is_empty()) {
        (true, true) => return None,
        (false, true) => (
            format!("services that call {key} for {for_callers}"),
            "`BoolIfExists` aws:ViaAWSService `false` to the Deny, so that it means direct calls",
        ),
        (true, false) => (
            format!("the own calls of {own} to {key}"),
            "`BoolIfExists` aws:PrincipalIsAWSService `false` to the Deny, so that it means no service",
        ),
        (false, false) => (
            format!("services that call {key} for {for_callers}, and the own calls of {own}"),
            "`BoolIfExists` aws:ViaAWSService `false` and aws:PrincipalIsAWSService `false` to the \
             Deny, so that it means direct calls of users and roles",
        ),
    };
    let message = format!("a Deny on {network} stops {what}");
    Some(Told { message, help: format!("add {exempt}") })
}
