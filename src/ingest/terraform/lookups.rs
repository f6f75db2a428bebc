//! Keys that are looked up: by an alias, an id or an ARN, in data or where a key is named.
//!
//! An alias that the root declares leads to the key that it points to; any other leads to a key of its own, which
//! stands there already ([`looked_up`]).

use crate::aws::pattern::meets;
use crate::aws::{AccountId, AliasArn, KeyArn};

use super::super::declared::{Deployment, REGION};
use super::super::given::{Gift, Given, Named, Pattern};
use super::super::symbols::{by_alias, looked_up};
use super::evaluator::Evaluator;
use super::resource::Resource;
use super::value::{At, Value};
use super::world::{Declared, pattern};

/// An alias that a root declares.
pub(super) struct DeclaredAlias {
    account: AccountId,
    region: Box<str>,
    name: Pattern,
    /// Whether it is there for sure.
    is_there: bool,
    target: Option<Value>,
}

impl DeclaredAlias {
    /// Whether an alias of a deployment may be this one.
    fn may_be(&self, name: &Pattern, deployment: &Deployment) -> bool {
        let (account, region) = (deployment.account, &deployment.region);
        let is_account = self.account == account || self.account.is_symbol() || account.is_symbol();
        let is_region = self.region == *region || &*self.region == REGION || &**region == REGION;
        is_account && is_region && meets(&self.name.shape, &name.shape)
    }

    /// Whether it surely is this one.
    fn is(&self, name: &Pattern, deployment: &Deployment) -> bool {
        let is_beside = (self.account, &self.region) == (deployment.account, &deployment.region);
        let is_named = self.name.is_known && name.is_known && self.name.shape == name.shape;
        is_beside && is_named && self.is_there
    }
}

/// The aliases that resources declare.
pub(super) fn aliases(evaluator: &Evaluator<'_>, resources: &[Declared<'_>]) -> Vec<DeclaredAlias> {
    let of_type = ["aws_kms_alias", "awscc_kms_alias"];
    let aliases = resources.iter().filter(|it| of_type.contains(&it.resource.of_type));
    let alias = |declared: &Declared<'_>| {
        let resource = &declared.resource;
        let argument = |name: &str| {
            evaluator.argument(&resource.arguments, name).filter(|value| !value.is_null())
        };
        let prefixed = || {
            let prefix = argument("name_prefix").map(|prefix| pattern(&prefix).shape);
            let prefix = prefix.unwrap_or_else(|| "alias/".into());
            Pattern { shape: format!("{prefix}*").into(), is_known: false }
        };
        let Deployment { account, region, .. } = &resource.provider.deployment;
        DeclaredAlias {
            account: *account,
            region: region.clone(),
            name: argument("name").map_or_else(prefixed, |name| pattern(&name)),
            is_there: declared.doubt.is_none(),
            target: argument("target_key_id"),
        }
    };
    aliases.map(alias).collect()
}

impl Evaluator<'_> {
    /// The attribute `wanted` of the key that data looks up; nothing where that may be one that the root
    /// declares, and nobody knows.
    pub(super) fn looked_up(&self, data: &Resource<'_>, wanted: &str, at: At) -> Option<Value> {
        let by = if data.of_type == "aws_kms_alias" { "name" } else { "key_id" };
        let named = self.argument(&data.arguments, by)?;
        let deployment = &data.provider.deployment;
        let arn = match named.known() {
            Some(known) => self.key_named(deployment, &known),
            None => {
                let name = pattern(&named);
                let is_alias = data.of_type == "aws_kms_alias" || name.shape.starts_with("alias/");
                let is_another = is_alias && self.is_no_alias(deployment, &name);
                let made = || own(deployment, &self.in_root(&data.address));
                is_another.then(made).flatten()
            }
        }?;
        let text = if wanted.ends_with("arn") { arn.as_str() } else { arn.id() };
        Some(Value::symbol(at, text))
    }

    /// The key that a text names in a deployment: its ARN, its id, or an alias; nothing where the alias may
    /// be one that leads to what nobody knows.
    pub(super) fn key_named(&self, deployment: &Deployment, text: &str) -> Option<KeyArn> {
        if let Some(arn) = KeyArn::parse(text) {
            return Some(arn);
        }
        let alias = AliasArn::parse(text);
        let name = match &alias {
            Some(alias) => alias.name(),
            None if text.starts_with("alias/") => text,
            None => return own(deployment, text),
        };
        let deployment = &alias.as_ref().map_or_else(
            || deployment.clone(),
            |alias| Deployment {
                account: alias.account(),
                region: alias.region().into(),
                partition: alias.partition().into(),
                ..deployment.clone()
            },
        );
        let wanted = Pattern { shape: name.into(), is_known: true };
        let mut all = self.aliases.as_ref()?.iter();
        let Some(declared) = all.find(|it| it.is(&wanted, deployment)) else {
            let is_another = self.is_no_alias(deployment, &wanted);
            return is_another.then(|| own(deployment, &by_alias(name))).flatten();
        };
        let target = declared.target.as_ref()?.known()?;
        // An alias points to no alias.
        let is_key = !target.contains("alias/");
        is_key.then(|| self.key_named(deployment, &target)).flatten()
    }

    /// Whether a value names a key by an alias that the root does not declare: that of another key.
    pub(super) fn is_of_none_declared(&self, deployment: &Deployment, value: &Value) -> bool {
        let named = value.known().and_then(|known| self.key_named(deployment, &known));
        named.is_some_and(|arn| looked_up(arn.id()).is_some())
    }

    /// What a resource gives to a key that nothing declares here, or perhaps to one that `is_here`.
    pub(super) fn given_to_key(
        &self,
        declared: &Declared<'_>,
        (key, is_here): (&Value, bool),
        gift: Gift,
    ) -> Given {
        let named = self.key_elsewhere(&declared.resource.provider.deployment, key, is_here);
        let mut given = declared.given(named, ("key", key, is_here), None, gift);
        if self.is_of_absent_module(key) {
            given.to.iter_mut().for_each(|target| target.told = None);
        }
        given
    }

    fn key_elsewhere(&self, deployment: &Deployment, named: &Value, is_here: bool) -> Named {
        let alone = self.key_alone(deployment, named, is_here);
        let by_alias = alone.as_ref().and_then(|arn| looked_up(arn.id()));
        let by_alias: Option<Box<str>> = by_alias.map(Into::into);
        let id = match &by_alias {
            Some(_) => Pattern { shape: "*".into(), is_known: false },
            None => pattern(named),
        };
        let (account, region) = (deployment.account, deployment.region.clone());
        Named::Key { account, region, id, by_alias, alone }
    }

    /// Whether it is what a module makes that is not here, which is told already.
    fn is_of_absent_module(&self, named: &Value) -> bool {
        let Some(written) = named.doubt() else { return false };
        let call = written.strip_prefix("module.").and_then(|rest| rest.split(['.', '[']).next());
        let is_told = |call: &str| {
            let told = format!("module.{call}: ");
            self.unresolved.borrow().iter().any(|(.., what)| what.starts_with(&told))
        };
        call.is_some_and(is_told)
    }

    /// Whether no alias of the root can have a name.
    fn is_no_alias(&self, deployment: &Deployment, name: &Pattern) -> bool {
        let all = self.aliases.as_ref();
        all.is_some_and(|all| !all.iter().any(|it| it.may_be(name, deployment)))
    }
}

/// The key of an id in a deployment.
fn own(deployment: &Deployment, id: &str) -> Option<KeyArn> {
    let Deployment { partition, region, account, .. } = deployment;
    KeyArn::new(partition, region, *account, &super::names::fit(id))
}
