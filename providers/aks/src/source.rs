//! The credential source: reads the settings, and requests a token.

use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::host::PluginVerdict;
use kubex_core::options::Pem;
use kubex_core::registry::PluginCall;
use kubex_core::text::{check_path, sanitize_line};
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    FromOptions, Host, Origin, Result,
};
use kubex_tls::issuer::issuer_trust;

use crate::azure_cli::{AzureCli, time_limit};
use crate::login::Login;
use crate::options::AksOptions;
use crate::replacement::check_host;
use crate::settings::{self, Identity, Precedence, Proof, Settings, check_text};
use crate::token::{Requested, request};

/// Requests tokens of Microsoft Entra: the credential source of the provider `aks`. See the [crate](crate).
#[derive(Debug)]
pub struct AksSource {
    options: AksOptions,
    authority: Option<Pem>,
    cli: AzureCli,
    origin: Origin,
    /// `Variables` if the source replaces kubelogin. It then uses everything that kubelogin would read.
    precedence: Precedence,
}

impl FromOptions for AksSource {
    type Options = AksOptions;

    fn from_options(options: AksOptions, context: &BuildContext<'_>) -> Result<Self> {
        let options = options.without_empty();
        let origin_of = |key: &str| context.options.origin_of(key);
        let login =
            Login::from_name(&options.login).map_err(|error| error.with_origin(&origin_of("login")))?;
        for (key, text) in options.texts() {
            if let Some(text) = text {
                check_text(key, text).map_err(|error| error.with_origin(&origin_of(key)))?;
            }
        }
        if let Some(path) = &options.federated_token_file {
            let key = "federated-token-file";
            check_path(key, &path.to_string_lossy(), &origin_of(key))?;
        }
        let together = options.check_together(login);
        together.map_err(|(key, error)| error.with_origin(&origin_of(key)))?;
        let cli = AzureCli::new(context.registry.program_runner(), Vec::new());
        if login == Login::AzureCli {
            cli.runner()
                .map_err(|error| error.with_origin(&origin_of("login")))?;
        }
        let authority = Pem::new(
            "issuer-certificate-authority",
            options.issuer_certificate_authority.clone(),
            options.issuer_certificate_authority_data.clone(),
            context.options,
        )?;
        Ok(Self {
            options,
            authority,
            cli,
            origin: origin_of("login"),
            precedence: Precedence::Options,
        })
    }
}

impl AksSource {
    /// A source that replaces this call of kubelogin.
    pub(crate) fn in_place_of(options: AksOptions, call: &PluginCall) -> Self {
        let variables = call.variables().iter().map(|(name, _)| name.clone());
        Self {
            options,
            authority: None,
            cli: AzureCli::new(call.program_runner(), variables.collect()),
            origin: call.origin().clone(),
            precedence: Precedence::Variables,
        }
    }

    /// Reads the settings from the options and from the host's variables and files.
    async fn settings(&self, host: &Host) -> Result<Settings> {
        let settings = Settings::read(&self.options, self.precedence, &self.origin, host).await?;
        if self.precedence == Precedence::Variables {
            check_host(&self.options, &settings, host).await?;
        }
        Ok(settings)
    }

    async fn credential(&self, host: &Host) -> Result<Credential> {
        let settings = self.settings(host).await?;
        let of = match &settings.identity {
            Identity::Managed(identity) => Requested::Machine(identity),
            Identity::Application(application) => Requested::Entra(application),
            Identity::Cli(login) => {
                let program = self.cli.permitted(host).await;
                let program = program.map_err(|error| self.of_replacement(error))?;
                let (token, expiry) =
                    Box::pin(self.cli.request(program, login, &settings.scope, host)).await?;
                return Ok(Credential::bearer(token)?.with_expiry(Some(expiry)));
            }
        };
        let trust = issuer_trust(self.authority.as_ref(), host).await?;
        // The SDK's future is large.
        let (token, expiry) = Box::pin(request(of, &settings.scope, &trust, host)).await?;
        Ok(Credential::bearer(token)?.with_expiry(Some(expiry)))
    }

