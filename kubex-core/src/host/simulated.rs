//! A simulated operating system for tests: variables, files, processes and clocks.

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use self::files::Node;
use super::{
    Clock, Environment, Host, Moment, Process, ProcessError, ProcessOutput, Processes, Terminal, terminal,
};

/// The wall clock of a new world, in seconds since 1970: 2030-01-01. It is far from the real time, so that a test fails
/// if it reads the real clock.
const BEGINNING: Duration = Duration::from_secs(1_893_456_000);

/// Replaces processes: it receives each process and returns its result.
type Script = Arc<dyn Fn(&Process) -> Result<ProcessOutput, ProcessError> + Send + Sync>;

/// A simulated operating system for tests of providers. [`host`](Self::host) returns the [`Host`] for the code under test.
/// Clones share the same variables, files and clocks.
///
/// ```
/// use std::time::Duration;
/// use kubex_core::host::SimulatedHost;
///
/// let world = SimulatedHost::new();
/// world.set_variable("HOME", "/home/jane");
/// world.write("/home/jane/token", "abc\n");
/// let host = world.host();
/// let before = host.now();
/// world.advance(Duration::from_secs(60));
/// assert_eq!(host.now().monotonic - before.monotonic, Duration::from_secs(60));
/// ```
///
/// | to simulate | call |
/// |---|---|
/// | variables, a home directory | [`set_variable`](SimulatedHost::set_variable), for example of `HOME` |
/// | files, links, pipes, devices | [`write`](SimulatedHost::write), [`link`](SimulatedHost::link), [`put_pipe`](SimulatedHost::put_pipe), [`put_device`](SimulatedHost::put_device) |
/// | a file that cannot be read, or is on a dead network disk | [`fail`](SimulatedHost::fail), [`hang`](SimulatedHost::hang) |
/// | a file that is replaced between two reads | [`after_read`](SimulatedHost::after_read) |
/// | plugins | [`install_program`](SimulatedHost::install_program), [`run_processes`](SimulatedHost::run_processes) |
/// | time | [`advance`](SimulatedHost::advance) for both clocks, [`set_wall_clock`](SimulatedHost::set_wall_clock) for a wall clock that is wrong |
/// | what the code under test did | [`reads`](SimulatedHost::reads), [`runs`](SimulatedHost::runs), [`shown`](SimulatedHost::shown) |
///
/// The code under test sees nothing of the real machine. A new simulated host has no variable and no file. Its clock
/// starts in 2030, so that a test fails if the code under test reads the real clock.
///
/// # A token that is replaced
///
/// ```
/// use std::time::Duration;
/// use kubex_core::ExposeSecret as _;
/// use kubex_core::host::SimulatedHost;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let world = SimulatedHost::new();
/// world.write("/run/token", "first");
/// world.after_read("/run/token", |world| world.write("/run/token", "second"));
///
/// let host = world.host();
/// let read = async || host.files().read("/run/token".as_ref(), 1024).await.unwrap();
/// assert_eq!(read().await.expose_secret(), b"first");
/// world.advance(Duration::from_secs(60));
/// assert_eq!(read().await.expose_secret(), b"second");
/// # }
/// ```
///
/// # A file system that hangs
///
/// ```
/// use std::time::Duration;
/// use kubex_core::host::SimulatedHost;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let world = SimulatedHost::new();
/// world.hang("/mnt/token");
/// let host = world.host();
/// let read = host.files().read("/mnt/token".as_ref(), 1024);
/// let limited = host.within(Duration::from_secs(30), read);
/// let (limited, ()) = tokio::join!(limited, async { world.advance(Duration::from_secs(30)) });
/// assert!(limited.is_err());
/// # }
/// ```
#[derive(Clone, Default)]
pub struct SimulatedHost(Arc<Mutex<World>>);

struct World {
    variables: BTreeMap<String, OsString>,
    nodes: BTreeMap<PathBuf, Node>,
    /// The files that every user of the machine can change.
    writable_by_others: BTreeSet<PathBuf>,
    wall: SystemTime,
    monotonic: Duration,
    sleepers: Vec<(Duration, Waker)>,
    script: Option<Script>,
    process_time: Duration,
    runs: usize,
    reads: Vec<PathBuf>,
    after_reads: Vec<(PathBuf, Event)>,
    /// How much time passes each time the clock is read.
    reading_takes: Duration,
    random: u64,
    has_terminal: bool,
    holder: Arc<tokio::sync::Mutex<()>>,
    shown: String,
}

/// Happens after a file was read.
type Event = Box<dyn FnOnce(&SimulatedHost) + Send>;

impl Default for World {
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            nodes: BTreeMap::new(),
            writable_by_others: BTreeSet::new(),
            wall: SystemTime::UNIX_EPOCH + BEGINNING,
            monotonic: Duration::ZERO,
            sleepers: Vec::new(),
            script: None,
            process_time: Duration::ZERO,
            runs: 0,
            reads: Vec::new(),
            after_reads: Vec::new(),
            reading_takes: Duration::ZERO,
            random: 0,
            has_terminal: false,
            holder: Arc::default(),
            shown: String::new(),
        }
    }
}

