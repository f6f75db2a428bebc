//! A principal can put on itself the tag that opens a key.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AccountId, ActionSet, ControlAction, KmsAction};
use crate::decision::{Caller, Context, ContextValue, ControlRequest};
use crate::inventory::{Edit, Identity, IdentityKind};
use crate::policy::{Element, Polarity, Principal};

use super::asked::{Tag, put_in, put_in_of_key};
use super::controllers::{caused, cited, list, reveal, short};
use super::escalation::{Way, could_help_itself, told};
use super::report::{Report, Sink};
use super::{KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct PrincipalTagEscalation;

impl Rule for PrincipalTagEscalation {
    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        let mut by_account: BTreeMap<AccountId, Vec<(&Identity, Caller)>> = BTreeMap::new();
        for identity in taggers(scope) {
            let caller = Caller::parse(&identity.arn);
            let of_account = by_account.entry(identity.account).or_default();
            of_account.extend(caller.map(|caller| (identity, caller)));
        }
        for (account, taggers) in &by_account {
            for key in scope.keys_of(*account) {
                tell_tagged(&KeyScope::new(scope, key), taggers, sink);
            }
        }
    }

    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.readable_policy().is_none() {
            return;
        }
        let goal: ActionSet = reveal(scope).into_iter().collect();
        let mut found: Vec<(Caller, Tag, &Identity)> = Vec::new();
        for group in scope.holders(goal).iter() {
            let Some(action) = group.holds.sure.iter().next() else { continue };
            // One speaks for all.
            let cell = scope.cell(group.who.first(), action);
            let hangs = |name: &str| scope.scope.reach.hangs_on(&cell, &tag_key(name));
            let mut hanging: BTreeMap<Box<str>, bool> = BTreeMap::new();
            for caller in group.who.iter() {
                let role = scope.identity(caller).filter(|it| it.trust.is_some());
                let Some(role) = role else { continue };
                let mut tags = wishes(scope, role, caller).into_iter().filter(|(name, _)| {
                    *hanging.entry(name.clone()).or_insert_with(|| hangs(name))
                });
                let opening = tags.find(|tag| hangs_on_session(scope, caller, action, tag, role));
                found.extend(opening.map(|tag| (caller.clone(), tag, role)));
            }
        }
        tell_sessions(scope, &found, sink);
    }
}

/// The users and roles that may hold some right to tag themselves, and may not write policies for themselves:
/// such are administrators, to whom a tag adds nothing.
fn taggers<'a>(scope: &Scope<'a>) -> Vec<&'a Identity> {
    let mut found: BTreeMap<&str, &Identity> = BTreeMap::new();
    for document in scope.documents.iter().filter(|document| !document.holders.is_empty()) {
        let statements = &document.document.policy().statements;
        let mut actions =
            statements.iter().filter(|one| one.allows()).filter_map(|it| it.action.as_ref());
        if actions.any(could_tag) {
            found.extend(document.holders.iter().map(|it| (&*it.arn, *it)));
        }
    }
    let writes_policies = |identity: &Identity| {
        let action = match identity.kind {
            IdentityKind::User => ControlAction::IAM_PUT_USER_POLICY,
            IdentityKind::Role => ControlAction::IAM_PUT_ROLE_POLICY,
        };
        may(scope, identity, action, Context::default())
    };
    let counts = |it: &&Identity| !scope.is_administrator(it) && !writes_policies(it);
    found.into_values().filter(counts).collect()
}

/// Whether an `Action` or `NotAction` element could mean iam:TagUser or iam:TagRole.
fn could_tag(element: &Element) -> bool {
    let mut texts = element.values.iter().map(|value| value.value.text());
    element.polarity == Polarity::IsNot
        || texts.any(|text| {
            let text = text.unwrap_or("*").to_ascii_lowercase();
            ["iam:tagrole", "iam:taguser"].iter().any(|name| name.starts_with(head(&text)))
        })
}

