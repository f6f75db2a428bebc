//! Signature Version 4 on the client's side, written on its own.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An access key with its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessKey {
    /// `AKIA...` or `ASIA...`.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// The token of a session.
    pub token: Option<String>,
}

/// A request to be signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `kms`, `sts`, `iam`.
    pub service: String,
    /// Where it goes.
    pub region: String,
    /// When it is signed.
    pub time: Timestamp,
    /// Headers beside those that signing adds; all are signed.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Draft {
    /// An operation of KMS in us-east-1.
    pub fn kms(operation: &str, body: &Value) -> Self {
        Self::json(operation, body.to_string().as_bytes())
    }

    /// An operation of KMS whose body may be anything.
    pub fn json(operation: &str, body: &[u8]) -> Self {
        let target = format!("TrentService.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
        Self::new("kms", &headers, body.to_vec())
    }

    /// An operation of STS or IAM.
    pub fn query(service: &str, form: &[(&str, &str)]) -> Self {
        let pairs =
            form.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        let body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        Self::new(service, &[("content-type", kind)], body)
    }

    fn new(service: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(owned).collect();
        let (service, region) = (service.to_owned(), "us-east-1".to_owned());
        Self { service, region, time: Timestamp::now(), headers, body }
    }

    /// The same request in another Region.
    pub fn in_region(self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self }
    }

    /// The bytes of the request, signed.
    pub fn signed(&self, key: &AccessKey, host: &str) -> Vec<u8> {
        let instant = self.time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = instant[..8].to_owned();
        let mut headers = self.headers.clone();
        headers.push(("host".to_owned(), host.to_owned()));
        headers.push(("x-amz-date".to_owned(), instant.clone()));
        if let Some(token) = &key.token {
            headers.push(("x-amz-security-token".to_owned(), token.clone()));
        }
        headers.sort();
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let payload = hex(&Sha256::digest(&self.body));
        let canonical = format!("POST\n/\n\n{lines}\n{names}\n{payload}");
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let digest = hex(&Sha256::digest(canonical.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{instant}\n{scope}\n{digest}");
        let first = format!("AWS4{}", key.secret).into_bytes();
        let signing = scope.split('/').fold(first, |key, part| hmac(&key, part.as_bytes()));
        let signature = hex(&hmac(&signing, to_sign.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            key.id
        );
        let mut request = String::from("POST / HTTP/1.1\r\n");
        headers.push(("authorization".to_owned(), authorization));
        headers.push(("content-length".to_owned(), self.body.len().to_string()));
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        [request.as_bytes(), &self.body].concat()
    }
}

/// RFC 2104.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    match key.len() > 64 {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::digest([&pad(0x36)[..], text].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
