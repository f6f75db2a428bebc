//! What is known of a resource or of data: its arguments, and what AWS will make of them.

use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::structure::Body;

use crate::aws::{KeyArn, managed};
use crate::inventory::Tags;

use super::super::declared::REGION;
use super::evaluator::{Evaluator, Key, Scope};
use super::functions::rendered;
use super::module::{Mode, Part};
use super::plan::{Plan, Stated};
use super::providers::Provider;
use super::reference::provider_name;
use super::tags::tags;
use super::value::{At, Data, Object, Value};

/// A resource or data of one instance.
pub(super) struct Resource<'r> {
    pub(super) of_type: &'r str,
    /// The address, with the modules it lies in.
    pub(super) address: String,
    pub(super) arguments: Arguments<'r>,
    pub(super) provider: Provider,
}

/// The arguments of a block: as they are written, as a plan states them, or both.
#[derive(Clone)]
pub(super) struct Arguments<'r> {
    pub(super) at: At,
    /// The bodies that give them, each before those that it overrides.
    pub(super) written: Vec<(&'r Body, Scope)>,
    pub(super) stated: Option<Rc<Object>>,
    /// Whether they are spelled as the provider awscc does.
    pub(super) is_of_awscc: bool,
}

/// Data that only a run of Terraform can read.
const OUTSIDE: [&str; 8] = [
    "terraform_remote_state",
    "aws_ssm_parameter",
    "aws_ssm_parameters_by_path",
    "aws_secretsmanager_secret_version",
    "external",
    "http",
    "vault_generic_secret",
    "tfe_outputs",
];

/// Arguments that name a resource, and are nothing else.
const NAMES: [&str; 13] = [
    "grantee_principal",
    "group",
    "group_name",
    "key_id",
    "permissions_boundary",
    "policy_arn",
    "primary_key_arn",
    "retiring_principal",
    "role",
    "role_name",
    "target_key_id",
    "user",
    "user_name",
];

/// How far references of a plan are followed.
const REFERENCES: usize = 8;

impl Arguments<'_> {
    /// Whether an argument is not given.
    pub(super) fn is_absent(&self, name: &str) -> bool {
        !self.written.iter().any(|(body, _)| body.has_attribute(name))
    }
}

impl<'a> Evaluator<'a> {
    /// What a plan states of an address.
    fn stated(&self, address: &str) -> Option<Rc<Object>> {
        self.plan?.stated(address)
    }

    /// An argument of a block: as it is written; where that is not known, as the plan states it.
    pub(super) fn argument(&self, arguments: &Arguments<'_>, name: &str) -> Option<Value> {
        let name = arguments.spelled(name);
        let mut written = arguments.written.iter();
        let written = written.find_map(|(body, scope)| self.attribute(body, name, scope));
        let written = written.map(|value| match arguments.is_ignored(name) {
            true => Value::unknown(value.at, format!("{name}, of which changes are ignored")),
            false => value,
        });
        if written.as_ref().is_some_and(|value| value.doubt().is_none()) {
            return written;
        }
        let stated = arguments.stated.as_ref().and_then(|object| object.get(name));
        let stated = stated.filter(|value| !value.is_null() || arguments.written.is_empty());
        match (written, stated) {
            (Some(written), Some(stated)) if stated.doubt().is_none() => {
                Some(super::json::placed(stated, written.at))
            }
            (Some(written), _) => Some(written),
            (None, Some(stated)) if arguments.written.is_empty() => Some(stated.clone()),
            (None, _) => None,
        }
    }

    /// Where the name of an argument is written.
    pub(super) fn name_at(&self, arguments: &Arguments<'_>, name: &str) -> At {
        let written = arguments.written.iter().find_map(|(body, scope)| {
            Some(self.at(scope.file, body.get_attribute(name)?.key.span()))
        });
        let stated = || {
            let member = arguments.stated.as_ref()?.members.iter().find(|it| &*it.name == name)?;
            Some(member.at)
        };
        written.or_else(stated).unwrap_or(arguments.at)
    }

