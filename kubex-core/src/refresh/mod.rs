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

// Its model check compiles it a second time, over other locks.
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
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::credential::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Moment};
use crate::text::sanitize_line;

pub(crate) use event::Subject;
pub use reason::FetchReason;
pub(crate) use shared_state::Refreshable;

use fetch_task::{FetchTask, completion};
use policy::{REVALIDATION_WAIT, WaitMode};
use shared_state::{Access, FetchResult, Response, SharedState};

/// Fetches the values of a [`RefreshCell`].
pub(crate) trait Fetcher: Debug + Send + Sync + 'static {
    type Value: Refreshable;
    const SUBJECT: Subject;

    fn fetch(&self, reason: FetchReason, host: &Host) -> impl Future<Output = Result<Self::Value>> + Send;
    fn describe(&self) -> String;
    fn deadline(&self) -> Duration;
}

/// A value that is kept current; shared by the clones of a handle.
pub(crate) struct RefreshCell<F: Fetcher> {
    fetcher: F,
    /// The fetcher's description, read once.
    description: Arc<str>,
    host: Host,
    /// The name of the chain's source, set once it is known.
    name: OnceLock<String>,
    shared: SharedState<F::Value>,
}

impl<F: Fetcher> RefreshCell<F> {
    /// A cell without a value. The first caller that asks for the value starts the first fetch.
    pub(crate) fn new(fetcher: F, host: Host) -> Arc<Self> {
        Arc::new(Self {
            description: sanitize_line(&fetcher.describe()).into(),
            fetcher,
            host,
            name: OnceLock::new(),
            shared: SharedState::new(),
        })
    }

    /// A cell with a value that has already been fetched.
    pub(crate) fn with_value(value: F::Value, fetcher: F, host: Host) -> Arc<Self> {
        let cell = Self::new(fetcher, host);
        let now = cell.host.now();
        let random = cell.host.clock().random();
        drop(cell.shared.request(now));
        cell.shared.complete(
            Ok(value),
            cell.expired_on_arrival(),
            &cell.description,
            now,
            random,
        );
        cell
    }

    /// Passes the current value to `look` if it is fresh: no lock, no fetch.
    ///
    /// The coarse clock may be some milliseconds late. That is good enough here: every decision of the policy uses the
    /// exact one.
    pub(crate) fn fresh<R>(&self, look: impl FnOnce(&Arc<F::Value>) -> R) -> Option<R> {
        self.shared.fresh(self.host.recent(), look)
    }

    /// The current value. Waits if there is no valid one, and briefly for a revalidation.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Arc<F::Value>> {
        if let Some(value) = self.fresh(Arc::clone) {
            return Ok(value);
        }
        match self.request(self.host.now()) {
            Access::Ready(result) => return result,
            Access::Wait(in_flight, wait_mode) => {
                let fetched = self.wait(in_flight, wait_mode).await;
                if !fetched
                    .as_ref()
                    .is_ok_and(|value| self.shared.is_rejected(value.generation()))
                {
                    return fetched;
                }
            }
        }
        // The server rejected this value while it was fetched for another reason, so it has to be fetched again.
        match self.request(self.host.now()) {
            Access::Ready(result) => result,
            Access::Wait(in_flight, wait_mode) => self.wait(in_flight, wait_mode).await,
        }
    }

    async fn wait(
        &self,
        in_flight: watch::Receiver<FetchResult<F::Value>>,
        wait_mode: WaitMode,
    ) -> Result<Arc<F::Value>> {
        if wait_mode == WaitMode::Briefly {
            match self
                .host
                .within(REVALIDATION_WAIT, completion(in_flight.clone()))
                .await
            {
                Ok(result) => return self.or_held_if_valid(result),
                Err(_) => {
                    if let Ok(value) = self.shared.valid_or_last_error(self.host.now()) {
                        return Ok(value);
                    }
                }
            }
        }
        let result = completion(in_flight).await;
        self.or_held_if_valid(result)
    }

    /// After a failed fetch, a held value that is still valid is returned.
    fn or_held_if_valid(&self, result: Result<Arc<F::Value>>) -> Result<Arc<F::Value>> {
        result.or_else(|error| self.shared.valid_or_last_error(self.host.now()).or(Err(error)))
    }

    /// The held value, valid or not, without waiting. Starts the fetch that is due.
    pub(crate) fn try_current(self: &Arc<Self>) -> Option<Arc<F::Value>> {
        let now = self.host.now();
        self.shared.fresh(now, Arc::clone).or_else(|| {
            drop(self.request(now));
            self.shared.held()
        })
    }

    /// The held value, valid or not, without any effect.
    pub(crate) fn peek(&self) -> Option<Arc<F::Value>> {
        self.shared.held()
    }

    /// Requests the value from the shared state, and starts a fetch if one is due.
    fn request(self: &Arc<Self>, now: Moment) -> Access<F::Value> {
        let Response { access, fetch } = self.shared.request(now);
        if let Some(fetch) = fetch {
            let task = FetchTask {
                cell: Arc::clone(self),
                reason: fetch.reason,
                sender: fetch.sender,
                started: now,
                is_complete: false,
            };
            task.spawn();
        }
        access
    }

    pub(crate) fn invalidate(&self, generation: Generation) {
        if self.shared.reject(generation) {
            event::rejected(F::SUBJECT, self.name(), generation);
        }
    }

    pub(crate) fn changes(&self) -> watch::Receiver<Generation> {
        self.shared.changes()
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// Sets the name of the chain's source, for events and errors. Only the first call has an effect.
    pub(crate) fn set_name(&self, name: &str) {
        self.name.get_or_init(|| sanitize_line(name).into_owned());
    }

    /// Adds to the error how long ago the last value expired, if there was one.
    fn with_expiry_of_last(&self, error: Error, now: Moment) -> Error {
        let expired = self.shared.held().and_then(|value| value.expires_at());
        match expired.and_then(|at| now.wall.duration_since(at).ok()) {
            Some(age) => error.adding(format_args!("; the last one expired {} s ago", age.as_secs())),
            None => error,
        }
    }

    fn expired_on_arrival(&self) -> Error {
        let error = Error::new(
            ErrorKind::Expired,
            format_args!("the credential from {} had expired on arrival", self.description),
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

    fn name(&self) -> &str {
        self.name.get().map_or("", String::as_str)
    }
}