    /// The error of an Azure CLI that cannot be run. In place of kubelogin it is `Unsupported`, so that kubelogin runs.
    fn of_replacement(&self, error: Error) -> Error {
        match self.precedence {
            Precedence::Options => error,
            Precedence::Variables => Error::new(ErrorKind::Unsupported, error.message()),
        }
    }

    /// Whether a fetch runs the Azure CLI.
    fn runs_the_cli(&self, host: &Host) -> bool {
        let login = settings::login(&self.options, self.precedence, &self.origin, host);
        login.is_ok_and(|login| login == Login::AzureCli)
    }
}

#[async_trait]
impl CredentialSource for AksSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let fetched = self.credential(request.host).await;
        fetched.map_err(|error| error.or_origin(&self.origin))
    }

    fn describe(&self) -> String {
        match self.precedence {
            Precedence::Options => format!("AKS token by the login {}", sanitize_line(&self.options.login)),
            // A variable may choose another login.
            Precedence::Variables => "AKS token".to_owned(),
        }
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        let options = &self.options;
        let path = |path: &Option<std::path::PathBuf>| {
            path.as_ref()
                .map(|path| path.as_os_str().as_encoded_bytes().to_owned())
        };
        let key = SharingKey::new("aks").with(&options.login);
        let key = options
            .texts()
            .into_iter()
            .fold(key, |key, (_, text)| key.with_optional(text.as_ref()));
        let secrets = [&options.client_secret, &options.issuer_certificate_authority_data];
        let key = secrets.into_iter().fold(key, |key, secret| {
            key.with_optional(secret.as_ref().map(ExposeSecret::expose_secret))
        });
        Some(
            key.with_optional(path(&options.federated_token_file))
                .with_optional(path(&options.issuer_certificate_authority)),
        )
    }

    /// Identifies the credential by the login settings in options and variables, and by the secret or token of the
    /// application, or by what the Azure CLI reads. `None` for a managed identity, because only the machine knows it: two
    /// pods may have the same settings and share a home directory.
    async fn store_identity(&self, host: &Host, _: &Cluster) -> Option<StoreIdentity> {
        let settings = self.settings(host).await.ok()?;
        let identity = StoreIdentity::new("aks", &self.describe())
            .with("login", format!("{:?}", settings.login))
            .with("scope", &settings.scope);
        match &settings.identity {
            Identity::Managed(_) => None,
            Identity::Application(application) => {
                let (Proof::Secret(proof) | Proof::Token(proof)) = &application.proof;
                let identity = identity
                    .with("authority", application.authority.as_str())
                    .with("tenant", &application.tenant)
                    .with("client", &application.client)
                    .with("proof", proof.expose_secret());
                Some(identity)
            }
            Identity::Cli(login) => {
                let cli = self.cli.store_identity(host).await?;
                let identity = identity
                    .with_optional("tenant", login.tenant.as_ref())
                    .with_optional("subscription", login.subscription.as_ref())
                    .with("cli", cli.expose());
                Some(identity)
            }
        }
    }

    async fn plugin_verdict(&self, host: &Host) -> Option<PluginVerdict> {
        if !self.runs_the_cli(host) {
            return None;
        }
        let mut verdict = self.cli.verdict(host).await?;
        verdict.refusal = verdict.refusal.map(|error| error.or_origin(&self.origin));
        Some(verdict)
    }

    fn deadline_on(&self, host: &Host) -> Duration {
        if self.runs_the_cli(host) {
            time_limit(host)
        } else {
            self.deadline()
        }
    }

    fn time_to_end(&self, host: &Host) -> Duration {
        if self.runs_the_cli(host) {
            self.cli.time_to_end(host)
        } else {
            Duration::ZERO
        }
    }

    /// Returns an error if a setting that the login needs is missing, or if the login is not supported. Sends no
    /// request. As for any plugin, an Azure CLI that may not run is an error of the fetch. Only where this source replaces
    /// kubelogin, it is an error here, so that kubelogin runs.
    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        let checked = match self.settings(host).await {
            Ok(settings) => match (&settings.identity, self.precedence) {
                (Identity::Cli(_), Precedence::Options) => Ok(()),
                (Identity::Cli(_), Precedence::Variables) => self.cli.permitted(host).await.map(drop),
                _ => issuer_trust(self.authority.as_ref(), host).await.map(drop),
            },
            Err(error) => Err(error),
        };
        let checked = checked.map_err(|error| error.or_origin(&self.origin));
        checked.map(|()| None)
    }
}

