//! One run of a program: the guard against programs that run themselves, the process, and the error if it fails.

use std::time::Duration;

use kubex_core::host::{
    Exit, LiveStderr, Process, ProcessError, ProcessOutput, Processes as _, Program, TerminalHold,
};
use kubex_core::text::secret_arguments;
use kubex_core::{ExposeSecret, Host, Result, SecretBytes, SecretString};

use crate::native::NativeProcesses;
use crate::stderr::{self, Redactor};
use crate::{exec_credential, failure, recursion};

/// How long a child process may hold stdout open after the program has exited.
pub(crate) const PIPE_GRACE: Duration = Duration::from_millis(500);

/// The additional time of a fetch: looking up the program, killing it, reading its output.
pub(crate) const MARGIN: Duration = Duration::from_secs(3);

/// The number of bytes of output that are accepted.
const OUTPUT_LIMIT: usize = 1024 * 1024;

/// A run of a program that the policy has permitted.
pub(crate) struct Run<'a> {
    /// The words before its path in errors: `exec plugin`.
    pub(crate) kind: &'static str,
    /// Its name in errors: `exec plugin aws`.
    pub(crate) name: &'a str,
    pub(crate) program: &'a Program,
    pub(crate) arguments: &'a [String],
    /// The variables that the configuration sets for it.
    pub(crate) variables: &'a [(String, SecretString)],
    /// The variable with the input of a plugin, which no configuration can replace.
    pub(crate) input: Option<(String, SecretString)>,
    pub(crate) terminal: Option<TerminalHold>,
    pub(crate) limit: RunLimit,
}

/// The time limit of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunLimit {
    pub(crate) time: Duration,
    /// The setting that it comes from, for the help of an error: `"exec.deadline" in Kubex's configuration`.
    pub(crate) setting: String,
}

impl RunLimit {
    /// The limit of the rules for plugins.
    pub(crate) fn of_rules(is_interactive: bool, host: &Host) -> Self {
        Self {
            time: host.plugin_rules().time_for(is_interactive),
            setting: format!("\"exec.{}\" in Kubex's configuration", Self::key(is_interactive)),
        }
    }

    /// The limit of a source's own option.
    pub(crate) fn of_source(is_interactive: bool, time: Duration) -> Self {
        Self {
            time,
            setting: format!("\"{}\" of the source", Self::key(is_interactive)),
        }
    }

    fn key(is_interactive: bool) -> &'static str {
        if is_interactive {
            "interactive-deadline"
        } else {
            "deadline"
        }
    }
}

/// What a successful run printed.
pub(crate) struct Printed<'a> {
    pub(crate) output: SecretBytes,
    error: SecretBytes,
    redacting: Redacting<'a>,
}

impl Printed<'_> {
    /// Whether it printed anything to stderr.
    pub(crate) fn has_stderr(&self) -> bool {
        !self.error.expose_secret().is_empty()
    }

    /// Its stderr, redacted.
    pub(crate) fn stderr(&self) -> String {
        self.redacting.redact(&self.error, self.output.expose_secret())
    }
}

impl<'a> Run<'a> {
    /// Runs the program until it exits. Calls `ended` with the result.
    ///
    /// # Errors
    /// Returns an error if the program fails, and `EmptyOutput` if it printed nothing.
    pub(crate) async fn finish(
        self,
        host: &Host,
        ended: impl FnOnce(&Result<ProcessOutput, ProcessError>),
    ) -> Result<Printed<'a>> {
        let Run {
            kind,
            name,
            program,
            arguments,
            variables,
            input,
            terminal,
            limit,
        } = self;
        let stack = recursion::stack_with(kind, program, arguments, host)?;
        let redacting = Redacting { variables, arguments };
        let live_stderr = LiveStderr::new(name, redacting.secrets(), terminal.as_ref(), host);
        let mut added = variables.to_vec();
        // If a name occurs twice, the last value is used, so the configuration cannot replace these variables.
        added.push((recursion::VARIABLE.to_owned(), SecretString::unlisted(stack)));
        added.extend(input);
        let process = Process {
            program: program.clone(),
            arguments: arguments.to_vec(),
            inherited: host.plugin_variables(),
            added,
            terminal,
            live_stderr: live_stderr.clone(),
            deadline: limit.time,
            kill_grace: host.plugin_rules().time_to_end(),
            pipe_grace: PIPE_GRACE,
            output_limit: OUTPUT_LIMIT,
            error_kept: stderr::MAX_LENGTH,
        };
        let run = match host.processes() {
            Some(processes) => processes.run(process).await,
            None => NativeProcesses.run(process).await,
        };
        live_stderr.finish().await;
        ended(&run);
        let ProcessOutput { exit, output, error } = run.map_err(|error| match error {
            ProcessError::NotStarted(error) => failure::not_started(kind, program.path(), error),
            ProcessError::TimedOut { output, error } => {
                let stderr = redacting.redact(&error, output.expose_secret());
                failure::timed_out(name, &limit, &stderr)
            }
            ProcessError::OutputTooLarge => failure::printed_too_much(name, OUTPUT_LIMIT),
            ProcessError::Broken(error) => failure::broken(name, error),
            error => failure::broken(name, std::io::Error::other(format!("{error:?}"))),
        })?;
        let printed = Printed {
            output,
            error,
            redacting,
        };
        if exit != Exit::Status(0) {
            return Err(failure::failed(name, exit, &printed.stderr()));
        }
        if exec_credential::is_empty(&printed.output) {
            return Err(failure::printed_nothing(name, &printed.stderr()));
        }
        Ok(printed)
    }
}

/// The values that the program receives and that may be secrets.
#[derive(Clone, Copy)]
struct Redacting<'a> {
    variables: &'a [(String, SecretString)],
    arguments: &'a [String],
}

impl Redacting<'_> {
    fn redact(self, error: &SecretBytes, output: &[u8]) -> String {
        Redactor {
            output,
            variables: self.variables,
            arguments: self.arguments,
        }
        .redact(error)
    }

    fn secrets(self) -> Vec<SecretString> {
        let variables = self.variables.iter().map(|(_, value)| value.clone());
        let arguments = secret_arguments(self.arguments).map(SecretString::from);
        variables.chain(arguments).collect()
    }
}
