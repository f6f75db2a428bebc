//! The manifest that the CDK writes beside its templates: which account and Region each is for.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::aws::AccountId;
use crate::source::FileId;

use super::super::declared::{Deployment, REGION};
use super::super::document::{Document, Read, Refusal};
use super::super::facts::Fact;
use super::Template;

/// What the stacks of a manifest are deployed to.
#[derive(Debug)]
pub(in crate::ingest) struct Manifest {
    file: FileId,
    stacks: Vec<Listed>,
}

/// A stack that a manifest lists.
#[derive(Debug)]
struct Listed {
    /// The template, as a path from the manifest's directory.
    template: Box<str>,
    /// As it is written: `aws://111122223333/eu-west-1`.
    environment: Box<str>,
}

#[derive(Deserialize)]
struct Artifact {
    #[serde(rename = "type")]
    of_type: Option<String>,
    environment: Option<String>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    template_file: Option<String>,
}

/// Reads a manifest.
pub(in crate::ingest) fn read(document: &Document<'_, '_>) -> Read {
    let artifacts: Option<BTreeMap<String, Artifact>> =
        document.read("artifacts").map_err(|_| Refusal::Other)?;
    let is_one = document.get("version").is_some();
    let artifacts = artifacts.filter(|_| is_one).ok_or(Refusal::Other)?;
    let stacks = artifacts
        .into_iter()
        .filter(|(_, it)| it.of_type.as_deref() == Some("aws:cloudformation:stack"))
        .map(|(name, it)| {
            let template = it.properties.and_then(|properties| properties.template_file);
            Listed {
                template: template.unwrap_or_else(|| format!("{name}.template.json")).into(),
                environment: it.environment.unwrap_or_default().into(),
            }
        });
    let stacks: Vec<Listed> = stacks.collect();
    if stacks.is_empty() {
        return Err(Refusal::Other);
    }
    Ok(vec![Fact::Manifest(Manifest { file: document.source.file, stacks })])
}

/// Where templates are deployed to.
pub(in crate::ingest) struct Deployments {
    given: Deployment,
    by_template: BTreeMap<FileId, Deployment>,
}

impl Deployments {
    /// As the manifests beside them say, where the user does not say otherwise.
    pub(in crate::ingest) fn new(
        manifests: &[Manifest],
        templates: &[Template],
        given: &Deployment,
        path: &dyn Fn(FileId) -> String,
    ) -> Self {
        let files: BTreeMap<String, FileId> =
            templates.iter().map(|template| (path(template.file), template.file)).collect();
        let mut by_template = BTreeMap::new();
        for manifest in manifests {
            let own = path(manifest.file);
            let folder =
                own.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let of = |stack: &Listed| deployed(given, &stack.environment);
            // What no manifest lists another template nests: where, is known where there is one place.
            let environments = manifest.stacks.iter().map(|stack| &stack.environment);
            let is_one = environments.clone().min() == environments.max();
            if let Some(only) = manifest.stacks.first().filter(|_| is_one).and_then(of) {
                let is_beside = |path: &str| {
                    path.strip_prefix(&*folder).is_some_and(|name| !name.contains('/'))
                };
                let beside = files.iter().filter(|(path, _)| is_beside(path));
                beside.for_each(|(_, file)| {
                    by_template.entry(*file).or_insert_with(|| only.clone());
                });
            }
            for stack in &manifest.stacks {
                let file = files.get(&format!("{folder}{}", stack.template));
                by_template.extend(file.copied().zip(of(stack)));
            }
        }
        Self { given: given.clone(), by_template }
    }

    /// What the user says of all of them.
    pub(super) fn given(&self) -> &Deployment {
        &self.given
    }

    /// Where a template is deployed to, unless another one nests it.
    pub(super) fn of(&self, template: FileId) -> &Deployment {
        self.by_template.get(&template).unwrap_or(&self.given)
    }
}

/// A deployment to an environment, as far as the user does not say otherwise.
fn deployed(given: &Deployment, environment: &str) -> Option<Deployment> {
    let (account, region) = environment.strip_prefix("aws://")?.split_once('/')?;
    let mut deployment = given.clone();
    let account = AccountId::parse(account).filter(|account| !account.is_symbol());
    if let Some(account) = account.filter(|_| given.account.is_symbol()) {
        deployment.account = account;
    }
    if *given.region == *REGION && !region.starts_with("unknown") {
        deployment.in_region(region);
    }
    Some(deployment)
}
