//! Imported key material: kept in the record of its key, sealed under the master secret, and opened for one
//! use at a time.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::aws::{KeySpec, KeyUsage};
use crate::inventory::Key;

use super::KmsError;
use super::blob::{Blob, EncryptionContext, seal};
use super::body::{decoded, encoded};
use super::material::KeyPair;
use super::state::Imported;
use super::work::{Work, kind, state_of};

impl Work<'_> {
    /// The material of one version of a symmetric key, or of one for MACs.
    pub(super) fn symmetric(
        &self,
        key: &Key,
        version: u32,
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let record = self.state().records().get(&key.arn);
        match record.and_then(|record| record.imported(version)) {
            Some(imported) => self.opened(key, imported),
            None => self.materials().symmetric(&key.arn, version, length),
        }
    }

    /// The pair of an asymmetric key.
    pub(super) fn pair(&self, key: &Key) -> Result<Arc<KeyPair>, KmsError> {
        let (spec, usage) = kind(key);
        let record = self.state().records().get(&key.arn);
        match record.and_then(|record| record.imported(record.version())) {
            Some(imported) => {
                let bytes = self.opened(key, imported)?;
                Ok(Arc::new(KeyPair::read(spec, usage, &bytes)?))
            }
            None => self.materials().pair(&key.arn, spec, usage),
        }
    }

    /// Material as the record of `key` keeps it: by its id, and sealed.
    pub(super) fn taken_in(&self, key: &Key, material: &[u8]) -> Result<Imported, KmsError> {
        let (secret, context) = (self.sealing(key)?, EncryptionContext::new());
        let sealed = seal(&key.arn, 0, &secret, &context, material)?;
        let id = self.fingerprint(key, material)?;
        let sealed = Some(encoded(&sealed));
        Ok(Imported { id, sealed, valid_to: None, description: String::new() })
    }

    /// The `KeyMaterialId` of one version of a symmetric key.
    pub(super) fn material_id(&self, key: &Key, version: u32) -> Result<String, KmsError> {
        let record = self.state().records().get(&key.arn);
        match record.and_then(|record| record.imported(version)) {
            Some(imported) => Ok(imported.id.clone()),
            None => self.fingerprint(key, &version.to_be_bytes()),
        }
    }

    fn fingerprint(&self, key: &Key, of: &[u8]) -> Result<String, KmsError> {
        let id = self.materials().fingerprint(&key.arn, of)?;
        Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn opened(&self, key: &Key, imported: &Imported) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let sealed =
            imported.sealed.as_deref().ok_or_else(|| state_of(key, "is pending import."))?;
        let damaged = || KmsError::internal("imported key material cannot be read");
        let bytes = decoded(sealed).ok_or_else(damaged)?;
        let blob = Blob::parse(&bytes).ok_or_else(damaged)?;
        let opened = blob.open(&self.sealing(key)?, &EncryptionContext::new());
        opened.map_err(|_| damaged())
    }

    fn sealing(&self, key: &Key) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        self.materials().sealing(&key.arn)
    }
}

/// Whether bytes can be the material of a key of this spec: so many bytes, or a private key in PKCS #8.
pub(super) fn fits(spec: KeySpec, usage: KeyUsage, bytes: &[u8]) -> bool {
    match length(spec) {
        Some(length) => bytes.len() == length,
        None => KeyPair::read(spec, usage, bytes).is_ok_and(|pair| pair.is_of(spec)),
    }
}

/// How many bytes the material of a symmetric key has, or of one for MACs.
pub(super) fn length(spec: KeySpec) -> Option<usize> {
    match spec {
        KeySpec::SymmetricDefault | KeySpec::Hmac256 => Some(32),
        KeySpec::Hmac224 => Some(28),
        KeySpec::Hmac384 => Some(48),
        KeySpec::Hmac512 => Some(64),
        _ => None,
    }
}
