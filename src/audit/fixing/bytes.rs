//! Fixes in bytes of files: only those that change are touched.

use std::borrow::Cow;

use crate::audit::Texts;
use crate::findings::{Change, Fix, What};
use crate::source::{Encoding, FileId, Place, Span};

/// Bytes of a file that are written otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ByteEdit {
    /// The file.
    pub file: FileId,
    /// Its path as it is printed.
    pub path: String,
    /// The range of its text.
    pub span: Span,
    /// What stands there then.
    pub text: String,
}

/// The byte order mark of UTF-8, which texts leave out.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The edits of a fix in the order of their places; nothing where one of them cannot be written: the text is
/// not there as it was read, or stands in a form that is not followed.
pub fn resolve(texts: &Texts<'_>, fix: &Fix) -> Option<Vec<ByteEdit>> {
    let edits = fix.changes.iter().map(|change| of_change(texts, change));
    let mut edits: Vec<ByteEdit> = edits.collect::<Option<_>>()?;
    edits.sort_by(|one, other| (&one.path, one.span).cmp(&(&other.path, other.span)));
    // Neighbours in a list share what parts them: the next one is for the next time.
    let takes_out = fix.changes.iter().all(|change| change.what == What::TakeOut);
    let mut kept: Vec<ByteEdit> = Vec::new();
    for edit in edits {
        let last = kept.last().filter(|last| last.path == edit.path);
        match last.is_some_and(|last| edit.span.start < last.span.end) {
            true if takes_out => {}
            true => return None,
            false => kept.push(edit),
        }
    }
    Some(kept)
}

/// The bytes of a file after edits; nothing where they are no plain text.
pub fn edited(bytes: &[u8], edits: &[&ByteEdit]) -> Option<Vec<u8>> {
    let mark = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
    let text = std::str::from_utf8(bytes.get(mark..)?).ok()?;
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| edit.span);
    let (mut made, mut at) = (bytes.get(..mark)?.to_vec(), 0);
    for edit in edits {
        let range = edit.span.range();
        made.extend_from_slice(text.get(at..range.start)?.as_bytes());
        made.extend_from_slice(edit.text.as_bytes());
        at = range.end;
    }
    made.extend_from_slice(text.get(at..)?.as_bytes());
    Some(made)
}

fn of_change(texts: &Texts<'_>, change: &Change) -> Option<ByteEdit> {
    let whole = texts.whole(change.place.file)?;
    let (file, path) = (change.place.file, texts.path(change.place.file).to_owned());
    // What parts an item from its neighbours may stand behind the text that the policy is.
    let (text, span) = match change.place.encoding {
        Encoding::Plain => {
            (Cow::Borrowed(&*whole.text), change.span.shifted(change.place.span.start))
        }
        _ => (Cow::Owned(change.place.decode(&whole.text)?.text), change.span),
    };
    let (inner, new) = match &change.what {
        What::Replace { old, new } => replaced(&text, span, old, new)?,
        What::TakeOut => (taken_out(&text, span)?, String::new()),
        What::Comment => (without_comment(&text, span)?, String::new()),
    };
    let span = match change.place.encoding {
        Encoding::Plain => inner,
        _ => change.place.locate(&whole.text, inner),
    };
    // A place that could not be followed names the whole text.
    let is_followed = span != change.place.span;
    let new = encoded(&change.place, &new)?;
    is_followed.then_some(ByteEdit { file, path, span, text: new })
}

/// The smallest range whose replacement makes `new` of the `old` that stands once in `span`.
fn replaced(text: &str, span: Span, old: &str, new: &str) -> Option<(Span, String)> {
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let written = span.slice(text)?;
    let mut places = written.match_indices(old);
    let (at, _) = places.next().filter(|_| is_plain(old) && is_plain(new) && old != new)?;
    if places.next().is_some() {
        return None;
    }
    let same =
        |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut old.bytes().zip(new.bytes()));
    let left = old.len().min(new.len()) - head;
    let tail = same(&mut old.bytes().rev().zip(new.bytes().rev())).min(left);
    // What is put between two characters replaces one of them: a range of nothing has no place in an
    // encoded text.
    let (head, tail) = match head + tail == old.len() {
        true if head > 0 => (head - 1, tail),
        true => (head, tail.saturating_sub(1)),
        false => (head, tail),
    };
    let start = span.start as usize + at;
    let inner = Span::new(start + head, start + old.len() - tail);
    Some((inner, new.get(head..new.len() - tail)?.to_owned()))
}

/// The range of an item of a list with what parts it from its neighbours.
fn taken_out(text: &str, span: Span) -> Option<Span> {
    let (before, behind) = (text.get(..span.start as usize)?, text.get(span.end as usize..)?);
    let rest = behind.trim_start();
    let gap = behind.len() - rest.len();
    let last = before.trim_end();
    if let Some(next) = rest.strip_prefix(',').filter(|_| last.ends_with('[')) {
        // The first of several: the next one takes its place.
        let after = next.trim_start();
        let end = span.end as usize + gap + 1 + (next.len() - after.len());
        let whole = Span::new(span.start as usize, end);
        return no_comment(text, whole).filter(|_| !after.starts_with('#'));
    }
    if let Some(head) = last.strip_suffix(',') {
        return no_comment(text, Span::new(head.len(), span.end as usize));
    }
    // An item of a YAML block: its lines.
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let lead = before.get(line..)?;
    let is_item =
        lead.trim_start_matches(' ') == "- " || lead.trim_start_matches(' ').trim_end() == "-";
    let written = span.slice(text)?.trim_end();
    let end = span.start as usize + written.len();
    let tail = text.get(end..)?;
    let (to_break, length) = crate::source::first_line(tail);
    let is_alone = to_break.trim().is_empty() || to_break.trim_start().starts_with('#');
    (is_item && is_alone && length > to_break.len()).then(|| Span::new(line, end + length))
}

