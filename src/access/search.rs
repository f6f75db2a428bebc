//! Whether some choice of one class for each variable makes a formula true.
//!
//! A variable's state is the set of the classes that are still possible; a literal is the set of those
//! in which it holds. What follows is put in before anything is tried, parts without a common variable
//! are searched apart, and what is tried cuts one variable in two.

use super::bits::Bits;

/// How many nodes are looked at before the search gives up.
const LOOKS: usize = 3_000_000;

/// A node of a formula over variables, by number; children come before their parents.
#[derive(Debug)]
pub(super) enum Node {
    /// Always or never.
    Constant(bool),
    /// A variable is in one of these classes.
    Literal(usize, Bits),
    /// All of them.
    All(Box<[usize]>),
    /// One of them.
    Any(Box<[usize]>),
}

/// What a search ends with.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// The class of each variable.
    Chosen(Vec<usize>),
    /// There is no such choice.
    None,
    /// Too much to look at.
    Capped,
}

/// Variables, each the set of its possible classes.
type Domains = Vec<Bits>;

/// Why a branch ended.
#[derive(PartialEq, Eq)]
enum End {
    Found,
    Failed,
    Capped,
}

struct Search<'a> {
    nodes: &'a [Node],
    looks: usize,
}

/// A choice that makes all `roots` true. Earlier classes are preferred.
pub(super) fn search(nodes: &[Node], roots: Vec<usize>, mut domains: Domains) -> Outcome {
    let mut search = Search { nodes, looks: 0 };
    if domains.iter().any(Bits::is_empty) {
        return Outcome::None;
    }
    let mut open = roots.clone();
    if !search.propagate(&mut open, &mut domains) {
        return Outcome::None;
    }
    for part in search.parts(&open, domains.len()) {
        match search.solve(part, &mut domains) {
            End::Found => {}
            End::Failed => return Outcome::None,
            End::Capped => return Outcome::Capped,
        }
    }
    Outcome::Chosen(search.simplest(&roots, &domains))
}

