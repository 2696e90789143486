//! A client without any convenience: it sends what it is told, over the connection it is told.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kubex_tests::api_server::{ApiServer, ClientCertificatePem};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// How to connect: by default HTTP/1.1 to 127.0.0.1, without a certificate.
pub(crate) struct Client {
    trusted: String,
    certificate: Option<ClientCertificatePem>,
    server_name: &'static str,
    is_http2: bool,
}

impl Client {
    pub(crate) fn trusting(server: &ApiServer) -> Self {
        Self {
            trusted: server.ca_pem(),
            certificate: None,
            server_name: "127.0.0.1",
            is_http2: false,
        }
    }

    pub(crate) fn http2(mut self) -> Self {
        self.is_http2 = true;
        self
    }

    pub(crate) fn with_certificate(mut self, certificate: &ClientCertificatePem) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    pub(crate) fn expecting(mut self, server_name: &'static str) -> Self {
        self.server_name = server_name;
        self
    }

    pub(crate) async fn connect(&self, server: &ApiServer) -> io::Result<Connection> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.trusted.as_bytes()).unwrap())
            .unwrap();
        let builder =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots);
        let mut configuration = match &self.certificate {
            Some(pem) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).unwrap(),
                )
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        let wanted: &[u8] = if self.is_http2 { b"h2" } else { b"http/1.1" };
        configuration.alpn_protocols = vec![wanted.to_vec()];

        let stream = TcpStream::connect(server.address()).await?;
        let name = ServerName::try_from(self.server_name).unwrap();
        let stream = TlsConnector::from(Arc::new(configuration))
            .connect(name, stream)
            .await?;
        Ok(Connection::over(stream, self.is_http2).await)
    }
}

/// One open connection.
pub(crate) struct Connection {
    sender: Sender,
    driver: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// What came back, read to its end.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) version: Version,
    pub(crate) body: Value,
}

impl Answered {
    pub(crate) fn user_info(&self) -> &Value {
        assert_eq!(self.status, StatusCode::CREATED, "{}", self.body);
        &self.body["status"]["userInfo"]
    }
}

impl Connection {
    pub(crate) async fn plain(server: &ApiServer) -> Self {
        Self::over(TcpStream::connect(server.address()).await.unwrap(), false).await
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, is_http2: bool) -> Self {
        let stream = TokioIo::new(stream);
        if is_http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            let driver = tokio::spawn(async { drop(connection.await) });
            Self {
                sender: Sender::Http2(sender),
                driver,
            }
        } else {
            let (sender, connection) = http1::handshake(stream).await.unwrap();
            let driver = tokio::spawn(async { drop(connection.await) });
            Self {
                sender: Sender::Http1(sender),
                driver,
            }
        }
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> hyper::Result<Answered> {
        self.send("GET", path, headers).await
    }

    /// Asks the server who it takes the client for.
    pub(crate) async fn review(&mut self, headers: &[(&str, &str)]) -> hyper::Result<Answered> {
        self.send(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            headers,
        )
        .await
    }

    /// Returns when the connection has come to its end.
    pub(crate) async fn closed(self) {
        // The sender is kept until then: dropping it would close the connection from this side.
        self.driver.await.unwrap();
        drop(self.sender);
    }

    async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> hyper::Result<Answered> {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                let request = request
                    .uri(path)
                    .header("host", "test")
                    .body(Full::default())
                    .unwrap();
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                let uri: Uri = format!("https://test{path}").parse().unwrap();
                let request = request.uri(uri).body(Full::default()).unwrap();
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answered {
            status: head.status,
            headers: head.headers,
            version: head.version,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        })
    }
}
