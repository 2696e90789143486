//! A proxy for tests: it remembers who asked for what, and leads every tunnel to one address.
//!
//! Whatever host a client names, its tunnel ends at the address the proxy was started with. So a server can go by
//! names which no resolver knows, and what the proxy was asked for says how the client understood them.
//!
//! ```
//! use kubex_tests::api_server::ApiServer;
//! use kubex_tests::proxy::{Proxy, ProxyKind};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = ApiServer::builder().also_named("api.cluster.test").start().await?;
//! let proxy = Proxy::start(ProxyKind::Http, server.address()).await?;
//! // ... a client asks for https://api.cluster.test through proxy.authority() ...
//! for tunnel in proxy.tunnels() {
//!     println!("to {} as {:?}", tunnel.target, tunnel.credentials);
//! }
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::api_server::certificate::CertificateAuthority;
use crate::api_server::serving::{AnyClientCertificate, crypto_provider};

/// The longest head of a request that is read.
const LONGEST_HEAD: usize = 16 * 1024;

/// How a client talks to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// `CONNECT` over a plain connection.
    Http,
    /// `CONNECT` over TLS, with a certificate of [`Proxy::ca_pem`]. It asks for the client's, and takes any or none.
    Https,
    /// SOCKS 5 (RFC 1928), with a user name and password (RFC 1929) where the client has them.
    Socks5,
}

/// A tunnel that a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tunnel {
    /// Where to, as the client said it: `api.cluster.test:6443`.
    pub target: String,
    /// `name:password`, where the client gave them.
    pub credentials: Option<String>,
    /// Whether the client has shown the proxy a certificate.
    pub has_certificate: bool,
}

type Tunnels = Arc<Mutex<Vec<Tunnel>>>;

/// A running proxy on a port of 127.0.0.1 of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    ca_pem: String,
    tunnels: Tunnels,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy whose tunnels all lead to `upstream`.
    pub async fn start(kind: ProxyKind, upstream: SocketAddr) -> io::Result<Self> {
        let authority = CertificateAuthority::new("proxy CA");
        let acceptor = match kind {
            ProxyKind::Https => Some(TlsAcceptor::from(Arc::new(serving(&authority)?))),
            ProxyKind::Http | ProxyKind::Socks5 => None,
        };
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let tunnels = Tunnels::default();
        let front = Front {
            kind,
            upstream,
            acceptor,
            tunnels: Arc::clone(&tunnels),
        };
        Ok(Self {
            address,
            ca_pem: authority.pem(),
            tunnels,
            accepting: tokio::spawn(accept(socket, Arc::new(front))),
        })
    }

    /// Its `host:port`, to be put behind a scheme.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The authority (PEM) that signed the certificate of an [`ProxyKind::Https`] one.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The tunnels that clients have asked for, in order.
    pub fn tunnels(&self) -> Vec<Tunnel> {
        self.tunnels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets the tunnels so far.
    pub fn forget_tunnels(&self) {
        self.tunnels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn serving(authority: &CertificateAuthority) -> io::Result<ServerConfig> {
    let names = ["127.0.0.1", "localhost"].map(str::to_owned);
    let (certificate, key) = authority.issue_serving(&names).map_err(io::Error::other)?;
    let provider = crypto_provider();
    ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_client_cert_verifier(Arc::new(AnyClientCertificate::new(provider)))
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)
}

/// What the connections of one proxy have in common.
struct Front {
    kind: ProxyKind,
    upstream: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    tunnels: Tunnels,
}

async fn accept(socket: TcpListener, front: Arc<Front>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => if let Ok((stream, _)) = accepted {
                let front = Arc::clone(&front);
                // A connection that breaks is the client's affair: what it asked for is noted by then.
                connections.spawn(async move { front.serve(stream).await.ok() });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Front {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        match (&self.acceptor, self.kind) {
            (Some(acceptor), _) => {
                let stream = acceptor.accept(stream).await?;
                let has_certificate = stream.get_ref().1.peer_certificates().is_some();
                self.connect(stream, has_certificate).await
            }
            (None, ProxyKind::Socks5) => self.socks(stream).await,
            (None, _) => self.connect(stream, false).await,
        }
    }

    fn note(&self, target: String, credentials: Option<String>, has_certificate: bool) {
        let mut tunnels = self.tunnels.lock().unwrap_or_else(PoisonError::into_inner);
        tunnels.push(Tunnel {
            target,
            credentials,
            has_certificate,
        });
    }

    /// One `CONNECT`; any other method is refused.
    async fn connect<S>(&self, mut client: S, has_certificate: bool) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let head = read_head(&mut client).await?;
        let mut lines = head.lines();
        let mut request = lines.next().unwrap_or_default().split(' ');
        let (Some("CONNECT"), Some(target)) = (request.next(), request.next()) else {
            return client
                .write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n")
                .await;
        };
        let credentials = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let encoded = value.trim().strip_prefix("Basic ")?;
            let decoded = BASE64_STANDARD.decode(encoded).ok()?;
            name.eq_ignore_ascii_case("proxy-authorization")
                .then(|| String::from_utf8_lossy(&decoded).into_owned())
        });
        self.note(target.to_owned(), credentials, has_certificate);
        let mut server = TcpStream::connect(self.upstream).await?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        copy_bidirectional(&mut client, &mut server).await.map(drop)
    }

    /// One SOCKS 5 `CONNECT`.
    async fn socks(&self, mut client: TcpStream) -> io::Result<()> {
        const NO_AUTHENTICATION: u8 = 0;
        const NAME_AND_PASSWORD: u8 = 2;

        let version = client.read_u8().await?;
        let offered = read_counted(&mut client).await?;
        if version != 5 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut credentials = None;
        if offered.contains(&NAME_AND_PASSWORD) {
            client.write_all(&[5, NAME_AND_PASSWORD]).await?;
            let _version = client.read_u8().await?;
            let name = read_counted(&mut client).await?;
            let password = read_counted(&mut client).await?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            credentials = Some(format!("{}:{}", text(&name), text(&password)));
            client.write_all(&[1, 0]).await?;
        } else {
            client.write_all(&[5, NO_AUTHENTICATION]).await?;
        }
        let mut request = [0; 4];
        client.read_exact(&mut request).await?;
        let host = match request[3] {
            1 => {
                let mut octets = [0; 4];
                client.read_exact(&mut octets).await?;
                Ipv4Addr::from(octets).to_string()
            }
            3 => String::from_utf8_lossy(&read_counted(&mut client).await?).into_owned(),
            4 => {
                let mut octets = [0; 16];
                client.read_exact(&mut octets).await?;
                format!("[{}]", Ipv6Addr::from(octets))
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let port = client.read_u16().await?;
        self.note(format!("{host}:{port}"), credentials, false);
        let mut server = TcpStream::connect(self.upstream).await?;
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        copy_bidirectional(&mut client, &mut server).await.map(drop)
    }
}

/// Bytes that follow their count.
async fn read_counted(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let count = client.read_u8().await?;
    let mut bytes = vec![0; count.into()];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// The head of a request, to its empty line, byte for byte: what follows is the tunnel's.
async fn read_head<S: AsyncRead + Unpin>(client: &mut S) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
