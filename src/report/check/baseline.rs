//! `keyreach/baseline/1`: what is found, as `--baseline` takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use crate::findings::Finding;

/// The whole file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct File<'a> {
    /// `keyreach/baseline/1`.
    schema: &'static str,
    /// What is known, sorted by rule and fingerprint.
    findings: Vec<Known<'a>>,
}

/// A finding that is known.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Known<'a> {
    /// The rule's slug.
    rule: &'a str,
    /// Names the finding; survives edits around it.
    fingerprint: String,
    /// The key's ARN, where it is about one.
    key: Option<&'a str>,
    /// In one line, for who reviews this file.
    message: &'a str,
    /// The principals it concerns: others are told.
    principals: BTreeSet<&'a str>,
}

/// Writes a baseline of `findings`.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    let mut known: BTreeMap<(&str, String), Known<'_>> = BTreeMap::new();
    for finding in findings.iter().flat_map(|finding| std::iter::once(finding).chain(&finding.same))
    {
        let fingerprint = finding.fingerprint();
        let entry = known.entry((finding.rule, fingerprint.clone())).or_insert_with(|| Known {
            rule: finding.rule,
            fingerprint,
            key: finding.key.as_ref().map(|key| key.as_str()),
            message: &finding.message,
            principals: BTreeSet::new(),
        });
        entry.principals.extend(finding.principals.iter().map(String::as_str));
    }
    let file = File { schema: "keyreach/baseline/1", findings: known.into_values().collect() };
    serde_json::to_writer_pretty(&mut *out, &file)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::File;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_code() {
        crate::report::schemas::compare::<File<'static>>("baseline");
    }
}
