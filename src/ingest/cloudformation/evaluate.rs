//! The values of a template: its tree without its functions.
//!
//! A value that is not known is `Kind::Unresolved`, one of several is `Kind::OneOf`, a text that is known
//! in part is a text with holes (see [`super::text`]). `AWS::NoValue` is no value at all.

use std::borrow::Cow;

use crate::source::Span;
use crate::syntax::{Kind, Member, Node, Unresolved};

use super::conditions::Truth;
use super::stacks::{Stack, World, source_of};
use super::supposed::has_branches;
use super::text;

/// How deep values refer to one another.
const DEPTH: usize = 64;

/// A stack, as a place to evaluate values at.
#[derive(Clone, Copy)]
pub(super) struct At<'w, 't> {
    pub(super) world: &'w World<'t>,
    pub(super) number: usize,
    pub(super) stack: &'w Stack<'t>,
    /// How many references led here.
    depth: usize,
}

/// A resource that is there, or may be.
pub(super) struct Resource<'w> {
    /// Its logical id.
    pub(super) name: &'w str,
    /// Where the logical id stands.
    pub(super) span: Span,
    /// What decides whether it is there, where nobody knows.
    pub(super) doubt: Option<Box<str>>,
    /// All of it, not evaluated.
    pub(super) node: &'w Node<'static>,
}

impl<'w, 't> At<'w, 't> {
    pub(super) fn new(world: &'w World<'t>, number: usize) -> Self {
        #[expect(clippy::expect_used, reason = "numbers come from the world's own stacks")]
        let stack = world.stacks.get(number).expect("a stack of this world");
        Self { world, number, stack, depth: 0 }
    }

    /// The same place one reference further on; nothing where references go too far.
    pub(super) fn deeper(self) -> Option<Self> {
        let fuel = self.world.fuel.get();
        self.world.fuel.set(fuel.saturating_sub(1));
        (self.depth < DEPTH && fuel > 0).then_some(Self { depth: self.depth + 1, ..self })
    }

    /// The same depth in another stack.
    pub(super) fn over(self, number: usize) -> Self {
        Self { depth: self.depth, ..Self::new(self.world, number) }
    }

