//! Paths, walked: what was sealed before the first step opens after the last.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::aws::KmsAction;
use crate::decision::{Caller as Who, CallerKind, Request, Target};
use crate::encryptor::{Ambient, Caller, Encryptor, KmsError};
use crate::graph::{Call, Found, Hop, Path, execute};
use crate::inventory::{Inventory, Tags};

use super::scene::Scene;
use super::trip::{Trip, sealed, travel};
use super::{Mismatch, PathsTried, VerifyOptions, mixed};

/// How a walk ended.
enum End {
    Proven,
    /// The permission is there, the cryptography is not.
    Permitted,
    Broken(String),
}

/// Walks the paths that were found in `world`.
pub(super) fn walk(
    (found, world): (&Found, &Inventory),
    scene: &Scene<'_>,
    options: &VerifyOptions,
    progress: &(dyn Fn(&str, usize, usize) + Sync),
) -> (PathsTried, Vec<Mismatch>) {
    let mut paths: Vec<(u64, &Path)> = (0..).zip(&found.paths).collect();
    if let Some(most) = options.sample.filter(|most| *most < paths.len()) {
        paths.sort_by_key(|(number, _)| mixed(options.seed, &[*number]));
        paths.truncate(most);
        paths.sort_by_key(|(number, _)| *number);
    }
    let mut counts = PathsTried {
        found: found.paths.len(),
        tried: paths.len(),
        unknown: found.supposed,
        ..PathsTried::default()
    };
    let done = AtomicUsize::new(0);
    // The search executes what it finds: in that very world once is enough.
    let is_executed = std::ptr::eq(world, scene.truth);
    let of_path = |(_, path): &(u64, &Path)| {
        // The rules of the road: nobody calls whom no hop has become.
        let is_fit = if is_executed { Ok(()) } else { execute(scene.truth, path).map(drop) };
        let end = is_fit.map_or_else(|it| End::Broken(it.to_string()), |()| walked(scene, path));
        progress("paths", done.fetch_add(1, Ordering::Relaxed) + 1, paths.len());
        end
    };
    let ends: Vec<End> = paths.par_iter().map(of_path).collect();
    let mut mismatches = Vec::new();
    for ((_, path), end) in paths.iter().zip(ends) {
        match end {
            End::Proven => {
                counts.proven += 1;
                counts.modelled += usize::from(path.is_modelled());
            }
            End::Permitted => counts.without_cryptography += 1,
            End::Broken(what) => mismatches.push(Mismatch {
                principal: path.from.text.to_string(),
                key: path.key.to_string(),
                action: path.goal.as_str().to_owned(),
                claimed: "a path".to_owned(),
                found: what,
                request: None,
            }),
        }
    }
    mismatches.extend(found.broken.iter().map(|broken| Mismatch {
        principal: broken.from.text.to_string(),
        key: broken.key.to_string(),
        action: String::new(),
        claimed: "a path".to_owned(),
        found: broken.failure.as_ref().map(ToString::to_string).unwrap_or_default(),
        request: None,
    }));
    (counts, mismatches)
}

fn walked(scene: &Scene<'_>, path: &Path) -> End {
    let fork = scene.encryptor.fork(&[]);
    let fork = scene.with(&path.from).unwrap_or(fork);
    let tags = session_tags(path);
    let goal = goal(scene, path, &tags);
    let blob = match path.goal {
        KmsAction::DECRYPT => sealed(&fork, &goal, &path.key),
        _ => None,
    };
    for (number, hop) in path.hops.iter().enumerate() {
        if let Err(error) = step(&fork, hop, &tags) {
            let text = error.message.unwrap_or_default();
            return End::Broken(format!("hop {}: {}: {text}", number + 1, error.name));
        }
    }
    match travel(&fork, &goal, Some(&path.goal_key), blob.as_ref()) {
        Trip::Done => End::Proven,
        Trip::Permitted | Trip::Allowed(_) => End::Permitted,
        Trip::Wrong(what) => End::Broken(what.to_owned()),
        Trip::Refused(error) => {
            End::Broken(format!("the goal: {}", error.message.unwrap_or_default()))
        }
    }
}

/// The request for the goal, with the tags of the session that makes it.
fn goal(scene: &Scene<'_>, path: &Path, tags: &BTreeMap<Box<str>, Tags>) -> Request {
    let target = Target::Key(path.goal_key.clone());
    let mut request = Request::plain(path.goal_as.clone(), path.goal, target);
    request.context = path.context.clone();
    for (key, value) in tags_of(&path.goal_as, tags).iter().flat_map(|tags| tags.iter()) {
        request.context.set_one(&format!("aws:PrincipalTag/{key}"), value);
    }
    scene.sent(&request)
}

/// Makes one call: an operation of KMS for real, another one as the edits that it is. That each is allowed
/// the execution has seen, and the operation sees again.
fn step(fork: &Encryptor, hop: &Hop, tags: &BTreeMap<Box<str>, Tags>) -> Result<(), KmsError> {
    let Some((operation, region)) = operation(hop) else {
        return fork.edit(&hop.call.edits(&hop.caller), &[]);
    };
    let mut caller = Caller::new(hop.caller.clone(), &region);
    caller.session_tags = tags_of(&hop.caller, tags).cloned().unwrap_or_default();
    let ambient = Ambient { context: hop.context.clone(), request_id: None };
    fork.call(&caller, &ambient, operation, &hop.call.params(&hop.context)).map(drop)
}

/// The operation of KMS that a hop calls, and the Region.
fn operation(hop: &Hop) -> Option<(&'static str, String)> {
    let (name, region) = match &hop.call {
        Call::PutKeyPolicy { key, .. } => ("PutKeyPolicy", key.region()),
        Call::ReplicateKey { key, .. } => ("ReplicateKey", key.region()),
        Call::CreateGrant { key, .. } => ("CreateGrant", key.region()),
        Call::TagKey { key, .. } => ("TagResource", key.region()),
        Call::UntagKey { key, .. } => ("UntagResource", key.region()),
        Call::CreateAlias { key, .. } => ("CreateAlias", key.region()),
        Call::UpdateAlias { key, .. } => ("UpdateAlias", key.region()),
        Call::DeleteAlias { alias } => ("DeleteAlias", alias.region()),
        _ => return None,
    };
    Some((name, region.to_owned()))
}

/// The tags of the sessions that hops make, by the role's name or their own.
fn session_tags(path: &Path) -> BTreeMap<Box<str>, Tags> {
    let taken = path.hops.iter().filter_map(|hop| match &hop.call {
        Call::AssumeRole { role: taken, tags }
        | Call::GetFederationToken { session: taken, tags } => {
            Some((session_of(&Who::parse(taken)?)?, tags.clone()))
        }
        _ => None,
    });
    taken.collect()
}

fn tags_of<'t>(caller: &Who, tags: &'t BTreeMap<Box<str>, Tags>) -> Option<&'t Tags> {
    tags.get(&session_of(caller)?)
}

/// The account and the name of a session's role; the whole of a federated one's.
fn session_of(caller: &Who) -> Option<Box<str>> {
    let name = match &caller.kind {
        CallerKind::Role => caller.text.rsplit('/').next()?,
        CallerKind::AssumedRole { role, .. } => role,
        CallerKind::FederatedUser { .. } => return Some(caller.text.clone()),
        _ => return None,
    };
    Some(format!("{}/{}", caller.account?, name.to_ascii_lowercase()).into())
}
