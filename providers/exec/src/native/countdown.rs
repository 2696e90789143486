//! A time limit that does not count the time in which this program is stopped.
//!
//! Ctrl-Z stops this program together with a plugin that has the terminal. When both continue, the plugin must have the rest
//! of its time. So the limit is counted in short steps, and a step that took long counts as a short one.

use std::time::{Duration, Instant};

/// The longest wait before the time is counted again.
const STEP: Duration = Duration::from_millis(250);

/// What a step counts at most. It is longer than a step, because a busy machine wakes this program late.
const LONGEST: Duration = Duration::from_secs(2);

pub(super) struct Countdown {
    left: Duration,
    counted: Instant,
}

#[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
impl Countdown {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            left: limit,
            counted: Instant::now(),
        }
    }

    /// How long to wait before this is called again; `None` if the time is over.
    pub(super) fn next_step(&mut self) -> Option<Duration> {
        let now = Instant::now();
        self.count(now.duration_since(self.counted));
        self.counted = now;
        (!self.left.is_zero()).then(|| self.left.min(STEP))
    }

    fn count(&mut self, elapsed: Duration) {
        self.left = self.left.saturating_sub(elapsed.min(LONGEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_of_an_hour_counts_as_one_step() {
        let mut countdown = Countdown::new(Duration::from_secs(300));
        countdown.count(Duration::from_secs(3600));
        assert_eq!(countdown.left, Duration::from_secs(298));
        countdown.count(Duration::from_millis(250));
        assert_eq!(countdown.left, Duration::from_millis(297_750));
        assert_eq!(countdown.next_step(), Some(STEP));
        assert_eq!(Countdown::new(Duration::ZERO).next_step(), None);
    }
}