    /// The resource, where the template says that it is there or may be.
    pub(super) fn resource(self, member: &'w Member<'static>) -> Option<Resource<'w>> {
        let node = &member.value;
        let own = node.get("Condition").and_then(Node::as_str);
        let own = own.map_or(Truth::True, |name| self.condition(name));
        // A stack that is not there has no resources.
        let of_parent = self.stack.parent.map_or(Truth::True, |(number, parent)| {
            match self.deeper().and_then(|at| at.over(number).resource(parent)) {
                None => Truth::False,
                Some(Resource { doubt: Some(doubt), .. }) => Truth::Unknown(doubt),
                Some(_) => Truth::True,
            }
        });
        let doubt = match own.and(of_parent) {
            Truth::False => return None,
            Truth::True => None,
            Truth::Unknown(doubt) => Some(doubt),
        };
        Some(Resource { name: &member.name.value, span: member.name.span, doubt, node })
    }

    /// The value of a property, where the resource is there.
    pub(super) fn property(self, resource: &Resource<'_>, name: &str) -> Option<Node<'static>> {
        let properties = resource.node.get("Properties");
        if let Some(value) = properties.and_then(|all| all.get(name)) {
            return match has_branches(value) {
                true => self.where_it_is(resource, || self.eval(value)),
                false => self.eval(value),
            };
        }
        // What a macro puts beside the others, or beside all of them, can be any of them.
        let mut around = properties.into_iter().chain([resource.node]).flat_map(Node::members);
        let odd = around.find(|it| it.name.value.starts_with("Fn::"))?;
        Some(unknown(odd.name.span, &format!("{}.{name}", resource.name)))
    }

    /// What `ask` gives where the resource is there.
    pub(super) fn where_it_is<T>(self, resource: &Resource<'_>, ask: impl FnOnce() -> T) -> T {
        let own = resource.node.get("Condition").and_then(Node::as_str);
        match own.filter(|_| resource.doubt.is_some()) {
            Some(condition) => self.supposing(condition, true, ask),
            None => ask(),
        }
    }

    /// The value of a property as a text, known or not.
    pub(super) fn text(self, resource: &Resource<'_>, name: &str) -> Option<String> {
        let value = self.property(resource, name)?;
        Some(text_of(&value).unwrap_or_else(|| text::hole(&format!("{}.{name}", resource.name))))
    }

    /// The value of a property that is true or false; nothing inside where that is not known.
    pub(super) fn truth(self, resource: &Resource<'_>, name: &str) -> Option<Option<bool>> {
        let value = self.property(resource, name)?;
        Some(match value.scalar() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        })
    }

    /// Notes that something as a whole could not be resolved.
    pub(super) fn unresolved(self, span: Span, what: impl Into<Box<str>>) {
        self.world.unresolved(self.stack.template, span, what);
    }

    /// Notes what a resource makes that is not read here.
    pub(super) fn note_unread(self, resource: &Resource<'_>) {
        let name = resource.name;
        let what = match resource.of_type() {
            "AWS::CloudFormation::Stack" => return self.note_nested(resource, "TemplateURL"),
            "AWS::Serverless::Application" => return self.note_nested(resource, "Location"),
            "AWS::CloudFormation::StackSet" if self.is_read(resource) => return,
            "AWS::CloudFormation::StackSet" => format!("the stacks of the stack set {name}"),
            "AWS::SSO::PermissionSet" if self.property(resource, "InlinePolicy").is_some() => {
                format!("who gets the permission set {name}, and its policy")
            }
            of_type if of_type.ends_with("::MODULE") => format!("what the module {name} makes"),
            _ => return,
        };
        self.unresolved(resource.span, what);
    }

    /// Whether the template of a set of stacks is one of those that are read.
    fn is_read(self, set: &Resource<'_>) -> bool {
        let file = self.stack.template.file;
        let mut held = self.world.stacks.iter().filter(|stack| stack.template.file == file);
        held.any(|stack| {
            let holder = stack.template.holder.as_ref();
            holder.is_some_and(|holder| holder.set == Some(set.span))
        })
    }

    /// Notes a nested stack whose template is not at hand; `property` says where that is.
    fn note_nested(self, resource: &Resource<'_>, property: &str) {
        let is_here = self.world.stacks.iter().any(|stack| {
            stack.parent.is_some_and(|(number, member)| {
                number == self.number && member.name.value == resource.name
            })
        });
        if !is_here {
            let source = source_of(resource.node).map(ToOwned::to_owned);
            let source = source.or_else(|| text_of(&self.property(resource, property)?));
            let source = source.map_or(String::new(), |text| format!(": {}", text::shown(&text)));
            let what = format!("the nested stack {}{source}", resource.name);
            self.unresolved(resource.span, what);
        }
    }

    /// The value of `node`; nothing where it says that there is none.
    pub(super) fn eval(self, node: &Node<'static>) -> Option<Node<'static>> {
        let Some(at) = self.deeper() else {
            return Some(unknown(node.span, "references that go in a circle, or too far"));
        };
        if let Some((function, argument)) = function(node) {
            return at.call(function, &argument, node.span);
        }
        if let Some(tag) = &node.tag {
            return Some(unknown(node.span, &format!("{} ...", tag.value)));
        }
        let kind = match &node.kind {
            Kind::Array(items) => Kind::Array(items.iter().filter_map(|it| at.eval(it)).collect()),
            Kind::Object(members) => {
                if let Some(odd) = members.iter().find(|it| it.name.value.starts_with("Fn::")) {
                    return Some(unknown(node.span, &odd.name.value));
                }
                let members = members.iter().filter_map(|member| {
                    let value = at.eval(&member.value)?;
                    Some(Member { name: member.name.clone(), value })
                });
                Kind::Object(members.collect())
            }
            Kind::String(text) => Kind::String(with_dynamic_references(text)),
            kind => kind.clone(),
        };
        Some(Node { span: node.span, tag: None, kind })
    }

    /// What stands for `name`, told apart from the same name in another stack.
    pub(super) fn own(self, name: &str) -> String {
        match self.number {
            0 => name.to_owned(),
            number => format!("{name}{}{}", text::APART, number + 1),
        }
    }
}

