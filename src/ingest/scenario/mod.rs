//! The scenario: a whole world in one hand-written YAML file, some thirty lines long. It serves tests,
//! teaching and what-if.
//!
//! ```yaml
//! keyreach: scenario/1            # the first line says what this is
//! region: us-east-1               # of every key that names no other (default: us-east-1)
//! accounts:
//!   111122223333:
//!     users:
//!       alice: { policies: [{ allow: "kms:*", on: [CMK-A, CMK-B] }], groups: [readers] }
//!       bob:                      # a user without policies
//!     groups:
//!       readers: { policies: [ReadOnly] }
//!     roles:
//!       app: { trust: service:lambda.amazonaws.com, boundary: ReadOnly }
//!     policies:
//!       ReadOnly: [{ allow: ["kms:Describe*", "kms:List*"] }]
//!     keys:
//!       CMK-A: { aliases: [alias/a] }
//!       CMK-B:
//!         policy:
//!           - { allow: kms:Decrypt, to: [role/app, 444455556666] }
//!           - { deny: "kms:*", not_to: [account, user/alice], when: { Bool: { "aws:MultiFactorAuthPresent": false } } }
//!         grants: [{ to: user/bob, operations: [Decrypt], context_subset: { dept: it } }]
//! organization:
//!   id: o-1
//!   management: 999999999999
//!   units:
//!     prod: { accounts: [111122223333], scps: [{ deny: kms:ScheduleKeyDeletion }] }
//! endpoints:
//!   vpce-1: [{ allow: kms:Decrypt }]
//! ```
//!
//! - **A scenario is complete**: what it does not say is not there. A user has no policies, a key no grants
//!   and the default key policy, a role nobody to trust, an account no organization.
//! - **A policy** is a list of statements (version 2012-10-17), one statement, or a whole document with
//!   `Version` (2008-10-17 where absent) and `Statement`. A user's, role's or group's `policies` may also name
//!   managed policies; its statements are one inline policy together. A managed policy that is named by
//!   ARN and not written is missing input; `AdministratorAccess` is known.
//! - **A statement** has the members of AWS, taken as they are, or the short ones: `allow`, `deny`,
//!   `allow_except`, `deny_except` (of actions), `to` or `not_to`, `on` or `not_on` (everything where absent), `when`
//!   (the `Condition` object), `sid`. RCPs and endpoint policies speak of everyone where `to` is absent.
//! - **Names**: `user/bob`, `role/app`, `session/app/s1`, `federated/bob`, `account` (the account it
//!   stands in), an account id, `service:logs.us-east-1.amazonaws.com`, `provider:accounts.google.com`, `*`, any ARN; with
//!   `444455556666/` before them those of another account. Behind `on`: names of keys, `alias/a`, the names above,
//!   `policy/p`, patterns of ARNs. Only short statements, grants and memberships resolve names.
//! - **Made up where not given**: a key's id is its name (`mrk-` before it for a multi-Region primary; a replica
//!   shares its primary's), a user's or role's unique id comes from its ARN, a grant's id is `KEY-grant-1`, a unit's id
//!   `ou-` and its path, the root's `r-root`.
//!
//! Short statements become the tree that AWS would read, each part with the span of what is
//! written, and are lowered like any policy: findings point into the scenario. What cannot be
//! used is a [`Problem`]; the rest counts. [`SCHEMA`] serves editors.

mod identities;
mod keys;
mod names;
mod organization;
mod policies;

use crate::aws::{AccountId, suggest};
use crate::inventory::Inventory;
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{FileId, Place, Span};
use crate::syntax::{Kind, Member, Node, Problem, yaml};

pub use names::Names;

/// The JSON Schema of a scenario.
pub const SCHEMA: &str = include_str!("scenario.schema.json");

/// What a scenario describes.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The world; its table of sources is left to whoever reads the file.
    pub inventory: Inventory,
    /// The names that the scenario gives to what is in it.
    pub names: Names,
    /// What could not be used.
    pub problems: Vec<Problem>,
    file: FileId,
}

/// Whether this is the tree of a scenario, whatever its version: `keyreach: scenario/...` comes first.
pub fn is_scenario(root: &Node<'_>) -> bool {
    root.members().iter().any(|member| {
        let version = member.value.as_str().unwrap_or_default();
        member.name.value == "keyreach" && version.starts_with("scenario/")
    })
}

/// Reads the scenario in `text`, the content of `file`.
pub fn load(text: &str, file: FileId) -> Scenario {
    let (documents, mut problems) = yaml::parse(text);
    let mut documents = documents.into_iter();
    let empty = Node { span: Span::default(), tag: None, kind: Kind::Null };
    let root = documents.next().map_or(empty, |document| document.root);
    let mut scenario = load_tree(&root, file);
    if let Some(second) = documents.next() {
        let message = "a file holds one scenario; this second document is not read";
        problems.push(Problem { span: second.root.span, message: message.to_owned() });
    }
    problems.append(&mut scenario.problems);
    scenario.problems = problems;
    scenario
}

/// Reads a scenario whose tree stands in `file`; its first line may be left out.
pub fn load_tree(root: &Node<'_>, file: FileId) -> Scenario {
    let world = Inventory::default();
    let mut loader = Loader { file, names: Names::collect(root), world, problems: Vec::new() };
    loader.scenario(root);
    let Loader { names, world, problems, .. } = loader;
    Scenario { inventory: world, names, problems, file }
}

