//! How fast Kubex is: what the benches share.
//!
//! A figure alone says how fast a machine is, so each is measured beside a peer's in the same run: one after the
//! other, round by round ([`mod@alternate`]), on the same [`kubeconfigs`], and put into one [`Table`]. `tests/benches/table`
//! runs all of it; `docs/performance.md` has a table and what it means.

pub mod alternate;
pub mod chart;
pub mod client_go;
pub mod kubeconfigs;
mod table;

/// A number and a noun: `1 task`, `2 tasks`.
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

pub use alternate::{Spread, alternate, alternate_inner, in_turn};
pub use table::{FIGURES, HEAD, Row, Table, is_short, shown};
