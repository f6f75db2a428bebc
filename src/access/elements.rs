//! The classes of single values: which combinations of tests some text of a range satisfies.

use std::net::IpAddr;

use rustc_hash::FxHashSet;

use crate::policy::Comparison;

use super::automaton::{Acceptor, Token, folded_alike, members};
use super::bits::Bits;
use super::compare::{Line, literal, order, text};
use super::nice;
use super::range::{Range, Whole, Written, arn_tokens, read, tokens, write};
use super::test::{Operand, Piece, Test};
use super::values::{Decimal, address, block};

/// Of so few numbers each is looked at, where tests ask how they are written: days have bounds.
const FEW: i64 = 5000;

/// Texts that stand for all of a range.
#[derive(Clone, Debug)]
pub(super) struct Elements {
    /// One for each class, with the tests that it satisfies.
    pub(super) found: Vec<(Box<str>, Bits)>,
    /// Whether there is no other class.
    pub(super) complete: bool,
}

/// The classes that `tests` cut the range into; the tests have no variables.
pub(super) fn elements(range: &Range, tests: &[&Test]) -> Elements {
    let (candidates, complete) = match range {
        Range::Finite(texts) => (texts.clone(), true),
        Range::Texts { .. } => texts(range, tests),
        Range::Numbers(whole) => numbers(*whole, tests),
        Range::Addresses => addresses(tests),
    };
    let mut classes = FxHashSet::default();
    let mut found = Vec::new();
    for candidate in candidates {
        if range.has(&candidate) {
            let satisfied = Bits::of(tests.len(), |at| {
                tests.get(at).is_some_and(|test| satisfies(test, &candidate))
            });
            // The empty text is a class of its own: sets of it count as empty (rule C32).
            if classes.insert((candidate.is_empty(), satisfied.clone())) {
                found.push((candidate, satisfied));
            }
        }
    }
    Elements { found, complete }
}

fn satisfies(test: &Test, text: &str) -> bool {
    test.satisfied(text, &|_| None)
}

/// What kind of values a test tells apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Family {
    /// Exact texts.
    Exact,
    /// Patterns.
    Patterns,
    /// Bytes in base64.
    Bytes,
    /// Numbers.
    Numbers,
    /// Instants.
    Instants,
    /// Addresses.
    Addresses,
}

/// None for those that tell no present values apart.
fn family(test: &Test) -> Option<Family> {
    Some(match test.operator.comparison {
        Comparison::Null => return None,
        Comparison::StringEquals => Family::Exact,
        Comparison::StringLike if test.values.iter().all(|one| literal(one).is_some()) => {
            Family::Exact
        }
        Comparison::StringEqualsIgnoreCase
        | Comparison::StringLike
        | Comparison::ArnLike
        | Comparison::Bool => Family::Patterns,
        Comparison::BinaryEquals => Family::Bytes,
        Comparison::IpAddress => Family::Addresses,
        other => match order(other)?.0 {
            Line::Numbers => Family::Numbers,
            Line::Instants => Family::Instants,
        },
    })
}

fn families(tests: &[&Test]) -> Vec<Family> {
    let mut families: Vec<Family> = tests.iter().filter_map(|test| family(test)).collect();
    families.sort();
    families.dedup();
    families
}

/// Whether the tests tell nothing but texts apart.
pub(super) fn are_of_texts(tests: &[&Test]) -> bool {
    families(tests).iter().all(|family| *family <= Family::Patterns)
}

/// Candidates of a range of texts, and whether every class has one.
fn texts(range: &Range, tests: &[&Test]) -> (Vec<Box<str>>, bool) {
    let mut found = nice::texts(range, tests);
    let families = families(tests);
    let complete = match *families {
        [Family::Numbers] => true,
        [Family::Addresses] => {
            found.extend(addresses(tests).0);
            true
        }
        _ => families.iter().all(|family| *family <= Family::Patterns),
    };
    if families.contains(&Family::Numbers) {
        found.extend(decimals(&points(tests)));
    }
    if families.contains(&Family::Instants) {
        found.extend(numbers(Whole::from(0, Written::Digits), tests).0);
    }
    if families.contains(&Family::Addresses) && families.len() > 1 {
        found.extend(addresses(tests).0);
    }
    let whole = exact(range, tests, &found) || by_automaton(range, tests, &mut found);
    let unlimited = matches!(range, Range::Texts { forms, .. } if forms.is_empty());
    let cut = families.iter().all(|family| *family <= Family::Patterns) || unlimited;
    found.push("".into());
    (found, complete && whole && cut)
}

