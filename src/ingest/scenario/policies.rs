//! Policies: short statements become those of AWS, each part where it is written.

use std::borrow::Cow;

use crate::aws::AccountId;
use crate::inventory::{AttachedPolicy, ManagedPolicy, NamedPolicy, PolicyVersion};
use crate::policy::{PolicyDocument, PolicyKind, lower};
use crate::source::{Located, Span};
use crate::syntax::{Kind, Member, Node};

use super::names::Named;
use super::{Loader, meant};

/// Members of a short statement.
pub(super) const STATEMENT: &[&str] = &[
    "allow",
    "allow_except",
    "deny",
    "deny_except",
    "to",
    "not_to",
    "on",
    "not_on",
    "when",
    "sid",
];

/// Members of a managed policy with several versions.
pub(super) const VERSIONS: &[&str] = &["versions", "default"];

/// Members that say what a short statement does, and what AWS says for them.
const EFFECTS: [(&str, &str, &str); 4] = [
    ("allow", "Allow", "Action"),
    ("allow_except", "Allow", "NotAction"),
    ("deny", "Deny", "Action"),
    ("deny_except", "Deny", "NotAction"),
];

/// Members of AWS that have other names in a short statement.
const SHORT: [(&str, &str); 8] = [
    ("Sid", "sid"),
    ("Principal", "to"),
    ("NotPrincipal", "not_to"),
    ("Resource", "on"),
    ("NotResource", "not_on"),
    ("Condition", "when"),
    ("Action", "allow"),
    ("NotAction", "allow_except"),
];

impl Loader {
    /// A policy: a list of statements, one statement, or a document. `home` is the account whose names
    /// may stand in it alone.
    pub(super) fn policy(
        &mut self,
        node: &Node<'_>,
        kind: PolicyKind,
        home: Option<AccountId>,
    ) -> PolicyDocument {
        let mut writer = Writer { loader: self, kind, home };
        let tree = writer.document(node);
        self.lowered(tree, kind)
    }

    /// The policy that a tree of AWS says; it stands where its parts stand.
    pub(super) fn lowered(&self, mut tree: Node<'_>, kind: PolicyKind) -> PolicyDocument {
        // An alias stands where its anchor is written, which may be outside the policy.
        let hull = hull(&tree);
        move_left(&mut tree, hull.start);
        PolicyDocument::lowered(self.place(hull), kind, lower(&tree, kind))
    }

    /// The policies of a user, role or group: one inline policy of all statements that stand alone,
    /// one for each document, and managed ones by name.
    pub(super) fn policies(
        &mut self,
        node: &Node<'_>,
        account: AccountId,
    ) -> (Vec<NamedPolicy>, Vec<AttachedPolicy>) {
        let (mut inline, mut attached): (Vec<NamedPolicy>, Vec<_>) = (Vec::new(), Vec::new());
        let (mut statements, mut documents) = (Vec::new(), Vec::new());
        for item in node.one_or_many() {
            match &item.kind {
                Kind::Null => {}
                Kind::Object(_) if is_document(item) => documents.push(item.clone()),
                Kind::Object(_) => statements.push(item.clone()),
                _ => attached.extend(self.attachment(item, account)),
            }
        }
        if let (Some(first), Some(last)) = (statements.first(), statements.last()) {
            let span = first.span.to(last.span);
            documents.insert(0, Node { span, tag: None, kind: Kind::Array(statements) });
        }
        for (index, document) in documents.iter().enumerate() {
            let name = match index {
                0 => "inline".into(),
                _ => format!("inline-{}", index + 1).into(),
            };
            let document = self.policy(document, PolicyKind::Identity, Some(account));
            inline.push(NamedPolicy { name, document });
        }
        (inline, attached)
    }

    /// A managed policy by its name or ARN.
    pub(super) fn attachment(
        &mut self,
        node: &Node<'_>,
        account: AccountId,
    ) -> Option<AttachedPolicy> {
        let name = self.text(node, "a managed policy's name")?;
        match self.names.managed_policy(account, name) {
            Ok(arn) => Some(AttachedPolicy { arn: arn.into(), place: self.place(node.span) }),
            Err(message) => {
                self.problem(node.span, message);
                None
            }
        }
    }

