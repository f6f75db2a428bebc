//! The search where it comes to keys: what identities that are held can do with them, alone and together.

use crate::access::Opening;
use crate::aws::{ActionSet, KmsAction};
use crate::decision::Chance;

use super::super::cast::{Ix, KeyIx};
use super::super::key_edits::KeyEdit;
use super::super::key_moves::{Ground, KeyMove, Permission};
use super::super::label::{Act, Label};
use super::super::plan::Doing;
use super::super::state::{DoingIx, State, StateName, Which};
use super::{Arrival, Fact, Granter, KeyChanged, Opened, Search, Way};

impl Search<'_, '_, '_> {
    /// What a state can do with `which` keys.
    pub(super) fn use_keys(&mut self, arrival: &Arrival, state: &State, which: Which) {
        let (states, Arrival { name, how: label, .. }) = (self.states, arrival);
        for held in states.keys(name, state, which) {
            let key = held.key;
            let Some(goal) = states.keys.goal(key) else { continue };
            if !self.is_wanted(key) || self.is_settled(key, label.acts.len()) {
                continue;
            }
            self.gain(key, name.at, label, held.reached.chance(goal));
            if self.is_settled(key, label.acts.len() + 1) || !self.has_primitives(label) {
                continue;
            }
            for action in KeyMove::ACTIONS {
                if self.goes_on(held.reached.chance(action)) {
                    self.work(name, key, Permission::of(action, &held.reached), None, label);
                }
            }
        }
        self.forget_settled(label.acts.len());
        let opened = self.opened.iter();
        let opened = opened.filter(|it| arrival.counts(it.key) && self.fit(label, &it.how));
        let opened = opened.map(|it| (it.key, it.what.clone(), it.doing, it.how.clone()));
        for (key, what, doing, how) in opened.collect::<Vec<_>>() {
            self.by_opened(name, key, (&what, doing), &label.and(&how));
        }
        for at in 0..self.granters.len() {
            if self.can_grant(at, arrival) {
                self.grant(at, name, label);
            }
        }
        let changed = self.key_changes.iter();
        let changed =
            changed.filter(|it| self.fit(label, &it.how) && self.counts_changed(arrival, it));
        for changed in changed.cloned().collect::<Vec<_>>() {
            self.use_changed(name, &changed, &label.and(&changed.how));
        }
    }

    /// Whether a state may count for a key whose tags or aliases were changed: where its own side asks for
    /// these, it may tell others apart then. What a key policy asks of its own key's tags it does not see (rule
    /// C56), or AWS leaves open.
    fn counts_changed(&self, arrival: &Arrival, changed: &KeyChanged) -> bool {
        self.states.keys.asks(changed.key)
            || arrival.counts(changed.key) && arrival.asks_for(changed.tags)
    }

    /// Forgets what is about keys to which no way of this many calls is wanted any more.
    fn forget_settled(&mut self, calls: usize) {
        if !std::mem::take(&mut self.gained) {
            return;
        }
        let enough = &self.enough;
        let is_open = |key: KeyIx| enough.get(key as usize).is_none_or(|enough| *enough > calls);
        self.opened.retain(|opened| is_open(opened.key));
        self.granters.retain(|granter| is_open(granter.key));
        self.key_changes.retain(|changed| is_open(changed.key));
    }

    /// Notes a way to the goal.
    fn gain(&mut self, key: KeyIx, goal_as: Ix, label: &Label, chance: Chance) {
        if !self.goes_on(chance) || !self.fits(label) || !self.is_wanted(key) {
            return;
        }
        let sure = label.chance.min(chance) == Chance::Sure;
        let way = Way { acts: label.acts.clone(), goal_as, sure };
        let ways = self.ways.entry(key).or_default();
        if ways.contains(&way) {
            return;
        }
        self.gained = true;
        ways.push(way);
        ways.sort_by_key(Way::rank);
        ways.truncate(self.limits.kept);
        if let Some(last) = ways.get(self.limits.kept.saturating_sub(1))
            && let Some(enough) = self.enough.get_mut(key as usize)
        {
            *enough = last.acts.len();
        }
        if self.ways.len() == self.missing {
            let wanted = self.enough.iter().zip(&self.wanted).filter(|(_, wanted)| **wanted);
            self.farthest = wanted.map(|(enough, _)| *enough).max().unwrap_or_default();
        }
    }

    /// What a permission on a key, after an edit of it, is good for (rules T16 to T19, T32, T33).
    fn work(
        &mut self,
        name: &StateName,
        key: KeyIx,
        permission: Permission,
        edit: Option<(DoingIx, &KeyEdit)>,
        label: &Label,
    ) {
        let moves = self.states.kept_key_moves(name, key, permission, edit);
        for open in moves.iter() {
            if !self.goes_on(open.chance) {
                continue;
            }
            let act = Act { by: name.at, what: open.doing, primitive: true };
            let after = label.then(act, open.chance);
            if !self.fits(&after) {
                continue;
            }
            match open.what.edit() {
                Some(_) if edit.is_none() => {
                    self.push(Fact::KeyChanged(key, open.doing), after);
                }
                Some(_) => {}
                None => self.open(name, key, (&open.what, open.doing), after),
            }
        }
        if permission.action == KmsAction::CREATE_GRANT {
            let ground = edit.map_or(Ground::AsItIs, |(_, edit)| Ground::Edited(edit.clone()));
            self.may_grant(name, key, (ground, permission.always), label);
        }
    }

    /// Whoever may make grants of a key, all of them or some, makes them to whoever is held, now or later.
    fn may_grant(
        &mut self,
        name: &StateName,
        key: KeyIx,
        (ground, always): (Ground, bool),
        label: &Label,
    ) {
        if self.is_settled(key, label.acts.len() + 1) || !self.has_primitives(label) {
            return;
        }
        let at = self.granters.len();
        let (name, how) = (name.clone(), label.clone());
        if ground.is_nothing() && self.grants_alike(&name, key, label) {
            return;
        }
        self.granters.push(Granter { name, key, ground, always, how });
        for nth in 0..self.reached.len() {
            if self.is_settled(key, label.acts.len() + 1) {
                return;
            }
            let Some(other) = self.reached.get(nth) else { break };
            if self.can_grant(at, other) {
                let (other, how) = (other.name.clone(), other.how.clone());
                self.grant(at, &other, &how);
            }
        }
    }

    /// Whether a grant by one state to another, which is one call more, stays within the limits and would be
    /// a shorter way.
    fn can_grant(&self, at: usize, to: &Arrival) -> bool {
        let Some(granter) = self.granters.get(at) else { return false };
        let (Granter { name, key, how, .. }, limits) = (granter, &self.limits);
        if name.at == to.name.at || how.acts.len().max(to.how.acts.len()) >= limits.hops {
            return false;
        }
        // Who may make grants to some alone may make one to this one, and to no other.
        if granter.always && !to.counts(*key) {
            return false;
        }
        let (calls, primitives) = how.with(&to.how);
        calls < limits.hops && primitives < limits.primitives && !self.is_settled(*key, calls + 1)
    }

    /// Whether another that no policy of the key tells apart makes the same grants as soon.
    fn grants_alike(&self, name: &StateName, key: KeyIx, label: &Label) -> bool {
        let states = self.states;
        let is_told = |at: Ix| states.told_apart(at).binary_search(&key).is_ok();
        let class = states.get(name).class;
        let alike = |granter: &Granter| {
            granter.key == key
                && granter.ground.is_nothing()
                && granter.how.covers(label)
                && states.get(&granter.name).class == class
                && !is_told(granter.name.at)
        };
        self.limits.kept == 1 && !is_told(name.at) && self.granters.iter().any(alike)
    }

    /// A key that was opened: to the one who did it, or to another identity that is held.
    fn open(&mut self, name: &StateName, key: KeyIx, what: (&KeyMove, DoingIx), how: Label) {
        if self.by_opened(name, key, what, &how) || matches!(what.0, KeyMove::Grant(..)) {
            return;
        }
        for nth in 0..self.reached.len() {
            let Some(other) = self.reached.get(nth) else { break };
            if other.counts(key) && self.fit(&how, &other.how) {
                let (other, both) = (other.name.clone(), how.and(&other.how));
                self.by_opened(&other, key, what, &both);
            }
        }
        let (what, doing) = (what.0.clone(), what.1);
        self.opened.push(Opened { key, what, doing, how });
    }

    fn by_opened(
        &mut self,
        name: &StateName,
        key: KeyIx,
        what: (&KeyMove, DoingIx),
        label: &Label,
    ) -> bool {
        if !self.fits(label) || self.is_settled(key, label.acts.len()) {
            return false;
        }
        let opening = match what.0 {
            KeyMove::Grant(..) => Opening::ByGrant,
            _ => Opening::ByPolicy,
        };
        let chance = self.states.kept_opened(name, key, what, opening);
        self.gain(key, name.at, label, chance);
        let is_open = self.goes_on(chance);
        // Whoever gets nothing by the policy itself may still make a grant to another.
        if !is_open && opening == Opening::ByPolicy {
            self.may_grant(name, key, (Ground::Opened(what.0.clone()), false), label);
        }
        is_open
    }

    /// Rules T18, T19: a grant by one state to another.
    fn grant(&mut self, at: usize, to: &StateName, label: &Label) {
        let states = self.states;
        let Some(Granter { name, key, ground, always, how }) = self.granters.get(at) else {
            return;
        };
        let key = *key;
        let what = KeyMove::Grant(key, to.at);
        let doing = states.doings.intern(Doing::Key(what.clone()));
        let used = match ground {
            Ground::AsItIs | Ground::Edited(_) => {
                states.kept_opened(to, key, (&what, doing), Opening::ByGrant)
            }
            Ground::Opened(by) => states.opened(to, key, by, Opening::ByPolicyAndGrant),
        };
        if !self.goes_on(used) {
            return;
        }
        let made = match ground {
            _ if *always => states.grants_always(key),
            Ground::AsItIs => states.kept_granting(name, key, to.at),
            ground => states.granting(name, key, to.at, ground),
        };
        if self.goes_on(made) {
            let act = Act { by: name.at, what: doing, primitive: true };
            let label = how.and(label).then(act, made);
            self.gain(key, to.at, &label, used);
        }
    }

    /// A key has other tags or aliases.
    pub(super) fn change_key(&mut self, key: KeyIx, doing: DoingIx, label: &Label) {
        let Doing::Key(KeyMove::Edit(_, edit)) = self.states.doings.get(doing) else { return };
        let changed = KeyChanged { key, doing, tags: edit.is_tag(), how: label.clone() };
        for nth in 0..self.reached.len() {
            let Some(arrival) = self.reached.get(nth) else { break };
            let calls = label.acts.len().max(arrival.how.acts.len());
            if !self.counts_changed(arrival, &changed) || self.is_settled(key, calls) {
                continue;
            }
            if let Some((name, how)) = self.reached_with(nth, label) {
                self.use_changed(&name, &changed, &how);
            }
        }
        self.key_changes.push(changed);
    }

    /// What a state can do with a key whose tags or aliases were changed.
    fn use_changed(&mut self, name: &StateName, changed: &KeyChanged, label: &Label) {
        let KeyChanged { key, doing, tags, .. } = *changed;
        if !self.fits(label) || !self.is_wanted(key) || self.is_settled(key, label.acts.len()) {
            return;
        }
        let states = self.states;
        let Doing::Key(KeyMove::Edit(_, edit)) = states.doings.get(doing) else { return };
        let Some(goal) = states.keys.goal(key) else { return };
        if tags && states.could_tagged(name, key) == ActionSet::EMPTY {
            return;
        }
        let reached = states.reached_after(name, key, (doing, edit));
        self.gain(key, name.at, label, reached.chance(goal));
        for action in KeyMove::OPENING {
            if self.goes_on(reached.chance(action)) {
                let permission = Permission::of(action, &reached);
                self.work(name, key, permission, Some((doing, edit)), label);
            }
        }
    }
}
