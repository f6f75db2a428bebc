//! CloudFormation templates, in YAML and JSON, as facts: what stands there once they are deployed, as far
//! as that is known before.
//!
//! Files are read one by one; [`facts`] evaluates all templates of a run together, since they refer to
//! each other: by exports, and by nested stacks. What is not known keeps its expression and what is known
//! of it (see [`text`]). Every span is that of the element in the template which the value stands in,
//! also where the value comes from a parameter, a mapping or another template.

mod conditions;
mod documents;
mod evaluate;
pub(super) mod fragments;
mod functions;
pub(super) mod held;
mod holder;
mod identities;
pub(super) mod idle;
mod keys;
mod loops;
pub(super) mod manifest;
mod mentions;
mod names;
mod organizations;
mod parameters;
mod references;
mod sam;
mod stacks;
mod supposed;
mod targets;
mod text;

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::inventory::Stated;
use crate::source::{FileId, Place, Span};
use crate::syntax::{Kind, Node, json, yaml};

use super::declared::Unmade;
use super::document::{Document, Read, Refusal, Source};
use super::facts::Fact;
use super::homes::Homes;
use super::symbols::Symbols;
use held::Holder;
use manifest::Deployments;
use names::Names;
use stacks::World;

/// What a text mentions that declares something of ours.
const MENTIONS: [&str; 6] = [
    "AWS::KMS::",
    "AWS::IAM::",
    "AWS::Serverless::",
    "AWS::CloudFormation::Stack",
    "AWS::Organizations::Policy",
    "::MODULE",
];

/// A template that was read, and is not evaluated yet.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// The file.
    pub(super) file: FileId,
    /// Its tree, spans in the file.
    root: Node<'static>,
    /// Whether it has loops that are not written out.
    has_loops: bool,
    /// What holds it, where it is no file of its own.
    holder: Option<Box<Holder>>,
}

impl Template {
    fn new(file: FileId, root: Node<'static>) -> Option<Self> {
        let resources = root.get("Resources")?;
        let is_resource = |node: &Node<'_>| {
            let of_type = node.get("Type").and_then(Node::as_str);
            of_type.is_some_and(|name| name.contains("::"))
        };
        // A loop over resources has no type.
        let is_one = resources
            .members()
            .iter()
            .any(|it| is_resource(&it.value) || it.name.value.starts_with("Fn::ForEach::"));
        let has_loops = loops::has_loops(&root);
        is_one.then_some(Self { file, root, has_loops, holder: None })
    }

    /// Whether it declares a key.
    pub(super) fn has_keys(&self) -> bool {
        let resources = self.root.get("Resources").map(Node::members).unwrap_or_default();
        let mut types = resources.iter().filter_map(|it| it.value.get("Type")?.as_str());
        types.any(|name| name.starts_with("AWS::KMS::"))
    }

    /// The account that what holds it deploys it to.
    pub(super) fn account(&self) -> Option<AccountId> {
        self.holder.as_ref().map(|holder| holder.deployment.account)
    }

    /// Whether a set of stacks holds it.
    fn is_of_set(&self) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.set.is_some())
    }

    /// A place in the template; spans count from the start of the file.
    fn place(&self, span: Span) -> Place {
        Place::plain(self.file, span)
    }
}

/// Whether a text could be a template that declares something of ours.
pub(super) fn is_mentioned(text: &str) -> bool {
    text.contains("Resources") && MENTIONS.iter().any(|name| text.contains(name))
}

/// A template in JSON.
pub(super) fn read_json(document: &Document<'_, '_>) -> Read {
    let text = document.span.slice(document.source.text).unwrap_or_default();
    if !is_mentioned(text) {
        return Err(Refusal::Other);
    }
    let tree = json::parse(text).map_err(|_| Refusal::Other)?;
    let tree = owned(&tree, document.span.start);
    let template = Template::new(document.source.file, tree).ok_or(Refusal::Other)?;
    Ok(vec![Fact::Template(Box::new(template))])
}