    /// A managed policy, with one version or several.
    pub(super) fn managed_policy(&mut self, arn: &str, member: &Member<'_>, account: AccountId) {
        let place = self.place(member.name.span);
        let (mut versions, mut default) = (Vec::new(), None);
        if member.value.get("versions").is_some() {
            for field in self.fields(&member.value, "a managed policy", VERSIONS) {
                match &*field.name.value {
                    "versions" => {
                        for version in self.entries(&field.value, "`versions`") {
                            let id: Box<str> = version.name.value.as_ref().into();
                            let document =
                                self.policy(&version.value, PolicyKind::Identity, Some(account));
                            versions.push(PolicyVersion { id, document });
                        }
                    }
                    _ => {
                        default = self.text(&field.value, "`default`").map(|id| (id, &field.value))
                    }
                }
            }
        } else {
            let document = self.policy(&member.value, PolicyKind::Identity, Some(account));
            versions.push(PolicyVersion { id: "v1".into(), document });
        }
        let mut default_version = versions.last().map(|version| version.id.clone());
        if let Some((id, node)) = default {
            let known = versions.iter().map(|version| &*version.id);
            match versions.iter().find(|version| *version.id == *id) {
                Some(version) => default_version = Some(version.id.clone()),
                None => self.problem(node.span, format!("no version `{id}`{}", meant(id, known))),
            }
        }
        let policy = ManagedPolicy { arn: arn.into(), default_version, versions, place };
        self.world.account_mut(account).policies.insert(arn, policy);
    }

    /// A trust policy that lets those who are named assume the role.
    pub(super) fn trusting(&mut self, node: &Node<'_>, home: AccountId) -> PolicyDocument {
        let mut writer = Writer { loader: self, kind: PolicyKind::Trust, home: Some(home) };
        let principals = writer.principals(node);
        if principals.get("Federated").is_some() {
            let message = "what an identity provider may do needs a statement of its own";
            self.problem(node.span, message);
        }
        let members = vec![
            pair(node.span, "Effect", text(node.span, "Allow")),
            pair(node.span, "Principal", principals),
            pair(node.span, "Action", text(node.span, "sts:AssumeRole")),
        ];
        let tree = document(node.span, vec![object(node.span, members)]);
        self.lowered(tree, PolicyKind::Trust)
    }

    /// The policy that the API gives a key where none is written: it delegates to the account.
    pub(super) fn default_key_policy(&self, account: AccountId, span: Span) -> PolicyDocument {
        let root = self.names.iam(account, "root");
        let statement = object(
            span,
            vec![
                pair(span, "Sid", text(span, "Enable IAM User Permissions")),
                pair(span, "Effect", text(span, "Allow")),
                pair(span, "Principal", object(span, vec![pair(span, "AWS", text(span, root))])),
                pair(span, "Action", text(span, "kms:*")),
                pair(span, "Resource", text(span, "*")),
            ],
        );
        self.lowered(document(span, vec![statement]), PolicyKind::Key)
    }

    /// A policy that allows everything, named at `span`.
    pub(super) fn full_access(&self, span: Span, kind: PolicyKind) -> PolicyDocument {
        let mut members = vec![pair(span, "Effect", text(span, "Allow"))];
        if kind.is_resource_policy() {
            members.push(pair(span, "Principal", text(span, "*")));
        }
        members.push(pair(span, "Action", text(span, "*")));
        members.push(pair(span, "Resource", text(span, "*")));
        self.lowered(document(span, vec![object(span, members)]), kind)
    }
}

/// Whether this is a whole policy document, not a statement.
pub(super) fn is_document(node: &Node<'_>) -> bool {
    node.get("Statement").is_some() || node.get("Version").is_some()
}

/// Writes the tree of AWS for one policy of a scenario.
struct Writer<'l> {
    loader: &'l mut Loader,
    kind: PolicyKind,
    home: Option<AccountId>,
}

