//! The crypto providers: two of them are compiled in, and none is the process's default.

use std::sync::Arc;

use http::Version;
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};

use crate::handshake::*;

#[tokio::test]
async fn every_client_names_its_provider_and_none_panics() {
    assert!(CryptoProvider::get_default().is_none());
    let ambiguous = std::panic::catch_unwind(rustls::ClientConfig::builder);
    assert!(ambiguous.is_err(), "who names none panics in this process");

    let server = server(Version::HTTP_2).await;
    let issued = server.issue_client_certificate("jane", &[]);
    let configuration = built(configure(&server).credential(certificate(&issued)));

    let config = Arc::new(kubex::rustls::client_config(&configuration).unwrap());
    assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), 200);
    let through_reqwest = kubex::reqwest::Client::new(&configuration).unwrap();
    let answer = through_reqwest
        .send(through_reqwest.get("/version").unwrap())
        .await;
    assert_eq!(answer.unwrap().status(), 200);
    let plain = kubex::reqwest::client(&configuration).unwrap();
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

#[test]
fn aws_lc_rs_is_taken_where_its_feature_is_on_and_ring_otherwise() {
    // The lists of key exchanges differ: only aws-lc-rs has the hybrid of X25519 and ML-KEM.
    let groups = |provider: &CryptoProvider| format!("{:?}", provider.kx_groups);
    let taken = kubex::rustls::crypto_provider().unwrap();
    let expected = if cfg!(feature = "aws-lc-rs") {
        aws_lc_rs::default_provider()
    } else {
        ring::default_provider()
    };
    assert_ne!(
        groups(&ring::default_provider()),
        groups(&aws_lc_rs::default_provider())
    );
    assert_eq!(groups(&taken), groups(&expected));
}
