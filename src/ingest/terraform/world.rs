//! One root module with all that it calls: its resources, and the facts that they state.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use hcl_edit::Span as _;

use crate::inventory::Stated;
use crate::source::Place;

use super::super::declared::Deployment;
use super::super::facts::Fact;
use super::super::given::{Gift, Given, Named, Pattern, Target};
use super::super::symbols::{Symbols, looked_up};
use super::awscc;
use super::evaluator::{Evaluator, Instance, Scope};
use super::held;
use super::identities::Identities;
use super::keys::Keys;
use super::module::{self, Mode, Module, Part};
use super::organizations;
use super::resource::Resource;
use super::value::{At, Value, shape};

/// One instance of a resource.
pub(super) struct Declared<'r> {
    pub(super) resource: Resource<'r>,
    /// Its block.
    pub(super) at: At,
    /// What decides whether it is there.
    pub(super) doubt: Option<Rc<str>>,
    /// Whether a file of its module could not be read: what that says of it nobody knows.
    pub(super) is_open: bool,
}

impl Declared<'_> {
    pub(super) fn place(&self) -> Place {
        Place::plain(self.at.file, self.at.span)
    }

    /// Something that this gives to what is not declared here, or perhaps `is_here`: `what` it is, as `name`
    /// says; `doubt` decides whether that is meant.
    pub(super) fn given(
        &self,
        named: Named,
        (what, name, is_here): (&str, &Value, bool),
        doubt: Option<Rc<str>>,
        gift: Gift,
    ) -> Given {
        let address = &self.resource.address;
        let told = match is_here {
            true => format!("{address}: which {what} it is for"),
            false => format!("{address}: its {what} is not declared here"),
        };
        let told = Stated::new(told.into(), Place::plain(name.at.file, name.at.span));
        let doubt = doubt.or_else(|| self.doubt.clone()).map(|doubt| Box::from(&*doubt));
        let is_holder = matches!(named, Named::Holder { .. }) && name.known().is_none();
        let written = name.as_pieces().map(|pieces| shape(&pieces).1).filter(|_| is_holder);
        let whom = written.map(|written| format!("who {written} is ({address})").into());
        let to = vec![Target { named, doubt, told: Some(told), whom }];
        Given { to, gift, place: self.place(), own: Arc::default() }
    }
}

/// A name as a pattern.
pub(super) fn pattern(name: &Value) -> Pattern {
    if let Some(known) = name.known() {
        return Pattern { shape: Box::from(&*known), is_known: true };
    }
    let pieces = name.as_pieces().map(|pieces| shape(&pieces).0);
    Pattern { shape: pieces.map_or_else(|| "*".into(), Into::into), is_known: false }
}

/// The resources of a root module, with all that it calls.
pub(super) fn resources<'a>(
    evaluator: &Evaluator<'a>,
    module: &'a Module<'a>,
) -> Vec<Declared<'a>> {
    let root = evaluator.root(module);
    let mut resources = Vec::new();
    collect(evaluator, root, &mut resources);
    planned(evaluator, root, &mut resources);
    resources
}

/// The facts that resources state.
pub(super) fn facts<'r>(evaluator: &Evaluator<'_>, resources: &'r [Declared<'r>]) -> Vec<Fact> {
    let keys = Keys::new(evaluator, resources);
    let identities = Identities::new(evaluator, resources);
    let mut facts = keys.facts(evaluator);
    facts.extend(identities.facts(evaluator));
    facts.extend(organizations::facts(evaluator, resources));
    facts
}

/// The ARNs of what resources declare.
pub(super) fn arns(evaluator: &Evaluator<'_>, resources: &[Declared<'_>]) -> BTreeSet<Box<str>> {
    let arn = |declared: &Declared<'_>| -> Option<Box<str>> {
        let resource = &declared.resource;
        match resource.of_type {
            "aws_iam_user" | "aws_iam_role" | "aws_iam_group" | "aws_iam_policy" => {
                Some(evaluator.iam_arn(resource).into())
            }
            _ if is_key(resource) => Some(evaluator.key_arn(resource)?.as_str().into()),
            _ => None,
        }
    };
    resources.iter().filter_map(arn).collect()
}

