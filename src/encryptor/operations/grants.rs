//! Grants and their tokens.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};

use crate::aws::{ActionSet, KeySpec, KmsAction, identity};
use crate::decision::{Context, Target};
use crate::encryptor::body::{Body, NAME, decoded, encoded};
use crate::encryptor::secret::random;
use crate::encryptor::state::GrantRecord;
use crate::encryptor::work::{Found, Work, kind};
use crate::encryptor::{KmsError, Touched};
use crate::graph::Call;
use crate::inventory::{Constraints, Edit, Grant, Grantee, Key};

use super::nowhere;
use super::page::Page;
use super::principals::{grantable, no_principal};
use super::said::Said;

type Answer = Result<Value, KmsError>;

const MOST: usize = 50_000;
const PAIRS: usize = 8;
const PAIR: usize = 384;
/// Random bytes of a token.
const NONCE: usize = 16;

pub(super) fn create_grant(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let id = body.key_id("KeyId")?;
    let (dry_run, tokens) = (body.dry_run()?, body.grant_tokens()?);
    let grant = described(work, body)?;
    let Found { key, .. } = work.find_key(id)?;
    let call = Call::CreateGrant { key: key.arn.clone(), grant: Box::new(grant.clone()) };
    work.authorize_call_with(&call, &tokens)?;
    work.can(key, KmsAction::CREATE_GRANT, "CreateGrant")?;
    let unfit = grant.operations.minus(key.grant_operations());
    if let Some(operation) = unfit.iter().next() {
        let text = format!("Operation {} is not valid for key {}.", operation.name(), key.arn);
        return Err(KmsError::validation(text));
    }
    let has_pairs = grant.constraints.equals.is_some() || grant.constraints.subset.is_some();
    // Rule G22.
    if has_pairs && kind(key).0 != KeySpec::SymmetricDefault {
        let text = format!("{} takes no constraint on the encryption context.", key.arn);
        return Err(KmsError::validation(text));
    }
    for party in [Some(&grant.grantee), grant.retiring.as_ref()].into_iter().flatten() {
        grantable(work, party, key.arn.partition())?;
    }
    let same = key.grants.iter().find(|known| grant.name.is_some() && is_same(known, &grant));
    if same.is_none() && key.grants.len() >= MOST {
        return Err(KmsError::quota("Grants per key", MOST, key.grants.len()));
    }
    work.unless_dry_run(dry_run)?;
    if let Some(same) = same {
        return answer(work, &same.id);
    }
    let new: String = random(32)?.iter().map(|byte| format!("{byte:02x}")).collect();
    let issuing_account = Some(work.account()?);
    let made = Grant { id: new.as_str().into(), issuing_account, ..grant };
    let edit = Edit::CreateGrant { key: key.arn.clone(), grant: Box::new(made) };
    let record = GrantRecord { created: work.now(), effective: work.grant_effective() };
    work.change(&[Touched::Key(key.arn.clone())], |state| {
        state.apply(&edit);
        let mut of_key = state.record(&key.arn);
        of_key.grants.insert(new.clone(), record);
        state.set_record(&key.arn, of_key);
    });
    answer(work, &new)
}

fn answer(work: &Work<'_>, id: &str) -> Answer {
    Ok(json!({ "GrantId": id, "GrantToken": token(work, id)? }))
}

/// Whether a grant of this name was made already.
fn is_same(known: &Grant, grant: &Grant) -> bool {
    known.name == grant.name
        && known.grantee == grant.grantee
        && known.retiring == grant.retiring
        && known.operations == grant.operations
        && known.constraints == grant.constraints
}

