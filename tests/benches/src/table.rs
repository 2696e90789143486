//! The table: what was measured, beside what.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

/// Whether the run is a short one, which takes seconds and fails where a target is missed by far.
pub fn is_short() -> bool {
    std::env::args().any(|argument| argument == "--short")
}

/// One work, and who was how fast at it.
#[derive(Clone, Debug, Default)]
pub struct Row {
    work: String,
    ours: String,
    peer: String,
    ratio: Option<f64>,
    /// The ratio that a short run judges by.
    judged: Option<f64>,
    target: Option<f64>,
    is_less_better: bool,
    is_gated: bool,
    /// Who took how many nanoseconds, for the charts.
    times: Vec<(String, f64)>,
}

impl Row {
    /// A work, and what Kubex needs for it.
    pub fn new(work: impl Into<String>, ours: impl Into<String>) -> Self {
        Self {
            work: work.into(),
            ours: ours.into(),
            ..Self::default()
        }
    }

    /// A work that takes so long.
    pub fn took(work: impl Into<String>, ours: Duration) -> Self {
        let mut row = Self::new(work, shown(ours));
        row.times.push(("Kubex".to_owned(), ours.as_nanos() as f64));
        row
    }

    /// Another program took so long, which is shown in a chart.
    #[must_use]
    pub fn with_time(mut self, name: &str, took: Duration) -> Self {
        self.times.push((name.to_owned(), took.as_nanos() as f64));
        self
    }

    /// What it is compared with, of which nothing is demanded.
    #[must_use]
    pub fn beside(mut self, peer: impl Into<String>) -> Self {
        self.peer = peer.into();
        self
    }

    /// The peer takes so many times as long, and should take this many at least.
    #[must_use]
    pub fn faster(mut self, peer: &str, took: Duration, ratio: f64, target: f64) -> Self {
        self.peer = format!("{peer} {}", shown(took));
        // "to 300 ns; kube": the last word is the peer's name.
        let name = peer.rsplit(' ').next().unwrap_or(peer);
        self.times.push((name.to_owned(), took.as_nanos() as f64));
        self.ratio = Some(ratio);
        self.target = Some(target);
        self.is_gated = true;
        self
    }

    /// Kubex takes so many times what the peer takes, and should take this many at most.
    #[must_use]
    pub fn at_most(mut self, peer: &str, ratio: f64, target: f64) -> Self {
        peer.clone_into(&mut self.peer);
        self.ratio = Some(ratio);
        self.target = Some(target);
        self.is_less_better = true;
        self.is_gated = true;
        self
    }

    /// A short run judges by this ratio rather than by that of the medians.
    #[must_use]
    pub fn judged_by(mut self, ratio: f64) -> Self {
        self.judged = Some(ratio);
        self
    }

    /// A short run does not fail by it: it says more of the machine than of Kubex.
    #[must_use]
    pub fn ungated(mut self) -> Self {
        self.is_gated = false;
        self
    }

    fn is_met(&self) -> Option<bool> {
        Some(self.share_of_target(self.ratio?)? >= 1.0)
    }

    /// Whether it misses its target by more than half of it, however it is looked at.
    fn is_lost(&self) -> bool {
        let mut ratios = self.ratio.into_iter().chain(self.judged);
        self.is_gated && ratios.all(|ratio| self.share_of_target(ratio).is_some_and(|share| share < 0.5))
    }

    /// How much of its target a ratio reaches; more than 1 is better.
    fn share_of_target(&self, ratio: f64) -> Option<f64> {
        let target = self.target?;
        Some(if self.is_less_better {
            target / ratio
        } else {
            ratio / target
        })
    }
}

/// The head of each table.
pub const HEAD: &str = "| work | Kubex | beside it | ratio | target |\n|---|---|---|---|---|";

/// Names the file that a run's figures are added to, one JSON value a line. `report` makes the page of them.
pub const FIGURES: &str = "KUBEX_BENCH_FIGURES";

fn record(figure: &serde_json::Value) {
    let Some(path) = std::env::var_os(FIGURES) else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(path);
    writeln!(file.expect("the file of figures can be opened"), "{figure}").expect("it can be written to");
}

/// The rows of one bench.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// A table without a row.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row, and tells of it at once.
    pub fn add(&mut self, row: Row) {
        println!("{}", line(&row));
        record(&json!({"line": line(&row), "work": row.work, "times": row.times}));
        self.rows.push(row);
    }

    /// Tells what follows.
    pub fn head(title: &str) {
        println!("\n**{title}**\n\n{HEAD}");
        record(&json!({"head": title}));
    }

    /// Ends the program with a failure where a short run has missed a target by half of it.
    pub fn judge(&self) {
        let lost: Vec<_> = self
            .rows
            .iter()
            .filter(|row| row.is_lost())
            .map(|row| row.work.as_str())
            .collect();
        if lost.is_empty() {
            return;
        }
        println!("\nmissed by more than half of the target: {}", lost.join("; "));
        if is_short() {
            std::process::exit(1);
        }
    }
}

fn line(row: &Row) -> String {
    let mut line = format!("| {} | {} | {} |", row.work, row.ours, row.peer);
    match (row.ratio, row.target, row.is_met()) {
        (Some(ratio), Some(target), Some(is_met)) => {
            let sign = if row.is_less_better { "at most " } else { "" };
            let missed = if is_met { "" } else { ", **missed**" };
            let _ = write!(line, " {} | {sign}{target}{missed} |", figure(ratio));
        }
        _ => line.push_str(" | |"),
    }
    line
}

fn figure(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.2}")
    } else {
        format!("{ratio:.0}")
    }
}

/// A duration with a unit and the digits that matter.
pub fn shown(duration: Duration) -> String {
    let nanos = duration.as_nanos() as f64;
    match duration.as_nanos() {
        0..1000 => format!("{nanos:.0} ns"),
        1000..100_000 => format!("{:.1} us", nanos / 1e3),
        100_000..10_000_000 => format!("{:.2} ms", nanos / 1e6),
        _ => format!("{:.0} ms", nanos / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_whether_it_meets_its_target() {
        let took = Duration::from_micros(10);
        let row = Row::took("a", took).faster("kube", took * 3, 3.0, 2.5);
        assert_eq!(row.is_met(), Some(true));
        assert_eq!(line(&row), "| a | 10.0 us | kube 30.0 us | 3.00 | 2.5 |");
        let row = Row::took("b", took).at_most("a read", 3.0, 2.0);
        assert_eq!(row.is_met(), Some(false));
        assert!(line(&row).ends_with("3.00 | at most 2, **missed** |"));
        assert_eq!(Row::took("c", took).is_met(), None);
    }

    #[test]
    fn a_row_is_lost_where_it_misses_half_of_its_target_by_both_ratios() {
        let took = Duration::from_micros(10);
        let row = |ratio: f64| Row::took("a", took).faster("kube", took, ratio, 4.0);
        assert!(row(1.9).is_lost() && !row(2.1).is_lost());
        assert!(!row(1.9).judged_by(3.0).is_lost() && row(1.9).judged_by(1.5).is_lost());
        assert!(!row(1.0).ungated().is_lost());
        assert!(!Row::took("b", took).is_lost());
    }
}
