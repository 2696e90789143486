//! Sending a request as somebody.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ::reqwest::header::{AUTHORIZATION, HOST, HeaderValue};
use ::reqwest::{Method, Request, RequestBuilder, Response, StatusCode, Url};
use kubex_core::{
    ClientCertificate, ClientConfiguration, Credential, CurrentTrust, Error, ErrorKind, Generation, Result,
};
use rustls::client::danger::ServerCertVerifier;

use super::failure::{is_untrusted, request_failed};
use super::{Alias, connections, tls, trust};

/// Sends requests with the current credential of a configuration. Cheap to clone. See the [module](super).
#[derive(Clone)]
pub struct Client {
    configuration: ClientConfiguration,
    alias: Option<Alias>,
    pool: Arc<Mutex<Pool>>,
}

/// The connections of one client certificate and one trust. A rotated certificate needs new connections,
/// because the server looks at it only in the handshake; new authorities need some too, because the client
/// looks at the server's certificate only then.
struct Pool {
    certificate: Option<Arc<ClientCertificate>>,
    /// The newest credential that was sent over them; none before the first.
    generation: Option<Generation>,
    /// The newest credential whose certificate was of no use.
    refused: Option<Generation>,
    verifier: Arc<dyn ServerCertVerifier>,
    /// The newest trust that was looked at, be it of use or not.
    trust: Generation,
    http: ::reqwest::Client,
}

