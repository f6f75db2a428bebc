//! What is given by name, and the set of the names (`names`): the pairs of the encryption context and, told alike,
//! tags (rules C4, C5, C52).
//!
//! The names count with their case where the set is asked, and where a pair is looked up that is given in
//! several spellings at once, so every spelling that the tests tell apart is a choice of its own (`given`).

use jiff::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::decision::ContextValue;
use crate::policy::{Comparison, Operator, Polarity, Quantifier};

use super::automaton::{Acceptor, Token, members};
use super::bits::Bits;
use super::compare::literal;
use super::domain::{Entries, Limits, SETS, Sets, limit};
use super::elements::acceptor;
use super::frame::Limit;
use super::given::{Asked, Given};
use super::names::Names;
use super::nice;
use super::range::Range;
use super::spellings::Spellings;
use super::test::Test;

/// What the keys of pairs begin with, in lower case.
pub(super) const PREFIX: &str = "kms:encryptioncontext:";

/// The key of the set of names, in lower case.
pub(super) const NAMES: &str = "kms:encryptioncontextkeys";

/// The name of a pair, as its key spells it.
pub(super) fn named(key: &str) -> Option<&str> {
    key.strip_prefix(PREFIX)
}

/// How often names are told apart before some are given up.
const ROUNDS: usize = 8;

/// One class of spellings: a name and the tests of the set that it satisfies.
pub(super) type Spelling = (Box<str>, Bits);

/// The names that a context can have.
struct Told {
    /// Names that count without case, each with its spellings.
    known: Vec<(Box<str>, Vec<Spelling>)>,
    /// Names that fold like none of these, nor like each other.
    others: Vec<Spelling>,
    complete: bool,
}

/// Contexts that stand for all, the one without pairs first.
pub(super) fn pairs(
    names: Names,
    tests: &[&Test],
    limits: &Limits,
    now: Timestamp,
    spelled: &Spellings,
) -> (Vec<Entries>, bool) {
    let of_set = limit(limits, names.set());
    let exactly = of_set.map(|limit| named_exactly(names, limit)).unwrap_or_default();
    let of_names = tests.iter().copied().filter(|test| *test.key == *names.set());
    let of_names: Vec<&Test> = of_names.chain(&exactly).collect();
    let told = told(tests, &of_names, limits, of_set);
    let mut complete = told.complete;
    let mut states = States::new(&of_names);
    for (name, spellings) in &told.known {
        let is_own =
            |test: &&Test| Names::named(&test.key).is_some_and(|it| it.eq_ignore_ascii_case(name));
        let own: Vec<&Test> = tests.iter().copied().filter(is_own).collect();
        let asked = Asked { names, name, spellings, own: &own, of_names: &of_names };
        let (given, whole) = asked.given(limits, now);
        complete &= whole;
        states.add(&of_names, &given);
    }
    states.close(&of_names, &told.others);
    complete &= states.complete;
    let set = spelled.spelled(names.set());
    let mut found: Vec<Entries> =
        states.found.into_iter().map(|(_, pairs)| entries(names, &set, pairs)).collect();
    // Nothing says that the keys of no tags are missing.
    if names == Names::Tags && found.iter().any(Vec::is_empty) {
        found.push(vec![(set, ContextValue::Many(Vec::new()))]);
    }
    if let Some(limit) = of_set {
        found.retain(|entries| is_within(entries, limit));
        complete &= matches!(limit, Limit::Given(_)) && !found.is_empty();
    }
    (found, complete)
}

/// What tells a set of exactly the names that the question gives from all others.
fn named_exactly(names: Names, limit: &Limit) -> Vec<Test> {
    let (Limit::Given(given), set) = (limit, names.set()) else { return Vec::new() };
    let operator = |quantifier| Operator {
        quantifier: Some(quantifier),
        comparison: Comparison::StringEquals,
        polarity: Polarity::Is,
        if_exists: false,
    };
    let given: Vec<&str> = given.iter().map(AsRef::as_ref).collect();
    let each = given.iter().map(|name| Test::of(set, operator(Quantifier::ForAnyValue), &[name]));
    let all = Test::of(set, operator(Quantifier::ForAllValues), &given);
    each.chain([all]).collect()
}

