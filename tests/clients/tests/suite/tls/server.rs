//! Which server the handshake is made with.

use std::sync::Arc;

use http::Version;
use kubex::{ClientConfiguration, ErrorKind, Trust};
use kubex_tests::log::Log;

use super::handshake::*;

#[tokio::test]
async fn a_server_of_another_name_is_refused_before_it_sees_the_certificate() {
    for trust in [None, Some(Trust::Insecure)] {
        let server = speaking(Version::HTTP_2)
            .also_named("evil.example")
            .allow_anonymous(true)
            .start()
            .await
            .unwrap();
        let issued = server.issue_client_certificate("jane", &[]);
        let mut cluster = cluster(&server);
        cluster.trust = trust.unwrap_or(cluster.trust);
        let configuration = built(ClientConfiguration::builder(cluster).credential(certificate(&issued)));
        let config = Arc::new(kubex::rustls::client_config(&configuration).unwrap());
        // Its certificate is good for each of these names.
        for other in ["evil.example", "localhost", "::1"] {
            let error = ask(&config, &server, name(other)).await.unwrap_err();
            assert_eq!(
                own(&error).map(|own| own.kind()),
                Some(ErrorKind::Refused),
                "{error}"
            );
        }
        assert_eq!(server.connections(), 0, "no handshake came to its end");
        assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), 200);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn the_plain_client_of_reqwest_connects_to_the_configurations_server_alone() {
    let server = speaking(Version::HTTP_2)
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    let issued = server.issue_client_certificate("jane", &[]);
    let configuration = built(configure(&server).credential(certificate(&issued)));
    let client = kubex::reqwest::client_without_authorization(&configuration).unwrap();
    let port = server.address().port();
    let error = client
        .get(format!("https://localhost:{port}/version"))
        .send()
        .await
        .unwrap_err();
    let mut said = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(next) = cause {
        said = next.to_string();
        cause = next.source();
    }
    assert!(said.contains("a server other than the configured one"), "{said}");
    assert_eq!(server.connections(), 0);
    server.shutdown().await;
}

#[tokio::test]
async fn the_tls_server_name_is_checked_by_whatever_name_the_client_connects() {
    let server = speaking(Version::HTTP_2)
        .only_named("api.internal")
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    let mut cluster = cluster(&server);
    cluster.tls_server_name = Some("api.internal".into());
    let configuration = built(ClientConfiguration::builder(cluster.clone()));
    let config = Arc::new(kubex::rustls::client_config(&configuration).unwrap());
    let asked = kubex::rustls::server_name(&configuration).unwrap();
    assert_eq!(asked, name("api.internal"));
    assert_eq!(ask(&config, &server, asked).await.unwrap(), 200);
    assert_eq!(ask(&config, &server, name("127.0.0.1")).await.unwrap(), 200);
    let sent: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.server_name)
        .collect();
    assert_eq!(sent, [Some("api.internal".to_owned()), None]);

    cluster.tls_server_name = Some("other.internal".into());
    let configuration = built(ClientConfiguration::builder(cluster));
    let config = Arc::new(kubex::rustls::client_config(&configuration).unwrap());
    for connected in ["other.internal", "127.0.0.1"] {
        let error = ask(&config, &server, name(connected)).await.unwrap_err();
        assert!(error.to_string().contains("not valid for"), "{error}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn accepting_any_certificate_is_warned_about_once_for_each_server() {
    let (log, _guard) = Log::capture();
    let servers = [server(Version::HTTP_2).await, server(Version::HTTP_2).await];
    for server in &servers {
        let mut insecure = cluster(server);
        insecure.trust = Trust::Insecure;
        let insecure = built(ClientConfiguration::builder(insecure));
        let checked = built(configure(server));
        for configuration in [insecure, checked] {
            for _ in 0..3 {
                kubex::rustls::client_config(&configuration).unwrap();
                kubex::reqwest::Client::new(&configuration).unwrap();
                kubex::reqwest::client_without_authorization(&configuration).unwrap();
                kubex::kube::client(&configuration).unwrap();
            }
        }
    }
    let mut warnings = log.lines("certificate is not verified");
    warnings.retain(|line| line.contains("kubex::trust"));
    assert_eq!(warnings.len(), 2, "{}", log.text());
    for (warning, server) in warnings.iter().zip(&servers) {
        assert!(
            warning.contains("WARN") && warning.contains(server.url()),
            "{warning}"
        );
    }
}
