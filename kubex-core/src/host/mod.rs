//! The one seam between Kubex and the world.
//!
//! Everything a provider wants from outside (variables, files, processes, the time, chance) it asks its
//! [`Host`] for. The real host is the default; the simulated one (feature `test-util`) makes every test
//! deterministic, without a real sleep and without touching the environment of the test's own process.
//!
//! The core itself can start no process: a host has [`Processes`] only where a simulation put them, and the
//! exec provider brings the real ones along. A program that does not link that crate cannot run a plugin.

mod clock;
mod environment;
mod files;
mod processes;
#[cfg(feature = "test-util")]
mod simulated;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

pub use clock::{Clock, Moment, TimedOut};
pub use environment::Environment;
pub use files::{FileKind, Files};
pub use processes::{Exit, Process, ProcessError, ProcessOutput, Processes};
#[cfg(feature = "test-util")]
pub use simulated::SimulatedHost;

/// Everything outside of the program that a provider may ask for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Host {
    environment: Arc<dyn Environment>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    processes: Option<Arc<dyn Processes>>,
}

impl Host {
    /// The machine the program runs on.
    pub fn real() -> Self {
        Self {
            environment: Arc::new(environment::ProcessEnvironment),
            files: Arc::new(files::FileSystem),
            clock: Arc::new(clock::SystemClock::default()),
            processes: None,
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
        self.environment = Arc::new(environment::Overlaid {
            beneath: self.environment,
            name: name.to_owned(),
            value: value.map(Into::into),
        });
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

    /// What the clocks say now.
    pub fn now(&self) -> Moment {
        self.clock.now()
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
