//! What follows a 401, which over HTTP/2 comes with GOAWAY and takes the connection along.

use std::sync::Arc;

use async_trait::async_trait;
use http::{StatusCode, Version};
use kubex::{Credential, CredentialSource, Error, ErrorKind, FetchReason, FetchRequest};
use kubex_tests::api_server::{ApiServer, User};

use crate::world::*;

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

pub(crate) async fn a_rejected_token_is_renewed_and_the_request_sent_once_more<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("new", User::new("jane"));
        let source = Playback::of([bearer("old"), bearer("new")]);
        let client: C = client(configure(&server).source(source.clone()));
        let review = Request::post(REVIEWS, Body::InMemory("{\"a\":1}"));
        let answer = send(&client, review).await.unwrap();
        assert_eq!(answer.status, StatusCode::CREATED);
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["status"]["userInfo"]["username"], "jane");
        assert_eq!(source.reasons(), [FetchReason::First, FetchReason::Rejected]);
        let requests = server.requests();
        let tokens: Vec<_> = requests.iter().map(|request| request.bearer_token()).collect();
        assert_eq!(tokens, [Some("old"), Some("new")]);
        assert!(
            requests.iter().all(|request| request.body == "{\"a\":1}"),
            "both with the body"
        );
        server.shutdown().await;
    }
}

pub(crate) async fn a_body_that_cannot_be_sent_twice_gets_the_401_and_the_next_request_is_good<
    C: ClientUnderTest,
>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("new", User::new("jane"));
        let source = Playback::of([bearer("old"), bearer("new")]);
        let client: C = client(configure(&server).source(source.clone()));
        let stream = || Request::post(REVIEWS, Body::Stream("{}"));
        let first = send(&client, stream()).await.unwrap();
        assert_eq!(first.status, StatusCode::UNAUTHORIZED);
        assert_eq!(server.requests().len(), 1);
        assert_eq!(send(&client, stream()).await.unwrap().status, StatusCode::CREATED);
        assert_eq!(source.fetches(), 2);
        server.shutdown().await;
    }
}

/// Over HTTP/2 many requests at once outlive a 401 only in a client that sends again what the server has not looked at.
fn versions_for_many<C: ClientUnderTest>() -> impl Iterator<Item = Version> {
    BOTH.into_iter()
        .filter(|version| C::CONNECTS || *version == Version::HTTP_11)
}

/// A thousand connections at once are opened by one test at a time: the machine's queues are not what is tested.
static CROWD: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

pub(crate) async fn a_thousand_401s_of_one_generation_are_one_refresh_and_fail_no_request<
    C: ClientUnderTest,
>() {
    let _turn = CROWD.lock().await;
    for version in versions_for_many::<C>() {
        let server = server(version).await;
        server.accept_token("one", User::new("jane"));
        let source = Playback::of([bearer("one"), bearer("two"), bearer("three")]);
        let client: C = client(configure(&server).source(source.clone()));
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
        server.accept_token("two", User::new("jane"));
        server.revoke_token("one");
        server.forget_requests();
        // So many are under way with the old token before the first of them is rejected; over HTTP/2 the others wait for
        // their turn, with the old token too.
        let at_once = if version == Version::HTTP_2 { 200 } else { 1000 };
        server.gather(at_once);
        assert_eq!(statuses(&client, 1000).await, [StatusCode::OK; 1000]);
        assert_eq!(source.fetches(), 2, "{version:?}");
        let refused = refused(&server);
        println!(
            "{} {version:?}: 1000 requests, {refused} were refused first, 1 refresh",
            C::NAME
        );
        assert!(refused >= at_once);
        server.shutdown().await;
    }
}

/// How many requests were answered with 401.
fn refused(server: &ApiServer) -> usize {
    let requests = server.requests();
    let refused = requests
        .iter()
        .filter(|request| request.status == StatusCode::UNAUTHORIZED);
    refused.count()
}

pub(crate) async fn a_server_that_rejects_everything_causes_no_storm<C: ClientUnderTest>() {
    for version in versions_for_many::<C>() {
        let server = server(version).await;
        server.reject_all(true);
        let tokens: Vec<_> = (0..100).map(|number| bearer(&format!("t{number}"))).collect();
        let source = Playback::of(tokens);
        let client: C = client(configure(&server).source(source.clone()));
        for _ in 0..20 {
            assert_eq!(status(&client, "/version").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(statuses(&client, 20).await, [StatusCode::UNAUTHORIZED; 20]);
        assert_eq!(
            source.fetches(),
            2,
            "the first, and one for all the rejections of 10 s"
        );
        assert_eq!(server.requests().len(), 41, "one request was sent once more");

        // A source without a newer credential, and one that never changes, get the request sent once.
        server.forget_requests();
        let unchanging = Playback::of([bearer("same")]);
        for builder in [
            configure(&server).source(unchanging),
            configure(&server).credential(bearer("fixed")),
            configure(&server),
        ] {
            let client: C = crate::world::client(builder);
            assert_eq!(status(&client, "/version").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(server.requests().len(), 3);
        server.shutdown().await;
    }
}

pub(crate) async fn without_a_newer_credential_the_401_is_returned<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        let client: C = client(configure(&server).source(Playback::of([bearer("bad")])));
        let answer = send(&client, Request::get("/version")).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(server.requests().len(), 1);
        server.shutdown().await;
    }
}

#[derive(Debug)]
struct Unavailable;

#[async_trait]
impl CredentialSource for Unavailable {
    async fn fetch(&self, _: FetchRequest<'_>) -> kubex::Result<Credential> {
        Err(Error::new(ErrorKind::Unavailable, "the issuer is away"))
    }

    fn describe(&self) -> String {
        "an issuer".into()
    }
}

pub(crate) async fn the_error_of_the_credential_source_reaches_the_caller<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        let client: C = client(configure(&server).source(Arc::new(Unavailable)));
        let error = own_failure(&client).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("the issuer is away"), "{error}");
        assert_eq!(server.connections(), 0);
        server.shutdown().await;
    }
}

pub(crate) async fn a_request_to_another_origin_gets_no_credential<C: ClientUnderTest>() {
    let server = server(Version::HTTP_2).await;
    let other = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    let source = Playback::of([bearer("t0ken")]);
    let client: C = client(configure(&server).source(source.clone()));
    let port = server.address().port();
    for url in [
        format!("{}/version", other.url()),
        format!("https://localhost:{port}/version"),
        format!("http://127.0.0.1:{port}/version"),
        "https://127.0.0.1:1/".to_owned(),
    ] {
        match send(&client, Request::get(&url)).await {
            Err(failure) if C::CONNECTS => {
                assert_eq!(failure.own().map(Error::kind), Some(ErrorKind::Refused), "{url}");
            }
            Err(_) => {}
            // The connection leads to the server under its other name, and the request arrives as it is.
            Ok(answer) => assert!(!C::CONNECTS && answer.status == StatusCode::UNAUTHORIZED, "{url}"),
        }
    }
    for request in server.requests() {
        assert!(request.is_free_of_credentials());
    }
    assert!(other.requests().is_empty());
    if C::CONNECTS {
        assert_eq!(source.fetches(), 0);
        assert_eq!((server.connections(), other.connections()), (0, 0));
    }
    for server in [server, other] {
        server.shutdown().await;
    }
}
