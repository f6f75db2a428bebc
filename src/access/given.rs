//! The ways in which a request gives one name of the encryption context: not at all, in one spelling, or in
//! several at once (rules C4, C5).

use jiff::Timestamp;

use crate::decision::ContextValue;
use crate::policy::{Comparison, Polarity, Quantifier};

use super::bits::Bits;
use super::compare::literal;
use super::domain::{Entries, Limits, called, values};
use super::frame::Limit;
use super::pairs::{PREFIX, Spelling, named, of};
use super::test::Test;

/// Of how many spellings every choice is looked at.
const SPELLINGS: usize = 4;

/// How many ways there are for one choice of spellings.
const WAYS: usize = 1000;

/// What is asked of one name.
pub(super) struct Asked<'a> {
    /// The name in lower case.
    pub(super) name: &'a str,
    /// The spellings that the tests of the set tell apart.
    pub(super) spellings: &'a [Spelling],
    /// The tests of its pair, in whatever spelling.
    pub(super) own: &'a [&'a Test],
    /// The tests of the set of names.
    pub(super) of_names: &'a [&'a Test],
}

/// One way to give a name.
pub(super) struct Given {
    /// The pairs; none where the request lacks it.
    pub(super) pairs: Entries,
    /// Which tests of the pair hold.
    pub(super) truths: Bits,
    /// Which tests of the set each spelling satisfies.
    pub(super) satisfied: Vec<Bits>,
}

