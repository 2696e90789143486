//! The names, kinds and labels. None is renamed or removed, and no label is added.

use kubex::metrics::MetricKind::{self, Counter, Gauge, Histogram};

pub(crate) const PINNED: [(&str, MetricKind, &[&str]); 12] = [
    ("kubex_handles", Gauge, &["subject"]),
    ("kubex_waiters", Gauge, &["subject"]),
    (
        "kubex_fetches_total",
        Counter,
        &["subject", "source", "outcome", "reason"],
    ),
    ("kubex_fetch_duration_seconds", Histogram, &["subject", "source"]),
    ("kubex_rejections_total", Counter, &["subject", "source"]),
    ("kubex_credentials_seconds_to_expiry", Gauge, &["source"]),
    ("kubex_follow_events_total", Counter, &["source", "outcome"]),
    (
        "rest_client_exec_plugin_policy_call_total",
        Counter,
        &["allowed", "denied"],
    ),
    (
        "rest_client_exec_plugin_call_total",
        Counter,
        &["code", "call_status"],
    ),
    ("rest_client_exec_plugin_ttl_seconds", Gauge, &[]),
    ("rest_client_exec_plugin_certificate_rotation_age", Histogram, &[]),
    ("kubex_store_lookups_total", Counter, &["outcome"]),
];

#[test]
fn every_name_is_pinned_with_its_kind_and_its_labels() {
    let metrics: Vec<_> = kubex::metrics::all()
        .map(|metric| (metric.name, metric.kind, metric.labels))
        .collect();
    assert_eq!(metrics, PINNED);
}
