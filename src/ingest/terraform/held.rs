//! What resources hold of CloudFormation: the template of a stack or of a set of stacks, and what Cloud Control is
//! to make, which has the properties of CloudFormation, too. They are read with the templates that stand alone.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::source::{FileId, Located};
use crate::syntax::{Kind, Member, Node};

use super::super::cloudformation::{Template, held};
use super::super::declared::{Deployment, REGION, object_at, text_at};
use super::evaluator::Evaluator;
use super::value::{Data, Value};
use super::world::Declared;
use super::{Source, filled, lowered};

/// Resources that hold something.
const STACK: &str = "aws_cloudformation_stack";
const STACKS: &str = "aws_cloudformation_stack_set";
const DESIRED: &str = "aws_cloudcontrolapi_resource";

/// What is not known of one.
const TEMPLATE: &str = "the template that stands in it";

/// The templates that resources hold.
#[derive(Default)]
pub(in crate::ingest) struct Held {
    pub(in crate::ingest) templates: Vec<Template>,
    /// The files of those that are files of their own: what a stack gives them holds.
    pub(in crate::ingest) files: BTreeSet<FileId>,
}

/// Whether a type of resources holds something.
pub(super) fn is_holder(of_type: &str) -> bool {
    matches!(of_type, STACK | STACKS | DESIRED)
}

/// Whether some files may hold something that is looked at.
pub(in crate::ingest) fn is_held_in(sources: &[Source]) -> bool {
    sources.iter().any(|source| is_held(&source.text))
}

/// Whether a file may.
pub(super) fn is_held(text: &str) -> bool {
    [STACK, DESIRED].iter().any(|it| text.contains(it))
}

/// Whether a text may speak of what is looked at.
fn is_ours(text: &str) -> bool {
    text.contains("AWS::KMS::") || text.contains("AWS::IAM::")
}

/// The templates that resources hold; what holds one that is not known is noted.
pub(super) fn templates(evaluator: &Evaluator<'_>, resources: &[Declared<'_>]) -> Held {
    let mut held = Held::default();
    for (nth, declared) in resources.iter().enumerate() {
        let deployment = declared.resource.provider.deployment.clone();
        let found = match declared.resource.of_type {
            STACK => stack(evaluator, declared, &deployment, &mut held.files),
            STACKS => {
                let deployment = somewhere(evaluator, declared, nth, deployment);
                stack(evaluator, declared, &deployment, &mut held.files)
            }
            DESIRED => desired(evaluator, declared),
            _ => None,
        };
        held.templates.extend(found);
    }
    held
}

/// Where a set of stacks deploys its template to: to any account and Region.
fn somewhere(
    evaluator: &Evaluator<'_>,
    declared: &Declared<'_>,
    nth: usize,
    deployment: Deployment,
) -> Deployment {
    let account = AccountId::symbol(&format!("{}s{nth}", declared.at.file.0));
    let label = format!("an account that {} deploys to", declared.resource.address);
    evaluator.labels.borrow_mut().insert(account, label);
    Deployment { account, region: REGION.into(), ..deployment }
}

fn stack(
    evaluator: &Evaluator<'_>,
    declared: &Declared<'_>,
    deployment: &Deployment,
    files: &mut BTreeSet<FileId>,
) -> Option<Template> {
    let argument = |name: &str| evaluator.argument(&declared.resource.arguments, name);
    let Some(body) = argument("template_body").filter(|body| !body.is_null()) else {
        if argument("template_url").is_some_and(|url| !url.is_null()) {
            note(evaluator, declared, "the template at its URL");
        }
        return None;
    };
    if body.known().is_some_and(|text| !is_ours(&text)) {
        return None;
    }
    let given = argument("parameters").filter(|given| !given.is_null());
    let given = given.map(|given| lowered::tree(&given, declared.at));
    let is_elsewhere = body.at.file != declared.at.file;
    if is_elsewhere && body.known().is_some_and(|text| *evaluator.text(body.at.file) == *text) {
        // A file of its own is read as one, unless a stack says more of it.
        let given = given.filter(|_| declared.doubt.is_none())?;
        let root = held::of_file(&body.known()?)?;
        let template = Template::held(body.at.file, &root, Some(&given), deployment)?;
        files.insert(body.at.file);
        return Some(template);
    }
    let Some(root) = tree(evaluator, declared, &body) else {
        note(evaluator, declared, TEMPLATE);
        return None;
    };
    if is_elsewhere {
        files.insert(body.at.file);
    }
    Template::held(declared.at.file, &root, given.as_ref(), deployment)
}

/// The template of the one resource that Cloud Control is to make, called by its address.
fn desired(evaluator: &Evaluator<'_>, declared: &Declared<'_>) -> Option<Template> {
    let argument = |name: &str| evaluator.argument(&declared.resource.arguments, name);
    let of_type = argument("type_name")?;
    let Some(of_type) = of_type.known() else {
        note(evaluator, declared, "what it makes, whose type is not known");
        return None;
    };
    if !is_ours(&of_type) {
        return None;
    }
    let state = argument("desired_state").and_then(|state| tree(evaluator, declared, &state));
    let Some(state) = state else {
        note(evaluator, declared, &format!("what it makes, which is of type {of_type}"));
        return None;
    };
    let span = declared.at.span;
    let made =
        object_at(span, vec![("Type", text_at(span, of_type.to_string())), ("Properties", state)]);
    let address = Cow::Owned(declared.resource.address.clone());
    let member = Member { name: Located::new(address, span), value: made };
    let resources = Node { span, tag: None, kind: Kind::Object(vec![member]) };
    let root = object_at(span, vec![("Resources", resources)]);
    Template::held(declared.at.file, &root, None, &declared.resource.provider.deployment)
}

/// The tree of a document in JSON or YAML that is an argument; nothing where it is not known, or may not be
/// there.
fn tree(
    evaluator: &Evaluator<'_>,
    declared: &Declared<'_>,
    value: &Value,
) -> Option<Node<'static>> {
    if declared.doubt.is_some() {
        return None;
    }
    match &value.data {
        Data::Json(document) => Some(lowered::tree(document, declared.at)),
        Data::Text(pieces) => {
            let is_here = value.at.file == declared.at.file;
            let at = if is_here { value.at } else { declared.at };
            let text = evaluator.text(at.file);
            let written = at.span.slice(&text).filter(|_| is_here).unwrap_or_default();
            filled::tree(pieces, at.span, written)
        }
        _ => None,
    }
}

fn note(evaluator: &Evaluator<'_>, declared: &Declared<'_>, what: &str) {
    evaluator.unresolved(declared.at, format!("{}: {what}", declared.resource.address));
}