/// The range of a comment with the blanks before it, or with its line where nothing else stands there.
fn without_comment(text: &str, span: Span) -> Option<Span> {
    let (before, behind) = (text.get(..span.start as usize)?, text.get(span.end as usize..)?);
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let lead = before.get(line..)?.trim_end();
    let (to_break, length) = crate::source::first_line(behind);
    if !to_break.trim().is_empty() {
        return None;
    }
    Some(match lead.is_empty() {
        true => Span::new(line, span.end as usize + length),
        false => Span::new(line + lead.len(), span.end as usize + to_break.len()),
    })
}

/// A range in which no comment could stand.
fn no_comment(text: &str, span: Span) -> Option<Span> {
    (!span.slice(text)?.contains('#')).then_some(span)
}

/// A text as it is written where it stands.
fn encoded(place: &Place, text: &str) -> Option<String> {
    match place.encoding {
        Encoding::Plain | Encoding::YamlScalar => Some(text.to_owned()),
        Encoding::JsonString => (!text.contains(['"', '\\'])).then(|| text.to_owned()),
        Encoding::PercentJsonString => Some(text.bytes().fold(String::new(), |mut made, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    made.push(char::from(byte));
                }
                _ => made.push_str(&format!("%{byte:02X}")),
            }
            made
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(text: &str, part: &str, old: &str, new: &str) -> Option<String> {
        let at = text.find(part).expect("the part is in the text");
        let (span, put) = replaced(text, Span::new(at, at + part.len()), old, new)?;
        let mut made = text.to_owned();
        made.replace_range(span.range(), &put);
        Some(made)
    }

    fn take(text: &str, item: &str) -> Option<String> {
        let at = text.find(item).expect("the item is in the text");
        let span = taken_out(text, Span::new(at, at + item.len()))?;
        let mut made = text.to_owned();
        made.replace_range(span.range(), "");
        Some(made)
    }

    #[test]
    fn the_bytes_that_differ_are_replaced_alone() {
        for (old, new) in [("Decript", "Decrypt"), ("Decypt", "Decrypt"), ("Decryptt", "Decrypt")] {
            let text = format!("[ \"kms:{old}\", 1 ]");
            let made = replace(&text, &format!("\"kms:{old}\""), old, new);
            assert_eq!(made, Some(format!("[ \"kms:{new}\", 1 ]")));
        }
        let (span, put) =
            replaced("a:Decript", Span::new(0, 9), "Decript", "Decrypt").expect("one");
        assert_eq!((span, put.as_str()), (Span::new(6, 7), "y"));
        assert_eq!(replace("\"a\\u0062\"", "\"a\\u0062\"", "ab", "ac"), None, "an escape");
        assert_eq!(replace("[a, a]", "[a, a]", "a", "b"), None, "which one?");
    }

    #[test]
    fn items_are_taken_out_with_their_commas() {
        assert_eq!(take("[1, 2, 3]", "1").as_deref(), Some("[2, 3]"));
        assert_eq!(take("[1, 2, 3]", "2").as_deref(), Some("[1, 3]"));
        assert_eq!(take("[1, 2, 3]", "3").as_deref(), Some("[1, 2]"));
        assert_eq!(take("[\n  1,\n  2\n]", "1").as_deref(), Some("[\n  2\n]"));
        assert_eq!(take("[\n  1,\n  2\n]", "2").as_deref(), Some("[\n  1\n]"));
        assert_eq!(take("- a\n- b # why\n- c\n", "b").as_deref(), Some("- a\n- c\n"));
        assert_eq!(
            take("x:\n  - a: 1\n    b: 2\r\n  - c\n", "a: 1\n    b: 2").as_deref(),
            Some("x:\n  - c\n")
        );
        assert_eq!(take("a: 1", "1"), None, "no item");
        assert_eq!(take("[1, # one\n 2]", "1"), None, "a comment");
    }

    #[test]
    fn comments_are_taken_out_with_their_lines() {
        let without = |text: &str, comment: &str| {
            let at = text.find(comment).expect("the comment is in the text");
            let span = without_comment(text, Span::new(at, at + comment.len()))?;
            let mut made = text.to_owned();
            made.replace_range(span.range(), "");
            Some(made)
        };
        assert_eq!(without("a: 1\n  # one\nb: 2\n", "# one").as_deref(), Some("a: 1\nb: 2\n"));
        assert_eq!(without("a: 1  # one\r\nb: 2", "# one").as_deref(), Some("a: 1\r\nb: 2"));
        assert_eq!(without("# one", "# one").as_deref(), Some(""));
        assert_eq!(without("# one, two", "# one"), None, "more stands behind");
    }

    #[test]
    fn a_byte_order_mark_stays() {
        let edit = ByteEdit {
            file: FileId(0),
            path: String::new(),
            span: Span::new(1, 2),
            text: "x".to_owned(),
        };
        assert_eq!(edited(b"\xef\xbb\xbfabc", &[&edit]).as_deref(), Some(&b"\xef\xbb\xbfaxc"[..]));
        assert_eq!(edited(b"abc\r\n", &[&edit]).as_deref(), Some(&b"axc\r\n"[..]));
        assert_eq!(edited(b"\x1f\x8b", &[&edit]), None);
    }
}
