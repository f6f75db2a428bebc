//! What one condition key can hold, cut into the finitely many classes that the tests of a formula tell
//! apart. Keys that always move together are one variable: the two keys of the instant, with when the session
//! began (`instant`), an organization and the place in it (`place`), a resource and its account (`source`), and
//! the pairs of the encryption context, or tags, with the set of their names (`pairs`).

use jiff::Timestamp;
use rustc_hash::FxHashSet;

use crate::aws::condition_keys::is_multivalued;
use crate::aws::{Nature, condition_key};
use crate::decision::ContextValue;
use crate::policy::{Comparison, Quantifier};

use super::bits::Bits;
use super::elements::{Elements, elements};
use super::frame::Limit;
use super::instant::{ISSUED, instant, session};
use super::names::Names;
use super::pairs;
use super::place::Place;
use super::range::{Form, Range};
use super::source;
use super::spellings::{Spellings, has_spellings, written};
use super::test::Test;

/// How many sets of values are looked at.
pub(super) const SETS: usize = 20_000;

/// Condition keys whose values depend on each other by what they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Group {
    /// One key.
    One(Box<str>),
    /// `aws:CurrentTime` and `aws:EpochTime`: one instant.
    Instant,
    /// The same with `aws:TokenIssueTime`, which lies before.
    Session,
    /// An organization and the place in it.
    Place(Place),
    /// The resource on whose behalf a service asks, and its account.
    Source,
    /// What a request gives by name, and the set of the names: the pairs of the encryption context and
    /// `kms:EncryptionContextKeys` (rule C52), or tags and `aws:TagKeys`.
    Named(Names),
}

/// The keys of one group and their values; a key that is not there is absent.
pub(super) type Entries = Vec<(Box<str>, ContextValue)>;

/// The classes of one group.
#[derive(Debug)]
pub(super) struct Domain {
    /// One choice of values for each class; the first is absence, where that is possible.
    pub(super) classes: Vec<Entries>,
    /// For each test, the classes in which it holds.
    pub(super) truths: Vec<Bits>,
    /// Whether these are all classes.
    pub(super) complete: bool,
}

/// The limits of single keys, by key in lower case; sorted.
pub(super) type Limits = [(Box<str>, Limit)];

/// The limit of one key.
pub(super) fn limit<'a>(limits: &'a Limits, key: &str) -> Option<&'a Limit> {
    let at = limits.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
    Some(&limits.get(at)?.1)
}

/// The limit of one key, or what is fixed of it in another spelling (rule C4).
pub(super) fn limit_spelled<'l>(limits: &'l Limits, key: &str) -> Option<&'l Limit> {
    let is_fixed = |limit: &Limit| matches!(limit, Limit::Given(_) | Limit::Absent);
    let other = || {
        let mut same = limits.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key));
        same.find(|(_, limit)| is_fixed(limit)).map(|(_, limit)| limit)
    };
    limit(limits, key).or_else(|| if has_spellings(key) { other() } else { None })
}

impl Domain {
    /// The classes of `group` under `tests`, which have no variables.
    pub(super) fn of(
        group: &Group,
        tests: &[&Test],
        limits: &Limits,
        now: Timestamp,
        spellings: &Spellings,
    ) -> Self {
        let (candidates, complete) = match group {
            Group::One(key) => {
                let (values, complete) = values(key, tests, limit(limits, key), now);
                let name = spellings.spelled(key);
                let entries = |value| (name.clone(), value);
                let all = values.into_iter().map(|value| value.map(entries).into_iter().collect());
                (all.collect(), complete)
            }
            Group::Instant => instant(tests, limits, now, spellings),
            Group::Session => session(tests, limits, now, spellings),
            Group::Place(place) => place.choices(tests, now, spellings),
            Group::Source => source::choices(tests, limits, now, spellings),
            Group::Named(names) => pairs::pairs(*names, tests, limits, now, spellings),
        };
        Self::told_apart(candidates, tests, complete)
    }

    fn told_apart(candidates: Vec<Entries>, tests: &[&Test], complete: bool) -> Self {
        let mut classes = Vec::new();
        let mut vectors = Vec::new();
        let mut seen = FxHashSet::default();
        for entries in candidates {
            let vector =
                Bits::of(tests.len(), |at| tests.get(at).is_some_and(|test| holds(test, &entries)));
            if seen.insert(vector.clone()) {
                classes.push(entries);
                vectors.push(vector);
            }
        }
        let truths = (0..tests.len()).map(|test| {
            let holds = |class: usize| vectors.get(class).is_some_and(|vector| vector.has(test));
            Bits::of(classes.len(), holds)
        });
        Self { truths: truths.collect(), classes, complete }
    }
}

/// Whether a test holds of these keys.
fn holds(test: &Test, entries: &Entries) -> bool {
    holds_of(test, &written(&test.key), entries)
}

/// Whether a test holds of these entries, where its key is called `name`.
pub(super) fn holds_of(test: &Test, name: &str, entries: &[(Box<str>, ContextValue)]) -> bool {
    if !test.of_grant {
        return test.holds(called(entries, name), &|_| None);
    }
    let same = entries.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
    test.holds_spelled(&same.map(|(_, value)| value).collect::<Vec<_>>())
}

/// The value of a key. Where several are called so but for their case, it is that of the one of equal case,
/// else of the first in byte order (rule C5).
fn called<'e>(entries: &'e [(Box<str>, ContextValue)], name: &str) -> Option<&'e ContextValue> {
    let same = || entries.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
    let exact = same().find(|(own, _)| **own == *name);
    exact.or_else(|| same().min_by_key(|(own, _)| own)).map(|(_, value)| value)
}

