//! `keyreach/graph/1`. Members may be added, none removed or changed.

use std::io::{self, Write};

use serde::Serialize;

use crate::decision::Why;

use super::super::basis::Grounds;
use super::super::citing::{Because, because};
use super::GraphReport;
use super::conditions;
use super::words::{actions, doubts, edges, id, members};

/// The whole graph.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct All<'a> {
    /// `keyreach/graph/1`.
    schema: &'static str,
    /// What the graph stands on.
    about: Grounds<'a>,
    /// What it shows, in a line.
    title: &'a str,
    /// What was left out, and why.
    notes: &'a [String],
    /// The nodes; each name of `names` is in one node.
    nodes: Vec<Spot<'a>>,
    /// The edges. They point the way access goes: from a user to its group, from whoever a role's trust
    /// policy admits to the role, from an account's IAM to the key that delegates to it.
    edges: Vec<Joined<'a>>,
}

/// A node, or several that are one.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Spot<'a> {
    /// The same for the same names in every picture and format.
    id: String,
    /// `principal`, `external`, `group`, `policy`, `key`, `alias`, `grant`, `iam`, `targets`; `several`
    /// where they are not of one kind.
    kind: &'static str,
    /// What is written there.
    label: &'a str,
    /// The account, where they are of one.
    account: Option<String>,
    /// ARNs, or what stands for one; `*` for anyone.
    names: Vec<String>,
    /// How many edges join names of this node.
    inside: usize,
}

/// The edges of one kind from one node to another.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Joined<'a> {
    /// Id of the node it comes from.
    from: &'a str,
    /// Id of the node it leads to.
    to: &'a str,
    /// `member-of`, `attached`, `bounds`, `trusts`, `assumes`, `delegates`, `uses`, `holds-grant`,
    /// `retires`, `escalates-by T20`.
    kind: String,
    /// What is called or allowed.
    actions: Vec<&'a str>,
    /// When; each says when for some of the edges, and is empty where one holds always.
    conditions: Vec<String>,
    /// The statements and grants that make it so.
    because: Vec<Because<'a>>,
    /// How many edges they are.
    edges: usize,
    /// What was not exported and could take one away.
    missing: Vec<&'a str>,
    /// Points that AWS leaves open and that could take one away.
    open: Vec<&'a str>,
    /// Whether a cap kept the engine from deciding.
    undecided: bool,
}

/// Writes the graph as one object.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &GraphReport<'_>) -> io::Result<()> {
    let picture = &report.drawn.picture;
    let ids: Vec<String> = picture.spots.iter().map(|spot| id(picture, spot)).collect();
    let spots = picture.spots.iter().zip(&ids).map(|(spot, id)| Spot {
        id: id.clone(),
        kind: spot.kind.unwrap_or("several"),
        label: &spot.name,
        account: spot.account.map(|account| account.to_string()),
        names: members(picture, spot).map(ToString::to_string).collect(),
        inside: spot.inside,
    });
    let joined = picture.lines.iter().filter_map(|line| {
        let doubts = doubts(picture, line);
        let missing = doubts.iter().filter_map(|why| match why {
            Why::Missing(what) => Some(what.as_str()),
            Why::Open(_) | Why::Undecided => None,
        });
        let open = doubts.iter().filter_map(|why| match why {
            Why::Open(point) => Some(*point),
            Why::Missing(_) | Why::Undecided => None,
        });
        Some(Joined {
            from: ids.get(line.from)?,
            to: ids.get(line.to)?,
            kind: line.kind.name(),
            actions: actions(picture, line).into_iter().collect(),
            conditions: conditions(edges(picture, line)),
            because: because(report.texts, edges(picture, line).flat_map(|edge| &edge.because)),
            edges: line.edges.len(),
            missing: missing.collect(),
            open: open.collect(),
            undecided: doubts.contains(&Why::Undecided),
        })
    });
    let all = All {
        schema: "keyreach/graph/1",
        about: Grounds::of(report.basis),
        title: &report.drawn.title,
        notes: report.notes,
        nodes: spots.collect(),
        edges: joined.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_schema_is_that_of_the_type() {
        crate::report::schemas::compare::<super::All<'_>>("graph");
    }
}
