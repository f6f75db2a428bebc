//! Plans and states as Terraform prints them: `show -json` of either, and `terraform.tfstate`.
//!
//! What they state of an address fills what the source leaves open, where that lies beside; what the
//! source does not show (modules from elsewhere) is taken from them alone.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::aws::{AccountId, Arn};
use crate::inventory::without_indices;
use crate::source::FileId;
use crate::syntax::{Kind, Node, json};

use super::super::declared::Deployment;
use super::super::document::{Document, Read, Refusal};
use super::super::facts::Fact;
use super::Source;
use super::changes::{self, Changes, after, is_current};
use super::configured::Configurations;
use super::held;
use super::listed::{self, Owned};
use super::module::Mode;
use super::moves::Moves;
use super::planned::{resolved, written};
use super::providers::Provider;
use super::referred::References;
use super::value::{At, Data, Object, Value};

/// Arguments that AWS fills in where they are not given; all of the provider awscc are such.
const LEFT_TO_AWS: [&str; 4] = ["policy", "multi_region", "inline_policy", "managed_policy_arns"];

/// How deep modules are followed.
const DEPTH: usize = 16;

/// What a plan or a state says.
pub(super) struct Plan {
    file: FileId,
    /// Whether no source stands beside any plan.
    is_alone: bool,
    resources: BTreeMap<String, Stated>,
    references: References,
    /// The provider configurations that blocks name, by the addresses of the blocks.
    provided: BTreeMap<String, Box<str>>,
    /// What keys and roles are given, by their addresses: the rest is as AWS makes them.
    given: BTreeMap<String, BTreeSet<Box<str>>>,
    /// What resources of their own give to roles.
    owned: Owned,
    providers: Configurations,
    variables: BTreeMap<Box<str>, Box<str>>,
    /// ARN of who ran Terraform.
    pub(super) caller: Option<Box<str>>,
    account: Option<AccountId>,
    /// The accounts of provider configurations, as the ARNs of what they made say.
    accounts: BTreeMap<Box<str>, AccountId>,
    region: Option<Box<str>>,
    /// The addresses of keys that it deletes.
    deleted: Vec<Box<str>>,
}

/// One instance of a resource or of data.
pub(super) struct Stated {
    pub(super) mode: Mode,
    pub(super) of_type: Box<str>,
    pub(super) at: At,
    pub(super) values: Rc<Object>,
}

/// Keeps a document that is a plan or a state.
pub(in crate::ingest) fn read(document: &Document<'_, '_>) -> Read {
    let has = |name: &str| document.get(name).is_some();
    let is_plan = has("planned_values") && has("format_version");
    let is_shown = has("values") && has("format_version") && has("terraform_version");
    let is_state = has("resources") && has("version") && has("lineage");
    if !(is_plan || is_shown || is_state) {
        return Err(Refusal::Other);
    }
    let (file, text) = (document.source.file, document.source.text.into());
    Ok(vec![Fact::Terraform(Source { file, text, is_plan: true })])
}

