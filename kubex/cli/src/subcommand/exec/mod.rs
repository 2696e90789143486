//! `kubex exec`: prints an `ExecCredential`, so that kubectl, helm and every other client share one credential.

mod call;
mod client;
mod plugin;
mod sharing;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kubex::credentials::StoreIdentity;
use kubex::host::{Deadline, PluginStderr, Terminal};
use kubex::{Error, ErrorKind, ExposeSecret as _, FetchReason, FetchRequest, Host};
use kubex_exec::ExecRequest;
use kubex_store::{Access, Location, Store};

use self::call::Call;
use self::plugin::Plugin;
pub(super) use self::plugin::find;
use self::sharing::Sharing;
use crate::failure::Failure;
use crate::output::{print_message, print_requested};
use crate::session::Session;
use crate::subcommand::token::refuse_impersonation;

/// The arguments of `exec`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Use the credential of this source of the configuration, instead of a plugin
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    source: Option<String>,
    /// One more variable that chooses the identity; can be repeated
    #[arg(long, value_name = "NAME")]
    identity_variable: Vec<String>,
    /// One more file whose content chooses the identity; can be repeated
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    identity_file: Vec<PathBuf>,
    /// How long to keep a credential without an expiry time: 10m, or a number of seconds
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lifetime: Option<Duration>,
    /// What `kubex unwrap` restores
    #[arg(long, hide = true, value_name = "SPELLING")]
    unwrap: Option<String>,
    /// The plugin to run, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Arguments {
    /// The source of the configuration that the credential is taken from, instead of a plugin.
    pub(in crate::subcommand) fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The identities under which the store keeps the credential of the plugin, on the host of this session.
    pub(in crate::subcommand) async fn plugin_identities(
        &self,
        request: &ExecRequest,
        session: &Session,
    ) -> kubex::Result<Vec<StoreIdentity>> {
        if self.command.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.call(request, session, session.host.clone()).await?;
        let identities = [call.plugin_identity(), call.identity().await];
        Ok(identities.into_iter().flatten().collect())
    }

    /// The call of the plugin, by the rules of the configuration.
    async fn call(&self, request: &ExecRequest, session: &Session, host: Host) -> kubex::Result<Call> {
        let plugin = Plugin::new(&self.command, &self.identity_variable, &self.identity_file);
        let configuration = session.configuration().await?;
        let host = match configuration.plugin_rules() {
            Some(rules) => host.with_plugin_rules(rules.clone()),
            None => host,
        };
        Call::new(plugin, request, host).await
    }
}

/// Whether a command of a kubeconfig runs this program, which may have another name: `own` is its name or path.
pub(in crate::subcommand) fn is_this_program(command: &str, own: &str) -> bool {
    let file_name = |path: &'_ str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    ["kubex", "kubex.exe", "kubectl-kubex", &file_name(own)].contains(&file_name(command).as_str())
}

