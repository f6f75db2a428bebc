//! Parts of a network: what lies near something.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::graph::NodeIndex;

use crate::aws::AccountId;
use crate::graph::Network;

/// The nodes of a part. Its edges are those between them.
pub type Part = BTreeSet<NodeIndex>;

/// All of it.
pub fn whole(network: &Network) -> Part {
    network.node_indices().collect()
}

/// What leads to some node of `goals` in at most `depth` steps.
pub fn leading_to(network: &Network, goals: &Part, depth: usize) -> Part {
    distances(network, goals, depth, Direction::Incoming).into_keys().collect()
}

/// What some node of `starts` leads to in at most `depth` steps.
pub fn reached_from(network: &Network, starts: &Part, depth: usize) -> Part {
    distances(network, starts, depth, Direction::Outgoing).into_keys().collect()
}

/// What lies on ways of at most `depth` steps from some node of `starts` to one of `goals`; the starts and
/// the goals themselves, whether there are ways or not.
pub fn between(network: &Network, starts: &Part, goals: &Part, depth: usize) -> Part {
    let forth = distances(network, starts, depth, Direction::Outgoing);
    let back = distances(network, goals, depth, Direction::Incoming);
    let is_near =
        |node: &NodeIndex, steps: &usize| back.get(node).is_some_and(|rest| steps + rest <= depth);
    let between = forth.iter().filter(|(node, steps)| is_near(node, steps)).map(|(node, _)| *node);
    between.chain(starts.iter().copied()).chain(goals.iter().copied()).collect()
}

/// The nodes of `accounts`, and those of others that an edge joins to one of them.
pub fn of_accounts(network: &Network, accounts: &BTreeSet<AccountId>) -> Part {
    let is_of = |node: &NodeIndex| {
        let account = network.node_weight(*node).and_then(|node| node.account());
        account.is_some_and(|account| accounts.contains(&account))
    };
    let own: Part = network.node_indices().filter(is_of).collect();
    let joined = own.iter().flat_map(|node| network.neighbors_undirected(*node));
    let joined: Part = joined.collect();
    own.union(&joined).copied().collect()
}

/// The nodes at most `depth` steps away, with how many.
fn distances(
    network: &Network,
    from: &Part,
    depth: usize,
    direction: Direction,
) -> BTreeMap<NodeIndex, usize> {
    let mut found: BTreeMap<NodeIndex, usize> = from.iter().map(|node| (*node, 0)).collect();
    let mut edge: Vec<NodeIndex> = from.iter().copied().collect();
    for steps in 1..=depth {
        let mut next = Vec::new();
        for node in edge {
            for other in network.neighbors_directed(node, direction) {
                found.entry(other).or_insert_with(|| {
                    next.push(other);
                    steps
                });
            }
        }
        if next.is_empty() {
            break;
        }
        edge = next;
    }
    found
}
