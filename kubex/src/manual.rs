//! The entry point `configure`: everything is set in code.

use std::future::{Future, IntoFuture};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use kubex_core::options::Value;
use kubex_core::{
    Chain, ClientConfiguration, Error, ErrorKind, ExposeSecret as _, Host, Impersonation, Options, Origin,
    Result, SecretBytes, SecretString, Source,
};

use crate::registry;

/// Configures a client in code. Awaiting the builder returns the configuration.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kubex::Result<()> {
/// let configuration = kubex::configure()
///     .url("https://10.0.0.1:6443")
///     .token("abc")
///     .namespace("team-a")
///     .await?;
/// assert_eq!(configuration.to_string(), "https://10.0.0.1:6443, namespace team-a, bearer token");
/// # Ok(())
/// # }
/// ```
pub fn configure() -> ManualConfiguration {
    ManualConfiguration::default()
}

/// The builder that [`configure`] returns: a configuration that is set in code. Await it to get the configuration. Timeouts,
/// retries and connection pools are settings of the HTTP client, and not part of it.
///
/// # Errors
/// Awaiting the builder reads the files, so that a missing file is reported early. It returns:
///
/// - [`ErrorKind::MissingCluster`]: no URL is set.
/// - [`ErrorKind::ConflictingFields`], [`ErrorKind::IncompleteKeyPair`] or [`ErrorKind::MissingField`]: settings do not fit
///   together.
/// - [`ErrorKind::UnreadableFile`], [`ErrorKind::InvalidPem`] or [`ErrorKind::EmptyToken`]: a file cannot be used.
#[derive(Debug, Default)]
#[must_use = "nothing is read before it is awaited"]
pub struct ManualConfiguration {
    /// A pasted address may contain a password.
    url: Option<SecretString>,
    tls_server_name: Option<String>,
    proxy_url: Option<SecretString>,
    disable_compression: bool,
    allow_credentials_over_http: bool,
    token: Option<SecretString>,
    token_file: Option<PathBuf>,
    try_refresh_token: Option<bool>,
    basic: Option<(String, SecretString)>,
    server_ca_file: Option<PathBuf>,
    server_ca_pem: Option<SecretBytes>,
    insecure_skip_tls_verify: bool,
    client_cert_file: Option<PathBuf>,
    client_cert_pem: Option<SecretBytes>,
    client_key_file: Option<PathBuf>,
    client_key_pem: Option<SecretBytes>,
    namespace: Option<String>,
    impersonation: Option<Impersonation>,
    host: Host,
}

