//! Credentials that the server takes back or lets expire, again and again: no request fails, and no source is asked
//! more often than it has to be.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use http::StatusCode;
use kubex::{Credential, CredentialSource, FetchRequest};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::json;

use crate::world::*;

/// An issuer whose token the server can revoke: each fetch returns the newest.
#[derive(Debug, Default)]
struct Newest(std::sync::Mutex<(usize, usize)>);

impl Newest {
    /// Issues a new token, which the server accepts, and revokes the one before.
    fn replace(&self, server: &ApiServer) {
        let mut state = self.0.lock().unwrap();
        server.accept_token(token(state.0 + 1), User::new("jane"));
        server.revoke_token(&token(state.0));
        state.0 += 1;
    }

    fn fetches(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

fn token(number: usize) -> String {
    format!("token-{number}")
}

#[async_trait]
impl CredentialSource for Newest {
    async fn fetch(&self, _: FetchRequest<'_>) -> kubex::Result<Credential> {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        Ok(bearer(&token(state.0)))
    }

    fn describe(&self) -> String {
        "the newest token".into()
    }
}

pub(crate) async fn tokens_that_are_revoked_one_after_the_other_fail_no_request<C: ClientUnderTest>() {
    let server = ApiServer::builder().http2(C::CONNECTS).start().await.unwrap();
    let issuer = Arc::new(Newest::default());
    issuer.replace(&server);
    let client: C = client(configure(&server).source(issuer.clone()));
    for revocation in 0..10 {
        let sent = statuses(&client, 20).await;
        assert_eq!(sent, [StatusCode::OK; 20], "after {revocation} revocations");
        issuer.replace(&server);
    }
    assert_eq!(issuer.fetches(), 10);
    server.shutdown().await;
}

pub(crate) async fn a_server_with_a_token_cache_fails_no_request_either<C: ClientUnderTest>() {
    // `KUBEX_FULL_ROTATION` asks for the times of a real server, which take 75 s.
    let scale = if std::env::var_os("KUBEX_FULL_ROTATION").is_some() {
        20
    } else {
        1
    };
    let server = ApiServer::builder().http2(C::CONNECTS).start().await.unwrap();
    server.cache_tokens(Duration::from_millis(500) * scale);
    let issuer = Arc::new(Newest::default());
    issuer.replace(&server);
    let client: C = client(configure(&server).source(issuer.clone()));
    let end = Instant::now() + Duration::from_millis(3750) * scale;
    let mut next = Instant::now();
    let mut requests = 0;
    while Instant::now() < end {
        if Instant::now() >= next {
            issuer.replace(&server);
            next += Duration::from_millis(375) * scale;
        }
        // 50 requests a second.
        let sent = statuses(&client, 5).await;
        assert_eq!(sent, [StatusCode::OK; 5]);
        requests += sent.len();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{requests} requests, {} fetches, 0 failed", issuer.fetches());
    assert!(issuer.fetches() > 3, "tokens were revoked");
    server.shutdown().await;
}

pub(crate) async fn one_api_that_always_rejects_causes_a_bounded_number_of_fetches<C: ClientUnderTest>() {
    let server = ApiServer::builder().http2(C::CONNECTS).start().await.unwrap();
    server.accept_token("t0ken", User::new("jane"));
    let broken = "/apis/metrics.k8s.io/v1beta1/nodes";
    server.answer(broken, StatusCode::UNAUTHORIZED, json!({"kind": "Status"}));
    let source = Playback::of([bearer("t0ken")]);
    let client: C = client(configure(&server).source(source.clone()));
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
        assert_eq!(status(&client, broken).await, StatusCode::UNAUTHORIZED);
    }
    // The first fetch, the reserve, and what grew back meanwhile.
    let most = 1 + 10 + began.elapsed().as_secs() / 10;
    let fetches = source.fetches() as u64;
    assert!(
        (2..=most).contains(&fetches),
        "{fetches} fetches, at most {most} expected"
    );
    server.shutdown().await;
}

/// How long a certificate is valid, how often it is swapped, how long its key is there before it, and how many times.
struct Swaps {
    lifetime: Duration,
    every: Duration,
    key_first: Duration,
    count: u32,
}

impl Swaps {
    /// `KUBEX_FULL_ROTATION` asks for the times of a real cluster with short certificates, which take 4 minutes.
    fn chosen() -> Self {
        if std::env::var_os("KUBEX_FULL_ROTATION").is_some() {
            Self {
                lifetime: Duration::from_secs(60),
                every: Duration::from_secs(35),
                key_first: Duration::from_secs(2),
                count: 6,
            }
        } else {
            Self {
                lifetime: Duration::from_secs(12),
                every: Duration::from_secs(5),
                key_first: Duration::from_millis(400),
                count: 4,
            }
        }
    }

    async fn write(&self, server: &ApiServer, directory: &Path) {
        let pem = server.issue_client_certificate_until("jane", &[], SystemTime::now() + self.lifetime);
        let replace = |name: &str, content: &str| {
            let new = directory.join("new");
            std::fs::write(&new, content).unwrap();
            std::fs::rename(&new, directory.join(name)).unwrap();
        };
        replace("client.key", &pem.key);
        tokio::time::sleep(self.key_first).await;
        replace("client.crt", &pem.certificate);
    }
}

pub(crate) async fn short_certificates_that_are_swapped_in_time_fail_no_request<C: ClientUnderTest>() {
    let server = ApiServer::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let swaps = Swaps::chosen();
    swaps.write(&server, directory.path()).await;
    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .client_cert_file(directory.path().join("client.crt"))
        .client_key_file(directory.path().join("client.key"))
        .await
        .unwrap();
    let client = C::new(&configuration).unwrap();
    let requests = tokio::spawn(async move {
        let mut sent = 0_u64;
        loop {
            assert_eq!(
                status(&client, "/version").await,
                StatusCode::OK,
                "request {sent}"
            );
            sent += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    for _ in 0..swaps.count {
        tokio::time::sleep(swaps.every.saturating_sub(swaps.key_first)).await;
        swaps.write(&server, directory.path()).await;
    }
    tokio::time::sleep(swaps.every).await;
    assert!(!requests.is_finished(), "{:?}", requests.await);
    requests.abort();
    let used: std::collections::HashSet<_> = server
        .requests()
        .into_iter()
        .map(|request| request.client_certificate.unwrap().sha256)
        .collect();
    assert!(used.len() > 2, "only {} certificates were used", used.len());
    server.shutdown().await;
}
