//! A kubeconfig that is rewritten again and again under load: no request fails that a valid file could have served.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use kubex::follow::FollowRules;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::machine::patience;
use kubex_tests::proxy::{Proxy, ProxyKind};
use serde_json::json;

use crate::world::*;

/// How often the kubeconfig is rewritten. `KUBEX_FULL_ROTATION` asks for a long run.
fn rewrites() -> usize {
    if std::env::var_os("KUBEX_FULL_ROTATION").is_some() {
        200
    } else {
        12
    }
}

/// Writes a file as different tools do.
fn write(path: &Path, content: &str, round: usize) {
    match round % 4 {
        0 => std::fs::write(path, content).unwrap(),
        1 => {
            let (first, second) = content.split_at(content.len() / 2);
            std::fs::write(path, first).unwrap();
            std::thread::sleep(Duration::from_millis(3));
            std::fs::write(path, format!("{first}{second}")).unwrap();
        }
        2 => {
            std::fs::remove_file(path).unwrap();
            std::thread::sleep(Duration::from_millis(3));
            std::fs::write(path, content).unwrap();
        }
        _ => {
            let new = path.with_extension("new");
            std::fs::write(&new, content).unwrap();
            std::fs::rename(&new, path).unwrap();
        }
    }
}

/// A kubeconfig as JSON, which is YAML too. In turn, it leads through either proxy and has the token or the client
/// certificate beside it.
fn content(server: &ApiServer, proxies: &[Proxy], round: usize) -> String {
    content_for(server.url(), server, proxies, round)
}

/// The same with this address as the server.
fn content_for(url: &str, server: &ApiServer, proxies: &[Proxy], round: usize) -> String {
    let mut user = json!({ "token": token(round) });
    if round % 5 == 4 {
        let pem = server.issue_client_certificate("jane", &[]);
        user["client-certificate-data"] = encoded(&pem.certificate);
        user["client-key-data"] = encoded(&pem.key);
    }
    let cluster = json!({
        "server": url,
        "certificate-authority-data": encoded(&server.ca_pem()),
        "proxy-url": format!("http://{}", proxies[round / 3 % proxies.len()].authority()),
    });
    json!({
        "current-context": "here",
        "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": cluster }],
        "users": [{ "name": "u", "user": user }],
    })
    .to_string()
}

fn encoded(pem: &str) -> serde_json::Value {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(pem).into()
}

fn token(round: usize) -> String {
    format!("token-{round}")
}

pub(crate) async fn a_kubeconfig_that_is_rewritten_under_load_fails_no_request<C: ClientUnderTest>() {
    let server = ApiServer::builder().start().await.unwrap();
    let foreign = ApiServer::builder().start().await.unwrap();
    let proxies = [
        Proxy::start(ProxyKind::Http, server.address()).await.unwrap(),
        Proxy::start(ProxyKind::Http, server.address()).await.unwrap(),
    ];
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("config");
    server.accept_token(token(0), User::new("jane"));
    std::fs::write(&kubeconfig, content(&server, &proxies, 0)).unwrap();
    let configuration = kubex::configure_from_kubeconfig()
        .path(&kubeconfig)
        .following()
        .await
        .unwrap();
    let client = C::new(&configuration).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (client, is_over) = (client.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut sent = 0_u64;
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(
                        status(&client, "/version").await,
                        StatusCode::OK,
                        "request {sent}"
                    );
                    sent += 1;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                sent
            })
        })
        .collect();
    let mut refused = 0;
    for round in 1..=rewrites() {
        if round % 6 == 5 {
            // Another server is not taken: nothing reaches it, and the old token goes on.
            let moved = content_for(foreign.url(), &server, &proxies, round);
            write(&kubeconfig, &moved, round);
            configuration.look_again();
            // A look that is under way may have read the file before.
            for _ in 0..500 {
                assert_eq!(status(&client, "/version").await, StatusCode::OK);
                if configuration
                    .current_report()
                    .to_string()
                    .contains(" kept: server ")
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            refused += 1;
        }
        if round % 7 == 0 {
            server.rotate_certificate_authority();
        }
        server.accept_token(token(round), User::new("jane"));
        let content = content(&server, &proxies, round);
        let path = kubeconfig.clone();
        tokio::task::spawn_blocking(move || write(&path, &content, round))
            .await
            .unwrap();
        server.revoke_token(&token(round - 1));
        // A reserve of ten refreshes after rejections; then files are looked at once a second. No request may be so slow that
        // two tokens are revoked under it.
        let pause = if round < 10 { 250 } else { 1_100 };
        let pause = patience(Duration::from_millis(pause)).min(Duration::from_secs(2));
        tokio::time::sleep(pause).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for task in tasks {
        sent += task.await.unwrap();
    }
    assert!(sent > 20, "{sent} requests");
    println!(
        "{}: {} writes, {sent} requests, 0 failed, {refused} times another server",
        C::NAME,
        rewrites() + refused
    );
    let changes = configuration.current_report().to_string();
    assert!(changes.contains("since then: kept: server "), "{changes}");
    assert_eq!(foreign.connections(), 0);
    foreign.shutdown().await;
    for proxy in &proxies {
        assert!(!proxy.tunnels().is_empty(), "both routes were used");
    }
    server.shutdown().await;
}

/// The kubeconfig of one of two clusters, which accepts only tokens that begin with its own name.
fn of_cluster(server: &ApiServer, name: &str, round: usize) -> String {
    json!({
        "current-context": "here",
        "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": {
            "server": server.url(),
            "certificate-authority-data": encoded(&server.ca_pem()),
        } }],
        "users": [{ "name": "u", "user": { "token": format!("{name}-{}", token(round)) } }],
    })
    .to_string()
}

pub(crate) async fn an_allowed_server_is_reached_with_its_own_token_only<C: ClientUnderTest>() {
    let servers = [
        ApiServer::builder().start().await.unwrap(),
        ApiServer::builder().start().await.unwrap(),
    ];
    let names = ["one", "two"];
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("config");
    servers[0].accept_token(format!("one-{}", token(0)), User::new("jane"));
    std::fs::write(&kubeconfig, of_cluster(&servers[0], "one", 0)).unwrap();
    let configuration = kubex::configure_from_kubeconfig()
        .path(&kubeconfig)
        .follow_rules(FollowRules::new().allow_other_server(true))
        .await
        .unwrap();
    let client = C::new(&configuration).unwrap();
    assert_eq!(status(&client, "/version").await, StatusCode::OK);
    let is_over = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (client, is_over) = (client.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(status(&client, "/version").await, StatusCode::OK);
                }
            })
        })
        .collect();
    for round in 1..=10 {
        let (server, name) = (&servers[round % 2], names[round % 2]);
        server.accept_token(format!("{name}-{}", token(round)), User::new("jane"));
        std::fs::write(&kubeconfig, of_cluster(server, name, round)).unwrap();
        configuration.look_again();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    for (server, name) in servers.iter().zip(names) {
        let requests = server.requests();
        assert!(!requests.is_empty(), "{name}");
        for request in requests {
            let token = request.bearer_token().unwrap();
            assert!(token.starts_with(name), "{token} reached {name}");
        }
    }
    for server in servers {
        server.shutdown().await;
    }
}
