//! The connections of a client, and when they are replaced.
//!
//! Both certificates are checked once, in the TLS handshake, and apply to every request of the connection. All
//! connections of a pool therefore have the same client certificate and the same trust. When one of them changes, the
//! pool opens new connections, and the old ones are closed after their last request. An [`HttpBackend`] connects and
//! sends. The pool decides which connections to use, and whether a request that the server has not processed is
//! retried.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::rustls::client::danger::ServerCertVerifier;
use ::rustls::crypto::CryptoProvider;
use http::HeaderMap;
use kubex_core::{
    ClientCertificate, ClientConfiguration, Cluster, Credential, CurrentTrust, Error, Generation, Result,
};

use super::authorizer::Authorizer;
use super::by_runtime::ByRuntime;
use super::failure::{is_untrusted, request_failed, was_not_taken};
use super::rustls::{CryptoChoice, Names, Tls, fixed_client_cert, named, unusable, warn_if_insecure};

/// The maximum number of retries of a request that the server has not processed. Each attempt uses a connection that
/// was open a moment ago, so only a server that keeps closing connections causes an error.
const MAX_RETRIES: usize = 16;

/// An HTTP client: how it connects and how it sends.
pub(crate) trait HttpBackend: Send + Sync + 'static {
    /// A set of connections; clones share them.
    type Connections: Clone + Send + Sync;
    type Request: Send;
    type Response: Send;
    type Error: StdError + Send + Sync + 'static;

    fn connect(cluster: &Cluster, tls: &Tls) -> Result<Self::Connections>;

    fn send(
        connections: &Self::Connections,
        request: Self::Request,
    ) -> impl Future<Output = std::result::Result<Self::Response, Self::Error>> + Send;

    /// A copy of the request; `None` if its body can be sent only once.
    fn copy(&self, request: &Self::Request) -> Option<Self::Request>;

    fn headers_mut(request: &mut Self::Request) -> &mut HeaderMap;
}

/// The connections of a client. Clones share them.
pub(crate) struct Pool<B: HttpBackend>(Arc<Shared<B>>);

struct Shared<B: HttpBackend> {
    backend: B,
    authorizer: Authorizer,
    provider: Arc<CryptoProvider>,
    state: Mutex<State<B>>,
}

/// The connections in use, and what they were opened with.
struct State<B: HttpBackend> {
    connections: ByRuntime<B::Connections>,
    /// The newest route that was tried, usable or not.
    route: Arc<Cluster>,
    /// The cluster with the route that is in use.
    cluster: Arc<Cluster>,
    certificate: Option<Arc<ClientCertificate>>,
    /// The newest credential that was sent over them; `None` before the first.
    generation: Option<Generation>,
    /// The newest credential whose certificate could not be used.
    refused: Option<Generation>,
    /// Verifies by the trust in use, whatever the names of the server are.
    verifier: Arc<dyn ServerCertVerifier>,
    /// The newest trust that was tried, usable or not.
    trust: Generation,
}

impl<B: HttpBackend> Pool<B> {
    /// Creates the pool. It opens no connection and fetches no credential.
    pub(crate) fn new(
        backend: B,
        configuration: &ClientConfiguration,
        crypto: &CryptoChoice,
    ) -> Result<Self> {
        let cluster = configuration.current_cluster();
        warn_if_insecure(&cluster, configuration.trust());
        let names = Names::with_proxy(&cluster)?;
        let provider = crypto.provider()?;
        let credential = configuration.credentials().peek();
        let certificate = credential.as_ref().and_then(|it| it.certificate().cloned());
        let trust = configuration.trust().try_current();
        let verifier = kubex_tls::verifier(trust.trust(), &provider)?;
        let tls = Tls {
            certificate: fixed_client_cert(certificate.as_deref(), &provider)?,
            verifier: named(names, Arc::clone(&verifier)),
            provider: Arc::clone(&provider),
        };
        let state = State {
            connections: ByRuntime::new(B::connect(&cluster, &tls)?),
            route: Arc::clone(&cluster),
            cluster,
            certificate,
            generation: credential.map(|it| it.generation()),
            refused: None,
            verifier,
            trust: trust.generation(),
        };
        Ok(Self(Arc::new(Shared {
            backend,
            authorizer: Authorizer::new(configuration),
            provider,
            state: Mutex::new(state),
        })))
    }

    pub(crate) fn authorizer(&self) -> &Authorizer {
        &self.0.authorizer
    }

    pub(crate) fn configuration(&self) -> &ClientConfiguration {
        self.0.authorizer.configuration()
    }

