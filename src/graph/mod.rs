//! The principal-key graph: who could get to a key, and by which steps.
//!
//! It asks both engines and neither knows it: the matrix engine says which steps are possible for whole
//! classes, the reference evaluator executes what is found, call by call, in a copy of the world.

mod asked;
mod asker;
mod assemble;
mod call;
mod cast;
mod center;
mod change;
mod classes;
mod drawn;
mod execute;
mod key_edits;
mod key_moves;
mod keys;
mod label;
mod launch;
mod likeness;
mod made;
mod moves;
mod neighbours;
mod network;
mod opened;
mod organize;
mod outdone;
mod outsiders;
mod path;
mod plan;
mod search;
mod sketch;
mod state;
mod stated;
mod summary;
mod tagging;
#[cfg(test)]
mod tests;
mod trust;
pub mod view;
mod wanted;
mod whoever;
mod writers;

pub use call::{Ask, Call};
pub use center::{CENTERS, Center, Gives};
pub use change::is_written;
pub use execute::{Executed, Failure, Obstacle, Proof, execute, outsider, worlds};
pub use launch::{LAUNCHES, Launch};
pub use network::{Edge, Network, Node};
pub use outsiders::is_stand_in;
pub use path::{EdgeKind, Hop, Path};
pub use sketch::Sketch;
pub use summary::{Alike, Count, Summary};
pub use wanted::{Goal, Supposed, Wanted};
pub use writers::{Writer, Writers};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::access::Access;
use crate::aws::{AccountId, KeyArn};
use crate::decision::{Caller, Chance};
use crate::eval::reference::Reference;
use crate::inventory::Key;
use crate::kept::Memo;
use assemble::{Assembler, End, Miss};
use cast::{Cast, Ix, KeyIx};
use keys::Keys;
use organize::AllWays;
use plan::Plan;
use search::{Errand, Limits, Search, Way};
use state::States;

/// The paths that were found.
#[derive(Default, Debug)]
pub struct Found {
    /// One for each principal and key, the shortest; by the names of both. Each was executed.
    pub paths: Vec<Path>,
    /// Ways that hang on what is not known, for principals and keys without a path: likewise, not executed.
    /// They are put together where that is asked for ([`Supposed`]).
    pub unknown: Vec<Path>,
    /// How many of them there are, where they were looked for.
    pub supposed: usize,
    /// Ways that classes allow and that do not lead there when they are executed: faults of the engine.
    pub broken: Vec<Broken>,
    /// Whether more could be done about the organization than was looked at, so that paths may be missing
    /// (rule T37).
    pub capped: bool,
}

/// A way that should lead to a key and does not.
#[derive(Debug)]
pub struct Broken {
    /// Who sets out.
    pub from: Caller,
    /// The key.
    pub key: KeyArn,
    /// Where it ends; nothing where a call has no request that is allowed.
    pub failure: Option<Failure>,
}

/// The principal-key graph of a world.
pub struct Graph<'a> {
    access: &'a Access<'a>,
}

impl<'a> Graph<'a> {
    /// The graph over the engine's world.
    pub fn new(access: &'a Access<'a>) -> Self {
        Self { access }
    }

    /// What documents state: memberships, attachments, trust, delegation, grants.
    pub fn network(&self) -> Network {
        let mut sketch = Sketch::default();
        stated::state(&mut sketch, self.access);
        sketch.finish()
    }

    /// The same, with who can do what `wanted` is about today, and with the calls of paths: towards the
    /// keys that are wanted, or else from whoever is wanted and whoever they become on these paths. Without
    /// either, towards all keys: an edge for each pair.
    pub fn network_of(&self, wanted: &Wanted, paths: &[Path]) -> Network {
        let (world, mut sketch) = (self.access.inventory(), Sketch::default());
        stated::state(&mut sketch, self.access);
        match (&wanted.keys, &wanted.principals) {
            (None, Some(principals)) => {
                let taken = paths.iter().flat_map(|path| {
                    path.hops.iter().map(|hop| &hop.caller).chain([&path.goal_as])
                });
                let callers = principals.iter().chain(taken).cloned().collect();
                drawn::uses(&mut sketch, self.access, &drawn::Users::By(&callers), wanted.goal);
            }
            (Some(keys), _) => {
                drawn::uses(&mut sketch, self.access, &drawn::Users::Of(keys), wanted.goal);
            }
            (None, None) => {
                let keys = world.keys.keys().cloned().collect();
                drawn::uses(&mut sketch, self.access, &drawn::Users::Of(&keys), wanted.goal);
            }
        }
        drawn::calls(&mut sketch, world, paths);
        sketch.finish()
    }

