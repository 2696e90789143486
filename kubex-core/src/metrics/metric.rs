//! The name, the kind and the labels of a metric. They are stable.

/// The name, the labels and the description of a metric that Kubex records.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// The name, with its unit.
    pub name: &'static str,
    /// Whether the metric is a counter, a gauge or a histogram.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The description for people.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// A number that only grows.
    Counter,
    /// A number that grows and shrinks.
    Gauge,
    /// A distribution of values.
    Histogram,
}

impl Metric {
    const fn new(
        kind: MetricKind,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            labels,
            help,
        }
    }

    /// Creates the description of a counter: a number that only grows.
    pub const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self::new(MetricKind::Counter, name, labels, help)
    }

    /// Creates the description of a gauge: a number that grows and shrinks.
    pub const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self::new(MetricKind::Gauge, name, labels, help)
    }

    /// Creates the description of a histogram: a distribution of values.
    pub const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self::new(MetricKind::Histogram, name, labels, help)
    }

    /// Registers the metric's description with the recorder of the program.
    pub fn describe(&self) {
        match self.kind {
            MetricKind::Counter => ::metrics::describe_counter!(self.name, self.help),
            MetricKind::Gauge => ::metrics::describe_gauge!(self.name, self.help),
            MetricKind::Histogram => ::metrics::describe_histogram!(self.name, self.help),
        }
    }
}
