//! The keys and the aliases of a world, shared by all its clones.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use crate::aws::{AliasArn, KeyArn};

use super::{Alias, Key};

/// Keys by their ARNs.
pub type Keys = Sharded<KeyArn, Arc<Key>>;

/// Aliases by their ARNs.
pub type Aliases = Sharded<AliasArn, Alias>;

/// What an account and a Region own, by ARNs, in the order of the ARNs.
///
/// A clone shares everything: what one account and Region own is one shard, and a change copies that shard
/// and the list of them. A what-if of one key in ten thousand so costs some microseconds.
#[derive(Clone, Debug)]
pub struct Sharded<K, V> {
    /// By what all ARNs of a shard begin with: `arn:aws:kms:eu-west-1:111122223333:`.
    shards: Arc<Shards<K, V>>,
}

/// The shards by their names.
type Shards<K, V> = BTreeMap<Arc<str>, Arc<BTreeMap<K, V>>>;

/// An ARN that begins with an account and a Region.
pub trait Owned: Ord + Clone {
    /// What the ARNs of its account and Region begin with; it ends in a colon, so shards are in order of
    /// ARNs.
    fn beginning(&self) -> &str;
}

impl Owned for KeyArn {
    fn beginning(&self) -> &str {
        beginning(self.as_str())
    }
}

impl Owned for AliasArn {
    fn beginning(&self) -> &str {
        beginning(self.as_str())
    }
}

/// An ARN up to the colon behind its account.
fn beginning(arn: &str) -> &str {
    let colon = arn.match_indices(':').nth(4);
    colon.and_then(|(at, _)| arn.get(..=at)).unwrap_or("")
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self { shards: Arc::default() }
    }
}

impl<K: Owned, V: Clone> Sharded<K, V> {
    /// What has this ARN.
    pub fn get(&self, arn: &K) -> Option<&V> {
        self.shards.get(arn.beginning())?.get(arn)
    }

    /// What has this ARN, to be changed.
    pub fn get_mut(&mut self, arn: &K) -> Option<&mut V> {
        self.shard_mut(arn)?.get_mut(arn)
    }

    /// Whether something has this ARN.
    pub fn contains_key(&self, arn: &K) -> bool {
        self.get(arn).is_some()
    }

    /// Puts a value in; gives back the one it replaces.
    pub fn insert(&mut self, arn: K, value: V) -> Option<V> {
        let shards = Arc::make_mut(&mut self.shards);
        match shards.get_mut(arn.beginning()) {
            Some(shard) => Arc::make_mut(shard).insert(arn, value),
            None => {
                let name = arn.beginning().into();
                shards.insert(name, Arc::new(BTreeMap::from([(arn, value)])));
                None
            }
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, arn: &K) -> Option<V> {
        self.shard_mut(arn)?.remove(arn)
    }

    /// The shard that something stands in, to be changed.
    fn shard_mut(&mut self, arn: &K) -> Option<&mut BTreeMap<K, V>> {
        if !self.contains_key(arn) {
            return None;
        }
        Arc::make_mut(&mut self.shards).get_mut(arn.beginning()).map(Arc::make_mut)
    }

    /// Puts in values of one shard.
    fn extend_shard(&mut self, run: Vec<(K, V)>) {
        let Some((first, _)) = run.first() else { return };
        let shards = Arc::make_mut(&mut self.shards);
        match shards.get_mut(first.beginning()) {
            Some(shard) => Arc::make_mut(shard).extend(run),
            None => {
                let name = first.beginning().into();
                shards.insert(name, Arc::new(run.into_iter().collect()));
            }
        }
    }

    /// The values with their ARNs.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.values().flat_map(|shard| shard.iter())
    }

    /// The ARNs.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(arn, _)| arn)
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The values, to be changed; all shards are copied that a clone shares.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        Arc::make_mut(&mut self.shards)
            .values_mut()
            .flat_map(|shard| Arc::make_mut(shard).values_mut())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shards.values().map(|shard| shard.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.shards.values().all(|shard| shard.is_empty())
    }
}

impl<K: Owned, V: Clone> FromIterator<(K, V)> for Sharded<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(values: I) -> Self {
        let mut all = Self::default();
        // They mostly come in the order of their ARNs: a run of one shard is put in together.
        let mut run: Vec<(K, V)> = Vec::new();
        for (arn, value) in values {
            if run.last().is_some_and(|(last, _)| last.beginning() != arn.beginning()) {
                all.extend_shard(mem::take(&mut run));
            }
            run.push((arn, value));
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
