//! The server of a cell: the embedded API server, or OpenSSL's where rustls cannot sign with the server's key or verify
//! the client's, and for TLS 1.2.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::certificates::certificate_pem;
use kubex_tests::machine::patience;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::cell::{Cell, Reason};

/// What became of OpenSSL's server.
#[expect(clippy::large_enum_variant, reason = "few exist at a time")]
enum Started {
    Listens { url: String, child: Child },
    IsMissing,
    Ended,
}

/// A running server.
#[expect(clippy::large_enum_variant, reason = "few exist at a time")]
pub enum Peer {
    Embedded(Box<ApiServer>),
    OpenSsl {
        url: String,
        child: Child,
        _files: TempDir,
    },
}

impl Peer {
    /// Starts the cell's server. `None` if it needs OpenSSL and there is none.
    pub async fn start(cell: &Cell) -> io::Result<Option<Self>> {
        if !cell.key.can_sign() || cell.is_tls_12 || cell.only_kubectl == Some(Reason::SmallRsa) {
            return Self::openssl(cell).await;
        }
        let server = ApiServer::builder().start().await?;
        server.serve_certificates(cell.chain.clone(), cell.key.for_rustls())?;
        server.accept_token("t0ken", User::new("jane"));
        server.trust_any_client_certificate(true);
        Ok(Some(Self::Embedded(Box::new(server))))
    }

    async fn openssl(cell: &Cell) -> io::Result<Option<Self>> {
        let files = TempDir::new()?;
        let path = |name: &str| files.path().join(name);
        std::fs::write(path("certificate"), certificate_pem(&cell.chain[0]))?;
        std::fs::write(path("key"), &cell.key.pem)?;
        // A free port, which OpenSSL binds a moment later, unless another program was faster.
        for _ in 0..5 {
            match Self::openssl_at_a_free_port(cell, &files).await? {
                Started::Listens { url, child } => {
                    return Ok(Some(Self::OpenSsl {
                        url,
                        child,
                        _files: files,
                    }));
                }
                Started::IsMissing => return Ok(None),
                Started::Ended => {}
            }
        }
        Err(io::Error::other("openssl s_server does not listen"))
    }

    async fn openssl_at_a_free_port(cell: &Cell, files: &TempDir) -> io::Result<Started> {
        let path = |name: &str| files.path().join(name);
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let started = Command::new("openssl")
            .args([
                "s_server",
                "-quiet",
                "-www",
                "-verify",
                "9",
                "-cipher",
                "ALL:@SECLEVEL=0",
            ])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .arg("-cert")
            .arg(path("certificate"))
            .arg("-key")
            .arg(path("key"))
            .args(cell.is_tls_12.then_some("-tls1_2"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Started::IsMissing),
            Err(error) => return Err(error),
        };
        for _ in 0..3000 {
            if child.try_wait()?.is_some() {
                return Ok(Started::Ended);
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() && child.try_wait()?.is_none() {
                let url = format!("https://127.0.0.1:{port}");
                return Ok(Started::Listens { url, child });
            }
            tokio::time::sleep(patience(Duration::from_millis(20))).await;
        }
        Ok(Started::Ended)
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Embedded(server) => server.url(),
            Self::OpenSsl { url, .. } => url,
        }
    }

    /// The client certificates that arrived, by their digests, since the last call.
    pub fn arrived(&self) -> Vec<Option<String>> {
        match self {
            Self::Embedded(server) => {
                let requests = server.requests();
                server.forget_requests();
                requests
                    .into_iter()
                    .map(|request| request.client_certificate.map(|it| it.sha256))
                    .collect()
            }
            Self::OpenSsl { .. } => Vec::new(),
        }
    }

    pub async fn stop(self) {
        match self {
            Self::Embedded(server) => server.shutdown().await,
            Self::OpenSsl { mut child, .. } => {
                // It may have ended by itself.
                let _ = child.kill().await;
            }
        }
    }
}
