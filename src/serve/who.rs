//! Who a request comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decision::{Caller, CallerKind};
use crate::inventory::{Identity, Inventory, Tags};
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{FileId, Place, Span};

/// The principal behind an access key.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// The user, root user, or session of a role.
    pub(super) caller: Caller,
    /// What its session brings; nothing for users and root users.
    pub(super) session: Option<Arc<Session>>,
}

/// A session of a role, as its token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Session {
    /// ARN of the role.
    pub(super) role: String,
    /// `RoleSessionName`.
    pub(super) name: String,
    /// The texts of the session policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) policies: Vec<String>,
    /// The session tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: BTreeMap<String, String>,
    /// Keys of the tags that sessions made by this one inherit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) transitive: Vec<String>,
    /// `SourceIdentity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source_identity: Option<String>,
    /// When it was made, in seconds of Unix time; nothing for one of the credentials file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) issued: Option<i64>,
    /// When it ends; nothing for one of the credentials file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
}

impl Session {
    /// The session that the credentials file has of a role.
    pub(super) fn of_file(role: &str) -> Self {
        Self {
            role: role.to_owned(),
            name: "keyreach".to_owned(),
            policies: Vec::new(),
            tags: BTreeMap::new(),
            transitive: Vec::new(),
            source_identity: None,
            issued: None,
            expires: None,
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| now.as_second() >= end)
    }

    /// ARN of the session: the role's name without its path (rule A34).
    pub(super) fn arn(&self) -> Option<String> {
        use crate::aws::Identity::Role;
        match crate::aws::identity(&self.role)? {
            Role { partition, account, name, .. } => {
                Some(format!("arn:{partition}:sts::{account}:assumed-role/{name}/{}", self.name))
            }
            _ => None,
        }
    }
}

impl Who {
    /// The user or root user with this ARN.
    pub(super) fn of_arn(arn: &str) -> Option<Self> {
        let caller = Caller::parse(arn)?;
        let long_term = matches!(caller.kind, CallerKind::User | CallerKind::Root);
        long_term.then_some(Self { caller, session: None })
    }

    /// Whoever has the token of this session.
    pub(super) fn of_session(session: Session) -> Option<Self> {
        let caller = Caller::parse(&session.arn()?)?;
        Some(Self { caller, session: Some(Arc::new(session)) })
    }

    /// The user, or the role of the session, where the world has it.
    pub(super) fn identity<'w>(&self, world: &'w Inventory) -> Option<&'w Identity> {
        match &self.session {
            Some(session) => world.identity(&session.role),
            None => world.identity(&self.caller.text),
        }
    }

    /// Whether the world has it.
    pub(super) fn exists(&self, world: &Inventory) -> bool {
        let account = self.caller.account.and_then(|account| world.account(account));
        match self.caller.kind {
            CallerKind::Root => account.is_some(),
            _ => self.identity(world).is_some(),
        }
    }

    /// `UserId` of GetCallerIdentity, and the value of `aws:userid` (rule C45): made up, and always the
    /// same, where the export has none.
    pub(super) fn user_id(&self, world: &Inventory) -> String {
        let of = |identity: &Identity| match &identity.unique_id {
            Some(id) => id.to_string(),
            None => made_up_id(identity),
        };
        let identity = self.identity(world).map(of);
        match (&self.session, identity) {
            (Some(session), Some(role)) => format!("{role}:{}", session.name),
            (_, Some(user)) => user,
            (_, None) => self.caller.account.map(|it| it.to_string()).unwrap_or_default(),
        }
    }

    /// The session tags.
    pub(super) fn tags(&self) -> Tags {
        let tags = self.session.iter().flat_map(|session| &session.tags);
        tags.map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect()
    }

    /// The session policies.
    pub(super) fn policies(&self) -> Vec<PolicyDocument> {
        let texts = self.session.iter().flat_map(|session| &session.policies);
        texts.map(|text| policy(PolicyKind::Session, text)).collect()
    }
}

/// A policy that came with a request.
pub(super) fn policy(kind: PolicyKind, text: &str) -> PolicyDocument {
    PolicyDocument::json(Place::plain(FileId(0), Span::new(0, text.len())), kind, text)
}

/// A unique id for an identity that was exported without one.
fn made_up_id(identity: &Identity) -> String {
    use crate::inventory::IdentityKind::{Role, User};
    let prefix = match identity.kind {
        User => "AIDA",
        Role => "AROA",
    };
    unique_id(prefix, &identity.arn)
}

/// An id as AWS writes them, the same for the same text.
pub(super) fn unique_id(prefix: &str, text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    format!("{prefix}{}", base32(digest.as_ref(), 17))
}

/// The first `length` digits of the bytes in the alphabet of access keys.
pub(super) fn base32(bytes: &[u8], length: usize) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digit = |byte: &u8| DIGITS.get(usize::from(byte & 31)).map_or('A', |it| char::from(*it));
    bytes.iter().take(length).map(digit).collect()
}