impl SimulatedHost {
    /// Creates a simulated operating system without variables, files and programs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the simulated [`Host`], to be passed to the code under test.
    pub fn host(&self) -> Host {
        let world = Arc::new(self.clone());
        Host(Arc::new(super::Parts {
            environment: world.clone(),
            files: world.clone(),
            clock: world.clone(),
            processes: Some(world.clone()),
            terminal: self.lock().has_terminal.then(|| Terminal::new(world.clone())),
            plugin_stderr: None,
            plugin_rules: Arc::default(),
            world: super::World::Simulated(Arc::as_ptr(&self.0).addr()),
            changed_variables: Arc::default(),
            has_own_pipe_deadline: false,
        }))
    }

    /// Provides a terminal to the hosts that [`host`](Self::host) returns from now on.
    pub fn attach_terminal(&self) {
        self.lock().has_terminal = true;
    }

    /// Simulates a redirection of stdin, so that it is no longer a terminal.
    pub fn detach_terminal(&self) {
        self.lock().has_terminal = false;
    }

    /// Returns the text that was printed at the terminal.
    pub fn shown(&self) -> String {
        self.lock().shown.clone()
    }

    /// Sets an environment variable.
    pub fn set_variable(&self, name: &str, value: &str) {
        self.lock().variables.insert(name.to_owned(), value.into());
    }

    /// Unsets an environment variable.
    pub fn unset_variable(&self, name: &str) {
        self.lock().variables.remove(name);
    }

    /// Writes a text file. An existing file is replaced atomically.
    pub fn write(&self, path: impl Into<PathBuf>, content: &str) {
        self.write_bytes(path, content.as_bytes());
    }

    /// Writes a binary file. An existing file is replaced atomically.
    pub fn write_bytes(&self, path: impl Into<PathBuf>, content: &[u8]) {
        let content = content.to_vec().into();
        self.lock().nodes.insert(path.into(), Node::File(content));
    }

    /// Creates an executable file. [`run_processes`](Self::run_processes) sets what it does.
    pub fn install_program(&self, path: impl Into<PathBuf>) {
        self.lock().nodes.insert(path.into(), Node::Program);
    }

    /// Creates a symbolic link. An existing file or link is replaced.
    ///
    /// ```
    /// use kubex_core::ExposeSecret as _;
    /// use kubex_core::host::SimulatedHost;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// // The mount of a service account in a pod.
    /// let world = SimulatedHost::new();
    /// world.write("/run/sa/..2030_01_01/token", "abc");
    /// world.link("/run/sa/..data", "..2030_01_01");
    /// world.link("/run/sa/token", "..data/token");
    /// let token = world.host().files().read("/run/sa/token".as_ref(), 1024).await?;
    /// assert_eq!(token.expose_secret(), b"abc");
    /// # Ok(())
    /// # }
    /// ```
    pub fn link(&self, path: impl Into<PathBuf>, target: impl Into<PathBuf>) {
        self.lock().nodes.insert(path.into(), Node::Link(target.into()));
    }

    /// Gives every user of the simulated machine the permission to change the file at this path.
    pub fn let_others_write(&self, path: impl Into<PathBuf>) {
        self.lock().writable_by_others.insert(path.into());
    }

    /// Makes every access to this path fail with this error from now on.
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use kubex_core::host::SimulatedHost;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let world = SimulatedHost::new();
    /// world.write("/run/token", "abc");
    /// world.fail("/run/token", ErrorKind::PermissionDenied);
    /// let error = world.host().files().read("/run/token".as_ref(), 1024).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    /// # }
    /// ```
    pub fn fail(&self, path: impl Into<PathBuf>, kind: io::ErrorKind) {
        self.lock().nodes.insert(path.into(), Node::Broken(kind));
    }

    /// Creates a device. Reading it is an error.
    pub fn put_device(&self, path: impl Into<PathBuf>) {
        self.lock().nodes.insert(path.into(), Node::Device);
    }

    /// Creates a pipe with this content, which its writer has closed. To simulate a pipe that nothing is written to,
    /// call [`fail`](Self::fail) with `TimedOut`.
    pub fn put_pipe(&self, path: impl Into<PathBuf>, content: &str) {
        let content = content.as_bytes().to_vec().into();
        self.lock().nodes.insert(path.into(), Node::Pipe(content));
    }

    /// Makes every read of this path hang from now on.
    pub fn hang(&self, path: impl Into<PathBuf>) {
        self.lock().nodes.insert(path.into(), Node::Hanging);
    }

    /// Calls `change` once, after the next read of this path. The function can change files and clocks.
    pub fn after_read(&self, path: impl Into<PathBuf>, change: impl FnOnce(&Self) + Send + 'static) {
        self.lock().after_reads.push((path.into(), Box::new(change)));
    }

