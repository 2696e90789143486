//! The one seam between Kubex and the world.
//!
//! Everything a provider wants from outside (variables, files, processes, the time, chance) it asks its
//! [`Host`] for. The real host is the default; the simulated one (feature `test-util`) makes every test
//! deterministic, without a real sleep and without touching the environment of the test's own process.
//!
//! The core itself can start no process: a host has [`Processes`] only where a simulation put them, and the
//! exec provider brings the real ones along. A program that does not link that crate cannot run a plugin, and
//! one that does says here which plugins may run ([`PluginRules`]) and whether they are given the terminal
//! ([`Terminal`]).

mod clock;
mod deadline;
mod environment;
mod files;
mod input;
mod plugins;
mod processes;
mod programs;
mod recording;
#[cfg(feature = "test-util")]
mod simulated;
mod terminal;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::sharing_key::SharingKey;

pub use clock::{Clock, Moment, TimedOut};
pub use deadline::Deadline;
pub use environment::Environment;
pub use files::{FileContent, FileKind, Files};
pub use input::{FileStamp, Input};
pub use plugins::{AllowedPlugin, PluginEnvironment, PluginOptions, PluginPolicy, PluginRules};
pub use processes::{Exit, Process, ProcessError, ProcessOutput, Processes};
pub use programs::{LookUp, Program};
#[cfg(feature = "test-util")]
pub use simulated::SimulatedHost;
pub use terminal::{Terminal, TerminalHold};

/// Everything outside of the program that a provider may ask for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Host {
    environment: Arc<dyn Environment>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    processes: Option<Arc<dyn Processes>>,
    terminal: Option<Terminal>,
    plugin_rules: Arc<PluginRules>,
    world: World,
    changed_variables: ChangedVariables,
}

/// The variables that are other than the world's.
#[derive(Clone, Default)]
struct ChangedVariables(BTreeMap<String, Option<OsString>>);

/// A value may be a secret, so the names are shown alone.
impl fmt::Debug for ChangedVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Which world a host shows. Two hosts of one world differ by what was changed with them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    Real,
    /// By its address, which is its own as long as a host of it exists.
    #[cfg(feature = "test-util")]
    Simulated(usize),
}

impl Host {
    /// The machine the program runs on.
    pub fn real() -> Self {
        Self {
            environment: Arc::new(environment::ProcessEnvironment),
            files: Arc::new(files::FileSystem),
            clock: Arc::new(clock::SystemClock::default()),
            processes: None,
            terminal: None,
            plugin_rules: Arc::default(),
            world: World::Real,
            changed_variables: ChangedVariables::default(),
        }
    }

    /// The same host with one variable set, or unset by `None`, for providers and for the plugins they run.
    /// The process's own environment stays as it is.
    ///
    /// ```
    /// use kubex_core::Host;
    /// let host = Host::real().with_variable("KUBECONFIG", Some("/etc/kubeconfig"));
    /// assert_eq!(host.environment().text("KUBECONFIG").as_deref(), Some("/etc/kubeconfig"));
    /// ```
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: Option<impl Into<OsString>>) -> Self {
        let value = value.map(Into::into);
        self.changed_variables.0.insert(name.to_owned(), value.clone());
        self.environment = Arc::new(environment::Overlaid {
            beneath: self.environment,
            name: name.to_owned(),
            value,
        });
        self
    }

    /// The same host with these rules for plugins.
    #[must_use]
    pub fn with_plugin_rules(mut self, rules: PluginRules) -> Self {
        self.plugin_rules = Arc::new(rules);
        self
    }

    /// The same host with a terminal that plugins may ask their user at. There is none unless the program
    /// hands it over, because it is the program that knows whether it reads there itself.
    #[must_use]
    pub fn with_terminal(mut self, terminal: Terminal) -> Self {
        self.terminal = Some(terminal);
        self
    }

    /// The same host with another clock.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same host with other files.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_files(self, files: Arc<dyn Files>) -> Self {
        Self { files, ..self }
    }

    /// The environment variables and the home directory.
    pub fn environment(&self) -> &dyn Environment {
        &*self.environment
    }

    /// The files.
    pub fn files(&self) -> &dyn Files {
        &*self.files
    }

    /// Both clocks.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The processes of a simulation; `None` on a real host, where the exec provider starts its own.
    pub fn processes(&self) -> Option<&dyn Processes> {
        self.processes.as_deref()
    }

    /// The terminal that was handed over.
    pub fn terminal(&self) -> Option<&Terminal> {
        self.terminal.as_ref()
    }

    /// The rules for plugins.
    pub fn plugin_rules(&self) -> &PluginRules {
        &self.plugin_rules
    }

    /// The variables that a plugin inherits by the rules.
    pub fn plugin_variables(&self) -> Vec<(OsString, OsString)> {
        self.plugin_rules.inherited(self.environment.variables())
    }

    /// Adds what tells this host from another to what a shared credential is known by.
    pub(crate) fn distinguish(&self, key: SharingKey) -> SharingKey {
        let unavailable = self.terminal.as_ref().map(Terminal::why_unavailable);
        let key = key
            .with(format!("{:?}", self.world))
            .with(format!("{:?}", self.plugin_rules))
            .with(format!("{unavailable:?}"));
        self.changed_variables.0.iter().fold(key, |key, (name, value)| {
            let value = value.as_ref();
            key.with(name)
                .with([u8::from(value.is_some())])
                .with(value.map_or(&[][..], |value| value.as_encoded_bytes()))
        })
    }

    /// What the clocks say now.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// What the clocks said a moment ago; see [`Clock::recent`].
    pub(crate) fn recently(&self) -> Moment {
        self.clock.recent()
    }

    /// Runs the future, at the longest for this duration of the host's clock.
    ///
    /// # Errors
    /// [`TimedOut`] when the time is over; the future is dropped then.
    pub async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Result<T, TimedOut> {
        clock::within(&*self.clock, limit, future).await
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::real()
    }
}
