//! The provider `oidc` against an issuer that speaks real TLS on the loopback, by the clock of a simulated world.

mod client;
mod faults;
mod kubeconfig;
mod scene;
mod tokens;
mod transport;
