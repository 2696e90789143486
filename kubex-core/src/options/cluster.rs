//! The options that say which cluster, for every source that knows an identity alone.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ca_bundle::CaBundleOption;
use super::pem::Pem;
use super::{Options, Value, ValueKind};
use crate::cluster::{Cluster, ServerUrl, Trust};
use crate::configuration::{ClientConfiguration, ClientConfigurationBuilder};
use crate::error::{Error, ErrorKind, Problems, Result};
use crate::host::Host;
use crate::impersonation::Impersonation;
use crate::provider::ResolveRequest;
use crate::proxy::Proxy;
use crate::secret::{ExposeSecret, SecretString};
use crate::trust::TrustSource;
use crate::warning::Warning;

/// The cluster, the namespace and the impersonation of a source, spelled as in a kubeconfig.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ClusterFields {
    /// The API server's address, `https://host:port`, with an optional path.
    pub server: Option<String>,
    /// The file of certificate authorities, in PEM. With it, no other authority is trusted.
    #[schemars(extend("format" = "path"))]
    pub certificate_authority: Option<PathBuf>,
    /// The certificate authorities themselves: PEM, or base64 of it as in a kubeconfig.
    pub certificate_authority_data: Option<String>,
    /// Accepts any certificate from the server. For a laboratory.
    pub insecure_skip_tls_verify: bool,
    /// The name the server's certificate is checked for.
    pub tls_server_name: Option<String>,
    /// The proxy on the way: http, https, socks5 or socks5h.
    #[schemars(with = "Option<String>", extend("format" = "uri", "writeOnly" = true))]
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
#[derive(Debug, Default)]
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

    pub(crate) fn is_empty(&self) -> bool {
        self.options.is_empty() && self.extensions.is_empty()
    }

    /// Adds what is attached to the cluster, by name.
    #[must_use]
    pub fn with_extensions(mut self, extensions: Vec<(String, Value)>) -> Self {
        self.extensions = extensions;
        self
    }

    /// Starts the client configuration: puts the request's overrides in, reads the authorities and checks what
    /// excludes each other. All problems are told at once.
    ///
    /// # Errors
    /// `MissingCluster` without a server, `ConflictingFields`, `UnreadableFile`, `InvalidPem`, `InvalidValue`,
    /// each with the key it is about.
    pub async fn configure(&self, request: ResolveRequest<'_>) -> Result<ClientConfigurationBuilder> {
        let overridden = self.overridden_by(request.overrides().cluster())?;
        overridden.start(request.host()).await
    }

    async fn start(&self, host: &Host) -> Result<ClientConfigurationBuilder> {
        let fields = &self.fields;
        let mut problems = Problems::default();
        let server = problems.take(self.server());
        let trust = problems.take(self.trust(host).await);
        let proxy = problems.take(self.proxy());
        let impersonation = problems.take(self.impersonation(None));
        problems.into_result()?;
        let (Some(server), Some((trust, trust_source)), Some(proxy), Some(impersonation)) =
            (server, trust, proxy, impersonation)
        else {
            return Err(no_server(&self.options));
        };
        let mut cluster = Cluster::new(server);
        cluster.trust = trust;
        cluster.tls_server_name.clone_from(&fields.tls_server_name);
        cluster.proxy = proxy;
        cluster.disable_compression = fields.disable_compression;
        cluster.extensions.clone_from(&self.extensions);
        let insecure = matches!(cluster.trust, Trust::Insecure);
        let mut builder = ClientConfiguration::builder(cluster)
            .trust_source(trust_source)
            .impersonation(impersonation)
            .allow_credentials_over_http(fields.allow_credentials_over_http)
            .with_overrides_taken();
        for (key, value) in self.options.iter().filter(|(_, value)| !value.is_blank()) {
            builder = builder.written_at(key, value.origin());
        }
        if let Some(namespace) = &fields.namespace {
            builder = builder.namespace(namespace);
        }
        if insecure {
            builder = builder.warning(self.insecure());
        }
        Ok(builder)
    }

    /// These options with others in the place of their own; the [rules](crate::overrides) are client-go's.
    pub(crate) fn overridden_by(&self, others: &Self) -> Result<Self> {
        let mut options = self.options.clone();
        let is_set = |keys: &[&str]| keys.iter().any(|key| others.options.get(key).is_some());
        if others.replaces_trust() {
            let _ = options.split_off(TRUST);
        }
        if is_set(&["server"]) {
            let _ = options.split_off(&["tls-server-name"]);
        }
        for (key, value) in others.options.iter().filter(|(_, value)| !value.is_blank()) {
            let mut value = value.clone();
            if let (ValueKind::Mapping(more), Some(ValueKind::Mapping(own))) =
                (value.kind(), options.get(key).map(Value::kind))
            {
                let kept = own
                    .iter()
                    .filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
                let all: Vec<_> = kept.chain(more).cloned().collect();
                value = Value::new(all, value.origin().clone());
            }
            options.insert(key, value);
        }
        Ok(Self {
            fields: options.parse()?,
            options,
            extensions: self.extensions.clone(),
        })
    }

    /// Puts these options in the place of a finished builder's own.
    pub(crate) async fn apply_to(
        &self,
        mut builder: ClientConfigurationBuilder,
        host: &Host,
    ) -> Result<ClientConfigurationBuilder> {
        let fields = &self.fields;
        let is_set = |keys: &[&str]| keys.iter().any(|key| self.options.get(key).is_some());
        if self.replaces_trust() {
            let (trust, trust_source) = self.trust(host).await?;
            builder.cluster.trust = trust;
            builder = builder.trust_source(trust_source);
        }
        let cluster = &mut builder.cluster;
        if is_set(&["server"]) {
            cluster.server = self.server()?;
        }
        if is_set(&["server", "tls-server-name"]) {
            cluster.tls_server_name.clone_from(&fields.tls_server_name);
        }
        if let Some(proxy) = self.proxy()? {
            cluster.proxy = Some(proxy);
        }
        cluster.disable_compression |= fields.disable_compression;
        builder.impersonation = self.impersonation(builder.impersonation.take())?;
        if fields.allow_credentials_over_http {
            builder = builder.allow_credentials_over_http(true);
        }
        if let Some(namespace) = &fields.namespace {
            builder = builder.namespace(namespace);
        }
        if fields.insecure_skip_tls_verify {
            builder = builder.warning(self.insecure());
        }
        for (key, value) in self.options.iter() {
            builder = builder.written_at(key, value.origin());
        }
        Ok(builder)
    }

    /// Whether one of the options that say whom to trust is set.
    pub fn replaces_trust(&self) -> bool {
        TRUST.iter().any(|key| self.options.get(key).is_some())
    }

    fn server(&self) -> Result<ServerUrl> {
        let server = self
            .fields
            .server
            .as_deref()
            .ok_or_else(|| no_server(&self.options))?;
        ServerUrl::parse(server).map_err(|error| self.about("server", error))
    }

    fn proxy(&self) -> Result<Option<Proxy>> {
        let text = self.fields.proxy_url.as_ref();
        text.map(|text| Proxy::parse(text.expose_secret()).map_err(|error| self.about("proxy-url", error)))
            .transpose()
    }

    fn insecure(&self) -> Warning {
        Warning::new(
            "insecure-skip-tls-verify",
            "any certificate is accepted from the server",
        )
        .with_origin(&self.origin_of("insecure-skip-tls-verify"))
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
            .with_origin(&self.origin_of("insecure-skip-tls-verify"))
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

    /// Whom to act as: what the base says, with the fields that are set here in place of its own.
    fn impersonation(&self, base: Option<Impersonation>) -> Result<Option<Impersonation>> {
        let fields = &self.fields;
        let mut impersonation = base.unwrap_or_else(|| Impersonation::new(""));
        if let Some(user) = &fields.act_as {
            impersonation.user.clone_from(user);
        }
        if fields.as_uid.is_some() {
            impersonation.uid.clone_from(&fields.as_uid);
        }
        if !fields.as_groups.is_empty() {
            impersonation.groups.clone_from(&fields.as_groups);
        }
        let extra = &fields.as_user_extra;
        impersonation.extra.retain(|(key, _)| !extra.contains_key(key));
        impersonation.extra.extend(extra.clone());
        if impersonation.user.is_empty() {
            let without_user = [
                ("as-uid", impersonation.uid.is_some()),
                ("as-groups", !impersonation.groups.is_empty()),
                ("as-user-extra", !impersonation.extra.is_empty()),
            ];
            return match without_user.iter().find(|(_, is_set)| *is_set) {
                None => Ok(None),
                Some((key, _)) => Err(self.about(
                    key,
                    Error::new(
                        ErrorKind::MissingField,
                        format_args!("\"{key}\" is set without \"as\""),
                    )
                    .with_help("set \"as\" to the user to act as"),
                )),
            };
        }
        impersonation.headers().map_err(|error| self.about("as", error))?;
        Ok(Some(impersonation))
    }

    fn about(&self, key: &str, error: Error) -> Error {
        error.with_origin(&self.origin_of(key))
    }

    fn origin_of(&self, key: &str) -> crate::Origin {
        self.options.origin_of(key)
    }
}

/// The options that say whom to trust; one of them replaces all.
const TRUST: &[&str] = &[
    "certificate-authority",
    "certificate-authority-data",
    "insecure-skip-tls-verify",
];

fn no_server(options: &Options) -> Error {
    Error::new(ErrorKind::MissingCluster, "no server is set")
        .with_origin(&options.origin_of("server"))
        .with_help("set \"server\" to its address, https://host:port")
}
