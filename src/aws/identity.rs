//! The kinds of identities that an ARN can name.

use std::fmt;

use super::{AccountId, Arn};

/// What an IAM or STS ARN names. Names compare with case, whole (Rule A42).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Identity<'a> {
    /// `arn:P:iam::ID:root`: as a principal the root user and the account's delegation (Rule A31).
    Root {
        /// `aws` and so on.
        partition: &'a str,
        /// The account itself.
        account: AccountId,
    },
    /// `arn:P:iam::ID:user/path/name` (Rule A32).
    User {
        /// `aws` and so on.
        partition: &'a str,
        /// The user's account.
        account: AccountId,
        /// `/`, or `/team/` and deeper.
        path: &'a str,
        /// What follows the path.
        name: &'a str,
    },
    /// `arn:P:iam::ID:role/path/name` (Rule A33).
    Role {
        /// `aws` and so on.
        partition: &'a str,
        /// The role's account.
        account: AccountId,
        /// `/`, or `/service-role/` and deeper.
        path: &'a str,
        /// What follows the path.
        name: &'a str,
    },
    /// `arn:P:iam::ID:group/path/name`, which is no principal (Rule A40).
    Group {
        /// `aws` and so on.
        partition: &'a str,
        /// The group's account.
        account: AccountId,
        /// `/`, or `/team/` and deeper.
        path: &'a str,
        /// What follows the path.
        name: &'a str,
    },
    /// `arn:P:sts::ID:assumed-role/name/session`; the role's path is not in it (Rule A34).
    AssumedRole {
        /// `aws` and so on.
        partition: &'a str,
        /// The role's account.
        account: AccountId,
        /// The role's name without path, to be linked to a role without regard to case (Rule A42).
        role_name: &'a str,
        /// The session name.
        session: &'a str,
    },
    /// `arn:P:sts::ID:federated-user/name` (Rule A35).
    FederatedUser {
        /// `aws` and so on.
        partition: &'a str,
        /// The account of the user that called GetFederationToken.
        account: AccountId,
        /// The name given to the session.
        name: &'a str,
    },
}

/// What `arn` names; nothing where it names no identity, or holds a wildcard or white space (Rule A40).
pub fn identity(arn: &str) -> Option<Identity<'_>> {
    if arn.contains(|c: char| c == '*' || c == '?' || c.is_whitespace()) {
        return None;
    }
    let Arn { partition, service, region, account, resource } = Arn::parse(arn)?;
    let account = AccountId::parse(account)?;
    if partition.is_empty() || !region.is_empty() {
        return None;
    }
    match service {
        "iam" => iam_identity(partition, account, resource),
        "sts" => sts_identity(partition, account, resource),
        _ => None,
    }
}

impl Identity<'_> {
    /// `aws` and so on.
    pub fn partition(&self) -> &str {
        match self {
            Self::Root { partition, .. }
            | Self::User { partition, .. }
            | Self::Role { partition, .. }
            | Self::Group { partition, .. }
            | Self::AssumedRole { partition, .. }
            | Self::FederatedUser { partition, .. } => partition,
        }
    }

    /// The home account.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Root { account, .. }
            | Self::User { account, .. }
            | Self::Role { account, .. }
            | Self::Group { account, .. }
            | Self::AssumedRole { account, .. }
            | Self::FederatedUser { account, .. } => *account,
        }
    }
}

/// Writes the ARN.
impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root { partition, account } => write!(f, "arn:{partition}:iam::{account}:root"),
            Self::User { partition, account, path, name } => {
                write!(f, "arn:{partition}:iam::{account}:user{path}{name}")
            }
            Self::Role { partition, account, path, name } => {
                write!(f, "arn:{partition}:iam::{account}:role{path}{name}")
            }
            Self::Group { partition, account, path, name } => {
                write!(f, "arn:{partition}:iam::{account}:group{path}{name}")
            }
            Self::AssumedRole { partition, account, role_name, session } => {
                write!(f, "arn:{partition}:sts::{account}:assumed-role/{role_name}/{session}")
            }
            Self::FederatedUser { partition, account, name } => {
                write!(f, "arn:{partition}:sts::{account}:federated-user/{name}")
            }
        }
    }
}

