//! What holds in every world, tried on random ones: the way a world is written down says nothing, a
//! Deny more or an Allow less never allows, and no request that AWS could send contradicts a verdict.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::cell::Cell as Counter;

use jiff::Timestamp;
use keyreach::aws::KmsAction;
use keyreach::decision::{Bound, Caller, Decision, Reach, Request, Target, Verdict};
use keyreach::eval::probe::Probe;
use keyreach::eval::reference::Reference;
use keyreach::ingest::{Loaded, load};
use keyreach::inventory::Inventory;
use keyreach::policy::{PolicyDocument, PolicyKind};
use keyreach::report::request_line;
use keyreach::source::{FileId, Place, Span};
use serde_json::{Value, json};
use support::seeds::{Random, for_each_seed};
use support::worlds::render::{self, Tree};
use support::worlds::{PolicyOf, World, deny_everything, requests};

/// Worlds of a run.
const WORLDS: u64 = 60;

/// Loads files of which nothing may be wrong.
fn sound(files: &Tree) -> Inventory {
    let Loaded { inventory, problems, .. } = load(&render::memory(files), &[".".to_owned()]);
    assert_eq!(problems, [], "{:?}", files.keys());
    inventory
}

/// The world that a scenario states.
fn of_scenario(text: &str) -> Inventory {
    sound(&Tree::from([("world.yaml".to_owned(), text.as_bytes().to_vec())]))
}

/// What an answer says, the places aside; the open points apart, where nothing is missing: an export that
/// is laid out otherwise may leave it open whether all identities are listed.
fn told(decision: &Decision) -> (String, Option<String>) {
    let denied_by = decision.outcome.denied_by().map(|gate| gate.name());
    let open = decision.missing.is_empty().then(|| format!("{:?}", decision.open_points));
    (format!("{} {denied_by:?}", decision.outcome.reason().name()), open)
}

fn answers(world: &Inventory, requests: &[Request]) -> Vec<(String, Option<String>)> {
    let reference = Reference::new(world);
    requests.iter().map(|request| told(&reference.evaluate(request))).collect()
}

/// Brief answers say what the whole ones say, and cite what decides.
fn check_brief_answers(world: &Inventory, requests: &[Request]) {
    let reference = Reference::new(world);
    let cited = |it: &Decision| it.matched().map(|it| it.policy.clone()).collect::<Vec<_>>();
    for request in requests {
        let (whole, brief) = (reference.evaluate(request), reference.evaluate_briefly(request));
        assert_eq!((told(&whole), cited(&whole)), (told(&brief), cited(&brief)), "{request:?}");
        assert_eq!(whole.missing, brief.missing, "{request:?}");
        assert!(brief.trace.iter().all(|step| step.decides), "{request:?}");
    }
}

fn lines(world: &World, random: &mut Random, count: usize) -> Vec<Value> {
    (0..count).map(|id| requests::line(world, random, id)).collect()
}

#[test]
fn the_way_a_world_is_written_changes_no_answer() {
    for_each_seed("the_way_a_world_is_written_changes_no_answer", "answers", |seed| {
        let allowed = Counter::new(0);
        for number in 0..WORLDS {
            let random = &mut Random::new(seed, number);
            let world = World::random(random);
            let lines = lines(&world, random, 30);
            let requests: Vec<Request> = lines.iter().map(requests::parsed).collect();
            let text = render::scenario(&world);
            let inventory = of_scenario(&text);
            let expected = answers(&inventory, &requests);
            check_brief_answers(&inventory, &requests);
            allowed.set(allowed.get() + expected.iter().filter(|it| it.0.contains("None")).count());
            let check = |how: &str, files: &Tree| {
                let found = answers(&sound(files), &requests);
                for ((line, expected), found) in lines.iter().zip(&expected).zip(&found) {
                    let both = expected.1.is_some() && found.1.is_some();
                    let is_same = found.0 == expected.0 && (!both || found.1 == expected.1);
                    assert!(is_same, "world {number}, {how}: {found:?}\n{line}\n{text}");
                }
            };
            let scenario = |text: String| Tree::from([("w.yml".to_owned(), text.into_bytes())]);
            check("in block style", &scenario(render::block_scenario(&world)));
            check("as an export", &render::canonical(&world));
            check("as an export laid out otherwise", &render::rearranged(&world, random));
            check("as the outputs of single calls", &render::single_calls(&world));
            let mut shuffled = world.clone();
            shuffled.shuffle(random);
            check("in another order", &scenario(render::scenario(&shuffled)));
            check("as an export in another order", &render::rearranged(&shuffled, random));
            let mut split = world.clone();
            split.split(random);
            check("with policies cut in two", &scenario(render::scenario(&split)));
        }
        // A generator whose worlds deny everything would prove nothing.
        assert!(allowed.get() > 100, "only {} requests are allowed", allowed.get());
    });
}

