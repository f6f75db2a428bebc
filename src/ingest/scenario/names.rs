//! The names that a scenario gives, collected before anything is built, and what they stand for.

use std::collections::BTreeMap;

use crate::aws::region::partition;
use crate::aws::{AccountId, AliasArn, KeyArn};
use crate::policy::Principal;
use crate::syntax::Node;

use super::meant;

/// Who and what a scenario names, with their ARNs.
#[derive(Clone, Default, Debug)]
pub struct Names {
    home: Option<AccountId>,
    region: Box<str>,
    accounts: BTreeMap<AccountId, AccountNames>,
}

/// The names of one account; each kind has its own.
#[derive(Clone, Default, Debug)]
struct AccountNames {
    users: BTreeMap<Box<str>, Box<str>>,
    roles: BTreeMap<Box<str>, Box<str>>,
    groups: BTreeMap<Box<str>, Box<str>>,
    policies: BTreeMap<Box<str>, Box<str>>,
    keys: BTreeMap<Box<str>, KeyArn>,
    aliases: BTreeMap<Box<str>, AliasArn>,
}

/// Who a name means, by the principal type that AWS puts it under.
pub(super) enum Named {
    /// `AWS`.
    Aws(String),
    /// `Service`.
    Service(String),
    /// `Federated`.
    Provider(String),
}

/// The managed policy of AWS that every scenario knows.
pub(super) const ADMINISTRATOR_ACCESS: &str = "AdministratorAccess";

impl Names {
    /// Goes through the tree of a scenario; what is wrong with it is left to whoever builds from it.
    pub(super) fn collect(root: &Node<'_>) -> Self {
        let region = root.get("region").and_then(Node::scalar).unwrap_or("us-east-1");
        let mut names = Self { region: region.into(), ..Self::default() };
        for account in root.get("accounts").map(Node::members).unwrap_or_default() {
            if let Some(id) = AccountId::parse(&account.name.value) {
                names.home = names.home.or(Some(id));
                let collected = names.collect_account(id, &account.value);
                names.accounts.entry(id).or_insert(collected);
            }
        }
        names
    }

    fn collect_account(&self, id: AccountId, node: &Node<'_>) -> AccountNames {
        let arns = |kind: &str, list: &str| -> BTreeMap<Box<str>, Box<str>> {
            let members = node.get(list).map(Node::members).unwrap_or_default().iter();
            let arn = |name: &str, path: &str| self.iam(id, &format!("{kind}{path}{name}")).into();
            members
                .map(|member| (&*member.name.value, path_of(&member.value)))
                .map(|(name, path)| (name.into(), arn(name, path)))
                .collect()
        };
        let mut names = AccountNames {
            users: arns("user", "users"),
            roles: arns("role", "roles"),
            groups: arns("group", "groups"),
            policies: arns("policy", "policies"),
            ..AccountNames::default()
        };
        for (name, arn) in &mut names.policies {
            if name.starts_with("arn:") {
                *arn = name.clone();
            }
        }
        let keys = node.get("keys").map(Node::members).unwrap_or_default();
        for key in keys {
            let key_id = key_id(&key.name.value, &key.value, node.get("keys"));
            let region = self.region_of(&key.value);
            if let Some(arn) = KeyArn::new(partition(region), region, id, &key_id) {
                names.keys.entry(key.name.value.as_ref().into()).or_insert(arn);
            }
            for alias in key.value.get("aliases").map(Node::one_or_many).unwrap_or_default() {
                let arn = alias.scalar().and_then(|name| self.alias_arn(id, region, name));
                if let Some(arn) = arn {
                    names.aliases.entry(arn.name().into()).or_insert(arn);
                }
            }
        }
        names
    }

    /// The account that stands first in the scenario: names without an account are its own.
    pub fn home(&self) -> Option<AccountId> {
        self.home
    }

    /// The ARN, or the service principal, of who a request is made by.
    pub fn caller(&self, text: &str) -> Option<String> {
        match self.principal(self.home, text).ok()? {
            Named::Aws(text) | Named::Service(text) => Some(text),
            Named::Provider(_) => None,
        }
    }

    /// The ARN of what a request is made on; `*` and ARNs are themselves.
    pub fn target(&self, text: &str) -> Option<String> {
        self.resource(self.home, text).ok()
    }

