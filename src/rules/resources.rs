//! What an entry of `Resource` can be to KMS: asked by several rules.

use crate::aws::Arn;

/// What an entry of `Resource` can be to KMS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The ARN of something that KMS has nothing to do with.
    OtherService,
    /// An alias, or a text without the form of an ARN.
    NoKey,
    /// A key, or a pattern that some key could match.
    MayBeKey,
}

/// The form of an entry.
pub(super) fn form(text: &str) -> Form {
    let is_pattern = |part: &str| part.contains(['*', '?', '$']);
    match Arn::parse(text) {
        Some(arn) if arn.service != "kms" && !is_pattern(arn.service) => Form::OtherService,
        Some(arn) if arn.resource.starts_with("alias/") => Form::NoKey,
        Some(_) => Form::MayBeKey,
        None if text.starts_with("alias/") => Form::NoKey,
        // Rule A63: what a short pattern lacks counts as `*`.
        None if text.starts_with("arn") || is_pattern(text) => Form::MayBeKey,
        None => Form::NoKey,
    }
}
