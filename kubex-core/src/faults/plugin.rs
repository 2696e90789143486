//! Simulated exec plugins with faults, for [`SimulatedHost::run_processes`](crate::host::SimulatedHost::run_processes).
//!
//! ```
//! use kubex_core::faults::plugin;
//! use kubex_core::host::SimulatedHost;
//!
//! let world = SimulatedHost::new();
//! world.install_program("/usr/bin/login");
//! world.run_processes(plugin::one_in(3, plugin::fails(1, "no network"), plugin::prints("{}")));
//! ```

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::host::{Exit, Process, ProcessError, ProcessOutput};

/// The result of one run.
type RunResult = Result<ProcessOutput, ProcessError>;

fn run_result(exit: Exit, output: &str, error: &str) -> ProcessOutput {
    ProcessOutput {
        exit,
        output: output.as_bytes().to_vec().into(),
        error: error.as_bytes().to_vec().into(),
    }
}

/// Returns a plugin that prints this text and exits successfully.
pub fn prints(output: impl Into<String>) -> impl Fn(&Process) -> RunResult + Send + Sync + 'static {
    let output = output.into();
    move |_| Ok(run_result(Exit::Status(0), &output, ""))
}

/// Returns a plugin that prints this text to stderr and exits with this status.
///
/// ```
/// use kubex_core::faults::plugin;
/// use kubex_core::host::SimulatedHost;
///
/// SimulatedHost::new().run_processes(plugin::fails(1, "you are not logged in"));
/// ```
pub fn fails(
    status: i32,
    error: impl Into<String>,
) -> impl Fn(&Process) -> RunResult + Send + Sync + 'static {
    let error = error.into();
    move |_| Ok(run_result(Exit::Status(status), "", &error))
}

/// Returns a plugin that is killed by this signal.
pub fn is_killed_by(signal: i32) -> impl Fn(&Process) -> RunResult + Send + Sync + 'static {
    move |_| Ok(run_result(Exit::Signal(signal), "", ""))
}

/// Returns a plugin that prints more than the limit.
pub fn floods() -> impl Fn(&Process) -> RunResult + Send + Sync + 'static {
    |_| Err(ProcessError::OutputTooLarge)
}

/// Returns a plugin that does not finish before its deadline.
pub fn hangs() -> impl Fn(&Process) -> RunResult + Send + Sync + 'static {
    |_| {
        Err(ProcessError::TimedOut {
            output: Vec::new().into(),
            error: Vec::new().into(),
        })
    }
}

/// Returns a plugin that cannot be started, for this reason.
///
/// ```
/// use std::io::ErrorKind;
/// use kubex_core::faults::plugin;
/// use kubex_core::host::SimulatedHost;
///
/// SimulatedHost::new().run_processes(plugin::is_not_started(ErrorKind::PermissionDenied));
/// ```
pub fn is_not_started(kind: io::ErrorKind) -> impl Fn(&Process) -> RunResult + Send + Sync + 'static {
    move |_| Err(ProcessError::NotStarted(kind.into()))
}

/// Returns a plugin that behaves as `fault` in every `number`th run, and as `else_` in the others.
pub fn one_in(
    number: usize,
    fault: impl Fn(&Process) -> RunResult + Send + Sync + 'static,
    else_: impl Fn(&Process) -> RunResult + Send + Sync + 'static,
) -> impl Fn(&Process) -> RunResult + Send + Sync + 'static {
    let runs = AtomicUsize::new(0);
    move |process| {
        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
        if run.is_multiple_of(number.max(1)) {
            fault(process)
        } else {
            else_(process)
        }
    }
}
