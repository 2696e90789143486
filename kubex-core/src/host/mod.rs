//! The host: the interface through which Kubex uses the operating system.
//!
//! A provider reads variables, files, clocks and random numbers, and runs processes, through its [`Host`]. The real
//! host is the default. The simulated host (feature `test-util`) makes tests deterministic: they never sleep in real
//! time and do not change the environment of their own process.
//!
//! This crate cannot start a process on the real system; the crate of the exec provider does so. A program that does
//! not link that crate cannot run a plugin. The host contains the settings for plugins: which may run
//! ([`PluginRules`]), and whether they may use the terminal ([`Terminal`]).
//!
//! | a provider needs | it calls | instead of |
//! |---|---|---|
//! | a variable, the home directory | [`environment`](Host::environment) | `std::env` |
//! | a file | [`files`](Host::files), with a limit of bytes | `std::fs`, `tokio::fs` |
//! | the time | [`now`](Host::now) | `SystemTime::now`, `Instant::now` |
//! | a time limit | [`within`](Host::within) | `tokio::time::timeout` |
//! | a program | [`permit`](Host::permit), then a [`ProgramRunner`] | `std::process` |
//!
//! ```
//! use std::time::Duration;
//! use kubex_core::Host;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let host = Host::real();
//! let read = host.files().read("/no/such/file".as_ref(), 1024);
//! let read = host.within(Duration::from_secs(5), read).await.unwrap();
//! assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::NotFound);
//! # }
//! ```

mod blocking;
mod cached;
mod clock;
mod deadline;
mod environment;
mod files;
mod input;
mod open_file;
#[cfg(unix)]
mod pipe;
mod plugin_stderr;
mod plugins;
mod processes;
mod program_runner;
mod programs;
mod readers;
mod recording;
#[cfg(feature = "test-util")]
mod simulated;
mod terminal;
mod writers;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};
use crate::sharing_key::SharingKey;

pub(crate) use blocking::NotRun;
pub use blocking::{discard, effort, parse};
pub use clock::{Clock, Moment, Ticks, TimedOut};
pub(crate) use clock::{nanos, wall_nanos};
pub use deadline::Deadline;
pub use environment::Environment;
pub use files::{Consumer, Contents, FileContent, FileKind, Files};
pub use input::{FileStamp, Input};
pub use plugin_stderr::{LiveStderr, PluginStderr, SILENCE};
pub use plugins::{
    AllowedPlugin, HARMLESS_VARIABLES, PLUGIN_VARIABLES, PluginEnvironment, PluginOptions, PluginPolicy,
    PluginPolicySource, PluginRules, PluginVerdict, RUN_VARIABLE, STACK_VARIABLE,
};
pub use processes::{Exit, Process, ProcessError, ProcessOutput, Processes};
pub use program_runner::{ProgramCall, ProgramRunner};
pub use programs::{LookUp, Program};
#[cfg(feature = "test-util")]
pub use simulated::SimulatedHost;
pub use terminal::{Terminal, TerminalHold};
pub use writers::ForeignWriters;

/// The interface through which a provider uses the operating system: variables, files, clocks, processes and the terminal. A
/// test uses a simulated host. A host is cheap to clone.
#[derive(Clone, Debug)]
pub struct Host(Arc<Parts>);

/// What a host consists of. Each live handle has a host, so they share it.
#[derive(Clone, Debug)]
struct Parts {
    environment: Arc<dyn Environment>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    processes: Option<Arc<dyn Processes>>,
    terminal: Option<Terminal>,
    plugin_stderr: Option<PluginStderr>,
    plugin_rules: Arc<PluginRules>,
    world: World,
    changed_variables: Arc<ChangedVariables>,
    has_own_pipe_deadline: bool,
}

/// The variables that were changed on this host.
#[derive(Clone, Default)]
struct ChangedVariables(BTreeMap<String, Option<OsString>>);

/// Values may be secrets, so only the names are shown.
impl fmt::Debug for ChangedVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The operating system that a host gives access to. Two hosts of one world differ only by their settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    Real,
    /// Identified by its address, which is unique as long as a host of this world exists.
    #[cfg(feature = "test-util")]
    Simulated(usize),
}

impl Host {
    /// Returns the host of the machine that the program runs on.
    pub fn real() -> Self {
        static REAL: LazyLock<Host> = LazyLock::new(Host::new_real);
        REAL.clone()
    }