/// Those of them that are made of addresses.
pub(super) fn made(evaluator: &Evaluator<'_>, resources: &[Declared<'_>]) -> BTreeSet<Box<str>> {
    let arn = |declared: &Declared<'_>| -> Option<Box<str>> {
        let resource = &declared.resource;
        match is_key(resource) {
            true => {
                evaluator.key_shape(resource)?;
                Some(evaluator.key_arn(resource)?.as_str().into())
            }
            false => {
                let is_named = matches!(
                    resource.of_type,
                    "aws_iam_user" | "aws_iam_role" | "aws_iam_group" | "aws_iam_policy"
                );
                evaluator.iam_shape(resource).filter(|_| is_named)?;
                Some(evaluator.iam_arn(resource).into())
            }
        }
    };
    resources.iter().filter_map(arn).collect()
}

/// Whether it declares a key.
pub(super) fn is_key(resource: &Resource<'_>) -> bool {
    is_key_type(resource.of_type)
}

/// Whether a type of resources is that of keys.
pub(super) fn is_key_type(of_type: &str) -> bool {
    matches!(
        of_type,
        "aws_kms_key"
            | "aws_kms_external_key"
            | "aws_kms_replica_key"
            | "aws_kms_replica_external_key"
            | "awscc_kms_key"
            | "awscc_kms_replica_key"
    )
}

/// Adds what stands for the names and ids of resources that are not known.
pub(super) fn symbols(
    evaluator: &Evaluator<'_>,
    resources: &[Declared<'_>],
    symbols: &mut Symbols,
) {
    for declared in resources {
        let resource = &declared.resource;
        let Deployment { account, region, .. } = &resource.provider.deployment;
        symbols.homes.add(*account, region);
        match resource.of_type {
            "aws_iam_user" | "aws_iam_role" | "aws_iam_group" | "aws_iam_policy" => {
                let Some(shape) = evaluator.iam_shape(resource) else { continue };
                symbols.add(&evaluator.iam_arn(resource), &shape.arn);
                symbols.add(&evaluator.iam_name(resource), &shape.name);
            }
            "aws_kms_key_policy" | "aws_kms_grant" => {
                let named = evaluator.argument(&resource.arguments, "key_id");
                let named = named.filter(|named| !named.is_null());
                let is_known = named.as_ref().is_some_and(|named| named.known().is_some());
                let deployment = &resource.provider.deployment;
                let arn = named.and_then(|it| evaluator.key_alone(deployment, &it, false));
                if let Some(arn) = arn.filter(|arn| !is_known || looked_up(arn.id()).is_some()) {
                    // Any literal may name it.
                    let partition = &deployment.partition;
                    symbols.add(
                        arn.as_str(),
                        &format!("arn:{partition}:kms:{region}:{account}:key/*"),
                    );
                }
            }
            "aws_kms_alias" | "awscc_kms_alias" => {
                let argument = |name| evaluator.argument(&resource.arguments, name);
                let name = argument("name").map_or_else(|| "*".into(), |name| pattern(&name).shape);
                let target = argument("target_key_id").and_then(|target| target.known());
                let target = target
                    .and_then(|known| evaluator.key_named(&resource.provider.deployment, &known));
                symbols.add_alias(&name, target.as_ref());
            }
            _ if is_key(resource) => {
                let arn = evaluator.key_arn(resource);
                if let Some((arn, shape)) = arn.zip(evaluator.key_shape(resource)) {
                    symbols.add(arn.as_str(), &shape.arn);
                }
            }
            _ => {}
        }
    }
}

/// Whether something that is looked at declares access, or limits it.
fn is_ours(of_type: &str) -> bool {
    let ours = ["aws_kms_", "aws_iam_", "aws_organizations_policy"];
    ours.iter().any(|ours| of_type.starts_with(ours)) || awscc::is_read(of_type)
}

/// The same, and what may hold such a thing.
fn is_looked_at(of_type: &str) -> bool {
    is_ours(of_type) || held::is_holder(of_type)
}

/// The resources of an instance of a module, and of those that it calls.
fn collect<'a>(evaluator: &Evaluator<'a>, number: usize, into: &mut Vec<Declared<'a>>) {
    let Some(instance) = evaluator.instance(number) else { return };
    for (&(mode, of_type, name), part) in &instance.module.resources {
        if mode == Mode::Data {
            continue;
        }
        if !is_looked_at(of_type) {
            unread(evaluator, *part, of_type, &format!("{}{of_type}.{name}", instance.prefix));
            continue;
        }
        let scope = Scope { instance: number, file: part.file, names: None };
        let address = format!("{of_type}.{name}");
        let parts = instance.module.blocks(&(mode, of_type, name), *part);
        let keys = evaluator.keys(&parts, &scope, &address);
        if is_key_type(of_type) {
            count(evaluator, *part, &format!("{}{address}", instance.prefix), !keys.is_empty());
        }
        for (key, scope) in keys {
            let resource = evaluator.resource((mode, of_type, name), *part, &key, &scope);
            let at = evaluator.at(part.file, part.block.span());
            let doubt = key.doubt().or_else(|| instance.doubt.clone());
            // A plan shows what stands there.
            let is_open = instance.module.is_broken && evaluator.plan.is_none();
            into.push(Declared { resource, at, doubt, is_open });
        }
    }
    for &name in instance.module.calls.keys() {
        let children = evaluator.children(number, name);
        for child in children.iter() {
            collect(evaluator, child.instance, into);
        }
        if children.is_empty() {
            unmade(evaluator, &instance, name);
        }
    }
}

