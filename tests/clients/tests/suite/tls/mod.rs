//! The rustls configuration in the hands of a client that knows nothing of Kubex: tokio-rustls and a line of HTTP.
//!
//! This process has two crypto providers compiled in, so rustls has no default, and whoever does not name one panics.

#[path = "../../../tests/scene/mod.rs"]
mod scene;

mod handshake;
mod providers;
mod rotation;
mod server;
