//! Metrics of the store. See [`kubex_core::metrics`].

use kubex_core::metrics::Metric;

const LOOKUPS: Metric = Metric::counter(
    "kubex_store_lookups_total",
    &["outcome"],
    "Credentials that were looked up in the store: hit, fetched, failed (in another process), unshared.",
);

/// All metrics that this crate writes.
pub static METRICS: &[Metric] = &[LOOKUPS];

/// A credential was looked up.
pub(crate) fn looked_up(outcome: &'static str) {
    ::metrics::counter!(LOOKUPS.name, "outcome" => outcome).increment(1);
}
