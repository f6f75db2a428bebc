//! Actions on keys are allowed or denied on an alias or a bare key id, which is never a request's key.

use crate::aws::KmsAction;
use crate::findings::Fix;
use crate::policy::{Element, Polarity, PolicyKind, Standing, Statement};

use super::controllers::list;
use super::fixing::{of_kms, replaced};
use super::report::Sink;
use super::resources::{Form, form};
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct AliasArnAsKeyResource;

impl Rule for AliasArnAsKeyResource {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let kind = document.document.kind;
        if !matches!(kind, PolicyKind::Identity | PolicyKind::Scp) || document.is_written_by_aws() {
            return;
        }
        for statement in &document.document.policy().statements {
            let actions = key_actions(scope, statement);
            if let Some(resource) = statement.resource.as_ref().filter(|_| !actions.is_empty())
                && let Some(mistaken) = mistaken(resource)
            {
                tell(scope, document, statement, resource, &actions, &mistaken, sink);
            }
        }
    }
}

/// The actions of the statement whose only resource is a key.
fn key_actions(scope: &Scope<'_>, statement: &Statement) -> Vec<KmsAction> {
    let works = statement.standing == Standing::Sound;
    let covered = statement.action.as_ref().filter(|_| works).map(|one| scope.reach.actions(one));
    let on_keys = |action: &KmsAction| {
        let info = action.info();
        info.has_key_resource && !info.has_alias_resource
    };
    covered
        .into_iter()
        .flat_map(|actions| actions.iter().filter(on_keys).collect::<Vec<_>>())
        .collect()
}

/// The entries that could matter to KMS, where each of them is of a form that no key has.
fn mistaken(resource: &Element) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    for entry in resource.values.iter().filter(|_| resource.polarity == Polarity::Is) {
        let text = entry.value.text()?;
        match form(text) {
            Form::OtherService => {}
            Form::NoKey => found.push(text),
            Form::MayBeKey => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

fn tell(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    statement: &Statement,
    resource: &Element,
    actions: &[KmsAction],
    mistaken: &[&str],
    sink: &mut Sink<'_>,
) {
    let done = if statement.denies() { "denied" } else { "allowed" };
    let actions: Vec<String> = actions.iter().map(ToString::to_string).collect();
    let (be, what) = match (actions.len(), mistaken.iter().all(|text| text.contains("alias/"))) {
        (1, true) => ("is", "its resource is an alias"),
        (1, false) => ("is", "its resource is no ARN"),
        (_, true) => ("are", "its resource is an alias"),
        (_, false) => ("are", "its resource is no ARN"),
    };
    let message = format!(
        "{} {be} never {done} by this statement of {}: {what}, and a key is named by its own ARN",
        list(&actions),
        document.name
    );
    let condition = "a condition on kms:ResourceAliases to follow an alias";
    let help = match keys(scope, document, mistaken).as_slice() {
        [] => format!("write the ARN of the key, or patterns for keys with {condition}"),
        known => format!("write {}, or patterns for keys with {condition}", list(known)),
    };
    sink.report(&*document.subject, message)
        .of_statement(document.document, statement)
        .at(document.document.place, Some(resource.span), "never the key of a request")
        .help(help)
        .fix(fix(scope, document, resource))
        .done();
}

/// The ARN of the key in place of each entry, where every one means a key that is known.
fn fix(scope: &Scope<'_>, document: &Documented<'_>, resource: &Element) -> Option<Fix> {
    let mut fix: Option<Fix> = None;
    for entry in &resource.values {
        let text = entry.value.text()?;
        if form(text) == Form::OtherService {
            continue;
        }
        let found = keys(scope, document, &[text]);
        let [key] = found.as_slice() else { return None };
        let one = replaced(document, of_kms(document), entry.span, (text, key));
        match &mut fix {
            Some(fix) => fix.changes.extend(one.changes),
            None => fix = Some(one),
        }
    }
    fix
}

/// The ARNs of the keys that the entries mean, as far as the world tells.
fn keys(scope: &Scope<'_>, document: &Documented<'_>, mistaken: &[&str]) -> Vec<String> {
    let world = scope.world;
    let is_near = |account| {
        document.holders.is_empty() || document.holders.iter().any(|one| one.account == account)
    };
    let by_alias = world.aliases.values().filter(|alias| {
        let by_name = mistaken.contains(&alias.arn.name()) && is_near(alias.arn.account());
        by_name || mistaken.contains(&alias.arn.as_str())
    });
    let by_id =
        world.keys.keys().filter(|arn| mistaken.contains(&arn.id()) && is_near(arn.account()));
    by_alias
        .filter_map(|alias| alias.key())
        .chain(by_id.cloned())
        .map(|arn| arn.to_string())
        .collect()
}
