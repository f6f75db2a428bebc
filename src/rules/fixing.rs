//! Fixes, and what is known of access by them.

use crate::aws::suggest;
use crate::findings::{Access, Change, Fix, What};
use crate::policy::{PolicyKind, Statement};
use crate::source::Span;

use super::Documented;

/// A text that is replaced within `span`.
pub(super) fn replaced(
    document: &Documented<'_>,
    access: Access,
    span: Span,
    (old, new): (&str, &str),
) -> Fix {
    let what = What::Replace { old: old.to_owned(), new: new.to_owned() };
    let change = Change { place: document.document.place, span, what };
    Fix { title: format!("write `{new}`"), access, changes: vec![change] }
}

/// What becomes of access by a change of a policy that concerns KMS alone: the matrix tells it of policies
/// that somebody in the input has.
pub(super) fn of_kms(document: &Documented<'_>) -> Access {
    let takes_part = match document.document.kind {
        PolicyKind::Key => document.key.is_some(),
        PolicyKind::Identity => !document.holders.is_empty(),
        _ => false,
    };
    if takes_part { Access::Decided } else { Access::MayChange }
}

/// The same for a change of a whole statement.
pub(super) fn of_statement(document: &Documented<'_>, statement: &Statement) -> Access {
    let is_of_kms = |text: &str| text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("kms:"));
    let actions = statement.action.iter().flat_map(|element| &element.values);
    let mut texts = actions.map(|value| value.value.text());
    let alone = texts.all(|text| text.is_some_and(is_of_kms));
    match document.document.kind == PolicyKind::Key || alone {
        true => of_kms(document),
        false => Access::MayChange,
    }
}

/// Whether one slip of the pen lies between two names.
pub(super) fn is_slip(written: &str, meant: &str) -> bool {
    suggest::is_one_slip(written, meant)
}
