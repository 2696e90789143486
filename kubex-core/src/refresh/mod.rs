//! Keeps an externally renewed value current behind a shared handle.
//!
//! A credential that expires and a CA file that is replaced are kept current by the same rules. Three layers do it,
//! from the inside out:
//!
//! | layer | what it does |
//! |---|---|
//! | `policy.rs` | decides: when to fetch, when to wait, when to return an error; a pure state machine |
//! | `shared_state.rs` | holds the policy, the value and the fetch under way behind one lock, and a snapshot that needs no lock |
//! | this file and `fetch_task.rs` | act: read the clock, start fetches, wait for them |
//!
//! A request reads the snapshot. Only when the snapshot is no longer fresh does it take the lock and ask the policy.

mod asker;
// The model check compiles this module a second time, with other locks.
mod event;
mod fetch_task;
#[cfg(test)]
mod model;
mod policy;
mod reason;
#[cfg_attr(test, allow(clippy::duplicate_mod))]
mod shared_state;
mod sync;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::credential::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Moment};
use crate::metrics::{CountedHandle, Waiting};
use crate::text::sanitize_line;

pub(crate) use asker::Asker;
pub(crate) use event::Subject;
pub use reason::FetchReason;
pub(crate) use shared_state::Refreshable;

use fetch_task::FetchTask;
use policy::{REVALIDATION_WAIT, RejectionLimit, WaitMode};
use shared_state::{Access, FetchResult, Pending, Response, SharedState};

/// How much longer than the deadline of a fetch a caller waits, so that a fetch that replaces a lost one can end.
const PATIENCE: Duration = Duration::from_millis(850);

/// How long a caller still waits after its limit, for a result that is late for the same reason as the caller.
const SECOND_LOOK: Duration = Duration::from_millis(50);

/// How a caller's wait for a fetch ended.
enum Waited<T> {
    Ended(Result<Arc<T>>),
    /// The fetch was given up without a result: its runtime was shut down, or another caller found it lost.
    GivenUp,
    /// The fetch did not end by its deadline.
    Lost,
    /// The caller has waited for as long as it may.
    TooLong,
}

/// Waits for the end of a fetch; `None` if it was given up.
async fn completion<T>(mut in_flight: watch::Receiver<FetchResult<T>>) -> Option<Result<Arc<T>>> {
    let result = in_flight.wait_for(Option::is_some).await.ok()?;
    result.clone()
}

/// Fetches the values of a [`RefreshCell`].
pub(crate) trait Fetcher: Debug + Send + Sync + 'static {
    type Value: Refreshable;
    const SUBJECT: Subject;

    fn fetch(&self, reason: FetchReason, host: &Host) -> impl Future<Output = Result<Self::Value>> + Send;
    fn describe(&self) -> String;
    fn deadline(&self, host: &Host) -> Duration;
    /// How much longer a fetch may take to end what it started.
    fn time_to_end(&self, host: &Host) -> Duration;
    /// Whether a fetch does nothing but read files.
    fn only_reads_files(&self) -> bool;
    /// Whether a fetch passes on the value of another cell, which reports the fetch.
    fn relays(&self) -> bool;
}

/// A value that is kept current; shared by the clones of a handle.
pub(crate) struct RefreshCell<F: Fetcher> {
    /// No other cell of the process has this number.
    number: u64,
    fetcher: F,
    /// The fetcher's description, made when it is first shown.
    description: OnceLock<Arc<str>>,
    host: Host,
    /// The configuration that the cell was made for.
    owner: Asker,
    shared: SharedState<F::Value>,
    /// Counts the cell in the metrics, unless it only passes on the value of another one.
    counted: Option<CountedHandle>,
}

