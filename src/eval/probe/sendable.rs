//! What texts AWS can send under a condition key: what it cannot send is not worth a try.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::aws::{AccountId, Arn, KmsAction, ValueType, condition_key};
use crate::decision::{CallerKind, LONGEST_SESSION, Request};
use crate::eval::reference::Reference;

/// The form of the texts of one key.
pub(super) enum Sendable {
    /// Any text, the empty one only where that is said.
    Text { empty: bool },
    /// An ARN.
    Arn,
    /// The ARN of a resource on whose behalf a service asks.
    Source,
    /// The twelve digits of an account.
    Account,
    /// The name of a service in a Region (rule C53).
    Service,
    /// The id of an organization.
    Organization,
    /// A place in an organization, from the root on.
    Place,
    /// An address.
    Address,
    /// The id of a role, and the name of a session behind a colon (rule C45).
    Session { id: Box<str> },
    /// Whole numbers from here on, in digits.
    Number { from: i64 },
    /// Whole numbers from the first to the second, in digits.
    Between { from: i64, to: i64 },
    /// Whole seconds since 1970 from here on, as instants.
    Instant { from: i64 },
}

impl Sendable {
    /// What the key, in lower case, can hold in such a request.
    pub(super) fn of(
        key: &str,
        request: &Request,
        reference: &Reference<'_>,
        now: Timestamp,
    ) -> Self {
        // A second that has begun is over for requests from now on.
        let clock = now.as_second() + i64::from(now.subsec_nanosecond() > 0);
        match key {
            "aws:currenttime" => return Self::Instant { from: clock },
            "aws:epochtime" => return Self::Number { from: clock },
            "aws:tokenissuetime" => return Self::Instant { from: clock - LONGEST_SESSION },
            // Rule C59.
            "kms:validto" => return Self::Number { from: 0 },
            "aws:principalaccount"
            | "aws:resourceaccount"
            | "aws:sourceaccount"
            | "kms:calleraccount"
            | "aws:vpceaccount" => return Self::Account,
            "aws:sourcearn" => return Self::Source,
            "kms:viaservice" => return Self::Service,
            "aws:sourceorgid" | "aws:vpceorgid" => return Self::Organization,
            "aws:sourceorgpaths" | "aws:vpceorgpaths" => return Self::Place,
            "aws:userid" if request.caller.kind == CallerKind::Role => {
                let role = request.caller.identity_in(reference.world());
                if let Some(id) = role.and_then(|role| role.unique_id.clone()) {
                    return Self::Session { id };
                }
            }
            _ => {}
        }
        let info = condition_key(key);
        if let Some([from, to]) = info.and_then(|info| info.bounds) {
            return Self::Between { from, to };
        }
        match info.map(|info| info.value) {
            Some(ValueType::Arn) => Self::Arn,
            Some(ValueType::IpAddress) => Self::Address,
            Some(ValueType::Numeric) => Self::Number { from: 0 },
            Some(ValueType::Date) => Self::Instant { from: 0 },
            // Tags and pairs of the encryption context have empty values; AWS says so of no other key.
            Some(ValueType::String | ValueType::Bool) | None => {
                const EMPTY: [&str; 4] = [
                    "aws:principaltag/",
                    "aws:requesttag/",
                    "aws:resourcetag/",
                    "kms:encryptioncontext:",
                ];
                Self::Text { empty: EMPTY.iter().any(|family| key.starts_with(family)) }
            }
        }
    }

    /// Whether AWS could send this text.
    pub(super) fn has(&self, text: &str) -> bool {
        match self {
            Self::Text { empty } => *empty || !text.is_empty(),
            Self::Arn => Arn::parse(text).is_some(),
            Self::Source => Arn::parse(text).is_some_and(|arn| arn.has_owner()),
            Self::Account => AccountId::parse(text).is_some(),
            Self::Service => {
                text.strip_suffix(".amazonaws.com").is_some_and(|name| !name.is_empty())
            }
            Self::Organization => {
                text.strip_prefix("o-").is_some_and(|id| !id.is_empty() && !id.contains('/'))
            }
            Self::Place => text.split_once("/r-").is_some_and(|(organization, root)| {
                Self::Organization.has(organization)
                    && !root.starts_with('/')
                    && root.ends_with('/')
            }),
            Self::Address => text.parse::<IpAddr>().is_ok(),
            Self::Session { id } => {
                let name = text.strip_prefix(&**id).and_then(|rest| rest.strip_prefix(':'));
                name.is_some_and(|name| !name.is_empty())
            }
            Self::Number { from } => {
                let number = text.parse::<i64>().ok();
                number.is_some_and(|it| it >= *from && it.to_string() == *text)
            }
            Self::Between { from, to } => {
                let number = text.parse::<i64>().ok();
                number.is_some_and(|it| (*from..=*to).contains(&it) && it.to_string() == *text)
            }
            Self::Instant { from } => {
                let second = text.parse::<Timestamp>().ok().map(Timestamp::as_second);
                second.is_some_and(|it| it >= *from && self.written(it).as_deref() == Some(text))
            }
        }
    }

