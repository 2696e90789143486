//! Certificates and authorities in files that are replaced while requests are under way: simulated files and
//! clocks, a real server and real TLS.

use std::io;
use std::time::Duration;

use http::{StatusCode, Version};
use kubex::{Chain, ClientConfiguration, ErrorKind, Options, Result, Source, Trust};
use kubex_core::host::SimulatedHost;
use kubex_tests::api_server::{ApiServer, ClientCertificatePem};
use kubex_tests::machine::patience;
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);
const CERTIFICATE: &str = "/pki/client.crt";
const KEY: &str = "/pki/client.key";
const AUTHORITY: &str = "/pki/ca.crt";
const BOTH: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

async fn server(version: Version) -> ApiServer {
    ApiServer::builder()
        .http2(version == Version::HTTP_2)
        .start()
        .await
        .unwrap()
}

/// A server whose authority is in a file, and a client whose certificate is in two.
async fn scene(
    version: Version,
) -> (
    SimulatedHost,
    ApiServer,
    ClientCertificatePem,
    ClientConfiguration,
) {
    let server = server(version).await;
    let world = SimulatedHost::new();
    world.write(AUTHORITY, &server.ca_pem());
    let pair = server.issue_client_certificate("jane", &[]);
    write_pair(&world, &pair);
    let configuration = configure(&world, &server).await.unwrap();
    (world, server, pair, configuration)
}

fn write_pair(world: &SimulatedHost, pair: &ClientCertificatePem) {
    world.write(CERTIFICATE, &pair.certificate);
    world.write(KEY, &pair.key);
}

async fn configure(world: &SimulatedHost, server: &ApiServer) -> Result<ClientConfiguration> {
    let options = Options::new()
        .set("server", server.url())
        .set("certificate-authority", AUTHORITY)
        .set("client-certificate", CERTIFICATE)
        .set("client-key", KEY);
    let chain = Chain::builder(kubex::registry()?)
        .host(world.host())
        .source(Source::new("files").provider("static").options(options))
        .build()?;
    chain.resolve().await
}

async fn get(client: &kubex::reqwest::Client, path: &str) -> Result<kubex::reqwest::Response> {
    let sent = client.get(path).unwrap().send();
    tokio::time::timeout(patience(20 * SECOND), sent).await.unwrap()
}

async fn status(client: &kubex::reqwest::Client) -> StatusCode {
    get(client, "/version").await.unwrap().status()
}

fn last_certificate(server: &ApiServer) -> String {
    let request = server.requests().pop().unwrap();
    request.client_certificate.unwrap().sha256
}