impl Search<'_> {
    /// Whether a node holds in all, or in none, of the choices left.
    fn value(&mut self, node: usize, domains: &Domains) -> Option<bool> {
        self.looks += 1;
        match self.nodes.get(node)? {
            Node::Constant(value) => Some(*value),
            Node::Literal(variable, classes) => {
                let domain = domains.get(*variable)?;
                match domain.meets(classes) {
                    false => Some(false),
                    true => domain.within(classes).then_some(true),
                }
            }
            Node::All(parts) => self.joined(parts, domains, true),
            Node::Any(parts) => self.joined(parts, domains, false),
        }
    }

    fn joined(&mut self, parts: &[usize], domains: &Domains, neutral: bool) -> Option<bool> {
        let mut known = Some(neutral);
        for part in parts {
            match self.value(*part, domains) {
                Some(value) if value == neutral => {}
                Some(value) => return Some(value),
                None => known = None,
            }
        }
        known
    }

    /// Puts in what follows until nothing does; false where that leaves no choice. `open` keeps the
    /// disjunctions that are not decided.
    fn propagate(&mut self, open: &mut Vec<usize>, domains: &mut Domains) -> bool {
        loop {
            let mut changed = false;
            let mut todo = std::mem::take(open);
            while let Some(node) = todo.pop() {
                match self.value(node, domains) {
                    Some(true) => continue,
                    Some(false) => return false,
                    None => {}
                }
                match self.nodes.get(node) {
                    Some(Node::Literal(variable, classes)) => {
                        if let Some(domain) = domains.get_mut(*variable) {
                            domain.keep(classes);
                        }
                        changed = true;
                    }
                    Some(Node::All(parts)) => todo.extend(parts),
                    Some(Node::Any(parts)) => match self.only(parts, domains) {
                        Some(only) => todo.push(only),
                        None => open.push(node),
                    },
                    Some(Node::Constant(_)) | None => {}
                }
            }
            if !changed {
                open.sort_unstable();
                open.dedup();
                return true;
            }
        }
    }

    /// The one part that can still hold, where it is the only one.
    fn only(&mut self, parts: &[usize], domains: &Domains) -> Option<usize> {
        let mut only = None;
        for part in parts {
            if self.value(*part, domains) != Some(false) && only.replace(*part).is_some() {
                return None;
            }
        }
        only
    }

    fn solve(&mut self, mut open: Vec<usize>, domains: &mut Domains) -> End {
        if !self.propagate(&mut open, domains) {
            return End::Failed;
        }
        if open.is_empty() {
            return End::Found;
        }
        if let Some(first) = self.first_of_each(&open, domains) {
            *domains = first;
            return End::Found;
        }
        let Some((variable, classes)) = self.split(&open, domains) else {
            return End::Failed;
        };
        for inside in [true, false] {
            if self.looks > LOOKS {
                return End::Capped;
            }
            let mut tried = domains.clone();
            if let Some(domain) = tried.get_mut(variable) {
                if inside { domain.keep(&classes) } else { domain.remove(&classes) }
            }
            match self.solve(open.clone(), &mut tried) {
                End::Found => {
                    *domains = tried;
                    return End::Found;
                }
                End::Failed => {}
                End::Capped => return End::Capped,
            }
        }
        End::Failed
    }

    /// The first class of each variable of `open`, where that makes everything true. Other variables stay
    /// as they are: other parts may need another class of theirs.
    fn first_of_each(&mut self, open: &[usize], domains: &Domains) -> Option<Domains> {
        let mut own = Bits::none(domains.len());
        open.iter().for_each(|node| self.variables(*node, &mut own));
        let chosen = |(variable, domain): (usize, &Bits)| match own.has(variable) {
            true => first(domain),
            false => domain.clone(),
        };
        let first: Domains = domains.iter().enumerate().map(chosen).collect();
        open.iter().all(|node| self.value(*node, &first) == Some(true)).then_some(first)
    }

    /// The undecided literal to try next: in the disjunction with the fewest parts left, one that the
    /// first class of its variable satisfies where there is one.
    fn split(&mut self, open: &[usize], domains: &Domains) -> Option<(usize, Bits)> {
        let mut best: Option<(usize, usize)> = None;
        for node in open {
            let count = self.left(*node, domains).len();
            if best.is_none_or(|(least, _)| count < least) {
                best = Some((count, *node));
            }
        }
        let (_, mut node) = best?;
        loop {
            match self.nodes.get(node)? {
                Node::Literal(variable, classes) => return Some((*variable, classes.clone())),
                Node::Constant(_) => return None,
                Node::All(_) | Node::Any(_) => {}
            }
            let left = self.left(node, domains);
            let easy = left.iter().find(|part| match self.nodes.get(**part) {
                Some(Node::Literal(variable, classes)) => {
                    let domain = domains.get(*variable);
                    domain.and_then(Bits::first).is_some_and(|first| classes.has(first))
                }
                _ => false,
            });
            node = *easy.or_else(|| left.first())?;
        }
    }

    /// The parts that are not decided.
    fn left(&mut self, node: usize, domains: &Domains) -> Vec<usize> {
        match self.nodes.get(node) {
            Some(Node::All(parts) | Node::Any(parts)) => {
                let undecided = |part: &&usize| self.value(**part, domains).is_none();
                parts.iter().filter(undecided).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The open nodes, apart where they share no variable.
    fn parts(&self, open: &[usize], variables: usize) -> Vec<Vec<usize>> {
        let mut parts: Vec<(Bits, Vec<usize>)> = Vec::new();
        for node in open {
            let mut own = Bits::none(variables);
            self.variables(*node, &mut own);
            let mut nodes = vec![*node];
            let mut apart = Vec::new();
            for (other, theirs) in parts {
                if other.meets(&own) {
                    own.join(&other);
                    nodes.extend(theirs);
                } else {
                    apart.push((other, theirs));
                }
            }
            apart.push((own, nodes));
            parts = apart;
        }
        parts.into_iter().map(|(_, nodes)| nodes).collect()
    }

    fn variables(&self, node: usize, found: &mut Bits) {
        match self.nodes.get(node) {
            Some(Node::Literal(variable, _)) => found.add(*variable),
            Some(Node::All(parts) | Node::Any(parts)) => {
                parts.iter().for_each(|part| self.variables(*part, found));
            }
            Some(Node::Constant(_)) | None => {}
        }
    }

    /// One choice, with as many variables in their first class as one by one can be.
    fn simplest(&mut self, roots: &[usize], domains: &Domains) -> Vec<usize> {
        let mut chosen: Domains = domains.iter().map(first).collect();
        for variable in 0..chosen.len() {
            let Some(before) = chosen.get(variable).cloned() else {
                continue;
            };
            if before.has(0) {
                continue;
            }
            let mut least = before.clone();
            least.remove(&before);
            least.add(0);
            set(&mut chosen, variable, least);
            if !roots.iter().all(|node| self.value(*node, &chosen) == Some(true)) {
                set(&mut chosen, variable, before);
            }
        }
        chosen.iter().map(|domain| domain.first().unwrap_or_default()).collect()
    }
}

fn set(domains: &mut Domains, variable: usize, to: Bits) {
    if let Some(domain) = domains.get_mut(variable) {
        *domain = to;
    }
}

fn first(domain: &Bits) -> Bits {
    let mut only = domain.clone();
    only.remove(domain);
    only.add(domain.first().unwrap_or_default());
    only
}
