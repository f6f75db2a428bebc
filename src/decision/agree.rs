//! What the values of condition keys say of each other, whatever [`FACTS`](super::FACTS) count.

use crate::aws::{AccountId, Arn};

use super::instant::whole_second;
use super::{Context, LONGEST_SESSION};

/// The condition keys that tell an organization, with those that tell the place in it.
pub(super) const ORGANIZATIONS: [(&str, &str); 4] = [
    ("aws:PrincipalOrgID", "aws:PrincipalOrgPaths"),
    ("aws:ResourceOrgID", "aws:ResourceOrgPaths"),
    ("aws:SourceOrgID", "aws:SourceOrgPaths"),
    ("aws:VpceOrgID", "aws:VpceOrgPaths"),
];

/// Whether the values of a context can stand beside each other, keys that are not there aside.
pub fn agree(context: &Context) -> bool {
    is_one_instant(context)
        && is_in_session(context)
        && is_one_source(context)
        && are_named(context)
        && ORGANIZATIONS.iter().all(|keys| is_one_place(context, *keys))
}

/// Section 2.5: one instant in two forms.
fn is_one_instant(context: &Context) -> bool {
    let both = second(context, "aws:CurrentTime").zip(second(context, "aws:EpochTime"));
    both.is_none_or(|(one, other)| one == other)
}

/// The second that the only value of a key is.
fn second(context: &Context, key: &str) -> Option<i64> {
    match context.get(key)?.value.values() {
        [only] => whole_second(only),
        _ => None,
    }
}

/// Section 2.5: a request is made once its credentials are issued, and before they expire.
fn is_in_session(context: &Context) -> bool {
    let made = second(context, "aws:CurrentTime").or_else(|| second(context, "aws:EpochTime"));
    let both = made.zip(second(context, "aws:TokenIssueTime"));
    both.is_none_or(|(made, issued)| {
        (issued..=issued.saturating_add(LONGEST_SESSION)).contains(&made)
    })
}

/// Section 2.5: the account of a resource on whose behalf a service asks is that of its ARN, where that has one.
fn is_one_source(context: &Context) -> bool {
    let one = |key: &str| context.get(key).and_then(|entry| entry.value.values().first());
    let arn = one("aws:SourceArn").and_then(|text| Arn::parse(text));
    let account = arn.and_then(|arn| AccountId::parse(arn.account));
    arn.is_none_or(|arn| arn.has_owner())
        && account.zip(one("aws:SourceAccount")).is_none_or(|(own, told)| *own.as_str() == **told)
}

/// Rule C52: the names of the pairs are all in the set of them.
fn are_named(context: &Context) -> bool {
    let names = context.get("kms:EncryptionContextKeys").map(|entry| entry.value.values());
    let mut pairs = context.with_prefix("kms:EncryptionContext:");
    names.is_none_or(|names| pairs.all(|(name, _)| names.iter().any(|it| **it == *name)))
}

/// Section 2.5: an account is at one place of one organization, whose id the path begins with.
fn is_one_place(context: &Context, (id, paths): (&str, &str)) -> bool {
    let values = |key: &str| context.get(key).map(|entry| entry.value.values());
    let Some(paths) = values(paths) else { return true };
    let id = values(id).and_then(|id| id.first());
    match (paths, id) {
        ([_], None) => true,
        ([path], Some(id)) => path.strip_prefix(&**id).is_some_and(|rest| rest.starts_with('/')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::ContextValue;

    #[test]
    fn a_request_is_made_while_its_credentials_are_valid() {
        for (issued, made, expected) in [
            ("2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", true),
            ("2026-11-30T00:00:01Z", "2026-11-30T00:00:00Z", false),
            ("2026-11-28T12:00:00Z", "2026-11-30T00:00:00Z", true),
            ("2026-11-28T11:59:59Z", "2026-11-30T00:00:00Z", false),
        ] {
            let mut context = Context::default();
            context.set_one("aws:TokenIssueTime", issued);
            assert!(agree(&context));
            context.set_one("aws:CurrentTime", made);
            assert_eq!(agree(&context), expected, "{issued} {made}");
        }
    }

    #[test]
    fn a_request_is_made_at_one_instant() {
        for (epoch, expected) in [("1795996800", true), ("1795996801", false)] {
            let mut context = Context::default();
            context.set_one("aws:CurrentTime", "2026-11-30T00:00:00Z");
            context.set_one("aws:EpochTime", epoch);
            assert_eq!(agree(&context), expected, "{epoch}");
        }
    }

    #[test]
    fn a_resource_is_of_the_account_in_its_arn() {
        for (arn, account, expected) in [
            ("arn:aws:sns:us-east-1:111122223333:t", "111122223333", true),
            ("arn:aws:sns:us-east-1:111122223333:t", "444455556666", false),
            ("arn:aws:s3:::bucket", "444455556666", true),
            ("arn:aws:sns:us-east-1:4x:t", "444455556666", false),
        ] {
            let mut context = Context::default();
            context.set_one("aws:SourceArn", arn);
            context.set_one("aws:SourceAccount", account);
            assert_eq!(agree(&context), expected, "{arn} {account}");
        }
    }

    #[test]
    fn c52_each_pair_is_named_as_it_is_spelled() {
        for (pairs, names, expected) in [
            (&["a"][..], &["a"][..], true),
            (&["a"], &["a", "b"], true),
            (&[], &["a"], true),
            (&["a", "b"], &["a"], false),
            (&["a"], &["A"], false),
        ] {
            let mut context = Context::default();
            for name in pairs {
                context.set_one(&format!("kms:EncryptionContext:{name}"), "1");
            }
            assert!(agree(&context));
            let names = names.iter().map(|name| (*name).into()).collect();
            context.set("kms:EncryptionContextKeys", ContextValue::Many(names));
            assert_eq!(agree(&context), expected, "{context:?}");
        }
    }

    #[test]
    fn an_account_is_at_one_place_of_its_organization() {
        for (id, paths, expected) in [
            (None, &["o-a/r-1/"][..], true),
            (None, &["o-a/r-1/", "o-a/r-1/ou-1/"], false),
            (None, &[], false),
            (Some("o-a"), &["o-a/r-1/"], true),
            (Some("o-a"), &["o-ab/r-1/"], false),
        ] {
            let mut context = Context::default();
            let paths = paths.iter().map(|path| (*path).into()).collect();
            context.set("aws:PrincipalOrgPaths", ContextValue::Many(paths));
            if let Some(id) = id {
                context.set_one("aws:PrincipalOrgID", id);
            }
            assert_eq!(agree(&context), expected, "{context:?}");
        }
    }
}
