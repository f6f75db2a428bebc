//! The table for a document: a list of what it stands on, and a table for each block.

use std::io::{self, Write};

use crate::audit::matrix::Access;
use crate::diag::visible;

use super::blocks::{Block, sections};
use super::human::{nothing, other_name, sets, subject_name};
use super::words::{can, groups};
use super::{GroupBy, MatrixReport, about};

/// Writes what the table stands on, and the tables.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &MatrixReport<'_>) -> io::Result<()> {
    writeln!(out, "# Access to KMS keys\n")?;
    for (name, text) in about::lines(report.about) {
        writeln!(out, "- {name}: {}", escaped(&text))?;
    }
    let sections = sections(report.view, report.group_by);
    if sections.iter().all(|section| section.blocks.is_empty()) {
        return writeln!(out, "\n{}", nothing(report));
    }
    for section in &sections {
        if let Some(heading) = &section.heading {
            writeln!(out, "\n## {}", escaped(heading))?;
        }
        section.blocks.iter().try_for_each(|block| table(out, report, block))?;
    }
    Ok(())
}

fn table(out: &mut dyn Write, report: &MatrixReport<'_>, block: &Block) -> io::Result<()> {
    writeln!(out)?;
    for subject in &block.subjects {
        writeln!(out, "- **{}**", escaped(&subject_name(report, subject)))?;
    }
    let other = match report.group_by {
        GroupBy::Key => "Principal",
        GroupBy::Principal | GroupBy::Account => "Key",
    };
    writeln!(out, "\n| {other} | Verdict | Can | Detail |\n| --- | --- | --- | --- |")?;
    for entry in &block.entries {
        let names: Vec<String> =
            entry.all().map(|access| escaped(&other_name(report, access))).collect();
        if let Some(access) = entry.first() {
            rows(out, report, &names.join("<br>"), access)?;
        }
    }
    let sets = sets(report, block);
    sets.iter().try_for_each(|(name, access)| rows(out, report, &escaped(name), access))
}

fn rows(
    out: &mut dyn Write,
    report: &MatrixReport<'_>,
    names: &str,
    access: &Access,
) -> io::Result<()> {
    let possible = report.view.possible(access.key);
    groups(report.view, access).iter().try_for_each(|group| {
        let words = can(group.actions, possible, report.actions);
        let detail = escaped(&group.detail);
        writeln!(out, "| {names} | {} | {} | {detail} |", group.verdict, escaped(&words))
    })
}

/// Text that means nothing in Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\n' | '\r' | '\t' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '#' | '~' => {
                escaped.extend(['\\', character])
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_makes_markup() {
        assert_eq!(escaped("a|b\n<b>*"), "a\\|b &lt;b>\\*");
    }
}
