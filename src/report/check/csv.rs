//! The findings as a table for spreadsheets: a row each.

use std::io::{self, Write};

use crate::diag::visible;
use crate::findings::Finding;
use crate::report::escape;

use super::CheckReport;

/// The columns.
const COLUMNS: [&str; 15] = [
    "severity",
    "confidence",
    "rule",
    "facet",
    "message",
    "help",
    "key",
    "key_alias",
    "principals",
    "file",
    "line",
    "column",
    "end_line",
    "end_column",
    "fingerprint",
];

/// Writes the table with its heading.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(COLUMNS).map_err(io::Error::other)?;
    for finding in &report.checked.findings {
        let cells = row(report, finding).map(|cell| escape::cell(visible(&cell).into_owned()));
        writer.write_record(cells).map_err(io::Error::other)?;
    }
    writer.flush()
}

fn row(report: &CheckReport<'_>, finding: &Finding) -> [String; 15] {
    let spot = report.primary(finding);
    let range = spot.as_ref().and_then(|spot| spot.range);
    let number = |number: Option<u32>| number.map(|it| it.to_string()).unwrap_or_default();
    let text = |text: &str| text.to_owned();
    [
        text(finding.severity.name()),
        text(finding.confidence.name()),
        text(finding.rule),
        text(finding.facet.unwrap_or_default()),
        text(&finding.message),
        text(&finding.help),
        finding.key.as_ref().map(ToString::to_string).unwrap_or_default(),
        text(report.key_name(finding).unwrap_or_default()),
        finding.principals.join("; "),
        text(spot.as_ref().map(|spot| spot.file).unwrap_or_default()),
        number(range.map(|(start, _)| start.line)),
        number(range.map(|(start, _)| start.column)),
        number(range.map(|(_, end)| end.line)),
        number(range.map(|(_, end)| end.column)),
        finding.fingerprint(),
    ]
}
