//! A principal that uses a key may hand it on to anybody by a grant.

use crate::aws::{ActionSet, Category, KmsAction};
use crate::decision::{Allowing, Caller, CallerKind, Gift, Holders, Request};
use crate::policy::{PolicyDocument, Principal};

use super::audience::stranger;
use super::controllers::{by_cause, list, short};
use super::granting::{could_be_granted, granted, granting_any, is_of_service};
use super::outsiders::{may_be_own, whose};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct UnconstrainedCreateGrant;

impl Rule for UnconstrainedCreateGrant {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() || scope.key.policy.is_none() {
            return;
        }
        let Some(stranger) = stranger(scope) else { return };
        let use_actions = used(scope);
        let (create, put) = (KmsAction::CREATE_GRANT, KmsAction::PUT_KEY_POLICY);
        let holders = scope.near_holders(use_actions.union(create.into()).union(put.into()));
        let granting = holders.iter().filter(|group| {
            group.holds.possible.intersects(use_actions)
                && held(scope, group).intersects(use_actions)
                && may_grant_anything(scope, group, &stranger)
        });
        let groups: Vec<&Holders> = granting.collect();
        if groups.is_empty() {
            return;
        }
        let gained = gained(scope, &stranger, use_actions);
        let (mut own, mut external) = (Vec::new(), Vec::new());
        for group in groups {
            let held = held(scope, group).intersection(gained);
            let members = members(scope, group);
            // The first of the group speaks for all.
            let first = group.who.first();
            let passes = |wanted: &KmsAction| hands_on(scope, first, &stranger, *wanted).is_some();
            let Some(wanted) = held.iter().find(|one| !members.is_empty() && passes(one)) else {
                continue;
            };
            let near = if is_external(scope, group.who.first()) { &mut external } else { &mut own };
            near.extend(members.into_iter().map(|caller| (caller, wanted)));
        }
        tell(scope, sink, &stranger, own, None);
        tell(scope, sink, &stranger, external, Some("external"));
    }
}

/// The cryptographic operations that a grant on the key can allow.
fn used(scope: &KeyScope<'_>) -> ActionSet {
    let is_use = |action: &KmsAction| action.info().category == Category::Use;
    let operations = scope.key.grant_operations().intersection(scope.possible());
    operations.iter().filter(is_use).collect()
}

/// What the group surely holds, or could hold where only an unknown account's own policies are missing;
/// nothing where it may create no grants, where it rules the key anyway, or where its account may be the
/// key's own.
fn held(scope: &KeyScope<'_>, group: &Holders) -> ActionSet {
    let rules = group.holds.sure.contains(KmsAction::PUT_KEY_POLICY);
    if rules || !group.holds.possible.contains(KmsAction::CREATE_GRANT) {
        return ActionSet::EMPTY;
    }
    let first = group.who.first();
    let is_person = !first.is_outside_accounts()
        && first.kind != CallerKind::Root
        && !is_external(scope, first);
    let may_be_own = first.account.is_some_and(|account| may_be_own(scope, account));
    let abroad = is_external(scope, first) && is_named(scope, first) && !may_be_own;
    let holds = if abroad { group.holds.possible } else { group.holds.sure };
    if (is_person || abroad) && holds.contains(KmsAction::CREATE_GRANT) {
        holds
    } else {
        ActionSet::EMPTY
    }
}

/// Whether the caller is of an account that is none of ours.
fn is_external(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    caller.account.is_some_and(|account| !scope.scope.is_trusted(account))
}

/// Whether the key policy names the caller or its account: whom conditions alone admit is left to the
/// rules about access from outside.
fn is_named(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let statements = scope.key.policy.iter().flat_map(|one| &one.policy().statements);
    let mut entries =
        statements.filter_map(|one| one.principal.as_ref()).flat_map(|one| &one.entries);
    entries.any(|entry| match &entry.value {
        Principal::Account { account, .. } => Some(*account) == caller.account,
        named => *named.text() == *caller.text,
    })
}

