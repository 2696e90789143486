//! The embedded API server, looked at from a client's side: it decides as kube-apiserver does.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this program is a test from its first line to its last, its client included"
)]

mod certificates;
mod client;
mod connections;
mod tokens;