impl Plan {
    /// Reads the text of a plan or a state: of a plan what it comes to, or what was there before it. Where
    /// it `is_alone`, no source can ask for anything but what decides on keys. `moves` are those of the
    /// source that a state lies beside.
    pub(super) fn parse(
        text: &str,
        file: FileId,
        is_before: bool,
        is_alone: bool,
        moves: &Moves,
    ) -> Option<Self> {
        let root = json::parse(text).ok()?;
        let mut plan = Self {
            file,
            is_alone,
            resources: BTreeMap::new(),
            references: References::default(),
            provided: BTreeMap::new(),
            given: BTreeMap::new(),
            owned: Owned::default(),
            providers: Configurations::default(),
            variables: BTreeMap::new(),
            caller: None,
            account: None,
            accounts: BTreeMap::new(),
            region: None,
            deleted: Vec::new(),
        };
        let prior = root.get("prior_state").and_then(|state| state.get("values"));
        let shown = root.get("values");
        let planned = root.get("planned_values").filter(|_| !is_before);
        let changes = items(root.get("resource_changes")).filter(is_current);
        let after = match is_before {
            true => Changes::new(),
            false => changes.clone().filter_map(after).collect(),
        };
        for values in [prior, planned, shown].into_iter().flatten() {
            let is_prior = !is_before && prior.is_some_and(|prior| std::ptr::eq(prior, values));
            if let Some(module) = values.get("root_module") {
                plan.module(module, is_prior, &after, 0);
            }
        }
        match is_before {
            true => changes.clone().for_each(|change| plan.before(change)),
            false => {
                plan.read_later(&after);
                let forgotten = changes.clone().filter(changes::is_forgotten);
                forgotten.for_each(|change| plan.before(change));
                plan.deleted = changes.clone().filter_map(changes::deleted).collect();
            }
        }
        if shown.is_none() && root.get("lineage").is_some() {
            items(root.get("resources")).for_each(|resource| plan.state(resource));
        }
        if root.get("planned_values").is_none() {
            moves.apply(&mut plan.resources);
        }
        if let Some(variables) = root.get("variables") {
            for variable in variables.members() {
                let text = variable.value.get("value").and_then(written);
                plan.variables.extend(text.map(|text| (variable.name.value.as_ref().into(), text)));
            }
        }
        if let Some(configuration) = root.get("configuration") {
            plan.providers = Configurations::of(configuration.get("provider_config"));
            plan.region = plan.providers.default_region();
            if let Some(module) = configuration.get("root_module") {
                plan.configuration(module, "", 0);
            }
        }
        plan.identity();
        plan.own(changes);
        Some(plan)
    }

    fn module(&mut self, module: &Node<'_>, is_prior: bool, after: &Changes<'_>, depth: usize) {
        for resource in items(module.get("resources")).filter(is_current) {
            let Some(address) = resource.get("address").and_then(Node::as_str) else { continue };
            let values = resource.get("values");
            // Of what was there before only what was read counts: the rest is planned, or goes.
            let is_data = resource.get("mode").and_then(Node::as_str) == Some("data");
            match after.get(address).filter(|_| !is_prior) {
                Some((change, after, unknown)) => {
                    self.add(address, change, Some(after), *unknown);
                }
                None if !is_prior || is_data => self.add(address, resource, values, None),
                None => {}
            }
        }
        if depth < DEPTH {
            let inner = items(module.get("child_modules"));
            inner.for_each(|inner| self.module(inner, is_prior, after, depth + 1));
        }
    }

    /// What is read when the plan is applied.
    fn read_later(&mut self, after: &Changes<'_>) {
        for (address, (change, after, unknown)) in after {
            if change.get("mode").and_then(Node::as_str) == Some("data") {
                self.add(address, change, Some(after), *unknown);
            }
        }
    }

    /// What a change finds, where the state before it does not say so.
    fn before(&mut self, change: &Node<'_>) {
        let Some(address) = change.get("address").and_then(Node::as_str) else { return };
        let before = change.get("change").and_then(|of| of.get("before"));
        let before = before.filter(|before| !matches!(before.kind, Kind::Null));
        if before.is_some() && !self.resources.contains_key(address) {
            self.add(address, change, before, None);
        }
    }

    /// A resource of `terraform.tfstate`.
    fn state(&mut self, resource: &Node<'_>) {
        let text = |name: &str| resource.get(name).and_then(Node::as_str);
        let (Some(of_type), Some(name)) = (text("type"), text("name")) else { return };
        let module = text("module").map(|module| format!("{module}.")).unwrap_or_default();
        let data = if text("mode") == Some("data") { "data." } else { "" };
        for instance in items(resource.get("instances")).filter(is_current) {
            let index = instance.get("index_key").map(|index| match &index.kind {
                Kind::String(name) => format!("[\"{name}\"]"),
                _ => format!("[{}]", index.scalar().unwrap_or_default()),
            });
            let index = index.unwrap_or_default();
            let address = format!("{module}{data}{of_type}.{name}{index}");
            if let Some(provider) = text("provider").and_then(configuration) {
                self.provided.insert(without_indices(&address), provider);
            }
            self.add(&address, resource, instance.get("attributes"), None);
        }
    }

