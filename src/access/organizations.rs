//! The organizations outside the export that have rows: those that keys name, one for each pattern, and one that
//! stands for all others.

use std::collections::BTreeSet;

use crate::decision::ContextValue;
use crate::inventory::Inventory;

use super::automaton::Token;
use super::caller_values::ORG_ID;
use super::domain::is_null;
use super::parts::{Part, Texts, parts, told_apart};
use super::range::Form;
use super::spoken::{Spoken, pattern};
use super::test::Test;

/// An organization that has a row, or one of those that a row is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OrganizationRow {
    /// What the row is called: an id, or patterns of ids.
    pub(super) name: Box<str>,
    /// The ids.
    pub(super) ids: Texts,
    /// The id.
    pub(super) id: Box<str>,
    /// Whose principals it stands for, in words.
    pub(super) words: Box<str>,
    /// Whether nothing tells any of them from the others.
    pub(super) told: bool,
}

/// What the row of all organizations that nothing names is called.
const OTHERS: &str = "o-any";

/// What takes every id.
const ALL: &str = "o-*";

/// How many characters an id has at least (Organizations API reference).
pub(super) const LENGTH: usize = 12;

/// How many one has that is made up.
pub(super) const SHORTEST: usize = 3;

/// What stands in an id where a pattern leaves it open: what few other patterns take.
const FILLERS: [&str; 6] = ["0", "z", "x", "7", "q", "k"];

/// The organizations of which keys speak, by ids and by patterns in lower case, which is that of all ids; beside
/// them the export's own and another one, which a test that is negated, or a Deny, leaves open (rules C30, C33,
/// C34). One of which only patterns speak is none of those named; it has no row where no key tells it from one
/// that fewer of them take.
pub(super) fn organizations(world: &Inventory, spoken: &Spoken<'_>) -> Vec<OrganizationRow> {
    let (ids, like) = (&spoken.organizations, &spoken.organizations_like);
    if ids.is_empty() && like.is_empty() {
        return Vec::new();
    }
    let own = world.organization.as_ref().and_then(|own| own.id.clone());
    // No organization has another id.
    let is_id = |id: &str| Form::organization().has(id);
    let ids: BTreeSet<Box<str>> = ids.iter().filter(|id| is_id(id)).cloned().chain(own).collect();
    let named = ids.iter().map(|id| OrganizationRow {
        name: id.clone(),
        ids: Texts::only(id),
        id: id.clone(),
        words: format!("organization {id}").into(),
        told: true,
    });
    let unnamed = match cut(&ids, like) {
        Some(parts) => told_apart(parts, &spoken.asked, &is_alike),
        None => Vec::new(),
    };
    let untold = unnamed.is_empty().then(|| row_of(Texts::of(any(&ids)), false));
    named.chain(unnamed.into_iter().map(|ids| row_of(ids, true))).chain(untold).collect()
}

/// The row of organizations that patterns tell, or of all that none does.
fn row_of(ids: Texts, told: bool) -> OrganizationRow {
    let (name, words) = match ids.name("&") {
        none if none.is_empty() => (OTHERS.into(), "any other organization".into()),
        name => (name.into(), format!("any other organization {}", ids.name(" and ")).into()),
    };
    OrganizationRow { name, id: ids.text().into(), words, ids, told }
}

/// Whether a test says the same of whoever is in either organization, wherever in it.
fn is_alike(test: &Test, one: &str, other: &str) -> bool {
    if is_null(test) {
        return true;
    }
    let holds = |id: &str| test.holds(Some(&ContextValue::One(id.into())), &|_| None);
    if *test.key == *ORG_ID {
        return test.is_fixed() && holds(one) == holds(other);
    }
    let patterns: Vec<String> =
        test.values.iter().map(|it| pattern(it).to_ascii_lowercase()).collect();
    // A run of any characters may be of more than the id.
    let is_plain = |pattern: &String| {
        let (id, place) = pattern.split_once('/').unwrap_or((pattern, "*"));
        !id.strip_suffix('*').unwrap_or(id).contains('*') && !place.is_empty()
    };
    let places = |id: &str| -> BTreeSet<Option<&str>> {
        let split = patterns
            .iter()
            .map(|it| it.split_once('/').map_or((&**it, None), |(id, at)| (id, Some(at))));
        split.filter(|(own, _)| Form::like(own).has(id)).map(|(_, at)| at).collect()
    };
    test.is_fixed() && patterns.iter().all(is_plain) && places(one) == places(other)
}

/// All ids beside these.
fn any(ids: &BTreeSet<Box<str>>) -> Part {
    let mut part = Part { like: Vec::new(), but: Vec::new(), text: Box::default() };
    part.text = likely(&part, ids).unwrap_or_default();
    part
}

/// The parts that patterns cut the ids beside these into, each with a likely one; nothing where they are too many.
fn cut(ids: &BTreeSet<Box<str>>, like: &BTreeSet<Box<str>>) -> Option<Vec<Part>> {
    let mut all = parts(like, &form(LENGTH), ids)?;
    // What matches no id that is as long as those of AWS are.
    let rare = like.iter().filter(|pattern| all.iter().all(|part| part.but.contains(pattern)));
    let rare: BTreeSet<Box<str>> = rare.cloned().collect();
    if !rare.is_empty() {
        let short = parts(like, &form(SHORTEST), ids)?.into_iter();
        all.extend(short.filter(|part| part.like.iter().any(|pattern| rare.contains(pattern))));
        all.sort_by_key(|part| part.like.len());
    }
    for part in &mut all {
        part.text = likely(part, ids).unwrap_or_else(|| part.text.clone());
    }
    Some(all)
}

