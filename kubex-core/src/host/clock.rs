//! Time: the wall clock, the monotonic one, and waiting.

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// What both clocks said at one moment.
///
/// The wall clock is what expiry times are written in, and it can be set; the monotonic one only moves
/// forward, and stands still while a laptop sleeps. Kubex asks both, and whichever says expired wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: Timestamp,
    /// Time since some fixed moment, never backwards.
    pub monotonic: Duration,
}

/// The host's clocks.
pub trait Clock: Debug + Send + Sync {
    /// What both clocks say.
    fn now(&self) -> Moment;

    /// What both clocks said a moment ago: a few milliseconds at the most, for those who ask before each request.
    /// Reading that takes a fraction of the time.
    fn recent(&self) -> Moment {
        self.now()
    }

    /// Completes after this much monotonic time.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// A random number, for the jitter of timers.
    fn random(&self) -> u64;
}

/// The time was over before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// Runs the future until the clock says that the limit is reached.
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

/// The clocks of the machine.
#[derive(Debug)]
pub(super) struct SystemClock {
    started: Instant,
    /// The same moment by the clock that the kernel counts its ticks with.
    #[cfg(target_os = "linux")]
    started_at_tick: Duration,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn default() -> Self {
        Self {
            started: Instant::now(),
            #[cfg(target_os = "linux")]
            started_at_tick: ticks(rustix::time::ClockId::Monotonic).unwrap_or_default(),
        }
    }
}

/// What a clock of the kernel says, if that is after its beginning.
#[cfg(target_os = "linux")]
fn ticks(clock: rustix::time::ClockId) -> Option<Duration> {
    let time = rustix::time::clock_gettime(clock);
    Some(Duration::new(
        u64::try_from(time.tv_sec).ok()?,
        u32::try_from(time.tv_nsec).ok()?,
    ))
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn now(&self) -> Moment {
        Moment {
            wall: Timestamp::now(),
            monotonic: self.started.elapsed(),
        }
    }

    /// The clocks of the last tick, which are in memory already.
    #[cfg(target_os = "linux")]
    fn recent(&self) -> Moment {
        use rustix::time::{ClockId, clock_gettime};

        let wall = clock_gettime(ClockId::RealtimeCoarse);
        let wall = i32::try_from(wall.tv_nsec)
            .ok()
            .and_then(|nanos| Timestamp::new(wall.tv_sec, nanos).ok());
        match (wall, ticks(ClockId::MonotonicCoarse)) {
            (Some(wall), Some(tick)) => Moment {
                wall,
                // The tick before the start is none.
                monotonic: tick.saturating_sub(self.started_at_tick),
            },
            _ => self.now(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        // A fresh RandomState is keyed by the system's random numbers.
        RandomState::new().hash_one(0_u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_clocks_said_recently_is_hardly_behind_what_they_say() {
        let clock = SystemClock::default();
        for _ in 0..1000 {
            let (before, recent, after) = (clock.now(), clock.recent(), clock.now());
            let most = Duration::from_millis(50);
            assert!(recent.monotonic + most > before.monotonic && recent.monotonic <= after.monotonic);
            assert!(
                recent.wall + most > before.wall && recent.wall <= after.wall,
                "{recent:?} {before:?}"
            );
        }
    }
}
