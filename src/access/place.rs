//! An organization and the place in it: the path begins with the id, and an account has one (section 2.5).

use jiff::Timestamp;

use crate::decision::ContextValue;

use super::automaton::{Acceptor, Token, members};
use super::domain::Entries;
use super::elements::{acceptor, are_of_texts};
use super::nice;
use super::range::{Range, within};
use super::spellings::Spellings;
use super::test::Test;

/// Whose organization it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Place {
    /// That of who asks.
    Principal,
    /// That of the resource on whose behalf a service asks.
    Source,
    /// That of the VPC endpoint.
    Vpce,
}

impl Place {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Principal, Self::Source, Self::Vpce];

    /// The keys of the organization and of the place, in lower case.
    pub(super) fn keys(self) -> [&'static str; 2] {
        match self {
            Self::Principal => ["aws:principalorgid", "aws:principalorgpaths"],
            Self::Source => ["aws:sourceorgid", "aws:sourceorgpaths"],
            Self::Vpce => ["aws:vpceorgid", "aws:vpceorgpaths"],
        }
    }

    /// Whether a key (in lower case) is one of the two.
    pub(super) fn has(self, key: &str) -> bool {
        self.keys().contains(&key)
    }

    /// Whether a key (in lower case) holds such a path.
    pub(super) fn is_path(key: &str) -> bool {
        Self::ALL.iter().any(|place| {
            let [_, paths] = place.keys();
            paths == key
        })
    }

    /// Neither, and paths with their organizations, one of each class that the tests tell apart.
    pub(super) fn choices(
        self,
        tests: &[&Test],
        now: Timestamp,
        spellings: &Spellings,
    ) -> (Vec<Entries>, bool) {
        let [id, paths] = self.keys();
        let range = Range::of(paths, now);
        let of_path = |test: &&&Test| *test.key == *paths;
        let acceptors = tests.iter().map(|test| match of_path(&test) {
            true => acceptor(test),
            false => beginning(acceptor(test)),
        });
        let acceptors: Vec<Acceptor> = acceptors.collect();
        let forms = match &range {
            Range::Texts { forms, .. } => forms.iter().map(|form| form.tokens()).collect(),
            _ => Vec::new(),
        };
        let members = members(&acceptors, &forms);
        let own: Vec<&Test> = tests.iter().filter(of_path).copied().collect();
        let likely = nice::texts(&range, &own).into_iter().filter(|text| range.has(text));
        let texts = likely.chain(members.found.into_iter().map(|(_, text)| text.into()));
        let both = |path: Box<str>| -> Option<Entries> {
            let organization = path.split('/').next()?.into();
            Some(vec![
                (spellings.spelled(id), ContextValue::One(organization)),
                (spellings.spelled(paths), ContextValue::Many(vec![path])),
            ])
        };
        let found = std::iter::once(Vec::new()).chain(texts.filter_map(both)).collect();
        (found, members.complete && are_of_texts(tests))
    }
}

/// The paths in organizations whose ids are accepted.
fn beginning(ids: Acceptor) -> Acceptor {
    let exact =
        ids.exact.iter().map(|id| id.chars().map(|one| Token::OneOf([one].into())).collect());
    let globs = ids.globs.into_iter().map(|glob| within(glob.into_iter(), '/').collect());
    let all = exact.chain(globs).filter(|id: &Vec<Token>| !id.iter().any(is_slash));
    let end = || [Token::OneOf(['/'].into()), Token::Run];
    let globs = all.map(|id| id.into_iter().chain(end()).collect());
    Acceptor { globs: globs.collect(), exact: Vec::new() }
}

/// No id has a slash.
fn is_slash(token: &Token) -> bool {
    matches!(token, Token::OneOf(characters) if characters.contains(&'/'))
}
