//! A configuration of which the program says everything itself.

use std::path::{Path, PathBuf};

use kubex_core::{
    Chain, ClientConfiguration, Error, ErrorKind, Host, Options, Result, SecretBytes, SecretString,
};
use kubex_core::{ExposeSecret as _, Origin};

use crate::registry;

/// Starts a configuration that the program spells out.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kubex::Result<()> {
/// let configuration = kubex::configure()
///     .url("https://10.0.0.1:6443")
///     .token("abc")
///     .namespace("team-a")
///     .build()
///     .await?;
/// assert_eq!(configuration.namespace(), "team-a");
/// # Ok(())
/// # }
/// ```
pub fn configure() -> ManualConfiguration {
    ManualConfiguration::default()
}

/// A configuration in the making. It has no timeout, retry, pool or warning option: those are the HTTP
/// client's.
#[derive(Debug, Default)]
#[must_use]
pub struct ManualConfiguration {
    url: Option<String>,
    token: Option<SecretString>,
    token_file: Option<PathBuf>,
    try_refresh_token: Option<bool>,
    server_ca_file: Option<PathBuf>,
    server_ca: Option<SecretBytes>,
    insecure_skip_tls_verify: bool,
    client_cert_file: Option<PathBuf>,
    client_cert: Option<SecretBytes>,
    client_key_file: Option<PathBuf>,
    client_key: Option<SecretBytes>,
    namespace: Option<String>,
    host: Host,
}

impl ManualConfiguration {
    /// The API server's address: `https://host:port`, with an optional path.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// A bearer token. Beside a token file it serves for as long as the file gives none.
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The file a bearer token is in.
    pub fn token_file(mut self, path: impl AsRef<Path>) -> Self {
        self.token_file = Some(path.as_ref().to_owned());
        self
    }

    /// Whether the token file is read again every 60 s; on unless switched off. Without a token file it is an
    /// error.
    pub fn try_refresh_token(mut self, refresh: bool) -> Self {
        self.try_refresh_token = Some(refresh);
        self
    }

    /// The file of certificate authorities in PEM. With it, no other authority is trusted.
    pub fn server_ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.server_ca_file = Some(path.as_ref().to_owned());
        self
    }

    /// The certificate authorities themselves, in PEM.
    pub fn server_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.server_ca = Some(pem.into().into());
        self
    }

    /// Accepts any certificate from the server. For a laboratory.
    pub fn insecure_skip_tls_verify(mut self, skip: bool) -> Self {
        self.insecure_skip_tls_verify = skip;
        self
    }

    /// The file of the client certificate in PEM.
    pub fn client_cert_file(mut self, path: impl AsRef<Path>) -> Self {
        self.client_cert_file = Some(path.as_ref().to_owned());
        self
    }

    /// The client certificate itself, in PEM.
    pub fn client_cert_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.client_cert = Some(pem.into().into());
        self
    }

    /// The file of the client certificate's key in PEM.
    pub fn client_key_file(mut self, path: impl AsRef<Path>) -> Self {
        self.client_key_file = Some(path.as_ref().to_owned());
        self
    }

    /// The key itself, in PEM.
    pub fn client_key_pem(mut self, pem: impl Into<SecretBytes>) -> Self {
        self.client_key = Some(pem.into());
        self
    }

    /// The namespace for requests that name none; `default` unless set.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Reads files of this host instead of the real one.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// The configuration. Files are read now, so that a missing one is found now.
    ///
    /// # Errors
    /// `MissingCluster` without a URL; `ConflictingFields`, `IncompleteKeyPair`, `MissingField` where parts do
    /// not go together; `UnreadableFile`, `InvalidPem`, `EmptyToken` for what is in them.
    pub async fn build(self) -> Result<ClientConfiguration> {
        if self.try_refresh_token.is_some() && self.token_file.is_none() {
            return Err(Error::new(
                ErrorKind::MissingField,
                "\"try_refresh_token\" is set without \"token_file\"",
            )
            .with_origin(&Origin::code())
            .with_help("set token_file, or leave try_refresh_token out"));
        }
        if self.url.is_none() {
            return Err(Error::new(ErrorKind::MissingCluster, "no server is set")
                .with_origin(&Origin::code())
                .with_help("set it by url(\"https://host:port\")"));
        }
        let provider = if self.token_file.is_some() {
            "token-file"
        } else {
            "static"
        };
        let options = Options::new()
            .set_if_some("server", self.url)
            .set_if_some("token-file", self.token_file.as_deref().map(text_of))
            .set_if_some("try-refresh-token", self.try_refresh_token)
            .set_if_some("token", self.token.map(|token| token.expose_secret().to_owned()))
            .set_if_some(
                "certificate-authority",
                self.server_ca_file.as_deref().map(text_of),
            )
            .set_if_some(
                "certificate-authority-data",
                pem(self.server_ca, "server_ca_pem")?,
            )
            .set_if_some(
                "insecure-skip-tls-verify",
                self.insecure_skip_tls_verify.then_some(true),
            )
            .set_if_some(
                "client-certificate",
                self.client_cert_file.as_deref().map(text_of),
            )
            .set_if_some(
                "client-certificate-data",
                pem(self.client_cert, "client_cert_pem")?,
            )
            .set_if_some("client-key", self.client_key_file.as_deref().map(text_of))
            .set_if_some("client-key-data", pem(self.client_key, "client_key_pem")?)
            .set_if_some("namespace", self.namespace);
        let chain = Chain::builder(registry()?)
            .host(self.host)
            .configured("manual", provider, options)?
            .build();
        chain
            .resolve_only()
            .await
            .map(|resolution| resolution.configuration)
    }
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn pem(bytes: Option<SecretBytes>, what: &str) -> Result<Option<String>> {
    bytes
        .map(|bytes| String::from_utf8(bytes.expose_secret().to_vec()))
        .transpose()
        .map_err(|_| {
            Error::new(ErrorKind::InvalidPem, format_args!("\"{what}\" is no PEM text"))
                .with_origin(&Origin::code().key(what))
        })
}