    /// Sends a request that contains this credential, over connections with its client certificate and the current
    /// trust. A request that the server has not processed is retried: once if the server's certificate has an unknown
    /// issuer and a newer CA bundle is read; with the current credential if the server closed the connection.
    pub(crate) async fn send(&self, credential: Arc<Credential>, request: B::Request) -> Result<B::Response> {
        let live = self.configuration().trust();
        let (mut credential, mut request) = (credential, request);
        let mut rejected_trust = None;
        let mut retries = 0;
        loop {
            let trust = live.current().await;
            let connections = self.connections_for(&credential, &trust)?;
            let again = self.0.backend.copy(&request);
            let error = match B::send(&connections, request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let Some(again) = again else {
                return Err(self.failed(&error));
            };
            request = again;
            if is_untrusted(&error) {
                if rejected_trust.is_some() || live.is_fixed() {
                    return Err(self.failed(&error));
                }
                rejected_trust = Some(trust.generation());
                live.invalidate(trust.generation());
                if live.current().await.generation() == trust.generation() {
                    return Err(self.failed(&error));
                }
            } else if was_not_taken(&error) && retries < MAX_RETRIES {
                retries += 1;
                credential = self.renew(credential, B::headers_mut(&mut request)).await?;
            } else {
                return Err(self.failed(&error));
            }
        }
    }

    /// Replaces the credential of the request with the current one. A server closes its connection when it rejects a
    /// credential, and would reject the other requests on that connection for the same reason.
    async fn renew(&self, carried: Arc<Credential>, headers: &mut HeaderMap) -> Result<Arc<Credential>> {
        if !Authorizer::carries(&carried, headers) {
            return Ok(carried);
        }
        match self.configuration().credentials().current().await {
            Ok(current) if current.generation() != carried.generation() => {
                Authorizer::replace(&current, headers)?;
                Ok(current)
            }
            _ => Ok(carried),
        }
    }

    /// The connections for this credential and this trust; new ones if either has changed.
    ///
    /// A request with an older credential uses the newest connections, so that no connection is opened with a
    /// certificate that has been replaced.
    fn connections_for(&self, credential: &Credential, trust: &CurrentTrust) -> Result<B::Connections> {
        let mut state = self.lock();
        let route = self.configuration().current_cluster();
        if !Arc::ptr_eq(&state.route, &route) {
            self.adopt_route(&mut state, route);
        }
        if state.trust < trust.generation() {
            self.adopt_trust(&mut state, trust);
        }
        let has_other_certificate = state.certificate.as_ref() != credential.certificate();
        if credential.expired_on_arrival() && has_other_certificate {
            // This credential is used for one request only; the next request may use the previous one.
            return self.connect(&state.cluster, credential.certificate(), &state.verifier);
        }
        let is_newer = state.generation < Some(credential.generation()) && !credential.expired_on_arrival();
        if is_newer && has_other_certificate && state.refused != Some(credential.generation()) {
            match self.connect(&state.cluster, credential.certificate(), &state.verifier) {
                Ok(connections) => {
                    state.connections = ByRuntime::new(connections.clone());
                    state.certificate = credential.certificate().cloned();
                    state.generation = Some(credential.generation());
                    return Ok(connections);
                }
                Err(error) => self.refuse(&mut state, credential, error)?,
            }
        } else if is_newer && !has_other_certificate {
            state.generation = Some(credential.generation());
        }
        let State {
            connections,
            cluster,
            certificate,
            verifier,
            ..
        } = &mut *state;
        connections.get_or_open(|| self.connect(cluster, certificate.as_ref(), verifier))
    }

    /// Rejects a credential whose certificate and key do not belong together, because its files may be in the middle
    /// of a rotation. The next request fetches it again. Until then the old pair stays in use, if there is one.
    fn refuse(&self, state: &mut State<B>, credential: &Credential, error: Error) -> Result<()> {
        let generation = credential.generation();
        self.configuration().credentials().invalidate(generation);
        if state.certificate.is_none() || credential.certificate().is_none() {
            return Err(error);
        }
        state.refused = Some(generation);
        tracing::warn!(
            target: "kubex::credentials",
            outcome = "unusable",
            generation = generation.number(),
            %error,
            "the old client certificate stays in use"
        );
        Ok(())
    }

    /// Adopts the newer trust and replaces the connections. Trust that cannot be used leaves both as they are.
    ///
    /// The two change together, so that no later request uses the old trust, whatever happens to this one.
    fn adopt_trust(&self, state: &mut State<B>, trust: &CurrentTrust) {
        state.trust = trust.generation();
        let adopted = kubex_tls::verifier(trust.trust(), &self.0.provider).and_then(|verifier| {
            let connections = self.connect(&state.cluster, state.certificate.as_ref(), &verifier)?;
            Ok((verifier, connections))
        });
        match adopted {
            Ok((verifier, connections)) => {
                state.verifier = verifier;
                state.connections = ByRuntime::new(connections);
            }
            Err(error) => unusable(&error, trust.generation()),
        }
    }

    /// Adopts another route, such as another proxy, and replaces the connections. A route that cannot be used leaves
    /// everything as it is.
    fn adopt_route(&self, state: &mut State<B>, route: Arc<Cluster>) {
        state.route = Arc::clone(&route);
        match self.connect(&route, state.certificate.as_ref(), &state.verifier) {
            Ok(connections) => {
                state.cluster = route;
                state.connections = ByRuntime::new(connections);
            }
            Err(error) => tracing::warn!(
                target: "kubex::follow",
                outcome = "unusable",
                %error,
                "the new route to the server cannot be used; the old one stays in use"
            ),
        }
    }

    fn connect(
        &self,
        cluster: &Cluster,
        certificate: Option<&Arc<ClientCertificate>>,
        verifier: &Arc<dyn ServerCertVerifier>,
    ) -> Result<B::Connections> {
        let tls = Tls {
            certificate: fixed_client_cert(certificate.map(Arc::as_ref), &self.0.provider)?,
            verifier: named(Names::with_proxy(cluster)?, Arc::clone(verifier)),
            provider: Arc::clone(&self.0.provider),
        };
        B::connect(cluster, &tls)
    }

    pub(crate) fn failed(&self, error: &B::Error) -> Error {
        request_failed(&self.configuration().current_cluster(), error)
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: HttpBackend> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: HttpBackend> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("configuration", self.configuration())
            .finish_non_exhaustive()
    }
}
