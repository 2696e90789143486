//! No secret in any output: markers are planted in every secret field of every provider, every success and
//! every failure is run, and everything that is shown (`Debug`, `Display`, causes, reports, events of every
//! level) is searched for them, also in disguise.

mod case;
mod config;
mod exec;
mod fleet;
mod identity;
mod kubeconfig;
mod oidc;
mod renewal;
mod shown;
#[path = "../shown/mod.rs"]
mod shown_output;
mod spellings;
mod ways;
