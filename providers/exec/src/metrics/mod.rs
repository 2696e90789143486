//! Metrics of plugin runs. Names and meanings are those of client-go. See [`kubex_core::metrics`].

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use kubex_core::host::{Exit, ProcessError, ProcessOutput};
use kubex_core::metrics::{Metric, plugin_decided, seconds_left};
use kubex_core::{ClientCertificate, Credential, Error, ErrorKind, Host};

const CALLS: Metric = Metric::counter(
    "rest_client_exec_plugin_call_total",
    &["code", "call_status"],
    "Runs of plugins, by exit status and outcome: no_error, plugin_execution_error, plugin_not_found_error, \
     client_internal_error.",
);
const TTL: Metric = Metric::gauge(
    "rest_client_exec_plugin_ttl_seconds",
    &[],
    "How long the client certificates of plugins remain valid: the shortest time, negative after the expiry, +Inf without \
     such a certificate.",
);
const ROTATION_AGE: Metric = Metric::histogram(
    "rest_client_exec_plugin_certificate_rotation_age",
    &[],
    "The age in seconds at which the client certificate of a plugin was replaced, counted from its notBefore.",
);

/// All metrics that this crate writes.
pub static METRICS: &[Metric] = &[CALLS, TTL, ROTATION_AGE];

/// Updates the gauge of the time until the plugins' client certificates expire. Call it before each scrape.
pub fn update() {
    set_ttl(Host::real().now().wall);
}

/// The exit status of a run that has none, such as one that was killed.
const NO_STATUS: i32 = -1;

/// A run was asked for: the program was found and permitted, or not.
pub(crate) fn asked<T>(permitted: &Result<T, Error>) {
    plugin_decided(permitted);
    let kind = permitted.as_ref().err().map(Error::kind);
    if let Some(ErrorKind::PluginNotFound | ErrorKind::PluginNotExecutable) = kind {
        count(1, "plugin_not_found_error");
    }
}

/// A run has ended.
pub(crate) fn called(ended: &Result<ProcessOutput, ProcessError>) {
    match ended {
        Ok(output) => match output.exit {
            Exit::Status(0) => count(0, "no_error"),
            Exit::Status(code) => count(code, "plugin_execution_error"),
            _ => count(NO_STATUS, "plugin_execution_error"),
        },
        Err(ProcessError::NotStarted(_)) => count(1, "plugin_not_found_error"),
        Err(ProcessError::TimedOut { .. }) => count(NO_STATUS, "plugin_execution_error"),
        Err(_) => count(1, "client_internal_error"),
    }
}

fn count(code: i32, call_status: &'static str) {
    // Some systems have statuses of 32 bits, and the plugin chooses it.
    let code = if (NO_STATUS..=255).contains(&code) {
        code.to_string()
    } else {
        "other".to_owned()
    };
    ::metrics::counter!(CALLS.name, "code" => code, "call_status" => call_status).increment(1);
}

/// When the certificates in use expire, each with the plugin that returned it.
static EXPIRIES: Mutex<BTreeSet<(SystemTime, u64)>> = Mutex::new(BTreeSet::new());

fn set_ttl(now: SystemTime) {
    // Only inserted and removed whole, so a poisoned lock is safe to use.
    let expiries = EXPIRIES.lock().unwrap_or_else(PoisonError::into_inner);
    let shortest = expiries.first().map(|(at, _)| *at);
    drop(expiries);
    ::metrics::gauge!(TTL.name).set(seconds_left(shortest, now));
}

/// The client certificate that a plugin returned last.
#[derive(Debug)]
pub(crate) struct PluginCertificate(Mutex<Option<(u64, Arc<ClientCertificate>)>>);

impl PluginCertificate {
    pub(crate) const fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// The plugin returned a credential.
    pub(crate) fn replaced_by(&self, credential: &Credential, now: SystemTime) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = credential.certificate();
        if held.as_ref().map(|(_, certificate)| certificate) == new {
            return;
        }
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let old = std::mem::replace(&mut *held, new.map(|certificate| (id, Arc::clone(certificate))));
        drop(held);
        forget(old.as_ref());
        if let Some((_, old)) = old
            && let Some(age) = old.not_before().and_then(|at| now.duration_since(at).ok())
        {
            ::metrics::histogram!(ROTATION_AGE.name).record(age.as_secs_f64());
        }
        if let Some(at) = new.and_then(|certificate| certificate.not_after()) {
            let mut expiries = EXPIRIES.lock().unwrap_or_else(PoisonError::into_inner);
            expiries.insert((at, id));
        }
        set_ttl(now);
    }
}

fn forget(held: Option<&(u64, Arc<ClientCertificate>)>) {
    if let Some((id, certificate)) = held
        && let Some(at) = certificate.not_after()
    {
        let mut expiries = EXPIRIES.lock().unwrap_or_else(PoisonError::into_inner);
        expiries.remove(&(at, *id));
    }
}

impl Drop for PluginCertificate {
    fn drop(&mut self) {
        forget(self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_ref());
    }
}