impl Writer<'_> {
    fn document<'a>(&mut self, node: &Node<'a>) -> Node<'a> {
        match &node.kind {
            Kind::Object(members) if is_document(node) => {
                let members = members.iter().map(|member| match &*member.name.value {
                    "Statement" => {
                        let value = self.statements(&member.value);
                        Member { name: member.name.clone(), value }
                    }
                    _ => member.clone(),
                });
                object(node.span, members.collect())
            }
            Kind::Object(_) => document(node.span, self.statement(node).into_iter().collect()),
            Kind::Array(items) => {
                let statements = items.iter().filter_map(|item| self.statement(item)).collect();
                document(node.span, statements)
            }
            Kind::Null => document(node.span, Vec::new()),
            _ => {
                let message = "a policy is a list of statements or a document";
                self.loader.problem(node.span, message);
                document(node.span, Vec::new())
            }
        }
    }

    /// The value of `Statement`.
    fn statements<'a>(&mut self, node: &Node<'a>) -> Node<'a> {
        match &node.kind {
            Kind::Array(items) => {
                let items = items.iter().filter_map(|item| self.statement(item)).collect();
                Node { span: node.span, tag: None, kind: Kind::Array(items) }
            }
            Kind::Object(_) => self.statement(node).unwrap_or_else(|| object(node.span, vec![])),
            _ => node.clone(),
        }
    }

    /// One statement; nothing where it cannot be told what it does.
    fn statement<'a>(&mut self, node: &Node<'a>) -> Option<Node<'a>> {
        let Kind::Object(members) = &node.kind else {
            let found = node.kind_name();
            self.loader.problem(node.span, format!("a statement is an object, this is {found}"));
            return None;
        };
        let is_effect =
            |member: &&Member<'a>| EFFECTS.iter().any(|effect| member.name.value == effect.0);
        let effects: Vec<&Member<'a>> = members.iter().filter(is_effect).collect();
        match effects.as_slice() {
            [effect] => Some(self.short(node, effect)),
            [] if members.iter().any(|member| is_of_aws(&member.name.value)) => Some(node.clone()),
            [] => {
                let words = EFFECTS.map(|effect| effect.0);
                let near = members.iter().find_map(|member| {
                    let near = meant(&member.name.value, words);
                    (!near.is_empty()).then_some((member.name.span, near))
                });
                let (span, near) = near.unwrap_or((node.span, String::new()));
                let message = format!("a statement says `allow`, `deny` or `Effect`{near}");
                self.loader.problem(span, message);
                None
            }
            [_, second, ..] => {
                let message = "a statement either allows or denies, once";
                self.loader.problem(second.name.span, message);
                None
            }
        }
    }

    /// A short statement.
    fn short<'a>(&mut self, node: &Node<'a>, effect: &Member<'a>) -> Node<'a> {
        let mut members = Vec::new();
        for (word, says, element) in EFFECTS {
            if effect.name.value == word {
                let span = effect.name.span;
                members.push(pair(span, "Effect", text(span, says)));
                members.push(pair(span, element, effect.value.clone()));
            }
        }
        let (mut names_principal, mut names_resource) = (false, false);
        for field in self.known_members(node) {
            let span = field.name.span;
            let mut push = |name, value| members.push(pair(span, name, value));
            match &*field.name.value {
                "to" => push("Principal", self.principals(&field.value)),
                "not_to" => push("NotPrincipal", self.principals(&field.value)),
                "on" => push("Resource", self.resources(&field.value)),
                "not_on" => push("NotResource", self.resources(&field.value)),
                "when" => push("Condition", field.value.clone()),
                "sid" => push("Sid", field.value.clone()),
                _ => {}
            }
            names_principal |= matches!(&*field.name.value, "to" | "not_to");
            names_resource |= matches!(&*field.name.value, "on" | "not_on");
        }
        if !names_principal && matches!(self.kind, PolicyKind::Rcp | PolicyKind::Endpoint) {
            members.push(pair(node.span, "Principal", text(node.span, "*")));
        }
        if !names_resource && self.kind != PolicyKind::Trust {
            members.push(pair(node.span, "Resource", text(node.span, "*")));
        }
        object(node.span, members)
    }

    /// The members of a short statement; those that are none are problems.
    fn known_members<'n, 'a>(&mut self, node: &'n Node<'a>) -> Vec<&'n Member<'a>> {
        let mut members = self.loader.entries(node, "a statement");
        members.retain(|member| {
            let name = &*member.name.value;
            if STATEMENT.contains(&name) {
                return true;
            }
            let short = SHORT.iter().find(|(of_aws, _)| *of_aws == name);
            let near = match short {
                Some((_, short)) => format!(", here it is `{short}`"),
                None => meant(name, STATEMENT.iter().copied()),
            };
            let message = format!("unknown member `{name}` of a short statement{near}");
            self.loader.problem(member.name.span, message);
            false
        });
        members
    }

    /// The value of `Principal`.
    fn principals<'a>(&mut self, node: &Node<'a>) -> Node<'a> {
        let (mut aws, mut services, mut providers) = (Vec::new(), Vec::new(), Vec::new());
        for (name, item) in self.loader.texts(node, "a principal") {
            match self.loader.names.principal(self.home, name) {
                Ok(Named::Aws(name)) => aws.push(text(item.span, name)),
                Ok(Named::Service(name)) => services.push(text(item.span, name)),
                Ok(Named::Provider(name)) => providers.push(text(item.span, name)),
                Err(message) => aws.push(self.unresolved(item, message)),
            }
        }
        if let ([only], [], []) = (aws.as_slice(), services.as_slice(), providers.as_slice())
            && only.as_str() == Some("*")
        {
            return only.clone();
        }
        let types = [("AWS", aws), ("Service", services), ("Federated", providers)];
        let types = types.into_iter().filter(|(name, items)| *name == "AWS" || !items.is_empty());
        let mut types: Vec<Member<'_>> = types
            .map(|(name, items)| {
                let value = Node { span: node.span, tag: None, kind: Kind::Array(items) };
                pair(node.span, name, value)
            })
            .collect();
        // No empty list of AWS principals beside services.
        if types.len() > 1 {
            types.retain(|list| !list.value.one_or_many().is_empty());
        }
        object(node.span, types)
    }

    /// The value of `Resource`.
    fn resources<'a>(&mut self, node: &Node<'a>) -> Node<'a> {
        let mut items = Vec::new();
        for (name, item) in self.loader.texts(node, "a resource") {
            items.push(match self.loader.names.resource(self.home, name) {
                Ok(resource) => text(item.span, resource),
                Err(message) => self.unresolved(item, message),
            });
        }
        Node { span: node.span, tag: None, kind: Kind::Array(items) }
    }

    /// A value that nobody knows: it never allows, and a Deny with it applies.
    fn unresolved<'a>(&mut self, node: &Node<'a>, message: String) -> Node<'a> {
        self.loader.problem(node.span, message);
        Node { tag: Some(Located::new(Cow::Borrowed("unknown name"), node.span)), ..node.clone() }
    }
}

