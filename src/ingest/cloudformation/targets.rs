//! Whom policies and memberships are for.

use crate::inventory::Stated;
use crate::source::Span;
use crate::syntax::Node;

use super::super::facts::PrincipalKind;
use super::super::given::{Named, Target as GivenTo};
use super::evaluate::{At, Resource, list, text_of};
use super::names::pattern;
use super::text;

/// The properties that list whom a policy is for.
pub(super) const TARGETS: [(&str, PrincipalKind); 3] = [
    ("Roles", PrincipalKind::Role),
    ("Users", PrincipalKind::User),
    ("Groups", PrincipalKind::Group),
];

/// Whom a policy is for, as a property says it.
pub(super) struct Target<'n> {
    /// The name.
    pub(super) text: String,
    pub(super) kind: PrincipalKind,
    pub(super) span: Span,
    /// The property as it is written; nothing where a macro writes it.
    pub(super) written: Option<&'n Node<'static>>,
}

impl Target<'_> {
    /// What it may mean that other code or an export has: one of its choices, or what fits it.
    pub(super) fn elsewhere(
        &self,
        at: &At<'_, '_>,
        resource: &Resource<'_>,
        told: &Stated<Box<str>>,
    ) -> Vec<GivenTo> {
        let choices = text::expansions(&self.text).unwrap_or_else(|| vec![self.text.clone()]);
        let doubt = match choices.as_slice() {
            [_] => resource.doubt.clone(),
            _ => Some(text::shown(&self.text).into()),
        };
        let given_to = |name: String| {
            let (kind, account) = (self.kind, at.stack.deployment.account);
            let named = Named::Holder { kind, account, name: pattern(&name) };
            let whom = (!text::is_known(&name))
                .then(|| format!("who {} is ({})", text::shown(&name), resource.name).into());
            GivenTo { named, doubt: doubt.clone(), told: Some(told.clone()), whom }
        };
        choices.into_iter().map(given_to).collect()
    }
}

/// What some properties list, each with the kind of what it names.
pub(super) fn each_target<'n>(
    at: &At<'_, '_>,
    resource: &Resource<'n>,
    targets: &[(&str, PrincipalKind)],
) -> Vec<Target<'n>> {
    let mut all = Vec::new();
    for (property, kind) in targets {
        let written = resource.node.get("Properties").and_then(|all| all.get(property));
        for node in list(at.property(resource, property).as_ref()) {
            let text = text_of(node);
            let text = text.unwrap_or_else(|| text::hole(&format!("{}.{property}", resource.name)));
            all.push(Target { text, kind: *kind, span: node.span, written });
        }
    }
    all
}
