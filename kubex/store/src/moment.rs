//! The time of an entry, by two clocks: the wall clock, and one that all processes of a boot share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// How far the wall clock may be set back before an entry counts as written in the future, in milliseconds.
const TOLERATED_STEP: u64 = 60_000;

/// A point in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// Milliseconds since 1970.
    wall: u64,
    /// The id of the boot, and the milliseconds since then, if the system provides them.
    boot: Option<(String, u64)>,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            wall: milliseconds(SystemTime::now()),
            boot: since_boot(),
        }
    }

    /// The age at `now`, by the clock that shows the longer one. `None` if it is negative: a clock was set back, and the age is
    /// unknown.
    pub(crate) fn age_at(&self, now: &Self) -> Option<Duration> {
        let by_boot = match (&self.boot, &now.boot) {
            (Some((boot, then)), Some((same, now))) if boot == same => Some(now.checked_sub(*then)?),
            _ => None,
        };
        let by_wall = match now.wall.checked_sub(self.wall) {
            Some(age) => age,
            None if self.wall - now.wall <= TOLERATED_STEP => 0,
            None => return None,
        };
        Some(Duration::from_millis(by_boot.unwrap_or(0).max(by_wall)))
    }

    pub(crate) fn wall(&self) -> SystemTime {
        from_milliseconds(self.wall)
    }

    #[cfg(test)]
    pub(crate) fn at(wall: u64, boot: Option<(&str, u64)>) -> Self {
        Self {
            wall,
            boot: boot.map(|(boot, then)| (boot.to_owned(), then)),
        }
    }
}

/// The time at which a program asked for a credential. Times of different processes can be compared. On Linux, changes of the
/// wall clock do not affect them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked(u64);

impl Asked {
    /// Returns the current time. A program calls it when it starts, before it opens the store.
    pub fn now() -> Self {
        Self(microseconds())
    }

    pub(crate) fn microseconds(self) -> u64 {
        self.0
    }
}

#[cfg(target_os = "linux")]
fn microseconds() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}

#[cfg(not(target_os = "linux"))]
fn microseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970; 0 for earlier times.
pub(crate) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn from_milliseconds(milliseconds: u64) -> SystemTime {
    let since = Duration::from_millis(milliseconds);
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

#[cfg(target_os = "linux")]
fn since_boot() -> Option<(String, u64)> {
    use rustix::time::{ClockId, clock_gettime};

    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let millis = u64::try_from(time.tv_nsec / 1_000_000).ok()?;
    Some((boot.trim().to_owned(), seconds * 1000 + millis))
}

/// Other systems have no clock that the standard library compares between processes.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Option<(String, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600 * 1000;

    #[test]
    fn the_clock_that_says_older_counts() {
        let then = Moment::at(10 * DAY, Some(("a", 1000)));
        let age = |wall, boot| then.age_at(&Moment::at(wall, boot)).map(|age| age.as_millis());
        assert_eq!(age(10 * DAY + 5, Some(("a", 1007))), Some(7));
        assert_eq!(age(10 * DAY + 9, Some(("a", 1007))), Some(9));
        // Set back by ten seconds.
        assert_eq!(age(10 * DAY - 10_000, Some(("a", 1007))), Some(7));
        // After another boot, only the wall clock can be compared.
        assert_eq!(age(10 * DAY + 9, Some(("b", 3))), Some(9));
    }

    #[test]
    fn a_clock_that_was_set_back_by_a_day_makes_the_age_unknown() {
        let then = Moment::at(10 * DAY, Some(("a", 1000)));
        assert_eq!(then.age_at(&Moment::at(9 * DAY, Some(("a", 1007)))), None);
        assert_eq!(then.age_at(&Moment::at(10 * DAY, Some(("a", 7)))), None);
    }
}
