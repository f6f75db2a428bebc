//! Policies of an organization, and what they are attached to.

use std::collections::BTreeMap;

use crate::inventory::{OrgPolicy, OrgPolicyKind};
use crate::policy::PolicyKind;

use super::super::facts::Fact;
use super::super::given::{Gift, Named};
use super::evaluator::Evaluator;
use super::world::{Declared, pattern};

/// The SCPs and RCPs that resources attach to roots, units and accounts: an export has those.
pub(super) fn facts(evaluator: &Evaluator<'_>, resources: &[Declared<'_>]) -> Vec<Fact> {
    let is_policy =
        |declared: &&Declared<'_>| declared.resource.of_type == "aws_organizations_policy";
    let policies: BTreeMap<String, &Declared<'_>> = resources
        .iter()
        .filter(is_policy)
        .map(|declared| (evaluator.organization_policy_id(&declared.resource), declared))
        .collect();
    let is_attachment = |declared: &&Declared<'_>| {
        declared.resource.of_type == "aws_organizations_policy_attachment"
    };
    let attachments = resources.iter().filter(is_attachment);
    attachments.filter_map(|attachment| attached(evaluator, &policies, attachment)).collect()
}

fn attached(
    evaluator: &Evaluator<'_>,
    policies: &BTreeMap<String, &Declared<'_>>,
    attachment: &Declared<'_>,
) -> Option<Fact> {
    let argument = |name: &str| evaluator.argument(&attachment.resource.arguments, name);
    let (id, target) = (argument("policy_id")?, argument("target_id")?);
    let policy = id.known().and_then(|id| policies.get_key_value(&*id));
    let Some((id, policy)) = policy else {
        let address = &attachment.resource.address;
        evaluator.unresolved(id.at, format!("{address}: its policy is not declared here"));
        return None;
    };
    let gift = Gift::OrgPolicy(made(evaluator, id, policy)?);
    let named = Named::Node { id: pattern(&target) };
    let given = attachment.given(named, ("target", &target, false), policy.doubt.clone(), gift);
    Some(Fact::Given(Box::new(given)))
}

/// The SCP or RCP that a resource declares; nothing where it is of another kind.
fn made(evaluator: &Evaluator<'_>, id: &str, declared: &Declared<'_>) -> Option<OrgPolicy> {
    let resource = &declared.resource;
    let argument = |name: &str| evaluator.argument(&resource.arguments, name);
    let of_type = argument("type").filter(|it| !it.is_null());
    let (kind, of_document) = match of_type.map(|it| it.known()) {
        None => (OrgPolicyKind::Scp, PolicyKind::Scp),
        Some(Some(name)) if *name == *"SERVICE_CONTROL_POLICY" => {
            (OrgPolicyKind::Scp, PolicyKind::Scp)
        }
        Some(Some(name)) if *name == *"RESOURCE_CONTROL_POLICY" => {
            (OrgPolicyKind::Rcp, PolicyKind::Rcp)
        }
        Some(Some(_)) => return None,
        Some(None) => {
            let what = format!("{}: what kind of policy it is", resource.address);
            evaluator.unresolved(declared.at, what);
            return None;
        }
    };
    let name = argument("name").and_then(|name| name.known());
    let document = argument("content");
    let document = document.map(|content| evaluator.policy(of_document, &content, None));
    Some(OrgPolicy {
        id: id.into(),
        name: name.map_or_else(|| id.into(), |name| Box::from(&*name)),
        kind,
        document,
        place: declared.place(),
    })
}
