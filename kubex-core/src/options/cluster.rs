//! The options that describe a cluster. Every source accepts them if its provider only returns a credential.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls_pki_types::ServerName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ca_bundle::CaBundleOption;
use super::pem::Pem;
use super::{Options, Value};
use crate::cluster::{Cluster, ServerUrl, Trust};
use crate::error::{Error, ErrorKind, Problems, Result};
use crate::host::Host;
use crate::impersonation::Impersonation;
use crate::placeholder::is_doubtful_host;
use crate::proxy::Proxy;
use crate::secret::{ExposeSecret, SecretString};
use crate::text::clean_line;
use crate::trust::TrustSource;
use crate::warning::Warning;

/// The cluster, the namespace and the impersonation of a source. The keys are the same as in a kubeconfig.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ClusterFields {
    /// The API server's address, `https://host:port`, with an optional path.
    #[schemars(extend("pattern" = "^https?://"))]
    pub server: Option<String>,
    /// The file of certificate authorities, in PEM. If it is set, no other certificate authority is trusted.
    #[schemars(extend("format" = "path"))]
    pub certificate_authority: Option<PathBuf>,
    /// The certificate authorities inline: PEM, or base64 of PEM as in a kubeconfig.
    pub certificate_authority_data: Option<String>,
    /// Accepts any certificate from the server. Use it for tests only.
    pub insecure_skip_tls_verify: bool,
    /// The name that the server's certificate must contain, and that is sent as SNI.
    pub tls_server_name: Option<String>,
    /// The proxy's URL: `http`, `https`, `socks5` or `socks5h`.
    #[schemars(with = "Option<String>", extend("format" = "uri", "writeOnly" = true, "pattern" = "^(https?|socks5h?)://"))]
    pub proxy_url: Option<SecretString>,
    /// Requests uncompressed responses.
    pub disable_compression: bool,
    /// The namespace for requests that do not set one.
    pub namespace: Option<String>,
    /// The user to impersonate.
    #[serde(rename = "as")]
    pub act_as: Option<String>,
    /// The uid to impersonate.
    pub as_uid: Option<String>,
    /// The groups to impersonate.
    pub as_groups: Vec<String>,
    /// The extra fields to impersonate.
    pub as_user_extra: BTreeMap<String, Vec<String>>,
    /// Sends credentials to an `http://` server. They are visible to every host on the network path.
    pub allow_credentials_over_http: bool,
}

/// A server's or a proxy's URL may contain a password, so neither is shown.
impl fmt::Debug for ClusterFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterFields")
            .field("has_server", &self.server.is_some())
            .field("has_proxy", &self.proxy_url.is_some())
            .field("namespace", &self.namespace)
            .field("act_as", &self.act_as)
            .finish_non_exhaustive()
    }
}

/// [`ClusterFields`] with the origin of each value. The chain builds a [`Cluster`] from them.
///
/// The keys are the same as in a kubeconfig, in kebab case:
///
/// | key | value |
/// |---|---|
/// | `server` | the address, `https://host:port` |
/// | `certificate-authority`, `certificate-authority-data` | a file, or PEM in base64 |
/// | `insecure-skip-tls-verify` | `true` accepts any certificate |
/// | `tls-server-name` | the name in the server's certificate, if it differs from the host of the address |
/// | `proxy-url` | `http`, `https`, `socks5` or `socks5h` |
/// | `disable-compression` | `true` requests uncompressed responses |
/// | `namespace` | the default namespace |
/// | `as`, `as-uid`, `as-groups`, `as-user-extra` | the user to impersonate |
/// | `allow-credentials-over-http` | `true` sends credentials to an `http://` server |
///
/// ```
/// use kubex_core::Options;
/// use kubex_core::options::ClusterOptions;
///
/// let options = Options::new().set("server", "https://10.0.0.1:6443").set("namespace", "team-a");
/// assert!(ClusterOptions::new(options).is_ok());
/// assert!(ClusterOptions::new(Options::new().set("servr", "https://10.0.0.1")).is_err());
/// ```
#[derive(Debug, Default)]
pub struct ClusterOptions {
    fields: ClusterFields,
    options: Options,
}

