//! Key material: derived from the master secret where the spec allows, generated once and kept where not.

mod pair;
mod public;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::aws::{KeyArn, KeySpec, KeyUsage};

use super::secret::MasterSecret;
use super::{KmsError, Store};

pub(super) use pair::{KeyPair, Message, generate};
pub(super) use public::private_of_kem;

/// The material of all keys.
pub(super) struct Materials {
    secret: MasterSecret,
    pairs: Mutex<BTreeMap<String, Arc<KeyPair>>>,
    /// Held while a pair is looked for and made: of two, only one would be kept.
    making: Mutex<()>,
    /// The data key pairs of a proof.
    data_pairs: Mutex<BTreeMap<KeySpec, Zeroizing<Vec<u8>>>>,
    sharing: Sharing,
    store: Option<Arc<dyn Store>>,
}

/// Whether keys have pairs of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sharing {
    /// Each key has.
    PerKey,
    /// One pair for all keys of a spec and a usage: making RSA keys takes seconds, and a proof of who may
    /// sign needs no other.
    PerSpec,
}

impl Materials {
    pub(super) fn new(
        secret: MasterSecret,
        sharing: Sharing,
        store: Option<Arc<dyn Store>>,
    ) -> Self {
        let (pairs, making, data_pairs) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { secret, pairs, making, data_pairs, sharing, store }
    }

    /// The material of a symmetric key, or of one for MACs. Multi-Region keys with one id share it.
    pub(super) fn symmetric(
        &self,
        key: &KeyArn,
        version: u32,
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let (account, id) = (key.account(), key.id().as_bytes());
        let partition = key.partition().as_bytes();
        let parts = [partition, account.as_str().as_bytes(), id, &version.to_be_bytes()];
        self.secret.derive(&[&[b"key".as_slice()], &parts[..]].concat(), length)
    }

    /// What the imported material of a key is sealed under.
    pub(super) fn sealing(&self, key: &KeyArn) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        self.of_key(b"imported", key, &[])
    }

    /// What tells material from other material, and nothing about it: `KeyMaterialId`. Of imported material
    /// it is made of the bytes, else of the version.
    pub(super) fn fingerprint(
        &self,
        key: &KeyArn,
        of: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        self.of_key(b"fingerprint", key, of)
    }

    fn of_key(
        &self,
        label: &[u8],
        key: &KeyArn,
        last: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let (account, id) = (key.account(), key.id().as_bytes());
        let partition = key.partition().as_bytes();
        self.secret.derive(&[label, partition, account.as_str().as_bytes(), id, last], 32)
    }

    /// What grant tokens and import tokens are authenticated with.
    pub(super) fn token_secret(&self, label: &str) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        self.secret.derive(&[b"token", label.as_bytes()], 32)
    }

    /// The private half of a new data key pair.
    pub(super) fn data_pair(
        &self,
        spec: KeySpec,
        usage: KeyUsage,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        if self.sharing == Sharing::PerKey {
            return generate(spec, usage);
        }
        let known = || self.data_pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = known().get(&spec) {
            return Ok(pair.clone());
        }
        let made = generate(spec, usage)?;
        Ok(known().entry(spec).or_insert(made).clone())
    }

    /// The pair of an asymmetric key; made where there is none yet.
    pub(super) fn pair(
        &self,
        key: &KeyArn,
        spec: KeySpec,
        usage: KeyUsage,
    ) -> Result<Arc<KeyPair>, KmsError> {
        let name = match self.sharing {
            Sharing::PerKey => format!("{}/{}/{}", key.partition(), key.account(), key.id()),
            Sharing::PerSpec => format!("{spec}/{usage}"),
        };
        let known = || self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = known().get(&name) {
            return Ok(Arc::clone(pair));
        }
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = known().get(&name) {
            return Ok(Arc::clone(pair));
        }
        let kept = match &self.store {
            Some(store) => store.pair(&name)?,
            None => None,
        };
        let pair = match kept {
            Some(bytes) => KeyPair::read(spec, usage, &bytes)?,
            None => {
                let bytes = generate(spec, usage)?;
                if let Some(store) = &self.store {
                    store.keep_pair(&name, &bytes)?;
                }
                KeyPair::read(spec, usage, &bytes)?
            }
        };
        Ok(Arc::clone(known().entry(name).or_insert_with(|| Arc::new(pair))))
    }
}
