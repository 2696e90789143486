//! The client configuration: everything that a client needs to send requests to the API server.
//!
//! A client reads these parts:
//!
//! | a client reads | from | when |
//! |---|---|---|
//! | the address, the proxy, whether to compress | [`cluster`](ClientConfiguration::cluster) | once |
//! | the `Authorization` header, the client certificate | [`credentials`](ClientConfiguration::credentials) | for each request, each connection |
//! | which server certificates are accepted | [`trust`](ClientConfiguration::trust) | for each connection |
//! | the `Impersonate-` headers | [`impersonation_headers`](ClientConfiguration::impersonation_headers) | for each request |
//! | the default namespace | [`namespace`](ClientConfiguration::namespace) | for a request that does not set one |
//!
//! The [`report`](ClientConfiguration::report), the [`provenance`](ClientConfiguration::provenance) and the
//! [`warnings`](ClientConfiguration::warnings) are for people to read.
//!
//! Request timeouts, retries, connection pools and API warnings belong to the HTTP client. They are not part of the
//! configuration.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use http::HeaderMap;

use crate::chain::follow::Line;
use crate::cluster::{CaBundle, Cluster, Trust};
use crate::credential::Credential;
use crate::credentials::Credentials;
use crate::error::Result;
use crate::host::Host;
use crate::impersonation::Impersonation;
use crate::origin::Origin;
use crate::provenance::Provenance;
use crate::proxy::Proxy;
use crate::report::{Report, Summary};
use crate::source::CredentialSource;
use crate::text::write_sanitized;
use crate::trust::{LiveTrust, TrustSource};
use crate::warning::Warning;

/// The API server, and the identity to use. It is cheap to clone. All clones share one credential, which is kept
/// current.
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
    /// The parts that never change. A followed configuration shares them with the configuration that was first resolved.
    resolved: Arc<Resolved>,
    /// The state that the clones of a followed configuration share; `None` if the configuration is not followed.
    followed: Option<Arc<Line>>,
    credentials: Credentials,
    trust: LiveTrust,
}

#[derive(Clone, Debug)]
struct Resolved {
    cluster: Arc<Cluster>,
    namespace: Arc<str>,
    /// The user to impersonate, and the headers for it. Boxed, because most configurations have none.
    impersonation: Option<Box<(Impersonation, HeaderMap)>>,
    warnings: Vec<Warning>,
    provenance: Provenance,
    report: Report,
}

