//! The organization: its units, its accounts, and the SCPs and RCPs at each level.

use std::sync::Arc;

use crate::aws::AccountId;
use crate::inventory::{OrgPolicy, OrgPolicyKind, OrgUnit, Organization};
use crate::policy::PolicyKind;
use crate::source::Span;
use crate::syntax::{Kind, Member, Node};

use super::Loader;
use super::policies::is_document;

/// Members of the organization.
pub(super) const ORGANIZATION: &[&str] =
    &["id", "management", "root", "full_access", "scps", "rcps", "units", "accounts"];

/// Members of a unit.
pub(super) const UNIT: &[&str] = &["id", "full_access", "scps", "rcps", "units", "accounts"];

/// Members of an account of the organization.
pub(super) const MEMBER_ACCOUNT: &[&str] = &["full_access", "scps", "rcps"];

/// The id of the SCP that AWS attaches everywhere.
const FULL_ACCESS: &str = "p-FullAWSAccess";

/// A root, unit or account that policies are attached to.
struct Level<'l> {
    /// Its id.
    id: &'l str,
    /// What policies written there are called after.
    label: &'l str,
}

impl Loader {
    pub(super) fn organization(&mut self, member: &Member<'_>) {
        let node = &member.value;
        let mut organization = Organization::new(self.place(member.name.span));
        let root = node.get("root").and_then(Node::scalar).unwrap_or("r-root");
        organization.units.insert(root.into(), OrgUnit { id: root.into(), name: None });
        self.full_access_policy(&mut organization, member.name.span);
        for field in self.fields(node, "an organization", ORGANIZATION) {
            let value = &field.value;
            match &*field.name.value {
                "id" => organization.id = self.text(value, "an organization's id").map(Into::into),
                "management" => match value.scalar().and_then(AccountId::parse) {
                    Some(account) => organization.management_account = Some(account),
                    None => self.problem(value.span, "an account id has twelve digits"),
                },
                "root" if !root.starts_with("r-") => {
                    self.problem(value.span, "the id of a root begins with `r-`");
                }
                _ => {}
            }
        }
        let level = Level { id: root, label: "root" };
        self.level(&mut organization, &level, node);
        self.below(&mut organization, &level, node);
        if let Some(management) = organization.management_account
            && organization.accounts.insert(management)
        {
            self.place_account(&mut organization, management, root);
            let id = management.as_str();
            self.attach(&mut organization, id, FULL_ACCESS);
        }
        self.world.organization = Some(Arc::new(organization));
    }

    /// What a root, a unit and an account have in common: policies.
    fn level(&mut self, organization: &mut Organization, level: &Level<'_>, node: &Node<'_>) {
        let written = node.get("full_access");
        let full_access = written.and_then(|node| self.truth(node, "`full_access`"));
        if full_access != Some(false) {
            self.attach(organization, level.id, FULL_ACCESS);
        }
        for (member, kind) in [("scps", OrgPolicyKind::Scp), ("rcps", OrgPolicyKind::Rcp)] {
            if let Some(policies) = node.get(member) {
                self.org_policies(organization, level, kind, policies);
            }
        }
    }

    /// The units and accounts right below a root or a unit.
    fn below(&mut self, organization: &mut Organization, level: &Level<'_>, node: &Node<'_>) {
        let units = node.get("units").map(|units| self.entries(units, "`units`"));
        for unit in units.unwrap_or_default() {
            self.unit(organization, level, unit);
        }
        match node.get("accounts") {
            Some(accounts) if matches!(accounts.kind, Kind::Object(_)) => {
                for account in self.entries(accounts, "`accounts`") {
                    let span = account.name.span;
                    self.member_account(
                        organization,
                        level,
                        (&account.name.value, span),
                        Some(&account.value),
                    );
                }
            }
            Some(accounts) => {
                for (account, node) in self.texts(accounts, "an account id") {
                    self.member_account(organization, level, (account, node.span), None);
                }
            }
            None => {}
        }
    }

