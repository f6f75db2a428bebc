//! Keys of ML-KEM as X.509 and PKCS #8 spell them (RFC 9935); aws-lc-rs writes those of the other kinds.

use zeroize::Zeroizing;

use crate::aws::KeySpec;

/// `SubjectPublicKeyInfo`.
pub(super) fn of_kem(spec: KeySpec, key: &[u8]) -> Vec<u8> {
    let bits = [&[0][..], key].concat();
    tagged(0x30, &[algorithm(spec), tagged(0x03, &bits)].concat())
}

/// `OneAsymmetricKey`, with the private key expanded.
pub(in crate::encryptor) fn private_of_kem(spec: KeySpec, key: &[u8]) -> Zeroizing<Vec<u8>> {
    let expanded = Zeroizing::new(tagged(0x04, key));
    let held = Zeroizing::new(tagged(0x04, &expanded));
    let version = tagged(0x02, &[0]);
    let all = Zeroizing::new([&version[..], &algorithm(spec), &held].concat());
    Zeroizing::new(tagged(0x30, &all))
}

/// `AlgorithmIdentifier`: the object identifiers end in 1, 2 and 3.
fn algorithm(spec: KeySpec) -> Vec<u8> {
    let last = match spec {
        KeySpec::MlKem512 => 1,
        KeySpec::MlKem768 => 2,
        _ => 3,
    };
    tagged(0x30, &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, last])
}

/// One value in DER; its length takes up to two bytes.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len() as u16;
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head[..], value].concat()
}
