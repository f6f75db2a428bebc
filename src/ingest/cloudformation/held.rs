//! Templates that stand in files of another kind.

use crate::aws::AccountId;
use crate::source::{FileId, Located, Span};
use crate::syntax::{Kind, Member, Node, Unresolved, json, yaml};

use super::super::declared::{Deployment, REGION};
use super::{Template, owned, placed};

/// What a template that is no file of its own stands in.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// The parameters that it gives, by their names.
    pub(super) given: Option<Node<'static>>,
    /// Where it deploys the template to.
    pub(super) deployment: Deployment,
    /// The set of stacks that it is, by the range of its name in the file.
    pub(super) set: Option<Span>,
}

impl Template {
    /// The template in a tree, whose spans are those of its file; `given` are its parameters.
    pub(in crate::ingest) fn held(
        file: FileId,
        root: &Node<'_>,
        given: Option<&Node<'_>>,
        deployment: &Deployment,
    ) -> Option<Self> {
        let template = Self::new(file, owned(root, 0))?;
        let given = given.map(|given| owned(given, 0));
        let holder = Holder { given, deployment: deployment.clone(), set: None };
        let holder = Some(Box::new(holder));
        Some(Self { holder, ..template })
    }
}

/// The tree of a template that is a text in JSON or YAML, its spans in that text; nothing where it is broken.
pub(in crate::ingest) fn of_file(text: &str) -> Option<Node<'static>> {
    if text.trim_start().starts_with('{') {
        return json::parse(text).ok().map(|root| owned(&root, 0));
    }
    let (documents, problems) = yaml::parse(text);
    let first = documents.first().filter(|_| problems.is_empty());
    first.map(|document| owned(&document.root, 0))
}

/// The templates that sets of stacks hold as texts, deployed to any account and Region: each with what its account
/// is, in words.
pub(in crate::ingest) fn of_sets(
    templates: &[Template],
    deployment: &Deployment,
) -> Vec<(Template, String)> {
    let mut found = Vec::new();
    for template in templates.iter().filter(|template| template.holder.is_none()) {
        let resources = template.root.get("Resources").map(Node::members).unwrap_or_default();
        for set in resources {
            let account = AccountId::symbol(&format!("{}c{}", template.file.0, found.len()));
            let somewhere = Deployment { account, region: REGION.into(), ..deployment.clone() };
            let label = format!("an account that the stack set {} deploys to", set.name.value);
            found.extend(of_set(template.file, set, somewhere).map(|held| (held, label)));
        }
    }
    found
}

/// The template of one set of stacks that is there for sure, at the place of its text.
fn of_set(file: FileId, set: &Member<'static>, deployment: Deployment) -> Option<Template> {
    let is_set = set.value.get("Type").and_then(Node::as_str) == Some(SET);
    let properties = set.value.get("Properties").filter(|_| is_set)?;
    let body = properties.get("TemplateBody").filter(|body| body.tag.is_none())?;
    let root = of_file(body.as_str().filter(|_| set.value.get("Condition").is_none())?)?;
    let template = Template::new(file, placed(&root, &|_| body.span))?;
    let given = properties.get("Parameters").map(Node::one_or_many).unwrap_or_default();
    let given = given.iter().filter_map(|one| {
        let (name, value) = (one.get("ParameterKey")?, one.get("ParameterValue")?);
        let kind = match value.scalar().filter(|_| value.tag.is_none()) {
            Some(text) => Kind::String(text.to_owned().into()),
            None => Kind::Unresolved(Unresolved::unknown(name.as_str()?)),
        };
        let name = Located::new(name.as_str()?.to_owned().into(), name.span);
        Some(Member { name, value: Node { span: value.span, tag: None, kind } })
    });
    let given = Node { span: body.span, tag: None, kind: Kind::Object(given.collect()) };
    let holder = Holder { given: Some(given), deployment, set: Some(set.name.span) };
    Some(Template { holder: Some(Box::new(holder)), ..template })
}

/// The type of sets of stacks.
const SET: &str = "AWS::CloudFormation::StackSet";
