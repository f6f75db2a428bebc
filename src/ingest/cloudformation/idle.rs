//! Which templates have nothing to do with keys for certain, as their texts show before they are parsed.
//!
//! Such a template matters where something else of the input has to do with keys: its roles may be named
//! there. Alone it is dismissed. Whatever is not seen at a glance counts as having to do with keys.

use crate::aws::managed;
use crate::ingest::text::mentions_kms;

/// What hides a part of a template from a glance, or names what lies elsewhere: escapes, macros, other
/// templates, policies of SAM without their ARNs, and statements that allow all but what they name.
const HIDING: [&str; 7] = [
    "\\u",
    "\\x",
    "Transform",
    "AWS::CloudFormation::",
    "::MODULE",
    "AWS::Organizations::",
    "NotAction",
];

/// Whether `text` is a template that declares identities which surely reach no key.
pub(in crate::ingest) fn is_idle(text: &str) -> bool {
    text.contains("Resources")
        && text.contains("AWS::IAM::")
        && !HIDING.iter().any(|name| text.contains(name))
        && !mentions_kms(text)
        && managed_policies(text).all(|arn| managed::is_without_keys(&arn))
        && !names_policies_of_accounts(text)
        && !has_wide_pattern(text)
        && !has_open(text, "Action")
        && !has_open(
            &text.replace("!Sub ", "").replace("${AWS::Partition}", "aws"),
            "ManagedPolicyArns",
        )
}

/// Whether a text names a managed policy of an account, whose document stands elsewhere.
fn names_policies_of_accounts(text: &str) -> bool {
    let mut named = text.match_indices(":policy/");
    named.any(|(at, _)| !text.get(..at).unwrap_or_default().ends_with(":aws"))
}

/// The AWS managed policies that a text names.
fn managed_policies(text: &str) -> impl Iterator<Item = String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_/".contains(c);
    text.match_indices(":aws:policy/").map(move |(at, before)| {
        let name = text.get(at + before.len()..).unwrap_or_default();
        let end = name.find(|c| !is_of_name(c)).unwrap_or(name.len());
        format!("arn:aws:iam::aws:policy/{}", name.get(..end).unwrap_or_default())
    })
}

/// Whether something may be a pattern that takes actions of KMS (rule A50): a wildcard behind nothing, or
/// behind a beginning of the service's name. The wildcard that is the only value of `Resource` is none.
fn has_wide_pattern(text: &str) -> bool {
    text.match_indices(['*', '?']).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let name = before.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let begun = before.get(name.len()..).unwrap_or_default();
        let is_beginning = ["", "k", "km"].iter().any(|it| it.eq_ignore_ascii_case(begun));
        let is_start = name.ends_with(|c: char| c.is_whitespace() || "\"'[{,}".contains(c));
        is_beginning && (is_start || name.is_empty()) && !(begun.is_empty() && is_resource(name))
    })
}

/// Whether a value that stands behind `before` is the first of `Resource`.
fn is_resource(before: &str) -> bool {
    let is_between = |c: char| c.is_whitespace() || "\"'[-".contains(c);
    let name = before.trim_end_matches(is_between).strip_suffix(':');
    name.is_some_and(|name| name.trim_end_matches(['"', '\'', ' ']).ends_with("Resource"))
}

/// Whether a value of `member` is not written out; it ends where the name of another member does.
fn has_open(text: &str, member: &str) -> bool {
    text.match_indices(member).any(|(at, name)| {
        let behind = text.get(at + name.len()..).unwrap_or_default();
        let behind = behind.trim_start_matches(['"', '\'', ' ']);
        let Some(value) = behind.strip_prefix(':') else { return false };
        let is_end = |at: usize| {
            let (before, behind) = value.split_at_checked(at).unwrap_or_default();
            let is_quoted = before.ends_with(['"', '\'']);
            is_quoted || behind.get(1..).unwrap_or_default().starts_with([' ', '\t', '\r', '\n'])
        };
        let mut colons = value.match_indices(':').map(|(at, _)| at);
        let end = colons.find(|&at| is_end(at)).unwrap_or(value.len());
        let value = value.get(..end).unwrap_or_default();
        ["!", "Fn::", "Ref", "&", "${"].iter().any(|open| value.contains(open))
    })
}
