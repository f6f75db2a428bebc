//! What an engine says of groups of callers is what it says of each of them alone, in random worlds: for
//! what they hold, today and after an edit of the key, for what becomes of statements and grants, for what
//! they could give themselves, and for requests that say something. What is not offered to a caller no loss of a
//! Deny gives it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeSet;

use keyreach::access::Access;
use keyreach::audit::Engine;
use keyreach::aws::{ActionSet, KmsAction};
use keyreach::decision::{
    Allowing, Bound, Caller, Cell, ContextValue, Fates, Gift, Holding, Reach, Request,
};
use keyreach::inventory::{Edit, Inventory, Key};
use rayon::prelude::*;
use support::matrix::net::{inventory, loaded};
use support::matrix::now;
use support::seeds::{Random, for_each_seed};
use support::worlds::World;

const WORLDS: u64 = 60;

/// The actions that statements of random worlds speak of, and some that few do.
fn wanted() -> ActionSet {
    let names = [
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "ReEncryptFrom",
        "DescribeKey",
        "CreateGrant",
        "RetireGrant",
        "PutKeyPolicy",
        "ScheduleKeyDeletion",
        "Sign",
    ];
    names.iter().filter_map(|name| KmsAction::from_name(name)).collect()
}

/// Everybody of the world who has a name of a user, a role or a root.
fn everybody(world: &Inventory) -> Vec<Caller> {
    let identities = world.accounts.values().flat_map(|account| account.identities.keys());
    let roots = world.accounts.keys().map(|account| format!("arn:aws:iam::{account}:root"));
    let roots = roots.filter_map(|root| Caller::parse(&root));
    identities.filter_map(Caller::parse).chain(roots).collect()
}

#[derive(Default)]
struct Seen {
    groups: usize,
    shared: usize,
    held: usize,
    meant: usize,
    denied: usize,
    given: usize,
    edited: usize,
    narrowed: usize,
    freed: usize,
    unoffered: usize,
}

impl Seen {
    fn plus(self, other: Self) -> Self {
        Self {
            groups: self.groups + other.groups,
            shared: self.shared + other.shared,
            held: self.held + other.held,
            meant: self.meant + other.meant,
            denied: self.denied + other.denied,
            given: self.given + other.given,
            edited: self.edited + other.edited,
            narrowed: self.narrowed + other.narrowed,
            freed: self.freed + other.freed,
            unoffered: self.unoffered + other.unoffered,
        }
    }
}

/// The engine that groups, and the one that knows single callers alone.
struct Pair<'w> {
    engine: Engine<'w>,
    access: Access<'w>,
}

