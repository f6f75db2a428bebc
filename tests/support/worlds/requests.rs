//! Random requests about a world.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keyreach::aws::{KeySpec, KmsAction, carried};
use keyreach::decision::{
    Caller, CallerKind, ContextValue, FACTS, Request, Surroundings, Target, completed, is_possible,
};
use keyreach::report::request_line;
use serde_json::{Map, Value, json};

use super::keys::request_keys;
use super::render::document;
use super::statements::{PolicyOf, Vocabulary};
use super::{ACCOUNTS, Key, World};
use crate::support::seeds::Random;

/// A random request, as a line of the batch contract has it; its context may be one AWS never sends.
pub fn line(world: &World, random: &mut Random, id: usize) -> Value {
    let action = action(random);
    let session_policies: Vec<Value> = match random.chance(8) {
        true => {
            let vocabulary = Vocabulary::of(&world.accounts);
            vec![document(&vocabulary.policy(random, PolicyOf::Session, 1, 2))]
        }
        false => Vec::new(),
    };
    json!({
        "id": id.to_string(),
        "principal": principal(world, random),
        "action": action.as_str(),
        "resource": resource(world, random, action),
        "context": any_context(random),
        "session_policies": session_policies,
    })
}

/// The request of a line.
pub fn parsed(line: &Value) -> Request {
    let read = request_line::parse(line.to_string().as_bytes());
    read.request.unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The actions that most statements and grants speak of, and sometimes any other.
fn action(random: &mut Random) -> KmsAction {
    const USUAL: [&str; 10] = [
        "Decrypt",
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "ReEncryptFrom",
        "DescribeKey",
        "CreateGrant",
        "RetireGrant",
        "PutKeyPolicy",
        "ScheduleKeyDeletion",
    ];
    if random.chance(75) {
        return KmsAction::from_name(*random.pick::<&str>(&USUAL)).unwrap();
    }
    *random.pick(&KmsAction::all().collect::<Vec<_>>())
}

/// Everyone who could ask.
pub fn principal(world: &World, random: &mut Random) -> String {
    let account = random.pick(&world.accounts);
    let id = account.id;
    match random.below(12) {
        0 => format!("arn:aws:iam::{id}:root"),
        1 => (*random.pick(&["s3.amazonaws.com", "logs.us-east-1.amazonaws.com"])).to_owned(),
        2 => format!("arn:aws:iam::{}:role/stranger", ACCOUNTS[3]),
        3 => format!("arn:aws:sts::{id}:federated-user/{}", random.pick(&["ann", "who"])),
        4 | 5 => {
            let session = random.pick(&["s1", "s2"]);
            let roles: Vec<&str> = account
                .identities
                .iter()
                .filter(|identity| identity.is_role)
                .map(|identity| identity.name.as_str())
                .collect();
            format!("arn:aws:sts::{id}:assumed-role/{}/{session}", random.pick(&roles))
        }
        _ => random.pick(&account.identities).arn.clone(),
    }
}

fn resource(world: &World, random: &mut Random, action: KmsAction) -> String {
    let account = random.pick(&world.accounts);
    let key = random.pick(&account.keys);
    let info = action.info();
    let alias = || {
        key.aliases.first().map(|name| format!("arn:aws:kms:{}:{}:{name}", key.region, account.id))
    };
    if info.accepts_alias_as_key_id && random.chance(12) {
        return alias().unwrap_or_else(|| key.arn.clone());
    }
    if info.has_key_resource { key.arn.clone() } else { "*".to_owned() }
}

/// Any keys with any values, whatever the export says.
fn any_context(random: &mut Random) -> Map<String, Value> {
    let keys = request_keys();
    let count = if random.chance(30) { 0 } else { 1 + random.below(6) };
    let mut context = Map::new();
    for (name, is_set, values) in random.some(&keys, count, count) {
        let value = match is_set {
            true => random.some(&values, 0, 2).into(),
            false => Value::from(*random.pick(&values)),
        };
        context.insert(name.to_owned(), value);
    }
    context
}

/// A plain request on a key, for which a verdict can be asked.
pub fn cell(world: &World, random: &mut Random) -> Request {
    loop {
        let action = action(random);
        if !action.info().has_key_resource {
            continue;
        }
        let caller = Caller::parse(&principal(world, random)).unwrap();
        let own =
            world.accounts.iter().find(|it| caller.account.is_some_and(|id| id.as_str() == it.id));
        let account = own.filter(|_| random.chance(75)).unwrap_or(random.pick(&world.accounts));
        let key = random.pick(&account.keys);
        // What a key can never do has no contexts to speak of.
        let usages = &action.info().key_usages;
        if !usages.is_empty() && !usages.iter().any(|usage| usage.as_str() == key.spec.1) {
            continue;
        }
        return Request::plain(caller, action, Target::parse(&key.arn).unwrap());
    }
}

/// `plain` with a context that AWS could send, from 2026 on.
pub fn possible(world: &World, random: &mut Random, plain: &Request) -> Option<Request> {
    let mut request = plain.clone();
    let Target::Key(arn) = &plain.target else { panic!("{} is no key", plain.target) };
    let key = world.accounts.iter().flat_map(|account| &account.keys);
    let key = key.into_iter().find(|key| key.arn == arn.as_str()).unwrap();
    let is_symmetric = key.spec.0 == "SYMMETRIC_DEFAULT";
    let can_be_sent = |name: &str| match name {
        // Rule C52: only symmetric keys take an encryption context.
        _ if name.starts_with("kms:EncryptionContext") => is_symmetric,
        // Each spec has algorithms of its own.
        "kms:EncryptionAlgorithm" => false,
        "kms:SigningAlgorithm" => key.spec.0.starts_with("RSA"),
        // Only a service's own call says where it comes from (rule U4).
        "aws:SourceArn" | "aws:SourceAccount" | "aws:SourceOrgID" | "aws:SourceOrgPaths" => {
            matches!(plain.caller.kind, CallerKind::Service)
        }
        _ => true,
    };
    let keys = request_keys();
    let mut keys: Vec<_> = keys
        .into_iter()
        .filter(|(name, ..)| carried(plain.action, name) && can_be_sent(name))
        .collect();
    random.shuffle(&mut keys);
    if random.chance(70) {
        // What conditions ask about first: the rest seldom matters.
        let mentioned = world.mentioned_keys();
        keys.sort_by_key(|(name, ..)| !mentioned.contains(&name.to_ascii_lowercase()));
    }
    let count = random.below(8);
    for (name, is_set, values) in keys.into_iter().take(count) {
        if values.is_empty() {
            continue;
        }
        let value = match is_set {
            true => {
                let chosen: BTreeSet<&str> = random.some(&values, 1, 3).into_iter().collect();
                ContextValue::Many(chosen.into_iter().map(Into::into).collect())
            }
            false => ContextValue::One((*random.pick(&values)).into()),
        };
        request.context.set(name, value);
    }
    session(world, random, &mut request);
    named_by_alias(random, key, &mut request);
    let is_session =
        matches!(request.caller.kind, CallerKind::Role | CallerKind::AssumedRole { .. });
    if is_session && random.chance(50) && request.context.get(MFA).is_none() {
        request.context.set_one(MFA, "true");
    }
    let (current, epoch) = *random.pick(&INSTANTS);
    request.context.set_one("aws:CurrentTime", current);
    request.context.set_one("aws:EpochTime", epoch);
    if request.context.get(ISSUED).is_some() || is_session && random.chance(50) {
        let age = SignedDuration::from_hours(*random.pick(&AGES));
        let issued = current.parse::<Timestamp>().unwrap() - age;
        request.context.set_one(ISSUED, &issued.to_string());
    }
    let surroundings = Surroundings {
        facts: FACTS,
        now: current.parse().unwrap(),
        spec: KeySpec::parse(key.spec.0),
    };
    let request = completed(request, &surroundings);
    is_possible(&request).then_some(request)
}

/// Rules T7 and U6: a session may have tags where its role lets it, and has a name of its own.
fn session(world: &World, random: &mut Random, request: &mut Request) {
    let caller = &request.caller;
    let name = match &caller.kind {
        CallerKind::Role => caller.text.rsplit('/').next().map(str::to_owned),
        CallerKind::AssumedRole { role, .. } => Some(role.to_string()),
        _ => None,
    };
    let Some(name) = name else { return };
    let home =
        world.accounts.iter().find(|it| caller.account.is_some_and(|id| id.as_str() == it.id));
    let mut roles = home.iter().flat_map(|account| &account.identities);
    let Some(role) = roles.find(|role| role.is_role && role.name == name) else { return };
    let tags_sessions = |statement: &Value| {
        matches!(statement["Action"].as_str(), Some("sts:*" | "sts:TagSession"))
    };
    if role.trust.statements.iter().any(tags_sessions) && random.chance(50) {
        request
            .context
            .set_one("aws:PrincipalTag/team", *random.pick(&["red", "blue", "RED", "r2"]));
    }
    if let Some(id) = user_id(world, random, &request.caller) {
        request.context.set_one("aws:userid", &id);
    }
}

/// Rule C45: what every session of a role has as its unique id, whatever its name.
pub(super) fn user_id(world: &World, random: &mut Random, caller: &Caller) -> Option<String> {
    let name = caller.text.rsplit('/').next().filter(|_| caller.kind == CallerKind::Role)?;
    let is_home = |id: &str| caller.account.is_some_and(|account| account.as_str() == id);
    let home = world.accounts.iter().find(|account| is_home(account.id))?;
    let role = home.identities.iter().find(|it| it.is_role && it.name == name)?;
    Some(format!("{}:{}", role.unique_id, random.pick(&["s1", "s2"])))
}

/// Rule C55: the request may name the key by an alias.
fn named_by_alias(random: &mut Random, key: &Key, request: &mut Request) {
    let may = request.action.info().accepts_alias_as_key_id;
    let may = may && carried(request.action, "kms:RequestAlias") && random.chance(20);
    if let Some(alias) = key.aliases.first().filter(|_| may) {
        request.context.set_one("kms:RequestAlias", alias);
    }
}

const MFA: &str = "aws:MultiFactorAuthPresent";
const ISSUED: &str = "aws:TokenIssueTime";

/// How many hours ago credentials were issued that are valid.
const AGES: [i64; 5] = [0, 1, 6, 12, 36];

/// One instant in the two forms that every request tells it in; two of them stand in conditions.
const INSTANTS: [(&str, &str); 4] = [
    ("2026-12-01T00:00:00Z", "1796083200"),
    ("2030-06-01T11:59:59Z", "1906545599"),
    ("2030-06-01T12:00:00Z", "1906545600"),
    ("2031-01-01T00:00:00Z", "1924992000"),
];
