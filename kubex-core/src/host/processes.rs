//! Processes: what a plugin run is asked for and what it gives back.

use std::ffi::OsString;
use std::fmt::{self, Debug};
use std::io;
use std::time::Duration;

use async_trait::async_trait;

use super::{Program, TerminalHold};
use crate::secret::{SecretBytes, SecretString};

/// One process to run to its end, without a shell.
pub struct Process {
    /// The program, as it was looked up and permitted; nothing looks it up again.
    pub program: Program,
    /// Its arguments, each passed as it is.
    pub arguments: Vec<String>,
    /// The variables it inherits. What is neither here nor added it does not have.
    pub inherited: Vec<(OsString, OsString)>,
    /// The variables it is given on top; a later one of a name wins. Values may be secrets.
    pub added: Vec<(String, SecretString)>,
    /// The terminal, where it was handed over: standard input is this program's, and what it says on standard
    /// error is shown as it comes. Otherwise standard input is empty.
    pub terminal: Option<TerminalHold>,
    /// How long it may take; then its process group gets SIGTERM.
    pub deadline: Duration,
    /// How long after SIGTERM it gets SIGKILL.
    pub kill_grace: Duration,
    /// How long a grandchild may hold the output open after the process has exited.
    pub pipe_grace: Duration,
    /// How many bytes of output are accepted.
    pub output_limit: usize,
    /// How many bytes of what it said on standard error are kept: the last ones.
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
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// What a process left behind. Its output may be a credential.
#[derive(Debug)]
pub struct ProcessOutput {
    /// How it ended.
    pub exit: Exit,
    /// What it printed.
    pub output: SecretBytes,
    /// The end of what it said on standard error, as it said it: neither cleaned nor masked yet.
    pub error: SecretBytes,
}

/// Why a process gave no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProcessError {
    /// It could not be started.
    NotStarted(io::Error),
    /// It was ended at its deadline.
    TimedOut {
        /// What it had printed until then. It may be a credential.
        output: SecretBytes,
        /// The end of what it said on standard error.
        error: SecretBytes,
    },
    /// It was ended because it printed more than the limit.
    OutputTooLarge,
    /// Its output could not be read.
    Broken(io::Error),
}

/// What starts processes.
#[async_trait]
pub trait Processes: Debug + Send + Sync {
    /// Runs the process to its end, by force at its deadline. Nothing that holds its output or its standard
    /// error is left running; what let go of both was sent to the background on purpose, and stays.
    async fn run(&self, process: Process) -> Result<ProcessOutput, ProcessError>;
}
