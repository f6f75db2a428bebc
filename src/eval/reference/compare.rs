//! Comparisons of one context value with one policy value (rules C10 to C18, C23, C24).

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;

use crate::policy::{Comparison, Variables};

use super::instant::Instant;
use super::text::{Lookup, like, literal};

/// What came of comparing two values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compared {
    /// They match.
    Match,
    /// They do not.
    NoMatch,
    /// One side cannot be read: false for the operator and for its negation (rule C24).
    Invalid,
}

impl From<bool> for Compared {
    fn from(matches: bool) -> Self {
        if matches { Self::Match } else { Self::NoMatch }
    }
}

/// Compares `context` with `policy`; `Null` is decided before and matches nothing here.
pub(super) fn compare(
    comparison: Comparison,
    context: &str,
    policy: &str,
    variables: Variables,
    lookup: Lookup<'_>,
) -> Compared {
    match comparison {
        Comparison::StringEquals => exact(policy, variables, lookup, |text| text == context),
        Comparison::StringEqualsIgnoreCase => {
            exact(policy, variables, lookup, |text| fold(text) == fold(context))
        }
        Comparison::StringLike => like(policy, context, variables, lookup).into(),
        Comparison::ArnLike => arn_like(context, policy, variables, lookup).into(),
        Comparison::Bool => boolean(context, policy, variables, lookup),
        Comparison::BinaryEquals => binary(context, policy),
        Comparison::IpAddress => ip(context, policy),
        Comparison::NumericEquals
        | Comparison::NumericLessThan
        | Comparison::NumericLessThanEquals
        | Comparison::NumericGreaterThan
        | Comparison::NumericGreaterThanEquals => {
            ordered(comparison, Decimal::parse(context), Decimal::parse(policy))
        }
        Comparison::DateEquals
        | Comparison::DateLessThan
        | Comparison::DateLessThanEquals
        | Comparison::DateGreaterThan
        | Comparison::DateGreaterThanEquals => {
            ordered(comparison, Instant::parse(context), Instant::parse(policy))
        }
        Comparison::Null => Compared::NoMatch,
    }
}

/// Rules C10, C11, C21: no wildcards; rule C42: a variable without value matches nothing.
fn exact(
    policy: &str,
    variables: Variables,
    lookup: Lookup<'_>,
    equals: impl Fn(&str) -> bool,
) -> Compared {
    literal(policy, variables, lookup).is_some_and(|text| equals(&text)).into()
}

/// Rule C11: simple case folding, character by character.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Rules C18, C22, C23: part by part; a lone `*` is any ARN.
fn arn_like(context: &str, policy: &str, variables: Variables, lookup: Lookup<'_>) -> bool {
    let context: Vec<&str> = context.splitn(6, ':').collect();
    if context.len() < 6 || context.first() != Some(&"arn") {
        return false;
    }
    if policy == "*" {
        return true;
    }
    let policy = split_outside_variables(policy);
    policy.len() == 6
        && policy.iter().zip(&context).all(|(pattern, part)| like(pattern, part, variables, lookup))
}

