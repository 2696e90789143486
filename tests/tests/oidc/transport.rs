//! The way to the issuer: whom TLS trusts, and the proxy.

use kubex::ErrorKind;
use kubex_tests::issuer::Issuer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::scene::{SECOND, Scene, assert_hides, current};

#[tokio::test]
async fn an_issuer_of_another_authority_gets_no_token() {
    let scene = Scene::new().await;
    let other = Issuer::start().await.unwrap();
    let options = scene
        .expired()
        .set("idp-certificate-authority-data", other.ca_pem());
    let error = scene.error(options).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("certificate"), "{error}");
    assert_eq!(
        error.help(),
        Some("check that \"idp-certificate-authority\" is the CA of the issuer")
    );
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn without_an_authority_the_systems_trust_decides() {
    let scene = Scene::new().await;
    let mut options = scene.expired();
    drop(options.split_off(&["idp-certificate-authority-data"]));
    let error = scene.error(options).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn the_authority_is_read_from_its_file_at_each_refresh() {
    let scene = Scene::new().await;
    let other = Issuer::start().await.unwrap();
    let mut options = scene.expired().set("idp-certificate-authority", "/etc/idp.pem");
    drop(options.split_off(&["idp-certificate-authority-data"]));

    let error = scene.resolve(options.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile, "{error}");
    scene.world.write("/etc/idp.pem", "no PEM");
    let error = scene.resolve(options.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidPem, "{error}");

    scene.world.write("/etc/idp.pem", &other.ca_pem());
    let credentials = scene.credentials(options).await;
    assert_eq!(
        current(&credentials).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    scene.world.write("/etc/idp.pem", &scene.issuer.ca_pem());
    scene.world.advance(120 * SECOND);
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    assert_eq!(current(&credentials).await.unwrap(), fresh);
}

#[tokio::test]
async fn inline_data_wins_over_a_file_and_may_be_base64() {
    use base64::Engine as _;

    let scene = Scene::new().await;
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    let encoded = base64::prelude::BASE64_STANDARD.encode(scene.issuer.ca_pem());
    let options = scene
        .expired()
        .set("idp-certificate-authority", "/nowhere.pem")
        .set("idp-certificate-authority-data", encoded);
    assert_eq!(current(&scene.credentials(options).await).await.unwrap(), fresh);
    assert!(scene.world.reads().is_empty());

    let options = scene.expired().set("idp-certificate-authority-data", "!");
    let error = scene.resolve(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBase64, "{error}");
}

/// Takes one connection, reads the head of its request, refuses it, and tells what it was.
async fn proxy_once(listener: tokio::net::TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 4096 {
        head.push(stream.read_u8().await.unwrap());
    }
    stream
        .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_on_the_way() {
    let scene = Scene::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    scene
        .world
        .set_variable("https_proxy", &format!("http://jane:pr0xypass@{address}"));
    let seen = tokio::spawn(proxy_once(listener));
    let options = scene
        .expired()
        .set("idp-issuer-url", "https://issuer.example/realm");
    let error = scene.error(options).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_hides(&error, &["pr0xypass", "amFuZTpw"]);
    let seen = seen.await.unwrap();
    assert!(seen.starts_with("CONNECT issuer.example:443 "), "{seen}");
    assert!(
        seen.to_lowercase().contains("proxy-authorization: basic "),
        "{seen}"
    );
}

#[tokio::test]
async fn a_proxy_is_not_asked_for_the_loopback_or_for_what_no_proxy_names() {
    let scene = Scene::new().await;
    // Nothing listens there: a request through this proxy fails.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    scene.world.set_variable("HTTPS_PROXY", &address.to_string());
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    assert_eq!(
        current(&scene.credentials(scene.expired()).await).await.unwrap(),
        fresh
    );

    // The unspecified address leads to this machine too, and is not one of the loopback. Its certificate is for
    // another name, which is how it shows that the issuer itself was reached.
    let unspecified = scene.issuer.url().replace("127.0.0.1", "0.0.0.0");
    let options = || scene.expired().set("idp-issuer-url", unspecified.as_str());
    let error = scene.error(options()).await;
    assert!(
        !error.message().contains("certificate"),
        "the proxy was not asked: {error}"
    );
    scene.world.set_variable("NO_PROXY", "example.org,0.0.0.0");
    let error = scene.error(options()).await;
    assert!(
        error.message().contains("certificate"),
        "the proxy was asked: {error}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_none_is_an_error_that_names_its_variable_and_no_password() {
    let scene = Scene::new().await;
    scene
        .world
        .set_variable("HTTPS_PROXY", "ftp://jane:pr0xypass@proxy");
    let error = scene.error(scene.expired()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert!(error.to_string().contains("($HTTPS_PROXY)"), "{error}");
    assert_hides(&error, &["pr0xypass"]);
}
