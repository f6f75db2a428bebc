//! The matrix for people: blocks of principals, their keys, capabilities and verdicts side by side, or
//! one below the other where the terminal is narrow.

use std::collections::BTreeMap;
use std::io::{self, Write};

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use crate::audit::matrix::{Access, United, View};
use crate::aws::ActionSet;
use crate::diag::{Renderer, Tone, visible};

use super::about::{nothing, paragraphs};
use super::blocks::{Block, Entry, Section, SetBlock, sections};
use super::words::{Group, can, groups};
use super::{GroupBy, MatrixReport, further};

/// Names that a class lists before it counts.
const NAMED: usize = 8;

/// The narrowest terminal with two columns.
const TWO_COLUMNS: usize = 64;

/// Writes what the table stands on, and the table.
///
/// # Errors
/// What `out` says.
pub fn write(
    out: &mut dyn Write,
    report: &MatrixReport<'_>,
    renderer: &Renderer,
) -> io::Result<()> {
    paragraphs(report.about).iter().try_for_each(|line| renderer.paragraph(out, line, "  "))?;
    let table = Table { report, renderer, width: renderer.look().width.max(24) };
    let sections = sections(report.view, report.group_by);
    if sections.iter().all(Section::is_empty) {
        writeln!(out)?;
        table.text(out, nothing(report.about), 0, 2)?;
    }
    for section in sections {
        if let Some(heading) = &section.heading {
            writeln!(out)?;
            table.text(out, &format!("== {heading}"), 0, 3)?;
        }
        section.blocks.iter().try_for_each(|block| table.block(out, block))?;
        section.sets.iter().try_for_each(|set| table.set(out, set))?;
    }
    let Some(further) = report.further else {
        return Ok(());
    };
    writeln!(out)?;
    let lines = further::lines(report.view, further);
    for (nth, line) in lines.iter().enumerate() {
        let indent = if nth == 0 { 0 } else { 2 };
        table.text(out, line, indent, indent + 2)?;
    }
    Ok(())
}

/// The names of a class of rows, as far as they are listed, with whom else a row stands for.
pub(super) fn principals(view: &View<'_>, accesses: &[Access], named: usize) -> Vec<String> {
    let name = |access: &Access| {
        let row = view.row(access.row)?;
        Some(match &row.stands_for {
            Some(more) => format!("{} ({more})", row.name),
            None if &*row.name == "*" => "* (anyone)".to_owned(),
            None => row.name.to_string(),
        })
    };
    listed(accesses, named, "principals", name)
}

/// The names of a class of keys, as far as they are listed, with their states.
pub(super) fn keys(view: &View<'_>, accesses: &[Access], named: usize) -> Vec<String> {
    let name = |access: &Access| {
        let Some(key) = view.key(access.key) else {
            return Some("without a key".to_owned());
        };
        Some(match key.notable_state() {
            Some(state) => format!("{}, {state}", key.shown()),
            None => key.shown(),
        })
    };
    listed(accesses, named, "keys", name)
}

fn listed(
    accesses: &[Access],
    named: usize,
    what: &str,
    name: impl Fn(&Access) -> Option<String>,
) -> Vec<String> {
    // One more name takes no more room than to say that there is one more.
    let shown = if accesses.len() <= named.saturating_add(1) { accesses.len() } else { named };
    let mut names: Vec<String> = accesses.iter().take(shown).filter_map(name).collect();
    if accesses.len() > shown {
        names.push(format!("and {} more {what}", accesses.len() - shown));
    }
    names
}

/// The unions over sets of multi-Region keys that a block's principals reach, each with its heading.
pub(super) fn unions(view: &View<'_>, block: &Block) -> Vec<(String, United)> {
    let of_set = |(set, members): &(usize, Vec<Access>)| {
        let united = view.united(members);
        (!united.cells.is_empty()).then(|| (set_name(view, *set), united))
    };
    block.sets.iter().filter_map(of_set).collect()
}

/// A set of multi-Region keys by their id and Regions.
pub(super) fn set_name(view: &View<'_>, set: usize) -> String {
    let Some(set) = view.sets.get(set) else { return String::new() };
    let regions = set.members.iter().filter_map(|key| view.key(Some(*key)));
    let regions: Vec<&str> = regions.map(|key| key.arn.region()).collect();
    format!("multi-Region key {} ({})", set.id, regions.join(", "))
}

/// What can be done with some member of a set, and when.
pub(super) fn united_rows(report: &MatrixReport<'_>, united: &United) -> Vec<(String, String)> {
    let cells = united.cells.iter().map(|(actions, answer)| (*actions, answer));
    told(report, united.possible, groups(cells))
}

/// Accesses that read the same, though what allows may differ.
pub(super) struct Alike {
    /// The accesses.
    pub(super) accesses: Vec<Access>,
    /// What can be done, and when.
    pub(super) rows: Vec<(String, String)>,
}

/// The entries of a block, those that read the same as one.
pub(super) fn alike(report: &MatrixReport<'_>, entries: &[Entry]) -> Vec<Alike> {
    merged(entries.iter().map(|entry| {
        let rows = entry.first().map(|access| rows(report, access)).unwrap_or_default();
        Alike { accesses: entry.accesses.clone(), rows }
    }))
}

/// The principals of a set, those of whom the same is read as one.
pub(super) fn alike_of_set(report: &MatrixReport<'_>, set: &SetBlock) -> Vec<Alike> {
    merged(set.entries.iter().map(|all| {
        let united = all.first().map(|members| report.view.united(members));
        let rows = united.map(|united| united_rows(report, &united)).unwrap_or_default();
        Alike {
            accesses: all.iter().filter_map(|members| members.first().cloned()).collect(),
            rows,
        }
    }))
}

