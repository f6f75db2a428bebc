//! Statements as they could be: what becomes of an Allow that asks for more than it does; and
//! worlds as they could be.

use crate::decision::Reach;
use crate::inventory::Edit;
use crate::policy::{Condition, Effect, Operator, PolicyDocument, Statement, Value};
use crate::source::Located;

/// A condition that a made-up statement has beside its own: operator, condition key, values.
pub(super) type More<'a> = (&'a str, &'a str, &'a [&'a str]);

/// What only calls have that no service makes for somebody (rules C53, U4).
pub(super) const DIRECT: [More<'_>; 2] =
    [("Null", "kms:ViaService", &["true"]), ("BoolIfExists", "aws:ViaAWSService", &["false"])];

/// The policy with further conditions in one statement: the same requests where they hold.
pub(super) fn narrowed(
    document: &PolicyDocument,
    index: usize,
    more: &[More<'_>],
) -> PolicyDocument {
    changed(document, index, |statement| {
        let span = statement.span;
        let condition = |(operator, key, values): &More<'_>| {
            let value = |text: &&str| Located::new(Value::Text((*text).into()), span);
            Some(Condition {
                operator: Located::new(Operator::parse(operator)?, span),
                key: Located::new((*key).into(), span),
                values: values.iter().map(value).collect(),
                span,
            })
        };
        statement.conditions.extend(more.iter().filter_map(condition));
    })
}

/// The policy with another form of one statement.
pub(super) fn changed(
    document: &PolicyDocument,
    index: usize,
    change: impl FnOnce(&mut Statement),
) -> PolicyDocument {
    let mut policy = document.policy().clone();
    if let Some(statement) = policy.statements.get_mut(index) {
        change(statement);
    }
    PolicyDocument::lowered(document.place, document.kind, policy)
}

/// The policy with another form of each statement.
pub(super) fn every(document: &PolicyDocument, change: &dyn Fn(&mut Statement)) -> PolicyDocument {
    let mut policy = document.policy().clone();
    policy.statements.iter_mut().for_each(change);
    PolicyDocument::lowered(document.place, document.kind, policy)
}

/// The policy with the statement as an Allow of what it means to whom it means, for requests that carry the
/// condition key, whatever its conditions ask.
pub(super) fn carrying(document: &PolicyDocument, index: usize, key: &str) -> PolicyDocument {
    let open = changed(document, index, |statement| {
        statement.effect = Some(Located::new(Effect::Allow, statement.span));
        statement.conditions.clear();
    });
    narrowed(&open, index, &[("Null", key, &["false"])])
}

/// A policy of that one statement.
pub(super) fn alone(document: &PolicyDocument, index: usize) -> PolicyDocument {
    let mut policy = document.policy().clone();
    let statement = policy.statements.get(index).cloned();
    policy.statements = statement.into_iter().collect();
    PolicyDocument::lowered(document.place, document.kind, policy)
}

/// Asks the world after all of `edits`.
pub(super) fn after(reach: &dyn Reach, edits: &[Edit], ask: &mut dyn FnMut(&dyn Reach)) {
    match edits {
        [] => ask(reach),
        [first, rest @ ..] => after(&*reach.after(first), rest, ask),
    }
}
