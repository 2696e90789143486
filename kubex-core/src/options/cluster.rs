//! The options that say which cluster, for every source that knows an identity alone.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::authorities::AuthoritiesOption;
use super::pem::Pem;
use super::{Options, Value};
use crate::cluster::{Cluster, Proxy, ServerUrl, Trust};
use crate::configuration::{ClientConfiguration, ClientConfigurationBuilder, Warning};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::impersonation::Impersonation;
use crate::secret::{ExposeSecret, SecretString};
use crate::trust::TrustSource;

/// The cluster, the namespace and the impersonation of a source, spelled as in a kubeconfig.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ClusterFields {
    /// The API server's address, `https://host:port`, with an optional path.
    pub server: Option<String>,
    /// The file of certificate authorities, in PEM. With it, no other authority is trusted.
    pub certificate_authority: Option<PathBuf>,
    /// The certificate authorities themselves: PEM, or base64 of it as in a kubeconfig.
    pub certificate_authority_data: Option<String>,
    /// Accepts any certificate from the server. For a laboratory.
    pub insecure_skip_tls_verify: bool,
    /// The name the server's certificate is checked for.
    pub tls_server_name: Option<String>,
    /// The proxy on the way: http, https, socks5 or socks5h.
    #[schemars(with = "Option<String>")]
    pub proxy_url: Option<SecretString>,
    /// Asks for answers uncompressed.
    pub disable_compression: bool,
    /// The namespace for requests that name none.
    pub namespace: Option<String>,
    /// The user to act as.
    #[serde(rename = "as")]
    pub act_as: Option<String>,
    /// The uid to act as.
    pub as_uid: Option<String>,
    /// The groups to act as.
    pub as_groups: Vec<String>,
    /// The extra fields to act with.
    pub as_user_extra: BTreeMap<String, Vec<String>>,
    /// Sends credentials to an `http://` server, where everybody on the way can read them.
    pub allow_credentials_over_http: bool,
}

/// An address may have a password in it by mistake, and a proxy's on purpose, so none is shown.
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

/// [`ClusterFields`] with the place each was written down.
#[derive(Debug)]
pub struct ClusterOptions {
    fields: ClusterFields,
    options: Options,
    extensions: Vec<(String, Value)>,
}

impl ClusterOptions {
    /// The keys that are the cluster's in a source's options; the others are the source's own.
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

    /// Takes the cluster's options out of a source's.
    ///
    /// # Errors
    /// `InvalidValue` for one of the wrong type.
    pub fn take_from(options: &mut Options) -> Result<Self> {
        let options = options.split_off(Self::KEYS);
        Ok(Self {
            fields: options.parse()?,
            options,
            extensions: Vec::new(),
        })
    }

    /// Adds what is attached to the cluster, by name.
    #[must_use]
    pub fn with_extensions(mut self, extensions: Vec<(String, Value)>) -> Self {
        self.extensions = extensions;
        self
    }

    /// Starts the client configuration: reads the authorities and checks what excludes each other.
    ///
    /// # Errors
    /// `MissingCluster` without a server, `ConflictingFields`, `UnreadableFile`, `InvalidPem`, `InvalidValue`,
    /// each with the key it is about.
    pub async fn configure(&self, host: &Host) -> Result<ClientConfigurationBuilder> {
        let fields = &self.fields;
        let server = fields.server.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::MissingCluster, "no server is set")
                .at(self.options.origin())
                .advise("set \"server\"")
        })?;
        let mut cluster =
            Cluster::new(ServerUrl::parse(server).map_err(|error| self.about("server", error))?);
        let (trust, trust_source) = self.trust(host).await?;
        cluster.trust = trust;
        cluster.tls_server_name.clone_from(&fields.tls_server_name);
        cluster.proxy = fields
            .proxy_url
            .as_ref()
            .map(|text| Proxy::parse(text.expose_secret()).map_err(|error| self.about("proxy-url", error)))
            .transpose()?;
        cluster.disable_compression = fields.disable_compression;
        cluster.extensions.clone_from(&self.extensions);
        let insecure = matches!(cluster.trust, Trust::Anyone);
        let mut builder = ClientConfiguration::builder(cluster)
            .trust_source(trust_source)
            .impersonation(self.impersonation()?)
            .allow_credentials_over_http(fields.allow_credentials_over_http);
        if let Some(namespace) = &fields.namespace {
            builder = builder.namespace(namespace);
        }
        if insecure {
            builder = builder.warning(
                Warning::new(
                    "insecure-skip-tls-verify",
                    "any certificate is accepted from the server",
                )
                .at(&self.origin_of("insecure-skip-tls-verify")),
            );
        }
        Ok(builder)
    }

    /// Whom to trust, and what reads it again where it is a file.
    async fn trust(&self, host: &Host) -> Result<(Trust, Option<Arc<dyn TrustSource>>)> {
        let fields = &self.fields;
        let data = fields.certificate_authority_data.clone().map(Into::into);
        let pem = Pem::new(
            "certificate-authority",
            fields.certificate_authority.clone(),
            data,
            &self.options,
        )?;
        match pem {
            Some(_) if fields.insecure_skip_tls_verify => Err(Error::new(
                ErrorKind::ConflictingFields,
                "a certificate authority and \"insecure-skip-tls-verify\" are both set, and only one can be meant",
            )
            .at(&self.origin_of("insecure-skip-tls-verify"))
            .advise("remove one of them")),
            Some(pem) => {
                let option = AuthoritiesOption::new(pem);
                let trust = Trust::Authorities(option.load(host).await?);
                let source = option
                    .is_file()
                    .then(|| Arc::new(option) as Arc<dyn TrustSource>);
                Ok((trust, source))
            }
            None if fields.insecure_skip_tls_verify => Ok((Trust::Anyone, None)),
            None => Ok((Trust::System, None)),
        }
    }

    fn impersonation(&self) -> Result<Option<Impersonation>> {
        let fields = &self.fields;
        let Some(user) = fields.act_as.clone().filter(|user| !user.is_empty()) else {
            let without_user = [
                ("as-uid", fields.as_uid.is_some()),
                ("as-groups", !fields.as_groups.is_empty()),
                ("as-user-extra", !fields.as_user_extra.is_empty()),
            ];
            return match without_user.iter().find(|(_, is_set)| *is_set) {
                None => Ok(None),
                Some((key, _)) => Err(self.about(
                    key,
                    Error::new(
                        ErrorKind::MissingField,
                        format_args!("\"{key}\" is set without \"as\""),
                    )
                    .advise("set \"as\" to the user to act as"),
                )),
            };
        };
        let impersonation = Impersonation {
            user,
            uid: fields.as_uid.clone(),
            groups: fields.as_groups.clone(),
            extra: fields.as_user_extra.clone().into_iter().collect(),
        };
        impersonation.headers().map_err(|error| self.about("as", error))?;
        Ok(Some(impersonation))
    }

    fn about(&self, key: &str, error: Error) -> Error {
        error.at(&self.origin_of(key))
    }

    fn origin_of(&self, key: &str) -> crate::Origin {
        self.options.origin_of(key)
    }
}
