//! Texts with holes: what a template says of a text that is not known wholly before it is deployed.
//!
//! Such a text is a string in which each hole stands between marks that no document has: [`clean`] takes
//! them out of whatever is read. So texts are joined, split and compared as strings are.

use crate::syntax::{Kind, Node, Unresolved};

use crate::source::Span;

/// Begins a hole.
const OPEN: char = '\u{fdd0}';
/// Stands before each value that a hole can have.
const CHOICE: char = '\u{fdd1}';
/// Ends a hole.
const CLOSE: char = '\u{fdd2}';
/// Behind `OPEN`: the hole has a symbol that stands for it wherever it is met, such as `this-account`.
const SYMBOL: char = '\u{fdd3}';

/// Stands between a name and the number of the stack whose name it is.
pub(super) const APART: char = '#';

/// How many texts one with choices is written out to.
const WRITTEN_OUT: usize = 8;

/// How long a text may grow.
const LONGEST: usize = 64 << 10;

/// A part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part<'t> {
    /// What is known.
    Known(&'t str),
    /// What has a symbol.
    Symbol(&'t str),
    /// What is not known: what stands for it, and the values that it can have, where they are known.
    Hole(&'t str, Vec<&'t str>),
}

/// The text without marks of holes, which stand in no text that means anything.
pub(super) fn clean(text: &str) -> String {
    text.replace([OPEN, CHOICE, CLOSE, SYMBOL], "\u{fffd}")
}

/// A text of which nothing is known; `name` stands for it.
pub(super) fn hole(name: &str) -> String {
    format!("{OPEN}{}{CLOSE}", clean(name))
}

/// A text that is one of `choices`.
pub(super) fn choice<'c>(name: &str, choices: impl IntoIterator<Item = &'c str>) -> String {
    let mut text = format!("{OPEN}{}", clean(name));
    for choice in choices {
        // A choice that is not known itself leaves nothing known.
        if !is_known(choice) {
            return hole(name);
        }
        text.push(CHOICE);
        text.push_str(choice);
    }
    text.push(CLOSE);
    text
}

/// A text that is not known, and that `symbol` stands for.
pub(super) fn symbol(symbol: &str) -> String {
    format!("{OPEN}{SYMBOL}{}{CLOSE}", clean(symbol))
}

/// Whether all of it is known.
pub(super) fn is_known(text: &str) -> bool {
    !text.contains(OPEN)
}

/// Whether it is longer than any text that means something.
pub(super) fn is_too_long(text: &str) -> bool {
    text.len() > LONGEST
}

/// The parts of a text, in order.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((known, behind)) = rest.split_once(OPEN) {
        if !known.is_empty() {
            parts.push(Part::Known(known));
        }
        let (inside, behind) = behind.split_once(CLOSE).unwrap_or((behind, ""));
        parts.push(match inside.strip_prefix(SYMBOL) {
            Some(symbol) => Part::Symbol(symbol),
            None => {
                let mut words = inside.split(CHOICE);
                let name = words.next().unwrap_or_default();
                Part::Hole(name, words.collect())
            }
        });
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Known(rest));
    }
    parts
}

/// The items of a list that a text is, commas between them; nothing where what is not known may be several: an ARN
/// that is known in part is one item.
pub(super) fn items(text: &str) -> Option<Vec<&str>> {
    let is_plain = |part: Part<'_>| match part {
        Part::Known(_) | Part::Symbol(_) => true,
        Part::Hole(name, choices) => choices.is_empty() && !name.contains(','),
    };
    let items: Vec<&str> = text.split(',').map(str::trim).collect();
    let is_one = |item: &&str| !item.contains(OPEN) || item.starts_with("arn:");
    (parts(text).into_iter().all(is_plain) && items.iter().all(is_one)).then_some(items)
}

/// The text with a pattern for each hole: what matches whatever it turns out to be.
pub(super) fn shape(text: &str) -> String {
    let mut shape = String::new();
    for part in parts(text) {
        match part {
            Part::Known(known) | Part::Symbol(known) => shape.push_str(known),
            Part::Hole(..) if shape.ends_with('*') => {}
            Part::Hole(..) => shape.push('*'),
        }
    }
    shape
}

/// The text as people read it: `${Env}` for a hole.
pub(super) fn shown(text: &str) -> String {
    let show = |part: Part<'_>| match part {
        Part::Known(known) | Part::Symbol(known) => known.to_owned(),
        Part::Hole(name, _) => format!("${{{}}}", told(name)),
    };
    parts(text).into_iter().map(show).collect()
}

