//! What executing a path comes to, and the calls that many paths make.

use keyreach::graph::{Call, Hop, Path, execute, worlds};
use keyreach::inventory::Inventory;
use keyreach::policy::PolicyKind;

use super::{A, arn, everything, path, tags, world};

/// What becomes of a path: `ok`, or where it ends and why.
pub fn fate(world: &Inventory, path: &Path) -> String {
    match execute(world, path) {
        Ok(executed) => {
            assert_eq!(executed.hops.len(), path.hops.len());
            assert_eq!(worlds(world, path).count(), path.hops.len() + 1);
            assert!(!executed.goal.because.is_empty());
            "ok".to_owned()
        }
        Err(failure) => failure.to_string(),
    }
}

/// Executes a path to kms:Decrypt on `key/K`.
#[track_caller]
pub fn check(text: &str, from: &str, hops: Vec<Hop>, goal_as: &str, expected: &str) {
    let told = fate(&world(text), &path(from, hops, goal_as, "key/K"));
    match expected {
        "ok" => assert_eq!(told, "ok"),
        part => assert!(told.contains(part), "{told}"),
    }
}

/// A world of account A whose key K delegates to IAM and in which these users stand; it goes on with
/// `more`.
pub fn delegated(users: &str, more: &str) -> String {
    format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ {users} }}, roles: {{}}, {more} }} }}"
    )
}

pub fn put_policy(holder: &str) -> Call {
    let document = everything(PolicyKind::Identity, None);
    Call::PutPolicy { holder: arn(holder).into(), name: "made".into(), document }
}

pub fn attach(holder: &str, policy: &str) -> Call {
    Call::AttachPolicy { holder: arn(holder).into(), policy: arn(policy).into() }
}

pub fn assume(role: &str) -> Call {
    Call::AssumeRole { role: arn(role).into(), tags: tags(&[]) }
}

pub const DENIED_BY_IAM: &str = "hop 1: iam:";
