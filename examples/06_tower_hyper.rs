//! hyper as a Kubernetes client: a TLS configuration below it and a layer above it authenticate its requests. After a
//! 401 the token is renewed and the request sent once more.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kubex::tower::AuthLayer;
use kubex_tests::api_server::{ApiServer, User};
use tower_layer::Layer as _;
use tower_service::Service as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = ApiServer::builder().start().await?;
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    std::fs::write(&token, "the-first")?;
    server.accept_token("the-first", User::new("worker"));
    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token_file(&token)
        .await?;

    // Below: connections that trust the cluster's authorities only, and check its name.
    let mut tls = kubex::rustls::client_config(&configuration)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = FixedServerNameResolver::new(kubex::rustls::server_name(&configuration)?);
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    // Else a small frame waits for the acknowledgement of the one before it (Nagle's algorithm).
    tcp.set_nodelay(true);
    let connector = HttpsConnector::new(tcp, tls, true, Arc::new(name));
    let hyper: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);

    // Above: the current credential on each request. After a 401 the request is sent again, as its body can be cloned.
    let mut client = AuthLayer::new(&configuration).replaying_clones().layer(hyper);

    for path in ["/version", "/api/v1/namespaces/default/pods"] {
        let request = Request::get(format!("{}{path}", server.url())).body(Full::default())?;
        let answer = client.call(request).await?;
        println!("GET {path}: {}", answer.status());
        let body = answer.into_body().collect().await?.to_bytes();
        println!("  {}", String::from_utf8_lossy(&body));
    }

    // The issuer replaces the token, and the server forgets the old one before the file is read again.
    std::fs::write(&token, "the-second")?;
    server.accept_token("the-second", User::new("worker"));
    server.revoke_token("the-first");
    server.forget_requests();
    let request = Request::get(format!("{}/version", server.url())).body(Full::default())?;
    let answer = client.call(request).await?;
    println!("after the rotation: {}", answer.status());
    for request in server.requests() {
        let token = request.bearer_token().unwrap_or("nothing");
        println!("  arrived with {token}: {}", request.status);
    }
    server.shutdown().await;
    if answer.status() == StatusCode::OK {
        Ok(())
    } else {
        Err("the request after the rotation failed".into())
    }
}

#[cfg(test)]
#[test]
fn it_runs() {
    main().unwrap();
}
