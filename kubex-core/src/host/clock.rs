//! Clocks: the wall clock, the monotonic clock, and timers.
//!
//! There are two clocks, because each of them is wrong at times. Expiry times refer to the wall clock, which jumps when
//! it is set. The monotonic clock never jumps, but it stops while a laptop sleeps. A credential that has expired by
//! either clock is not used.
//!
//! ```
//! use std::time::Duration;
//! use kubex_core::Host;
//!
//! let host = Host::real();
//! let before = host.now();
//! let after = host.now();
//! assert!(after.monotonic >= before.monotonic);
//! assert!(after.wall > std::time::UNIX_EPOCH + Duration::from_secs(1_500_000_000));
//! ```

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

/// The time of the wall clock and of the monotonic clock at one moment.
///
/// Expiry times refer to the wall clock, which can be set. The monotonic clock only moves forward, but it stops while a
/// laptop sleeps. A credential counts as expired if it has expired by either clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: SystemTime,
    /// The monotonic clock: the time since a fixed moment.
    pub monotonic: Duration,
}

/// The time of both clocks as integers. They are faster to read and to compare than a [`Moment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// The wall clock: nanoseconds since the beginning of 1970.
    pub wall: u64,
    /// The monotonic clock: nanoseconds since the same moment as [`Moment::monotonic`].
    pub monotonic: u64,
}

impl From<Moment> for Ticks {
    fn from(moment: Moment) -> Self {
        Self {
            wall: wall_nanos(moment.wall),
            monotonic: nanos(moment.monotonic),
        }
    }
}

/// A duration in nanoseconds, at most those of 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since the beginning of 1970: zero before it, and at most those of 584 years.
pub(crate) fn wall_nanos(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, nanos)
}

/// The clocks of a [`Host`](crate::Host).
pub trait Clock: Debug + Send + Sync {
    /// Returns the time of the wall clock and of the monotonic clock.
    fn now(&self) -> Moment;

    /// Returns the time of the wall clock and of the monotonic clock; it may be a few milliseconds old. It is faster than
    /// [`now`](Self::now), for a check before each request.
    fn recent(&self) -> Ticks {
        self.now().into()
    }

    /// Returns a number that changes whenever [`recent`](Self::recent) changes, such as the number of the system's timer tick.
    /// Reading this number takes half as long as `recent`. `None`, the default, if the clock has no such number.
    fn tick(&self) -> Option<u64> {
        None
    }

    /// Returns a future that completes after this duration of the monotonic clock.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Returns whether [`sleep`](Self::sleep) works on the current thread. `false` on a tokio runtime without timers, and
    /// outside of a runtime.
    fn has_timers(&self) -> bool {
        true
    }

    /// Returns a random number, for the jitter of timers.
    fn random(&self) -> u64;
}

/// The error of [`Host::within`](crate::Host::within): the time limit was reached before the future completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// Runs the future until it completes or the limit is reached.
pub(super) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, TimedOut> {
    let mut future = pin!(future);
    let mut sleep = clock.sleep(limit);
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(value));
        }
        sleep.as_mut().poll(context).map(|()| Err(TimedOut))
    })
    .await
}

/// Runs the future for at most this long, by the timers of the current runtime.
#[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
pub(super) async fn race<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, future).await.ok()
}

/// The clocks of this machine.
#[derive(Debug)]
pub(super) struct SystemClock {
    started: Instant,
    /// The same moment on the kernel's monotonic clock, which the coarse clock is relative to.
    #[cfg(target_os = "linux")]
    started_at_tick: u64,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn default() -> Self {
        Self {
            started: Instant::now(),
            #[cfg(target_os = "linux")]
            started_at_tick: read_nanos(rustix::time::ClockId::Monotonic),
        }
    }
}

/// The time of a kernel clock in nanoseconds; zero if it is negative.
#[cfg(target_os = "linux")]
#[inline]
fn read_nanos(clock: rustix::time::ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn now(&self) -> Moment {
        Moment {
            wall: SystemTime::now(),
            monotonic: self.started.elapsed(),
        }
    }

    /// The clocks at the kernel's last tick. Reading them needs no access to hardware.
    #[cfg(target_os = "linux")]
    fn recent(&self) -> Ticks {
        use rustix::time::ClockId;

        Ticks {
            wall: read_nanos(ClockId::RealtimeCoarse),
            // The last tick may be older than this clock.
            monotonic: read_nanos(ClockId::MonotonicCoarse).saturating_sub(self.started_at_tick),
        }
    }

    /// The kernel sets both coarse clocks at a tick.
    #[cfg(target_os = "linux")]
    fn tick(&self) -> Option<u64> {
        Some(read_nanos(rustix::time::ClockId::MonotonicCoarse))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn has_timers(&self) -> bool {
        super::blocking::has_timers()
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        // Each RandomState has keys that were seeded with the system's random numbers.
        RandomState::new().hash_one(0_u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recent_time_is_at_most_some_milliseconds_late() {
        let clock = SystemClock::default();
        for _ in 0..1000 {
            let before = Ticks::from(clock.now());
            let recent = clock.recent();
            let after = Ticks::from(clock.now());
            let most = 50_000_000;
            assert!(recent.monotonic + most > before.monotonic && recent.monotonic <= after.monotonic);
            assert!(
                recent.wall + most > before.wall && recent.wall <= after.wall,
                "{recent:?} {before:?}"
            );
        }
    }
}
