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
    /// The files of each part of it that is deployed by itself, which may be to an account of its own.
    pub parts: Vec<BTreeSet<FileId>>,
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
    /// Whether no part has both files, so that what they declare may be in two accounts.
    pub fn may_be_apart(&self, one: FileId, other: FileId) -> bool {
        let has = |file: FileId| self.parts.iter().any(|part| part.contains(&file));
        let has_both = |part: &BTreeSet<FileId>| part.contains(&one) && part.contains(&other);
        has(one) && has(other) && !self.parts.iter().any(has_both)
    }

    /// What each symbol of an account stands for that some texts hold, in words.
    pub fn accounts_in(&self, texts: &[&str]) -> Vec<String> {
        let accounts = self.accounts.iter();
        let told =
            accounts.filter(|(account, _)| texts.iter().any(|it| it.contains(account.as_str())));
        told.map(|(account, what)| format!("{account} is {what}")).collect()
    }
}

/// An address of Terraform without the keys of its instances: `module.m.aws_kms_key.k` of
/// `module.m["a"].aws_kms_key.k[0]`. A list that stands alone is none.
pub fn without_indices(address: &str) -> String {
    let (mut plain, mut is_inside, mut is_quoted) = (String::new(), false, false);
    for character in address.chars() {
        match (is_inside, character) {
            (false, '[') if plain.ends_with(is_of_name) => is_inside = true,
            (true, '"') => is_quoted = !is_quoted,
            (true, ']') if !is_quoted => is_inside = false,
            (true, _) => {}
            (false, other) => plain.push(other),
        }
    }
    plain
}

/// An expression as it is in every instance of its module: its addresses without the keys of instances, and
/// without the calls that lead to them.
pub fn without_instances(expression: &str) -> String {
    let plain = without_indices(expression);
    let mut parts = plain.split(CALL);
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let called = part.split_once('.').filter(|(name, _)| name.chars().all(is_of_name));
        // What stands behind a call is the address of a resource, or an output of the module.
        let is_address =
            |inside: &str| ["data.", "aws_"].iter().any(|kind| inside.starts_with(kind));
        match called {
            Some((_, inside)) if inside.is_empty() || is_address(inside) => made.push_str(inside),
            _ => made.extend([CALL, part]),
        }
    }
    made
}

/// What an address has before the name of a call.
const CALL: &str = "module.";

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::{without_indices, without_instances};

    #[test]
    fn addresses_are_told_without_indices() {
        let block = "module.m.aws_kms_key.k aws_kms_grant.g";
        let instance = r#"module.m["a]b"].aws_kms_key.k[0] aws_kms_grant.g[each]"#;
        assert_eq!(without_indices(instance), block);
        assert_eq!(without_indices(block), block);
    }
    #[test]
    fn expressions_are_told_without_instances() {
        for (expression, plain) in [
            (r#"module.a["x"].data.aws_region.r[0].name"#, "data.aws_region.r.name"),
            ("module.a.module.b[1].aws_iam_role.r: its name", "aws_iam_role.r: its name"),
            ("module.keys[0].arn", "module.keys.arn"),
            ("coalescelist(a[0], [b])", "coalescelist(a, [b])"),
            ("var.team", "var.team"),
        ] {
            assert_eq!(without_instances(expression), plain, "{expression}");
        }
    }
}
