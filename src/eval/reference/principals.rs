//! Principal elements against a caller: by which of its names it is meant (section 1.4 of the semantics).

use crate::aws::AccountId;
use crate::decision::{CallerKind, OpenPoint};
use crate::policy::{AtMost, Polarity, Principal, PrincipalElement};

use super::participants::note_unknown_identity;
use super::scene::Scene;
use super::truth::Truth;

/// By which of its names a statement or a grant means the caller; in order of the paths of rule E20.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Class {
    /// By the user's ARN or unique id: Direct (P1).
    User,
    /// By the session's ARN: Direct (P2).
    Session,
    /// With everyone: Direct (P3).
    Everyone,
    /// The root user by its account: Direct (P7).
    Root,
    /// By the service's name: Direct (rule E40).
    Service,
    /// By the identity provider that vouches for it: Direct (rule T8).
    Provider,
    /// By the session's role (P4).
    ViaRole,
    /// By the user of a federated-user session (P5).
    ViaUser,
    /// By the home account: delegation (P6).
    Account,
}

/// The classes in which an element means the caller, each with how sure that is; none where it does not.
pub(super) type Classes = Vec<(Class, Truth)>;

/// The classes in which `element` means the caller, for an Allow.
pub(super) fn allowed(scene: &Scene<'_, '_>, element: &PrincipalElement) -> Classes {
    let classes = classes(scene, element);
    match element.polarity {
        Polarity::Is => classes,
        // Rule A48: everyone whom the list means in no class is allowed directly.
        Polarity::IsNot => {
            let listed = Truth::any(classes.iter().map(|(_, truth)| *truth));
            vec![(Class::Everyone, !listed)]
        }
    }
}

/// Whether `element` means the caller, for a Deny (rules A44, A45: any class will do).
pub(super) fn denied(scene: &Scene<'_, '_>, element: &PrincipalElement) -> Truth {
    match element.polarity {
        Polarity::Is => Truth::any(classes(scene, element).iter().map(|(_, truth)| *truth)),
        Polarity::IsNot => !escapes(scene, element),
    }
}

fn classes(scene: &Scene<'_, '_>, element: &PrincipalElement) -> Classes {
    element.entries.iter().filter_map(|entry| class_of(scene, &entry.value)).collect()
}

/// The class in which one entry means the caller.
pub(super) fn class_of(scene: &Scene<'_, '_>, principal: &Principal) -> Option<(Class, Truth)> {
    let caller = &scene.request.caller;
    let sure = |class| Some((class, Truth::True));
    let names_caller = |text: &str| *caller.text == *text;
    match principal {
        // Rule A30.
        Principal::Anyone => sure(Class::Everyone),
        // Rule A31.
        Principal::Account { account, partition } => {
            if !is_home(scene, *account, partition.as_deref()) {
                return None;
            }
            match caller.kind {
                CallerKind::Root => sure(Class::Root),
                _ => sure(Class::Account),
            }
        }
        // Rule A32.
        Principal::User(arn) => match &caller.kind {
            CallerKind::User if names_caller(arn) => sure(Class::User),
            CallerKind::FederatedUser { .. } if is_user_of_session(scene, arn) => {
                sure(Class::ViaUser)
            }
            _ => None,
        },
        // Rules A33, A42.
        Principal::Role(arn) => match caller.kind {
            CallerKind::Role | CallerKind::AssumedRole { .. }
                if scene.caller.is_session_of(arn) =>
            {
                sure(Class::ViaRole)
            }
            _ => None,
        },
        // Rule A34: the session's name is literal; rule A42: the role's ignores case.
        Principal::AssumedRole(arn) => match caller.kind {
            CallerKind::AssumedRole { .. } if same_session(arn, &caller.text) => {
                sure(Class::Session)
            }
            _ => None,
        },
        // Rule A35.
        Principal::FederatedUser(arn) => match caller.kind {
            CallerKind::FederatedUser { .. } if names_caller(arn) => sure(Class::Session),
            _ => None,
        },
        // Rule A36.
        Principal::Service(name) => match caller.kind {
            CallerKind::Service if names_caller(name) => sure(Class::Service),
            _ => None,
        },
        // Rule T8: whom the provider vouches for is asked by STS alone.
        Principal::Federated(provider) if caller.kind == CallerKind::Provider => {
            names_caller(provider).then_some((Class::Provider, Truth::True))
        }
        // Rule A37.
        Principal::Federated(provider) => federated(scene, provider),
        // Rule A39.
        Principal::UniqueId(id) => unique_id(scene, id),
        // Rules A38, A40, A41.
        Principal::CanonicalUser(_) | Principal::Invalid(_) => None,
        Principal::Unresolved(of) => {
            let class = match &of.at_most {
                AtMost::Principal(principal) => class_of(scene, principal)?.0,
                AtMost::Of(account) if caller.account != Some(*account) => return None,
                AtMost::Service if caller.kind != CallerKind::Service => return None,
                AtMost::Service => Class::Service,
                AtMost::Anyone | AtMost::Of(_) => Class::Everyone,
            };
            Some((class, Truth::Unknown))
        }
    }
}

