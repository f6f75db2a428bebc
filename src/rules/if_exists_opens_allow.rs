//! An optional condition on an Allow: outsiders who do not send the key pass.

use crate::decision::Caller;
use crate::policy::{Comparison, Condition, Polarity};

use super::audience::{stranger, strangers};
use super::optional_conditions::{OPEN, conditions};
use super::outsiders::{allowed_abroad, means_everyone, outsiders};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct IfExistsOpensAllow;

impl Rule for IfExistsOpensAllow {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        for optional in conditions(scope, is_optional) {
            let actions = allowed_abroad(scope, optional.statement);
            let is_open = means_everyone(optional.statement);
            let everyone = stranger(scope).filter(|_| is_open);
            let named = outsiders(scope, optional.statement).into_keys();
            let callers: Vec<Caller> = everyone.into_iter().chain(named).collect();
            let gained = callers.iter().find_map(|caller| {
                let request = optional.gained(scope, caller, actions)?;
                Some((caller.clone(), request))
            });
            let Some((caller, request)) = gained else { continue };
            // Where they get in with the condition key as well, it is no cause: other rules tell of them.
            let others = if is_open { strangers(scope, optional.statement) } else { Vec::new() };
            let outside: Vec<Caller> = callers.iter().cloned().chain(others).collect();
            if !optional.keeps_out(scope, &outside, actions) {
                continue;
            }
            let condition = optional.condition;
            let (operator, key) = (condition.operator.value.name(), &condition.key.value);
            let who = match caller.account {
                Some(account) if !is_open => format!("account {account}"),
                _ => "any AWS account".to_owned(),
            };
            let message =
                format!("`{operator}` {key} lets {who} use {} by leaving {key} out", scope.name());
            let place = optional.document.place;
            sink
                .report(scope.key.arn.as_str(), message)
                .key(&scope.key.arn)
                .of_statement(optional.document, optional.statement)
                .at(place, Some(condition.span), "true of a request that leaves it out")
                .witness(Some(&request))
                .help(format!(
                    "drop `IfExists`, or name with a positive operator who may: a condition on a key \
                     that outsiders do not send, such as {key}, does not keep them out"
                ))
                .explains_there(&OPEN)
                .done();
        }
    }
}

/// Whether a request without the condition key meets the condition: `IfExists`, or a negated operator.
fn is_optional(condition: &Condition) -> bool {
    let operator = condition.operator.value;
    let is_negated = operator.polarity == Polarity::IsNot && operator.quantifier.is_none();
    operator.comparison != Comparison::Null && (operator.if_exists || is_negated)
}
