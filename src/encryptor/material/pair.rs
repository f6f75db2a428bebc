//! Asymmetric keys: RSA, elliptic curves, ML-DSA and ML-KEM.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::kem::{
    self, DecapsulationKey, EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024,
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    self, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm,
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, Ed25519KeyPair,
    KeyPair as _, PqdsaKeyPair, PqdsaSigningAlgorithm, RsaParameters, RsaSignatureEncoding,
    UnparsedPublicKey,
};
use zeroize::Zeroizing;

use crate::aws::{KeySpec, KeyUsage};
use crate::encryptor::KmsError;

use super::public;

/// The private half of a key, ready for use; the library wipes it.
pub(in crate::encryptor) enum KeyPair {
    /// RSA for encryption.
    RsaCipher(OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Vec<u8>),
    /// RSA for signatures.
    RsaSigner(rsa::KeyPair),
    /// ECDSA.
    Ecdsa(EcdsaKeyPair, &'static EcdsaVerificationAlgorithm),
    /// Ed25519.
    Edwards(Ed25519KeyPair),
    /// ECDH.
    Agreement(agreement::PrivateKey),
    /// ML-DSA.
    MlDsa(PqdsaKeyPair),
    /// ML-KEM.
    MlKem(DecapsulationKey, EncapsulationKey, KeySpec),
}

/// How a message was handed over.
pub(in crate::encryptor) enum Message<'m> {
    /// As it is.
    Raw(&'m [u8]),
    /// As its digest.
    Digest(&'m [u8]),
}

fn unsupported(spec: KeySpec) -> KmsError {
    KmsError::unsupported(format!("keyreach has no cryptography for key spec {spec}."))
}

fn broken<E>(_: E) -> KmsError {
    KmsError::internal("key material cannot be used")
}

fn rsa_size(spec: KeySpec) -> Option<KeySize> {
    match spec {
        KeySpec::Rsa2048 => Some(KeySize::Rsa2048),
        KeySpec::Rsa3072 => Some(KeySize::Rsa3072),
        KeySpec::Rsa4096 => Some(KeySize::Rsa4096),
        _ => None,
    }
}

fn ecdsa(
    spec: KeySpec,
) -> Option<(&'static EcdsaSigningAlgorithm, &'static EcdsaVerificationAlgorithm)> {
    use signature as s;
    Some(match spec {
        KeySpec::EccNistP256 => (&s::ECDSA_P256_SHA256_ASN1_SIGNING, &s::ECDSA_P256_SHA256_ASN1),
        KeySpec::EccNistP384 => (&s::ECDSA_P384_SHA384_ASN1_SIGNING, &s::ECDSA_P384_SHA384_ASN1),
        KeySpec::EccNistP521 => (&s::ECDSA_P521_SHA512_ASN1_SIGNING, &s::ECDSA_P521_SHA512_ASN1),
        KeySpec::EccSecgP256k1 => {
            (&s::ECDSA_P256K1_SHA256_ASN1_SIGNING, &s::ECDSA_P256K1_SHA256_ASN1)
        }
        _ => return None,
    })
}

fn ecdh(spec: KeySpec) -> Option<&'static agreement::Algorithm> {
    match spec {
        KeySpec::EccNistP256 => Some(&ECDH_P256),
        KeySpec::EccNistP384 => Some(&ECDH_P384),
        KeySpec::EccNistP521 => Some(&ECDH_P521),
        _ => None,
    }
}

fn ml_dsa(spec: KeySpec) -> Option<&'static PqdsaSigningAlgorithm> {
    match spec {
        KeySpec::MlDsa44 => Some(&signature::ML_DSA_44_SIGNING),
        KeySpec::MlDsa65 => Some(&signature::ML_DSA_65_SIGNING),
        KeySpec::MlDsa87 => Some(&signature::ML_DSA_87_SIGNING),
        _ => None,
    }
}