/// Rules A31, A42: the account and, where the entry gives one, the partition.
fn is_home(scene: &Scene<'_, '_>, account: AccountId, partition: Option<&str>) -> bool {
    let caller = &scene.request.caller;
    caller.account == Some(account) && partition.is_none_or(|named| named == caller.partition())
}

fn is_user_of_session(scene: &Scene<'_, '_>, arn: &str) -> bool {
    scene.caller.identity.is_some_and(|user| *user.arn == *arn)
}

fn same_session(one: &str, other: &str) -> bool {
    let parts = |text: &str| -> Option<(String, String)> {
        let (head, session) = text.rsplit_once('/')?;
        let (prefix, role) = head.rsplit_once('/')?;
        Some((format!("{prefix}/{}", role.to_ascii_lowercase()), session.to_owned()))
    };
    parts(one).is_some() && parts(one) == parts(other)
}

/// Rule A37: which provider made a session is known only where the request says so; else unknown for
/// roles whose trust policy admits the provider.
fn federated(scene: &Scene<'_, '_>, provider: &str) -> Option<(Class, Truth)> {
    if !matches!(scene.request.caller.kind, CallerKind::Role | CallerKind::AssumedRole { .. }) {
        return None;
    }
    if let Some(given) = scene.request.context.get("aws:FederatedProvider") {
        let same = given.value.values().iter().any(|value| **value == *provider);
        return same.then_some((Class::ViaRole, Truth::True));
    }
    if scene.request.context.is_absent("aws:FederatedProvider") {
        return None;
    }
    let trust = scene.caller.identity?.trust.as_ref()?;
    let entries = trust
        .policy()
        .statements
        .iter()
        .filter_map(|statement| statement.principal.as_ref())
        .flat_map(|element| &element.entries);
    let mut providers = entries.filter_map(|entry| match &entry.value {
        Principal::Federated(named) => Some(&**named),
        _ => None,
    });
    providers.any(|named| named == provider).then_some((Class::ViaRole, Truth::Unknown))
}

/// Rule A39: only an identity of the export with this unique id.
fn unique_id(scene: &Scene<'_, '_>, id: &str) -> Option<(Class, Truth)> {
    let Some(identity) = scene.caller.identity else {
        // Whose id it is would be known with the identities of the account.
        note_unknown_identity(scene);
        return None;
    };
    if identity.unique_id.as_deref() != Some(id) {
        return None;
    }
    match scene.request.caller.kind {
        CallerKind::User => Some((Class::User, Truth::True)),
        CallerKind::FederatedUser { .. } => Some((Class::ViaUser, Truth::True)),
        _ => Some((Class::ViaRole, Truth::True)),
    }
}

/// Rules A46, A47: whether the list of a NotPrincipal Deny spares the caller.
fn escapes(scene: &Scene<'_, '_>, element: &PrincipalElement) -> Truth {
    let found = classes(scene, element);
    let listed = |wanted: &[Class]| {
        let truths = found.iter().filter(|(class, _)| wanted.contains(class));
        Truth::any(truths.map(|(_, truth)| *truth))
    };
    let everyone = listed(&[Class::Everyone]);
    // Rule A47: whatever the list says.
    let bounded = scene.caller.identity.is_some_and(|identity| identity.boundary.is_some());
    let kind = &scene.request.caller.kind;
    if bounded && !matches!(kind, CallerKind::Root | CallerKind::FederatedUser { .. }) {
        return Truth::False;
    }
    let needed: &[&[Class]] = match kind {
        CallerKind::Root => &[&[Class::Root]],
        CallerKind::User => &[&[Class::User], &[Class::Account]],
        CallerKind::Role | CallerKind::AssumedRole { .. } => {
            &[&[Class::Session], &[Class::ViaRole], &[Class::Account]]
        }
        CallerKind::FederatedUser { .. } => {
            &[&[Class::Session], &[Class::ViaUser], &[Class::Account]]
        }
        CallerKind::Service => &[&[Class::Service]],
        CallerKind::Provider => &[&[Class::Provider]],
    };
    let all = Truth::all(needed.iter().map(|level| listed(level)));
    let any = Truth::any(found.iter().map(|(_, truth)| *truth));
    // O5: some read it so that any listed level spares.
    let spared = if scene.reads_other(OpenPoint::O5, || all != any) { any } else { all };
    spared.max(everyone)
}
