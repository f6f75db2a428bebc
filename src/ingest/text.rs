//! Bytes to text: gzip found by its magic bytes, UTF-8 checked.
//!
//! A byte order mark is cut: spans count in the text without it. What is compressed is unpacked: spans
//! count in the unpacked text.

use crate::source::{FileProblem, ProblemKind};
use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use crate::source::Span;

/// The longest text that is read, in bytes; what is compressed may not unpack to more.
pub(super) const LIMIT: usize = 512 << 20;

/// What is compressed may unpack to this much without being asked how well it was packed.
const UNPACKED: usize = 64 << 20;

/// How many times its size a larger text may have been. JSON packs 10 to 100 times.
const RATIO: usize = 300;

/// How many characters of UTF-16 are looked at where nothing says that it is that.
const PAIRS: usize = 8;

/// Why bytes are no text that can be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum TextFault {
    /// Compressed, and damaged.
    Gzip(String),
    /// It unpacks to more than is read, or is longer than that.
    TooLarge,
    /// UTF-16, as PowerShell redirects.
    Utf16,
    /// Neither text nor compressed.
    Binary,
    /// No UTF-8 from this byte on.
    NotUtf8(usize),
}

/// Whether three letters of `text` name the service, in whatever case.
pub(super) fn mentions_kms(text: &str) -> bool {
    let is_kms = |three: &[u8]| three.eq_ignore_ascii_case(b"kms");
    text.as_bytes().windows(3).any(is_kms)
}

/// Reads `bytes` as text.
///
/// # Errors
/// Why they are none, and the bytes as far as they were unpacked.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, (TextFault, Vec<u8>)> {
    let bytes = if bytes.starts_with(&[0x1F, 0x8B]) {
        unpack(&bytes).map_err(|fault| (fault, Vec::new()))?
    } else {
        bytes
    };
    if bytes.len() > LIMIT {
        return Err((TextFault::TooLarge, bytes));
    }
    if is_utf16(&bytes) {
        return Err((TextFault::Utf16, bytes));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let mut first = error.as_bytes().iter().take(8192);
        let fault = if first.any(|&byte| byte == 0) {
            TextFault::Binary
        } else {
            TextFault::NotUtf8(error.utf8_error().valid_up_to())
        };
        (fault, error.into_bytes())
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Whether bytes are UTF-16: they say so, or each of the first characters is one of ASCII beside a zero.
fn is_utf16(bytes: &[u8]) -> bool {
    let pairs = || bytes.chunks_exact(2).take(PAIRS);
    let is_ascii = |byte: u8| byte != 0 && byte.is_ascii();
    let is_little = || pairs().all(|pair| matches!(pair, [low, 0] if is_ascii(*low)));
    let is_big = || pairs().all(|pair| matches!(pair, [0, low] if is_ascii(*low)));
    bytes.starts_with(&[0xFF, 0xFE])
        || bytes.starts_with(&[0xFE, 0xFF])
        || bytes.len() >= 2 * PAIRS && (is_little() || is_big())
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, TextFault> {
    let damaged = |error: std::io::Error| TextFault::Gzip(error.to_string());
    let mut decoder = MultiGzDecoder::new(packed);
    let mut unpacked = Vec::new();
    // An archive shows in its first block; it is not unpacked further.
    decoder.by_ref().take(512).read_to_end(&mut unpacked).map_err(damaged)?;
    if unpacked.contains(&0) && !is_utf16(&unpacked) {
        return Err(TextFault::Binary);
    }
    let limit = UNPACKED.max(packed.len().saturating_mul(RATIO)).min(LIMIT);
    decoder.take(limit as u64).read_to_end(&mut unpacked).map_err(damaged)?;
    if unpacked.len() > limit { Err(TextFault::TooLarge) } else { Ok(unpacked) }
}

impl TextFault {
    /// The fault as a problem of the file at `path`.
    pub(super) fn problem(&self, path: &str) -> FileProblem {
        let (kind, message, help) = match self {
            Self::Gzip(cause) => (
                ProblemKind::NotText,
                format!("damaged gzip data: {cause}"),
                "compress the export again, or leave it uncompressed",
            ),
            Self::TooLarge => (
                ProblemKind::TooLarge,
                format!("more than {} MiB of text", LIMIT >> 20),
                "split the export: one file an account, or the pages as the CLI prints them",
            ),
            Self::Utf16 => (
                ProblemKind::NotText,
                "UTF-16, exports are read as UTF-8".to_owned(),
                "PowerShell redirects as UTF-16: write with `| Out-File -Encoding utf8`",
            ),
            Self::Binary => (
                ProblemKind::NotText,
                "binary data, exports are JSON or YAML".to_owned(),
                "write the export again with `--output json`",
            ),
            Self::NotUtf8(_) => {
                (ProblemKind::NotText, "no UTF-8 text".to_owned(), "save the file as UTF-8")
            }
        };
        let span = match self {
            Self::NotUtf8(at) => Some(Span::new(*at, at + 1)),
            _ => None,
        };
        FileProblem {
            kind,
            path: path.into(),
            span,
            position: None,
            message,
            help: help.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn check(bytes: &[u8], expected: Result<&str, TextFault>) {
        let found = decode(bytes.to_vec()).map_err(|(fault, _)| fault);
        assert_eq!(found, expected.map(str::to_owned));
    }

    #[test]
    fn gzip_is_found_by_its_magic_bytes() {
        check(&packed(b"{}"), Ok("{}"));
        let two = [packed(b"{}"), packed(b"[]")].concat();
        check(&two, Ok("{}[]"));
        let whole = packed(&[b'a'; 2000]);
        assert!(matches!(decode(whole[..20].to_vec()), Err((TextFault::Gzip(_), _))));
        assert!(matches!(decode(vec![0x1F, 0x8B]), Err((TextFault::Gzip(_), _))));
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = packed(&vec![b' '; UNPACKED + 1]);
        assert!(bomb.len() * RATIO < UNPACKED);
        check(&bomb, Err(TextFault::TooLarge));
        check(&packed(&[0; 1 << 20]), Err(TextFault::Binary));
    }

    #[test]
    fn a_byte_order_mark_is_cut() {
        check("\u{feff}{}".as_bytes(), Ok("{}"));
        check(&[0xFF, 0xFE, b'{', 0], Err(TextFault::Utf16));
        check(&packed(&[0xFF, 0xFE, b'{', 0]), Err(TextFault::Utf16));
        check(&[0xFE, 0xFF, 0, b'{'], Err(TextFault::Utf16));
    }

    #[test]
    fn utf_16_is_known_without_a_mark() {
        let little: Vec<u8> = "{\"Version\"".bytes().flat_map(|byte| [byte, 0]).collect();
        let big: Vec<u8> = "{\"Version\"".bytes().flat_map(|byte| [0, byte]).collect();
        check(&little, Err(TextFault::Utf16));
        check(&big, Err(TextFault::Utf16));
        check(&packed(&little), Err(TextFault::Utf16));
        check(b"{\0}\0", Ok("{\0}\0"));
    }

    #[test]
    fn other_bytes_are_no_text() {
        check(b"{\"a\": \"\xE9\"}", Err(TextFault::NotUtf8(7)));
        check(b"\x7FELF\x00\xFF", Err(TextFault::Binary));
        check("é\0".as_bytes(), Ok("é\0"));
        check(b"", Ok(""));
    }
}
