//! Who can do nothing with a key that an administrator of its account cannot do as well.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::access::{KeyHome, Opening, Reached, Sides};
use crate::aws::ActionSet;
use crate::decision::{Chance, Context};
use crate::inventory::{Identity, NamedPolicy};

use super::asked::Asked;
use super::asker::Asker;
use super::cast::{Ix, KeyIx};
use super::change::{Change, WRITTEN, everything};
use super::key_moves::KeyMove;
use super::state::{ChangeIx, Gained, StateName, States, Tags, Which};
use super::tagging::PrincipalTags;

const OPENINGS: [Opening; 4] =
    [Opening::AsItIs, Opening::ByPolicy, Opening::ByGrant, Opening::ByPolicyAndGrant];

/// Whether somebody after a change of tags can do no more than an administrator after the same.
type IsWithin<'f> = &'f dyn Fn(ChangeIx, &StateName) -> bool;

/// What binds both who are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bounds {
    /// The policies of the organization, as they are.
    AsTheyAre,
    /// None of these: calls about the organization may take them away (rule T37).
    Lifted,
}

/// What somebody could do, and an administrator of its account cannot.
pub(super) struct Left {
    /// Whether the organization leaves the administrator as much.
    pub(super) is_bound_alike: bool,
    /// With which keys; in order.
    pub(super) keys: Box<[KeyIx]>,
    /// With which others, were no policy of the organization left; in order.
    pub(super) freed: Box<[KeyIx]>,
    /// Roles and sessions that it may take on, and the change where these may have tags of its choice.
    pub(super) roles: Box<[(Ix, Option<ChangeIx>)]>,
}

/// What an administrator cannot do as it is.
pub(super) struct Lacking {
    /// Keys that it does not get to for certain; in order.
    keys: Box<[KeyIx]>,
    /// Roles and sessions that it takes on for certain, with whatever tags; sorted.
    entered: Box<[Ix]>,
    /// Others whose trust policies mean all of its account or everyone.
    closed: Box<[Ix]>,
    /// The tags that the organization, and the trust policies of these, ask for.
    tags: Box<[PrincipalTags]>,
}

impl States<'_, '_> {
    /// What somebody could be made to do, by changes of its policies and tags and of keys, and an administrator
    /// of its account cannot.
    pub(super) fn left_by(&self, at: Ix, administrator: &StateName) -> Arc<Left> {
        let known = self.left.known(&(at, administrator.clone()));
        known.unwrap_or_else(|| {
            self.left.get((at, administrator.clone()), |(at, administrator)| {
                let is_bound_alike = self.is_as_free_with_tags(*at, administrator);
                let ((keys, freed), roles) = match is_bound_alike {
                    true => {
                        (self.keys_left_by(*at, administrator), self.left_to(*at, administrator))
                    }
                    false => Default::default(),
                };
                Arc::new(Left { is_bound_alike, keys, freed, roles })
            })
        })
    }

    /// Whether an administrator might do more after those of some changes that are of its tags; with keys, as far
    /// as they are open.
    pub(super) fn gains_by_tags(
        &self,
        administrator: &StateName,
        changes: &[ChangeIx],
        is_open: &dyn Fn(KeyIx) -> bool,
    ) -> bool {
        let tags = changes.iter().map(|change| self.changes.get(*change));
        let tags: SmallVec<[&Change; 3]> = tags.filter(|change| change.is_tag()).collect();
        if tags.is_empty() {
            return false;
        }
        let lacking = self.lacking(administrator);
        // Each must be one that is asked for.
        let asks = |asked: &PrincipalTags| tags.iter().all(|change| change.is_of_tags(asked));
        lacking.tags.iter().any(asks)
            || lacking.keys.iter().any(|key| is_open(*key) && asks(self.keys.principal_tags(*key)))
    }

    /// What an administrator cannot do as it is; kept.
    fn lacking(&self, administrator: &StateName) -> Arc<Lacking> {
        let known = self.lacking.known(administrator);
        let make = |it: &StateName| Arc::new(self.lacking_of(it));
        known.unwrap_or_else(|| self.lacking.get(administrator.clone(), make))
    }

