//! What edits change about keys and aliases.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{AliasArn, KeyArn};
use crate::inventory::{Alias, Inventory, Key, MultiRegion, MultiRegionRole, Tags};
use crate::policy::PolicyDocument;

impl Inventory {
    /// Rules T17, X4: the same material in another Region, under a policy of its own.
    pub(super) fn replicate(
        &mut self,
        primary: &KeyArn,
        region: &str,
        policy: &PolicyDocument,
    ) -> Option<()> {
        let arn = KeyArn::new(primary.partition(), region, primary.account(), primary.id())?;
        let key = self.key_mut(primary)?;
        let metadata = key.metadata.as_mut()?;
        let related = metadata.multi_region.as_mut()?;
        related.replicas.insert(arn.as_str().into());
        let related = MultiRegion { role: MultiRegionRole::Replica, ..related.clone() };
        let mut metadata = metadata.clone();
        metadata.multi_region = Some(related);
        let replica = Key {
            arn: arn.clone(),
            metadata: Some(metadata),
            policy: Some(policy.clone()),
            ram_policy: None,
            grants: Vec::new(),
            grants_listed: true,
            aliases: BTreeSet::new(),
            aliases_listed: true,
            tags: Some(Tags::default()),
            rotation: key.rotation,
            place: key.place,
        };
        self.keys.insert(arn, Arc::new(replica));
        Some(())
    }

    /// Rule T33: the alias leaves the key it pointed to.
    pub(super) fn point_alias(&mut self, alias: &AliasArn, key: &KeyArn) -> Option<()> {
        self.delete_alias(alias);
        let key = self.key_mut(key)?;
        key.aliases.insert(alias.clone());
        let (target, place) = (Some(key.arn.id().into()), key.place);
        let made = Alias { arn: alias.clone(), target, place };
        Arc::make_mut(&mut self.aliases).insert(alias.clone(), made);
        Some(())
    }

    pub(super) fn delete_alias(&mut self, alias: &AliasArn) -> Option<()> {
        let target = self.alias(alias)?.key();
        Arc::make_mut(&mut self.aliases).remove(alias);
        self.key_mut(&target?)?.aliases.remove(alias);
        Some(())
    }
}
