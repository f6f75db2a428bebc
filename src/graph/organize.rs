//! What the management account does to an organization, and a member that leaves it (rule T37).
//!
//! Such a call makes another world: what was searched in the one before says nothing of it. Whoever gets to
//! make one searches on from there, in the world as it is then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::access::Access;
use crate::aws::pattern::takes;
use crate::aws::{AccountId, ControlAction, KeyArn, KmsAction};
use crate::decision::{Chance, Context};
use crate::inventory::{Edit, Inventory, Key, OrgPolicy, OrgPolicyKind, Organization};
use crate::policy::{Polarity, Policy, PolicyDocument, PolicyKind, Statement};

use super::Quest;
use super::call::{Ask, Call};
use super::cast::{Ix, KeyIx};
use super::change::{Change, is_everything, nowhere};
use super::execute::obstacle;
use super::keys::Keys;
use super::moves::{Gain, Move, Moves};
use super::search::{Errand, Prefix, Search, Way};
use super::state::States;

/// A call about the organization; those first that lift most.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum OrgMove {
    /// organizations:DisablePolicyType at a root.
    Disable(OrgPolicyKind, Box<str>),
    /// organizations:UpdatePolicy to one that allows everything.
    Update(Box<str>),
    /// organizations:DetachPolicy from a root, unit or account.
    Detach(Box<str>, Box<str>),
    /// organizations:LeaveOrganization of an account.
    Leave(AccountId),
    /// organizations:MoveAccount from one root or unit to another.
    MoveAccount(AccountId, Box<str>, Box<str>),
}

/// What the management account does about its organization.
const CALLS: [ControlAction; 4] = [
    ControlAction::ORGANIZATIONS_DETACH_POLICY,
    ControlAction::ORGANIZATIONS_DISABLE_POLICY_TYPE,
    ControlAction::ORGANIZATIONS_MOVE_ACCOUNT,
    ControlAction::ORGANIZATIONS_UPDATE_POLICY,
];

/// How many calls about the organization somebody is taken to choose from.
const MOST: usize = 64;

/// How many searches are made past such calls: more would cost more than all others together.
const SEARCHES: usize = 512;

/// How many more past those that are of use for who makes them alone.
const OF_MAKERS: usize = 64;

/// How many searches are left, past calls whoever makes them and past the others.
struct Budget {
    of_anyone: usize,
    of_makers: usize,
}

impl Budget {
    fn of(&mut self, of_its_maker: bool) -> &mut usize {
        match of_its_maker {
            true => &mut self.of_makers,
            false => &mut self.of_anyone,
        }
    }
}

impl OrgMove {
    /// The call.
    pub(super) fn call(&self, world: &Inventory) -> Option<Call> {
        Some(match self.clone() {
            Self::Disable(kind, root) => Call::DisablePolicyType { root, kind },
            Self::Update(policy) => {
                let document = everything(world, &policy)?;
                Call::UpdateOrgPolicy { policy, document }
            }
            Self::Detach(policy, target) => Call::DetachOrgPolicy { policy, target },
            Self::Leave(_) => Call::LeaveOrganization,
            Self::MoveAccount(account, from, to) => Call::MoveAccount { account, from, to },
        })
    }

    fn edit(&self, world: &Inventory) -> Option<Edit> {
        Some(match self.clone() {
            Self::Disable(kind, _) => Edit::DisablePolicyType { kind },
            Self::Update(policy) => {
                let document = everything(world, &policy)?;
                Edit::UpdateOrgPolicy { policy, document }
            }
            Self::Detach(policy, target) => Edit::DetachOrgPolicy { policy, target },
            Self::Leave(account) => Edit::LeaveOrganization { account },
            Self::MoveAccount(account, _, parent) => Edit::MoveAccount { account, parent },
        })
    }

    /// Those that might lift something, of an organization whose policies of `kinds` bind somebody; where
    /// `places` says so, each place counts.
    fn all(organization: &Organization, kinds: &[OrgPolicyKind], places: bool) -> Vec<Self> {
        let mut all = Vec::new();
        let policies = organization.policies.iter();
        let binding: BTreeSet<&str> =
            policies.clone().filter(|(_, policy)| binds(policy)).map(|(id, _)| &**id).collect();
        for (id, policy) in policies.clone() {
            if kinds.contains(&policy.kind) && binding.contains(&**id) {
                all.push(Self::Update(id.clone()));
            }
        }
        let denies = |policy: &Policy| policy.statements.iter().any(|it| it.denies());
        for (target, attached) in &organization.attachments {
            let known = attached.iter().filter(|id| binding.contains(&***id));
            let denying = known.filter(|id| {
                let policy = organization.policies.get(*id).filter(|it| kinds.contains(&it.kind));
                let document = policy.and_then(|policy| policy.document.as_ref());
                document.is_some_and(|document| document.peek(denies))
            });
            all.extend(denying.map(|id| Self::Detach(id.clone(), target.clone())));
        }
        // Without those that have no say, but for those that let everything through a level.
        let silent: BTreeSet<&str> = policies
            .filter(|(id, policy)| !binding.contains(&***id) && !is_open(policy))
            .map(|(id, _)| &**id)
            .collect();
        let limits = organization.units.keys();
        let limits: BTreeMap<&str, _> =
            limits.map(|unit| (&**unit, limits_of(organization, unit, &silent))).collect();
        // Where everything can be disabled a move spares a call at most, which is looked for among few.
        let moves = organization.accounts.len() * organization.units.len();
        let moved = organization.accounts.iter().filter(|_| !kinds.is_empty() || moves <= MOST);
        for account in moved {
            let Some(from) = organization.parents.get(account.as_str()) else { continue };
            // Under the same policies an account is as it was.
            let mut seen: Vec<_> = limits.get(&**from).into_iter().collect();
            for to in organization.units.keys().filter(|unit| *unit != from) {
                let Some(limits) = limits.get(&**to) else { continue };
                if places || !seen.contains(&limits) {
                    all.push(Self::MoveAccount(*account, from.clone(), to.clone()));
                    seen.push(limits);
                }
            }
        }
        all.sort();
        all
    }
}

