//! Times as text: RFC 3339, and the seconds of a JSON web token.
//!
//! The API uses [`SystemTime`]; this module converts it from and to text.
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

/// Reads a time such as `2030-01-01T00:00:00Z`. `None` if the text is not a time in this form.
///
/// The form is Go's: `T` and `Z` are upper-case letters, the seconds are written and below 60, and an offset has hours and
/// minutes. ISO 8601 knows other forms, which kubectl refuses.
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    if !is_rfc3339(text) {
        return None;
    }
    text.parse::<Timestamp>().ok()?.try_into().ok()
}

fn is_rfc3339(text: &str) -> bool {
    let Some((time, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let offset = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if offset.len() == fraction.len() {
                return false;
            }
            offset
        }
        None => rest,
    };
    fits(time, "0000-00-00T00:00:00")
        && !time.ends_with("60")
        && match offset.strip_prefix(['+', '-']) {
            Some(offset) => fits(offset, "00:00"),
            None => offset == "Z",
        }
}

/// Whether the text has digits where the pattern has zeros, and is the pattern elsewhere.
fn fits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, expected)| {
            if expected == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == expected
            }
        })
}

/// Displays a time such as `2030-01-01T00:00:00Z`, in UTC. A time outside of the years -9999 to 9999 is displayed as
/// seconds since 1970.
pub fn rfc3339(time: SystemTime) -> Rfc3339 {
    Rfc3339(time)
}

/// The time this many seconds after the beginning of 1970, without the fraction. `None` outside of the years -9999 to
/// 9999.
///
/// JSON web tokens state their times this way (RFC 7519, NumericDate), whole or with a fraction.
pub fn from_unix_seconds(seconds: f64) -> Option<SystemTime> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond the range saturates, and is refused next"
    )]
    let timestamp = Timestamp::from_second(seconds.floor() as i64);
    timestamp.ok()?.try_into().ok()
}

/// The whole seconds since the beginning of 1970; negative before it.
pub fn unix_seconds(time: SystemTime) -> i64 {
    seconds_between(SystemTime::UNIX_EPOCH, time)
}

/// The whole seconds from one time to another; negative if the other is earlier.
pub fn seconds_between(from: SystemTime, to: SystemTime) -> i64 {
    let whole = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    match to.duration_since(from) {
        Ok(span) => whole(span),
        Err(error) => -whole(error.duration()),
    }
}

/// A time that is displayed by RFC 3339; see [`rfc3339`].
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
        let time = from_unix_seconds(1_490_000_000.75).unwrap();
        assert_eq!(unix_seconds(time), 1_490_000_000);
        assert_eq!(from_unix_seconds(1e300), None);
        assert_eq!(from_unix_seconds(-1.0), Some(SystemTime::UNIX_EPOCH - SECOND));
    }

    #[test]
    fn seconds_between_two_times_have_a_sign() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(seconds_between(now, now + 5 * SECOND), 5);
        assert_eq!(seconds_between(now + 5 * SECOND, now), -5);
    }
}