/// Rule C52: the set is never an input of its own, and missing without pairs.
fn entries(names: Names, set: &str, pairs: Entries) -> Entries {
    if pairs.is_empty() {
        return Vec::new();
    }
    let given: Vec<Box<str>> = pairs.iter().map(|(name, _)| name.clone()).collect();
    let pair = |(name, value): (Box<str>, ContextValue)| (names.written(&name), value);
    let set = (set.into(), ContextValue::Many(given));
    pairs.into_iter().map(pair).chain([set]).collect()
}

fn is_within(entries: &Entries, limit: &Limit) -> bool {
    let names = entries.last().map_or(&[][..], |(_, names)| names.values());
    match limit {
        Limit::Absent => entries.is_empty(),
        Limit::Present => !entries.is_empty(),
        Limit::OneOf(all) => names.iter().all(|name| all.contains(name)),
        Limit::Among(all) => !entries.is_empty() && names.iter().all(|name| all.contains(name)),
        Limit::PresentLike(pattern) => {
            !entries.is_empty()
                && names.iter().all(|name| super::range::Form::like(pattern).has(name))
        }
        // Of the ARN of who asks alone.
        Limit::Rather(_) | Limit::PresentLikeAll(_) | Limit::PresentLikeBut(..) => true,
        Limit::Given(all) => {
            names.len() == all.len() && names.iter().all(|name| all.contains(name))
        }
    }
}

/// What the tests of the set see, and which tests of each pair hold.
type State = (Sets, Vec<Bits>);

/// What a context is so far, and the pairs that make it, by name.
struct States {
    found: Vec<(State, Entries)>,
    complete: bool,
}

impl States {
    fn new(of_names: &[&Test]) -> Self {
        let start = (Sets::empty(of_names), Vec::new());
        Self { found: vec![(start, Vec::new())], complete: true }
    }

    /// Every state so far, with one more name given in each of these ways.
    fn add(&mut self, of_names: &[&Test], ways: &[Given]) {
        // An empty set is not the same as one that satisfies as much.
        let mut seen: FxHashSet<(State, bool)> = FxHashSet::default();
        let mut found = Vec::new();
        for ((sets, truths), pairs) in &self.found {
            for way in ways {
                let with = |sets: Sets, satisfied| sets.with(satisfied, of_names);
                let sets = way.satisfied.iter().fold(sets.clone(), with);
                let state = (sets, truths.iter().chain([&way.truths]).cloned().collect());
                let is_empty = pairs.is_empty() && way.pairs.is_empty();
                if found.len() >= SETS && !way.pairs.is_empty() {
                    self.complete = false;
                } else if seen.insert((State::clone(&state), is_empty)) {
                    found.push((state, pairs.iter().chain(&way.pairs).cloned().collect()));
                }
            }
        }
        self.found = found;
    }

    /// Every state so far, with any number of further names.
    fn close(&mut self, of_names: &[&Test], others: &[Spelling]) {
        let mut seen: FxHashSet<_> = self
            .found
            .iter()
            .filter(|(_, pairs)| !pairs.is_empty())
            .map(|(state, _)| state.clone())
            .collect();
        let mut at = 0;
        while let Some(((sets, truths), pairs)) = self.found.get(at).cloned() {
            for (name, satisfied) in others {
                let state = (sets.with(satisfied, of_names), truths.clone());
                if seen.contains(&state) || pairs.iter().any(|(known, _)| known == name) {
                    continue;
                }
                if self.found.len() >= SETS {
                    self.complete = false;
                    return;
                }
                seen.insert(state.clone());
                let pair = (name.clone(), ContextValue::One("x".into()));
                self.found.push((state, pairs.iter().cloned().chain([pair]).collect()));
            }
            at += 1;
        }
    }
}

/// The names that tests and limits tell apart without case.
fn known(
    tests: &[&Test],
    of_names: &[&Test],
    limits: &Limits,
    of_set: Option<&Limit>,
) -> Vec<Box<str>> {
    let folded = |name: &str| name.to_ascii_lowercase().into();
    let pairs = tests.iter().filter_map(|test| Names::named(&test.key)).map(folded);
    let exact = of_names.iter().flat_map(|test| &test.values).filter_map(literal);
    let exact = exact.map(folded);
    let given = limits.iter().filter_map(|(key, _)| Names::named(key)).map(folded);
    let set = match of_set {
        Some(Limit::OneOf(names) | Limit::Given(names)) => &**names,
        _ => &[],
    };
    let set = set.iter().map(|name| folded(name));
    let mut known: Vec<Box<str>> = pairs.chain(exact).chain(given).chain(set).collect();
    known.retain(|name| !name.is_empty());
    known.sort();
    known.dedup();
    known
}

