//! Tags.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::KmsAction;
use crate::encryptor::body::Body;
use crate::encryptor::work::{Found, Work};
use crate::encryptor::{KmsError, Touched};
use crate::graph::Call;
use crate::inventory::{Edit, Tags};

use super::page::Page;
use super::said::Said;

type Answer = Result<Value, KmsError>;

const MOST: usize = 50;
/// The most characters of the key of a tag.
const TAG_KEY: usize = 128;
/// The same of its value.
const TAG_VALUE: usize = 256;

pub(super) fn list_resource_tags(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, asked) = (body.key_id("KeyId")?, Page::asked(body, (50, 50))?);
    let Found { key, target } = work.find_key(id)?;
    work.authorize(KmsAction::LIST_RESOURCE_TAGS, target, Said::default().0, &[])?;
    let tags = key.tags.iter().flat_map(|tags| tags.iter());
    let shown = tags
        .map(|(tag, value)| (tag.to_string(), json!({ "TagKey": &**tag, "TagValue": &**value })));
    asked.of("Tags", shown)
}

pub(super) fn tag_resource(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, tags) = (body.key_id("KeyId")?, tags(body)?);
    if body.get("Tags").is_none() {
        return Err(KmsError::missing("tags"));
    }
    let Found { key, .. } = work.find_key(id)?;
    let call = Call::TagKey { key: key.arn.clone(), tags: tags.clone() };
    work.authorize_call(&call)?;
    work.can(key, KmsAction::TAG_RESOURCE, "TagResource")?;
    let known = key.tags.iter().flat_map(|tags| tags.iter());
    let all: BTreeSet<&str> = known.chain(tags.iter()).map(|(tag, _)| &**tag).collect();
    if all.len() > MOST {
        return Err(tag_error("Too many tags"));
    }
    let edit = Edit::TagKey { key: key.arn.clone(), tags };
    work.edit(&edit, Touched::Key(key.arn.clone()));
    Ok(json!({}))
}

pub(super) fn untag_resource(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, keys) = (body.key_id("KeyId")?, body.texts("TagKeys")?);
    if body.get("TagKeys").is_none() {
        return Err(KmsError::missing("tagKeys"));
    }
    if keys.iter().any(|key| !(1..=TAG_KEY).contains(&key.chars().count())) {
        let must = format!(
            "Member must satisfy constraint: [Member must have length less than or equal to \
                            {TAG_KEY}, Member must have length greater than or equal to 1]"
        );
        return Err(KmsError::constraint(
            Some(&format!("[{}]", keys.join(", "))),
            "tagKeys",
            &must,
        ));
    }
    let Found { key, .. } = work.find_key(id)?;
    let keys: Vec<Box<str>> = keys.into_iter().map(Into::into).collect();
    work.authorize_call(&Call::UntagKey { key: key.arn.clone(), keys: keys.clone() })?;
    work.can(key, KmsAction::UNTAG_RESOURCE, "UntagResource")?;
    if keys.iter().any(|tag| tag.starts_with("aws:")) {
        return Err(tag_error("Tags beginning with aws: are reserved"));
    }
    let edit = Edit::UntagKey { key: key.arn.clone(), keys };
    work.edit(&edit, Touched::Key(key.arn.clone()));
    Ok(json!({}))
}

/// The tags of a body, fit to be a key's.
pub(super) fn tags(body: &Body<'_>) -> Result<Tags, KmsError> {
    let mut tags = Tags::default();
    let list = body.list("Tags")?;
    if list.len() > MOST {
        return Err(tag_error("Too many tags"));
    }
    for (nth, tag) in (1_usize..).zip(list) {
        let tag = Body::new(tag)?;
        let field = |member: &str| format!("tags.{nth}.member.{member}");
        let key = tag.needed_as("TagKey", &field("tagKey"), TAG_KEY)?;
        let value = tag.text("TagValue")?.ok_or_else(|| KmsError::missing(&field("tagValue")))?;
        if value.chars().count() > TAG_VALUE {
            let must = format!("Member must have length less than or equal to {TAG_VALUE}");
            return Err(KmsError::constraint(Some(value), &field("tagValue"), &must));
        }
        if key.starts_with("aws:") {
            return Err(tag_error("Tags beginning with aws: are reserved"));
        }
        if tags.insert(key.into(), value.into()).is_some() {
            return Err(tag_error("Duplicate tag keys"));
        }
    }
    Ok(tags)
}

fn tag_error(text: &str) -> KmsError {
    KmsError::new("TagException", text)
}
