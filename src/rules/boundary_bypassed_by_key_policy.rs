//! A user or a session gets more by the name in a key policy than the permissions boundary lists.

use crate::aws::ActionSet;
use crate::decision::{Allowing, Caller, CallerKind};
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
                let (Principal::User(arn) | Principal::AssumedRole(arn)) = &entry.value else {
                    continue;
                };
                let bounded = Caller::parse(arn).and_then(|caller| bounded(scope, caller));
                if let Some(bounded) = bounded {
                    look(scope, sink, (document, index), &bounded, wanted);
                }
            }
        }
    }
}

/// A user or a session, and the boundary of the user or of the role, whose text is known.
struct Bounded<'a> {
    caller: Caller,
    identity: &'a Identity,
    boundary: &'a PolicyDocument,
}

fn bounded<'a>(scope: &KeyScope<'a>, caller: Caller) -> Option<Bounded<'a>> {
    let world = scope.world();
    let identity = match &caller.kind {
        CallerKind::AssumedRole { role, .. } => world.role_by_name(caller.account?, role),
        _ => world.identity(&caller.text),
    }?;
    let boundary = world.managed_policy(identity.account, &identity.boundary.as_ref()?.arn)?;
    let boundary = boundary.document().filter(|it| it.policy().readable)?;
    Some(Bounded { caller, identity, boundary })
}

fn look(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    (document, index): (&PolicyDocument, usize),
    Bounded { caller, identity, boundary }: &Bounded<'_>,
    wanted: ActionSet,
) {
    let held = scope.holding(caller, wanted).sure;
    let free = scope.fates(caller, Allowing::Statement(document, index), held).free;
    let statements = boundary.policy().statements.iter().enumerate();
    let allowing = statements.filter(|(_, statement)| statement.allows());
    let listed = allowing.fold(ActionSet::EMPTY, |all, (index, _)| {
        all.union(scope.fates(caller, Allowing::Statement(boundary, index), free).applies())
    });
    let beyond = free.minus(listed);
    let Some(first) = beyond.iter().next() else { return };
    let names: Vec<String> = beyond.iter().map(|action| action.to_string()).collect();
    let name = short(caller);
    let message = format!(
        "{name} can use {} for {}, which its permissions boundary leaves out",
        scope.name(),
        list(&names)
    );
    let who = match caller.kind {
        CallerKind::AssumedRole { .. } => "the session",
        _ => "the user",
    };
    let mut report = sink
        .report(format!("{} {caller}", scope.key.arn), message)
        .key(&scope.key.arn)
        .statement(document, index, format!("names {who}: what a boundary leaves out does not limit that"))
        .principals([caller.to_string()])
        .witness(scope.verdict(caller, first).witness())
        .help(
            "deny it in the boundary or by an SCP, or name a role: boundaries limit what is given to \
             roles",
        );
    if let Some(attached) = &identity.boundary {
        report = report.beside(attached.place, None, "the boundary");
    }
    report.done();
}
