//! A configuration that the program spells out: each parameter, and what does not go together.

use kubex::{Error, ErrorKind, ExposeSecret as _, ManualConfiguration, Trust};
use kubex_core::host::SimulatedHost;
use kubex_tests::api_server::ApiServer;
use std::time::Duration;

const URL: &str = "https://10.0.0.1:6443";

async fn refusal(configuration: ManualConfiguration) -> Error {
    configuration.await.map(drop).unwrap_err()
}

#[tokio::test]
async fn every_parameter_arrives() {
    let server = ApiServer::builder().start().await.unwrap();
    let pair = server.issue_client_certificate("jane", &["dev"]);
    let world = SimulatedHost::new();
    world.write("/token", "from-file\n");
    world.write("/ca.crt", &server.ca_pem());
    world.write("/client.crt", &pair.certificate);
    world.write("/client.key", &pair.key);

    let configuration = kubex::configure()
        .host(world.host())
        .url(format!("{URL}/prefix"))
        .token_file("/token")
        .server_ca_file("/ca.crt")
        .client_cert_file("/client.crt")
        .client_key_file("/client.key")
        .namespace("team-a")
        .await
        .unwrap();
    assert_eq!(configuration.cluster().server.as_str(), format!("{URL}/prefix"));
    assert_eq!(configuration.namespace(), "team-a");
    assert!(matches!(configuration.cluster().trust, Trust::CaBundle(_)));
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "from-file");
    assert!(credential.certificate().is_some());

    let configuration = kubex::configure()
        .url(URL)
        .token("inline")
        .server_ca_pem(server.ca_pem())
        .client_cert_pem(pair.certificate.clone())
        .client_key_pem(pair.key.clone().into_bytes())
        .await
        .unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.description(), "bearer token and client certificate");
    server.shutdown().await;
}

#[tokio::test]
async fn a_token_file_is_read_again_every_minute_unless_that_is_switched_off() {
    for (is_on, expected) in [(None, "two"), (Some(true), "two"), (Some(false), "one")] {
        let world = SimulatedHost::new();
        world.write("/token", "one");
        let mut configuration = kubex::configure()
            .host(world.host())
            .url(URL)
            .token_file("/token");
        if let Some(is_on) = is_on {
            configuration = configuration.try_refresh_token(is_on);
        }
        let configuration = configuration.await.unwrap();
        configuration.credentials().current().await.unwrap();
        world.write("/token", "two");
        world.advance(Duration::from_secs(60));
        let credential = configuration.credentials().current().await.unwrap();
        assert_eq!(credential.token().unwrap().expose_secret(), expected);
    }
}

#[tokio::test]
async fn what_does_not_go_together_is_an_error_of_its_own_kind() {
    let world = SimulatedHost::new();
    let host = || world.host();
    let configure = || kubex::configure().host(host());
    let cases = [
        (configure(), ErrorKind::MissingCluster, "url("),
        (
            configure().url("10.0.0.1:6443"),
            ErrorKind::InvalidValue,
            "https://",
        ),
        (
            configure().url(URL).try_refresh_token(true),
            ErrorKind::MissingField,
            "token_file",
        ),
        (configure().url(URL).token(""), ErrorKind::EmptyToken, "token"),
        (
            configure().url(URL).token("a\nb"),
            ErrorKind::InvalidToken,
            "token",
        ),
        (
            configure().url(URL).token_file("/nowhere"),
            ErrorKind::UnreadableFile,
            "/nowhere",
        ),
        (
            configure().url(URL).server_ca_file("/nowhere"),
            ErrorKind::UnreadableFile,
            "/nowhere",
        ),
        (
            configure().url(URL).server_ca_pem("no pem"),
            ErrorKind::InvalidBase64,
            "certificate-authority-data",
        ),
        (
            configure().url(URL).client_cert_file("/c"),
            ErrorKind::IncompleteKeyPair,
            "client-key",
        ),
        (
            configure().url(URL).client_key_file("/k"),
            ErrorKind::IncompleteKeyPair,
            "client-certificate",
        ),
        (
            configure()
                .url(URL)
                .server_ca_file("/ca")
                .insecure_skip_tls_verify(true),
            ErrorKind::ConflictingFields,
            "insecure-skip-tls-verify",
        ),
        (
            configure().url(URL).server_ca_file("/ca").server_ca_pem("x"),
            ErrorKind::ConflictingFields,
            "certificate-authority-data",
        ),
    ];
    for (configuration, kind, named) in cases {
        let error = refusal(configuration).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert!(!error.is_not_configured());
    }
}
