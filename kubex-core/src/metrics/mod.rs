//! Metrics of fetches, rejections, waiting callers and followed sources, through the facade
//! [`metrics`](https://docs.rs/metrics).
//!
//! The program installs a recorder, such as an exporter for Prometheus. Without a recorder, nothing is recorded. Each
//! metric is updated when its event happens. A request whose credential is fresh updates no metric. Gauges that change
//! with time are updated by [`update`], which the program calls before each scrape.
//!
//! ```
//! for metric in kubex_core::metrics::METRICS {
//!     println!("{} ({:?}): {}", metric.name, metric.kind, metric.help);
//! }
//! kubex_core::metrics::describe();
//! kubex_core::metrics::update();
//! ```
//!
//! Labels contain no secret. Their values are constants, except for `source`, which is the name of a source of the
//! chain. The first 100 sources have a time series each; all others share the label `other`.

mod expiries;
mod metric;
mod source_label;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, SystemTime};

use expiries::{Expiries, HandleId};
pub use metric::{Metric, MetricKind};
use source_label::source_label;

use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::refresh::Subject;

const HANDLES: Metric = Metric::gauge(
    "kubex_handles",
    &["subject"],
    "Live handles: credentials and CA bundles that are kept current.",
);
const WAITERS: Metric = Metric::gauge(
    "kubex_waiters",
    &["subject"],
    "Callers that wait for a fetch to end.",
);
const FETCHES: Metric = Metric::counter(
    "kubex_fetches_total",
    &["subject", "source", "outcome", "reason"],
    "Fetches that ended, by their outcome and by why they started.",
);
const FETCH_DURATION: Metric = Metric::histogram(
    "kubex_fetch_duration_seconds",
    &["subject", "source"],
    "How long a fetch took.",
);
const REJECTIONS: Metric = Metric::counter(
    "kubex_rejections_total",
    &["subject", "source"],
    "Credentials that the server rejected, and CA bundles that did not contain the server's issuer.",
);
const SECONDS_TO_EXPIRY: Metric = Metric::gauge(
    "kubex_credentials_seconds_to_expiry",
    &["source"],
    "How long the credential of a source remains valid: the shortest time of its handles, negative after the expiry, +Inf if \
     none expires.",
);
const FOLLOW_EVENTS: Metric = Metric::counter(
    "kubex_follow_events_total",
    &["source", "outcome"],
    "What happened to a followed source: followed, replaced, kept, failed, recovered.",
);

const POLICY_CALLS: Metric = Metric::counter(
    "rest_client_exec_plugin_policy_call_total",
    &["allowed", "denied"],
    "Decisions of the plugin policy, before a plugin runs or a provider replaces it.",
);

/// The metrics of this crate, with their descriptions.
pub static METRICS: &[Metric] = &[
    HANDLES,
    WAITERS,
    FETCHES,
    FETCH_DURATION,
    REJECTIONS,
    SECONDS_TO_EXPIRY,
    FOLLOW_EVENTS,
    POLICY_CALLS,
];

/// Registers the descriptions of all metrics with the recorder of the program.
pub fn describe() {
    METRICS.iter().for_each(Metric::describe);
}

/// Updates the gauges that change with time. Call it before each scrape.
pub fn update() {
    for subject in [Subject::Credentials, Subject::Trust] {
        let counts = counts(subject);
        HANDLES.set(subject, &counts.handles);
        WAITERS.set(subject, &counts.waiters);
    }
    let now = Host::real().now().wall;
    for (source, at) in Expiries::shortest() {
        set_seconds_to_expiry(&source, at, now);
    }
}

/// How many handles and waiting callers there are. A gauge is set to a count and not changed by one, because the recorder
/// may be installed after the first handle.
struct Counts {
    handles: AtomicI32,
    waiters: AtomicI32,
}

impl Counts {
    const fn none() -> Self {
        Self {
            handles: AtomicI32::new(0),
            waiters: AtomicI32::new(0),
        }
    }
}

static OF_CREDENTIALS: Counts = Counts::none();
static OF_TRUST: Counts = Counts::none();

fn counts(subject: Subject) -> &'static Counts {
    match subject {
        Subject::Credentials => &OF_CREDENTIALS,
        Subject::Trust => &OF_TRUST,
    }
}