    /// A whole number as the key has it; nothing where it is none of the key's.
    pub(super) fn written(&self, number: i64) -> Option<String> {
        match self {
            Self::Number { from } | Self::Instant { from } if number < *from => None,
            Self::Between { from, to } if !(*from..=*to).contains(&number) => None,
            Self::Instant { .. } => Some(Timestamp::from_second(number).ok()?.to_string()),
            _ => Some(number.to_string()),
        }
    }

    /// The least whole number of a key of numbers or instants.
    pub(super) fn least(&self) -> Option<i64> {
        match self {
            Self::Number { from } | Self::Instant { from } | Self::Between { from, .. } => {
                Some(*from)
            }
            _ => None,
        }
    }

    /// What to put in the place of the wildcards of a pattern, so that the whole may be of the form.
    pub(super) fn fillers(&self, pattern: &str) -> Vec<String> {
        let mut fillers: Vec<String> = ["x", "y", "z", "0"].map(str::to_owned).to_vec();
        let more: &[&str] = match self {
            Self::Arn | Self::Source => &[
                "arn:aws:s3:::x",
                "aws:s3:::x",
                ":::x",
                "arn:aws:iam::999999999999",
                "iam::999999999999:role/x",
            ],
            Self::Service => &["x.amazonaws.com", ".amazonaws.com"],
            Self::Organization => &["o-x", "-x"],
            Self::Place => &["o-x/r-x/", "-x/r-x/", "x/r-x/", "/r-x/", "r-x/", "x/", "/"],
            Self::Address => &["198.51.100.1", "10.0.0.1", "2001:db8::1", "1.1", "1.1.1"],
            Self::Session { id } => {
                fillers.extend([format!("{id}:x"), format!("{id}:"), id.to_string()]);
                &[]
            }
            Self::Account => {
                let fixed = pattern.chars().filter(|one| !matches!(one, '*' | '?')).count();
                fillers.push("7".repeat(12_usize.saturating_sub(fixed)));
                &[]
            }
            Self::Text { .. }
            | Self::Number { .. }
            | Self::Between { .. }
            | Self::Instant { .. } => &[],
        };
        fillers.extend(more.iter().map(|text| (*text).to_owned()));
        fillers
    }
}

/// The values of a key of which a request may have several, where AWS lists them (rule G3).
pub(super) fn listed(key: &str) -> Option<Vec<&'static str>> {
    let grantable = || KmsAction::all().filter(|action| action.info().grantable);
    (key == "kms:grantoperations").then(|| grantable().map(KmsAction::name).collect())
}

/// Whether AWS lists `true` and `false` as the values of a key.
pub(super) fn is_boolean(key: &str) -> bool {
    condition_key(key).is_some_and(|info| info.value == ValueType::Bool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_each_form() {
        let session = Sendable::Session { id: "AROA1".into() };
        for (form, yes, no) in [
            (Sendable::Text { empty: false }, "x", ""),
            (Sendable::Arn, "arn:aws:s3:::x", "x"),
            (Sendable::Source, "arn:aws:sns:x:444455556666:x", "arn:aws:sns:x:4x:x"),
            (Sendable::Account, "111122223333", "1111"),
            (Sendable::Service, "s3.us-east-1.amazonaws.com", ".amazonaws.com"),
            (Sendable::Organization, "o-1", "o-1/r-2/"),
            (Sendable::Place, "o-1/r-2/ou-3/", "o-1/ou-3/"),
            (Sendable::Address, "2001:db8::1", "10.0.0.0/8"),
            (session, "AROA1:x", "AIDAx"),
            (Sendable::Number { from: 5 }, "5", "-1"),
            (Sendable::Number { from: 5 }, "70", "070"),
            (Sendable::Between { from: 7, to: 30 }, "30", "31"),
            (Sendable::Between { from: 7, to: 30 }, "7", "6"),
            (Sendable::Instant { from: 5 }, "1970-01-01T00:00:05Z", "1970-01-01T00:00:04Z"),
            (Sendable::Instant { from: 5 }, "2030-01-01T00:00:00Z", "1893456000"),
        ] {
            assert!(form.has(yes) && !form.has(no), "{yes} {no}");
        }
        assert!(Sendable::Text { empty: true }.has(""));
    }
}