/// The grant that a body describes; without an id.
fn described(work: &Work<'_>, body: &Body<'_>) -> Result<Grant, KmsError> {
    let grantee = party(work, body, "GranteePrincipal", "GranteeServicePrincipal")?;
    let grantee = grantee.ok_or_else(|| KmsError::missing("granteePrincipal"))?;
    let retiring = party(work, body, "RetiringPrincipal", "RetiringServicePrincipal")?;
    let names = body.texts("Operations")?;
    if names.is_empty() {
        return Err(KmsError::missing("operations"));
    }
    let mut operations = ActionSet::EMPTY;
    for name in names {
        let action = KmsAction::from_name(name)
            .filter(|action| action.name() == name && action.info().grantable);
        let must = "Member must satisfy enum value set of grant operations";
        let action = action.ok_or_else(|| KmsError::constraint(Some(name), "operations", must))?;
        operations = operations.union(action.into());
    }
    if operations == ActionSet::of(KmsAction::CREATE_GRANT) {
        return Err(KmsError::validation(
            "Grants must not contain only the CreateGrant operation.",
        ));
    }
    let name = body.given("Name", 256)?;
    let name = name.map(|name| Body::spelled("Name", name, NAME)).transpose()?;
    let constraints = constraints(body)?;
    let to_service = body.get("GranteeServicePrincipal").is_some();
    // Rule G12.
    if to_service && (constraints.source_arn.is_none() || retiring.is_none()) {
        let text = "A grant to a service needs the constraint SourceArn and a retiring principal.";
        return Err(KmsError::validation(text));
    }
    Ok(Grant {
        id: Box::default(),
        name: name.map(Into::into),
        grantee,
        retiring,
        issuing_account: None,
        operations,
        unknown_operations: Vec::new(),
        constraints,
        place: nowhere(),
    })
}

fn party(
    work: &Work<'_>,
    body: &Body<'_>,
    principal: &str,
    service: &str,
) -> Result<Option<Grantee>, KmsError> {
    match (body.principal(principal)?, body.service(service)?) {
        (None, None) => Ok(None),
        (None, Some(name)) => Ok(Some(Grantee::Service(name.into()))),
        (Some(text), None) => Ok(Some(Grantee::principal(text).in_partition(work.partition()))),
        // Rule G1: one of the two.
        (Some(_), Some(_)) => {
            let text = format!("{principal} and {service} cannot both be set.");
            Err(KmsError::validation(text))
        }
    }
}

/// The pairs of a constraint, where it has any.
type Pairs = Option<BTreeMap<Box<str>, Box<str>>>;

fn constraints(body: &Body<'_>) -> Result<Constraints, KmsError> {
    let Some(given) = body.inner("Constraints")? else {
        return Ok(Constraints::default());
    };
    let pairs = |name: &str| -> Result<Pairs, KmsError> {
        let Some(pairs) = given.pairs(name)? else {
            return Ok(None);
        };
        let length = |text: &str| text.chars().count();
        let too_long = pairs.iter().any(|(key, value)| length(key).max(length(value)) > PAIR);
        if pairs.len() > PAIRS || too_long {
            return Err(KmsError::validation("The grant constraint is too large."));
        }
        Ok(Some(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()))
    };
    let (equals, subset) = (pairs("EncryptionContextEquals")?, pairs("EncryptionContextSubset")?);
    if equals.is_some() && subset.is_some() {
        return Err(KmsError::validation("More than one constraint supplied"));
    }
    Ok(Constraints { equals, subset, source_arn: given.text("SourceArn")?.map(Into::into) })
}

pub(super) fn list_grants(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, asked) = (body.key_id("KeyId")?, Page::asked(body, (50, 100))?);
    let grant = body.given("GrantId", 128)?;
    let grantee = body.principal("GranteePrincipal")?;
    let service = body.service("GranteeServicePrincipal")?;
    let Found { key, target } = work.find_key(id)?;
    work.authorize(KmsAction::LIST_GRANTS, target, direct(), &[])?;
    work.can(key, KmsAction::LIST_GRANTS, "ListGrants")?;
    let meant = key.grants.iter().filter(|one| {
        grant.is_none_or(|id| *one.id == *id)
            && grantee.is_none_or(|it| one.grantee.shown(key.arn.partition()) == it)
            && service.is_none_or(|it| one.grantee == Grantee::Service(it.into()))
    });
    asked.of("Grants", meant.map(|grant| shown(work, key, grant)))
}