    /// Everybody who can set out.
    pub fn principals(&self) -> BTreeSet<Caller> {
        let cast = Cast::of(self.access.inventory());
        cast.members.into_iter().map(|member| member.caller).collect()
    }

    /// The shortest path of everybody who is wanted to each key that it lacks.
    pub fn paths(&self, wanted: &Wanted) -> Found {
        self.quest(&Cast::with_made(self.access.inventory()), wanted, |quest| quest.found())
    }

    /// Asks with everything that a search for `wanted` needs.
    fn quest<T>(
        &self,
        cast: &Cast<'_>,
        wanted: &Wanted,
        ask: impl FnOnce(&Quest<'_, '_>) -> T,
    ) -> T {
        let access = self.access;
        let is_wanted = |key: &Key| wanted.keys.as_ref().is_none_or(|keys| keys.contains(&key.arn));
        let goal = |key: &Key| is_wanted(key).then(|| wanted.goal.action(key)).flatten();
        let keys = Keys::of(cast, access, goal);
        ask(&Quest {
            cast,
            wanted,
            within_reach: Memo::new(),
            states: States::new(cast, access, &keys),
            assembler: Assembler {
                cast,
                access,
                reference: Reference::new(access.inventory()),
                hops: wanted.max_hops.unwrap_or(usize::MAX),
                primitives: wanted.max_primitives,
            },
        })
    }
}

/// Whether a plan that is missed is a fault: classes do not tell how sessions were made, and who is there to
/// retire a grant.
fn is_fault_of_ours(missed: &Miss) -> bool {
    !matches!(missed, Miss::OtherSession | Miss::Nobody)
}

fn of_start(
    (start, ways): (Ix, BTreeMap<KeyIx, Vec<Way>>),
) -> impl Iterator<Item = (Ix, KeyIx, Vec<Way>)> {
    ways.into_iter().map(move |(key, ways)| (start, key, ways))
}

/// What is looked for, and all that is needed for it.
struct Quest<'c, 'w> {
    cast: &'c Cast<'w>,
    wanted: &'c Wanted,
    within_reach: Memo<BTreeSet<AccountId>, Arc<[bool]>>,
    states: States<'c, 'w>,
    assembler: Assembler<'c, 'w>,
}

/// What the searches of everybody come to.
#[derive(Default)]
struct Searched {
    ways: AllWays,
    /// Whose search met a step that might be possible, and is not for certain; in order.
    unsure: Vec<Ix>,
}

/// How many other ways are tried where the shortest does not lead there.
const OTHERS: usize = 8;

impl Quest<'_, '_> {
    fn found(&self) -> Found {
        let Searched { ways, unsure } = self.ways();
        let ways: Vec<(Ix, KeyIx, Vec<Way>)> = ways.into_iter().flat_map(of_start).collect();
        let (made, limits) = (ways.into_par_iter(), self.limits(1));
        let made = made.filter_map(|(start, key, ways)| self.made((start, key), &ways, limits));
        let mut found = Found::default();
        for made in made.collect::<Vec<_>>() {
            match made {
                Ok(path) => found.paths.push(path),
                Err(broken) => found.broken.push(broken),
            }
        }
        found.paths.sort_by(|one, other| (&one.from, &one.key).cmp(&(&other.from, &other.key)));
        self.suppose(&unsure, &mut found);
        found.broken.sort_by(|one, other| (&one.from, &one.key).cmp(&(&other.from, &other.key)));
        found.capped = self.cast.capped.load(Ordering::Relaxed);
        found
    }

    /// Looks for ways that hang on what is not known, as far as they are asked for.
    fn suppose(&self, unsure: &[Ix], found: &mut Found) {
        let paths = &found.paths;
        let has_path = |start, key| {
            let (from, key) = (self.cast.member(start), self.cast.key(key));
            from.zip(key).is_none_or(|(from, key)| {
                let pair = (&from.caller, &key.arn);
                paths.binary_search_by(|path| (&path.from, &path.key).cmp(&pair)).is_ok()
            })
        };
        match self.wanted.supposed {
            Supposed::Left => {}
            Supposed::Counted => found.supposed = self.supposed(unsure, has_path).len(),
            Supposed::Told => {
                found.unknown = self.unknown(unsure, has_path);
                found.supposed = found.unknown.len();
            }
        }
    }

