//! What resources hold of CloudFormation: the template of a stack, and what Cloud Control is to make, which has
//! the properties of CloudFormation, too. Both are read with the templates that stand alone.

use std::borrow::Cow;

use hcl_edit::Span as _;

use crate::source::Located;
use crate::syntax::{Kind, Member, Node};

use super::super::cloudformation::{Template, held};
use super::super::declared::{object_at, text_at};
use super::evaluator::Evaluator;
use super::module::Part;
use super::value::{Data, Value};
use super::world::Declared;
use super::{Source, is_source, lowered, raw};

/// Resources that hold something.
const STACK: &str = "aws_cloudformation_stack";
const DESIRED: &str = "aws_cloudcontrolapi_resource";

/// What is not known of one.
const TEMPLATE: &str = "the template that stands in it";

/// Whether a type of resources holds something.
pub(super) fn is_holder(of_type: &str) -> bool {
    matches!(of_type, STACK | DESIRED)
}

/// Whether some files may hold something that is looked at.
pub(in crate::ingest) fn is_held_in(sources: &[Source]) -> bool {
    sources.iter().any(|source| [STACK, DESIRED].iter().any(|it| source.text.contains(it)))
}

/// Whether a text may speak of what is looked at.
fn is_ours(text: &str) -> bool {
    text.contains("AWS::KMS::") || text.contains("AWS::IAM::")
}

impl Evaluator<'_> {
    /// Whether some of the files may speak, in the words of CloudFormation, of what is looked at.
    pub(super) fn speaks_of_templates(&self) -> bool {
        // What is filled in stands in a file of its own.
        self.texts.values().any(|text| is_ours(text) || text.contains("templatefile("))
    }
}

/// What is not known of a block that holds, or refers to, what is not read; nothing of one that has nothing to
/// do with keys.
pub(super) fn unread(
    evaluator: &Evaluator<'_>,
    part: Part<'_>,
    of_type: &str,
) -> Option<&'static str> {
    let at = evaluator.at(part.file, part.block.span());
    let holds_keys = || {
        let text = evaluator.text(at.file);
        at.span.slice(&text).is_some_and(|text| text.contains("AWS::KMS::"))
    };
    match of_type {
        STACK if part.block.body.has_attribute("template_url") => Some("the template at its URL"),
        "aws_cloudformation_stack_set" if holds_keys() => Some(TEMPLATE),
        _ => None,
    }
}

/// The templates that resources hold; what holds one that is not known is noted.
pub(super) fn templates(evaluator: &Evaluator<'_>, resources: &[Declared<'_>]) -> Vec<Template> {
    let held = resources.iter().filter_map(|declared| match declared.resource.of_type {
        STACK => stack(evaluator, declared),
        DESIRED => desired(evaluator, declared),
        _ => None,
    });
    held.collect()
}

fn stack(evaluator: &Evaluator<'_>, declared: &Declared<'_>) -> Option<Template> {
    let argument = |name: &str| evaluator.argument(&declared.resource.arguments, name);
    let Some(body) = argument("template_body").filter(|body| !body.is_null()) else {
        if argument("template_url").is_some_and(|url| !url.is_null()) {
            note(evaluator, declared, "the template at its URL");
        }
        return None;
    };
    // A file of its own is read as one, unless it is filled in.
    let is_read_here =
        |path: &str| body.at.file == declared.at.file || is_source(path) || raw::is_template(path);
    if !evaluator.path(body.at.file).is_some_and(is_read_here) {
        return None;
    }
    let Some(root) = tree(declared, &body) else {
        note(evaluator, declared, TEMPLATE);
        return None;
    };
    let deployment = &declared.resource.provider.deployment;
    let given = argument("parameters").filter(|given| !given.is_null());
    let given = given.map(|given| lowered::tree(&given, declared.at));
    Template::held(declared.at.file, &root, given.as_ref(), deployment)
}

/// The template of the one resource that Cloud Control is to make, called by its address.
fn desired(evaluator: &Evaluator<'_>, declared: &Declared<'_>) -> Option<Template> {
    let argument = |name: &str| evaluator.argument(&declared.resource.arguments, name);
    let of_type = argument("type_name")?.known().filter(|of_type| is_ours(of_type))?;
    let state = argument("desired_state").and_then(|state| tree(declared, &state));
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
fn tree(declared: &Declared<'_>, value: &Value) -> Option<Node<'static>> {
    if declared.doubt.is_some() {
        return None;
    }
    if let Data::Json(document) = &value.data {
        return Some(lowered::tree(document, declared.at));
    }
    let text = value.known()?;
    let at = if value.at.file == declared.at.file { value.at } else { declared.at };
    held::parsed(&text, at.span)
}

fn note(evaluator: &Evaluator<'_>, declared: &Declared<'_>, what: &str) {
    evaluator.unresolved(declared.at, format!("{}: {what}", declared.resource.address));
}
