//! What this machine can do at the moment: how busy it is, and which tools it lacks.
//!
//! A limit of real time holds on an idle machine. [`patience`] stretches it by the load that is measured when it is
//! called, so that a test fails because of the code and not because of its neighbours:
//!
//! ```
//! # use std::time::{Duration, Instant};
//! # use kubex_tests::machine::patience;
//! let started = Instant::now();
//! // ... the work that must not take long ...
//! assert!(started.elapsed() < patience(Duration::from_secs(1)));
//! ```

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::Duration;

/// The limit on an idle machine, stretched by the current load.
pub fn patience(limit: Duration) -> Duration {
    let load = load();
    // A thread that shares its core waits for its turn again and again, once for each process that it starts.
    if load > 1 { limit * (2 * load) } else { limit }
}

/// How many threads want to run for each core, rounded up: now or in the last minute, whichever is more.
pub fn load() -> u32 {
    let cores = available_parallelism().map_or(1, usize::from);
    let Ok(text) = std::fs::read_to_string("/proc/loadavg") else {
        return 1;
    };
    let mut fields = text.split(' ');
    let last_minute: f64 = fields.next().and_then(|field| field.parse().ok()).unwrap_or(0.0);
    let running = fields.nth(2).and_then(|field| field.split('/').next());
    let running: f64 = running.and_then(|field| field.parse().ok()).unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a load is a small number that is not negative"
    )]
    let load = (last_minute.max(running) / cores as f64).ceil() as u32;
    load.clamp(1, 50)
}

/// Prints what is not tested on this machine, and why. It goes past the test harness, which shows the output of a test
/// only if the test fails.
pub fn not_tested(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "NOT TESTED: {what}: {why}");
}

/// Whether a tool works on this machine; prints what is not tested if it does not.
pub fn has_tool(command: &[&str], what: &str) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let works = status.is_ok_and(|status| status.success());
    if !works {
        not_tested(what, &format!("{program} does not work here"));
    }
    works
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_never_shortens_a_limit() {
        assert!(patience(Duration::from_secs(1)) >= Duration::from_secs(1));
        assert!((1..=50).contains(&load()));
    }
}