#[test]
fn a_request_in_another_context_is_decided_like_one_of_its_own() {
    let test = "a_request_in_another_context_is_decided_like_one_of_its_own";
    for_each_seed(test, "answers", |seed| {
        let allowed = Counter::new(0);
        for number in 0..WORLDS {
            let random = &mut Random::new(seed, number);
            let world = World::random(random);
            let lines = lines(&world, random, 12);
            let requests: Vec<Request> = lines.iter().map(requests::parsed).collect();
            let contexts: Vec<_> = requests.iter().map(|request| &request.context).collect();
            let text = render::scenario(&world);
            let inventory = of_scenario(&text);
            let reference = Reference::new(&inventory);
            for request in &requests {
                let found = reference.allows_in(request, &contexts);
                let each = contexts.iter().map(|context| {
                    let context = (*context).clone();
                    reference.evaluate(&Request { context, ..request.clone() }).is_allowed()
                });
                assert_eq!(found, each.collect::<Vec<_>>(), "world {number}\n{text}");
                allowed.set(allowed.get() + found.iter().filter(|is_allowed| **is_allowed).count());
            }
        }
        assert!(allowed.get() > 100, "only {} requests are allowed", allowed.get());
    });
}

#[test]
fn a_deny_more_never_allows() {
    edits_never_allow("a_deny_more_never_allows", |world, random| {
        let mut policies = world.policies_mut();
        let at = random.below(policies.len());
        let (of, policy) = &mut policies[at];
        let statement = deny(random, *of);
        let place = random.below(policy.statements.len() + 1);
        policy.statements.insert(place, statement);
        true
    });
}

#[test]
fn an_allow_less_never_allows() {
    edits_never_allow("an_allow_less_never_allows", |world, random| {
        let mut policies = world.policies_mut();
        random.shuffle(&mut policies);
        let allows = |statement: &Value| statement["Effect"] == "Allow";
        let found = policies.iter_mut().find(|(_, policy)| policy.statements.iter().any(allows));
        let Some((_, policy)) = found else { return false };
        let all = policy.statements.iter().enumerate().filter(|(_, one)| allows(one));
        let places: Vec<usize> = all.map(|(at, _)| at).collect();
        policy.statements.remove(*random.pick(&places));
        true
    });
}

/// A Deny of everything, of one action, of what one condition speaks of.
fn deny(random: &mut Random, of: PolicyOf) -> Value {
    let mut statement = deny_everything(of);
    if random.chance(60) {
        statement["Action"] =
            (*random.pick(&["kms:Decrypt", "kms:*Grant*", "kms:GenerateDataKey"])).into();
    }
    if random.chance(40) {
        let values = random.pick(&["203.0.113.0/24", "10.0.0.0/8"]);
        statement["Condition"] = json!({ "NotIpAddress": { "aws:SourceIp": values } });
    }
    if random.chance(20) && of == PolicyOf::Key {
        let principal = statement.as_object_mut().unwrap().remove("Principal").unwrap();
        assert_eq!(principal, "*");
        statement["NotPrincipal"] = json!({ "AWS": "arn:aws:iam::111122223333:root" });
    }
    statement
}

