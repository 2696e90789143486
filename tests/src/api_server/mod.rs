//! An API server for tests: real TLS, real HTTP, the authentication rules of kube-apiserver, and no cluster.
//!
//! A test says whom the server shall know, points a client at [`ApiServer::url`], and then asks what arrived. It
//! listens on 127.0.0.1 only, on a port of its own, and ends when it is dropped.
//!
//! ```
//! use kubex_tests::api_server::{ApiServer, User};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = ApiServer::builder().start().await?;
//! server.accept_token("t0ken", User::new("jane").group("dev"));
//!
//! let (url, trusted) = (server.url(), server.ca_pem());
//! // ... a client talks to `url`, trusting `trusted` ...
//!
//! for request in server.requests() {
//!     println!("{} {} as {:?}: {}", request.method, request.path, request.user, request.status);
//! }
//! # let _ = (url, trusted);
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does as the real one (measured with 1.36)
//!
//! - A valid client certificate beats a bearer token, even a bad one. A certificate of an unknown authority is
//!   accepted by TLS and does not identify anyone; a good token beside it does.
//! - A certificate is judged at every request, so that one which expires or is revoked is refused on a connection
//!   that was opened with it.
//! - A wrong credential is 401 even where anonymous requests are allowed. `Bearer  token` with two spaces is not a
//!   bearer token at all.
//! - Over HTTP/2 a 401, and every anonymous request, comes with GOAWAY, and the connection closes. Over HTTP/1.1 it
//!   stays open.
//! - Impersonation headers, with their quirks: see [`User`] for what is added to whom.
//! - `POST /apis/authentication.k8s.io/v1/selfsubjectreviews` says whom the server sees, and in the extra
//!   [`CREDENTIAL_ID`] which credential arrived.
//! - `POST .../serviceaccounts/{name}/token` issues tokens of the service accounts that a test names.
//!
//! # What it does not do
//!
//! It authorizes everything but the kinds that a test [forbids](ApiServer::forbid): every authenticated user may do all, and
//! may impersonate any user. It has no objects but those of the kinds that a test [lets it keep](ApiServer::keep_objects): a
//! list of pods is empty, its watch has the events that a test sends, and what it does not serve is 404. Server-side apply
//! knows the owners of the fields directly below `spec`. With the feature `streams`, `exec` and `port-forward` are served where
//! they are asked for, by an echo. It knows basic authentication, which the real one lost with 1.19, because proxies in front
//! of it still ask for it. It caches no token: an expired one is refused at once, where the real one may accept it for 10 more
//! seconds.

mod answer;
mod authenticator;
mod builder;
pub(crate) mod certificate;
mod crowd;
mod handler;
mod impersonation;
mod listener;
mod object_requests;
mod objects;
mod record;
mod selector;
pub(crate) mod serving;
#[cfg(feature = "streams")]
mod streams;
mod token_request;
mod user;
mod watch;

use std::fmt;
use std::net::SocketAddr;
#[cfg(feature = "streams")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::StatusCode;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use self::answer::Answers;
use self::authenticator::Authenticator;
use self::certificate::{CertificateAuthority, FIFTY_YEARS};
pub(crate) use self::certificate::{element, pem};
use self::crowd::Crowd;
use self::listener::Listener;
use self::objects::Objects;
use self::serving::ServingTls;
use self::token_request::ServiceAccounts;
use self::watch::Watches;

pub use self::authenticator::CREDENTIAL_ID;
pub use self::builder::ApiServerBuilder;
pub use self::certificate::ClientCertificatePem;
pub use self::record::{RecordedCertificate, RecordedRequest};
pub use self::token_request::AUDIENCE;
pub use self::user::User;

/// A running server. See the [module's documentation](self) for what it does.
///
/// Every method takes `&self` and works while the server runs: what the server knows changes between two requests.
pub struct ApiServer {
    url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Listener,
}

