//! Texts that many policies of an export have in common, kept once.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::source::Place;

use super::document::{Body, PolicyDocument, PolicyKind};

/// How many locks the texts are spread over.
const SHARDS: usize = 32;

/// One kind of policy with its text, and the hash of both: a table that grows asks for it again.
struct Shared {
    hash: u64,
    kind: PolicyKind,
    body: Arc<Body>,
}

/// The policies that were read so far: of equal kind and text they have one body, which is parsed once.
pub struct SharedPolicies {
    shards: [Mutex<HashTable<Shared>>; SHARDS],
}

impl Default for SharedPolicies {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl fmt::Debug for SharedPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPolicies").finish_non_exhaustive()
    }
}

impl SharedPolicies {
    /// A policy in JSON, not parsed yet.
    pub fn json(&self, place: Place, kind: PolicyKind, text: Cow<'_, str>) -> PolicyDocument {
        let hash = hash_of(kind, &text);
        // The table takes the highest bits and the lowest.
        let shard = self.shards.get((hash >> 32) as usize % SHARDS).unwrap_or(&self.shards[0]);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &Shared| known.kind == kind && *known.body.text() == *text;
        let known = shard.find(hash, is_same).map(|known| Arc::clone(&known.body));
        let body = known.unwrap_or_else(|| {
            let body = Arc::new(Body::of_text(text.into()));
            let shared = Shared { hash, kind, body: Arc::clone(&body) };
            shard.insert_unique(hash, shared, |known| known.hash);
            body
        });
        PolicyDocument::with_body(place, kind, body)
    }
}

fn hash_of(kind: PolicyKind, text: &str) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    (kind, text).hash(&mut hasher);
    std::hash::Hasher::finish(&hasher)
}

#[cfg(test)]
mod tests {
    use crate::source::{FileId, Span};

    use super::*;

    #[test]
    fn equal_texts_of_one_kind_are_kept_once() {
        let shared = SharedPolicies::default();
        let place = |file| Place::plain(FileId(file), Span::new(0, 2));
        let one = shared.json(place(0), PolicyKind::Key, "{}".into());
        let same = shared.json(place(1), PolicyKind::Key, "{}".to_owned().into());
        let other = shared.json(place(2), PolicyKind::Identity, "{}".into());
        let longer = shared.json(place(3), PolicyKind::Key, "{ }".into());
        assert_eq!(one.identity(), same.identity());
        assert_eq!(same.place, place(1));
        assert!(one.identity() != other.identity() && one.identity() != longer.identity());
        assert_eq!((other.kind, longer.text()), (PolicyKind::Identity, "{ }"));
    }
}