    fn lacking_of(&self, administrator: &StateName) -> Lacking {
        let (state, at) = (self.get(administrator), administrator.at);
        let held = self.keys(administrator, &state, Which::All);
        let done = held.filter(|held| {
            let goal = self.keys.goal(held.key);
            goal.is_some_and(|goal| held.reached.chance(goal) == Chance::Sure)
        });
        let done: BTreeSet<KeyIx> = done.map(|held| held.key).collect();
        let account = self.cast.member_or_first(at).caller.account;
        // A grant can be made to somebody of any account (rule G30).
        let granted = self.keys.asking_for_grantees().iter().copied();
        let keys: BTreeSet<KeyIx> =
            self.keys.all_concerning(account).into_iter().chain(granted).collect();
        // Rules T3 to T8: whom it takes on.
        let assumes = self.assumes(administrator, &state).iter();
        let surely = assumes.filter_map(|open| match open.gain {
            Gained::Held(at, tags) => {
                let is_whole = tags == Tags::Any || !self.takes_tags(at);
                (open.chance == Chance::Sure && is_whole).then_some(at)
            }
            Gained::Changed(_) => None,
        });
        // It is held itself already; others may be it with more tags.
        let own = Some(at).filter(|own| !self.takes_tags(*own));
        let mut entered: Vec<Ix> = surely.chain(own).collect();
        entered.sort_unstable();
        let household = self.cast.household(at);
        let trusting = household.into_iter().flat_map(|household| &household.trusted_by);
        let trusting = trusting.chain(&self.cast.open_roles);
        let closed = trusting.flat_map(|role| self.cast.taken_on_as(*role));
        let closed: Box<[Ix]> = closed.filter(|at| entered.binary_search(at).is_err()).collect();
        let of_roles = closed.iter().map(|at| {
            let mut asked = Asked::default();
            self.cast.hear_trust_of_role(self.cast.role_of(*at).unwrap_or(*at), &mut asked);
            asked.tags_of_principals()
        });
        let tags = of_roles.chain([self.cast.of_organization.tags_of_principals()]);
        Lacking {
            keys: keys.into_iter().filter(|key| !done.contains(key)).collect(),
            tags: tags.filter(|asked| !asked.is_empty()).collect(),
            entered: entered.into(),
            closed,
        }
    }

    /// The keys with which somebody could do more than an administrator, that it does not get to anyhow; and
    /// others with which it could, were no policy of the organization left.
    fn keys_left_by(&self, at: Ix, administrator: &StateName) -> (Box<[KeyIx]>, Box<[KeyIx]>) {
        let told = [self.told_apart(at), self.told_apart(administrator.at)];
        let asking = self.telling_kinds(at, administrator);
        let is_told = |key: &KeyIx| {
            let mut told = told.iter().chain([&asking]);
            told.any(|told| told.binary_search(key).is_ok()) || self.keys.asks_for_grantees(*key)
        };
        let lacking = self.lacking(administrator);
        let keys = lacking.keys.iter().copied().filter(is_told);
        let is_outdone = |key: &KeyIx, bounds| self.is_outdone(at, administrator, (*key, bounds));
        let (outdone, left): (Vec<KeyIx>, Vec<KeyIx>) =
            keys.partition(|key| is_outdone(key, Bounds::AsTheyAre));
        let is_bound = self.access.inventory().organization.is_some();
        let freed = outdone.into_iter().filter(|key| is_bound && !is_outdone(key, Bounds::Lifted));
        (left.into(), freed.collect())
    }

    /// Whether an administrator can do with a key whatever `at`, of the same walls, could be made to do.
    fn is_outdone(&self, at: Ix, administrator: &StateName, key: (KeyIx, Bounds)) -> bool {
        // What the key's own tags change is not looked at, nor who makes grants to whom (rules T18, T32).
        !self.keys.asks(key.0)
            && !self.keys.asks_for_grantees(key.0)
            && self.is_within((at, None), administrator, key)
            && self.is_outdone_tagged(at, administrator, key)
    }

    /// The same once either has another of the tags that the key's policy asks for.
    fn is_outdone_tagged(&self, at: Ix, administrator: &StateName, key: (KeyIx, Bounds)) -> bool {
        let asked = self.keys.principal_tags(key.0);
        let is_within = |others: ChangeIx, changed: &StateName| {
            self.is_within((at, Some(others)), changed, key)
        };
        self.is_outdone_in_all(at, administrator, (asked, &is_within))
    }

