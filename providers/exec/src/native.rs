//! Running a process on this machine: the only place in Kubex that starts one.
//!
//! The process gets a group of its own, so that what it starts in turn can be ended with it. As long as
//! something holds its output or its standard error open, the run is not over; what has let go of both was
//! sent to the background on purpose, and stays.
//!
//! | what happens | what is done |
//! |---|---|
//! | the deadline passes | SIGTERM to the group, SIGKILL after the kill grace |
//! | it exits, and a grandchild holds a pipe | SIGKILL to the group after the pipe grace; what was printed counts |
//! | it prints more than the limit | SIGKILL to the group at once |
//! | the future is dropped, the runtime shut down | SIGKILL to the group at once |
//!
//! A process that is given the terminal is put into its foreground, so that it can read there and Ctrl-C ends
//! it; afterwards this program is put there again (`foreground.rs`).
//!
//! Without process groups, as on Windows, the process alone is ended.

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

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// How long a process may take to vanish after SIGKILL. One that hangs in the kernel takes longer; the runtime
/// collects it when it is gone.
const VANISHING: Duration = Duration::from_millis(500);

/// How long a program that is being written is waited for.
const BUSY: Duration = Duration::from_millis(100);

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
            Stop::TimeIsUp => {
                run.ask_to_end();
                // However it takes that, the time was over.
                let _ = run.proceed(kill_grace).await;
                run.end().await;
                Err(ProcessError::TimedOut {
                    output: run.output.into_secret(),
                    error: run.error.into_secret(),
                })
            }
            Stop::TooMuch => {
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

/// Starts it, and once again where somebody was just writing the program: an update, or a sibling that another
/// thread is starting and that still has the file open.
#[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
async fn start(process: Process) -> io::Result<Run> {
    let child = match spawn(&process) {
        Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
            tokio::time::sleep(BUSY).await;
            spawn(&process)?
        }
        spawned => spawned?,
    };
    Ok(Run::of(child, process))
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

/// Why a run does not go on.
enum Stop {
    /// It exited, and nobody holds its pipes.
    Ended(ExitStatus),
    /// It exited, and somebody it started still holds a pipe.
    PipesHeld(ExitStatus),
    TimeIsUp,
    TooMuch,
    Broken(io::Error),
}

/// A process under way, and what it has said until now.
struct Run {
    /// Before the child: what is dropped first can still be addressed.
    group: Group,
    /// After the group, which must not be left in the background of a terminal that it is reading from.
    #[cfg(unix)]
    _foreground: Option<Foreground>,
    child: Child,
    exit: Option<ExitStatus>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    output: Output,
    error: Tail,
    /// What was asked for; it holds the terminal.
    process: Process,
}

impl Run {
    fn of(mut child: Child, process: Process) -> Self {
        let group = Group::of(&child);
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
            output: Output::up_to(process.output_limit),
            error: Tail::of(process.error_kept),
            process,
        }
    }

    /// Reads and waits until it is over or the limit is reached.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    async fn proceed(&mut self, limit: Duration) -> Stop {
        let mut limit = pin!(tokio::time::sleep(limit));
        if self.exit.is_some() {
            limit.set(tokio::time::sleep(self.process.pipe_grace));
        }
        let mut printed = Zeroizing::new(vec![0; CHUNK]);
        let mut said = Zeroizing::new(vec![0; CHUNK]);
        loop {
            if let (Some(exit), None, None) = (self.exit, &self.stdout, &self.stderr) {
                return Stop::Ended(exit);
            }
            tokio::select! {
                read = read(&mut self.stdout, &mut printed), if self.stdout.is_some() => match read {
                    Ok(0) => self.stdout = None,
                    Ok(length) => if !self.output.take(printed.get(..length).unwrap_or_default()) {
                        return Stop::TooMuch;
                    },
                    Err(error) => return Stop::Broken(error),
                },
                read = read(&mut self.stderr, &mut said), if self.stderr.is_some() => match read {
                    Ok(0) => self.stderr = None,
                    Ok(length) => {
                        let said = said.get(..length).unwrap_or_default();
                        self.error.take(said);
                        if let Some(terminal) = &self.process.terminal {
                            terminal.show(said);
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
                    None => Stop::TimeIsUp,
                },
            }
        }
    }

    /// SIGTERM, where there is such a thing.
    fn ask_to_end(&mut self) {
        if cfg!(unix) {
            self.group.terminate();
        } else {
            // It may have exited by itself, which is as good.
            let _ = self.child.start_kill();
        }
    }

    /// SIGKILL to all of it, and a moment for it to vanish.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    async fn end(&mut self) {
        self.group.kill();
        // It may have exited by itself, which is as good.
        let _ = self.child.start_kill();
        if self.exit.is_none() {
            let _ = tokio::time::timeout(VANISHING, self.child.wait()).await;
        }
    }

    fn outcome(self, exit: ExitStatus) -> ProcessOutput {
        ProcessOutput {
            exit: how(exit),
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

fn how(exit: ExitStatus) -> Exit {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&exit) {
        return Exit::Signal(signal);
    }
    // Without a signal there is always a code.
    Exit::Status(exit.code().unwrap_or(-1))
}

/// The process group of a child. It is killed on drop unless it was released.
struct Group {
    #[cfg(unix)]
    leader: Option<nix::unistd::Pid>,
}

#[cfg(unix)]
impl Group {
    /// The child leads its group, so the group has the child's number.
    fn of(child: &Child) -> Self {
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
            // It fails where nobody is left in the group, which is what is wanted.
            let _ = nix::sys::signal::killpg(leader, signal);
        }
    }
}

#[cfg(not(unix))]
#[expect(clippy::unused_self, reason = "the same calls as where there are groups")]
impl Group {
    fn of(_: &Child) -> Self {
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

/// What was printed, up to a limit. It may be a credential, so a buffer that grows leaves no copy behind.
struct Output {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
}

impl Output {
    fn up_to(limit: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(CHUNK)),
            limit,
        }
    }

    /// Whether it still is within the limit.
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

/// The last bytes of what was said.
struct Tail {
    bytes: Zeroizing<Vec<u8>>,
    kept: usize,
}

impl Tail {
    fn of(kept: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(kept)),
            kept,
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        let new = chunk
            .get(chunk.len().saturating_sub(self.kept)..)
            .unwrap_or_default();
        // At most what there is, because the new part alone is no longer than what is kept.
        let surplus = (self.bytes.len() + new.len()).saturating_sub(self.kept);
        self.bytes.drain(..surplus);
        self.bytes.extend_from_slice(new);
    }

    fn into_secret(self) -> SecretBytes {
        self.bytes.as_slice().to_vec().into()
    }
}