    fn new_real() -> Self {
        Self(Arc::new(Parts {
            environment: Arc::new(environment::ProcessEnvironment),
            files: Arc::new(files::FileSystem::default()),
            clock: Arc::new(clock::SystemClock::default()),
            processes: None,
            terminal: None,
            plugin_stderr: None,
            plugin_rules: Arc::default(),
            world: World::Real,
            changed_variables: Arc::default(),
            has_own_pipe_deadline: false,
        }))
    }

    fn parts(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }

    /// Sets a variable for providers and for the plugins that they run. `None` unsets it. The environment of the
    /// process does not change.
    ///
    /// ```
    /// use kubex_core::Host;
    /// let host = Host::real().with_variable("KUBECONFIG", Some("/etc/kubeconfig"));
    /// assert_eq!(host.environment().text("KUBECONFIG").as_deref(), Some("/etc/kubeconfig"));
    /// ```
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: Option<impl Into<OsString>>) -> Self {
        let value = value.map(Into::into);
        let parts = self.parts();
        let changed = Arc::make_mut(&mut parts.changed_variables);
        changed.0.insert(name.to_owned(), value.clone());
        parts.environment = Arc::new(environment::Overlaid {
            beneath: Arc::clone(&parts.environment),
            name: name.to_owned(),
            value,
        });
        self
    }

    /// Sets the rules for exec plugins: which of them may run, and how.
    ///
    /// ```
    /// use std::time::Duration;
    /// use kubex_core::Host;
    /// use kubex_core::host::{PluginPolicy, PluginRules};
    ///
    /// // A service that reads kubeconfigs of its users: no plugin runs, whatever they write.
    /// let rules = PluginRules::new().policy(PluginPolicy::deny_all()).deadline(Duration::from_secs(10));
    /// let host = Host::real().with_plugin_rules(rules);
    /// ```
    #[must_use]
    pub fn with_plugin_rules(mut self, rules: PluginRules) -> Self {
        self.parts().plugin_rules = Arc::new(rules);
        self
    }

    /// Lets plugins use this terminal to prompt the user. By default, no plugin may use the terminal, because only the
    /// program knows whether it reads from the terminal itself.
    ///
    /// ```no_run
    /// use kubex_core::Host;
    /// use kubex_core::host::Terminal;
    ///
    /// let host = Host::real().with_terminal(Terminal::standard_input());
    /// ```
    #[must_use]
    pub fn with_terminal(mut self, terminal: Terminal) -> Self {
        self.parts().terminal = Some(terminal);
        self
    }

    /// Removes the terminal, so that no plugin can prompt the user.
    #[must_use]
    pub fn without_terminal(mut self) -> Self {
        self.parts().terminal = None;
        self
    }

    /// Sets the time limit for reading a file that is a pipe, such as a kubeconfig from `<(sops -d ...)`. The default is two
    /// thirds of the source's time limit while a source is resolved, and otherwise 20 s.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use kubex_core::Host;
    /// // `sops` asks its user for a passphrase.
    /// let host = Host::real().with_pipe_deadline(Duration::from_secs(120));
    /// ```
    #[must_use]
    pub fn with_pipe_deadline(mut self, deadline: Duration) -> Self {
        self.parts().has_own_pipe_deadline = true;
        self.change_pipe_deadline(deadline);
        self
    }

    /// The host on which a pipe times out before a source with this time limit does, so that the error names the pipe.
    pub(crate) fn for_source_with(mut self, limit: Duration) -> Self {
        if !self.0.has_own_pipe_deadline {
            self.change_pipe_deadline(limit * 2 / 3);
        }
        self
    }

    fn change_pipe_deadline(&mut self, deadline: Duration) {
        if let Some(files) = self.0.files.with_pipe_deadline(deadline) {
            self.parts().files = files;
        }
    }

    /// Sets where the stderr of plugins is printed while they run. By default, it is printed only for plugins that may use the
    /// terminal. The stderr of any plugin is also a `tracing` event, and part of the error if the plugin fails.
    #[must_use]
    pub fn with_plugin_stderr(mut self, stderr: PluginStderr) -> Self {
        self.parts().plugin_stderr = Some(stderr);
        self
    }

    /// Replaces the clocks.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts().clock = clock;
        self
    }

    /// Replaces the files.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn Files>) -> Self {
        self.parts().files = files;
        self
    }

    /// Returns the environment variables, the home directory and the working directory.
    pub fn environment(&self) -> &dyn Environment {
        &*self.0.environment
    }

    /// Returns the interface for reading files.
    pub fn files(&self) -> &dyn Files {
        &*self.0.files
    }

    /// Reads files of at most `limit` bytes each, calls `parse` with their paths and contents, and returns its result. If the
    /// contents are large, `parse` runs on a blocking thread of tokio.
    ///
    /// ```
    /// use kubex_core::Host;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> kubex_core::Result<()> {
    /// let paths = ["/etc/hostname".into(), "/no/such/file".into()];
    /// let readable = |_: &[_], contents: kubex_core::host::Contents| contents.iter().filter(|read| read.is_ok()).count();
    /// let count = Host::real().read_and_parse(&paths, 1024, readable).await?;
    /// assert!(count < 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if tokio has no thread for `parse`. If a file cannot be read, its item in the contents is an error.
    pub async fn read_and_parse<T: Send + 'static>(
        &self,
        paths: &[PathBuf],
        limit: usize,
        parse: impl FnOnce(&[PathBuf], Contents) -> T + Send + 'static,
    ) -> crate::Result<T> {
        let (parsed, receiver) = oneshot::channel();
        let consume: Consumer = Box::new(move |paths, contents| {
            // If the caller is gone, the result is not needed.
            if !parsed.is_closed() {
                drop(parsed.send(parse(paths, contents)));
            }
        });
        self.0.files.read_each_into(paths, limit, consume).await?;
        let lost = |_| Error::new(ErrorKind::Aborted, "the files were not read");
        receiver.await.map_err(lost)
    }

    /// Returns the host's wall clock and its monotonic clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Returns the interface for running processes on a simulated host. `None` on a real host, where the exec provider starts
    /// processes itself.
    pub fn processes(&self) -> Option<&dyn Processes> {
        self.0.processes.as_deref()
    }

    /// Returns the terminal that plugins may use; `None` if [`with_terminal`](Self::with_terminal) was not called.
    pub fn terminal(&self) -> Option<&Terminal> {
        self.0.terminal.as_ref()
    }

    /// Returns where the stderr of plugins is printed; `None` if [`with_plugin_stderr`](Self::with_plugin_stderr) was
    /// not called.
    pub fn plugin_stderr(&self) -> Option<&PluginStderr> {
        self.0.plugin_stderr.as_ref()
    }

    /// Returns the path as an absolute path. A relative path starts at the working directory.
    pub fn from_working_directory(&self, path: &Path) -> PathBuf {
        let directory = self.0.environment.current_directory();
        directory.unwrap_or_default().join(path)
    }

    /// Returns the rules for exec plugins.
    pub fn plugin_rules(&self) -> &PluginRules {
        &self.0.plugin_rules
    }

    /// Returns the environment variables that a plugin inherits by the [`PluginRules`].
    pub fn plugin_variables(&self) -> Vec<(OsString, OsString)> {
        self.0.plugin_rules.inherited(self.0.environment.variables())
    }

    /// Adds everything to a sharing key that distinguishes this host from another one of this process.
    pub(crate) fn add_to(&self, key: SharingKey) -> SharingKey {
        let key = match self.0.world {
            World::Real => key.with("real"),
            #[cfg(feature = "test-util")]
            World::Simulated(address) => key.with("simulated").with(address.to_le_bytes()),
        };
        let key = self.0.plugin_rules.add_to(key);
        let key = match &self.0.terminal {
            None => key.with("no terminal"),
            Some(terminal) => key.with("terminal").with_optional(terminal.why_unavailable()),
        };
        let key = match &self.0.plugin_stderr {
            None => key.with("not shown"),
            Some(stderr) => stderr.add_to(key),
        };
        self.0.changed_variables.0.iter().fold(key, |key, (name, value)| {
            key.with(name)
                .with_optional(value.as_deref().map(OsStr::as_encoded_bytes))
        })
    }

    /// Returns the time of the wall clock and of the monotonic clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// use kubex_core::{Credential, Host};
    ///
    /// let expires_at = Host::real().now().wall + Duration::from_secs(900);
    /// let credential = Credential::bearer("abc".into())?.with_expiry(Some(expires_at));
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn now(&self) -> Moment {
        self.0.clock.now()
    }

    /// The time of both clocks, up to a few milliseconds late; see [`Clock::recent`].
    #[inline]
    pub(crate) fn recent(&self) -> Ticks {
        self.0.clock.recent()
    }

    /// Runs the future for at most this duration, by the host's clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// use kubex_core::Host;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let never = std::future::pending::<()>();
    /// assert!(Host::real().within(Duration::from_millis(10), never).await.is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`TimedOut`] if the future has not completed by then, and drops the future.
    pub async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Result<T, TimedOut> {
        clock::within(&*self.0.clock, limit, future).await
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::real()
    }
}
