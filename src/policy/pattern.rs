//! Patterns and policy variables inside a text (rules A3, A51, A61, C26, C40 to C47).

use super::Version;

/// A piece of a pattern, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part<'a> {
    /// Text that must stand there as it is.
    Text(&'a str),
    /// `*`: any run of characters, none included.
    AnyRun,
    /// `?`: exactly one character.
    AnyOne,
    /// `${key}` or `${key, 'default'}`.
    Variable {
        /// The condition key whose value stands here.
        key: &'a str,
        /// What stands here when the key has no value.
        default: Option<&'a str>,
    },
}

/// Whether `${...}` is a variable where a text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variables {
    /// It is replaced by the key's value.
    Replaced,
    /// It is ordinary text; its wildcards still are wildcards (rule A3).
    Literal,
}

impl From<Version> for Variables {
    /// Rule A3: variables exist under `2012-10-17` alone.
    fn from(version: Version) -> Self {
        match version {
            Version::V2008 => Self::Literal,
            Version::V2012 => Self::Replaced,
        }
    }
}

/// The parts of `text`, found while they are read; nothing is copied.
pub fn parts(text: &str, variables: Variables) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, behind) = next_part(rest, variables)?;
        rest = behind;
        Some(part)
    })
}

fn next_part(rest: &str, variables: Variables) -> Option<(Part<'_>, &str)> {
    let first = rest.chars().next()?;
    let behind_first = rest.get(first.len_utf8()..).unwrap_or_default();
    match first {
        '*' => return Some((Part::AnyRun, behind_first)),
        '?' => return Some((Part::AnyOne, behind_first)),
        '$' if variables == Variables::Replaced => {
            if let Some(found) = variable(rest) {
                return Some(found);
            }
        }
        _ => {}
    }
    let stop = |at: char| at == '*' || at == '?' || (at == '$' && variables == Variables::Replaced);
    let length = behind_first.find(stop).map_or(rest.len(), |at| at + first.len_utf8());
    Some((Part::Text(rest.get(..length)?), rest.get(length..)?))
}

/// The variable that `rest` begins with; nothing where `${` is not closed (rule C47).
fn variable(rest: &str) -> Option<(Part<'_>, &str)> {
    let (inner, behind) = rest.strip_prefix("${")?.split_once('}')?;
    let part = match inner {
        // Rule C26: the escapes of the three special characters.
        "*" | "?" | "$" => Part::Text(inner),
        _ => match default_of(inner) {
            Some((key, default)) => Part::Variable { key, default: Some(default) },
            None => Part::Variable { key: inner, default: None },
        },
    };
    Some((part, behind))
}

/// Rule C40: comma, one or more blanks, the default in single quotes.
fn default_of(inner: &str) -> Option<(&str, &str)> {
    let (key, rest) = inner.split_once(',')?;
    let quoted = rest.strip_prefix(' ')?.trim_start_matches(' ');
    let default = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
    Some((key, default))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, variables: Variables, expected: &[Part<'_>]) {
        assert_eq!(parts(text, variables).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn c40_variables_with_and_without_default() {
        use Part::*;
        check(
            "a/${aws:username}/*",
            Variables::Replaced,
            &[Text("a/"), Variable { key: "aws:username", default: None }, Text("/"), AnyRun],
        );
        check(
            "${aws:PrincipalTag/team,  'none'}",
            Variables::Replaced,
            &[Variable { key: "aws:PrincipalTag/team", default: Some("none") }],
        );
    }

    #[test]
    fn c26_escapes_are_literal_characters() {
        check(
            "a${*}b${?}${$}",
            Variables::Replaced,
            &[Part::Text("a"), Part::Text("*"), Part::Text("b"), Part::Text("?"), Part::Text("$")],
        );
    }

    #[test]
    fn a3_variables_are_text_under_2008_and_wildcards_in_them_are_not() {
        check("${*}x", Variables::Literal, &[Part::Text("${"), Part::AnyRun, Part::Text("}x")]);
        check("${aws:username}", Variables::Literal, &[Part::Text("${aws:username}")]);
    }

    #[test]
    fn c47_an_unclosed_variable_is_text() {
        check("a${b", Variables::Replaced, &[Part::Text("a"), Part::Text("${b")]);
        check("$$", Variables::Replaced, &[Part::Text("$"), Part::Text("$")]);
    }
}