    /// The Region that a key's description names, or the scenario's.
    pub(super) fn region_of<'r>(&'r self, key: &'r Node<'_>) -> &'r str {
        key.get("region").and_then(Node::scalar).unwrap_or(&self.region)
    }

    /// The ARN of an IAM entity.
    pub(super) fn iam(&self, account: AccountId, resource: &str) -> String {
        format!("arn:{}:iam::{account}:{resource}", partition(&self.region))
    }

    /// The ARN of an alias in a Region.
    pub(super) fn alias_arn(
        &self,
        account: AccountId,
        region: &str,
        name: &str,
    ) -> Option<AliasArn> {
        AliasArn::new(partition(region), region, account, name)
    }

    /// The ARN of a key of `account`.
    pub(super) fn key(&self, account: AccountId, name: &str) -> Option<&KeyArn> {
        self.accounts.get(&account)?.keys.get(name)
    }

    /// The key that `name` means in `account`, or a word about it.
    pub(super) fn known_key(&self, account: AccountId, name: &str) -> Result<&KeyArn, String> {
        let keys = self.accounts.get(&account).map(|names| &names.keys);
        keys.and_then(|keys| keys.get(name)).ok_or_else(|| {
            let known = keys.into_iter().flat_map(BTreeMap::keys).map(Box::as_ref);
            format!("no key `{name}` in account {account}{}", meant(name, known))
        })
    }

    /// The name of a group of `account`, or a word about it.
    pub(super) fn known_group<'n>(
        &self,
        account: AccountId,
        name: &'n str,
    ) -> Result<&'n str, String> {
        self.find(account, "group", name).map(|_| name)
    }

    /// The ARN of a managed policy that an identity of `account` names.
    pub(super) fn managed_policy(&self, account: AccountId, name: &str) -> Result<String, String> {
        if name.starts_with("arn:") {
            return Ok(name.to_owned());
        }
        self.find(account, "policy", name).or_else(|message| match name {
            ADMINISTRATOR_ACCESS => Ok(self.administrator_access()),
            _ => Err(message),
        })
    }

    /// The ARN of the policy [`ADMINISTRATOR_ACCESS`].
    pub(super) fn administrator_access(&self) -> String {
        format!("arn:{}:iam::aws:policy/{ADMINISTRATOR_ACCESS}", partition(&self.region))
    }

    /// Who `text` means where `home` is the account at hand, or a word about it.
    pub(super) fn principal(&self, home: Option<AccountId>, text: &str) -> Result<Named, String> {
        if let Some(name) = text.strip_prefix("service:") {
            return Ok(Named::Service(name.to_owned()));
        }
        if let Some(name) = text.strip_prefix("provider:") {
            return Ok(Named::Provider(name.to_owned()));
        }
        let as_written = text.starts_with("arn:")
            || matches!(
                Principal::aws(text),
                Principal::Anyone | Principal::Account { .. } | Principal::UniqueId(_)
            );
        if as_written {
            return Ok(Named::Aws(text.to_owned()));
        }
        let (account, name) = self.split_account(home, text)?;
        if name == "account" {
            return Ok(Named::Aws(self.iam(account, "root")));
        }
        let found = self.iam_name(account, name).unwrap_or_else(|| {
            let near = meant(name, self.identity_names(account).iter().map(String::as_str));
            Err(format!("`{text}` names no principal{near}"))
        });
        found.map(Named::Aws)
    }

    /// What `text` means behind `on`, or a word about it.
    pub(super) fn resource(&self, home: Option<AccountId>, text: &str) -> Result<String, String> {
        if text == "*" || text.starts_with("arn:") {
            return Ok(text.to_owned());
        }
        if let Some(found) = self.key_anywhere(home, text) {
            return found.map(|key| key.as_str().to_owned());
        }
        let (account, name) = self.split_account(home, text)?;
        if name.starts_with("alias/") {
            let declared = self.accounts.get(&account).and_then(|names| names.aliases.get(name));
            let arn = || self.alias_arn(account, &self.region, name);
            let arn = declared.cloned().or_else(arn);
            return arn
                .map(|arn| arn.as_str().to_owned())
                .ok_or_else(|| format!("`{text}` is no name of an alias"));
        }
        self.iam_name(account, name).unwrap_or_else(|| {
            let keys = self.accounts.values().flat_map(|names| names.keys.keys());
            let near = meant(name, keys.map(Box::as_ref));
            Err(format!("`{text}` names no key{near}"))
        })
    }

    /// The key called `text`: of the account at hand, else of the only account that has it. Nothing
    /// where none has.
    fn key_anywhere(&self, home: Option<AccountId>, text: &str) -> Option<Result<&KeyArn, String>> {
        let named = text.split_once('/').and_then(|(id, name)| Some((AccountId::parse(id)?, name)));
        if let Some((account, name)) = named {
            return self.key(account, name).map(Ok);
        }
        if let Some(key) = home.and_then(|home| self.key(home, text)) {
            return Some(Ok(key));
        }
        let mut all = self.accounts.keys().filter_map(|account| self.key(*account, text));
        let first = all.next()?;
        let message = || format!("several accounts have a key `{text}`: put the account before it");
        Some(all.next().map_or(Ok(first), |_| Err(message())))
    }

    /// The account that a name begins with, or the one at hand, and the rest.
    fn split_account<'t>(
        &self,
        home: Option<AccountId>,
        text: &'t str,
    ) -> Result<(AccountId, &'t str), String> {
        let named = text.split_once('/').and_then(|(id, name)| Some((AccountId::parse(id)?, name)));
        named.or_else(|| Some((home?, text))).ok_or_else(|| {
            format!(
                "`{text}` belongs to no account: put one before it, as in `111122223333/{text}`"
            )
        })
    }

    /// The ARN of a user, role, group, policy or session; nothing where `name` has none of their forms.
    fn iam_name(&self, account: AccountId, name: &str) -> Option<Result<String, String>> {
        let (kind, rest) = name.split_once('/')?;
        let sts =
            |resource: &str| format!("arn:{}:sts::{account}:{resource}", partition(&self.region));
        match kind {
            "user" | "role" | "group" | "policy" => Some(self.find(account, kind, rest)),
            "session" => {
                let (role, session) = rest.rsplit_once('/')?;
                let found = self.find(account, "role", role);
                Some(found.map(|arn| {
                    let role = arn.rsplit('/').next().unwrap_or(role);
                    sts(&format!("assumed-role/{role}/{session}"))
                }))
            }
            "federated" => Some(Ok(sts(&format!("federated-user/{rest}")))),
            _ => None,
        }
    }

    /// The ARN of what is called `name`, with or without its path. An account that the scenario does
    /// not describe may have anyone.
    fn find(&self, account: AccountId, kind: &str, name: &str) -> Result<String, String> {
        let literal = self.iam(account, &format!("{kind}/{name}"));
        let Some(names) = self.accounts.get(&account) else { return Ok(literal) };
        let known = match kind {
            "user" => &names.users,
            "role" => &names.roles,
            "group" => &names.groups,
            _ => &names.policies,
        };
        let by_path = || known.values().find(|arn| ***arn == *literal);
        let found = known.get(name).or_else(by_path);
        found.map(|arn| arn.to_string()).ok_or_else(|| {
            let near = meant(name, known.keys().map(Box::as_ref));
            format!("no {kind} `{name}` in account {account}{near}")
        })
    }

    /// Names of users and roles as they are written, for suggestions.
    fn identity_names(&self, account: AccountId) -> Vec<String> {
        let Some(names) = self.accounts.get(&account) else { return Vec::new() };
        let users = names.users.keys().map(|name| format!("user/{name}"));
        let roles = names.roles.keys().map(|name| format!("role/{name}"));
        users.chain(roles).chain(["account".to_owned()]).collect()
    }
}

/// The path of a user, role or group: `/` where none is given, or one that is none.
pub(super) fn path_of<'n>(node: &'n Node<'_>) -> &'n str {
    let path = node.get("path").and_then(Node::scalar);
    path.filter(|path| is_path(path)).unwrap_or("/")
}

/// Whether this begins and ends with a slash.
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.ends_with('/') && !text.contains(char::is_whitespace)
}

/// The id of a key: as given; its primary's for a replica; else the name, `mrk-` before a primary's.
fn key_id(name: &str, key: &Node<'_>, keys: Option<&Node<'_>>) -> String {
    if let Some(id) = key.get("id").and_then(Node::scalar) {
        return id.to_owned();
    }
    let text = |member: &str| key.get(member).and_then(Node::scalar);
    if let Some(primary) = text("primary").filter(|primary| *primary != name)
        && let Some(node) = keys.and_then(|keys| keys.get(primary))
        && node.get("primary").is_none()
    {
        return key_id(primary, node, None);
    }
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let id: String = name.chars().map(kept).collect();
    match text("multi_region") {
        Some(_) if !id.starts_with("mrk-") => format!("mrk-{id}"),
        _ => id,
    }
}
