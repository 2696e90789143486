//! Running the plugin for a credential.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::host::{Exit, Process, ProcessError, ProcessOutput, Processes as _};
use kubex_core::text::clean_line;
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    FromOptions, Host, Options, Origin, Result, SecretBytes, SecretString,
};

use crate::exec_info::{self, exec_info};
use crate::lookup::Command;
use crate::native::NativeProcesses;
use crate::options::{EnvironmentVariable, ExecOptions, InteractiveMode};
use crate::protocol::ApiVersion;
use crate::said::{self, said};
use crate::{answer, failure};

/// How long after SIGTERM a plugin gets SIGKILL.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// How long a grandchild may hold the output open after the plugin has exited.
const PIPE_GRACE: Duration = Duration::from_millis(500);

/// What a fetch takes beside the run, at the most: looking the program up, ending it, reading its answer.
const MARGIN: Duration = Duration::from_secs(3);

/// How many bytes of output are accepted.
const OUTPUT_LIMIT: usize = 1024 * 1024;

/// The credential source of the provider `exec`.
pub struct ExecSource {
    command: Command,
    name: String,
    origin: Origin,
    arguments: Vec<String>,
    environment: Vec<(String, SecretString)>,
    api_version: ApiVersion,
    install_hint: Option<String>,
    provides_cluster: bool,
    interactive_mode: InteractiveMode,
    deadline: Duration,
}

impl FromOptions for ExecSource {
    type Options = ExecOptions;

    fn from_options(options: ExecOptions, context: &BuildContext<'_>) -> Result<Self> {
        let written = context.options;
        let origin = written.origin_of("command");
        let api_version = options
            .api_version
            .map_or(Ok(ApiVersion::default()), |text| ApiVersion::parse(&text))
            .map_err(|error| error.at(&origin_of(written, &["api-version", "apiVersion"])))?;
        if options.args.iter().any(|argument| argument.contains('\0')) {
            return Err(
                Error::new(ErrorKind::InvalidValue, "an argument has a zero byte in it")
                    .at(&written.origin_of("args")),
            );
        }
        Ok(Self {
            command: Command::new(&options.command, &origin).map_err(|error| error.at(&origin))?,
            name: format!("exec plugin {}", clean_line(&options.command)),
            arguments: options.args,
            environment: environment(options.env).map_err(|error| error.at(&written.origin_of("env")))?,
            api_version,
            install_hint: options.install_hint.filter(|hint| !hint.trim().is_empty()),
            provides_cluster: options.provide_cluster_info,
            interactive_mode: options.interactive_mode,
            deadline: options.deadline,
            origin,
        })
    }
}

/// The place of an option that has two spellings.
fn origin_of(options: &Options, spellings: &[&str]) -> Origin {
    spellings
        .iter()
        .find_map(|key| options.get(key))
        .map_or_else(|| options.origin().clone(), |value| value.origin().clone())
}

fn environment(variables: Vec<EnvironmentVariable>) -> Result<Vec<(String, SecretString)>> {
    variables
        .into_iter()
        .map(|EnvironmentVariable { name, value }| {
            let why = if name.is_empty() {
                "has no name"
            } else if name.contains(['=', '\0']) {
                "has a name with an equals sign or a zero byte in it"
            } else if value.expose_secret().contains('\0') {
                "has a value with a zero byte in it"
            } else {
                return Ok((name, value));
            };
            Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!("a variable of the plugin's environment {why}"),
            ))
        })
        .collect()
}

impl ExecSource {
    async fn run(&self, host: &Host, cluster: &Cluster) -> Result<Credential> {
        // client-go's words; there is no terminal to hand over.
        if self.interactive_mode == InteractiveMode::Always {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "exec plugin cannot support interactive mode: standard input is not a terminal",
            )
            .advise("set the interactive mode to IfAvailable or Never"));
        }
        let program = self
            .command
            .find(host)
            .await
            .map_err(|error| self.hinted(error))?;
        let process = self.process(program.clone(), host, cluster);
        let ended = match host.processes() {
            Some(processes) => processes.run(process).await,
            None => NativeProcesses.run(process).await,
        };
        let ProcessOutput { exit, output, error } = ended.map_err(|error| match error {
            ProcessError::NotStarted(error) => failure::not_started(&program, error),
            ProcessError::TimedOut { output, error } => {
                let said = self.said(&error, output.expose_secret());
                failure::timed_out(&self.name, self.deadline, &said)
            }
            ProcessError::OutputTooLarge => failure::printed_too_much(&self.name, OUTPUT_LIMIT),
            ProcessError::Broken(error) => failure::broken(&self.name, error),
            error => failure::broken(&self.name, std::io::Error::other(format!("{error:?}"))),
        })?;
        let said = || self.said(&error, output.expose_secret());
        if exit != Exit::Status(0) {
            return Err(failure::failed(&self.name, exit, &said()));
        }
        if answer::is_empty(&output) {
            return Err(failure::printed_nothing(&self.name, &said()));
        }
        if !error.expose_secret().is_empty() {
            tracing::debug!(target: "kubex::exec", plugin = self.name, said = said(), "the plugin said something");
        }
        answer::read(&output, self.api_version, &self.name)
            .map_err(|fault| failure::with_what_it_said(fault, &said()))
    }

    fn process(&self, program: std::path::PathBuf, host: &Host, cluster: &Cluster) -> Process {
        let told = self.provides_cluster.then_some(cluster);
        let mut added = self.environment.clone();
        // The last one of a name wins, so nothing in the configuration can take this one's place.
        added.push((
            exec_info::VARIABLE.to_owned(),
            exec_info(self.api_version, told, false),
        ));
        Process {
            program,
            arguments: self.arguments.clone(),
            inherited: host.environment().variables(),
            added,
            deadline: self.deadline,
            kill_grace: KILL_GRACE,
            pipe_grace: PIPE_GRACE,
            output_limit: OUTPUT_LIMIT,
            error_kept: said::KEPT,
        }
    }

    fn said(&self, error: &SecretBytes, output: &[u8]) -> String {
        said(error, output, self.environment.iter().map(|(_, value)| value))
    }

    /// Adds what the configuration tells a user who has not installed the plugin.
    fn hinted(&self, error: Error) -> Error {
        match &self.install_hint {
            Some(hint) if error.kind() == ErrorKind::PluginNotFound => {
                let advice = error.advice().unwrap_or_default().to_owned();
                error.advise(format_args!("{advice}\n\n{}", hint.trim()))
            }
            _ => error,
        }
    }
}

#[async_trait]
impl CredentialSource for ExecSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        self.run(request.host, request.cluster)
            .await
            .map_err(|error| error.at(&self.origin))
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    /// Longer than a run can take, so that its own error, with what the plugin said, is what callers see.
    fn deadline(&self) -> Duration {
        self.deadline + KILL_GRACE + PIPE_GRACE + MARGIN
    }
}

/// Arguments may hold secrets, so they are counted and not shown.
impl fmt::Debug for ExecSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecSource")
            .field("command", &self.command)
            .field("arguments", &self.arguments.len())
            .field("api_version", &self.api_version)
            .field("interactive_mode", &self.interactive_mode)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
