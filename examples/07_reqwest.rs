//! Requests through reqwest: who am I, which pods are there, and two hundred requests at once while the token rotates.

use std::error::Error;
use std::path::Path;

use kubex::ClientConfiguration;
use kubex::reqwest::{Client, StatusCode};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::{Value, json};

const AT_ONCE: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = ApiServer::builder().start().await?;
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    std::fs::write(&token, "the-first")?;
    server.accept_token("the-first", User::new("worker").group("robots"));
    let configuration = configure(&server, &token).await?;
    let client = Client::new(&configuration)?;

    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let answer: Value = client.post(path)?.json(&review).send().await?.json().await?;
    println!("I am {}", answer["status"]["userInfo"]["username"]);

    let path = format!("/api/v1/namespaces/{}/pods", configuration.namespace());
    let answer = client.get(&path)?.query([("limit", "10")]).send().await?;
    println!("GET {path}: {}", answer.status());

    // The issuer replaces the token, and the server forgets the old one before the file is read again.
    std::fs::write(&token, "the-second")?;
    server.accept_token("the-second", User::new("worker").group("robots"));
    server.revoke_token("the-first");
    let requests: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { Ok::<_, kubex::Error>(client.get("/version")?.send().await?.status()) })
        })
        .collect();
    let mut good = 0;
    for request in requests {
        good += usize::from(request.await?? == StatusCode::OK);
    }
    println!("{AT_ONCE} requests while the token rotated: {good} are good");
    server.shutdown().await;
    if good == AT_ONCE {
        Ok(())
    } else {
        Err("a request failed".into())
    }
}

/// In a program of your own: `kubex::resolve()`. Here the server is made for the example, so its address is given.
async fn configure(server: &ApiServer, token: &Path) -> kubex::Result<ClientConfiguration> {
    kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token_file(token)
        .namespace("team-a")
        .await
}

#[cfg(test)]
#[test]
fn it_runs() {
    main().unwrap();
}
