//! Runs processes on this machine. This is the only place in Kubex that starts one.
//!
//! A process without the terminal has a group of its own. One that gets the terminal stays in this program's group, as the
//! commands of a shell's pipeline do, so that it can read from the terminal, and Ctrl-C and Ctrl-Z reach both. In both cases
//! the process is ended together with its descendants ([`Family`]).
//!
//! | event | action |
//! |---|---|
//! | the process exits, and nothing holds its stdout | the output is used |
//! | the process exits, and a child holds its stdout | the output is used after the pipe grace |
//! | it exited successfully | its children keep running, and may write to its stdout and stderr |
//! | it failed | SIGKILL to its descendants |
//! | the deadline passes | SIGTERM to the process and its descendants, SIGKILL after the kill grace |
//! | the output exceeds the limit | SIGKILL at once |
//! | the future is dropped, or the runtime shuts down | SIGKILL at once |

mod countdown;
#[cfg_attr(unix, path = "native/family.rs")]
#[cfg_attr(not(unix), path = "native/job.rs")]
mod family;
mod output;
#[cfg(unix)]
mod pipe;
#[cfg(target_os = "linux")]
pub(crate) mod process_table;
mod running;
#[cfg(unix)]
mod terminal_settings;
#[cfg(all(test, unix))]
mod tests;
#[cfg(target_os = "linux")]
mod watcher;

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::ExposeSecret;
use kubex_core::host::{Exit, Process, ProcessError, ProcessOutput, Processes, SILENCE};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use zeroize::Zeroizing;

use crate::stderr::printed_secrets;
use countdown::Countdown;
use family::Family;
use output::{Output, Tail};
use running::Running;
pub use running::adopt_orphans;
#[cfg(unix)]
pub use running::end_running_plugins;
#[cfg(target_os = "linux")]
pub use watcher::watch_plugin;

/// The number of bytes to read at once.
const CHUNK: usize = 16 * 1024;

/// How long to wait for a process after SIGKILL. A process that is blocked in the kernel takes longer; the runtime reaps
/// it later.
const REAP_LIMIT: Duration = Duration::from_millis(500);

/// How long to wait for a program that is being written.
const BUSY_DELAY: Duration = Duration::from_millis(100);

/// How long stderr must be silent, after the process has exited, to count as read.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// The processes of this machine.
#[derive(Debug)]
pub(crate) struct NativeProcesses;

