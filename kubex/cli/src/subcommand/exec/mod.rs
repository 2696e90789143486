//! `kubex exec`: prints an `ExecCredential`, so that kubectl, helm and every other client share one credential.

mod client;
mod plugin;
mod sharing;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use kubex::credentials::StoreIdentity;
use kubex::host::{Deadline, PluginStderr, Terminal};
use kubex::{
    Cluster, CredentialSource, Error, ErrorKind, ExposeSecret as _, FetchReason, FetchRequest, Host, Options,
    PluginCall, Replacement, ServerUrl,
};
use kubex_exec::{ExecRequest, ExecSource};
use kubex_store::{Access, Location, Store};

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
    /// Take the credential of this source of the configuration
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    source: Option<String>,
    /// A variable that chooses the identity, beyond the known ones; can be repeated
    #[arg(long, value_name = "NAME")]
    identity_variable: Vec<String>,
    /// A file that chooses the identity, beyond the known ones; can be repeated
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    identity_file: Vec<PathBuf>,
    /// Keep a credential this long that does not say when it expires: 10m, or a number of seconds
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lifetime: Option<Duration>,
    /// What `kubex unwrap` restores
    #[arg(long, hide = true, value_name = "SPELLING")]
    unwrap: Option<String>,
    /// The plugin to run, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
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
            let failure = Failure::new(crate::failure::status::USAGE, "there is no plugin to run");
            return Err(failure.with_help("write it after --, or name a source with --source"));
        }
        (None, command) => of_plugin(command, arguments, &request, session).await?,
    };
    let answer = request.answer(&credential)?;
    match print_requested(answer.expose_secret().as_bytes()) {
        // The program that asked has ended.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let deadline: Result<Deadline, _> = serde_json::from_value(text.into());
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
    command: &[String],
    arguments: &Arguments,
    request: &ExecRequest,
    session: &Session,
) -> Result<kubex::Credential, Failure> {
    let plugin = Plugin::new(command, &arguments.identity_variable, &arguments.identity_file);
    let mut host = host_for(request);
    if let Some(rules) = session.configuration().await?.plugin_rules() {
        host = host.with_plugin_rules(rules.clone());
    }
    let options = Options::new()
        .set("command", plugin.command(&host))
        .set("args", plugin.arguments().to_vec())
        .set_if_some(
            "interactive-mode",
            (!request.may_ask_its_user()).then_some("Never"),
        );
    let mut source: Arc<dyn CredentialSource> = Arc::new(ExecSource::serving(&options, request.clone())?);
    // The plugin receives the cluster that the program has passed, and not this one.
    let cluster = Cluster::new(ServerUrl::parse("https://cluster.invalid")?);
    let call = PluginCall::new(plugin.name(), plugin.arguments()).with_plugin(Arc::clone(&source));
    let replacement = match host.plugin_rules().native_plugins() {
        [] => Replacement::NotRequested,
        _ => kubex::registry()?.replacement(&call, &host).await,
    };
    let mut native = None;
    match replacement {
        Replacement::Served(served, _) => {
            native = Some(Arc::clone(&served));
            source = served;
        }
        Replacement::PluginRuns(warning) => print_message(&format!("warning: {warning}")),
        _ => {}
    }
    let identity = async || {
        let of_the_plugin = plugin.identity(request, &host);
        let Some(native) = &native else {
            return of_the_plugin;
        };
        // The program need not be installed. If it is, it counts, because a fetch may run it.
        let identity = native.store_identity(&host, &cluster).await?;
        Some(identity.with_optional("call", of_the_plugin.as_ref().map(StoreIdentity::expose)))
    };
    let wait = source.deadline_on(&host);
    let sharing = Sharing::new(identity().await, request, arguments.lifetime, wait);
    let credential = sharing
        .credential(&host, identity, async |host: &Host, _| {
            let request = FetchRequest {
                reason: FetchReason::First,
                host,
                cluster: &cluster,
            };
            source.fetch(request).await
        })
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
            .with_help("name a source whose user has a credential")
            .into());
    }
    Ok(credential)
}