fn ml_kem(spec: KeySpec) -> Option<&'static kem::Algorithm<kem::AlgorithmId>> {
    match spec {
        KeySpec::MlKem512 => Some(&ML_KEM_512),
        KeySpec::MlKem768 => Some(&ML_KEM_768),
        KeySpec::MlKem1024 => Some(&ML_KEM_1024),
        _ => None,
    }
}

/// New material of a spec, as [`KeyPair::read`] takes it: PKCS #8 but for ECDH and ML-KEM.
pub(in crate::encryptor) fn generate(
    spec: KeySpec,
    usage: KeyUsage,
) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    let failed = |_: Unspecified| KmsError::internal("no key could be made");
    let bytes = match (spec, usage) {
        (KeySpec::EccNistEdwards25519, _) => Ed25519KeyPair::generate()
            .and_then(|pair| pair.to_pkcs8())
            .map_err(failed)?
            .as_ref()
            .to_vec(),
        (_, KeyUsage::KeyAgreement) => {
            let algorithm = ecdh(spec).ok_or_else(|| unsupported(spec))?;
            let pair = agreement::PrivateKey::generate(algorithm).map_err(failed)?;
            let der: EcPrivateKeyRfc5915Der<'_> = pair.as_der().map_err(failed)?;
            der.as_ref().to_vec()
        }
        _ => {
            if let Some(size) = rsa_size(spec) {
                let pair = PrivateDecryptingKey::generate(size).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                der.as_ref().to_vec()
            } else if let Some((signing, _)) = ecdsa(spec) {
                let pair = EcdsaKeyPair::generate(signing).map_err(failed)?;
                pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
            } else if let Some(algorithm) = ml_dsa(spec) {
                let pair = PqdsaKeyPair::generate(algorithm).map_err(failed)?;
                pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
            } else {
                let algorithm = ml_kem(spec).ok_or_else(|| unsupported(spec))?;
                let key = DecapsulationKey::generate(algorithm).map_err(failed)?;
                key.key_bytes().map_err(failed)?.as_ref().to_vec()
            }
        }
    };
    Ok(Zeroizing::new(bytes))
}

impl KeyPair {
    /// The pair that [`generate`] made.
    pub(in crate::encryptor) fn read(
        spec: KeySpec,
        usage: KeyUsage,
        bytes: &[u8],
    ) -> Result<Self, KmsError> {
        if spec == KeySpec::EccNistEdwards25519 {
            return Ok(Self::Edwards(Ed25519KeyPair::from_pkcs8(bytes).map_err(broken)?));
        }
        match usage {
            KeyUsage::KeyAgreement => {
                let algorithm = ecdh(spec).ok_or_else(|| unsupported(spec))?;
                let key = agreement::PrivateKey::from_private_key_der(algorithm, bytes);
                Ok(Self::Agreement(key.map_err(broken)?))
            }
            KeyUsage::EncryptDecrypt => {
                rsa_size(spec).ok_or_else(|| unsupported(spec))?;
                let private = PrivateDecryptingKey::from_pkcs8(bytes).map_err(broken)?;
                let public = private.public_key();
                let der: PublicKeyX509Der<'_> = public.as_der().map_err(broken)?;
                let der = der.as_ref().to_vec();
                let public = OaepPublicEncryptingKey::new(public).map_err(broken)?;
                let private = OaepPrivateDecryptingKey::new(private).map_err(broken)?;
                Ok(Self::RsaCipher(private, public, der))
            }
            KeyUsage::SignVerify if rsa_size(spec).is_some() => {
                Ok(Self::RsaSigner(rsa::KeyPair::from_pkcs8(bytes).map_err(broken)?))
            }
            KeyUsage::SignVerify => {
                if let Some((signing, verifying)) = ecdsa(spec) {
                    let pair = EcdsaKeyPair::from_pkcs8(signing, bytes).map_err(broken)?;
                    return Ok(Self::Ecdsa(pair, verifying));
                }
                let algorithm = ml_dsa(spec).ok_or_else(|| unsupported(spec))?;
                Ok(Self::MlDsa(PqdsaKeyPair::from_pkcs8(algorithm, bytes).map_err(broken)?))
            }
            KeyUsage::EncapsulateDecapsulate => {
                let algorithm = ml_kem(spec).ok_or_else(|| unsupported(spec))?;
                let key = DecapsulationKey::new(algorithm, bytes).map_err(broken)?;
                let public = within(bytes).ok_or_else(|| broken(spec))?;
                let public = EncapsulationKey::new(algorithm, public).map_err(broken)?;
                Ok(Self::MlKem(key, public, spec))
            }
            KeyUsage::GenerateVerifyMac => Err(unsupported(spec)),
        }
    }