pub(super) fn list_retirable_grants(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let principal = body.principal("RetiringPrincipal")?;
    if body.service("RetiringServicePrincipal")?.is_some() {
        let text = "Services alone list grants by RetiringServicePrincipal.";
        return Err(KmsError::validation(text));
    }
    let principal = principal.ok_or_else(|| KmsError::missing("retiringPrincipal"))?;
    let asked = Page::asked(body, (50, 100))?;
    identity(principal).ok_or_else(|| no_principal(principal))?;
    let target = Target::Principal(principal.into());
    work.authorize(KmsAction::LIST_RETIRABLE_GRANTS, target, Said::default().0, &[])?;
    let here = work.world().keys.values().filter(|key| key.arn.region() == work.region());
    let grants = here.flat_map(|key| key.grants.iter().map(move |grant| (key, grant)));
    let meant = grants.filter(|(key, grant)| {
        grant.retiring.as_ref().is_some_and(|it| it.shown(key.arn.partition()) == principal)
    });
    asked.of("Grants", meant.map(|(key, grant)| shown(work, key, grant)))
}

fn shown(work: &Work<'_>, key: &Key, grant: &Grant) -> (String, Value) {
    let operations: Vec<&str> = grant.operations.iter().map(KmsAction::name).collect();
    let mut item = json!({ "KeyId": key.arn.as_str(), "GrantId": &*grant.id,
        "Operations": operations });
    let created = work.state().record(&key.arn).grants.get(&*grant.id).map(|it| it.created);
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("CreationDate", created.unwrap_or_default().into());
    put("Name", grant.name.as_deref().unwrap_or_default().into());
    let mut party = |grantee: &Grantee, principal: &str, service: &str| {
        let name = match grantee {
            Grantee::Principal(_) => principal,
            Grantee::Service(_) => service,
        };
        put(name, grantee.shown(key.arn.partition()).into());
    };
    party(&grant.grantee, "GranteePrincipal", "GranteeServicePrincipal");
    if let Some(retiring) = &grant.retiring {
        party(retiring, "RetiringPrincipal", "RetiringServicePrincipal");
    }
    if let Some(account) = grant.issuing_account {
        put("IssuingAccount", format!("arn:{}:iam::{account}:root", key.arn.partition()).into());
    }
    let mut constraints = Map::new();
    let texts = |pairs: &BTreeMap<Box<str>, Box<str>>| json!(pairs);
    let known = &grant.constraints;
    constraints.extend(known.equals.iter().map(|it| ("EncryptionContextEquals".into(), texts(it))));
    constraints.extend(known.subset.iter().map(|it| ("EncryptionContextSubset".into(), texts(it))));
    constraints.extend(known.source_arn.iter().map(|arn| ("SourceArn".into(), (**arn).into())));
    if !constraints.is_empty() {
        put("Constraints", constraints.into());
    }
    if let Some(item) = item.as_object_mut() {
        item.append(&mut members);
    }
    (format!("{} {}", key.arn, grant.id), item)
}

pub(super) fn revoke_grant(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (id, grant) = (body.key_id("KeyId")?, body.needed("GrantId", 128)?);
    let dry_run = body.dry_run()?;
    let Found { key, target } = work.find_key(id)?;
    work.authorize(KmsAction::REVOKE_GRANT, target, direct(), &[])?;
    let grant = of_key(key, grant)?;
    work.can(key, KmsAction::REVOKE_GRANT, "RevokeGrant")?;
    work.unless_dry_run(dry_run)?;
    end(work, key, grant);
    Ok(json!({}))
}