impl Pair<'_> {
    fn holders(&self, key: &Key, seen: &mut Seen) {
        let mut told: BTreeSet<Caller> = BTreeSet::new();
        for group in self.engine.holders(&key.arn, wanted()) {
            seen.groups += 1;
            seen.shared += usize::from(group.who.count() > 1);
            seen.held += usize::from(!group.holds.sure.is_empty());
            for caller in group.who.iter() {
                let alone = self.access.holding(caller, &key.arn, wanted());
                assert_eq!(group.holds, alone, "{caller} on {}", key.arn);
                assert_eq!(self.engine.holding(caller, &key.arn, wanted()), alone, "{caller}");
                let opened = self.access.opened(caller, &key.arn, wanted());
                assert_eq!(self.engine.opened(caller, &key.arn, wanted()), opened, "{caller}");
                assert!(told.insert(caller.clone()), "{caller} is in two groups of {}", key.arn);
            }
        }
        for caller in everybody(self.engine.world()) {
            let alone = self.access.holding(&caller, &key.arn, wanted());
            let is_held = !alone.possible.is_empty();
            assert!(told.contains(&caller) || !is_held, "{caller} is left out of {}", key.arn);
            assert_eq!(self.engine.holding(&caller, &key.arn, wanted()), alone, "{caller}");
        }
    }

    fn meant(&self, key: &Key, seen: &mut Seen) {
        let documents = key.policy.iter().chain(&key.ram_policy);
        let statements = documents.flat_map(|document| {
            let statements = document.policy().statements.iter().enumerate();
            let allows = statements.filter(|(_, statement)| statement.allows());
            allows.map(move |(index, _)| Allowing::Statement(document, index))
        });
        for allowing in statements.chain(key.grants.iter().map(Allowing::Grant)) {
            let mut told: BTreeSet<Caller> = BTreeSet::new();
            for group in self.engine.meant(&key.arn, allowing, wanted()) {
                seen.meant += 1;
                seen.denied += usize::from(!group.fates.denied.is_empty());
                for caller in group.who.iter() {
                    let alone = self.access.fates(caller, &key.arn, allowing, wanted());
                    assert_eq!(group.fates, alone, "{caller} on {}", key.arn);
                    assert!(told.insert(caller.clone()), "{caller} is in two groups");
                }
            }
            for caller in everybody(self.engine.world()) {
                let alone = self.access.fates(&caller, &key.arn, allowing, wanted());
                let one = self.engine.fates(&caller, &key.arn, allowing, wanted());
                assert_eq!(one, alone, "{allowing:?} for {caller} on {}", key.arn);
                let holds = self.access.holding(&caller, &key.arn, ActionSet::ALL);
                let nothing = alone == Fates::default() || holds.possible.is_empty();
                assert!(nothing || told.contains(&caller), "{caller} is left out of {}", key.arn);
            }
        }
    }

    /// Statements of identity policies.
    fn identity(&self, key: &Key) {
        for account in self.engine.world().accounts.values() {
            for identity in account.identities.values() {
                let Some(caller) = Caller::parse(&identity.arn) else { continue };
                for policy in &identity.inline {
                    for index in 0..policy.document.policy().statements.len() {
                        let allowing = Allowing::Statement(&policy.document, index);
                        let one = self.engine.fates(&caller, &key.arn, allowing, wanted());
                        let other = self.access.fates(&caller, &key.arn, allowing, wanted());
                        assert_eq!(one, other, "{caller} {index} on {}", key.arn);
                    }
                }
            }
        }
    }

    fn gifts(&self, key: &Key, seen: &mut Seen) {
        let some: ActionSet = [KmsAction::DECRYPT, KmsAction::CREATE_GRANT].into_iter().collect();
        let stranger = Caller::parse("arn:aws:iam::000000000000:role/stranger");
        for caller in everybody(self.engine.world()).into_iter().chain(stranger) {
            for gift in [Gift::Policy, Gift::Grant(some)] {
                let after = self.access.after(&gift.edit(key, &caller));
                let alone = after.holding(&caller, &key.arn, wanted());
                let one = self.engine.would_hold(&caller, &key.arn, gift, wanted());
                assert_eq!(one, alone, "{caller} {gift:?} on {}", key.arn);
                let before = self.access.holding(&caller, &key.arn, wanted());
                seen.given += usize::from(!alone.sure.minus(before.sure).is_empty());
            }
        }
    }

    /// What is held after an edit of the key itself.
    fn edited(&self, key: &Key, seen: &mut Seen) {
        let arn = || key.arn.clone();
        let tag = |value: &str| {
            let tags = [("team".into(), value.into())].into_iter().collect();
            Edit::TagKey { key: arn(), tags }
        };
        let mut edits = vec![tag("red"), tag("blue")];
        edits.push(Edit::UntagKey { key: arn(), keys: vec!["team".into()] });
        let aliases = ["alias/k0-0", "alias/kept"].iter().filter_map(|it| key.arn.alias(it));
        edits.extend(aliases.map(|alias| Edit::PointAlias { alias, key: arn() }));
        let worn = key.aliases.iter().map(|alias| Edit::DeleteAlias { alias: alias.clone() });
        edits.extend(worn);
        let grants = key.grants.iter().map(|grant| grant.id.clone());
        edits.extend(grants.map(|grant| Edit::RevokeGrant { key: arn(), grant }));
        if let Some(document) = &key.policy {
            let statements = document.policy().statements.iter().map(|one| one.span);
            let policy = document.place;
            edits.extend(statements.map(|statement| Edit::WithoutStatement { policy, statement }));
        }
        let all = everybody(self.engine.world());
        for edit in edits {
            let after = self.access.after(&edit);
            let held = self.engine.holding_after(&edit, &key.arn, &all, wanted());
            for (caller, held) in all.iter().zip(held) {
                let alone = after.holding(caller, &key.arn, wanted());
                assert_eq!(held, alone, "{caller} on {} after {edit:?}", key.arn);
                let before = self.access.holding(caller, &key.arn, wanted());
                seen.edited += usize::from(alone != before);
            }
            let allowing = key.policy.iter().filter_map(|document| {
                let statements = &document.policy().statements;
                let index = statements.iter().position(|statement| statement.allows())?;
                Some(Allowing::Statement(document, index))
            });
            for allowing in allowing {
                let fates = self.engine.fates_after(&edit, &key.arn, &all, allowing, wanted());
                for (caller, fates) in all.iter().zip(fates) {
                    let alone = after.fates(caller, &key.arn, allowing, wanted());
                    assert_eq!(fates, alone, "{caller} on {} after {edit:?}", key.arn);
                }
            }
        }
    }

    /// Nobody gains by the loss of a Deny what is not offered.
    fn offered(&self, key: &Key, seen: &mut Seen) {
        let world = self.engine.world();
        let organization = world.organization.iter().flat_map(|it| it.policies.values());
        let documents = organization.filter_map(|policy| policy.document.as_ref());
        let edits = key.policy.iter().chain(documents).flat_map(|document| {
            let denies = document.policy().statements.iter().filter(|one| one.denies());
            let policy = document.place;
            denies.map(move |one| Edit::WithoutStatement { policy, statement: one.span })
        });
        let worlds: Vec<Access<'_>> = edits.map(|edit| self.access.after(&edit)).collect();
        for caller in everybody(world) {
            let offered = self.engine.offered(&caller, &key.arn, wanted());
            seen.unoffered += usize::from(offered != wanted());
            let before = self.access.holding(&caller, &key.arn, wanted());
            assert!(before.possible.is_subset(offered), "{caller} on {}", key.arn);
            for after in &worlds {
                let held = after.holding(&caller, &key.arn, wanted());
                assert!(held.possible.is_subset(offered), "{caller} on {}", key.arn);
                seen.freed += usize::from(!held.sure.minus(before.sure).is_empty());
            }
        }
    }

    fn narrowed(&self, key: &Key, seen: &mut Seen) {
        for caller in everybody(self.engine.world()) {
            let action = KmsAction::CREATE_GRANT;
            let cell = Cell { principal: caller.clone(), key: key.arn.clone(), action };
            let mut request = cell.plain_request();
            request.context.set_absent("kms:ViaService");
            request.context.set_one("kms:GrantIsForAWSResource", "false");
            request.context.set_one("kms:GranteePrincipal", &caller.text);
            request.context.set("kms:GrantOperations", ContextValue::Many(vec!["Decrypt".into()]));
            self.same(&request);
            let plain = cell.plain_request();
            if self.access.bounds_of(&request) != self.access.bounds_of(&plain) {
                seen.narrowed += 1;
                let names = ["kms:ViaService", "kms:GrantIsForAWSResource", "kms:GrantOperations"];
                let names = names.iter().chain(&["kms:GranteePrincipal", "aws:ViaAWSService"]);
                let hangs = names.filter(|name| self.engine.hangs_on(&cell, name)).count();
                assert!(hangs > 0, "{cell:?} hangs on nothing");
            }
            request.context.set_one("aws:PrincipalTag/team", "red");
            self.same(&request);
        }
    }

    fn same(&self, request: &Request) {
        let (least, most) = self.access.bounds_of(request);
        assert_eq!(self.engine.reaches(request), least > Bound::Never, "{request:?}");
        assert_eq!(self.engine.could_reach(request), most > Bound::Never, "{request:?}");
        let (one, other) = (self.engine.verdict_of(request), self.access.verdict_of(request));
        // How keys are spelled hangs on which policies were heard of.
        let text = |verdict| format!("{verdict:?}").to_lowercase();
        assert_eq!(text(one), text(other));
    }
}

