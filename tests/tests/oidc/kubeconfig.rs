//! A kubeconfig's `auth-provider: oidc`, from the file to the API server.

use kubex::reqwest::Client;
use kubex::{ErrorKind, Host, Options, Registry, Source};
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::issuer::{Issuer, TOKEN_PATH};

use crate::scene::{HOUR, Scene, assert_hides, current};

/// A kubeconfig as a login tool writes it: with its own notes, and an issuer's authority in a file.
fn kubeconfig(server: &ApiServer, issuer: &Issuer, id_token: &str) -> String {
    use base64::Engine as _;
    let authority = base64::prelude::BASE64_STANDARD.encode(server.ca_pem());
    format!(
        "current-context: prod
clusters:
- name: prod
  cluster:
    server: {}
    certificate-authority-data: {authority}
contexts:
- name: prod
  context: {{cluster: prod, user: jane}}
users:
- name: jane
  user:
    auth-provider:
      name: oidc
      config:
        idp-issuer-url: {}
        client-id: kubernetes
        client-secret: ''
        idp-certificate-authority: /etc/idp.pem
        id-token: {id_token}
        refresh-token: {}
        extra-scopes: groups,email
        auth-request-extra-params: prompt=login
        access-token: opaque
        expires-on: '1700000000'
",
        server.url(),
        issuer.url(),
        issuer.refresh_token(),
    )
}

async fn scene(server: &ApiServer, id_token_lasts: i64) -> (Scene, String) {
    let scene = Scene::new().await;
    let id_token = scene.token("written", id_token_lasts);
    scene.world.set_variable("HOME", "/home/jane");
    scene.world.write("/etc/idp.pem", &scene.issuer.ca_pem());
    scene.world.write(
        "/home/jane/.kube/config",
        &kubeconfig(server, &scene.issuer, &id_token),
    );
    (scene, id_token)
}

async fn status(client: &Client) -> u16 {
    let response = client.get("/version").unwrap().send().await.unwrap();
    response.status().as_u16()
}

/// An issuer may accept each refresh token once, and the next one is not written to the file that other programs read.
#[tokio::test]
async fn before_a_refresh_token_is_used_a_warning_says_that_a_new_one_is_not_saved() {
    let server = ApiServer::builder().start().await.unwrap();
    for (id_token_lasts, is_warned) in [(3600, false), (-60, true), (5, true)] {
        let (scene, _) = scene(&server, id_token_lasts).await;
        let resolved = kubex::configure_from_kubeconfig().host(scene.world.host()).await;
        let resolved = resolved.unwrap();
        let ids: Vec<_> = resolved.warnings().iter().map(kubex::Warning::id).collect();
        assert_eq!(
            ids.contains(&"refresh-token-not-saved"),
            is_warned,
            "{id_token_lasts}: {ids:?}"
        );
        for warning in resolved.warnings() {
            assert!(warning.to_string().contains("refresh-token"), "{warning}");
            assert!(
                !warning.to_string().contains(&scene.issuer.refresh_token()),
                "{warning}"
            );
        }
        assert_eq!(scene.issuer.requests().len(), 0, "resolving asks no issuer");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn requests_go_on_while_tokens_come_and_go() {
    let server = ApiServer::builder().start().await.unwrap();
    let (scene, written) = scene(&server, 3600).await;
    let issued: Vec<_> = (2..=4).map(|hours| scene.token("issued", hours * 3600)).collect();
    scene.issuer.rotate_refresh_tokens();
    scene.issuer.issue(issued.clone());
    for token in issued.iter().chain([&written]) {
        server.accept_token(token.as_str(), User::new("jane"));
    }
    let configuration = kubex::configure_from_kubeconfig()
        .host(scene.world.host())
        .await
        .unwrap();
    let warnings = configuration.warnings();
    assert!(warnings.is_empty(), "{warnings:?}");
    let client = Client::new(&configuration).unwrap();
    for _ in 0..4 {
        assert_eq!(status(&client).await, 200);
        scene.world.advance(HOUR);
    }
    let sent: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.bearer_token().unwrap().to_owned())
        .collect();
    assert_eq!(sent, [vec![written], issued].concat());
    assert_eq!(scene.issuer.requests_of(TOKEN_PATH).len(), 3);
    server.shutdown().await;
}

#[tokio::test]
async fn a_token_that_the_server_rejects_is_renewed_and_the_request_sent_again() {
    let server = ApiServer::builder().start().await.unwrap();
    let (scene, _) = scene(&server, 3600).await;
    let fresh = scene.token("issued", 3600);
    scene.issuer.issue([fresh.clone()]);
    server.accept_token(fresh.as_str(), User::new("jane"));
    let configuration = kubex::configure_from_kubeconfig()
        .host(scene.world.host())
        .await
        .unwrap();
    let client = Client::new(&configuration).unwrap();
    assert_eq!(status(&client).await, 200);
    let statuses: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.status.as_u16())
        .collect();
    assert_eq!(statuses, [401, 200]);
    assert_eq!(scene.issuer.requests_of(TOKEN_PATH).len(), 1);
    server.shutdown().await;
}

