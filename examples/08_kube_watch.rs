//! kube's own client: it asks who it is, lists pods, and watches them while its token rotates. In a program of your own
//! the first line is `kubex::kube::try_default().await?`.

use std::error::Error;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt as _};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::json;

const PODS: &str = "/api/v1/namespaces/team-a/pods";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = ApiServer::builder().start().await?;
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    std::fs::write(&token, "the-first")?;
    server.accept_token("the-first", User::new("watcher"));
    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token_file(&token)
        .namespace("team-a")
        .await?;
    let client = kubex::kube::client(&configuration)?;

    println!("I am {}", whoami(&client).await?);
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let listed = pods.list(&ListParams::default()).await?;
    println!("{} pods in {}", listed.items.len(), client.default_namespace());

    let mut seen = Vec::new();
    let mut since = listed.metadata.resource_version.unwrap_or_default();
    let story = tokio::spawn(tell_a_story(server, token));
    // A watch ends after some minutes, as a rule of the server's; who wants more asks again from where it ended.
    while seen.len() < 4 {
        let mut events = pods.watch(&WatchParams::default(), &since).await?.boxed();
        while let Some(event) = events.try_next().await? {
            if let WatchEvent::Added(pod) | WatchEvent::Modified(pod) | WatchEvent::Deleted(pod) = event {
                println!("saw {}", pod.name_any());
                since = pod.resource_version().unwrap_or(since);
                seen.push(pod.name_any());
            }
        }
        println!("the watch ended, and is taken up at {since}");
    }
    println!("I am still {}", whoami(&client).await?);

    // This server runs no processes, and says so.
    match pods.exec("pod-1", ["date"], &AttachParams::default()).await {
        Err(kube::Error::Api(told)) => println!("exec is refused: {} {}", told.code, told.reason),
        Err(other) => return Err(other.into()),
        Ok(_) => return Err("there is nothing to execute".into()),
    }
    let arrived = story.await??;
    println!("the server saw, in order: {arrived:?}");
    if arrived.last().map(String::as_str) == Some("the-second") {
        Ok(())
    } else {
        Err("the new token never arrived".into())
    }
}

/// Asks the server who we are.
async fn whoami(client: &Client) -> Result<String, Box<dyn Error + Send + Sync>> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await?;
    let user = review.status.and_then(|status| status.user_info);
    Ok(user.and_then(|user| user.username).unwrap_or_default())
}

/// What happens in the cluster meanwhile: pods come, and between two of them the token is replaced and the watches end.
/// The tokens that arrived, each once.
async fn tell_a_story(
    server: ApiServer,
    token: std::path::PathBuf,
) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
    for number in 1..=4 {
        if number == 3 {
            std::fs::write(&token, "the-second")?;
            server.accept_token("the-second", User::new("watcher"));
            server.revoke_token("the-first");
            server.end_watches();
        }
        let event = json!({ "type": "ADDED", "object": {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": { "name": format!("pod-{number}"), "resourceVersion": number.to_string() },
        } });
        // The event is sent as soon as a watch is open.
        while server.tell_watchers(PODS, &event) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    server.end_watches();
    let asks_to_execute = |server: &ApiServer| server.requests().iter().any(|it| it.path.ends_with("/exec"));
    while !asks_to_execute(&server) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut tokens: Vec<String> = Vec::new();
    for request in server.requests() {
        let token = request.bearer_token().unwrap_or("nothing");
        if tokens.last().map(String::as_str) != Some(token) {
            tokens.push(token.to_owned());
        }
    }
    server.shutdown().await;
    Ok(tokens)
}

#[cfg(test)]
#[test]
fn it_runs() {
    main().unwrap();
}