/// The name of a hole without what tells it apart from the same name in other stacks.
pub(super) fn told(name: &str) -> String {
    let mut told = String::new();
    let mut rest = name;
    while let Some((before, behind)) = rest.split_once(APART) {
        told.push_str(before);
        rest = behind.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    told + rest
}

/// The text as a name of something that is declared: `<Env>` for a hole, which no real name holds.
pub(super) fn named(text: &str) -> String {
    let name = |part: Part<'_>| match part {
        Part::Known(known) | Part::Symbol(known) => known.to_owned(),
        Part::Hole(name, _) => {
            let fit = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
            let name: String = name.chars().map(|c| if fit(c) { c } else { '-' }).collect();
            format!("<{name}>")
        }
    };
    parts(text).into_iter().map(name).collect()
}

/// Whether two texts are equal; nothing where nobody knows.
pub(super) fn same(left: &str, right: &str) -> Option<bool> {
    if left == right {
        return Some(true);
    }
    if is_known(left) && is_known(right) {
        return Some(false);
    }
    let of = |text: &str| -> Vec<String> { expansions(text).unwrap_or_default() };
    let (all, others) = (of(left), of(right));
    let is_told = !all.is_empty() && !others.is_empty();
    (is_told && !all.iter().any(|text| others.contains(text))).then_some(false)
}

/// All texts that it can be, where its holes have few choices and it has no symbols.
pub(super) fn expansions(text: &str) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    for part in parts(text) {
        let words = match part {
            Part::Known(known) => vec![known],
            Part::Hole(_, choices) if !choices.is_empty() => choices,
            _ => return None,
        };
        let longer =
            all.iter().flat_map(|one| words.iter().map(move |word| format!("{one}{word}")));
        all = longer.collect();
        if all.len() > WRITTEN_OUT {
            return None;
        }
    }
    Some(all)
}

/// The text as a value of a policy.
pub(super) fn sealed(span: Span, text: &str) -> Node<'static> {
    let node = |kind| Node { span, tag: None, kind };
    let is_hole = |part: &Part<'_>| matches!(part, Part::Hole(..));
    let all = parts(text);
    if !all.iter().any(is_hole) {
        return node(Kind::String(shape(text).into()));
    }
    // Where only choices are open, each text is written out, its symbols in place.
    let flat: String = all
        .iter()
        .map(|part| match part {
            Part::Symbol(symbol) => (*symbol).to_owned(),
            Part::Known(known) => (*known).to_owned(),
            Part::Hole(name, choices) => choice(name, choices.iter().copied()),
        })
        .collect();
    let expression: Box<str> = shown(text).into();
    match expansions(&flat) {
        // The only value that a parameter can have.
        Some(texts) if texts.len() == 1 => node(Kind::String(texts.concat().into())),
        Some(texts) => {
            let branches = texts.into_iter().map(|text| node(Kind::String(text.into()))).collect();
            node(Kind::OneOf { expression, branches })
        }
        None => {
            let shape = shape(text).into();
            node(Kind::Unresolved(Unresolved { expression, shape }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_text_is_kept() {
        let text = format!("arn:aws:iam::{}:role/{}-app", symbol("this-account"), hole("Env"));
        assert_eq!(shape(&text), "arn:aws:iam::this-account:role/*-app");
        assert_eq!(shown(&text), "arn:aws:iam::this-account:role/${Env}-app");
        assert_eq!(named(&text), "arn:aws:iam::this-account:role/<Env>-app");
        assert!(!is_known(&text) && is_known("x"));
    }

    #[test]
    fn equality_is_told_where_it_is_known() {
        let env = choice("Env", ["dev", "prod"]);
        assert_eq!(same("a", "b"), Some(false));
        assert_eq!(same(&env, &env), Some(true));
        assert_eq!(same(&env, "prod"), None);
        assert_eq!(same(&env, "test"), Some(false));
        assert_eq!(same(&symbol("this-account"), "111122223333"), None);
        assert_eq!(same(&hole("Env"), "prod"), None);
    }

    #[test]
    fn choices_are_written_out() {
        let text = format!("{}-app", choice("Env", ["dev", "prod"]));
        let Kind::OneOf { branches, .. } = sealed(Span::new(0, 1), &text).kind else {
            panic!("not one of several")
        };
        let texts: Vec<&str> = branches.iter().filter_map(Node::as_str).collect();
        assert_eq!(texts, ["dev-app", "prod-app"]);
        let only = sealed(Span::new(0, 1), &format!("{}-app", choice("Env", ["dev"])));
        assert_eq!(only.as_str(), Some("dev-app"));
    }
}
