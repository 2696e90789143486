//! Metrics through the facade crate [`metrics`](https://docs.rs/metrics): fetches, rejected credentials, seconds to
//! expiry, plugin runs and changes of followed sources.
//!
//! The program installs a recorder, such as `metrics-exporter-prometheus`, and calls [`update`] before each scrape.
//! The page "In production" lists every metric and contains a dashboard. Without the feature `metrics`, Kubex records
//! nothing and does not link the facade.
//!
//! ```
//! // At start-up, after the recorder is installed:
//! kubex::metrics::describe();
//! // In the handler of a scrape, before the recorder is read:
//! kubex::metrics::update();
//! assert!(kubex::metrics::all().any(|metric| metric.name == "kubex_fetches_total"));
//! ```

pub use kubex_core::metrics::{Metric, MetricKind};

/// Returns every metric that Kubex records in this build.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    let metrics = kubex_core::metrics::METRICS.iter();
    #[cfg(feature = "exec")]
    let metrics = metrics.chain(kubex_exec::metrics::METRICS);
    #[cfg(feature = "store")]
    let metrics = metrics.chain(kubex_store::metrics::METRICS);
    metrics
}

/// Registers the descriptions of all metrics with the recorder. Call it once, after the recorder is installed.
pub fn describe() {
    all().for_each(Metric::describe);
}

/// Updates the gauges that change as time passes, such as the seconds to the expiry of a credential. Call it before
/// each scrape.
pub fn update() {
    kubex_core::metrics::update();
    #[cfg(feature = "exec")]
    kubex_exec::metrics::update();
}
