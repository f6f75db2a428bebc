//! What edits change about keys and aliases.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{AliasArn, KeyArn};
use crate::inventory::{Alias, Edit, Grant, Inventory, Key, MultiRegion, MultiRegionRole, Tags};
use crate::policy::PolicyDocument;

impl Edit {
    /// The key after the edit, where the edit changes its policy, its grants, its tags or its aliases and
    /// nothing else that could matter for it.
    pub fn on_key(&self, key: &Key) -> Option<Key> {
        let is_of_key = match self {
            Self::PutKeyPolicy { key: arn, .. }
            | Self::CreateGrant { key: arn, .. }
            | Self::RevokeGrant { key: arn, .. }
            | Self::TagKey { key: arn, .. }
            | Self::UntagKey { key: arn, .. } => *arn == key.arn,
            // Wherever the alias points before or afterwards.
            Self::PointAlias { .. } | Self::DeleteAlias { .. } => true,
            Self::WithoutStatement { policy, .. } => {
                key.policy.as_ref().is_some_and(|document| document.place == *policy)
            }
            _ => false,
        };
        is_of_key.then(|| {
            let mut key = key.clone();
            self.change_key(&mut key);
            key
        })
    }

    /// Changes what it changes of a key that it is about.
    pub(super) fn change_key(&self, key: &mut Key) {
        match self {
            Self::PutKeyPolicy { policy, .. } => key.policy = Some(policy.clone()),
            Self::CreateGrant { grant, .. } => key.grants.push(Grant::clone(grant)),
            Self::RevokeGrant { grant, .. } => key.grants.retain(|one| one.id != *grant),
            Self::TagKey { tags, .. } => {
                let all = key.tags.get_or_insert_default();
                all.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            Self::UntagKey { keys, .. } => {
                let all = key.tags.iter_mut();
                all.for_each(|all| keys.iter().for_each(|key| drop(all.remove(key))));
            }
            Self::PointAlias { alias, key: arn } if *arn == key.arn => {
                key.aliases.insert(alias.clone());
            }
            Self::PointAlias { alias, .. } | Self::DeleteAlias { alias } => {
                key.aliases.remove(alias);
            }
            Self::WithoutStatement { statement, .. } => {
                key.policy = key.policy.as_ref().map(|document| document.without(*statement));
            }
            _ => {}
        }
    }
}

impl Inventory {
    /// Rules T17, X4: the same material in another Region, under a policy of its own.
    pub(super) fn replicate(
        &mut self,
        primary: &KeyArn,
        region: &str,
        policy: &PolicyDocument,
    ) -> Option<()> {
        let arn = primary.in_region(region)?;
        self.key_mut(primary)?.metadata.as_mut()?.multi_region.as_mut()?;
        self.in_family(primary, |related| {
            related.replicas.insert(arn.as_str().into());
        });
        let key = self.key(primary)?;
        let metadata = key.metadata.as_ref()?;
        let related = metadata.multi_region.as_ref()?;
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
            lockout_check_bypassed: None,
            place: key.place,
        };
        self.keys.insert(arn, Arc::new(replica));
        Some(())
    }

    /// Changes what a multi-Region key and those related to it tell of one another.
    fn in_family(&mut self, arn: &KeyArn, change: impl Fn(&mut MultiRegion)) {
        let related = self.key(arn).and_then(|key| key.metadata.as_ref()?.multi_region.as_ref());
        let related = related.into_iter().flat_map(|it| it.replicas.iter().chain(&it.primary));
        let family = related.filter_map(|other| KeyArn::parse(other)).chain([arn.clone()]);
        for one in family.collect::<BTreeSet<KeyArn>>() {
            let metadata = self.key_mut(&one).and_then(|key| key.metadata.as_mut());
            metadata.and_then(|it| it.multi_region.as_mut()).map(&change);
        }
    }

    /// Rule X4: those related to it stay.
    pub(super) fn delete_key(&mut self, arn: &KeyArn) -> Option<()> {
        self.in_family(arn, |related| {
            related.replicas.remove(arn.as_str());
        });
        let key = self.keys.remove(arn)?;
        for alias in &key.aliases {
            if self.alias(alias).and_then(Alias::key).as_ref() == Some(arn) {
                self.aliases.remove(alias);
            }
        }
        Some(())
    }

    /// Rule T33: the alias leaves the key it pointed to.
    pub(super) fn point_alias(&mut self, alias: &AliasArn, key: &KeyArn) -> Option<()> {
        self.delete_alias(alias);
        let key = self.key_mut(key)?;
        key.aliases.insert(alias.clone());
        let (target, place) = (Some(key.arn.id().into()), key.place);
        let made = Alias { arn: alias.clone(), target, place };
        self.aliases.insert(alias.clone(), made);
        Some(())
    }

    pub(super) fn delete_alias(&mut self, alias: &AliasArn) -> Option<()> {
        let target = self.alias(alias)?.key();
        self.aliases.remove(alias);
        self.key_mut(&target?)?.aliases.remove(alias);
        Some(())
    }
}
