//! Accounts with their users, groups, roles and managed policies.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::aws::{AccountId, identity};
use crate::inventory::{
    AttachedPolicy, Gap, GapKind, Group, Identity, IdentityKind, ManagedPolicy, PolicyVersion, Tags,
};
use crate::policy::{Policy, PolicyDocument, PolicyKind, Version};
use crate::source::Span;
use crate::syntax::{Kind, Member, Node};

use super::super::declared::MAX_SESSION;
use super::names::{is_path, path_of};
use super::{Loader, meant};

/// Members of an account.
pub(super) const ACCOUNT: &[&str] = &["name", "users", "groups", "roles", "policies", "keys"];

/// Members of a user.
pub(super) const USER: &[&str] = &["path", "id", "tags", "policies", "groups", "boundary"];

/// Members of a group.
pub(super) const GROUP: &[&str] = &["path", "policies", "members"];

/// Members of a role.
pub(super) const ROLE: &[&str] =
    &["path", "id", "tags", "policies", "boundary", "max_session", "trust"];

/// How many seconds sessions of a role may last (page "CreateRole").
const SECONDS: RangeInclusive<u32> = MAX_SESSION..=43_200;

impl Loader {
    pub(super) fn account(&mut self, id: AccountId, node: &Node<'_>) {
        self.world.account_mut(id).identities_listed = true;
        for field in self.fields(node, "an account", ACCOUNT) {
            let value = &field.value;
            match &*field.name.value {
                "name" => {
                    let name = self.text(value, "an account's name").map(Into::into);
                    self.world.account_mut(id).name = name;
                }
                "users" => self.identities(id, value, IdentityKind::User),
                "roles" => self.identities(id, value, IdentityKind::Role),
                "policies" => {
                    for policy in self.entries(value, "`policies`") {
                        if let Ok(arn) = self.names.managed_policy(id, &policy.name.value) {
                            self.managed_policy(&arn, policy, id);
                        }
                    }
                }
                "keys" => {
                    for key in self.entries(value, "`keys`") {
                        self.key(id, key);
                    }
                }
                _ => {}
            }
        }
        // Memberships are written on either side: the users come first.
        for group in
            node.get("groups").map(|node| self.entries(node, "`groups`")).unwrap_or_default()
        {
            self.group(id, group);
        }
    }

    fn identities(&mut self, account: AccountId, node: &Node<'_>, kind: IdentityKind) {
        let what = match kind {
            IdentityKind::User => "`users`",
            IdentityKind::Role => "`roles`",
        };
        for member in self.entries(node, what) {
            if let Some(identity) = self.identity(account, member, kind) {
                self.world.account_mut(account).add_identity(identity);
            }
        }
    }

    fn identity(
        &mut self,
        account: AccountId,
        member: &Member<'_>,
        kind: IdentityKind,
    ) -> Option<Identity> {
        let (word, what, known) = match kind {
            IdentityKind::User => ("user", "a user", USER),
            IdentityKind::Role => ("role", "a role", ROLE),
        };
        let name = &*member.name.value;
        let arn = self.names.iam(account, &format!("{word}{}{name}", path_of(&member.value)));
        if name.contains('/') || identity(&arn).is_none() {
            self.problem(member.name.span, format!("`{name}` is no name of {what}"));
            return None;
        }
        let mut identity = Identity {
            kind,
            unique_id: Some(unique_id(kind, name, &arn).into()),
            arn: arn.into(),
            name: name.into(),
            account,
            tags: Tags::new(),
            inline: Vec::new(),
            attached: Vec::new(),
            groups: BTreeSet::new(),
            boundary: None,
            max_session: None,
            trust: None,
            place: self.place(member.name.span),
        };
        if kind == IdentityKind::Role {
            identity.trust = Some(self.trusts_nobody(member.name.span));
            identity.max_session = Some(MAX_SESSION);
        }
        for field in self.fields(&member.value, what, known) {
            let value = &field.value;
            match &*field.name.value {
                "path" => self.check_path(value),
                "id" => {
                    let id = self.text(value, "a unique id").map(Into::into);
                    identity.unique_id = id.or(identity.unique_id.take());
                }
                "tags" => identity.tags = self.pairs(value, "`tags`"),
                "policies" => {
                    (identity.inline, identity.attached) = self.policies(value, account);
                }
                "groups" => {
                    for (group, node) in self.texts(value, "a group's name") {
                        match self.names.known_group(account, group) {
                            Ok(group) => drop(identity.groups.insert(group.into())),
                            Err(message) => self.problem(node.span, message),
                        }
                    }
                }
                "boundary" => identity.boundary = self.boundary(account, word, name, field),
                "max_session" => {
                    identity.max_session = self.max_session(value).or(identity.max_session);
                }
                _ => identity.trust = Some(self.trust(account, value)),
            }
        }
        Some(identity)
    }

    /// A boundary: a managed policy by name, or one that is written here and belongs to nobody else.
    fn boundary(
        &mut self,
        account: AccountId,
        word: &str,
        name: &str,
        field: &Member<'_>,
    ) -> Option<AttachedPolicy> {
        match field.value.kind {
            Kind::Array(_) | Kind::Object(_) => {
                let arn = self.names.iam(account, &format!("policy/boundary-of-{word}-{name}"));
                self.managed_policy(&arn, field, account);
                Some(AttachedPolicy { arn: arn.into(), place: self.place(field.value.span) })
            }
            Kind::Null => None,
            _ => self.attachment(&field.value, account),
        }
    }