    fn limits(&self, kept: usize) -> Limits {
        Limits {
            hops: self.wanted.max_hops.unwrap_or(usize::MAX),
            primitives: self.wanted.max_primitives,
            least: Chance::AsTold,
            kept,
            past_administrators: true,
        }
    }

    /// Which of the wanted keys `start` may come to have anything to do with.
    fn keys(&self, start: Ix) -> Arc<[bool]> {
        let accounts = self.cast.neighbours().within_reach(self.cast, start);
        self.within_reach.get(accounts, |accounts| self.states.keys.of_any(accounts))
    }

    /// Everybody who is wanted.
    fn starts(&self) -> impl ParallelIterator<Item = Ix> {
        let wanted = self.wanted;
        (0..self.cast.members.len() as Ix).into_par_iter().filter(|at| {
            let asked = &wanted.principals;
            self.cast.member(*at).filter(|_| self.cast.made(*at).is_none()).is_some_and(|it| {
                asked.as_ref().is_none_or(|asked| asked.contains(&it.caller))
                    && (it.outside || !wanted.external_only)
            })
        })
    }

    /// The ways from everybody who is wanted, in numbers.
    fn ways(&self) -> Searched {
        let limits = self.limits(1);
        let errand = |start| Errand { start, wanted: self.keys(start), prefix: None };
        let errands: Vec<Errand> = self.starts().map(errand).collect();
        let (mut searched, mut prefixes) = (Searched::default(), Vec::new());
        for (start, explored) in self.states.explored(&errands, limits) {
            prefixes.extend(explored.organized.into_iter().map(|prefix| (start, prefix)));
            searched.unsure.extend(explored.unsure.then_some(start));
            searched.ways.insert(start, explored.ways);
        }
        self.past_organization(prefixes, &mut searched.ways);
        self.spare(&mut searched.ways);
        searched
    }

    /// The ways that hang on what is not known, for pairs without a path, as classes allow them: of those
    /// alone whose search met a step that might be possible.
    fn supposed(
        &self,
        unsure: &[Ix],
        has_path: impl Fn(Ix, KeyIx) -> bool + Sync,
    ) -> Vec<(Ix, KeyIx, Way)> {
        let limits = Limits { least: Chance::Perhaps, ..self.limits(1) };
        let errand = |start: Ix| {
            let keys = self.keys(start);
            let lacking = (0..).zip(&*keys).map(|(key, wanted)| *wanted && !has_path(start, key));
            Errand { start, wanted: lacking.collect(), prefix: None }
        };
        // Account by account: what each of them lacks is not kept for all at once.
        let mut accounts: BTreeMap<Option<AccountId>, Vec<Ix>> = BTreeMap::new();
        for start in unsure {
            let account = self.cast.member_or_first(*start).caller.account;
            accounts.entry(account).or_default().push(*start);
        }
        let found = accounts.into_par_iter().flat_map_iter(|(_, starts)| {
            let errands: Vec<Errand> = starts.into_iter().map(errand).collect();
            self.states.explored(&errands, limits)
        });
        let supposed = found.flat_map_iter(|(start, explored)| {
            let ways = explored.ways.into_iter();
            let first = ways.filter_map(|(key, ways)| Some((key, ways.into_iter().next()?)));
            let open = first.filter(|(_, way)| !way.is_empty());
            open.map(move |(key, way)| (start, key, way))
        });
        supposed.collect()
    }

    /// The same as paths.
    fn unknown(&self, unsure: &[Ix], has_path: impl Fn(Ix, KeyIx) -> bool + Sync) -> Vec<Path> {
        let paths =
            self.supposed(unsure, has_path).into_par_iter().filter_map(|(start, key, way)| {
                let goal = self.wanted.goal.action(self.cast.key(key)?)?;
                self.assembler.supposed((start, key, goal), &way.plan(&self.states, start))
            });
        let mut supposed: Vec<Path> = paths.collect();
        supposed.sort_by(|one, other| (&one.from, &one.key).cmp(&(&other.from, &other.key)));
        supposed
    }

