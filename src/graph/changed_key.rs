//! A key after what was done to it on the way: its tags, its aliases, its replica (rules T17, T32, T33).

use crate::inventory::Key;

/// A change of a key's tags or aliases.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum KeyEdit {
    /// It has a tag.
    Tagged(Box<str>, Box<str>),
    /// It lost a tag.
    Untagged(Box<str>),
    /// A new alias points to it.
    Aliased(Box<str>),
    /// An alias that pointed to another key points to it.
    Retargeted(Box<str>),
    /// An alias that pointed to it is gone.
    Unaliased(Box<str>),
}

impl KeyEdit {
    /// Whether it is of tags.
    pub(super) fn is_tag(&self) -> bool {
        matches!(self, Self::Tagged(..) | Self::Untagged(_))
    }

    /// The key after it.
    pub(super) fn applied(&self, key: &Key) -> Key {
        let mut key = key.clone();
        match self {
            Self::Tagged(tag, value) => {
                key.tags.get_or_insert_default().insert(tag.clone(), value.clone());
            }
            Self::Untagged(tag) => {
                key.tags.get_or_insert_default().remove(tag);
            }
            Self::Aliased(name) | Self::Retargeted(name) => key.aliases.extend(key.arn.alias(name)),
            Self::Unaliased(name) => {
                if let Some(alias) = key.arn.alias(name) {
                    key.aliases.remove(&alias);
                }
            }
        }
        key
    }
}

/// The replica of a key in a Region, before anybody does anything to it.
pub(super) fn replica(key: &Key, region: &str) -> Option<Key> {
    let arn = key.arn.in_region(region)?;
    Some(Key { arn, grants: Vec::new(), aliases: Default::default(), ..key.clone() })
}

/// A key after edits; nothing where there are none.
pub(super) fn edited(key: &Key, edits: &[KeyEdit]) -> Option<Key> {
    let (first, more) = edits.split_first()?;
    Some(more.iter().fold(first.applied(key), |key, edit| edit.applied(&key)))
}
