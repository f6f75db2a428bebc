//! `matrix --format json`: one document, versioned. Its cells are the lines of `jsonl`.

use std::io::{self, Write};

use serde::Serialize;

use crate::audit::matrix::View;

use super::MatrixReport;
use super::about::AboutJson;
use super::lines;

/// A key of the document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeyJson<'a> {
    /// Its ARN.
    key: &'a str,
    /// Its aliases; sorted.
    aliases: Vec<&'a str>,
    /// `Enabled`, `Disabled`, ... where it was exported.
    state: Option<&'a str>,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, ... where it was exported.
    usage: Option<&'a str>,
    /// What its state rules out now.
    ruled_out_now: Vec<&'static str>,
    /// The id that related multi-Region keys of the export share.
    multi_region_set: Option<&'a str>,
}

/// A principal of the document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PrincipalJson<'a> {
    /// An ARN, a service, an organization, `*` for anyone.
    principal: &'a str,
    /// Whom it stands for, where that is more than one principal of the export.
    stands_for: Option<&'a str>,
}

/// Writes the document.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &MatrixReport<'_>) -> io::Result<()> {
    let view = report.view;
    out.write_all(b"{\n\"schema\":\"keyreach/matrix/1\",\n\"about\":")?;
    serde_json::to_writer(&mut *out, &AboutJson::new(report.about))?;
    out.write_all(b",\n\"principals\":")?;
    serde_json::to_writer(&mut *out, &principals(view))?;
    out.write_all(b",\n\"keys\":")?;
    serde_json::to_writer(&mut *out, &keys(view))?;
    out.write_all(b",\n\"cells\":[")?;
    lines::write(&mut Joined { out, begun: false }, report)?;
    out.write_all(b"\n]}\n")
}

fn principals<'a>(view: &'a View<'_>) -> Vec<PrincipalJson<'a>> {
    let rows = view.rows().iter().filter_map(|row| view.row(*row));
    let told = rows
        .map(|row| PrincipalJson { principal: &row.name, stands_for: row.stands_for.as_deref() });
    told.collect()
}

fn keys<'a>(view: &'a View<'_>) -> Vec<KeyJson<'a>> {
    let facts = view.columns().filter_map(|key| view.key(key));
    let told = facts.map(|key| KeyJson {
        key: key.arn.as_str(),
        aliases: key.aliases.iter().map(|alias| &**alias).collect(),
        state: key.state.as_deref(),
        usage: key.usage.as_deref(),
        ruled_out_now: key.ruled_out.iter().map(|action| action.as_str()).collect(),
        multi_region_set: key.set.and_then(|set| view.sets.get(set)).map(|set| &*set.id),
    });
    told.collect()
}

/// Lines as the elements of an array: a comma and a line feed before each but the first, none behind.
struct Joined<'a> {
    out: &'a mut dyn Write,
    begun: bool,
}

impl Write for Joined<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            self.out.write_all(if self.begun { b",\n" } else { b"\n" })?;
            self.begun = true;
            self.out.write_all(text)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document.
    #[derive(Serialize, schemars::JsonSchema)]
    struct Document<'a> {
        /// `keyreach/matrix/1`.
        schema: &'static str,
        /// What it stands on.
        about: AboutJson<'a>,
        /// Who is looked at.
        principals: Vec<PrincipalJson<'a>>,
        /// What is looked at.
        keys: Vec<KeyJson<'a>>,
        /// The cells that are shown.
        cells: Vec<lines::Line>,
    }

    #[test]
    fn the_schema_is_kept() {
        super::super::super::schemas::compare::<Document<'_>>("matrix");
    }
}
