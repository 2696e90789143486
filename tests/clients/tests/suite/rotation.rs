//! Tokens, certificates and authorities that change while requests are under way.

use std::time::Duration;

use http::{StatusCode, Version};
use kubex::Host;
use kubex_tests::api_server::User;

use crate::world::*;

pub(crate) async fn two_hundred_requests_at_once_survive_the_change_of_a_token_with_one_fetch<
    C: ClientUnderTest,
>() {
    // Over HTTP/2 they outlive the GOAWAY of the 401 only in a client that sends again what was not looked at.
    let versions = BOTH
        .into_iter()
        .filter(|version| C::CONNECTS || *version == Version::HTTP_11);
    for version in versions {
        let server = server(version).await;
        server.accept_token("one", User::new("jane"));
        let source = Playback::of([bearer("one"), bearer("two"), bearer("three")]);
        let client: C = client(configure(&server).source(source.clone()));
        assert_eq!(statuses(&client, 200).await, [StatusCode::OK; 200]);

        server.accept_token("two", User::new("jane"));
        server.revoke_token("one");
        server.forget_requests();
        assert_eq!(statuses(&client, 200).await, [StatusCode::OK; 200], "{version:?}");
        assert_eq!(source.fetches(), 2);
        assert!(server.requests().len() <= 400, "nothing was sent three times");

        server.forget_requests();
        assert_eq!(statuses(&client, 200).await, [StatusCode::OK; 200]);
        for request in server.requests() {
            assert_eq!(request.bearer_token(), Some("two"));
        }
        server.shutdown().await;
    }
}

pub(crate) async fn after_the_change_of_a_certificate_no_request_arrives_with_the_old_one<
    C: ClientUnderTest,
>() {
    for version in BOTH {
        let server = server(version).await;
        let old = server.issue_client_certificate("jane", &[]);
        let new = server.issue_client_certificate("jane", &[]);
        let source = Playback::of([certificate(&old), certificate(&new)]);
        let client: C = client(configure(&server).source(source.clone()));
        assert_eq!(statuses(&client, 20).await, [StatusCode::OK; 20]);
        let last_old = server
            .requests()
            .iter()
            .map(|request| request.connection)
            .max()
            .unwrap();

        server.revoke_client_certificate(&old);
        assert_eq!(statuses(&client, 200).await, [StatusCode::OK; 200], "{version:?}");
        server.forget_requests();
        assert_eq!(statuses(&client, 200).await, [StatusCode::OK; 200]);
        for request in server.requests() {
            assert_eq!(request.client_certificate.unwrap().sha256, new.sha256());
            assert!(request.connection > last_old);
        }
        assert_eq!(source.fetches(), 2);
        server.shutdown().await;
    }
}

pub(crate) async fn a_certificate_that_is_replaced_without_a_401_needs_new_connections_too<
    C: ClientUnderTest,
>() {
    for version in BOTH {
        let server = speaking(version).allow_anonymous(true).start().await.unwrap();
        let old = server.issue_client_certificate("jane", &[]);
        let new = server.issue_client_certificate("joe", &[]);
        let steps = [certificate(&old), certificate(&new)];
        let configuration = built(configure(&server).source(Playback::of(steps)));
        let client = C::new(&configuration).unwrap();
        for user in ["jane", "jane", "joe", "joe"] {
            assert_eq!(status(&client, "/version").await, StatusCode::OK);
            let requests = server.requests();
            assert_eq!(requests.last().unwrap().user.as_deref(), Some(user));
            if requests.len() == 2 {
                let current = configuration.credentials().current().await.unwrap();
                configuration.credentials().invalidate(current.generation());
            }
        }
        // The same pair again does not open new ones.
        assert_eq!(server.connections(), 2);
        server.shutdown().await;
    }
}

pub(crate) async fn a_certificate_that_becomes_a_token_is_not_sent_any_more<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("by-token"));
        let old = server.issue_client_certificate("by-certificate", &[]);
        server.revoke_client_certificate(&old);
        let source = Playback::of([certificate(&old), bearer("t0ken")]);
        let client: C = client(configure(&server).source(source));
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
        let request = server.requests().pop().unwrap();
        assert_eq!(request.user.as_deref(), Some("by-token"));
        assert_eq!(request.client_certificate, None);
        server.shutdown().await;
    }
}

pub(crate) async fn a_certificate_that_was_expired_on_arrival_does_not_take_over_the_pool<
    C: ClientUnderTest,
>() {
    for version in BOTH {
        let server = server(version).await;
        let good = server.issue_client_certificate("jane", &[]);
        let late = server.issue_client_certificate("late", &[]);
        let past = Host::real().now().wall - Duration::from_secs(60);
        let source = Playback::of([certificate(&good), certificate(&late).with_expiry(Some(past))]);
        let client: C = client(configure(&server).source(source));
        assert_eq!(status(&client, "/version").await, StatusCode::OK);

        server.reject_next(1);
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
        let last = server.requests().pop().unwrap();
        assert_eq!(
            last.user.as_deref(),
            Some("late"),
            "it is used once: the clock may be wrong"
        );

        server.forget_requests();
        for _ in 0..3 {
            assert_eq!(status(&client, "/version").await, StatusCode::OK);
        }
        for request in server.requests() {
            assert_eq!(request.user.as_deref(), Some("jane"), "{version:?}");
        }
        server.shutdown().await;
    }
}

pub(crate) async fn new_authorities_are_read_as_soon_as_the_server_has_them<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.crt");
        std::fs::write(&file, server.ca_pem()).unwrap();
        let configuration = kubex::configure()
            .url(server.url())
            .server_ca_file(&file)
            .token("t0ken")
            .await
            .unwrap();
        let client = C::new(&configuration).unwrap();
        assert_eq!(status(&client, "/version").await, StatusCode::OK);

        server.rotate_certificate_authority();
        std::fs::write(&file, server.ca_pem()).unwrap();
        // The connection that is open goes on; one that ends is followed by a handshake with the new certificate.
        server.reject_next(1);
        assert_eq!(status(&client, "/version").await, StatusCode::UNAUTHORIZED);
        assert_eq!(statuses(&client, 200).await, [StatusCode::OK; 200], "{version:?}");
        server.shutdown().await;
    }
}