    fn unit(&mut self, organization: &mut Organization, above: &Level<'_>, member: &Member<'_>) {
        self.fields(&member.value, "a unit", UNIT);
        let name = &*member.name.value;
        let label = match above.label {
            "root" => name.to_owned(),
            label => format!("{label}-{name}"),
        };
        let given = member.value.get("id").and_then(Node::scalar).map(str::to_owned);
        let id = given.unwrap_or_else(|| format!("ou-{label}"));
        if organization.units.contains_key(id.as_str()) {
            self.problem(member.name.span, format!("a second unit with the id `{id}`"));
            return;
        }
        let unit = OrgUnit { id: id.as_str().into(), name: Some(name.into()) };
        organization.units.insert(id.as_str().into(), unit);
        organization.parents.insert(id.as_str().into(), above.id.into());
        let level = Level { id: &id, label: &label };
        self.level(organization, &level, &member.value);
        self.below(organization, &level, &member.value);
    }

    fn member_account(
        &mut self,
        organization: &mut Organization,
        above: &Level<'_>,
        (name, span): (&str, Span),
        node: Option<&Node<'_>>,
    ) {
        let Some(account) = AccountId::parse(name) else {
            self.problem(span, "an account id has twelve digits");
            return;
        };
        if !organization.accounts.insert(account) {
            self.problem(span, format!("account {account} has a place already"));
            return;
        }
        self.place_account(organization, account, above.id);
        let nothing = Node { span, tag: None, kind: Kind::Null };
        let node = node.unwrap_or(&nothing);
        self.fields(node, "an account of an organization", MEMBER_ACCOUNT);
        self.level(organization, &Level { id: name, label: name }, node);
    }

    fn place_account(&self, organization: &mut Organization, account: AccountId, parent: &str) {
        organization.parents.insert(account.as_str().into(), parent.into());
    }

    /// SCPs or RCPs of one level: one of all statements that stand alone, one for each document.
    fn org_policies(
        &mut self,
        organization: &mut Organization,
        level: &Level<'_>,
        kind: OrgPolicyKind,
        node: &Node<'_>,
    ) {
        let (documents, statements): (Vec<Node<'_>>, Vec<Node<'_>>) =
            node.one_or_many().iter().cloned().partition(is_document);
        let mut policies = Vec::new();
        if let (Some(first), Some(last)) = (statements.first(), statements.last()) {
            let span = first.span.to(last.span);
            policies.push(Node { span, tag: None, kind: Kind::Array(statements) });
        }
        policies.extend(documents);
        let (word, policy_kind) = match kind {
            OrgPolicyKind::Scp => ("scp", PolicyKind::Scp),
            OrgPolicyKind::Rcp => ("rcp", PolicyKind::Rcp),
        };
        for (index, policy) in policies.iter().enumerate() {
            let number = if index == 0 { String::new() } else { format!("-{}", index + 1) };
            let name = format!("{word}-{}{number}", level.label);
            let id: Box<str> = format!("p-{name}").into();
            let place = self.place(policy.span);
            let document = Some(self.policy(policy, policy_kind, None));
            let policy = OrgPolicy { id: id.clone(), name: name.into(), kind, document, place };
            organization.policies.insert(id.clone(), policy);
            self.attach(organization, level.id, &id);
        }
    }

    fn attach(&self, organization: &mut Organization, target: &str, policy: &str) {
        organization.attachments.entry(target.into()).or_default().insert(policy.into());
    }

    /// The SCP that allows everything, named where the organization is.
    fn full_access_policy(&self, organization: &mut Organization, span: Span) {
        let policy = OrgPolicy {
            id: FULL_ACCESS.into(),
            name: "FullAWSAccess".into(),
            kind: OrgPolicyKind::Scp,
            document: Some(self.full_access(span, PolicyKind::Scp)),
            place: self.place(span),
        };
        organization.policies.insert(FULL_ACCESS.into(), policy);
    }
}
