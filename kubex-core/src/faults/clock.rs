//! A clock that somebody sets.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::host::{Clock, Host, Moment};

/// The clocks of another host, whose wall clock can be set while it runs. For tests in real time; in a
/// simulated one, [`SimulatedHost::step_wall_clock`](crate::host::SimulatedHost::step_wall_clock) does it.
///
/// ```
/// use jiff::SignedDuration;
/// use kubex_core::Host;
/// use kubex_core::faults::SteppedClock;
///
/// let (host, clock) = SteppedClock::on(Host::real());
/// let before = host.now().wall;
/// clock.step(SignedDuration::from_hours(1));
/// assert!(host.now().wall.duration_since(before) >= SignedDuration::from_hours(1));
/// ```
#[derive(Debug)]
pub struct SteppedClock {
    beneath: Host,
    milliseconds: AtomicI64,
}

impl SteppedClock {
    /// The host with a clock that can be set, and the clock.
    pub fn on(host: Host) -> (Host, Arc<Self>) {
        let clock = Arc::new(Self {
            beneath: host.clone(),
            milliseconds: AtomicI64::new(0),
        });
        (host.with_clock(clock.clone()), clock)
    }

    /// Sets the wall clock forward or back by this span.
    pub fn step(&self, span: SignedDuration) {
        let span = i64::try_from(span.as_millis()).unwrap_or_default();
        self.milliseconds.fetch_add(span, Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Moment {
        let now = self.beneath.now();
        let span = SignedDuration::from_millis(self.milliseconds.load(Ordering::SeqCst));
        Moment {
            wall: now.wall.checked_add(span).unwrap_or(Timestamp::MAX),
            ..now
        }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.beneath.clock().sleep(duration)
    }

    fn random(&self) -> u64 {
        self.beneath.clock().random()
    }
}
