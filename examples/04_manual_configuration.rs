//! A configuration that is set completely in code, with an API server on loopback.

use kubex::Result;
use kubex_tests::api_server::{ApiServer, User};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = ApiServer::builder().start().await?;
    server.accept_token("written-down", User::new("jane").group("dev"));

    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token("written-down")
        .namespace("team-a")
        .await?;
    println!("{configuration:?}\n");

    let client = kubex::reqwest::Client::new(&configuration)?;
    let path = format!("/api/v1/namespaces/{}/pods", configuration.namespace());
    let answer = client.get(&path)?.send().await?;
    println!("GET {path}: {}", answer.status());

    // Conflicting settings are an error when the configuration is built, with a help text.
    let error = kubex::configure().url("10.0.0.1:6443").await.map(drop);
    println!(
        "\nwithout a scheme: {}",
        error.err().map(|error| error.to_string()).unwrap_or_default()
    );
    let error = kubex::configure()
        .url(server.url())
        .try_refresh_token(true)
        .await
        .map(drop);
    println!(
        "refresh of nothing: {}",
        error.err().map(|error| error.to_string()).unwrap_or_default()
    );

    server.shutdown().await;
    Ok(())
}
