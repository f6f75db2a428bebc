//! The parameters of an operation, and the faults of their shapes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::serve::kms::KmsFault;

/// The body of a request.
pub(super) struct Input<'c>(pub(super) &'c Value);

impl<'c> Input<'c> {
    fn get(&self, member: &str) -> Option<&'c Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    /// A text, where it is given.
    pub(super) fn text(&self, member: &str) -> Result<Option<&'c str>, KmsFault> {
        self.get(member).map(|value| value.as_str().ok_or_else(shape)).transpose()
    }

    /// A text that must be given.
    pub(super) fn needed(&self, member: &str) -> Result<&'c str, KmsFault> {
        self.text(member)?.ok_or_else(|| absent(member))
    }

    /// A whole number, where it is given.
    pub(super) fn number(&self, member: &str) -> Result<Option<i64>, KmsFault> {
        self.get(member).map(|value| value.as_i64().ok_or_else(shape)).transpose()
    }

    /// Whether a flag is given and set.
    pub(super) fn flag(&self, member: &str) -> Result<bool, KmsFault> {
        let flag = self.get(member).map(|value| value.as_bool().ok_or_else(shape));
        Ok(flag.transpose()?.unwrap_or(false))
    }

    /// Bytes of between one and `most`, where they are given.
    pub(super) fn bytes(&self, member: &str, most: usize) -> Result<Option<Vec<u8>>, KmsFault> {
        let Some(text) = self.text(member)? else {
            return Ok(None);
        };
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| shape())?;
        match bytes.len() {
            0 => Err(length(member, "greater than or equal to 1")),
            long if long > most => Err(length(member, &format!("less than or equal to {most}"))),
            _ => Ok(Some(bytes)),
        }
    }

    /// Bytes that must be given.
    pub(super) fn needed_bytes(&self, member: &str, most: usize) -> Result<Vec<u8>, KmsFault> {
        self.bytes(member, most)?.ok_or_else(|| absent(member))
    }

    /// Pairs of texts; none where they are not given.
    pub(super) fn pairs(&self, member: &str) -> Result<BTreeMap<String, String>, KmsFault> {
        let Some(value) = self.get(member) else {
            return Ok(BTreeMap::new());
        };
        let pair =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        value.as_object().and_then(|all| all.iter().map(pair).collect()).ok_or_else(shape)
    }

    /// A list of texts; none where it is not given.
    pub(super) fn texts(&self, member: &str) -> Result<Vec<&'c str>, KmsFault> {
        let Some(value) = self.get(member) else {
            return Ok(Vec::new());
        };
        let texts = value.as_array().map(|all| all.iter().map(Value::as_str).collect());
        texts.flatten().ok_or_else(shape)
    }

    /// A structure, where it is given.
    pub(super) fn inside(&self, member: &str) -> Option<Input<'c>> {
        self.get(member).map(Input)
    }

    /// A list of structures; none where it is not given.
    pub(super) fn list(&self, member: &str) -> Result<Vec<Input<'c>>, KmsFault> {
        let Some(value) = self.get(member) else {
            return Ok(Vec::new());
        };
        let all = value.as_array().ok_or_else(shape)?;
        Ok(all.iter().map(Input).collect())
    }

    /// A page of `items` by `Limit` and `Marker`: the page, and the marker of the next.
    pub(super) fn page(
        &self,
        items: Vec<Value>,
        usual: usize,
        most: usize,
    ) -> Result<(Vec<Value>, Option<String>), KmsFault> {
        let limit = match self.number("Limit")? {
            None => usual,
            Some(limit) => {
                let limit = usize::try_from(limit).ok().filter(|limit| *limit >= 1);
                let limit = limit.ok_or_else(|| value("limit", "greater than or equal to 1"))?;
                let too_large = || value("limit", &format!("less than or equal to {most}"));
                (limit <= most).then_some(limit).ok_or_else(too_large)?
            }
        };
        let first = match self.text("Marker")? {
            None => 0,
            Some(marker) => {
                let text =
                    BASE64_STANDARD.decode(marker).ok().and_then(|it| String::from_utf8(it).ok());
                let first = text.and_then(|text| text.strip_prefix("from ")?.parse().ok());
                first.ok_or_else(|| KmsFault::new("InvalidMarkerException", "Invalid marker"))?
            }
        };
        let more = items.len() > first + limit;
        let next = more.then(|| BASE64_STANDARD.encode(format!("from {}", first + limit)));
        Ok((items.into_iter().skip(first).take(limit).collect(), next))
    }
}

/// A member is of another type.
fn shape() -> KmsFault {
    KmsFault::new("SerializationException", "")
}

fn camel(member: &str) -> String {
    let mut chars = member.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

fn absent(member: &str) -> KmsFault {
    invalid(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not \
         be null",
        camel(member)
    ))
}

fn length(member: &str, bound: &str) -> KmsFault {
    invalid(format!(
        "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must have length \
         {bound}",
        camel(member)
    ))
}

fn value(member: &str, bound: &str) -> KmsFault {
    invalid(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have \
         value {bound}"
    ))
}

/// A value that does not do.
pub(super) fn invalid(message: impl Into<String>) -> KmsFault {
    KmsFault::new("ValidationException", message)
}
