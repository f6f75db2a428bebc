//! Templates that stand in files of another kind.

use crate::source::FileId;
use crate::syntax::{Node, json, yaml};

use super::super::declared::Deployment;
use super::{Template, owned};

/// What a template that is no file of its own stands in.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// The parameters that it gives, by their names.
    pub(super) given: Option<Node<'static>>,
    /// Where it deploys the template to.
    pub(super) deployment: Deployment,
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
        let holder = Some(Box::new(Holder { given, deployment: deployment.clone() }));
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
