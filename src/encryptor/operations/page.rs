//! Pages of lists.

use serde_json::{Value, json};

use crate::encryptor::KmsError;
use crate::encryptor::body::{Body, decoded, encoded};

/// The page that a body asks for: its form is read before anything else is looked at.
pub(super) struct Page<'v> {
    limit: usize,
    marker: Option<&'v str>,
}

impl<'v> Page<'v> {
    /// By `Limit` and `Marker`; a page has `usual` items where the body does not say, and never more than
    /// `most`.
    pub(super) fn asked(body: &Body<'v>, (usual, most): (i64, i64)) -> Result<Self, KmsError> {
        let limit = body.number("Limit", 1, most)?.unwrap_or(usual) as usize;
        Ok(Self { limit, marker: body.given("Marker", 1024)? })
    }

    /// The items of the page under `name`, and whether there are more. Items come with the text that
    /// sorts them, which tells the next page where to go on, whatever has come and gone between.
    pub(super) fn of(
        &self,
        name: &str,
        items: impl Iterator<Item = (String, Value)>,
    ) -> Result<Value, KmsError> {
        let after = self.marker.map(behind).transpose()?;
        let mut items: Vec<(String, Value)> =
            items.filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).collect();
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        let truncated = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items
            .last()
            .filter(|_| truncated)
            .map(|(key, _)| encoded(format!("after {key}").as_bytes()));
        let items: Vec<Value> = items.into_iter().map(|(_, item)| item).collect();
        let mut answer = json!({ name: items, "Truncated": truncated });
        if let (Some(members), Some(next)) = (answer.as_object_mut(), next) {
            members.insert("NextMarker".into(), next.into());
        }
        Ok(answer)
    }
}

/// The text behind which a marker begins.
fn behind(marker: &str) -> Result<String, KmsError> {
    let text = decoded(marker).and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.and_then(|text| text.strip_prefix("after ").map(str::to_owned));
    text.ok_or_else(|| KmsError::bare("InvalidMarkerException"))
}