#[tokio::test]
async fn a_rotated_pair_of_files_is_used_within_sixty_seconds_over_new_connections() {
    for version in BOTH {
        let (world, server, old, configuration) = scene(version).await;
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        let mut changes = configuration.credentials().changes();
        assert_eq!(status(&client).await, StatusCode::OK);
        assert_eq!(changes.next().await.number(), 1);

        let new = server.issue_client_certificate("jane", &[]);
        write_pair(&world, &new);
        world.advance(30 * SECOND);
        assert_eq!(status(&client).await, StatusCode::OK);
        assert_eq!(
            last_certificate(&server),
            old.sha256(),
            "files are not read on each request"
        );
        let connection = server.requests().pop().unwrap().connection;

        world.advance(30 * SECOND);
        assert_eq!(status(&client).await, StatusCode::OK);
        assert_eq!(last_certificate(&server), new.sha256());
        assert!(server.requests().pop().unwrap().connection > connection);
        assert_eq!(changes.next().await.number(), 2, "subscribers learn of it");
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_program_that_starts_while_files_are_being_written_reads_them_again() {
    let (world, server, pair, _) = scene(Version::HTTP_2).await;
    for (path, content) in [
        (CERTIFICATE, pair.certificate.clone()),
        (KEY, pair.key.clone()),
        (AUTHORITY, server.ca_pem()),
    ] {
        world.write(path, "");
        world.after_read(path, move |world| world.write(path, &content));
        let configuration = configure(&world, &server)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        assert_eq!(status(&client).await, StatusCode::OK, "{path}");
    }
    world.write(KEY, "");
    let error = configure(&world, &server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidPem, "{error}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_half_written_or_mismatched_pair_keeps_the_old_one() {
    let (world, server, old, configuration) = scene(Version::HTTP_2).await;
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    assert_eq!(status(&client).await, StatusCode::OK);
    let new = server.issue_client_certificate("jane", &[]);
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let cases = [
        (
            "the certificate alone is new",
            new.certificate.clone(),
            old.key.clone(),
        ),
        ("the key alone is new", old.certificate.clone(), new.key.clone()),
        ("half a certificate", half(&new.certificate), new.key.clone()),
        ("half a key", new.certificate.clone(), half(&new.key)),
        ("empty", String::new(), String::new()),
        ("no PEM", "garbage".to_owned(), "garbage".to_owned()),
    ];
    for (what, certificate, key) in cases {
        world.write(CERTIFICATE, &certificate);
        world.write(KEY, &key);
        for _ in 0..3 {
            world.advance(61 * SECOND);
            assert_eq!(status(&client).await, StatusCode::OK, "{what}");
            assert_eq!(last_certificate(&server), old.sha256(), "{what}");
        }
    }
    write_pair(&world, &new);
    world.advance(61 * SECOND);
    assert_eq!(status(&client).await, StatusCode::OK);
    assert_eq!(last_certificate(&server), new.sha256());
    server.shutdown().await;
}

#[tokio::test]
async fn at_the_start_a_mismatched_pair_is_an_error_of_its_own() {
    let (world, server, _, _) = scene(Version::HTTP_2).await;
    let other = server.issue_client_certificate("joe", &[]);
    world.write(KEY, &other.key);
    let error = configure(&world, &server).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair, "{error}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_rotated_authority_is_trusted_by_new_connections_and_active_ones_survive() {
    for version in BOTH {
        let (world, server, _, configuration) = scene(version).await;
        // Larger than what any buffer on the way takes, so that it is under way until it is read.
        let giant = "x".repeat(32 * 1024 * 1024);
        server.answer("/giant", StatusCode::OK, json!({ "giant": giant }));
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        let mut changes = configuration.trust().changes();
        assert_eq!(changes.latest().number(), 1);
        let under_way = get(&client, "/giant").await.unwrap();
        let old_connection = server.requests().pop().unwrap().connection;

        server.rotate_certificate_authority();
        world.write(AUTHORITY, &server.ca_pem());
        world.advance(61 * SECOND);
        assert_eq!(status(&client).await, StatusCode::OK, "{version:?}");
        assert!(server.requests().pop().unwrap().connection > old_connection);
        assert_eq!(changes.next().await.number(), 2, "subscribers learn of it");

        let body = under_way.bytes().await.unwrap();
        assert!(
            body.len() > giant.len(),
            "the answer came over its old connection"
        );
        assert_eq!(server.failed_handshakes(), 0);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn an_unreadable_empty_or_garbage_authority_keeps_the_old_roots() {
    let garbage = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    for what in [
        "gone",
        "forbidden",
        "empty",
        "no PEM",
        "cut short",
        "no certificate",
    ] {
        let (world, server, _, configuration) = scene(Version::HTTP_11).await;
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        assert_eq!(status(&client).await, StatusCode::OK);
        match what {
            "gone" => world.remove(AUTHORITY),
            "forbidden" => world.fail(AUTHORITY, io::ErrorKind::PermissionDenied),
            "empty" => world.write(AUTHORITY, ""),
            "no PEM" => world.write(AUTHORITY, "garbage"),
            "cut short" => world.write(AUTHORITY, &server.ca_pem()[..200]),
            _ => world.write(AUTHORITY, garbage),
        }
        for _ in 0..3 {
            world.advance(61 * SECOND);
            let connections = server.connections();
            let requests: Vec<_> = (0..4)
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { status(&client).await })
                })
                .collect();
            for request in requests {
                assert_eq!(request.await.unwrap(), StatusCode::OK, "{what}");
            }
            assert!(server.connections() >= connections, "{what}");
        }
        assert!(
            server.connections() > 1,
            "{what}: no new connection proved the roots"
        );

        // And once it is there again it is read again.
        server.rotate_certificate_authority();
        world.write(AUTHORITY, &server.ca_pem());
        world.advance(61 * SECOND);
        assert_eq!(status(&client).await, StatusCode::OK, "{what}");
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_server_of_no_known_authority_makes_the_file_be_read_again_at_once() {
    for version in BOTH {
        let (world, server, _, configuration) = scene(version).await;
        server.rotate_certificate_authority();
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        // What is in the file is the old authority still.
        let error = get(&client, "/version").await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestFailed);
        assert_eq!(
            world
                .reads()
                .iter()
                .filter(|path| path.ends_with("ca.crt"))
                .count(),
            2
        );

        // Rejections cause at most one read in 10 s.
        world.write(AUTHORITY, &server.ca_pem());
        assert!(get(&client, "/version").await.is_err());
        assert_eq!(
            world
                .reads()
                .iter()
                .filter(|path| path.ends_with("ca.crt"))
                .count(),
            2
        );
        world.advance(10 * SECOND);
        assert_eq!(status(&client).await, StatusCode::OK, "{version:?}");
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_plain_client_looks_both_up_at_each_handshake() {
    let (world, server, old, configuration) = scene(Version::HTTP_11).await;
    configuration.credentials().current().await.unwrap();
    let plain = kubex::reqwest::client_without_authorization(&configuration).unwrap();
    let url = format!("{}/version", server.url());
    let get = || plain.get(&url).header("connection", "close").send();
    assert_eq!(get().await.unwrap().status(), StatusCode::OK);
    assert_eq!(last_certificate(&server), old.sha256());

    let new = server.issue_client_certificate("jane", &[]);
    server.rotate_certificate_authority();
    write_pair(&world, &new);
    world.write(AUTHORITY, &server.ca_pem());
    world.advance(61 * SECOND);
    // The first handshake starts the reads; which handshake is the first to use them is a matter of timing.
    let mut answered = false;
    for _ in 0..100 {
        if let Ok(answer) = get().await {
            answered = answer.status() == StatusCode::OK && last_certificate(&server) == new.sha256();
        }
        if answered {
            break;
        }
        world.advance(SECOND);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(answered);
    server.shutdown().await;
}

#[tokio::test]
async fn what_comes_inline_is_never_read_again() {
    let server = server(Version::HTTP_2).await;
    let pair = server.issue_client_certificate("jane", &[]);
    let world = SimulatedHost::new();
    let options = Options::new()
        .set("server", server.url())
        .set("certificate-authority-data", server.ca_pem())
        .set("client-certificate-data", pair.certificate.as_str())
        .set("client-key-data", pair.key.as_str());
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(Source::new("inline").provider("static").options(options))
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    for _ in 0..3 {
        assert_eq!(status(&client).await, StatusCode::OK);
        world.advance(3600 * SECOND);
    }
    assert!(configuration.trust().is_fixed());
    assert_eq!(
        configuration
            .credentials()
            .current()
            .await
            .unwrap()
            .generation()
            .number(),
        1
    );
    assert!(world.reads().is_empty());
    server.shutdown().await;
}

#[tokio::test]
async fn the_authority_of_a_pod_is_read_again_inside_one_generation_of_the_mount() {
    const ROOT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let (one, two) = (server(Version::HTTP_2).await, server(Version::HTTP_2).await);
    let world = SimulatedHost::new();
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    for file in ["token", "ca.crt", "namespace"] {
        world.link(format!("{ROOT}/{file}"), format!("..data/{file}"));
    }
    for (generation, server) in [("..one", &one), ("..two", &two)] {
        world.write(format!("{ROOT}/{generation}/token"), generation);
        world.write(format!("{ROOT}/{generation}/ca.crt"), &server.ca_pem());
        world.write(format!("{ROOT}/{generation}/namespace"), "team-a");
    }
    world.link(format!("{ROOT}/..data"), "..one");
    let configuration = kubex::default_chain()
        .unwrap()
        .host(world.host())
        .build()
        .unwrap()
        .resolve()
        .await
        .unwrap();
    let pem = async || match configuration.trust().current().await.trust() {
        Trust::CaBundle(authorities) => String::from_utf8(authorities.pem().to_vec()).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(pem().await, one.ca_pem());

    world.link(format!("{ROOT}/..data"), "..two");
    world.remove(format!("{ROOT}/..one"));
    world.advance(61 * SECOND);
    assert_eq!(pem().await, two.ca_pem());
    let last: Vec<_> = world.reads().into_iter().rev().take(3).collect();
    assert!(
        last.iter().all(|path| path.starts_with(format!("{ROOT}/..two"))),
        "{last:?}"
    );

    world.remove(format!("{ROOT}/..two/ca.crt"));
    world.advance(61 * SECOND);
    assert_eq!(pem().await, two.ca_pem(), "what is gone keeps what was");
    one.shutdown().await;
    two.shutdown().await;
}