/// Prints the stored credential, if there is one. `None` if the command must continue as usual.
///
/// It reads the arguments and the variables itself. A hit takes a few milliseconds, because neither the configuration nor
/// a runtime is loaded.
pub(crate) fn try_hit() -> Option<ExitCode> {
    client::asked();
    let plugin = Plugin::from_command_line()?;
    let host = Host::real();
    let request = read_request(&host).ok()?;
    let identity = plugin.identity(&request, &host)?;
    let store = Store::open(&Location::of_the_user(host.environment()).ok()?).ok()?;
    // The key was created just now, so there is no hit; the next opening does not warn again.
    if let Some(warning) = store.warning() {
        print_message(&format!("warning: {warning}"));
        return None;
    }
    let slot = store.slot(&identity);
    let client = client::of(&request);
    let access = Access::new(Duration::ZERO);
    let access = match &client {
        Some(client) => access.for_client(client.clone()),
        None => access,
    };
    let stored = slot.read(&access).ok()??;
    if let Some(client) = &client {
        slot.record_served(&stored, client).ok()?;
    }
    let answer = request.answer(stored.credential()).ok()?;
    print_requested(answer.expose_secret().as_bytes()).ok()?;
    Some(ExitCode::SUCCESS)
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let request = read_request(&session.host)?;
    let credential = match (&arguments.source, arguments.command.as_slice()) {
        (Some(source), _) => of_source(source, arguments, &request, session).await?,
        (None, []) => {
            let failure = Failure::new(crate::failure::status::USAGE, "no plugin is given");
            return Err(
                failure.with_help("write the plugin's command after --, or select a source with --source")
            );
        }
        (None, _) => of_plugin(arguments, &request, session).await?,
    };
    let answer = request.answer(&credential)?;
    match print_requested(answer.expose_secret().as_bytes()) {
        // The program that asked has ended.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// Reads a duration as the configuration has them.
pub(in crate::subcommand) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<u64>().map(serde_json::Value::from);
    let deadline: Result<Deadline, _> = serde_json::from_value(seconds.unwrap_or_else(|_| text.into()));
    deadline
        .map(Deadline::duration)
        .map_err(|error| error.to_string())
}

fn read_request(host: &Host) -> kubex::Result<ExecRequest> {
    let variable = host.environment().unicode(ExecRequest::VARIABLE)?;
    ExecRequest::parse(variable.as_deref().unwrap_or_default())
}

/// The host of the plugin: it gets the terminal only if the program that asks has handed it over.
fn host_for(request: &ExecRequest) -> Host {
    let host = Host::real().with_plugin_stderr(PluginStderr::inherit());
    if request.may_ask_its_user() {
        host.with_terminal(Terminal::standard_input())
    } else {
        host
    }
}

/// The credential of the plugin after `--`.
async fn of_plugin(
    arguments: &Arguments,
    request: &ExecRequest,
    session: &Session,
) -> Result<kubex::Credential, Failure> {
    let call = arguments.call(request, session, host_for(request)).await?;
    if let Some(warning) = &call.warning {
        print_message(&format!("warning: {warning}"));
    }
    let wait = call.source.deadline_on(&call.host);
    let sharing = Sharing::new(call.identity().await, request, arguments.lifetime, wait);
    let credential = sharing
        .credential(
            &call.host,
            async || call.identity().await,
            async |host: &Host, _| {
                let request = FetchRequest {
                    reason: FetchReason::First,
                    host,
                    cluster: &call.cluster,
                };
                call.source.fetch(request).await
            },
        )
        .await?;
    Ok(credential)
}

/// The credential of a source of the configuration.
async fn of_source(
    name: &str,
    arguments: &Arguments,
    request: &ExecRequest,
    session: &Session,
) -> Result<kubex::Credential, Failure> {
    let host = host_for(request);
    let chain = session.chain_of(name, &host).await?;
    let configuration = chain.resolve().await?;
    refuse_impersonation(&configuration)?;
    let credentials = configuration.credentials();
    let identity = credentials.store_identity().await;
    // The store saves the refresh token.
    let is_saved = |id: &str| identity.is_some() && id == "refresh-token-not-saved";
    for warning in configuration
        .warnings()
        .iter()
        .filter(|warning| !is_saved(warning.id()))
    {
        print_message(&format!("warning: {warning}"));
    }
    if identity.is_none() {
        // A source that only reads a file, or whose provider does not say what makes its identity.
        return Ok((*credentials.current().await?).clone());
    }
    let wait = host.plugin_rules().time_for(request.may_ask_its_user());
    let sharing = Sharing::new(identity, request, arguments.lifetime, wait);
    let credential = sharing
        .credential(
            &host,
            async || credentials.store_identity().await,
            async |host: &Host, flight| {
                // Resolved again, so that a plugin receives the variables of this host.
                let configuration = session.chain_of(name, host).await?.resolve().await?;
                let credentials = configuration.credentials();
                match flight {
                    Some(flight) if credentials.uses_up_a_secret() => {
                        let fetched = credentials.fetch_saving(flight.reason(), flight).await;
                        fetched.map_err(|error| error.in_source(name))
                    }
                    _ => Ok((*credentials.current().await?).clone()),
                }
            },
        )
        .await?;
    if credential.is_anonymous() {
        let error = Error::new(
            ErrorKind::MissingCredential,
            format_args!("the source \"{name}\" has no credential"),
        );
        return Err(error
            .with_help("select a source whose user has a credential")
            .into());
    }
    Ok(credential)
}
