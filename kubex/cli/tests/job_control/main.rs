//! The command in an interactive shell: job control, signals, and the processes of plugins.
//!
//! Each test runs a real bash on a pseudo terminal and types what a user would type. Where it is possible, the same is done
//! with kubectl: `$KUBECTL`, or the newest `kubectl.1.*` or else the `kubectl` in PATH.
//!
//! ```sh
//! JOB_CONTROL_RUNS=20 cargo test -p kubex-cli --test job_control
//! ```

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the suite runs the command from outside, with its own files, clocks and processes, and a test that \
              panics fails"
)]

mod children;
mod cluster;
mod interrupts;
mod messages;
mod pipelines;
mod processes;
mod shell;
mod signals;

/// How often each scenario is run.
fn runs() -> u32 {
    let runs = std::env::var("JOB_CONTROL_RUNS").ok();
    runs.and_then(|runs| runs.parse().ok()).unwrap_or(1)
}
