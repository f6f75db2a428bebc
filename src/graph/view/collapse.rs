//! Nodes that are alike as one.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::graph::{EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef as _;

use crate::aws::{AccountId, KeyArn};
use crate::decision::CallerKind;
use crate::graph::{EdgeKind, Network, Node};
use crate::inventory::Inventory;

use super::{Part, account, short};

/// How much is drawn as one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Collapse {
    /// Nothing.
    Nothing,
    /// Users that are members of the same groups.
    Group,
    /// These, and what is of one kind and account and joined to the same.
    Alike,
    /// These, and what is of one kind and account and whose names differ in a number or the last word.
    Family,
    /// What is of one kind and account.
    Kind,
    /// Everything of an account.
    Account,
}

impl Collapse {
    /// The next that draws more as one.
    pub fn coarser(self) -> Option<Self> {
        match self {
            Self::Nothing => Some(Self::Group),
            Self::Group => Some(Self::Alike),
            Self::Alike => Some(Self::Family),
            Self::Family => Some(Self::Kind),
            Self::Kind => Some(Self::Account),
            Self::Account => None,
        }
    }

    /// What it draws as one, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Group => "members of the same groups",
            Self::Alike => "members of the same groups, and what is joined to the same",
            Self::Family => "families of names, and what is joined to the same",
            Self::Kind => "what is of one kind and account",
            Self::Account => "accounts",
        }
    }
}

/// A network as it is drawn.
#[derive(Clone, Debug)]
pub struct Picture<'n> {
    /// The network.
    pub network: &'n Network,
    /// What is drawn at a place; in the order of their first nodes.
    pub spots: Vec<Spot>,
    /// What joins them; in the order of their ends and kinds.
    pub lines: Vec<Line>,
}

/// One node, or several that are drawn as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The nodes; at least one, sorted.
    pub nodes: Vec<NodeIndex>,
    /// What is written there.
    pub name: String,
    /// The kind, where all nodes are of one.
    pub kind: Option<&'static str>,
    /// The account, where all nodes are of one.
    pub account: Option<AccountId>,
    /// How many edges join nodes of it to others of it.
    pub inside: usize,
}

/// Edges of one kind between two spots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The spot it comes from, by its place.
    pub from: usize,
    /// The spot it leads to.
    pub to: usize,
    /// Their kind.
    pub kind: EdgeKind,
    /// The edges; at least one, sorted.
    pub edges: Vec<EdgeIndex>,
}

/// What is drawn as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Bucket {
    Single(NodeIndex),
    /// Users that are members of these groups.
    Members(Vec<NodeIndex>),
    /// A family: kind, account, pattern.
    Family(&'static str, Option<AccountId>, String),
    Grants(KeyArn),
    /// What is of one kind and account and joined to the same: the first of them.
    Alike(NodeIndex),
    Kind(&'static str, AccountId),
    Account(AccountId),
    /// What belongs to no account.
    Others(&'static str),
}

/// The picture of `part`; what is in `focus` is drawn by itself.
pub fn picture<'n>(
    network: &'n Network,
    world: &Inventory,
    part: &Part,
    focus: &Part,
    collapse: Collapse,
) -> Picture<'n> {
    let mut buckets: BTreeMap<Bucket, Vec<NodeIndex>> = BTreeMap::new();
    for index in part {
        let bucket = match focus.contains(index) {
            true => Bucket::Single(*index),
            false => bucket(network, world, *index, collapse),
        };
        buckets.entry(bucket).or_default().push(*index);
    }
    if matches!(collapse, Collapse::Alike | Collapse::Family) {
        buckets = alike(network, focus, buckets);
    }
    let mut buckets: Vec<(Bucket, Vec<NodeIndex>)> = buckets.into_iter().collect();
    buckets.sort_by_key(|(_, nodes)| nodes.first().copied());
    let mut places: BTreeMap<NodeIndex, usize> = BTreeMap::new();
    for (place, (_, nodes)) in buckets.iter().enumerate() {
        places.extend(nodes.iter().map(|node| (*node, place)));
    }
    let mut spots: Vec<Spot> =
        buckets.into_iter().map(|(bucket, nodes)| spot(network, world, bucket, nodes)).collect();
    let mut lines: BTreeMap<(usize, usize, EdgeKind), Vec<EdgeIndex>> = BTreeMap::new();
    for node in part {
        for edge in network.edges(*node) {
            let ends = (places.get(&edge.source()), places.get(&edge.target()));
            let (Some(from), Some(to)) = ends else {
                continue;
            };
            match spots.get_mut(*from).filter(|spot| from == to && spot.nodes.len() > 1) {
                Some(spot) => spot.inside += 1,
                None => lines.entry((*from, *to, edge.weight().kind)).or_default().push(edge.id()),
            }
        }
    }
    let line = |((from, to, kind), mut edges): ((usize, usize, EdgeKind), Vec<EdgeIndex>)| {
        edges.sort_unstable();
        Line { from, to, kind, edges }
    };
    Picture { network, spots, lines: lines.into_iter().map(line).collect() }
}

