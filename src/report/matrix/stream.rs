//! Cells expanded while they are written: rendered on all cores, written in order, never all in memory.

use std::io::{self, Write};

use rayon::prelude::*;

use crate::audit::matrix::Access;

use super::{GroupBy, MatrixReport};

/// Rows or columns whose pairs are looked up together.
const CHUNK: usize = 64;

/// Pairs of one piece of work: some hundred cells.
const PIECE: usize = 16;

/// Pieces that are rendered while those before them are written: some megabytes of text.
const BATCH: usize = 32;

/// Writes every access of the report: `render` appends its text to a buffer, with a scratch that
/// `make` makes for each thread.
pub(super) fn write<S>(
    out: &mut dyn Write,
    report: &MatrixReport<'_>,
    make: impl Fn() -> S + Sync,
    render: impl Fn(&mut S, &mut Vec<u8>, &Access) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let rendered = |pieces: &[&[Access]]| -> io::Result<Vec<Vec<u8>>> {
        let piece = |scratch: &mut S, accesses: &&[Access]| {
            let mut text = Vec::with_capacity(1 << 14);
            accesses.iter().try_for_each(|access| render(scratch, &mut text, access))?;
            Ok(text)
        };
        pieces.par_iter().map_init(&make, piece).collect()
    };
    let mut ready: Vec<Vec<u8>> = Vec::new();
    each_chunk(report, |accesses| {
        let pieces: Vec<&[Access]> = accesses.chunks(PIECE).collect();
        for batch in pieces.chunks(BATCH) {
            let mut next = Ok(Vec::new());
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = rendered(batch));
                ready.iter().try_for_each(|text| out.write_all(text))
            })?;
            ready = next?;
        }
        Ok(())
    })?;
    ready.iter().try_for_each(|text| out.write_all(text))
}

fn each_chunk(
    report: &MatrixReport<'_>,
    mut take: impl FnMut(&[Access]) -> io::Result<()>,
) -> io::Result<()> {
    let view = report.view;
    if report.group_by == GroupBy::Key {
        let columns: Vec<Option<usize>> = view.columns().collect();
        return columns.chunks(CHUNK).try_for_each(|chunk| {
            let found: Vec<Vec<Access>> = chunk.par_iter().map(|key| view.of_key(*key)).collect();
            take(&found.concat())
        });
    }
    view.rows().chunks(CHUNK).try_for_each(|chunk| {
        let found: Vec<Vec<Access>> = chunk.par_iter().map(|row| view.of_row(*row)).collect();
        take(&found.concat())
    })
}
