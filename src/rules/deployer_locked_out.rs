//! Who applies key policies cannot apply the next one.

use crate::aws::{AccountId, KmsAction};
use crate::decision::{Caller, CallerKind};
use crate::source::Place;

use super::controllers::short;
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct DeployerLockedOut;

impl Rule for DeployerLockedOut {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(deployer) = &scope.scope.settings.deployer else { return };
        let deployer = &at_home(deployer, scope.key.arn.account());
        let (Some(document), Some(account)) = (scope.readable_policy(), deployer.account) else {
            return;
        };
        let put = KmsAction::PUT_KEY_POLICY;
        // What nothing here means gains by no identity policy either, known or not (rules E20, K9).
        let is_known = scope.identity(deployer).is_some()
            || scope.world().is_complete(account)
            || deployer.kind == CallerKind::Root
            || scope.opened(deployer, put.into()).is_empty();
        // Another account puts no policy on the key in any case (rule E11).
        if account != scope.key.arn.account() || !is_known {
            return;
        }
        // Code that switches the check off says so: another rule speaks of it.
        let is_meant = scope.key.lockout_check_bypassed.is_some();
        if !is_meant && scope.holding(deployer, put.into()).possible.is_empty() {
            tell(scope, sink, document.whole(), deployer);
        }
    }
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
