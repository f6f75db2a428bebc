//! Why a request is not taken as signed by anybody, in the words of AWS.

/// Why a signature is refused. The client is at fault in each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::serve) enum AuthFault {
    /// Nothing is signed.
    Missing,
    /// A part of the `Authorization` header, or something that must be signed, is missing or malformed.
    Incomplete(String),
    /// The signature is another one, or was made for another time, service or Region.
    Invalid(String),
    /// The signature is another one.
    Mismatch,
    /// No such access key, or not with this session token.
    UnknownKey,
    /// The session is over.
    ExpiredToken,
}

impl AuthFault {
    pub(super) fn lacks_parameter(name: &str, text: &str) -> Self {
        Self::incomplete(&format!("Authorization header requires '{name}' parameter."), text)
    }

    pub(super) fn lacks_date(text: &str) -> Self {
        let what =
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
        Self::incomplete(what, text)
    }

    /// The signature itself stays out of what is said.
    fn incomplete(what: &str, text: &str) -> Self {
        let shown = text.split_once("Signature=").map_or(text, |(before, _)| before);
        Self::Incomplete(format!("{what} Authorization={shown}"))
    }

    pub(super) fn bad_date(text: &str) -> Self {
        Self::Incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    }

    pub(super) fn unsigned(name: &str) -> Self {
        Self::Invalid(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
    }

    pub(super) fn twice(name: &str) -> Self {
        Self::Incomplete(format!("The header '{name}' stands more than once."))
    }

    pub(super) fn unreadable(name: &str) -> Self {
        Self::Incomplete(format!("The header '{name}' is no readable text."))
    }

    pub(super) fn scope(what: &str) -> Self {
        Self::Invalid(format!("Credential should be scoped {what}"))
    }

    pub(super) fn other_day(date: &str, instant: &str) -> Self {
        let day = instant.get(..8).unwrap_or(instant);
        Self::Invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{date}' != '{day}', from '{instant}'."
        ))
    }

    pub(super) fn expired(instant: &str, oldest: &str, now: &str) -> Self {
        Self::Invalid(format!(
            "Signature expired: {instant} is now earlier than {oldest} ({now} - 5 min.)"
        ))
    }

    pub(super) fn too_early(instant: &str, newest: &str, now: &str) -> Self {
        Self::Invalid(format!(
            "Signature not yet current: {instant} is still later than {newest} ({now} + 5 min.)"
        ))
    }

    /// The name of the fault in the JSON protocol.
    pub(in crate::serve) fn json_name(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::Invalid(_) | Self::Mismatch => "InvalidSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
        }
    }

    /// The name of the fault, and the HTTP status, in the Query protocol.
    pub(in crate::serve) fn query_name(&self) -> (u16, &'static str) {
        match self {
            Self::Missing => (403, "MissingAuthenticationToken"),
            Self::Incomplete(_) => (400, "IncompleteSignature"),
            Self::Invalid(_) | Self::Mismatch => (403, "SignatureDoesNotMatch"),
            Self::UnknownKey => (403, "InvalidClientTokenId"),
            Self::ExpiredToken => (403, "ExpiredToken"),
        }
    }

    /// What is said beside the name.
    pub(in crate::serve) fn message(&self) -> &str {
        match self {
            Self::Missing => "Missing Authentication Token",
            Self::Incomplete(text) | Self::Invalid(text) => text,
            Self::Mismatch => {
                "The request signature we calculated does not match the signature you provided. Check \
                 your AWS Secret Access Key and signing method. Consult the service documentation for \
                 details."
            }
            Self::UnknownKey => "The security token included in the request is invalid.",
            Self::ExpiredToken => "The security token included in the request is expired",
        }
    }
}
