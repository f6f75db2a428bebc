//! Which part of the graph is drawn, and how much of it as one.

use std::collections::BTreeSet;

use crate::access::Access;
use crate::aws::{AccountId, KeyArn};
use crate::decision::{Caller, CallerKind};
use crate::graph::view::{
    Collapse, Part, Picture, between, leading_to, of_accounts, picture, reached_from, short, whole,
};
use crate::graph::{Goal, Graph, Network, Node, Supposed, Wanted};
use crate::inventory::Inventory;

use super::{QuestionError, filter};

/// What is asked for; an empty list asks for everything.
#[derive(Clone, Debug)]
pub struct GraphQuestion {
    /// Principals whose ways are drawn.
    pub principals: Vec<String>,
    /// Keys that ways lead to.
    pub keys: Vec<String>,
    /// Accounts whose nodes are drawn, with what joins them.
    pub accounts: Vec<String>,
    /// How many steps away from principals and keys.
    pub depth: usize,
    /// What is drawn as one; as little as fits where nothing is said.
    pub collapse: Option<Collapse>,
    /// What using a key is, and what paths gain.
    pub goal: Goal,
}

/// The most keys that uses and paths are drawn to where no filter chooses any.
const KEYS: usize = 150;

/// A network, and what it leaves out.
#[derive(Clone, Debug)]
pub struct Networked {
    /// The network.
    pub network: Network,
    /// What is not in it, and why; each a sentence.
    pub notes: Vec<String>,
}

/// A graph that can be looked at.
#[derive(Clone, Debug)]
pub struct Drawn<'n> {
    /// The picture.
    pub picture: Picture<'n>,
    /// What it shows, in a line.
    pub title: String,
    /// What is drawn as one.
    pub collapse: Collapse,
    /// Whether nobody asked for that: it would not have fitted otherwise.
    pub by_itself: bool,
    /// Whether it fits.
    pub fits: bool,
}

impl GraphQuestion {
    /// The network that the picture is a part of: what documents state, who can use which key today, and
    /// the calls of the paths to them.
    ///
    /// # Errors
    /// A filter that means nothing.
    pub fn network(&self, access: &Access<'_>) -> Result<Networked, QuestionError> {
        let (graph, world) = (Graph::new(access), access.inventory());
        let mut keys = filter::keys(world, &self.keys)?;
        let principals = match self.principals.is_empty() {
            true => None,
            false => filter::principals(world, &graph.principals(), &self.principals)?,
        };
        if let Some(accounts) = filter::accounts(world, &self.accounts)? {
            let of_these = |key: &&KeyArn| {
                let is_asked = keys.as_ref().is_none_or(|keys| keys.contains(*key));
                is_asked && accounts.contains(&key.account())
            };
            keys = Some(world.keys.keys().filter(of_these).cloned().collect());
        }
        if keys.is_none() && principals.is_none() && world.keys.len() > KEYS {
            let count = world.keys.len();
            let note = format!(
                "Who can use which of the {count} keys, and the paths to them, is drawn with --key, \
                 --principal or --account alone"
            );
            return Ok(Networked { network: graph.network(), notes: vec![note] });
        }
        let (goal, supposed) = (self.goal, Supposed::Left);
        let wanted = Wanted { keys, principals, goal, supposed, ..Wanted::default() };
        let found = graph.paths(&wanted);
        let mut notes = Vec::new();
        if !found.broken.is_empty() {
            let count = found.broken.len();
            notes.push(format!(
                "Ways that should lead to a key and did not when executed, a fault of keyreach: {count}"
            ));
        }
        Ok(Networked { network: graph.network_of(&wanted, &found.paths), notes })
    }

