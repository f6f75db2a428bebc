//! How the rows of the table name their keys.

/// How a row names its keys.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Shape {
    /// It is the name.
    #[default]
    Exact,
    /// Names begin so and go on.
    Prefix(&'static str),
    /// Names begin so and end in a number up to this one.
    Numbers(&'static str, u8),
    /// Names begin with the host of an identity provider.
    Provider,
}

impl Shape {
    /// Reads the name of a row: `${...}` stands for any text, `<0-31>` for a number.
    pub(super) fn of(name: &'static str) -> Self {
        if name.starts_with("${Provider}") {
            return Self::Provider;
        }
        if let Some((prefix, _)) = name.split_once("${") {
            return Self::Prefix(prefix);
        }
        let range = name.strip_suffix('>').and_then(|name| name.split_once("<0-"));
        let range =
            range.and_then(|(prefix, last)| Some(Self::Numbers(prefix, last.parse().ok()?)));
        range.unwrap_or_default()
    }

    /// Whether `name` is a member of the family.
    pub(super) fn covers(self, name: &str) -> bool {
        match self {
            Self::Exact => false,
            Self::Provider => is_provider_key(name),
            Self::Prefix(_) | Self::Numbers(..) => self.member(name).is_some(),
        }
    }

    /// What tells `name` from other members of the family, where it is one by its prefix.
    pub(super) fn member(self, name: &str) -> Option<&str> {
        match self {
            Self::Exact | Self::Provider => None,
            Self::Prefix(prefix) => behind(name, prefix).filter(|rest| !rest.is_empty()),
            Self::Numbers(prefix, last) => {
                behind(name, prefix).filter(|rest| is_number(rest, last))
            }
        }
    }
}

/// What follows the prefix, which compares without regard to case.
fn behind<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn is_number(text: &str, last: u8) -> bool {
    text.parse::<u8>().is_ok_and(|number| number <= last && number.to_string() == text)
}

fn is_provider_key(name: &str) -> bool {
    let parts =
        name.split_once(':').filter(|(host, claim)| host.contains('.') && !claim.is_empty());
    parts.is_some() && !name.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::super::{Nature, condition_key};

    #[test]
    fn families_have_members() {
        let member = |name| {
            let key = condition_key(name)?;
            Some((key.name, key.member(name)?))
        };
        assert_eq!(
            member("KMS:encryptioncontext:aws:s3:arn"),
            Some(("kms:EncryptionContext:${EncryptionContextKey}", "aws:s3:arn"))
        );
        assert_eq!(member("aws:principaltag/Team"), Some(("aws:PrincipalTag/${TagKey}", "Team")));
        assert_eq!(
            member("kms:RecipientAttestation:PCR31"),
            Some(("kms:RecipientAttestation:PCR<0-31>", "31"))
        );
        for name in ["accounts.google.com:sub", "oidc.eks.us-west-2.amazonaws.com/id/AB:aud"] {
            assert_eq!(condition_key(name).map(|key| key.nature), Some(Nature::Session), "{name}");
        }
    }

    #[test]
    fn other_names_are_unknown() {
        for name in [
            "",
            "kms",
            "kms:CallerAcount",
            "kms:EncryptionContext",
            "kms:EncryptionContext:",
            "aws:ResourceTag/",
            "kms:RecipientAttestation:PCR32",
            "kms:RecipientAttestation:PCR01",
            "kms:RecipientAttestation:PCR+1",
            "kms:RecipientAttestation:NitroTPMPCR24",
            "s3:prefix",
            "ümlaut:x",
        ] {
            assert!(condition_key(name).is_none(), "{name}");
        }
    }
}