    fn max_session(&mut self, node: &Node<'_>) -> Option<u32> {
        let seconds = node.scalar().and_then(|text| text.parse().ok());
        let seconds = seconds.filter(|seconds| SECONDS.contains(seconds));
        if seconds.is_none() {
            let (least, most) = (SECONDS.start(), SECONDS.end());
            self.problem(node.span, format!("`max_session` is {least} to {most} seconds"));
        }
        seconds
    }

    /// A trust policy: names of those who may assume the role, or a policy.
    fn trust(&mut self, account: AccountId, node: &Node<'_>) -> PolicyDocument {
        let is_list_of_names =
            !node.one_or_many().is_empty() && node.one_or_many().iter().all(is_text);
        if is_list_of_names {
            self.trusting(node, account)
        } else if matches!(node.kind, Kind::Null) {
            self.trusts_nobody(node.span)
        } else {
            self.policy(node, PolicyKind::Trust, Some(account))
        }
    }

    fn trusts_nobody(&self, span: Span) -> PolicyDocument {
        let policy = Policy {
            version: Version::V2012,
            id: None,
            statements: Vec::new(),
            faults: Vec::new(),
            readable: true,
        };
        PolicyDocument::lowered(self.place(span), PolicyKind::Trust, policy)
    }

    fn group(&mut self, account: AccountId, member: &Member<'_>) {
        let name = &*member.name.value;
        if name.is_empty() || name.contains('/') || name.contains(char::is_whitespace) {
            self.problem(member.name.span, format!("`{name}` is no name of a group"));
            return;
        }
        let arn = self.names.iam(account, &format!("group{}{name}", path_of(&member.value)));
        let (mut inline, mut attached) = (Vec::new(), Vec::new());
        for field in self.fields(&member.value, "a group", GROUP) {
            match &*field.name.value {
                "path" => self.check_path(&field.value),
                "policies" => (inline, attached) = self.policies(&field.value, account),
                _ => {
                    for (user, node) in self.texts(&field.value, "a user's name") {
                        self.join(account, name, user, node.span);
                    }
                }
            }
        }
        let place = self.place(member.name.span);
        let group = Group { name: name.into(), arn: arn.into(), inline, attached, place };
        self.world.account_mut(account).groups.insert(name, group);
    }

    /// Makes the user a member of the group.
    fn join(&mut self, account: AccountId, group: &str, user: &str, span: Span) {
        let name = user.strip_prefix("user/").unwrap_or(user);
        let identities = &mut self.world.account_mut(account).identities;
        let is_user = |one: &&Identity| one.kind == IdentityKind::User;
        let found = identities.values().filter(is_user).find(|one| *one.name == *name);
        let found = found.map(|one| one.arn.clone());
        if let Some(member) = found.and_then(|arn| identities.get_mut(&arn)) {
            member.groups.insert(group.into());
            return;
        }
        let near = meant(name, identities.values().filter(is_user).map(|one| &*one.name));
        self.problem(span, format!("no user `{name}` in account {account}{near}"));
    }

    fn check_path(&mut self, node: &Node<'_>) {
        if self.text(node, "a path").is_some_and(|path| !is_path(path)) {
            self.problem(node.span, "a path begins and ends with a slash");
        }
    }

    /// Adds the policies of AWS that every scenario knows, and notes what is named and not written.
    pub(super) fn finish_policies(&mut self) {
        let administrator = self.names.administrator_access();
        let mut seen = BTreeSet::new();
        for (account, policy) in self.attachments() {
            let known = self.world.managed_policy(account, &policy.arn).is_some();
            if known || !seen.insert((account, policy.arn.clone())) {
                continue;
            }
            let AttachedPolicy { arn, place } = policy;
            if *arn == *administrator {
                let id: Box<str> = "v1".into();
                let document = self.full_access(place.span, PolicyKind::Identity);
                let versions = vec![PolicyVersion { id: id.clone(), document }];
                let policy =
                    ManagedPolicy { arn: arn.clone(), default_version: Some(id), versions, place };
                self.world.account_mut(account).policies.insert(arn, policy);
            } else {
                let kind = GapKind::PolicyDocument { account, policy: arn };
                Arc::make_mut(&mut self.world.gaps).push(Gap { kind, place });
            }
        }
    }

    /// Every managed policy that is named, in the order of the text.
    fn attachments(&self) -> Vec<(AccountId, AttachedPolicy)> {
        let mut all = Vec::new();
        for account in self.world.accounts.values() {
            let named = account.attached_policies();
            all.extend(named.map(|policy| (account.id, policy.clone())));
        }
        all.sort_by_key(|(_, policy)| policy.place);
        all
    }
}

fn is_text(node: &Node<'_>) -> bool {
    node.scalar().is_some()
}

/// A unique id as IAM writes them, the same in every run: as much of the name as fits, then a hash of
/// the ARN.
fn unique_id(kind: IdentityKind, name: &str, arn: &str) -> String {
    const LENGTH: usize = 21;
    const NAME: usize = 9;
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let prefix = match kind {
        IdentityKind::User => "AIDA",
        IdentityKind::Role => "AROA",
    };
    let readable = name.chars().filter(char::is_ascii_alphanumeric).take(NAME);
    let mut id: String = prefix.chars().chain(readable.map(|c| c.to_ascii_uppercase())).collect();
    // FNV-1a.
    let mut hash = arn.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    while id.len() < LENGTH {
        let digit = DIGITS.get((hash % 32) as usize).copied().unwrap_or_default();
        id.push(char::from(digit));
        hash = hash.rotate_right(5);
    }
    id
}
