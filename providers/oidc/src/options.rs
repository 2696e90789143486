//! The options of the provider `oidc`.

use std::fmt;
use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `oidc`, besides those that describe the cluster (`server`, `certificate-authority`,
/// ...). Their names are those of a kubeconfig's `auth-provider` (client-go, plugin/pkg/client/auth/oidc/oidc.go). An
/// empty string means that an option is not set.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcOptions {
    /// The issuer's address, `https://host/path`, exactly as in the claim `iss` of its tokens.
    pub idp_issuer_url: String,
    /// The client's id at the issuer.
    pub client_id: String,
    /// The client's secret at the issuer, if it has one.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_secret: Option<SecretString>,
    /// The first id-token. It is used until 10 s before its `exp`.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub id_token: Option<SecretString>,
    /// The refresh token.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub refresh_token: Option<SecretString>,
    /// The file with the CA bundle for the issuer's certificate, in PEM. A relative path starts at the working directory, as in
    /// kubectl.
    #[schemars(extend("format" = "path"))]
    pub idp_certificate_authority: Option<PathBuf>,
    /// The CA bundle for the issuer's certificate: PEM, or base64 of PEM as in a kubeconfig. It takes precedence over the file.
    #[schemars(with = "Option<String>")]
    pub idp_certificate_authority_data: Option<SecretString>,
    /// Accepted and ignored, as in kubectl. The scopes of a token are those of the login.
    pub extra_scopes: Option<String>,
}

/// An address may contain a password by mistake, so it is not shown.
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
