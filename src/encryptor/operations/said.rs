//! What a body says of condition keys.

use crate::decision::{Context, ContextValue};
use crate::encryptor::blob::EncryptionContext;
use crate::inventory::Tags;

/// The condition keys that a body gives.
#[derive(Default)]
pub(super) struct Said(pub(super) Context);

impl Said {
    /// One value.
    pub(super) fn one(mut self, key: &str, value: &str) -> Self {
        self.0.set_one(key, value);
        self
    }

    /// One value, where there is any.
    pub(super) fn some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.one(key, value),
            None => self,
        }
    }

    fn many<'t>(mut self, key: &str, values: impl Iterator<Item = &'t str>) -> Self {
        self.0.set(key, ContextValue::Many(values.map(Into::into).collect()));
        self
    }

    /// The tags of a new key.
    pub(super) fn tags(self, tags: &Tags) -> Self {
        if tags.is_empty() {
            return self;
        }
        let said = self.many("aws:TagKeys", tags.keys().map(AsRef::as_ref));
        tags.iter()
            .fold(said, |said, (tag, value)| said.one(&format!("aws:RequestTag/{tag}"), value))
    }

    /// The encryption context: the evaluator derives `kms:EncryptionContextKeys` from the pairs.
    pub(super) fn pairs(mut self, pairs: &EncryptionContext) -> Self {
        for (key, value) in pairs {
            self.0.set_one(&format!("kms:EncryptionContext:{key}"), value);
        }
        self
    }
}
