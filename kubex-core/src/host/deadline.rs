//! A time limit as a configuration contains it: `30s`, `5m`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer};

/// The longest accepted deadline. A longer one is probably a typo.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The accepted texts, for editors: numbers with their units, or the `PT1M30S` of ISO 8601.
const PATTERN: &str = "^\\s*([0-9]+([.,][0-9]+)?\\s*\
    (h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?|ms|msecs?|millis|milliseconds?),?\\s*)+$|^[Pp][Tt][0-9.HhMmSs]+$";

/// A time limit in a configuration, such as `30s`, `5m`, `300ms`, or a number of seconds. It is more than 0 and at most
/// 24 hours.
///
/// ```
/// use std::time::Duration;
/// use kubex_core::host::Deadline;
/// use kubex_core::options::Value;
///
/// let value: Value = serde_json::from_str(r#""1m 30s""#).unwrap();
/// assert_eq!(value.parse::<Deadline>()?.duration(), Duration::from_secs(90));
/// # Ok::<(), kubex_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Duration);

impl Deadline {
    /// The longest accepted deadline: 24 hours.
    pub const LONGEST: Self = Self(LONGEST);

    /// Returns the duration.
    pub fn duration(self) -> Duration {
        self.0
    }

    fn within_bounds(duration: Duration) -> Option<Self> {
        (!duration.is_zero() && duration <= LONGEST).then_some(Self(duration))
    }
}

impl<'de> Deserialize<'de> for Deadline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Deadline;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a duration of more than 0 and at most 24h, such as 30s, 5m or a number of seconds",
                )
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Deadline, E> {
                Deadline::within_bounds(Duration::from_secs(seconds))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(seconds), &self))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Deadline, E> {
                u64::try_from(seconds)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))
                    .and_then(|seconds| self.visit_u64(seconds))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Deadline, E> {
                let parsed = text.parse::<SignedDuration>().ok();
                parsed
                    .and_then(|duration| Duration::try_from(duration).ok())
                    .and_then(Deadline::within_bounds)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Deadline {
    fn schema_name() -> Cow<'static, str> {
        "Deadline".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": ["string", "integer"],
            "pattern": PATTERN,
            "minimum": 1,
            "maximum": LONGEST.as_secs(),
            "examples": ["30s", "5m", 30],
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::options::Value;

    use super::*;

    #[test]
    fn a_deadline_is_a_time_or_a_number_of_seconds() {
        let parse = |json: &str| {
            let value: Value = serde_json::from_str(json).unwrap();
            value.parse::<Deadline>()
        };
        for (written, millis) in [
            (r#""30s""#, 30_000),
            (r#""5m""#, 300_000),
            (r#""1h 30m""#, 5_400_000),
            (r#""250ms""#, 250),
            ("7", 7_000),
        ] {
            assert_eq!(
                parse(written).unwrap().duration(),
                Duration::from_millis(millis),
                "{written}"
            );
        }
        for written in [
            r#""soon""#,
            r#""-5s""#,
            r#""0s""#,
            "0",
            "-1",
            r#""30""#,
            "90000",
            "true",
            "1e9",
        ] {
            let error = parse(written).unwrap_err();
            assert!(error.message().contains("such as 30s"), "{written}: {error}");
        }
    }
}