impl Scenario {
    /// A further policy in the words of the scenario, written in the same file: a request's session
    /// policy. Names are those of the first account.
    pub fn policy(&self, node: &Node<'_>, kind: PolicyKind) -> (PolicyDocument, Vec<Problem>) {
        let world = Inventory::default();
        let names = self.names.clone();
        let mut loader = Loader { file: self.file, names, world, problems: Vec::new() };
        let home = loader.names.home();
        (loader.policy(node, kind, home), loader.problems)
    }
}

/// Members of a scenario.
const SCENARIO: &[&str] = &["keyreach", "region", "accounts", "organization", "endpoints"];

/// What is built so far.
struct Loader {
    file: FileId,
    names: Names,
    world: Inventory,
    problems: Vec<Problem>,
}

impl Loader {
    fn scenario(&mut self, root: &Node<'_>) {
        for field in self.fields(root, "a scenario", SCENARIO) {
            match &*field.name.value {
                "keyreach" if field.value.as_str() != Some("scenario/1") => {
                    self.problem(field.value.span, "this version reads `scenario/1`");
                }
                "region" => drop(self.text(&field.value, "a Region")),
                "accounts" => self.accounts(&field.value),
                "organization" => self.organization(field),
                "endpoints" => self.endpoints(&field.value),
                _ => {}
            }
        }
        self.world.has_no_organization = self.world.organization.is_none();
        self.finish_keys();
        self.finish_policies();
    }

    fn accounts(&mut self, node: &Node<'_>) {
        for account in self.entries(node, "`accounts`") {
            match AccountId::parse(&account.name.value) {
                Some(id) => self.account(id, &account.value),
                None => self.problem(account.name.span, "an account id has twelve digits"),
            }
        }
    }

    fn endpoints(&mut self, node: &Node<'_>) {
        for endpoint in self.entries(node, "`endpoints`") {
            let policy = self.policy(&endpoint.value, PolicyKind::Endpoint, None);
            self.world.endpoints.insert(endpoint.name.value.as_ref().into(), policy);
        }
    }

    fn place(&self, span: Span) -> Place {
        Place::plain(self.file, span)
    }

    fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.problems.push(Problem { span, message: message.into() });
    }

    /// The members of an object whose names are free, each once; `null` is an object without any.
    fn entries<'n, 'a>(&mut self, node: &'n Node<'a>, what: &str) -> Vec<&'n Member<'a>> {
        match node.kind {
            Kind::Object(_) | Kind::Null => {}
            _ => {
                let found = node.kind_name();
                self.problem(node.span, format!("{what} is an object, this is {found}"));
            }
        }
        let mut entries: Vec<&Member<'_>> = Vec::new();
        for member in node.members() {
            if entries.iter().any(|known| known.name.value == member.name.value) {
                let name = &member.name.value;
                self.problem(member.name.span, format!("`{name}` stands twice"));
            } else {
                entries.push(member);
            }
        }
        entries
    }

    /// The members of an object whose names are `known`; others are problems.
    fn fields<'n, 'a>(
        &mut self,
        node: &'n Node<'a>,
        what: &str,
        known: &[&str],
    ) -> Vec<&'n Member<'a>> {
        let mut fields = self.entries(node, what);
        fields.retain(|field| {
            let name = &*field.name.value;
            let is_known = known.contains(&name);
            if !is_known {
                let meant = meant(name, known.iter().copied());
                self.problem(field.name.span, format!("unknown member `{name}` of {what}{meant}"));
            }
            is_known
        });
        fields
    }

    /// The text of a scalar.
    fn text<'n>(&mut self, node: &'n Node<'_>, what: &str) -> Option<&'n str> {
        let text = node.scalar().filter(|text| !text.is_empty());
        if text.is_none() {
            let found = if node.scalar().is_some() { "empty" } else { node.kind_name() };
            self.problem(node.span, format!("{what} is a text, this is {found}"));
        }
        text
    }

    fn truth(&mut self, node: &Node<'_>, what: &str) -> Option<bool> {
        let truth = match node.scalar() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        if truth.is_none() {
            self.problem(node.span, format!("{what} is true or false"));
        }
        truth
    }

    /// The texts of a scalar or a list of scalars, each with its node.
    fn texts<'n, 'a>(&mut self, node: &'n Node<'a>, what: &str) -> Vec<(&'n str, &'n Node<'a>)> {
        let items = node.one_or_many().iter();
        items.filter_map(|item| Some((self.text(item, what)?, item))).collect()
    }

    /// An object of texts, such as tags.
    fn pairs<T: FromIterator<(Box<str>, Box<str>)>>(&mut self, node: &Node<'_>, what: &str) -> T {
        let entries = self.entries(node, what);
        let pairs = entries.iter().filter_map(|entry| {
            // Unlike a name, a value may be empty.
            let value = match entry.value.scalar() {
                Some(value) => value,
                None => self.text(&entry.value, what)?,
            };
            Some((entry.name.value.as_ref().into(), value.into()))
        });
        pairs.collect()
    }
}

/// What a misspelt word was meant to be, in words; empty where nothing is near.
fn meant<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let near = suggest::nearest(word, candidates);
    near.map_or(String::new(), |near| format!(", did you mean `{near}`?"))
}

#[cfg(test)]
mod tests;
