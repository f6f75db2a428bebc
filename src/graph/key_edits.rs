//! What calls change about a key's tags and aliases (rules T32, T33).

use crate::inventory::Key;

use super::tagging::TagSet;

/// A change of a key's tags or aliases.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum KeyEdit {
    /// It has tags.
    Tagged(TagSet),
    /// It lost tags.
    Untagged(Box<[Box<str>]>),
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
            Self::Tagged(set) => {
                key.tags.get_or_insert_default().extend(set.iter().cloned());
            }
            Self::Untagged(keys) => {
                let tags = key.tags.get_or_insert_default();
                keys.iter().for_each(|tag| drop(tags.remove(tag)));
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
