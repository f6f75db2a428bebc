//! Patterns against whole texts (rules C10, C12, C26, C42).

use super::test::Piece;

/// The value of a condition key that a policy variable names; none where the request does not carry it.
pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<Box<str>>;

/// Whether `pieces` match the whole of `text`. A variable's value stands for itself, wildcards in it
/// included (rule C26); without value and default, nothing matches (rule C42).
pub(super) fn takes(pieces: &[Piece], text: &str, variable: Variable<'_>) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Text(only)] => **only == *text,
        _ if pieces.iter().any(is_variable) => {
            resolved(pieces, variable).is_some_and(|pieces| covers(&pieces, text))
        }
        _ => covers(pieces, text),
    }
}

/// The pieces with every variable replaced; nothing where one has neither value nor default (rule C42).
pub(super) fn resolved(pieces: &[Piece], variable: Variable<'_>) -> Option<Box<[Piece]>> {
    let piece = |piece: &Piece| match piece {
        Piece::Variable { key, default } => {
            variable(key).or_else(|| default.clone()).map(Piece::Text)
        }
        other => Some(other.clone()),
    };
    pieces.iter().map(piece).collect()
}

/// What one place of a pattern takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Character(char),
    One,
    Run,
}

/// Whether a pattern takes whatever another takes, as far as their places tell one by one. One with variables
/// takes and leaves what nobody knows.
pub(super) fn takes_all_of(pieces: &[Piece], other: &[Piece]) -> bool {
    let (Some(own), Some(other)) = (places(pieces), places(other)) else {
        return false;
    };
    // For each beginning of the other pattern, whether what was looked at of the own one takes it.
    let mut taken: Vec<bool> = (0..=other.len()).map(|at| at == 0).collect();
    for place in own {
        let mut next = vec![false; taken.len()];
        for at in 0..taken.len() {
            let before = at.checked_sub(1).and_then(|at| Some((at, *other.get(at)?)));
            let is_taken = |all: &[bool], at: usize| all.get(at).copied().unwrap_or_default();
            let takes = match (place, before) {
                (At::Run, before) => {
                    is_taken(&taken, at) || before.is_some_and(|(at, _)| is_taken(&next, at))
                }
                (_, None) => false,
                (At::One, Some((at, one))) => one != At::Run && is_taken(&taken, at),
                (own, Some((at, one))) => own == one && is_taken(&taken, at),
            };
            if let Some(slot) = next.get_mut(at) {
                *slot = takes;
            }
        }
        taken = next;
    }
    taken.last().copied().unwrap_or_default()
}

/// A pattern place by place; nothing where it has variables.
fn places(pieces: &[Piece]) -> Option<Vec<At>> {
    let mut all = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => all.extend(text.chars().map(At::Character)),
            Piece::AnyOne => all.push(At::One),
            Piece::AnyRun => all.push(At::Run),
            Piece::Variable { .. } => return None,
        }
    }
    Some(all)
}

/// Whether a piece is a policy variable.
pub(super) fn is_variable(piece: &Piece) -> bool {
    matches!(piece, Piece::Variable { .. })
}

/// Each run between two `*` is found as far left as it goes; the first is fixed to the start of the
/// text and the last to its end.
fn covers(pieces: &[Piece], text: &str) -> bool {
    let mut segments = pieces.split(|piece| *piece == Piece::AnyRun);
    let Some(mut rest) = segments.next().and_then(|first| behind(first, text)) else {
        return false;
    };
    let Some(last) = segments.next_back() else {
        return rest.is_empty();
    };
    for segment in segments {
        match behind_first(segment, rest) {
            Some(left) => rest = left,
            None => return false,
        }
    }
    before(last, rest).is_some()
}

/// What follows `segment` where `text` begins with it.
fn behind<'a>(segment: &[Piece], text: &'a str) -> Option<&'a str> {
    segment.iter().try_fold(text, |rest, piece| match piece {
        Piece::Text(literal) => rest.strip_prefix(&**literal),
        _ => {
            let mut characters = rest.chars();
            characters.next().map(|_| characters.as_str())
        }
    })
}

/// What stands before `segment` where `text` ends with it.
fn before<'a>(segment: &[Piece], text: &'a str) -> Option<&'a str> {
    segment.iter().rev().try_fold(text, |rest, piece| match piece {
        Piece::Text(literal) => rest.strip_suffix(&**literal),
        _ => {
            let mut characters = rest.chars();
            characters.next_back().map(|_| characters.as_str())
        }
    })
}

