//! Worlds of infrastructure code from texts, and what is said of their one key.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes this module uses a part of it"
)]
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use jiff::Timestamp;
use keyreach::audit::Engine;
use keyreach::aws::{AccountId, KmsAction};
use keyreach::decision::{Bound, Caller, FACTS, Reach, Request, Target, Verdict};
use keyreach::ingest::{Deployment, Loaded, load_deployed};
use keyreach::source::Memory;

pub fn loaded_as(files: &[(&str, &str)], deployment: &Deployment) -> Loaded {
    let mut memory = Memory::default();
    for (path, text) in files {
        memory.put(*path, *text);
    }
    let loaded = load_deployed(&memory, &[".".to_owned()], deployment);
    assert_eq!(loaded.problems, []);
    loaded
}

pub fn loaded(files: &[(&str, &str)]) -> Loaded {
    loaded_as(files, &Deployment::default())
}

/// One module in one file.
pub fn module(text: &str) -> Memory {
    let mut memory = Memory::default();
    memory.put("main.tf", text);
    memory
}

/// To an account and a Region that are known.
pub fn pinned() -> Deployment {
    Deployment {
        account: AccountId::parse("111122223333").unwrap(),
        region: "eu-central-1".into(),
        ..Deployment::default()
    }
}

/// The least and the most that is true of the caller and the key with these ARNs.
pub fn bounds_on(loaded: &Loaded, caller: &str, action: KmsAction, key: &str) -> (Bound, Bound) {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let engine = Engine::with_facts(&loaded.inventory, now, FACTS);
    let (caller, target) = (Caller::parse(caller).unwrap(), Target::parse(key).unwrap());
    let verdict: Verdict = engine.verdict_of(&Request::plain(caller, action, target));
    (verdict.at_least(), verdict.at_most())
}

/// The same of the only key.
pub fn bounds_of(loaded: &Loaded, caller: &str, action: KmsAction) -> (Bound, Bound) {
    let mut keys = loaded.inventory.keys.values();
    let key = keys.next().unwrap().arn.as_str();
    assert!(keys.next().is_none());
    bounds_on(loaded, caller, action, key)
}

/// The same of a caller of the account that is deployed to.
pub fn bounds(loaded: &Loaded, caller: &str, action: KmsAction) -> (Bound, Bound) {
    bounds_of(loaded, &format!("arn:aws:iam::this-account:{caller}"), action)
}

pub const NEVER: (Bound, Bound) = (Bound::Never, Bound::Never);
pub const ANYTHING: (Bound, Bound) = (Bound::Never, Bound::Always);
pub const ALWAYS: (Bound, Bound) = (Bound::Always, Bound::Always);
