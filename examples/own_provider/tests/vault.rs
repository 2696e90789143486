//! The provider against a vault on this machine: real TLS, a simulated file and a simulated clock.

use std::sync::Arc;
use std::time::Duration;

use company_vault::REGISTRATION;
use kubex_core::faults::Conformance;
use kubex_core::host::SimulatedHost;
use kubex_core::{Chain, ClientConfiguration, ErrorKind, ExposeSecret, Options, Registry, Result, Source};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Starts a vault that answers one request for each of these answers, in order. Returns its address and its certificate.
async fn vault(answers: Vec<&'static str>) -> (String, String) {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let tls = ServerConfig::builder_with_provider(kubex_tls::default_provider().unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}/v1/token", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for answer in answers {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = vec![0; 8192];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
            assert!(head.contains("authorization: bearer the-login"), "{head}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (address, own.cert.pem())
}

/// The answer with this token, which lasts 15 minutes.
macro_rules! answer {
    ($token:literal) => {
        concat!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"token\": \"",
            $token,
            "\", \"expires_in\": 900}"
        )
    };
}

async fn resolve(world: &SimulatedHost, address: &str) -> Result<ClientConfiguration> {
    let options = Options::new()
        .set("server", "https://10.0.0.1:6443")
        .set("address", address)
        .set("role", "deployer")
        .set("login-file", "/run/vault/login")
        .set("vault-certificate-authority", "/run/vault/ca.pem");
    Chain::builder(Registry::from_registrations([&REGISTRATION])?)
        .host(world.host())
        .source(
            Source::new("production")
                .provider("company-vault")
                .options(options),
        )
        .resolve()
        .await
}

#[tokio::test]
async fn a_token_is_replaced_after_it_has_expired() {
    let (address, certificate) = vault(vec![answer!("first"), answer!("second")]).await;
    let world = SimulatedHost::new();
    world.write("/run/vault/login", "the-login\n");
    world.write("/run/vault/ca.pem", &certificate);
    let configuration = resolve(&world, &address).await.unwrap();

    for token in ["first", "second"] {
        let credential = configuration.credentials().current().await.unwrap();
        assert_eq!(credential.token().unwrap().expose_secret(), token);
        world.advance(Duration::from_secs(901));
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_that_says_what_to_check() {
    let (address, certificate) = vault(vec!["HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n"]).await;
    let world = SimulatedHost::new();
    world.write("/run/vault/login", "the-login");
    world.write("/run/vault/ca.pem", &certificate);
    let configuration = resolve(&world, &address).await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.message(), "the vault refused a token: 403 Forbidden");
}

#[tokio::test]
async fn without_the_login_the_chain_stops() {
    let error = resolve(&SimulatedHost::new(), "https://vault.example/v1/token").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnreadableFile);
}

#[test]
fn the_registration_and_the_options_are_as_every_provider_has_them() {
    Conformance::new(&REGISTRATION).registers_itself_well();
}
