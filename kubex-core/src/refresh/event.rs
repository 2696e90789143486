//! The events of a live handle: one for each fetch that ends, and one for each rejection.
//!
//! Their targets, names and fields are stable, so that metrics can be made of them; they are listed in the
//! documentation of [`credentials`](crate::credentials). None holds a secret.

use std::time::Duration;

use jiff::Timestamp;

use super::shared_state::{FinishedFetch, Item, Outcome};
use crate::credential::Generation;
use crate::error::Error;
use crate::refresh::FetchReason;

/// What a handle keeps current; its events' target says so.
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

/// A fetch has ended. A warning tells of each change from working to failing and back; what happens in
/// between is for those who debug or count.
pub(super) fn fetched<T: Item>(
    subject: Subject,
    source: &str,
    landed: &FinishedFetch<T>,
    took: Duration,
    now: Timestamp,
) {
    let item = landed.landing.as_ref().ok();
    let outcome = match landed.outcome {
        Outcome::Fetched => "fetched",
        Outcome::Unchanged => "unchanged",
        Outcome::Expired => "expired",
        Outcome::Failed => "failed",
    };
    let reason = match landed.why {
        Some(FetchReason::First) => "first",
        Some(FetchReason::Expiring) => "expiring",
        Some(FetchReason::Rejected) => "rejected",
        None => "",
    };
    let works = matches!(landed.outcome, Outcome::Fetched | Outcome::Unchanged);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let generation = item.map(|item| item.generation().number());
    let seconds_to_expiry = item
        .and_then(|item| item.expires_at())
        .map(|at| at.duration_since(now).as_secs());
    let failures = landed.failures_before + u32::from(!works);
    let is_served = landed.is_served;
    let error = landed.landing.as_ref().err().map(Error::to_string);
    let error = error.as_deref();
    if works == (landed.failures_before > 0) {
        event!(
            subject,
            tracing::Level::WARN,
            source,
            outcome,
            reason,
            duration_ms,
            generation,
            seconds_to_expiry,
            failures,
            is_served,
            error,
            "{}",
            sentence(landed.outcome)
        );
    } else {
        event!(
            subject,
            tracing::Level::DEBUG,
            source,
            outcome,
            reason,
            duration_ms,
            generation,
            seconds_to_expiry,
            failures,
            is_served,
            error,
            "{}",
            sentence(landed.outcome)
        );
    }
}

fn sentence(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fetched | Outcome::Unchanged => "fetched",
        Outcome::Expired => "what was fetched had expired when it came; is this machine's clock right?",
        Outcome::Failed => "could not be fetched",
    }
}

/// What is held was rejected by the server.
pub(super) fn rejected(subject: Subject, source: &str, generation: Generation) {
    event!(
        subject,
        tracing::Level::DEBUG,
        source,
        outcome = "rejected",
        generation = generation.number(),
        "rejected"
    );
}
