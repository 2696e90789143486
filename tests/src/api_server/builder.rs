//! The description of a server that is not running yet.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;

use super::answer::Answers;
use super::authenticator::Authenticator;
use super::certificate::CertificateAuthority;
use super::listener::Listener;
use super::serving::ServingTls;
use super::{ApiServer, Shared};

/// Describes a server; [`start`](Self::start) runs it. Made by [`ApiServer::builder`].
///
/// ```
/// # use kubex_tests::api_server::ApiServer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = ApiServer::builder()
///     .allow_anonymous(true)
///     .host_name("localhost")
///     .also_named("api.internal")
///     .http2(false)
///     .start()
///     .await?;
/// assert!(server.url().starts_with("https://localhost:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ApiServerBuilder {
    is_anonymous_allowed: bool,
    is_http2_offered: bool,
    is_plain: bool,
    host_name: String,
    names: Vec<String>,
}

impl ApiServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            is_anonymous_allowed: false,
            is_http2_offered: true,
            is_plain: false,
            host_name: Ipv4Addr::LOCALHOST.to_string(),
            names: ["127.0.0.1", "::1", "localhost"].map(str::to_owned).to_vec(),
        }
    }

    /// Whether requests without any credential are served, as `system:anonymous`. By default they are refused.
    #[must_use]
    pub fn allow_anonymous(mut self, is_allowed: bool) -> Self {
        self.is_anonymous_allowed = is_allowed;
        self
    }

    /// The host of the server's URL; by default `127.0.0.1`, where it listens in any case. With `localhost`, clients
    /// name it in their handshake (SNI).
    #[must_use]
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.host_name = name.into();
        self
    }

    /// Adds a name to the serving certificate, which has `127.0.0.1`, `::1` and `localhost`.
    #[must_use]
    pub fn also_named(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Makes `name` the only name of the serving certificate, so that only a client which is told to expect it
    /// (`tls-server-name`) completes its handshake.
    #[must_use]
    pub fn only_named(mut self, name: impl Into<String>) -> Self {
        self.names = vec![name.into()];
        self
    }

    /// Whether HTTP/2 is offered beside HTTP/1.1. By default it is.
    #[must_use]
    pub fn http2(mut self, is_offered: bool) -> Self {
        self.is_http2_offered = is_offered;
        self
    }

    /// Serves `http://`, without TLS: to prove that no credential is sent over it. The rules of authentication hold.
    #[must_use]
    pub fn plain_http(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Binds a free port of 127.0.0.1, makes the certificates and serves until the server is dropped.
    ///
    /// Fails if the port cannot be bound or a name is neither a DNS name nor an IP address. Must be called within a
    /// tokio runtime, whose tasks serve the connections.
    pub async fn start(self) -> io::Result<ApiServer> {
        let client_authority = CertificateAuthority::new("API server client CA");
        let mut authenticator = Authenticator::new(&client_authority)?;
        authenticator.allow_anonymous(self.is_anonymous_allowed);
        let shared = Arc::new(Shared {
            authenticator: Mutex::new(authenticator),
            answers: Mutex::new(Answers::default()),
            requests: Mutex::new(Vec::new()),
            service_accounts: Mutex::default(),
            watches: Mutex::default(),
            objects: Mutex::default(),
            crowd: Mutex::default(),
            #[cfg(feature = "streams")]
            serves_streams: false.into(),
            client_authority,
            serving: Mutex::new(ServingTls::new(self.names, self.is_http2_offered)?),
            connections: AtomicUsize::new(0),
            failed_handshakes: AtomicUsize::new(0),
        });

        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let scheme = if self.is_plain { "http" } else { "https" };
        Ok(ApiServer {
            url: format!("{scheme}://{}:{}", self.host_name, address.port()),
            address,
            listener: Listener::start(socket, Arc::clone(&shared), self.is_plain),
            shared,
        })
    }
}