impl Asked<'_> {
    /// The ways that the tests tell apart, plainer ones first, and whether these are all.
    pub(super) fn given(&self, limits: &Limits, now: Timestamp) -> (Vec<Given>, bool) {
        let own = |(key, limit): &'_ (Box<str>, Limit)| -> Option<(Box<str>, Limit)> {
            let name = named(key).filter(|name| name.eq_ignore_ascii_case(self.name))?;
            Some((name.into(), limit.clone()))
        };
        let limits: Vec<(Box<str>, Limit)> = limits.iter().filter_map(own).collect();
        let fixed = limits.iter().filter_map(|(name, limit)| match limit {
            Limit::Given(values) => {
                Some((name.clone(), ContextValue::One(values.first()?.clone())))
            }
            _ => None,
        });
        let fixed: Entries = fixed.collect();
        if !fixed.is_empty() {
            return (vec![self.way(fixed)], true);
        }
        let limit = limits.first().map(|(_, limit)| limit);
        let key = format!("{PREFIX}{}", self.name);
        let (values, mut complete) = values(&key, self.own, limit, now);
        let absent = values.iter().any(Option::is_none).then(|| self.way(Vec::new()));
        let values: Vec<ContextValue> = values.into_iter().flatten().collect();
        let asked = self.asked();
        let names = self.names(&asked);
        let mut found: Vec<Given> = absent.into_iter().collect();
        for value in &values {
            let single = names.iter().map(|name| vec![(Box::from(*name), value.clone())]);
            found.extend(single.map(|pairs| self.way(pairs)));
        }
        // Which spelling a third one is looked up in hangs on the order of those that are given.
        complete &= asked.len() < 2;
        if self.is_counted() {
            return (found, complete && self.told_apart() < 2);
        }
        let (choices, all) = choices(names.len());
        complete &= all;
        for choice in choices {
            let names: Vec<&str> = choice.iter().filter_map(|at| names.get(*at).copied()).collect();
            let ways = pairs(&names, &asked, &values);
            complete &= ways.len() < WAYS;
            found.extend(ways.into_iter().map(|pairs| self.way(pairs)));
        }
        (found, complete)
    }

    /// Whether some test of the set lists the name without case, as a grant does that asks for exactly these
    /// pairs (rule G20): it has each of them once, which no test says.
    fn is_counted(&self) -> bool {
        let lists = |test: &&Test| {
            let operator = test.operator;
            let is_own =
                |operand| literal(operand).is_some_and(|it| it.eq_ignore_ascii_case(self.name));
            operator.quantifier == Some(Quantifier::ForAllValues)
                && operator.comparison == Comparison::StringEqualsIgnoreCase
                && operator.polarity == Polarity::Is
                && test.values.iter().any(is_own)
        };
        self.of_names.iter().any(lists)
    }

    /// How many tests of the set tell spellings of the name apart.
    fn told_apart(&self) -> usize {
        let tells = |at: &usize| {
            let mut holds = self.spellings.iter().map(|(_, satisfied)| satisfied.has(*at));
            let first = holds.next();
            holds.any(|other| Some(other) != first)
        };
        (0..self.of_names.len()).filter(tells).count()
    }

    /// The spellings in which tests look the pair up.
    fn asked(&self) -> Vec<&str> {
        let mut asked: Vec<&str> = self.own.iter().filter_map(|test| named(&test.key)).collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    /// One spelling for each class of them, those that tests look up where they are of it; and the others
    /// that tests look up.
    fn names<'n>(&'n self, asked: &[&'n str]) -> Vec<&'n str> {
        let liked = |(name, satisfied): &'n Spelling| -> &'n str {
            let mut asked = asked.iter().copied();
            asked.find(|own| of(self.of_names, own) == *satisfied).unwrap_or(name)
        };
        let mut names: Vec<&str> = self.spellings.iter().map(liked).collect();
        let others: Vec<&str> = asked.iter().copied().filter(|own| !names.contains(own)).collect();
        names.extend(others);
        names
    }

    fn way(&self, pairs: Entries) -> Given {
        let holds = |test: &&Test| {
            let value = named(&test.key).and_then(|name| called(&pairs, name));
            test.holds(value, &|_| None)
        };
        let truths = Bits::of(self.own.len(), |at| self.own.get(at).is_some_and(holds));
        let satisfied = pairs.iter().map(|(name, _)| of(self.of_names, name)).collect();
        Given { pairs, truths, satisfied }
    }
}

/// The pairs of these names: those that tests look up each with a value of its own, where they are several.
fn pairs(names: &[&str], asked: &[&str], values: &[ContextValue]) -> Vec<Entries> {
    let apart: Vec<&str> = names.iter().copied().filter(|name| asked.contains(name)).collect();
    if apart.len() < 2 {
        let with = |value: &ContextValue| {
            names.iter().map(|name| (Box::from(*name), value.clone())).collect()
        };
        return values.iter().map(with).collect();
    }
    let mut found: Vec<Entries> = vec![Vec::new()];
    for name in names {
        let with = |so_far: &Entries| -> Vec<Entries> {
            let one = |value: &ContextValue| {
                so_far.iter().cloned().chain([(Box::from(*name), value.clone())]).collect()
            };
            let count = if apart.contains(name) { values.len() } else { 1 };
            values.iter().take(count).map(one).collect()
        };
        found = found.iter().flat_map(with).take(WAYS).collect();
    }
    found
}

/// Every choice of two or more of so many, smaller ones first, and whether these are all.
fn choices(count: usize) -> (Vec<Vec<usize>>, bool) {
    if count > SPELLINGS {
        return (vec![(0..count).collect()], false);
    }
    let chosen = |bits: usize| (0..count).filter(|at| bits >> at & 1 == 1).collect();
    let mut all: Vec<Vec<usize>> = (1..1_usize << count).map(chosen).collect();
    all.retain(|choice| choice.len() > 1);
    all.sort_by_key(Vec::len);
    (all, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_choices_stand_first() {
        let (all, complete) = choices(3);
        assert!(complete);
        assert_eq!(all, [vec![0, 1], vec![0, 2], vec![1, 2], vec![0, 1, 2]]);
        assert_eq!(choices(1), (Vec::new(), true));
        assert_eq!(choices(6), (vec![vec![0, 1, 2, 3, 4, 5]], false));
    }
}
