//! Whoever may tag a key decides who may use it, where conditions ask for its tags.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, ContextValue, Request};
use crate::inventory::Edit;

use super::asked::{Tag, Wishes, put_in};
use super::controllers::reveal;
use super::escalation::{Change, allowed, begun, direct, told, ways, without_way};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct TagWriteEscalation;

impl Rule for TagWriteEscalation {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.tags.is_none() || scope.readable_policy().is_none() {
            return;
        }
        let (tag, untag) = (KmsAction::TAG_RESOURCE, KmsAction::UNTAG_RESOURCE);
        let goal: ActionSet = reveal(scope).into_iter().collect();
        let groups = without_way(scope, ActionSet::from(tag).union(untag.into()), goal, &|it| {
            wishes(scope, it).next().is_some()
        });
        let members: Vec<&Caller> = groups.iter().flat_map(|(_, members)| members).collect();
        let wanted = goal.union(KmsAction::PUT_KEY_POLICY.into());
        let mut found = Vec::new();
        for tags in candidates(scope, &members) {
            let request = |caller: &Caller| allowed(scope, tagging(scope, caller, &tags));
            let words: Vec<String> =
                tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let words = format!("tag it {}", words.join(" and "));
            let (key, tags) = (scope.key.arn.clone(), tags.iter().cloned().collect());
            let edit = Edit::TagKey { key, tags };
            found.extend(ways(scope, &groups, &Change { edit, words, request: &request }, wanted));
        }
        for name in worn(scope, &members) {
            let request = |caller: &Caller| allowed(scope, untagging(scope, caller, &name));
            let words = format!("take its tag {name} away");
            let edit = Edit::UntagKey { key: scope.key.arn.clone(), keys: vec![name.clone()] };
            found.extend(ways(scope, &groups, &Change { edit, words, request: &request }, wanted));
        }
        let label = "allows it to change the key's tags";
        let begin = |report, way: &_| begun(scope, report, way, label);
        if let Some(report) = told(scope, sink, found, begin) {
            report
                .help(
                    "leave the tags that decide about access to a deployment role: limit \
                     kms:TagResource and kms:UntagResource by aws:TagKeys, or deny them for these \
                     keys",
                )
                .done();
        }
    }
}

/// The tags of keys that conditions ask for where the caller uses the key.
fn wishes<'a>(scope: &KeyScope<'a>, caller: &Caller) -> impl Iterator<Item = &'a Wishes> {
    let asked = scope.scope.asked().about(scope.key, caller);
    asked.map(|asked| &asked.key_tags).filter(|tags| !tags.each.is_empty())
}

/// What is worth writing: tags that a condition asks for and the key lacks, one by one and then together.
fn candidates(scope: &KeyScope<'_>, members: &[&Caller]) -> Vec<Vec<Tag>> {
    let (mut each, mut together) = (BTreeSet::new(), BTreeSet::new());
    for caller in members {
        let principal = scope.identity(caller);
        let fill = |(name, value): &Tag| Some((name.clone(), put_in(value, principal?)?));
        for wishes in wishes(scope, caller) {
            each.extend(wishes.each.iter().filter_map(fill).map(|tag| vec![tag]));
            let all = wishes.together.iter().map(|tags| tags.iter().map(fill).collect());
            together.extend(all.flat_map(|tags: Option<Vec<Tag>>| tags));
        }
    }
    let mut found: Vec<Vec<Tag>> = each.into_iter().chain(together).collect();
    let worn = || scope.key.tags.iter().flat_map(|tags| tags.iter());
    for (name, _) in found.iter_mut().flatten() {
        // A tag that differs in letter case alone would stand beside the old one.
        if let Some((known, _)) = worn().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            name.clone_from(known);
        }
    }
    let has = |tag: &Tag| worn().any(|(name, value)| (name, value) == (&tag.0, &tag.1));
    found.retain(|tags| !tags.iter().all(has));
    found
}

/// The tags of the key that a condition asks for.
fn worn(scope: &KeyScope<'_>, members: &[&Caller]) -> Vec<Box<str>> {
    let is_asked = |name: &str| {
        let wishes = members.iter().flat_map(|caller| wishes(scope, caller));
        wishes.flat_map(|it| &it.each).any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let names = scope.key.tags.iter().flat_map(|tags| tags.keys());
    names.filter(|name| is_asked(name)).cloned().collect()
}

fn tagging(scope: &KeyScope<'_>, caller: &Caller, tags: &[Tag]) -> Request {
    let mut request = direct(scope, caller, KmsAction::TAG_RESOURCE);
    for (name, value) in tags {
        request.context.set_one(&format!("aws:RequestTag/{name}"), value);
    }
    let names = tags.iter().map(|(name, _)| name.clone()).collect();
    request.context.set("aws:TagKeys", ContextValue::Many(names));
    request
}

fn untagging(scope: &KeyScope<'_>, caller: &Caller, name: &str) -> Request {
    let mut request = direct(scope, caller, KmsAction::UNTAG_RESOURCE);
    request.context.set("aws:TagKeys", ContextValue::Many(vec![name.into()]));
    request
}
