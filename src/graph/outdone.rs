//! Who can do nothing with a key that an administrator of its account cannot do as well.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::access::Opening;
use crate::decision::{Chance, Context};
use crate::inventory::{Identity, NamedPolicy};

use super::asker::Asker;
use super::cast::{Ix, KeyIx};
use super::change::{Change, WRITTEN, everything};
use super::state::{ChangeIx, Gained, StateName, States};

const OPENINGS: [Opening; 4] =
    [Opening::AsItIs, Opening::ByPolicy, Opening::ByGrant, Opening::ByPolicyAndGrant];

impl States<'_, '_> {
    /// Whether an administrator can do with a key whatever `at`, of the same walls, could be made to do by
    /// changes of its policies and tags, and of the key.
    pub(super) fn is_outdone(&self, at: Ix, administrator: &StateName, key: KeyIx) -> bool {
        self.outdone.get((at, administrator.clone(), key), |(at, administrator, key)| {
            // What the key's own tags change is not looked at.
            !self.keys.asks(*key)
                && self.is_within((*at, None), administrator, *key)
                && self.is_outdone_tagged(*at, administrator, *key)
        })
    }

    /// The same once either has another of the tags that the key's policy asks for.
    fn is_outdone_tagged(&self, at: Ix, administrator: &StateName, key: KeyIx) -> bool {
        let asked = self.keys.principal_tags(key);
        if asked.is_empty() {
            return true;
        }
        let names: BTreeSet<String> =
            asked.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        // Where several tags count, so do several changes; and so does one after another change.
        if names.len() > 1 || !administrator.changes.is_empty() {
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
            (has || open.contains(&own)) && self.is_within((at, Some(others)), &changed, key)
        };
        asked.iter().all(|(name, value)| {
            let tagged = |at| Change::Tagged(at, [(name.clone(), value.clone())].into());
            let untagged = |at| Change::Untagged(at, [name.clone()].into());
            is_outdone(&tagged, has(name, Some(value))) && is_outdone(&untagged, has(name, None))
        })
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
        able: &StateName,
        key: KeyIx,
    ) -> bool {
        let of_each = |asker: &Asker<'_, '_>| {
            let side = asker.key_side(&Context::default());
            let mut survey = self.keys.survey(&side);
            OPENINGS.map(|opening| survey.reached(key as usize, opening))
        };
        let able = self.able.get((able.clone(), key), |(name, _)| of_each(&self.asker(name)));
        // Nobody does more than everything for certain.
        let wanted = self.keys.wanted(key);
        if able.iter().all(|able| wanted.is_subset(able.sure)) {
            return true;
        }
        let could = self.could.get((at, change, key), |_| of_each(&self.at_most(at, change)));
        could
            .iter()
            .zip(&able)
            .all(|(could, able)| wanted.is_subset(able.sure) || could.is_within(able))
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
