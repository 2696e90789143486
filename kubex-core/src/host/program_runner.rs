//! Program runners: how a provider runs a program for its output, such as the CLI of a cloud.

use std::fmt::{self, Debug};
use std::time::Duration;

use async_trait::async_trait;

use super::{Host, Program};
use crate::error::Result;
use crate::secret::SecretBytes;
use crate::store_identity::StoreIdentity;

/// A program to run without a shell and without the terminal. It inherits the same environment variables as a plugin, and has
/// the time limit of a plugin.
#[derive(Clone, Copy)]
pub struct ProgramCall<'a> {
    /// The name of the program for people: `the Azure CLI (az)`. Each error begins with it.
    pub name: &'a str,
    /// The program to run. [`Host::permit`] has looked it up and permitted it.
    pub program: &'a Program,
    /// The arguments, each passed unchanged.
    pub arguments: &'a [String],
}

/// Arguments may contain secrets, so only their number is shown.
impl Debug for ProgramCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramCall")
            .field("program", &self.program.path())
            .field("arguments", &self.arguments.len())
            .finish_non_exhaustive()
    }
}

/// Runs programs for providers, such as the CLI of a cloud. The exec provider [registers](crate::Registration::runs_programs)
/// the runner.
///
/// The runner prevents a program from running itself again, limits its time and its output, and ends everything that it has
/// started. Other providers do not start processes themselves, so without the exec provider, no process can be started.
///
/// | a provider | gets the runner from |
/// |---|---|
/// | that is built from options | [`Registry::program_runner`](crate::Registry::program_runner) |
/// | that replaces a plugin | [`PluginCall::program_runner`](crate::registry::PluginCall::program_runner) |
#[async_trait]
pub trait ProgramRunner: Debug + Send + Sync {
    /// Runs the program until it exits, and returns its stdout, which may be a credential.
    ///
    /// # Errors
    /// The message contains the program's stderr, cleaned and with secrets masked.
    ///
    /// - [`ErrorKind::PluginFailed`](crate::ErrorKind::PluginFailed): it exited with another status than 0, or was killed.
    /// - [`ErrorKind::PluginNotExecutable`](crate::ErrorKind::PluginNotExecutable): it cannot be started.
    /// - [`ErrorKind::EmptyOutput`](crate::ErrorKind::EmptyOutput): it printed nothing.
    /// - [`ErrorKind::OutputTooLarge`](crate::ErrorKind::OutputTooLarge): it printed more than 1 MiB.
    /// - [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut): it was ended at its time limit.
    /// - [`ErrorKind::Recursion`](crate::ErrorKind::Recursion): the program is running already, and has started this process.
    /// - [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): the system has no free processes, files or memory.
    async fn run(&self, call: ProgramCall<'_>, host: &Host) -> Result<SecretBytes>;

    /// When a run reaches its time limit, its processes are ended. Returns the longest time that this can take.
    fn time_to_end(&self, host: &Host) -> Duration;

    /// Returns the key under which processes can share the program's output in a store. The key contains the program, its
    /// arguments, and the environment variables and files that the program is known to read. `None` if the output cannot be
    /// shared.
    async fn store_identity(&self, call: ProgramCall<'_>, host: &Host) -> Option<StoreIdentity>;
}
