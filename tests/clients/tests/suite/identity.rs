//! Who arrives at the server, and what of the configuration is used.

use http::{StatusCode, Version};
use kubex::{ClientConfiguration, Credential, ErrorKind, Impersonation, ServerUrl};
use kubex_tests::api_server::{ApiServer, User};

use crate::world::*;

pub(crate) async fn each_kind_of_credential_arrives_over_both_protocols<C: ClientUnderTest>() {
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
            let fixed: C = client(configure(&server).credential(credential.clone()));
            let live: C = client(configure(&server).source(Playback::of([credential])));
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

pub(crate) async fn impersonation_headers_arrive_over_both_protocols<C: ClientUnderTest>() {
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
        let client: C = client(
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

pub(crate) async fn headers_that_the_request_has_are_kept<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("admin"));
        server.accept_token("own", User::new("other"));
        let mut jane = Impersonation::new("jane");
        jane.groups = vec!["dev".into()];
        let source = Playback::of([bearer("t0ken"), bearer("other")]);
        let client: C = client(
            configure(&server)
                .source(source.clone())
                .impersonation(Some(jane)),
        );

        let request = Request::get("/version")
            .header("authorization", "Bearer own")
            .header("impersonate-user", "joe");
        assert_eq!(send(&client, request).await.unwrap().status, StatusCode::OK);
        let request = server.requests().remove(0);
        assert_eq!(request.authorization.as_deref(), Some("Bearer own"));
        assert_eq!(
            request.impersonation,
            [("impersonate-user".to_owned(), "joe".to_owned())]
        );

        // A 401 to the request's own token says nothing about the configuration's.
        let request = Request::get("/version").header("authorization", "Bearer wrong");
        assert_eq!(
            send(&client, request).await.unwrap().status,
            StatusCode::UNAUTHORIZED
        );
        // The handshake of rustls looks for a certificate, which starts a fetch; no client of Kubex's own needs one here.
        assert!(source.fetches() == 0 || !C::CONNECTS);
        assert_eq!(server.requests().len(), 2);
        server.shutdown().await;
    }
}

pub(crate) async fn the_servers_own_path_prefixes_every_request<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let mut cluster = cluster(&server);
        cluster.server = ServerUrl::parse(&format!("{}/k8s/", server.url())).unwrap();
        let client: C = client(ClientConfiguration::builder(cluster).credential(bearer("t0ken")));
        send(&client, Request::get("/version?verbose=1")).await.unwrap();
        let request = server.requests().remove(0);
        assert_eq!(
            (request.path.as_str(), request.query.as_deref()),
            ("/k8s/version", Some("verbose=1"))
        );
        server.shutdown().await;
    }
}

pub(crate) async fn an_unencrypted_server_gets_no_credential_and_the_configuration_warns<
    C: ClientUnderTest,
>() {
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
    let client = C::new(&configuration).unwrap();
    assert_eq!(status(&client, "/version").await, StatusCode::OK);
    let request = plain.requests().remove(0);
    assert_eq!(request.authorization, None);
    assert_eq!(request.client_certificate, None);
    assert_eq!(
        request.user.as_deref(),
        Some("joe"),
        "{:?}",
        request.impersonation
    );
    assert_eq!(source.fetches(), 0, "what is not sent is not fetched");
    plain.shutdown().await;
}

pub(crate) async fn an_unencrypted_server_gets_the_credential_where_it_is_allowed_by_name<
    C: ClientUnderTest,
>() {
    let plain = ApiServer::builder().plain_http().start().await.unwrap();
    plain.accept_token("t0ken", User::new("jane"));
    let client: C = client(
        configure(&plain)
            .credential(bearer("t0ken"))
            .allow_credentials_over_http(true),
    );
    assert_eq!(status(&client, "/version").await, StatusCode::OK);
    assert_eq!(plain.requests().remove(0).bearer_token(), Some("t0ken"));
    plain.shutdown().await;
}

pub(crate) async fn a_key_of_another_pair_never_becomes_an_anonymous_request<C: ClientUnderTest>() {
    for version in BOTH {
        let server = speaking(version).allow_anonymous(true).start().await.unwrap();
        let mixed = with_another_key(&server.issue_client_certificate("jane", &[]));
        let fixed = built(configure(&server).credential(certificate(&mixed)));
        match C::new(&fixed) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair, "{error}"),
            // Where no error can be returned, the server refuses the handshake.
            Ok(client) => {
                assert!(!C::CONNECTS);
                assert_failure_hides(&failure(&client).await, &[mixed.key.trim()]);
            }
        }
        assert!(server.requests().is_empty());
        server.shutdown().await;
    }
}

pub(crate) async fn a_key_of_another_pair_is_an_error_until_the_right_one_comes<C: ClientUnderTest>() {
    for version in BOTH {
        let server = speaking(version).allow_anonymous(true).start().await.unwrap();
        let jane = server.issue_client_certificate("jane", &[]);
        let mixed = with_another_key(&jane);

        // One that is fetched may be in the middle of being replaced: it is fetched again.
        let source = Playback::of([certificate(&mixed), certificate(&jane)]);
        let live: C = client(configure(&server).source(source.clone()));
        let error = own_failure(&live).await;
        assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair, "{error}");
        assert_hides(&error, &[mixed.key.trim()]);
        assert!(server.requests().is_empty());
        assert_eq!(status(&live, "/version").await, StatusCode::OK);
        assert_eq!(server.requests().remove(0).user.as_deref(), Some("jane"));

        // Where there was one before, that one stays in use.
        let source = Playback::of([certificate(&jane), certificate(&mixed)]);
        let configuration = built(configure(&server).source(source));
        let live = C::new(&configuration).unwrap();
        for _ in 0..3 {
            assert_eq!(status(&live, "/version").await, StatusCode::OK);
            let request = server.requests().pop().unwrap();
            assert_eq!(request.user.as_deref(), Some("jane"), "{version:?}");
            let current = configuration.credentials().current().await.unwrap();
            configuration.credentials().invalidate(current.generation());
        }
        server.shutdown().await;
    }
}

pub(crate) async fn compression_is_asked_for_unless_it_is_disabled<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        for is_disabled in [false, true] {
            let mut cluster = cluster(&server);
            cluster.disable_compression = is_disabled;
            let client: C = client(ClientConfiguration::builder(cluster).credential(bearer("t0ken")));
            assert_eq!(status(&client, "/version").await, StatusCode::OK);
        }
        let asks: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.headers.get("accept-encoding").cloned())
            .collect();
        assert_eq!(asks, [Some("gzip".parse().unwrap()), None]);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_key_with_its_public_half_is_compared_before_any_client_is_made() {
    let server = server(Version::HTTP_2).await;
    let jane = server.issue_client_certificate("jane", &[]);
    let joe = server.issue_client_certificate("joe", &[]);
    let mixed = kubex::ClientCertificate::from_pem(jane.certificate.as_bytes(), joe.key.into_bytes().into());
    assert_eq!(mixed.unwrap_err().kind(), ErrorKind::IncompleteKeyPair);
    server.shutdown().await;
}
