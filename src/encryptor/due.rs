//! What the clock does to keys: automatic rotations, the end of imported material, deletions.
//!
//! All follow from the records and the time alone. So rotations and ends are not written down when they
//! happen, but with the next change of their key, and a start finds them again. A deletion is: the aliases
//! of a key that is gone are free.

use crate::aws::KeyArn;
use crate::inventory::{Edit, Key, MultiRegionRole};

use super::Touched;
use super::state::{KeyRecord, Rotation, State};

const DAY: i64 = 86_400;

/// Days between automatic rotations where nobody says how many.
pub(super) const PERIOD: i64 = 365;

impl KeyRecord {
    /// When the key rotates next by itself.
    pub(super) fn next_rotation(&self) -> Option<i64> {
        Some(self.rotates_from? + self.rotation_period.unwrap_or(PERIOD) * DAY)
    }

    /// A rotation that was due while the key could not rotate happens now, and happens once.
    pub(super) fn catch_up(&mut self, now: i64) {
        let period = self.rotation_period.unwrap_or(PERIOD) * DAY;
        self.rotates_from = self.rotates_from.map(|from| from.max(now - period));
    }
}

impl State {
    /// Whether the clock has done something to a key that this state does not know of yet.
    pub(super) fn is_due(&self, now: i64) -> bool {
        self.due <= now
    }

    /// When the clock next does something to any key.
    pub(super) fn next_due(&self) -> i64 {
        let all = self.records().iter().filter_map(|(key, record)| self.due_of(key, record));
        all.min().unwrap_or(i64::MAX)
    }

    /// The same of one key, by a record of it.
    pub(super) fn due_of(&self, key: &KeyArn, record: &KeyRecord) -> Option<i64> {
        let rotates = rotates(self.world.key(key)?);
        let rotation = record.next_rotation().filter(|_| rotates);
        rotation.into_iter().chain(record.valid_to).chain(record.deletion).min()
    }

    /// The state once all has happened that is due, and what of it has to be kept.
    pub(super) fn settled(&self, now: i64) -> (Self, Vec<Touched>) {
        let (mut after, mut kept) = (self.clone(), Vec::new());
        after.due = after.next_due();
        // The deletion of a replica can begin the one of its primary.
        while after.due <= now {
            let records = after.records().iter();
            let due = records
                .filter(|(arn, record)| after.due_of(arn, record).is_some_and(|due| due <= now));
            let due: Vec<KeyArn> = due.map(|(arn, _)| arn.clone()).collect();
            due.iter().for_each(|arn| after.settle(arn, now, &mut kept));
            after.due = after.next_due();
        }
        (after, kept)
    }

    fn settle(&mut self, arn: &KeyArn, now: i64, kept: &mut Vec<Touched>) {
        let mut record = self.record(arn);
        if let Some(date) = record.deletion.filter(|date| *date <= now) {
            let family = self.related(arn);
            self.apply(&Edit::DeleteKey { key: arn.clone() });
            for other in &family {
                self.begin_deletion(other, date);
            }
            return kept.extend(family.into_iter().chain([arn.clone()]).map(Touched::Key));
        }
        let rotates = self.world.key(arn).is_some_and(rotates);
        while let Some(date) = record.next_rotation().filter(|date| rotates && *date <= now) {
            record.rotations.push(Rotation { date, on_demand: false });
            record.rotates_from = Some(date);
            self.share_rotation(arn, &record);
        }
        record.renew_import(now);
        if record.awaits_import {
            self.await_import(arn);
        }
        self.set_record(arn, record);
    }

    /// The window of a primary key that waits for its replicas to go begins with the last of them.
    fn begin_deletion(&mut self, arn: &KeyArn, date: i64) {
        let Some(mut key) = self.world.key(arn).filter(|key| replicas_of(key) == 0).cloned() else {
            return;
        };
        if let Some(metadata) = &mut key.metadata
            && metadata.state.as_deref() == Some("PendingReplicaDeletion")
        {
            metadata.state = Some("PendingDeletion".into());
            self.apply(&Edit::PutKey { key: Box::new(key) });
            let mut record = self.record(arn);
            record.deletion = record.window.map(|days| date + days * DAY);
            self.set_record(arn, record);
        }
    }

    /// Says of a key that it has no material; not of one that waits for its deletion.
    pub(super) fn await_import(&mut self, arn: &KeyArn) {
        let Some(mut key) = self.world.key(arn).cloned() else {
            return;
        };
        let Some(metadata) = &mut key.metadata else {
            return;
        };
        if matches!(metadata.state.as_deref(), Some("Enabled" | "Disabled")) {
            metadata.state = Some("PendingImport".into());
            self.apply(&Edit::PutKey { key: Box::new(key) });
        }
    }

    /// The other keys of a multi-Region key's family.
    pub(super) fn related(&self, arn: &KeyArn) -> Vec<KeyArn> {
        if !arn.is_multi_region() {
            return Vec::new();
        }
        let is_related = |other: &&KeyArn| {
            *other != arn && other.id() == arn.id() && other.account() == arn.account()
        };
        self.world.keys.keys().filter(is_related).cloned().collect()
    }

    /// The related keys that were given material, which has to be the same in all of them.
    pub(super) fn related_with_imports(&self, arn: &KeyArn) -> Vec<KeyArn> {
        let mut related = self.related(arn);
        related.retain(|other| !self.record(other).imported.is_empty());
        related
    }

    /// Whether the material that waits for a key's rotation is in every Region: before that the key does
    /// not rotate.
    pub(super) fn can_rotate_to_imported(&self, arn: &KeyArn) -> bool {
        let family = self.related(arn).into_iter().chain([arn.clone()]);
        family.map(|one| self.record(&one)).all(|record| record.has_waiting())
    }

    /// Related keys share their material, and so its versions and when there will be another.
    pub(super) fn share_rotation(&mut self, arn: &KeyArn, of: &KeyRecord) {
        for other in self.related(arn) {
            let mut record = self.record(&other);
            record.rotations.clone_from(&of.rotations);
            (record.rotation_period, record.rotates_from) = (of.rotation_period, of.rotates_from);
            self.set_record(&other, record);
        }
    }
}

/// Whether a key rotates by itself; a replica does with its primary.
fn rotates(key: &Key) -> bool {
    let state = key.metadata.as_ref().and_then(|it| it.state.as_deref());
    key.rotation == Some(true) && state.is_none_or(|state| state == "Enabled") && !is_replica(key)
}

/// How many replicas a multi-Region primary key has, in this export or beside it.
pub(super) fn replicas_of(key: &Key) -> usize {
    let related = key.metadata.as_ref().and_then(|it| it.multi_region.as_ref());
    let related = related.filter(|related| related.role == MultiRegionRole::Primary);
    related.map_or(0, |related| related.replicas.len())
}

/// Whether a key is a multi-Region replica.
pub(super) fn is_replica(key: &Key) -> bool {
    let related = key.metadata.as_ref().and_then(|it| it.multi_region.as_ref());
    related.is_some_and(|related| related.role == MultiRegionRole::Replica)
}
