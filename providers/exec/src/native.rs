//! Runs processes on this machine. This is the only place in Kubex that starts one.
//!
//! Each process has its own group, so that its children can be ended with it. The run is over when nothing holds its stdout
//! or stderr open. A child that has closed both was sent to the background on purpose, and keeps running.
//!
//! | event | action |
//! |---|---|
//! | the deadline passes | SIGTERM to the group, SIGKILL after the kill grace |
//! | the process exits, and a child holds a pipe | SIGKILL to the group after the pipe grace; the output is used |
//! | the output exceeds the limit | SIGKILL to the group at once |
//! | the future is dropped, or the runtime shuts down | SIGKILL to the group at once |
//!
//! A process that gets the terminal becomes its foreground group, so that it can read and Ctrl-C ends it. Afterwards this
//! program becomes the foreground group again (`foreground.rs`).
//!
//! On systems without process groups, such as Windows, only the process itself is ended.

#[cfg(unix)]
mod foreground;
#[cfg(all(test, unix))]
mod tests;

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::host::{Exit, Process, ProcessError, ProcessOutput, Processes};
use kubex_core::{ExposeSecret, SecretBytes};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use zeroize::Zeroizing;

#[cfg(unix)]
use foreground::Foreground;

/// The number of bytes to read at once.
const CHUNK: usize = 16 * 1024;

/// How long to wait for a process after SIGKILL. A process that is blocked in the kernel takes longer; the runtime reaps
/// it later.
const REAP_LIMIT: Duration = Duration::from_millis(500);

/// How long to wait for a program that is being written.
const BUSY_DELAY: Duration = Duration::from_millis(100);

/// The processes of this machine.
#[derive(Debug)]
pub(crate) struct NativeProcesses;

#[async_trait]
impl Processes for NativeProcesses {
    async fn run(&self, process: Process) -> Result<ProcessOutput, ProcessError> {
        let mut run = start(process).await.map_err(ProcessError::NotStarted)?;
        let (deadline, kill_grace) = (run.process.deadline, run.process.kill_grace);
        match run.proceed(deadline).await {
            Stop::Ended(exit) => {
                run.group.release();
                Ok(run.outcome(exit))
            }
            Stop::PipesHeld(exit) => {
                run.group.kill();
                Ok(run.outcome(exit))
            }
            Stop::DeadlineReached => {
                run.terminate();
                // The deadline was exceeded, however the process ends now.
                let _ = run.proceed(kill_grace).await;
                run.end().await;
                Err(ProcessError::TimedOut {
                    output: run.output.into_secret(),
                    error: run.error.into_secret(),
                })
            }
            Stop::OutputTooLarge => {
                run.end().await;
                Err(ProcessError::OutputTooLarge)
            }
            Stop::Broken(error) => {
                run.end().await;
                Err(ProcessError::Broken(error))
            }
        }
    }
}

/// Starts the process. Tries once more if the program's file is open for writing: during an update, or while another
/// thread starts a process that inherited the open file.
#[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
async fn start(process: Process) -> io::Result<Run> {
    let child = match spawn(&process) {
        Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
            tokio::time::sleep(BUSY_DELAY).await;
            spawn(&process)?
        }
        spawned => spawned?,
    };
    Ok(Run::new(child, process))
}