/// The function that a node calls, and its argument: `!Sub x` or `{ "Fn::Sub": x }`.
pub(super) fn function<'n>(node: &'n Node<'static>) -> Option<(&'n str, Cow<'n, Node<'static>>)> {
    if let Some(tag) = &node.tag {
        let name = tag.value.strip_prefix('!')?;
        return Some((name, Cow::Owned(Node { tag: None, ..node.clone() })));
    }
    let [member] = node.members() else { return None };
    let name = match &*member.name.value {
        "Ref" => "Ref",
        name => name.strip_prefix("Fn::")?,
    };
    Some((name, Cow::Borrowed(&member.value)))
}

/// A text in place of a value that is not known.
pub(super) fn unknown(span: Span, expression: &str) -> Node<'static> {
    let kind = Kind::Unresolved(Unresolved::unknown(text::shown(expression)));
    Node { span, tag: None, kind }
}

/// A text as a value.
pub(super) fn string(span: Span, text: impl Into<String>) -> Node<'static> {
    let text: String = text.into();
    if text::is_too_long(&text) {
        return unknown(span, "a text that is too long");
    }
    Node { span, tag: None, kind: Kind::String(text.into()) }
}

/// The text of a value, known or not; nothing for lists and objects.
pub(super) fn text_of(node: &Node<'_>) -> Option<String> {
    match &node.kind {
        Kind::Unresolved(value) if *value.shape == *"*" => Some(text::hole(&value.expression)),
        Kind::Unresolved(_) | Kind::Array(_) | Kind::Object(_) | Kind::Null => None,
        Kind::OneOf { expression, branches } => {
            let texts: Option<Vec<String>> = branches.iter().map(text_of).collect();
            let texts = texts?;
            // The name says which texts it chooses from: the same condition chooses elsewhere, too.
            let shown: Vec<String> = texts.iter().map(|text| text::shown(text)).collect();
            let name = format!("{expression}: {}", shown.join(" or "));
            Some(text::choice(&name, texts.iter().map(String::as_str)))
        }
        _ => node.scalar().map(ToOwned::to_owned),
    }
}

/// The value with all its spans at `span`: it is used there.
pub(super) fn used_at(span: Span, node: Node<'static>) -> Node<'static> {
    let kind = match node.kind {
        Kind::Array(items) => {
            Kind::Array(items.into_iter().map(|item| used_at(span, item)).collect())
        }
        Kind::Object(members) => {
            let members = members.into_iter().map(|member| Member {
                name: crate::source::Located::new(member.name.value, span),
                value: used_at(span, member.value),
            });
            Kind::Object(members.collect())
        }
        Kind::OneOf { expression, branches } => Kind::OneOf {
            expression,
            branches: branches.into_iter().map(|branch| used_at(span, branch)).collect(),
        },
        kind => kind,
    };
    Node { span, tag: None, kind }
}

/// `{{resolve:ssm:...}}`: what AWS looks up when the template is deployed.
pub(super) fn with_dynamic_references<'a>(written: &Cow<'a, str>) -> Cow<'a, str> {
    if !written.contains("{{resolve:") {
        return written.clone();
    }
    let mut whole = String::new();
    let mut rest: &str = written;
    while let Some((before, behind)) = rest.split_once("{{resolve:") {
        let Some((inside, behind)) = behind.split_once("}}") else { break };
        whole.push_str(before);
        whole.push_str(&text::hole(&format!("resolve:{inside}")));
        rest = behind;
    }
    whole.push_str(rest);
    whole.into()
}

/// Each item, and each of those that one may be with what decides whether it is there.
pub(super) fn each_branch<'n>(
    items: &'n [Node<'static>],
    doubt: Option<&'n str>,
) -> Vec<(&'n Node<'static>, Option<&'n str>)> {
    let of_item = |item: &'n Node<'static>| match &item.kind {
        Kind::OneOf { expression, branches } => {
            let doubt = doubt.or(Some(&**expression));
            let items = branches.iter().map(Node::one_or_many);
            items.flat_map(|items| each_branch(items, doubt)).collect()
        }
        Kind::Null => Vec::new(),
        _ => vec![(item, doubt)],
    };
    items.iter().flat_map(of_item).collect()
}

/// The items of a list; none where there is none.
pub(super) fn list<'n>(node: Option<&'n Node<'static>>) -> &'n [Node<'static>] {
    node.map(Node::one_or_many).unwrap_or_default()
}
