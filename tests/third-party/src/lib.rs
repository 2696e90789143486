//! A third-party provider: the five steps of CONTRIBUTING, in a crate of its own.
//!
//! The suites link it by `use kubex_third_party as _;`. Those that do not are programs that have forgotten to.

use std::path::PathBuf;

use async_trait::async_trait;
use kubex_core::{
    BuildContext, Credential, CredentialSource, ExposeSecret, FetchRequest, FromOptions, Registration,
    Result, SecretString,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `my-vault`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VaultOptions {
    /// The role to ask a token for.
    pub role: String,
    /// What the vault knows this program by.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub api_key: Option<SecretString>,
    /// The socket of the vault's agent.
    #[schemars(extend("format" = "path"))]
    pub socket: Option<PathBuf>,
    /// How often to try.
    #[serde(default)]
    pub attempts: u8,
    /// Whether the token is wrapped.
    #[serde(default)]
    pub wrapped: bool,
    /// The policies the token is to have.
    #[serde(default)]
    pub policies: Vec<String>,
}

/// Tokens of a vault, made up of what it was told.
#[derive(Debug)]
pub struct Vault(VaultOptions);

impl FromOptions for Vault {
    type Options = VaultOptions;

    fn from_options(options: VaultOptions, _: &BuildContext<'_>) -> Result<Self> {
        Ok(Self(options))
    }
}

#[async_trait]
impl CredentialSource for Vault {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        let VaultOptions {
            role,
            api_key,
            socket,
            attempts,
            wrapped,
            policies,
        } = &self.0;
        let key = api_key.as_ref().map_or("none", |key| key.expose_secret());
        let socket = socket
            .as_ref()
            .map_or_else(|| "none".into(), |socket| socket.to_string_lossy());
        let policies = policies.join("+");
        Credential::bearer(format!("{role}/{key}/{socket}/{attempts}/{wrapped}/{policies}").into())
    }

    fn describe(&self) -> String {
        format!("vault role {}", self.0.role)
    }
}

kubex_core::register! {
    /// The provider `my-vault`.
    pub static REGISTRATION = Registration::source::<Vault>("my-vault", "tokens of a third-party vault");
}