impl<F: Fetcher> RefreshCell<F> {
    /// A cell without a value. The first caller that asks for the value starts the first fetch.
    pub(crate) fn new(fetcher: F, host: Host) -> Arc<Self> {
        static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            description: OnceLock::new(),
            shared: SharedState::new(RejectionLimit::new(fetcher.only_reads_files())),
            counted: (!fetcher.relays()).then(|| CountedHandle::new(F::SUBJECT)),
            fetcher,
            host,
            owner: Asker::new(None),
        })
    }

    /// A cell with a value that has already been fetched.
    pub(crate) fn with_value(value: F::Value, fetcher: F, host: Host) -> Arc<Self> {
        let cell = Self::new(fetcher, host);
        let now = cell.host.now();
        let random = cell.host.clock().random();
        if let Some(fetch) = cell.shared.request(now, Duration::ZERO).fetch {
            cell.shared
                .complete(fetch.number, Ok(value), || cell.expired_on_arrival(), now, random);
        }
        cell
    }

    /// Passes the current value to `look` if it is fresh: no lock, no fetch.
    ///
    /// The coarse clock may be some milliseconds late. That is good enough here: every decision of the policy uses the
    /// exact one.
    #[inline]
    pub(crate) fn fresh<R>(&self, look: impl FnOnce(&Arc<F::Value>) -> R) -> Option<R> {
        self.shared.fresh(self.host.recent(), look)
    }

    /// The number of the cell, and the version of what [`fresh`](Self::fresh) reads.
    #[inline]
    pub(crate) fn version(&self) -> (u64, u64) {
        (self.number, self.shared.version())
    }

    /// The current value. Waits if there is no valid one, and briefly for a revalidation.
    ///
    /// The caller's own clock ends its wait, because the fetch may run on a runtime that stands still. A fetch that has
    /// not ended by its deadline is lost; the first caller that notices starts the next one on its own runtime.
    ///
    /// `asker` is set if the caller is not the configuration that the cell was made for.
    pub(crate) async fn current(self: &Arc<Self>, asker: Option<&Arc<Asker>>) -> Result<Arc<F::Value>> {
        match self.fresh(Arc::clone) {
            Some(value) => Ok(value),
            None => self.current_by_policy(asker).await,
        }
    }

    /// The current value, for a caller that knows that it is not fresh.
    pub(crate) async fn current_by_policy(
        self: &Arc<Self>,
        asker: Option<&Arc<Asker>>,
    ) -> Result<Arc<F::Value>> {
        let runtime = match self.runtime() {
            Ok(runtime) => runtime,
            Err(error) => return self.or_held_if_valid(Err(error)),
        };
        let limit = self.fetcher.deadline(&self.host);
        // The clock is read once for both, so that the results do not contradict each other.
        let mut now = self.host.now();
        let patience_ends = now.monotonic.saturating_add(limit).saturating_add(PATIENCE);
        let mut was_rejected = false;
        loop {
            let (access, is_own) = self.request(now, limit, &runtime, asker);
            let pending = match access {
                Access::Ready(result) => return result,
                Access::Wait(pending) => pending,
            };
            match self.wait(pending, patience_ends).await {
                // The server rejected this value while it was fetched for another reason, so it has to be fetched again.
                Waited::Ended(Ok(value)) if !was_rejected && self.shared.is_rejected(value.generation()) => {
                    was_rejected = true;
                }
                Waited::Ended(result) => return result,
                Waited::GivenUp if is_own => return self.or_held_if_valid(Err(self.given_up())),
                Waited::GivenUp | Waited::Lost => {}
                Waited::TooLong => return self.or_held_if_valid(Err(self.timed_out(limit))),
            }
            now = self.host.now();
        }
    }

    async fn wait(&self, pending: Pending<F::Value>, patience_ends: Duration) -> Waited<F::Value> {
        let _waiting = Waiting::start(F::SUBJECT);
        let ended = |result: Option<Result<_>>| match result {
            Some(result) => Waited::Ended(self.or_held_if_valid(result)),
            None => Waited::GivenUp,
        };
        let result = || completion(pending.result.clone());
        if pending.wait_mode == WaitMode::Briefly {
            match self.host.within(REVALIDATION_WAIT, result()).await {
                Ok(result) => return ended(result),
                Err(_) => {
                    if let Ok(value) = self.shared.valid_or_last_error(self.host.now()) {
                        return Waited::Ended(Ok(value));
                    }
                }
            }
        }
        let patience_ends = patience_ends.saturating_add(pending.extension);
        let wait_ends = pending.lost_at.min(patience_ends);
        let remaining = wait_ends.saturating_sub(self.host.now().monotonic);
        if let Ok(result) = self.host.within(remaining, result()).await {
            return ended(result);
        }
        // If the whole process was stopped, the fetch is as late as this caller, and its result is about to arrive.
        if let Ok(result) = self.host.within(SECOND_LOOK, result()).await {
            return ended(result);
        }
        if pending.lost_at < patience_ends {
            Waited::Lost
        } else {
            Waited::TooLong
        }
    }

    /// After a failed fetch, a held value that is still valid is returned.
    fn or_held_if_valid(&self, result: Result<Arc<F::Value>>) -> Result<Arc<F::Value>> {
        result.or_else(|error| self.shared.valid_or_last_error(self.host.now()).or(Err(error)))
    }

    /// The held value, valid or not, without waiting. Starts the fetch that is due, if a runtime can run it.
    pub(crate) fn try_current(self: &Arc<Self>, asker: Option<&Arc<Asker>>) -> Option<Arc<F::Value>> {
        let now = self.host.now();
        self.shared.fresh(now.into(), Arc::clone).or_else(|| {
            if let Ok(runtime) = self.runtime() {
                drop(self.request(now, self.fetcher.deadline(&self.host), &runtime, asker));
            }
            self.shared.held()
        })
    }

    /// The held value, valid or not, without any effect.
    pub(crate) fn peek(&self) -> Option<Arc<F::Value>> {
        self.shared.held()
    }

    /// The runtime that the caller runs on. Checked before the shared state is asked, so that a caller that cannot start
    /// a fetch changes nothing for the others.
    fn runtime(&self) -> Result<Handle> {
        let (what, help) = match Handle::try_current() {
            Ok(runtime) if self.host.clock().has_timers() => return Ok(runtime),
            Ok(_) => (
                "on a tokio runtime without timers",
                "build the runtime with \"enable_time\" or \"enable_all\"",
            ),
            Err(_) => ("outside of a tokio runtime", "call it from a tokio runtime"),
        };
        let error = Error::new(
            ErrorKind::NoRuntime,
            format_args!("cannot fetch from {} {what}", self.description()),
        );
        Err(self.with_source_name(error.with_help(help)))
    }

    /// Requests the value from the shared state, and starts a fetch if one is due. Also returns whether it did.
    fn request(
        self: &Arc<Self>,
        now: Moment,
        limit: Duration,
        runtime: &Handle,
        asker: Option<&Arc<Asker>>,
    ) -> (Access<F::Value>, bool) {
        let Response { access, fetch, lost } = self.shared.request(now, limit);
        if let Some(lost) = lost {
            let took = now.monotonic.saturating_sub(lost.started);
            let name = self.name_for(asker.map(Arc::as_ref));
            event::lost(F::SUBJECT, name, lost.reason, took);
        }
        let is_own = fetch.is_some();
        if let Some(fetch) = fetch {
            let is_waited_for = matches!(access, Access::Wait(_));
            let name = self.name_for(asker.map(Arc::as_ref));
            let task = FetchTask {
                span: event::span(F::SUBJECT, name, fetch.reason, is_waited_for),
                cell: Arc::clone(self),
                number: fetch.number,
                reason: fetch.reason,
                sender: fetch.sender,
                started: now,
                limit,
                asker: asker.cloned(),
                is_complete: false,
            };
            task.spawn(runtime);
        }
        (access, is_own)
    }

    pub(crate) fn invalidate(&self, generation: Generation, asker: Option<&Arc<Asker>>) {
        if self.shared.reject(generation) {
            event::rejected(F::SUBJECT, self.name_for(asker.map(Arc::as_ref)), generation);
        }
    }

    /// Passes on a rejection that another cell has reported.
    pub(crate) fn invalidate_relayed(&self, generation: Generation) {
        self.shared.reject(generation);
    }

    /// The source may have a newer value, so the next caller asks it.
    pub(crate) fn make_due(&self) {
        self.shared.make_due();
    }

    #[inline]
    pub(crate) fn accept(&self, generation: Generation) {
        self.shared.accept(generation);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<Generation> {
        self.shared.changes()
    }

    pub(crate) fn fetcher(&self) -> &F {
        &self.fetcher
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn description(&self) -> &Arc<str> {
        let describe = || sanitize_line(&self.fetcher.describe()).into();
        self.description.get_or_init(describe)
    }

    /// Sets the name of the chain's source, for events and errors. Only the first call has an effect.
    pub(crate) fn set_name(&self, name: &str) {
        self.owner.set_name(name);
    }

    /// Adds to the error how long ago the last value expired, if there was one.
    fn with_expiry_of_last(&self, error: Error, now: Moment) -> Error {
        let expired = self.shared.held().and_then(|value| value.expires_at());
        match expired.and_then(|at| now.wall.duration_since(at).ok()) {
            Some(age) => error.adding(format_args!("; the last one expired {} s ago", age.as_secs())),
            None => error,
        }
    }

    fn timed_out(&self, limit: Duration) -> Error {
        let message = format_args!(
            "{} did not answer within {} s",
            self.description(),
            limit.as_secs_f32()
        );
        self.with_source_name(Error::new(ErrorKind::TimedOut, message))
    }

    fn given_up(&self) -> Error {
        let error = Error::new(
            ErrorKind::Aborted,
            "the fetch ended without a result, because its runtime was shut down",
        );
        self.with_source_name(error.with_help("call it again from a runtime that is running"))
    }

    fn expired_on_arrival(&self) -> Error {
        let error = Error::new(
            ErrorKind::Expired,
            format_args!(
                "the credential from {} had already expired when it arrived",
                self.description()
            ),
        );
        self.with_source_name(error.with_help("check this machine's clock"))
    }

    /// Adds the name of the chain's source to the error.
    fn with_source_name(&self, error: Error) -> Error {
        if self.name().is_empty() {
            error
        } else {
            error.in_source(self.name())
        }
    }

    /// The name of the source that asks.
    fn name_for<'a>(&'a self, asker: Option<&'a Asker>) -> &'a str {
        asker.unwrap_or(&self.owner).name()
    }

    fn name(&self) -> &str {
        self.owner.name()
    }
}