/// A cluster that was loaded from its options, with the values that belong to it.
#[derive(Debug)]
pub(crate) struct LoadedCluster {
    pub(crate) cluster: Cluster,
    /// Reads the certificate authorities again, if they are in a file.
    pub(crate) trust_source: Option<Arc<dyn TrustSource>>,
    pub(crate) impersonation: Option<Impersonation>,
    pub(crate) namespace: Option<String>,
    pub(crate) allows_credentials_over_http: bool,
    pub(crate) warnings: Vec<Warning>,
}

impl ClusterOptions {
    /// The keys of a source's options that describe the cluster. All other keys belong to the provider.
    pub const KEYS: &[&str] = &[
        "server",
        "certificate-authority",
        "certificate-authority-data",
        "insecure-skip-tls-verify",
        "tls-server-name",
        "proxy-url",
        "disable-compression",
        "namespace",
        "as",
        "as-uid",
        "as-groups",
        "as-user-extra",
        "allow-credentials-over-http",
    ];

    /// The keys that define which server certificates are trusted. An override of one of them replaces all three, except
    /// `insecure-skip-tls-verify: false` (see [overrides](crate::overrides)).
    pub const TRUST_KEYS: &[&str] = &[
        "certificate-authority",
        "certificate-authority-data",
        "insecure-skip-tls-verify",
    ];

    /// Parses the options of a cluster. Any other option is an error.
    ///
    /// # Errors
    /// - [`ErrorKind::UnknownField`]: an option does not describe a cluster.
    /// - [`ErrorKind::InvalidValue`]: a value has the wrong type.
    pub fn new(options: Options) -> Result<Self> {
        Ok(Self {
            fields: options.parse()?,
            options,
        })
    }

    /// Loads the cluster: reads the certificate authorities and checks that no two options exclude each other. All
    /// problems are reported at once.
    ///
    /// # Errors
    /// Returns `MissingCluster` without a server; otherwise `ConflictingFields`, `UnreadableFile`, `InvalidPem` or
    /// `InvalidValue`. Each problem has the origin of its key.
    pub(crate) async fn load(self, extensions: Vec<(String, Value)>, host: &Host) -> Result<LoadedCluster> {
        let mut problems = Problems::new();
        let server = problems.take(self.server());
        let trust = problems.take(self.trust(host).await);
        let proxy = problems.take(self.proxy());
        let tls_server_name = problems.take(self.tls_server_name());
        let impersonation = problems.take(self.impersonation());
        problems.into_result()?;
        let (
            Some(server),
            Some((trust, trust_source)),
            Some(proxy),
            Some(tls_server_name),
            Some(impersonation),
        ) = (server, trust, proxy, tls_server_name, impersonation)
        else {
            return Err(missing_server(&self.options));
        };
        let mut warnings = Vec::new();
        if matches!(trust, Trust::Insecure) {
            warnings.push(
                Warning::new(
                    "insecure-skip-tls-verify",
                    "the server's certificate is not verified",
                )
                .with_origin(&self.options.origin_of("insecure-skip-tls-verify")),
            );
        }
        if is_doubtful_host(server.written_host()) {
            let message = format!(
                "the server's host \"{}\" looks like a placeholder; replace it with the real one",
                clean_line(server.written_host())
            );
            let warning = Warning::new("doubtful-server", message);
            warnings.push(warning.with_origin(&self.options.origin_of("server")));
        }
        if let Trust::CaBundle(bundle) = &trust {
            let key = ["certificate-authority", "certificate-authority-data"]
                .into_iter()
                .find(|key| self.options.get(key).is_some_and(|value| !value.is_blank()));
            let origin = self.options.origin_of(key.unwrap_or("certificate-authority"));
            let about = bundle.warnings(host.now().wall).into_iter();
            warnings.extend(about.map(|warning| warning.with_origin(&origin)));
        }
        let fields = self.fields;
        let mut cluster = Cluster::new(server);
        cluster.trust = trust;
        cluster.tls_server_name = tls_server_name;
        cluster.proxy = proxy;
        cluster.disable_compression = fields.disable_compression;
        cluster.extensions = extensions;
        Ok(LoadedCluster {
            cluster,
            trust_source,
            impersonation,
            namespace: fields.namespace,
            allows_credentials_over_http: fields.allow_credentials_over_http,
            warnings,
        })
    }

