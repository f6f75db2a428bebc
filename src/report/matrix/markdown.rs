//! The matrix as Markdown: a table a class of principals, or of keys.

use std::io::{self, Write};

use super::about::{nothing, paragraphs};
use super::blocks::{Block, Section, SetBlock, sections};
use super::human::{Alike, alike, alike_of_set, keys, principals, set_name, unions, united_rows};
use super::{GroupBy, MatrixReport, further};
use crate::audit::Further;
use crate::report::escape::markdown as escaped;

/// Writes what the tables stand on, and the tables.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &MatrixReport<'_>) -> io::Result<()> {
    writeln!(out, "# Access to KMS keys\n")?;
    for line in paragraphs(report.about) {
        writeln!(out, "- {}", escaped(&line))?;
    }
    let sections = sections(report.view, report.group_by);
    if sections.iter().all(Section::is_empty) {
        writeln!(out, "\n{}", nothing(report.about))?;
    }
    for section in sections {
        if let Some(heading) = &section.heading {
            writeln!(out, "\n## {}", escaped(heading))?;
        }
        section.blocks.iter().try_for_each(|block| table(out, report, block))?;
        section.sets.iter().try_for_each(|set| table_of_set(out, report, set))?;
    }
    report.further.map_or(Ok(()), |further| get_further(out, report, further))
}

fn get_further(
    out: &mut dyn Write,
    report: &MatrixReport<'_>,
    further: &Further,
) -> io::Result<()> {
    writeln!(out, "\n## By further calls\n\n{}", further::heading(further))?;
    if !further.pairs.is_empty() {
        writeln!(out, "\n| key | action | how | who |\n| --- | --- | --- | --- |")?;
    }
    for steps in further::steps(report.view, further) {
        let names: Vec<String> = steps.names.iter().map(|name| escaped(name)).collect();
        let (key, action, how) = (escaped(&steps.key), steps.action, &steps.how);
        writeln!(out, "| {key} | {action} | {how} | {} |", names.join("<br>"))?;
    }
    further::failed(further).map_or(Ok(()), |failed| writeln!(out, "\n{failed}"))
}

fn table(out: &mut dyn Write, report: &MatrixReport<'_>, block: &Block) -> io::Result<()> {
    let view = report.view;
    let by_key = report.group_by == GroupBy::Key;
    let (subjects, other) = match by_key {
        true => (keys(view, &block.subjects, usize::MAX), "principal"),
        false => (principals(view, &block.subjects, usize::MAX), "key"),
    };
    writeln!(out)?;
    match subjects.as_slice() {
        [only] => writeln!(out, "### {}\n", escaped(only))?,
        all => {
            writeln!(out, "### {} {}\n", all.len(), if by_key { "keys" } else { "principals" })?;
            all.iter().try_for_each(|name| writeln!(out, "- {}", escaped(name)))?;
            writeln!(out)?;
        }
    }
    heading(out, other)?;
    for Alike { accesses, rows } in alike(report, &block.entries) {
        let others = match by_key {
            true => principals(view, &accesses, usize::MAX),
            false => keys(view, &accesses, usize::MAX),
        };
        lines(out, &others, &rows)?;
    }
    unions(view, block)
        .into_iter()
        .try_for_each(|(heading, united)| lines(out, &[heading], &united_rows(report, &united)))
}

fn table_of_set(out: &mut dyn Write, report: &MatrixReport<'_>, set: &SetBlock) -> io::Result<()> {
    writeln!(out, "\n### {}\n", escaped(&set_name(report.view, set.set)))?;
    heading(out, "principal")?;
    alike_of_set(report, set).iter().try_for_each(|alike| {
        lines(out, &principals(report.view, &alike.accesses, usize::MAX), &alike.rows)
    })
}

fn heading(out: &mut dyn Write, other: &str) -> io::Result<()> {
    writeln!(out, "| {other} | can | when |\n| --- | --- | --- |")
}

fn lines(out: &mut dyn Write, names: &[String], rows: &[(String, String)]) -> io::Result<()> {
    let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
    rows.iter().try_for_each(|(can, when)| {
        writeln!(out, "| {} | {} | {} |", names.join("<br>"), escaped(can), escaped(when))
    })
}
