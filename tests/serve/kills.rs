//! `kill -9` in the middle of changes, over and over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::server::{Server, scratch};
use crate::signer::{AccessKey, Draft};

const COURSE: &str = "testdata/course";

/// How many kills there are; `KEYREACH_KILLS` says otherwise.
const KILLS: usize = 50;

/// So many changes are acknowledged before a kill: two users and a key.
const LEAST: usize = 3;

/// After so many a new state begins: what is kept only grows.
const OF_ONE_STATE: usize = 50;

/// What was acknowledged.
#[derive(Default)]
struct Done {
    users: Vec<String>,
    /// Keys, each with a ciphertext of its own name.
    keys: Vec<(String, Value)>,
}

/// Changes one thing after another until nobody answers, and counts what was acknowledged.
fn change(
    address: std::net::SocketAddr,
    root: &AccessKey,
    round: usize,
    count: &AtomicUsize,
) -> Done {
    let mut done = Done::default();
    let send = |draft: &Draft| {
        let request = draft.signed(root, &address.to_string());
        let sent = std::panic::catch_unwind(|| crate::wire::Client::new(address).send(&request));
        sent.ok().filter(|answer| answer.status == 200)
    };
    let kms = |operation: &str, body: &Value| send(&Draft::kms(operation, body));
    for number in 0.. {
        if number % 3 < 2 {
            let name = format!("user-{round}-{number}");
            let form = [("Action", "CreateUser"), ("Version", "2010-05-08"), ("UserName", &*name)];
            if send(&Draft::query("iam", &form)).is_none() {
                break;
            }
            done.users.push(name);
            count.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let Some(made) = kms("CreateKey", &json!({})) else { break };
        let key = made.ok()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        if number % 2 == 0 && kms("RotateKeyOnDemand", &json!({ "KeyId": key })).is_none() {
            break;
        }
        let text = BASE64_STANDARD.encode(&key);
        let Some(sealed) = kms("Encrypt", &json!({ "KeyId": key, "Plaintext": text })) else {
            break;
        };
        done.keys.push((key, sealed.ok()["CiphertextBlob"].clone()));
        count.fetch_add(1, Ordering::Relaxed);
    }
    done
}

/// All that was acknowledged is there: every user, the newest keys, and an older one each time.
fn check(server: &Server, known: &Done, round: usize) {
    let there = server.keys();
    for name in &known.users {
        assert!(there.contains_key::<String>(name), "round {round}: {name} is lost");
    }
    let newest = known.keys.iter().rev().take(6);
    let older = known.keys.iter().skip(round % known.keys.len().max(1)).take(1);
    for (key, blob) in newest.chain(older) {
        let opened = server.kms("root", "Decrypt", &json!({ "CiphertextBlob": blob })).ok();
        assert_eq!(opened["Plaintext"], BASE64_STANDARD.encode(key), "round {round}: {key}");
    }
}

#[test]
fn acknowledged_changes_and_ciphertexts_survive_kills() {
    let kills = std::env::var("KEYREACH_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let mut acknowledged = (0, 0);
    let mut known = Done::default();
    let mut state = scratch("kills");
    for round in 0..=kills {
        let server = Server::start(COURSE, &state, &[]);
        check(&server, &known, round);
        if round % OF_ONE_STATE == OF_ONE_STATE - 1 {
            drop(server);
            (known, state) = (Done::default(), scratch("kills"));
            continue;
        }
        let (address, root) = (server.address(), server.key("root"));
        let count = Arc::new(AtomicUsize::new(0));
        let changing = std::thread::spawn({
            let count = Arc::clone(&count);
            move || change(address, &root, round, &count)
        });
        // However busy the machine is, there is something to lose.
        while count.load(Ordering::Relaxed) < LEAST && !changing.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(7 * (round as u64 % 23)));
        server.kill();
        let done = changing.join().unwrap();
        acknowledged = (acknowledged.0 + done.users.len(), acknowledged.1 + done.keys.len());
        known.users.extend(done.users);
        known.keys.extend(done.keys);
    }
    let (users, keys) = acknowledged;
    println!("{kills} kills: {users} users and {keys} keys acknowledged, none lost");
    assert!(users > kills && keys > kills / 2, "{users} {keys}");
}
