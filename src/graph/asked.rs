//! Tags and aliases that policies ask for: what is worth writing to satisfy them (rules T32 to T34).

use crate::policy::{Policy, Statement, Value};

use super::cast::Cast;

/// Hears what every policy of the cast's world asks for.
pub(super) fn hear(cast: &mut Cast<'_>) {
    let world = cast.world;
    let mut hear = |policy: &Policy| policy.statements.iter().for_each(|it| hear_statement(cast, it));
    for key in world.keys.values() {
        key.policy.iter().chain(&key.ram_policy).for_each(|document| document.peek(&mut hear));
    }
    for account in world.accounts.values() {
        for identity in account.identities.values() {
            identity.inline.iter().for_each(|policy| policy.document.peek(&mut hear));
        }
        for group in account.groups.values() {
            group.inline.iter().for_each(|policy| policy.document.peek(&mut hear));
        }
        let versions = account.policies.values().flat_map(|policy| &policy.versions);
        versions.for_each(|version| version.document.peek(&mut hear));
    }
    let organization = world.organization.iter().flat_map(|it| it.policies.values());
    organization.filter_map(|it| it.document.as_ref()).for_each(|it| it.peek(&mut hear));
}

fn hear_statement(cast: &mut Cast<'_>, statement: &Statement) {
    for condition in &statement.conditions {
        let key = condition.key.value.to_ascii_lowercase();
        let values = condition.values.iter().filter_map(|value| match &value.value {
            Value::Text(text) => Some(sample(text)),
            Value::Unresolved(_) => None,
        });
        // Tag keys keep their spelling: AWS compares them without case in conditions only.
        let spelled = |prefix: &str| condition.key.value.get(prefix.len()..).unwrap_or_default();
        if key.starts_with(PRINCIPAL_TAG) {
            let tag = spelled(PRINCIPAL_TAG);
            cast.principal_tags.extend(values.map(|value| (tag.into(), value)));
        } else if key.starts_with(RESOURCE_TAG) {
            let tag = spelled(RESOURCE_TAG);
            cast.key_tags.extend(values.map(|value| (tag.into(), value)));
        } else if key == "kms:resourcealiases" || key == "kms:requestalias" {
            cast.aliases.extend(values.filter(|value| value.starts_with("alias/")));
        } else if key == "iam:permissionsboundary" {
            cast.hears_boundaries = true;
        }
    }
}

const PRINCIPAL_TAG: &str = "aws:principaltag/";
const RESOURCE_TAG: &str = "aws:resourcetag/";

/// A text that a pattern takes.
fn sample(pattern: &str) -> Box<str> {
    pattern.replace(['*', '?'], "x").into()
}
