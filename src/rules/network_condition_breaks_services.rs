//! A Deny by network on a key that services call for its users: they come from another network.

use crate::aws::{Nature, condition_key};
use crate::inventory::Edit;
use crate::policy::{Condition, Effect, PolicyDocument, Principal, Statement};

use super::controllers::{list, short};
use super::grants::is_of_service;
use super::outsiders::uses;
use super::report::Sink;
use super::trust::performed;
use super::what_if::{alone, changed, narrowed};
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
    // What it denies, as if it allowed that: calls through a service, from a network it does not know.
    let allowing = changed(document, index, |statement| {
        if let Some(effect) = &mut statement.effect {
            effect.value = Effect::Allow;
        }
    });
    let network = &*condition.key.value;
    let through = [("Null", "kms:ViaService", &["false"] as &[&str]), ("Null", network, &["true"])];
    let through = narrowed(&allowing, index, &through);
    let policy = alone(&through, index);
    let edit = Edit::PutKeyPolicy { key: scope.key.arn.clone(), policy };
    let hit = scope.scope.reach.holders_after(&edit, &scope.key.arn, wanted);
    let hit = hit.iter().filter(|group| {
        let hit = group.holds.sure;
        !hit.is_empty() && !scope.opened(group.who.first(), hit).is_empty()
    });
    let known = hit.flat_map(|group| group.who.iter());
    let known = known.filter(|it| scope.world().identity(&it.text).is_some());
    let names: Vec<String> = known.map(|it| short(it).to_owned()).collect();
    if names.is_empty() {
        return;
    }
    let message = format!(
        "a Deny on {network} stops services that call {} for {}",
        scope.name(),
        list(&names)
    );
    sink.report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .of_statement(document, statement)
        .at(document.place, Some(condition.span), "a service calls from its own network")
        .principals(names)
        .help("add `BoolIfExists` aws:ViaAWSService `false` to the Deny, so that it means direct calls")
        .done();
}
