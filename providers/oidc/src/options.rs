//! What the provider `oidc` is told.

use std::fmt;
use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `oidc`, beside the cluster's, spelled as in a kubeconfig's `auth-provider`
/// (client-go, plugin/pkg/client/auth/oidc/oidc.go). An empty text is the same as one that is not set.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcOptions {
    /// The issuer's address, `https://host/path`, as it stands in its tokens.
    pub idp_issuer_url: String,
    /// The name this client has at the issuer.
    pub client_id: String,
    /// The client's password at the issuer, where it has one.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_secret: Option<SecretString>,
    /// The token to begin with. It is used until 10 s before its own `exp`.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub id_token: Option<SecretString>,
    /// What a new id-token is asked for with.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub refresh_token: Option<SecretString>,
    /// The file of the certificate authorities that may sign the issuer's certificate, in PEM. A relative path
    /// starts from the working directory, as kubectl's does.
    #[schemars(extend("format" = "path"))]
    pub idp_certificate_authority: Option<PathBuf>,
    /// These authorities themselves: PEM, or base64 of it as in a kubeconfig. They win over the file.
    #[schemars(with = "Option<String>")]
    pub idp_certificate_authority_data: Option<SecretString>,
    /// Taken and not used, as by kubectl: what a refreshed token is for was settled at the login.
    pub extra_scopes: Option<String>,
}

/// An address may have a password in it by mistake, so it is not shown.
impl fmt::Debug for OidcOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcOptions")
            .field("client_id", &self.client_id)
            .field("has_client_secret", &self.client_secret.is_some())
            .field("has_id_token", &self.id_token.is_some())
            .field("has_refresh_token", &self.refresh_token.is_some())
            .finish_non_exhaustive()
    }
}
