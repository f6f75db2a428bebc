//! A graph in the making: nodes once, edges in any order.

use std::fmt;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Edge, Network, Node};

/// Nodes and edges that are not in order yet. [`Sketch::finish`] gives the same graph whatever the order
/// they came in.
#[derive(Default)]
pub struct Sketch {
    nodes: FxHashMap<Node, usize>,
    edges: Vec<(usize, usize, Edge)>,
    joined: FxHashSet<(usize, usize)>,
}

impl Sketch {
    /// Adds a node, unless it is there.
    pub fn node(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        *self.nodes.entry(node).or_insert(next)
    }

    /// Adds an edge, and its nodes unless they are there.
    pub fn edge(&mut self, from: Node, to: Node, edge: Edge) {
        let (from, to) = (self.node(from), self.node(to));
        self.joined.insert((from, to));
        self.edges.push((from, to, edge));
    }

    /// Whether some edge leads from one node to another.
    pub fn joins(&self, from: &Node, to: &Node) -> bool {
        let places = self.nodes.get(from).zip(self.nodes.get(to));
        places.is_some_and(|(from, to)| self.joined.contains(&(*from, *to)))
    }

    /// The graph: nodes in order of their kinds and names, edges in order of their nodes.
    pub fn finish(self) -> Network {
        let mut nodes: Vec<(Node, usize)> = self.nodes.into_iter().collect();
        nodes.sort_unstable();
        let mut places = vec![0; nodes.len()];
        for (place, (_, made)) in nodes.iter().enumerate() {
            if let Some(at) = places.get_mut(*made) {
                *at = place;
            }
        }
        let place = |made: usize| places.get(made).copied().unwrap_or_default();
        let mut edges: Vec<(usize, usize, Edge)> =
            self.edges.into_iter().map(|(from, to, edge)| (place(from), place(to), edge)).collect();
        // What is equal here and differs in its citations keeps the order in which it was found.
        edges.sort_by(|(from, to, edge), (other_from, other_to, other)| {
            let told = |edge: &Edge| (edge.kind, edge.actions.clone(), edge.condition.clone());
            (from, to).cmp(&(other_from, other_to)).then_with(|| told(edge).cmp(&told(other)))
        });
        let mut network = Network::with_capacity(nodes.len(), edges.len());
        let indices: Vec<_> = nodes.into_iter().map(|(node, _)| network.add_node(node)).collect();
        for (from, to, edge) in edges {
            if let (Some(from), Some(to)) = (indices.get(from), indices.get(to)) {
                network.add_edge(*from, *to, edge);
            }
        }
        network
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sketch of {} nodes, {} edges", self.nodes.len(), self.edges.len())
    }
}
