//! hyper as a Kubernetes client, for programs that build their own HTTP stack of tower layers. After a 401, the token is
//! renewed and the request is sent again; so is a request that the server did not take when it closed a connection.

use std::error::Error;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kubex_tests::api_server::{ApiServer, User};
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

    // Connections of its own: with the client certificate and the trust of the configuration, and with the current
    // credential on each request. After a 401, a request is sent again, because its body can be cloned.
    let mut client = kubex::hyper::client(&configuration)?;

    for path in ["/version", "/api/v1/namespaces/default/pods"] {
        let request = Request::get(path).body(Full::<Bytes>::default())?;
        let answer = client.call(request).await?;
        println!("GET {path}: {}", answer.status());
        let body = answer.into_body().collect().await?.to_bytes();
        println!("  {}", String::from_utf8_lossy(&body));
    }

    // The issuer replaces the token, and the server rejects the old one before the file is read again.
    std::fs::write(&token, "the-second")?;
    server.accept_token("the-second", User::new("worker"));
    server.revoke_token("the-first");
    server.forget_requests();
    let request = Request::get("/version").body(Full::default())?;
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
