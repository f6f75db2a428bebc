//! The provider configurations that a plan says of what stands behind it.

use std::collections::BTreeMap;

use crate::aws::{AccountId, Arn};
use crate::syntax::Node;

use super::super::declared::{Deployment, REGION};
use super::plan::items;
use super::providers::{self, Provider};

/// The configurations of `aws` and `awscc` in a plan, by the names that resources call them.
#[derive(Default)]
pub(super) struct Configurations {
    all: BTreeMap<Box<str>, Configured>,
}

/// One configuration.
#[derive(Default)]
struct Configured {
    alias: Option<Box<str>>,
    region: Written,
    /// The account, where the role it assumes or what it allows says it.
    account: Option<AccountId>,
    /// Whether it works in an account of its own.
    is_other: bool,
    has_tags: bool,
}

/// What stands for a Region.
#[derive(Default)]
enum Written {
    #[default]
    Nothing,
    Known(Box<str>),
    /// An expression whose value the plan does not say.
    Open,
}

impl Configurations {
    /// The configurations in `provider_config`.
    pub(super) fn of(written: Option<&Node<'_>>) -> Self {
        let members = written.map(Node::members).unwrap_or_default();
        let is_aws = |node: &Node<'_>| {
            let name = node.get("name").and_then(Node::as_str);
            name.is_none_or(|name| matches!(name, "aws" | "awscc"))
        };
        let of_aws = members.iter().filter(|member| is_aws(&member.value));
        let default = members.iter().find(|member| member.name.value == "aws");
        let profile =
            |node: &Node<'_>| Some(format!("{:?}", node.get("expressions")?.get("profile")?.kind));
        let default_profile = default.and_then(|member| profile(&member.value));
        let all = of_aws.map(|member| {
            let node = &member.value;
            let is_other = profile(node) != default_profile;
            (Box::from(&*member.name.value), Configured::of(node, is_other))
        });
        Self { all: all.collect() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// The Region of the default configuration, where it is written.
    pub(super) fn default_region(&self) -> Option<Box<str>> {
        match &self.all.get("aws")?.region {
            Written::Known(region) => Some(region.clone()),
            Written::Nothing | Written::Open => None,
        }
    }

    /// A configuration in a run that is deployed as `deployment` says.
    pub(super) fn get(&self, name: &str, deployment: &Deployment) -> Option<Provider> {
        let number = self.all.keys().position(|known| &**known == name)?;
        let Configured { alias, region, account, is_other, has_tags } = self.all.get(name)?;
        let mut deployment = Deployment { variables: BTreeMap::new(), ..deployment.clone() };
        let is_open = |written: &Written| matches!(written, Written::Open);
        match region {
            Written::Known(region) => {
                deployment.region = region.clone();
                deployment.partition = providers::partition(region, &deployment.partition);
            }
            Written::Open if alias.is_some() => deployment.region = REGION.into(),
            Written::Open | Written::Nothing => {}
        }
        match (account, alias) {
            // What the user pinned is the account of the default configuration.
            (Some(account), alias) if alias.is_some() || deployment.account.is_symbol() => {
                deployment.account = *account;
            }
            (None, Some(alias)) if *is_other => {
                deployment.account = AccountId::symbol(&format!("{number}-{alias}"));
            }
            _ => {}
        }
        let is_region_shared = alias.is_some() && is_open(region);
        Some(Provider { deployment, is_region_shared, has_tags: *has_tags })
    }
}

impl Configured {
    fn of(node: &Node<'_>, is_other: bool) -> Self {
        let Some(expressions) = node.get("expressions") else { return Self::default() };
        let constant =
            |node: &Node<'_>| node.get("constant_value").and_then(Node::scalar).map(Box::from);
        let region = match expressions.get("region") {
            None => Written::Nothing,
            Some(region) => constant(region).map_or(Written::Open, Written::Known),
        };
        let role = items(expressions.get("assume_role")).next();
        let arn: Option<Box<str>> = role.and_then(|role| constant(role.get("role_arn")?));
        let of_role =
            arn.as_deref().and_then(Arn::parse).and_then(|arn| AccountId::parse(arn.account));
        let allowed = || {
            let allowed = expressions.get("allowed_account_ids")?.get("constant_value")?;
            match allowed.one_or_many() {
                [only] => AccountId::parse(only.scalar()?),
                _ => None,
            }
        };
        Self {
            alias: node.get("alias").and_then(Node::as_str).map(Into::into),
            region,
            account: of_role.or_else(allowed),
            is_other: is_other || role.is_some(),
            has_tags: expressions.get("default_tags").is_some(),
        }
    }
}