/// Checks that no request that was denied is allowed once `edit` has been made.
fn edits_never_allow(test: &str, edit: impl Fn(&mut World, &mut Random) -> bool) {
    for_each_seed(test, "answers", |seed| {
        let turned = Counter::new(0);
        for number in 0..WORLDS * 2 {
            let random = &mut Random::new(seed, number);
            let world = World::random(random);
            let lines = lines(&world, random, 25);
            let requests: Vec<Request> = lines.iter().map(requests::parsed).collect();
            let before = render::scenario(&world);
            let known = of_scenario(&before);
            for _ in 0..4 {
                let mut edited = world.clone();
                if !edit(&mut edited, random) {
                    continue;
                }
                let after = render::scenario(&edited);
                let changed = of_scenario(&after);
                let (old, new) = (Reference::new(&known), Reference::new(&changed));
                for (line, request) in lines.iter().zip(&requests) {
                    let was = old.evaluate(request).is_allowed();
                    let is = new.evaluate(request).is_allowed();
                    assert!(
                        was || !is,
                        "world {number}\n{line}\nbefore:\n{before}\nafter:\n{after}"
                    );
                    turned.set(turned.get() + usize::from(was && !is));
                }
            }
        }
        assert!(turned.get() > 20, "only {} edits had any effect", turned.get());
    });
}

#[test]
fn a_session_policy_more_that_denies_never_allows() {
    for_each_seed("a_session_policy_more_that_denies_never_allows", "answers", |seed| {
        let turned = Counter::new(0);
        for number in 0..WORLDS {
            let random = &mut Random::new(seed, number);
            let world = World::random(random);
            let text = render::scenario(&world);
            let known = of_scenario(&text);
            let reference = Reference::new(&known);
            for line in lines(&world, random, 30) {
                let mut request = requests::parsed(&line);
                // Session policies unite, and a federated session without any may do next to nothing.
                if request.session_policies.is_empty() {
                    let allow = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
                    request.session_policies.push(session_policy(&allow));
                }
                let mut narrowed = request.clone();
                let denies = session_policy(&deny(random, PolicyOf::Session));
                narrowed.session_policies.push(denies);
                let was = reference.evaluate(&request).is_allowed();
                let is = reference.evaluate(&narrowed).is_allowed();
                assert!(was || !is, "world {number}\n{line}\n{text}");
                turned.set(turned.get() + usize::from(was && !is));
            }
        }
        assert!(turned.get() > 0, "no session policy had any effect");
    });
}

fn session_policy(statement: &Value) -> PolicyDocument {
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    let place = Place::plain(FileId(0), Span::default());
    PolicyDocument::json(place, PolicyKind::Session, policy.to_string())
}

#[test]
fn verdicts_hold_for_what_aws_could_send() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    for_each_seed("verdicts_hold_for_what_aws_could_send", "verdicts", |seed| {
        let (decided, tried) = (Counter::new([0; 4]), Counter::new(0));
        for number in 0..WORLDS * 6 {
            let random = &mut Random::new(seed, number);
            let world = match number % 2 {
                0 => World::random(random),
                _ => World::narrow(random),
            };
            let text = render::scenario(&world);
            let known = of_scenario(&text);
            let (probe, reference) = (Probe::new(&known, now), Reference::new(&known));
            for _ in 0..12 {
                let plain = requests::cell(&world, random);
                let verdict = probe.verdict_of(&plain);
                let mut counts = decided.get();
                counts[kind(&verdict)] += 1;
                decided.set(counts);
                replay(&reference, &verdict, &text);
                for _ in 0..12 {
                    let Some(request) = requests::possible(&world, random, &plain) else {
                        continue;
                    };
                    let is_allowed = reference.evaluate(&request).is_allowed();
                    let bound = if is_allowed { verdict.at_most() } else { verdict.at_least() };
                    let contradicts = match is_allowed {
                        true => bound == Bound::Never,
                        false => bound == Bound::Always,
                    };
                    assert!(
                        !contradicts,
                        "world {number}: allowed is {is_allowed}\n{}\n{verdict:#?}\n{text}",
                        request_line::write("1", &request)
                    );
                    tried.set(tried.get() + 1);
                }
            }
        }
        let [always, conditional, never, _] = decided.get();
        assert!(always > 20 && conditional > 20 && never > 20, "{:?}", decided.get());
        assert!(tried.get() > 5000, "only {} contexts were possible", tried.get());
    });
}

