//! When keys were last used, for GetKeyLastUsage.
//!
//! It is kept in memory alone, as a use changes nothing that has to last: what AWS calls the start of the
//! tracking is the start of this encryptor.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::aws::KeyArn;

/// The last successful cryptographic operation of each key.
pub(super) struct Usages {
    /// When the tracking began, in seconds since 1970.
    pub(super) since: i64,
    last: Mutex<BTreeMap<Box<str>, Value>>,
}

impl Usages {
    pub(super) fn since(since: i64) -> Self {
        Self { since, last: Mutex::default() }
    }

    /// An operation used the keys that its answer names: ReEncrypt two.
    pub(super) fn note(&self, operation: &str, answer: &Value, now: i64, request_id: Option<&str>) {
        let mut usage = json!({ "Operation": operation, "Timestamp": now });
        if let (Some(members), Some(id)) = (usage.as_object_mut(), request_id) {
            members.insert("KmsRequestId".into(), id.into());
        }
        let keys =
            ["KeyId", "SourceKeyId"].into_iter().filter_map(|name| answer.get(name)?.as_str());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.extend(keys.map(|key| (key.into(), usage.clone())));
    }

    /// The last use; an empty structure where there is none.
    pub(super) fn last(&self, key: &KeyArn) -> Value {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(key.as_str()).cloned().unwrap_or_else(|| json!({}))
    }
}
