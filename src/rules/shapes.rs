//! What the values of some condition keys look like: one of another shape is never there.

use crate::aws::AccountId;
use crate::policy::{Comparison, Condition};

/// Condition keys, which texts they may hold, and what is said of others.
type Shape = (&'static [&'static str], fn(&str) -> bool, &'static str);

const SHAPES: [Shape; 5] = [
    (
        &[
            "kms:CallerAccount",
            "aws:PrincipalAccount",
            "aws:SourceAccount",
            "aws:ResourceAccount",
            "aws:VpceAccount",
        ],
        is_account,
        "an account is twelve digits, no ARN and no name",
    ),
    (
        &["aws:PrincipalOrgID", "aws:SourceOrgID", "aws:ResourceOrgID", "aws:VpceOrgID"],
        is_organization,
        "an organization is `o-` and its id",
    ),
    (
        &[
            "aws:PrincipalOrgPaths",
            "aws:SourceOrgPaths",
            "aws:ResourceOrgPaths",
            "aws:VpceOrgPaths",
        ],
        is_path,
        "a path begins with an organization, as in o-abcdefghij/*",
    ),
    // Rule C46.
    (
        &["aws:PrincipalArn"],
        is_no_session,
        "of a session it holds the ARN of the role, never that of the session",
    ),
    // Rule C53; in the guide's table of services each has its Region.
    (
        &["kms:ViaService"],
        is_service,
        "a service is named in full, as in s3.us-east-1.amazonaws.com",
    ),
];

/// Why no value that a condition asks for can be there; nothing where one can.
pub(super) fn misshapen(condition: &Condition) -> Option<&'static str> {
    let is_it = |name: &&str| condition.key.value.eq_ignore_ascii_case(name);
    let (_, fits, why) = SHAPES.iter().find(|(names, ..)| names.iter().any(is_it))?;
    let comparison = condition.operator.value.comparison;
    let is_text = matches!(
        comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::ArnLike
    );
    let mut values = condition.values.iter().map(|value| value.value.text());
    let is_never = is_text && values.all(|text| text.is_some_and(|text| !fits(text)));
    is_never.then_some(*why)
}

/// Whether a text may stand for others.
fn is_open(text: &str) -> bool {
    text.contains(['*', '?', '$'])
}

fn is_account(text: &str) -> bool {
    is_open(text) || AccountId::parse(text).is_some()
}

fn is_organization(text: &str) -> bool {
    is_open(text) || text.starts_with("o-") && !text.contains('/')
}

fn is_path(text: &str) -> bool {
    is_open(text) || text.starts_with("o-") && text.contains('/')
}

fn is_no_session(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    !matches!(*parts, ["arn", _, "sts", _, _, name] if name.starts_with("assumed-role/"))
}

fn is_service(text: &str) -> bool {
    let named = text.strip_suffix(".amazonaws.com");
    is_open(text) || named.is_some_and(|named| named.contains('.'))
}
