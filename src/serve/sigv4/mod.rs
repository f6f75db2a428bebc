//! Signature Version 4, verified: who signed a request, and that nothing of it was changed since.
//!
//! [`Presented::read`] takes the claims from the headers, [`Presented::verify`] holds them against the
//! secret. Stricter than AWS in one thing: every `x-amz-` header and `host` must be signed and stand once,
//! so that no header that anybody reads can be added or changed on the way.

mod canonical;
mod fault;

use aws_lc_rs::{constant_time, digest, hmac};
use hyper::HeaderMap;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

pub(super) use fault::AuthFault;

/// How far the clock of a client may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const CREDENTIAL_PARTS: &str = "Credential must have exactly 5 slash-delimited elements, e.g. \
                                keyid/date/region/service/term, got";

/// What of a request is signed, besides its body.
pub(super) struct Head<'r> {
    /// `POST`.
    pub(super) method: &'r str,
    /// The path as it stands in the request line.
    pub(super) path: &'r str,
    /// What follows the `?`, as it stands.
    pub(super) query: &'r str,
    /// The headers.
    pub(super) headers: &'r HeaderMap,
}

/// The claims of a signed request, not verified yet.
#[derive(Debug)]
pub(super) struct Presented {
    /// `AKIA...` or `ASIA...`.
    pub(super) access_key: String,
    /// The Region that the request is meant for.
    pub(super) region: String,
    /// `X-Amz-Security-Token`.
    pub(super) token: Option<String>,
    date: String,
    service: String,
    instant: String,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
}

impl Presented {
    /// Reads the claims of a request to one of `services` at the time `now`.
    ///
    /// # Errors
    /// What is missing, malformed, not signed, or meant for another time or service.
    pub(super) fn read(
        head: &Head<'_>,
        services: &[&str],
        now: Timestamp,
    ) -> Result<Self, AuthFault> {
        let text = single(head.headers, "authorization")?.ok_or(AuthFault::Missing)?;
        let presented = Self::parse(&text, head.headers)?;
        presented.covers(head.headers)?;
        presented.is_for(services)?;
        presented.is_of(now)?;
        Ok(presented)
    }

    fn parse(text: &str, headers: &HeaderMap) -> Result<Self, AuthFault> {
        let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
        if algorithm != ALGORITHM {
            return Err(AuthFault::Missing);
        }
        let part = |name: &str| {
            let mut parts = rest.split(',').filter_map(|part| part.trim().split_once('='));
            parts.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let needed = |name: &str| part(name).ok_or_else(|| AuthFault::lacks_parameter(name, text));
        let credential = needed("Credential")?;
        let signed_headers = needed("SignedHeaders")?;
        let signature = hex(needed("Signature")?).ok_or(AuthFault::Mismatch)?;
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key, date, region, service, terminator] = *parts.as_slice() else {
            return Err(AuthFault::Incomplete(format!("{CREDENTIAL_PARTS} '{credential}'")));
        };
        if terminator != TERMINATOR {
            return Err(AuthFault::scope(&format!(
                "with a valid terminator: '{TERMINATOR}', not '{terminator}'."
            )));
        }
        if !is_region(region) {
            return Err(AuthFault::scope("to a valid region."));
        }
        let instant = match single(headers, "x-amz-date")? {
            Some(instant) => instant,
            None => single(headers, "date")?.ok_or_else(|| AuthFault::lacks_date(text))?,
        };
        Ok(Self {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            token: single(headers, "x-amz-security-token")?,
            date: date.to_owned(),
            service: service.to_owned(),
            instant,
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            signature,
        })
    }

    /// That host and every `x-amz-` header are signed, and stand once.
    fn covers(&self, headers: &HeaderMap) -> Result<(), AuthFault> {
        let must = headers.keys().map(hyper::header::HeaderName::as_str);
        for name in must.filter(|name| name.starts_with("x-amz-")).chain(["host"]) {
            single(headers, name)?;
            if !self.signed_headers.iter().any(|signed| signed == name) {
                return Err(AuthFault::unsigned(name));
            }
        }
        Ok(())
    }

    fn is_for(&self, services: &[&str]) -> Result<(), AuthFault> {
        match services.iter().any(|service| *service == self.service) {
            true => Ok(()),
            false => {
                let services = services.join("' or '");
                Err(AuthFault::scope(&format!("to correct service: '{services}'. ")))
            }
        }
    }

    /// That it was signed less than [`SKEW`] from `now`, on the day that its scope names.
    fn is_of(&self, now: Timestamp) -> Result<(), AuthFault> {
        let instant = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.instant)
            .and_then(|instant| instant.to_zoned(TimeZone::UTC))
            .map_err(|_| AuthFault::bad_date(&self.instant))?
            .timestamp();
        if !self.instant.starts_with(&self.date) || self.date.len() != 8 {
            return Err(AuthFault::other_day(&self.date, &self.instant));
        }
        let basic = |instant: Timestamp| instant.strftime("%Y%m%dT%H%M%SZ").to_string();
        let told = basic(now);
        if let Ok(oldest) = now.checked_sub(SKEW)
            && instant < oldest
        {
            return Err(AuthFault::expired(&self.instant, &basic(oldest), &told));
        }
        if let Ok(newest) = now.checked_add(SKEW)
            && instant > newest
        {
            return Err(AuthFault::too_early(&self.instant, &basic(newest), &told));
        }
        Ok(())
    }

    /// The service that it was signed for.
    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// Holds the signature against the one that `secret` makes; in constant time.
    ///
    /// # Errors
    /// Another secret made it, or the request is not the one that was signed.
    pub(super) fn verify(
        &self,
        secret: &str,
        head: &Head<'_>,
        body: &[u8],
    ) -> Result<(), AuthFault> {
        let payload = hex_of(digest::digest(&digest::SHA256, body).as_ref());
        // A client that tells the digest of the body signs what it tells.
        let told = single(head.headers, "x-amz-content-sha256")?;
        if told.is_some_and(|told| told != payload) {
            return Err(AuthFault::Mismatch);
        }
        let request = canonical::request(head, &self.signed_headers, &payload);
        let digest = hex_of(digest::digest(&digest::SHA256, &request).as_ref());
        let Self { instant, date, region, service, .. } = self;
        let to_sign =
            format!("{ALGORITHM}\n{instant}\n{date}/{region}/{service}/{TERMINATOR}\n{digest}");
        let key = signing_key(secret, [date, region, service, TERMINATOR]);
        let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), to_sign.as_bytes());
        constant_time::verify_slices_are_equal(expected.as_ref(), &self.signature)
            .map_err(|_| AuthFault::Mismatch)
    }
}

fn signing_key(secret: &str, scope: [&str; 4]) -> Vec<u8> {
    let first = format!("AWS4{secret}").into_bytes();
    scope.iter().fold(first, |key, part| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        hmac::sign(&key, part.as_bytes()).as_ref().to_vec()
    })
}

/// The value of a header that may stand only once.
fn single(headers: &HeaderMap, name: &str) -> Result<Option<String>, AuthFault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| AuthFault::unreadable(name))?;
    match values.next() {
        None => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(AuthFault::twice(name)),
    }
}

fn is_region(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(known)
}

/// The bytes as lower-case hexadecimal digits.
pub(super) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits.filter(|digits| digits.len() % 2 == 0)?;
    pairs
        .chunks(2)
        .map(|pair| {
            pair.iter().try_fold(0u8, |all, digit| {
                let digit = u8::try_from(*digit).ok()?;
                Some(all << 4 | digit)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
