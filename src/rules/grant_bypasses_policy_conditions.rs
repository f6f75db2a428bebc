//! Policies let a principal act under a condition only; a grant lets it act without.

use std::collections::BTreeMap;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Allowing, Caller, CallerKind, Fate, Holding, Request};
use crate::inventory::{Edit, Grant};
use crate::policy::PolicyDocument;

use super::controllers::{deciding_statements, short};
use super::encryption_context_optional::{needs_no_context, reveals};
use super::grants::grantee;
use super::outsiders::uses;
use super::report::Sink;
use super::trust::performed;
use super::what_if::after;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct GrantBypassesPolicyConditions;

impl Rule for GrantBypassesPolicyConditions {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() {
            return;
        }
        let mut by_grantee: BTreeMap<Caller, Vec<&Grant>> = BTreeMap::new();
        for grant in &scope.key.grants {
            let caller = grantee(scope, grant).filter(|it| it.kind != CallerKind::Root);
            if let Some(caller) = caller {
                by_grantee.entry(caller).or_default().push(grant);
            }
        }
        for (caller, grants) in by_grantee {
            look(scope, sink, &caller, &grants);
        }
    }
}

/// What a grant adds to the policies.
struct Gain<'g> {
    grant: &'g Grant,
    action: KmsAction,
    request: Box<Request>,
    /// The statement that asks for more.
    asks: Option<(PolicyDocument, usize)>,
    /// Whether the policies ask for an encryption context wherever they let the data be revealed.
    asks_context: bool,
}

fn look(scope: &KeyScope<'_>, sink: &mut Sink<'_>, caller: &Caller, grants: &[&Grant]) {
    let all = grants.iter().fold(ActionSet::EMPTY, |all, grant| all.union(grant.operations));
    let wanted = performed(scope, all.intersection(uses()));
    let key = &scope.key.arn;
    let revoke = |grant: &&Grant| Edit::RevokeGrant { key: key.clone(), grant: grant.id.clone() };
    let edits: Vec<Edit> = grants.iter().map(revoke).collect();
    let by_policy = match edits.as_slice() {
        _ if wanted.is_empty() => return,
        [edit] => {
            let callers = std::slice::from_ref(caller);
            let held = scope.scope.reach.holding_after(edit, key, callers, wanted);
            held.first().copied().unwrap_or_default()
        }
        edits => {
            let mut held = Holding::default();
            after(scope.scope.reach, edits, &mut |after| held = after.holding(caller, key, wanted));
            held
        }
    };
    let conditional = by_policy.sure.minus(by_policy.always);
    let mut gain = None;
    for grant in grants {
        for action in grant.operations.intersection(conditional).iter() {
            let fate = scope.fate(caller, action, Allowing::Grant(grant));
            let Fate::Free(request) = fate else { continue };
            after(scope.scope.reach, &edits, &mut |after| {
                let decision = after.decide(&request);
                if gain.is_none() && !decision.is_allowed() && decision.missing.is_empty() {
                    let verdict = after.verdict(&scope.cell(caller, action));
                    let asks = verdict
                        .witness()
                        .and_then(|witness| deciding_statements(after, witness).into_iter().next());
                    let reveals = performed(scope, reveals());
                    let asks_context = !needs_no_context(after, (caller, key), reveals);
                    let request = request.clone();
                    gain = Some(Gain { grant, action, request, asks, asks_context });
                }
            });
        }
    }
    if let Some(gain) = gain {
        tell(scope, sink, caller, &gain);
    }
}

fn tell(scope: &KeyScope<'_>, sink: &mut Sink<'_>, caller: &Caller, gain: &Gain<'_>) {
    let Gain { grant, action, request, asks, asks_context } = gain;
    let message = format!(
        "grant {} lets {} use {} for {action} where policies allow that under a condition only",
        grant.id,
        short(caller),
        scope.name()
    );
    let mut report = sink
        .report(format!("{} {caller}", scope.key.arn), message)
        .key(&scope.key.arn)
        .at(grant.place, None, "this grant asks for nothing, or for less")
        .principals([caller.to_string()])
        .witness(Some(request))
        .help(match asks.as_ref().is_none_or(asks_for_context) {
            true => {
                "give the grant the same encryption context as constraint, revoke it, or express the \
                 condition as a Deny, which binds grants too"
            }
            false => {
                "revoke the grant, whose constraints cannot ask for that, or express the condition as a \
                 Deny, which binds grants too"
            }
        })
        .explains_there(&["grant-too-wide"]);
    if *asks_context {
        report = report.explains(&["encryption-context-optional"]);
    }
    if let Some((document, index)) = asks {
        let span = document.policy().statements.get(*index).map(|it| it.span);
        report = report.beside(document.place, span, "this statement asks for more");
    }
    report.done();
}

/// Whether all that a statement asks for is an encryption context, which a grant can ask for, too (rule G20).
fn asks_for_context((document, index): &(PolicyDocument, usize)) -> bool {
    let statement = document.policy().statements.get(*index);
    let mut conditions = statement.into_iter().flat_map(|statement| &statement.conditions);
    conditions.all(|it| it.key.value.to_ascii_lowercase().starts_with("kms:encryptioncontext"))
}
