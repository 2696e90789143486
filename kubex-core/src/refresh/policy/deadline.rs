//! Points in time on both clocks: until when a value is fresh, and when it is due.

use std::time::Duration;

use crate::host::{Moment, Ticks, nanos};

/// Until when the held value can be served without asking the policy, by each clock.
///
/// It is published beside the value, so that callers need no lock before that time. Each request compares it, so the limits
/// are plain integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::refresh) struct FreshUntil {
    monotonic: u64,
    /// The largest number: the wall clock sets no limit.
    wall: u64,
}

impl FreshUntil {
    pub(in crate::refresh) const NEVER: Self = Self {
        monotonic: 0,
        wall: u64::MAX,
    };
    pub(super) const FOREVER: Self = Self {
        monotonic: u64::MAX,
        wall: u64::MAX,
    };

    /// Whether both clocks are still before the limit.
    #[inline]
    pub(in crate::refresh) fn holds_at(&self, now: Ticks) -> bool {
        now.monotonic < self.monotonic && now.wall < self.wall
    }

    pub(super) fn or_earlier(self, deadline: Deadline) -> Self {
        Self {
            monotonic: self.monotonic.min(deadline.monotonic),
            wall: self.wall.min(deadline.wall),
        }
    }

    pub(super) fn or_earlier_monotonic(self, limit: Duration) -> Self {
        Self {
            monotonic: self.monotonic.min(nanos(limit)),
            ..self
        }
    }
}

/// A point in time on both clocks, in nanoseconds. It is reached as soon as one of them reaches it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) monotonic: u64,
    /// The largest number: beyond the range of the wall clock.
    pub(super) wall: u64,
}

impl Deadline {
    /// A deadline that is always reached. The current time would not do, because a coarse clock may be behind it.
    pub(super) const REACHED: Self = Self {
        monotonic: 0,
        wall: 0,
    };

    pub(super) fn after(now: Moment, span: Duration) -> Self {
        let (now, span) = (Ticks::from(now), nanos(span));
        Self {
            monotonic: now.monotonic.saturating_add(span),
            wall: now.wall.saturating_add(span),
        }
    }

    /// Without a span, it is never reached.
    pub(super) fn after_some(now: Moment, span: Option<Duration>) -> Self {
        Self::after(now, span.unwrap_or(Duration::MAX))
    }

    pub(super) fn is_reached(self, now: Moment) -> bool {
        let now = Ticks::from(now);
        now.monotonic >= self.monotonic || now.wall >= self.wall
    }
}
