//! What a test recorded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The metrics of this thread, until it is dropped.
pub(crate) struct Recorded {
    handle: PrometheusHandle,
    _recorder: metrics::LocalRecorderGuard<'static>,
    _turn: MutexGuard<'static, ()>,
}

impl Recorded {
    pub(crate) fn start() -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // A guard borrows its recorder, and a test lives as long as its process.
        let sink: &'static PrometheusRecorder =
            Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let recorded = Self {
            handle: sink.handle(),
            _recorder: metrics::set_default_local_recorder(sink),
            _turn: turn,
        };
        kubex::metrics::describe();
        recorded
    }

    pub(crate) fn scrape(&self) -> String {
        kubex::metrics::update();
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// The value of a series; 0 if there is none.
    pub(crate) fn value(&self, series: &str) -> f64 {
        let scrape = self.scrape();
        let value = scrape
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }
}
