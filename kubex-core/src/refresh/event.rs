//! The `tracing` events of a refreshed value: one for each fetch that ends, and one for each rejection.
//!
//! Their targets, names and fields are stable, so that metrics can be derived from them. The documentation of
//! [`credentials`](crate::credentials) lists them. They never contain a secret.

use std::time::{Duration, SystemTime};

use super::shared_state::{FetchStatus, FinishedFetch, Refreshable};
use crate::credential::Generation;
use crate::error::Error;
use crate::metrics;
use crate::refresh::FetchReason;
use crate::time::seconds_between;

/// The kind of value that a handle keeps current. It determines the target of the events.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Credentials,
    Trust,
}

macro_rules! event {
    ($subject:expr, $level:expr, $($rest:tt)+) => {
        match $subject {
            Subject::Credentials => tracing::event!(target: "kubex::credentials", $level, $($rest)+),
            Subject::Trust => tracing::event!(target: "kubex::trust", $level, $($rest)+),
        }
    };
}

/// The span of a fetch. It contains the events of the source, such as those of a plugin.
///
/// If a caller waits for the fetch, the caller's span contains it. Otherwise the span is a root that follows from the caller's,
/// which may end before it.
pub(super) fn span(
    subject: Subject,
    source: &str,
    reason: FetchReason,
    is_waited_for: bool,
) -> tracing::Span {
    let reason = id(reason);
    macro_rules! span {
        ($target:literal, $($parent:tt)*) => {
            tracing::info_span!(target: $target, $($parent)* "fetch", source, reason)
        };
    }
    let span = match (subject, is_waited_for) {
        (Subject::Credentials, true) => span!("kubex::credentials",),
        (Subject::Credentials, false) => span!("kubex::credentials", parent: None,),
        (Subject::Trust, true) => span!("kubex::trust",),
        (Subject::Trust, false) => span!("kubex::trust", parent: None,),
    };
    if !is_waited_for {
        span.follows_from(tracing::Span::current());
    }
    span
}

/// A fetch has ended; `error` is that of its result, as one of the configuration that started the fetch. The event has level
/// warn when fetching begins to fail and when the last valid value is gone, info when it works again, and otherwise debug.
pub(super) fn fetched<T: Refreshable>(
    subject: Subject,
    source: &str,
    finished: &FinishedFetch<T>,
    error: Option<&Error>,
    took: Duration,
    now: SystemTime,
) {
    let value = finished.result.as_ref().ok();
    let outcome = match finished.status {
        FetchStatus::Fetched => "fetched",
        FetchStatus::Unchanged => "unchanged",
        FetchStatus::Expired => "expired",
        FetchStatus::Failed => "failed",
    };
    let reason = id(finished.reason);
    let works = matches!(finished.status, FetchStatus::Fetched | FetchStatus::Unchanged);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let generation = value.map(|value| value.generation().number());
    let seconds_to_expiry = value
        .and_then(|value| value.expires_at())
        .map(|at| seconds_between(now, at));
    let failures = finished.failures_before + u32::from(!works);
    let has_valid = finished.has_valid;
    metrics::fetched(subject, source, outcome, reason, took);
    let error = error.map(Error::to_string);
    let error = error.as_deref();
    // `tracing` requires a constant level for each event.
    macro_rules! fetched_at {
        ($level:ident) => {
            event!(
                subject,
                tracing::Level::$level,
                source,
                outcome,
                reason,
                duration_ms,
                generation,
                seconds_to_expiry,
                failures,
                has_valid,
                error,
                "{}",
                sentence(finished.status)
            )
        };
    }
    let is_first_failure = finished.failures_before == 0;
    match works {
        false if is_first_failure || finished.has_run_out => fetched_at!(WARN),
        true if !is_first_failure => fetched_at!(INFO),
        _ => fetched_at!(DEBUG),
    }
}

fn id(reason: FetchReason) -> &'static str {
    match reason {
        FetchReason::First => "first",
        FetchReason::Expiring => "expiring",
        FetchReason::Rejected => "rejected",
    }
}

fn sentence(status: FetchStatus) -> &'static str {
    match status {
        FetchStatus::Fetched | FetchStatus::Unchanged => "fetched",
        FetchStatus::Expired => "fetched, but already expired on arrival; check this machine's clock",
        FetchStatus::Failed => "fetch failed",
    }
}

/// A fetch has not ended by its deadline and was given up. Its runtime is blocked, so only a caller on another one
/// can notice.
pub(super) fn lost(subject: Subject, source: &str, reason: FetchReason, took: Duration) {
    metrics::fetched(subject, source, "lost", id(reason), took);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    event!(
        subject,
        tracing::Level::WARN,
        source,
        outcome = "lost",
        reason = id(reason),
        duration_ms,
        "the fetch did not end by its deadline, because its runtime is blocked"
    );
}

/// The server rejected the held value.
pub(super) fn rejected(subject: Subject, source: &str, generation: Generation) {
    metrics::rejected(subject, source);
    event!(
        subject,
        tracing::Level::DEBUG,
        source,
        outcome = "rejected",
        generation = generation.number(),
        "rejected"
    );
}