#[test]
fn groups_say_what_each_caller_says_alone() {
    for_each_seed("groups_say_what_each_caller_says_alone", "reach", |seed| {
        let seen = (0..WORLDS).into_par_iter().map(|number| {
            let random = &mut Random::new(seed, number);
            let world = match number % 3 {
                0 => World::narrow(random),
                _ => World::random(random),
            };
            let told = match number % 3 {
                1 => loaded(&world.export_without(&world.holes(random))),
                _ => inventory(&world),
            };
            let (engine, access) = (Engine::new(&told, now()), Access::new(&told, now()));
            let pair = Pair { engine, access };
            let mut seen = Seen::default();
            for key in told.keys.values() {
                pair.holders(key, &mut seen);
                pair.meant(key, &mut seen);
                pair.identity(key);
                pair.gifts(key, &mut seen);
                pair.edited(key, &mut seen);
                pair.offered(key, &mut seen);
                pair.narrowed(key, &mut seen);
            }
            seen
        });
        let seen = seen.reduce(Seen::default, Seen::plus);
        let more = [seen.edited, seen.narrowed, seen.freed, seen.unoffered];
        let counts = [seen.groups, seen.shared, seen.held, seen.meant, seen.denied, seen.given];
        assert!(counts.iter().chain(&more).all(|count| *count > 5), "{counts:?} {more:?}");
    });
}

#[test]
fn a_holding_knows_what_is_surely_held() {
    let all = Holding { always: ActionSet::ALL, sure: ActionSet::ALL, ..Holding::default() };
    let within = all.within(KmsAction::DECRYPT.into());
    assert_eq!(within.sure, KmsAction::DECRYPT.into());
}
