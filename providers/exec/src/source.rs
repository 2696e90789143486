//! The credential source: runs the plugin and reads its output.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::host::{Deadline, PluginVerdict, Program};
use kubex_core::text::{names_a_secret, sanitize_line, shown_path};
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    FromOptions, Host, Options, Origin, Registry, Result, SecretString, Warning,
};

use crate::exec_credential::AcceptedVersion;
use crate::exec_info::{self, PassedCluster, exec_info};
use crate::exec_request::ExecRequest;
use crate::hint::InstallHint;
use crate::lookup::Command;
use crate::metrics::{self, PluginCertificate};
use crate::options::{EnvironmentVariable, ExecOptions, InteractiveMode};
use crate::plugin_identity::OwnedIdentity;
use crate::protocol::ApiVersion;
use crate::run::{MARGIN, PIPE_GRACE, Run, RunLimit};
use crate::shared_call::WrappedPlugin;
use crate::{exec_credential, failure, interaction};

/// How long a look at the program may take while the chain resolves. A directory of `PATH` may be on a network file system
/// that hangs.
const LOOK_LIMIT: Duration = Duration::from_millis(500);

/// Runs an exec plugin: the credential source of the provider `exec`. See the [crate](crate).
pub struct ExecSource {
    command: Command,
    name: String,
    origin: Origin,
    arguments: Vec<String>,
    environment: Vec<(String, SecretString)>,
    api_version: ApiVersion,
    install_hint: InstallHint,
    provides_cluster: bool,
    interactive_mode: InteractiveMode,
    deadline: Option<Deadline>,
    interactive_deadline: Option<Deadline>,
    /// Whether a kubeconfig contains the options. An allowlist then limits the variables.
    is_from_kubeconfig: bool,
    /// The plugin that the command runs, if the command is `kubex exec`.
    wrapped: Option<WrappedPlugin>,
    /// The program that this source serves, if it serves one.
    request: Option<ExecRequest>,
    /// The client certificate that the plugin returned last, for the metrics.
    certificate: PluginCertificate,
}

impl FromOptions for ExecSource {
    type Options = ExecOptions;

    fn from_options(options: ExecOptions, context: &BuildContext<'_>) -> Result<Self> {
        let written = context.options;
        let origin = written.origin_of("command");
        let api_version = options
            .api_version
            .map_or(Ok(ApiVersion::default()), |text| ApiVersion::parse(&text))
            .map_err(|error| error.with_origin(&origin_of(written, &["api-version", "apiVersion"])))?;
        if options.args.iter().any(|argument| argument.contains('\0')) {
            return Err(
                Error::new(ErrorKind::InvalidValue, "an argument contains a zero byte")
                    .with_origin(&written.origin_of("args")),
            );
        }
        Ok(Self {
            command: Command::new(&options.command, &origin).map_err(|error| error.with_origin(&origin))?,
            name: format!("exec plugin {}", sanitize_line(&options.command)),
            wrapped: WrappedPlugin::of(&options.command, &options.args, context.registry),
            arguments: options.args,
            environment: environment(options.env)
                .map_err(|error| error.with_origin(&written.origin_of("env")))?,
            api_version,
            install_hint: InstallHint::new(options.install_hint),
            provides_cluster: options.provide_cluster_info,
            interactive_mode: options.interactive_mode,
            deadline: options.deadline,
            interactive_deadline: options.interactive_deadline,
            is_from_kubeconfig: written.is_from_kubeconfig(),
            request: None,
            certificate: PluginCertificate::none(),
            origin,
        })
    }
}

