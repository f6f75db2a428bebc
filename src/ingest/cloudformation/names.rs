//! The IAM entities that templates declare, and policies that speak of them.
//!
//! A name that is not known before the template is deployed has a symbol, `<StackName>-App-<App>`, which
//! stands for it wherever the same name is meant. Any other text could name the entity all the same, if
//! it fits what is known of the name: then a policy says so, as something that nobody knows.

use std::collections::BTreeMap;

use crate::aws::pattern::takes;
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{Place, Span};
use crate::syntax::{Kind, Member, Node, Unresolved};

use super::super::declared::{self, Deployment, meets};
use super::super::facts::PrincipalKind;
use super::evaluate::At;
use super::stacks::World;
use super::{sam, text};

/// An IAM entity that some template declares.
pub(super) struct Entity {
    /// What it is; nothing for a managed policy.
    pub(super) kind: Option<PrincipalKind>,
    /// The stack.
    pub(super) stack: usize,
    /// Its name, as a text.
    pub(super) name: String,
    /// Its ARN, with symbols for what is not known.
    pub(super) arn: Box<str>,
}

/// All entities that are declared.
pub(super) struct Names {
    pub(super) entities: Vec<Entity>,
    /// Symbols of names and ARNs that are not known wholly, each with a shape.
    symbols: BTreeMap<String, String>,
}

/// The type of an IAM entity: what it is, its word in ARNs, and the property that names it.
pub(super) fn entity_of(
    of_type: &str,
) -> Option<(Option<PrincipalKind>, &'static str, &'static str)> {
    Some(match of_type {
        "AWS::IAM::Role" => (Some(PrincipalKind::Role), "role", "RoleName"),
        "AWS::IAM::User" => (Some(PrincipalKind::User), "user", "UserName"),
        "AWS::IAM::Group" => (Some(PrincipalKind::Group), "group", "GroupName"),
        "AWS::IAM::ManagedPolicy" => (None, "policy", "ManagedPolicyName"),
        _ => return None,
    })
}

impl Names {
    pub(super) fn new(world: &World<'_>) -> Self {
        let mut names = Self { entities: Vec::new(), symbols: BTreeMap::new() };
        for (number, stack) in world.stacks.iter().enumerate() {
            for member in stack.resources() {
                world.refuel();
                let at = At::new(world, number);
                let Some(resource) = at.resource(member) else { continue };
                if let Some((kind, word, property)) = entity_of(resource.of_type()) {
                    let name = at.iam_name(&resource, property);
                    names.add(number, kind, name, &at.iam_arn(&resource, word, property));
                } else if let Some(role) = sam::role_of(&at, &resource) {
                    let kind = Some(PrincipalKind::Role);
                    names.add(number, kind, role.name.clone(), &role.arn);
                } else if resource.of_type() == "AWS::KMS::ReplicaKey" {
                    let arn = at.key_arn(&resource);
                    if let Some((before, behind)) = arn.split_once(&text::symbol("replica-region"))
                    {
                        let shape =
                            text::shape(&format!("{before}{}{behind}", text::hole("Region")));
                        names.symbols.insert(text::shape(&arn), shape);
                    }
                }
            }
        }
        names
    }

    fn add(&mut self, stack: usize, kind: Option<PrincipalKind>, name: String, arn: &str) {
        let symbol = text::named(arn);
        // A literal account may be the one that is deployed to.
        let open: Vec<&str> = arn.splitn(6, ':').collect();
        let shape = match open.as_slice() {
            [a, b, c, d, account, rest] if !text::is_known(account) => {
                format!("{a}:{b}:{c}:{d}:*:{}", text::shape(rest))
            }
            _ => text::shape(arn),
        };
        if !text::is_known(&name) || text::named(arn) != text::shape(arn) {
            self.symbols.insert(symbol.clone(), shape);
            self.symbols.insert(text::named(&name), text::shape(&name));
        }
        self.entities.push(Entity { kind, stack, name, arn: symbol.into() });
    }

    /// The entities of this kind that a name means: those that it surely means, and those that it may.
    pub(super) fn meant(
        &self,
        kind: PrincipalKind,
        stack: usize,
        name: &str,
    ) -> (Vec<&Entity>, Vec<&Entity>) {
        let all = || self.entities.iter().filter(|entity| entity.kind == Some(kind));
        let sure: Vec<&Entity> = all().filter(|entity| entity.name == name).collect();
        if !sure.is_empty() {
            return (sure, Vec::new());
        }
        let shape = text::shape(name);
        // What CloudFormation generates here nobody can have named before.
        let is_new = |entity: &Entity| entity.stack == stack && !text::is_known(&entity.name);
        let may =
            all().filter(|entity| !is_new(entity) && meets(&shape, &text::shape(&entity.name)));
        (sure, may.collect())
    }

    /// The ARN that a text surely is; nothing where that is not known.
    pub(super) fn known(&self, text: &str) -> Option<Box<str>> {
        let named = text::named(text);
        let is_known = self.symbols.contains_key(&named) || named == text::shape(text);
        is_known.then(|| named.into())
    }

    /// A policy that a template declares, as a document; in doubt as a whole where `doubt` says so.
    pub(super) fn policy(
        &self,
        at: &At<'_, '_>,
        kind: PolicyKind,
        node: &Node<'static>,
        doubt: Option<&str>,
    ) -> PolicyDocument {
        let place = Place::plain(at.stack.template.file, node.span);
        let sealed = self.sealed(node);
        let sealed = self.widened(&rebased(&sealed, node.span), false);
        let whole = match doubt {
            None => sealed,
            Some(doubt) => Node {
                span: sealed.span,
                tag: None,
                kind: Kind::OneOf { expression: doubt.into(), branches: vec![sealed] },
            },
        };
        declared::policy(at.world.deployment, place, kind, &whole)
    }

