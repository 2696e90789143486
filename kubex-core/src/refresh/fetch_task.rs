//! One fetch, and everybody who waits for it.
//!
//! The fetch runs in a task of its own, so that a caller who goes away does not take it along. It ends by the
//! source's own deadline. If it ends without an answer (its runtime is shut down, or the source panics), the
//! guard that it carries says so, and nobody waits forever.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::shared_state::FetchResult;
use super::{Feed, RefreshCell, event};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::refresh::FetchReason;

/// Waits for the end of a flight.
pub(super) async fn landed<T>(mut flight: watch::Receiver<FetchResult<T>>) -> Result<Arc<T>> {
    match flight.wait_for(Option::is_some).await {
        Ok(landing) => landing.clone().unwrap_or_else(|| Err(aborted())),
        Err(_) => Err(aborted()),
    }
}

fn aborted() -> Error {
    Error::new(ErrorKind::Aborted, "the fetch ended without an answer")
        .with_help("its runtime was shut down, or its source panicked")
}

/// Flies one fetch, and lands it however it ends: dropped without an answer, it lands with an error.
///
/// FetchResult takes the board's lock, so a pilot must never be dropped while that is held; a runtime that is
/// shutting down drops what it is given to spawn.
pub(super) struct FetchTask<F: Feed> {
    pub(super) live: Arc<RefreshCell<F>>,
    pub(super) why: FetchReason,
    pub(super) sender: watch::Sender<FetchResult<F::Item>>,
    pub(super) started: Moment,
    pub(super) has_landed: bool,
}

impl<F: Feed> FetchTask<F> {
    /// Starts the fetch in a task of the current runtime.
    pub(super) fn take_off(mut self) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.fly())),
            Err(_) => self.land(Err(Error::new(
                ErrorKind::Aborted,
                "credentials were asked for outside of a tokio runtime",
            )
            .with_help("call it from a tokio runtime"))),
        }
    }

    async fn fly(mut self) {
        let live = Arc::clone(&self.live);
        let limit = live.feed.deadline();
        let fetched = live
            .host
            .within(limit, live.feed.fetch(self.why, &live.host))
            .await;
        let fetched = fetched.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::TimedOut,
                format_args!(
                    "{} gave no answer within {} s",
                    live.description,
                    limit.as_secs_f32()
                ),
            ))
        });
        self.land(fetched);
    }

    /// Tells the shared, those who wait and the log.
    fn land(&mut self, fetched: Result<F::Item>) {
        self.has_landed = true;
        let live = &self.live;
        let now = live.host.now();
        let landed = live.shared.land(
            fetched.map_err(|error| live.sign(live.with_age(error.as_failure(), now))),
            live.expired_on_arrival(),
            &live.description,
            now,
            live.host.clock().random(),
        );
        let took = now.monotonic.checked_sub(self.started.monotonic);
        event::fetched(
            F::SUBJECT,
            live.name(),
            &landed,
            took.unwrap_or(Duration::ZERO),
            now.wall,
        );
        self.sender.send_replace(Some(landed.landing));
    }
}

impl<F: Feed> Drop for FetchTask<F> {
    fn drop(&mut self) {
        if !self.has_landed {
            self.land(Err(aborted()));
        }
    }
}
