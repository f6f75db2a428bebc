//! The organizations outside the export that have rows: those that keys name, one for each pattern, and one that
//! stands for all others.

use std::collections::BTreeSet;

use crate::decision::ContextValue;
use crate::inventory::Inventory;

use super::caller_values::ORG_ID;
use super::domain::is_null;
use super::range::Form;
use super::spoken::{Spoken, pattern};
use super::test::Test;

/// An organization that has a row, or one of those that a row is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OrganizationRow {
    /// What the row is called: an id, or a pattern of ids.
    pub(super) name: Box<str>,
    /// The ids, as a pattern.
    pub(super) ids: Box<str>,
    /// The id.
    pub(super) id: Box<str>,
    /// Whose principals it stands for, in words.
    pub(super) words: Box<str>,
}

/// What the row of all organizations that nothing names is called.
const OTHERS: &str = "o-any";

/// What takes every id.
const ALL: &str = "o-*";

/// How many characters an id has at least.
const LENGTH: usize = 12;

/// What stands in an id where a pattern leaves it open: what few other patterns take.
const FILLERS: [&str; 6] = ["0", "z", "x", "7", "q", "k"];

/// The organizations of which keys speak, by ids and by patterns in lower case, which is that of all ids; beside
/// them the export's own and another one, which a test that is negated, or a Deny, leaves open (rules C30, C33,
/// C34). One of which only a pattern speaks is none of those named; it has no row where no key tells it from one
/// of a wider pattern.
pub(super) fn organizations(world: &Inventory, spoken: &Spoken<'_>) -> Vec<OrganizationRow> {
    let (ids, like) = (&spoken.organizations, &spoken.organizations_like);
    if ids.is_empty() && like.is_empty() {
        return Vec::new();
    }
    let own = world.organization.as_ref().and_then(|own| own.id.clone());
    let ids: BTreeSet<Box<str>> =
        ids.iter().filter(|id| !id.is_empty()).cloned().chain(own).collect();
    let forms: Vec<Form> = like.iter().map(|pattern| Form::like(pattern)).collect();
    let named = ids.iter().map(|id| OrganizationRow {
        name: id.clone(),
        ids: id.clone(),
        id: id.clone(),
        words: format!("organization {id}").into(),
    });
    let mut all: Vec<OrganizationRow> = named.collect();
    let other = invented(ALL, &ids, &forms);
    let is_narrow =
        |pattern: &str| other.as_deref().is_none_or(|other| !Form::like(pattern).has(other));
    let of_pattern = |pattern: &str, id| OrganizationRow {
        name: pattern.into(),
        ids: pattern.into(),
        id,
        words: format!("any other organization {pattern}").into(),
    };
    let narrow = like.iter().filter(|pattern| is_narrow(pattern));
    let narrow = narrow.filter_map(|it| Some(of_pattern(it, invented(it, &ids, &forms)?)));
    let others = |id| OrganizationRow {
        name: OTHERS.into(),
        ids: ALL.into(),
        id,
        words: "any other organization".into(),
    };
    let unnamed: Vec<OrganizationRow> = narrow.chain(other.clone().map(others)).collect();
    let is_told = |row: &&OrganizationRow| {
        let is_within =
            |wide: &&OrganizationRow| wide.ids != row.ids && Form::like(&wide.ids).has(&row.ids);
        let is_same = |wide: &OrganizationRow| {
            spoken.of_organizations.iter().all(|test| is_alike(test, &row.id, &wide.id))
        };
        !unnamed.iter().filter(is_within).any(is_same)
    };
    all.extend(unnamed.iter().filter(is_told).cloned());
    all
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

/// The id of an organization that a pattern takes, that is none of these, and that as few others as can be take:
/// those may be denied.
fn invented(pattern: &str, ids: &BTreeSet<Box<str>>, forms: &[Form]) -> Option<Box<str>> {
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
    let candidates = FILLERS.iter().flat_map(|filler| of_filler(filler));
    let is_id = |id: &str| {
        let own = id.strip_prefix("o-").unwrap_or_default();
        !own.is_empty() && own.chars().all(|it| it.is_ascii_alphanumeric())
    };
    let is_one = |id: &str| is_id(id) && form.has(id) && !ids.contains(id);
    let taking = |id: &str| forms.iter().filter(|form| form.has(id)).count();
    candidates.filter(|id| is_one(id)).min_by_key(|id| taking(id))
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
            of_organizations: told.collect(),
            ..Spoken::default()
        };
        let rows = organizations(&Inventory::default(), &spoken);
        rows.into_iter().map(|row| format!("{} {}", row.name, row.id)).collect()
    }

    #[test]
    fn one_row_for_each_organization_and_one_for_all_others() {
        assert!(rows(&[], &[]).is_empty());
        assert_eq!(rows(&["o-a"], &[]), ["o-a o-a", "o-any o-0000000000"]);
        // Rule C19: a test of presence names none.
        assert_eq!(rows(&[""], &[]), ["o-any o-0000000000"]);
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
        assert_eq!(rows(&["o-b0"], &["o-b?"])[1], "o-b? o-bz");
    }
}
