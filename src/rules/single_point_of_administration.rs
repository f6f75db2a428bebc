//! One principal alone can manage the key.

use crate::aws::KmsAction;
use crate::decision::{Caller, CallerKind};

use super::controllers::{can_act, decided, short};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct SinglePointOfAdministration;

impl Rule for SinglePointOfAdministration {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let owner = scope.key.arn.account();
        if scope.readable_policy().is_none() || !scope.world().is_complete(owner) {
            return;
        }
        let put = KmsAction::PUT_KEY_POLICY;
        let holders = scope.holders(put.into());
        // Principals of other accounts never put a key policy (rule E11).
        let own = holders.iter().filter(|group| group.who.first().account == Some(owner));
        let possible = own.filter(|group| group.holds.possible.contains(put));
        let managers = possible.flat_map(|group| {
            let live = group.who.iter().filter(|caller| can_act(scope, caller));
            live.map(|caller| (caller, group.holds.sure.contains(put)))
        });
        let (mut only, mut sessions) = (None, Vec::new());
        for (caller, is_sure) in managers {
            match caller.kind {
                CallerKind::AssumedRole { .. } | CallerKind::FederatedUser { .. } => {
                    sessions.push(caller);
                }
                CallerKind::User | CallerKind::Role if only.is_none() => {
                    only = Some((caller, is_sure));
                }
                _ => return,
            }
        }
        let Some((only, true)) = only else { return };
        if !sessions.iter().all(|session| is_session_of(scope, session, only)) {
            return;
        }
        let verdict = scope.verdict(only, put);
        let Some(witness) = verdict.witness() else { return };
        let message = format!(
            "{} alone can change the key policy of {}, and the root user cannot",
            short(only),
            scope.name()
        );
        let report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .principals([only.to_string()]);
        let label = "allows kms:PutKeyPolicy to it";
        if let Some(report) = decided(scope.scope.reach, report, witness, label) {
            let help = "add the statement for the account, or allow kms:PutKeyPolicy to a second \
                        role for emergencies";
            report.help(help).done();
        }
    }
}

/// Whether a session is one of this role.
fn is_session_of(scope: &KeyScope<'_>, session: &Caller, only: &Caller) -> bool {
    let role = session.session_role_in(scope.world());
    role.is_some_and(|role| *role.arn == *only.text)
}
