//! Tokens from the company's vault, for a role and with the login of this machine.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::options::Pem;
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    FromOptions, Host, Origin, Registration, Result, SecretString,
};
use kubex_tls::issuer::{IssuerClient, IssuerRequest, Url, issuer_trust, parse_address};
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `company-vault`, besides those of the cluster.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VaultOptions {
    /// The address at which the vault issues tokens, https only.
    pub address: String,
    /// The role to request a token for.
    pub role: String,
    /// The file with the login of this machine. It is read for each token.
    #[schemars(extend("format" = "path"))]
    pub login_file: PathBuf,
    /// The file of the CA bundle for the vault's certificate, in PEM. The default is the system's trust.
    #[schemars(extend("format" = "path"))]
    pub vault_certificate_authority: Option<PathBuf>,
}

/// Requests tokens from the vault.
#[derive(Debug)]
pub struct Vault {
    address: Url,
    role: String,
    login_file: PathBuf,
    login_origin: Origin,
    authority: Option<Pem>,
}

/// The vault's answer.
#[derive(Deserialize)]
struct Answer {
    token: SecretString,
    /// In seconds.
    expires_in: u64,
}

const AUTHORITY: &str = "vault-certificate-authority";

impl FromOptions for Vault {
    type Options = VaultOptions;

    fn from_options(options: VaultOptions, context: &BuildContext<'_>) -> Result<Self> {
        let origin_of = |option: &str| context.options.origin_of(option);
        let address = parse_address("the vault's address", &options.address)
            .map_err(|error| error.with_origin(&origin_of("address")))?;
        if options.role.is_empty() {
            return Err(Error::new(ErrorKind::InvalidValue, "the role is empty")
                .with_origin(&origin_of("role"))
                .with_help("set \"role\" to a role of the vault"));
        }
        Ok(Self {
            address,
            role: options.role,
            login_file: options.login_file,
            login_origin: origin_of("login-file"),
            authority: Pem::new(
                AUTHORITY,
                options.vault_certificate_authority,
                None,
                context.options,
            )?,
        })
    }
}

impl Vault {
    /// Reads the login. An option names its file, so a missing file is an error, and the chain stops.
    async fn login(&self, host: &Host) -> Result<SecretString> {
        let failed = |error: Error| error.with_origin(&self.login_origin);
        let content = host.files().read(&self.login_file, 64 * 1024).await;
        let content =
            content.map_err(|error| failed(Error::unreadable("the vault login", &self.login_file, error)))?;
        let login = std::str::from_utf8(content.expose_secret())
            .unwrap_or_default()
            .trim();
        if login.is_empty() {
            let error = Error::new(ErrorKind::EmptyToken, "the vault login contains no text");
            return Err(failed(error.with_help("write the login to the file")));
        }
        Ok(login.into())
    }
}

#[async_trait]
impl CredentialSource for Vault {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let host = request.host;
        let login = self.login(host).await?;
        let trust = issuer_trust(self.authority.as_ref(), host).await?;
        let client = IssuerClient::new(&trust, AUTHORITY, host)?;
        let body = serde_json::json!({"role": self.role}).to_string();
        let asked = IssuerRequest::post(&self.address).bearer(&login)?.json(body);
        let response = client.send(asked, "the vault").await?;
        if !response.status.is_success() {
            let message = format_args!("the vault refused a token: {}", response.status);
            return Err(Error::new(ErrorKind::Unavailable, message)
                .with_help("check the role, and the login of this machine"));
        }
        let answer: Answer = serde_json::from_slice(&response.body)
            .map_err(|_| Error::new(ErrorKind::MalformedDocument, "the vault returned no token"))?;
        let expiry = host.now().wall + Duration::from_secs(answer.expires_in);
        Ok(Credential::bearer(answer.token)?.with_expiry(Some(expiry)))
    }

    fn describe(&self) -> String {
        format!("vault role {}", self.role)
    }

    /// While the chain resolves: a missing login is found before the first request.
    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        self.login(host).await.map(|_| None)
    }

    /// Everything that changes the credential, for the configurations of one process.
    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        let key = SharingKey::new("company-vault")
            .with(self.address.as_str())
            .with(&self.role)
            .with(self.login_file.as_os_str().as_encoded_bytes());
        Some(key.closed())
    }

    /// The same for all processes of the user: also what the file contains.
    async fn store_identity(&self, host: &Host, _: &Cluster) -> Option<StoreIdentity> {
        let login = self.login(host).await.ok()?;
        let identity = StoreIdentity::new("company-vault", &self.describe())
            .with("address", self.address.as_str())
            .with("role", &self.role)
            .with("login", login.expose_secret());
        Some(identity)
    }
}

kubex_core::register! {
    /// The provider `company-vault`.
    pub static REGISTRATION =
        Registration::source::<Vault>("company-vault", "tokens from the company's vault")
            .shown_keys(&["address", "role"]);
}
