//! Numbers, instants and blocks of addresses, read from texts (rules C11, C13, C14, C17).

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// An exact decimal number (rule C13); instants are numbers of seconds since 1970 (rule C14).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Decimal {
    negative: bool,
    /// Without leading zeros.
    whole: Box<str>,
    /// Without trailing zeros.
    fraction: Box<str>,
}

impl Decimal {
    /// Reads digits with at most one point, a sign, and a power of ten that moves the point (rule C13).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, power) = match digits.split_once(['e', 'E']) {
            Some((digits, power)) => (digits, power.parse::<i16>().ok()?),
            None => (digits, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let any = !(whole.is_empty() && fraction.is_empty());
        if !(any && digits(whole) && digits(fraction)) {
            return None;
        }
        if power == 0 {
            return Some(Self::new(negative, whole, fraction));
        }
        let (whole, fraction) = moved(whole, fraction, power)?;
        Some(Self::new(negative, &whole, &fraction))
    }

    fn new(negative: bool, whole: &str, fraction: &str) -> Self {
        let whole: Box<str> = Box::from(whole.trim_start_matches('0'));
        let fraction: Box<str> = Box::from(fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Self { negative: negative && !zero, whole, fraction }
    }

    /// Reads an instant: all digits are seconds since 1970, else one of the forms of W3C (rule C14).
    pub(super) fn instant(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::parse(text);
        }
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let days = days(date)?;
        let Some(time) = time else {
            return Some(Self::seconds(days * 86_400, ""));
        };
        // W3C: a time needs all of its date.
        let (seconds, fraction) = time_of_day(time)?;
        (date.len() == 10).then(|| Self::seconds(days * 86_400 + seconds, fraction))
    }

    /// So many seconds and a fraction of one more.
    fn seconds(seconds: i64, fraction: &str) -> Self {
        let fraction = fraction.trim_end_matches('0');
        if seconds >= 0 || fraction.is_empty() {
            return Self::new(seconds < 0, &seconds.unsigned_abs().to_string(), fraction);
        }
        // -5 and 0.25 more are -4.75.
        let whole = (seconds + 1).unsigned_abs().to_string();
        let last = fraction.len() - 1;
        let complement = |(at, digit): (usize, u8)| {
            let from = if at == last { b'9' + 1 } else { b'9' };
            char::from(from - digit + b'0')
        };
        let fraction: String = fraction.bytes().enumerate().map(complement).collect();
        Self::new(true, &whole, &fraction)
    }

