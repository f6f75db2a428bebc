//! What infrastructure code leaves open.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::AccountId;
use crate::source::FileId;

use super::{OrgPolicy, Stated};

/// What is said of infrastructure code as a whole, beside the entities that it declares.
#[derive(Clone, Default, Debug)]
pub struct Declared {
    /// The files it stands in: what they do not say, nobody could have exported.
    pub files: BTreeSet<FileId>,
    /// Whole things that could not be resolved, in words, in the order of their places.
    pub unresolved: Vec<Stated<Box<str>>>,
    /// What was taken for granted, in words.
    pub assumed: BTreeSet<Box<str>>,
    /// What the symbols of accounts stand for, in words.
    pub accounts: BTreeMap<AccountId, Box<str>>,
    /// The organization policies that may limit accounts, where no organization was exported: what code
    /// attaches to them, and what AWS attaches to every account.
    pub limits: BTreeMap<AccountId, Vec<OrgPolicy>>,
    /// Who is given a policy that could use keys, and may be anybody, in words.
    pub strangers: BTreeSet<Box<str>>,
}

impl Declared {
    /// What each symbol of an account stands for that some texts hold, in words.
    pub fn accounts_in(&self, texts: &[&str]) -> Vec<String> {
        let accounts = self.accounts.iter();
        let told =
            accounts.filter(|(account, _)| texts.iter().any(|it| it.contains(account.as_str())));
        told.map(|(account, what)| format!("{account} is {what}")).collect()
    }
}

/// An address of Terraform without the keys of its instances: `module.m.aws_kms_key.k` of
/// `module.m["a"].aws_kms_key.k[0]`.
pub fn without_indices(address: &str) -> String {
    let (mut plain, mut is_inside, mut is_quoted) = (String::new(), false, false);
    for character in address.chars() {
        match (is_inside, character) {
            (false, '[') => is_inside = true,
            (true, '"') => is_quoted = !is_quoted,
            (true, ']') if !is_quoted => is_inside = false,
            (true, _) => {}
            (false, other) => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::without_indices;

    #[test]
    fn addresses_are_told_without_indices() {
        let block = "module.m.aws_kms_key.k aws_kms_grant.g";
        let instance = r#"module.m["a]b"].aws_kms_key.k[0] aws_kms_grant.g[each]"#;
        assert_eq!(without_indices(instance), block);
        assert_eq!(without_indices(block), block);
    }
}
