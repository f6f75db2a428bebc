//! Verdicts and conditions in words.

use std::sync::Arc;

use crate::audit::matrix::Capability;
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Bound, CellAnswer, Condition, Reason, Standing, Words};
use crate::report::basis::NAMED;

/// Cells that read the same.
pub(super) struct Group {
    /// Their actions.
    pub(super) actions: ActionSet,
    /// When they are allowed: `always`, `if ...`, `unknown (...)`, `never (...)`.
    pub(super) when: String,
}

/// Cells, those that read the same together.
pub(super) fn groups<'a>(
    cells: impl Iterator<Item = (ActionSet, &'a Arc<CellAnswer>)>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (actions, answer) in cells {
        let when = when(answer);
        match groups.iter_mut().find(|group| group.when == when) {
            Some(group) => group.actions = group.actions.union(actions),
            None => groups.push(Group { actions, when }),
        }
    }
    groups
}

/// Actions as capabilities, or by name.
pub(super) fn can(actions: ActionSet, possible: ActionSet, by_name: bool) -> String {
    match by_name {
        true => actions.iter().map(KmsAction::name).collect::<Vec<_>>().join(", "),
        false => Capability::words(actions, possible).join(", "),
    }
}

/// When a cell is allowed, in words.
pub(in crate::report) fn when(answer: &CellAnswer) -> String {
    let mut text = match answer.verdict {
        Standing::Always => "always".to_owned(),
        Standing::Conditional => match &answer.condition {
            Some(told) => format!("if {}", condition(told)),
            None => "conditional".to_owned(),
        },
        Standing::Never => never(answer),
        Standing::Unknown { at_least, at_most } => {
            let why = why(answer);
            let bounds = format!("{} to {}", bound(at_least), bound(at_most));
            format!("unknown, {bounds}{why}")
        }
    };
    for assumed in &answer.assumes {
        text.push_str("; provided that ");
        text.push_str(assumed);
    }
    text
}

/// What else must hold for what an answer says of `actions`: beside what it assumes, that who changes an
/// alias may do so on the alias, too (rules L1 to L3); a cell is the key's side. Said of single cells: where
/// many stand together it would be said of everybody who administers keys.
pub(super) fn assumed(actions: ActionSet, answer: &CellAnswer) -> Vec<String> {
    let mut all = actions.iter();
    let single = all.next().filter(|_| all.next().is_none());
    let of_alias = single.filter(|action| {
        action.info().has_alias_resource && answer.verdict.at_most() > Bound::Never
    });
    let on_alias = of_alias.map(|it| format!("an identity policy allows {it} on the alias, too"));
    answer.assumes.iter().cloned().chain(on_alias).collect()
}

fn never(answer: &CellAnswer) -> String {
    let denied = match answer.reason {
        Reason::ExplicitDeny => "a Deny",
        _ => "no Allow",
    };
    match answer.denied_by {
        Some(gate) => format!("never: {denied} ({})", gate.name()),
        None => format!("never: {denied}"),
    }
}

fn why(answer: &CellAnswer) -> String {
    let mut parts = Vec::new();
    if !answer.missing.is_empty() {
        let missing: Vec<&str> = answer.missing.iter().map(String::as_str).take(NAMED).collect();
        let rest = answer.missing.len().saturating_sub(NAMED);
        let more = if rest == 0 { String::new() } else { format!(", and {rest} more") };
        parts.push(format!("not exported: {}{more}", missing.join(", ")));
    }
    if !answer.open.is_empty() {
        let open: Vec<&str> = answer.open.iter().map(|point| point.name()).collect();
        parts.push(format!("not documented by AWS: {}", open.join(", ")));
    }
    if answer.undecided {
        parts.push("too many contexts to decide".to_owned());
    }
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) }
}

/// A bound as a word.
pub(in crate::report) fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Never => "never",
        Bound::Conditional => "conditional",
        Bound::Always => "always",
    }
}

/// A condition as one line: `and` binds more tightly than `or`, and parentheses say so all the same.
pub(in crate::report) fn condition(told: &Condition) -> String {
    let joined = |all: &[Condition], word: &str| {
        let part = |part: &Condition| match part {
            Condition::Test(test) => words(test),
            Condition::All(_) | Condition::Any(_) => format!("({})", condition(part)),
        };
        all.iter().map(part).collect::<Vec<_>>().join(word)
    };
    match told {
        Condition::Test(test) => words(test),
        Condition::All(all) => joined(all, " and "),
        Condition::Any(all) => joined(all, " or "),
    }
}

fn words(test: &Words) -> String {
    let values: Vec<String> = test.values.iter().map(|value| quoted(value)).collect();
    let mut text = format!("{} {}", test.key, test.relation);
    if !values.is_empty() {
        text.push(' ');
        text.push_str(&values.join(", "));
    }
    text
}

/// A value as it is where it cannot be mistaken for something else, else in quotes.
fn quoted(value: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_.:/@*?+=$".contains(character);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn test(key: &str, values: &[&str]) -> Condition {
        let values = values.iter().map(|value| (*value).into()).collect();
        Condition::Test(Words { key: key.into(), relation: "is".into(), values })
    }

    #[test]
    fn of_much_that_is_missing_the_first_is_named() {
        let answer = |count: usize| CellAnswer {
            verdict: Standing::Unknown { at_least: Bound::Never, at_most: Bound::Always },
            reason: Reason::ImplicitDeny,
            denied_by: None,
            condition: None,
            witness: None,
            counter: None,
            missing: (0..count).map(|number| format!("m{number:03}")).collect(),
            open: BTreeSet::new(),
            undecided: false,
            assumes: BTreeSet::new(),
        };
        let eight = "m000, m001, m002, m003, m004, m005, m006, m007";
        let told = |rest: &str| format!("unknown, never to always: not exported: {eight}{rest}");
        assert_eq!(when(&answer(8)), told(""));
        assert_eq!(when(&answer(120)), told(", and 112 more"));
    }

    #[test]
    fn conditions_read_as_sentences() {
        let either = Condition::Any(vec![test("b", &["1", "2 3"]), test("c", &[""])]);
        let all = Condition::All(vec![test("a", &["x"]), either]);
        assert_eq!(condition(&all), "a is x and (b is 1, \"2 3\" or c is \"\")");
    }
}
