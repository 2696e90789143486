//! A failed subcommand: the message on stderr, the line of the file it is about, and the exit status.

mod report;
pub(crate) mod status;

use std::io;
use std::process::ExitCode;

use kubex::{Error, Host};

use crate::output::{Style, help_lines, print_message};

/// Why a subcommand failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of Kubex.
    Error(Box<Error>),
    /// The command refuses to do something, or the status of the server's response is not a success.
    Command {
        /// What failed and why.
        message: String,
        /// One thing to do.
        help: Option<String>,
        /// The exit status.
        status: u8,
    },
    /// The output could not be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(Box::new(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    /// A failure of the command itself.
    pub(crate) fn new(status: u8, message: impl Into<String>) -> Self {
        Self::Command {
            message: message.into(),
            help: None,
            status,
        }
    }

    /// Adds one thing to do about it.
    pub(crate) fn with_help(mut self, text: impl Into<String>) -> Self {
        if let Self::Command { help, .. } = &mut self {
            *help = Some(text.into());
        }
        self
    }

    /// Shortens the failure, because the output above it already contains all of it.
    pub(crate) fn told_above(self, source: &str) -> Self {
        let status = match self {
            Self::Error(error) => status::from_class(error.kind().class()),
            Self::Command { status, .. } => status,
            Self::Output(_) => return self,
        };
        Self::new(
            status,
            format!("the source {source} would fail, for the reasons in the output above"),
        )
    }

    /// Prints it on stderr, and returns the exit status.
    pub(crate) async fn print(self, host: &Host) -> ExitCode {
        let style = Style::for_stderr(host);
        match self {
            Self::Error(error) => {
                for problem in error.problems() {
                    report::print(problem, style, host).await;
                }
                ExitCode::from(status::from_class(error.kind().class()))
            }
            Self::Command {
                message,
                help,
                status,
            } => {
                print_message(&format!("{} {message}", style.error("error:")));
                if let Some(help) = help {
                    print_message(&help_lines(&help));
                }
                ExitCode::from(status)
            }
            // The reader of the output has closed it, as `head` does.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Output(error) => {
                print_message(&format!(
                    "{} cannot write the output: {error}",
                    style.error("error:")
                ));
                ExitCode::from(status::REQUEST_FAILED)
            }
        }
    }

    /// The operating system refuses what the runtime needs: threads, memory.
    pub(crate) fn cannot_start(error: &io::Error) -> ExitCode {
        print_message(&format!("error: cannot start: {error}"));
        ExitCode::from(status::REQUEST_FAILED)
    }
}
