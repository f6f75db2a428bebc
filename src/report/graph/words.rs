//! What is written at nodes and edges, in which colours, and what they are called.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::audit::Drawn;
use crate::decision::{Condition, Why};
use crate::diag::visible;
use crate::graph::view::{Line, Picture, Spot, account};
use crate::graph::{Edge, EdgeKind, Node};
use crate::inventory::Inventory;

/// The longest line of a label, in characters.
const WIDEST: usize = 44;
/// Actions that a label names before it counts.
const ACTIONS: usize = 2;

/// How nodes of a kind, or edges of one, look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Style {
    /// In the legend.
    pub(super) words: &'static str,
    /// `#rrggbb`.
    pub(super) color: &'static str,
    /// Of a node: the shape in Graphviz. Of an edge: the style of its line.
    pub(super) shape: &'static str,
}

/// The look of a spot, by its kind.
pub(super) fn node_style(kind: Option<&str>) -> Style {
    let (words, color, shape) = match kind {
        Some("principal") => ("principal of the export", "#cfe2f3", "box"),
        Some("external") => ("outside the export", "#f4c7c3", "octagon"),
        Some("group") => ("group", "#d9ead3", "folder"),
        Some("policy") => ("policy", "#fff2cc", "note"),
        Some("key") => ("key", "#f9cb9c", "hexagon"),
        Some("alias") => ("alias", "#fce5cd", "cds"),
        Some("grant") => ("grant", "#d9d2e9", "component"),
        Some("iam") => ("IAM of an account", "#b6d7d9", "cylinder"),
        Some("targets") => ("several targets", "#e7e6e6", "tab"),
        _ => ("several kinds as one", "#ffffff", "box3d"),
    };
    Style { words, color, shape }
}

/// The look of a line, by its kind.
pub(super) fn edge_style(kind: EdgeKind) -> Style {
    let (words, color, shape) = match kind {
        EdgeKind::MemberOf => ("is a member of", "#6aa84f", "solid"),
        EdgeKind::Attached => ("has the policy", "#b7a05a", "solid"),
        EdgeKind::Bounds => ("is limited by the boundary", "#999999", "dashed"),
        EdgeKind::Trusts => ("is admitted by the trust policy of", "#6fa8dc", "dashed"),
        EdgeKind::Assumes => ("can become", "#1f5fa8", "solid"),
        EdgeKind::Delegates => ("decides for the key, which delegates to it", "#45818e", "dashed"),
        EdgeKind::Uses => ("can use", "#b45f06", "solid"),
        EdgeKind::HoldsGrant => ("is the grantee of", "#674ea7", "solid"),
        EdgeKind::Retires => ("may retire", "#8e7cc3", "dotted"),
        EdgeKind::EscalatesBy(_) => ("can change policies, identities or keys", "#cc0000", "bold"),
    };
    Style { words, color, shape }
}

/// The kinds that a picture has, each with its look; those that look the same are one.
pub(super) fn legend(drawn: &Drawn<'_>) -> (Vec<Style>, Vec<Style>) {
    let nodes: BTreeSet<Style> =
        drawn.picture.spots.iter().map(|spot| node_style(spot.kind)).collect();
    let edges: BTreeSet<Style> =
        drawn.picture.lines.iter().map(|line| edge_style(line.kind)).collect();
    (nodes.into_iter().collect(), edges.into_iter().collect())
}

/// Names a spot: the same for the same nodes in any picture.
pub(super) fn id(picture: &Picture<'_>, spot: &Spot) -> String {
    let mut hash = Sha256::new();
    for node in members(picture, spot) {
        hash.update(node.kind());
        hash.update([0]);
        hash.update(node.to_string());
        hash.update([0]);
    }
    let digits = hash.finalize();
    let digits: String = digits.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{digits}", spot.kind.unwrap_or("several"))
}

/// The nodes of a spot.
pub(super) fn members<'p>(
    picture: &'p Picture<'_>,
    spot: &'p Spot,
) -> impl Iterator<Item = &'p Node> {
    spot.nodes.iter().filter_map(|node| picture.network.node_weight(*node))
}

/// The edges of a line.
pub(super) fn edges<'p>(
    picture: &'p Picture<'_>,
    line: &'p Line,
) -> impl Iterator<Item = &'p Edge> {
    line.edges.iter().filter_map(|edge| picture.network.edge_weight(*edge))
}

/// Why some edge of a line is not certain.
pub(super) fn doubts<'p>(picture: &'p Picture<'_>, line: &'p Line) -> BTreeSet<&'p Why> {
    edges(picture, line).flat_map(|edge| &edge.doubts).collect()
}

/// The actions of a line's edges, each once.
pub(super) fn actions<'p>(picture: &'p Picture<'_>, line: &'p Line) -> BTreeSet<&'p str> {
    edges(picture, line).flat_map(|edge| &edge.actions).map(|action| &**action).collect()
}

/// The lines that are written at a spot.
pub(super) fn spot_label(world: &Inventory, spot: &Spot) -> Vec<String> {
    let mut lines = vec![shortened(&spot.name)];
    if let Some(id) = spot.account.filter(|_| spot.kind.is_some()) {
        lines.push(shortened(&account(world, id)));
    }
    if spot.kind.is_none() {
        lines.push(format!("{} nodes", spot.nodes.len()));
    }
    if spot.inside > 0 {
        lines.push(format!("{} edges inside", spot.inside));
    }
    lines
}

/// The lines that are written at a line: its kind, what is called, when, and how many edges it is.
pub(super) fn line_label(picture: &Picture<'_>, line: &Line) -> Vec<String> {
    let edges = || edges(picture, line);
    let mut lines = vec![line.kind.name()];
    if line.edges.len() > 1 {
        lines.push(format!("{} edges", line.edges.len()));
    }
    let actions = actions(picture, line);
    let mut named: Vec<String> =
        actions.iter().take(ACTIONS).map(|action| (*action).to_owned()).collect();
    if actions.len() > ACTIONS {
        named.push(format!("and {} more", actions.len() - ACTIONS));
    }
    if !named.is_empty() {
        lines.push(shortened(&named.join(", ")));
    }
    let conditions: BTreeSet<Option<&Condition>> =
        edges().map(|edge| edge.condition.as_ref()).collect();
    let only = conditions.first().copied().flatten();
    match (conditions.len(), only) {
        (1, None) => {}
        (1, Some(only)) => lines.push(shortened(&format!("if {only}"))),
        _ => lines.push("under conditions that differ".to_owned()),
    }
    if !doubts(picture, line).is_empty() {
        lines.push("not certain".to_owned());
    }
    lines
}

/// A text that fits into a line of a label, made fit to be shown.
fn shortened(text: &str) -> String {
    let text = visible(text).replace(['\n', '\t'], " ");
    match text.char_indices().nth(WIDEST) {
        Some(_) => {
            let kept: String = text.chars().take(WIDEST - 1).collect();
            format!("{}…", kept.trim_end())
        }
        None => text,
    }
}
