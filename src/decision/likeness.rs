//! Which tags of a principal make a text of a policy like something of what is called on (rules T34, C40 to C47).

use std::collections::BTreeMap;

use crate::inventory::{Identity, Key, Tags};
use crate::policy::{Part, Variables, parts};

/// Tags, each with its key and its value, that together make a text like another.
pub type Likened = Box<[(Box<str>, Box<str>)]>;

/// The condition keys of tags of principals.
pub const PRINCIPAL_TAG: &str = "aws:principaltag/";

/// Those of tags of keys, and of users and roles that somebody calls on.
pub const RESOURCE_TAG: &str = "aws:resourcetag/";

/// Those of tags of what is called on, users and roles among it.
pub const TARGET_TAGS: [&str; 2] = [RESOURCE_TAG, "iam:resourcetag/"];

/// What is called on, as far as policies can want a principal's tags to be like something of it.
pub struct Thing<'a> {
    arn: &'a str,
    tags: Option<&'a Tags>,
    key: Option<&'a Key>,
}

impl<'a> From<&'a Key> for Thing<'a> {
    fn from(key: &'a Key) -> Self {
        Self { arn: key.arn.as_str(), tags: key.tags.as_ref(), key: Some(key) }
    }
}

impl<'a> From<&'a Identity> for Thing<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self { arn: &identity.arn, tags: Some(&identity.tags), key: None }
    }
}

impl<'a> Thing<'a> {
    fn tag(&self, name: &str) -> Option<&'a str> {
        tag_in(self.tags?, name)
    }

    fn account(&self) -> Option<&'a str> {
        self.arn.split(':').nth(4)
    }

    /// What a variable holds wherever it is called on.
    pub fn value(&self, variable: &str) -> Option<Box<str>> {
        let lower = variable.to_ascii_lowercase();
        let value = match TARGET_TAGS.iter().find_map(|family| lower.strip_prefix(family)) {
            Some(tag) => self.tag(tag),
            None if lower == "aws:resourceaccount" => self.account(),
            None => None,
        };
        value.map(Into::into)
    }
}

/// The value of a tag, its key in whatever case.
pub fn tag_in<'t>(tags: &'t Tags, name: &str) -> Option<&'t str> {
    let mut tags = tags.iter();
    tags.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// What of a [`Thing`] a condition, or a resource element, looks at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// Its ARN, or those of its aliases.
    Arn,
    /// The names of its aliases.
    Alias,
    /// Its tag of this name, in lower case.
    Tag(Box<str>),
    /// Its account, which mostly is the caller's.
    Account,
    /// Its Region.
    Region,
}

impl Facet {
    /// What the condition key looks at, in lower case; nothing where it is of the request alone.
    pub fn of(key: &str) -> Option<Self> {
        match key {
            "kms:resourcealiases" | "kms:requestalias" => Some(Self::Alias),
            "aws:resourceaccount" | "aws:principalaccount" | "kms:calleraccount" => {
                Some(Self::Account)
            }
            "aws:requestedregion" => Some(Self::Region),
            _ => {
                let tag = TARGET_TAGS.iter().find_map(|family| key.strip_prefix(family));
                tag.map(|tag| Self::Tag(tag.into()))
            }
        }
    }

    fn texts<'a>(&self, thing: &Thing<'a>) -> Vec<&'a str> {
        let aliases = thing.key.into_iter().flat_map(|key| &key.aliases);
        match self {
            Self::Arn => aliases.map(|alias| alias.as_str()).chain([thing.arn]).collect(),
            Self::Alias => aliases.map(|alias| alias.name()).collect(),
            Self::Tag(tag) => thing.tag(tag).into_iter().collect(),
            Self::Account => thing.account().into_iter().collect(),
            Self::Region => thing.key.map(|key| key.arn.region()).into_iter().collect(),
        }
    }

    /// The tags of a principal that make a text like what this looks at.
    pub fn likened(&self, text: &str, thing: &Thing<'_>) -> Vec<Likened> {
        let texts = self.texts(thing).into_iter();
        texts.filter_map(|wanted| likened(text, wanted, PRINCIPAL_TAG)).collect()
    }
}

/// The names of the tags of one family that stand in a text, as they are spelled.
pub fn tags_in<'t>(text: &'t str, family: &str) -> impl Iterator<Item = &'t str> {
    parts(text, Variables::Replaced).filter_map(move |part| match part {
        Part::Variable { key, .. } => tag_of(key, family),
        _ => None,
    })
}

/// What follows `family` in a condition key.
fn tag_of<'t>(key: &'t str, family: &str) -> Option<&'t str> {
    let begins = key.get(..family.len())?.eq_ignore_ascii_case(family);
    key.get(family.len()..).filter(|_| begins)
}

/// Whether a text has variables.
pub fn has_variables(text: &str, variables: Variables) -> bool {
    parts(text, variables).any(|part| matches!(part, Part::Variable { .. }))
}