/// What is not known of what the provider awscc makes.
const AWSCC: &str = "what the provider awscc makes of it";

/// Tells of what declares keys or identities, and is not read.
fn unread(evaluator: &Evaluator<'_>, part: Part<'_>, of_type: &str, address: &str) {
    let what = match of_type {
        "aws_ssoadmin_permission_set_inline_policy" => Some("who gets it, and what it allows"),
        _ if awscc::is_unread(of_type) => Some(AWSCC),
        _ => None,
    };
    let Some(what) = what else { return };
    let at = evaluator.at(part.file, part.block.span());
    evaluator.unresolved(at, format!("{address}: {what}"));
}

/// Counts the keys of a block among those that are there, or those that are not. What a plan leaves out no
/// default does.
fn count(evaluator: &Evaluator<'_>, part: Part<'_>, address: &str, is_made: bool) {
    let at = evaluator.at(part.file, part.block.span());
    let mut unmade = evaluator.unmade.borrow_mut();
    match is_made {
        true => unmade.is_made(at.file, at.span),
        false if evaluator.plan.is_none() => unmade.add(at.file, at.span, address),
        false => {}
    }
}

/// Counts the keys of a module that is here and that a call makes none of.
fn unmade(evaluator: &Evaluator<'_>, instance: &Instance<'_>, name: &str) {
    let parts = instance.module.call(name);
    let path =
        module::source(&parts).and_then(|source| module::local(instance.module.directory, source));
    let Some(module) = path.and_then(|path| evaluator.modules.get(path.as_str())) else { return };
    for ((_, of_type, key), part) in module
        .resources
        .iter()
        .filter(|((mode, of_type, _), _)| *mode == Mode::Resource && is_key_type(of_type))
    {
        let address = format!("{}module.{name}.{of_type}.{key}", instance.prefix);
        count(evaluator, *part, &address, false);
    }
}

/// Adds the resources that only the plan shows.
fn planned<'a>(evaluator: &Evaluator<'a>, root: usize, into: &mut Vec<Declared<'a>>) {
    let Some(plan) = evaluator.plan else { return };
    let known: BTreeSet<String> = into.iter().map(|it| it.resource.address.clone()).collect();
    for (address, stated) in plan.resources() {
        let is_one = stated.mode == Mode::Resource && is_looked_at(&stated.of_type);
        if stated.mode == Mode::Resource
            && awscc::is_unread(&stated.of_type)
            && evaluator.modules.is_empty()
        {
            evaluator.unresolved(stated.at, format!("{address}: {AWSCC}"));
        }
        if is_one && !known.contains(address) {
            let resource = evaluator.planned_resource(plan, address, stated, root, 0);
            into.push(Declared { resource, at: stated.at, doubt: None, is_open: false });
        }
    }
}