/// The origin of an option that has two spellings.
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
                "has a name that contains an equals sign or a zero byte"
            } else if value.expose_secret().contains('\0') {
                "has a value that contains a zero byte"
            } else if names_a_secret(&name) {
                let value = SecretString::from(value.expose_secret());
                return Ok((name, value));
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
    /// Creates a source for a program that is itself run as an exec plugin, for example by kubectl. The source runs the plugin
    /// in `options`, passes it the cluster in `request`, and accepts a response in any version of the protocol.
    ///
    /// # Errors
    /// Returns the errors of invalid options.
    pub fn serving(options: &Options, request: ExecRequest) -> Result<Self> {
        let registry = Registry::from_registrations([])?;
        let context = BuildContext {
            registry: &registry,
            options,
        };
        let mut source = Self::from_options(options.parse()?, &context)?;
        source.api_version = request.api_version();
        source.request = Some(request);
        Ok(source)
    }

    /// The program, if it is found and the policy permits it.
    async fn permitted(&self, host: &Host) -> Result<Program> {
        let variables = self.limited_variables();
        let program = host.permit(self.command.as_os_str(), self.command.find(host), &variables);
        let limit = self.time_for(false, host);
        let program = host.within(limit, program).await;
        program.unwrap_or_else(|_| Err(failure::not_found_in_time(&self.name, limit)))
    }

    async fn run(&self, host: &Host, cluster: &Cluster) -> Result<Credential> {
        let terminal = interaction::terminal(self.interactive_mode, host)?;
        let mut program = self.permitted(host).await;
        metrics::asked(&program);
        let terminal = match terminal {
            Some(terminal) if program.is_ok() => {
                let held = interaction::hold(terminal, host).await?;
                // The program or the policy may have changed while the terminal was in use.
                program = self.permitted(host).await;
                Some(held)
            }
            _ => None,
        };
        let program = program.map_err(|error| self.install_hint.add_to(error, host))?;
        let is_interactive = terminal.is_some();
        let input = exec_info(self.api_version, self.passed_cluster(cluster), is_interactive);
        let run = Run {
            kind: "exec plugin",
            name: &self.name,
            program: &program,
            arguments: &self.arguments,
            variables: &self.environment,
            input: Some((exec_info::VARIABLE.to_owned(), input)),
            terminal,
            limit: self.run_limit(is_interactive, host),
        };
        let printed = run.finish(host, metrics::called).await?;
        // While the credential exists, it is hidden in every spelling.
        let credential = exec_credential::read(&printed.output, self.accepted_version(), &self.name);
        if printed.has_stderr() {
            tracing::debug!(target: "kubex::exec", command = self.name, stderr = printed.stderr(), "the plugin printed to stderr");
        }
        credential.map_err(|error| failure::with_stderr(error, &printed.stderr()))
    }

    fn accepted_version(&self) -> AcceptedVersion {
        match self.request {
            Some(_) => AcceptedVersion::Any(self.api_version),
            None => AcceptedVersion::Asked(self.api_version),
        }
    }

    fn passed_cluster<'a>(&'a self, cluster: &'a Cluster) -> PassedCluster<'a> {
        match &self.request {
            Some(request) => request
                .cluster()
                .map_or(PassedCluster::None, PassedCluster::Received),
            None if self.provides_cluster => PassedCluster::Of(cluster),
            None => PassedCluster::None,
        }
    }

    /// All variables of the plugin.
    fn variables(&self, host: &Host) -> Vec<(OsString, OsString)> {
        let own = self
            .environment
            .iter()
            .map(|(name, value)| (name.into(), value.expose_secret().into()));
        host.environment().variables().into_iter().chain(own).collect()
    }

    /// The time limit of a run: its own option, or the host's rules.
    fn run_limit(&self, is_interactive: bool, host: &Host) -> RunLimit {
        let own = if is_interactive {
            self.interactive_deadline
        } else {
            self.deadline
        };
        match own {
            Some(own) => RunLimit::of_source(is_interactive, own.duration()),
            None => RunLimit::of_rules(is_interactive, host),
        }
    }

    fn time_for(&self, is_interactive: bool, host: &Host) -> Duration {
        self.run_limit(is_interactive, host).time
    }

    /// The time limit of a fetch: the wait for the terminal, the run, and the end of the plugin.
    fn limit(&self, host: &Host) -> Duration {
        self.time_to_run(host) + host.plugin_rules().time_to_end() + PIPE_GRACE + MARGIN
    }

    /// The time limit of the wait for the terminal and of the run.
    fn time_to_run(&self, host: &Host) -> Duration {
        let without_terminal = self.time_for(false, host);
        match host.terminal() {
            Some(_) => {
                let wait = host.plugin_rules().time_for(true);
                (wait + self.time_for(true, host)).max(without_terminal)
            }
            None => without_terminal,
        }
    }

    /// The host as the plugin sees it when it looks for a program itself.
    fn host_of_plugin(&self, host: &Host) -> Host {
        let mut own = self.environment.iter().rev();
        match own.find(|(name, _)| name == "PATH") {
            Some((name, value)) => host.clone().with_variable(name, Some(value.expose_secret())),
            None => host.clone(),
        }
    }

    /// The names of the variables that an allowlist limits.
    fn limited_variables(&self) -> Vec<&str> {
        let names = self.environment.iter().map(|(name, _)| name.as_str());
        names.filter(|_| self.is_from_kubeconfig).collect()
    }
}

