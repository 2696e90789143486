//! One fetch, in a task of its own, and how callers wait for it.
//!
//! The fetch does not run inside of a caller's future, so a caller that is dropped does not cancel it. It ends by the
//! source's own deadline. If the task ends without a result (its runtime shuts down, or the source panics), its `Drop`
//! completes the fetch with an error, so that callers never wait for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::shared_state::FetchResult;
use super::{Fetcher, RefreshCell, event};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::refresh::FetchReason;

/// Waits for the end of a fetch.
pub(super) async fn completion<T>(mut in_flight: watch::Receiver<FetchResult<T>>) -> Result<Arc<T>> {
    match in_flight.wait_for(Option::is_some).await {
        Ok(result) => result.clone().unwrap_or_else(|| Err(aborted())),
        Err(_) => Err(aborted()),
    }
}

fn aborted() -> Error {
    Error::new(ErrorKind::Aborted, "the fetch ended without a result")
        .with_help("check whether its runtime was shut down or its source panicked")
}

/// Runs one fetch and reports its result exactly once, also when it is dropped before it ends.
///
/// Reporting takes the lock of the shared state, so the task must not be dropped while that lock is held: a runtime
/// that is shutting down drops what it is given to spawn.
pub(super) struct FetchTask<F: Fetcher> {
    pub(super) cell: Arc<RefreshCell<F>>,
    pub(super) reason: FetchReason,
    pub(super) sender: watch::Sender<FetchResult<F::Value>>,
    pub(super) started: Moment,
    pub(super) is_complete: bool,
}

impl<F: Fetcher> FetchTask<F> {
    /// Starts the fetch as a task of the current runtime.
    pub(super) fn spawn(mut self) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.run())),
            Err(_) => self.complete(Err(Error::new(
                ErrorKind::Aborted,
                "credentials were requested outside of a tokio runtime",
            )
            .with_help("call it from a tokio runtime"))),
        }
    }

    async fn run(mut self) {
        let cell = Arc::clone(&self.cell);
        let limit = cell.fetcher.deadline();
        let fetched = cell
            .host
            .within(limit, cell.fetcher.fetch(self.reason, &cell.host))
            .await;
        let fetched = fetched.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::TimedOut,
                format_args!(
                    "{} did not answer within {} s",
                    cell.description,
                    limit.as_secs_f32()
                ),
            ))
        });
        self.complete(fetched);
    }

    /// Reports the result to the shared state, the log and the callers that wait.
    fn complete(&mut self, fetched: Result<F::Value>) {
        self.is_complete = true;
        let cell = &self.cell;
        let now = cell.host.now();
        let finished = cell.shared.complete(
            fetched.map_err(|error| cell.with_source_name(cell.with_expiry_of_last(error.as_failure(), now))),
            cell.expired_on_arrival(),
            &cell.description,
            now,
            cell.host.clock().random(),
        );
        let took = now.monotonic.checked_sub(self.started.monotonic);
        event::fetched(
            F::SUBJECT,
            cell.name(),
            &finished,
            took.unwrap_or(Duration::ZERO),
            now.wall,
        );
        self.sender.send_replace(Some(finished.result));
    }
}

impl<F: Fetcher> Drop for FetchTask<F> {
    fn drop(&mut self) {
        if !self.is_complete {
            self.complete(Err(aborted()));
        }
    }
}