impl ClientConfiguration {
    /// Returns a builder of a configuration for this cluster. By default, the configuration is anonymous and its
    /// namespace is `default`.
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
            identity_values: Vec::new(),
            identity_files: Vec::new(),
        }
    }

    /// Returns the API server and how to reach it, as first resolved. [`current_cluster`](Self::current_cluster) includes later
    /// changes.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.resolved.cluster
    }

    /// Returns the API server and how to reach it now. If the configuration [follows](crate::chain::follow) its source,
    /// the proxy and the TLS server name may differ from those in [`cluster`](Self::cluster). The server is the same,
    /// because another server is adopted only by a [`successor`](Self::successor).
    pub fn current_cluster(&self) -> Arc<Cluster> {
        match &self.followed {
            Some(followed) => followed.current_cluster(),
            None => Arc::clone(self.cluster()),
        }
    }

    /// Returns the namespace for requests that do not set one.
    pub fn namespace(&self) -> &str {
        &self.resolved.namespace
    }

    /// Returns the user to impersonate; `None` if no user is impersonated.
    pub fn impersonation(&self) -> Option<&Impersonation> {
        self.resolved.impersonation.as_deref().map(|(user, _)| user)
    }

    /// Returns the impersonation headers; empty if no user is impersonated. Do not add them to a request that already
    /// has an `Impersonate-User` header.
    ///
    /// ```
    /// use kubex_core::{ClientConfiguration, Cluster, Host, Impersonation, ServerUrl};
    ///
    /// let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1")?);
    /// let configuration = ClientConfiguration::builder(cluster)
    ///     .impersonation(Some(Impersonation::new("jane")))
    ///     .build(&Host::real())?;
    /// assert_eq!(configuration.impersonation_headers()["Impersonate-User"], "jane");
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn impersonation_headers(&self) -> &HeaderMap {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        match self.resolved.impersonation.as_deref() {
            Some((_, headers)) => headers,
            None => &NONE,
        }
    }

    /// Returns the handle through which a client gets the current credential.
    ///
    /// ```no_run
    /// # async fn example(configuration: &kubex_core::ClientConfiguration) -> kubex_core::Result<()> {
    /// let credential = configuration.credentials().current().await?;
    /// if let Some(value) = credential.authorization() {
    ///     // Send it as the header `Authorization`.
    ///     assert!(value.is_sensitive());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the handle through which a client gets the current trust. The trust in [`cluster`](Self::cluster) does not
    /// change when a CA file is renewed.
    ///
    /// ```no_run
    /// use kubex_core::Trust;
    ///
    /// # async fn example(configuration: &kubex_core::ClientConfiguration) {
    /// match configuration.trust().current().await.trust() {
    ///     Trust::CaBundle(bundle) => println!("{} certificate authorities", bundle.certificates().len()),
    ///     other => println!("{}", other.id()),
    /// }
    /// # }
    /// ```
    pub fn trust(&self) -> &LiveTrust {
        &self.trust
    }

    /// The same configuration with other live handles, which keep the name of the source.
    pub(crate) fn with_handles(
        mut self,
        line: Arc<Line>,
        credentials: Credentials,
        trust: LiveTrust,
    ) -> Self {
        self.followed = Some(line);
        self.credentials = credentials;
        self.trust = trust;
        if let Some(chosen) = self.report().chosen() {
            self.set_source_name(&chosen.source);
        }
        self
    }

    /// Sets the name of the source in the live handles, for events and errors.
    pub(crate) fn set_source_name(&self, source: &str) {
        self.credentials.set_name(source);
        self.trust.set_name(source);
    }

    /// Returns the warnings that were found when the configuration was resolved.
    ///
    /// ```no_run
    /// # fn example(configuration: &kubex_core::ClientConfiguration) {
    /// for warning in configuration.warnings() {
    ///     eprintln!("{}: {warning}", warning.id());
    /// }
    /// # }
    /// ```
    pub fn warnings(&self) -> &[Warning] {
        &self.resolved.warnings
    }

    /// Returns the origin of each field, such as a file and a line. [`Provenance::value_of`] returns the values of the names
    /// that were selected (`context`, `cluster`, `user`), and of some options that are not secret, such as a plugin's
    /// `command`. The other values are in [`cluster`](Self::cluster), [`namespace`](Self::namespace) and
    /// [`impersonation`](Self::impersonation).
    ///
    /// ```no_run
    /// # fn example(configuration: &kubex_core::ClientConfiguration) {
    /// let provenance = configuration.provenance();
    /// for (field, origin) in provenance.fields() {
    ///     let value = match field {
    ///         "server" => Some(configuration.cluster().server.to_string()),
    ///         "namespace" => Some(configuration.namespace().to_owned()),
    ///         _ => provenance.value_of(field).map(str::to_owned),
    ///     };
    ///     println!("{field} = {} ({origin})", value.as_deref().unwrap_or("not shown"));
    /// }
    /// // server = https://10.0.0.1:6443 (/home/jane/.kube/config:7:13, clusters[prod].cluster.server)
    ///
    /// // A namespace without an origin is the default.
    /// if let Some(origin) = provenance.origin_of("namespace") {
    ///     println!("the namespace is set in {origin}");
    /// }
    /// # }
    /// ```
    pub fn provenance(&self) -> &Provenance {
        &self.resolved.provenance
    }

    /// Returns the outcome of each source of the chain. The report is empty if the configuration was not resolved by a
    /// chain.
    ///
    /// ```no_run
    /// # fn example(configuration: &kubex_core::ClientConfiguration) {
    /// println!("{}", configuration.report()); // one line for each source
    /// println!("{:#}", configuration.report()); // also the origin of each field
    /// # }
    /// ```
    pub fn report(&self) -> &Report {
        &self.resolved.report
    }

    /// Returns the [report](Self::report). If the configuration [follows](crate::chain::follow) its source, the later changes
    /// of the source are included.
    pub fn current_report(&self) -> Report {
        let report = self.report().clone();
        match &self.followed {
            Some(line) => report.with_changes(line.changes()),
            None => report,
        }
    }

    /// Returns the configuration that replaces this one; `None` if this one is still current.
    ///
    /// A configuration that [follows](crate::chain::follow) its source gets a successor when it adopts a change such as another
    /// server, if the [`FollowRules`](crate::chain::follow::FollowRules) allow that. The replaced configuration does not
    /// change.
    ///
    /// The clients for reqwest, kube and hyper switch to the successor by themselves. A client of your own calls this
    /// method before each request, and opens new connections for a successor.
    ///
    /// ```no_run
    /// # fn reconnect(_: &kubex_core::ClientConfiguration) {}
    /// # fn example(mut configuration: kubex_core::ClientConfiguration) {
    /// // Before each request:
    /// if let Some(successor) = configuration.successor() {
    ///     configuration = successor;
    ///     reconnect(&configuration);
    /// }
    /// # }
    /// ```
    pub fn successor(&self) -> Option<Self> {
        let mut newest = self.next()?;
        while let Some(next) = newest.next() {
            newest = next;
        }
        Some(newest.clone())
    }

    /// Returns whether there is a [successor](Self::successor). This check is cheap enough for every request.
    #[inline]
    pub fn has_successor(&self) -> bool {
        self.next().is_some()
    }

    #[inline]
    fn next(&self) -> Option<&Self> {
        self.followed.as_ref()?.successor()
    }

    /// Requests a check for changes, if the configuration [follows](crate::chain::follow) its source. Call it when the program
    /// is notified of a change. It returns at once; the check runs with the next request.
    pub fn look_again(&self) {
        let newest = self.successor();
        let newest = newest.as_ref().unwrap_or(self);
        if let Some(line) = &newest.followed {
            line.make_due();
            newest.credentials.make_due();
            newest.trust.make_due();
        }
    }

    pub(crate) fn with_report(mut self, report: Report) -> Self {
        Arc::make_mut(&mut self.resolved).report = report;
        self
    }

    /// Returns the description that the report contains for the chosen source.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            cluster: Arc::clone(self.cluster()),
            namespace: Arc::clone(&self.resolved.namespace),
            credentials: self.credentials.shared_description(),
            user: self.impersonation().map(|user| user.user.as_str().into()),
        }
    }
}

/// Prints one line: the server, the namespace, the kind of credential, and the impersonated user.
impl fmt::Display for ClientConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sanitized(f, self.summary())
    }
}

/// The origin of a configuration's credentials.
#[derive(Debug)]
enum Identity {
    Fixed(Credential),
    Source(Arc<dyn CredentialSource>),
}

/// Builds a [`ClientConfiguration`]. [`ClientConfiguration::builder`] returns it.
#[derive(Debug)]
pub struct ClientConfigurationBuilder {
    cluster: Cluster,
    namespace: Option<String>,
    impersonation: Option<Impersonation>,
    identity: Identity,
    /// The source that reads the CA bundle again, and the bundle that was read first.
    trust_source: Option<(Arc<dyn TrustSource>, CaBundle)>,
    allows_credentials_over_http: bool,
    warnings: Vec<Warning>,
    provenance: Provenance,
    /// The origins of the identity's fields. They are removed together if no credential is sent.
    identity_origins: Vec<(Cow<'static, str>, Origin)>,
    identity_values: Vec<(Cow<'static, str>, String)>,
    identity_files: Vec<(Cow<'static, str>, PathBuf)>,
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
