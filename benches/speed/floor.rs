//! The least that reading an export can cost: walk, read, and parse into types that borrow.
//!
//! Everything that decides about access is split into its parts (statements, and their members as raw
//! text) and nothing is kept.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use walkdir::WalkDir;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details<'a> {
    #[serde(borrow, default)]
    user_detail_list: Vec<Entity<'a>>,
    #[serde(borrow, default)]
    group_detail_list: Vec<Entity<'a>>,
    #[serde(borrow, default)]
    role_detail_list: Vec<Entity<'a>>,
    #[serde(borrow, default)]
    policies: Vec<Managed<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entity<'a> {
    #[serde(borrow)]
    arn: &'a str,
    #[serde(borrow, default)]
    user_policy_list: Vec<Inline<'a>>,
    #[serde(borrow, default)]
    group_policy_list: Vec<Inline<'a>>,
    #[serde(borrow, default)]
    role_policy_list: Vec<Inline<'a>>,
    #[serde(borrow, default)]
    attached_managed_policies: Vec<Attached<'a>>,
    #[serde(borrow, default)]
    group_list: Vec<&'a str>,
    #[serde(borrow)]
    permissions_boundary: Option<Boundary<'a>>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    #[serde(borrow)]
    assume_role_policy_document: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Boundary<'a> {
    #[serde(borrow, rename = "PermissionsBoundaryArn")]
    arn: &'a str,
}

#[derive(Deserialize)]
struct Inline<'a> {
    #[serde(borrow, rename = "PolicyDocument")]
    document: &'a RawValue,
}

#[derive(Deserialize)]
struct Attached<'a> {
    #[serde(borrow, rename = "PolicyArn")]
    arn: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Managed<'a> {
    #[serde(borrow)]
    arn: &'a str,
    #[serde(borrow)]
    policy_version_list: Vec<Version<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version<'a> {
    #[serde(borrow)]
    document: &'a RawValue,
    is_default_version: bool,
}

#[derive(Deserialize)]
struct KeyPolicy {
    #[serde(rename = "Policy")]
    policy: String,
}

#[derive(Deserialize)]
struct Policy<'a> {
    #[serde(borrow, rename = "Statement")]
    statements: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    #[serde(borrow)]
    effect: Cow<'a, str>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    not_action: Option<&'a RawValue>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    not_resource: Option<&'a RawValue>,
    #[serde(borrow)]
    principal: Option<&'a RawValue>,
    #[serde(borrow)]
    not_principal: Option<&'a RawValue>,
    #[serde(borrow)]
    condition: Option<&'a RawValue>,
}

/// The files below `root`.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(root).into_iter().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

/// Reads and parses everything below `root` on all cores; how much of it was looked at.
pub fn read(root: &Path) -> usize {
    files(root).par_iter().map(|path| parse(path, &fs::read(path).unwrap())).sum()
}

fn parse(path: &Path, bytes: &[u8]) -> usize {
    match path.file_name().unwrap().to_str().unwrap() {
        "account-authorization-details.json" => details(&serde_json::from_slice(bytes).unwrap()),
        "get-key-policy.json" => {
            statements(&serde_json::from_slice::<KeyPolicy>(bytes).unwrap().policy)
        }
        _ => serde_json::from_slice::<FxHashMap<&str, &RawValue>>(bytes).unwrap().len(),
    }
}

fn details(details: &Details<'_>) -> usize {
    let entities = details.user_detail_list.iter().chain(&details.group_detail_list);
    let entities = entities.chain(&details.role_detail_list).map(entity);
    let versions = details.policies.iter().flat_map(|policy| {
        let versions = policy.policy_version_list.iter().filter(|it| it.is_default_version);
        versions.map(|version| policy.arn.len() + statements(version.document.get()))
    });
    entities.chain(versions).sum()
}

fn entity(entity: &Entity<'_>) -> usize {
    let inline = entity.user_policy_list.iter().chain(&entity.group_policy_list);
    let inline = inline.chain(&entity.role_policy_list).map(|it| statements(it.document.get()));
    let attached = entity.attached_managed_policies.iter().map(|policy| policy.arn.len());
    let boundary = entity.permissions_boundary.iter().map(|policy| policy.arn.len());
    let raw = [entity.tags, entity.assume_role_policy_document].into_iter().flatten();
    let raw = raw.map(|raw| raw.get().len());
    let all = inline.chain(attached).chain(boundary).chain(raw);
    entity.arn.len() + entity.group_list.len() + all.sum::<usize>()
}

fn statements(document: &str) -> usize {
    let policy: Policy<'_> = serde_json::from_str(document).unwrap();
    let statement = |raw: &&RawValue| {
        let it: Statement<'_> = serde_json::from_str(raw.get()).unwrap();
        let members = [it.action, it.not_action, it.resource, it.not_resource];
        let members = members.into_iter().chain([it.principal, it.not_principal, it.condition]);
        it.effect.len() + members.flatten().map(|raw| raw.get().len()).sum::<usize>()
    };
    policy.statements.iter().map(statement).sum()
}