    /// Removes the file at this path, or the directory with everything in it.
    pub fn remove(&self, path: impl AsRef<Path>) {
        self.lock()
            .nodes
            .retain(|node, _| !node.starts_with(path.as_ref()));
    }

    /// Sets the function that returns the result of every process from now on.
    ///
    /// ```
    /// use kubex_core::faults::plugin;
    /// use kubex_core::host::SimulatedHost;
    ///
    /// let world = SimulatedHost::new();
    /// world.install_program("/usr/bin/login");
    /// world.run_processes(|process| {
    ///     // A process has its arguments and variables, for a response that depends on them.
    ///     assert!(process.arguments.is_empty());
    ///     plugin::prints("{}")(process)
    /// });
    /// assert_eq!(world.runs(), 0);
    /// ```
    pub fn run_processes(
        &self,
        script: impl Fn(&Process) -> Result<ProcessOutput, ProcessError> + Send + Sync + 'static,
    ) {
        self.lock().script = Some(Arc::new(script));
    }

    /// Sets how long every process takes in simulated time.
    pub fn set_process_time(&self, time: Duration) {
        self.lock().process_time = time;
    }

    /// Returns the number of processes that were started.
    pub fn runs(&self) -> usize {
        self.lock().runs
    }

    /// Returns the paths that were read, in order.
    pub fn reads(&self) -> Vec<PathBuf> {
        self.lock().reads.clone()
    }

    /// Moves both clocks forward and wakes the timers that are due.
    pub fn advance(&self, span: Duration) {
        let woken: Vec<Waker> = {
            let mut world = self.lock();
            world.wall += span;
            world.monotonic += span;
            let now = world.monotonic;
            let (due, asleep) = std::mem::take(&mut world.sleepers)
                .into_iter()
                .partition(|(until, _)| *until <= now);
            world.sleepers = asleep;
            Vec::from_iter::<Vec<(Duration, Waker)>>(due)
                .into_iter()
                .map(|(_, waker)| waker)
                .collect()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Sets the wall clock, as NTP or an administrator does. The monotonic clock does not change.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use kubex_core::host::SimulatedHost;
    ///
    /// let world = SimulatedHost::new();
    /// let before = world.host().now();
    /// world.set_wall_clock(UNIX_EPOCH + Duration::from_secs(3600));
    /// assert_eq!(world.host().now().wall, UNIX_EPOCH + Duration::from_secs(3600));
    /// assert_eq!(world.host().now().monotonic, before.monotonic);
    /// ```
    pub fn set_wall_clock(&self, time: SystemTime) {
        self.lock().wall = time;
    }

    /// Advances both clocks by this duration each time they are read, as on a machine under load.
    pub fn set_reading_takes(&self, span: Duration) {
        self.lock().reading_takes = span;
    }

    /// Sets the random number from which the jitter of timers is computed. The default is 0, which means no jitter.
    pub fn set_random(&self, number: u64) {
        self.lock().random = number;
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Environment for SimulatedHost {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.lock().variables.get(name).cloned()
    }

    fn variables(&self) -> Vec<(OsString, OsString)> {
        self.lock()
            .variables
            .iter()
            .map(|(name, value)| (name.into(), value.clone()))
            .collect()
    }

    fn current_directory(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/"))
    }
}

impl Clock for SimulatedHost {
    fn now(&self) -> Moment {
        let span = self.lock().reading_takes;
        if !span.is_zero() {
            self.advance(span);
        }
        let world = self.lock();
        Moment {
            wall: world.wall,
            monotonic: world.monotonic,
        }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let world = self.clone();
        let until = self.lock().monotonic.saturating_add(duration);
        Box::pin(std::future::poll_fn(move |context| {
            let mut world = world.lock();
            if world.monotonic >= until {
                return Poll::Ready(());
            }
            world.sleepers.push((until, context.waker().clone()));
            Poll::Pending
        }))
    }

    fn random(&self) -> u64 {
        self.lock().random
    }
}

#[async_trait]
impl Processes for SimulatedHost {
    async fn run(&self, process: Process) -> Result<ProcessOutput, ProcessError> {
        let (script, time) = {
            let mut world = self.lock();
            world.runs += 1;
            (world.script.clone(), world.process_time)
        };
        let Some(script) = script else {
            return Err(ProcessError::NotStarted(io::ErrorKind::NotFound.into()));
        };
        if time >= process.deadline {
            self.sleep(process.deadline).await;
            return Err(ProcessError::TimedOut {
                output: Vec::new().into(),
                error: Vec::new().into(),
            });
        }
        if !time.is_zero() {
            self.sleep(time).await;
        }
        script(&process)
    }
}

impl terminal::Device for SimulatedHost {
    fn is_terminal(&self) -> bool {
        self.lock().has_terminal
    }

    fn show(&self, text: &str) {
        self.lock().shown.push_str(text);
    }

    fn holder(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.lock().holder)
    }
}

impl fmt::Debug for SimulatedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedHost")
    }
}