/// The templates of a YAML text, and the first fault of it where it is one; nothing where it is a text of
/// another kind that holds one.
pub(super) fn read_yaml(source: &Source<'_>) -> Vec<Fact> {
    let (file, text) = (source.file, source.text);
    if !is_mentioned(text) {
        return Vec::new();
    }
    let (documents, problems) = yaml::parse(text);
    if !problems.is_empty() && !source.hint.is_data() {
        return Vec::new();
    }
    let templates =
        documents.iter().filter_map(|document| Template::new(file, owned(&document.root, 0)));
    let mut facts: Vec<Fact> =
        templates.map(|template| Fact::Template(Box::new(template))).collect();
    // Many templates leave out their version.
    let has_keys = || text.contains("AWS::KMS::") && text.lines().any(is_of_resources);
    let is_ours = !facts.is_empty() || text.contains("AWSTemplateFormatVersion") || has_keys();
    if let Some(problem) = problems.first().filter(|_| is_ours) {
        let message = format!("broken YAML: {}", problem.message);
        facts.push(Fact::Broken { span: problem.span, message });
    }
    facts
}

/// Whether a line opens the resources of a template.
fn is_of_resources(line: &str) -> bool {
    line.trim_end() == "Resources:"
}

/// The template in a text that is broken JSON, where it is sound YAML: a comma behind the last item is.
pub(super) fn read_loose(source: &Source<'_>) -> Vec<Fact> {
    let facts = read_yaml(source);
    let is_sound = facts.iter().all(|fact| matches!(fact, Fact::Template(_)));
    if is_sound { facts } else { Vec::new() }
}

/// The tree without its text, `offset` bytes further on.
fn owned(node: &Node<'_>, offset: u32) -> Node<'static> {
    placed(node, &|span| span.shifted(offset))
}

/// The tree without its text, its spans moved.
fn placed(node: &Node<'_>, moved: &dyn Fn(Span) -> Span) -> Node<'static> {
    let text = |text: &str| -> std::borrow::Cow<'static, str> { text::clean(text).into() };
    let located = |located: &crate::source::Located<std::borrow::Cow<'_, str>>| {
        crate::source::Located::new(text(&located.value), moved(located.span))
    };
    let kind = match &node.kind {
        Kind::Null => Kind::Null,
        Kind::Bool(value) => Kind::Bool(*value),
        Kind::Number(value) => Kind::Number(text(value)),
        Kind::String(value) => Kind::String(text(value)),
        Kind::Array(items) => Kind::Array(items.iter().map(|item| placed(item, moved)).collect()),
        Kind::Object(members) => {
            let members = members.iter().map(|member| crate::syntax::Member {
                name: located(&member.name),
                value: placed(&member.value, moved),
            });
            Kind::Object(members.collect())
        }
        // No text reads as these.
        Kind::Unresolved(value) => Kind::Unresolved(value.clone()),
        Kind::OneOf { expression, branches } => Kind::OneOf {
            expression: expression.clone(),
            branches: branches.iter().map(|branch| placed(branch, moved)).collect(),
        },
    };
    Node { span: moved(node.span), tag: node.tag.as_ref().map(located), kind }
}

/// What templates declare, and what of it could not be evaluated.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) facts: Vec<Fact>,
    /// Whole things that could not be resolved, in words.
    pub(super) unresolved: Vec<Stated<Box<str>>>,
    /// What was taken for granted, in words.
    pub(super) assumed: BTreeSet<Box<str>>,
    /// The accounts and Regions that they are deployed to.
    pub(super) homes: Homes,
    /// Keys that are not there with the values at hand.
    pub(super) unmade: Unmade,
}

/// What stands for names and ids that the templates of a run leave open.
pub(super) fn symbols(
    templates: &[Template],
    deployments: &Deployments,
    path: &dyn Fn(FileId) -> String,
) -> Symbols {
    let templates = loops::unrolled(templates, deployments.given());
    Names::new(&World::new(&templates, deployments, path)).symbols
}

/// Evaluates all templates of a run; `path` names their files, `symbols` are those of what other code
/// declares.
pub(super) fn facts(
    templates: &[Template],
    deployments: &Deployments,
    symbols: &Symbols,
    path: &dyn Fn(FileId) -> String,
) -> Declared {
    let templates = loops::unrolled(templates, deployments.given());
    let world = World::new(&templates, deployments, path);
    world.declared(symbols)
}
