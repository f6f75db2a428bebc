//! Names and ARNs of what resources declare, as far as they are known, and what stands for them.

use std::rc::Rc;

use crate::aws::{AliasArn, KeyArn};

use super::super::declared::Deployment;
use super::super::symbols::{KEY_ID, MULTI_REGION_KEY_ID};
use super::evaluator::Evaluator;
use super::resource::Resource;
use super::value::{Data, Value, shape};

impl Evaluator<'_> {
    /// A text that the plan or the state knows of a resource.
    fn stated_text(&self, resource: &Resource<'_>, name: &str) -> Option<Rc<str>> {
        let value = resource.arguments.stated.as_ref()?.get(name)?;
        value.known().filter(|text| !text.is_empty())
    }

    /// What stands for a name or an id that is not known: the address, behind the root where others declare
    /// the same.
    fn own(&self, resource: &Resource<'_>) -> String {
        let address = fit(&resource.address);
        match &self.beside {
            Some(root) => format!("{}.{address}", fit(root).replace('/', ".").trim_matches('.')),
            None => address,
        }
    }

    /// The ARN of a declared key: its id is its address; a replica shares that of its primary.
    pub(super) fn key_arn(&self, resource: &Resource<'_>) -> Option<KeyArn> {
        if let Some(arn) = self.stated_text(resource, "arn").and_then(|arn| KeyArn::parse(&arn)) {
            return Some(arn);
        }
        let deployment = &resource.provider.deployment;
        let own = self.own(resource);
        let truth = |name| self.argument(&resource.arguments, name).and_then(|it| it.truth());
        let is_replica = resource.of_type.contains("replica");
        let primary = is_replica.then(|| self.primary(resource)).flatten();
        let elsewhere = primary.filter(|primary| {
            primary.region() != &*deployment.region || primary.account() != deployment.account
        });
        let id = match elsewhere {
            Some(primary) => primary.id().to_owned(),
            None if is_replica || truth("multi_region") == Some(true) => format!("mrk-{own}"),
            None => own,
        };
        KeyArn::new(&deployment.partition, &deployment.region, deployment.account, &id)
    }

    /// The key that an argument names which nothing declares, called as it is named; nothing where it can only
    /// be one that `is_here`.
    pub(super) fn key_alone(
        &self,
        deployment: &Deployment,
        named: &Value,
        is_here: bool,
    ) -> Option<KeyArn> {
        let made = |id: &str| {
            let Deployment { partition, region, account, .. } = deployment;
            KeyArn::new(partition, region, *account, id)
        };
        if let Some(known) = named.known() {
            return self.key_named(deployment, &known).or_else(|| made(&fit(&known)));
        }
        let written = shape(&named.as_pieces()?).1;
        let written = of_data(&written).unwrap_or(&written);
        // What is looked up is none of the keys that are declared.
        let is_own = |(at, _): (usize, &str)| {
            written.get(..at).is_some_and(|before| !before.ends_with("data."))
        };
        let is_of_one =
            matches!(named.data, Data::OneOf(..)) || written.match_indices("aws_kms_").any(is_own);
        if is_here && is_of_one {
            return None;
        }
        made(&fit(&self.in_root(written)))
    }

    /// What stands for an expression, which means one thing in a root.
    pub(super) fn in_root(&self, written: &str) -> String {
        let root = self.instance(0).filter(|_| self.modules.len() > 1);
        let root = root.map_or("", |root| root.root).replace('/', ".");
        format!("{root}.{written}").trim_start_matches('.').to_owned()
    }

    /// The primary that a replica names.
    pub(super) fn primary(&self, replica: &Resource<'_>) -> Option<KeyArn> {
        let named = self.argument(&replica.arguments, "primary_key_arn")?;
        KeyArn::parse(&named.known()?)
    }

    /// The ARN of a declared alias; where its name is not known its address stands for it.
    pub(super) fn alias_arn(&self, resource: &Resource<'_>) -> Option<AliasArn> {
        let deployment = &resource.provider.deployment;
        let name = self.argument(&resource.arguments, "name");
        let name = name.and_then(|name| name.known());
        let name =
            name.map_or_else(|| format!("alias/{}", self.own(resource)), |name| name.to_string());
        AliasArn::new(&deployment.partition, &deployment.region, deployment.account, &name)
    }

    /// The name of a declared user, role, group or policy; where it is not known its address stands
    /// for it.
    pub(super) fn iam_name(&self, resource: &Resource<'_>) -> String {
        let known = self.known_name(resource);
        known.map_or_else(|| self.own(resource), |name| name.to_string())
    }

    fn known_name(&self, resource: &Resource<'_>) -> Option<Rc<str>> {
        let name = self.argument(&resource.arguments, "name");
        let known = name.and_then(|name| name.known()).filter(|name| !name.is_empty());
        known.or_else(|| self.stated_text(resource, "name"))
    }

    /// The path of an IAM entity; nothing where it is not known.
    fn known_path(&self, resource: &Resource<'_>) -> Option<Rc<str>> {
        let Some(path) = self.argument(&resource.arguments, "path").filter(|it| !it.is_null())
        else {
            return Some("/".into());
        };
        let stated = || self.stated_text(resource, "path");
        let known = path.known().or_else(stated)?;
        let is_path = known.starts_with('/') && known.ends_with('/');
        Some(if is_path { known } else { "/".into() })
    }

    /// The ARN of a declared user, role, group or policy.
    pub(super) fn iam_arn(&self, resource: &Resource<'_>) -> String {
        if let Some(arn) = self.stated_text(resource, "arn") {
            return arn.to_string();
        }
        let path = self.known_path(resource);
        let path = path.unwrap_or_else(|| format!("/{}.path/", self.own(resource)).into());
        self.iam_arn_of(resource, &format!("{path}{}", self.iam_name(resource)))
    }

    /// The ARN of an IAM entity by its path and name.
    fn iam_arn_of(&self, resource: &Resource<'_>, rest: &str) -> String {
        let deployment = &resource.provider.deployment;
        let kind = resource.of_type.trim_start_matches("aws_iam_");
        let (partition, account) = (&deployment.partition, deployment.account);
        format!("arn:{partition}:iam::{account}:{kind}{rest}")
    }

    /// What is known of a user, role, group or policy that a symbol stands for; nothing where it needs
    /// none.
    pub(super) fn iam_shape(&self, resource: &Resource<'_>) -> Option<Shape> {
        let name = self.name_shape(resource);
        let path = self.known_path(resource);
        let is_known = self.stated_text(resource, "arn").is_some()
            || (path.is_some() && self.known_name(resource).is_some());
        if is_known {
            return None;
        }
        let path = path.unwrap_or_else(|| "/*".into());
        Some(Shape { arn: self.iam_arn_of(resource, &format!("{path}{name}")), name })
    }

    /// The name of an IAM entity as a pattern.
    pub(super) fn name_shape(&self, resource: &Resource<'_>) -> String {
        if let Some(known) = self.known_name(resource) {
            return known.to_string();
        }
        // An empty text is no name: the provider makes one.
        let pattern = |name: &str| {
            let value = self.argument(&resource.arguments, name).filter(|it| !it.is_null())?;
            let pieces = value.as_pieces();
            let pattern = pieces.map_or_else(|| "*".to_owned(), |pieces| shape(&pieces).0);
            Some(pattern).filter(|pattern| !pattern.is_empty())
        };
        let generated = || match pattern("name_prefix") {
            Some(prefix) => format!("{prefix}*"),
            None => "terraform-*".to_owned(),
        };
        pattern("name").unwrap_or_else(generated)
    }

    /// The id of a declared policy of an organization; where it is not known its address stands for it.
    pub(super) fn organization_policy_id(&self, resource: &Resource<'_>) -> String {
        let stated = self.stated_text(resource, "id");
        stated.map_or_else(|| self.own(resource), |id| id.to_string())
    }

    /// What is known of a key that a symbol stands for; nothing where its ARN is known.
    pub(super) fn key_shape(&self, resource: &Resource<'_>) -> Option<Shape> {
        if self.stated_text(resource, "arn").is_some() {
            return None;
        }
        let is_replica = resource.of_type.contains("replica");
        let of_many = self.argument(&resource.arguments, "multi_region");
        let name = match of_many.filter(|it| !it.is_null()).map(|it| it.truth()) {
            _ if is_replica => MULTI_REGION_KEY_ID,
            Some(Some(true)) => MULTI_REGION_KEY_ID,
            Some(None) => "*",
            Some(Some(false)) | None => KEY_ID,
        };
        let Deployment { partition, region, account, .. } = &resource.provider.deployment;
        let arn = format!("arn:{partition}:kms:{region}:{account}:key/{name}");
        Some(Shape { arn, name: name.to_owned() })
    }
}

/// What is known of something without a name: patterns.
pub(super) struct Shape {
    pub(super) arn: String,
    /// Its name or id.
    pub(super) name: String,
}

/// The data that an expression asks for an attribute: whichever that is, it is of one key.
fn of_data(written: &str) -> Option<&str> {
    let (of, _) = written.rsplit_once('.')?;
    let is_data = written.starts_with("data.aws_kms_") && of.matches('.').count() == 2;
    (is_data && !written.contains(['(', ' ', '{'])).then_some(of)
}

/// An address without what cannot stand in an ARN, or would be a pattern there.
pub(super) fn fit(address: &str) -> String {
    let fit = |c: char| if c.is_whitespace() || matches!(c, '*' | '?') { '_' } else { c };
    address.chars().map(fit).collect()
}