/// Whether the tests tell single texts apart and no others, and one of the others is `found`: then these
/// are all classes.
fn exact(range: &Range, tests: &[&Test], found: &[Box<str>]) -> bool {
    let speak = || tests.iter().filter(|test| test.operator.comparison != Comparison::Null);
    let literals: Option<FxHashSet<&str>> =
        speak().flat_map(|test| &test.values).map(literal).collect();
    literals.is_some_and(|literals| {
        speak().all(|test| family(test) == Some(Family::Exact))
            && found.iter().any(|text| range.has(text) && !literals.contains(&**text))
    })
}

/// Adds a shortest text of every class that the tests of texts make.
fn by_automaton(range: &Range, tests: &[&Test], found: &mut Vec<Box<str>>) -> bool {
    let Range::Texts { forms, .. } = range else {
        return false;
    };
    let mut required: Vec<Vec<Token>> = forms.iter().map(super::range::Form::tokens).collect();
    required.push(vec![Token::One, Token::Run]);
    let acceptors: Vec<Acceptor> = tests.iter().map(|test| acceptor(test)).collect();
    let members = members(&acceptors, &required);
    found.extend(members.found.into_iter().map(|(_, text)| Box::from(text)));
    members.complete
}

/// What texts the test takes, its negation aside; nothing for tests of other things than texts.
pub(super) fn acceptor(test: &Test) -> Acceptor {
    let mut acceptor = Acceptor::default();
    for operand in &test.values {
        match test.operator.comparison {
            Comparison::StringEquals | Comparison::StringLike | Comparison::BinaryEquals => {
                match (literal(operand), text(operand)) {
                    (Some(exact), _) => acceptor.exact.push(exact.into()),
                    (None, Some(pieces)) => acceptor.globs.push(tokens(pieces).collect()),
                    (None, None) => {}
                }
            }
            // Rules C11, C15.
            Comparison::StringEqualsIgnoreCase | Comparison::Bool => {
                acceptor.globs.extend(text(operand).map(without_case));
            }
            Comparison::ArnLike => acceptor.globs.extend(arn(operand)),
            _ => {}
        }
    }
    acceptor
}

fn without_case(pieces: &[Piece]) -> Vec<Token> {
    tokens(pieces)
        .map(|token| match token {
            Token::OneOf(only) => only.first().map_or(Token::OneOf(only.clone()), |character| {
                Token::OneOf(folded_alike(*character))
            }),
            // No wildcards under these operators: a place that nothing gets past.
            _ => Token::OneOf([].into()),
        })
        .collect()
}

/// Rules C18, C23: part by part.
fn arn(operand: &Operand) -> Option<Vec<Token>> {
    let parts = match operand {
        Operand::AnyArn => return Some(arn_tokens()),
        Operand::Arn(parts) if parts.len() == 6 => parts,
        Operand::Arn(_) | Operand::Text(_) => return None,
    };
    let (first, others) = parts.split_first()?;
    // Rule C23: what does not begin with `arn` is no ARN.
    if !super::glob::takes(first, "arn", &|_| None) {
        return None;
    }
    let mut glob: Vec<Token> = "arn".chars().map(|one| Token::OneOf([one].into())).collect();
    let last = others.len().checked_sub(1)?;
    for (at, part) in others.iter().enumerate() {
        glob.push(Token::OneOf([':'].into()));
        glob.extend(tokens(part).map(|token| match token {
            Token::Run if at < last => Token::RunBut(':'),
            Token::One if at < last => Token::OneBut(':'),
            // A variable's value can hold a colon, which no part does.
            Token::OneOf(only) if at < last && only.contains(&':') => Token::OneOf([].into()),
            other => other,
        }));
    }
    Some(glob)
}

/// Every limit that tests of numbers or instants name, ascending.
fn points(tests: &[&Test]) -> Vec<Decimal> {
    let mut points: Vec<Decimal> = tests.iter().flat_map(|test| points_of(test)).collect();
    points.sort();
    points.dedup();
    points
}

fn points_of(test: &Test) -> Vec<Decimal> {
    let Some((line, _)) = order(test.operator.comparison) else {
        return Vec::new();
    };
    let read = |operand: &Operand| line.read(literal(operand)?);
    test.values.iter().filter_map(read).collect()
}