/// Whether the first of the group may create some grant for a stranger: asked before each operation is.
fn may_grant_anything(scope: &KeyScope<'_>, group: &Holders, stranger: &Caller) -> bool {
    scope.scope.reach.could_reach(&granting_any(scope, group.who.first(), &stranger.text))
}

/// What a stranger gains by a grant of `operations`.
fn gained(scope: &KeyScope<'_>, stranger: &Caller, operations: ActionSet) -> ActionSet {
    let gift = Gift::Grant(operations);
    scope.scope.reach.would_hold(stranger, &scope.key.arn, gift, operations).possible
}

/// The request with which a caller may grant `wanted` to a stranger by policy.
fn hands_on(
    scope: &KeyScope<'_>,
    caller: &Caller,
    stranger: &Caller,
    wanted: KmsAction,
) -> Option<Request> {
    match is_external(scope, caller) {
        true => could_be_granted(scope, caller, &stranger.text, wanted),
        false => granted(scope, caller, &stranger.text, wanted),
    }
}

/// The members of a group that exist, as far as that is known. Nobody but a service acts by the roles that
/// it owns.
fn members(scope: &KeyScope<'_>, group: &Holders) -> Vec<Caller> {
    let world = scope.world();
    let counts = |caller: &&Caller| {
        let is_whole = caller.account.is_some_and(|account| world.is_complete(account));
        let exists = !is_whole || scope.identity(caller).is_some();
        exists && !is_of_service(&caller.text)
    };
    group.who.iter().filter(counts).cloned().collect()
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    stranger: &Caller,
    mut found: Vec<(Caller, KmsAction)>,
    facet: Option<&'static str>,
) {
    found.sort();
    let Some((first, wanted)) = found.first() else { return };
    let callers = found.iter().map(|(caller, _)| caller);
    let (names, principals, whose): (Vec<String>, Vec<String>, _) = match facet {
        Some(_) => {
            let names: Vec<String> = callers.map(outsider).collect();
            (names.clone(), names, format!(", {},", whose(scope)))
        }
        None => {
            let (names, arns) = callers.map(|it| (short(it).to_owned(), it.to_string())).unzip();
            (names, arns, String::new())
        }
    };
    let message = format!(
        "{}{whose} can use {} and hand {wanted} on to any account by a grant",
        list(&names),
        scope.name()
    );
    let help = "allow kms:CreateGrant only with `Bool` kms:GrantIsForAWSResource `true`, or pin \
                kms:GranteePrincipal";
    let mut report =
        sink.report(scope.key.arn.as_str(), message).key(&scope.key.arn).principals(principals);
    report = match facet {
        Some(facet) => report.facet(facet).explains(&["external-account-access"]).help(format!(
            "take it out, or declare its account as trusted with a reason and {help}"
        )),
        None => report.help(help),
    };
    let label = "allows kms:CreateGrant on a direct call, to anybody";
    let Some(request) = hands_on(scope, first, stranger, *wanted) else { return };
    let told = match scope.scope.reach.verdict_of(&request).witness() {
        Some(witness) => by_cause(scope, report, witness, label),
        None => meaning(scope, first).map(|(document, index)| {
            report.statement(document, index, label).witness(Some(&request))
        }),
    };
    if let Some(report) = told {
        report.done();
    }
}

/// An outsider as `external-account-access` names it: who calls for a whole account is any principal of it.
fn outsider(caller: &Caller) -> String {
    match caller.account.filter(|_| caller.kind == CallerKind::Root) {
        Some(account) => format!("any principal of account {account}"),
        None => caller.to_string(),
    }
}

/// The statement of the key policy that means the caller for kms:CreateGrant.
fn meaning<'a>(scope: &KeyScope<'a>, caller: &Caller) -> Option<(&'a PolicyDocument, usize)> {
    let document = scope.key.policy.as_ref()?;
    let create = KmsAction::CREATE_GRANT.into();
    let means = |index: &usize| {
        let allowing = Allowing::Statement(document, *index);
        !scope.fates(caller, allowing, create).applies().is_empty()
    };
    let statements = document.policy().statements.iter().enumerate();
    let mut allowing = statements.filter(|(_, one)| one.allows()).map(|(index, _)| index);
    allowing.find(means).map(|index| (document, index))
}