/// Whether AWS has a statement member of this name.
fn is_of_aws(name: &str) -> bool {
    name == "Effect" || SHORT.iter().any(|(of_aws, _)| *of_aws == name)
}

fn document(span: Span, statements: Vec<Node<'_>>) -> Node<'_> {
    let statements = Node { span, tag: None, kind: Kind::Array(statements) };
    let version = text(span, "2012-10-17");
    object(span, vec![pair(span, "Version", version), pair(span, "Statement", statements)])
}

fn object(span: Span, members: Vec<Member<'_>>) -> Node<'_> {
    Node { span, tag: None, kind: Kind::Object(members) }
}

fn text<'a>(span: Span, text: impl Into<Cow<'a, str>>) -> Node<'a> {
    Node { span, tag: None, kind: Kind::String(text.into()) }
}

fn pair<'a>(span: Span, name: &'static str, value: Node<'a>) -> Member<'a> {
    Member { name: Located::new(Cow::Borrowed(name), span), value }
}

/// The smallest range that holds every part of a tree.
fn hull(node: &Node<'_>) -> Span {
    let children = match &node.kind {
        Kind::Array(items) => items.iter().map(hull).reduce(Span::to),
        Kind::Object(members) => {
            let both = |member: &Member<'_>| member.name.span.to(hull(&member.value));
            members.iter().map(both).reduce(Span::to)
        }
        _ => None,
    };
    children.map_or(node.span, |children| node.span.to(children))
}

/// Counts every span of a tree from `start`.
fn move_left(node: &mut Node<'_>, start: u32) {
    let moved = |span: Span| Span { start: span.start - start, end: span.end - start };
    node.span = moved(node.span);
    if let Some(tag) = &mut node.tag {
        tag.span = node.span;
    }
    match &mut node.kind {
        Kind::Array(items) => items.iter_mut().for_each(|item| move_left(item, start)),
        Kind::Object(members) => {
            for member in members {
                member.name.span = moved(member.name.span);
                move_left(&mut member.value, start);
            }
        }
        _ => {}
    }
}
