//! Roles that have nothing to do with each other share a key, and nothing separates their data.

use crate::aws::KmsAction;
use crate::inventory::{Identity, IdentityKind};
use crate::policy::PolicyDocument;

use super::controllers::list;
use super::encryption_context_optional::needs_no_context;
use super::report::Sink;
use super::{KeyScope, Rule, short_name};

/// See the rule's page.
pub(super) struct SharedKeyWithoutContext;

impl Rule for SharedKeyWithoutContext {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() {
            return;
        }
        let (reach, key) = (scope.scope.reach, &scope.key.arn);
        let mut roles: Vec<&Identity> = Vec::new();
        for group in scope.holders(KmsAction::DECRYPT.into()).iter() {
            let held = group.holds.sure;
            if needs_no_context(reach, (group.who.first(), key), held) {
                let known = group.who.iter().filter_map(|it| scope.identity(it));
                let is_role =
                    |it: &&Identity| it.kind == IdentityKind::Role && !it.is_service_linked();
                roles.extend(known.filter(is_role));
            }
        }
        roles.retain(|role| !scope.scope.is_administrator(role));
        roles.sort_by_key(|role| &role.arn);
        let Some((first, rest)) = roles.split_first() else { return };
        let strange = || rest.iter().filter(|it| !is_related(first, it));
        let names: Vec<String> =
            std::iter::once(first).chain(strange()).map(|it| short_name(it)).collect();
        if names.len() == 1 {
            return;
        }
        let message = format!(
            "{} decrypt each other's data with {}: no encryption context separates them",
            list(&names),
            scope.name()
        );
        let place = scope.key.policy.as_ref().map_or(scope.key.place, PolicyDocument::whole);
        sink.report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .at(place, None, "the key policy")
            .principals(roles.iter().map(|role| role.arn.to_string()))
            .help(
                "give each application its own key, or pin each role to a pair with `StringEquals` \
                 kms:EncryptionContext:...",
            )
            .done();
    }
}

/// Whether two roles belong together: they have a path or a tag in common.
fn is_related(one: &Identity, other: &Identity) -> bool {
    let path = |role: &Identity| role.arn.rsplit_once('/').map(|(path, _)| path.to_owned());
    let same_path = path(one) == path(other) && path(one).is_some_and(|it| !it.ends_with(":role"));
    let has = |key: &str, value: &str| {
        other.tags.iter().any(|(known, of)| **known == *key && **of == *value)
    };
    same_path || one.tags.iter().any(|(key, value)| has(key, value))
}