impl Client {
    /// A client for the configuration's server. Nothing is connected or fetched yet.
    ///
    /// # Errors
    /// As [`client`](super::client); `IncompleteKeyPair` for a certificate that never changes with a key of
    /// another pair; `Unsupported` where both a proxy and a TLS server name are set, because reqwest cannot send
    /// another SNI through a proxy.
    pub fn new(configuration: &ClientConfiguration) -> Result<Self> {
        let cluster = configuration.cluster();
        let alias = Alias::of(cluster);
        if alias.is_some() && cluster.proxy.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "reqwest cannot send a TLS server name of its own through a proxy",
            )
            .advise("remove \"proxy-url\" or \"tls-server-name\""));
        }
        let credential = configuration.credentials().last();
        let certificate = credential.as_ref().and_then(|it| it.certificate().cloned());
        let trust = configuration.trust().at_hand();
        let verifier = trust::verifier(cluster, trust.trust())?;
        let pool = Pool {
            http: connections(cluster, Arc::clone(&verifier), tls::one(certificate.as_deref())?)?,
            certificate,
            generation: credential.map(|it| it.generation()),
            refused: None,
            verifier,
            trust: trust.generation(),
        };
        Ok(Self {
            configuration: configuration.clone(),
            alias,
            pool: Arc::new(Mutex::new(pool)),
        })
    }

    /// A `GET` of a path on the server, below the path that the server's own address may have.
    ///
    /// # Errors
    /// `InvalidValue` where it is no path on the server.
    pub fn get(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::GET, path)
    }

    /// A request of a path on the server. It is sent by [`send`](Self::send).
    ///
    /// # Errors
    /// `InvalidValue` where it is no path on the server.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let url = self.configuration.cluster().server.join(path)?;
        Ok(self.lock().http.request(method, url))
    }

    /// Sends a request with the current credential and the impersonation headers. `Authorization` and
    /// `Impersonate-User` of the request's own are left alone.
    ///
    /// # Errors
    /// What the credential source said; `IncompleteKeyPair` for a certificate with a key of another pair;
    /// `Refused` for a request to another server than the configuration's; `RequestFailed`. A status, 401
    /// included, is an answer and no error.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let request = request.build().map_err(|error| self.failed(error))?;
        if request.url().origin() != self.configuration.cluster().server.url().origin() {
            return Err(Error::new(
                ErrorKind::Refused,
                "the request goes to another server than the configuration's",
            ));
        }
        let again = request.try_clone();
        let credentials = self.configuration.credentials();
        if request.headers().contains_key(AUTHORIZATION) {
            // Nobody is asked for another one; a certificate that is at hand goes along.
            return match credentials.ready().or_else(|| credentials.last()) {
                Some(credential) => self.send_as(&credential, request).await,
                None => self.send_as(&Credential::anonymous(), request).await,
            };
        }
        let credential = credentials.current().await?;
        let response = self.send_as(&credential, request).await?;
        if response.status() != StatusCode::UNAUTHORIZED || credential.is_anonymous() {
            return Ok(response);
        }
        credentials.invalidate(credential.generation());
        let Some(again) = again else { return Ok(response) };
        match credentials.current().await {
            Ok(newer) if newer.generation() != credential.generation() => self.send_as(&newer, again).await,
            _ => Ok(response),
        }
    }

    /// Sends it over connections of this credential and of the current trust, and once more where the trust
    /// was older than the server's certificate.
    async fn send_as(&self, credential: &Credential, mut request: Request) -> Result<Response> {
        if let Some(alias) = &self.alias {
            aim_at_alias(&mut request, alias)?;
        }
        let headers = request.headers_mut();
        if let Some(authorization) = credential.authorization()
            && !headers.contains_key(AUTHORIZATION)
        {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if !headers.contains_key("impersonate-user") {
            for (name, value) in self.configuration.impersonation_headers() {
                headers.append(name, value.clone());
            }
        }
        let live = self.configuration.trust();
        let again = if live.is_fixed() {
            None
        } else {
            request.try_clone()
        };
        let trust = live.current().await;
        let sent = self.http_for(credential, &trust)?.execute(request).await;
        let error = match sent {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let Some(again) = again.filter(|_| is_untrusted(&error)) else {
            return Err(self.failed(error));
        };
        live.invalidate(trust.generation());
        let newer = live.current().await;
        if newer.generation() == trust.generation() {
            return Err(self.failed(error));
        }
        let sent = self.http_for(credential, &newer)?.execute(again).await;
        sent.map_err(|error| self.failed(error))
    }

    /// The connections for this credential and this trust; new ones where either brings another certificate.
    ///
    /// A request that still has an older one takes the newest's connections, so that no connection is opened
    /// any more with a certificate that has been replaced.
    fn http_for(&self, credential: &Credential, trust: &CurrentTrust) -> Result<::reqwest::Client> {
        let mut pool = self.lock();
        let has_other_trust = pool.trust < trust.generation() && self.adopt_trust(&mut pool, trust);
        let has_other_certificate = pool.certificate.as_ref() != credential.certificate();
        if credential.came_expired() && has_other_certificate {
            // It is for this one request; what comes next may be the one before.
            return self.connect_as(credential.certificate(), &pool);
        }
        let is_newer = pool.generation < Some(credential.generation()) && !credential.came_expired();
        if is_newer && has_other_certificate && pool.refused != Some(credential.generation()) {
            match self.connect_as(credential.certificate(), &pool) {
                Ok(http) => {
                    pool.http = http;
                    pool.certificate = credential.certificate().cloned();
                    pool.generation = Some(credential.generation());
                    return Ok(pool.http.clone());
                }
                Err(error) => self.refuse(&mut pool, credential, error)?,
            }
        } else if is_newer && !has_other_certificate {
            pool.generation = Some(credential.generation());
        }
        if has_other_trust {
            pool.http = self.connect_as(pool.certificate.as_ref(), &pool)?;
        }
        Ok(pool.http.clone())
    }

    /// Where certificate and key do not fit together they may be in the middle of being replaced: the next
    /// request asks for them again, and until then the old pair stays in use where there is one.
    fn refuse(&self, pool: &mut Pool, credential: &Credential, error: Error) -> Result<()> {
        let generation = credential.generation();
        self.configuration.credentials().invalidate(generation);
        if pool.certificate.is_none() || credential.certificate().is_none() {
            return Err(error);
        }
        pool.refused = Some(generation);
        tracing::warn!(
            target: "kubex::credentials",
            outcome = "unusable",
            generation = generation.number(),
            %error,
            "the old client certificate stays in use"
        );
        Ok(())
    }

    /// Takes the newer trust over, and says whether it is of use.
    fn adopt_trust(&self, pool: &mut Pool, trust: &CurrentTrust) -> bool {
        pool.trust = trust.generation();
        match trust::verifier(self.configuration.cluster(), trust.trust()) {
            Ok(verifier) => {
                pool.verifier = verifier;
                true
            }
            Err(error) => {
                trust::unusable(&error, trust.generation());
                false
            }
        }
    }

    fn connect_as(
        &self,
        certificate: Option<&Arc<ClientCertificate>>,
        pool: &Pool,
    ) -> Result<::reqwest::Client> {
        let certificate = tls::one(certificate.map(Arc::as_ref))?;
        connections(
            self.configuration.cluster(),
            Arc::clone(&pool.verifier),
            certificate,
        )
    }

    fn failed(&self, error: ::reqwest::Error) -> Error {
        request_failed(&self.configuration.cluster().server, error)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the TLS server name into the URL, for the SNI, and the server's own into `Host`.
fn aim_at_alias(request: &mut Request, alias: &Alias) -> Result<()> {
    let host = authority(request.url());
    let host = HeaderValue::from_str(&host).map_err(|_| unusable_name())?;
    request
        .url_mut()
        .set_host(Some(&alias.tls_server_name))
        .map_err(|_| unusable_name())?;
    request.headers_mut().entry(HOST).or_insert(host);
    Ok(())
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn unusable_name() -> Error {
    Error::new(ErrorKind::InvalidValue, "the TLS server name is no host name")
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("configuration", &self.configuration)
            .finish_non_exhaustive()
    }
}
