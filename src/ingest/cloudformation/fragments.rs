//! Policies that stand alone and are filled in later: by the functions of a template that takes them in, or
//! by names between `${` and `}`. What is filled in is not known; the pseudo parameters have their symbols.

use std::cell::OnceCell;

use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::FileId;
use crate::syntax::{Kind, Member, Node};

use super::super::declared::Deployment;
use super::evaluate::{At, function};
use super::manifest::Deployments;
use super::names::Names;
use super::stacks::World;
use super::{Template, owned, text};

/// A policy that is filled in later.
pub(in crate::ingest) struct Fragment {
    file: FileId,
    root: Node<'static>,
    evaluated: OnceCell<Node<'static>>,
}

/// The policy in a tree whose spans begin `offset` bytes into the file; nothing where all of it is known.
pub(in crate::ingest) fn read(file: FileId, root: &Node<'_>, offset: u32) -> Option<Fragment> {
    let root = owned(root, offset);
    is_open(&root).then(|| Fragment { file, root, evaluated: OnceCell::new() })
}

impl Fragment {
    /// The policy as one of a kind.
    pub(in crate::ingest) fn policy(&self, kind: PolicyKind) -> PolicyDocument {
        let empty = Node { span: self.root.span, tag: None, kind: Kind::Object(Vec::new()) };
        let templates = [Template { file: self.file, root: empty, has_loops: false, holder: None }];
        let path = |_: FileId| String::new();
        let deployments = Deployments::new(&[], &templates, &Deployment::default(), &path);
        let world = World::new(&templates, &deployments, &path);
        let at = At::new(&world, 0);
        let node = self.evaluated.get_or_init(|| {
            let node = at.eval(&self.root).unwrap_or_else(|| self.root.clone());
            filled(&node)
        });
        Names::new(&world).policy(&at, kind, node, None)
    }
}

/// Whether something is filled in.
fn is_open(node: &Node<'static>) -> bool {
    function(node).is_some()
        || match &node.kind {
            Kind::String(text) => with_holes(text).is_some(),
            Kind::Array(items) => items.iter().any(is_open),
            Kind::Object(members) => members.iter().any(|member| is_open(&member.value)),
            _ => false,
        }
}

/// The tree with holes for names that are filled in.
fn filled(node: &Node<'static>) -> Node<'static> {
    let kind = match &node.kind {
        Kind::String(text) => match with_holes(text) {
            Some(text) => Kind::String(text.into()),
            None => node.kind.clone(),
        },
        Kind::Array(items) => Kind::Array(items.iter().map(filled).collect()),
        Kind::Object(members) => {
            let filled = members
                .iter()
                .map(|member| Member { name: member.name.clone(), value: filled(&member.value) });
            Kind::Object(filled.collect())
        }
        kind => kind.clone(),
    };
    Node { kind, ..node.clone() }
}

/// A text with a hole for each `${NAME}`; nothing where it has none. The variables of policies have a colon
/// in their names, and `${*}`, `${?}` and `${$}` stand for the characters ("IAM policy elements: Variables
/// and tags").
fn with_holes(written: &str) -> Option<String> {
    let (mut whole, mut rest, mut is_open) = (String::new(), written, false);
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((name, behind)) = behind.split_once('}') else { break };
        whole.push_str(before);
        let is_variable = name.contains(':') || matches!(name, "" | "*" | "?" | "$");
        match is_variable {
            true => whole.push_str(&format!("${{{name}}}")),
            false => whole.push_str(&text::hole(name.trim())),
        }
        is_open |= !is_variable;
        rest = behind;
    }
    whole.push_str(rest);
    is_open.then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_colon_are_filled_in() {
        let shape = |written: &str| with_holes(written).map(|whole| text::shape(&whole));
        assert_eq!(shape("${ORG_ID}").as_deref(), Some("*"));
        assert_eq!(
            shape("arn:aws:iam::${id}:role/${aws:username}").as_deref(),
            Some("arn:aws:iam::*:role/${aws:username}")
        );
        for known in ["${aws:PrincipalOrgID}", "a${*}${$}", "${aws:username, 'x'}", "x", "${x"] {
            assert_eq!(shape(known), None, "{known}");
        }
    }
}
