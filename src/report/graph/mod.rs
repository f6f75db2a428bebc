//! The principal-key graph as pictures and for programs.
//!
//! The same node has the same id in every format and every picture, so that one can be found in another.

mod dot;
mod graphml;
mod json;
mod mermaid;
mod words;

use std::collections::BTreeSet;

use crate::audit::{Basis, Drawn, Texts};
use crate::decision::Why;
use crate::graph::Edge;
use crate::inventory::Inventory;

pub use dot::write as dot;
pub use graphml::write as graphml;
pub use json::write as json;
pub use mermaid::{EDGES, TEXT, write as mermaid};

/// Everything a graph is drawn from.
pub struct GraphReport<'a> {
    /// The world.
    pub world: &'a Inventory,
    /// Its texts.
    pub texts: &'a Texts<'a>,
    /// What is drawn.
    pub drawn: &'a Drawn<'a>,
    /// What was left out, and why; each a sentence.
    pub notes: &'a [String],
    /// What it stands on.
    pub basis: &'a Basis,
}

/// What stands above a picture: what it shows, what it leaves out, what it stands on.
fn titled(report: &GraphReport<'_>) -> Vec<String> {
    let mut lines = vec![report.drawn.title.clone()];
    lines.extend(report.notes.iter().cloned());
    lines
        .push(format!("keyreach {}, requests from {} on", report.basis.version, report.basis.date));
    lines
}

/// The conditions of some edges, each once; an empty text where one has none and others have.
fn conditions<'e>(edges: impl Iterator<Item = &'e Edge>) -> Vec<String> {
    let all: BTreeSet<String> = edges
        .map(|edge| edge.condition.as_ref().map(ToString::to_string).unwrap_or_default())
        .collect();
    match all.iter().all(String::is_empty) {
        true => Vec::new(),
        false => all.into_iter().collect(),
    }
}

fn doubt(why: &Why) -> String {
    match why {
        Why::Missing(what) => format!("not exported: {what}"),
        Why::Open(point) => format!("not documented by AWS: {point}"),
        Why::Undecided => "too many contexts to decide".to_owned(),
    }
}