#[async_trait]
impl CredentialSource for ExecSource {
    /// Each step of the fetch has a time limit of its own. There is no time limit for the whole fetch, because time
    /// does not count while Ctrl-Z stops the program.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let fetched = self.run(request.host, request.cluster).await;
        if let Ok(credential) = &fetched {
            self.certificate.replaced_by(credential, request.host.now().wall);
        }
        fetched.map_err(|error| error.with_origin(&self.origin))
    }

    fn describe(&self) -> String {
        let wrapped = self.wrapped.as_ref();
        wrapped.map_or_else(|| self.name.clone(), WrappedPlugin::describe)
    }

    /// Returns a warning if other users can change the plugin's program. A command that is a name is not checked,
    /// because the search in `PATH` takes longer than everything else. A missing program is an error of the fetch.
    async fn warnings(&self, host: &Host) -> Vec<Warning> {
        let command = self.command.as_os_str();
        if Path::new(command).components().count() == 1 {
            return Vec::new();
        }
        let Ok(Ok(program)) = host.within(LOOK_LIMIT, self.command.find(host)).await else {
            return Vec::new();
        };
        let writers = host.files().foreign_writers(&program);
        let Ok(Some(writers)) = host.within(LOOK_LIMIT, writers).await else {
            return Vec::new();
        };
        let warning = Warning::new(
            "writable-by-others",
            format_args!(
                "the plugin \"{}\" can be changed by others: {writers}",
                shown_path(&program)
            ),
        );
        vec![warning.with_origin(&self.origin)]
    }

    async fn plugin_verdict(&self, host: &Host) -> Option<PluginVerdict> {
        let variables = self.limited_variables();
        let verdict = host.plugin_verdict(self.command.as_os_str(), self.command.find(host), &variables);
        let limit = self.time_for(false, host);
        let mut verdict = host.within(limit, verdict).await.ok()?;
        if let (None, Some(wrapped)) = (&verdict.refusal, &self.wrapped) {
            let host = self.host_of_plugin(host);
            verdict = host.within(limit, wrapped.verdict(&host)).await.ok()?;
        }
        let refusal = verdict.refusal.take();
        verdict.refusal = refusal.map(|error| self.install_hint.add_to(error, host).or_origin(&self.origin));
        Some(verdict)
    }

    fn deadline_on(&self, host: &Host) -> Duration {
        self.time_to_run(host)
    }

    fn time_to_end(&self, host: &Host) -> Duration {
        self.limit(host).saturating_sub(self.time_to_run(host)) + MARGIN
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }

    /// Returns `None` on a simulated host, whose plugins exist only in this process.
    async fn store_identity(&self, host: &Host, cluster: &Cluster) -> Option<StoreIdentity> {
        let program = host.within(self.time_for(false, host), self.command.find(host));
        let identity = OwnedIdentity {
            program: program.await.ok()?.ok()?,
            arguments: self.arguments.clone(),
            set_variables: self.environment.iter().map(|(name, _)| name.clone()).collect(),
            environment: self.variables(host),
            cluster: self
                .provides_cluster
                .then(|| exec_info::cluster_json(cluster))
                .flatten(),
        };
        identity.read(host).await
    }

    /// The key contains everything that the plugin receives, and each setting that matters when it fails.
    fn sharing_key(&self, cluster: &Cluster) -> Option<SharingKey> {
        let deadline = |deadline: Option<Deadline>| {
            deadline.map(|deadline| deadline.duration().as_nanos().to_le_bytes())
        };
        let environment = self
            .environment
            .iter()
            .flat_map(|(name, value)| [name.as_str(), value.expose_secret()]);
        let key = SharingKey::new("exec")
            // A path contains a separator and a name does not, so the two cannot be confused.
            .with(self.command.as_os_str().as_encoded_bytes())
            .with(self.api_version.as_str())
            .with(self.install_hint.text())
            .with([u8::from(self.provides_cluster), u8::from(self.is_from_kubeconfig)])
            .with(self.interactive_mode.as_str())
            .with_optional(deadline(self.deadline))
            .with_optional(deadline(self.interactive_deadline))
            .with_list(&self.arguments)
            .with_list(environment);
        Some(exec_info::add_to(key, cluster))
    }
}

/// Arguments may contain secrets, so only their number is shown.
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
