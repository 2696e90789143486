//! Decides which calls of kubelogin this provider replaces: those of `kubelogin get-token` of which it supports every argument
//! and variable.
//!
//! The rules are narrower than kubelogin's. kubelogin runs if an argument occurs twice, if a value is attached to a short flag,
//! or if versions of kubelogin read the call differently. It also runs for an address of Microsoft Entra that is not a cloud's,
//! because kubelogin asks Microsoft whether the address is valid before it sends a secret there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubex_core::registry::{PluginCall, check_plugin_environment};
use kubex_core::text::shown_key;
use kubex_core::{CredentialSource, Error, ErrorKind, Host, Proxy, Result};

use crate::authority::is_of_a_cloud;
use crate::azure_cli::{COMMAND, DIRECTORY};
use crate::login::Login;
use crate::machine::{READ_BY_THE_SDK, address_of_identity};
use crate::options::AksOptions;
use crate::settings::{
    AUTHORITY, CLIENT_ID, CLIENT_SECRET, LOGIN, Settings, TENANT_ID, TOKEN_FILE, check_text,
};
use crate::source::AksSource;

/// How long kubelogin waits for the Azure CLI.
const CLI_TIMEOUT: &str = "AZURE_CLI_TIMEOUT";

/// The other variables of Azure that do not change a token of a login that this provider supports.
const WITHOUT_EFFECT: &[&str] = &[
    "AAD_SERVICE_PRINCIPAL_CLIENT_CERTIFICATE_PASSWORD",
    "AAD_USER_PRINCIPAL_NAME",
    "AAD_USER_PRINCIPAL_PASSWORD",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    CLI_TIMEOUT,
    DIRECTORY,
    "AZURE_CORE_COLLECT_TELEMETRY",
    "AZURE_CORE_OUTPUT",
    "AZURE_DEFAULTS_GROUP",
    "AZURE_DEFAULTS_LOCATION",
    "AZURE_EXTENSION_DIR",
    "AZURE_HTTP_USER_AGENT",
    "AZURE_LOCATION",
    "AZURE_PASSWORD",
    "AZURE_RESOURCE_GROUP",
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_USERNAME",
];

/// The certificate of an application, which kubelogin prefers to its secret.
const CERTIFICATE: &[&str] = &[
    "AAD_SERVICE_PRINCIPAL_CLIENT_CERTIFICATE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
];

/// With these, kubelogin exchanges the token of a job of GitHub Actions for a workload identity.
const OF_A_JOB: &[&str] = &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"];

/// The agent of Azure Arc on Linux. Where it is installed, kubelogin asks it for the managed identity.
const AGENT_OF_ARC: &str = "/opt/azcmagent/bin/himds";

/// Where the agent is on Windows: its directory and its program, in the directory that this variable names.
const AGENT_ON_WINDOWS: (&str, [&str; 2]) = ("ProgramFiles", ["AzureConnectedMachineAgent", "himds.exe"]);

/// Whether kubelogin and this provider read this variable, and it may be set by a call.
fn is_settable(name: &str) -> bool {
    let of_identity = [
        &CLIENT_ID[..],
        &CLIENT_SECRET,
        &TENANT_ID,
        &TOKEN_FILE,
        &[AUTHORITY, LOGIN, DIRECTORY],
    ];
    of_identity.iter().any(|names| names.contains(&name)) || Proxy::VARIABLES.contains(&name)
}

/// Creates the source that replaces a call, or returns the part that is not supported.
pub(crate) fn replace(call: &PluginCall) -> Result<Arc<dyn CredentialSource>, String> {
    let options = read(call.arguments())?;
    call.check_variables(is_settable)?;
    Ok(Arc::new(AksSource::in_place_of(options, call)))
}

/// Reads the arguments of `kubelogin`.
fn read(arguments: &[String]) -> Result<AksOptions, String> {
    let mut options = AksOptions {
        // The default of kubelogin.
        login: "devicecode".to_owned(),
        ..AksOptions::default()
    };
    let mut seen = Vec::new();
    let mut rest = (1..).zip(arguments);
    if rest.next().is_none_or(|(_, command)| command != "get-token") {
        return Err("a command other than \"get-token\"".to_owned());
    }
    while let Some((number, argument)) = rest.next() {
        let (flag, attached) = match argument.strip_prefix("--") {
            Some(flag) => match flag.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (flag, None),
            },
            None => match argument.as_str() {
                "-l" => ("login", None),
                "-t" => ("tenant-id", None),
                "-e" => ("environment", None),
                _ => return Err(format!("argument {number}")),
            },
        };
        let unknown = || format!("the argument \"--{}\"", shown_key(flag));
        if seen.contains(&flag) {
            return Err(format!("{}, which is given twice,", unknown()));
        }
        seen.push(flag);
        let text = match flag {
            "server-id" => Some(&mut options.server_id),
            "tenant-id" => Some(&mut options.tenant_id),
            "client-id" => Some(&mut options.client_id),
            "identity-resource-id" => Some(&mut options.identity_resource_id),
            "environment" => Some(&mut options.environment),
            "authority-host" => Some(&mut options.authority_host),
            "login" | "client-secret" | "federated-token-file" => None,
            _ => return Err(unknown()),
        };
        let value = match attached {
            Some(value) => value,
            None => rest.next().map(|(_, value)| value.as_str()).unwrap_or_default(),
        };
        let is_valid = match flag {
            "client-secret" => true,
            "login" => value.bytes().all(|byte| byte.is_ascii_lowercase()),
            // A relative path is relative to the plugin's working directory.
            "federated-token-file" => Path::new(value).is_absolute(),
            "authority-host" => is_of_a_cloud(value),
            _ => check_text(flag, value).is_ok(),
        };
        if value.is_empty() || attached.is_none() && value.starts_with('-') || !is_valid {
            return Err(format!("the value of \"--{flag}\""));
        }
        match (text, flag) {
            (Some(text), _) => *text = Some(value.to_owned()),
            (None, "login") => value.clone_into(&mut options.login),
            (None, "client-secret") => options.client_secret = Some(value.into()),
            (None, _) => options.federated_token_file = Some(value.into()),
        }
    }
    if options.server_id.is_none() {
        return Err("a call without \"--server-id\"".to_owned());
    }
    Ok(options)
}

