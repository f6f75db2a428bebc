//! The master secret, and what is derived from it.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::KmsError;

/// One random secret a state directory. Every key's material hangs on it, so that another state directory
/// opens nothing. Wiped when it is dropped, and printed by nothing.
pub struct MasterSecret(Zeroizing<[u8; 32]>);

impl MasterSecret {
    /// A new secret of the system's randomness.
    ///
    /// # Errors
    /// The system has none.
    pub fn random() -> Result<Self, KmsError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// The secret that was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes to store, in a file of mode 0600 alone.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Bytes that depend on the secret and on every part of `info`.
    pub(super) fn derive(
        &self,
        info: &[&[u8]],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        expand(&*self.0, b"keyreach/material/1", info, length)
    }
}

/// HKDF with SHA-256; parts of `info` cannot flow into one another.
pub(super) fn expand(
    secret: &[u8],
    salt: &[u8],
    info: &[&[u8]],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let lengths: Vec<[u8; 4]> = info.iter().map(|part| (part.len() as u32).to_be_bytes()).collect();
    let parts = lengths.iter().zip(info).flat_map(|(length, part)| [length.as_slice(), part]);
    let parts: Vec<&[u8]> = parts.collect();
    let mut out = Zeroizing::new(vec![0; length]);
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    let filled = key.expand(&parts, Length(length)).and_then(|made| made.fill(&mut out));
    filled.map_err(|_| KmsError::internal("no key could be derived"))?;
    Ok(out)
}

/// Fills `bytes` with the system's randomness.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), KmsError> {
    rand::fill(bytes).map_err(|_| KmsError::internal("the system has no randomness"))
}

/// Random bytes.
pub(super) fn random(length: usize) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    fill(&mut bytes)?;
    Ok(bytes)
}

/// A random UUID (version 4), as key ids and request ids are.
pub(super) fn uuid() -> Result<String, KmsError> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) & !(0xc << 60);
    let text = format!("{:032x}", number | 0x4 << 76 | 0x8 << 60);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}