    /// The path of a plan, its calls in another order where they cannot be made in this one.
    fn executed(&self, end: End, plan: &Plan) -> Result<Path, Miss> {
        let missed = match self.assembler.executed(end, plan) {
            Err(missed) => missed,
            found => return found,
        };
        let mut others = plan.other_orders();
        others.find_map(|other| self.assembler.executed(end, &other).ok()).ok_or(missed)
    }

    /// A certain path of as many calls, where one hangs on what is not known.
    fn surer(&self, end: End, path: &Path, limits: Limits) -> Option<Path> {
        if path.doubts.is_empty() {
            return None;
        }
        let (start, key, _) = end;
        let limits = Limits { hops: path.hops.len(), least: Chance::Sure, kept: 1, ..limits };
        let mut sure = Search::from(&self.states, start, &self.only(key), limits);
        let ways = sure.remove(&key).unwrap_or_default();
        let plans = ways.iter().map(|way| way.plan(&self.states, start));
        let mut paths = plans.filter_map(|it| self.executed(end, &it).ok());
        paths.find(|path| path.doubts.is_empty())
    }

    /// Whether somebody may need its tags again on a way, so that it may not be gone as it is (rules T7, T34).
    fn may_need_tags_again(&self, start: Ix, way: &Way) -> bool {
        way.gives_tags(&self.states) && way.plan(&self.states, start).may_need_tags_again(self.cast)
    }

    fn is_within_limits(&self, plan: &Plan) -> bool {
        let primitives = plan.steps.iter().filter(|step| step.what.is_counted(self.cast)).count();
        plan.steps.len() <= self.assembler.hops && primitives <= self.assembler.primitives
    }

    /// One key alone.
    fn only(&self, key: KeyIx) -> Vec<bool> {
        (0..self.cast.keys.len() as KeyIx).map(|other| other == key).collect()
    }

    /// The path of the first way that can be executed; others are looked for, as far as these limits go, where
    /// none can.
    fn made(
        &self,
        (start, key): (Ix, KeyIx),
        ways: &[Way],
        limits: Limits,
    ) -> Option<Result<Path, Broken>> {
        let goal = self.wanted.goal.action(self.cast.key(key)?)?;
        let end = (start, key, goal);
        let (mut failure, mut is_fault, mut retaking) = (None, false, Vec::new());
        let mut tried = |ways: &[Way]| {
            ways.iter().find_map(|way| {
                let plan = way.plan(&self.states, start);
                let missed = match self.executed(end, &plan) {
                    Ok(path) => return Some(path),
                    Err(missed) => missed,
                };
                let others = match self.assembler.retaking(end, &plan) {
                    Some(other) => vec![other],
                    None => self.assembler.retagging(end, &plan),
                };
                is_fault |= others.is_empty() && is_fault_of_ours(&missed);
                retaking.extend(others);
                if let Miss::Failed(ends) = missed {
                    failure = Some(ends);
                }
                None
            })
        };
        let path = tried(ways).or_else(|| {
            let limits = Limits { kept: OTHERS, ..limits };
            let mut others = Search::from(&self.states, start, &self.only(key), limits);
            tried(&others.remove(&key).unwrap_or_default())
        });
        // Rules T7, T34: where a session, user or role cannot have the tags of all steps, it gets others again.
        let calls = path.as_ref().map_or(usize::MAX, |path| path.hops.len());
        retaking.retain(|plan| plan.steps.len() < calls && self.is_within_limits(plan));
        let retaken = retaking.iter().map(|plan| self.executed(end, plan));
        let (retaken, missed): (Vec<_>, Vec<_>) = retaken.partition(Result::is_ok);
        is_fault |= missed.iter().flat_map(|it| it.as_ref().err()).any(is_fault_of_ours);
        let retaken = retaken.into_iter().flatten().min_by_key(|path| path.hops.len());
        let path = retaken.or(path);
        let path = path.map(|path| self.surer(end, &path, limits).unwrap_or(path));
        let from = || self.cast.member(start).map(|member| member.caller.clone());
        let arn = || self.cast.key(key).map(|key| key.arn.clone());
        Some(match path {
            Some(path) => Ok(path),
            None if !is_fault => return None,
            None => Err(Broken { from: from()?, key: arn()?, failure }),
        })
    }
}
