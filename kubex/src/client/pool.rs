//! The connections that a client sends its requests over, and when they are let go.
//!
//! A client certificate is looked at in the handshake and then stands for every request of its connection, and so
//! does the server's. So connections belong to one client certificate and one trust: a change of either opens new
//! ones, and the old ones end with their last request. An [`HttpBackend`] connects and sends; the pool decides over
//! which connections, and whether a request that the server has not looked at is sent again.

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
use super::failure::{is_untrusted, request_failed, was_not_taken};
use super::rustls::{CryptoChoice, Names, Tls, fixed_client_cert, unusable, verifier, warn_if_insecure};

/// How often a request that the server did not look at is sent again. Each attempt uses a connection that was open a
/// moment ago, so only a server that keeps closing connections is given up.
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

    /// A copy of the request; none where its body can be sent only once.
    fn copy(request: &Self::Request) -> Option<Self::Request>;

    fn headers_mut(request: &mut Self::Request) -> &mut HeaderMap;
}

/// The connections of a client. Clones share them.
pub(crate) struct Pool<B: HttpBackend>(Arc<Shared<B>>);

struct Shared<B: HttpBackend> {
    authorizer: Authorizer,
    names: Names,
    provider: Arc<CryptoProvider>,
    state: Mutex<State<B>>,
}

/// The connections in use, and what they were opened with.
struct State<B: HttpBackend> {
    connections: B::Connections,
    certificate: Option<Arc<ClientCertificate>>,
    /// The newest credential that was sent over them; `None` before the first.
    generation: Option<Generation>,
    /// The newest credential whose certificate could not be used.
    refused: Option<Generation>,
    verifier: Arc<dyn ServerCertVerifier>,
    /// The newest trust that was looked at, usable or not.
    trust: Generation,
}

impl<B: HttpBackend> Pool<B> {
    /// Nothing is connected or fetched yet.
    pub(crate) fn new(configuration: &ClientConfiguration, crypto: &CryptoChoice) -> Result<Self> {
        let cluster = configuration.cluster();
        warn_if_insecure(cluster, configuration.trust());
        let names = Names::with_proxy(cluster)?;
        let provider = crypto.provider()?;
        let credential = configuration.credentials().peek();
        let certificate = credential.as_ref().and_then(|it| it.certificate().cloned());
        let trust = configuration.trust().try_current();
        let verifier = verifier(&names, trust.trust(), &provider)?;
        let tls = Tls {
            certificate: fixed_client_cert(certificate.as_deref(), &provider)?,
            verifier: Arc::clone(&verifier),
            provider: Arc::clone(&provider),
        };
        let state = State {
            connections: B::connect(cluster, &tls)?,
            certificate,
            generation: credential.map(|it| it.generation()),
            refused: None,
            verifier,
            trust: trust.generation(),
        };
        Ok(Self(Arc::new(Shared {
            authorizer: Authorizer::new(configuration),
            names,
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

    /// Sends a request that carries this credential over connections of that credential and of the current trust. A
    /// request that the server did not look at is sent again: once where the trust was older than the server's
    /// certificate, and with the current credential where the server closed the connection.
    pub(crate) async fn send(&self, credential: Arc<Credential>, request: B::Request) -> Result<B::Response> {
        let live = self.configuration().trust();
        let (mut credential, mut request) = (credential, request);
        let mut rejected_trust = None;
        let mut retries = 0;
        loop {
            let trust = live.current().await;
            let connections = self.connections_for(&credential, &trust)?;
            let again = B::copy(&request);
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
                credential = self.renew(credential, B::headers_mut(&mut request)).await;
            } else {
                return Err(self.failed(&error));
            }
        }
    }

    /// Replaces the credential that the request carries by the current one. A server closes its connection when it
    /// rejects a credential, and would reject what it has not looked at yet for the same reason.
    async fn renew(&self, carried: Arc<Credential>, headers: &mut HeaderMap) -> Arc<Credential> {
        if !Authorizer::carries(&carried, headers) {
            return carried;
        }
        match self.configuration().credentials().current().await {
            Ok(current) if current.generation() != carried.generation() => {
                Authorizer::replace(&current, headers);
                current
            }
            _ => carried,
        }
    }

    /// The connections for this credential and this trust; new ones where either brings another certificate.
    ///
    /// A request that still has an older one takes the newest's connections, so that no connection is opened
    /// any more with a certificate that has been replaced.
    fn connections_for(&self, credential: &Credential, trust: &CurrentTrust) -> Result<B::Connections> {
        let mut state = self.lock();
        let has_other_trust = state.trust < trust.generation() && self.adopt_trust(&mut state, trust);
        let has_other_certificate = state.certificate.as_ref() != credential.certificate();
        if credential.expired_on_arrival() && has_other_certificate {
            // It serves this one request; the next credential may be the one before it.
            return self.connect_as(credential.certificate(), &state);
        }
        let is_newer = state.generation < Some(credential.generation()) && !credential.expired_on_arrival();
        if is_newer && has_other_certificate && state.refused != Some(credential.generation()) {
            match self.connect_as(credential.certificate(), &state) {
                Ok(connections) => {
                    state.connections = connections;
                    state.certificate = credential.certificate().cloned();
                    state.generation = Some(credential.generation());
                    return Ok(state.connections.clone());
                }
                Err(error) => self.refuse(&mut state, credential, error)?,
            }
        } else if is_newer && !has_other_certificate {
            state.generation = Some(credential.generation());
        }
        if has_other_trust {
            state.connections = self.connect_as(state.certificate.as_ref(), &state)?;
        }
        Ok(state.connections.clone())
    }

    /// Where certificate and key do not fit together they may be in the middle of being replaced: the next
    /// request asks for them again, and until then the old pair stays in use where there is one.
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

    /// Adopts the newer trust; `false` where it cannot be used.
    fn adopt_trust(&self, state: &mut State<B>, trust: &CurrentTrust) -> bool {
        state.trust = trust.generation();
        match verifier(&self.0.names, trust.trust(), &self.0.provider) {
            Ok(verifier) => {
                state.verifier = verifier;
                true
            }
            Err(error) => {
                unusable(&error, trust.generation());
                false
            }
        }
    }

    fn connect_as(
        &self,
        certificate: Option<&Arc<ClientCertificate>>,
        state: &State<B>,
    ) -> Result<B::Connections> {
        let tls = Tls {
            certificate: fixed_client_cert(certificate.map(Arc::as_ref), &self.0.provider)?,
            verifier: Arc::clone(&state.verifier),
            provider: Arc::clone(&self.0.provider),
        };
        B::connect(self.configuration().cluster(), &tls)
    }

    pub(crate) fn failed(&self, error: &B::Error) -> Error {
        request_failed(&self.configuration().cluster().server, error)
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
