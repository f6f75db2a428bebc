//! The truth of a formula in one context.

use crate::decision::{Context, ContextValue};

use super::formula::{Atom, Formula, Formulas, Node};
use super::pairs::named;
use super::spellings::written;
use super::test::Test;

/// Whether a formula over tests of the request holds in `context`; other atoms do not hold.
pub(super) fn holds_in(formulas: &Formulas, formula: Formula, context: &Context) -> bool {
    match formulas.node(formula) {
        Node::True => true,
        Node::False => false,
        Node::Literal { atom, holds } => match formulas.atom(*atom) {
            Atom::Request(test) => test_holds(test, context) == *holds,
            _ => !*holds,
        },
        Node::And(parts) => parts.iter().all(|part| holds_in(formulas, *part, context)),
        Node::Or(parts) => parts.iter().any(|part| holds_in(formulas, *part, context)),
    }
}

fn test_holds(test: &Test, context: &Context) -> bool {
    if test.of_grant && named(&test.key).is_some() {
        let same = context.entries().filter(|it| it.name.eq_ignore_ascii_case(&test.key));
        return test.holds_spelled(&same.map(|entry| &entry.value).collect::<Vec<_>>());
    }
    let found = value(context, &test.key);
    let variable = |key: &str| match value(context, key)? {
        ContextValue::One(value) => Some(value),
        ContextValue::Many(_) => None,
    };
    test.holds(found.as_ref(), &variable)
}

/// The value of a key; kms:EncryptionContextKeys follows from the pairs (rule C52).
fn value(context: &Context, key: &str) -> Option<ContextValue> {
    if let Some(entry) = context.get(&written(key)) {
        return Some(entry.value.clone());
    }
    if key != "kms:encryptioncontextkeys" {
        return None;
    }
    let pairs = context.with_prefix("kms:EncryptionContext:");
    let names: Vec<Box<str>> = pairs.map(|(name, _)| name.into()).collect();
    (!names.is_empty()).then_some(ContextValue::Many(names))
}
