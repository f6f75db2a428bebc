//! Provider configurations: which account and Region a resource belongs to.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Body;

use crate::aws::{AccountId, Arn};

use super::super::declared::{Deployment, REGION};
use super::accounts::{Accounts, Said, said_by};
use super::evaluator::{Evaluator, Scope};
use super::module::{Module, Part, giving};
use super::reference::provider_name;
use super::value::Value;

/// Where the resources of a provider configuration live.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub(super) deployment: Deployment,
    /// Whether its Region is the one symbol though other configurations have it, too.
    pub(super) is_region_shared: bool,
    /// Whether it adds tags to whatever it makes.
    pub(super) has_tags: bool,
}

impl Provider {
    pub(super) fn account(&self) -> AccountId {
        self.deployment.account
    }
}

/// The bodies that give a configuration its arguments, each before those that it overrides.
type Written<'b> = Vec<(&'b Body, Scope)>;

/// The blocks of each configuration of a module; an overriding one is of the configuration with its alias.
fn written<'a>(module: &Module<'a>) -> Vec<Vec<Part<'a>>> {
    let alias = |part: &Part<'a>| {
        let alias = part.block.body.get_attribute("alias");
        let alias = alias.map(|alias| provider_name(&alias.value).unwrap_or_default());
        (label(part), alias)
    };
    let mut all: Vec<Vec<Part<'a>>> = module.providers.iter().map(|part| vec![*part]).collect();
    for part in &module.provider_overrides {
        let is_same = |parts: &&mut Vec<Part<'a>>| parts.last().map(alias) == Some(alias(part));
        match all.iter_mut().find(is_same) {
            Some(parts) => parts.insert(0, *part),
            None => all.push(vec![*part]),
        }
    }
    all
}

/// The provider that a block configures: `aws` or `awscc`.
fn label<'a>(part: &Part<'a>) -> &'a str {
    part.block.labels.first().map_or("aws", |label| label.as_str())
}

/// The provider configurations of a root module: `aws`, and `aws.ALIAS` for those with an alias; `awscc`
/// likewise.
pub(super) fn of_root<'a>(
    evaluator: &Evaluator<'a>,
    module: &'a Module<'a>,
    root: usize,
) -> BTreeMap<String, Provider> {
    let mut made = of_blocks(evaluator, module, root, None);
    let deployment = Deployment { variables: BTreeMap::new(), ..evaluator.deployment.clone() };
    let default = || Provider { deployment, is_region_shared: false, has_tags: false };
    made.entry("aws".to_owned()).or_insert_with(default);
    let open = made.values().filter(|provider| *provider.deployment.region == *REGION).count();
    for provider in made.values_mut().filter(|it| *it.deployment.region == *REGION) {
        provider.is_region_shared = open > 1;
    }
    made
}

/// What a called module has of its own, in place of what its call hands down.
pub(super) fn of_child<'a>(evaluator: &Evaluator<'a>, module: &'a Module<'a>, number: usize) {
    let Some(instance) = evaluator.instance(number) else { return };
    let name = super::module::split(module.directory).1;
    let mut own = of_blocks(evaluator, module, number, Some(name));
    for provider in own.values_mut() {
        // The configurations of the root may have the same symbol.
        provider.is_region_shared = *provider.deployment.region == *REGION;
    }
    instance.providers.borrow_mut().append(&mut own);
}

/// The accounts that configurations of some module have already.
fn taken(evaluator: &Evaluator<'_>) -> Vec<AccountId> {
    let instances = evaluator.instances.borrow();
    let of = |providers: &BTreeMap<String, Provider>| -> Vec<AccountId> {
        providers.values().map(Provider::account).collect()
    };
    instances.iter().flat_map(|instance| of(&instance.providers.borrow())).collect()
}

