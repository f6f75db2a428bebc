//! The provider `awscc`: keys and aliases with the properties of CloudFormation, spelled as Terraform does.

use super::resource::Arguments;
use super::value::Value;

/// Whether it makes a key or an alias.
pub(super) fn is_read(of_type: &str) -> bool {
    matches!(of_type, "awscc_kms_key" | "awscc_kms_replica_key" | "awscc_kms_alias")
}

/// Whether it decides on access otherwise, and nothing here reads it.
pub(super) fn is_unread(of_type: &str) -> bool {
    let kinds = ["awscc_kms_", "awscc_iam_", "awscc_organizations_policy"];
    !is_read(of_type) && kinds.iter().any(|kind| of_type.starts_with(kind))
}

impl Arguments<'_> {
    /// What an argument of the provider aws is called here.
    pub(super) fn spelled<'n>(&self, name: &'n str) -> &'n str {
        match name {
            "policy" if self.is_of_awscc => "key_policy",
            "customer_master_key_spec" if self.is_of_awscc => "key_spec",
            "name" if self.is_of_awscc => "alias_name",
            _ => name,
        }
    }
}

/// A tag of a list of tags.
pub(super) fn tag(tag: &Value) -> Option<(Box<str>, Box<str>)> {
    let part = |name: &str| Some(Box::from(&*tag.member(name)?.known()?));
    Some((part("key")?, part("value")?))
}
