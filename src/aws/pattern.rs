//! Patterns of names: `*` stands for any text, `?` for one character.

/// Whether `text` is a pattern rather than a name.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether `pattern` takes all of `text`. Linear in practice: only the last `*` is gone back to.
pub fn takes(pattern: &str, text: &str) -> bool {
    // Most begin differently, which is told without looking at all of them.
    let is_open = |c: char| matches!(c, '*' | '?');
    let mut begins = pattern.chars().zip(text.chars());
    let first = begins.find(|(wanted, one)| is_open(*wanted) || wanted != one);
    if first.is_some_and(|(wanted, _)| !is_open(wanted)) {
        return false;
    }
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(read) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((before, taken)) => {
                    star = Some((before, taken + 1));
                    at = before + 1;
                    read = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|rest| *rest == '*')
}

/// Whether some text matches both patterns.
pub fn meets(one: &str, other: &str) -> bool {
    // Most begin differently, which is told without looking at all of them.
    let is_open = |c: char| matches!(c, '*' | '?');
    let mut begins = one.chars().zip(other.chars());
    let first = begins.find(|(one, other)| one != other || is_open(*one) || is_open(*other));
    if first.is_some_and(|(one, other)| !is_open(one) && !is_open(other)) {
        return false;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether the rests behind a place in each meet, from the end.
    let mut below = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let here = one.get(at);
        let mut row = vec![false; other.len() + 1];
        for to in (0..=other.len()).rev() {
            let there = other.get(to);
            let right = row.get(to + 1).copied().unwrap_or_default();
            let down = below.get(to).copied().unwrap_or_default();
            let both = below.get(to + 1).copied().unwrap_or_default();
            let is_met = match (here, there) {
                (None, None) => true,
                (Some('*'), None) => down,
                (None, Some('*')) => right,
                (Some('*'), Some(_)) | (Some(_), Some('*')) => down || right,
                (Some('?'), Some(_)) | (Some(_), Some('?')) => both,
                (Some(one), Some(other)) => one == other && both,
                _ => false,
            };
            if let Some(place) = row.get_mut(to) {
                *place = is_met;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("alias/*", "alias/orders", true),
            ("*orders", "alias/orders", true),
            ("*o*s", "alias/orders", true),
            ("alias/order?", "alias/orders", true),
            ("alias/order?", "alias/order", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*", "", true),
            ("", "a", false),
        ] {
            assert_eq!(takes(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_meet_where_a_text_matches_both() {
        for (one, other, expected) in [
            ("a*", "*b", true),
            ("a*", "b*", false),
            ("*-app", "prod-*", true),
            ("role/?", "role/*", true),
            ("role/app", "role/app", true),
            ("role/app", "role/ap", false),
            ("*", "", true),
            ("?", "", false),
            ("a*c", "ab", false),
            ("*x*", "a*b", true),
        ] {
            assert_eq!(meets(one, other), expected, "{one} {other}");
            assert_eq!(meets(other, one), expected, "{other} {one}");
        }
    }
}
