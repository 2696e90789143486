//! The rustls configuration in a client that knows nothing of Kubex: tokio-rustls and a line of HTTP.

mod crypto;
mod handshake;
mod rotation;
mod server;
