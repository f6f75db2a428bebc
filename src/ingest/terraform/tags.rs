//! Tags as a resource gives them.

use crate::inventory::Tags;

use super::awscc;
use super::value::{Data, Member, Value};

/// Tags that are known wholly; none where nothing is written.
pub(super) fn tags(value: Option<&Value>) -> Option<Tags> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Some(Tags::new()) };
    pairs(value).map(|pairs| pairs.into_iter().collect())
}

/// An object of texts, or a list of tags, that is known wholly.
pub(super) fn pairs(value: &Value) -> Option<Vec<(Box<str>, Box<str>)>> {
    if let Data::List(list) = &value.data {
        let tags = list.items.iter().map(awscc::tag);
        return tags.collect::<Option<_>>().filter(|_| !list.is_open);
    }
    let Data::Object(object) = &value.data else { return None };
    object.rest.is_none().then_some(())?;
    let pair =
        |member: &Member| Some((Box::from(&*member.name), Box::from(&*member.value.known()?)));
    object.members.iter().map(pair).collect()
}
