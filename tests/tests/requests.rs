//! Requests through reqwest, judged by what arrives at the API server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::StatusCode;
use kubex::reqwest::Client;
use kubex::{
    Authorities, ClientCertificate, ClientConfiguration, ClientConfigurationBuilder, Cluster, Credential,
    CredentialSource, ErrorKind, FetchRequest, Host, Impersonation, Result, ServerUrl, Trust,
};
use kubex_tests::api_server::{ApiServer, ClientCertificatePem, User};

fn cluster(server: &ApiServer) -> Cluster {
    let mut cluster = Cluster::new(ServerUrl::parse(server.url()).unwrap());
    cluster.trust = Trust::Authorities(Authorities::from_pem(server.ca_pem().as_bytes()).unwrap());
    cluster
}

fn configure(server: &ApiServer) -> ClientConfigurationBuilder {
    ClientConfiguration::builder(cluster(server))
}

fn bearer(token: &str) -> Credential {
    Credential::bearer(token.into()).unwrap()
}

fn client(configuration: ClientConfigurationBuilder) -> Client {
    Client::new(&configuration.build(&Host::real()).unwrap()).unwrap()
}

async fn status(client: &Client, path: &str) -> StatusCode {
    client.send(client.get(path).unwrap()).await.unwrap().status()
}

fn pair(pem: &ClientCertificatePem) -> ClientCertificate {
    ClientCertificate::from_pem(pem.certificate.as_bytes(), pem.key.clone().into_bytes().into()).unwrap()
}

/// Gives one credential after another, the last one for ever, and counts how often it is asked.
#[derive(Debug)]
struct Rotation {
    credentials: Vec<Credential>,
    asked: AtomicUsize,
}

impl Rotation {
    fn of(credentials: impl Into<Vec<Credential>>) -> Arc<Self> {
        Arc::new(Self {
            credentials: credentials.into(),
            asked: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl CredentialSource for Rotation {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        let number = self
            .asked
            .fetch_add(1, Ordering::SeqCst)
            .min(self.credentials.len() - 1);
        Ok(self.credentials[number].clone())
    }

    fn describe(&self) -> String {
        "a rotation".into()
    }
}

#[tokio::test]
async fn each_kind_of_credential_arrives_over_both_versions_of_http() {
    for http2 in [false, true] {
        let server = ApiServer::builder().http2(http2).start().await.unwrap();
        server.accept_token("token", User::new("by-token"));
        server.accept_basic("name", "password", User::new("by-password"));
        let certificate = pair(&server.issue_client_certificate("by-certificate", &["dev"]));
        let cases = [
            (bearer("token"), "by-token"),
            (
                Credential::basic("name", "password".into()).unwrap(),
                "by-password",
            ),
            (
                Credential::anonymous().and_certificate(certificate.clone()),
                "by-certificate",
            ),
            (bearer("token").and_certificate(certificate), "by-certificate"),
        ];
        for (credential, user) in cases {
            server.forget_requests();
            let client = client(configure(&server).credential(credential));
            assert_eq!(status(&client, "/version").await, StatusCode::OK);
            let request = server.requests().remove(0);
            assert_eq!(request.user.as_deref(), Some(user));
            assert_eq!(request.version == http::Version::HTTP_2, http2);
        }
        server.shutdown().await;
    }
}

#[tokio::test]
async fn impersonation_headers_arrive_and_the_requests_own_are_left_alone() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("token", User::new("admin"));
    server.accept_token("own", User::new("other"));
    let mut jane = Impersonation::of("jane");
    jane.groups = vec!["dev".into(), "ops".into()];
    jane.extra = vec![("example.com/reason".into(), vec!["support".into()])];
    let client = client(
        configure(&server)
            .credential(bearer("token"))
            .impersonation(Some(jane)),
    );
    assert_eq!(status(&client, "/version").await, StatusCode::OK);
    let request = client
        .get("/version")
        .unwrap()
        .header("Impersonate-User", "joe")
        .header("Authorization", "Bearer own");
    assert_eq!(client.send(request).await.unwrap().status(), StatusCode::OK);

    let requests = server.requests();
    let names: Vec<_> = requests[0]
        .impersonation
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "impersonate-user",
            "impersonate-group",
            "impersonate-group",
            "impersonate-extra-example.com%2freason"
        ]
    );
    assert_eq!(
        requests[1].impersonation,
        [("impersonate-user".to_owned(), "joe".to_owned())]
    );
    assert_eq!(requests[1].authenticated_as.as_deref(), Some("other"));
    server.shutdown().await;
}

