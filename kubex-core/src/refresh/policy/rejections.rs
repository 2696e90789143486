//! How often rejections by the server start a fetch.
//!
//! A credential that worked and is rejected has been revoked, so the next one is fetched at once. A credential that the
//! server never accepted would be rejected again and again, so its fetches are limited. A server may also accept a
//! credential in one API and always reject it in another, so the fetches for accepted ones come from a reserve.

use std::time::Duration;

use crate::host::nanos;

/// The interval of fetches for credentials that the server never accepted.
const INTERVAL: Duration = Duration::from_secs(10);

/// The same where a fetch only reads files.
const INTERVAL_OF_FILES: Duration = Duration::from_secs(1);

/// How many fetches for accepted credentials may start at once.
const RESERVE: u32 = 10;

/// How long it takes until the reserve has grown by one fetch.
const RESERVE_GROWS_AFTER: Duration = Duration::from_secs(10);

/// When rejections may start the next fetch, by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RejectionLimit {
    only_reads_files: bool,
    /// The end of the interval after the last fetch, in nanoseconds.
    interval_ends: u64,
    /// When the reserve will be full again, in nanoseconds.
    reserve_is_full_at: u64,
}

impl RejectionLimit {
    /// The limit for values whose fetch is cheap only if it does nothing but read files.
    pub(crate) fn new(only_reads_files: bool) -> Self {
        Self {
            only_reads_files,
            interval_ends: 0,
            reserve_is_full_at: 0,
        }
    }

    /// From this time on, a rejection may start a fetch.
    pub(super) fn next(&self, was_accepted: bool) -> Duration {
        let interval_ends = Duration::from_nanos(self.interval_ends);
        if was_accepted {
            let reserve_has_one = Duration::from_nanos(self.reserve_is_full_at)
                .saturating_sub(RESERVE_GROWS_AFTER * (RESERVE - 1));
            reserve_has_one.min(interval_ends)
        } else {
            interval_ends
        }
    }

    /// A fetch starts for a rejection.
    pub(super) fn start(&mut self, now: Duration, was_accepted: bool) {
        let interval = if self.only_reads_files {
            INTERVAL_OF_FILES
        } else {
            INTERVAL
        };
        self.interval_ends = nanos(now.saturating_add(interval));
        if was_accepted {
            let full_at = self.reserve_is_full_at.max(nanos(now));
            self.reserve_is_full_at = full_at.saturating_add(nanos(RESERVE_GROWS_AFTER));
        }
    }

    /// The fetch was given up without a result, so it does not count.
    pub(super) fn give_back(&mut self, was_accepted: bool) {
        self.interval_ends = 0;
        if was_accepted {
            self.reserve_is_full_at = self.reserve_is_full_at.saturating_sub(nanos(RESERVE_GROWS_AFTER));
        }
    }
}

impl Default for RejectionLimit {
    fn default() -> Self {
        Self::new(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(
        limit: &mut RejectionLimit,
        was_accepted: bool,
        seconds: impl IntoIterator<Item = u64>,
    ) -> usize {
        let mut started = 0;
        for now in seconds.into_iter().map(Duration::from_secs) {
            if now >= limit.next(was_accepted) {
                limit.start(now, was_accepted);
                started += 1;
            }
        }
        started
    }

    #[test]
    fn a_credential_that_was_never_accepted_is_fetched_once_in_10_s() {
        let mut limit = RejectionLimit::default();
        assert_eq!(starts(&mut limit, false, 0..100), 10);
    }

    #[test]
    fn a_source_that_only_reads_files_looks_once_a_second() {
        let mut limit = RejectionLimit::new(true);
        assert_eq!(starts(&mut limit, false, [0, 0, 1, 1, 1, 2, 60]), 4);
    }

    #[test]
    fn accepted_credentials_have_a_reserve_that_grows_slowly() {
        let mut limit = RejectionLimit::default();
        assert_eq!(starts(&mut limit, true, [0; 100]), 10, "the reserve");
        assert_eq!(
            starts(&mut limit, true, 0..100),
            9,
            "one back every 10 s, and the last at 100 s"
        );
        assert_eq!(
            starts(&mut limit, true, [1000; 100]),
            10,
            "the reserve is full, not larger"
        );
    }

    #[test]
    fn a_fetch_that_is_given_up_does_not_count() {
        let mut limit = RejectionLimit::default();
        for _ in 0..100 {
            limit.start(Duration::from_secs(5), true);
            limit.give_back(true);
        }
        assert_eq!(starts(&mut limit, true, [5; 100]), 10);
        assert_eq!(starts(&mut limit, false, [5; 100]), 0, "after a fetch that ended");
    }
}
