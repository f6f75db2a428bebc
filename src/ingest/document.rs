//! One JSON document of a file, and what is asked of it while it is read.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::policy::{PolicyDocument, PolicyKind, SharedPolicies};
use crate::source::{Decoded, Encoding, FileId, LineCount, Place, Span};

use super::facts::{Fact, Page};
use super::hint::Hint;

/// The file that is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// Its number in the run.
    pub(super) file: FileId,
    /// Its text.
    pub(super) text: &'a str,
    /// What its path says.
    pub(super) hint: Hint<'a>,
    /// Its lines.
    pub(super) lines: &'a LineCount<'a>,
    /// The policies of all files.
    pub(super) policies: &'a SharedPolicies,
}

impl<'a> Source<'a> {
    /// Where `part`, a part of the file's text, stands in it; nothing for a text from elsewhere.
    pub(super) fn span(&self, part: &str) -> Option<Span> {
        let start = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        let end = start.checked_add(part.len())?;
        (end <= self.text.len()).then(|| Span::new(start, end))
    }

    /// What stands in the file at `span` as it is, with its line: for what decisions cite. Whoever asks
    /// in the order of the file has each byte counted once.
    pub(super) fn place(&self, span: Span) -> Place {
        Place { line: Some(self.lines.line(span.start)), ..Place::plain(self.file, span) }
    }
}

/// An object at the top level of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a, 'm> {
    /// The file it stands in.
    pub(super) source: Source<'a>,
    /// Its range in the file.
    pub(super) span: Span,
    /// Its members in order.
    pub(super) members: &'m [(Cow<'a, str>, &'a RawValue)],
}

/// Why a document gives no facts.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is something else after all.
    Other,
    /// It is ours, and cannot be read.
    Unusable {
        /// Where.
        span: Option<Span>,
        /// Why.
        message: String,
    },
}

/// What a document states, or why it states nothing.
pub(super) type Read = Result<Vec<Fact>, Refusal>;

impl<'a> Document<'a, '_> {
    /// The value of the first member called `name`.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    /// Where the document stands.
    pub(super) fn place(&self) -> Place {
        Place::plain(self.source.file, self.span)
    }

    /// Where `part` of it stands; the document's place for a text from elsewhere.
    pub(super) fn place_of(&self, part: &str) -> Place {
        Place::plain(self.source.file, self.source.span(part).unwrap_or(self.span))
    }

    /// Reads the member `name`; nothing where there is none, or it is null.
    pub(super) fn read<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.get(name).map_or(Ok(None), |raw| self.read_value(raw))
    }

    /// Reads a part of the document.
    pub(super) fn read_value<T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, Refusal> {
        serde_json::from_str(raw.get()).map_err(|error| {
            let base = self.source.span(raw.get()).unwrap_or_default();
            let at = offset(raw.get(), error.line(), error.column());
            let at = base.start as usize + at;
            Refusal::Unusable { span: Some(Span::new(at, at)), message: cause(&error) }
        })
    }

    /// Reads the list `name`, an item at a time where it cannot be read as a whole: then what is
    /// sound stands, and the first fault comes with it.
    pub(super) fn read_list<T: Deserialize<'a>>(
        &self,
        name: &str,
    ) -> Result<(Vec<T>, Option<Refusal>), Refusal> {
        let Some(raw) = self.get(name) else { return Ok((Vec::new(), None)) };
        if let Ok(items) = serde_json::from_str::<Option<Vec<T>>>(raw.get()) {
            return Ok((items.unwrap_or_default(), None));
        }
        let parts: Vec<&'a RawValue> = self.read_value(raw)?;
        let (mut items, mut fault) = (Vec::new(), None);
        for part in parts {
            match self.read_value(part) {
                Ok(item) => items.push(item),
                Err(refusal) => fault = fault.or(Some(refusal)),
            }
        }
        Ok((items, fault))
    }

    /// A page of a listing: whether the document says that more follow.
    pub(super) fn page<T>(&self, items: T) -> Page<T> {
        Page { items, place: self.place(), more: self.more() }
    }

    /// Whether the document says that more pages follow.
    pub(super) fn more(&self) -> bool {
        let is_true = |name| self.get(name).is_some_and(|value| value.get() == "true");
        let is_given =
            |name| self.get(name).is_some_and(|value| !matches!(value.get(), "null" | "\"\""));
        ["IsTruncated", "Truncated"].into_iter().any(is_true)
            || ["Marker", "NextToken", "NextMarker"].into_iter().any(is_given)
    }

    /// The policy that `raw` holds: an object, or a string that is JSON or percent-encoded JSON.
    pub(super) fn policy(&self, raw: &RawValue, kind: PolicyKind) -> PolicyDocument {
        let written = raw.get();
        let own = self.source.span(written);
        let span = own.unwrap_or(self.span);
        // Of a text from elsewhere the way back to the file is not known: no place in it is told.
        let place = |encoding| match own {
            Some(_) => Place { encoding, ..self.source.place(span) },
            None => Place { encoding: Encoding::JsonString, ..self.source.place(span) },
        };
        let policy =
            |encoding, text: Cow<'_, str>| self.source.policies.json(place(encoding), kind, text);
        let plain = || policy(Encoding::Plain, written.into());
        let Some(inner) = written.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
            return plain();
        };
        if inner.starts_with('%')
            && !inner.contains('\\')
            && let Some(decoded) = Decoded::percent(inner)
        {
            return policy(Encoding::PercentJsonString, decoded.text.into());
        }
        match serde_json::from_str::<String>(written) {
            Ok(text) => policy(Encoding::JsonString, text.into()),
            // Half a surrogate pair: read as it is, the policy says what is wrong with it.
            Err(_) => plain(),
        }
    }
}

/// The byte of `text` that serde_json names by line and column, both from 1, columns in bytes.
pub(super) fn offset(text: &str, line: usize, column: usize) -> usize {
    let before =
        text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    let mut at = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The message of a serde_json error without the place.
pub(super) fn cause(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(cause, _)| cause);
    message.replace(['\n', '\r'], " ")
}

/// A string that borrows where it is written without escapes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Text<'_>> for Box<str> {
    fn from(text: Text<'_>) -> Self {
        text.0.into()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Text<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Strings)
    }
}

/// What stands at the top level of a file: the members of an object, or something else.
pub(super) enum Top<'a> {
    /// An object.
    Object(Vec<(Cow<'a, str>, &'a RawValue)>),
    /// A list of documents.
    List(Vec<&'a RawValue>),
    /// A string, a number or the like.
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Top<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Tops;
        impl<'de> Visitor<'de> for Tops {
            type Value = Top<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a document")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name.0, value));
                }
                Ok(Top::Object(members))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element::<&'de RawValue>()? {
                    items.push(item);
                }
                Ok(Top::List(items))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Top::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Top::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Top::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Top::Other)
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Top::Other)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Top::Other)
            }
        }
        from.deserialize_any(Tops)
    }
}