/// The name of the verdict on what `user/ann` may do with key `K`, in this scenario.
fn verdict(action: &str, policies: &str, key: &str, endpoints: &str) -> &'static str {
    let text = format!(
        "keyreach: scenario/1\naccounts: {{ 111122223333: {{ users: {{ ann: {{ policies: [{policies}] }} }}, \
         keys: {{ K: {{ {key} }} }} }} }}\nendpoints: {{ {endpoints} }}\n"
    );
    let world = of_scenario(&text);
    let caller = Caller::parse("arn:aws:iam::111122223333:user/ann").unwrap();
    let target = Target::parse("arn:aws:kms:us-east-1:111122223333:key/K").unwrap();
    let action = KmsAction::from_name(action).unwrap();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let verdict = Probe::new(&world, now).verdict_of(&Request::plain(caller, action, target));
    replay(&Reference::new(&world), &verdict, &text);
    ["always", "conditional", "never", "unknown"][kind(&verdict)]
}

#[test]
fn verdicts_that_random_worlds_found_wrong() {
    let all = "{ allow: kms:* }";
    let decrypt = |policies: &str| verdict("Decrypt", policies, "", "");
    assert_eq!(decrypt(all), "always");
    // A request may come through the endpoint, whose policy nobody's conditions mention.
    let narrow = "vpce-1: [{ allow: s3:* }]";
    assert_eq!(verdict("Decrypt", all, "", narrow), "conditional");
    // Only the hop of a service in between passes both.
    let elsewhere = "{ deny: kms:*, when: { StringNotEquals: { aws:SourceVpce: vpce-1 } } }";
    assert_eq!(verdict("Decrypt", &format!("{all}, {elsewhere}"), "", narrow), "conditional");
    // aws:ViaAWSService is true beside kms:ViaService alone, which nobody mentions.
    let direct = "{ deny: kms:*, when: { Bool: { aws:ViaAWSService: false } } }";
    assert_eq!(decrypt(&format!("{all}, {direct}")), "conditional");
    // The child of a grant may be asked for more than its parent has.
    let parent = "policy: [], grants: [{ to: user/ann, operations: [CreateGrant, Encrypt] }]";
    assert_eq!(verdict("CreateGrant", "", parent, ""), "conditional");
    // What stands for every other value must match no pattern: `other` is one of `o*`.
    let unlike = "{ allow: kms:*, when: { StringNotLike: { \"kms:EncryptionContext:a\": \"o*\" }, \
                  \"Null\": { \"kms:EncryptionContext:a\": false } } }";
    assert_eq!(decrypt(unlike), "conditional");
    // What stands for a pattern must be none of the values: `px` is one of `p*`.
    let like = "{ allow: kms:*, when: { StringLike: { \"kms:EncryptionContext:a\": \"p*\" } } }";
    let one = "{ deny: kms:*, when: { StringEquals: { \"kms:EncryptionContext:a\": px } } }";
    assert_eq!(decrypt(&format!("{like}, {one}")), "conditional");
    // Of a value in capitals there is another spelling.
    let folded =
        "{ allow: kms:*, when: { StringEqualsIgnoreCase: { \"kms:EncryptionContext:a\": PAY } } }";
    let exact = "{ deny: kms:*, when: { StringEquals: { \"kms:EncryptionContext:a\": PAY } } }";
    assert_eq!(decrypt(&format!("{folded}, {exact}")), "conditional");
    // Every request has an instant, and no request a word in its place.
    let past =
        "{ allow: kms:*, when: { DateGreaterThan: { aws:CurrentTime: 2020-01-01T00:00:00Z } } }";
    assert_eq!(decrypt(past), "always");
}

fn kind(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Always { .. } => 0,
        Verdict::Conditional { .. } => 1,
        Verdict::Never { .. } => 2,
        Verdict::Unknown(_) => 3,
    }
}

/// Asks a witness and a counter-witness as they would be printed.
fn replay(reference: &Reference<'_>, verdict: &Verdict, text: &str) {
    let check = |request: &Request, expected: bool| {
        let line = request_line::write("1", request);
        let found = reference.evaluate(&requests::parsed(&line)).is_allowed();
        assert_eq!(found, expected, "{line}\n{text}");
    };
    if let Some(witness) = verdict.witness() {
        check(witness, true);
    }
    if let Verdict::Conditional { counter, .. } | Verdict::Never { counter } = verdict {
        check(counter, false);
    }
}
