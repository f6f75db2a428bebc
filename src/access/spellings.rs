//! How condition keys are spelled, for the engine and where people read them. They compare without case (rule
//! C4), so that the engine knows most of them in lower case alone; the spelling of a tag is the one that
//! policies use. A request can give a pair of the encryption context, or a tag, in several spellings at once,
//! and a key can have such tags (rule C5): those keep theirs.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use rustc_hash::FxHashMap;

use crate::aws::condition_key;
use crate::policy::{Part, Policy, Value, Variables, parts};

use super::pairs::PREFIX;

/// The families of keys that a request or a key can have in several spellings at once, as AWS writes them
/// and in lower case.
const SPELLED: [(&str, &str); 3] = [
    ("kms:EncryptionContext:", PREFIX),
    ("aws:RequestTag/", "aws:requesttag/"),
    ("aws:ResourceTag/", "aws:resourcetag/"),
];

/// A key as the engine knows it: in lower case, but for what there can be in several spellings.
pub(super) fn folded(key: &str) -> Box<str> {
    for (written, lower) in SPELLED {
        if let Some((head, own)) = key.split_at_checked(written.len())
            && head.eq_ignore_ascii_case(written)
        {
            return format!("{lower}{own}").into();
        }
    }
    key.to_ascii_lowercase().into()
}

/// A key of the engine as requests write it, where its case counts (rule C5).
pub(super) fn written(key: &str) -> Cow<'_, str> {
    let own = |(written, lower)| Some(format!("{written}{}", key.strip_prefix(lower)?));
    SPELLED.into_iter().find_map(own).map_or(Cow::Borrowed(key), Cow::Owned)
}

/// Whether there can be several spellings of `key` at once.
pub(super) fn has_spellings(key: &str) -> bool {
    SPELLED.iter().any(|(_, lower)| key.starts_with(lower))
}

/// The spellings that policies use, by key in lower case. Where they differ it is the first in
/// byte order, whoever was heard first.
#[derive(Default)]
pub(super) struct Spellings(RwLock<FxHashMap<Box<str>, Box<str>>>);

impl Spellings {
    /// Hears how a policy spells the keys of its conditions and variables.
    pub(super) fn hear_policy(&self, policy: &Policy) {
        let variables = Variables::from(policy.version);
        for statement in &policy.statements {
            for condition in &statement.conditions {
                self.hear(&condition.key.value);
            }
            let of_conditions = statement.conditions.iter().flat_map(|one| &one.values);
            let values = statement.resource.iter().flat_map(|element| &element.values);
            let texts = values.chain(of_conditions).filter_map(|value| match &value.value {
                Value::Text(text) if text.contains("${") => Some(text),
                _ => None,
            });
            for part in texts.flat_map(|text| parts(text, variables)) {
                if let Part::Variable { key, .. } = part {
                    self.hear(key);
                }
            }
        }
    }

    /// Hears one spelling. What is in lower case, or in the table of keys, needs none; nor does what keeps
    /// its own.
    pub(super) fn hear(&self, key: &str) {
        if !key.bytes().any(|byte| byte.is_ascii_uppercase()) || has_spellings(&folded(key)) {
            return;
        }
        let Some(open) = open_part(key) else {
            return;
        };
        let lower: Box<str> = key.to_ascii_lowercase().into();
        let is_known = |known: Option<&Box<str>>| known.is_some_and(|known| **known <= *open);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if is_known(known.get(&lower)) {
            return;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !is_known(known.get(&lower)) {
            known.insert(lower, open.into());
        }
    }

    /// A key, in lower case, as AWS spells it; what AWS leaves open as policies do.
    pub(super) fn spelled(&self, key: &str) -> Box<str> {
        let heard = || {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            known.get(key).cloned()
        };
        let Some(info) = condition_key(key) else {
            return heard().unwrap_or_else(|| key.into());
        };
        match info.member(key) {
            None if info.is_family() => heard().unwrap_or_else(|| key.into()),
            None => info.name.into(),
            Some(member) => {
                let prefix = info.name.split(['$', '<']).next().unwrap_or_default();
                format!("{prefix}{}", heard().as_deref().unwrap_or(member)).into()
            }
        }
    }
}

/// The part of a key whose spelling is up to who writes it; nothing where AWS spells all of it.
fn open_part(key: &str) -> Option<&str> {
    match condition_key(key) {
        None => Some(key),
        Some(info) if info.is_family() => Some(info.member(key).unwrap_or(key)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_spelling_in_byte_order_is_kept() {
        let spellings = Spellings::default();
        let tag = |name: &str| format!("aws:principaltag/{name}");
        assert_eq!(&*spellings.spelled(&tag("team")), "aws:PrincipalTag/team");
        for heard in ["AWS:principaltag/TeaM", "aws:PrincipalTag/Team", "aws:PrincipalTag/team"] {
            spellings.hear(heard);
        }
        assert_eq!(&*spellings.spelled(&tag("team")), "aws:PrincipalTag/TeaM");
        spellings.hear("aws:PrincipalTag/TEAM");
        assert_eq!(&*spellings.spelled(&tag("team")), "aws:PrincipalTag/TEAM");
        spellings.hear("AWS:SOURCEIP");
        assert_eq!(&*spellings.spelled("aws:sourceip"), "aws:SourceIp");
        spellings.hear("corp:Thing");
        assert_eq!(&*spellings.spelled("corp:thing"), "corp:Thing");
    }

    #[test]
    fn c5_what_a_request_can_give_in_several_spellings_keeps_its_own() {
        let spellings = Spellings::default();
        spellings.hear("kms:EncryptionContext:APP:Name");
        for (key, engine, request) in [
            (
                "kms:encryptionContext:App:Name",
                "kms:encryptioncontext:App:Name",
                "kms:EncryptionContext:App:Name",
            ),
            ("AWS:RequestTag/Team", "aws:requesttag/Team", "aws:RequestTag/Team"),
            ("aws:resourceTag/Team", "aws:resourcetag/Team", "aws:ResourceTag/Team"),
        ] {
            assert_eq!(&*folded(key), engine);
            assert_eq!(&*written(engine), request);
            assert_eq!(&*spellings.spelled(engine), request);
            assert!(has_spellings(engine));
        }
        assert_eq!(&*folded("aws:PrincipalTag/Team"), "aws:principaltag/team");
        assert_eq!(&*written("aws:sourceip"), "aws:sourceip");
        assert!(!has_spellings("kms:encryptioncontextkeys"));
    }
}
