//! Texts made harmless for what reads them: Markdown, spreadsheets, XML, URIs.

use crate::diag::visible;

/// A text that Markdown shows as it is, on one line.
pub(super) fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                shown.push('\\');
                shown.push(character);
            }
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '\n' | '\t' => shown.push(' '),
            _ => shown.push(character),
        }
    }
    shown
}

/// A cell that no spreadsheet takes for a formula.
pub(super) fn cell(cell: String) -> String {
    // The key `*` and the principal `*` begin no formula.
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// A text for XML 1.0, in an element or an attribute; what XML cannot hold is marked.
pub(super) fn xml(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '"' => shown.push_str("&quot;"),
            '\n' => shown.push_str("&#10;"),
            '\t' => shown.push_str("&#9;"),
            '\u{FFFE}' | '\u{FFFF}' => shown.push('\u{FFFD}'),
            _ => shown.push(character),
        }
    }
    shown
}

/// A path as a URI reference: relative ones stay relative, absolute ones get `file://`.
pub(super) fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut shown = String::with_capacity(path.len() + 8);
    if path.starts_with('/') {
        shown.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                shown.push(char::from(byte));
            }
            _ => shown.push_str(&format!("%{byte:02X}")),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_cell() {
        assert_eq!(markdown("a|b\n<script>`*"), "a\\|b &lt;script>\\`\\*");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(cell(text.to_owned()), format!("'{text}"));
        }
        for text in ["", "*", "arn:aws:iam::111122223333:role/=x", "a=b"] {
            assert_eq!(cell(text.to_owned()), text);
        }
    }

    #[test]
    fn texts_cannot_leave_their_element() {
        assert_eq!(
            xml("<a b=\"c\">&\u{0}\n\u{FFFF}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;?&#10;\u{FFFD}"
        );
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("./a b/é%.json"), "a%20b/%C3%A9%25.json");
        assert_eq!(uri("/tmp/a:b"), "file:///tmp/a%3Ab");
    }
}
