//! Who arrives at the server.

use http::{StatusCode, Version};
use kubex::{Credential, ErrorKind, Impersonation};
use kubex_tests::api_server::{ApiServer, User};

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
            // The server prefers the certificate, and both are there.
            (
                bearer("t0ken").with_certificate(pair(&issued)),
                "by-certificate",
                Some("Bearer t0ken"),
                true,
            ),
        ];
        for (credential, user, authorization, has_certificate) in cases {
            server.forget_requests();
            // Once as one that never changes, and once fetched by the first request.
            let fixed = client(configure(&server).credential(credential.clone()));
            let live = client(configure(&server).source(Playback::of([credential])));
            for client in [fixed, live] {
                assert_eq!(
                    status(&client, "/version").await,
                    StatusCode::OK,
                    "{user} {version:?}"
                );
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
async fn impersonation_headers_arrive_over_both_protocols() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("admin"));
        let mut jane = Impersonation::new("jane");
        jane.uid = Some("42".into());
        jane.groups = vec!["dev".into(), "ops".into()];
        jane.extra = vec![(
            "acme.com/project".into(),
            vec!["some value".into(), "other".into()],
        )];
        let client = client(
            configure(&server)
                .credential(bearer("t0ken"))
                .impersonation(Some(jane)),
        );
        assert_eq!(status(&client, "/version").await, StatusCode::OK);

        let request = server.requests().remove(0);
        assert_eq!(request.authenticated_as.as_deref(), Some("admin"));
        assert_eq!(request.user.as_deref(), Some("jane"));
        let arrived: Vec<(&str, &str)> = request
            .impersonation
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let expected = [
            ("impersonate-user", "jane"),
            ("impersonate-uid", "42"),
            ("impersonate-group", "dev"),
            ("impersonate-group", "ops"),
            ("impersonate-extra-acme.com%2fproject", "some value"),
            ("impersonate-extra-acme.com%2fproject", "other"),
        ];
        assert_eq!(arrived, expected);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn what_the_request_says_of_itself_is_left_alone() {
    let server = server(Version::HTTP_2).await;
    server.accept_token("t0ken", User::new("admin"));
    server.accept_token("own", User::new("other"));
    let mut jane = Impersonation::new("jane");
    jane.groups = vec!["dev".into()];
    let source = Playback::of([bearer("t0ken"), bearer("other")]);
    let client = client(
        configure(&server)
            .source(source.clone())
            .impersonation(Some(jane)),
    );

    let request = client.get("/version").unwrap();
    let request = request
        .header("Authorization", "Bearer own")
        .header("Impersonate-User", "joe");
    assert_eq!(client.send(request).await.unwrap().status(), StatusCode::OK);
    let request = server.requests().remove(0);
    assert_eq!(request.authorization.as_deref(), Some("Bearer own"));
    assert_eq!(
        request.impersonation,
        [("impersonate-user".to_owned(), "joe".to_owned())]
    );

    // A 401 to somebody else's token says nothing about this one.
    let request = client
        .get("/version")
        .unwrap()
        .header("Authorization", "Bearer wrong");
    assert_eq!(
        client.send(request).await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(source.fetches(), 0);
    assert_eq!(server.requests().len(), 2);
    server.shutdown().await;
}

#[tokio::test]
async fn a_path_of_the_servers_own_prefixes_every_request() {
    let server = server(Version::HTTP_2).await;
    server.accept_token("t0ken", User::new("jane"));
    let mut cluster = cluster(&server);
    cluster.server = kubex::ServerUrl::parse(&format!("{}/k8s/", server.url())).unwrap();
    let client = client(kubex::ClientConfiguration::builder(cluster).credential(bearer("t0ken")));
    get(&client, "/version?verbose=1").await.unwrap();
    let request = server.requests().remove(0);
    assert_eq!(
        (request.path.as_str(), request.query.as_deref()),
        ("/k8s/version", Some("verbose=1"))
    );
    server.shutdown().await;
}

#[tokio::test]
async fn an_unencrypted_server_gets_no_credential_and_the_configuration_says_so() {
    let plain = ApiServer::builder()
        .plain_http()
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    let source = Playback::of([bearer("t0ken")]);
    let configuration = built(
        configure(&plain)
            .source(source.clone())
            .impersonation(Some(Impersonation::new("joe"))),
    );
    assert!(
        configuration
            .warnings()
            .iter()
            .any(|warning| warning.id() == "credentials-withheld-over-http")
    );
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    assert_eq!(status(&client, "/version").await, StatusCode::OK);
    let request = plain.requests().remove(0);
    assert_eq!(request.authorization, None);
    assert_eq!(
        request.user.as_deref(),
        Some("joe"),
        "{:?}",
        request.impersonation
    );
    assert_eq!(source.fetches(), 0, "nobody is asked for what will not be sent");
    plain.shutdown().await;
}

#[tokio::test]
async fn an_unencrypted_server_gets_the_credential_where_that_is_asked_for_by_name() {
    let plain = ApiServer::builder().plain_http().start().await.unwrap();
    plain.accept_token("t0ken", User::new("jane"));
    let client = client(
        configure(&plain)
            .credential(bearer("t0ken"))
            .allow_credentials_over_http(true),
    );
    assert_eq!(status(&client, "/version").await, StatusCode::OK);
    assert_eq!(plain.requests().remove(0).bearer_token(), Some("t0ken"));
    plain.shutdown().await;
}

#[tokio::test]
async fn a_key_of_another_pair_is_an_error_and_never_an_anonymous_request() {
    for version in BOTH {
        let server = speaking(version).allow_anonymous(true).start().await.unwrap();
        let jane = server.issue_client_certificate("jane", &[]);
        // A key that does not tell its public half (RFC 8410, 10.3), so that only the TLS library can compare.
        let mut torn = jane.clone();
        torn.key = "-----BEGIN PRIVATE KEY-----\n\
                    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                    -----END PRIVATE KEY-----\n"
            .into();

        // One that never changes is found out before any request.
        let fixed = built(configure(&server).credential(certificate(&torn)));
        let error = kubex::reqwest::Client::new(&fixed).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair, "{error}");

        // One that is fetched may be in the middle of being replaced: it is fetched again.
        let source = Playback::of([certificate(&torn), certificate(&jane)]);
        let live = client(configure(&server).source(source.clone()));
        let error = failure(&live).await;
        assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair, "{error}");
        assert_hides(&error, &[torn.key.trim()]);
        assert!(server.requests().is_empty());
        assert_eq!(status(&live, "/version").await, StatusCode::OK);
        assert_eq!(server.requests().remove(0).user.as_deref(), Some("jane"));

        // Where there was one before, that one stays in use.
        let source = Playback::of([certificate(&jane), certificate(&torn)]);
        let configuration = built(configure(&server).source(source));
        let live = kubex::reqwest::Client::new(&configuration).unwrap();
        for _ in 0..3 {
            assert_eq!(status(&live, "/version").await, StatusCode::OK);
            let request = server.requests().pop().unwrap();
            assert_eq!(request.user.as_deref(), Some("jane"), "{version:?}");
            let current = configuration.credentials().current().await.unwrap();
            configuration.credentials().invalidate(current.generation());
        }

        // Where no error can be returned, the server refuses the handshake.
        let configuration = built(configure(&server).credential(certificate(&torn)));
        let plain = kubex::reqwest::client(&configuration).unwrap();
        server.forget_requests();
        assert!(
            plain
                .get(format!("{}/version", server.url()))
                .send()
                .await
                .is_err()
        );
        assert!(server.requests().is_empty());
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_key_that_tells_its_public_half_is_compared_before_any_client_is_made() {
    let server = server(Version::HTTP_2).await;
    let jane = server.issue_client_certificate("jane", &[]);
    let joe = server.issue_client_certificate("joe", &[]);
    let torn = kubex::ClientCertificate::from_pem(jane.certificate.as_bytes(), joe.key.into_bytes().into());
    assert_eq!(torn.unwrap_err().kind(), ErrorKind::IncompleteKeyPair);
    server.shutdown().await;
}