    /// Whether an RSA key is as long as its spec says: the other specs leave no choice.
    pub(in crate::encryptor) fn is_of(&self, spec: KeySpec) -> bool {
        rsa_size(spec).is_none_or(|size| size.len() == self.length())
    }

    /// How many bytes the modulus of an RSA key has.
    pub(in crate::encryptor) fn length(&self) -> usize {
        match self {
            Self::RsaCipher(private, ..) => private.key_size_bytes(),
            Self::RsaSigner(pair) => pair.public_modulus_len(),
            _ => 0,
        }
    }

    /// The public key as X.509 has it (`SubjectPublicKeyInfo`).
    pub(in crate::encryptor) fn public_der(&self) -> Result<Vec<u8>, KmsError> {
        let der = |key: Result<PublicKeyX509Der<'_>, Unspecified>| {
            Ok(key.map_err(broken)?.as_ref().to_vec())
        };
        match self {
            Self::RsaCipher(_, _, public) => Ok(public.clone()),
            Self::RsaSigner(pair) => der(pair.public_key().as_der()),
            Self::Ecdsa(pair, _) => der(pair.public_key().as_der()),
            Self::Edwards(pair) => der(pair.public_key().as_der()),
            Self::Agreement(pair) => der(pair.compute_public_key().map_err(broken)?.as_der()),
            Self::MlDsa(pair) => der(pair.public_key().as_der()),
            Self::MlKem(_, public, spec) => {
                Ok(public::of_kem(*spec, public.key_bytes().map_err(broken)?.as_ref()))
            }
        }
    }

    /// RSAES-OAEP: nothing but the ciphertext, as long as the modulus.
    pub(in crate::encryptor) fn encrypt(
        &self,
        algorithm: &str,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, KmsError> {
        let (Self::RsaCipher(_, public, _), Some(oaep)) = (self, oaep(algorithm)) else {
            return Err(KmsError::internal("no RSA key for encryption"));
        };
        let mut out = vec![0; public.ciphertext_size()];
        let done = public.encrypt(oaep, plaintext, &mut out, None).map_err(broken)?;
        Ok(done.to_vec())
    }

    /// How much OAEP can take.
    pub(in crate::encryptor) fn room(&self, algorithm: &str) -> usize {
        match (self, oaep(algorithm)) {
            (Self::RsaCipher(_, public, _), Some(oaep)) => public.max_plaintext_size(oaep),
            _ => 0,
        }
    }

    pub(in crate::encryptor) fn decrypt(
        &self,
        algorithm: &str,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let (Self::RsaCipher(private, ..), Some(oaep)) = (self, oaep(algorithm)) else {
            return Err(KmsError::internal("no RSA key for encryption"));
        };
        let mut out = Zeroizing::new(vec![0; private.min_output_size()]);
        let opened = private.decrypt(oaep, ciphertext, &mut out, None).map(|text| text.len());
        let length = opened.map_err(|_| KmsError::bare("InvalidCiphertextException"))?;
        out.truncate(length);
        Ok(out)
    }

    /// A signature by the algorithm that the request names; ECDSA's in DER.
    pub(in crate::encryptor) fn sign(
        &self,
        algorithm: &str,
        message: &Message<'_>,
    ) -> Result<Vec<u8>, KmsError> {
        let random = SystemRandom::new();
        let signed = match (self, message) {
            (Self::RsaSigner(pair), message) => {
                let (encoding, _) = rsa_scheme(algorithm).ok_or_else(|| no_scheme(algorithm))?;
                let mut out = vec![0; pair.public_modulus_len()];
                match message {
                    Message::Raw(text) => pair.sign(encoding, &random, text, &mut out),
                    Message::Digest(_) => {
                        pair.sign_digest(encoding, &digest_of(algorithm, message)?, &mut out)
                    }
                }
                .map(|()| out)
            }
            (Self::Ecdsa(pair, _), Message::Raw(text)) => {
                pair.sign(&random, text).map(|it| it.as_ref().to_vec())
            }
            (Self::Ecdsa(pair, _), Message::Digest(_)) => {
                pair.sign_digest(&digest_of(algorithm, message)?).map(|it| it.as_ref().to_vec())
            }
            (Self::Edwards(pair), Message::Raw(text)) => {
                pair.try_sign(text).map(|it| it.as_ref().to_vec())
            }
            (Self::MlDsa(pair), Message::Raw(text)) => {
                let mut out = vec![0; pair.algorithm().signature_len()];
                pair.sign(text, &mut out).map(|length| {
                    out.truncate(length);
                    out
                })
            }
            _ => return Err(no_scheme(algorithm)),
        };
        signed.map_err(broken)
    }

    /// Whether a signature is of this key and message.
    pub(in crate::encryptor) fn verify(
        &self,
        algorithm: &str,
        message: &Message<'_>,
        signature: &[u8],
    ) -> Result<bool, KmsError> {
        let raw_only = |raw: Result<(), Unspecified>| raw.is_ok();
        Ok(match (self, message) {
            (Self::RsaSigner(pair), message) => {
                let (_, parameters) = rsa_scheme(algorithm).ok_or_else(|| no_scheme(algorithm))?;
                let key = UnparsedPublicKey::new(parameters, pair.public_key().as_ref());
                match message {
                    Message::Raw(text) => key.verify(text, signature).is_ok(),
                    Message::Digest(_) => {
                        key.verify_digest(&digest_of(algorithm, message)?, signature).is_ok()
                    }
                }
            }
            (Self::Ecdsa(pair, verifying), message) => {
                let key = UnparsedPublicKey::new(*verifying, pair.public_key().as_ref());
                match message {
                    Message::Raw(text) => key.verify(text, signature).is_ok(),
                    Message::Digest(_) => {
                        key.verify_digest(&digest_of(algorithm, message)?, signature).is_ok()
                    }
                }
            }
            (Self::Edwards(pair), Message::Raw(text)) => raw_only(
                UnparsedPublicKey::new(&signature::ED25519, pair.public_key().as_ref())
                    .verify(text, signature),
            ),
            (Self::MlDsa(pair), Message::Raw(text)) => {
                let algorithm = match pair.algorithm() {
                    it if *it == signature::ML_DSA_44_SIGNING => &signature::ML_DSA_44,
                    it if *it == signature::ML_DSA_65_SIGNING => &signature::ML_DSA_65,
                    _ => &signature::ML_DSA_87,
                };
                let key = UnparsedPublicKey::new(algorithm, pair.public_key().as_ref());
                key.verify(text, signature).is_ok()
            }
            _ => return Err(no_scheme(algorithm)),
        })
    }

    /// The secret that this key and a public key in DER agree on; nothing where they do not fit.
    pub(in crate::encryptor) fn agree(&self, public: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let Self::Agreement(private) = self else {
            return None;
        };
        let peer = agreement::UnparsedPublicKey::new(private.algorithm(), public);
        agreement::agree(private, peer, (), |shared| Ok(Zeroizing::new(shared.to_vec()))).ok()
    }

    /// A new shared secret and what carries it.
    pub(in crate::encryptor) fn encapsulate(
        &self,
    ) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), KmsError> {
        let Self::MlKem(_, public, _) = self else {
            return Err(KmsError::internal("no key for encapsulation"));
        };
        let (carrier, secret) = public.encapsulate().map_err(broken)?;
        Ok((carrier.as_ref().to_vec(), Zeroizing::new(secret.as_ref().to_vec())))
    }

    /// The shared secret that was carried.
    pub(in crate::encryptor) fn decapsulate(
        &self,
        carrier: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let Self::MlKem(key, ..) = self else {
            return Err(KmsError::internal("no key for encapsulation"));
        };
        let invalid = |_| KmsError::bare("InvalidCiphertextException");
        let secret = key.decapsulate(carrier.into()).map_err(invalid)?;
        Ok(Zeroizing::new(secret.as_ref().to_vec()))
    }
}

