//! The id of an AWS account, or what stands for it where it is not known yet.

use std::{fmt, str};

/// The twelve digits of an AWS account; or a symbol of twelve characters for an account that an
/// infrastructure template will be deployed to, such as `this-account`, which equals no known one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The account that a template is deployed to.
    pub const THIS: Self = Self(*b"this-account");

    /// An account that AWS gives to nobody.
    pub const NOBODYS: Self = Self(*b"000000000000");

    /// The id that `text` spells: exactly twelve ASCII digits (rule A31), or a symbol.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(text.as_bytes().try_into().ok()?);
        (id.0.iter().all(u8::is_ascii_digit) || id.is_symbol()).then_some(id)
    }

    /// The symbol of another account that a template speaks of, by what the template calls it: `this-`
    /// and up to seven characters of `name`. Names that begin alike can share one; that is for the caller
    /// to avoid.
    pub fn symbol(name: &str) -> Self {
        let mut id = *b"this--------";
        let named = name.bytes().map(|byte| byte.to_ascii_lowercase());
        let named = named.map(|byte| if byte.is_ascii_alphanumeric() { byte } else { b'-' });
        id.iter_mut().skip(SYMBOL.len()).zip(named).for_each(|(place, byte)| *place = byte);
        Self(id)
    }

    /// Whether it stands for an account whose number is not known.
    pub fn is_symbol(&self) -> bool {
        let rest = self.0.strip_prefix(SYMBOL).unwrap_or_default();
        let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        !rest.is_empty() && rest.iter().all(is_fit)
    }

    /// The twelve digits, or the symbol.
    pub fn as_str(&self) -> &str {
        // Both are ASCII: the default is never taken.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What symbols begin with.
const SYMBOL: &[u8] = b"this-";

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a31_twelve_digits_are_an_account() {
        let account = AccountId::parse("012345678901").expect("an account");
        assert_eq!(account.as_str(), "012345678901");
        assert_eq!(account.to_string(), "012345678901");
        assert_eq!(format!("{account:?}"), "AccountId(012345678901)");
        assert!(account < AccountId::parse("111122223333").expect("an account"));
    }

    #[test]
    fn symbols_stand_for_accounts_without_a_number() {
        assert_eq!(AccountId::parse("this-account"), Some(AccountId::THIS));
        assert!(AccountId::THIS.is_symbol());
        let audit = AccountId::symbol("Audit_logs");
        assert_eq!(audit.as_str(), "this-audit-l");
        assert_eq!(AccountId::parse("this-audit-l"), Some(audit));
        assert_eq!(AccountId::symbol("x").as_str(), "this-x------");
        assert!(!AccountId::parse("111122223333").expect("an account").is_symbol());
    }

    #[test]
    fn all_else_is_none() {
        for text in ["", "11112222333", "1111222233334", "11112222333x", "١١١١١١", " 11112222333"]
        {
            assert_eq!(AccountId::parse(text), None, "{text}");
        }
    }
}
