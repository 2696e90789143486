//! A real clock whose wall-clock time can be set.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::host::{Clock, Host, Moment};

/// A clock whose wall-clock time a test can set. It replaces the clock of a host, and otherwise runs like that clock.
///
/// It is for tests in real time. In simulated time, use
/// [`SimulatedHost::set_wall_clock`](crate::host::SimulatedHost::set_wall_clock).
///
/// ```
/// use std::time::Duration;
/// use kubex_core::Host;
/// use kubex_core::faults::SettableClock;
///
/// let (host, clock) = SettableClock::on(Host::real());
/// let later = host.now().wall + Duration::from_secs(3600);
/// clock.set(later);
/// assert!(host.now().wall >= later);
/// ```
#[derive(Debug)]
pub struct SettableClock {
    beneath: Host,
    /// The time that was set, and the monotonic time at which it was set.
    set: Mutex<Option<(SystemTime, Duration)>>,
}

impl SettableClock {
    /// Replaces the clock of `host` with a settable one, and returns the new host and the clock.
    pub fn on(host: Host) -> (Host, Arc<Self>) {
        let clock = Arc::new(Self {
            beneath: host.clone(),
            set: Mutex::new(None),
        });
        (host.with_clock(clock.clone()), clock)
    }

    /// Sets the wall clock. It runs on from this time.
    pub fn set(&self, time: SystemTime) {
        let now = self.beneath.now().monotonic;
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = Some((time, now));
    }
}

impl Clock for SettableClock {
    fn now(&self) -> Moment {
        let now = self.beneath.now();
        match *self.set.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((time, since)) => Moment {
                wall: time + now.monotonic.saturating_sub(since),
                ..now
            },
            None => now,
        }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.beneath.clock().sleep(duration)
    }

    fn has_timers(&self) -> bool {
        self.beneath.clock().has_timers()
    }

    fn random(&self) -> u64 {
        self.beneath.clock().random()
    }
}
