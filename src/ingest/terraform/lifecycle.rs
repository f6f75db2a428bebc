//! `ignore_changes`: what Terraform writes once and then leaves to others.

use hcl_edit::expr::Expression;

use super::resource::Arguments;

/// What cannot change while it stands there, and so is not ignored with all the rest.
const FIXED: [&str; 12] = [
    "customer_master_key_spec",
    "group",
    "key_id",
    "key_usage",
    "multi_region",
    "name",
    "name_prefix",
    "path",
    "policy_arn",
    "primary_key_arn",
    "role",
    "user",
];

impl Arguments<'_> {
    /// Whether changes of an argument are ignored: then nobody knows what stands there.
    pub(super) fn is_ignored(&self, name: &str) -> bool {
        let blocks = self.written.iter().flat_map(|(body, _)| body.get_blocks("lifecycle"));
        let mut ignored = blocks.filter_map(|block| block.body.get_attribute("ignore_changes"));
        ignored.any(|ignored| match &ignored.value {
            Expression::Array(items) => items.iter().any(|item| head(item) == Some(name)),
            // The keyword stands alone.
            all => head(all) == Some("all") && !FIXED.contains(&name),
        })
    }
}

/// The argument that an entry names, or has a part of.
fn head(entry: &Expression) -> Option<&str> {
    match entry {
        Expression::Variable(name) => Some(name.as_str()),
        Expression::String(name) => name.split(['.', '[']).next(),
        Expression::Traversal(of) => head(&of.expr),
        _ => None,
    }
}
