//! The organizations outside the export that have rows: those that keys name, one for each pattern, and one that
//! stands for all others.

use std::collections::BTreeSet;

use crate::inventory::Inventory;

use super::range::Form;

/// An organization that has a row, or one of those that a row is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OrganizationRow {
    /// What the row is called: an id, or a pattern of ids.
    pub(super) name: Box<str>,
    /// The id.
    pub(super) id: Box<str>,
    /// Whose principals it stands for, in words.
    pub(super) words: Box<str>,
}

/// What the row of all organizations that nothing names is called.
const OTHERS: &str = "o-any";

/// How many characters an id has at least.
const LENGTH: usize = 12;

/// What stands in an id where a pattern leaves it open: what few other patterns take.
const FILLERS: [&str; 6] = ["0", "z", "x", "7", "q", "k"];

/// The organizations of which keys speak, by ids and by patterns in lower case, which is that of all ids; beside
/// them the export's own and another one, which a test that is negated, or a Deny, leaves open (rules C30, C33,
/// C34). One of which only a pattern speaks is none of those named.
pub(super) fn organizations(
    world: &Inventory,
    ids: &BTreeSet<Box<str>>,
    like: &BTreeSet<Box<str>>,
) -> Vec<OrganizationRow> {
    if ids.is_empty() && like.is_empty() {
        return Vec::new();
    }
    let own = world.organization.as_ref().and_then(|own| own.id.clone());
    let ids: BTreeSet<Box<str>> =
        ids.iter().filter(|id| !id.is_empty()).cloned().chain(own).collect();
    let forms: Vec<Form> = like.iter().map(|pattern| Form::like(pattern)).collect();
    let named = ids.iter().map(|id| OrganizationRow {
        name: id.clone(),
        id: id.clone(),
        words: format!("organization {id}").into(),
    });
    let mut all: Vec<OrganizationRow> = named.collect();
    let other = invented("o-*", &ids, &forms);
    let is_narrow =
        |pattern: &str| other.as_deref().is_none_or(|other| !Form::like(pattern).has(other));
    for pattern in like.iter().filter(|pattern| is_narrow(pattern)) {
        let of_pattern = |id| OrganizationRow {
            name: pattern.clone(),
            id,
            words: format!("any other organization {pattern}").into(),
        };
        all.extend(invented(pattern, &ids, &forms).map(of_pattern));
    }
    let others =
        |id| OrganizationRow { name: OTHERS.into(), id, words: "any other organization".into() };
    all.extend(other.map(others));
    all
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

    fn rows(ids: &[&str], like: &[&str]) -> Vec<String> {
        let set = |all: &[&str]| all.iter().map(|it| Box::from(*it)).collect();
        let rows = organizations(&Inventory::default(), &set(ids), &set(like));
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
        // None is that whose id a policy names.
        assert_eq!(rows(&["o-b0"], &["o-b?"])[1], "o-b? o-bz");
    }
}