#[tokio::test]
async fn real_files_and_clocks_work_too() {
    let server = ApiServer::builder().start().await.unwrap();
    let issuer = Issuer::start().await.unwrap();
    let now = kubex::time::unix_seconds(Host::real().now().wall);
    let fresh = kubex_tests::issuer::id_token("issued", now + 3600);
    issuer.issue([fresh.clone()]);
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("idp.pem");
    std::fs::write(&authority, issuer.ca_pem()).unwrap();
    let expired = kubex_tests::issuer::id_token("written", now - 60);
    let written = kubeconfig(&server, &issuer, &expired).replace("/etc/idp.pem", authority.to_str().unwrap());
    let path = directory.path().join("config");
    std::fs::write(&path, &written).unwrap();

    let configuration = kubex::configure_from_kubeconfig().path(&path).await.unwrap();
    assert_eq!(current(configuration.credentials()).await.unwrap(), fresh);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        written,
        "nothing is written"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn an_error_names_the_place_in_the_kubeconfig() {
    let server = ApiServer::builder().start().await.unwrap();
    let (scene, id_token) = scene(&server, -60).await;
    scene.issuer.accept_refresh_token("another");
    let configuration = kubex::configure_from_kubeconfig()
        .host(scene.world.host())
        .await
        .unwrap();
    let error = current(configuration.credentials()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for place in [
        "/home/jane/.kube/config",
        "users[jane].user.auth-provider.config.refresh-token",
    ] {
        assert!(error.to_string().contains(place), "{error}");
    }
    assert_hides(&error, &["refresh-0", &id_token]);
    server.shutdown().await;
}

#[tokio::test]
async fn the_error_of_a_program_without_the_provider_names_the_feature() {
    let server = ApiServer::builder().start().await.unwrap();
    let (scene, id_token) = scene(&server, 3600).await;
    let with_all = kubex::registry().unwrap();
    let without = Registry::from_registrations(with_all.iter().filter(|it| it.name() != "oidc")).unwrap();
    let chain = kubex::Chain::builder(without)
        .host(scene.world.host())
        .source(Source::new("mine").provider("kubeconfig").options(Options::new()))
        .build()
        .unwrap();
    let error = chain.resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownProvider);
    let told = error.to_string();
    assert!(told.contains("no provider \"oidc\" is linked"), "{told}");
    assert!(told.contains("enable its cargo feature"), "{told}");
    assert_hides(&error, &["refresh-0", &id_token]);
    server.shutdown().await;
}

#[tokio::test]
async fn a_plain_http_server_gets_no_token_and_the_issuer_is_not_asked() {
    let server = ApiServer::builder().plain_http().start().await.unwrap();
    let (scene, _) = scene(&server, -60).await;
    let text = kubeconfig(&server, &scene.issuer, "not-even-a-token");
    let plain = text
        .lines()
        .filter(|line| !line.contains("certificate-authority-data"));
    let plain: Vec<_> = plain.collect();
    scene.world.write("/home/jane/.kube/config", &plain.join("\n"));
    let configuration = kubex::configure_from_kubeconfig()
        .host(scene.world.host())
        .await
        .unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert!(credential.is_anonymous());
    assert!(scene.issuer.requests().is_empty());
    server.shutdown().await;
}
