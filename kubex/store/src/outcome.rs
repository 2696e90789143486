//! The failure of the last fetch of a slot, for the processes that wait for it and for the back-off of a login.

use std::time::{Duration, SystemTime};

use kubex_core::text::sanitize_line;
use kubex_core::time::rfc3339;
use kubex_core::{Error, ErrorClass, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::moment::Moment;

const FIRST_AFTER_A_TIME_OUT: Duration = Duration::from_secs(30);
const FIRST_AFTER_A_CANCELLATION: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// The reason why a new login must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BackOff {
    /// The last login was not completed before its time limit.
    TimedOut,
    /// A signal ended the last login while it waited for the user.
    Cancelled,
}

/// The end of a fetch that failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Distinguishes two failures.
    pub(crate) id: u64,
    at: Moment,
    back_off: Option<BackOff>,
    /// How many times in a row the fetch was not completed.
    times: u32,
    message: String,
    help: String,
    /// What was fetched. Files of older versions do not contain it.
    #[serde(default)]
    description: String,
}

impl Outcome {
    /// The outcome of a fetch that failed with this error. After a fetch that exceeded its time limit, the next one must wait.
    pub(crate) fn failed(error: &Error, previous: Option<&Self>) -> Self {
        let is_timed_out = error.kind().class() == ErrorClass::TimedOut;
        Self::new(
            is_timed_out.then_some(BackOff::TimedOut),
            error.message(),
            error.help().unwrap_or_default(),
            previous,
        )
    }

    pub(crate) fn cancelled(previous: Option<&Self>) -> Self {
        Self::new(Some(BackOff::Cancelled), "the login was cancelled", "", previous)
    }

    /// Sets what was fetched, for the list of the store.
    pub(crate) fn described_as(mut self, description: &str) -> Self {
        self.description = sanitize_line(description).into_owned();
        self
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn back_off(&self) -> Option<BackOff> {
        self.back_off
    }

    pub(crate) fn failed_at(&self) -> SystemTime {
        self.at.wall()
    }

    fn new(back_off: Option<BackOff>, message: &str, help: &str, previous: Option<&Self>) -> Self {
        let mut id = [0; 8];
        // Without random numbers two failures look the same, and a waiting process fetches for itself.
        let _ = aws_lc_rs::rand::fill(&mut id);
        let before = previous.filter(|previous| previous.back_off.is_some());
        Self {
            id: u64::from_le_bytes(id),
            at: Moment::now(),
            times: back_off.map_or(0, |_| before.map_or(1, |before| before.times.saturating_add(1))),
            back_off,
            message: sanitize_line(message).into_owned(),
            help: sanitize_line(help).into_owned(),
            description: String::new(),
        }
    }

    /// How long the next fetch has to wait in all.
    fn span(&self) -> Duration {
        let first = match self.back_off {
            None => return Duration::ZERO,
            Some(BackOff::TimedOut) => FIRST_AFTER_A_TIME_OUT,
            Some(BackOff::Cancelled) => FIRST_AFTER_A_CANCELLATION,
        };
        let doubled = 2_u32.saturating_pow(self.times.saturating_sub(1).min(16));
        first.saturating_mul(doubled).min(LONGEST)
    }

    /// Until when the next fetch has to wait, if it has to.
    pub(crate) fn backs_off_until(&self, now: &Moment) -> Option<SystemTime> {
        let left = self.span().checked_sub(self.at.age_at(now)?)?;
        (!left.is_zero()).then(|| now.wall() + left)
    }

    /// The failure, for a process that waited for the fetch.
    pub(crate) fn error(&self) -> Error {
        let kind = if self.back_off == Some(BackOff::TimedOut) {
            ErrorKind::TimedOut
        } else {
            ErrorKind::Unavailable
        };
        let error = Error::new(kind, format_args!("{}; another process fetched it", self.message));
        if self.help.is_empty() {
            error
        } else {
            error.with_help(&self.help)
        }
    }

    /// The error of a process that comes during the back-off.
    pub(crate) fn back_off_error(&self, until: SystemTime) -> Error {
        let why = match self.back_off {
            Some(BackOff::Cancelled) => "was cancelled",
            _ => "was not completed in time",
        };
        Error::new(
            ErrorKind::TimedOut,
            format_args!(
                "the last login {why} at {}, and none is started again before {}",
                rfc3339(self.at.wall()),
                rfc3339(until)
            ),
        )
        .with_help("to log in now, run kubex cache clear and repeat the command")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fetch_that_was_not_completed_backs_off_and_each_time_longer() {
        let now = Moment::now();
        let failed = Outcome::failed(&Error::new(ErrorKind::PluginFailed, "expired"), None);
        assert_eq!(failed.backs_off_until(&now), None);
        let late = Error::new(ErrorKind::TimedOut, "late");
        let first = Outcome::failed(&late, Some(&failed));
        let second = Outcome::failed(&late, Some(&first));
        assert_eq!((first.span().as_secs(), second.span().as_secs()), (30, 60));
        assert!(second.backs_off_until(&Moment::now()).is_some());
        let often = (0..40).fold(second, |previous, _| Outcome::failed(&late, Some(&previous)));
        assert_eq!(often.span(), LONGEST);
        assert_eq!(Outcome::cancelled(None).span().as_secs(), 10);
    }
}
