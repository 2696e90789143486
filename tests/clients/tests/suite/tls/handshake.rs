//! One connection for one request.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use kubex_tests::api_server::ApiServer;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) use crate::scene::*;

pub(crate) fn name(name: &str) -> ServerName<'static> {
    ServerName::try_from(name.to_owned()).unwrap()
}

/// Opens a connection to the server, which is known by this name, and asks it for its version without a word of who
/// asks. What it answers: the status.
pub(crate) async fn ask(
    config: &Arc<ClientConfig>,
    server: &ApiServer,
    name: ServerName<'static>,
) -> io::Result<u16> {
    let stream = TcpStream::connect(server.address()).await?;
    let mut stream = TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await?;
    stream
        .write_all(b"GET /version HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    // The server may close without a word of TLS; what it said by then is what counts.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other(format!("no HTTP: {answer}")))
}

/// The error of Kubex's in one of TLS.
pub(crate) fn own(error: &io::Error) -> Option<kubex::Error> {
    let error: &rustls::Error = error.get_ref()?.downcast_ref()?;
    match error {
        rustls::Error::Other(other) => other.0.downcast_ref::<kubex::Error>().cloned(),
        _ => error.source()?.downcast_ref::<kubex::Error>().cloned(),
    }
}
