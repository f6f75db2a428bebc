//! Instants as texts (rule C14).

use jiff::civil::DateTime;

/// The last whole second of an instant, in seconds since 1970; nothing where it is no instant, or too far
/// off.
pub(crate) fn whole_second(text: &str) -> Option<i64> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().ok(),
        false => w3c(text).map(|(seconds, _)| seconds),
    }
}

/// The seconds since 1970, and the digits of the fraction: `YYYY-MM`, `YYYY-MM-DD`, and behind a whole
/// date `Thh:mm`, `Thh:mm:ss` or `Thh:mm:ss.s` with one digit or more, and a zone.
pub(crate) fn w3c(text: &str) -> Option<(i64, &str)> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let (year, month, day) = match (fields(date, "0000-00"), fields(date, "0000-00-00")) {
        (Some(fields), _) => (*fields.first()?, *fields.get(1)?, 1),
        (_, Some(fields)) => (*fields.first()?, *fields.get(1)?, *fields.get(2)?),
        _ => return None,
    };
    let Some(time) = time else {
        return Some((since_1970(year, month, day, [0; 3])?, ""));
    };
    if date.len() < "0000-00-00".len() {
        return None;
    }
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    let (clock, fraction) = match clock.split_once('.') {
        // Only seconds have a fraction.
        Some((clock, digits)) if clock.len() == "00:00:00".len() => (clock, Some(digits)),
        Some(_) => return None,
        None => (clock, None),
    };
    let fraction = fraction.unwrap_or("0");
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let clock = match (fields(clock, "00:00"), fields(clock, "00:00:00")) {
        (Some(fields), _) => [*fields.first()?, *fields.get(1)?, 0],
        (_, Some(fields)) => [*fields.first()?, *fields.get(1)?, *fields.get(2)?],
        _ => return None,
    };
    Some((since_1970(year, month, day, clock)? - ahead(zone)?, fraction))
}

/// The numbers of a text that has a digit wherever `form` has one, and else the same characters.
fn fields(text: &str, form: &str) -> Option<Vec<i16>> {
    let is_like = |(one, form): (u8, u8)| match form {
        b'0' => one.is_ascii_digit(),
        _ => one == form,
    };
    let is_whole = text.len() == form.len() && text.bytes().zip(form.bytes()).all(is_like);
    is_whole.then(|| text.split(['-', ':']).map_while(|field| field.parse().ok()).collect())
}

/// Seconds from the beginning of 1970 to a time that the calendar has; a leap second is none.
fn since_1970(year: i16, month: i16, day: i16, clock: [i16; 3]) -> Option<i64> {
    let small = |number: i16| i8::try_from(number).ok();
    let [hour, minute, second] = clock;
    let time = DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    Some(time.ok()?.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_secs())
}

/// How many seconds a zone is ahead of Greenwich: `Z`, `+hh:mm`, `-hh:mm` or none.
fn ahead(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    let fields = fields(zone.get(1..)?, "00:00")?;
    let (hours, minutes) = (i64::from(*fields.first()?), i64::from(*fields.get(1)?));
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_second() {
        assert_eq!(whole_second("1969-12-31T23:59:55.25Z"), Some(-5));
        assert_eq!(whole_second("86400"), Some(86_400));
        assert_eq!(whole_second("1970-01-02T00:00:00.5Z"), Some(86_400));
        for text in ["", "soon", "-5", "99999999999999999999999999"] {
            assert_eq!(whole_second(text), None, "{text}");
        }
    }
}