/// The configurations that a module declares: the root, or one of the name `child` that is called, for
/// which nothing is pinned.
fn of_blocks<'a>(
    evaluator: &Evaluator<'a>,
    module: &'a Module<'a>,
    instance: usize,
    child: Option<&str>,
) -> BTreeMap<String, Provider> {
    let mut made: BTreeMap<String, Provider> = BTreeMap::new();
    let plain = Deployment { variables: BTreeMap::new(), ..evaluator.deployment.clone() };
    let taken = [AccountId::THIS, plain.account].into_iter().chain(taken(evaluator)).collect();
    let scope = |file| Scope { instance, file, names: None };
    // In a module that is called a block of an alias alone only says that its call hands one down.
    let is_own = |parts: &Vec<Part<'a>>| {
        let mut attributes = parts.iter().flat_map(|part| part.block.body.attributes());
        child.is_none()
            || attributes.any(|it| !matches!(it.key.as_str(), "alias" | "version"))
            || parts.iter().any(|part| part.block.body.blocks().next().is_some())
    };
    let all: Vec<(&str, Written<'_>)> = written(module)
        .into_iter()
        .filter(is_own)
        .map(|parts| {
            let bodies = parts.iter().map(|part| (&part.block.body, scope(part.file)));
            (parts.first().map_or("aws", label), bodies.collect())
        })
        .collect();
    let value = |bodies: &Written<'_>, name: &str| {
        bodies.iter().find_map(|(body, scope)| evaluator.attribute(body, name, scope))
    };
    let has = |bodies: &Written<'_>, name: &str| {
        bodies.iter().any(|(body, _)| body.has_attribute(name) || body.has_blocks(name))
    };
    let profile = |bodies: &Written<'_>| {
        let profile = value(bodies, "profile")?;
        Some(profile.known().unwrap_or_else(|| evaluator.written(profile.at).into()))
    };
    let is_plain = |(_, bodies): &&(&str, Written<'_>)| child.is_none() && !has(bodies, "alias");
    let first = all.iter().filter(is_plain).min_by_key(|(of, _)| *of);
    let default = first.map(|(_, bodies)| bodies);
    let default_profile = default.and_then(profile);
    let said = |bodies: &Written<'_>| match has(bodies, "assume_role") {
        true => said_by(evaluator, &role(evaluator, bodies)?, module.directory),
        false => profile(bodies).map(|name| {
            let expression = format!("profile {name}");
            Said { expression, is_number: false }
        }),
    };
    let mut accounts = Accounts::new(taken);
    if let Some(said) = default.filter(|bodies| account(evaluator, bodies).is_none()).and_then(said)
    {
        accounts.keep(said, plain.account);
    }
    for (of, bodies) in &all {
        let text = |name: &str| value(bodies, name)?.known();
        let alias = text("alias");
        let mut deployment = plain.clone();
        match text("region") {
            Some(region) => deployment.region = Box::from(&*region),
            None if (alias.is_some() || child.is_some()) && has(bodies, "region") => {
                deployment.region = REGION.into();
            }
            None => {}
        }
        deployment.partition = partition(&deployment.region, &plain.partition);
        if let Some(account) = account(evaluator, bodies) {
            // What the user pinned is the account of the default configuration.
            if alias.is_some() || child.is_some() || plain.account.is_symbol() {
                deployment.account = account;
            }
        } else if let Some(name) = alias.as_deref().or(child) {
            let is_other = has(bodies, "assume_role") || profile(bodies) != default_profile;
            if is_other && !has(bodies, "assume_role_with_web_identity") {
                deployment.account = accounts.of(said(bodies), name);
                let what = match (&alias, child) {
                    (Some(alias), None) => format!("the account of the provider {of}.{alias}"),
                    _ => format!("the account of a provider of {}", child.unwrap_or(name)),
                };
                if deployment.account != plain.account {
                    evaluator.labels.borrow_mut().entry(deployment.account).or_insert(what);
                }
            }
        }
        let name = alias.map_or_else(|| (*of).to_owned(), |alias| format!("{of}.{alias}"));
        let has_tags = has(bodies, "default_tags");
        made.insert(name, Provider { deployment, is_region_shared: false, has_tags });
    }
    if child.is_none() {
        evaluator.accounts.borrow_mut().extend(accounts.numbers());
    }
    made
}

/// The partition of a Region, where that says it.
pub(super) fn partition(region: &str, default: &str) -> Box<str> {
    if region == REGION { default.into() } else { crate::aws::region::partition(region).into() }
}

/// The role that a configuration assumes.
fn role(evaluator: &Evaluator<'_>, bodies: &Written<'_>) -> Option<Value> {
    let mut roles = bodies
        .iter()
        .filter_map(|(body, scope)| Some((body.get_blocks("assume_role").next()?, scope)));
    let (role, scope) = roles.next()?;
    evaluator.attribute(&role.body, "role_arn", scope)
}

/// The account that a configuration names: by the role it assumes, or by those that it allows.
fn account(evaluator: &Evaluator<'_>, bodies: &Written<'_>) -> Option<AccountId> {
    let arn = role(evaluator, bodies).and_then(|role| role.known());
    let of_role = arn.as_deref().and_then(Arn::parse).and_then(|arn| AccountId::parse(arn.account));
    let allowed = || {
        let mut allowed = bodies.iter();
        let allowed = allowed
            .find_map(|(body, scope)| evaluator.attribute(body, "allowed_account_ids", scope))?;
        match allowed.items()? {
            [only] => AccountId::parse(&only.known()?),
            _ => None,
        }
    };
    of_role.or_else(allowed)
}

/// The provider configurations that a call hands down.
pub(super) fn of_call(
    outer: &BTreeMap<String, Provider>,
    call: &[Part<'_>],
) -> BTreeMap<String, Provider> {
    let mut made = BTreeMap::new();
    for name in ["aws", "awscc"] {
        made.extend(outer.get(name).map(|default| (name.to_owned(), default.clone())));
    }
    let given = giving(call, &["providers"]);
    if let Some(attribute) = given.and_then(|part| part.block.body.get_attribute("providers"))
        && let Expression::Object(object) = &attribute.value
    {
        for (key, value) in object.iter() {
            let inner = match key {
                ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
                ObjectKey::Expression(expression) => provider_name(expression),
            };
            let given = provider_name(value.expr()).and_then(|name| outer.get(&name));
            if let Some((inner, given)) = inner.zip(given) {
                made.insert(inner, given.clone());
            }
        }
    }
    made
}
