//! Pages of lists.

use serde_json::{Value, json};

use crate::encryptor::KmsError;
use crate::encryptor::body::{Body, decoded, encoded};

/// The items of a page under `name`, and whether there are more. Items come with the text that sorts
/// them, which tells the next page where to go on, whatever has come and gone between.
pub(super) fn page(
    body: &Body<'_>,
    name: &str,
    (usual, most): (i64, i64),
    items: impl Iterator<Item = (String, Value)>,
) -> Result<Value, KmsError> {
    let limit = body.number("Limit", 1, most)?.unwrap_or(usual) as usize;
    let after = match body.text("Marker")? {
        None => None,
        Some(marker) => {
            let text = decoded(marker).and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.and_then(|text| text.strip_prefix("after ").map(str::to_owned));
            let invalid = || KmsError::bare("InvalidMarkerException");
            Some(text.ok_or_else(invalid)?)
        }
    };
    let mut items: Vec<(String, Value)> =
        items.filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).collect();
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    let truncated = items.len() > limit;
    items.truncate(limit);
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
