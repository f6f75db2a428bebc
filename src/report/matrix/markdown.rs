//! The matrix as Markdown: a table a class of principals, or of keys.

use std::io::{self, Write};

use crate::diag::visible;

use super::about::paragraphs;
use super::blocks::{Block, Entry, sections};
use super::human::{keys, principals, unions};
use super::words::{can, groups};
use super::{GroupBy, MatrixReport};

/// Writes what the tables stand on, and the tables.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &MatrixReport<'_>) -> io::Result<()> {
    writeln!(out, "# Access to KMS keys\n")?;
    for line in paragraphs(report.about) {
        writeln!(out, "- {}", escaped(&line))?;
    }
    for section in sections(report.view, report.group_by) {
        if let Some(heading) = &section.heading {
            writeln!(out, "\n## {}", escaped(heading))?;
        }
        section.blocks.iter().try_for_each(|block| table(out, report, block))?;
    }
    Ok(())
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
    writeln!(out, "| {other} | can | when |\n| --- | --- | --- |")?;
    for entry in &block.entries {
        let others = match by_key {
            true => principals(view, &entry.accesses, usize::MAX),
            false => keys(view, &entry.accesses, usize::MAX),
        };
        rows(out, report, &others, entry)?;
    }
    if by_key {
        return Ok(());
    }
    unions(view, block).into_iter().try_for_each(|(heading, access)| {
        rows(out, report, &[heading], &Entry { accesses: vec![access] })
    })
}

fn rows(
    out: &mut dyn Write,
    report: &MatrixReport<'_>,
    names: &[String],
    entry: &Entry,
) -> io::Result<()> {
    let Some(access) = entry.first() else {
        return Ok(());
    };
    let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
    let possible = report.view.possible(access.key);
    for group in groups(report.view, access) {
        let can = can(group.actions, possible, report.actions);
        let (name, when) = (names.join("<br>"), escaped(&group.when));
        writeln!(out, "| {name} | {} | {when} |", escaped(&can))?;
    }
    Ok(())
}

/// A text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                shown.push('\\');
                shown.push(character);
            }
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '\n' | '\t' => shown.push(' '),
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_cell() {
        assert_eq!(escaped("a|b\n<script>`*"), "a\\|b &lt;script>\\`\\*");
    }
}
