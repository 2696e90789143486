//! A kubeconfig that comes as bytes.

use kubex_core::host::SimulatedHost;
use kubex_core::{ClientConfiguration, ErrorKind, Result};
use kubex_kubeconfig::KubeconfigProvider;

use crate::scene::{PEM, assert_shows_no_secret, assert_tells, named, resolve_by, with_cluster, with_user};

fn provider(content: &str) -> KubeconfigProvider {
    KubeconfigProvider::from_bytes("the upload", content.as_bytes().to_vec().into())
}

async fn resolve(provider: KubeconfigProvider) -> Result<ClientConfiguration> {
    let world = SimulatedHost::new();
    let outcome = resolve_by(provider, world.host()).await;
    assert!(world.reads().is_empty() || outcome.is_ok(), "nothing is read");
    assert_eq!(world.runs(), 0);
    outcome
}

#[tokio::test]
async fn bytes_that_bring_everything_along_are_taken() {
    let content = with_cluster(&format!(
        "{{server: 'https://h', certificate-authority-data: {PEM}}}"
    ));
    let configuration = resolve(provider(&content)).await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://h");
    let content = content.replace("users: [", "users: [{name: joe, user: {exec: {command: evil}}}, ");
    resolve(provider(&content)).await.unwrap();
}

const EXEC: &str = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: evil, \
                    env: [{name: A, value: s3cr3t-env}]}}";

#[tokio::test]
async fn plugins_and_files_in_bytes_are_refused() {
    let pair = format!("client-certificate-data: {PEM}, client-key: /etc/key");
    for (content, place) in [
        (with_user(EXEC), "users[jane].user.exec"),
        (
            with_user("{auth-provider: {name: vault, config: {a: s3cr3t-}}}"),
            "users[jane].user.auth-provider",
        ),
        (
            with_user("{tokenFile: /etc/shadow, token: s3cr3t-t}"),
            "users[jane].user.tokenFile",
        ),
        (
            with_user("{client-certificate: /c, client-key-data: YQ==}"),
            "users[jane].user.client-certificate",
        ),
        (with_user(&format!("{{{pair}}}")), "users[jane].user.client-key"),
        (
            with_cluster("{server: 'https://h', certificate-authority: /ca}"),
            "clusters[prod].cluster.certificate-authority",
        ),
    ] {
        let error = resolve(provider(&content)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert_tells(&error, &["the upload", place, "trusted(true)"]);
        assert_shows_no_secret(&error);
    }
}

#[tokio::test]
async fn a_caller_can_mark_them_as_trusted() {
    let configuration = resolve(provider(&with_user(EXEC)).trusted(true)).await.unwrap();
    assert_eq!(named(&configuration).0, 'e');
    let configuration = resolve(provider(&with_user("{tokenFile: /t}")).trusted(true))
        .await
        .unwrap();
    assert_eq!(named(&configuration).1["token-file"], "/t");
    let error = resolve(provider(&with_user(EXEC)).trusted(true).trusted(false))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_relative_path_in_bytes_is_relative_to_nothing() {
    for user in [
        "{tokenFile: t}",
        "{client-certificate: c, client-key: k}",
        "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./evil}}",
    ] {
        let error = resolve(provider(&with_user(user)).trusted(true))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
        assert_tells(&error, &["the upload", "relative", "write an absolute path"]);
    }
}

#[tokio::test]
async fn bytes_without_entries_or_that_are_broken_are_errors() {
    for (content, kind) in [
        ("", ErrorKind::MissingContext),
        ("kind: Config", ErrorKind::MissingContext),
        ("users: [ s3cr3t-x", ErrorKind::MalformedDocument),
        ("\u{0}", ErrorKind::MalformedDocument),
    ] {
        let error = resolve(provider(content)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_tells(&error, &["the upload"]);
        assert_shows_no_secret(&error);
    }
    let provider = KubeconfigProvider::from_bytes("the upload", vec![0xff, 0xfe, 0x00].into());
    assert_eq!(
        resolve(provider).await.unwrap_err().kind(),
        ErrorKind::MalformedDocument
    );
}

#[tokio::test]
async fn the_context_of_bytes_can_be_chosen() {
    let error = resolve(provider(&with_user("{token: abc}")).context("prodd"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingContext);
    assert_tells(&error, &["did you mean \"prod\"?"]);
    let shown = format!("{:?}", provider(&with_user("{token: s3cr3t-t}")));
    assert!(!shown.contains("s3cr3t"), "{shown}");
}
