//! The manifest that the CDK writes beside its templates: which account and Region each is for.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::aws::AccountId;
use crate::source::FileId;

use super::super::declared::Deployment;
use super::super::document::{Document, Read, Refusal};
use super::super::facts::Fact;
use super::Template;

/// What the stacks of a manifest are deployed to, each as it is written:
/// `aws://111122223333/eu-west-1`.
#[derive(Debug)]
pub(in crate::ingest) struct Manifest {
    file: FileId,
    environments: BTreeSet<Box<str>>,
}

#[derive(Deserialize)]
struct Artifact {
    #[serde(rename = "type")]
    of_type: Option<String>,
    environment: Option<String>,
}

/// Reads a manifest.
pub(in crate::ingest) fn read(document: &Document<'_, '_>) -> Read {
    let artifacts: Option<std::collections::BTreeMap<String, Artifact>> =
        document.read("artifacts").map_err(|_| Refusal::Other)?;
    let is_one = document.get("version").is_some();
    let artifacts = artifacts.filter(|_| is_one).ok_or(Refusal::Other)?;
    let stacks = artifacts
        .into_values()
        .filter(|artifact| artifact.of_type.as_deref() == Some("aws:cloudformation:stack"));
    let environments: BTreeSet<Box<str>> =
        stacks.map(|stack| stack.environment.unwrap_or_default().into()).collect();
    if environments.is_empty() {
        return Err(Refusal::Other);
    }
    let manifest = Manifest { file: document.source.file, environments };
    Ok(vec![Fact::Manifest(manifest)])
}

/// Where the templates are deployed to: as the manifests beside all of them say, where these agree and the
/// user does not say otherwise.
pub(in crate::ingest) fn deployment(
    manifests: &[Manifest],
    templates: &[Template],
    given: &Deployment,
    path: &dyn Fn(FileId) -> String,
) -> Deployment {
    let folder = |file: FileId| path(file).rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let mut deployment = given.clone();
    let folders: BTreeSet<_> = manifests.iter().map(|manifest| folder(manifest.file)).collect();
    let is_beside = |template: &Template| folders.contains(&folder(template.file));
    let all: BTreeSet<&str> =
        manifests.iter().flat_map(|it| &it.environments).map(AsRef::as_ref).collect();
    let only = match Vec::from_iter(&all).as_slice() {
        [only] if templates.iter().all(is_beside) => only.strip_prefix("aws://"),
        _ => None,
    };
    let Some((account, region)) = only.and_then(|only| only.split_once('/')) else {
        return deployment;
    };
    let account = AccountId::parse(account).filter(|account| !account.is_symbol());
    if let Some(account) = account.filter(|_| given.account.is_symbol()) {
        deployment.account = account;
    }
    if *given.region == *super::super::REGION && !region.starts_with("unknown") {
        deployment.in_region(region);
    }
    deployment
}
