//! What follows a 401.

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use http_body_util::Full;
use kubex::reqwest::Client;
use kubex::{FetchReason, Result};
use kubex_tests::api_server::User;

use crate::world::*;

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

async fn post(client: &Client, body: reqwest::Body) -> Result<StatusCode> {
    let request = client.request(Method::POST, REVIEWS)?.body(body);
    Ok(client.send(request).await?.status())
}

#[tokio::test]
async fn a_rejected_token_is_fetched_anew_and_the_request_sent_once_more() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("new", User::new("jane"));
        let source = Playback::of([bearer("old"), bearer("new")]);
        let client = client(configure(&server).source(source.clone()));
        assert_eq!(
            post(&client, "{\"a\":1}".into()).await.unwrap(),
            StatusCode::CREATED
        );
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

#[tokio::test]
async fn a_body_that_cannot_be_sent_twice_gets_the_401_and_the_next_request_is_good() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("new", User::new("jane"));
        let source = Playback::of([bearer("old"), bearer("new")]);
        let client = client(configure(&server).source(source.clone()));
        let stream = || reqwest::Body::wrap(Full::new(Bytes::from_static(b"{}")));
        assert_eq!(post(&client, stream()).await.unwrap(), StatusCode::UNAUTHORIZED);
        assert_eq!(server.requests().len(), 1);
        assert_eq!(post(&client, stream()).await.unwrap(), StatusCode::CREATED);
        assert_eq!(source.fetches(), 2);
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
async fn a_server_that_rejects_everybody_causes_no_storm() {
    for version in BOTH {
        let server = server(version).await;
        server.reject_all(true);
        let tokens: Vec<_> = (0..100).map(|number| bearer(&format!("t{number}"))).collect();
        let source = Playback::of(tokens);
        let client = client(configure(&server).source(source.clone()));
        for _ in 0..20 {
            assert_eq!(status(&client, "/version").await, StatusCode::UNAUTHORIZED);
        }
        assert!(
            statuses(&client, 20)
                .await
                .iter()
                .all(|status| *status == StatusCode::UNAUTHORIZED)
        );
        assert_eq!(
            source.fetches(),
            2,
            "the first, and one for all the rejections of 10 s"
        );
        assert_eq!(server.requests().len(), 41, "one request was sent once more");

        // A source that knows nothing newer, and one that never changes, get the request sent once.
        server.forget_requests();
        let stubborn = Playback::of([bearer("same")]);
        for client in [
            crate::world::client(configure(&server).source(stubborn)),
            crate::world::client(configure(&server).credential(bearer("fixed"))),
            crate::world::client(configure(&server)),
        ] {
            assert_eq!(status(&client, "/version").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(server.requests().len(), 3);
        server.shutdown().await;
    }
}