/// What the connections of one server have in common. No lock in here is held across an await.
struct Shared {
    authenticator: Mutex<Authenticator>,
    answers: Mutex<Answers>,
    requests: Mutex<Vec<RecordedRequest>>,
    service_accounts: Mutex<ServiceAccounts>,
    watches: Mutex<Watches>,
    objects: Mutex<Objects>,
    crowd: Mutex<Crowd>,
    #[cfg(feature = "streams")]
    serves_streams: AtomicBool,
    client_authority: CertificateAuthority,
    serving: Mutex<ServingTls>,
    connections: AtomicUsize,
    failed_handshakes: AtomicUsize,
}

impl ApiServer {
    /// Starts to describe a server: HTTPS, HTTP/2 and HTTP/1.1, no anonymous requests, no users.
    pub fn builder() -> ApiServerBuilder {
        ApiServerBuilder::new()
    }

    /// The server's URL, without a slash at its end: `https://127.0.0.1:PORT`, or `http://...` of a plain server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens at, for clients which connect by another name than the URL's.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority (PEM) which signed the certificate that new connections are served with.
    ///
    /// It changes with [`rotate_certificate_authority`](Self::rotate_certificate_authority).
    pub fn ca_pem(&self) -> String {
        held(&self.shared.serving).authority_pem().to_owned()
    }

    /// Accepts a bearer token, until it is revoked. A token that is already known gets the new user.
    pub fn accept_token(&self, token: impl Into<String>, user: User) {
        held(&self.shared.authenticator).accept_token(token.into(), user, None);
    }

    /// Accepts a bearer token before `end` and answers 401 from then on.
    pub fn accept_token_until(&self, token: impl Into<String>, user: User, end: Instant) {
        held(&self.shared.authenticator).accept_token(token.into(), user, Some(end));
    }

    /// Forgets a bearer token: 401 from the next request on.
    pub fn revoke_token(&self, token: &str) {
        held(&self.shared.authenticator).revoke_token(token);
    }

    /// Remembers for this long that it has accepted a token, as kube-apiserver does for 10 s. A token that is revoked is
    /// then accepted a little longer.
    pub fn cache_tokens(&self, lifetime: Duration) {
        held(&self.shared.authenticator).cache_tokens(lifetime);
    }

    /// Accepts a pair of name and password (`Authorization: Basic`).
    pub fn accept_basic(&self, name: impl Into<String>, password: impl Into<String>, user: User) {
        held(&self.shared.authenticator).accept_basic(name.into(), password.into(), user);
    }

    /// Issues a client certificate which this server trusts, valid for a year: its common name is the user, its
    /// organizations are the groups.
    pub fn issue_client_certificate(&self, user: &str, groups: &[&str]) -> ClientCertificatePem {
        self.issue_client_certificate_until(user, groups, SystemTime::now() + FIFTY_YEARS)
    }

    /// Issues a client certificate which this server trusts until `not_after`, in whole seconds. A time of the past
    /// gives a certificate that has expired.
    pub fn issue_client_certificate_until(
        &self,
        user: &str,
        groups: &[&str],
        not_after: SystemTime,
    ) -> ClientCertificatePem {
        self.shared.client_authority.issue_client(user, groups, not_after)
    }

    /// Issues a client certificate of an authority that this server has never heard of: TLS accepts it, and it
    /// identifies no user.
    pub fn issue_foreign_client_certificate(&self, user: &str, groups: &[&str]) -> ClientCertificatePem {
        CertificateAuthority::new("Another client CA").issue_client(
            user,
            groups,
            SystemTime::now() + FIFTY_YEARS,
        )
    }

    /// Refuses one client certificate from now on, also on connections that are open: what its expiry would do.
    pub fn revoke_client_certificate(&self, certificate: &ClientCertificatePem) {
        held(&self.shared.authenticator).revoke_certificate(certificate.sha256());
    }

    /// Answers 401 to the next `count` requests, whatever they carry. A new count replaces what is left of the old.
    pub fn reject_next(&self, count: usize) {
        held(&self.shared.authenticator).reject_next(count);
    }

    /// Answers 401 to every request, whatever it carries, until it is told `false`.
    pub fn reject_all(&self, is_rejecting: bool) {
        held(&self.shared.authenticator).reject_all(is_rejecting);
    }

