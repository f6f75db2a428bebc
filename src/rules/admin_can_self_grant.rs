//! A principal that cannot use the key can grant use: to itself, to a role that it may become, or to somebody
//! outside.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::pattern::takes;
use crate::aws::{ActionSet, ControlAction, KmsAction};
use crate::decision::{Caller, ControlRequest, Holders, Request};
use crate::inventory::{Identity, IdentityKind};

use super::controllers::{Controller, each, reveal, short, told, without_use};
use super::granting::{granted, grants_itself, held_by_grant};
use super::report::{Report, Sink};
use super::{Documented, KeyScope, Rule};

/// See the rule's page.
pub(super) struct AdminCanSelfGrant;

/// The condition key that says for whom a grant is.
const GRANTEE: &str = "kms:GranteePrincipal";

impl Rule for AdminCanSelfGrant {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() || scope.key.policy.is_none() {
            return;
        }
        let reveal = reveal(scope);
        let wanted: ActionSet = reveal.iter().copied().collect();
        let mut found = Found::default();
        for group in without_use(scope, KmsAction::CREATE_GRANT.into(), wanted) {
            found.look(scope, &group, &reveal);
        }
        let how = |one: &Controller| format!("grant that to itself and gain {}", one.gained);
        let begins = |one: &Controller| grants_itself(scope, &one.caller, one.gained);
        if let Some(report) = begun(scope, sink, found.itself, begins, how) {
            report
                .explains(&["admin-can-rewrite-policy", "unconstrained-create-grant"])
                .help(
                    "replace `kms:Create*` by `kms:CreateAlias`, or allow kms:CreateGrant only with \
                     `Bool` kms:GrantIsForAWSResource `true`; the same principals may rewrite the key \
                     policy where they hold kms:PutKeyPolicy",
                )
                .done();
        }
        tell_others(scope, sink, found.roles, "assumable");
        tell_others(scope, sink, found.outsiders, "outsider");
    }
}

/// Those who can grant use.
#[derive(Default)]
struct Found {
    /// To themselves.
    itself: Vec<Controller>,
    /// To roles that they may assume.
    roles: Others,
    /// To somebody of an account that is not ours.
    outsiders: Others,
}

/// What each can grant, and to whom.
type Others = BTreeMap<Caller, (KmsAction, Caller)>;

impl Found {
    /// Looks at the members of a group.
    fn look(&mut self, scope: &KeyScope<'_>, group: &Holders, reveal: &[KmsAction]) {
        let (first, create) = (group.who.first(), KmsAction::CREATE_GRANT);
        let gained = |caller: &Caller| {
            reveal.iter().copied().find(|wanted| grants_itself(scope, caller, *wanted).is_some())
        };
        // The first speaks for all, unless a policy asks for whom the grant is.
        if !scope.scope.reach.hangs_on(&scope.cell(first, create), GRANTEE) {
            let all = gained(first).into_iter().flat_map(|gained| each(scope, group, gained));
            self.itself.extend(all);
            return;
        }
        for Controller { caller, .. } in each(scope, group, create) {
            if let Some(gained) = gained(&caller) {
                self.itself.push(Controller { caller, gained });
            } else if let Some((gained, grantee)) = to_others(scope, &caller, reveal) {
                let others = match is_ours(scope, &grantee) {
                    true => &mut self.roles,
                    false => &mut self.outsiders,
                };
                others.insert(caller, (gained, grantee));
            }
        }
    }
}

/// Whether somebody is of an account that is no outsider.
fn is_ours(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    caller.account.is_some_and(|account| scope.scope.is_trusted(account))
}