fn id(subject: Subject) -> &'static str {
    match subject {
        Subject::Credentials => "credentials",
        Subject::Trust => "trust",
    }
}

impl Metric {
    fn set(&self, subject: Subject, count: &AtomicI32) {
        let count = f64::from(count.load(Ordering::Relaxed));
        ::metrics::gauge!(self.name, "subject" => id(subject)).set(count);
    }

    fn add(&self, subject: Subject, count: &AtomicI32, by: i32) {
        count.fetch_add(by, Ordering::Relaxed);
        self.set(subject, count);
    }
}

/// A live handle, which is counted until it is dropped.
#[derive(Debug)]
pub(crate) struct CountedHandle {
    subject: Subject,
    id: HandleId,
}

impl CountedHandle {
    pub(crate) fn new(subject: Subject) -> Self {
        HANDLES.add(subject, &counts(subject).handles, 1);
        Self {
            subject,
            id: HandleId::new(),
        }
    }

    /// The handle holds a value of this source, which expires then.
    pub(crate) fn holds(&self, source: &str, expires_at: Option<SystemTime>, now: SystemTime) {
        if matches!(self.subject, Subject::Credentials) {
            let source = source_label(source);
            let shortest = Expiries::set(self.id, &source, expires_at);
            set_seconds_to_expiry(&source, shortest, now);
        }
    }
}

impl Drop for CountedHandle {
    fn drop(&mut self) {
        HANDLES.add(self.subject, &counts(self.subject).handles, -1);
        Expiries::remove(self.id);
    }
}

fn set_seconds_to_expiry(source: &Arc<str>, at: Option<SystemTime>, now: SystemTime) {
    let seconds = seconds_left(at, now);
    ::metrics::gauge!(SECONDS_TO_EXPIRY.name, "source" => Arc::clone(source)).set(seconds);
}

/// Returns the seconds until this time, as the value of a gauge: negative if the time has passed, +Inf for `None`.
pub fn seconds_left(at: Option<SystemTime>, now: SystemTime) -> f64 {
    at.map_or(f64::INFINITY, |at| {
        at.duration_since(now).map_or_else(
            |passed| -passed.duration().as_secs_f64(),
            |left| left.as_secs_f64(),
        )
    })
}

/// Counts a decision of the plugin policy: `Ok`, or an error of kind `Refused`. Other errors are not counted, because the
/// policy did not decide.
pub fn plugin_decided<T>(permitted: &Result<T>) {
    let (allowed, denied) = match permitted {
        Ok(_) => ("true", "false"),
        Err(error) if error.kind() == ErrorKind::Refused => ("false", "true"),
        Err(_) => return,
    };
    ::metrics::counter!(POLICY_CALLS.name, "allowed" => allowed, "denied" => denied).increment(1);
}

/// A caller that waits for a fetch, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(Subject);

impl Waiting {
    pub(crate) fn start(subject: Subject) -> Self {
        WAITERS.add(subject, &counts(subject).waiters, 1);
        Self(subject)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITERS.add(self.0, &counts(self.0).waiters, -1);
    }
}

/// A fetch has ended, or was given up.
pub(crate) fn fetched(
    subject: Subject,
    source: &str,
    outcome: &'static str,
    reason: &'static str,
    took: Duration,
) {
    let (subject, source) = (id(subject), source_label(source));
    let duration = ::metrics::histogram!(
        FETCH_DURATION.name, "subject" => subject, "source" => Arc::clone(&source)
    );
    duration.record(took.as_secs_f64());
    let fetches = ::metrics::counter!(
        FETCHES.name, "subject" => subject, "source" => source, "outcome" => outcome, "reason" => reason
    );
    fetches.increment(1);
}

/// The server rejected the held value.
pub(crate) fn rejected(subject: Subject, source: &str) {
    let source = source_label(source);
    ::metrics::counter!(REJECTIONS.name, "subject" => id(subject), "source" => source).increment(1);
}

/// Something happened to a followed source.
pub(crate) fn followed(source: &str, outcome: &'static str) {
    let source = source_label(source);
    ::metrics::counter!(FOLLOW_EVENTS.name, "source" => source, "outcome" => outcome).increment(1);
}
