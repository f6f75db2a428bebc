//! Instants, as conditions write them (rule C14).

use crate::decision::w3c;

use super::compare::Decimal;

/// An instant: the whole seconds since 1970 that have passed, and the digits of the fraction of the next,
/// without trailing zeros. Of two instants in the same second the fraction's text decides.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Instant {
    seconds: Decimal,
    fraction: String,
}

impl Instant {
    /// Rule C14: a text of digits alone is seconds since 1970; else one of the forms that W3C has of
    /// ISO 8601, to the letter. A time without zone is taken as Greenwich's.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self { seconds: Decimal::parse(text)?, fraction: String::new() });
        }
        let (seconds, fraction) = w3c(text)?;
        let seconds = Decimal::parse(&seconds.to_string())?;
        Some(Self { seconds, fraction: fraction.trim_end_matches('0').to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_forms_of_instants() {
        for (one, other) in [
            ("2026-12-01", "1796083200"),
            ("2026-12", "2026-12-01T00:00Z"),
            ("2026-12-01T01:30:00+01:30", "2026-12-01"),
            ("2026-11-30t22:00:00.000-02:00", "2026-12-01T00:00:00z"),
            ("2026-12-01T00:00:00", "2026-12-01"),
            ("9999-12-31T23:59:59Z", "253402300799"),
            ("0000-01-01", "0000-01-01T00:00Z"),
            ("00000000000000000000000000000000000000007", "7"),
        ] {
            assert!(Instant::parse(one).is_some(), "{one}");
            assert_eq!(Instant::parse(one), Instant::parse(other), "{one} {other}");
        }
    }

    #[test]
    fn c14_instants_have_an_order() {
        let ascending = [
            "0000-01",
            "1969-12-31T23:59:55Z",
            "1969-12-31T23:59:55.25Z",
            "1969-12-31T23:59:55.3Z",
            "1969-12-31T23:59:56Z",
            "0",
            // Four digits are seconds.
            "2026",
            "2020-01-01T00:00:00.1234567890Z",
            "2020-01-01T00:00:00.1234567891Z",
            "9999-12-31",
            "99999999999999999999999999",
        ];
        let instants: Vec<Instant> =
            ascending.iter().map(|text| Instant::parse(text).expect(text)).collect();
        assert!(instants.is_sorted_by(|left, right| left < right));
    }
}