/// The classes of spellings; where two names that fold alike would stand for others, that name is told
/// apart too.
fn told(tests: &[&Test], of_names: &[&Test], limits: &Limits, of_set: Option<&Limit>) -> Told {
    let mut known = known(tests, of_names, limits, of_set);
    for _ in 0..ROUNDS {
        let mut told = spellings(&known, of_names, of_set);
        let twice = apart(&mut told, of_names);
        if twice.is_empty() {
            return told;
        }
        known.extend(twice);
        known.sort();
        known.dedup();
    }
    let mut told = spellings(&known, of_names, of_set);
    let twice = apart(&mut told, of_names);
    told.others.retain(|(name, _)| !twice.contains(&name.to_ascii_lowercase().into()));
    Told { complete: false, ..told }
}

/// Lets the names of others fold apart; what is left are the folded names that stay the same.
fn apart(told: &mut Told, of_names: &[&Test]) -> Vec<Box<str>> {
    let mut taken: FxHashSet<Box<str>> = told.known.iter().map(|(name, _)| name.clone()).collect();
    let mut twice = Vec::new();
    for (name, satisfied) in &mut told.others {
        let folded: Box<str> = name.to_ascii_lowercase().into();
        if taken.insert(folded.clone()) {
            continue;
        }
        let same = |other: &str| of(of_names, other) == *satisfied;
        let free = |other: &String| !taken.contains(other.to_ascii_lowercase().as_str());
        let other = variants(name).find(|other| free(other) && same(other));
        match other {
            Some(other) => {
                taken.insert(other.to_ascii_lowercase().into());
                *name = other.into();
            }
            None => twice.push(folded),
        }
    }
    twice
}

/// The text with one character more, at any place.
fn variants(text: &str) -> impl Iterator<Item = String> {
    let places = (0..=text.len()).rev().filter_map(|at| text.split_at_checked(at));
    places.flat_map(|(head, tail)| "yzw123".chars().map(move |one| format!("{head}{one}{tail}")))
}

/// The tests of the set that a name satisfies.
pub(super) fn of(of_names: &[&Test], name: &str) -> Bits {
    let satisfied = |test: &&Test| test.satisfied(name, &|_| None);
    Bits::of(of_names.len(), |at| of_names.get(at).is_some_and(satisfied))
}

fn spellings(known: &[Box<str>], of_names: &[&Test], of_set: Option<&Limit>) -> Told {
    let without_case = |name: &str| Acceptor {
        globs: vec![
            name.chars()
                .map(|one| {
                    Token::OneOf([one.to_ascii_lowercase(), one.to_ascii_uppercase()].into())
                })
                .collect(),
        ],
        exact: Vec::new(),
    };
    let mut acceptors: Vec<Acceptor> = of_names.iter().map(|test| acceptor(test)).collect();
    acceptors.extend(known.iter().map(|name| without_case(name)));
    let members = members(&acceptors, &[vec![Token::One, Token::Run]]);
    let range = Range::Texts { forms: Vec::new(), empty: false };
    let named = match of_set {
        Some(Limit::OneOf(names) | Limit::Given(names)) => names.to_vec(),
        _ => Vec::new(),
    };
    let candidates = nice::texts(&range, of_names).into_iter().chain(named).chain(known.to_vec());
    let candidates = candidates.chain(members.found.into_iter().map(|(_, text)| text.into()));
    let mut by_name: FxHashMap<Box<str>, Vec<Spelling>> = FxHashMap::default();
    let mut others: Vec<Spelling> = Vec::new();
    for text in candidates.filter(|text| !text.is_empty()) {
        let satisfied = of(of_names, &text);
        let folded: Box<str> = text.to_ascii_lowercase().into();
        let class = match known.contains(&folded) {
            true => by_name.entry(folded).or_default(),
            false => &mut others,
        };
        if class.iter().all(|(_, known)| *known != satisfied) {
            class.push((text, satisfied));
        }
    }
    let complete = members.complete && of_names.iter().all(|test| is_text(test));
    let known = known.iter().map(|name| {
        let spellings = by_name.remove(name).unwrap_or_default();
        (name.clone(), spellings)
    });
    Told { known: known.collect(), others, complete }
}

/// Whether the automaton knows all about the test.
fn is_text(test: &Test) -> bool {
    matches!(
        test.operator.comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::ArnLike
            | Comparison::Bool
            | Comparison::Null
    )
}
