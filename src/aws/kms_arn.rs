//! Names of KMS keys and aliases.

use std::{fmt, sync::Arc};

use super::{AccountId, Arn};

/// The ARN of a KMS key, owned; a clone costs a reference count.
///
/// Ids are opaque: any characters but white space. So a pattern such as `.../key/*` passes too, and
/// text out of a `Resource` element is no key only because it parses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyArn(KmsArn);

/// The ARN of a KMS alias, owned; a clone costs a reference count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AliasArn(KmsArn);

impl KeyArn {
    /// Reads `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`; nothing where `text` is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        KmsArn::parse(text, KEY).map(Self)
    }

    /// The ARN of the key `id`; nothing where a part is empty, holds white space or cannot stand there.
    pub fn new(partition: &str, region: &str, account: AccountId, id: &str) -> Option<Self> {
        KmsArn::new(partition, region, account, [KEY, id]).map(Self)
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// `aws` and so on.
    pub fn partition(&self) -> &str {
        self.0.partition()
    }

    /// The Region the key lives in; each replica of a multi-Region key has its own (Rule X4).
    pub fn region(&self) -> &str {
        self.0.arn().region
    }

    /// The account that owns the key.
    pub fn account(&self) -> AccountId {
        self.0.account
    }

    /// What follows `key/`.
    pub fn id(&self) -> &str {
        self.0.arn().resource.strip_prefix(KEY).unwrap_or_default()
    }

    /// The ARN that a replica, or the primary, of the key has in a Region (Rule X4).
    pub fn in_region(&self, region: &str) -> Option<Self> {
        Self::new(self.partition(), region, self.account(), self.id())
    }

    /// The ARN of an alias of the key's account and Region; `name` begins with `alias/`.
    pub fn alias(&self, name: &str) -> Option<AliasArn> {
        AliasArn::new(self.partition(), self.region(), self.account(), name)
    }

    /// Whether this is one of a set of multi-Region keys, which share the `mrk-` id (Rule X4).
    pub fn is_multi_region(&self) -> bool {
        self.id().starts_with("mrk-")
    }
}

