//! Processes: the input and the result of one run of a plugin.

use std::ffi::OsString;
use std::fmt::{self, Debug};
use std::io;
use std::time::Duration;

use async_trait::async_trait;

use super::{LiveStderr, Program, TerminalHold};
use crate::secret::{SecretBytes, SecretString};

/// A process to run until it exits, without a shell.
pub struct Process {
    /// The program to run. [`Host::permit`](crate::Host::permit) has looked it up and permitted it.
    pub program: Program,
    /// The arguments, each passed unchanged.
    pub arguments: Vec<String>,
    /// The inherited environment variables. The process receives only these and the `added` ones.
    pub inherited: Vec<(OsString, OsString)>,
    /// The added environment variables. If a name occurs twice, the last value is used. A value may be a secret.
    pub added: Vec<(String, SecretString)>,
    /// The terminal that the process may use. The process then has this program's stdin, and belongs to this program's
    /// process group. With `None`, stdin is empty, and the process has a process group of its own.
    pub terminal: Option<TerminalHold>,
    /// Receives the stderr of the process while it runs.
    pub live_stderr: LiveStderr,
    /// The time limit. When it is reached, the process and its descendants receive SIGTERM. Time during which this
    /// program is stopped, for example by Ctrl-Z, does not count.
    pub deadline: Duration,
    /// The time between SIGTERM and SIGKILL.
    pub kill_grace: Duration,
    /// How long a child of the process may keep stdout open after the process has exited.
    pub pipe_grace: Duration,
    /// The maximum number of bytes of stdout.
    pub output_limit: usize,
    /// How many bytes of stderr are kept: the last ones.
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
    /// The process exited with this status.
    Status(i32),
    /// The process was killed by this signal.
    Signal(i32),
}

/// The result of a process that exited. Its stdout may contain a credential.
#[derive(Debug)]
pub struct ProcessOutput {
    /// How the process ended.
    pub exit: Exit,
    /// The stdout of the process.
    pub output: SecretBytes,
    /// The end of the stderr of the process. It is not sanitized, and may contain secrets.
    pub error: SecretBytes,
}

/// The reason why a process has no [`ProcessOutput`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ProcessError {
    /// The process could not be started.
    NotStarted(io::Error),
    /// The process was killed at its deadline.
    TimedOut {
        /// The stdout up to the deadline, which may contain a credential.
        output: SecretBytes,
        /// The last part of the stderr, which may contain secrets.
        error: SecretBytes,
    },
    /// The process was killed, because it printed more than `output_limit` on stdout.
    OutputTooLarge,
    /// The stdout or the stderr of the process could not be read.
    Broken(io::Error),
}

/// Runs processes. See [`Host::processes`](crate::Host::processes).
///
/// The exec provider implements [`Processes`] for real processes, and the simulated host for tests. A [`Process`] runs without
/// a shell: its program is a path that [`Host::permit`](crate::Host::permit) has permitted, and its arguments are passed
/// unchanged.
#[async_trait]
pub trait Processes: Debug + Send + Sync {
    /// Runs the process until it exits or is killed at its deadline. If it fails or is killed, its descendants are
    /// killed too. If it succeeds, its descendants keep running, and may write to its stdout and stderr.
    async fn run(&self, process: Process) -> Result<ProcessOutput, ProcessError>;
}