/// Whether a policy of the organization may have a say in what paths are made of.
fn binds(policy: &OrgPolicy) -> bool {
    let is_of_paths = |text: &str| {
        let text = text.to_ascii_lowercase();
        let of_kms = KmsAction::all().any(|it| takes(&text, &it.as_str().to_ascii_lowercase()));
        let mut others = ControlAction::all();
        of_kms || others.any(|it| takes(&text, &it.as_str().to_ascii_lowercase()))
    };
    let speaks = |statement: &Statement| {
        statement.action.as_ref().is_none_or(|element| {
            let mut values = element.values.iter();
            element.polarity == Polarity::IsNot
                || values.any(|value| value.value.text().is_none_or(is_of_paths))
        })
    };
    let binds = |policy: &Policy| {
        let mut statements = policy.statements.iter();
        !is_everything(policy) && statements.any(|it| it.allows() || speaks(it))
    };
    policy.document.as_ref().is_none_or(|document| document.peek(binds))
}

/// The policies on each level of a root or unit and above it, without those that are `silent`.
fn limits_of<'o>(
    organization: &'o Organization,
    unit: &'o str,
    silent: &BTreeSet<&str>,
) -> BTreeSet<BTreeSet<&'o str>> {
    let (mut levels, mut at) = (BTreeSet::new(), Some(unit));
    // No tree is higher than it has units.
    for _ in 0..=organization.units.len() {
        let Some(level) = at else { break };
        let policies = organization.attachments.get(level).into_iter().flatten();
        levels.insert(policies.map(|id| &**id).filter(|id| !silent.contains(id)).collect());
        at = organization.parents.get(level).map(|parent| &**parent);
    }
    levels
}

/// Whether a policy allows everything, without which a level lets nothing through.
fn is_open(policy: &OrgPolicy) -> bool {
    policy.document.as_ref().is_some_and(|document| document.peek(is_everything))
}

