//! Secrets in the options of `static` and in files: of `token-file`, of a pod's mount.

use kubex::Options;
use kubex_tests::api_server::ApiServer;

use super::case::{live, one, run, with_server, world};
use super::shown::{Canary as _, FALLBACK, FILE, KEY, PASSWORD, PROXY, Shown, TOKEN, UNKNOWN_FIELD};

#[tokio::test]
async fn static_shows_no_secret() {
    let world = world();
    let cases: Vec<(&str, Options)> = vec![
        ("token", with_server().set("token", TOKEN)),
        (
            "basic",
            with_server().set("username", "jane").set("password", PASSWORD),
        ),
        (
            "token that cannot travel",
            with_server().set("token", format!("{TOKEN}\n")),
        ),
        (
            "token and pair",
            with_server()
                .set("token", TOKEN)
                .set("username", "j")
                .set("password", PASSWORD),
        ),
        ("password alone", with_server().set("password", PASSWORD)),
        ("key alone", with_server().set("client-key-data", KEY)),
        (
            "key that is not PEM",
            with_server()
                .set("client-certificate-data", KEY)
                .set("client-key-data", KEY),
        ),
        ("unknown option", with_server().set("tokn", UNKNOWN_FIELD)),
        ("wrong type", with_server().set("token", vec![TOKEN])),
        (
            "proxy",
            with_server()
                .set("token", TOKEN)
                .set("proxy-url", format!("http://jane:{PROXY}@proxy:3128")),
        ),
        (
            "bad proxy",
            with_server()
                .set("token", TOKEN)
                .set("proxy-url", format!("ftp://jane:{PROXY}@proxy")),
        ),
        (
            "password in server",
            Options::new().set("server", format!("https://jane:{PASSWORD}@h")),
        ),
        (
            "plain http",
            Options::new().set("server", "http://h").set("token", TOKEN),
        ),
        ("no server", Options::new().set("token", TOKEN)),
    ];
    for (what, options) in cases {
        let shown = Shown::default();
        shown.add("the options themselves, on their way to the provider, are shown here: ");
        shown.debug(&options);
        shown.assert_clean(what);
        run(what, &world, || one(&world, "static", options)).await;
    }
}

#[tokio::test]
async fn static_with_a_certificate_shows_no_key() {
    let server = ApiServer::builder().start().await.unwrap();
    let pair = server.issue_client_certificate("jane", &["dev"]);
    let shown = Shown::default();
    let world = world();
    let options = with_server()
        .set("client-certificate-data", pair.certificate.as_str())
        .set("client-key-data", pair.key.as_str());
    let configuration = one(&world, "static", options).unwrap().resolve().await.unwrap();
    live(&shown, &world, &configuration).await;
    let body: String = pair.key.lines().filter(|line| !line.starts_with('-')).collect();
    let text = shown.text();
    assert!(
        !text.contains(&body[..16]) && !text.contains("PRIVATE KEY"),
        "{text}"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn token_file_shows_no_secret() {
    let options = || with_server().set("token-file", "/token").set("token", FALLBACK);
    for (what, content) in [
        ("token", FILE.to_owned()),
        ("two lines", format!("{FILE}\n{FILE}")),
        ("control characters", format!("{FILE}\u{7}")),
        ("empty", String::new()),
        ("beyond ASCII", format!("{FILE}ü")),
    ] {
        let world = world();
        world.write("/token", &content);
        run(what, &world, || one(&world, "token-file", options())).await;
        let without_fallback = with_server().set("token-file", "/token");
        run(what, &world, || one(&world, "token-file", without_fallback)).await;
    }
    let world = world();
    run("no file", &world, || one(&world, "token-file", options())).await;
}

#[tokio::test]
async fn in_cluster_shows_no_secret() {
    const ROOT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    for (what, token, authority) in [
        ("token", FILE.to_owned(), None),
        ("token that cannot travel", format!("{FILE}\u{1}"), None),
        ("no authority in PEM", FILE.to_owned(), Some(KEY)),
        ("empty token", String::new(), None),
    ] {
        let world = world();
        world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        world.set_variable("KUBERNETES_SERVICE_PORT", "443");
        world.write(format!("{ROOT}/token"), &token);
        if let Some(authority) = authority {
            world.write(format!("{ROOT}/ca.crt"), authority);
        }
        run(what, &world, || one(&world, "in-cluster", Options::new())).await;
    }
}
