//! Patterns against texts: wildcards and policy variables (rules A51, A66, C12, C26, C40 to C47).

use std::borrow::Cow;

use crate::policy::{Part, Variables, parts};

/// A pattern with its variables put in, character by character.
pub(super) struct Pattern {
    glyphs: Vec<Glyph>,
}

/// One element of a [`Pattern`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Glyph {
    /// This character.
    Char(char),
    /// Any one character.
    AnyOne,
    /// Any one character but a colon (rule A61).
    AnyOneInPart,
    /// Any run of characters.
    AnyRun,
    /// Any run of characters without a colon (rule A61).
    AnyRunInPart,
}

impl Glyph {
    fn takes(self, character: char) -> bool {
        match self {
            Self::Char(expected) => expected == character,
            Self::AnyOne | Self::AnyRun => true,
            Self::AnyOneInPart | Self::AnyRunInPart => character != ':',
        }
    }

    fn is_run(self) -> bool {
        matches!(self, Self::AnyRun | Self::AnyRunInPart)
    }
}

/// What a variable is replaced with: the value of a condition key, where it has a single one (rule C40).
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Box<str>>;

impl Pattern {
    /// A pattern with wildcards. Nothing where a variable has neither value nor default (rules A65, C42).
    pub(super) fn wild(text: &str, variables: Variables, lookup: Lookup<'_>) -> Option<Self> {
        let mut glyphs = Vec::with_capacity(text.len());
        for part in parts(text, variables) {
            match part {
                Part::AnyRun => glyphs.push(Glyph::AnyRun),
                Part::AnyOne => glyphs.push(Glyph::AnyOne),
                _ => push_text(&mut glyphs, part, lookup)?,
            }
        }
        Some(Self { glyphs })
    }

    /// A pattern of these glyphs.
    pub(super) fn of(glyphs: Vec<Glyph>) -> Self {
        Self { glyphs }
    }

    /// Its glyphs.
    pub(super) fn into_glyphs(self) -> Vec<Glyph> {
        self.glyphs
    }

    /// Whether the whole of `text` matches. Tries the shortest run first and goes back to the last one.
    pub(super) fn matches(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        let (mut glyph, mut at) = (0, 0);
        // Where to go on when a try fails: the runs that may still take more, innermost last.
        let mut runs: Vec<(usize, usize)> = Vec::new();
        loop {
            match (self.glyphs.get(glyph), characters.get(at)) {
                (Some(run), _) if run.is_run() => {
                    // A free run makes the earlier ones pointless: they could only move the same text.
                    if *run == Glyph::AnyRun {
                        runs.clear();
                    }
                    runs.push((glyph, at));
                    glyph += 1;
                    continue;
                }
                (Some(expected), Some(&character)) if expected.takes(character) => {
                    glyph += 1;
                    at += 1;
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            match widen(&self.glyphs, &characters, &mut runs) {
                Some((next_glyph, next_at)) => (glyph, at) = (next_glyph, next_at),
                None => return false,
            }
        }
    }
}

/// Whether a pattern, its variables put in, takes the whole of `text`. Most have nothing special in them,
/// or differ from the text before the first that is.
pub(super) fn like(pattern: &str, text: &str, variables: Variables, lookup: Lookup<'_>) -> bool {
    let Some(special) = pattern.find(['*', '?', '$']) else {
        return pattern == text;
    };
    let begins = || pattern.get(..special).is_some_and(|literal| text.starts_with(literal));
    let takes = |pattern: Pattern| pattern.matches(text);
    pattern == "*" || begins() && Pattern::wild(pattern, variables, lookup).is_some_and(takes)
}

/// Whether a pattern without variables takes the whole of `text`.
pub(in crate::eval) fn takes(pattern: &str, text: &str) -> bool {
    like(pattern, text, Variables::Literal, &|_| None)
}

/// Lets the innermost run that can take one more character do so.
fn widen(
    glyphs: &[Glyph],
    characters: &[char],
    runs: &mut Vec<(usize, usize)>,
) -> Option<(usize, usize)> {
    while let Some((glyph, at)) = runs.pop() {
        let takes = glyphs.get(glyph).zip(characters.get(at)).is_some_and(|(run, c)| run.takes(*c));
        if takes {
            runs.push((glyph, at + 1));
            return Some((glyph + 1, at + 1));
        }
    }
    None
}

/// `text` with its variables put in, wildcards taken literally (rule C21); nothing where a variable has
/// neither value nor default (rule C42).
pub(super) fn literal<'t>(
    text: &'t str,
    variables: Variables,
    lookup: Lookup<'_>,
) -> Option<Cow<'t, str>> {
    if !text.contains('$') {
        return Some(text.into());
    }
    let mut out = String::with_capacity(text.len());
    for part in parts(text, variables) {
        match part {
            Part::AnyRun => out.push('*'),
            Part::AnyOne => out.push('?'),
            Part::Text(text) => out.push_str(text),
            Part::Variable { key, default } => out.push_str(&resolve(key, default, lookup)?),
        }
    }
    Some(out.into())
}

/// The value put in place of a variable is literal (rules A66, C26).
fn push_text(glyphs: &mut Vec<Glyph>, part: Part<'_>, lookup: Lookup<'_>) -> Option<()> {
    match part {
        Part::Text(text) => glyphs.extend(text.chars().map(Glyph::Char)),
        Part::Variable { key, default } => {
            glyphs.extend(resolve(key, default, lookup)?.chars().map(Glyph::Char));
        }
        Part::AnyRun | Part::AnyOne => {}
    }
    Some(())
}

fn resolve(key: &str, default: Option<&str>, lookup: Lookup<'_>) -> Option<Box<str>> {
    lookup(key).or_else(|| default.map(Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        like(pattern, text, Variables::Replaced, &|_| None)
    }

    /// The meaning of a pattern in three lines, for comparison.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|n| plainly(rest, &text[n..])),
            (Some((p, rest)), Some((t, tail))) => (*p == '?' || p == t) && plainly(rest, tail),
            _ => false,
        }
    }

    #[test]
    fn c12_wildcards_stand_anywhere() {
        assert!(matches("*", ""));
        assert!(matches("a*b?c", "a--b-c"));
        assert!(!matches("a*b?c", "abc"));
        assert!(matches("é?", "éü"));
    }

    #[test]
    fn patterns_mean_what_the_plain_definition_means() {
        let alphabet = ['a', 'b', '*', '?'];
        let words = |letters: &[char], length: u32| -> Vec<Vec<char>> {
            (0..letters.len().pow(length))
                .map(|n| {
                    (0..length).map(|i| letters[n / letters.len().pow(i) % letters.len()]).collect()
                })
                .collect()
        };
        for pattern in (0..5).flat_map(|length| words(&alphabet, length)) {
            for text in (0..4).flat_map(|length| words(&alphabet[..2], length)) {
                let (p, t): (String, String) = (pattern.iter().collect(), text.iter().collect());
                assert_eq!(matches(&p, &t), plainly(&pattern, &text), "{p} against {t}");
            }
        }
    }

    #[test]
    fn a66_wildcards_in_a_variables_value_are_literal() {
        let star = |key: &str| (key == "aws:username").then(|| "a*".into());
        let matches = |pattern, text| like(pattern, text, Variables::Replaced, &star);
        assert!(matches("x/${aws:username}", "x/a*"));
        assert!(!matches("x/${aws:username}", "x/ab"));
        assert!(!matches("${aws:nothing}", ""));
        assert!(!matches("${aws:nothing}", "${aws:nothing}"));
        assert!(matches("${aws:nothing, 'd'}", "d"));
    }
}
