//! Aliases.

use serde_json::{Value, json};

use crate::aws::{AliasArn, KeySpec, KeyUsage, KmsAction};
use crate::decision::Target;
use crate::encryptor::body::{Body, KEY_ID};
use crate::encryptor::work::{Found, Work, kind};
use crate::encryptor::{KmsError, Touched};
use crate::graph::Call;
use crate::inventory::{Alias, Edit, Key};

use super::page::Page;
use super::said::Said;

type Answer = Result<Value, KmsError>;

/// The most aliases of a key.
const MOST: usize = 50;

pub(super) fn list_aliases(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (account, region) = (work.account()?, work.region());
    let (id, asked) = (body.given("KeyId", KEY_ID)?, Page::asked(body, (50, 100))?);
    let of_key = id.map(|id| work.find_key(id)).transpose()?;
    work.authorize(KmsAction::LIST_ALIASES, Target::Account, Said::default().0, &[])?;
    let here = work
        .world()
        .aliases
        .values()
        .filter(|alias| alias.arn.account() == account && alias.arn.region() == region);
    let meant = here.filter(|alias| match &of_key {
        Some(found) => alias.key().as_ref() == Some(&found.key.arn),
        None => true,
    });
    let shown = meant.map(|alias| {
        let mut item = json!({ "AliasName": alias.arn.name(), "AliasArn": alias.arn.as_str() });
        if let (Some(members), Some(target)) = (item.as_object_mut(), &alias.target) {
            members.insert("TargetKeyId".into(), (**target).into());
        }
        (alias.arn.name().to_owned(), item)
    });
    asked.of("Aliases", shown)
}

pub(super) fn create_alias(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (alias, Found { key, .. }) =
        (named(work, body)?, work.find_key(body.key_id("TargetKeyId")?)?);
    work.authorize_call(&Call::CreateAlias { alias: alias.clone(), key: key.arn.clone() })?;
    if work.world().alias(&alias).is_some() {
        let text = format!("An alias with the name {alias} already exists");
        return Err(KmsError::new("AlreadyExistsException", text));
    }
    work.can(key, KmsAction::CREATE_ALIAS, "CreateAlias")?;
    one_more(work, key)?;
    point(work, alias, key);
    Ok(json!({}))
}

pub(super) fn update_alias(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let (alias, Found { key, .. }) =
        (named(work, body)?, work.find_key(body.key_id("TargetKeyId")?)?);
    let old = there(work, &alias)?;
    work.authorize_call(&Call::UpdateAlias { alias: alias.clone(), key: key.arn.clone() })?;
    // Rule S3, footnote 10: the key that it moves to is held to what CreateAlias is.
    work.can(key, KmsAction::CREATE_ALIAS, "UpdateAlias")?;
    let before = old.key().and_then(|old| work.world().key(&old));
    if before.is_some_and(|before| sort(before) != sort(key)) {
        let text = format!("{alias} cannot move to a key of another type or usage.");
        return Err(KmsError::validation(text));
    }
    match old.key() {
        Some(old) if old == key.arn => {}
        old => {
            one_more(work, key)?;
            old.into_iter().for_each(|old| work.change(&[Touched::Key(old)], |_| ()));
        }
    }
    point(work, alias, key);
    Ok(json!({}))
}

pub(super) fn delete_alias(work: &Work<'_>, body: &Body<'_>) -> Answer {
    let alias = named(work, body)?;
    let old = there(work, &alias)?;
    work.authorize_call(&Call::DeleteAlias { alias: alias.clone() })?;
    if let Some(old) = old.key() {
        work.change(&[Touched::Key(old)], |_| ());
    }
    work.edit(&Edit::DeleteAlias { alias: alias.clone() }, Touched::Alias(alias));
    Ok(json!({}))
}

/// That a key may have one more alias (page "Resource quotas").
fn one_more(work: &Work<'_>, key: &Key) -> Result<(), KmsError> {
    match work.world().aliases_of(key).count() {
        count if count >= MOST => Err(KmsError::quota("Aliases per key", MOST, count)),
        _ => Ok(()),
    }
}

/// What an alias is good for: whoever encrypts by it goes on to.
fn sort(key: &Key) -> (bool, KeyUsage) {
    let (spec, usage) = kind(key);
    (spec == KeySpec::SymmetricDefault, usage)
}

fn point(work: &Work<'_>, alias: AliasArn, key: &Key) {
    let edit = Edit::PointAlias { alias: alias.clone(), key: key.arn.clone() };
    work.change(&[Touched::Alias(alias), Touched::Key(key.arn.clone())], |it| it.apply(&edit));
}

fn there<'w>(work: &'w Work<'_>, alias: &AliasArn) -> Result<&'w Alias, KmsError> {
    let not_there = || KmsError::not_found(format!("Alias {alias} is not found."));
    work.world().alias(alias).ok_or_else(not_there)
}

fn named(work: &Work<'_>, body: &Body<'_>) -> Result<AliasArn, KmsError> {
    let name = body.needed("AliasName", 256)?;
    let Some(rest) = name.strip_prefix("alias/") else {
        let text = "Alias must start with the prefix \"alias/\". Please see \
                    https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
        return Err(KmsError::validation(text));
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/_-".contains(letter);
    if rest.is_empty() || !rest.chars().all(is_plain) {
        let must = "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$";
        return Err(KmsError::constraint(Some(name), "aliasName", must));
    }
    if rest.starts_with("aws/") {
        return Err(KmsError::bare("InvalidAliasNameException"));
    }
    let alias = AliasArn::new(work.partition(), work.region(), work.account()?, name);
    alias.ok_or_else(|| KmsError::bare("InvalidAliasNameException"))
}