fn may(scope: &Scope<'_>, identity: &Identity, action: ControlAction, context: Context) -> bool {
    let Some(caller) = Caller::parse(&identity.arn) else { return false };
    let mut request = ControlRequest::plain(caller, action, &identity.arn);
    request.context = context;
    scope.reach.decide_control(&request).is_allowed()
}

fn with_tag((name, value): &Tag) -> Context {
    let mut context = Context::default();
    context.set_one(&format!("aws:RequestTag/{name}"), value);
    context.set("aws:TagKeys", ContextValue::Many(vec![name.clone()]));
    context
}

/// The request with which an identity tags itself.
fn tagging(identity: &Identity, caller: &Caller, tag: &Tag) -> ControlRequest {
    let action = match identity.kind {
        IdentityKind::User => ControlAction::IAM_TAG_USER,
        IdentityKind::Role => ControlAction::IAM_TAG_ROLE,
    };
    let mut request = ControlRequest::plain(caller.clone(), action, &identity.arn);
    request.context = with_tag(tag);
    request
}

/// The tags that policies ask a principal for where it uses the key, with what the key or the principal itself
/// puts in.
fn wishes(scope: &KeyScope<'_>, identity: &Identity, caller: &Caller) -> BTreeSet<Tag> {
    let mut all = BTreeSet::new();
    for asked in scope.scope.asked().about(scope.key, caller) {
        let filled = asked.principal_tags.each.iter().filter_map(|(name, value)| {
            let value = put_in_of_key(value, scope.key).or_else(|| put_in(value, identity))?;
            Some((name.clone(), value))
        });
        all.extend(filled);
        all.extend(asked.likened(scope.key));
    }
    all
}

fn tag_key(name: &str) -> String {
    format!("aws:PrincipalTag/{name}")
}

fn has(identity: &Identity, (name, value): &Tag) -> bool {
    let mut tags = identity.tags.iter();
    tags.any(|(known, has)| known.eq_ignore_ascii_case(name) && has == value)
}

/// Those who gain by a tag that they may put on themselves.
fn tell_tagged(scope: &KeyScope<'_>, taggers: &[(&Identity, Caller)], sink: &mut Sink<'_>) {
    if scope.readable_policy().is_none() {
        return;
    }
    let reach = scope.scope.reach;
    let goal: ActionSet = reveal(scope).into_iter().collect();
    let wanted = goal.union(KmsAction::PUT_KEY_POLICY.into());
    let mut found = Vec::new();
    for (identity, caller) in taggers {
        let tags = wishes(scope, identity, caller);
        if tags.is_empty() {
            continue;
        }
        let had = scope.holding(caller, wanted).possible;
        if had.intersects(goal) || could_help_itself(scope, caller, goal) {
            continue;
        }
        for tag in tags.iter().filter(|tag| !has(identity, tag)) {
            if !reach.decide_control(&tagging(identity, caller, tag)).is_allowed() {
                continue;
            }
            let tags = [tag.clone()].into_iter().collect();
            let edit = Edit::TagIdentity { holder: identity.arn.clone(), tags };
            let held = reach.after(&edit).holding(caller, &scope.key.arn, wanted).sure;
            if let Some(gained) = held.minus(had).iter().next() {
                let (caller, words) = (caller.clone(), format!("tag itself {}={}", tag.0, tag.1));
                found.push(Way { caller, edit, words, request: None, gained });
                break;
            }
        }
    }
    let begin = |report, way: &Way| tagged(scope, report, way);
    if let Some(report) = told(scope, sink, found, begin) {
        report
            .help(
                "deny the tags that decide about access to iam:TagRole and iam:TagUser, by \
                 aws:TagKeys, for all but a deployment role",
            )
            .done();
    }
}

