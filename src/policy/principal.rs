//! Principal elements: who a statement names, by form (section 1.4 of the semantics).

use crate::aws::{AccountId, Arn, Identity, identity};
use crate::source::{Located, Span};

use super::{Polarity, Unresolved};

/// `Principal` or `NotPrincipal` with its entries.
#[derive(Clone, Debug)]
pub struct PrincipalElement {
    /// Whether the entries are meant or excluded.
    pub polarity: Polarity,
    /// The entries of all principal types, in order; they are alternatives.
    pub entries: Vec<Located<Principal>>,
    /// The element's value.
    pub span: Span,
}

/// One entry of a principal element, by its form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Principal {
    /// `*` (rule A30).
    Anyone,
    /// A 12-digit id or the `:root` ARN (rule A31); the partition where it is given.
    Account {
        /// The account.
        account: AccountId,
        /// `aws`, `aws-cn`, ...; absent for a bare id.
        partition: Option<Box<str>>,
    },
    /// A user's ARN (rule A32).
    User(Box<str>),
    /// A role's ARN (rule A33).
    Role(Box<str>),
    /// A role session's ARN (rule A34).
    AssumedRole(Box<str>),
    /// A federated-user session's ARN (rule A35).
    FederatedUser(Box<str>),
    /// A service principal (rule A36).
    Service(Box<str>),
    /// A web identity or SAML provider (rule A37).
    Federated(Box<str>),
    /// An S3 canonical user, which KMS knows nothing of (rule A38).
    CanonicalUser(Box<str>),
    /// A unique id such as `AIDA...`, left over from a deleted principal (rule A39).
    UniqueId(Box<str>),
    /// A form that AWS refuses (rules A40, A41).
    Invalid(Box<str>),
    /// A principal that is not known, or not wholly.
    Unresolved(Box<UnresolvedPrincipal>),
}

/// A principal that is not known, or not wholly.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnresolvedPrincipal {
    /// What stands for it where it is written, for messages.
    pub expression: Box<str>,
    /// Whom it can mean; it can also mean nobody that is known.
    pub at_most: AtMost,
}

/// Whom a principal that is not known can mean.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AtMost {
    /// Anyone.
    Anyone,
    /// Somebody of this account.
    Of(AccountId),
    /// A service.
    Service,
    /// This one: whether it is meant is not known.
    Principal(Principal),
}

impl Principal {
    /// Reads an entry of the principal type `AWS`.
    pub fn aws(text: &str) -> Self {
        if text == "*" {
            return Self::Anyone;
        }
        if let Some(account) = AccountId::parse(text) {
            return Self::Account { account, partition: None };
        }
        if is_unique_id(text) {
            return Self::UniqueId(text.into());
        }
        // Rule A40: a principal takes no partial wildcard.
        if text.contains(['*', '?']) {
            return Self::Invalid(text.into());
        }
        match identity(text) {
            Some(Identity::Root { account, .. }) => Self::Account {
                account,
                partition: Arn::parse(text).map(|arn| arn.partition.into()),
            },
            Some(Identity::User { .. }) => Self::User(text.into()),
            Some(Identity::Role { .. }) => Self::Role(text.into()),
            Some(Identity::AssumedRole { .. }) => Self::AssumedRole(text.into()),
            Some(Identity::FederatedUser { .. }) => Self::FederatedUser(text.into()),
            _ => Self::Invalid(text.into()),
        }
    }

    /// An entry of the principal type `of_type` that is not known, or not wholly.
    pub fn unresolved(of_type: &str, value: &Unresolved) -> Self {
        let Unresolved { expression, shape } = value;
        let is_whole = !shape.contains(['*', '?']);
        let at_most = match of_type {
            "AWS" if is_whole => AtMost::Principal(Self::aws(shape)),
            "Service" if is_whole => AtMost::Principal(Self::Service(shape.clone())),
            "Federated" if is_whole => AtMost::Principal(Self::Federated(shape.clone())),
            "CanonicalUser" if is_whole => AtMost::Principal(Self::CanonicalUser(shape.clone())),
            "AWS" => {
                let account = shape.split(':').nth(4).and_then(AccountId::parse);
                account.map_or(AtMost::Anyone, AtMost::Of)
            }
            "Service" => AtMost::Service,
            _ => AtMost::Anyone,
        };
        let expression = expression.clone();
        Self::Unresolved(Box::new(UnresolvedPrincipal { expression, at_most }))
    }

    /// The one principal that it can mean, where it can mean no other; else itself.
    pub fn at_most(&self) -> &Self {
        match self {
            Self::Unresolved(of) => match &of.at_most {
                AtMost::Principal(principal) => principal,
                _ => self,
            },
            _ => self,
        }
    }

    /// The entry as it is written, where that is known.
    pub fn text(&self) -> &str {
        match self {
            Self::Anyone => "*",
            Self::Account { account, .. } => account.as_str(),
            Self::User(text)
            | Self::Role(text)
            | Self::AssumedRole(text)
            | Self::FederatedUser(text)
            | Self::Service(text)
            | Self::Federated(text)
            | Self::CanonicalUser(text)
            | Self::UniqueId(text)
            | Self::Invalid(text) => text,
            Self::Unresolved(of) => match &of.at_most {
                AtMost::Principal(principal) => principal.text(),
                _ => &of.expression,
            },
        }
    }
}

/// Rule A39: the unique ids that IAM writes where a principal was deleted.
fn is_unique_id(text: &str) -> bool {
    const PREFIXES: [&str; 9] =
        ["AIDA", "AROA", "AGPA", "ANPA", "ASIA", "AIPA", "ANVA", "APKA", "ASCA"];
    text.len() >= 16
        && PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a30_to_a40_forms_are_told_apart() {
        let account = AccountId::parse("111122223333").expect("an id");
        assert_eq!(Principal::aws("*"), Principal::Anyone);
        assert_eq!(Principal::aws("111122223333"), Principal::Account { account, partition: None });
        assert_eq!(
            Principal::aws("arn:aws-us-gov:iam::111122223333:root"),
            Principal::Account { account, partition: Some("aws-us-gov".into()) }
        );
        let user = "arn:aws:iam::111122223333:user/team/bob";
        assert_eq!(Principal::aws(user), Principal::User(user.into()));
        let session = "arn:aws:sts::111122223333:assumed-role/app/s1";
        assert_eq!(Principal::aws(session), Principal::AssumedRole(session.into()));
        assert!(matches!(Principal::aws("AROAEXAMPLEEXAMPLEID1"), Principal::UniqueId(_)));
        for refused in [
            "arn:aws:iam::111122223333:group/admins",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:user/dev-*",
            "bob",
        ] {
            assert!(matches!(Principal::aws(refused), Principal::Invalid(_)), "{refused}");
        }
    }
}
