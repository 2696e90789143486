//! The port and its connections: accepted, served, and ended together.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::authenticator::subject;
use super::certificate::sha256_hex;
use super::handler::handle;
use super::record::RecordedCertificate;
use super::{Shared, held};

/// What the server knows of the other end of a connection.
pub(super) struct Peer {
    /// Counted from 1.
    pub(super) connection: u64,
    pub(super) server_name: Option<String>,
    /// The client's certificates, its own first; empty if it showed none.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) certificate: Option<RecordedCertificate>,
    /// Told by the handler when the connection shall close once its requests are answered.
    pub(super) going_away: Notify,
}

/// The task which accepts connections; their tasks belong to it and end with it.
pub(super) struct Listener {
    stop: Arc<Notify>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl Listener {
    pub(super) fn start(socket: TcpListener, shared: Arc<Shared>, is_plain: bool) -> Self {
        let stop = Arc::new(Notify::new());
        let accepting = tokio::spawn(accept(socket, shared, is_plain, Arc::clone(&stop)));
        Self {
            stop,
            accepting: Mutex::new(Some(accepting)),
        }
    }

    /// Ends everything and waits for it. Once more does nothing.
    pub(super) async fn shutdown(&self) {
        self.stop.notify_one();
        let accepting = held(&self.accepting).take();
        if let Some(accepting) = accepting {
            // It can fail only because its runtime ends, which is what is wanted.
            let _ = accepting.await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Its connections are in a `JoinSet` of that task, which aborts them as it is dropped.
        if let Some(accepting) = held(&self.accepting).take() {
            accepting.abort();
        }
    }
}

async fn accept(socket: TcpListener, shared: Arc<Shared>, is_plain: bool, stop: Arc<Notify>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.notified() => break,
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared), is_plain));
                }
                // No file handle is left, or the client has gone: neither is a reason to stop.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(socket);
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, is_plain: bool) {
    // Otherwise small answers wait for the client's delayed acknowledgement. Without it they are only slow.
    let _ = stream.set_nodelay(true);
    let http = auto::Builder::new(TokioExecutor::new());
    if is_plain {
        let peer = peer(&shared, None, &[]);
        return serve_http(&http, stream, shared, peer).await;
    }
    let configuration = held(&shared.serving).configuration();
    let Ok(stream) = TlsAcceptor::from(configuration).accept(stream).await else {
        shared.failed_handshakes.fetch_add(1, Ordering::SeqCst);
        return;
    };
    let (_, tls) = stream.get_ref();
    let peer = peer(
        &shared,
        tls.server_name(),
        tls.peer_certificates().unwrap_or_default(),
    );
    let http = if tls.alpn_protocol() == Some(b"h2") {
        http.http2_only()
    } else {
        http.http1_only()
    };
    serve_http(&http, stream, shared, peer).await;
}

fn peer(shared: &Shared, server_name: Option<&str>, certificates: &[CertificateDer<'_>]) -> Peer {
    let before = shared.connections.fetch_add(1, Ordering::SeqCst);
    Peer {
        connection: before as u64 + 1,
        server_name: server_name.map(str::to_owned),
        certificates: certificates
            .iter()
            .cloned()
            .map(CertificateDer::into_owned)
            .collect(),
        certificate: certificates.first().map(|certificate| RecordedCertificate {
            common_name: subject(certificate).map(|(name, _)| name).unwrap_or_default(),
            sha256: sha256_hex(certificate),
        }),
        going_away: Notify::new(),
    }
}

async fn serve_http<S>(http: &auto::Builder<TokioExecutor>, stream: S, shared: Arc<Shared>, peer: Peer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = Arc::new(peer);
    let service = service_fn(|request| handle(Arc::clone(&shared), Arc::clone(&peer), request));
    let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // A connection that breaks is the client's affair: its requests are recorded as they arrive.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = peer.going_away.notified() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
