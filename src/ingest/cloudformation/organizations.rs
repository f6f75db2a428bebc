//! Policies of an organization, with what they are attached to.

use std::sync::Arc;

use crate::inventory::{OrgPolicy, OrgPolicyKind, Stated};
use crate::policy::PolicyKind;

use super::super::facts::Fact;
use super::super::given::{Gift, Given, Named, Target};
use super::evaluate::{At, Resource, list, text_of};
use super::names::{Names, pattern};
use super::text;

/// The SCP or RCP that a resource attaches to roots, units and accounts: an export has those. Where nobody
/// knows to which, or which kind of policy it is, that is told.
pub(super) fn facts(at: &At<'_, '_>, names: &Names, resource: &Resource<'_>) -> Option<Fact> {
    let (kind, of_document) = match at.text(resource, "Type").as_deref() {
        Some("SERVICE_CONTROL_POLICY") => (OrgPolicyKind::Scp, PolicyKind::Scp),
        Some("RESOURCE_CONTROL_POLICY") => (OrgPolicyKind::Rcp, PolicyKind::Rcp),
        Some(name) if text::is_known(name) => return None,
        _ => return told(at, resource),
    };
    let (targets, content) = (at.property(resource, "TargetIds"), at.property(resource, "Content"));
    let to: Vec<Target> = list(targets.as_ref())
        .iter()
        .map(|target| {
            let id = text_of(target).unwrap_or_else(|| text::hole("TargetIds"));
            let place = at.stack.template.place(target.span);
            let told = Some(Stated::new(what(resource), place));
            Target {
                named: Named::Node { id: pattern(&id) },
                doubt: resource.doubt.clone(),
                told,
                whom: None,
            }
        })
        .collect();
    let Some(content) = content.filter(|_| !to.is_empty()) else { return told(at, resource) };
    let id: Box<str> = text::named(&at.own(resource.name)).into();
    let place = at.stack.template.place(resource.span);
    let name = at.text(resource, "Name").map(|name| text::named(&name).into());
    let gift = Gift::OrgPolicy(OrgPolicy {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        kind,
        document: Some(names.policy(at, of_document, &content, None)),
        place,
    });
    Some(Fact::Given(Box::new(Given { to, gift, place, own: Arc::default() })))
}

fn what(resource: &Resource<'_>) -> Box<str> {
    format!("the organization policy {}", resource.name).into()
}

/// Nothing but that this is not known.
fn told(at: &At<'_, '_>, resource: &Resource<'_>) -> Option<Fact> {
    at.unresolved(resource.span, what(resource));
    None
}
