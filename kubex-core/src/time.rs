//! Conversion of times from and to text: RFC 3339, and the seconds of a JSON web token.
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use kubex_core::time::{parse_rfc3339, rfc3339};
//!
//! let time = UNIX_EPOCH + Duration::from_secs(1_893_456_000);
//! assert_eq!(rfc3339(time).to_string(), "2030-01-01T00:00:00Z");
//! assert_eq!(parse_rfc3339("2030-01-01T01:00:00+01:00"), Some(time));
//! assert_eq!(parse_rfc3339("tomorrow"), None);
//! ```

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::DateTime;

/// Parses a time such as `2030-01-01T00:00:00Z`. `None` if the text is not such a time. As in Go, the `T` and the `Z`
/// must be upper case, and the seconds are at most 59.
///
/// A time that is later than can be represented, such as `9999-12-31T23:59:59Z` for a token that never expires, becomes
/// the latest possible time.
///
/// ```
/// use kubex_core::time::parse_rfc3339;
///
/// assert_eq!(parse_rfc3339("2030-01-01T00:00:00Z"), parse_rfc3339("2030-01-01T01:00:00+01:00"));
/// assert_eq!(parse_rfc3339("2030-01-01"), None);
/// ```
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let (time, rest) = text.split_at_checked(FORM.len())?;
    let has_form = time.bytes().zip(FORM).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == *form,
    });
    if !has_form || time.ends_with(":60") {
        return None;
    }
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, offset) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => rest
            .split_at_checked(digits(rest))
            .filter(|(fraction, _)| !fraction.is_empty())?,
        None => ("0", rest),
    };
    let nanoseconds: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let since_1970 = time
        .parse::<DateTime>()
        .ok()?
        .duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    let seconds = since_1970.as_secs().checked_sub(offset_seconds(offset)?)?;
    Some(clamped(seconds) + Duration::from_nanos(nanoseconds.into()))
}

/// The form of a time without its fraction and its offset; `0` is a digit.
const FORM: &[u8; 19] = b"0000-00-00T00:00:00";

/// The offset from UTC: `Z`, `+01:00`.
fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes() {
        b"Z" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = *digits else {
        return None;
    };
    let number = |tens: u8, ones: u8| {
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        is_number.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let (hours, minutes) = (number(h1, h2)?, number(m1, m2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// The time this many seconds after the beginning of 1970, or the end of the calendar that is nearest.
fn clamped(seconds: i64) -> SystemTime {
    let seconds = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let span = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    };
    // Every time of these years is within the range of the systems that Rust runs on.
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Returns a value that prints the time as text, such as `2030-01-01T00:00:00Z`, in UTC. A time outside of the years
/// -9999 to 9999 is printed as seconds since 1970.
pub fn rfc3339(time: SystemTime) -> Rfc3339 {
    Rfc3339(time)
}

/// Returns the time this many seconds after the beginning of 1970, rounded down to a whole second. JSON web tokens
/// contain times in this form (RFC 7519, NumericDate).
///
/// A time outside of the years -9999 to 9999 becomes the first or the last moment of these years. This happens, for example, if
/// a token contains milliseconds.
///
/// ```
/// use kubex_core::time::{from_unix_seconds, rfc3339, unix_seconds};
///
/// let time = from_unix_seconds(1_893_456_000.9);
/// assert_eq!(unix_seconds(time), 1_893_456_000);
/// assert_eq!(rfc3339(time).to_string(), "2030-01-01T00:00:00Z");
/// ```
pub fn from_unix_seconds(seconds: f64) -> SystemTime {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond the range saturates, and is clamped next"
    )]
    clamped(seconds.floor() as i64)
}

/// Returns the whole seconds since the beginning of 1970; negative for an earlier time.
pub fn unix_seconds(time: SystemTime) -> i64 {
    seconds_between(SystemTime::UNIX_EPOCH, time)
}

/// Returns the whole seconds from one time to another; negative if the second time is earlier.
///
/// ```
/// use kubex_core::time::{from_unix_seconds, seconds_between};
///
/// assert_eq!(seconds_between(from_unix_seconds(60.0), from_unix_seconds(0.0)), -60);
/// ```
pub fn seconds_between(from: SystemTime, to: SystemTime) -> i64 {
    let whole = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    match to.duration_since(from) {
        Ok(span) => whole(span),
        Err(error) => -whole(error.duration()),
    }
}

/// A time that `Display` prints as RFC 3339. [`rfc3339`] returns it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rfc3339(SystemTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::try_from(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} s since 1970", unix_seconds(self.0)),
        }
    }
}

