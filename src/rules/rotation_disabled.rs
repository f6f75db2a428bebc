//! Automatic rotation is off where KMS offers it.

use crate::aws::KeyState;
use crate::inventory::{KeyManager, MultiRegionRole};

use super::lifecycle::state;
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct RotationDisabled;

impl Rule for RotationDisabled {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(metadata) = &scope.key.metadata else { return };
        let is_replica =
            metadata.multi_region.as_ref().is_some_and(|it| it.role == MultiRegionRole::Replica);
        let rotates = metadata.manager == KeyManager::Customer
            && metadata.spec.as_deref() == Some("SYMMETRIC_DEFAULT")
            && metadata.origin.as_deref() == Some("AWS_KMS")
            && state(scope) == Some(KeyState::Enabled)
            && !is_replica;
        if !rotates || scope.key.rotation != Some(false) {
            return;
        }
        let how = match scope.world().is_declared(scope.key.place) {
            true => "`EnableKeyRotation: true`, `enable_key_rotation = true`".to_owned(),
            false => format!("aws kms enable-key-rotation --key-id {}", scope.key.arn),
        };
        sink.report(
            scope.key.arn.as_str(),
            format!("{} does not rotate its key material by itself", scope.name()),
        )
        .key(&scope.key.arn)
        .at(scope.key.place, None, "this key")
        .help(format!("enable it: {how}; nobody's access changes, and old data stays readable"))
        .done();
    }
}
