//! What follows a 401, which over HTTP/2 comes with GOAWAY and takes the connection along.

use http::{Method, Request, StatusCode, Version};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::PostParams;
use kube::client::Body;
use kubex::{Error, ErrorKind, FetchReason};
use kubex_tests::api_server::User;

use crate::world::*;

#[tokio::test]
async fn a_rejected_token_is_fetched_anew_and_the_review_sent_once_more() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("new", User::new("jane"));
        let source = Playback::of([bearer("old"), bearer("new")]);
        let reviews: Api<SelfSubjectReview> = Api::all(client(configure(&server).source(source.clone())));
        let review = reviews
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await
            .unwrap();
        let user = review.status.unwrap().user_info.unwrap();
        assert_eq!(user.username.as_deref(), Some("jane"));
        assert_eq!(source.reasons(), [FetchReason::First, FetchReason::Rejected]);
        let requests = server.requests();
        let tokens: Vec<_> = requests.iter().map(|request| request.bearer_token()).collect();
        assert_eq!(tokens, [Some("old"), Some("new")]);
        assert_eq!(requests[0].body, requests[1].body);
        server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_401s_of_one_generation_are_one_refresh_and_reach_nobody() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("one", User::new("jane"));
        let source = Playback::of([bearer("one"), bearer("two"), bearer("three")]);
        let client = client(configure(&server).source(source.clone()));
        assert_eq!(status(&client, "/version").await.unwrap(), StatusCode::OK);
        server.accept_token("two", User::new("jane"));
        server.revoke_token("one");
        server.forget_requests();
        // So many are under way with the old token before the first of them is rejected; over HTTP/2 the others wait for
        // their turn, with the old token too.
        let at_once = if version == Version::HTTP_2 { 200 } else { 1000 };
        server.gather(at_once);
        assert_eq!(statuses(&client, 1000).await, [StatusCode::OK; 1000]);
        assert_eq!(source.fetches(), 2, "{version:?}");
        let refused = server
            .requests()
            .iter()
            .filter(|request| request.status == StatusCode::UNAUTHORIZED)
            .count();
        println!("{version:?}: 1000 requests, {refused} were refused first, 1 refresh");
        assert!(refused >= at_once);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn where_no_newer_credential_is_to_be_had_the_401_is_kubes() {
    for version in BOTH {
        let server = server(version).await;
        let client = client(configure(&server).source(Playback::of([bearer("bad")])));
        let error = client
            .request_text(Request::get("/version").body(vec![]).unwrap())
            .await
            .unwrap_err();
        let kube::Error::Api(told) = error else {
            panic!("{error}")
        };
        assert_eq!(told.code, 401);
        assert_eq!(server.requests().len(), 1);
        server.shutdown().await;
    }
}

#[derive(Debug)]
struct Away;

#[async_trait::async_trait]
impl kubex::CredentialSource for Away {
    async fn fetch(&self, _: kubex::FetchRequest<'_>) -> kubex::Result<kubex::Credential> {
        Err(Error::new(ErrorKind::Unavailable, "the issuer is away"))
    }

    fn describe(&self) -> String {
        "an issuer".into()
    }
}

#[tokio::test]
async fn what_the_credential_source_says_reaches_the_caller() {
    let server = server(http::Version::HTTP_2).await;
    let client = client(configure(&server).source(std::sync::Arc::new(Away)));
    let error = failure(&client).await;
    assert_eq!(own(&error).kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("the issuer is away"), "{error}");
    assert_eq!(server.connections(), 0);
    server.shutdown().await;
}

#[tokio::test]
async fn a_request_for_another_server_is_refused_before_it_is_sent() {
    let server = server(http::Version::HTTP_2).await;
    let source = Playback::of([bearer("t0ken")]);
    let client = client(configure(&server).source(source.clone()));
    for uri in [
        "https://evil.example/version",
        "http://127.0.0.1:1/",
        "https://localhost:1/",
    ] {
        let request = Request::builder()
            .method(Method::GET)
            .uri(uri)
            .body(Body::empty())
            .unwrap();
        let error = client.send(request).await.unwrap_err();
        assert_eq!(own(&error).kind(), ErrorKind::Refused, "{uri}");
    }
    assert_eq!((source.fetches(), server.connections()), (0, 0));
    server.shutdown().await;
}
