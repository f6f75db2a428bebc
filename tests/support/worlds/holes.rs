//! What an export may lack: a world with parts that are not told, and random worlds that it may be.

use std::collections::BTreeSet;

use super::render::{self, Tree};
use super::statements::{PolicyOf, Vocabulary};
use super::{Account, Identity, Managed, Policy, UNWRITTEN, World};
use crate::support::seeds::Random;

/// A part of a world that its export lacks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hole {
    /// A file about a key, without `.json`: `list-grants`, `get-key-policy`, ...
    OfKey(String, &'static str),
    /// The document of a managed policy.
    Managed(String),
    /// What is known of a group of an account.
    Group(&'static str, String),
    /// All users, roles, groups and policies of an account.
    Identities(&'static str),
    /// The document of an SCP or RCP: the level, and its number among those of its kind there.
    OfLevel(String, &'static str, usize),
}

impl World {
    /// The condition keys, in lower case, that the policies of identities, keys and levels mention.
    pub fn mentioned_keys(&self) -> BTreeSet<String> {
        let identities = self.accounts.iter().flat_map(|account| &account.identities);
        let groups = self.accounts.iter().flat_map(|account| &account.groups);
        let managed = self.accounts.iter().flat_map(|account| &account.managed);
        let keys = self.accounts.iter().flat_map(|account| &account.keys);
        let levels = self.organization.iter().flat_map(|it| &it.levels);
        let policies = identities
            .flat_map(|identity| &identity.inline)
            .chain(groups.flat_map(|group| &group.inline))
            .chain(managed.map(|managed| &managed.policy))
            .chain(keys.map(|key| &key.policy))
            .chain(levels.flat_map(|level| level.scps.iter().chain(&level.rcps)))
            .chain(self.endpoints.iter().map(|(_, policy)| policy));
        let statements = policies.flat_map(|policy| &policy.statements);
        let blocks = statements.filter_map(|statement| statement["Condition"].as_object());
        let operators = blocks.flat_map(|block| block.values()).filter_map(|it| it.as_object());
        operators.flat_map(|keys| keys.keys()).map(|name| name.to_ascii_lowercase()).collect()
    }

    /// One to three parts that an export may lack.
    pub fn holes(&self, random: &mut Random) -> Vec<Hole> {
        let mut all = Vec::new();
        for account in &self.accounts {
            for key in account.keys.iter().filter(|key| !key.is_aws_managed) {
                let files = ["list-grants", "list-resource-tags", "list-aliases", "get-key-policy"];
                all.extend(files.map(|file| Hole::OfKey(key.arn.clone(), file)));
            }
            all.extend(account.managed.iter().map(|managed| Hole::Managed(managed.arn.clone())));
            let groups = account.groups.iter();
            all.extend(groups.map(|group| Hole::Group(account.id, group.name.clone())));
            all.push(Hole::Identities(account.id));
        }
        for level in self.organization.iter().flat_map(|it| &it.levels) {
            let hole = |kind, nth| Hole::OfLevel(level.id.clone(), kind, nth);
            all.extend((0..level.scps.len()).map(|nth| hole("scp", nth)));
            all.extend((0..level.rcps.len()).map(|nth| hole("rcp", nth)));
        }
        random.some(&all, 1, 3)
    }

    /// The canonical export without these parts.
    pub fn export_without(&self, holes: &[Hole]) -> Tree {
        let mut told = self.clone();
        for hole in holes {
            told.accounts.iter_mut().for_each(|account| hole.drop_from(account));
        }
        let mut files = render::canonical(&told);
        files.retain(|path, _| !holes.iter().any(|hole| hole.takes(path, self)));
        files
    }

    /// A world that agrees with the export that lacks these parts.
    pub fn completion(&self, holes: &[Hole], random: &mut Random) -> Self {
        let mut world = self.clone();
        let vocabulary = Vocabulary::of(&self.accounts);
        for hole in holes {
            hole.fill(&mut world, &vocabulary, random);
        }
        for account in &mut world.accounts {
            let mut attached =
                account.identities.iter().flat_map(|it| it.attached.iter().chain(&it.boundary));
            let of_groups = account.groups.iter().flat_map(|group| &group.attached);
            if attached.any(|arn| arn == UNWRITTEN)
                || of_groups.into_iter().any(|arn| arn == UNWRITTEN)
            {
                account.managed.push(Managed {
                    name: "NobodyExportedThis".to_owned(),
                    arn: UNWRITTEN.to_owned(),
                    policy: vocabulary.policy(random, PolicyOf::Identity, 1, 2),
                    old: None,
                });
            }
        }
        world
    }
}

impl Hole {
    fn drop_from(&self, account: &mut Account) {
        match self {
            Self::Managed(arn) => account.managed.retain(|managed| managed.arn != *arn),
            Self::Group(id, name) if account.id == *id => {
                account.groups.retain(|group| group.name != *name);
            }
            _ => {}
        }
    }

    /// Whether the file is the part that is lacking.
    fn takes(&self, path: &str, world: &World) -> bool {
        match self {
            Self::OfKey(arn, file) => {
                let mut keys = world.accounts.iter().flat_map(|account| &account.keys);
                let key = keys.find(|key| key.arn == *arn);
                key.is_some_and(|key| {
                    let account = arn.split(':').nth(4).unwrap();
                    path.contains(&format!("/{account}/{}/kms/{}/{file}", key.region, key.id))
                })
            }
            Self::Identities(account) => path.contains(&format!("/{account}/iam/")),
            Self::OfLevel(level, kind, nth) => {
                let id = format!("p-{kind}{nth}{}", level.replace('-', ""));
                path.contains(&format!("/policies/{id}/describe-policy"))
            }
            Self::Managed(_) | Self::Group(..) => false,
        }
    }

    fn fill(&self, world: &mut World, vocabulary: &Vocabulary, random: &mut Random) {
        let accounts = &mut world.accounts;
        match self {
            Self::OfKey(arn, file) => {
                let mut keys = accounts.iter_mut().flat_map(|account| &mut account.keys);
                if let Some(key) = keys.find(|key| key.arn == *arn) {
                    let account = arn.split(':').nth(4).unwrap();
                    match *file {
                        "list-grants" => {
                            let count = random.below(3);
                            key.grants = (0..count)
                                .map(|nth| vocabulary.grant(random, &key.id, nth))
                                .collect();
                        }
                        "list-resource-tags" => {
                            let color = *random.pick::<&str>(&["red", "blue"]);
                            key.tags = random.some(&[("team".to_owned(), color.to_owned())], 0, 1);
                        }
                        "list-aliases" => {
                            key.aliases = random.some(&["alias/k0-0".to_owned()], 0, 1);
                        }
                        _ => key.policy = vocabulary.key_policy(random, account),
                    }
                }
            }
            Self::Managed(arn) => {
                let mut managed = accounts.iter_mut().flat_map(|account| &mut account.managed);
                if let Some(managed) = managed.find(|managed| managed.arn == *arn) {
                    managed.policy = vocabulary.policy(random, PolicyOf::Identity, 1, 2);
                }
            }
            Self::Group(id, name) => {
                let account = accounts.iter_mut().find(|account| account.id == *id);
                let mut groups = account.into_iter().flat_map(|account| &mut account.groups);
                if let Some(group) = groups.find(|group| group.name == *name) {
                    group.inline = vec![vocabulary.policy(random, PolicyOf::Identity, 1, 2)];
                }
            }
            Self::Identities(id) => {
                let account = accounts.iter_mut().find(|account| account.id == *id);
                for identity in account.into_iter().flat_map(|account| &mut account.identities) {
                    refill(identity, vocabulary, random);
                }
            }
            Self::OfLevel(id, kind, nth) => {
                let mut levels = world.organization.iter_mut().flat_map(|it| &mut it.levels);
                if let Some(level) = levels.find(|level| level.id == *id) {
                    let (set, of) = match *kind {
                        "scp" => (&mut level.scps, PolicyOf::Scp),
                        _ => (&mut level.rcps, PolicyOf::Rcp),
                    };
                    if let Some(policy) = set.get_mut(*nth) {
                        *policy = vocabulary.policy(random, of, 1, 2);
                    }
                }
            }
        }
    }
}

/// Another user or role of the same name.
fn refill(identity: &mut Identity, vocabulary: &Vocabulary, random: &mut Random) {
    let count = random.below(3);
    let policy =
        |random: &mut Random| -> Policy { vocabulary.policy(random, PolicyOf::Identity, 1, 2) };
    identity.inline = (0..count).map(|_| policy(random)).collect();
    identity.attached.clear();
    identity.boundary = None;
    identity.tags = random.some(&[("team".to_owned(), "blue".to_owned())], 0, 1);
}
