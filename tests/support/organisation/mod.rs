//! Synthetic organisations: the same shape always gives the same bytes.
//!
//! Every name, policy and grant is a pure function of the seed and its place, so that accounts are
//! made independently and a request about a key needs that key alone. What is written is the
//! canonical export layout, in the shapes that the aws CLI prints.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test and bench that includes this module uses a part of it"
)]
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "indexes come from the shape itself, and a test stops where it is wrong"
)]

mod iam;
mod identity;
mod json;
mod key;
mod key_policy;
mod managed;
mod org;
mod policy;
mod random;
mod requests;
mod world;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use json::Json;
use key::Key;
use world::World;

/// How large an organisation is: totals, spread unevenly over its accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Another seed, another organisation of the same size.
    pub seed: u64,
    /// Accounts, the management account included.
    pub accounts: usize,
    /// IAM users.
    pub users: usize,
    /// Roles; the first eight of an account are those of its landing zone.
    pub roles: usize,
    /// Groups.
    pub groups: usize,
    /// Keys; some multi-Region keys have a replica on top.
    pub keys: usize,
    /// Customer managed policies.
    pub policies: usize,
    /// Grants.
    pub grants: usize,
}

impl Shape {
    /// One account: 100 principals, 50 keys.
    pub fn s1() -> Self {
        Self {
            seed: 1,
            accounts: 1,
            users: 50,
            roles: 50,
            groups: 8,
            keys: 50,
            policies: 30,
            grants: 30,
        }
    }

    /// One account: 400 principals, 50 keys.
    pub fn w400() -> Self {
        Self { users: 200, roles: 200, ..Self::s1() }
    }

    /// Five accounts: 500 principals, 500 keys.
    pub fn m5() -> Self {
        Self {
            accounts: 5,
            users: 250,
            roles: 250,
            groups: 40,
            keys: 500,
            policies: 150,
            grants: 300,
            ..Self::s1()
        }
    }

    /// Twenty accounts: 2,000 principals, 2,000 keys.
    pub fn l20() -> Self {
        Self {
            accounts: 20,
            users: 1_000,
            roles: 1_000,
            groups: 160,
            keys: 2_000,
            policies: 600,
            grants: 1_600,
            ..Self::s1()
        }
    }

    /// A hundred accounts: 20,000 principals, 10,000 keys.
    pub fn x100() -> Self {
        Self {
            accounts: 100,
            users: 10_000,
            roles: 10_000,
            groups: 1_000,
            keys: 10_000,
            policies: 4_000,
            grants: 10_000,
            ..Self::s1()
        }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Accounts.
    pub accounts: usize,
    /// Users and roles.
    pub principals: usize,
    /// Keys, replicas included.
    pub keys: usize,
    /// Replicas among the keys.
    pub replicas: usize,
    /// Grants.
    pub grants: usize,
    /// Files.
    pub files: usize,
    /// Bytes in them.
    pub bytes: usize,
}

/// Writes an organisation below `root`, which should be empty, an account at a time on each core.
pub fn write(shape: &Shape, root: &Path) -> io::Result<Summary> {
    let world = World::new(shape);
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get());
    let mut total = Summary { accounts: shape.accounts, ..Summary::default() };
    let work = || -> io::Result<Summary> {
        let mut done = Summary::default();
        loop {
            let account = next.fetch_add(1, Ordering::Relaxed);
            if account >= world.accounts.len() {
                return Ok(done);
            }
            write_account(&world, account, root, &mut done)?;
        }
    };
    let parts = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause)));
        joined.collect::<io::Result<Vec<Summary>>>()
    })?;
    for part in parts {
        total.add(&part);
    }
    let folder = root.join("organizations");
    for (name, json) in org::files(&world) {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        put(&path, &json, &mut total)?;
    }
    Ok(total)
}

/// The first `count` request lines about an organisation, which needs a key.
pub fn requests(shape: &Shape, count: usize) -> Vec<serde_json::Value> {
    assert!(shape.keys > 0, "there is nothing to ask about");
    let world = World::new(shape);
    (0..count).map(|number| requests::request(&world, number)).collect()
}

impl Summary {
    fn add(&mut self, other: &Self) {
        self.principals += other.principals;
        self.keys += other.keys;
        self.replicas += other.replicas;
        self.grants += other.grants;
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

fn write_account(
    world: &World,
    account: usize,
    root: &Path,
    summary: &mut Summary,
) -> io::Result<()> {
    let it = &world.accounts[account];
    let folder = root.join(&it.id);
    let iam = folder.join("iam");
    fs::create_dir_all(&iam)?;
    put(&iam.join("account-authorization-details.json"), &iam::details(world, account), summary)?;
    summary.principals += it.users + it.roles;
    for index in 0..it.keys {
        let key = Key::new(world, account, index);
        for region in &key.regions {
            let folder = folder.join(region).join("kms").join(&key.id);
            fs::create_dir_all(&folder)?;
            for (name, json) in key.files(world, region) {
                put(&folder.join(name), &json, summary)?;
            }
        }
        summary.keys += key.regions.len();
        summary.replicas += key.regions.len() - 1;
        summary.grants += key.grants.len();
    }
    Ok(())
}

fn put(path: &Path, json: &Json, summary: &mut Summary) -> io::Result<()> {
    let text = json.cli();
    summary.files += 1;
    summary.bytes += text.len();
    fs::write(path, text)
}