/// A piece of a pattern: what may stand anywhere behind the piece before it, and text that stands there.
#[derive(Default)]
struct Piece<'t> {
    /// Whether anything may stand before the text.
    is_loose: bool,
    /// The tags whose values stand before the text.
    tags: Vec<&'t str>,
    /// The text; nothing for any one character.
    fixed: Vec<Option<char>>,
}

impl Piece<'_> {
    /// Whether its text stands at the beginning of `text`, in whatever case.
    fn stands(&self, text: &[char]) -> bool {
        let is_like = |(wanted, found): (&Option<char>, &char)| {
            wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        self.fixed.len() <= text.len() && self.fixed.iter().zip(text).all(is_like)
    }
}

/// The tags of one family that make a text like `wanted`; nothing where none do. Other variables may hold
/// anything. Of several ways the one in which the first tags are shortest. Costs the product of both lengths.
pub fn likened(text: &str, wanted: &str, family: &str) -> Option<Likened> {
    let pieces = pieces(text, family);
    let wanted: Vec<char> = wanted.chars().collect();
    let mut rest = wanted.as_slice();
    let mut found: BTreeMap<String, (Box<str>, Box<str>)> = BTreeMap::new();
    for (nth, piece) in pieces.iter().enumerate() {
        let is_last = nth + 1 == pieces.len();
        let last = rest.len().checked_sub(piece.fixed.len())?;
        let from = match (piece.is_loose, is_last) {
            (true, true) => Some(last),
            (true, false) => {
                (0..=last).find(|at| rest.get(*at..).is_some_and(|it| piece.stands(it)))
            }
            (false, true) => Some(0).filter(|_| last == 0),
            (false, false) => Some(0),
        };
        let (before, behind) = rest.split_at_checked(from?)?;
        if !piece.stands(behind) {
            return None;
        }
        let mut value: String = before.iter().collect();
        for tag in &piece.tags {
            let held = (Box::from(*tag), std::mem::take(&mut value).into());
            let known = found.entry(tag.to_ascii_lowercase()).or_insert_with(|| held.clone());
            if known.1 != held.1 {
                return None;
            }
        }
        rest = behind.get(piece.fixed.len()..)?;
    }
    Some(found.into_values().collect::<Likened>()).filter(|set| rest.is_empty() && !set.is_empty())
}

/// A pattern in pieces, the tags of one family told apart.
fn pieces<'t>(text: &'t str, family: &str) -> Vec<Piece<'t>> {
    let mut all = vec![Piece::default()];
    for part in parts(text, Variables::Replaced) {
        let is_loose = matches!(part, Part::AnyRun | Part::Variable { .. });
        if is_loose && all.last().is_none_or(|piece| !piece.fixed.is_empty()) {
            all.push(Piece::default());
        }
        let Some(piece) = all.last_mut() else { break };
        piece.is_loose |= is_loose;
        match part {
            Part::Text(text) => piece.fixed.extend(text.chars().map(Some)),
            Part::AnyOne => piece.fixed.push(None),
            Part::AnyRun => {}
            Part::Variable { key, .. } => piece.tags.extend(tag_of(key, family)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &str, expected: &[(&str, &str)]) {
        let found = likened(text, wanted, PRINCIPAL_TAG);
        let found = found.iter().flatten().map(|(tag, value)| (&**tag, &**value));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{text} like {wanted}");
    }

    #[test]
    fn t34_tags_make_a_text_like_another() {
        check("${aws:PrincipalTag/team}", "pay", &[("team", "pay")]);
        check("alias/${aws:principaltag/Team}", "alias/pay", &[("Team", "pay")]);
        check("alias/${aws:PrincipalTag/team, 'x'}-*", "alias/pay-a-b", &[("team", "pay")]);
        check("*-${aws:PrincipalTag/team}", "a-b-c", &[("team", "b-c")]);
        check("${aws:username}/${aws:PrincipalTag/a}", "x/y", &[("a", "y")]);
        check("${aws:PrincipalTag/a}.${aws:PrincipalTag/b}", "x.y", &[("a", "x"), ("b", "y")]);
        check("${aws:PrincipalTag/a}.${aws:PrincipalTag/A}", "x.x", &[("a", "x")]);
        check("A?${aws:PrincipalTag/a}", "abc", &[("a", "c")]);
        check("a${aws:PrincipalTag/a}b", "ab", &[("a", "")]);
        check("${aws:PrincipalTag/a}ab*", "xabab", &[("a", "x")]);
    }

    #[test]
    fn t34_no_tag_makes_a_text_like_another() {
        check("${aws:PrincipalTag/a}.${aws:PrincipalTag/a}", "x.y", &[]);
        check("alias/${aws:PrincipalTag/team}", "alia", &[]);
        check("alias/${aws:PrincipalTag/team}", "other/pay", &[]);
        check("${aws:PrincipalTag/a}b", "abc", &[]);
        check("a${aws:PrincipalTag/a}a", "a", &[]);
        check("pay", "pay", &[]);
        check("*", "pay", &[]);
        check("", "", &[]);
    }
}