fn merged(entries: impl Iterator<Item = Alike>) -> Vec<Alike> {
    let mut places: BTreeMap<Vec<(String, String)>, usize> = BTreeMap::new();
    let mut all: Vec<Alike> = Vec::new();
    for entry in entries {
        let place = *places.entry(entry.rows.clone()).or_insert(all.len());
        match all.get_mut(place) {
            Some(known) => known.accesses.extend(entry.accesses),
            None => all.push(entry),
        }
    }
    all.iter_mut().for_each(|alike| alike.accesses.sort_by_key(|it| (it.row, it.key)));
    all
}

/// What can be done, and when.
pub(super) fn rows(report: &MatrixReport<'_>, access: &Access) -> Vec<(String, String)> {
    told(report, report.view.possible(access.key), groups(report.view.cells(access)))
}

fn told(
    report: &MatrixReport<'_>,
    possible: ActionSet,
    groups: Vec<Group>,
) -> Vec<(String, String)> {
    let row = |group: Group| (can(group.actions, possible, report.actions), group.when);
    groups.into_iter().map(row).collect()
}

struct Table<'a> {
    report: &'a MatrixReport<'a>,
    renderer: &'a Renderer,
    width: usize,
}

impl Table<'_> {
    fn block(&self, out: &mut dyn Write, block: &Block) -> io::Result<()> {
        let view = self.report.view;
        writeln!(out)?;
        let by_key = self.report.group_by == GroupBy::Key;
        let subjects = match by_key {
            true => keys(view, &block.subjects, NAMED),
            false => principals(view, &block.subjects, NAMED),
        };
        subjects.iter().try_for_each(|subject| self.text(out, subject, 0, 2))?;
        for Alike { accesses, rows } in alike(self.report, &block.entries) {
            let others = match by_key {
                true => principals(view, &accesses, NAMED),
                false => keys(view, &accesses, NAMED),
            };
            self.entry(out, &others, &rows)?;
        }
        unions(view, block).into_iter().try_for_each(|(heading, united)| {
            self.entry(out, &[heading], &united_rows(self.report, &united))
        })
    }

    fn set(&self, out: &mut dyn Write, set: &SetBlock) -> io::Result<()> {
        writeln!(out)?;
        self.text(out, &set_name(self.report.view, set.set), 0, 2)?;
        alike_of_set(self.report, set).iter().try_for_each(|alike| {
            self.entry(out, &principals(self.report.view, &alike.accesses, NAMED), &alike.rows)
        })
    }

    fn entry(
        &self,
        out: &mut dyn Write,
        names: &[String],
        rows: &[(String, String)],
    ) -> io::Result<()> {
        names.iter().try_for_each(|name| self.text(out, name, 2, 4))?;
        if self.width < TWO_COLUMNS {
            return rows.iter().try_for_each(|(can, when)| {
                self.text(out, can, 4, 4)?;
                let mut lines = wrapped(when, self.width - 6, "  ", Long::Whole);
                self.paint(&mut lines);
                lines.iter().try_for_each(|line| writeln!(out, "      {line}"))
            });
        }
        let widest = rows.iter().map(|(can, _)| display_width(can)).max().unwrap_or_default();
        let room = self.width - 6;
        let left = widest.clamp(16, room / 2);
        rows.iter().try_for_each(|(can, when)| self.columns(out, can, when, left, room - left))
    }

    fn columns(
        &self,
        out: &mut dyn Write,
        can: &str,
        when: &str,
        left: usize,
        right: usize,
    ) -> io::Result<()> {
        let mut when = wrapped(when, right, "  ", Long::Broken);
        let can = wrapped(can, left, "", Long::Broken);
        self.paint(&mut when);
        for line in 0..can.len().max(when.len()) {
            let at = |lines: &[String]| lines.get(line).cloned().unwrap_or_default();
            let (can, when) = (at(&can), at(&when));
            let gap = " ".repeat((left + 2).saturating_sub(display_width(&can)));
            writeln!(out, "{}", format!("    {can}{gap}{when}").trim_end())?;
        }
        Ok(())
    }

    /// Colours the verdict that the first line begins with.
    fn paint(&self, lines: &mut [String]) {
        let Some(first) = lines.first_mut() else {
            return;
        };
        let end = first.find(|one: char| !one.is_ascii_alphabetic()).unwrap_or(first.len());
        let (verdict, rest) = first.split_at(end);
        let tone = match verdict {
            "always" => Tone::Plain,
            "unknown" => Tone::Loud,
            "never" => Tone::Faint,
            // A condition begins with `if`.
            _ => Tone::Notable,
        };
        *first = format!("{}{rest}", self.renderer.toned(verdict, tone));
    }

    /// Writes a text with an indent, and a deeper one for the lines that follow.
    fn text(&self, out: &mut dyn Write, text: &str, first: usize, rest: usize) -> io::Result<()> {
        let room = self.width.saturating_sub(first);
        let lines = wrapped(text, room, &" ".repeat(rest - first), Long::Whole);
        lines.iter().try_for_each(|line| writeln!(out, "{}{line}", " ".repeat(first)))
    }
}

/// What becomes of a word that is longer than a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Long {
    /// It is broken, as what stands beside it must stay in its column.
    Broken,
    /// It stays whole, however narrow the terminal: an ARN or an id in two parts cannot be copied.
    Whole,
}

/// The lines of a text.
fn wrapped(text: &str, width: usize, indent: &str, long: Long) -> Vec<String> {
    let options = Options::new(width.max(8))
        .subsequent_indent(indent)
        .break_words(long == Long::Broken)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let text = visible(text).replace(['\n', '\t'], " ");
    textwrap::wrap(&text, options).into_iter().map(|line| line.into_owned()).collect()
}
