//! The options of the provider `token-exchange`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `token-exchange`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TokenExchangeOptions {
    /// The name of the source whose token is exchanged and whose cluster is used.
    pub through: String,
    /// The issuer's token endpoint, https only.
    pub endpoint: String,
    /// The audience of the new token: a name that the issuer knows.
    pub audience: Option<String>,
    /// The service that the new token is for: a URI.
    pub resource: Option<String>,
    /// The scopes of the new token, separated by spaces.
    pub scope: Option<String>,
    /// The type of the other source's token: jwt (the default), id-token, access-token, or a URI.
    pub subject_token_type: Option<String>,
    /// The type of the new token: jwt, id-token, access-token, or a URI. By default, the issuer decides.
    pub requested_token_type: Option<String>,
    /// The id of the OAuth client, if the issuer requires one.
    pub client_id: Option<String>,
    /// The secret of the OAuth client.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_secret: Option<SecretString>,
    /// The file with the secret of the OAuth client. It is read for each exchange.
    #[schemars(extend("format" = "path"))]
    pub client_secret_file: Option<PathBuf>,
    /// How the secret of the OAuth client is sent. The default is basic.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// The file with the token of the actor, which is the party that acts on behalf of the other source's identity. It is read
    /// for each exchange.
    #[schemars(extend("format" = "path"))]
    pub actor_token_file: Option<PathBuf>,
    /// The type of the token in actor-token-file: jwt (the default), id-token, access-token, or a URI.
    pub actor_token_type: Option<String>,
    /// The file with the CA bundle for the issuer's certificate, in PEM. The default is the system's trust store.
    #[schemars(extend("format" = "path"))]
    pub endpoint_certificate_authority: Option<PathBuf>,
    /// The CA bundle for the issuer's certificate: PEM, or base64 of PEM.
    #[schemars(with = "Option<String>")]
    pub endpoint_certificate_authority_data: Option<SecretString>,
    /// Additional fields of the request, which some issuers need. They must not be secret.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// How an OAuth client sends its secret to the issuer (RFC 6749, 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// In the `Authorization` header (HTTP Basic), which every issuer supports.
    #[default]
    Basic,
    /// In the form fields of the request.
    Form,
}

/// An address may contain a password by mistake, so it is not shown.
impl fmt::Debug for TokenExchangeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenExchangeOptions")
            .field("through", &self.through)
            .field("audience", &self.audience)
            .field("has_client_secret", &self.client_secret.is_some())
            .finish_non_exhaustive()
    }
}
