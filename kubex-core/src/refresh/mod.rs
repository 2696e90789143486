//! Something that somebody else renews, kept current behind one handle: the driver.
//!
//! A credential that expires and a file of authorities that is replaced are kept current by the same rules.
//! Three parts do it, from the inside out:
//!
//! | part | what it is |
//! |---|---|
//! | `policy.rs` | the rules, free of any effect |
//! | `shared.rs` | the machine under its lock, what it serves, who waits |
//! | this file and `flight.rs` | the driver: asks the clock, starts fetches, waits |

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
use crate::text::clean_line;

pub(crate) use event::Subject;
pub use reason::FetchReason;
pub(crate) use shared_state::Item;

use fetch_task::{FetchTask, landed};
use policy::{REVALIDATION_WAIT, WaitMode};
use shared_state::{Answer, Asked, FetchResult, SharedState};

/// Where a handle's items come from.
pub(crate) trait Feed: Debug + Send + Sync + 'static {
    type Item: Item;
    const SUBJECT: Subject;

    fn fetch(&self, why: FetchReason, host: &Host) -> impl Future<Output = Result<Self::Item>> + Send;
    fn describe(&self) -> String;
    fn deadline(&self) -> Duration;
}

/// What the clones of a live handle share.
pub(crate) struct RefreshCell<F: Feed> {
    feed: F,
    /// What the source says it is, asked for once.
    description: Arc<str>,
    host: Host,
    /// The name of the chain's source, set once it is known.
    name: OnceLock<String>,
    shared: SharedState<F::Item>,
}

impl<F: Feed> RefreshCell<F> {
    /// A handle without an item yet; nothing is fetched before somebody asks.
    pub(crate) fn new(feed: F, host: Host) -> Arc<Self> {
        Arc::new(Self {
            description: clean_line(&feed.describe()).into(),
            feed,
            host,
            name: OnceLock::new(),
            shared: SharedState::new(),
        })
    }

    /// A handle whose first item was fetched already.
    pub(crate) fn beginning_with(first: F::Item, feed: F, host: Host) -> Arc<Self> {
        let live = Self::new(feed, host);
        let now = live.host.now();
        let random = live.host.clock().random();
        drop(live.shared.ask(now));
        live.shared.land(
            Ok(first),
            live.expired_on_arrival(),
            &live.description,
            now,
            random,
        );
        live
    }

    /// The current item, where it can be given without asking the policy.
    ///
    /// A clock that is a few milliseconds behind is good enough for that: what is decided is decided by the right
    /// one.
    pub(crate) fn ready(&self) -> Option<Arc<F::Item>> {
        self.shared.peek(self.host.recently())
    }

    /// Looks at the current item, where that can be done without asking the policy.
    pub(crate) fn ready_with<R>(&self, look: impl FnOnce(&Arc<F::Item>) -> R) -> Option<R> {
        self.shared.peek_with(self.host.recently(), look)
    }

    /// The current item. Waits only where there is no valid one, or briefly for a look at it.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Arc<F::Item>> {
        if let Some(item) = self.ready() {
            return Ok(item);
        }
        match self.ask(self.host.now()) {
            Answer::Ready(answer) => return answer,
            Answer::Wait(flight, wait_mode) => {
                let fetched = self.wait(flight, wait_mode).await;
                if !fetched
                    .as_ref()
                    .is_ok_and(|item| self.shared.is_rejected(item.generation()))
                {
                    return fetched;
                }
            }
        }
        // It was rejected while it was fetched for another reason, so it is to be asked for anew.
        match self.ask(self.host.now()) {
            Answer::Ready(answer) => answer,
            Answer::Wait(flight, wait_mode) => self.wait(flight, wait_mode).await,
        }
    }

    async fn wait(
        &self,
        flight: watch::Receiver<FetchResult<F::Item>>,
        wait_mode: WaitMode,
    ) -> Result<Arc<F::Item>> {
        if wait_mode == WaitMode::Briefly {
            match self.host.within(REVALIDATION_WAIT, landed(flight.clone())).await {
                Ok(landing) => return self.or_what_is_served(landing),
                Err(_) => {
                    if let Ok(item) = self.shared.served(self.host.now()) {
                        return Ok(item);
                    }
                }
            }
        }
        let landing = landed(flight).await;
        self.or_what_is_served(landing)
    }

    /// What there is, without waiting for anything; starts the fetch that is due.
    pub(crate) fn at_hand(self: &Arc<Self>) -> Option<Arc<F::Item>> {
        let now = self.host.now();
        self.shared.peek(now).or_else(|| {
            drop(self.ask(now));
            self.shared.last()
        })
    }

    /// One that is still valid is better than none.
    fn or_what_is_served(&self, landing: Result<Arc<F::Item>>) -> Result<Arc<F::Item>> {
        landing.or_else(|error| self.shared.served(self.host.now()).or(Err(error)))
    }

    /// Asks the shared, and starts the fetch that it wants.
    fn ask(self: &Arc<Self>, now: Moment) -> Answer<F::Item> {
        let Asked { answer, take_off } = self.shared.ask(now);
        if let Some((why, sender)) = take_off {
            let pilot = FetchTask {
                live: Arc::clone(self),
                why,
                sender,
                started: now,
                has_landed: false,
            };
            pilot.take_off();
        }
        answer
    }

    /// What was kept last, be it valid or not.
    pub(crate) fn last(&self) -> Option<Arc<F::Item>> {
        self.shared.last()
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

    /// Gives the handle the name of its source in the chain, for events and errors. The first name stays.
    pub(crate) fn set_name(&self, name: &str) {
        self.name.get_or_init(|| clean_line(name).into_owned());
    }

    /// Says since when there is none any more, where there was one.
    fn with_age(&self, error: Error, now: Moment) -> Error {
        let expired = self.shared.last().and_then(|item| item.expires_at());
        match expired.map(|at| now.wall.duration_since(at).as_secs()) {
            Some(age) if age >= 0 => error.adding(format_args!("; the last one expired {age} s ago")),
            _ => error,
        }
    }

    fn expired_on_arrival(&self) -> Error {
        let error = Error::new(
            ErrorKind::Expired,
            format_args!("what {} gave had expired when it came", self.description),
        );
        self.sign(error.with_help("check this machine's clock"))
    }

    /// Puts the name of the chain's source on an error.
    fn sign(&self, error: Error) -> Error {
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