/// Every point, a number between each two, and one on either side.
fn decimals(points: &[Decimal]) -> Vec<Box<str>> {
    let mut found = Vec::new();
    if let Some(first) = points.first() {
        found.push(first.below());
    }
    for (at, point) in points.iter().enumerate() {
        found.push(point.to_string().into());
        found.push(match points.get(at + 1) {
            Some(next) => point.between(next),
            None => point.above(),
        });
    }
    found
}

/// Whole numbers, the usual one first: around each limit lies one of every class.
fn numbers(whole: Whole, tests: &[&Test]) -> (Vec<Box<str>>, bool) {
    let Whole { from, usual, written, .. } = whole;
    let exact = tests.iter().filter(|test| family(test) == Some(Family::Exact));
    let named = exact.flat_map(|test| test.values.iter().filter_map(literal));
    let named: Vec<i64> = named.filter_map(|text| read(text, written)).collect();
    let floors: Vec<Option<i64>> = points(tests).iter().map(Decimal::floor).collect();
    let mut complete = floors.iter().all(Option::is_some);
    let families = families(tests);
    // On digits, numbers and instants are read alike; an instant is no number (rule C24).
    let told = match written {
        Written::Digits => &[Family::Exact, Family::Numbers, Family::Instants][..],
        Written::Instant => &[Family::Numbers, Family::Instants],
    };
    let is_told = families.iter().all(|family| told.contains(family));
    if !is_told && whole.to.saturating_sub(from) < FEW {
        let each = std::iter::once(usual).chain(from..=whole.to);
        return (each.filter_map(|number| write(number, written)).collect(), true);
    }
    let mut all = vec![from];
    for at in floors.into_iter().flatten().chain(named) {
        all.extend([at.saturating_sub(1), at, at.saturating_add(1)]);
    }
    all.sort_unstable();
    all.dedup();
    let all = std::iter::once(usual).chain(all).filter(|number| whole.has(*number));
    let mut found: Vec<Box<str>> = all.filter_map(|number| write(number, written)).collect();
    if !is_told {
        found.extend(nice::mentioned(tests));
        complete = false;
    }
    (found, complete)
}

/// Rule C17: each stretch of addresses that no block cuts, the families apart.
fn addresses(tests: &[&Test]) -> (Vec<Box<str>>, bool) {
    let mut found: Vec<Box<str>> = nice::ADDRESSES.iter().map(|text| (*text).into()).collect();
    let mut complete = true;
    let mut starts: Vec<IpAddr> = Vec::new();
    for test in tests {
        let exact = family(test) == Some(Family::Exact);
        for operand in &test.values {
            match test.operator.comparison {
                Comparison::IpAddress => {
                    let Some(block) = literal(operand).and_then(block) else {
                        continue;
                    };
                    starts.extend(
                        [step(block.network(), 1), Some(block.network())].into_iter().flatten(),
                    );
                    starts.extend(step(block.broadcast(), 1));
                }
                Comparison::Null => {}
                _ if exact => {
                    let named = literal(operand).and_then(address);
                    starts.extend(named);
                    starts.extend(named.and_then(|named| step(named, 1)));
                }
                _ => complete = false,
            }
        }
    }
    if !complete {
        found.extend(nice::mentioned(tests));
        found.extend(nice::filled_addresses(tests));
    }
    found.extend(starts.iter().map(|address| Box::from(address.to_string())));
    found.extend(["0.0.0.0".into(), "::".into()]);
    (found, complete)
}

/// The address that is so many behind.
fn step(address: IpAddr, by: u8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => Some(IpAddr::V4(u32::from(address).checked_add(by.into())?.into())),
        IpAddr::V6(address) => Some(IpAddr::V6(u128::from(address).checked_add(by.into())?.into())),
    }
}

/// Instants from now on in digits, for tests of both keys of the instant.
pub(super) fn instants(now: jiff::Timestamp, tests: &[&Test]) -> (Vec<Box<str>>, bool) {
    let (mut found, complete) = moments("aws:epochtime", now, tests);
    // The key in its other form may be compared as a text.
    let exact = families(tests).contains(&Family::Exact);
    if exact {
        found.extend(nice::mentioned(tests));
    }
    (found, complete && !exact)
}

/// Numbers or instants of a key, the least of every stretch that tests of it tell apart among them.
pub(super) fn moments(key: &str, now: jiff::Timestamp, tests: &[&Test]) -> (Vec<Box<str>>, bool) {
    match Range::of(key, now) {
        Range::Numbers(whole) => numbers(whole, tests),
        _ => (Vec::new(), false),
    }
}
