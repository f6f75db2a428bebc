//! The texts of a world's files, read again when a place in them is shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ingest;
use crate::inventory::Inventory;
use crate::source::{FileId, Files, LineIndex, Place, Position, Sources, Span};

/// Reads the files of a world by their ids.
pub struct Texts<'f> {
    files: &'f dyn Files,
    sources: Arc<Sources>,
    held: Mutex<BTreeMap<FileId, Option<Arc<Whole>>>>,
}

/// A file's text as spans count in it, and its lines.
pub struct Whole {
    /// The text.
    pub text: String,
    /// Its lines.
    pub lines: LineIndex,
}

impl<'f> Texts<'f> {
    /// The texts of `world`, which came from `files`.
    pub fn new(files: &'f dyn Files, world: &Inventory) -> Self {
        Self { files, sources: Arc::clone(&world.sources), held: Mutex::default() }
    }

    /// The path of a file as it is printed; empty for what stands in none.
    pub fn path(&self, file: FileId) -> &str {
        self.sources.path(file)
    }

    /// The text of a file, not kept; nothing where it is gone since it was loaded, or there is none.
    pub fn read(&self, file: FileId) -> Option<String> {
        let path = Some(self.path(file)).filter(|path| !path.is_empty())?;
        ingest::read_text(self.files, path).ok()
    }

    /// Where `span` of the text that stands at `place` begins in its file.
    pub fn position(&self, place: Place, span: Span) -> Option<Position> {
        let whole = self.whole(place.file)?;
        let start = place.locate(&whole.text, span).start;
        Some(whole.lines.position(&whole.text, start))
    }

    /// The text of a file with its lines, read once and kept.
    pub fn whole(&self, file: FileId) -> Option<Arc<Whole>> {
        let held = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held().get(&file) {
            return known.clone();
        }
        let whole = self.read(file).map(|text| {
            let lines = LineIndex::new(&text);
            Arc::new(Whole { text, lines })
        });
        held().entry(file).or_insert(whole).clone()
    }
}
