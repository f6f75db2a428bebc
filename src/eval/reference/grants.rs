//! Grants (section 4.3 of the semantics).

use std::collections::BTreeMap;

use crate::aws::KmsAction;
use crate::decision::{CallerKind, ContextValue, OpenPoint, Path};
use crate::inventory::{Constraints, Grant, Grantee, Key};

use super::principals::{Class, class_of};
use super::scene::Scene;
use super::truth::Truth;

/// The pairs of an encryption context.
type Pairs = BTreeMap<Box<str>, Box<str>>;

/// One way in which a grant lets the caller act.
pub(super) struct Way<'a> {
    /// P8, P9 or P10.
    pub(super) path: Path,
    /// The grant.
    pub(super) grant: &'a Grant,
}

impl Way<'_> {
    /// Whether it is a way of this grant.
    pub(super) fn is_of(&self, grant: &Grant) -> bool {
        self.grant.id == grant.id && self.grant.place == grant.place
    }
}

/// The grants that allow the request (rules G4, G10 to G13, G20 to G24), RetireGrant aside.
pub(super) fn ways<'w>(scene: &Scene<'_, 'w>) -> Vec<Way<'w>> {
    let (Some(key), Some(action)) = (scene.key, scene.request.kms()) else {
        return Vec::new();
    };
    let mut ways = Vec::new();
    for grant in &key.grants {
        if !grant.operations.intersection(key.grant_operations()).contains(action) {
            continue;
        }
        let Some(class) = grantee_class(scene, &grant.grantee) else {
            continue;
        };
        if binds(action) && !constraints_hold(scene, grant) {
            continue;
        }
        // Rules G31, G32.
        if action == KmsAction::CREATE_GRANT && !admits_child(scene, grant) {
            continue;
        }
        ways.push(Way { path: path_of(scene, class), grant });
    }
    ways
}

/// The class in which a grant means the caller (rules G10 to G13).
fn grantee_class(scene: &Scene<'_, '_>, grantee: &Grantee) -> Option<Class> {
    match grantee {
        Grantee::Principal(principal) => {
            let (class, truth) = class_of(scene, principal)?;
            // Rule G13: a grant never names everyone.
            (truth == Truth::True && class != Class::Everyone).then_some(class)
        }
        // Rule G12: service calls only.
        Grantee::Service(name) => {
            let is_service = scene.request.caller.kind == CallerKind::Service;
            (is_service && *scene.request.caller.text == **name).then_some(Class::Service)
        }
    }
}

/// Rule E20, P8 to P10.
fn path_of(scene: &Scene<'_, '_>, class: Class) -> Path {
    match class {
        Class::User | Class::Session | Class::Service | Class::Provider | Class::Everyone => {
            Path::P8
        }
        // Rule G11: the account's root user directly.
        Class::Root => Path::P8,
        Class::ViaRole | Class::ViaUser => Path::P9,
        // O2: some read an account as every identity of it.
        Class::Account if scene.reads_other(OpenPoint::O2, || true) => Path::P8,
        Class::Account => Path::P10,
    }
}

/// Rule G22: which operations the constraints bind; CreateGrant has rules of its own (rule G32).
fn binds(action: KmsAction) -> bool {
    action != KmsAction::CREATE_GRANT && action != KmsAction::RETIRE_GRANT
}

fn constraints_hold(scene: &Scene<'_, '_>, grant: &Grant) -> bool {
    source_arn_holds(scene, &grant.constraints)
        && (!scene.request.info().is_some_and(|info| info.encryption_context)
            || pairs_hold(scene, &grant.constraints))
}

/// Rule G24: binds DescribeKey only when the request carries the key.
fn source_arn_holds(scene: &Scene<'_, '_>, constraints: &Constraints) -> bool {
    let Some(wanted) = constraints.source_arn.as_deref() else {
        return true;
    };
    match scene.request.context.get("aws:SourceArn") {
        Some(given) => given.value.values().iter().any(|arn| **arn == *wanted),
        None => scene.request.is(KmsAction::DESCRIBE_KEY),
    }
}

/// Rules G20, G23.
fn pairs_hold(scene: &Scene<'_, '_>, constraints: &Constraints) -> bool {
    if constraints.equals.is_none() && constraints.subset.is_none() {
        return true;
    }
    let given = given_pairs(scene);
    constraints.equals.as_ref().is_none_or(|wanted| are_the_same(scene, &given, wanted))
        && constraints.subset.as_ref().is_none_or(|wanted| contains_all(scene, &given, wanted))
}

/// The encryption context of the request: for CreateGrant the pairs of the constraints it asks for.
fn given_pairs(scene: &Scene<'_, '_>) -> Pairs {
    let entries = scene.request.context.with_prefix("kms:EncryptionContext:");
    entries
        .filter_map(|(key, entry)| match &entry.value {
            ContextValue::One(value) => Some((key.into(), value.clone())),
            ContextValue::Many(_) => None,
        })
        .collect()
}

