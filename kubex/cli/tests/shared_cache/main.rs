//! `kubex exec`: one credential for all processes. The processes are real: the command, plugins that are scripts, and kubectl.

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the suite runs the command from outside, with its own files, clocks and processes, and a test that panics \
              fails"
)]

mod bounds;
mod canary;
mod clients;
mod contexts;
mod disks;
mod failures;
mod holders;
mod oidc;
mod oidc_provider;
mod processes;
mod world;
mod wrapping;
mod write_back;
