//! One fetch, in a task of its own.
//!
//! The fetch does not run inside of a caller's future, so a caller that is dropped does not cancel it. It ends by the
//! source's own deadline. If the task ends without a result, its `Drop` reports that. A panic of the source is a failed
//! fetch. If the runtime shuts down, the fetch is abandoned, and a caller on another runtime starts the next one.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::{Instrument as _, Span};

use super::policy::FetchNumber;
use super::shared_state::{FetchResult, Refreshable as _};
use super::{Asker, Fetcher, RefreshCell, event};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::refresh::FetchReason;

/// Runs one fetch and reports its result exactly once, also when it is dropped before it ends.
///
/// Reporting takes the lock of the shared state, so the task must not be dropped while that lock is held: a runtime
/// that is shutting down drops what it is given to spawn.
pub(super) struct FetchTask<F: Fetcher> {
    pub(super) cell: Arc<RefreshCell<F>>,
    pub(super) number: FetchNumber,
    pub(super) reason: FetchReason,
    pub(super) sender: watch::Sender<FetchResult<F::Value>>,
    pub(super) started: Moment,
    pub(super) limit: Duration,
    /// The configuration that started the fetch, unless it is the one that the cell was created for.
    pub(super) asker: Option<Arc<Asker>>,
    pub(super) span: Span,
    pub(super) is_complete: bool,
}

impl<F: Fetcher> FetchTask<F> {
    /// Starts the fetch as a task of this runtime.
    pub(super) fn spawn(self, runtime: &Handle) {
        drop(runtime.spawn(self.run()));
    }

    async fn run(mut self) {
        let cell = Arc::clone(&self.cell);
        // Callers count the limit from the same moment, however late the runtime starts the task.
        let late = cell.host.now().monotonic.saturating_sub(self.started.monotonic);
        let limit = self.limit.saturating_sub(late);
        let fetch = cell.fetcher.fetch(self.reason, &cell.host);
        let mut fetch = pin!(fetch.instrument(self.span.clone()));
        let mut fetched = cell.host.within(limit, fetch.as_mut()).await;
        let time_to_end = cell.fetcher.time_to_end(&cell.host);
        if fetched.is_err() && !time_to_end.is_zero() {
            cell.shared.extend(self.number, cell.host.now(), time_to_end);
            fetched = cell.host.within(time_to_end, fetch).await;
        }
        self.complete(fetched.unwrap_or_else(|_| Err(cell.timed_out(self.limit))));
    }

    /// Reports the result to the shared state, the log and the callers that wait.
    fn complete(&mut self, fetched: Result<F::Value>) {
        self.is_complete = true;
        let cell = &self.cell;
        let now = cell.host.now();
        let fetched = fetched
            .map(|value| value.with_provenance(cell.description()))
            .map_err(|error| cell.with_source_name(cell.with_expiry_of_last(error.as_failure(), now)));
        let finished = cell.shared.complete(
            self.number,
            fetched,
            || cell.expired_on_arrival(),
            now,
            cell.host.clock().random(),
        );
        let Some(finished) = finished else { return };
        let took = now.monotonic.checked_sub(self.started.monotonic);
        let asker = self.asker.as_deref();
        let error = finished.result.as_ref().err().map(|error| match asker {
            Some(asker) => asker.sign(error.clone()),
            None => error.clone(),
        });
        if !cell.fetcher.relays() {
            event::fetched(
                F::SUBJECT,
                cell.name_for(asker),
                &finished,
                error.as_ref(),
                took.unwrap_or(Duration::ZERO),
                now.wall,
            );
        }
        if let (Some(counted), Some(held)) = (&cell.counted, cell.peek()) {
            let ends = held.expires_at().into_iter().chain(held.renew_by()).min();
            counted.holds(cell.name_for(asker), ends, now.wall);
        }
        self.sender.send_replace(Some(finished.result));
    }
}

impl<F: Fetcher> Drop for FetchTask<F> {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        if std::thread::panicking() {
            self.complete(Err(Error::new(
                ErrorKind::Aborted,
                "the fetch ended without a result, because its source panicked",
            )
            .with_help("report the panic to the author of the source")));
        } else {
            // The sender is dropped with the task, so the callers ask again.
            self.cell.shared.give_up(self.number);
        }
    }
}
