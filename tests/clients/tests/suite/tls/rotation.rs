//! Certificates and authorities that change between two handshakes.

use std::sync::Arc;
use std::time::Duration;

use http::Version;
use kubex::host::SimulatedHost;
use kubex_tests::api_server::ClientCertificatePem;

use super::handshake::*;

#[tokio::test]
async fn each_handshake_shows_the_certificate_of_the_newest_generation() {
    let server = server(Version::HTTP_2).await;
    let [old, new] = ["old", "new"].map(|user| server.issue_client_certificate(user, &[]));
    let source = Playback::of([certificate(&old), certificate(&new), bearer("a-token")]);
    let world = SimulatedHost::new();
    let configuration = configure(&server).source(source).build(&world.host()).unwrap();
    let config = Arc::new(kubex::rustls::client_config(&configuration).unwrap());

    // Nothing was fetched yet, and a handshake cannot wait: it goes without a certificate, and starts the fetch.
    assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), 401);
    assert_eq!(server.requests().pop().unwrap().client_certificate, None);
    for (expected, status) in [(Some(&old), 200), (Some(&new), 200), (None, 401)] {
        let credential = configuration.credentials().current().await.unwrap();
        assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), status);
        let arrived = server.requests().pop().unwrap().client_certificate;
        assert_eq!(
            arrived.map(|certificate| certificate.sha256),
            expected.map(ClientCertificatePem::sha256)
        );
        // Rejections start one fetch in 10 s.
        world.advance(Duration::from_secs(11));
        configuration.credentials().invalidate(credential.generation());
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_of_unknown_authority_makes_the_authorities_be_read_again() {
    let server = server(Version::HTTP_2).await;
    let issued = server.issue_client_certificate("jane", &[]);
    let world = SimulatedHost::new();
    world.write("/etc/ca.crt", &server.ca_pem());
    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_file("/etc/ca.crt")
        .client_cert_pem(issued.certificate.clone())
        .client_key_pem(issued.key.clone().into_bytes())
        .host(world.host())
        .await
        .unwrap();
    configuration.credentials().current().await.unwrap();
    let config = Arc::new(kubex::rustls::client_config(&configuration).unwrap());
    assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), 200);

    server.rotate_certificate_authority();
    let error = ask(&config, &server, name("127.0.0.1")).await.unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");

    world.write("/etc/ca.crt", &server.ca_pem());
    // The refusal has the file read again, long before the 60 s are over.
    world.advance(Duration::from_secs(11));
    configuration.trust().current().await;
    assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), 200);
    server.shutdown().await;
}
