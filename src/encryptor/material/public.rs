//! Public keys of key encapsulation as X.509 spells them; aws-lc-rs writes those of the other kinds.

use crate::aws::KeySpec;

/// `SubjectPublicKeyInfo` of an ML-KEM key (RFC 9935): the object identifiers end in 1, 2 and 3.
pub(super) fn of_kem(spec: KeySpec, key: &[u8]) -> Vec<u8> {
    let last = match spec {
        KeySpec::MlKem512 => 1,
        KeySpec::MlKem768 => 2,
        _ => 3,
    };
    let oid = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, last];
    let bits = [&[0][..], key].concat();
    tagged(0x30, &[tagged(0x30, &oid), tagged(0x03, &bits)].concat())
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
    [head, value.to_vec()].concat()
}