/// What follows the first place of `segment` in `text`.
fn behind_first<'a>(segment: &[Piece], text: &'a str) -> Option<&'a str> {
    let mut rest = text;
    loop {
        if let Some(Piece::Text(literal)) = segment.first() {
            rest = rest.get(rest.find(&**literal)?..)?;
        }
        if let Some(left) = behind(segment, rest) {
            return Some(left);
        }
        let mut characters = rest.chars();
        characters.next()?;
        rest = characters.as_str();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The pieces of a pattern with `*` and `?`, and `{key}` for a variable.
    pub(in crate::access) fn pieces(pattern: &str) -> Box<[Piece]> {
        let mut found: Vec<Piece> = Vec::new();
        let mut rest = pattern.chars();
        while let Some(next) = rest.next() {
            match next {
                '*' => found.push(Piece::AnyRun),
                '?' => found.push(Piece::AnyOne),
                '{' => {
                    let key: String = rest.by_ref().take_while(|at| *at != '}').collect();
                    found.push(Piece::Variable { key: key.into(), default: None });
                }
                _ => match found.last_mut() {
                    Some(Piece::Text(text)) => *text = format!("{text}{next}").into(),
                    _ => found.push(Piece::Text(next.to_string().into())),
                },
            }
        }
        found.into()
    }

    fn check(pattern: &str, text: &str, expected: bool) {
        let team = |key: &str| (key == "team").then(|| "a*b".into());
        assert_eq!(takes(&pieces(pattern), text, &team), expected, "{pattern} on {text}");
    }

    #[test]
    fn a_pattern_takes_all_of_another() {
        for (one, other, expected) in [
            ("*", "", true),
            ("*", "a*b", true),
            ("a*", "ab?", true),
            ("a*b", "a*x*b", true),
            ("?*", "*", false),
            ("?", "a", true),
            ("a", "?", false),
            ("?", "*", false),
            ("??", "?", false),
            ("*a*", "b*", false),
            ("", "*", false),
            ("*{team}", "a{team}", false),
        ] {
            assert_eq!(takes_all_of(&pieces(one), &pieces(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn c12_wildcards() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("**", "ab"),
            ("a*", "a"),
            ("*b*", "abc"),
            ("a*a", "aa"),
            ("?", "ü"),
            ("a?*c*d", "abbccd"),
            ("*?b", "bb"),
            ("*a?c*", "aaabxabc"),
        ] {
            check(pattern, text, true);
        }
        for (pattern, text) in
            [("", "a"), ("a", ""), ("a*a", "a"), ("?", ""), ("?", "ab"), ("A", "a"), ("*a?", "ba")]
        {
            check(pattern, text, false);
        }
    }

    #[test]
    fn c26_c42_variables_are_literal_and_without_value_match_nothing() {
        check("x/{team}*", "x/a*bc", true);
        check("x/{team}", "x/aab", false);
        check("*{none}", "", false);
    }

    #[test]
    fn c12_equals_a_plain_recursion() {
        fn plain(pattern: &[char], text: &[char]) -> bool {
            match (pattern, text) {
                ([], _) => text.is_empty(),
                (['*', rest @ ..], [_, behind @ ..]) => plain(rest, text) || plain(pattern, behind),
                (['*', rest @ ..], []) => plain(rest, text),
                ([_, ..], []) => false,
                ([one, rest @ ..], [first, behind @ ..]) => {
                    (*one == '?' || one == first) && plain(rest, behind)
                }
            }
        }
        let words = |letters: &[char], length: u32| -> Vec<Vec<char>> {
            (0..letters.len().pow(length))
                .map(|number| {
                    (0..length)
                        .map(|at| letters[number / letters.len().pow(at) % letters.len()])
                        .collect()
                })
                .collect()
        };
        for pattern in (0..5).flat_map(|length| words(&['a', 'b', '*', '?'], length)) {
            let compiled = pieces(&pattern.iter().collect::<String>());
            for text in (0..5).flat_map(|length| words(&['a', 'b'], length)) {
                let whole: String = text.iter().collect();
                let expected = plain(&pattern, &text);
                assert_eq!(takes(&compiled, &whole, &|_| None), expected, "{pattern:?} {text:?}");
            }
        }
    }
}
