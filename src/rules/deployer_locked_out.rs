//! Who applies key policies cannot apply the next one.

use crate::aws::{AccountId, KmsAction};
use crate::decision::{Caller, CallerKind};
use crate::source::Place;

use super::controllers::short;
use super::outsiders::may_let_manage;
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct DeployerLockedOut;

impl Rule for DeployerLockedOut {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(deployer) = &scope.scope.settings.deployer else { return };
        let deployer = &at_home(deployer, scope.key.arn.account());
        let put = KmsAction::PUT_KEY_POLICY;
        // Another account puts no policy on the key in any case (rule E11). Code that switches the check off says
        // so: another rule speaks of it.
        if deployer.account != Some(scope.key.arn.account())
            || scope.key.lockout_check_bypassed.is_some()
        {
            return;
        }
        if let Some(document) = scope.readable_policy() {
            if is_known(scope, deployer) && scope.holding(deployer, put.into()).possible.is_empty()
            {
                tell(scope, sink, document.whole(), deployer);
            }
        } else if let Some(document) = scope.policy_of_open_account() {
            // Whichever account it is, no statement means it (rules E20, K9).
            let mut statements = document.policy().statements.iter();
            if !statements.any(|statement| may_let_manage(scope, statement, deployer)) {
                tell(scope, sink, document.whole(), deployer);
            }
        }
    }
}

/// Whether what the deployer holds is known. What nothing in the key policy means gains by no identity policy either,
/// known or not (rules E20, K9).
fn is_known(scope: &KeyScope<'_>, deployer: &Caller) -> bool {
    scope.identity(deployer).is_some()
        || deployer.account.is_some_and(|account| scope.world().is_complete(account))
        || deployer.kind == CallerKind::Root
        || scope.opened(deployer, KmsAction::PUT_KEY_POLICY.into()).is_empty()
}

/// The deployer as it is known where `owner` may be its account: a symbol is what code is deployed to, and
/// who puts a policy on a key is of the key's account (rule E11).
fn at_home(deployer: &Caller, owner: AccountId) -> Caller {
    let account =
        deployer.account.filter(|account| owner == AccountId::THIS && !account.is_symbol());
    let written = |account: AccountId| format!(":{account}:");
    let known = account.and_then(|account| {
        Caller::parse(&deployer.text.replacen(&written(account), &written(owner), 1))
    });
    known.unwrap_or_else(|| deployer.clone())
}

fn tell(scope: &KeyScope<'_>, sink: &mut Sink<'_>, place: Place, deployer: &Caller) {
    let put = KmsAction::PUT_KEY_POLICY;
    let (who, name) = (short(deployer), scope.name());
    let opened = !scope.opened(deployer, put.into()).is_empty();
    let (why, help) = match opened {
        true => (
            "the key policy lets it, but its identity policies do not allow it, or something denies it",
            format!("allow {put} to {who} by an identity policy, or name it in the key policy"),
        ),
        false => (
            "no statement of the key policy means it",
            format!(
                "name {who} in the key policy, or add the statement for the account and allow {put} \
                 to {who} by an identity policy"
            ),
        ),
    };
    let message = format!("{who} cannot apply the next policy of {name}: {why}");
    let request = scope.cell(deployer, put).plain_request();
    sink.report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .at(place, None, "KMS refuses this policy, or takes it and no other after it")
        .principals([deployer.to_string()])
        .witness(Some(&request))
        .help(help)
        .done();
}