    /// The tree with its texts as policies know them.
    fn sealed(&self, node: &Node<'static>) -> Node<'static> {
        let kind = match &node.kind {
            Kind::String(text) => {
                let named = text::named(text);
                if self.symbols.contains_key(&named) {
                    Kind::String(named.into())
                } else {
                    return text::sealed(node.span, text);
                }
            }
            Kind::Array(items) => Kind::Array(items.iter().map(|item| self.sealed(item)).collect()),
            Kind::Object(members) => {
                let sealed = members.iter().map(|member| Member {
                    name: member.name.clone(),
                    value: self.sealed(&member.value),
                });
                Kind::Object(sealed.collect())
            }
            Kind::OneOf { expression, branches } => Kind::OneOf {
                expression: text::shown(expression).into(),
                branches: branches.iter().map(|branch| self.sealed(branch)).collect(),
            },
            kind => kind.clone(),
        };
        Node { kind, ..node.clone() }
    }

    /// The tree in which each text that could name an entity whose name is not known says so.
    fn widened(&self, node: &Node<'static>, in_condition: bool) -> Node<'static> {
        let kind = match &node.kind {
            Kind::Object(members) => {
                let wide = members.iter().map(|member| {
                    let name = &*member.name.value;
                    let value = match name {
                        "Action" | "NotAction" | "Effect" | "Sid" | "Version" => {
                            member.value.clone()
                        }
                        _ => self.widened(&member.value, in_condition || name == "Condition"),
                    };
                    Member { name: member.name.clone(), value }
                });
                Kind::Object(wide.collect())
            }
            Kind::Array(items) => {
                let wide = items.iter().flat_map(|item| match item.kind {
                    Kind::String(_) | Kind::Unresolved(_) => self.readings(item, in_condition),
                    _ => vec![self.widened(item, in_condition)],
                });
                Kind::Array(wide.collect())
            }
            Kind::OneOf { expression, branches } => Kind::OneOf {
                expression: expression.clone(),
                branches: branches.iter().map(|it| self.widened(it, in_condition)).collect(),
            },
            Kind::String(_) | Kind::Unresolved(_) => {
                let mut readings = self.readings(node, in_condition);
                match readings.pop() {
                    Some(only) if readings.is_empty() => return only,
                    last => {
                        readings.extend(last);
                        Kind::Array(readings)
                    }
                }
            }
            kind => kind.clone(),
        };
        Node { kind, ..node.clone() }
    }

    /// What a text may say of entities whose names are not known, each a reading of its own.
    fn readings(&self, node: &Node<'static>, in_condition: bool) -> Vec<Node<'static>> {
        let pattern = match &node.kind {
            Kind::String(text) => with_open_variables(text),
            Kind::Unresolved(value) => with_open_variables(&value.shape),
            _ => return vec![node.clone()],
        };
        let with = |kind| Node { kind, ..node.clone() };
        let mut own = node.clone();
        let mut readings = Vec::new();
        for (symbol, shape) in &self.symbols {
            let is_arn = symbol.starts_with("arn:");
            if pattern == *symbol || pattern == "*" || !(is_arn || in_condition) {
                continue;
            }
            let is_all = !pattern.contains('?') && takes(&pattern, shape);
            let is_taken = takes(&pattern, symbol);
            if is_all && is_taken || !meets(&pattern, shape) {
                continue;
            }
            let expression: Box<str> = format!("whether {pattern} is {symbol}").into();
            if !is_taken {
                let shape = symbol.as_str().into();
                readings.push(with(Kind::Unresolved(Unresolved { expression, shape })));
            } else if matches!(node.kind, Kind::String(_)) {
                let shape = pattern.as_str().into();
                own = with(Kind::Unresolved(Unresolved { expression, shape }));
            }
        }
        readings.insert(0, own);
        readings
    }
}

/// The deployment of a world, for the default policy of a key.
pub(super) fn default_key_policy(at: &At<'_, '_>, span: Span) -> PolicyDocument {
    let deployment: &Deployment = at.world.deployment;
    let place = Place::plain(at.stack.template.file, span);
    declared::default_key_policy(place, at.partition(), deployment.account)
}

/// A text as a pattern: a variable of a policy may have any value.
fn with_open_variables(text: &str) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((_, behind)) = behind.split_once('}') else { break };
        pattern.push_str(before);
        pattern.push('*');
        rest = behind;
    }
    pattern + rest
}

/// The tree with its spans counted from the start of `whole`; what stands outside it stands for all of it.
fn rebased(node: &Node<'static>, whole: Span) -> Node<'static> {
    let within = |span: Span| {
        let is_inside = whole.start <= span.start && span.end <= whole.end;
        let Span { start, end } = if is_inside { span } else { whole };
        Span { start: start - whole.start, end: end - whole.start }
    };
    let kind = match &node.kind {
        Kind::Array(items) => Kind::Array(items.iter().map(|item| rebased(item, whole)).collect()),
        Kind::Object(members) => {
            let members = members.iter().map(|member| Member {
                name: crate::source::Located::new(
                    member.name.value.clone(),
                    within(member.name.span),
                ),
                value: rebased(&member.value, whole),
            });
            Kind::Object(members.collect())
        }
        Kind::OneOf { expression, branches } => Kind::OneOf {
            expression: expression.clone(),
            branches: branches.iter().map(|branch| rebased(branch, whole)).collect(),
        },
        kind => kind.clone(),
    };
    Node { span: within(node.span), tag: None, kind }
}
