//! The builder of a client configuration.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::{ClientConfiguration, Resolved};
use crate::cluster::{CaBundle, Cluster, Trust};
use crate::credential::Credential;
use crate::credentials::Credentials;
use crate::error::Result;
use crate::host::Host;
use crate::impersonation::Impersonation;
use crate::origin::Origin;
use crate::provenance::Provenance;
use crate::proxy::Proxy;
use crate::report::Report;
use crate::source::CredentialSource;
use crate::trust::{LiveTrust, TrustSource};
use crate::warning::Warning;

/// The origin of a configuration's credentials.
#[derive(Debug)]
pub(super) enum Identity {
    Fixed(Credential),
    Source(Arc<dyn CredentialSource>),
}

/// Builds a [`ClientConfiguration`]. [`ClientConfiguration::builder`] returns it.
#[derive(Debug)]
pub struct ClientConfigurationBuilder {
    pub(super) cluster: Cluster,
    pub(super) namespace: Option<String>,
    pub(super) impersonation: Option<Impersonation>,
    pub(super) identity: Identity,
    /// The source that reads the CA bundle again, and the bundle that was read first.
    pub(super) trust_source: Option<(Arc<dyn TrustSource>, CaBundle)>,
    pub(super) allows_credentials_over_http: bool,
    pub(super) warnings: Vec<Warning>,
    pub(super) provenance: Provenance,
    /// The origins of the identity's fields. They are removed together if no credential is sent.
    pub(super) identity_origins: Vec<(Cow<'static, str>, Origin)>,
    pub(super) identity_values: Vec<(Cow<'static, str>, String)>,
    pub(super) identity_files: Vec<(Cow<'static, str>, PathBuf)>,
}

impl ClientConfigurationBuilder {
    /// Sets a credential that never changes.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.identity = Identity::Fixed(credential);
        self
    }

    /// Sets the source that fetches credentials when they are needed.
    #[must_use]
    pub fn source(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.identity = Identity::Source(source);
        self
    }

    /// Sets the source that rereads the cluster's CA bundle while the configuration is in use. It has an effect only if
    /// the cluster's trust is a [`Trust::CaBundle`]. `None` keeps the bundle as it is.
    #[must_use]
    pub fn trust_source(mut self, source: Option<Arc<dyn TrustSource>>) -> Self {
        self.trust_source = match &self.cluster.trust {
            Trust::CaBundle(first) => source.map(|source| (source, first.clone())),
            _ => None,
        };
        self
    }

    /// Sets the namespace for requests that do not set one. The default is `default`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into()).filter(|namespace| !namespace.is_empty());
        self
    }

    /// Sets the user to impersonate. `None` impersonates no user.
    #[must_use]
    pub fn impersonation(mut self, impersonation: Option<Impersonation>) -> Self {
        self.impersonation = impersonation;
        self
    }

    /// Sets whether credentials are sent to an `http://` server, where every host on the network path can read them.
    /// The default is `false`.
    ///
    /// ```
    /// use kubex_core::{ClientConfiguration, Cluster, Credential, ServerUrl};
    ///
    /// // The server is `kubectl proxy` on the same machine.
    /// let cluster = Cluster::new(ServerUrl::parse("http://127.0.0.1:8001")?);
    /// let builder = ClientConfiguration::builder(cluster).credential(Credential::bearer("abc".into())?);
    /// assert!(!builder.sends_credentials());
    /// assert!(builder.allow_credentials_over_http(true).sends_credentials());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    #[must_use]
    pub fn allow_credentials_over_http(mut self, allowed: bool) -> Self {
        self.allows_credentials_over_http = allowed;
        self
    }

    /// Returns the cluster, as passed to [`ClientConfiguration::builder`].
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns whether the configuration to be built would send credentials to its server. The result is `false` for an
    /// `http://` server, unless [`allow_credentials_over_http`](Self::allow_credentials_over_http) was called.
    pub fn sends_credentials(&self) -> bool {
        self.cluster.server.is_encrypted() || self.allows_credentials_over_http
    }

    /// Adds a warning for the user of the configuration.
    #[must_use]
    pub fn warning(mut self, warning: Warning) -> Self {
        self.warnings.push(warning);
        self
    }

    /// Sets the origins of the cluster's fields, the namespace and the impersonation.
    #[must_use]
    pub(crate) fn provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Adds the origin of a field of the identity.
    #[must_use]
    pub(crate) fn identity_origin(mut self, field: Cow<'static, str>, origin: Origin) -> Self {
        self.identity_origins.push((field, origin));
        self
    }

    pub(crate) fn identity_value(mut self, field: Cow<'static, str>, value: String) -> Self {
        self.identity_values.push((field, value));
        self
    }

    /// Adds the file that a field of the identity names.
    pub(crate) fn identity_file(mut self, field: Cow<'static, str>, file: PathBuf) -> Self {
        self.identity_files.push((field, file));
        self
    }

    /// Builds the configuration. If no proxy is set, it uses the proxy of the environment variables.
    ///
    /// For an `http://` server, no credential is fetched or sent, unless
    /// [`allow_credentials_over_http`](Self::allow_credentials_over_http) permits it.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue) if a value of the impersonation is not a
    /// valid header value, or if an environment variable contains an invalid proxy URL.
    pub fn build(mut self, host: &Host) -> Result<ClientConfiguration> {
        if self.cluster.proxy.is_none()
            && let Some(proxy) = Proxy::from_environment(self.cluster.server.url(), host)?
        {
            if let Some(variable) = proxy.variable() {
                self.provenance.set("proxy-url", &Origin::variable(variable));
            }
            self.cluster.proxy = Some(proxy);
        }
        let sends_credentials = self.sends_credentials();
        let is_anonymous = matches!(&self.identity, Identity::Fixed(credential) if credential.is_anonymous());
        if !sends_credentials && !is_anonymous {
            self.warnings.push(Warning::new(
                "credentials-withheld-over-http",
                "no credential is sent, because the server's address begins with http://",
            ));
            self.identity = Identity::Fixed(Credential::anonymous());
            self.identity_origins.clear();
        }
        let cluster = Arc::new(self.cluster);
        let credentials = match self.identity {
            Identity::Fixed(credential) => Credentials::fixed(credential),
            Identity::Source(source) => Credentials::live(source, Arc::clone(&cluster), host.clone()),
        };
        let trust = match (&cluster.trust, self.trust_source) {
            (Trust::CaBundle(set), Some((source, first))) if set.is_identical(&first) => {
                LiveTrust::live(first, source, host.clone())
            }
            (trust, _) => LiveTrust::fixed(trust.clone()),
        };
        let impersonation = match self.impersonation {
            Some(user) => {
                let headers = user.headers()?;
                Some(Box::new((user, headers)))
            }
            None => None,
        };
        for (field, origin) in &self.identity_origins {
            self.provenance.set(field, origin);
        }
        for (field, value) in &self.identity_values {
            self.provenance.set_value(field, value);
        }
        for (field, file) in &self.identity_files {
            self.provenance.set_file(field, file);
        }
        self.provenance.shrink();
        Ok(ClientConfiguration {
            resolved: Arc::new(Resolved {
                cluster,
                namespace: self.namespace.as_deref().unwrap_or("default").into(),
                impersonation,
                warnings: self.warnings,
                provenance: self.provenance,
                report: Report::default(),
            }),
            followed: None,
            credentials,
            trust,
        })
    }
}