#[async_trait]
impl Processes for NativeProcesses {
    async fn run(&self, process: Process) -> Result<ProcessOutput, ProcessError> {
        let mut run = start(process).await.map_err(ProcessError::NotStarted)?;
        let (deadline, kill_grace) = (run.process.deadline, run.process.kill_grace);
        match run.proceed(deadline).await {
            Stop::Exited(exit) => {
                if exit.success() {
                    run.read_last_words().await;
                    run.release();
                } else {
                    run.end().await;
                }
                Ok(run.outcome(exit))
            }
            Stop::DeadlineReached => {
                run.family().terminate();
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
    family::prepare()?;
    let spawned = match spawn(&process) {
        Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
            tokio::time::sleep(BUSY_DELAY).await;
            spawn(&process)?
        }
        spawned => spawned?,
    };
    Ok(Run::new(spawned, process))
}

/// A process that was started, with its pipes.
struct Spawned {
    child: Child,
    family: Family,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    #[cfg(unix)]
    writers: [pipe::Writer; 2],
}

#[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
fn spawn(process: &Process) -> io::Result<Spawned> {
    let marker = family::Marker::new(&process.inherited);
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
        .env(family::MARKER, marker.value())
        .stdin(match process.terminal {
            Some(_) => Stdio::inherit(),
            None => Stdio::null(),
        })
        .kill_on_drop(false);
    #[cfg(unix)]
    {
        let (stdout, stderr) = (pipe::Pipe::new()?, pipe::Pipe::new()?);
        command
            .stdout(stdout.writer.for_child()?)
            .stderr(stderr.writer.for_child()?);
        if process.terminal.is_none() {
            command.process_group(0);
        }
        let terminal = process.terminal.as_ref();
        // Before the start: the process may change them at once.
        let settings = terminal.and_then(|_| terminal_settings::TerminalSettings::read());
        let child = command.spawn()?;
        Ok(Spawned {
            family: Family::new(&child, terminal.is_some(), settings, marker),
            child,
            stdout: Some(ChildStdout::from_std(stdout.reader.into())?),
            stderr: Some(ChildStderr::from_std(stderr.reader.into())?),
            writers: [stdout.writer, stderr.writer],
        })
    }
    #[cfg(not(unix))]
    {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        Ok(Spawned {
            family: Family::new(&child)?,
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
        })
    }
}

/// Why reading and waiting stopped.
enum Stop {
    Exited(ExitStatus),
    DeadlineReached,
    OutputTooLarge,
    Broken(io::Error),
}

/// A running process, and its output so far.
struct Run {
    /// Before the child, and so ended before the child is dropped.
    family: Running,
    child: Child,
    exit: Option<ExitStatus>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    #[cfg(unix)]
    writers: Option<[pipe::Writer; 2]>,
    output: Output,
    error: Tail,
    /// The request; it holds the terminal.
    process: Process,
}

impl Run {
    fn new(spawned: Spawned, process: Process) -> Self {
        Self {
            family: Running::new(spawned.family),
            child: spawned.child,
            exit: None,
            stdout: spawned.stdout,
            stderr: spawned.stderr,
            #[cfg(unix)]
            writers: Some(spawned.writers),
            output: Output::new(process.output_limit),
            error: Tail::new(process.error_kept),
            process,
        }
    }

    fn family(&self) -> &Family {
        self.family.family()
    }

    /// Reads and waits until the process has exited and its stdout was read, or the limit is reached.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    async fn proceed(&mut self, limit: Duration) -> Stop {
        let mut countdown = Countdown::new(match self.exit {
            Some(_) => self.process.pipe_grace,
            None => limit,
        });
        let mut has_partial_line = false;
        let mut printed = Zeroizing::new(vec![0; CHUNK]);
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        loop {
            if let (Some(exit), None) = (self.exit, &self.stdout) {
                return Stop::Exited(exit);
            }
            let Some(step) = countdown.next_step() else {
                return self.exit.map_or(Stop::DeadlineReached, Stop::Exited);
            };
            tokio::select! {
                // What was printed hides itself in what is written to stderr afterwards, so it is read first.
                biased;
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
                        self.take_error(chunk.get(..length).unwrap_or_default());
                        has_partial_line = true;
                    }
                    Err(error) => return Stop::Broken(error),
                },
                exit = self.child.wait(), if self.exit.is_none() => match exit {
                    Ok(exit) => {
                        self.exited(exit);
                        countdown = Countdown::new(self.process.pipe_grace);
                    }
                    Err(error) => return Stop::Broken(error),
                },
                () = tokio::time::sleep(SILENCE), if has_partial_line => {
                    self.process.live_stderr.pause();
                    has_partial_line = false;
                }
                () = tokio::time::sleep(step) => {}
            }
        }
    }

    fn take_error(&mut self, chunk: &[u8]) {
        self.error.take(chunk);
        if let Some(output) = self.output.since_last_look() {
            self.process.live_stderr.hide(printed_secrets(output));
        }
        self.process.live_stderr.take(chunk);
    }

    fn exited(&mut self, exit: ExitStatus) {
        self.exit = Some(exit);
        self.family().leader_exited();
        // The end of stdout can be seen once this program holds no writer itself.
        #[cfg(unix)]
        for writer in self.writers.take().into_iter().flatten() {
            writer.leave_to_children();
        }
    }

    /// Reads what the process wrote to stderr before it exited. Its children may still hold stderr, so its end may never
    /// come.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    async fn read_last_words(&mut self) {
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        let mut left = Countdown::new(self.process.pipe_grace);
        while self.stderr.is_some() && left.next_step().is_some() {
            match tokio::time::timeout(LAST_WORDS, read(&mut self.stderr, &mut chunk)).await {
                Ok(Ok(length)) if length > 0 => self.take_error(chunk.get(..length).unwrap_or_default()),
                Ok(_) => self.stderr = None,
                Err(_) => break,
            }
        }
    }

    /// Leaves the children of a successful process running. What they write is read and dropped, while this program runs.
    fn release(&mut self) {
        self.family.release();
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        if stdout.is_some() || stderr.is_some() {
            tokio::spawn(async { tokio::join!(drain(stdout), drain(stderr)) });
        }
    }

    /// Sends SIGKILL to everything, and waits a moment for the process to exit.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    async fn end(&mut self) {
        self.read_last_words().await;
        self.family.end();
        if self.exit.is_none()
            && let Ok(Ok(exit)) = tokio::time::timeout(REAP_LIMIT, self.child.wait()).await
        {
            self.exited(exit);
        }
    }

    fn outcome(self, exit: ExitStatus) -> ProcessOutput {
        let Self { output, error, .. } = self;
        ProcessOutput {
            exit: exit_of(exit),
            output: output.into_secret(),
            error: error.into_secret(),
        }
    }
}

async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, chunk: &mut [u8]) -> io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(chunk).await,
        None => Ok(0),
    }
}

/// Reads to the end.
async fn drain(mut pipe: Option<impl AsyncRead + Unpin>) {
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    while matches!(read(&mut pipe, &mut chunk).await, Ok(length) if length > 0) {}
}

fn exit_of(exit: ExitStatus) -> Exit {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&exit) {
        return Exit::Signal(signal);
    }
    // A process that was not ended by a signal has an exit code.
    Exit::Status(exit.code().unwrap_or(-1))
}
