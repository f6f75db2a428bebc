//! Characters that a terminal would obey, hide or reorder by, as marks of the same width in bytes.

use std::borrow::Cow;

/// `text` with every control and bidirectional character, and every one without width, replaced by a
/// visible mark of as many bytes, so that no offset moves. Line feeds and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| mark(character).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|character| mark(character).unwrap_or(character)).collect())
}

/// The mark that stands for `character`; nothing for one that may be shown.
fn mark(character: char) -> Option<char> {
    let hidden = match character {
        '\n' | '\t' => false,
        // Soft hyphen, Arabic letter mark, Hangul fillers, Mongolian separators.
        '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180B}'..='\u{180F}' => true,
        // Zero width, line and paragraph separators, embeddings, overrides, isolates.
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => true,
        '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' => true,
        // Musical controls, tags, variation selectors.
        '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}' => true,
        other => other.is_control(),
    };
    hidden.then_some(match character.len_utf8() {
        1 => '?',
        2 => '¿',
        3 => '\u{FFFD}',
        _ => '🚫',
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_as_wide_as_what_they_stand_for() {
        let text = "a\u{1b}[31m\r\u{85}\u{202E}b\u{200B}\u{E0041}\té\n";
        let shown = visible(text);
        assert_eq!(shown, "a?[31m?¿\u{FFFD}b\u{FFFD}🚫\té\n");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn ordinary_text_is_borrowed() {
        assert!(matches!(visible("señor 漢字 😀\n"), Cow::Borrowed(_)));
    }
}
