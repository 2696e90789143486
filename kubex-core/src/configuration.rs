//! What a source resolves to: everything a client needs to talk to the API server, and no more.
//!
//! Request timeouts, retries, pools and API warnings are the HTTP client's concern and have no place here.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

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
use crate::text::clean_line;
use crate::trust::{LiveTrust, TrustSource};
use crate::warning::Warning;

/// Which API server to talk to, and as whom. Cheap to clone: clones share one live credential.
///
/// ```
/// use std::sync::Arc;
/// use kubex_core::{ClientConfiguration, Cluster, Credential, Host, ServerUrl};
///
/// let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1:6443")?);
/// let configuration = ClientConfiguration::builder(cluster)
///     .credential(Credential::bearer("abc".into())?)
///     .namespace("team-a")
///     .build(&Host::real())?;
/// assert_eq!(configuration.namespace(), "team-a");
/// # Ok::<(), kubex_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientConfiguration {
    cluster: Arc<Cluster>,
    namespace: String,
    impersonation: Option<Impersonation>,
    impersonation_headers: HeaderMap,
    credentials: Credentials,
    trust: LiveTrust,
    warnings: Vec<Warning>,
    provenance: Provenance,
    report: Arc<Report>,
}

impl ClientConfiguration {
    /// Starts a configuration for this cluster: anonymous, in the namespace `default`.
    pub fn builder(cluster: Cluster) -> ClientConfigurationBuilder {
        ClientConfigurationBuilder {
            cluster,
            namespace: None,
            impersonation: None,
            identity: Identity::Fixed(Credential::anonymous()),
            trust_source: None,
            allows_credentials_over_http: false,
            warnings: Vec::new(),
            provenance: Provenance::default(),
            identity_origins: Vec::new(),
        }
    }

    /// The API server and the way to it.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// The namespace for requests that name none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whom to act as.
    pub fn impersonation(&self) -> Option<&Impersonation> {
        self.impersonation.as_ref()
    }

    /// The headers that say whom to act as; empty without impersonation. A request that already carries
    /// `Impersonate-User` keeps its own.
    pub fn impersonation_headers(&self) -> &HeaderMap {
        &self.impersonation_headers
    }

    /// The live handle that gives the current credential.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The live handle that gives the current trust. The cluster's own is the one it was resolved with.
    pub fn trust(&self) -> &LiveTrust {
        &self.trust
    }

    /// Gives the live handles the name of their source in the chain, for events and errors.
    pub(crate) fn set_source_name(&self, source: &str) {
        self.credentials.name(source);
        self.trust.name(source);
    }

    /// What its user should know.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Where each field was written down.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// What each source of the chain did; empty for a configuration that no chain has made.
    pub fn report(&self) -> &Report {
        &self.report
    }

    pub(crate) fn with_report(mut self, report: Report) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// For the line of the source that answered.
    pub(crate) fn summary(&self) -> String {
        let mut words = format!(
            "{}, namespace {}, {}",
            self.cluster().server,
            clean_line(self.namespace()),
            self.credentials().describe()
        );
        if let Some(impersonation) = self.impersonation() {
            words.push_str(", acting as ");
            words.push_str(&clean_line(&impersonation.user));
        }
        words
    }
}

/// One line: the server, the namespace, the kind of credential, and the user that is impersonated.
impl fmt::Display for ClientConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

/// Where a configuration's credentials come from.
#[derive(Debug)]
enum Identity {
    Fixed(Credential),
    Source(Arc<dyn CredentialSource>),
}

/// Builds a [`ClientConfiguration`]. A provider answers with one; the chain adds the overrides and builds it.
#[derive(Debug)]
pub struct ClientConfigurationBuilder {
    cluster: Cluster,
    namespace: Option<String>,
    impersonation: Option<Impersonation>,
    identity: Identity,
    /// What reads the authorities again, and which ones it has read.
    trust_source: Option<(Arc<dyn TrustSource>, CaBundle)>,
    allows_credentials_over_http: bool,
    warnings: Vec<Warning>,
    provenance: Provenance,
    /// Where the fields of the identity were written down. Kept apart, because an override replaces them all.
    identity_origins: Vec<(String, Origin)>,
}

impl ClientConfigurationBuilder {
    /// One credential that never changes.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.identity = Identity::Fixed(credential);
        self
    }

    /// Credentials that this source fetches whenever they are wanted.
    #[must_use]
    pub fn source(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.identity = Identity::Source(source);
        self
    }

    /// What reads the cluster's authorities again while the configuration is in use. A trust that is set in
    /// their place later ends that: it never changes.
    #[must_use]
    pub fn trust_source(mut self, source: Option<Arc<dyn TrustSource>>) -> Self {
        self.trust_source = match &self.cluster.trust {
            Trust::CaBundle(first) => source.map(|source| (source, first.clone())),
            _ => None,
        };
        self
    }

    /// The namespace for requests that name none; `default` unless set.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into()).filter(|namespace| !namespace.is_empty());
        self
    }

    /// Whom to act as.
    #[must_use]
    pub fn impersonation(mut self, impersonation: Option<Impersonation>) -> Self {
        self.impersonation = impersonation;
        self
    }

    /// Sends credentials to an `http://` server, where everybody on the way can read them. Off unless set.
    #[must_use]
    pub fn allow_credentials_over_http(mut self, allowed: bool) -> Self {
        self.allows_credentials_over_http = allowed;
        self
    }

    /// The cluster as it is until now.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Whether a credential would be sent to the server as it is until now.
    pub fn sends_credentials(&self) -> bool {
        self.cluster.server.is_encrypted() || self.allows_credentials_over_http
    }

    /// Adds a warning.
    #[must_use]
    pub fn warning(mut self, warning: Warning) -> Self {
        self.warnings.push(warning);
        self
    }

    /// Sets where each field of the cluster, the namespace and the impersonation was written.
    #[must_use]
    pub(crate) fn provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Records where a field of the identity was written.
    #[must_use]
    pub(crate) fn identity_origin(mut self, field: &str, origin: &Origin) -> Self {
        self.identity_origins.push((field.to_owned(), origin.clone()));
        self
    }

    /// The configuration. This is the one place that withholds credentials from an unencrypted server: a
    /// source whose server is `http://` is dropped here and never asked.
    ///
    /// # Errors
    /// `InvalidValue` where the impersonation cannot travel in headers, or the environment names a proxy that is
    /// none.
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
                "the server's address is http://, so no credential is sent to it",
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
        let impersonation_headers = self
            .impersonation
            .as_ref()
            .map(Impersonation::headers)
            .transpose()?
            .unwrap_or_default();
        for (field, origin) in &self.identity_origins {
            self.provenance.set(field, origin);
        }
        Ok(ClientConfiguration {
            cluster,
            namespace: self.namespace.unwrap_or_else(|| "default".to_owned()),
            impersonation: self.impersonation,
            impersonation_headers,
            credentials,
            trust,
            warnings: self.warnings,
            provenance: self.provenance,
            report: Arc::default(),
        })
    }
}