    fn server(&self) -> Result<ServerUrl> {
        let server = self
            .fields
            .server
            .as_deref()
            .ok_or_else(|| missing_server(&self.options))?;
        ServerUrl::parse(server).map_err(|error| self.located("server", error))
    }

    /// The name that is checked. An IPv6 address may be in brackets, as in a URL.
    fn tls_server_name(&self) -> Result<Option<String>> {
        let Some(name) = self.fields.tls_server_name.as_deref() else {
            return Ok(None);
        };
        let bare = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .filter(|bare| bare.parse::<Ipv6Addr>().is_ok())
            .unwrap_or(name);
        if ServerName::try_from(bare).is_err() {
            let message = format!(
                "expected a host name or an IP address, found \"{}\"",
                clean_line(name)
            );
            let error = Error::new(ErrorKind::InvalidValue, message)
                .with_help("set \"tls-server-name\" to a name in the server's certificate");
            return Err(self.located("tls-server-name", error));
        }
        Ok(Some(bare.to_owned()))
    }

    fn proxy(&self) -> Result<Option<Proxy>> {
        let text = self.fields.proxy_url.as_ref();
        text.map(|text| Proxy::parse(text.expose_secret()).map_err(|error| self.located("proxy-url", error)))
            .transpose()
    }

    /// Returns the trust, and the source that reads the certificate authorities again if they are in a file.
    async fn trust(&self, host: &Host) -> Result<(Trust, Option<Arc<dyn TrustSource>>)> {
        let fields = &self.fields;
        // Certificates are not secret, so texts need not be searched for them.
        let data = fields.certificate_authority_data.clone();
        let data = data.map(SecretString::unlisted);
        let pem = Pem::new(
            "certificate-authority",
            fields.certificate_authority.clone(),
            data,
            &self.options,
        )?;
        match pem {
            Some(_) if fields.insecure_skip_tls_verify => Err(Error::new(
                ErrorKind::ConflictingFields,
                "a certificate authority and \"insecure-skip-tls-verify\" are both set, and only one can apply",
            )
            .with_origin(&self.options.origin_of("insecure-skip-tls-verify"))
            .with_help("remove one of them")),
            Some(pem) => {
                let option = CaBundleOption::new(pem);
                let trust = Trust::CaBundle(option.load(host).await?);
                let source = option
                    .is_file()
                    .then(|| Arc::new(option) as Arc<dyn TrustSource>);
                Ok((trust, source))
            }
            None if fields.insecure_skip_tls_verify => Ok((Trust::Insecure, None)),
            None => Ok((Trust::System, None)),
        }
    }

    fn impersonation(&self) -> Result<Option<Impersonation>> {
        let fields = &self.fields;
        let mut impersonation = Impersonation {
            user: fields.act_as.clone().unwrap_or_default(),
            uid: fields.as_uid.clone(),
            groups: fields.as_groups.clone(),
            extra: fields.as_user_extra.clone().into_iter().collect(),
        };
        if impersonation.user.is_empty() {
            let without_user = [
                ("as-uid", impersonation.uid.is_some()),
                ("as-groups", !impersonation.groups.is_empty()),
                ("as-user-extra", !impersonation.extra.is_empty()),
            ];
            return match without_user.iter().find(|(_, is_set)| *is_set) {
                None => Ok(None),
                Some((key, _)) => Err(self.located(
                    key,
                    Error::new(
                        ErrorKind::MissingField,
                        format_args!("\"{key}\" is set without \"as\""),
                    )
                    .with_help("set \"as\" to the user to impersonate"),
                )),
            };
        }
        impersonation.extra.retain(|(_, values)| !values.is_empty());
        impersonation
            .headers()
            .map_err(|error| self.located("as", error))?;
        Ok(Some(impersonation))
    }

    fn located(&self, key: &str, error: Error) -> Error {
        error.with_origin(&self.options.origin_of(key))
    }
}

fn missing_server(options: &Options) -> Error {
    Error::new(ErrorKind::MissingCluster, "no server is set")
        .with_origin(&options.origin_of("server"))
        .with_help("set \"server\" to its address, https://host:port")
}