    /// One instance of a block.
    pub(super) fn resource<'r>(
        &self,
        (mode, of_type, name): (Mode, &'r str, &str),
        part: Part<'r>,
        key: &Key,
        scope: &Scope,
    ) -> Resource<'r>
    where
        'a: 'r,
    {
        let instance = self.instance(scope.instance);
        let prefix = instance.as_ref().map_or("", |instance| &instance.prefix);
        let data = if mode == Mode::Data { "data." } else { "" };
        let address = format!("{prefix}{data}{of_type}.{name}{}", key.suffix());
        let body = &part.block.body;
        let at = self.at(part.file, part.block.span());
        let stated = self.stated(&address);
        let overriding =
            instance.as_ref().and_then(|it| it.module.overrides.get(&(mode, of_type, name)));
        let overriding = overriding
            .into_iter()
            .flatten()
            .rev()
            .map(|part| (&part.block.body, Scope { file: part.file, ..scope.clone() }));
        let written = overriding.chain([(body, scope.clone())]).collect();
        let is_of_awscc = of_type.starts_with("awscc_");
        let arguments = Arguments { at, written, stated, is_of_awscc };
        let provider = instance.as_ref().and_then(|instance| {
            let parts = instance.module.blocks(&(mode, of_type, name), part);
            let giving = super::module::giving(&parts, &["provider"])?;
            provider_name(&giving.block.body.get_attribute("provider")?.value)
        });
        let providers = instance.as_ref().map(|instance| instance.providers.borrow());
        let named = |name: &str| providers.as_ref()?.get(name).cloned();
        // Without a configuration of its own it works where the other provider does.
        let own = if is_of_awscc { "awscc" } else { "aws" };
        let provider = named(provider.as_deref().unwrap_or(own)).or_else(|| named("aws"));
        let mut provider = provider.unwrap_or_else(|| self.provider());
        provider.has_tags &= !is_of_awscc;
        let provider = self.at_home(of_type, provider, &arguments);
        Resource { of_type, address, arguments, provider }
    }

    /// The provider of a resource, in the account and Region that the resource itself says.
    fn at_home(&self, of_type: &str, provider: Provider, arguments: &Arguments<'_>) -> Provider {
        let mut provider = self.in_region(provider, arguments);
        // A replica lies in the account of its primary ("Create multi-Region replica keys").
        if of_type.contains("_kms_replica") && provider.account().is_symbol() {
            let primary = self.argument(arguments, "primary_key_arn");
            let primary = primary.and_then(|arn| KeyArn::parse(&arn.known()?));
            if let Some(primary) = primary {
                provider.deployment.account = primary.account();
            }
        }
        provider
    }

    /// The provider of a resource that names a Region of its own.
    fn in_region(&self, mut provider: Provider, arguments: &Arguments<'_>) -> Provider {
        let Some(region) = self.argument(arguments, "region").filter(|it| !it.is_null()) else {
            return provider;
        };
        let known = region.known();
        provider.is_region_shared = known.is_none();
        provider.deployment.region =
            known.map_or_else(|| REGION.into(), |known| Box::from(&*known));
        provider
    }

    /// The tags of a resource; nothing where they are not known.
    pub(super) fn tags(&self, resource: &Resource<'_>) -> Option<Tags> {
        let argument = |name: &str| self.argument(&resource.arguments, name);
        // A plan says what the provider adds.
        let all = argument("tags_all").filter(|tags| !tags.is_null());
        match all.filter(|_| resource.arguments.written.is_empty()) {
            Some(all) => tags(Some(&all)),
            None if resource.provider.has_tags => None,
            None => tags(argument("tags").as_ref()),
        }
    }