impl ManualConfiguration {
    /// Sets the API server's address: `https://host:port`, with an optional path.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(SecretString::from(url.into()));
        self
    }

    /// Sets the TLS server name. It is sent as SNI, and the server's certificate is checked against it. The default is
    /// the host of the URL.
    pub fn tls_server_name(mut self, name: impl Into<String>) -> Self {
        self.tls_server_name = Some(name.into());
        self
    }

    /// Sets the proxy's URL: `http`, `https`, `socks5` or `socks5h`, with a user name and a password if the proxy
    /// requires them.
    pub fn proxy_url(mut self, url: impl Into<SecretString>) -> Self {
        self.proxy_url = Some(url.into());
        self
    }

    /// Sets whether the client asks the server for uncompressed responses. Off by default.
    pub fn disable_compression(mut self, disable: bool) -> Self {
        self.disable_compression = disable;
        self
    }

    /// Sets whether credentials are sent to an `http://` server. Off by default, because everyone on the network path
    /// can read them.
    pub fn allow_credentials_over_http(mut self, allow: bool) -> Self {
        self.allow_credentials_over_http = allow;
        self
    }

    /// Sets a bearer token. If a [`token_file`](Self::token_file) is set too, this token is used only until a token has
    /// been read from the file.
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets the file that contains the bearer token.
    pub fn token_file(mut self, path: impl AsRef<Path>) -> Self {
        self.token_file = Some(path.as_ref().to_owned());
        self
    }

    /// Sets whether the token file is read again every 60 s. On by default. Calling this method without setting a
    /// token file is an error.
    pub fn try_refresh_token(mut self, refresh: bool) -> Self {
        self.try_refresh_token = Some(refresh);
        self
    }

    /// Sets a user name and a password for basic authentication. Setting a token too is an error.
    pub fn basic(mut self, username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        self.basic = Some((username.into(), password.into()));
        self
    }

    /// Sets the file that contains the CA certificates, in PEM. They replace the system's trust store.
    pub fn server_ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.server_ca_file = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the CA certificates, in PEM. They replace the system's trust store.
    pub fn server_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.server_ca_pem = Some(pem.into().into());
        self
    }

    /// Sets whether the server may present any certificate, valid or not. Off by default. Turn it on only for tests.
    pub fn insecure_skip_tls_verify(mut self, skip: bool) -> Self {
        self.insecure_skip_tls_verify = skip;
        self
    }

    /// Sets the file that contains the client certificate, in PEM.
    pub fn client_cert_file(mut self, path: impl AsRef<Path>) -> Self {
        self.client_cert_file = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the client certificate, in PEM.
    pub fn client_cert_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.client_cert_pem = Some(pem.into().into());
        self
    }

    /// Sets the file that contains the client certificate's private key, in PEM.
    pub fn client_key_file(mut self, path: impl AsRef<Path>) -> Self {
        self.client_key_file = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the client certificate's private key, in PEM.
    pub fn client_key_pem(mut self, pem: impl Into<SecretBytes>) -> Self {
        self.client_key_pem = Some(pem.into());
        self
    }

    /// Sets the namespace for requests that do not set one themselves. The default is `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Impersonates another user, if the server allows it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> kubex::Result<()> {
    /// use kubex::Impersonation;
    ///
    /// let configuration = kubex::configure()
    ///     .url("https://10.0.0.1:6443")
    ///     .token("abc")
    ///     .impersonation(Impersonation::new("jane"))
    ///     .await?;
    /// assert_eq!(configuration.impersonation().unwrap().user, "jane");
    /// # Ok(())
    /// # }
    /// ```
    pub fn impersonation(mut self, impersonation: Impersonation) -> Self {
        self.impersonation = Some(impersonation);
        self
    }

    /// Uses this host (the interface to variables, files, processes and clocks) instead of the real one. A test passes
    /// a simulated host.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    async fn resolve(self) -> Result<ClientConfiguration> {
        if self.try_refresh_token.is_some() && self.token_file.is_none() {
            return Err(Error::new(
                ErrorKind::MissingField,
                "\"try_refresh_token\" is set without \"token_file\"",
            )
            .with_origin(&Origin::code())
            .with_help("set \"token_file\", or remove \"try_refresh_token\""));
        }
        if self.url.is_none() {
            return Err(Error::new(ErrorKind::MissingCluster, "no server is set")
                .with_origin(&Origin::code())
                .with_help("call url(\"https://host:port\")"));
        }
        let provider = if self.token_file.is_some() {
            "token-file"
        } else {
            "static"
        };
        let host = self.host.clone();
        let source = Source::new("manual").provider(provider).options(self.options()?);
        let chain = Chain::builder(registry()?).host(host).source(source).build()?;
        chain.resolve_only().await
    }

    fn options(self) -> Result<Options> {
        let (username, password) = self.basic.unzip();
        let options = Options::new()
            .set_if_some("server", self.url.map(exposed))
            .set_if_some("tls-server-name", self.tls_server_name)
            .set_if_some("proxy-url", self.proxy_url.map(exposed))
            .set_if_some("disable-compression", self.disable_compression.then_some(true))
            .set_if_some(
                "allow-credentials-over-http",
                self.allow_credentials_over_http.then_some(true),
            )
            .set_if_some("token-file", path(self.token_file, "token_file")?)
            .set_if_some("try-refresh-token", self.try_refresh_token)
            .set_if_some("token", self.token.map(exposed))
            .set_if_some("username", username)
            .set_if_some("password", password.map(exposed))
            .set_if_some(
                "certificate-authority",
                path(self.server_ca_file, "server_ca_file")?,
            )
            .set_if_some(
                "certificate-authority-data",
                pem(self.server_ca_pem, "server_ca_pem")?,
            )
            .set_if_some(
                "insecure-skip-tls-verify",
                self.insecure_skip_tls_verify.then_some(true),
            )
            .set_if_some(
                "client-certificate",
                path(self.client_cert_file, "client_cert_file")?,
            )
            .set_if_some(
                "client-certificate-data",
                pem(self.client_cert_pem, "client_cert_pem")?,
            )
            .set_if_some("client-key", path(self.client_key_file, "client_key_file")?)
            .set_if_some("client-key-data", pem(self.client_key_pem, "client_key_pem")?)
            .set_if_some("namespace", self.namespace);
        Ok(match self.impersonation {
            Some(impersonation) => impersonating(options, impersonation),
            None => options,
        })
    }
}

impl IntoFuture for ManualConfiguration {
    type Output = Result<ClientConfiguration>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.resolve())
    }
}

fn impersonating(options: Options, impersonation: Impersonation) -> Options {
    let extra: Vec<(String, Value)> = impersonation
        .extra
        .into_iter()
        .map(|(key, values)| (key, Value::new(values, Origin::code())))
        .collect();
    options
        .set("as", impersonation.user)
        .set_if_some("as-uid", impersonation.uid)
        .set_if_some(
            "as-groups",
            (!impersonation.groups.is_empty()).then_some(impersonation.groups),
        )
        .set_if_some("as-user-extra", (!extra.is_empty()).then_some(extra))
}

/// Copies a secret into options, which wipe their strings on drop like the secret itself.
#[expect(clippy::needless_pass_by_value, reason = "the secret is handed over")]
fn exposed(secret: SecretString) -> String {
    secret.expose_secret().to_owned()
}

fn path(path: Option<PathBuf>, field: &str) -> Result<Option<String>> {
    path.map(|path| path.into_os_string().into_string())
        .transpose()
        .map_err(|_| {
            Error::new(
                ErrorKind::InvalidValue,
                format_args!("\"{field}\" is not valid Unicode"),
            )
            .with_origin(&Origin::code().key(field))
        })
}

fn pem(bytes: Option<SecretBytes>, field: &str) -> Result<Option<String>> {
    bytes
        .map(|bytes| bytes.into_text().map(exposed))
        .transpose()
        .map_err(|_| {
            Error::new(
                ErrorKind::InvalidPem,
                format_args!("\"{field}\" is not valid PEM"),
            )
            .with_origin(&Origin::code().key(field))
        })
}