fn bucket(network: &Network, world: &Inventory, index: NodeIndex, collapse: Collapse) -> Bucket {
    let Some(node) = network.node_weight(index).filter(|_| collapse != Collapse::Nothing) else {
        return Bucket::Single(index);
    };
    if collapse >= Collapse::Kind {
        return match (node.account(), node) {
            (Some(account), _) if collapse == Collapse::Account => Bucket::Account(account),
            (Some(account), _) => Bucket::Kind(node.kind(), account),
            (None, Node::External(caller)) if caller.kind == CallerKind::Service => {
                Bucket::Others("services")
            }
            (None, Node::External(caller)) if &*caller.text != "*" => {
                Bucket::Others("identity providers")
            }
            (None, Node::Policy(_)) => Bucket::Others("AWS managed policies"),
            (None, _) => Bucket::Single(index),
        };
    }
    let groups = groups(network, index);
    if !groups.is_empty() {
        return Bucket::Members(groups);
    }
    if collapse != Collapse::Family {
        return Bucket::Single(index);
    }
    if let Node::Grant(key, _) = node {
        return Bucket::Grants(key.clone());
    }
    match pattern(&short(world, node)) {
        Some(pattern) => Bucket::Family(node.kind(), node.account(), pattern),
        None => Bucket::Single(index),
    }
}

/// What tells a bucket from others that are not alike: kind, account, and each kind of edge with whether
/// it leads away and the bucket at its other end.
type Signature<'b> =
    (&'static str, Option<AccountId>, BTreeSet<(EdgeKind, bool, Option<&'b Bucket>)>);

/// Buckets of one kind and account that are joined to the same, as one.
fn alike(
    network: &Network,
    focus: &Part,
    buckets: BTreeMap<Bucket, Vec<NodeIndex>>,
) -> BTreeMap<Bucket, Vec<NodeIndex>> {
    let mut places: BTreeMap<NodeIndex, &Bucket> = BTreeMap::new();
    for (bucket, nodes) in &buckets {
        places.extend(nodes.iter().map(|node| (*node, bucket)));
    }
    let signature = |nodes: &[NodeIndex]| -> Option<Signature<'_>> {
        let node = network.node_weight(*nodes.first()?)?;
        let mut joined = BTreeSet::new();
        for index in nodes {
            let away = network.edges(*index).map(|edge| (edge.weight().kind, true, edge.target()));
            let here = network.edges_directed(*index, Direction::Incoming);
            let here = here.map(|edge| (edge.weight().kind, false, edge.source()));
            let ends = away.chain(here).filter(|(.., end)| places.contains_key(end));
            joined.extend(ends.map(|(kind, away, end)| (kind, away, places.get(&end).copied())));
        }
        Some((node.kind(), node.account(), joined))
    };
    let mut known: BTreeMap<Signature<'_>, Vec<(&Bucket, &Vec<NodeIndex>)>> = BTreeMap::new();
    let mut merged = BTreeMap::new();
    for (bucket, nodes) in &buckets {
        match signature(nodes).filter(|_| !nodes.iter().any(|node| focus.contains(node))) {
            Some(signature) => known.entry(signature).or_default().push((bucket, nodes)),
            None => drop(merged.insert(bucket.clone(), nodes.clone())),
        }
    }
    for members in known.into_values() {
        let mut nodes: Vec<NodeIndex> =
            members.iter().flat_map(|(_, nodes)| nodes.iter().copied()).collect();
        nodes.sort_unstable();
        let bucket = match (members.as_slice(), nodes.first()) {
            ([(only, _)], _) => (*only).clone(),
            (_, Some(first)) => Bucket::Alike(*first),
            (_, None) => continue,
        };
        merged.insert(bucket, nodes);
    }
    merged
}

