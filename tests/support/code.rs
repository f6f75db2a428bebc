//! What `check` says of infrastructure code in a folder, and code that opens a key.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes this module uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use serde_json::Value;

use super::support::command::{Folder, keyreach};

/// What `check` says of a folder, as JSON.
pub fn checked(folder: &Folder, more: &[&str]) -> Value {
    let args = [&["check", ".", "--format", "json", "--now", "2026-01-01"], more].concat();
    let run = keyreach(&args).within(folder.path()).run();
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"))
}

/// The messages of the findings of a rule.
pub fn messages(report: &Value, rule: &str) -> Vec<String> {
    let all = report["findings"].as_array().unwrap().iter();
    let of_rule = all.filter(|finding| finding["rule"] == rule);
    of_rule.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

/// What the summary says is not known.
pub fn unknown(report: &Value) -> Vec<String> {
    let all = report["summary"]["coverage"]["unresolved"].as_array().cloned();
    let all = all.unwrap_or_else(|| panic!("{}", report["summary"]));
    all.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// A policy in Terraform that opens a key to anyone.
pub const PUBLIC: &str = r#"jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "*" }, Action = "kms:*", Resource = "*" }] })"#;

/// A key policy in Terraform, for a key that is named so.
pub fn policy_for(key: &str) -> String {
    format!(
        "data \"aws_kms_alias\" \"a\" {{ name = \"alias/x\" }}\nvariable \"key\" {{}}\n\
         resource \"aws_kms_key_policy\" \"p\" {{\n  key_id = {key}\n  policy = {PUBLIC}\n}}\n"
    )
}