/// The public key that stands in a private one of ML-KEM (FIPS 203, algorithm 16): behind 384 bytes for
/// each of the k polynomials, as many bytes and 32 more; a hash and a secret of 32 bytes follow.
fn within(private: &[u8]) -> Option<&[u8]> {
    let vector = private.len().checked_sub(96)? / 2;
    private.get(vector..2 * vector + 32)
}

fn no_scheme(algorithm: &str) -> KmsError {
    KmsError::unsupported(format!("keyreach does not sign with {algorithm} and this MessageType."))
}

fn oaep(algorithm: &str) -> Option<&'static OaepAlgorithm> {
    match algorithm {
        "RSAES_OAEP_SHA_1" => Some(&OAEP_SHA1_MGF1SHA1),
        "RSAES_OAEP_SHA_256" => Some(&OAEP_SHA256_MGF1SHA256),
        _ => None,
    }
}

fn rsa_scheme(algorithm: &str) -> Option<(&'static RsaSignatureEncoding, &'static RsaParameters)> {
    use signature as s;
    Some(match algorithm {
        "RSASSA_PSS_SHA_256" => (&s::RSA_PSS_SHA256, &s::RSA_PSS_2048_8192_SHA256),
        "RSASSA_PSS_SHA_384" => (&s::RSA_PSS_SHA384, &s::RSA_PSS_2048_8192_SHA384),
        "RSASSA_PSS_SHA_512" => (&s::RSA_PSS_SHA512, &s::RSA_PSS_2048_8192_SHA512),
        "RSASSA_PKCS1_V1_5_SHA_256" => (&s::RSA_PKCS1_SHA256, &s::RSA_PKCS1_2048_8192_SHA256),
        "RSASSA_PKCS1_V1_5_SHA_384" => (&s::RSA_PKCS1_SHA384, &s::RSA_PKCS1_2048_8192_SHA384),
        "RSASSA_PKCS1_V1_5_SHA_512" => (&s::RSA_PKCS1_SHA512, &s::RSA_PKCS1_2048_8192_SHA512),
        _ => return None,
    })
}

/// The digest of a message by the algorithm that signs it.
fn digest_of(algorithm: &str, message: &Message<'_>) -> Result<Digest, KmsError> {
    let by = match algorithm {
        it if it.ends_with("SHA_384") => &digest::SHA384,
        it if it.ends_with("SHA_512") => &digest::SHA512,
        _ => &digest::SHA256,
    };
    match message {
        Message::Raw(text) => Ok(digest::digest(by, text)),
        Message::Digest(given) => Digest::import_less_safe(given, by).map_err(|_| {
            KmsError::validation(format!("Digest is invalid length for algorithm {algorithm}."))
        }),
    }
}

/// The message of a request, and whether it is already a digest.
impl<'m> Message<'m> {
    /// By the value of `MessageType`.
    pub(in crate::encryptor) fn of(kind: &str, bytes: &'m [u8]) -> Self {
        match kind {
            "DIGEST" => Self::Digest(bytes),
            _ => Self::Raw(bytes),
        }
    }
}
