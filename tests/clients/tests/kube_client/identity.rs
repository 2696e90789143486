//! Who arrives at the server, and what of the configuration is heeded.

use http::{Request, StatusCode};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use kube::client::Body;
use kubex::{ClientConfiguration, Credential, Impersonation, ServerUrl};
use kubex_tests::api_server::User;

use crate::world::*;

#[tokio::test]
async fn each_kind_of_credential_arrives_over_both_protocols() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("by-token"));
        server.accept_basic("name", "pass:word", User::new("by-password"));
        let issued = server.issue_client_certificate("by-certificate", &["dev"]);
        let cases = [
            (bearer("t0ken"), "by-token", Some("Bearer t0ken"), false),
            (
                Credential::basic("name", "pass:word".into()).unwrap(),
                "by-password",
                Some("Basic bmFtZTpwYXNzOndvcmQ="),
                false,
            ),
            (certificate(&issued), "by-certificate", None, true),
            (
                bearer("t0ken").with_certificate(pair(&issued)),
                "by-certificate",
                Some("Bearer t0ken"),
                true,
            ),
        ];
        for (credential, user, authorization, has_certificate) in cases {
            server.forget_requests();
            let fixed = client(configure(&server).credential(credential.clone()));
            let live = client(configure(&server).source(Playback::of([credential])));
            for client in [fixed, live] {
                assert_eq!(status(&client, "/version").await.unwrap(), StatusCode::OK);
            }
            let requests = server.requests();
            assert_eq!(requests.len(), 2, "nothing was sent twice");
            for request in requests {
                assert_eq!(request.version, version);
                assert_eq!(request.user.as_deref(), Some(user));
                assert_eq!(request.authorization.as_deref(), authorization);
                let sha256 = request.client_certificate.map(|certificate| certificate.sha256);
                assert_eq!(sha256, has_certificate.then(|| issued.sha256()));
            }
        }
        server.shutdown().await;
    }
}

#[tokio::test]
async fn namespace_path_and_impersonation_are_the_configurations() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("admin"));
        server.answer(
            "/k8s/api/v1/namespaces/team-a/pods",
            StatusCode::OK,
            serde_json::json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}),
        );
        let mut cluster = cluster(&server);
        cluster.server = ServerUrl::parse(&format!("{}/k8s/", server.url())).unwrap();
        let mut jane = Impersonation::new("jane");
        jane.groups = vec!["dev".into(), "ops".into()];
        let client = client(
            ClientConfiguration::builder(cluster)
                .credential(bearer("t0ken"))
                .namespace("team-a")
                .impersonation(Some(jane)),
        );
        assert_eq!(client.default_namespace(), "team-a");
        let pods: Api<Pod> = Api::default_namespaced(client.clone());
        assert!(
            pods.list(&ListParams::default().limit(7))
                .await
                .unwrap()
                .items
                .is_empty()
        );
        let request = server.requests().remove(0);
        assert_eq!(request.path, "/k8s/api/v1/namespaces/team-a/pods");
        assert!(request.query.unwrap().contains("limit=7"));
        assert_eq!(request.user.as_deref(), Some("jane"));
        let groups: Vec<_> = request
            .impersonation
            .iter()
            .filter(|(name, _)| name == "impersonate-group")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(groups, ["dev", "ops"]);

        // What a request says of itself is left alone.
        let own = Request::get("/version")
            .header("authorization", "Bearer other")
            .header("impersonate-user", "joe")
            .body(Body::empty())
            .unwrap();
        assert_eq!(client.send(own).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        let request = server.requests().remove(1);
        assert_eq!(request.authorization.as_deref(), Some("Bearer other"));
        assert_eq!(
            request.impersonation,
            [("impersonate-user".to_owned(), "joe".to_owned())]
        );
        server.shutdown().await;
    }
}

#[tokio::test]
async fn compression_is_asked_for_unless_it_is_disabled() {
    let server = speaking(http::Version::HTTP_2).start().await.unwrap();
    server.accept_token("t0ken", User::new("jane"));
    for is_disabled in [false, true] {
        let mut cluster = cluster(&server);
        cluster.disable_compression = is_disabled;
        let client = client(ClientConfiguration::builder(cluster).credential(bearer("t0ken")));
        assert_eq!(status(&client, "/version").await.unwrap(), StatusCode::OK);
    }
    let asks: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.headers.get("accept-encoding").cloned())
        .collect();
    assert_eq!(asks, [Some("gzip".parse().unwrap()), None]);
    server.shutdown().await;
}

#[tokio::test]
async fn an_unencrypted_server_gets_no_credential() {
    let plain = kubex_tests::api_server::ApiServer::builder()
        .plain_http()
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    let source = Playback::of([bearer("t0ken")]);
    let client = client(configure(&plain).source(source.clone()));
    assert_eq!(status(&client, "/version").await.unwrap(), StatusCode::OK);
    assert!(plain.requests().remove(0).is_free_of_credentials());
    assert_eq!(source.fetches(), 0);
    plain.shutdown().await;
}

#[test]
fn outside_of_a_runtime_it_is_an_error_and_no_panic() {
    let cluster = kubex::Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    let error = kubex::kube::client(&built(ClientConfiguration::builder(cluster)))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), kubex::ErrorKind::Unsupported);
}