    /// The picture that is asked for: the finest that `fits`, unless the question says what is one.
    ///
    /// # Errors
    /// A filter that means nothing.
    pub fn draw<'n>(
        &self,
        world: &Inventory,
        network: &'n Network,
        fits: impl Fn(&Drawn<'n>) -> bool,
    ) -> Result<Drawn<'n>, QuestionError> {
        let keys = filter::keys(world, &self.keys)?;
        let callers: BTreeSet<Caller> = network.node_weights().filter_map(caller).collect();
        let principals = filter::principals(world, &callers, &self.principals)?;
        let accounts = filter::accounts(world, &self.accounts)?;
        // An empty picture would read as if nobody of it had access.
        for account in accounts.iter().flatten() {
            let is_drawn = network.node_weights().any(|node| node.account() == Some(*account));
            if !is_drawn && world.account(*account).is_none() {
                let what = "is no account of the graph";
                return Err(filter::nothing("--account", account.as_str(), what, None));
            }
        }
        let (part, focus) = self.part(network, keys, principals, accounts.as_ref());
        let mut collapse = self.collapse.unwrap_or(Collapse::Nothing);
        loop {
            let picture = picture(network, world, &part, &focus, collapse);
            let by_itself = self.collapse.is_none() && collapse != Collapse::Nothing;
            let title = self.title(world, network, &focus, part.len(), collapse);
            let mut drawn = Drawn { picture, title, collapse, by_itself, fits: true };
            if fits(&drawn) {
                return Ok(drawn);
            }
            match collapse.coarser().filter(|_| self.collapse.is_none()) {
                Some(coarser) => collapse = coarser,
                None => {
                    drawn.fits = false;
                    return Ok(drawn);
                }
            }
        }
    }

    /// The question as the options that ask it, the goal aside.
    pub fn told(&self) -> Vec<String> {
        let lists = [
            ("--key", &self.keys),
            ("--principal", &self.principals),
            ("--account", &self.accounts),
        ];
        let named = lists
            .iter()
            .flat_map(|(option, texts)| texts.iter().map(move |text| format!("{option} {text}")));
        let near = !self.keys.is_empty() || !self.principals.is_empty();
        let depth = near.then(|| format!("--depth {}", self.depth));
        named.chain(depth).collect()
    }

    fn part(
        &self,
        network: &Network,
        keys: Option<BTreeSet<KeyArn>>,
        principals: Option<BTreeSet<Caller>>,
        accounts: Option<&BTreeSet<AccountId>>,
    ) -> (Part, Part) {
        let those = |is: &dyn Fn(&Node) -> bool| -> Part {
            let nodes = network.node_indices();
            nodes.filter(|index| network.node_weight(*index).is_some_and(is)).collect()
        };
        let goals =
            keys.map(|keys| those(&|node| matches!(node, Node::Key(key) if keys.contains(key))));
        let starts = principals
            .map(|wanted| those(&|node| caller(node).is_some_and(|it| wanted.contains(&it))));
        let mut part = match (&starts, &goals) {
            (None, None) => whole(network),
            (Some(starts), None) => reached_from(network, starts, self.depth),
            (None, Some(goals)) => leading_to(network, goals, self.depth),
            (Some(starts), Some(goals)) => between(network, starts, goals, self.depth),
        };
        if let Some(accounts) = accounts {
            let near = of_accounts(network, accounts);
            part.retain(|node| near.contains(node));
        }
        let focus = starts.into_iter().chain(goals).flatten().collect();
        (part, focus)
    }

    fn title(
        &self,
        world: &Inventory,
        network: &Network,
        focus: &Part,
        nodes: usize,
        collapse: Collapse,
    ) -> String {
        let depth = match self.depth {
            1 => "1 step".to_owned(),
            depth => format!("{depth} steps"),
        };
        let named = |is: fn(&Node) -> bool| {
            let all = focus.iter().filter_map(|index| network.node_weight(*index));
            let names: Vec<String> =
                all.filter(|node| is(node)).map(|node| short(world, node)).collect();
            match names.as_slice() {
                [first, second, _, ..] => {
                    format!("{first}, {second} and {} more", names.len() - 2)
                }
                few => few.join(", "),
            }
        };
        let goals = || named(|node| matches!(node, Node::Key(_)));
        let starts = || named(|node| !matches!(node, Node::Key(_)));
        let mut title = match (self.principals.is_empty(), self.keys.is_empty()) {
            (true, true) => "Principals and KMS keys".to_owned(),
            (false, true) => format!("What {} leads to in at most {depth}", starts()),
            (true, false) => format!("What leads to {} in at most {depth}", goals()),
            (false, false) => {
                format!("Ways of at most {depth} from {} to {}", starts(), goals())
            }
        };
        if !self.accounts.is_empty() {
            title.push_str(&format!(", in account {}", self.accounts.join(", ")));
        }
        title.push_str(&match nodes {
            1 => ": 1 node".to_owned(),
            nodes => format!(": {nodes} nodes"),
        });
        if collapse != Collapse::Nothing {
            title.push_str(&format!("; drawn as one: {}", collapse.words()));
        }
        title
    }
}

/// Who stands at a node. An account of nothing that was exported stands there as its root.
fn caller(node: &Node) -> Option<Caller> {
    match node {
        Node::Principal(caller) | Node::External(caller) => Some(caller.clone()),
        Node::Iam(account) => {
            Caller::parse(account.as_str()).filter(|caller| caller.kind == CallerKind::Root)
        }
        _ => None,
    }
}