/// The groups that a node is a member of.
fn groups(network: &Network, index: NodeIndex) -> Vec<NodeIndex> {
    let edges = network.edges(index).filter(|edge| edge.weight().kind == EdgeKind::MemberOf);
    let groups: BTreeSet<NodeIndex> = edges.map(|edge| edge.target()).collect();
    groups.into_iter().collect()
}

fn spot(network: &Network, world: &Inventory, bucket: Bucket, nodes: Vec<NodeIndex>) -> Spot {
    let all = || nodes.iter().filter_map(|node| network.node_weight(*node));
    let named = |index: &NodeIndex| {
        network.node_weight(*index).map(|node| short(world, node)).unwrap_or_default()
    };
    let count = nodes.len();
    let name = match (bucket, nodes.as_slice()) {
        (Bucket::Account(id), _) => format!("account {}", account(world, id)),
        (Bucket::Others(what), _) => what.to_owned(),
        (_, [only]) => named(only),
        (Bucket::Members(groups), _) => {
            let groups: Vec<String> = groups.iter().map(named).collect();
            format!("{count} members of {}", groups.join(", "))
        }
        (Bucket::Family(_, _, pattern), _) => format!("{count} x {pattern}"),
        (Bucket::Grants(_), _) => format!("{count} grants"),
        (Bucket::Kind(kind, _), _) => format!("{count} {}", kind_words(kind)),
        (Bucket::Alike(first), _) => format!("{count} like {}", named(&first)),
        (Bucket::Single(_), _) => String::new(),
    };
    let kinds: BTreeSet<&'static str> = all().map(Node::kind).collect();
    let accounts: BTreeSet<Option<AccountId>> = all().map(Node::account).collect();
    let kind = kinds.first().copied().filter(|_| kinds.len() == 1);
    let account = accounts.first().copied().flatten().filter(|_| accounts.len() == 1);
    Spot { nodes, name, kind, account, inside: 0 }
}

/// A kind in the plural.
fn kind_words(kind: &str) -> &'static str {
    match kind {
        "principal" => "principals",
        "external" => "principals outside the export",
        "group" => "groups",
        "policy" => "policies",
        "key" => "keys",
        "alias" => "aliases",
        "grant" => "grants",
        _ => "targets",
    }
}

/// What a name has in common with others of its family: words with digits, or else the last word, are
/// left out. Nothing for a name of one word.
fn pattern(name: &str) -> Option<String> {
    let is_separator = |character: char| "-_.@ ".contains(character);
    let head = name.rfind('/').map_or(0, |at| at + 1);
    let (kind, rest) = name.split_at(head);
    let words: Vec<&str> = rest.split_inclusive(is_separator).collect();
    let is_number = |word: &&str| word.contains(|character: char| character.is_ascii_digit());
    let some_number = words.iter().any(is_number);
    if !some_number && words.len() < 2 {
        return None;
    }
    let mut pattern = kind.to_owned();
    for (at, word) in words.iter().enumerate() {
        let out = if some_number { is_number(word) } else { at + 1 == words.len() };
        if !out {
            pattern.push_str(word);
            continue;
        }
        if !pattern.ends_with('*') {
            pattern.push('*');
        }
        // The separator stays where a word that is kept follows.
        let follows = words.get(at + 1).is_some_and(|next| some_number && !is_number(next));
        pattern.extend(word.chars().last().filter(|last| follows && is_separator(*last)));
    }
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_family_is_what_names_have_in_common() {
        for (name, expected) in [
            ("role/app-1", Some("role/app-*")),
            ("role/app-12-reader", Some("role/app-*-reader")),
            ("role/payments-reader", Some("role/payments-*")),
            ("user/alice", None),
            ("user/dev12", Some("user/*")),
            ("key/1234abcd-12ab-34cd-56ef-1234567890ab", Some("key/*")),
            ("alias/orders", None),
        ] {
            assert_eq!(pattern(name).as_deref(), expected, "{name}");
        }
    }
}