    /// The whole number, where it is one that fits.
    pub(super) fn integer(&self) -> Option<i64> {
        let magnitude: i64 = match (&*self.whole, &*self.fraction) {
            ("", "") => 0,
            (whole, "") => whole.parse().ok()?,
            _ => return None,
        };
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The greatest whole number that is not above it; nothing where that does not fit.
    pub(super) fn floor(&self) -> Option<i64> {
        let magnitude: i64 =
            if self.whole.is_empty() { 0 } else { self.whole.parse().ok().filter(fits)? };
        let below = self.negative && !self.fraction.is_empty();
        Some(if self.negative { -magnitude - i64::from(below) } else { magnitude })
    }

    /// A number below it, written out.
    pub(super) fn below(&self) -> Box<str> {
        let whole = Self::new(true, &format!("1{}", self.whole), "");
        whole.to_string().into()
    }

    /// A number above it, written out.
    pub(super) fn above(&self) -> Box<str> {
        match self.floor() {
            Some(floor) => (floor + 1).to_string().into(),
            None if self.negative => "0".into(),
            None => format!("1{}", self.whole).into(),
        }
    }

    /// A number above it and below `next`, which is greater: a whole one where there is one.
    pub(super) fn between(&self, next: &Self) -> Box<str> {
        let whole = self.above();
        if Self::parse(&whole).is_some_and(|whole| whole < *next) {
            return whole;
        }
        // No whole number lies between them, so both are on one side of zero; one digit more than
        // both have makes a step away from zero that is too short to reach the other.
        let base = if next.negative || *next == Self::new(false, "", "") { next } else { self };
        let digits = self.fraction.len().max(next.fraction.len());
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{:0>1}.{:0<digits$}5", base.whole, base.fraction).into()
    }

    fn magnitude(&self) -> (usize, &str, &str) {
        (self.whole.len(), &self.whole, &self.fraction)
    }
}

/// The digits before and behind the point once it has moved so far to the right.
fn moved(whole: &str, fraction: &str, power: i16) -> Option<(String, String)> {
    let room = usize::from(power.unsigned_abs());
    let zeros = "0".repeat(room);
    let (digits, at) = match power > 0 {
        true => (format!("{whole}{fraction}{zeros}"), whole.len() + room),
        false => (format!("{zeros}{whole}{fraction}"), whole.len()),
    };
    let (whole, fraction) = digits.split_at_checked(at)?;
    Some((whole.to_owned(), fraction.to_owned()))
}

/// Room for a step to either side.
fn fits(number: &i64) -> bool {
    *number < i64::MAX / 2
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let point = if self.fraction.is_empty() { "" } else { "." };
        write!(out, "{sign}{:0>1}{point}{}", self.whole, self.fraction)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Days from 1970 to `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |text| number(text, 2))?;
    let day = parts.next().map_or(Some(1), |text| number(text, 2))?;
    let part = |value: i64| i8::try_from(value).ok();
    let date = jiff::civil::Date::new(i16::try_from(year).ok()?, part(month)?, part(day)?).ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    Some(i64::from(date.since(epoch).ok()?.get_days()))
}

/// Seconds since midnight of Greenwich, and the digits of the fraction of one more.
fn time_of_day(time: &str) -> Option<(i64, &str)> {
    let at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(at)?;
    let mut parts = clock.splitn(3, ':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let (second, fraction) = match parts.next() {
        None => ("00", "0"),
        Some(text) => text.split_once('.').unwrap_or((text, "0")),
    };
    let second = number(second, 2).filter(|second| *second < 60)?;
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = hour * 3600 + minute * 60 + second - offset(zone)?;
    digits.then_some((seconds, fraction))
}

/// Seconds that a zone is ahead of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    // A time without zone, which W3C does not know, is taken as Greenwich's.
    if zone.is_empty() || zone.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hour, minute) = rest.split_once(':')?;
    let hour = number(hour, 2).filter(|hour| *hour < 24)?;
    let minute = number(minute, 2).filter(|minute| *minute < 60)?;
    Some(sign * (hour * 3600 + minute * 60))
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let right = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok())?
}

/// Reads a block of addresses; a bare address is a block of one (rule C17).
pub(super) fn block(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Reads an address. A block is none.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// Reads `true` or `false` without case (rule C15).
pub(super) fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// The one character that stands for all that differ from `character` by case only: the simple case
/// folding of Unicode (rule C11), as far as single characters change into single ones.
pub(super) fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    // The two letters i of Turkish fold to themselves.
    if matches!(character, '\u{130}' | '\u{131}') {
        return character;
    }
    single(single(character, char::to_uppercase), char::to_lowercase)
}

fn single<C: Iterator<Item = char>>(character: char, change: impl Fn(char) -> C) -> char {
    let mut changed = change(character);
    match (changed.next(), changed.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c13_decimals_are_exact() {
        let ascending = [
            "-10.5",
            "-10",
            "-1",
            "-0.25",
            "-.2",
            "0",
            "0.1",
            "0.10000000000000000001",
            "1",
            "2",
            "10",
            "99999999999999999999",
            "100000000000000000000",
        ];
        let numbers: Vec<Decimal> =
            ascending.iter().map(|text| Decimal::parse(text).expect("a number")).collect();
        assert!(numbers.is_sorted_by(|left, right| left < right));
        for (one, other) in [
            ("+1", "01.0"),
            ("-0", "0"),
            (".5", "0.50"),
            ("1.", "1"),
            ("1e3", "1000"),
            ("-25.5E-2", "-0.255"),
            ("0e9", "0"),
        ] {
            assert_eq!(Decimal::parse(one), Decimal::parse(other), "{one} {other}");
        }
        for text in ["", ".", "-", "e3", "1e", "1e1.5", "1 ", "0x1", "1.2.3", "ten"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        let floor = |text: &str| Decimal::parse(text).and_then(|number| number.floor());
        assert_eq!([floor("-1.5"), floor("-2"), floor("2.9")], [Some(-2), Some(-2), Some(2)]);
    }

    #[test]
    fn c13_numbers_lie_between_others() {
        let read = |text: &str| Decimal::parse(text).expect("a number");
        let ascending = ["-3", "-2.5", "-2.45", "-2", "-0.5", "0", "0.04", "0.05", "1", "1.5", "7"];
        for pair in ascending.windows(2) {
            let (low, high) = (read(pair[0]), read(pair[1]));
            let middle = read(&low.between(&high));
            assert!(low < middle && middle < high, "{pair:?} {middle}");
            assert!(read(&low.below()) < low && low < read(&low.above()), "{low}");
        }
    }

    #[test]
    fn c14_forms_of_instants() {
        for (one, other) in [
            ("2026-12-01", "1796083200"),
            ("2026-12", "2026-12-01T00:00Z"),
            ("2026-12-01T01:30:00+01:30", "2026-12-01"),
            ("2026-11-30T22:00:00.000-02:00", "2026-12-01T00:00:00Z"),
            ("2026-12-01T00:00:00", "2026-12-01"),
            ("1970-01-01T00:00:00Z", "0"),
        ] {
            let instant = Decimal::instant(one);
            assert!(instant.is_some(), "{one}");
            assert_eq!(instant, Decimal::instant(other), "{one} {other}");
        }
        // Four digits are seconds.
        assert_eq!(Decimal::instant("2026"), Decimal::parse("2026"));
        assert_eq!(Decimal::instant("1969-12-31T23:59:55.25Z"), Decimal::parse("-4.75"));
        for text in [
            "",
            "2026-13-01",
            "2026-02-30",
            "2026-1-1",
            "-5",
            "1.5",
            "now",
            "2026-12T00:00Z",
            "2026-12-01T24:00Z",
        ] {
            assert_eq!(Decimal::instant(text), None, "{text}");
        }
    }

    #[test]
    fn c11_case_folds_simply() {
        for (one, other) in [('A', 'a'), ('Ä', 'ä'), ('ς', 'Σ'), ('K', 'k'), ('ſ', 'S')] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        for (one, other) in [('ß', 's'), ('ı', 'i'), ('İ', 'i'), ('a', 'b')] {
            assert_ne!(fold(one), fold(other), "{one} {other}");
        }
    }
}