/// Rule G21: keys compare without case, values with case; O10 reads both exactly.
fn contains_all(scene: &Scene<'_, '_>, given: &Pairs, wanted: &Pairs) -> bool {
    let holds = |exact: bool| {
        wanted.iter().all(|(key, value)| {
            given.iter().any(|(given_key, given_value)| {
                let same_key =
                    if exact { given_key == key } else { given_key.eq_ignore_ascii_case(key) };
                same_key && given_value == value
            })
        })
    };
    read(scene, holds(false), holds(true))
}

/// Rules G20, G21: as many pairs as wanted, each of them one that is wanted; O10 reads the keys exactly.
fn are_the_same(scene: &Scene<'_, '_>, given: &Pairs, wanted: &Pairs) -> bool {
    let folded = |pairs: &Pairs| -> Vec<(String, Box<str>)> {
        let pairs = pairs.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone()));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        pairs
    };
    read(scene, folded(given) == folded(wanted), given == wanted)
}

/// What holds where keys compare without case, or with it where O10 is read so.
fn read(scene: &Scene<'_, '_>, folded: bool, exact: bool) -> bool {
    if scene.reads_other(OpenPoint::O10, || folded != exact) { exact } else { folded }
}

/// Rules G31, G32: whether a grant with CreateGrant lets its holder make the child that is asked for.
fn admits_child(scene: &Scene<'_, '_>, parent: &Grant) -> bool {
    let context = &scene.request.context;
    let asked = context.get("kms:GrantOperations").map(|entry| entry.value.values());
    let pairs = given_pairs(scene);
    let kind = context.get("kms:GrantConstraintType").map(|entry| entry.value.values());
    let source = context.get("kms:GrantConstraintSourceArn").map(|entry| entry.value.values());
    if asked.is_none() && kind.is_none() && source.is_none() && pairs.is_empty() {
        // O32: such a request asks for a child like its parent.
        return true;
    }
    let within = asked.is_none_or(|names| {
        names.iter().all(|name| {
            KmsAction::from_name(name).is_some_and(|action| parent.operations.contains(action))
        })
    });
    let is_equals = matches!(kind, Some([one]) if &**one == "EncryptionContextEquals");
    let as_strict = |scene: &Scene<'_, '_>| {
        let constraints = &parent.constraints;
        let equals = constraints
            .equals
            .as_ref()
            .is_none_or(|wanted| is_equals && are_the_same(scene, &pairs, wanted));
        let subset =
            constraints.subset.as_ref().is_none_or(|wanted| contains_all(scene, &pairs, wanted));
        let from = constraints
            .source_arn
            .as_ref()
            .is_none_or(|wanted| source.is_some_and(|given| given.iter().any(|arn| arn == wanted)));
        equals && subset && from
    };
    within && as_strict(scene)
}

/// How the caller may retire a grant (rule G41).
pub(super) enum Retiring<'a> {
    /// As retiring principal, grantee or root user: no identity Allow needed.
    Directly(Way<'a>),
    /// With an identity Allow of kms:RetireGrant.
    ByIdentity(&'a Grant),
}

/// The grants of the key that the caller may retire (rule G41); a request that names no grant asks for
/// any of them.
pub(super) fn retirable<'w>(scene: &Scene<'_, 'w>) -> Vec<Retiring<'w>> {
    let Some(key) = scene.key else {
        return Vec::new();
    };
    key.grants.iter().flat_map(|grant| retiring_of(scene, key, grant)).collect()
}

fn retiring_of<'w>(scene: &Scene<'_, '_>, key: &Key, grant: &'w Grant) -> Vec<Retiring<'w>> {
    let way = |path| Retiring::Directly(Way { path, grant });
    let mut found = Vec::new();
    // (a) and (d).
    match grant.retiring.as_ref().and_then(|retiring| grantee_class(scene, retiring)) {
        Some(Class::Account) => found.push(Retiring::ByIdentity(grant)),
        Some(Class::ViaRole | Class::ViaUser) => found.push(way(Path::P9)),
        Some(_) => found.push(way(Path::P8)),
        None => {}
    }
    // (b).
    if grant.operations.contains(KmsAction::RETIRE_GRANT)
        && let Some(class) = grantee_class(scene, &grant.grantee)
    {
        match path_of(scene, class) {
            Path::P10 => found.push(Retiring::ByIdentity(grant)),
            path => found.push(way(path)),
        }
    }
    // (c).
    let home = scene.caller.account;
    let concerns_home =
        home.is_some() && (home == grant.issuing_account || home == Some(key.arn.account()));
    if concerns_home {
        match scene.request.caller.kind {
            CallerKind::Root => found.push(way(Path::P8)),
            _ => found.push(Retiring::ByIdentity(grant)),
        }
    }
    found
}
