//! The identity that is logged in to the Azure CLI.
//!
//! The Azure SDK requests the token, and Kubex runs the program. It is looked up in `PATH` like a plugin, and the plugin policy
//! must permit it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use azure_core::credentials::{AccessToken, TokenCredential as _};
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions};
use kubex_core::credentials::StoreIdentity;
use kubex_core::host::{PluginVerdict, Program, ProgramCall, ProgramRunner};
use kubex_core::text::shown_path;
use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Result, SecretString};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::executor::{AzExecutor, not_a_token};
use crate::failure::not_accepted;

/// The command, for the plugin policy.
pub(crate) const COMMAND: &str = "az";

/// The variable with the directory of its login.
pub(crate) const DIRECTORY: &str = "AZURE_CONFIG_DIR";

/// The largest profile that is read, in bytes.
const LARGEST_PROFILE: usize = 1024 * 1024;

/// The keys of a profile whose login is that of the machine.
const OF_THE_MACHINE: [&str; 2] = ["assignedIdentityInfo", "cloudShellID"];

/// The name of the program in errors.
pub(crate) const NAME: &str = "the Azure CLI (az)";

/// The parameters of the request to the Azure CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CliLogin {
    /// If it is not set, the Azure CLI uses its default tenant.
    pub(crate) tenant: Option<String>,
    /// The subscription whose account is used. The Azure CLI does not accept it together with a tenant.
    pub(crate) subscription: Option<String>,
}

/// How the Azure CLI is run.
#[derive(Debug)]
pub(crate) struct AzureCli {
    runner: Option<&'static dyn ProgramRunner>,
    /// The variables that a kubeconfig sets, which an allowlist limits.
    limited: Vec<String>,
}

impl AzureCli {
    pub(crate) fn new(runner: Option<&'static dyn ProgramRunner>, limited: Vec<String>) -> Self {
        Self { runner, limited }
    }

    /// The program runner of the registry.
    ///
    /// # Errors
    /// `Unsupported` if this program cannot start another one.
    pub(crate) fn runner(&self) -> Result<&'static dyn ProgramRunner> {
        self.runner.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "the login \"azurecli\" runs the Azure CLI, and this program is built without the provider that runs programs",
            )
            .with_help("enable the feature \"exec\", or use another login")
        })
    }

    /// The program, if it is found and the policy permits it.
    ///
    /// # Errors
    /// `PluginNotFound`, `PluginNotExecutable`, `Refused`, and `TimedOut`.
    pub(crate) async fn permitted(&self, host: &Host) -> Result<Program> {
        self.runner()?;
        let variables = self.limited();
        let permitted = host.permit(COMMAND, find(host), &variables);
        let limit = time_limit(host);
        host.within(limit, permitted)
            .await
            .unwrap_or_else(|_| Err(not_found_in_time(limit)))
    }

    /// The decision of the plugin policy.
    pub(crate) async fn verdict(&self, host: &Host) -> Option<PluginVerdict> {
        let variables = self.limited();
        let verdict = host.plugin_verdict(COMMAND, find(host), &variables);
        host.within(time_limit(host), verdict).await.ok()
    }

    /// How much longer than [`time_limit`] a fetch may take.
    pub(crate) fn time_to_end(&self, host: &Host) -> Duration {
        self.runner
            .map_or(Duration::ZERO, |runner| runner.time_to_end(host))
    }

    /// The identity of the login: the program, and the variables and files that it reads. `None` for the login of a managed
    /// identity, which only the machine knows.
    pub(crate) async fn store_identity(&self, host: &Host) -> Option<StoreIdentity> {
        if !has_login_of_its_own(host).await {
            return None;
        }
        let program = self.permitted(host).await.ok()?;
        let call = ProgramCall {
            name: NAME,
            program: &program,
            arguments: &[],
        };
        self.runner?.store_identity(call, host).await
    }

    /// Asks the [permitted](Self::permitted) program for a token, and returns it with its expiry.
    ///
    /// # Errors
    /// Returns the errors of [`ProgramRunner::run`]; `MalformedOutput` for a response that is not a token, and `Unsupported`
    /// for one of an old Azure CLI.
    pub(crate) async fn request(
        &self,
        program: Program,
        login: &CliLogin,
        scope: &str,
        host: &Host,
    ) -> Result<(SecretString, SystemTime)> {
        let executor = Arc::new(AzExecutor::new(self.runner()?, program, host));
        let options = AzureCliCredentialOptions {
            subscription: login.subscription.clone(),
            tenant_id: login.tenant.clone(),
            executor: Some(Arc::clone(&executor) as _),
        };
        let credential = AzureCliCredential::new(Some(options)).map_err(|_| not_accepted())?;
        let scopes = [scope];
        let got = credential.get_token(&scopes, None);
        // The SDK's events contain more than may be logged.
        let got = got.with_subscriber(Arc::new(NoSubscriber::default())).await;
        match (executor.result(), got) {
            (Some(Err(error)), _) => Err(error),
            (None, _) => Err(not_accepted()),
            (Some(Ok(())), Err(_)) => Err(not_a_token()),
            (
                Some(Ok(())),
                Ok(AccessToken {
                    token, expires_on, ..
                }),
            ) => {
                let token = SecretString::from(token.secret());
                if token.expose_secret().is_empty() {
                    return Err(not_a_token());
                }
                Ok((token, expires_on.into()))
            }
        }
    }

    fn limited(&self) -> Vec<&str> {
        self.limited.iter().map(String::as_str).collect()
    }
}

/// The time limit of a run, which is that of plugins.
pub(crate) fn time_limit(host: &Host) -> Duration {
    host.plugin_rules().time_for(false)
}

async fn find(host: &Host) -> Result<PathBuf> {
    let found = host.look_up(COMMAND).await;
    if let Some(program) = found.program {
        return Ok(program);
    }
    let skipped = if found.has_skipped_entries {
        "; relative and empty entries of PATH are not searched"
    } else {
        ""
    };
    Err(match found.not_executable {
        Some(path) => Error::new(
            ErrorKind::PluginNotExecutable,
            format_args!("{NAME} at {} is not executable", shown_path(&path)),
        )
        .with_help("make it executable: chmod +x"),
        None => Error::new(
            ErrorKind::PluginNotFound,
            format_args!("{NAME} was not found in any directory of PATH{skipped}"),
        )
        .with_help("install the Azure CLI, or use another login"),
    })
}

/// Whether the profile of the Azure CLI is that of a user or an application, and not of the machine or of Cloud Shell.
async fn has_login_of_its_own(host: &Host) -> bool {
    let environment = host.environment();
    let directory = environment
        .variable(DIRECTORY)
        .map(PathBuf::from)
        .or_else(|| Some(environment.home_directory()?.join(".azure")));
    let Some(directory) = directory else {
        return false;
    };
    let profile = host.from_working_directory(&directory).join("azureProfile.json");
    let Ok(profile) = host.files().read(&profile, LARGEST_PROFILE).await else {
        return false;
    };
    let profile = String::from_utf8_lossy(profile.expose_secret());
    !OF_THE_MACHINE.iter().any(|key| profile.contains(key))
}

fn not_found_in_time(limit: Duration) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format_args!(
            "{NAME} was not started: it could not be looked up within {} s",
            limit.as_secs_f32()
        ),
    )
    .with_help("check the file systems of PATH")
}