/// Whether the export can fix the key, so that its absence must be said.
pub(super) fn is_fixed(key: &str) -> bool {
    let nature = condition_key(key).map(|info| info.nature);
    let fixed = [Nature::Principal, Nature::Session, Nature::Key, Nature::Region];
    nature.is_some_and(|nature| fixed.contains(&nature))
}

/// Candidates for one key, absence first, and whether every class has one.
pub(super) fn values(
    key: &str,
    tests: &[&Test],
    limit: Option<&Limit>,
    now: Timestamp,
) -> (Vec<Option<ContextValue>>, bool) {
    let several = is_multivalued(key);
    match limit {
        Some(Limit::Absent) => return (vec![None], true),
        Some(Limit::Given(values)) if several => {
            return (vec![Some(ContextValue::Many(values.to_vec()))], true);
        }
        Some(Limit::Given(values)) => {
            return (vec![values.first().cloned().map(ContextValue::One)], true);
        }
        _ => {}
    }
    let elements = limited(key, tests, limit, now);
    let mut found = match limit {
        Some(limit) if limit.is_always_there() => Vec::new(),
        _ => vec![None],
    };
    let complete = if Place::is_path(key) {
        let one = |(text, _)| Some(ContextValue::Many(vec![text]));
        found.extend(elements.found.into_iter().map(one));
        elements.complete
    } else if several {
        let (sets, complete) = sets(key, tests, &elements);
        found.extend(sets.into_iter().map(|set| Some(ContextValue::Many(set))));
        complete
    } else {
        found.extend(elements.found.into_iter().map(|(text, _)| Some(ContextValue::One(text))));
        elements.complete
    };
    (found, complete)
}

fn limited(key: &str, tests: &[&Test], limit: Option<&Limit>, now: Timestamp) -> Elements {
    let range = Range::of(key, now);
    match limit {
        Some(Limit::OneOf(values) | Limit::Among(values)) => {
            elements(&Range::Finite(values.to_vec()), tests)
        }
        Some(Limit::Rather(values)) => elements(&range.rather(values), tests),
        Some(Limit::PresentLike(pattern)) => like(&range, &[Form::limiting(key, pattern)], tests),
        Some(Limit::PresentLikeAll(patterns)) => {
            let forms: Vec<Form> = patterns.iter().map(|pattern| Form::like(pattern)).collect();
            like(&range, &forms, tests)
        }
        _ => elements(&range, tests),
    }
}

/// The classes of the texts of a range that have each of these forms.
fn like(range: &Range, forms: &[Form], tests: &[&Test]) -> Elements {
    let limited = forms.iter().try_fold(range.clone(), |range, form| range.of_form(form.clone()));
    match limited {
        Some(range) => elements(&range, tests),
        // Numbers and addresses of a form are tried, not cut.
        None => {
            let mut all = elements(range, tests);
            all.found.retain(|(text, _)| forms.iter().all(|form| form.has(text)));
            Elements { complete: false, ..all }
        }
    }
}

/// What set operators know of a set while it grows: whether all values satisfy each ForAllValues test,
/// and whether one satisfies each ForAnyValue test (rules C32 to C34).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Sets {
    all: Bits,
    any: Bits,
}

impl Sets {
    /// Of the empty set.
    pub(super) fn empty(tests: &[&Test]) -> Self {
        Self { all: quantified(tests, Quantifier::ForAllValues), any: Bits::none(tests.len()) }
    }

    /// With one value more, which satisfies these tests.
    pub(super) fn with(&self, satisfied: &Bits, tests: &[&Test]) -> Self {
        let mut next = self.clone();
        next.all.keep(satisfied);
        let mut any = quantified(tests, Quantifier::ForAnyValue);
        any.keep(satisfied);
        next.any.join(&any);
        next
    }
}

fn quantified(tests: &[&Test], quantifier: Quantifier) -> Bits {
    let is = |test: &&Test| test.operator.quantifier == Some(quantifier);
    Bits::of(tests.len(), |at| tests.get(at).is_some_and(is))
}

/// One set of values for each combination of what the set operators can see, smaller sets first.
fn sets(key: &str, tests: &[&Test], elements: &Elements) -> (Vec<Vec<Box<str>>>, bool) {
    let start = Sets::empty(tests);
    let mut seen = FxHashSet::default();
    let mut found: Vec<(Sets, Vec<Box<str>>)> = vec![(start, Vec::new())];
    let mut at = 0;
    let mut complete = elements.complete;
    while let Some((state, set)) = found.get(at).cloned() {
        for (text, satisfied) in &elements.found {
            let next = state.with(satisfied, tests);
            if seen.contains(&next) || set.contains(text) {
                continue;
            }
            if found.len() >= SETS {
                complete = false;
                break;
            }
            seen.insert(next.clone());
            found.push((next, set.iter().chain([text]).cloned().collect()));
        }
        at += 1;
    }
    // A grant allows some operation: CreateGrant refuses an empty list.
    let empty = usize::from(key == "kms:grantoperations");
    (found.into_iter().skip(empty).map(|(_, set)| set).collect(), complete)
}

impl Group {
    /// The keys whose absence is told by that of their values.
    pub(super) fn keys(&self) -> Vec<&str> {
        match self {
            Self::One(key) => vec![key],
            Self::Session => vec![ISSUED],
            Self::Place(place) => place.keys().into(),
            Self::Source => source::KEYS.into(),
            Self::Instant | Self::Named(_) => Vec::new(),
        }
    }
}

/// Whether a test only asks for presence.
pub(super) fn is_null(test: &Test) -> bool {
    test.operator.comparison == Comparison::Null
}