    /// A resource that only the plan shows; what it does not know of it may follow from what it refers to.
    pub(super) fn planned_resource<'p>(
        &self,
        plan: &'p Plan,
        address: &str,
        stated: &'p Stated,
        root: usize,
        depth: usize,
    ) -> Resource<'p> {
        let mut values = (*stated.values).clone();
        for member in &mut values.members {
            let is_open = matches!(member.value.data, Data::Unknown(_)) && depth < REFERENCES;
            if is_open && plan.is_left_to_aws(address, &member.name) {
                member.value = Value::null(member.at);
                continue;
            }
            if let Some(others) = plan.listed(address, stated, &member.name) {
                member.value = others;
                continue;
            }
            let target = plan.reference(address, &member.name).filter(|_| is_open);
            let target = target.filter(|(_, of, wanted)| is_followed(&member.name, of, wanted));
            if let Some((target, of, wanted)) = target {
                let target = self.planned_resource(plan, target, of, root, depth + 1);
                let made = match of.mode {
                    Mode::Resource => self.made(&target, wanted, member.at),
                    Mode::Data => self.data(&target, wanted, member.at),
                };
                if let Some(made) = made {
                    member.value = made;
                }
            } else if is_open
                && *member.name == *"key_id"
                && let Some(written) = plan.written(address, &member.name)
            {
                // It is called as the source calls it.
                member.value = Value::unknown(member.at, written);
            }
        }
        let known = self.instance(root).map(|root| root.providers.borrow().clone());
        let provider = plan.provider(address, &known.unwrap_or_default(), self.provider());
        let is_of_awscc = stated.of_type.starts_with("awscc_");
        let stated_values = Some(Rc::new(values));
        let arguments =
            Arguments { at: stated.at, written: Vec::new(), stated: stated_values, is_of_awscc };
        let provider = self.at_home(&stated.of_type, provider, &arguments);
        Resource { of_type: &stated.of_type, address: address.to_owned(), arguments, provider }
    }

    /// A provider of which nothing is written.
    fn provider(&self) -> Provider {
        let deployment = self.deployment.clone();
        Provider { deployment, is_region_shared: true, has_tags: false }
    }

    /// The attribute `wanted` of one instance of a block.
    pub(super) fn property(
        &self,
        of: (Mode, &str, &str),
        part: Part<'_>,
        key: &Key,
        scope: &Scope,
        wanted: &str,
        at: At,
    ) -> Value {
        let resource = self.resource(of, part, key, scope);
        let made = match of.0 {
            Mode::Resource => self.made(&resource, wanted, at),
            Mode::Data => self.data(&resource, wanted, at),
        };
        let is_open = made.as_ref().is_none_or(|made| matches!(made.data, Data::Unknown(_)));
        let stated = resource.arguments.stated.as_ref().filter(|_| is_open);
        if let Some(stated) = stated.and_then(|object| object.get(wanted))
            && stated.doubt().is_none()
        {
            return super::json::placed(stated, at);
        }
        made.or_else(|| self.argument(&resource.arguments, wanted))
            .unwrap_or_else(|| Value::unknown(at, format!("{}.{wanted}", resource.address)))
    }

    /// What AWS makes of a resource.
    fn made(&self, resource: &Resource<'_>, wanted: &str, at: At) -> Option<Value> {
        let symbol = |text: String| Some(Value::symbol(at, text));
        match (resource.of_type, wanted) {
            (
                "aws_kms_key"
                | "aws_kms_external_key"
                | "aws_kms_replica_key"
                | "aws_kms_replica_external_key"
                | "awscc_kms_key"
                | "awscc_kms_replica_key",
                "arn" | "id" | "key_id",
            ) => {
                let arn = self.key_arn(resource)?;
                symbol(if wanted == "arn" { arn.to_string() } else { arn.id().to_owned() })
            }
            ("aws_kms_alias", "arn") => symbol(self.alias_arn(resource)?.to_string()),
            ("aws_kms_alias", "name" | "id") | ("awscc_kms_alias", "alias_name" | "id") => {
                symbol(self.alias_arn(resource)?.name().to_owned())
            }
            ("aws_kms_alias", "target_key_arn") => {
                let target = self.argument(&resource.arguments, "target_key_id")?;
                let known = target.known()?;
                if known.starts_with("arn:") {
                    return Some(target);
                }
                let Provider { deployment, .. } = &resource.provider;
                let (partition, region) = (&deployment.partition, &deployment.region);
                symbol(format!("arn:{partition}:kms:{region}:{}:key/{known}", deployment.account))
            }
            ("aws_iam_role" | "aws_iam_user" | "aws_iam_group", "name" | "id") => {
                symbol(self.iam_name(resource))
            }
            ("aws_iam_policy", "name") => symbol(self.iam_name(resource)),
            ("aws_iam_policy", "arn" | "id") => symbol(self.iam_arn(resource)),
            ("aws_iam_role" | "aws_iam_user" | "aws_iam_group", "arn") => {
                symbol(self.iam_arn(resource))
            }
            ("aws_organizations_policy", "id") => symbol(self.organization_policy_id(resource)),
            ("aws_iam_role" | "aws_iam_user", "unique_id") => {
                let form = if resource.of_type == "aws_iam_role" { "AROA*" } else { "AIDA*" };
                Some(Value::shaped(at, format!("{}.unique_id", resource.address), form))
            }
            ("aws_iam_openid_connect_provider", "arn") => {
                let url = self.argument(&resource.arguments, "url");
                let url = url.and_then(|url| url.known()).map_or_else(
                    || "*".to_owned(),
                    |url| url.trim_start_matches("https://").trim_end_matches('/').to_owned(),
                );
                Some(self.shaped_arn(resource, &format!("oidc-provider/{url}"), at))
            }
            ("aws_iam_saml_provider", "arn") => {
                let name = self.argument(&resource.arguments, "name");
                let name = name.and_then(|name| name.known()).unwrap_or_else(|| "*".into());
                Some(self.shaped_arn(resource, &format!("saml-provider/{name}"), at))
            }
            ("aws_s3_bucket", "arn") => {
                let bucket = self.argument(&resource.arguments, "bucket");
                let bucket = bucket.and_then(|bucket| bucket.known());
                let partition = &resource.provider.deployment.partition;
                Some(match bucket {
                    Some(bucket) => Value::text(at, format!("arn:{partition}:s3:::{bucket}")),
                    None => Value::shaped(at, self.written(at), format!("arn:{partition}:s3:::*")),
                })
            }
            _ => None,
        }
    }

    fn data(&self, resource: &Resource<'_>, wanted: &str, at: At) -> Option<Value> {
        let Provider { deployment, is_region_shared, .. } = &resource.provider;
        let partition = &deployment.partition;
        let text = |text: &str| Some(Value::text(at, text));
        let shaped = |shape: String| {
            Some(Value::shaped(at, format!("{}.{wanted}", resource.address), shape))
        };
        let argument = |name: &str| self.argument(&resource.arguments, name);
        match (resource.of_type, wanted) {
            ("aws_iam_policy_document", "json" | "minified_json") => Some(self.document(resource)),
            ("template_file", "rendered") => {
                let written = resource.arguments.written.first();
                let instance = written.map_or(0, |(_, scope)| scope.instance);
                let none = Object::default();
                let values = argument("vars").filter(|values| !values.is_null());
                let values = match values.as_ref().map(|values| &values.data) {
                    Some(Data::Object(values)) => values,
                    Some(_) => return None,
                    None => &none,
                };
                rendered(self, &argument("template")?, values, (at, instance))
            }
            ("aws_caller_identity", "account_id" | "id") => text(deployment.account.as_str()),
            ("aws_caller_identity", "arn") => {
                shaped(format!("arn:{partition}:*::{}:*", deployment.account))
            }
            ("aws_partition", "partition" | "id") => text(partition),
            ("aws_partition", "dns_suffix") => text(match &**partition {
                "aws-cn" => "amazonaws.com.cn",
                "aws" | "aws-us-gov" => "amazonaws.com",
                _ => return None,
            }),
            ("aws_region", "name" | "id" | "region") if resource.arguments.is_absent("name") => {
                if *is_region_shared {
                    shaped("*".to_owned())
                } else {
                    text(&deployment.region)
                }
            }
            ("aws_kms_alias", "arn") => shaped(format!("arn:{partition}:kms:*:*:alias/*")),
            ("aws_kms_key", "arn" | "id")
            | ("aws_kms_alias", "target_key_arn" | "target_key_id") => {
                let unknown = || match wanted.ends_with("arn") {
                    true => shaped(format!("arn:{partition}:kms:*:*:key/*")),
                    false => None,
                };
                self.looked_up(resource, wanted, at).or_else(unknown)
            }
            ("aws_iam_role" | "aws_iam_user" | "aws_iam_group", "arn") => {
                let argument = argument(match resource.of_type {
                    "aws_iam_role" => "name",
                    "aws_iam_user" => "user_name",
                    _ => "group_name",
                });
                let name = argument.and_then(|name| name.known()).unwrap_or_else(|| "".into());
                let kind = resource.of_type.trim_start_matches("aws_iam_");
                Some(self.shaped_arn(resource, &format!("{kind}/*{name}"), at))
            }
            ("aws_iam_policy", "arn") => argument("arn").or_else(|| {
                let name = argument("name").and_then(|name| name.known());
                let name = name.unwrap_or_else(|| "".into());
                // The name of one of AWS's own finds that alone: of two the provider takes neither.
                let of_aws = format!("arn:{partition}:iam::aws:policy/{}", managed::path_of(&name));
                if managed::allowed(&of_aws).is_some() {
                    return text(&of_aws);
                }
                shaped(format!("arn:{partition}:iam::*:policy/*{name}"))
            }),
            (of_type, _) if OUTSIDE.contains(&of_type) => {
                self.unresolved(
                    at,
                    format!("{}: only a run of Terraform reads it", resource.address),
                );
                None
            }
            _ => None,
        }
    }

    /// The ARN of an IAM entity by what follows the account; a pattern where that is one.
    fn shaped_arn(&self, resource: &Resource<'_>, rest: &str, at: At) -> Value {
        let deployment = &resource.provider.deployment;
        let arn = format!("arn:{}:iam::{}:{rest}", deployment.partition, deployment.account);
        match rest.contains('*') {
            true => Value::shaped(at, format!("{}.arn", resource.address), arn),
            false => Value::symbol(at, arn),
        }
    }
}

/// Whether an argument of a plan is what it refers to, and not made of it.
fn is_followed(argument: &str, target: &Stated, wanted: &str) -> bool {
    match target.mode {
        Mode::Resource => {
            let ours = ["aws_kms_", "aws_iam_", "awscc_kms_"];
            let is_ours = ours.iter().any(|ours| target.of_type.starts_with(ours));
            let is_name = matches!(wanted, "arn" | "id" | "key_id" | "name");
            let is_fit = !argument.ends_with("_principal") || wanted == "arn";
            is_ours && is_name && is_fit && NAMES.contains(&argument)
        }
        Mode::Data => {
            let is_document = &*target.of_type == "aws_iam_policy_document";
            let is_policy = matches!(argument, "policy" | "assume_role_policy" | "key_policy");
            is_document && is_policy && matches!(wanted, "json" | "minified_json")
        }
    }
}