impl fmt::Debug for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_time_is_read_back_as_it_was_written() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_893_456_000_250);
        assert_eq!(parse_rfc3339(&rfc3339(time).to_string()), Some(time));
        let before = SystemTime::UNIX_EPOCH - SECOND;
        assert_eq!(rfc3339(before).to_string(), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn a_time_has_the_form_of_go() {
        for text in [
            "2030-01-01T00:00:00Z",
            "2030-01-01T00:00:00.123456789Z",
            "2030-01-01T00:00:00,5+01:00",
            "2030-01-01T00:00:00-23:59",
        ] {
            assert!(parse_rfc3339(text).is_some(), "{text}");
        }
        for text in [
            "",
            "2030-01-01 00:00:00Z",
            "2030-01-01t00:00:00Z",
            "2030-01-01T00:00:00z",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00Z",
            "2030-01-01T00:00:60Z",
            "2030-01-01T00:00:00+01",
            "2030-01-01T00:00:00+0100",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00ZZ",
            "2030-01-01T00:00:00Z[UTC]",
            "20300101T000000Z",
            "+002030-01-01T00:00:00Z",
            "2030-01-01T00:00:0é",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_displayed_in_seconds() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(time).to_string(), "1099511627776 s since 1970");
    }

    #[test]
    fn seconds_of_a_token_are_rounded_down_and_bounded() {
        let time = from_unix_seconds(1_490_000_000.75);
        assert_eq!(unix_seconds(time), 1_490_000_000);
        assert_eq!(from_unix_seconds(-1.0), SystemTime::UNIX_EPOCH - SECOND);
        let last = "9999-12-30T22:00:00Z";
        for seconds in [1_893_456_000_000.0, 1e15, 1e300, f64::MAX] {
            assert_eq!(rfc3339(from_unix_seconds(seconds)).to_string(), last, "{seconds}");
        }
        assert!(from_unix_seconds(-1e300) < SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn a_time_at_the_end_of_the_calendar_is_clamped() {
        let last = parse_rfc3339("9999-12-30T22:00:00Z");
        for text in [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-12:00",
            "9999-12-31T00:00:00Z",
        ] {
            assert_eq!(parse_rfc3339(text), last, "{text}");
        }
        assert!(parse_rfc3339("9999-12-31T23:59:59.999999999Z").is_some());
        assert!(parse_rfc3339("0000-01-01T00:00:00+23:59").is_some());
    }

    #[test]
    fn forms_that_go_does_not_read_are_refused() {
        for text in [
            "2030-01-01 00:00:00Z",
            "2030-01-01t00:00:00Z",
            "2030-01-01T00:00:00z",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00Z",
            "2030-01-01T000000Z",
            "20300101T000000Z",
            "2030-01-01T00:00:60Z",
            "2030-01-01T24:00:00Z",
            "2030-02-30T00:00:00Z",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00+01",
            "2030-01-01T00:00:00+0100",
            "2030-01-01T00:00:00+01:00:00",
            "2030-01-01T00:00:00+24:00",
            "2030-01-01T00:00:00+01:60",
            "2030-01-01T00:00:00\u{2212}01:00",
            "2030-01-01T00:00:00Z[UTC]",
            "2030-01-01T00:00:00+01:00[Europe/Berlin]",
            "+002030-01-01T00:00:00Z",
            "-000001-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2030-W01-1T00:00:00Z",
            " 2030-01-01T00:00:00Z",
            "2030-01-01T00:00:00Z ",
            "2030-01-01",
            "",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        let time = parse_rfc3339("2030-01-01T00:00:00Z");
        for text in [
            "2030-01-01T00:00:00.0000000000001Z",
            "2029-12-31T23:30:00-00:30",
            "2030-01-01T00:00:00-00:00",
        ] {
            assert_eq!(parse_rfc3339(text), time, "{text}");
        }
    }

    #[test]
    fn seconds_between_two_times_have_a_sign() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(seconds_between(now, now + 5 * SECOND), 5);
        assert_eq!(seconds_between(now + 5 * SECOND, now), -5);
    }
}
