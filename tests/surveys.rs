//! What a caller reaches on many keys, where equal sides are worked out once, is what it reaches on each of
//! them alone, in random worlds: as keys are, once they are opened, and in requests that say something.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use keyreach::access::{Access, KeyTarget, KeyTargets, Opening, ToldApart};
use keyreach::aws::{ActionSet, KmsAction};
use keyreach::decision::{Caller, Chance, Context};
use keyreach::inventory::Inventory;
use rayon::prelude::*;
use support::matrix::net::inventory;
use support::matrix::now;
use support::seeds::{Random, for_each_seed};
use support::worlds::{World, render};

const WORLDS: u64 = 150;

const OPENINGS: [Opening; 4] =
    [Opening::AsItIs, Opening::ByPolicy, Opening::ByGrant, Opening::ByPolicyAndGrant];

const WANTED: [KmsAction; 6] = [
    KmsAction::DECRYPT,
    KmsAction::CREATE_GRANT,
    KmsAction::PUT_KEY_POLICY,
    KmsAction::TAG_RESOURCE,
    KmsAction::CREATE_ALIAS,
    KmsAction::REPLICATE_KEY,
];

/// What requests say, beside nothing.
fn contexts() -> [Context; 3] {
    let mut direct = Context::default();
    direct.set_absent("kms:ViaService");
    direct.set_absent("aws:CalledVia");
    direct.set_one("aws:ViaAWSService", "false");
    let mut policy = direct.clone();
    policy.set_one("kms:PolicyName", "default");
    let mut grant = direct.clone();
    grant.set_one("kms:GrantIsForAWSResource", "false");
    grant.set_one("kms:GranteePrincipal", "arn:aws:iam::111122223333:role/a");
    [direct, policy, grant]
}

fn everybody(world: &Inventory) -> Vec<Caller> {
    let identities = world.accounts.values().flat_map(|account| account.identities.keys());
    let roots = world.accounts.keys().map(|account| format!("arn:aws:iam::{account}:root"));
    let roots: Vec<String> = roots.collect();
    let roots = roots.iter().filter_map(|root| Caller::parse(root));
    identities.filter_map(Caller::parse).chain(roots).collect()
}

/// Whether a key tells a caller apart from others of its account and kind.
fn tells_apart(access: &Access<'_>, target: &KeyTarget<'_>, caller: &Caller) -> bool {
    match target.told_apart(access) {
        ToldApart::ByName(names) => names.contains(&caller.text),
        ToldApart::Everyone => true,
    }
}

/// How often something is reached, for certain or perhaps, how often two stand to each other as others do, and
/// how often a key is asked that does not tell the caller apart.
fn checked(random: &mut Random) -> [usize; 4] {
    let made = World::random(random);
    let world = inventory(&made);
    let access = Access::new(&world, now());
    let nothing = Context::default();
    let keys: Vec<_> = world.keys.values().map(AsRef::as_ref).collect();
    let wanted: ActionSet = WANTED.into_iter().collect();
    let targets = KeyTargets::of(&access, keys.iter().map(|key| (*key, Some(wanted))));
    let mut seen = [0; 4];
    for caller in everybody(&world) {
        let side = access.key_side(&caller, None, &nothing);
        let (mut survey, mut untold) = (targets.survey(&side), targets.survey_untold(&side));
        for (at, key) in keys.iter().enumerate() {
            let target = access.key_target(key, &nothing);
            let is_untold = !tells_apart(&access, &target, &caller);
            for opening in OPENINGS {
                let alone = side.reached(&target, targets.wanted(at), opening);
                let told =
                    || format!("{caller} {} {opening:?}\n{}", key.arn, render::scenario(&made));
                assert_eq!(survey.reached(at, opening), alone, "{}", told());
                if is_untold {
                    assert_eq!(untold.reached(at, opening), alone, "untold {}", told());
                    seen[3] += 1;
                }
                seen[0] += alone.sure.len();
                seen[1] += alone.possible.minus(alone.sure).len();
            }
            let Some(sides) = survey.sides(at) else { continue };
            seen[2] += 1;
            for context in contexts() {
                let (side, target) =
                    (access.key_side(&caller, None, &context), access.key_target(key, &context));
                for action in targets.wanted(at).iter() {
                    let alone = side.reached(&target, action.into(), Opening::AsItIs);
                    let chance: Chance = targets.chance(sides, action, Opening::AsItIs, &context);
                    let told = || {
                        format!(
                            "{caller} {} {action:?} {context:?}\n{}",
                            key.arn,
                            render::scenario(&made)
                        )
                    };
                    assert_eq!(chance, alone.chance(action), "{}", told());
                }
            }
        }
    }
    seen
}

#[test]
fn what_equal_sides_reach_is_what_each_reaches() {
    for_each_seed("what_equal_sides_reach_is_what_each_reaches", "reach", |seed| {
        let seen = (0..WORLDS).into_par_iter();
        let seen = seen.map(|number| checked(&mut Random::new(seed, number)));
        let sum = |one: [usize; 4], more: [usize; 4]| [0, 1, 2, 3].map(|at| one[at] + more[at]);
        let seen = seen.reduce(<[usize; 4]>::default, sum);
        println!("{seen:?}");
        let [.., untold] = seen;
        assert!(untold > 100 && seen[..3].iter().all(|count| *count > 1000), "{seen:?}");
    });
}