    fn add(
        &mut self,
        address: &str,
        resource: &Node<'_>,
        values: Option<&Node<'_>>,
        unknown: Option<&Node<'_>>,
    ) {
        let text = |name: &str| resource.get(name).and_then(Node::as_str);
        let Some(of_type) = text("type").filter(|it| !self.is_alone || is_asked_for(it)) else {
            return;
        };
        let mode = if text("mode") == Some("data") { Mode::Data } else { Mode::Resource };
        let at = At { file: self.file, span: resource.span };
        let value = resolved(values, unknown, address, at, 0);
        if let Data::Object(values) = value.data {
            let stated = Stated { mode, of_type: of_type.into(), at, values };
            self.resources.insert(address.to_owned(), stated);
        }
    }

    /// What the configuration of a module says that arguments refer to.
    fn configuration(&mut self, module: &Node<'_>, prefix: &str, depth: usize) {
        for resource in items(module.get("resources")) {
            let Some(address) = resource.get("address").and_then(Node::as_str) else { continue };
            let address = format!("{prefix}{address}");
            if let Some(provider) = resource.get("provider_config_key").and_then(Node::as_str) {
                self.provided.insert(address.clone(), provider.into());
            }
            let expressions = resource.get("expressions").map(Node::members).unwrap_or_default();
            let of_type = resource.get("type").and_then(Node::as_str);
            if matches!(of_type, Some("aws_kms_key" | "aws_iam_role" | "awscc_kms_key")) {
                let names = expressions.iter().map(|it| Box::from(&*it.name.value));
                self.given.insert(address.clone(), names.collect());
            }
            for expression in expressions {
                self.references.add(&address, &expression.name.value, &expression.value);
            }
        }
        let calls = module.get("module_calls").map(Node::members).unwrap_or_default();
        for call in calls.iter().filter(|_| depth < DEPTH) {
            if let Some(inner) = call.value.get("module") {
                let prefix = format!("{prefix}module.{}.", call.name.value);
                self.references.add_call(&prefix, &call.value, inner);
                self.configuration(inner, &prefix, depth + 1);
            }
        }
    }

    /// Who ran Terraform, and in which account: as the default configuration of the provider says, where
    /// it says one thing.
    fn identity(&mut self) {
        let of = |of_type: &str, name: &str| {
            let is_default = |address: &str| self.provider_of(address).is_none_or(|it| it == "aws");
            let all = self
                .resources()
                .filter(|(address, stated)| &*stated.of_type == of_type && is_default(address));
            let known: BTreeSet<Rc<str>> =
                all.filter_map(|(_, stated)| stated.values.get(name)?.known()).collect();
            let mut known = known.into_iter();
            known.next().filter(|_| known.next().is_none())
        };
        let caller = of("aws_caller_identity", "arn").map(|arn| Box::from(&*arn));
        let account = of("aws_caller_identity", "account_id").and_then(|id| AccountId::parse(&id));
        let region = of("aws_region", "name").or_else(|| of("aws_region", "region"));
        (self.caller, self.account) = (caller, account);
        self.region = self.region.take().or_else(|| region.map(|region| Box::from(&*region)));
        self.accounts = self.made_in();
        self.account = self.account.or(self.accounts.get("aws").copied());
        if self.is_alone {
            self.region = self.region.take().or_else(|| self.made_at());
        }
    }

    /// What has an ARN of its own, and the ARN where it is there already.
    fn made(&self) -> impl Iterator<Item = (&str, Option<Rc<str>>)> {
        let made = self.resources().filter(|(_, stated)| stated.mode == Mode::Resource);
        let made = made.filter(|(_, stated)| has_arn(&stated.of_type));
        made.map(|(address, stated)| (address, stated.values.get("arn").and_then(Value::known)))
    }

