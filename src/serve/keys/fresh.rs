//! Grants that are new: until a while has passed they count with their tokens alone, as in AWS, where a
//! grant takes some minutes to be known everywhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::aws::KeyArn;
use crate::decision::{Request, Target};
use crate::inventory::{Alias, Edit, Inventory};
use crate::serve::kms::KmsFault;

/// The grants that were made in this process a short time ago.
pub(super) struct Fresh {
    key: hmac::Key,
    delay: Duration,
    made: Mutex<BTreeMap<Box<str>, (KeyArn, Instant)>>,
}

impl Fresh {
    pub(super) fn new(master: &[u8; 32], delay: Duration) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, master);
        let key = hmac::sign(&root, b"keyreach grant tokens 1");
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        Self { key, delay, made: Mutex::default() }
    }

    /// Notes a new grant.
    pub(super) fn note(&self, key: &KeyArn, grant: &str) {
        if self.delay > Duration::ZERO {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.retain(|_, (_, at)| at.elapsed() < self.delay);
            made.insert(grant.into(), (key.clone(), Instant::now()));
        }
    }

    /// The token of a grant: its id under a checksum.
    pub(super) fn token(&self, grant: &str) -> String {
        let tag = hmac::sign(&self.key, grant.as_bytes());
        BASE64_STANDARD.encode([tag.as_ref(), grant.as_bytes()].concat())
    }

    /// The grant that a token names.
    ///
    /// # Errors
    /// It is no token of ours.
    pub(super) fn grant(&self, token: &str) -> Result<String, KmsFault> {
        let fault = || KmsFault::new("InvalidGrantTokenException", "Invalid grant token.");
        let bytes = BASE64_STANDARD.decode(token).map_err(|_| fault())?;
        let (tag, grant) = bytes.split_at_checked(32).ok_or_else(fault)?;
        let expected = hmac::sign(&self.key, grant);
        constant_time::verify_slices_are_equal(expected.as_ref(), tag).map_err(|_| fault())?;
        String::from_utf8(grant.to_vec()).map_err(|_| fault())
    }

    /// The world in which fresh grants are not known yet but by `tokens`; nothing where that is the
    /// world itself.
    pub(super) fn seen(
        &self,
        world: &Inventory,
        request: &Request,
        tokens: &[&str],
    ) -> Result<Option<Inventory>, KmsFault> {
        let named: Vec<String> =
            tokens.iter().map(|token| self.grant(token)).collect::<Result<_, _>>()?;
        let key = match &request.target {
            Target::Key(arn) => Some(arn.clone()),
            Target::Alias(alias) => world.alias(alias).and_then(Alias::key),
            _ => None,
        };
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let hidden = made.iter().filter(|(id, (arn, at))| {
            at.elapsed() < self.delay
                && Some(arn) == key.as_ref()
                && !named.iter().any(|named| **named == ***id)
        });
        let hidden: Vec<Edit> = hidden
            .map(|(id, (key, _))| Edit::RevokeGrant { key: key.clone(), grant: id.clone() })
            .collect();
        let seen = hidden.iter().fold(None, |seen: Option<Inventory>, edit| {
            Some(seen.as_ref().unwrap_or(world).apply(edit))
        });
        Ok(seen)
    }
}
