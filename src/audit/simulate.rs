//! Many requests, one answer each.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::decision::{Citation, Decision, OpenPoint, Outcome, Request};
use crate::eval::reference::Reference;
use crate::inventory::Inventory;
use crate::policy::Effect;
use crate::source::{Encoding, FileId, LineIndex, Place, Span};

use super::Texts;

/// Answers requests about one world.
pub struct Simulator<'w> {
    reference: Reference<'w>,
    lines: Lines<'w>,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it is allowed or denied.
    pub outcome: Outcome,
    /// The statements and grants that decide; sorted, each once.
    pub matched: Vec<Matched>,
    /// What was named but not exported, and could change the answer; sorted.
    pub missing: BTreeSet<String>,
    /// Points that AWS leaves open whose other reading gives the other answer.
    pub open_points: BTreeSet<OpenPoint>,
}

/// A statement or a grant that decides, and where it stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Matched {
    /// The policy as people name it, or the grant.
    pub policy: String,
    /// The path of the file as it is printed; absent for a session policy, which stands in none.
    pub file: Option<String>,
    /// The line of that file where the statement or grant begins, from 1.
    pub line: Option<u32>,
    /// The statement's `Sid`.
    pub sid: Option<Box<str>>,
    /// What it does.
    pub effect: Effect,
}

impl<'w> Simulator<'w> {
    /// Answers for `world`, whose files are found in `texts`.
    pub fn new(world: &'w Inventory, texts: &'w Texts<'w>) -> Self {
        Self { reference: Reference::new(world), lines: Lines::new(texts) }
    }

    /// The answers to `requests`, in their order; evaluated on all cores. A file is read once, when
    /// an answer first names a line of it.
    pub fn answer(&mut self, requests: &[&Request]) -> Vec<Answer> {
        let decisions: Vec<Decision> =
            requests.par_iter().map(|request| self.reference.evaluate(request)).collect();
        let cited = decisions.iter().flat_map(Decision::matched).map(Citation::at);
        self.lines.find(cited);
        decisions.into_par_iter().map(|decision| self.told(decision)).collect()
    }

    fn told(&self, decision: Decision) -> Answer {
        let matched: BTreeSet<Matched> =
            decision.matched().map(|citation| self.matched(citation)).collect();
        Answer {
            outcome: decision.outcome,
            matched: matched.into_iter().collect(),
            missing: decision.missing,
            open_points: decision.open_points,
        }
    }

    fn matched(&self, citation: &Citation) -> Matched {
        let at = citation.at();
        let path = self.reference.world().sources.path(at.0.file);
        let sid = citation.statement().and_then(|statement| statement.sid.as_ref());
        Matched {
            policy: citation.policy.clone(),
            file: (!path.is_empty()).then(|| path.to_owned()),
            line: self.lines.line(at),
            sid: sid.map(|sid| sid.value.clone()),
            effect: citation.effect(),
        }
    }
}

/// The lines of places, found file by file.
struct Lines<'w> {
    texts: &'w Texts<'w>,
    /// The line starts of the files that were read; nothing for one that is gone.
    files: FxHashMap<FileId, Option<LineIndex>>,
    /// The lines of what stands in YAML scalars, which have lines of their own.
    scalars: FxHashMap<(Place, Span), u32>,
}

impl<'w> Lines<'w> {
    fn new(texts: &'w Texts<'w>) -> Self {
        Self { texts, files: FxHashMap::default(), scalars: FxHashMap::default() }
    }

    /// Reads what is needed to tell the lines of `places`.
    fn find(&mut self, places: impl Iterator<Item = (Place, Span)>) {
        let mut wanted: BTreeMap<FileId, BTreeSet<(Place, Span)>> = BTreeMap::new();
        for at in places {
            let is_scalar = at.0.encoding == Encoding::YamlScalar;
            if is_scalar && !self.scalars.contains_key(&at) {
                wanted.entry(at.0.file).or_default().insert(at);
            } else if !is_scalar && !self.files.contains_key(&at.0.file) {
                wanted.entry(at.0.file).or_default();
            }
        }
        let texts = self.texts;
        let read = |(file, scalars): (FileId, BTreeSet<(Place, Span)>)| {
            let text = texts.read(file);
            let index = text.as_deref().map(LineIndex::new);
            let line = |at: (Place, Span)| {
                let (text, index) = (text.as_deref()?, index.as_ref()?);
                Some((at, index.line(at.0.locate(text, at.1).start)))
            };
            let lines: Vec<((Place, Span), u32)> = scalars.into_iter().filter_map(line).collect();
            (file, index, lines)
        };
        let read: Vec<_> = wanted.into_par_iter().map(read).collect();
        for (file, index, lines) in read {
            self.files.insert(file, index);
            self.scalars.extend(lines);
        }
    }

    fn line(&self, (place, span): (Place, Span)) -> Option<u32> {
        let index = self.files.get(&place.file)?.as_ref()?;
        match place.encoding {
            Encoding::Plain => Some(index.line(place.span.start + span.start)),
            // A JSON string stands on one line.
            Encoding::JsonString | Encoding::PercentJsonString => {
                Some(index.line(place.span.start))
            }
            Encoding::YamlScalar => self.scalars.get(&(place, span)).copied(),
        }
    }
}
