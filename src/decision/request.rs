//! One concrete request.

use std::fmt;

use crate::aws::{AccountId, AliasArn, Arn, Identity as Named, KeyArn, KmsAction, identity};
use crate::inventory::{Identity, Inventory};
use crate::policy::PolicyDocument;

use super::Context;

/// One request for one permission.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// For which permission.
    pub action: KmsAction,
    /// On what.
    pub target: Target,
    /// The condition keys it gives; what the export fixes is derived (rule U9).
    pub context: Context,
    /// Session policies passed when the session was made; they unite (rule E2).
    pub session_policies: Vec<PolicyDocument>,
}

impl Request {
    /// A plain request: without context and without session policies.
    pub fn plain(caller: Caller, action: KmsAction, target: Target) -> Self {
        let session_policies = Vec::new();
        Self { caller, action, target, context: Context::default(), session_policies }
    }
}

/// Who signs a request, by the form of the name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Caller {
    /// The ARN, or the service principal, as given.
    pub text: Box<str>,
    /// The home account; none for a service (rule E40).
    pub account: Option<AccountId>,
    /// What it is.
    pub kind: CallerKind,
}

/// What a [`Caller`] is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CallerKind {
    /// The account root user.
    Root,
    /// An IAM user.
    User,
    /// Any session of a role, named by the role's ARN.
    Role,
    /// One session of a role; the session's ARN lacks the role's path.
    AssumedRole {
        /// The role's name.
        role: Box<str>,
        /// The session's name.
        session: Box<str>,
    },
    /// A session that GetFederationToken made.
    FederatedUser {
        /// Its name: the user it was made by is found by it, where that user has the same name.
        name: Box<str>,
    },
    /// An AWS service with its own principal.
    Service,
    /// Somebody whom an identity provider vouches for, before there is a session: asks STS alone (rule T8).
    Provider,
}

impl Caller {
    /// Reads a principal as 5.1 of the batch contract names it: user, role, session, federated user,
    /// account root (also a bare account id), or service principal.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(account) = AccountId::parse(text) {
            let text = format!("arn:aws:iam::{account}:root").into();
            return Some(Self { text, account: Some(account), kind: CallerKind::Root });
        }
        if Arn::parse(text).is_none() {
            let is_service = text.ends_with(".amazonaws.com") && !text.contains([':', '/', ' ']);
            let service = || Self { text: text.into(), account: None, kind: CallerKind::Service };
            return is_service.then(service);
        }
        let (account, kind) = match identity(text)? {
            Named::Root { account, .. } => (account, CallerKind::Root),
            Named::User { account, .. } => (account, CallerKind::User),
            Named::Role { account, .. } => (account, CallerKind::Role),
            Named::AssumedRole { account, role_name, session, .. } => (
                account,
                CallerKind::AssumedRole { role: role_name.into(), session: session.into() },
            ),
            Named::FederatedUser { account, name, .. } => {
                (account, CallerKind::FederatedUser { name: name.into() })
            }
            Named::Group { .. } => return None,
        };
        Some(Self { text: text.into(), account: Some(account), kind })
    }

    /// Somebody whom an identity provider vouches for: `provider` is the ARN of a SAML or OIDC provider,
    /// or the host of one that AWS knows by itself, as a trust policy names it (rule T8).
    pub fn of_provider(provider: &str) -> Self {
        Self { text: provider.into(), account: None, kind: CallerKind::Provider }
    }

    /// Whether it has no account, and so no identity side: a service, or a provider's subject.
    pub fn is_outside_accounts(&self) -> bool {
        matches!(self.kind, CallerKind::Service | CallerKind::Provider)
    }

    /// The partition of its ARN; `aws` for a service.
    pub fn partition(&self) -> &str {
        let of_arn = || self.text.strip_prefix("arn:")?.split(':').next();
        of_arn().unwrap_or("aws")
    }

    /// Whether the key is of another partition: requests between partitions are impossible (rule X11).
    pub fn is_abroad_to(&self, key: &KeyArn) -> bool {
        self.account.is_some() && self.partition() != key.partition()
    }

    /// The identity behind it, where the world has it: the user, or the role, of a session too; of a
    /// federated-user session the user that made it, found by the session's name.
    pub fn identity_in<'w>(&self, world: &'w Inventory) -> Option<&'w Identity> {
        match &self.kind {
            CallerKind::User | CallerKind::Role => world.identity(&self.text),
            CallerKind::AssumedRole { .. } => self.session_role_in(world),
            CallerKind::FederatedUser { name } => world.user_by_name(self.account?, name),
            CallerKind::Root | CallerKind::Service | CallerKind::Provider => None,
        }
    }

    /// The role of one session of it, where the world has it (rule A42: the session's ARN has the role's
    /// name without the path, and names are unique).
    pub fn session_role_in<'w>(&self, world: &'w Inventory) -> Option<&'w Identity> {
        match &self.kind {
            CallerKind::AssumedRole { role, .. } => world.role_by_name(self.account?, role),
            _ => None,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// What a request is made on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// A key.
    Key(KeyArn),
    /// A key named by an alias, or the alias half of an alias operation (rules A67, L1 to L3).
    Alias(AliasArn),
    /// Nothing: operations without a key (rule A68).
    Account,
    /// A key that does not exist yet: tags given to CreateKey and ReplicateKey (rule K10).
    NewKey {
        /// Where it will stand.
        region: Box<str>,
        /// Whose it will be.
        account: AccountId,
    },
    /// The retiring principal of ListRetirableGrants (rule A68).
    Principal(Box<str>),
}

impl Target {
    /// Reads a resource as 5.1 of the batch contract names it: key ARN, alias ARN, a principal's ARN, `*`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Account);
        }
        let key = || KeyArn::parse(text).map(Self::Key);
        let alias = || AliasArn::parse(text).map(Self::Alias);
        let principal = || identity(text).map(|_| Self::Principal(text.into()));
        key().or_else(alias).or_else(principal)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(arn) => arn.fmt(out),
            Self::Alias(arn) => arn.fmt(out),
            Self::Account => out.write_str("*"),
            Self::NewKey { region, account } => write!(out, "arn:aws:kms:{region}:{account}:key/*"),
            Self::Principal(arn) => out.write_str(arn),
        }
    }
}