/// Shows the statement that lets it tag itself.
fn tagged<'s>(scope: &KeyScope<'_>, report: Report<'s>, way: &Way) -> Option<Report<'s>> {
    let Edit::TagIdentity { tags, .. } = &way.edit else { return None };
    let (name, value) = tags.iter().next()?;
    let identity = scope.identity(&way.caller)?;
    let request = tagging(identity, &way.caller, &(name.clone(), value.clone()));
    let decision = scope.scope.reach.decide_control(&request);
    let (document, index) = cited(&decision).into_iter().next()?;
    Some(caused(scope, report.statement(&document, index, "allows it to tag itself"), &document))
}

/// Whether a role holds the action, which hangs on the tag, where its session is tagged so, not as its own tags
/// are, and somebody of its trust policy may pass that tag.
fn hangs_on_session(
    scope: &KeyScope<'_>,
    caller: &Caller,
    action: KmsAction,
    tag: &Tag,
    role: &Identity,
) -> bool {
    let (reach, cell) = (scope.scope.reach, scope.cell(caller, action));
    let name = tag_key(&tag.0);
    if has(role, tag) || passing(scope, role, tag).is_none() {
        return false;
    }
    let own = role.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(&tag.0));
    let mut without = cell.plain_request();
    match own {
        Some((_, value)) => without.context.set_one(&name, value),
        None => without.context.set_absent(&name),
    }
    let mut with = cell.plain_request();
    with.context.set_one(&name, &tag.1);
    !reach.could_reach(&without) && reach.reaches(&with)
}

/// The statement of the trust policy by which somebody of the role's account passes the tag.
fn passing(scope: &KeyScope<'_>, role: &Identity, tag: &Tag) -> Option<usize> {
    let statements = role.trust.iter().flat_map(|trust| &trust.policy().statements).enumerate();
    let mut allowing = statements.filter(|(_, statement)| statement.allows());
    let root = format!("arn:{}:iam::{}:root", scope.key.arn.partition(), role.account);
    let passes = |principal: &Principal| {
        let text = match principal {
            Principal::Anyone => &*root,
            Principal::Account { account, .. } if *account == role.account => &*root,
            Principal::User(arn) | Principal::Role(arn) => arn,
            _ => return false,
        };
        let Some(caller) = Caller::parse(text) else { return false };
        let mut request = ControlRequest::plain(caller, ControlAction::STS_TAG_SESSION, &role.arn);
        request.context = with_tag(tag);
        scope.scope.reach.decide_control(&request).is_allowed()
    };
    let found = allowing.find(|(_, statement)| {
        let entries = statement.principal.iter().flat_map(|element| &element.entries);
        let takes = |element: &Element| {
            let mut texts = element.values.iter().filter_map(|value| value.value.text());
            texts.any(|text| "sts:tagsession".starts_with(head(&text.to_ascii_lowercase())))
        };
        statement.action.as_ref().is_some_and(takes)
            && entries.map(|entry| &entry.value).any(passes)
    });
    found.map(|(index, _)| index)
}

/// What stands before a wildcard.
fn head(text: &str) -> &str {
    text.split(['*', '?']).next().unwrap_or_default()
}

/// Those who hold the key where a session brings the tag.
fn tell_sessions(scope: &KeyScope<'_>, found: &[(Caller, Tag, &Identity)], sink: &mut Sink<'_>) {
    let Some((_, tag, role)) = found.first() else { return };
    let Some((document, index)) = role.trust.as_ref().zip(passing(scope, role, tag)) else {
        return;
    };
    let names: Vec<String> = found.iter().map(|(caller, ..)| short(caller).to_owned()).collect();
    let message = format!(
        "{} can use {} in a session that is tagged {}={}, and whoever assumes it chooses the tag",
        list(&names),
        scope.name(),
        tag.0,
        tag.1
    );
    sink.report(scope.key.arn.as_str(), message)
        .facet("session-tags")
        .key(&scope.key.arn)
        .principals(found.iter().map(|(caller, ..)| caller.to_string()))
        .statement(document, index, "lets its sessions bring any such tag")
        .help("pin the tag in the trust policy by aws:RequestTag, or drop sts:TagSession there")
        .done();
}
