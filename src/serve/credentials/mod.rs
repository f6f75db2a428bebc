//! Access keys: derived from the master secret, so that they are the same after a restart and nothing of
//! them is stored.
//!
//! An access key is known by its number among those of its principal: 0 is that of the credentials file,
//! the others are made by CreateAccessKey. The token of a session says what the session is, under a
//! checksum that only the master secret makes: no list of sessions is kept.

mod file;

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use crate::aws::{Arn, KeyArn};
use crate::inventory::{Account, IdentityKind, Inventory};

use super::sigv4::AuthFault;
use super::who::{Session, Who, base32};

pub(super) use file::write;

/// An access key with its secret.
pub(super) struct AccessKey {
    /// `AKIA...`, or `ASIA...` for a session.
    pub(super) id: String,
    /// Forty characters.
    pub(super) secret: String,
    /// `SessionToken`.
    pub(super) token: Option<String>,
}

/// Secrets stay out of every log.
impl fmt::Debug for AccessKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AccessKey({})", self.id)
    }
}

/// All access keys.
pub(super) struct Credentials {
    key: hmac::Key,
    /// ARN and number of each long-term access key, by its id. Never iterated.
    known: RwLock<HashMap<String, (Box<str>, u32)>>,
}

impl Credentials {
    /// The access keys that follow from a master secret.
    pub(super) fn new(master: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, master);
        let key = hmac::sign(&root, b"keyreach credentials 1");
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        Self { key, known: RwLock::default() }
    }

    /// Knows the users and root users of a world, and the access keys that were made for users, by their
    /// ARNs with the number of the last.
    pub(super) fn know(&self, world: &Inventory, made: &Made) {
        let roots = world.accounts.values().map(|account| root_arn(world, account));
        let mut known = HashMap::new();
        let mut add = |arn: &str, number: u32| {
            known.insert(self.of_principal(arn, number).id, (Box::from(arn), number));
        };
        roots.for_each(|arn| add(&arn, 0));
        let identities = world.accounts.values().flat_map(|account| account.identities.values());
        for user in identities.filter(|identity| identity.kind == IdentityKind::User) {
            (0..=made.last(&user.arn)).for_each(|number| add(&user.arn, number));
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Knows one more.
    pub(super) fn learn(&self, arn: &str, number: u32) -> AccessKey {
        let key = self.of_principal(arn, number);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(key.id.clone(), (arn.into(), number));
        key
    }

    /// The access key of a user or root user with this number.
    pub(super) fn of_principal(&self, arn: &str, number: u32) -> AccessKey {
        let what = format!("{number} {arn}");
        let id = format!("AKIA{}", base32(&self.derive("id", what.as_bytes()), 16));
        AccessKey { id, secret: self.secret(what.as_bytes()), token: None }
    }

    /// The access key of a session.
    pub(super) fn of_session(&self, session: &Session) -> AccessKey {
        let text = serde_json::to_vec(session).unwrap_or_default();
        let mut token = text.clone();
        token.extend_from_slice(&self.derive("token", &text));
        let id = format!("ASIA{}", base32(&self.derive("id", &text), 16));
        AccessKey { id, secret: self.secret(&text), token: Some(BASE64_STANDARD.encode(token)) }
    }

    /// Who has an access key, and its secret.
    ///
    /// # Errors
    /// There is no such access key, or not with this token, or the session is over, or the principal is
    /// gone.
    pub(super) fn find(
        &self,
        id: &str,
        token: Option<&str>,
        world: &Inventory,
        now: Timestamp,
    ) -> Result<(Who, String), AuthFault> {
        let (who, secret) = match token {
            Some(token) => self.find_session(id, token)?,
            None => self.find_long_term(id)?,
        };
        match &who.session {
            _ if !who.exists(world) => Err(AuthFault::UnknownKey),
            Some(session) if session.is_over(now) => Err(AuthFault::ExpiredToken),
            _ => Ok((who, secret)),
        }
    }

    fn find_long_term(&self, id: &str) -> Result<(Who, String), AuthFault> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (arn, number) = known.get(id).ok_or(AuthFault::UnknownKey)?;
        let who = Who::of_arn(arn).ok_or(AuthFault::UnknownKey)?;
        Ok((who, self.of_principal(arn, *number).secret))
    }

    fn find_session(&self, id: &str, token: &str) -> Result<(Who, String), AuthFault> {
        let bytes = BASE64_STANDARD.decode(token).map_err(|_| AuthFault::UnknownKey)?;
        let at = bytes.len().checked_sub(32).ok_or(AuthFault::UnknownKey)?;
        let (text, checksum) = bytes.split_at_checked(at).ok_or(AuthFault::UnknownKey)?;
        constant_time::verify_slices_are_equal(&self.derive("token", text), checksum)
            .map_err(|_| AuthFault::UnknownKey)?;
        let session = serde_json::from_slice(text).map_err(|_| AuthFault::UnknownKey)?;
        let key = self.of_session(&session);
        let who = Who::of_session(session).filter(|_| key.id == id).ok_or(AuthFault::UnknownKey)?;
        Ok((who, key.secret))
    }

    fn secret(&self, what: &[u8]) -> String {
        let bytes = self.derive("secret", what);
        BASE64_STANDARD.encode(bytes.get(..30).unwrap_or_default())
    }

    fn derive(&self, use_as: &str, what: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(use_as.as_bytes());
        context.update(&[0]);
        context.update(what);
        context.sign().as_ref().to_vec()
    }
}

