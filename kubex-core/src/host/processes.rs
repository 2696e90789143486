//! Processes: the input and the result of a plugin run.
//!
//! The trait is what the provider `exec` implements for real processes and the simulated host for tests. A [`Process`] has no shell:
//! its program is a path that [`Host::permit`] has allowed, and its arguments are passed as they are.

use std::ffi::OsString;
use std::fmt::{self, Debug};
use std::io;
use std::time::Duration;

use async_trait::async_trait;

use super::{LiveStderr, Program, TerminalHold};
use crate::secret::{SecretBytes, SecretString};

/// A process to run until it exits, without a shell.
pub struct Process {
    /// The program. It was looked up and permitted, and is not looked up again.
    pub program: Program,
    /// The arguments, each passed unchanged.
    pub arguments: Vec<String>,
    /// The inherited variables. The process has no variables other than these and the added ones.
    pub inherited: Vec<(OsString, OsString)>,
    /// The added variables. If a name occurs twice, the last value is used. Values may be secrets.
    pub added: Vec<(String, SecretString)>,
    /// The terminal, if the process gets it: stdin is this program's, and the process is in this program's group. Otherwise
    /// stdin is empty, and the process has a group of its own.
    pub terminal: Option<TerminalHold>,
    /// Receives the bytes of stderr while the process runs.
    pub live_stderr: LiveStderr,
    /// The time limit. When it is reached, the process and its descendants receive SIGTERM. The time in which this program
    /// is stopped, as by Ctrl-Z, does not count.
    pub deadline: Duration,
    /// The time between SIGTERM and SIGKILL.
    pub kill_grace: Duration,
    /// How long a child of the process may hold stdout open after the process has exited.
    pub pipe_grace: Duration,
    /// The number of bytes of output that are accepted.
    pub output_limit: usize,
    /// The number of bytes of stderr that are kept: the last ones.
    pub error_kept: usize,
}

impl Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("program", &self.program.path())
            .field("is_interactive", &self.terminal.is_some())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// It exited with this status.
    Status(i32),
    /// It was killed by this signal.
    Signal(i32),
}

/// The result of a process. The output may be a credential.
#[derive(Debug)]
pub struct ProcessOutput {
    /// How the process ended.
    pub exit: Exit,
    /// Its stdout.
    pub output: SecretBytes,
    /// The end of its stderr, neither cleaned nor redacted.
    pub error: SecretBytes,
}

/// Why a process returned no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProcessError {
    /// The process could not be started.
    NotStarted(io::Error),
    /// The process was ended at its deadline.
    TimedOut {
        /// Its stdout until then, which may be a credential.
        output: SecretBytes,
        /// The end of its stderr.
        error: SecretBytes,
    },
    /// The process was ended because it printed more than the limit.
    OutputTooLarge,
    /// The output could not be read.
    Broken(io::Error),
}

/// Starts processes.
#[async_trait]
pub trait Processes: Debug + Send + Sync {
    /// Runs the process until it exits or is ended at its deadline. If it fails or is ended, its descendants are ended with
    /// it. If it succeeds, they keep running, and may write to its stdout and stderr.
    async fn run(&self, process: Process) -> Result<ProcessOutput, ProcessError>;
}
