//! The canonical request: what both sides hash.

use super::Head;

/// The canonical form of a request with the digest of its body.
pub(super) fn request(head: &Head<'_>, signed_headers: &[String], payload: &str) -> Vec<u8> {
    let mut out =
        format!("{}\n{}\n{}\n", head.method, path(head.path), query(head.query)).into_bytes();
    for name in signed_headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        for (index, value) in head.headers.get_all(name).iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&folded(value.as_bytes()));
        }
        out.push(b'\n');
    }
    out.extend_from_slice(format!("\n{}\n{payload}", signed_headers.join(";")).as_bytes());
    out
}

/// Each part encoded once more, as every service but S3 has it.
fn path(text: &str) -> String {
    match text {
        "" => "/".to_owned(),
        _ => text.split('/').map(encoded).collect::<Vec<_>>().join("/"),
    }
}

/// The parameters, which arrive encoded, sorted by name and value.
fn query(text: &str) -> String {
    let given = text.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(&str, &str)> =
        given.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    pairs.sort_unstable();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match plain(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// Without white space at the ends, and one blank for each run of it inside.
fn folded(value: &[u8]) -> Vec<u8> {
    let words = value.split(|byte| *byte == b' ' || *byte == b'\t');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(&b' ')
}
