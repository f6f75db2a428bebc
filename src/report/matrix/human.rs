//! The table for people: who, on which keys, which verdict for which capabilities.

use std::io::{self, Write};
use std::sync::Arc;

use crate::audit::matrix::{Access, View, union};
use crate::diag::Renderer;

use super::blocks::{Block, Entry, Section, sections};
use super::words::{can, groups};
use super::{GroupBy, MatrixReport, about};

/// Where the words of capabilities begin: behind the longest verdict.
const WORDS: usize = 17;

/// Writes what the table stands on, and the table.
///
/// # Errors
/// What `out` says.
pub fn write(
    out: &mut dyn Write,
    renderer: &Renderer,
    report: &MatrixReport<'_>,
) -> io::Result<()> {
    about::summary(out, renderer, report.about)?;
    let sections = sections(report.view, report.group_by);
    if sections.iter().all(|section| section.blocks.is_empty()) {
        writeln!(out)?;
        return renderer.paragraph(out, nothing(report), "");
    }
    sections.iter().try_for_each(|section| write_section(out, renderer, report, section))
}

/// What is said where no cell is shown.
pub(super) fn nothing(report: &MatrixReport<'_>) -> &'static str {
    match report.about.question.is_empty() {
        true => "Nobody can do anything.",
        false => "No cell of the matrix is as asked.",
    }
}

fn write_section(
    out: &mut dyn Write,
    renderer: &Renderer,
    report: &MatrixReport<'_>,
    section: &Section,
) -> io::Result<()> {
    if let Some(heading) = &section.heading {
        writeln!(out)?;
        renderer.paragraph(out, &format!("== {heading} =="), "")?;
    }
    section.blocks.iter().try_for_each(|block| write_block(out, renderer, report, block))
}

fn write_block(
    out: &mut dyn Write,
    renderer: &Renderer,
    report: &MatrixReport<'_>,
    block: &Block,
) -> io::Result<()> {
    writeln!(out)?;
    for subject in &block.subjects {
        renderer.paragraph(out, &subject_name(report, subject), "    ")?;
    }
    for entry in &block.entries {
        for access in &entry.accesses {
            let name = format!("  {}", other_name(report, access));
            renderer.paragraph(out, &name, "      ")?;
        }
        if let Some(access) = entry.first() {
            write_cells(out, renderer, report, access)?;
        }
    }
    for (name, access) in sets(report, block) {
        renderer.paragraph(out, &format!("  {name}"), "      ")?;
        write_cells(out, renderer, report, &access)?;
    }
    Ok(())
}

fn write_cells(
    out: &mut dyn Write,
    renderer: &Renderer,
    report: &MatrixReport<'_>,
    access: &Access,
) -> io::Result<()> {
    let possible = report.view.possible(access.key);
    for group in groups(report.view, access) {
        let words = can(group.actions, possible, report.actions);
        let line = format!("    {:<13}{words}", group.verdict);
        renderer.paragraph(out, &line, &" ".repeat(WORDS))?;
        if !group.detail.is_empty() {
            let line = format!("{}{}", " ".repeat(8), group.detail);
            renderer.paragraph(out, &line, &" ".repeat(10))?;
        }
    }
    Ok(())
}

/// The heading of a block: its principal, or its key.
pub(super) fn subject_name(report: &MatrixReport<'_>, access: &Access) -> String {
    match report.group_by {
        GroupBy::Key => key_name(report.view, access.key),
        GroupBy::Principal | GroupBy::Account => principal_name(report.view, access.row),
    }
}

/// What an entry of a block is about: a key, or a principal.
pub(super) fn other_name(report: &MatrixReport<'_>, access: &Access) -> String {
    match report.group_by {
        GroupBy::Key => principal_name(report.view, access.row),
        GroupBy::Principal | GroupBy::Account => key_name(report.view, access.key),
    }
}

fn principal_name(view: &View<'_>, row: usize) -> String {
    let Some(row) = view.row(row) else {
        return String::new();
    };
    match &row.stands_for {
        Some(words) => format!("{} ({words})", row.name),
        None => row.name.to_string(),
    }
}

/// A key by alias and id, with what is notable of its state and usage.
fn key_name(view: &View<'_>, key: Option<usize>) -> String {
    let Some(facts) = view.key(key) else {
        return "* (without a key)".to_owned();
    };
    let usage = facts.usage.as_deref().filter(|usage| *usage != "ENCRYPT_DECRYPT");
    let notable: Vec<&str> = facts.notable_state().into_iter().chain(usage).collect();
    match notable.as_slice() {
        [] => facts.shown(),
        notable => format!("{} [{}]", facts.shown(), notable.join(", ")),
    }
}

/// The sets of multi-Region keys that a block of principals reaches, with what some member allows.
pub(super) fn sets(report: &MatrixReport<'_>, block: &Block) -> Vec<(String, Access)> {
    if report.group_by == GroupBy::Key {
        return Vec::new();
    }
    let view = report.view;
    let accesses: Vec<&Access> = block.entries.iter().flat_map(Entry::all).collect();
    let of_set = |(number, set): (usize, &crate::audit::matrix::KeySet)| {
        let is_member =
            |access: &&&Access| view.key(access.key).is_some_and(|facts| facts.set == Some(number));
        let members: Vec<&Access> = accesses.iter().filter(is_member).copied().collect();
        let first = members.first()?;
        let pairs: Vec<_> = members.iter().map(|access| &*access.pair).collect();
        let access = Access { row: first.row, key: first.key, pair: Arc::new(union(&pairs)) };
        let regions = set.members.iter().filter_map(|member| view.keys.get(*member));
        let regions: Vec<&str> = regions.map(|facts| facts.arn.region()).collect();
        Some((format!("any key of the set {} ({})", set.id, regions.join(", ")), access))
    };
    view.sets.iter().enumerate().filter_map(of_set).collect()
}
