//! Running a program for its output, such as the command line of a cloud.
//!
//! A provider starts no process itself. The provider `exec` lends its own way to do so: with the guard against programs that
//! run themselves, a time limit, bounded output, and an end for all that the program has started. A program that does not link
//! that provider runs nothing.
//!
//! | a provider | gets it from |
//! |---|---|
//! | that is built from options | [`Registry::program_runner`](crate::Registry::program_runner) |
//! | that serves a call of a plugin | [`PluginCall::program_runner`](crate::registry::PluginCall::program_runner) |

use std::fmt::{self, Debug};
use std::time::Duration;

use async_trait::async_trait;

use super::{Host, Program};
use crate::error::Result;
use crate::secret::SecretBytes;
use crate::store_identity::StoreIdentity;

/// A program to run without a shell, and without the terminal. It inherits the variables that the host's rules leave to plugins,
/// and has the time limit of plugins.
#[derive(Clone, Copy)]
pub struct ProgramCall<'a> {
    /// What runs, for people: `the Azure CLI (az)`. It is the beginning of each error.
    pub name: &'a str,
    /// The program. The policy for plugins has permitted it.
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

/// Runs programs. The provider `exec` [registers](crate::Registration::runs_programs) one.
#[async_trait]
pub trait ProgramRunner: Debug + Send + Sync {
    /// Runs the program, and returns its stdout, which may be a credential.
    ///
    /// # Errors
    /// `PluginFailed`, `PluginNotExecutable`, `EmptyOutput`, `OutputTooLarge`, `TimedOut`, `Recursion` and `Unavailable`. The
    /// program's stderr is part of the message, cleaned and with secrets masked.
    async fn run(&self, call: ProgramCall<'_>, host: &Host) -> Result<SecretBytes>;

    /// How much longer than its time limit a run may take, until all that it has started is ended.
    fn time_to_end(&self, host: &Host) -> Duration;

    /// What makes the identity of the program's output, for a store that processes share: the program, its arguments, and the
    /// variables and files that it is known to read. `None` if no other process can share it.
    async fn store_identity(&self, call: ProgramCall<'_>, host: &Host) -> Option<StoreIdentity>;
}