fn iam_identity<'a>(
    partition: &'a str,
    account: AccountId,
    resource: &'a str,
) -> Option<Identity<'a>> {
    if resource == "root" {
        return Some(Identity::Root { partition, account });
    }
    let (kind, located) = resource.split_at_checked(resource.find('/')?)?;
    let (path, name) = located.split_at_checked(located.rfind('/')? + 1)?;
    if name.is_empty() {
        return None;
    }
    match kind {
        "user" => Some(Identity::User { partition, account, path, name }),
        "role" => Some(Identity::Role { partition, account, path, name }),
        "group" => Some(Identity::Group { partition, account, path, name }),
        _ => None,
    }
}

fn sts_identity<'a>(
    partition: &'a str,
    account: AccountId,
    resource: &'a str,
) -> Option<Identity<'a>> {
    let plain = |name: &str| !name.is_empty() && !name.contains('/');
    match resource.split_once('/')? {
        ("assumed-role", rest) => {
            let (role_name, session) = rest.split_once('/')?;
            let valid = plain(role_name) && plain(session);
            valid.then_some(Identity::AssumedRole { partition, account, role_name, session })
        }
        ("federated-user", name) => {
            plain(name).then_some(Identity::FederatedUser { partition, account, name })
        }
        _ => None,
    }
}

/// Whether a text has the form of a service principal (API reference, page "CreateGrant").
pub fn is_service(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|one| one.is_ascii_alphanumeric() || one == '-')
    };
    text.matches('.').count() > 1 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arn: &str, expected: impl Fn(&'static str, AccountId) -> Identity<'static>) {
        let account = AccountId::parse("111122223333").expect("an account");
        assert_eq!(identity(arn), Some(expected("aws", account)), "{arn}");
        let found = identity(arn).expect("an identity");
        assert_eq!(found.to_string(), arn);
        assert_eq!((found.partition(), found.account()), ("aws", account));
    }

    #[test]
    fn a31_to_a35_each_form_is_told_apart() {
        check("arn:aws:iam::111122223333:root", |partition, account| Identity::Root {
            partition,
            account,
        });
        check("arn:aws:iam::111122223333:user/alice", |partition, account| Identity::User {
            partition,
            account,
            path: "/",
            name: "alice",
        });
        check("arn:aws:iam::111122223333:role/a/b/deploy", |partition, account| Identity::Role {
            partition,
            account,
            path: "/a/b/",
            name: "deploy",
        });
        check("arn:aws:iam::111122223333:group/ops", |partition, account| Identity::Group {
            partition,
            account,
            path: "/",
            name: "ops",
        });
        check("arn:aws:sts::111122223333:assumed-role/deploy/s@x", |partition, account| {
            Identity::AssumedRole { partition, account, role_name: "deploy", session: "s@x" }
        });
        check("arn:aws:sts::111122223333:federated-user/bob", |partition, account| {
            Identity::FederatedUser { partition, account, name: "bob" }
        });
    }

    #[test]
    fn a40_partial_wildcards_name_nobody() {
        for resource in ["role/*", "user/dev-*", "user/a?c", "*"] {
            assert_eq!(identity(&format!("arn:aws:iam::111122223333:{resource}")), None);
        }
    }

    #[test]
    fn all_else_is_nobody() {
        for arn in [
            "*",
            "111122223333",
            "AIDACKCEVSQ6C2EXAMPLE",
            "arn:aws:iam::111122223333:policy/p",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user/team/",
            "arn:aws:iam::111122223333:user",
            "arn:aws:iam:us-west-2:111122223333:user/alice",
            "arn:aws:sts::111122223333:assumed-role/deploy",
            "arn:aws:sts::111122223333:assumed-role/path/deploy/session",
            "arn:aws:sts::111122223333:role/deploy",
            "arn:aws:iam::111122223333:assumed-role/deploy/session",
            "arn:aws:kms:us-west-2:111122223333:key/a",
        ] {
            assert_eq!(identity(arn), None, "{arn}");
        }
    }
}
