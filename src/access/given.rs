//! The ways in which a request gives one name of the encryption context: not at all, in one spelling, or in
//! several at once (rules C4, C5).

use jiff::Timestamp;
use rustc_hash::FxHashSet;

use crate::decision::ContextValue;
use crate::policy::{Comparison, Polarity};

use super::bits::Bits;
use super::compare::literal;
use super::domain::{Entries, Limits, holds_of, is_null, values};
use super::frame::Limit;
use super::names::Names;
use super::pairs::{Spelling, of};
use super::test::Test;

/// Of how many spellings every choice is looked at.
const SPELLINGS: usize = 6;

/// How many ways there are for one choice of spellings.
const WAYS: usize = 5000;

/// How many ways are looked at.
const LOOKS: usize = 20_000;

/// Of a name with so many letters every spelling is looked at.
const LETTERS: usize = 6;

/// What is asked of one name.
pub(super) struct Asked<'a> {
    /// What it is the name of.
    pub(super) names: Names,
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
            let name = Names::named(key).filter(|name| name.eq_ignore_ascii_case(self.name))?;
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
        let key = format!("{}{}", self.names.prefix(), self.name);
        let (values, mut complete) = values(&key, self.own, limit, now);
        let absent = values.iter().any(Option::is_none).then(|| self.way(Vec::new()));
        let mut values: Vec<ContextValue> = values.into_iter().flatten().collect();
        self.add_listed(&mut values);
        let asked = self.asked();
        let (others, whole) = self.others(&asked);
        let names = self.names(&asked, &others);
        let mut found: Vec<Given> = absent.into_iter().collect();
        for value in &values {
            let single = names.iter().map(|name| vec![(Box::from(*name), value.clone())]);
            found.extend(single.map(|pairs| self.way(pairs)));
        }
        complete &= whole;
        let several = asked.len() > 1;
        if !several && self.is_counted() && others.is_empty() {
            return (found, complete && self.told_apart() < 2);
        }
        let (choices, all) = choices(names.len());
        complete &= all;
        self.keep_apart(&mut values);
        // Where a policy looks up one spelling, a grant can take the others.
        let looked_up = match several || self.lists().next().is_some() {
            true => values.clone(),
            false => self.looked_up(&values),
        };
        let apart = asked.iter().map(|name| (*name, &*looked_up));
        let apart: Vec<Apart<'_>> =
            apart.chain(others.iter().map(|it| (&**it, &*values))).collect();
        let mut looks = 0;
        let mut seen = FxHashSet::default();
        for choice in choices {
            let names: Vec<&str> = choice.iter().filter_map(|at| names.get(*at).copied()).collect();
            let ways = pairs(&names, &apart, &values);
            looks += ways.len();
            complete &= ways.len() < WAYS && looks < LOOKS;
            if looks >= LOOKS {
                break;
            }
            let ways = ways.into_iter().map(|pairs| self.way(pairs));
            found.extend(
                ways.filter(|way| seen.insert((way.truths.clone(), way.satisfied.clone()))),
            );
        }
        (found, complete)
    }

    /// Whether grants ask for exactly these pairs, the name among them once (rule G20).
    fn is_counted(&self) -> bool {
        let is_own = |name: &&str| name.eq_ignore_ascii_case(self.name);
        let listed = |test: &&Test| test.values.iter().filter_map(literal).filter(is_own).count();
        self.of_names.iter().filter(|test| test.of_grant).map(listed).max() == Some(1)
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

    /// The tests of all the values that the pair has in its spellings.
    fn lists(&self) -> impl Iterator<Item = &Test> {
        self.own.iter().copied().filter(|test| test.is_of_spellings())
    }

    /// Adds every value that such a test lists: it tells them apart where no other test does.
    fn add_listed(&self, values: &mut Vec<ContextValue>) {
        for text in self.lists().flat_map(|test| &test.values).filter_map(literal) {
            let value = ContextValue::One(text.into());
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }

    /// Keeps one of the values that no test tells apart, in however many spellings they are given: no single
    /// test does, and no grant lists them.
    fn keep_apart(&self, values: &mut Vec<ContextValue>) {
        let listed: FxHashSet<&str> =
            self.lists().flat_map(|test| &test.values).filter_map(literal).collect();
        let single = |value: &ContextValue, at: usize| {
            let own = self.own.get(at).filter(|test| !test.is_of_spellings());
            own.is_some_and(|test| test.holds(Some(value), &|_| None))
        };
        let mut seen = FxHashSet::default();
        values.retain(|value| {
            let text = value.values().first().filter(|text| listed.contains(&***text)).cloned();
            seen.insert((Bits::of(self.own.len(), |at| single(value, at)), text))
        });
    }

    /// In how many spellings a use of a grant takes the pair at most.
    fn taken(&self) -> usize {
        let taken = |test: &&Test| if test.is_of_spellings() { test.values.len() } else { 1 };
        self.own.iter().filter(|test| test.of_grant).map(taken).max().unwrap_or_default()
    }

    /// The spellings in which policies look the pair up; that it is there at all each of them tells.
    fn asked(&self) -> Vec<&str> {
        let of_policies = self.own.iter().filter(|test| !test.of_grant && !is_null(test));
        let mut asked: Vec<&str> = of_policies.filter_map(|test| Names::named(&test.key)).collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    /// Spellings that no policy looks up, where a grant takes them as well (rule G21): of each class as many as
    /// a use of a grant takes, and one that tells what a spelling holds that is looked up and not given (rule
    /// C5); and whether there are. Where policies look up several, that is the first in byte order: then the
    /// first of each class and the last.
    fn others(&self, asked: &[&str]) -> (Vec<String>, bool) {
        let taken = self.taken();
        let several = asked.len() > 1;
        let of_policies = several && self.spellings.len() > 1;
        // One spelling more than the grant lists is another request (rule G20), in whichever class it is.
        let is_told = asked.is_empty() && self.is_counted() && self.told_apart() > 1;
        if taken == 0 && !of_policies || taken == 1 && asked.is_empty() && !is_told {
            return (Vec::new(), true);
        }
        let least = if is_told { 2 } else { 1 };
        let taken = taken.max(least) + usize::from(!several && !asked.is_empty());
        let letters = self.name.bytes().filter(u8::is_ascii_alphabetic).count();
        let (all, of_all) = match several && letters <= LETTERS {
            true => (variants(self.name), true),
            false => (some_variants(self.name), letters <= 2),
        };
        let free: Vec<String> =
            all.into_iter().filter(|name| !asked.contains(&name.as_str())).collect();
        let (mut found, mut whole) = (Vec::new(), of_all || !several);
        for (_, satisfied) in self.spellings {
            let of_class = free.iter().filter(|name| of(self.of_names, name) == *satisfied);
            let of_class: Vec<&String> = of_class.collect();
            let last = of_class.last().filter(|_| several && of_class.len() > taken);
            let before = found.len();
            found.extend(of_class.iter().take(taken).chain(last).map(|name| (*name).clone()));
            whole &= of_all || found.len() - before >= taken || self.is_one_spelling(satisfied);
        }
        (found, whole)
    }

    /// Whether a class has one spelling, which a test of the set names.
    fn is_one_spelling(&self, satisfied: &Bits) -> bool {
        let names = |(at, test): (usize, &&Test)| {
            let named = test.values.iter().filter_map(literal);
            let compares = matches!(
                test.operator.comparison,
                Comparison::StringEquals | Comparison::StringLike
            );
            compares
                && satisfied.has(at) == (test.operator.polarity == Polarity::Is)
                && test.values.iter().all(|operand| literal(operand).is_some())
                && named.filter(|name| name.eq_ignore_ascii_case(self.name)).count() == 1
        };
        self.of_names.iter().enumerate().any(names)
    }

    /// The values that policies tell apart, those that no grant asks for where there are such.
    fn looked_up(&self, values: &[ContextValue]) -> Vec<ContextValue> {
        let satisfied = |value: &ContextValue, of_grant: bool| {
            let own = |at: usize| self.own.get(at).filter(|test| test.of_grant == of_grant);
            Bits::of(self.own.len(), |at| {
                own(at).is_some_and(|test| test.holds(Some(value), &|_| None))
            })
        };
        let (plain, granted): (Vec<_>, Vec<_>) =
            values.iter().partition(|value| satisfied(value, true).is_empty());
        let mut seen = FxHashSet::default();
        let mut found: Vec<&ContextValue> = plain.into_iter().chain(granted).collect();
        found.retain(|value| seen.insert(satisfied(value, false)));
        found.into_iter().cloned().collect()
    }

    /// One spelling for each class of them, those that policies look up or grants write where they are of it;
    /// and the others that policies look up, and that they do not.
    fn names<'n>(&'n self, asked: &[&'n str], others: &'n [String]) -> Vec<&'n str> {
        let all = || asked.iter().copied().chain(others.iter().map(String::as_str));
        let of_grants = || {
            let own = self.own.iter().filter(|test| test.of_grant);
            own.filter_map(|test| Names::named(&test.key))
        };
        let liked = |(name, satisfied): &'n Spelling| -> &'n str {
            let mut liked = all().chain(of_grants());
            liked.find(|own| of(self.of_names, own) == *satisfied).unwrap_or(name)
        };
        let mut names: Vec<&str> = self.spellings.iter().map(liked).collect();
        for own in all() {
            if !names.contains(&own) {
                names.push(own);
            }
        }
        names
    }

    fn way(&self, pairs: Entries) -> Given {
        let holds =
            |test: &&Test| Names::named(&test.key).is_some_and(|name| holds_of(test, name, &pairs));
        let truths = Bits::of(self.own.len(), |at| self.own.get(at).is_some_and(holds));
        // Rule G20: a grant that asks for exactly these pairs has no name more often than it lists it.
        let names: Vec<Box<str>> = pairs.iter().map(|(name, _)| name.clone()).collect();
        let counts = |at: usize| self.of_names.get(at).is_some_and(|test| test.is_exceeded(&names));
        let satisfied = pairs.iter().map(|(name, _)| {
            let own = of(self.of_names, name);
            Bits::of(self.of_names.len(), |at| own.has(at) && !counts(at))
        });
        let satisfied = satisfied.collect();
        Given { pairs, truths, satisfied }
    }
}

/// A name that has a value of its own where it is given beside others, and the values.
type Apart<'a> = (&'a str, &'a [ContextValue]);

/// The pairs of these names: those that are told apart each with a value of its own, where they are several.
fn pairs(names: &[&str], apart: &[Apart<'_>], values: &[ContextValue]) -> Vec<Entries> {
    let of = |name: &str| apart.iter().find(|(own, _)| *own == name).map(|(_, values)| *values);
    if names.iter().filter(|name| of(name).is_some()).count() < 2 {
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
            let first = values.get(..1).unwrap_or_default();
            of(name).unwrap_or(first).iter().map(one).collect()
        };
        found = found.iter().flat_map(with).take(WAYS).collect();
    }
    found
}

/// Every spelling of a name, in byte order.
fn variants(name: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for letter in name.chars() {
        let mut both = vec![letter.to_ascii_uppercase(), letter.to_ascii_lowercase()];
        both.dedup();
        let with =
            |text: &String| both.iter().map(|one| format!("{text}{one}")).collect::<Vec<String>>();
        found = found.iter().flat_map(with).collect();
    }
    found
}

/// Some spellings of a name, plainer ones first.
fn some_variants(name: &str) -> Vec<String> {
    let mixed = name.char_indices().map(|(at, letter)| {
        let mut text = name.to_owned();
        text.replace_range(at..at + letter.len_utf8(), &letter.to_ascii_uppercase().to_string());
        text
    });
    let all = [name.to_owned(), name.to_ascii_uppercase()].into_iter().chain(mixed);
    let mut found: Vec<String> = Vec::new();
    for name in all {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Every choice of two or more of so many, smaller ones first, and whether these are all.
fn choices(count: usize) -> (Vec<Vec<usize>>, bool) {
    if count > SPELLINGS {
        let pairs = (0..count).flat_map(|one| (one + 1..count).map(move |other| vec![one, other]));
        return (pairs.chain([(0..count).collect()]).collect(), false);
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
        let (some, complete) = choices(SPELLINGS + 1);
        assert!(!complete && some.len() == 22, "{some:?}");
    }

    #[test]
    fn spellings_stand_in_byte_order() {
        let all = variants("a-b");
        assert_eq!(all, ["A-B", "A-b", "a-B", "a-b"]);
        assert!(all.is_sorted());
        assert_eq!(some_variants("ab"), ["ab", "AB", "Ab", "aB"]);
        assert_eq!(variants("1"), ["1"]);
    }
}