#[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
fn spawn(process: &Process) -> io::Result<Child> {
    let mut command = Command::new(process.program.path());
    command
        .args(&process.arguments)
        .env_clear()
        .envs(process.inherited.iter().map(|(name, value)| (name, value)))
        .envs(
            process
                .added
                .iter()
                .map(|(name, value)| (name, value.expose_secret())),
        )
        .stdin(match process.terminal {
            Some(_) => Stdio::inherit(),
            None => Stdio::null(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// Why reading and waiting stopped.
enum Stop {
    /// The process exited, and nothing holds its pipes.
    Ended(ExitStatus),
    /// The process exited, and one of its children holds a pipe.
    PipesHeld(ExitStatus),
    DeadlineReached,
    OutputTooLarge,
    Broken(io::Error),
}

/// A running process, and its output so far.
struct Run {
    /// Before the child: a group that is dropped first can still receive signals.
    group: Group,
    /// After the group: a group that reads from the terminal must not be moved into the background before it is killed.
    #[cfg(unix)]
    _foreground: Option<Foreground>,
    child: Child,
    exit: Option<ExitStatus>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    output: Output,
    error: Tail,
    /// The request; it holds the terminal.
    process: Process,
}

impl Run {
    fn new(mut child: Child, process: Process) -> Self {
        let group = Group::new(&child);
        #[cfg(unix)]
        let foreground = group
            .leader
            .filter(|_| process.terminal.is_some())
            .and_then(Foreground::give_to);
        Self {
            group,
            #[cfg(unix)]
            _foreground: foreground,
            exit: None,
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            output: Output::new(process.output_limit),
            error: Tail::new(process.error_kept),
            process,
        }
    }

    /// Reads and waits until the run is over or the limit is reached.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    async fn proceed(&mut self, limit: Duration) -> Stop {
        let mut limit = pin!(tokio::time::sleep(limit));
        if self.exit.is_some() {
            limit.set(tokio::time::sleep(self.process.pipe_grace));
        }
        let mut printed = Zeroizing::new(vec![0; CHUNK]);
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        loop {
            if let (Some(exit), None, None) = (self.exit, &self.stdout, &self.stderr) {
                return Stop::Ended(exit);
            }
            tokio::select! {
                read = read(&mut self.stdout, &mut printed), if self.stdout.is_some() => match read {
                    Ok(0) => self.stdout = None,
                    Ok(length) => if !self.output.take(printed.get(..length).unwrap_or_default()) {
                        return Stop::OutputTooLarge;
                    },
                    Err(error) => return Stop::Broken(error),
                },
                read = read(&mut self.stderr, &mut chunk), if self.stderr.is_some() => match read {
                    Ok(0) => self.stderr = None,
                    Ok(length) => {
                        let chunk = chunk.get(..length).unwrap_or_default();
                        self.error.take(chunk);
                        if let Some(terminal) = &self.process.terminal {
                            terminal.show(chunk);
                        }
                    }
                    Err(error) => return Stop::Broken(error),
                },
                exit = self.child.wait(), if self.exit.is_none() => match exit {
                    Ok(exit) => {
                        self.exit = Some(exit);
                        limit.set(tokio::time::sleep(self.process.pipe_grace));
                    }
                    Err(error) => return Stop::Broken(error),
                },
                () = &mut limit => return match self.exit {
                    Some(exit) => Stop::PipesHeld(exit),
                    None => Stop::DeadlineReached,
                },
            }
        }
    }

    /// Sends SIGTERM, if the system has it.
    fn terminate(&mut self) {
        if cfg!(unix) {
            self.group.terminate();
        } else {
            // An error means that the process has exited already.
            let _ = self.child.start_kill();
        }
    }

    /// Sends SIGKILL to the group, and waits a moment for the process to exit.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    async fn end(&mut self) {
        self.group.kill();
        // An error means that the process has exited already.
        let _ = self.child.start_kill();
        if self.exit.is_none() {
            let _ = tokio::time::timeout(REAP_LIMIT, self.child.wait()).await;
        }
    }

    fn outcome(self, exit: ExitStatus) -> ProcessOutput {
        ProcessOutput {
            exit: exit_of(exit),
            output: self.output.into_secret(),
            error: self.error.into_secret(),
        }
    }
}

async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, chunk: &mut [u8]) -> io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(chunk).await,
        None => Ok(0),
    }
}

fn exit_of(exit: ExitStatus) -> Exit {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&exit) {
        return Exit::Signal(signal);
    }
    // A process that was not ended by a signal has an exit code.
    Exit::Status(exit.code().unwrap_or(-1))
}

/// The process group of a child. It is killed on drop, unless it was released.
struct Group {
    #[cfg(unix)]
    leader: Option<nix::unistd::Pid>,
}

#[cfg(unix)]
impl Group {
    /// The child leads its group, so the group's id is the child's.
    fn new(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.map(nix::unistd::Pid::from_raw),
        }
    }

    fn terminate(&self) {
        self.send(nix::sys::signal::Signal::SIGTERM);
    }

    fn kill(&mut self) {
        self.send(nix::sys::signal::Signal::SIGKILL);
        self.release();
    }

    fn release(&mut self) {
        self.leader = None;
    }

    fn send(&self, signal: nix::sys::signal::Signal) {
        if let Some(leader) = self.leader {
            // An error means that the group is empty already.
            let _ = nix::sys::signal::killpg(leader, signal);
        }
    }
}

#[cfg(not(unix))]
#[expect(clippy::unused_self, reason = "the same interface as with process groups")]
impl Group {
    fn new(_: &Child) -> Self {
        Self {}
    }

    fn terminate(&self) {}

    fn kill(&mut self) {}

    fn release(&mut self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The stdout so far, up to a limit. It may be a credential, so a buffer that grows is wiped.
struct Output {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
}

impl Output {
    fn new(limit: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(CHUNK)),
            limit,
        }
    }

    /// Appends the chunk. Returns whether the output is still within the limit.
    fn take(&mut self, chunk: &[u8]) -> bool {
        let length = self.bytes.len() + chunk.len();
        if length > self.limit {
            return false;
        }
        if length > self.bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(length.max(self.bytes.capacity() * 2)));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(chunk);
        true
    }

    fn into_secret(self) -> SecretBytes {
        self.bytes.as_slice().to_vec().into()
    }
}

/// The last bytes of stderr.
struct Tail {
    bytes: Zeroizing<Vec<u8>>,
    kept: usize,
}

impl Tail {
    fn new(kept: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(kept)),
            kept,
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        let new = chunk
            .get(chunk.len().saturating_sub(self.kept)..)
            .unwrap_or_default();
        // Never more than the buffer's length, because the new part is at most as long as the kept one.
        let surplus = (self.bytes.len() + new.len()).saturating_sub(self.kept);
        self.bytes.drain(..surplus);
        self.bytes.extend_from_slice(new);
    }

    fn into_secret(self) -> SecretBytes {
        self.bytes.as_slice().to_vec().into()
    }
}