/// Splits at the first five colons that do not stand in `${...}`.
fn split_outside_variables(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if at > 0 && text.as_bytes().get(at - 1) == Some(&b'$') => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && parts.len() < 5 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Rule C15; variables by rule C41 (O29).
fn boolean(context: &str, policy: &str, variables: Variables, lookup: Lookup<'_>) -> Compared {
    let Some(policy) = literal(policy, variables, lookup) else {
        return Compared::NoMatch;
    };
    match (truth_value(context), truth_value(&policy)) {
        (Some(one), Some(other)) => (one == other).into(),
        _ => Compared::Invalid,
    }
}

/// `true` or `false` without case.
pub(super) fn truth_value(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Rule C16: both sides are base64 of bytes.
fn binary(context: &str, policy: &str) -> Compared {
    match (STANDARD.decode(context), STANDARD.decode(policy)) {
        (Ok(one), Ok(other)) => (one == other).into(),
        _ => Compared::Invalid,
    }
}

/// Rule C17: a bare address is a block of one; families never match each other.
fn ip(context: &str, policy: &str) -> Compared {
    let block = policy.parse::<IpNet>().or_else(|_| policy.parse::<IpAddr>().map(IpNet::from));
    match (context.parse::<IpAddr>(), block) {
        (Ok(address), Ok(block)) => block.contains(&address).into(),
        _ => Compared::Invalid,
    }
}

/// Rules C13, C14, C24.
fn ordered<T: Ord>(comparison: Comparison, context: Option<T>, policy: Option<T>) -> Compared {
    let (Some(context), Some(policy)) = (context, policy) else {
        return Compared::Invalid;
    };
    let order = context.cmp(&policy);
    match comparison {
        Comparison::NumericLessThan | Comparison::DateLessThan => order == Ordering::Less,
        Comparison::NumericLessThanEquals | Comparison::DateLessThanEquals => {
            order != Ordering::Greater
        }
        Comparison::NumericGreaterThan | Comparison::DateGreaterThan => order == Ordering::Greater,
        Comparison::NumericGreaterThanEquals | Comparison::DateGreaterThanEquals => {
            order != Ordering::Less
        }
        _ => order == Ordering::Equal,
    }
    .into()
}

/// An exact decimal number (rule C13): its digits without leading and trailing zeros, and how many of
/// them stand before the point.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = all.iter().take_while(|&&digit| digit == b'0').count();
        let mut digits: Vec<u8> = all.into_iter().skip(zeros).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point =
            i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()? + i64::from(exponent);
        let is_zero = digits.is_empty();
        Some(Self {
            negative: negative && !is_zero,
            digits,
            point: if is_zero { 0 } else { point },
        })
    }

    fn cmp_size(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_size(other),
            (true, true) => other.cmp_size(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(comparison: Comparison, context: &str, policy: &str, expected: Compared) {
        let none = |_: &str| None;
        let found = compare(comparison, context, policy, Variables::Replaced, &none);
        assert_eq!(found, expected, "{comparison:?} {context} {policy}");
    }

    #[test]
    fn c13_numbers_are_exact_decimals() {
        use Compared::*;
        check(Comparison::NumericEquals, "10", "10.0", Match);
        check(Comparison::NumericEquals, "0.1", "0.10000000000000000001", NoMatch);
        check(Comparison::NumericEquals, "-0", "0", Match);
        check(Comparison::NumericEquals, "1e3", "1000", Match);
        check(Comparison::NumericLessThan, "-5", "3", Match);
        check(Comparison::NumericLessThan, "-3", "-5", NoMatch);
        check(Comparison::NumericLessThan, "9", "10", Match);
        check(Comparison::NumericGreaterThanEquals, "00012", "12", Match);
        check(Comparison::NumericGreaterThan, "0.5", "0.05", Match);
        check(Comparison::NumericEquals, "ten", "10", Invalid);
    }

    #[test]
    fn c14_dates_in_all_forms() {
        use Compared::*;
        check(Comparison::DateEquals, "1970-01-02", "86400", Match);
        check(Comparison::DateEquals, "1970-01", "0", Match);
        check(Comparison::DateEquals, "2020-04-01T00:00:00Z", "2020-04-01", Match);
        check(Comparison::DateEquals, "2020-04-01T00:00Z", "2020-04-01", Match);
        check(Comparison::DateLessThan, "2020-04-01T00:00:00+01:00", "2020-04-01", Match);
        check(Comparison::DateGreaterThan, "1585699201", "2020-04-01T00:00:00Z", Match);
        check(Comparison::DateEquals, "soon", "2020-04-01", Invalid);
    }

    #[test]
    fn c15_c16_c17_other_types() {
        use Compared::*;
        check(Comparison::Bool, "TRUE", "true", Match);
        check(Comparison::Bool, "yes", "true", Invalid);
        check(Comparison::BinaryEquals, "AQI=", "AQI=", Match);
        check(Comparison::BinaryEquals, "AQI=", "A!I=", Invalid);
        check(Comparison::IpAddress, "203.0.113.7", "203.0.113.0/24", Match);
        check(Comparison::IpAddress, "203.0.113.7", "203.0.113.7", Match);
        check(Comparison::IpAddress, "2001:db8::1", "203.0.113.0/24", NoMatch);
        check(Comparison::IpAddress, "203.0.113.7", "203.0.113.0/33", Invalid);
    }

    #[test]
    fn c18_c22_c23_arns_part_by_part() {
        use Compared::*;
        let role = "arn:aws:iam::111122223333:role/x";
        check(Comparison::ArnLike, role, "arn:aws:iam::*:role/x", Match);
        check(Comparison::ArnLike, role, "arn:*:role/x", NoMatch);
        check(Comparison::StringLike, role, "arn:*:role/x", Match);
        check(Comparison::ArnLike, role, "*", Match);
        check(Comparison::ArnLike, "no-arn", "*", NoMatch);
        check(Comparison::ArnLike, "arn:aws:s3:::b:c", "arn:aws:s3:::b*", Match);
    }

    #[test]
    fn c11_case_is_folded_character_by_character() {
        check(Comparison::StringEqualsIgnoreCase, "ÄPP", "äpp", Compared::Match);
        check(Comparison::StringEquals, "App", "app", Compared::NoMatch);
        check(Comparison::StringEquals, "a", "*", Compared::NoMatch);
    }
}