impl AliasArn {
    /// Reads `arn:PARTITION:kms:REGION:ACCOUNT:alias/NAME`; nothing where `text` is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        KmsArn::parse(text, ALIAS).map(Self)
    }

    /// The ARN of the alias `name`, which begins with `alias/`; nothing where a part is empty, holds
    /// white space or cannot stand there.
    pub fn new(partition: &str, region: &str, account: AccountId, name: &str) -> Option<Self> {
        let name = name.strip_prefix(ALIAS)?;
        KmsArn::new(partition, region, account, [ALIAS, name]).map(Self)
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// `aws` and so on.
    pub fn partition(&self) -> &str {
        self.0.partition()
    }

    /// The Region of the alias and of its key.
    pub fn region(&self) -> &str {
        self.0.arn().region
    }

    /// The account of the alias and of its key.
    pub fn account(&self) -> AccountId {
        self.0.account
    }

    /// `alias/` and what follows, as the value of `kms:RequestAlias` has it (Rule C55).
    pub fn name(&self) -> &str {
        self.0.arn().resource
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

const KEY: &str = "key/";
const ALIAS: &str = "alias/";

/// A checked ARN of a KMS resource with a name; the account is derived, so all order is the text's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct KmsArn {
    text: Arc<str>,
    account: AccountId,
}

impl KmsArn {
    fn parse(text: &str, kind: &str) -> Option<Self> {
        let arn = Arn::parse(text)?;
        let account = AccountId::parse(arn.account)?;
        let name = arn.resource.strip_prefix(kind)?;
        let full = ![arn.partition, arn.region, name].contains(&"");
        let valid = full && arn.service == "kms" && !text.contains(char::is_whitespace);
        valid.then(|| Self { text: text.into(), account })
    }

    /// Puts the parts together, the kind and the name of the resource the last two.
    fn new(
        partition: &str,
        region: &str,
        account: AccountId,
        [kind, name]: [&str; 2],
    ) -> Option<Self> {
        let is_part = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        // A colon would move the parts behind it; in a name it moves nothing.
        let is_whole = |text: &str| is_part(text) && !text.contains(':');
        let is_valid = is_whole(partition) && is_whole(region) && is_part(name);
        let parts = ["arn:", partition, ":kms:", region, ":", account.as_str(), ":", kind, name];
        is_valid.then(|| Self { text: parts.concat().into(), account })
    }

    /// The second part, which is asked for most.
    fn partition(&self) -> &str {
        self.text.split(':').nth(1).unwrap_or_default()
    }

    /// The parts; the constructor has seen that there are six.
    fn arn(&self) -> Arn<'_> {
        Arn::parse(&self.text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_ARN: &str =
        "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn key_arns_read_back() {
        let key = KeyArn::parse(KEY_ARN).expect("a key");
        assert_eq!(key.to_string(), KEY_ARN);
        assert_eq!((key.partition(), key.region()), ("aws", "us-west-2"));
        assert_eq!(key.account().as_str(), "111122223333");
        assert_eq!(key.id(), "1234abcd-12ab-34cd-56ef-1234567890ab");
        assert!(!key.is_multi_region());
        let alias = key.alias("alias/a").expect("an alias");
        assert_eq!(alias.as_str(), "arn:aws:kms:us-west-2:111122223333:alias/a");
        assert_eq!(key.alias("a"), None);
        assert_eq!(KeyArn::new("aws", "us-west-2", key.account(), key.id()), Some(key));
    }

    #[test]
    fn x4_multi_region_keys_have_their_own_ids() {
        let key =
            KeyArn::parse("arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-12").expect("a key");
        assert!(key.is_multi_region());
        let replica = key.in_region("cn-northwest-1").expect("a replica");
        let replicated = "arn:aws-cn:kms:cn-northwest-1:111122223333:key/mrk-12";
        assert_eq!(replica.as_str(), replicated);
        assert_eq!(key.in_region(""), None);
    }

    #[test]
    fn ids_are_opaque() {
        for id in ["x", "a:b", "ümlaut", "a/b", "mrk-"] {
            let account = AccountId::parse("111122223333").expect("an account");
            let key = KeyArn::new("aws", "us-west-2", account, id).expect("a key");
            assert_eq!(key.id(), id);
        }
    }

    #[test]
    fn all_else_is_no_key() {
        for text in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:us-west-2:111122223333:key/",
            "arn:aws:kms:us-west-2:111122223333:alias/a",
            "arn:aws:kms:us-west-2:11112222333:key/a",
            "arn:aws:kms::111122223333:key/a",
            "arn::kms:us-west-2:111122223333:key/a",
            "arn:aws:s3:us-west-2:111122223333:key/a",
            "arn:aws:kms:us-west-2:111122223333:key/a b",
        ] {
            assert_eq!(KeyArn::parse(text), None, "{text}");
        }
        let account = AccountId::parse("111122223333").expect("an account");
        assert_eq!(KeyArn::new("aws:kms", "us-west-2", account, "a"), None);
    }

    #[test]
    fn c55_alias_names_keep_their_prefix() {
        let text = "arn:aws:kms:us-west-2:111122223333:alias/aws/s3";
        let alias = AliasArn::parse(text).expect("an alias");
        assert_eq!(alias.name(), "alias/aws/s3");
        assert_eq!(alias.as_str(), text);
        let same = AliasArn::new(alias.partition(), alias.region(), alias.account(), alias.name());
        assert_eq!(same, Some(alias));
        assert_eq!(AliasArn::parse("arn:aws:kms:us-west-2:111122223333:alias/"), None);
        assert_eq!(AliasArn::parse(KEY_ARN), None);
    }
}
