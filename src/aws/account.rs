//! The id of an AWS account.

use std::{fmt, str};

/// The twelve digits of an AWS account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The id that `text` spells; nothing but exactly twelve ASCII digits is one (Rule A31).
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 12] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        // Digits are UTF-8: the default is never taken.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

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
    fn all_else_is_none() {
        for text in ["", "11112222333", "1111222233334", "11112222333x", "١١١١١١", " 11112222333"]
        {
            assert_eq!(AccountId::parse(text), None, "{text}");
        }
    }
}
