//! What a role's trust policy admits, and the keys that the role reaches: asked by several rules.

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, Cell};
use crate::inventory::{Identity, Key};
use crate::policy::{Comparison, Condition, Polarity, PolicyKind, Quantifier, Statement};

use super::controllers::{deciding_statements, list};
use super::report::{Report, Sink};
use super::{Documented, Scope, short_name};

/// The role whose trust policy it is.
pub(super) fn role_of<'a>(scope: &Scope<'a>, document: &Documented<'_>) -> Option<&'a Identity> {
    let is_trust = document.document.kind == PolicyKind::Trust;
    let role = document.subject.strip_suffix("/trust").filter(|_| is_trust)?;
    scope.world.identity(role)
}

/// Whether the statement is a Deny that could be meant for those whom `wanted`, in lower case, admits: it is
/// not weighed whom it spares.
pub(super) fn may_keep_out(statement: &Statement, wanted: &str) -> bool {
    let action = statement.action.as_ref();
    statement.denies()
        && (covers(statement, wanted) || action.is_some_and(|one| one.polarity == Polarity::IsNot))
}

/// Whether the statement covers an action, given in lower case.
pub(super) fn covers(statement: &Statement, wanted: &str) -> bool {
    let element = statement.action.as_ref().filter(|one| one.polarity == Polarity::Is);
    let mut texts =
        element.into_iter().flat_map(|one| &one.values).filter_map(|one| one.value.text());
    texts.any(|text| {
        let text = text.to_ascii_lowercase();
        text.split_once('*').map_or(text == wanted, |(head, _)| wanted.starts_with(head))
    })
}

/// Whether a condition compares texts in a way that a request without the key does not satisfy.
pub(super) fn is_firm(condition: &Condition) -> bool {
    let operator = condition.operator.value;
    let compares = matches!(
        operator.comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::ArnLike
    );
    compares
        && operator.polarity == Polarity::Is
        && operator.quantifier != Some(Quantifier::ForAllValues)
        && !operator.if_exists
}

/// Tells that somebody may become the role and what that gives: the first of `wanted` on each key that the role
/// surely reaches and `is_told` takes. Nothing where it reaches none.
pub(super) fn told<'s>(
    scope: &Scope<'_>,
    sink: &'s mut Sink<'_>,
    (document, index): (&Documented<'_>, usize),
    role: &Identity,
    (who, wanted): (&str, &[KmsAction]),
    is_told: &dyn Fn(&Key, KmsAction) -> bool,
) -> Option<Report<'s>> {
    let caller = Caller::parse(&role.arn)?;
    let mut keys = reached(scope, &caller, wanted);
    keys.retain(|(key, action)| is_told(key, *action));
    let (key, action) = keys.first()?;
    let names: Vec<String> = keys.iter().map(|(key, _)| scope.world.shown_key(key)).collect();
    let message =
        format!("{who} may become {} and gain {action} on {}", short_name(role), list(&names));
    let cell = Cell { principal: caller, key: key.arn.clone(), action: *action };
    let verdict = scope.reach.verdict(&cell);
    let mut report = sink
        .report(&*document.subject, message)
        .statement(document.document, index, "lets principals outside assume the role")
        .principals([role.arn.to_string()])
        .steps()
        .witness(verdict.witness());
    for (policy, index) in
        verdict.witness().iter().flat_map(|it| deciding_statements(scope.reach, it))
    {
        let span = policy.policy().statements.get(index).map(|statement| statement.span);
        report = report.beside(policy.place, span, format!("then this allows {action}"));
    }
    Some(report)
}

/// The keys on which the role surely holds some of `wanted`, each with the first of it.
fn reached<'a>(
    scope: &Scope<'a>,
    role: &Caller,
    wanted: &[KmsAction],
) -> Vec<(&'a Key, KmsAction)> {
    let all: ActionSet = wanted.iter().copied().collect();
    let keys = scope.world.keys.values().map(std::sync::Arc::as_ref);
    let action = |key: &Key| {
        let held = scope.reach.holding(role, &key.arn, all).sure;
        wanted.iter().copied().find(|action| held.contains(*action))
    };
    keys.filter(|key| !key.is_aws_managed()).filter_map(|key| Some((key, action(key)?))).collect()
}