/// Checks what kubelogin would find on this host besides its arguments.
///
/// # Errors
/// `Unsupported` for a setting that this provider does not support.
pub(crate) async fn check_host(options: &AksOptions, settings: &Settings, host: &Host) -> Result<()> {
    let unsupported = |what: String| Error::new(ErrorKind::Unsupported, what);
    let environment = host.environment();
    let changes_a_token = |name: &str| {
        (name.starts_with("AZURE_") || name.starts_with("AAD_")) && !WITHOUT_EFFECT.contains(&name)
    };
    let is_cli = settings.login == Login::AzureCli;
    let is_read = |name: &str| match name {
        DIRECTORY | "PATH" => is_cli,
        _ => is_settable(name) || READ_BY_THE_SDK.contains(&name),
    };
    let is_understood = |name: &str, _: &OsStr| {
        let is_certificate = CERTIFICATE.contains(&name) && settings.login != Login::ServicePrincipal;
        let is_of_a_job = OF_A_JOB.contains(&name) && settings.login == Login::WorkloadIdentity;
        let is_time_limit = is_cli && name == CLI_TIMEOUT;
        !is_of_a_job && !is_time_limit && (!changes_a_token(name) || is_read(name) || is_certificate)
    };
    check_plugin_environment(host, is_understood, is_read)?;
    let empty = environment.variables().into_iter().find_map(|(name, value)| {
        let name = name.into_string().ok()?;
        (changes_a_token(&name) && value.is_empty()).then_some(name)
    });
    if let Some(name) = empty {
        return Err(unsupported(format!(
            "the variable \"{}\" is empty, which kubelogin does not treat as unset",
            shown_key(&name)
        )));
    }
    check_authority(options, settings, host)?;
    if let Some(path) = environment.text(TOKEN_FILE[0])
        && settings.login == Login::WorkloadIdentity
        && !Path::new(&path).is_absolute()
    {
        return Err(unsupported(format!(
            "the variable \"{}\" is a relative path",
            TOKEN_FILE[0]
        )));
    }
    if is_cli {
        check_cli(host).await?;
    }
    if settings.login == Login::ManagedIdentity {
        let (variable, agent) = AGENT_ON_WINDOWS;
        let programs = environment.variable(variable).map(PathBuf::from);
        let on_windows = programs.map(|programs| programs.join(PathBuf::from_iter(agent)));
        for agent in on_windows.into_iter().chain([PathBuf::from(AGENT_OF_ARC)]) {
            if host.files().kind(&agent).await.is_ok() {
                return Err(unsupported("the agent of Azure Arc is installed".to_owned()));
            }
        }
        let address = address_of_identity(host)?;
        // Behind a proxy, another machine may respond.
        if address.scheme() == "http" && Proxy::from_environment(&address, host)?.is_some() {
            return Err(unsupported(
                "kubelogin asks for the managed identity through the proxy of the environment".to_owned(),
            ));
        }
    }
    Ok(())
}

/// kubelogin runs the Azure CLI in the directory `/bin`, and by a shell, which searches relative entries of `PATH` too.
async fn check_cli(host: &Host) -> Result<()> {
    let directory = host.environment().variable(DIRECTORY);
    let message = if directory.is_some_and(|path| !Path::new(&path).is_absolute()) {
        format!("the variable \"{DIRECTORY}\" is not an absolute path")
    } else if host.look_up(COMMAND).await.has_skipped_entries {
        format!("a shell may find \"{COMMAND}\" in a relative entry of PATH")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// Versions of kubelogin read the address differently, but for a workload identity with the address of a cloud.
fn check_authority(options: &AksOptions, settings: &Settings, host: &Host) -> Result<()> {
    let variable = host.environment().text(AUTHORITY);
    let is_understood = match settings.login {
        Login::ManagedIdentity | Login::AzureCli => true,
        Login::WorkloadIdentity => variable.is_none_or(|address| is_of_a_cloud(&address)),
        Login::ServicePrincipal => variable.is_none() && options.authority_host.is_none(),
    };
    if is_understood {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "versions of kubelogin use this address of Microsoft Entra differently",
    ))
}