    /// The same of all tags that are asked for: `is_within` compares `at` after a change of tags with the
    /// administrator after the same.
    fn is_outdone_in_all(
        &self,
        at: Ix,
        administrator: &StateName,
        (asked, is_within): (&PrincipalTags, IsWithin<'_>),
    ) -> bool {
        if asked.is_empty() {
            return true;
        }
        let names: BTreeSet<String> =
            asked.named.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        // Where several tags count, so do several changes; and so does one after another change. What hangs on
        // who has a tag is no value to compare.
        if names.len() > 1 || !asked.own.is_empty() || !administrator.changes.is_empty() {
            return false;
        }
        let who = administrator.at;
        let has = |name: &str, value: Option<&str>| {
            let tags = self.cast.identity(who).map(|identity| &identity.tags);
            tags.is_some_and(|tags| tags.get(name).map(|it| &**it) == value)
        };
        let open = self.own_tags(administrator);
        let is_outdone = |of: &dyn Fn(Ix) -> Change, has: bool| {
            let (own, others) = (self.changes.intern(of(who)), self.changes.intern(of(at)));
            let changed = StateName::of(who, (!has).then_some(own));
            // Who cannot have the same tag may do as much without it.
            is_within(others, administrator)
                || (has || open.contains(&own)) && is_within(others, &changed)
        };
        asked.named.iter().all(|(name, value)| {
            let tagged = |at| Change::Tagged(at, [(name.clone(), value.clone())].into());
            let untagged = |at| Change::Untagged(at, [name.clone()].into());
            is_outdone(&tagged, has(name, Some(value))) && is_outdone(&untagged, has(name, None))
        })
    }

    /// Whether the organization leaves an administrator whatever it leaves `at`, whichever tags either has.
    fn is_as_free_with_tags(&self, at: Ix, administrator: &StateName) -> bool {
        let account = self.cast.member_or_first(at).caller.account;
        let asked = &self.cast.of_organization;
        let walls = |name: &StateName| self.get(name).walls;
        let is_within = |others: ChangeIx, changed: &StateName| {
            self.is_as_free(account, walls(changed), walls(&StateName::of(at, [others])))
        };
        let of_tags = || {
            asked.names_tags_alone()
                && self.is_outdone_in_all(
                    at,
                    administrator,
                    (&asked.tags_of_principals(), &is_within),
                )
        };
        (self.is_of_kind(at, administrator) || !asked.is_of_sign_in())
            && self.is_as_free(account, walls(administrator), walls(&StateName::of(at, [])))
            && (!asked.is_of_principal_tags() || of_tags())
    }

    fn is_of_kind(&self, at: Ix, other: &StateName) -> bool {
        let kind = |at: Ix| discriminant(&self.cast.member_or_first(at).caller.kind);
        kind(at) == kind(other.at)
    }

    /// The keys that may tell `at` from an administrator of another kind; sorted.
    fn telling_kinds(&self, at: Ix, administrator: &StateName) -> Arc<[KeyIx]> {
        match self.is_of_kind(at, administrator) {
            true => Arc::default(),
            false => {
                let account = self.cast.member_or_first(at).caller.account;
                self.of_sign_in.get(account, |account| self.keys.of_sign_in(*account).into())
            }
        }
    }

    /// The roles and sessions that `at` may take on and an administrator may not for certain.
    fn left_to(&self, at: Ix, administrator: &StateName) -> Box<[(Ix, Option<ChangeIx>)]> {
        let lacking = self.lacking(administrator);
        let named = &self.cast.member_or_first(at).named_by;
        let named = named.iter().chain(self.cast.sessions_of(at)).copied();
        let named = named.filter(|role| lacking.entered.binary_search(role).is_err());
        let others = lacking.closed.iter().copied();
        let left = named.chain(others.filter(|role| self.is_left(at, administrator, *role)));
        left.map(|role| (role, self.session_tags(role, Tags::Any))).collect()
    }

    /// Whether somebody, with whatever tags, may take on a role or session that an administrator may not even
    /// with the same ones.
    fn is_left(&self, at: Ix, administrator: &StateName, entered: Ix) -> bool {
        let role = self.cast.role_of(entered).unwrap_or(entered);
        let mut asked = self.cast.of_organization.clone();
        self.cast.hear_trust_of_role(role, &mut asked);
        let is_within = |others: ChangeIx, changed: &StateName| {
            let surely = || self.lacking(changed).entered.binary_search(&entered).is_ok();
            !self.could_enter((at, Some(others)), (role, entered)) || surely()
        };
        let is_told_by_others = asked.is_of_principal_tags() && !asked.names_tags_alone();
        self.could_enter((at, None), (role, entered))
            || is_told_by_others
            || !self.is_outdone_in_all(at, administrator, (&asked.tags_of_principals(), &is_within))
    }

    /// Whether somebody might take on a role or a session of it, whatever its policies.
    fn could_enter(&self, (at, change): (Ix, Option<ChangeIx>), (role, entered): (Ix, Ix)) -> bool {
        let Some(arn) = self.cast.arn(role) else { return false };
        let asker = self.at_most(at, change);
        let side = asker.side(&self.cast.naming(entered));
        side.chance(asker.assume_action(), arn) > Chance::No
    }

    /// The changes of its own tags that an administrator can make.
    fn own_tags(&self, administrator: &StateName) -> Arc<[ChangeIx]> {
        self.own_tags.get(administrator.clone(), |administrator| {
            let state = self.get(administrator);
            let moves = self.moves(administrator, &state).best.iter();
            let moves = moves.chain(self.assumes(administrator, &state));
            let own = moves
                .filter(|open| open.of == Some(administrator.at) && open.chance >= Chance::AsTold);
            let changed = own.filter_map(|open| match open.gain {
                Gained::Changed(change) => Some(change),
                Gained::Held(..) => None,
            });
            changed.filter(|change| self.changes.get(*change).is_tag()).collect()
        })
    }

    fn is_within(
        &self,
        (at, change): (Ix, Option<ChangeIx>),
        administrator: &StateName,
        (key, bounds): (KeyIx, Bounds),
    ) -> bool {
        let of_each = |(asker, home): (&Asker<'_, '_>, &KeyHome)| {
            let side = asker.plain_key_side(home);
            let mut survey = self.keys.survey(&side);
            let reached = OPENINGS.map(|opening| survey.reached(key as usize, opening));
            (reached, survey.sides(key as usize))
        };
        let of_administrator = |it: &StateName| of_each((&self.asker(it), &self.get(it).key_home));
        let able = self.able.get((administrator.clone(), key), |(it, _)| of_administrator(it));
        // Nobody does more than everything for certain.
        if able.0.iter().all(|able| self.does_everything(able, key)) {
            return true;
        }
        let could = self.could.get((at, change, key), |_| {
            let asker = self.at_most(at, change);
            let home =
                self.at_most.get((at, change), |_| asker.key_side(&Context::default()).kept());
            of_each((&asker, &home))
        });
        let lifted = |sides: Option<Sides>| {
            let sides = self.keys.unbound(sides?);
            let reached = OPENINGS.map(|it| self.keys.reached_between(sides, key, it));
            Some((reached, Some(sides)))
        };
        let (could, able) = match bounds {
            Bounds::AsTheyAre => (could, able),
            Bounds::Lifted => match lifted(could.1).zip(lifted(able.1)) {
                Some(both) => both,
                None => return false,
            },
        };
        if could.1.is_some() && could.1 == able.1 {
            return true;
        }
        let is_told = self.telling_kinds(at, administrator).binary_search(&key).is_ok();
        let sides = able.1.zip(could.1).filter(|_| !is_told);
        let does_as_much = |(opening, (could, able)): (Opening, (&Reached, &Reached))| {
            // Requests that lead to the goal differ in what they ask for: one may be allowed, and not another.
            let leads = could.possible.intersection(self.leading(key));
            let does_leading = || {
                leads.is_subset(able.always)
                    || sides.is_some_and(|(able, could)| {
                        self.keys.allows_all_of(able, could, leads, opening)
                    })
            };
            could.is_within(able) && does_leading() || self.does_everything(able, key)
        };
        OPENINGS.into_iter().zip(could.0.iter().zip(&able.0)).all(does_as_much)
    }

    /// Whether an administrator does all with a key that is wanted of it.
    fn does_everything(&self, able: &Reached, key: KeyIx) -> bool {
        self.keys.wanted(key).is_subset(able.sure) && self.leading(key).is_subset(able.always)
    }

    /// What leads to the goal of a key.
    fn leading(&self, key: KeyIx) -> ActionSet {
        self.keys.wanted(key).intersection(KeyMove::ACTIONS.into_iter().collect())
    }

    /// Somebody whose own policies allow everything and limit nothing, in sessions of whatever tags.
    fn at_most(&self, at: Ix, change: Option<ChangeIx>) -> Asker<'_, '_> {
        let plain = self.asker(&StateName::of(at, []));
        let identity = self.cast.identity(at).map(|identity| {
            let mut identity = Identity {
                inline: vec![NamedPolicy { name: WRITTEN.into(), document: everything() }],
                attached: Vec::new(),
                groups: BTreeSet::new(),
                boundary: None,
                ..identity.clone()
            };
            match change.map(|change| self.changes.get(change)) {
                Some(Change::Tagged(_, set)) => identity.tags.extend(set.iter().cloned()),
                Some(Change::Untagged(_, keys)) => {
                    keys.iter().for_each(|key| drop(identity.tags.remove(key)));
                }
                _ => {}
            }
            identity
        });
        Asker { identity: identity.map(Cow::Owned), open_tags: true, ..plain }
    }
}