#[cfg(test)]
mod tests {
    use kubex_core::host::SimulatedHost;

    use super::*;

    async fn identity(
        (precedence, options): (Precedence, AksOptions),
        variables: &[(&str, &str)],
        token: &str,
    ) -> Option<Vec<u8>> {
        let world = SimulatedHost::new();
        world.write("/token", token);
        let host = variables.iter().fold(world.host(), |host, (name, value)| {
            host.with_variable(name, Some(*value))
        });
        let source = AksSource {
            options,
            authority: None,
            cli: AzureCli::new(None, Vec::new()),
            origin: Origin::code(),
            precedence,
        };
        let cluster = Cluster::new(kubex_core::ServerUrl::parse("https://10.0.0.1").unwrap());
        let identity = source.store_identity(&host, &cluster).await?;
        Some(identity.expose().to_owned())
    }

    #[tokio::test]
    async fn what_chooses_the_identity_separates_the_tokens_that_processes_share() {
        use Precedence::{Options, Variables};

        let workload = || AksOptions {
            login: "workloadidentity".to_owned(),
            tenant_id: Some("t".to_owned()),
            client_id: Some("c".to_owned()),
            federated_token_file: Some("/token".into()),
            ..AksOptions::default()
        };
        let spn = |secret: &str| AksOptions {
            login: "spn".to_owned(),
            client_secret: Some(secret.into()),
            federated_token_file: None,
            ..workload()
        };
        let other = AksOptions {
            client_id: Some("d".to_owned()),
            ..workload()
        };
        let cloud = [("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/")];
        let client = [("AZURE_CLIENT_ID", "e")];
        let secret = [("AZURE_CLIENT_SECRET", "three")];
        let identities = [
            identity((Options, workload()), &[], "assertion").await,
            identity((Options, workload()), &[], "another").await,
            identity((Options, workload()), &cloud, "assertion").await,
            identity((Options, other), &[], "assertion").await,
            identity((Options, spn("one")), &[], "").await,
            identity((Options, spn("two")), &[], "").await,
            // A variable that wins over the option, as for a call of kubelogin.
            identity((Variables, workload()), &client, "assertion").await,
            identity((Variables, spn("one")), &client, "").await,
            identity((Variables, spn("one")), &secret, "").await,
        ];
        for (number, one) in identities.iter().enumerate() {
            assert!(one.is_some(), "{number}");
            let equal = identities.iter().filter(|other| *other == one).count();
            assert_eq!(equal, 1, "{number}");
        }
        // Only the value that is used counts, and not its origin.
        let settled = AksOptions {
            client_id: Some("e".to_owned()),
            ..workload()
        };
        let settled = identity((Options, settled), &[], "assertion").await;
        assert_eq!(identities[6], settled);
        let of_the_variable = identity((Options, spn("three")), &[], "").await;
        assert_eq!(identities[8], of_the_variable);
        assert_eq!(
            identities[0],
            identity((Options, workload()), &client, "assertion").await
        );
    }

    /// A program without the provider `exec` starts no process.
    #[tokio::test]
    async fn without_what_runs_programs_the_login_of_the_azure_cli_is_refused() {
        let registry = kubex_core::Registry::from_registrations([&crate::REGISTRATION]).unwrap();
        let options = kubex_core::Options::new()
            .set("server", "https://10.0.0.1")
            .set("login", "azurecli");
        let error = registry.provider("aks", options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error
                .message()
                .contains("without the provider that runs programs"),
            "{error}"
        );
        assert_eq!(
            error.help(),
            Some("enable the feature \"exec\", or use another login")
        );
    }

    /// Two machines with the same settings may share a home directory.
    #[tokio::test]
    async fn the_token_of_a_machine_is_shared_with_no_other_process() {
        for precedence in [Precedence::Options, Precedence::Variables] {
            let options = AksOptions {
                login: "msi".to_owned(),
                client_id: Some("c".to_owned()),
                ..AksOptions::default()
            };
            assert_eq!(identity((precedence, options), &[], "").await, None);
        }
    }
}
