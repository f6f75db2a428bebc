//! A user gets more by the name in a key policy than its permissions boundary lists.

use crate::aws::ActionSet;
use crate::decision::{Allowing, Caller};
use crate::inventory::Identity;
use crate::policy::{Polarity, PolicyDocument, Principal};

use super::controllers::{list, reveal, short};
use super::report::Sink;
use super::trust::performed;
use super::wide::controls;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct BoundaryBypassedByKeyPolicy;

impl Rule for BoundaryBypassedByKeyPolicy {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        let revealing: ActionSet = reveal(scope).into_iter().collect();
        for (index, statement) in document.policy().statements.iter().enumerate() {
            let element = statement.action.as_ref().filter(|_| statement.allows());
            let actions = element.map_or(ActionSet::EMPTY, |it| scope.scope.reach.actions(it));
            let wanted = performed(scope, actions).intersection(revealing.union(controls()));
            let named = statement.principal.as_ref().filter(|it| it.polarity == Polarity::Is);
            for entry in named.into_iter().flat_map(|element| &element.entries) {
                let Principal::User(arn) = &entry.value else { continue };
                let Some((user, boundary)) = bounded(scope, arn) else { continue };
                look(scope, sink, (document, index), (user, boundary), wanted);
            }
        }
    }
}

/// The user, where it has a boundary whose text is known.
fn bounded<'a>(scope: &KeyScope<'a>, arn: &str) -> Option<(&'a Identity, &'a PolicyDocument)> {
    let user = scope.world().identity(arn)?;
    let boundary = scope.world().managed_policy(user.account, &user.boundary.as_ref()?.arn)?;
    let document = boundary.document().filter(|it| it.policy().readable)?;
    Some((user, document))
}

fn look(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    (document, index): (&PolicyDocument, usize),
    (user, boundary): (&Identity, &PolicyDocument),
    wanted: ActionSet,
) {
    let Some(caller) = Caller::parse(&user.arn) else { return };
    let held = scope.holding(&caller, wanted).sure;
    let free = scope.fates(&caller, Allowing::Statement(document, index), held).free;
    let statements = boundary.policy().statements.iter().enumerate();
    let allowing = statements.filter(|(_, statement)| statement.allows());
    let listed = allowing.fold(ActionSet::EMPTY, |all, (index, _)| {
        all.union(scope.fates(&caller, Allowing::Statement(boundary, index), free).applies())
    });
    let beyond = free.minus(listed);
    let Some(first) = beyond.iter().next() else { return };
    let names: Vec<String> = beyond.iter().map(|action| action.to_string()).collect();
    let name = short(&caller);
    let message = format!(
        "{name} can use {} for {}, which its permissions boundary leaves out",
        scope.name(),
        list(&names)
    );
    let mut report = sink
        .report(format!("{} {}", scope.key.arn, user.arn), message)
        .key(&scope.key.arn)
        .statement(document, index, "names the user: what a boundary leaves out does not limit that")
        .principals([user.arn.to_string()])
        .witness(scope.verdict(&caller, first).witness())
        .help(
            "deny it in the boundary or by an SCP, or name a role: boundaries limit what is given to \
             roles",
        );
    if let Some(attached) = &user.boundary {
        report = report.beside(attached.place, None, "the boundary");
    }
    report.done();
}
