//! The tags of a request to KMS and the set of their keys: each tag is in both (IAM user guide, global condition
//! keys: aws:TagKeys). Other services say in their own pages which tags of a request count.

use std::collections::BTreeSet;

use crate::aws::{Action, carried};

use super::{Context, ContextValue, Sent};

/// What the condition keys of single tags begin with.
const PREFIX: &str = "aws:RequestTag/";

/// The condition key of some tag: actions carry those of all tags or of none.
const SOME: &str = "aws:RequestTag/x";

/// The condition key of the set.
const KEYS: &str = "aws:TagKeys";

/// Whether a request tells each of its tags in both ways, spelled alike.
pub(super) fn agree(request: &impl Sent) -> bool {
    let context = request.context();
    let tags: BTreeSet<&str> = context.with_prefix(PREFIX).map(|(name, _)| name).collect();
    let keys = context.get(KEYS).map(|entry| entry.value.values()).unwrap_or_default();
    !tells(request) || keys.iter().map(AsRef::as_ref).collect::<BTreeSet<&str>>() == tags
}

/// Adds what a request leaves out of the two.
pub(super) fn complete(request: &mut impl Sent) {
    if !tells(request) {
        return;
    }
    let tags = request.context().with_prefix(PREFIX).map(|(name, _)| name.into());
    let tags: Vec<Box<str>> = tags.collect();
    let keys = request.context().get(KEYS).map(|entry| entry.value.values().to_vec());
    let is_ruled_out = |context: &Context, tag: &str| context.is_absent(&format!("{PREFIX}{tag}"));
    let context = request.context_mut();
    match keys {
        None if tags.is_empty() || context.is_absent(KEYS) => {}
        None => context.set(KEYS, ContextValue::Many(tags)),
        Some(keys) => {
            for key in keys.iter().filter(|key| !tags.contains(key)) {
                if !is_ruled_out(context, key) {
                    context.set_one(&format!("{PREFIX}{key}"), "x");
                }
            }
        }
    }
}

/// Whether a request tells its tags in both ways.
fn tells(request: &impl Sent) -> bool {
    let action = request.action();
    matches!(action, Action::Kms(_)) && carried(action, KEYS) && carried(action, SOME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::KmsAction;
    use crate::decision::{Caller, Request, Target};

    fn request(action: &str, tags: &[&str], keys: Option<&[&str]>) -> Request {
        let caller = Caller::parse("arn:aws:iam::111122223333:user/ann").expect("a principal");
        let target = Target::parse("arn:aws:kms:us-east-1:111122223333:key/K").expect("a key");
        let action = KmsAction::from_name(action).expect("an action");
        let mut request = Request::plain(caller, action, target);
        tags.iter().for_each(|tag| request.context.set_one(&format!("{PREFIX}{tag}"), "v"));
        if let Some(keys) = keys {
            let keys = keys.iter().map(|key| (*key).into()).collect();
            request.context.set(KEYS, ContextValue::Many(keys));
        }
        request
    }

    #[test]
    fn each_tag_is_told_in_both_ways() {
        for (action, tags, keys, expected) in [
            ("TagResource", &["team"][..], Some(&["team"][..]), true),
            ("TagResource", &["team", "Team"], Some(&["Team", "team"]), true),
            ("TagResource", &["team"], Some(&["Team"]), false),
            ("TagResource", &["team"], Some(&["Team", "team"]), false),
            ("TagResource", &["team"], Some(&["team", "owner"]), false),
            ("TagResource", &["team", "owner"], Some(&["team"]), false),
            ("TagResource", &["team"], None, false),
            ("TagResource", &[], Some(&["team"]), false),
            ("TagResource", &[], Some(&[]), true),
            ("TagResource", &[], None, true),
            // It names keys alone.
            ("UntagResource", &[], Some(&["team"]), true),
        ] {
            assert_eq!(agree(&request(action, tags, keys)), expected, "{action} {tags:?} {keys:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_added() {
        for (tags, keys) in [
            (&["team", "owner"][..], None),
            (&[], Some(&["team", "owner"][..])),
            (&["team"], Some(&["team", "owner"])),
        ] {
            let mut request = request("TagResource", tags, keys);
            complete(&mut request);
            assert!(agree(&request), "{:?}", request.context);
            assert!(request.context.get("aws:RequestTag/owner").is_some());
        }
        let mut request = request("TagResource", &["team"], None);
        request.context.set_absent(KEYS);
        complete(&mut request);
        assert!(request.context.get(KEYS).is_none());
    }
}