#[tokio::test]
async fn only_the_given_authority_is_trusted_and_only_for_the_right_name() {
    let server = ApiServer::builder().start().await.unwrap();
    let other = ApiServer::builder().start().await.unwrap();
    let mut wrong = cluster(&server);
    wrong.trust = Trust::Authorities(Authorities::from_pem(other.ca_pem().as_bytes()).unwrap());
    let client_of =
        |cluster: Cluster| client(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t")));
    let failing = client_of(wrong.clone());
    let error = failing.send(failing.get("/version").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestFailed);
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");

    let mut named = cluster(&server);
    named.tls_server_name = Some("elsewhere.example".into());
    let failing = client_of(named);
    let error = failing.send(failing.get("/version").unwrap()).await.unwrap_err();
    assert!(
        error.to_string().contains("NotValidForName") || error.to_string().contains("not valid for"),
        "{error}"
    );
    assert!(
        server.requests().is_empty(),
        "no request and no credential before the check"
    );

    wrong.trust = Trust::Anyone;
    server.accept_token("s3cr3t", User::new("jane"));
    assert_eq!(status(&client_of(wrong), "/version").await, StatusCode::OK);
    server.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn a_server_name_of_its_own_is_sent_and_checked() {
    for http2 in [false, true] {
        let server = ApiServer::builder()
            .only_named("api.internal")
            .http2(http2)
            .start()
            .await
            .unwrap();
        server.accept_token("token", User::new("jane"));
        let mut cluster = cluster(&server);
        cluster.tls_server_name = Some("api.internal".into());
        let client = client(ClientConfiguration::builder(cluster).credential(bearer("token")));
        assert_eq!(status(&client, "/version?verbose=1").await, StatusCode::OK);
        let request = server.requests().remove(0);
        assert_eq!(request.server_name.as_deref(), Some("api.internal"));
        assert_eq!(
            (request.path.as_str(), request.user.as_deref()),
            ("/version", Some("jane"))
        );
        server.shutdown().await;
    }
}

#[tokio::test]
async fn an_unencrypted_server_gets_no_credential_unless_that_was_asked_for() {
    let server = ApiServer::builder()
        .plain_http()
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    server.accept_token("token", User::new("jane"));
    let configure = || {
        let cluster = Cluster::new(ServerUrl::parse(server.url()).unwrap());
        ClientConfiguration::builder(cluster)
            .credential(bearer("token"))
            .impersonation(Some(Impersonation::of("joe")))
    };
    status(&client(configure()), "/version").await;
    let request = server.requests().remove(0);
    assert_eq!(request.authorization, None);
    assert_eq!(request.impersonation.len(), 1, "impersonation is no credential");

    server.forget_requests();
    status(&client(configure().allow_credentials_over_http(true)), "/version").await;
    assert_eq!(
        server.requests()[0].authorization.as_deref(),
        Some("Bearer token")
    );
    server.shutdown().await;
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_handed_back_and_nothing_goes_there() {
    let server = ApiServer::builder().start().await.unwrap();
    let other = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    let plain = ApiServer::builder()
        .plain_http()
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    server.accept_token("token", User::new("jane"));
    let configuration = configure(&server)
        .credential(bearer("token"))
        .impersonation(Some(Impersonation::of("joe")));
    let client = client(configuration);
    let port = server.address().port();
    for (place, location) in [
        ("port", format!("{}/version", other.url())),
        ("scheme", format!("{}/version", plain.url())),
        ("host", format!("https://localhost:{port}/version")),
    ] {
        server.redirect(format!("/to-another-{place}"), &location);
        assert_eq!(
            status(&client, &format!("/to-another-{place}")).await,
            StatusCode::FOUND,
            "{place}"
        );
    }
    assert!(other.requests().is_empty() && plain.requests().is_empty());
    assert_eq!(
        server.requests().len(),
        3,
        "the other name of the same server got nothing either"
    );

    server.redirect("/moved", "/version");
    assert_eq!(status(&client, "/moved").await, StatusCode::OK);
    assert_eq!(server.requests().last().unwrap().user.as_deref(), Some("joe"));
    for server in [server, other, plain] {
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_request_to_another_server_is_refused() {
    let server = ApiServer::builder().start().await.unwrap();
    let client = client(configure(&server).credential(bearer("token")));
    let configuration = configure(&server).build(&Host::real()).unwrap();
    let request = kubex::reqwest::client(&configuration)
        .unwrap()
        .get("https://127.0.0.1:1/version");
    assert_eq!(client.send(request).await.unwrap_err().kind(), ErrorKind::Refused);
    server.shutdown().await;
}

#[tokio::test]
async fn after_a_401_there_is_one_fetch_and_one_more_try() {
    for http2 in [false, true] {
        let server = ApiServer::builder().http2(http2).start().await.unwrap();
        server.accept_token("new", User::new("jane"));
        let rotation = Rotation::of([bearer("old"), bearer("new")]);
        let client = client(configure(&server).source(rotation.clone()));
        let requests: Vec<_> = (0..50)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { status(&client, "/version").await })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap(), StatusCode::OK, "over HTTP/2: {http2}");
        }
        assert_eq!(rotation.asked.load(Ordering::SeqCst), 2);

        // Who is rejected whatever he brings gets the 401, and causes no storm.
        server.reject_all(true);
        for _ in 0..20 {
            assert_eq!(status(&client, "/version").await, StatusCode::UNAUTHORIZED);
        }
        assert!(rotation.asked.load(Ordering::SeqCst) <= 3);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn after_a_rotation_no_request_arrives_with_the_old_certificate() {
    let server = ApiServer::builder().start().await.unwrap();
    let (old, new) = (
        server.issue_client_certificate("jane", &[]),
        server.issue_client_certificate("jane", &[]),
    );
    let credential = |pem: &ClientCertificatePem| Credential::anonymous().and_certificate(pair(pem));
    let rotation = Rotation::of([credential(&old), credential(&new)]);
    let configuration = configure(&server).source(rotation).build(&Host::real()).unwrap();
    let client = Client::new(&configuration).unwrap();
    for _ in 0..3 {
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
    }
    let generation = configuration.credentials().current().await.unwrap().generation();
    configuration.credentials().invalidate(generation);
    server.forget_requests();
    for _ in 0..3 {
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
    }
    for request in server.requests() {
        assert_eq!(request.client_certificate.unwrap().sha256, new.sha256());
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_key_of_another_certificate_is_an_error_and_no_anonymous_request() {
    let server = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    let (one, other) = (
        server.issue_client_certificate("jane", &[]),
        server.issue_client_certificate("joe", &[]),
    );
    let mixed =
        ClientCertificate::from_pem(one.certificate.as_bytes(), other.key.into_bytes().into()).unwrap();
    let configuration =
        configure(&server).source(Rotation::of([Credential::anonymous().and_certificate(mixed)]));
    let client = client(configuration);
    let error = client.send(client.get("/version").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair, "{error}");
    assert!(server.requests().is_empty());
    server.shutdown().await;
}