/// How many access keys were made for users, by their ARNs: the one thing about them that is stored.
#[derive(Clone, Default, Debug)]
pub(super) struct Made(std::collections::BTreeMap<Box<str>, u32>);

impl Made {
    /// The name of the document that keeps it; a text that ingest does not take.
    pub(super) const DOCUMENT: &str = "access-keys";

    /// Reads the document.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let entry = |line: &str| {
            let (number, arn) = line.split_once(' ')?;
            Some((arn.into(), number.parse().ok()?))
        };
        text.lines().map(entry).collect::<Option<_>>().map(Self)
    }

    /// The document.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(arn, number)| format!("{number} {arn}\n")).collect()
    }

    /// The number of the last that was made; 0 where none was.
    pub(super) fn last(&self, arn: &str) -> u32 {
        self.0.get(arn).copied().unwrap_or(0)
    }

    /// With one more.
    pub(super) fn with(&self, arn: &str) -> Self {
        let mut all = self.clone();
        *all.0.entry(arn.into()).or_default() += 1;
        all
    }
}

/// The root user of an account, in the partition that the account's identities or keys are in.
pub(super) fn root_arn(world: &Inventory, account: &Account) -> String {
    let id = account.id;
    let identity = account.identities.keys().next().and_then(Arn::parse);
    let key = || world.keys.keys().find(|key| key.account() == id).map(KeyArn::partition);
    let partition = identity.map(|arn| arn.partition).or_else(key).unwrap_or("aws");
    format!("arn:{partition}:iam::{id}:root")
}

#[cfg(test)]
mod tests {
    use crate::ingest::load;
    use crate::source::Memory;

    use super::*;

    fn world() -> Inventory {
        let mut files = Memory::default();
        let text = "keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n      Alice: {}\n    roles:\n      app: {trust: account}\n";
        files.put("scenario.yaml", text);
        let loaded = load(&files, &["scenario.yaml".to_owned()]);
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        loaded.inventory
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().expect("an instant")
    }

    const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";
    const APP: &str = "arn:aws:iam::111122223333:role/app";

    #[test]
    fn the_same_secret_gives_the_same_keys_and_another_gives_others() {
        let one = Credentials::new(&[1; 32]);
        let again = Credentials::new(&[1; 32]);
        let other = Credentials::new(&[2; 32]);
        let key = one.of_principal(ALICE, 0);
        assert_eq!((key.id.len(), key.secret.len()), (20, 40));
        assert_eq!(key.secret, again.of_principal(ALICE, 0).secret);
        assert_ne!(key.secret, other.of_principal(ALICE, 0).secret);
        assert_ne!(key.secret, one.of_principal(ALICE, 1).secret);
        assert!(!format!("{key:?}").contains(&key.secret));
    }

    #[test]
    fn users_and_roots_are_found_by_their_keys() {
        let (all, world) = (Credentials::new(&[1; 32]), world());
        all.know(&world, &Made::default());
        for arn in [ALICE, "arn:aws:iam::111122223333:root"] {
            let key = all.of_principal(arn, 0);
            let (who, secret) = all.find(&key.id, None, &world, now()).expect("it is known");
            assert_eq!((&*who.caller.text, secret), (arn, key.secret));
        }
        let id = all.of_principal(ALICE, 1).id;
        assert_eq!(all.find(&id, None, &world, now()).unwrap_err(), AuthFault::UnknownKey);
        all.know(&world, &Made::default().with(ALICE));
        assert!(all.find(&id, None, &world, now()).is_ok());
        let gone = Inventory::default();
        assert_eq!(all.find(&id, None, &gone, now()).unwrap_err(), AuthFault::UnknownKey);
    }

    #[test]
    fn a_token_that_was_changed_is_unknown() {
        let (all, world) = (Credentials::new(&[1; 32]), world());
        let key = all.of_session(&Session::of_file(APP));
        let token = key.token.expect("a token");
        let (who, secret) = all.find(&key.id, Some(&token), &world, now()).expect("it is known");
        assert_eq!(&*who.caller.text, "arn:aws:sts::111122223333:assumed-role/app/keyreach");
        assert_eq!(secret, key.secret);
        let bytes = BASE64_STANDARD.decode(&token).expect("base64");
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let token = BASE64_STANDARD.encode(bytes);
            let found = all.find(&key.id, Some(&token), &world, now());
            assert_eq!(found.unwrap_err(), AuthFault::UnknownKey, "{at}");
        }
        assert!(all.find("ASIAXXXXXXXXXXXXXXXX", Some(&token), &world, now()).is_err());
        assert!(all.find(&key.id, None, &world, now()).is_err());
    }

    #[test]
    fn a_session_ends() {
        let (all, world) = (Credentials::new(&[1; 32]), world());
        let session = Session { expires: Some(now().as_second()), ..Session::of_file(APP) };
        let key = all.of_session(&session);
        let found = all.find(&key.id, key.token.as_deref(), &world, now());
        assert_eq!(found.unwrap_err(), AuthFault::ExpiredToken);
    }

    #[test]
    fn what_was_made_reads_back() {
        let made = Made::default().with(ALICE).with(ALICE);
        let again = Made::parse(&made.text()).expect("it reads");
        assert_eq!((again.last(ALICE), again.last(APP)), (2, 0));
        assert!(Made::parse("no number").is_none());
    }
}
