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
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn default() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the real host's clock")]
    fn now(&self) -> Moment {
        Moment {
            wall: Timestamp::now(),
            monotonic: self.started.elapsed(),
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