pub(super) fn retire_grant(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let dry_run = body.dry_run()?;
    let (key, grant) = match body.text("GrantToken")? {
        Some(token) => {
            let id = grant_of_token(work, token)?;
            let mut keys = work.world().keys.values();
            let has_it = |key: &Key| key.grants.iter().any(|grant| *grant.id == *id);
            let key = keys.find(|key| key.arn.region() == work.region() && has_it(key));
            let key = key.ok_or_else(|| no_grant(&id))?;
            (&**key, of_key(key, &id)?)
        }
        None => {
            let (id, grant) = (body.key_id("KeyId")?, body.needed("GrantId", 128)?);
            let Found { key, .. } = work.find_key(id)?;
            // Another account is not told that the key is there.
            let not_there = |_| work.not_there(key.arn.account(), no_grant_text(grant));
            (key, of_key(key, grant).map_err(not_there)?)
        }
    };
    // The evaluator answers for some grant of the key: here this one is the only one.
    let others = key.grants.iter().filter(|other| other.id != grant.id);
    let without =
        others.map(|other| Edit::RevokeGrant { key: key.arn.clone(), grant: other.id.clone() });
    let target = Target::Key(key.arn.clone());
    let request = (KmsAction::RETIRE_GRANT, target, constrained(&grant.constraints).0);
    work.authorize_without(request, without.collect())?;
    work.can(key, KmsAction::RETIRE_GRANT, "RetireGrant")?;
    work.unless_dry_run(dry_run)?;
    end(work, key, grant);
    Ok(json!({}))
}

/// Rules U4, G53: no service asks on the caller's behalf.
fn direct() -> Context {
    Said::default().one("kms:GrantIsForAWSResource", "false").0
}

/// Rule C52: the constraints of a grant stand for an encryption context when it is retired.
fn constrained(constraints: &Constraints) -> Said {
    let kinds = [
        ("EncryptionContextSubset", &constraints.subset),
        ("EncryptionContextEquals", &constraints.equals),
    ];
    kinds.into_iter().fold(Said::default(), |said, (kind, pairs)| match pairs {
        Some(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string()));
            said.one("kms:GrantConstraintType", kind).pairs(&pairs.collect())
        }
        None => said,
    })
}

fn of_key<'k>(key: &'k Key, id: &str) -> Result<&'k Grant, KmsError> {
    key.grants.iter().find(|grant| *grant.id == *id).ok_or_else(|| no_grant(id))
}

fn no_grant(id: &str) -> KmsError {
    KmsError::not_found(no_grant_text(id))
}

fn no_grant_text(id: &str) -> String {
    format!("Grant ID {id} not found")
}

fn end(work: &Work<'_>, key: &Key, grant: &Grant) {
    let edit = Edit::RevokeGrant { key: key.arn.clone(), grant: grant.id.clone() };
    work.change(&[Touched::Key(key.arn.clone())], |state| {
        state.apply(&edit);
        let mut record = state.record(&key.arn);
        record.grants.remove(&*grant.id);
        state.set_record(&key.arn, record);
    });
}

/// A token, another at each call: the code of authentication of what follows, random bytes, the grant's id.
fn token(work: &Work<'_>, id: &str) -> Result<String, KmsError> {
    let said = [&random(NONCE)?, id.as_bytes()].concat();
    let code = hmac::sign(&token_key(work)?, &said);
    Ok(encoded(&[code.as_ref(), &said].concat()))
}

/// The id of the grant that a token is for.
pub(in crate::encryptor) fn grant_of_token(
    work: &Work<'_>,
    token: &str,
) -> Result<String, KmsError> {
    let invalid = || KmsError::bare("InvalidGrantTokenException");
    let bytes = decoded(token).ok_or_else(invalid)?;
    let (code, said) = bytes.split_at_checked(32).ok_or_else(invalid)?;
    hmac::verify(&token_key(work)?, said, code).map_err(|_| invalid())?;
    let (_, id) = said.split_at_checked(NONCE).ok_or_else(invalid)?;
    String::from_utf8(id.to_vec()).map_err(|_| invalid())
}

fn token_key(work: &Work<'_>) -> Result<hmac::Key, KmsError> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &work.materials().token_secret("grant")?))
}
