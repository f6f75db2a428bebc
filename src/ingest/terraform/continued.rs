//! Expressions that go on in the next line: between the braces of a `for` Terraform does not look at line
//! breaks, and the parser ends an operation there.

/// What an operation that goes on behind a line break ends in.
const OPEN: [&str; 11] = ["?", ":", "&&", "||", "+", "-", "*", "/", "==", "=>", "!="];

/// What goes on with an operation that stands before a line break.
const FURTHER: [&str; 4] = ["?", ":", "&&", "||"];

/// Puts blanks in the place of the line breaks around a fault where an operation goes on; whether there were
/// some.
pub(super) fn join(text: &mut String, fault: usize) -> bool {
    let Some((before, behind)) = text.split_at_checked(fault) else { return false };
    let (ended, begun) = (before.trim_end(), behind.trim_start());
    let goes_on = OPEN.iter().any(|operator| ended.ends_with(operator))
        || FURTHER.iter().any(|operator| begun.starts_with(operator));
    let gap = ended.len()..text.len() - begun.len();
    let breaks = text.get(gap.clone()).filter(|gap| goes_on && gap.contains('\n'));
    let Some(blanks) = breaks.map(|gap| " ".repeat(gap.len())) else { return false };
    text.replace_range(gap, &blanks);
    true
}

#[cfg(test)]
mod tests {
    use super::super::repeated::body;

    #[test]
    fn an_operation_between_the_braces_of_a_for_goes_on_in_the_next_line() {
        for text in [
            "a = { for k in b : k => c == \"x\" ? d :\n  c == \"y\" ? e :\n  f\n}\n",
            "a = { for k in b : k => c ?\n  d : e }\n",
        ] {
            assert!(body(text).is_ok(), "{text}");
        }
        for text in ["a = {\n", "a = b c\n", "a =\n\nb = 1\n"] {
            assert!(body(text).is_err(), "{text}");
        }
    }
}