/// Some of `reveal` that a caller can grant to somebody who lacks it: a role that it may assume, or somebody
/// outside.
fn to_others(
    scope: &KeyScope<'_>,
    caller: &Caller,
    reveal: &[KmsAction],
) -> Option<(KmsAction, Caller)> {
    let grantees = pinned(scope, caller).into_iter().filter(|grantee| {
        grantee.account.is_some()
            && (!is_ours(scope, grantee) || may_assume(scope, caller, grantee))
    });
    grantees.into_iter().find_map(|grantee| {
        let gains = |wanted: &KmsAction| {
            let has = scope.holding(&grantee, (*wanted).into());
            let gets = held_by_grant(scope, &grantee, *wanted);
            // An account that nobody knows may let it.
            let (has, gets) = match is_ours(scope, &grantee) {
                true => (has.possible, gets.sure),
                false => (has.sure, gets.possible),
            };
            has.is_empty()
                && !gets.is_empty()
                && granted(scope, caller, &grantee.text, *wanted).is_some()
        };
        let gained = reveal.iter().copied().find(gains)?;
        Some((gained, grantee))
    })
}

/// Whether a caller may take on a role as it is (rules T3, T4).
fn may_assume(scope: &KeyScope<'_>, caller: &Caller, role: &Caller) -> bool {
    let is_role = |it: &Identity| it.kind == IdentityKind::Role;
    let action = ControlAction::STS_ASSUME_ROLE;
    let request = || ControlRequest::plain(caller.clone(), action, &role.text);
    scope.identity(role).is_some_and(is_role)
        && scope.scope.reach.decide_control(&request()).is_allowed()
}

/// The grantees that conditions of the key policy or of the caller's own policies name: those of patterns as far
/// as the export has them.
fn pinned(scope: &KeyScope<'_>, caller: &Caller) -> BTreeSet<Caller> {
    let is_about = |one: &&Documented<'_>| {
        one.key.is_some_and(|key| key.arn == scope.key.arn)
            || one.holders.iter().any(|holder| *holder.arn == *caller.text)
    };
    let documents = scope.scope.documents.iter().filter(is_about);
    let statements = documents.flat_map(|one| &one.document.policy().statements);
    let conditions = statements.flat_map(|statement| &statement.conditions);
    let asking = conditions.filter(|it| it.key.value.eq_ignore_ascii_case(GRANTEE));
    let mut found = BTreeSet::new();
    for text in asking.flat_map(|it| &it.values).filter_map(|value| value.value.text()) {
        if text.contains(['*', '?']) {
            let accounts = scope.world().accounts.values();
            let all = accounts.flat_map(|account| account.identities.values());
            let taken = all.filter(|identity| takes(text, &identity.arn));
            found.extend(taken.filter_map(|identity| Caller::parse(&identity.arn)));
        } else {
            found.extend(Caller::parse(text));
        }
    }
    found
}

/// Begins the finding of those who can grant use by the request that `begins` tells.
fn begun<'s>(
    scope: &KeyScope<'_>,
    sink: &'s mut Sink<'_>,
    admins: Vec<Controller>,
    begins: impl Fn(&Controller) -> Option<Request>,
    how: impl Fn(&Controller) -> String,
) -> Option<Report<'s>> {
    let begins = |admin: &Controller| {
        let verdict = scope.scope.reach.verdict_of(&begins(admin)?);
        verdict.witness().cloned().map(Box::new)
    };
    told(scope, sink, admins, begins, how, "allows kms:CreateGrant on a direct call")
}

/// Tells those who can grant use to others than themselves.
fn tell_others(scope: &KeyScope<'_>, sink: &mut Sink<'_>, others: Others, facet: &'static str) {
    let admins = others.iter().map(|(caller, (gained, _))| {
        let (caller, gained) = (caller.clone(), *gained);
        Controller { caller, gained }
    });
    let how = |one: &Controller| match others.get(&one.caller) {
        Some((gained, grantee)) if is_ours(scope, grantee) => {
            format!("grant that to {}, which it may assume, and gain {gained}", short(grantee))
        }
        Some((gained, grantee)) => format!("grant {gained} to {grantee}, of another account"),
        None => String::new(),
    };
    let begins = |one: &Controller| {
        let (gained, grantee) = others.get(&one.caller)?;
        granted(scope, &one.caller, &grantee.text, *gained)
    };
    if let Some(report) = begun(scope, sink, admins.collect(), begins, how) {
        report
            .facet(facet)
            .help(
                "take the grantee out of kms:GranteePrincipal, or allow grants to it only with \
                 kms:GrantOperations that reveal nothing",
            )
            .done();
    }
}