/// A policy of the kind of one that is there, which allows everything.
fn everything(world: &Inventory, policy: &str) -> Option<PolicyDocument> {
    let known = world.organization.as_ref()?.policies.get(policy)?;
    let (kind, principal) = match known.kind {
        OrgPolicyKind::Scp => (PolicyKind::Scp, ""),
        OrgPolicyKind::Rcp => (PolicyKind::Rcp, r#""Principal":"*","#),
    };
    let statement = format!(r#"{{"Effect":"Allow",{principal}"Action":"*","Resource":"*"}}"#);
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    Some(PolicyDocument::json(nowhere(), kind, text))
}

impl Moves<'_, '_> {
    /// Rule T37.
    pub(super) fn organize(&mut self) {
        let world = self.asker.access.inventory();
        let Some(organization) = world.organization.as_deref() else { return };
        let Some(account) = self.asker.account() else { return };
        if organization.management_account != Some(account) {
            let chance = self.may_organize(&OrgMove::Leave(account));
            return self.add_organizing(OrgMove::Leave(account), chance);
        }
        if !CALLS.iter().any(|action| self.can(*action)) {
            return;
        }
        let mut kinds = Vec::new();
        for kind in [OrgPolicyKind::Scp, OrgPolicyKind::Rcp] {
            let roots = organization.units.keys().filter(|id| id.starts_with("r-"));
            let roots = roots.map(|root| OrgMove::Disable(kind, root.clone()));
            let each: Vec<(OrgMove, Chance)> =
                roots.map(|what| (what.clone(), self.may_organize(&what))).collect();
            // Where none of a kind binds any more, less than that serves nobody.
            if each.iter().all(|(_, chance)| *chance != Chance::Sure) {
                kinds.push(kind);
            }
            each.into_iter().for_each(|(what, chance)| self.add_organizing(what, chance));
        }
        let mut all = OrgMove::all(organization, &kinds, self.cast.hears_places).into_iter();
        for what in all.by_ref().take(MOST) {
            let chance = self.may_organize(&what);
            self.add_organizing(what, chance);
        }
        if all.any(|what| self.may_organize(&what) > Chance::No) {
            self.cast.capped.store(true, Ordering::Relaxed);
        }
    }

    fn add_organizing(&mut self, what: OrgMove, chance: Chance) {
        self.add(Move::Organize(what.clone()), Gain::Changed(Change::Organized(what)), chance);
    }

    fn may_organize(&self, what: &OrgMove) -> Chance {
        let (caller, world) = (&self.asker.member().caller, self.asker.access.inventory());
        let Some(call) = what.call(world) else { return Chance::No };
        let asks = call.asks(caller, world, &Context::default());
        let Some(Ask::Control(request)) = asks.into_iter().next() else { return Chance::No };
        if !self.can(request.action) || obstacle::of(&call, caller, world).is_some() {
            return Chance::No;
        }
        self.asker.side(&request.context).chance(request.action, &request.resource)
    }
}

/// The ways of those who set out, key by key.
pub(super) type AllWays = BTreeMap<Ix, BTreeMap<KeyIx, Vec<Way>>>;

impl Quest<'_, '_> {
    /// What is wanted of a key.
    fn goal(&self, key: &Key) -> Option<KmsAction> {
        let keys = self.wanted.keys.as_ref();
        let is_wanted = keys.is_none_or(|keys| keys.contains(&key.arn));
        self.wanted.goal.action(key).filter(|_| is_wanted)
    }

    /// Searches on past calls about the organization, and takes over the ways that are shorter.
    pub(super) fn past_organization(&self, prefixes: Vec<(Ix, Prefix)>, all: &mut AllWays) {
        let mut left = Budget { of_anyone: SEARCHES, of_makers: OF_MAKERS };
        self.past(self.assembler.access, prefixes, all, &mut left);
    }

    fn past(
        &self,
        access: &Access<'_>,
        prefixes: Vec<(Ix, Prefix)>,
        all: &mut AllWays,
        left: &mut Budget,
    ) {
        let mut by_move: BTreeMap<(bool, OrgMove), Vec<(Ix, Prefix)>> = BTreeMap::new();
        for (start, prefix) in prefixes {
            let by = (prefix.of_its_maker, prefix.what.clone());
            by_move.entry(by).or_default().push((start, prefix));
        }
        for ((of_its_maker, what), prefixes) in by_move {
            let left_of_these = left.of(of_its_maker);
            let lacking = |start, prefix: &Prefix| self.lacking(start, prefix.steps.len(), all);
            let asked = prefixes.into_par_iter().map(|(start, prefix)| Errand {
                start,
                wanted: lacking(start, &prefix).into(),
                prefix: Some(prefix),
            });
            let asked = asked.filter(|errand| errand.wanted.contains(&true));
            let mut asked: Vec<Errand> = asked.collect();
            if asked.len() > *left_of_these {
                self.cast.capped.store(true, Ordering::Relaxed);
            }
            asked.truncate(*left_of_these);
            // Keys that nobody lacks are not looked at in the other world.
            let is_lacking =
                |at: usize| asked.iter().any(|errand| errand.wanted.get(at) == Some(&true));
            let known = self.cast.keys.iter().enumerate();
            let lacked: BTreeSet<&KeyArn> =
                known.filter(|(at, _)| is_lacking(*at)).map(|(_, key)| &key.arn).collect();
            let edit = what.edit(access.inventory()).filter(|_| !lacked.is_empty());
            let Some(edit) = edit else { continue };
            *left_of_these -= asked.len();
            let after = access.after(&edit);
            let goal = |key: &Key| self.goal(key).filter(|_| lacked.contains(&key.arn));
            let keys = Keys::of(self.cast, &after, goal);
            let states = States::new(self.cast, &after, &keys);
            let mut deeper = Vec::new();
            for (start, explored) in states.explored(&asked, self.limits(1)) {
                let organized = explored.organized.into_iter();
                deeper.extend(organized.map(|prefix| (start, prefix.counted_as(of_its_maker))));
                let known = all.entry(start).or_default();
                for (key, ways) in explored.ways {
                    let ways = ways.iter().map(|way| way.numbered(&states, &self.states));
                    let known = known.entry(key).or_default();
                    known.extend(ways);
                    known.sort_by_key(Way::rank);
                    let sound = known.iter().position(|way| !self.may_need_tags_again(start, way));
                    known.truncate(sound.map_or(known.len(), |at| at + 1));
                }
            }
            self.past(&after, deeper, all, left);
        }
    }

    /// The keys to which somebody has no way of so few calls, or none that is certain.
    fn lacking(&self, start: Ix, calls: usize, all: &AllWays) -> Vec<bool> {
        let mut wanted = self.keys(start).to_vec();
        let near = all.get(&start).into_iter().flatten();
        let is_near = |way: &&Way| {
            way.rank() <= (calls as u32, false) && !self.may_need_tags_again(start, way)
        };
        let near = near.filter(|(_, ways)| ways.first().as_ref().is_some_and(is_near));
        let near: Vec<KeyIx> = near.map(|(key, _)| *key).collect();
        for key in Search::today(&self.states, start, &wanted).into_iter().chain(near) {
            if let Some(want) = wanted.get_mut(key as usize) {
                *want = false;
            }
        }
        wanted
    }
}
