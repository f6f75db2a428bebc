//! The keys of a world, shared by all its clones.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use crate::aws::KeyArn;

use super::Key;

type Shard = BTreeMap<KeyArn, Arc<Key>>;

/// Keys by their ARNs, in the order of the ARNs.
///
/// A clone shares what it does not change: the keys of one account and Region are one shard, and a
/// change copies that shard alone. A what-if of one key in ten thousand so costs some microseconds.
#[derive(Clone, Default, Debug)]
pub struct Keys {
    /// By what all ARNs of a shard begin with: `arn:aws:kms:eu-west-1:111122223333:`.
    shards: BTreeMap<Arc<str>, Arc<Shard>>,
}

/// What the ARNs of the key's shard begin with; it ends in a colon, so shards are in order of ARNs.
fn beginning(arn: &KeyArn) -> &str {
    arn.as_str().strip_suffix(arn.id()).and_then(|text| text.strip_suffix("key/")).unwrap_or("")
}

impl Keys {
    /// The key with this ARN.
    pub fn get(&self, arn: &KeyArn) -> Option<&Arc<Key>> {
        self.shards.get(beginning(arn))?.get(arn)
    }

    /// The key with this ARN, to be changed.
    pub fn get_mut(&mut self, arn: &KeyArn) -> Option<&mut Arc<Key>> {
        let shard = self.shards.get_mut(beginning(arn)).filter(|shard| shard.contains_key(arn))?;
        Arc::make_mut(shard).get_mut(arn)
    }

    /// Whether there is a key with this ARN.
    pub fn contains_key(&self, arn: &KeyArn) -> bool {
        self.get(arn).is_some()
    }

    /// Puts a key in; gives back the one it replaces.
    pub fn insert(&mut self, arn: KeyArn, key: Arc<Key>) -> Option<Arc<Key>> {
        match self.shards.get_mut(beginning(&arn)) {
            Some(shard) => Arc::make_mut(shard).insert(arn, key),
            None => {
                self.shards.insert(beginning(&arn).into(), Arc::new(Shard::from([(arn, key)])));
                None
            }
        }
    }

    /// Puts in keys of one shard.
    fn extend_shard(&mut self, run: Vec<(KeyArn, Arc<Key>)>) {
        let Some((first, _)) = run.first() else { return };
        match self.shards.get_mut(beginning(first)) {
            Some(shard) => Arc::make_mut(shard).extend(run),
            None => {
                let name = beginning(first).into();
                self.shards.insert(name, Arc::new(run.into_iter().collect()));
            }
        }
    }

    /// The keys with their ARNs.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyArn, &Arc<Key>)> {
        self.shards.values().flat_map(|shard| shard.iter())
    }

    /// Their ARNs.
    pub fn keys(&self) -> impl Iterator<Item = &KeyArn> {
        self.iter().map(|(arn, _)| arn)
    }

    /// The keys.
    pub fn values(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.iter().map(|(_, key)| key)
    }

    /// The keys, to be changed; all shards are copied that a clone shares.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Arc<Key>> {
        self.shards.values_mut().flat_map(|shard| Arc::make_mut(shard).values_mut())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shards.values().map(|shard| shard.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }
}

impl FromIterator<(KeyArn, Arc<Key>)> for Keys {
    fn from_iter<I: IntoIterator<Item = (KeyArn, Arc<Key>)>>(keys: I) -> Self {
        let mut all = Self::default();
        // Keys mostly come in the order of their ARNs: a run of one shard is put in together.
        let mut run: Vec<(KeyArn, Arc<Key>)> = Vec::new();
        for (arn, key) in keys {
            if run.last().is_some_and(|(last, _)| beginning(last) != beginning(&arn)) {
                all.extend_shard(mem::take(&mut run));
            }
            run.push((arn, key));
        }
        all.extend_shard(run);
        all
    }
}

#[cfg(test)]
mod tests {
    use crate::source::{FileId, Place, Span};

    use super::*;

    fn arn(text: &str) -> KeyArn {
        KeyArn::parse(text).expect("a key")
    }

    fn keys(arns: &[&str]) -> Keys {
        let place = Place::plain(FileId(0), Span::default());
        let key = |text: &&str| (arn(text), Arc::new(Key::new(arn(text), place)));
        arns.iter().map(key).collect()
    }

    #[test]
    fn they_come_in_the_order_of_their_arns() {
        let mut arns = [
            "arn:aws:kms:eu-west-1:111122223333:key/b",
            "arn:aws:kms:eu-west-1:111122223333:key/a",
            "arn:aws:kms:eu-west-1:000000000000:key/c",
            "arn:aws:kms:eu-west-12:000000000000:key/d",
            "arn:aws-cn:kms:cn-north-1:000000000000:key/key/e",
        ];
        let keys = keys(&arns);
        arns.sort_unstable();
        assert!(keys.values().map(|key| key.arn.as_str()).eq(arns));
        assert_eq!(keys.len(), arns.len());
        assert!(arns.iter().all(|text| keys.get(&arn(text)).is_some()));
    }

    #[test]
    fn a_change_leaves_clones_as_they_are() {
        let name = arn("arn:aws:kms:eu-west-1:111122223333:key/a");
        let first = keys(&[name.as_str(), "arn:aws:kms:eu-west-2:111122223333:key/a"]);
        let mut second = first.clone();
        Arc::make_mut(second.get_mut(&name).expect("it is there")).rotation = Some(true);
        assert_eq!(first.get(&name).and_then(|key| key.rotation), None);
        assert_eq!(second.get(&name).and_then(|key| key.rotation), Some(true));
    }
}
