//! The IAM entities that templates declare, and policies that speak of them.
//!
//! A name that is not known before the template is deployed has a symbol, `<StackName>-App-<App>`, which
//! stands for it wherever the same name is meant. Any other text could name the entity all the same, if
//! it fits what is known of the name: then a policy says so, as something that nobody knows.

use crate::aws::AccountId;
use crate::aws::pattern::meets;
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{Place, Span};
use crate::syntax::{Kind, Member, Node, Unresolved};

use super::super::declared::{self, Deployment};
use super::super::facts::PrincipalKind;
use super::super::given::Pattern;
use super::super::symbols::{KEY_ID, MULTI_REGION_KEY_ID, Symbols};
use super::documents::document;
use super::evaluate::{At, Resource};
use super::mentions::mentioned;
use super::stacks::World;
use super::{sam, text};

/// An IAM entity that some template declares.
pub(super) struct Entity {
    /// What it is; nothing for a managed policy.
    pub(super) kind: Option<PrincipalKind>,
    /// The stack.
    pub(super) stack: usize,
    /// The account that the stack is deployed to.
    account: AccountId,
    /// Its logical id.
    logical: Box<str>,
    /// Its name, as a text.
    pub(super) name: String,
    /// Its ARN, with symbols for what is not known.
    pub(super) arn: Box<str>,
}

/// All entities that are declared.
pub(super) struct Names {
    pub(super) entities: Vec<Entity>,
    /// Symbols of names and ARNs that are not known wholly.
    pub(super) symbols: Symbols,
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
        let mut names = Self { entities: Vec::new(), symbols: Symbols::default() };
        for (number, stack) in world.stacks.iter().enumerate() {
            names.symbols.homes.add(stack.deployment.account, &stack.deployment.region);
            for member in stack.resources() {
                world.refuel();
                let at = At::new(world, number);
                let Some(resource) = at.resource(member) else { continue };
                if let Some((kind, word, property)) = entity_of(resource.of_type()) {
                    let name = at.iam_name(&resource, property);
                    let arn = at.iam_arn(&resource, word, property);
                    names.add(&at, kind, (resource.name.into(), name), &arn);
                } else if let Some(role) = sam::role_of(&at, &resource) {
                    let kind = Some(PrincipalKind::Role);
                    let logical = sam::logical_id(resource.name);
                    names.add(&at, kind, (logical.into(), role.name), &role.arn);
                } else if let "AWS::KMS::Key" | "AWS::KMS::ReplicaKey" = resource.of_type() {
                    names.add_key(&at, &resource);
                } else if resource.of_type() == "AWS::KMS::Alias" {
                    let name = at.text(&resource, "AliasName").map(|name| text::shape(&name));
                    names.symbols.add_alias(name.as_deref().unwrap_or("*"), None);
                }
            }
        }
        names
    }

    /// A key's id is not known before it is made.
    fn add_key(&mut self, at: &At<'_, '_>, key: &Resource<'_>) {
        let arn = at.key_arn(key);
        let open = arn.replace(&text::symbol("replica-region"), &text::hole("Region"));
        let open = text::shape(&open);
        let id = match (key.of_type(), at.truth(key, "MultiRegion")) {
            ("AWS::KMS::ReplicaKey", _) | (_, Some(Some(true))) => MULTI_REGION_KEY_ID,
            (_, Some(None)) => "*",
            _ => KEY_ID,
        };
        if let Some((before, _)) = open.split_once(":key/") {
            self.symbols.add(&text::shape(&arn), &format!("{before}:key/{id}"));
        }
    }

    fn add(
        &mut self,
        at: &At<'_, '_>,
        kind: Option<PrincipalKind>,
        (logical, name): (Box<str>, String),
        arn: &str,
    ) {
        let symbol = text::named(arn);
        if !text::is_known(&name) || symbol != text::shape(arn) {
            self.symbols.add(&symbol, &text::shape(arn));
            self.symbols.add(&text::named(&name), &text::shape(&name));
        }
        let (stack, account) = (at.number, at.stack.deployment.account);
        self.entities.push(Entity { kind, stack, account, logical, name, arn: symbol.into() });
    }

    /// The entities of this kind that a name surely means.
    pub(super) fn sure(&self, kind: PrincipalKind, at: &At<'_, '_>, name: &str) -> Vec<&Entity> {
        let account = at.stack.deployment.account;
        let is_sure = |entity: &&Entity| {
            entity.kind == Some(kind) && entity.name == name && entity.account == account
        };
        self.entities.iter().filter(is_sure).collect()
    }

    /// Those that a name may mean which surely means none; `written` is what the template has there.
    pub(super) fn possible(
        &self,
        kind: PrincipalKind,
        at: &At<'_, '_>,
        name: &str,
        written: Option<&Node<'static>>,
    ) -> Vec<&Entity> {
        let (stack, account) = (at.number, at.stack.deployment.account);
        // Two accounts with numbers are two accounts.
        let may_be_of =
            |other: AccountId| other == account || other.is_symbol() || account.is_symbol();
        let mentioned = written.map(|written| mentioned(at.stack, written));
        let is_mentioned =
            |logical: &str| mentioned.as_ref().is_none_or(|all| all.contains(logical));
        // What CloudFormation generates here nobody can have named before, but by its logical id.
        let is_meant = |entity: &Entity| {
            let is_new = entity.stack == stack && !text::is_known(&entity.name);
            !is_new || is_mentioned(&entity.logical)
        };
        let shape = text::shape(name);
        let of_kind = |entity: &&Entity| entity.kind == Some(kind) && may_be_of(entity.account);
        let all = self.entities.iter().filter(of_kind);
        all.filter(|it| is_meant(it) && meets(&shape, &text::shape(&it.name))).collect()
    }

    /// The ARN that a text surely is; nothing where that is not known.
    pub(super) fn known(&self, text: &str) -> Option<Box<str>> {
        let named = text::named(text);
        let is_known = self.symbols.contains(&named) || named == text::shape(text);
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
        let sealed = self.sealed(&document(node));
        let sealed = rebased(&sealed, node.span);
        let whole = match doubt {
            None => sealed,
            Some(doubt) => Node {
                span: sealed.span,
                tag: None,
                kind: Kind::OneOf { expression: text::told(doubt).into(), branches: vec![sealed] },
            },
        };
        declared::policy(&self.symbols, place, kind, &whole)
    }

    /// The tree with its texts as policies know them.
    fn sealed(&self, node: &Node<'static>) -> Node<'static> {
        let kind = match &node.kind {
            Kind::String(text) => {
                let named = text::named(text);
                if self.symbols.contains(&named) {
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
                expression: text::told(expression).into(),
                branches: branches.iter().map(|branch| self.sealed(branch)).collect(),
            },
            Kind::Unresolved(value) => {
                let expression = text::told(&value.expression).into();
                Kind::Unresolved(Unresolved { expression, shape: value.shape.clone() })
            }
            kind => kind.clone(),
        };
        Node { kind, ..node.clone() }
    }
}

/// The deployment of a world, for the default policy of a key.
pub(super) fn default_key_policy(at: &At<'_, '_>, span: Span) -> PolicyDocument {
    let deployment: &Deployment = at.stack.deployment;
    let place = Place::plain(at.stack.template.file, span);
    declared::default_key_policy(place, at.partition(), deployment.account)
}

/// A name as a pattern.
pub(super) fn pattern(name: &str) -> Pattern {
    Pattern { shape: text::shape(name).into(), is_known: text::is_known(name) }
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
