//! The crypto provider: two are compiled in, and none is the default of the process.

use std::sync::Arc;

use http::Version;
use kubex::rustls::CryptoChoice;
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};

use super::handshake::*;

#[tokio::test]
async fn every_client_names_its_provider_and_none_panics() {
    assert!(CryptoProvider::get_default().is_none());
    let ambiguous = std::panic::catch_unwind(rustls::ClientConfig::builder);
    assert!(
        ambiguous.is_err(),
        "rustls without a named provider panics in this process"
    );

    let server = server(Version::HTTP_2).await;
    let issued = server.issue_client_certificate("jane", &[]);
    let configuration = built(configure(&server).credential(certificate(&issued)));

    let config = Arc::new(kubex::rustls::client_config(&configuration).unwrap());
    assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), 200);
    let through_reqwest = kubex::reqwest::Client::new(&configuration).unwrap();
    let answer = through_reqwest.get("/version").unwrap().send().await;
    assert_eq!(answer.unwrap().status(), 200);
    let plain = kubex::reqwest::client_without_authorization(&configuration).unwrap();
    let answer = plain.get(format!("{}/version", server.url())).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    let through_kube = kubex::kube::client(&configuration).unwrap();
    assert_eq!(through_kube.apiserver_version().await.unwrap().major, "1");

    let users: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.user)
        .collect();
    assert_eq!(users, vec![Some("jane".to_owned()); 4]);
    assert!(
        CryptoProvider::get_default().is_none(),
        "and none is installed behind the program's back"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn either_provider_can_be_handed_in_and_signs_with_the_clients_key() {
    let server = server(Version::HTTP_2).await;
    for provider in [ring::default_provider(), aws_lc_rs::default_provider()] {
        let issued = server.issue_client_certificate("jane", &[]);
        let configuration = built(configure(&server).credential(certificate(&issued)));
        let provider = Arc::new(provider);
        let config = kubex::rustls::client_config_with(&configuration, Arc::clone(&provider)).unwrap();
        assert!(Arc::ptr_eq(config.crypto_provider(), &provider));
        assert_eq!(
            ask(&Arc::new(config), &server, name("127.0.0.1")).await.unwrap(),
            200
        );
        let arrived = server.requests().pop().unwrap().client_certificate.unwrap();
        assert_eq!(arrived.sha256, issued.sha256());

        // And it judges the server by the configuration's authorities.
        let stranger = self::server(Version::HTTP_2).await;
        let config = kubex::rustls::client_config_with(&configuration, provider).unwrap();
        let error = ask(&Arc::new(config), &stranger, name("127.0.0.1"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        assert!(stranger.requests().is_empty());
        stranger.shutdown().await;
    }
    server.shutdown().await;
}

/// The lists of key exchanges differ: only aws-lc-rs has the hybrid of X25519 and ML-KEM.
fn groups(provider: &CryptoProvider) -> String {
    format!("{:?}", provider.kx_groups)
}

#[test]
fn without_a_choice_it_is_aws_lc_rs_also_where_the_feature_ring_is_on() {
    assert_ne!(
        groups(&ring::default_provider()),
        groups(&aws_lc_rs::default_provider())
    );
    let automatic = CryptoChoice::default().provider().unwrap();
    assert_eq!(groups(&automatic), groups(&aws_lc_rs::default_provider()));
    let named = CryptoChoice::AwsLcRs.provider().unwrap();
    assert_eq!(groups(&named), groups(&aws_lc_rs::default_provider()));
    #[cfg(feature = "ring")]
    assert_eq!(
        groups(&CryptoChoice::Ring.provider().unwrap()),
        groups(&ring::default_provider())
    );
}

const CHILD: &str = "TEST_OF_INSTALLED_PROVIDER";

/// The default of a process belongs to all of its tests, so a child installs one, which is this very test once more.
#[test]
fn without_a_choice_the_provider_that_the_program_installed_wins() {
    if std::env::var(CHILD).is_ok() {
        ring::default_provider().install_default().unwrap();
        let automatic = CryptoChoice::Automatic.provider().unwrap();
        assert_eq!(groups(&automatic), groups(&ring::default_provider()));
        // And a choice by name wins over that one.
        let named = CryptoChoice::AwsLcRs.provider().unwrap();
        assert_eq!(groups(&named), groups(&aws_lc_rs::default_provider()));
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tls::crypto::without_a_choice_the_provider_that_the_program_installed_wins",
        ])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}

#[tokio::test]
async fn each_client_uses_the_chosen_crypto_provider() {
    // A provider that cannot check a signature proves that the choice is used.
    let useless = Arc::new(CryptoProvider {
        signature_verification_algorithms: rustls::crypto::WebPkiSupportedAlgorithms {
            all: &[],
            mapping: &[],
        },
        ..ring::default_provider()
    });
    let server = server(Version::HTTP_2).await;
    server.accept_token("t0ken", kubex_tests::api_server::User::new("jane"));
    let configuration = built(configure(&server).credential(bearer("t0ken")));
    let choices = [
        (CryptoChoice::AwsLcRs, true),
        (CryptoChoice::from(Arc::new(ring::default_provider())), true),
        #[cfg(feature = "ring")]
        (CryptoChoice::Ring, true),
        (CryptoChoice::from(useless), false),
    ];
    for (choice, is_good) in choices {
        let through_reqwest = kubex::reqwest::Client::with_crypto(&configuration, choice.clone()).unwrap();
        let sent = through_reqwest.get("/version").unwrap().send().await;
        assert_eq!(sent.is_ok(), is_good, "{choice:?}");
        let own = kubex::reqwest::client_without_authorization_with_crypto(&configuration, choice.clone());
        let sent = own.unwrap().get(format!("{}/version", server.url())).send().await;
        assert_eq!(sent.is_ok(), is_good, "{choice:?}");
        let through_kube = kubex::kube::client_with_crypto(&configuration, choice.clone()).unwrap();
        assert_eq!(
            through_kube.apiserver_version().await.is_ok(),
            is_good,
            "{choice:?}"
        );
        let config = Arc::new(kubex::rustls::client_config_with(&configuration, choice.clone()).unwrap());
        let asked = ask(&config, &server, name("127.0.0.1")).await;
        assert_eq!(asked.is_ok(), is_good, "{choice:?}");
    }
    server.shutdown().await;
}
