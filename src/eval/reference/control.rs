//! What is peculiar to actions outside KMS (section 5 of the semantics): what no policy can allow, the
//! role that is asked for, and its trust policy.
//!
//! All else is decided as for KMS: rule T2 differs from section 3 in the policy on the resource's side
//! alone. A role's trust policy stands where the key policy does (rules T3, T4), other resources have no
//! policy that an export tells of, so that identity policies decide (rule E50).

use crate::aws::{AccountId, Arn, ControlAction, Identity as Named, carried, identity};
use crate::decision::{CallerKind, ContextValue, Gate};
use crate::inventory::Identity;

use super::access::Refusal;
use super::asking::What;
use super::context::{one, org_id, org_paths};
use super::participants::{Name, Taking, note_conflicts};
use super::scene::Scene;

/// The action and the resource, where it is no request to KMS.
fn asked<'a>(scene: &Scene<'a, '_>) -> Option<(ControlAction, &'a str)> {
    match scene.request.what {
        What::Control(action, resource) => Some((action, resource)),
        What::Kms(..) => None,
    }
}

/// The account of a resource; none where its ARN names none, so that it is the caller's.
pub(super) fn owner(resource: &str) -> Option<AccountId> {
    Arn::parse(resource).and_then(|arn| AccountId::parse(arn.account))
}

/// The role whose trust policy takes part (rules T3, T4, T7 to T9).
pub(super) fn trusting_role<'a>(scene: &Scene<'a, '_>) -> Option<&'a str> {
    let (action, resource) = asked(scene)?;
    let is_role = matches!(identity(resource), Some(Named::Role { .. }));
    (is_role && action.info().by_trust).then_some(resource)
}

/// The trust policy of the role that is asked for; nothing where none takes part.
pub(super) fn trust_policy<'a>(scene: &Scene<'a, '_>) -> Option<Vec<Taking<'a>>> {
    let arn = trusting_role(scene)?;
    let mut together = Vec::new();
    let role = known_identity(scene, arn)?;
    let Some(role) = role else {
        return Some(together);
    };
    note_conflicts(scene, &role.arn);
    match &role.trust {
        Some(document) => together.push(Taking { name: Name::Trust(&role.arn), document }),
        None => scene.note_missing(format!("trust policy of {arn}")),
    }
    Some(together)
}

/// The user or role with this ARN; nothing inside where there is none, or nobody listed it, which is
/// noted as missing.
fn known_identity<'a>(scene: &Scene<'a, '_>, arn: &str) -> Option<Option<&'a Identity>> {
    let account = owner(arn)?;
    let found = scene.world().identity(arn);
    if found.is_none() && !scene.world().account(account).is_some_and(|it| it.identities_listed) {
        scene.note_missing(format!("identities of account {account}"));
    }
    Some(found)
}

/// Why it is refused whatever policies say.
pub(super) fn refusal(scene: &Scene<'_, '_>) -> Option<Refusal> {
    let (action, resource) = asked(scene)?;
    let caller = scene.request.caller;
    let operation = |why, rules: &'static [&'static str]| Some((Gate::Operation, why, rules));
    // Rules E44, T25: only the service itself takes such a role; passing it changes nothing, and who lets the
    // service make it (rule L10) does not change it.
    let is_service_linked = resource.contains(":role/aws-service-role/");
    let by_service = caller.kind == CallerKind::Service;
    let spares = [ControlAction::IAM_PASS_ROLE, ControlAction::IAM_CREATE_SERVICE_LINKED_ROLE];
    if is_service_linked && !by_service && !spares.contains(&action) {
        return operation("service-linked roles obey their service alone", &["E44", "T25"]);
    }
    if Arn::parse(resource).is_some_and(|arn| arn.service == "iam" && arn.account == "aws") {
        return operation("policies that AWS manages cannot be changed", &["T22"]);
    }
    if let Some(why) = wrong_credentials(action, &caller.kind) {
        return operation(why, &["T8", "T12"]);
    }
    let (home, owner) = (scene.caller.account?, owner(resource)?);
    if Arn::parse(resource).is_some_and(|arn| arn.partition != caller.partition()) {
        return Some((Gate::CrossAccount, "no request crosses partitions", &["X11"]));
    }
    let is_admitted = home == owner || trusting_role(scene).is_some();
    let why = "a role's trust policy alone admits other accounts";
    (!is_admitted).then_some((Gate::CrossAccount, why, &["T2", "T4"]))
}

/// Rules T8, T12: an assertion of a provider is no credential elsewhere, and sessions make no sessions of
/// users.
fn wrong_credentials(action: ControlAction, caller: &CallerKind) -> Option<&'static str> {
    let is_provider = *caller == CallerKind::Provider;
    match action {
        ControlAction::STS_ASSUME_ROLE_WITH_SAML
        | ControlAction::STS_ASSUME_ROLE_WITH_WEB_IDENTITY => {
            (!is_provider).then_some("an identity provider vouches for who asks this")
        }
        ControlAction::STS_TAG_SESSION | ControlAction::STS_SET_SOURCE_IDENTITY => None,
        _ if is_provider => Some("it takes credentials of an account"),
        ControlAction::STS_GET_FEDERATION_TOKEN | ControlAction::STS_GET_SESSION_TOKEN => {
            let long_term = matches!(caller, CallerKind::User | CallerKind::Root);
            (!long_term).then_some("it takes long-term credentials")
        }
        _ => None,
    }
}

/// Condition keys of the resource, by their names in lower case, where the export fixes them.
pub(super) fn resource_key(scene: &Scene<'_, '_>, lower: &str) -> Option<ContextValue> {
    let (action, resource) = asked(scene)?;
    let tags = ["aws:resourcetag/", "iam:resourcetag/"];
    if let Some(tag) = tags.iter().find_map(|prefix| lower.strip_prefix(prefix)) {
        return carried(action, lower).then(|| tag_of(scene, resource, tag)).flatten();
    }
    let arn = Arn::parse(resource);
    match lower {
        "aws:requestedregion" => arn.filter(|arn| !arn.region.is_empty()).map(|it| one(it.region)),
        "aws:resourceaccount" => owner(resource).map(|account| one(account.as_str())),
        "aws:resourceorgid" => org_id(scene, owner(resource)?),
        "aws:resourceorgpaths" => org_paths(scene, owner(resource)?),
        _ => None,
    }
}

/// Tags are exported of users and roles; a resource that is not there yet has none.
fn tag_of(scene: &Scene<'_, '_>, resource: &str, tag: &str) -> Option<ContextValue> {
    match identity(resource) {
        Some(Named::User { .. } | Named::Role { .. }) => {
            let found = known_identity(scene, resource)??;
            let mut tags = found.tags.iter();
            tags.find(|(key, _)| key.eq_ignore_ascii_case(tag)).map(|(_, value)| one(&**value))
        }
        _ => {
            if Arn::parse(resource).is_some() {
                scene.note_missing(format!("tags of {resource}"));
            }
            None
        }
    }
}

/// Whether the caller has an identity side at all: neither services nor the subjects of a provider do.
pub(super) fn has_identity_side(scene: &Scene<'_, '_>) -> bool {
    !matches!(scene.request.caller.kind, CallerKind::Service | CallerKind::Provider)
}