    /// Lets the next so many requests wait for each other, so that none is answered before all have arrived. Over
    /// HTTP/2 a connection carries at most 200 at once.
    pub fn gather(&self, count: usize) {
        held(&self.shared.crowd).gather(count);
    }

    /// Says whether requests without any credential are served, as `system:anonymous`.
    pub fn allow_anonymous(&self, is_allowed: bool) {
        held(&self.shared.authenticator).allow_anonymous(is_allowed);
    }

    /// Answers requests of one path, whatever their method and query, with 302 and `location`. Who asks must be
    /// authenticated all the same.
    pub fn redirect(&self, path: impl Into<String>, location: impl Into<String>) {
        self.redirect_with(StatusCode::FOUND, path, location);
    }

    /// The same with another status, such as 307 or 308.
    pub fn redirect_with(&self, status: StatusCode, path: impl Into<String>, location: impl Into<String>) {
        held(&self.shared.answers).redirect(path.into(), status, location.into());
    }

    /// Answers requests of one path, whatever their method and query, with this status and JSON. Who asks must be
    /// authenticated all the same. A later answer or redirect of the same path replaces it.
    pub fn answer(&self, path: impl Into<String>, status: StatusCode, body: serde_json::Value) {
        held(&self.shared.answers).answer(path.into(), status, body);
    }

    /// Knows this service account (`NAMESPACE/NAME`), whose tokens may then be requested. A token for the server's own
    /// [`AUDIENCE`], or for none, is accepted until it expires.
    pub fn know_service_account(&self, name: &str) {
        held(&self.shared.service_accounts).add(name);
    }

    /// Issues tokens that are valid for at most this long, whatever is asked for.
    pub fn limit_token_lifetime(&self, longest: Duration) {
        held(&self.shared.service_accounts).limit(longest);
    }

    /// Says whether `exec` and `port-forward` of any pod are served, by an echo. At first they are 404.
    #[cfg(feature = "streams")]
    pub fn serve_streams(&self, is_served: bool) {
        self.shared.serves_streams.store(is_served, Ordering::SeqCst);
    }

    /// Sends an event to all who watch this path now (`?watch=true` of a list), and says how many they are.
    pub fn tell_watchers(&self, path: &str, event: &serde_json::Value) -> usize {
        held(&self.shared.watches).tell(path, event)
    }

    /// Ends every watch as the real server does after some minutes: its answer is complete, and clients ask again.
    pub fn end_watches(&self) {
        held(&self.shared.watches).end();
    }

    /// Serves new connections with these certificates and this key, whether or not they belong together.
    ///
    /// Fails for a key that rustls cannot sign with.
    pub fn serve_certificates(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> std::io::Result<()> {
        held(&self.shared.serving).replace(chain, key)
    }

    /// Whether a client certificate of any authority, version and date identifies a user.
    pub fn trust_any_client_certificate(&self, is_trusted: bool) {
        held(&self.shared.authenticator).trust_any_certificate(is_trusted);
    }

    /// Makes a new authority and a new serving certificate. Connections that are open keep the old one; new ones get
    /// the new, and only a client which trusts the new [`ca_pem`](Self::ca_pem) completes its handshake.
    pub fn rotate_certificate_authority(&self) {
        held(&self.shared.serving).rotate();
    }

    /// Every request that has arrived, in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        held(&self.shared.requests).clone()
    }

    /// Forgets the requests so far, so that a test can tell its phases apart.
    pub fn forget_requests(&self) {
        held(&self.shared.requests).clear();
    }

    /// How many connections were accepted: TLS handshakes that completed, or plain connections of a plain server.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many TLS handshakes failed, such as those of clients which do not trust this server.
    ///
    /// A client can know of its own refusal before the server does: a test waits for this number.
    pub fn failed_handshakes(&self) -> usize {
        self.shared.failed_handshakes.load(Ordering::SeqCst)
    }

    /// Closes the port and every connection, and returns when all of it is gone. What was recorded stays readable.
    pub async fn shutdown(&self) {
        self.listener.shutdown().await;
    }
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiServer")
            .field("url", &self.url)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

/// Locks a mutex, also after a panic under it: the state of these locks is whole between any two statements, and
/// the panic has failed its test already.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
