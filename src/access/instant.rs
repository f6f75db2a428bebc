//! When a request is made, in the two keys that tell it, and when its session began.

use jiff::Timestamp;

use crate::decision::{ContextValue, LONGEST_SESSION};

use super::domain::{Entries, Limits, limit};
use super::elements::{instants, moments};
use super::frame::Limit;
use super::range::{Form, Written, read, write};
use super::spellings::Spellings;
use super::test::Test;
use super::values::Decimal;

/// The instant of a request, in lower case.
pub(super) const CURRENT: &str = "aws:currenttime";

/// The same in seconds since 1970.
pub(super) const EPOCH: &str = "aws:epochtime";

/// When the session began.
pub(super) const ISSUED: &str = "aws:tokenissuetime";

/// One instant, in both its forms.
pub(super) fn instant(
    tests: &[&Test],
    limits: &Limits,
    now: Timestamp,
    spellings: &Spellings,
) -> (Vec<Entries>, bool) {
    let (texts, mut complete) = instants(now, tests);
    let given = given(limits, &mut complete);
    let mut found: Vec<Entries> = vec![Vec::new()];
    match given {
        Some(given) => found = made(given, spellings).into_iter().collect(),
        None => found.extend(seconds(&texts).filter_map(|second| made(second, spellings))),
    }
    restricted(&mut found, limits);
    (found, complete)
}

/// One instant, and when a session began that is valid then. Of either the least of each stretch that the
/// tests tell apart is enough, and what lies as far from the other as can be.
pub(super) fn session(
    tests: &[&Test],
    limits: &Limits,
    now: Timestamp,
    spellings: &Spellings,
) -> (Vec<Entries>, bool) {
    let (of_session, of_instant): (Vec<&Test>, Vec<&Test>) =
        tests.iter().partition(|test| *test.key == *ISSUED);
    let (texts, mut complete) = instants(now, &of_instant);
    let (begun, whole) = moments(ISSUED, now, &of_session);
    let begun: Vec<i64> = seconds(&begun).collect();
    complete &= whole;
    let given = given(limits, &mut complete);
    let first = now.as_second() + i64::from(now.subsec_nanosecond() > 0);
    let later = begun.iter().copied().filter(|second| *second >= first);
    let instants: Vec<i64> = match given {
        Some(given) => vec![given],
        None => seconds(&texts).chain(later).collect(),
    };
    let issued = limit(limits, ISSUED);
    let mut found: Vec<Entries> = given.is_none().then(Vec::new).into_iter().collect();
    for second in instants {
        let Some(made) = made(second, spellings) else { continue };
        let with = |text: Box<str>| {
            let session = (spellings.spelled(ISSUED), ContextValue::One(text));
            made.iter().cloned().chain([session]).collect::<Entries>()
        };
        match issued {
            // What the question gives stays as it is.
            Some(Limit::Given(values)) => found.extend(values.first().cloned().map(with)),
            Some(Limit::Absent) => found.push(made),
            _ => {
                let valid = second.saturating_sub(LONGEST_SESSION)..=second;
                let ends = [*valid.end(), *valid.start()];
                let begun = ends.iter().chain(&begun).filter(|begun| valid.contains(begun));
                let begun = begun.filter_map(|second| write(*second, Written::Instant));
                found.extend(begun.map(with));
                found.push(made);
            }
        }
    }
    restricted(&mut found, limits);
    if let Some(limit) = issued {
        complete &= matches!(limit, Limit::Given(_) | Limit::Absent | Limit::Present);
        restrict(&mut found, ISSUED, limit);
    }
    (found, complete)
}

/// The whole seconds that texts of either form are.
fn seconds(texts: &[Box<str>]) -> impl Iterator<Item = i64> + '_ {
    let second = |text: &str| read(text, Written::Digits).or_else(|| read(text, Written::Instant));
    texts.iter().filter_map(move |text| second(text))
}

/// The two keys of a request that is made at this second.
fn made(second: i64, spellings: &Spellings) -> Option<Entries> {
    Some(vec![
        (spellings.spelled(CURRENT), ContextValue::One(write(second, Written::Instant)?)),
        (spellings.spelled(EPOCH), ContextValue::One(write(second, Written::Digits)?)),
    ])
}

/// The instant that the question gives. Other limits are tried, not cut.
fn given(limits: &Limits, complete: &mut bool) -> Option<i64> {
    let given = [CURRENT, EPOCH].into_iter().filter_map(|key| match limit(limits, key)? {
        Limit::Given(values) => Decimal::instant(values.first()?)?.integer(),
        _ => {
            *complete = false;
            None
        }
    });
    given.collect::<Vec<i64>>().first().copied()
}

/// Keeps what the limits of the two keys admit.
fn restricted(found: &mut Vec<Entries>, limits: &Limits) {
    for key in [CURRENT, EPOCH] {
        if let Some(limit) = limit(limits, key) {
            restrict(found, key, limit);
        }
    }
}

/// Keeps what the limit of one key admits.
fn restrict(found: &mut Vec<Entries>, key: &str, limit: &Limit) {
    let own = |(name, _): &(Box<str>, ContextValue)| name.eq_ignore_ascii_case(key);
    if *limit == Limit::Absent {
        found.iter_mut().for_each(|entries| entries.retain(|entry| !own(entry)));
    }
    found.retain(|entries| {
        let text =
            entries.iter().find(|entry| own(entry)).and_then(|(_, value)| value.values().first());
        match (limit, text) {
            (Limit::OneOf(values), Some(text)) => values.contains(text),
            (Limit::Among(values), text) => text.is_some_and(|text| values.contains(text)),
            (Limit::Present, text) => text.is_some(),
            (Limit::PresentLike(pattern), text) => {
                text.is_some_and(|it| Form::like(pattern).has(it))
            }
            _ => true,
        }
    });
}
