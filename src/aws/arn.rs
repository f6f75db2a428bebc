//! The six parts of an Amazon Resource Name.

use std::fmt;

use super::AccountId;

/// An ARN, cut at its first five colons; the parts are as written and may be empty or patterns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov` and so on.
    pub partition: &'a str,
    /// `kms`, `iam`, `sts` and so on.
    pub service: &'a str,
    /// Empty for services without Regions.
    pub region: &'a str,
    /// Empty for resources without an account in their name.
    pub account: &'a str,
    /// All that follows the fifth colon, further colons included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Cuts `text`; nothing where it does not begin with `arn:` or has fewer than six parts (Rule A61).
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("arn:")?;
        let (partition, rest) = cut(rest)?;
        let (service, rest) = cut(rest)?;
        let (region, rest) = cut(rest)?;
        let (account, resource) = cut(rest)?;
        Some(Self { partition, service, region, account, resource })
    }

    /// Whether its account can be that of a resource: none, an id, or a word such as `aws` for what AWS owns (IAM
    /// user guide, "Identify AWS resources with Amazon Resource Names"). Digits are of ids alone.
    pub fn has_owner(&self) -> bool {
        AccountId::parse(self.account).is_some()
            || !self.account.bytes().any(|byte| byte.is_ascii_digit())
    }
}

/// Cuts at the first colon. The parts are a few bytes long, too few for the search that `split` is.
fn cut(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == b':')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a61_an_arn_is_cut_at_its_first_five_colons() {
        let text = "arn:aws:logs:us-west-2:111122223333:log-group:/a:*";
        let arn = Arn::parse(text).expect("an ARN");
        assert_eq!((arn.partition, arn.service), ("aws", "logs"));
        assert_eq!((arn.region, arn.account), ("us-west-2", "111122223333"));
        assert_eq!(arn.resource, "log-group:/a:*");
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn digits_in_the_account_are_those_of_an_id() {
        for (account, expected) in [
            ("", true),
            ("aws", true),
            ("this-account", true),
            ("111122223333", true),
            ("2x", false),
            ("11112222333", false),
        ] {
            let text = format!("arn:aws:sns:us-east-1:{account}:topic");
            assert_eq!(Arn::parse(&text).map(|arn| arn.has_owner()), Some(expected), "{account}");
        }
    }

    #[test]
    fn fewer_parts_are_no_arn() {
        for text in
            ["", "*", "arn", "arn:aws:kms:*:key/*", "ARN:aws:iam::111122223333:root", "key/x"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
        assert!(Arn::parse("arn:::::").is_some());
    }
}