    /// The account that each configuration works in, where all ARNs that are known say the same.
    fn made_in(&self) -> BTreeMap<Box<str>, AccountId> {
        let mut accounts: BTreeMap<Box<str>, BTreeSet<AccountId>> = BTreeMap::new();
        for (address, arn) in self.made() {
            let arn = arn.as_deref().and_then(Arn::parse);
            if let Some(account) = arn.and_then(|arn| AccountId::parse(arn.account)) {
                let name = self.provider_of(address).unwrap_or("aws");
                accounts.entry(name.into()).or_default().insert(account);
            }
        }
        let only = |(name, all): (Box<str>, BTreeSet<AccountId>)| match all.len() {
            1 => Some((name, all.into_iter().next()?)),
            _ => None,
        };
        accounts.into_iter().filter_map(only).collect()
    }

    /// The Region of all that is there, where every ARN is known and says the same.
    fn made_at(&self) -> Option<Box<str>> {
        let mut regions = BTreeSet::new();
        for (_, arn) in self.made() {
            let arn = arn?;
            let region = Arn::parse(&arn)?.region;
            if !region.is_empty() {
                regions.insert(Box::from(region));
            }
        }
        let mut regions = regions.into_iter();
        regions.next().filter(|_| regions.next().is_none())
    }

    /// What the plan states of an address.
    pub(super) fn stated(&self, address: &str) -> Option<Rc<Object>> {
        self.resources.get(address).map(|stated| Rc::clone(&stated.values))
    }

    /// Whether an argument is not known because it is not given, and AWS says what it is.
    pub(super) fn is_left_to_aws(&self, address: &str, argument: &str) -> bool {
        let is_open = LEFT_TO_AWS.contains(&argument) || address.contains("awscc_");
        is_open && self.is_given(address, argument) == Some(false)
    }

    /// Whether the source gives an argument of a key or a role, where the plan says it.
    fn is_given(&self, address: &str, argument: &str) -> Option<bool> {
        let given = self.given.get(&without_indices(address))?;
        Some(given.contains(argument))
    }