/// The form of ids of at least so many characters.
pub(super) fn form(length: usize) -> Vec<Token> {
    let characters: Box<[char]> = ('0'..='9').chain('a'..='z').collect();
    let start = ['o', '-'].map(|one| Token::OneOf([one].into()));
    let own = vec![Token::OneOf(characters.clone()); length.saturating_sub(start.len())];
    start.into_iter().chain(own).chain([Token::RunOf(characters)]).collect()
}

/// An id of a part that is none of these, as a reader expects it; nothing where several patterns tell the part.
fn likely(part: &Part, ids: &BTreeSet<Box<str>>) -> Option<Box<str>> {
    let name = Texts::of(part.clone()).name("&");
    let pattern = if name.is_empty() { ALL } else { &name };
    let fixed = pattern.chars().filter(|it| *it != '*').count();
    let form = Form::like(pattern);
    let of_filler = |filler: &str| -> Vec<Box<str>> {
        let run = filler.repeat(LENGTH.saturating_sub(fixed).max(1));
        // What an id begins with, where the pattern leaves it open.
        let whole = pattern.char_indices().map(|(at, it)| match (it, at) {
            ('?', 0) => "o".to_owned(),
            ('?', 1) => "-".to_owned(),
            ('?', _) => filler.to_owned(),
            _ => it.to_string(),
        });
        let whole: String = whole.collect();
        let runs = [run.clone(), format!("-{run}"), format!("o-{run}"), "o-".to_owned()];
        let first = runs.iter().map(|run| whole.replacen('*', run, 1));
        first
            .flat_map(|text| [text.replace('*', ""), text.replace('*', &run)])
            .map(Into::into)
            .collect()
    };
    let mut candidates = FILLERS.iter().flat_map(|filler| of_filler(filler));
    let is_id = |id: &str| {
        let own = id.strip_prefix("o-").unwrap_or_default();
        !own.is_empty() && own.chars().all(|it| it.is_ascii_alphanumeric())
    };
    candidates.find(|id| is_id(id) && form.has(id) && !ids.contains(id) && part.has(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Comparison, Operator, Polarity};

    use super::super::caller_values::ORG_PATHS;
    use super::super::test::{Operand, Piece};

    const LIKE: Operator = Operator {
        quantifier: None,
        comparison: Comparison::StringLike,
        polarity: Polarity::Is,
        if_exists: false,
    };

    fn operand(text: &str) -> Operand {
        let piece = |it: char| match it {
            '*' => Piece::AnyRun,
            '?' => Piece::AnyOne,
            other => Piece::Text(other.to_string().into()),
        };
        Operand::Text(text.chars().map(piece).collect())
    }

    fn rows(ids: &[&str], like: &[&str]) -> Vec<String> {
        let set = |all: &[&str]| all.iter().map(|it| Box::from(*it)).collect();
        let told = like
            .iter()
            .map(|text| Test { values: Box::from([operand(text)]), ..Test::of(ORG_ID, LIKE, &[]) });
        let spoken = Spoken {
            organizations: set(ids),
            organizations_like: set(like),
            asked: told.collect(),
            ..Spoken::default()
        };
        let rows = organizations(&Inventory::default(), &spoken);
        let rows = rows.into_iter().map(|row| format!("{} {}", row.name, row.id));
        let mut rows: Vec<String> = rows.collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn one_row_for_each_organization_and_one_for_all_others() {
        assert!(rows(&[], &[]).is_empty());
        assert_eq!(rows(&["o-a"], &[]), ["o-a o-a", "o-any o-0000000000"]);
        // Rule C19: a test of presence names none; neither does what is no id.
        for none in ["", "444455556666", "o-", "o-a/r-b"] {
            assert_eq!(rows(&[none], &[]), ["o-any o-0000000000"], "{none}");
        }
    }

    #[test]
    fn a_pattern_is_the_organizations_that_it_takes() {
        for all in ["*", "o-*", "o*", "?-*"] {
            assert_eq!(rows(&["o-a"], &[all]), ["o-a o-a", "o-any o-0000000000"], "{all}");
        }
        assert_eq!(rows(&[], &["o-ab*"]), ["o-ab* o-ab00000000", "o-any o-0000000000"]);
        assert_eq!(rows(&[], &["?-a?"]), ["?-a? o-a0", "o-any o-0000000000"]);
        assert_eq!(rows(&[], &["*b"]), ["*b o-00000000000b", "o-any o-0000000000"]);
        // Those that it takes, but those that a narrower one takes.
        let both = rows(&[], &["o-a*", "o-a0*"]);
        assert_eq!(both, ["o-a* o-azzzzzzzzz", "o-a0* o-a000000000", "o-any o-0000000000"]);
        // None is told that no test tells from those of a wider one.
        let test = |key: &str, texts: &[&str]| Test {
            values: texts.iter().map(|text| operand(text)).collect(),
            ..Test::present(key)
        };
        let alike = |test: &Test| is_alike(test, "o-a0", "o-ab0");
        assert!(alike(&Test { operator: LIKE, ..test(ORG_ID, &["o-a*", "o-ab*"]) }));
        assert!(!alike(&Test { operator: LIKE, ..test(ORG_ID, &["o-ab*", "o-x*"]) }));
        let paths = |texts: &[&str]| Test { operator: LIKE, ..test(ORG_PATHS, texts) };
        assert!(alike(&paths(&["o-a*", "o-ab*"])) && alike(&paths(&["o-a*/r-1/*", "o-ab*/r-1/*"])));
        for texts in [&["o-a*/r-1/*", "o-ab*/r-2/*"][..], &["o-a*b*"], &["o-ab*/*", "o-x*/*"]] {
            assert!(!alike(&paths(texts)), "{texts:?}");
        }
        // None is that whose id a policy names.
        assert_eq!(rows(&["o-b0"], &["o-b?"])[2], "o-b? o-bz");
    }
}