    /// Notes what resources of their own give to roles, and gave before the plan.
    fn own<'n>(&mut self, changes: impl Iterator<Item = &'n Node<'n>>) {
        let mut owned = Owned::default();
        for change in changes {
            let of_type = change.get("type").and_then(Node::as_str);
            let address = change.get("address").and_then(Node::as_str);
            if let Some((of_type, address)) = of_type.zip(address)
                && let Some(before) = listed::before(change, of_type, self.file)
            {
                owned.add(self.provider_of(address), of_type, &before);
            }
        }
        for (address, stated) in self.resources() {
            owned.add(self.provider_of(address), &stated.of_type, &stated.values);
        }
        self.owned = owned;
    }

    /// What a role lists in an argument that its source does not give, without what resources of their
    /// own give; nothing where it is something else.
    pub(super) fn listed(&self, address: &str, stated: &Stated, argument: &str) -> Option<Value> {
        let is_open = self.is_given(address, argument) != Some(true);
        let list = stated.values.get(argument).filter(|_| is_open)?;
        self.owned.without(self.provider_of(address), stated, (argument, list))
    }

    /// The name of the provider configuration of an address, where the plan says it.
    fn provider_of(&self, address: &str) -> Option<&str> {
        self.provided.get(&without_indices(address)).map(|name| &**name)
    }

    /// The provider of an address: the configuration is one of `known`, or as the plan says, or else `plain`
    /// but for its account.
    pub(super) fn provider(
        &self,
        address: &str,
        known: &BTreeMap<String, Provider>,
        plain: Provider,
    ) -> Provider {
        let name = self.provider_of(address).unwrap_or("aws");
        let known = known.get(name).filter(|_| name != "aws" || !self.providers.has(name)).cloned();
        known.unwrap_or_else(|| {
            let mut provider = self.providers.get(name, &plain.deployment).unwrap_or(plain);
            let is_open = name != "aws" || provider.account().is_symbol();
            if let Some(account) = self.accounts.get(name).filter(|_| is_open) {
                provider.deployment.account = *account;
            }
            provider
        })
    }

    /// The resources, by address.
    pub(super) fn resources(&self) -> impl Iterator<Item = (&str, &Stated)> {
        self.resources.iter().map(|(address, stated)| (address.as_str(), stated))
    }

    /// The keys of the instances that a block or a module has, each once: what stands behind its address.
    pub(super) fn indices<'p>(&'p self, address: &'p str) -> BTreeSet<&'p str> {
        let from = self.resources.range(address.to_owned()..);
        let inside = from.take_while(move |(known, _)| known.starts_with(address));
        let index = |known: &'p str| {
            let behind = known.strip_prefix(address)?.strip_prefix('[')?;
            let end = match behind.starts_with('"') {
                true => behind.find("\"]")? + 1,
                false => behind.find(']')?,
            };
            behind.get(..end)
        };
        inside.filter_map(|(known, _)| index(known)).collect()
    }

    /// The one resource that an argument refers to, and what of it.
    pub(super) fn reference(&self, address: &str, argument: &str) -> Option<(&str, &Stated, &str)> {
        self.references.meant(address, argument, &self.resources)
    }

    /// The same as it is written, whatever that is.
    pub(super) fn written(&self, address: &str, argument: &str) -> Option<String> {
        self.references.written(address, argument)
    }

    /// Which keys it deletes, in words.
    pub(super) fn deletes(&self) -> Option<Box<str>> {
        changes::deletes(&self.deleted)
    }

    /// Where the plan's resources are deployed to.
    pub(super) fn deployment(&self, given: &Deployment) -> Deployment {
        let mut deployment = given.clone();
        if let Some(account) = self.account.filter(|_| given.account.is_symbol()) {
            deployment.account = account;
        }
        if let Some(region) = &self.region {
            deployment.region = region.clone();
            deployment.partition = crate::aws::region::partition(region).into();
        }
        for (name, text) in &self.variables {
            deployment.variables.entry(name.clone()).or_insert_with(|| text.clone());
        }
        deployment
    }
}

/// The name of a provider's configuration, as a state says it: `provider["..."].alias`.
fn configuration(provider: &str) -> Option<Box<str>> {
    let (source, alias) = provider.rsplit_once("\"]")?;
    let name = source.rsplit('/').next().filter(|name| matches!(*name, "aws" | "awscc"))?;
    let alias = alias.strip_prefix('.').map(|alias| format!("{name}.{alias}"));
    Some(alias.map_or_else(|| name.into(), Into::into))
}

/// Whether something of a plan without source decides on keys.
fn is_asked_for(of_type: &str) -> bool {
    let ours = ["aws_kms_", "aws_iam_", "aws_organizations_policy", "awscc_"];
    let mut ours = ours.iter().chain(&["aws_caller_identity", "aws_region", "aws_partition"]);
    ours.any(|ours| of_type.starts_with(ours)) || held::is_holder(of_type)
}

/// Whether a resource of ours has an ARN of its own, once it is made.
fn has_arn(of_type: &str) -> bool {
    let keys = ["key", "external_key", "replica_key", "replica_external_key"];
    let entities = ["role", "user", "group", "policy"];
    let one_of = |prefix: &str, names: &[&str]| {
        of_type.strip_prefix(prefix).is_some_and(|name| names.contains(&name))
    };
    one_of("aws_kms_", &keys) || one_of("awscc_kms_", &keys) || one_of("aws_iam_", &entities)
}

/// The items of a list.
pub(super) fn items<'n, 'a>(
    node: Option<&'n Node<'a>>,
) -> impl Iterator<Item = &'n Node<'a>> + Clone {
    let items = node.map(|node| match &node.kind {
        Kind::Array(items) => items.as_slice(),
        _ => &[],
    });
    items.unwrap_or_default().iter()
}
