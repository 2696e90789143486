//! Requests: what the server receives, what the command prints, and its exit status.

use std::io::Write as _;
use std::net::TcpListener;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::proxy::{Proxy, ProxyKind};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::world::{Ended, KUBEX, ended, kubex, program};

/// A kubeconfig for a server, with this user in flow style.
pub(crate) fn kubeconfig_of(server: &ApiServer, user: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    let authority = BASE64_STANDARD.encode(server.ca_pem());
    write!(
        file,
        "current-context: test\n\
         clusters: [{{name: test, cluster: {{server: '{}', certificate-authority-data: {authority}}}}}]\n\
         users: [{{name: test, user: {{{user}}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
        server.url()
    )
    .unwrap();
    file
}

async fn server() -> ApiServer {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("t0ken", User::new("jane").group("dev"));
    server
}

fn run(kubeconfig: &NamedTempFile, words: &[&str]) -> Ended {
    let path = kubeconfig.path().to_str().unwrap();
    kubex(&[words, &["--kubeconfig", path]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn get_prints_the_body_unchanged_and_nothing_else() {
    let server = server().await;
    let body = json!({"items": ["ü\u{202e}\u{1b}", 1], "many": "x".repeat(200_000)});
    server.answer("/api/v1/pods", StatusCode::OK, body.clone());
    let kubeconfig = kubeconfig_of(&server, "token: t0ken");
    let got = run(&kubeconfig, &["get", "/api/v1/pods?limit=1", "--as=admin"]);
    assert_eq!((got.status, got.stderr.as_str()), (0, ""));
    assert_eq!(got.stdout, body.to_string());
    let request = &server.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.query.as_deref()),
        ("GET", Some("limit=1"))
    );
    assert_eq!(request.authenticated_as.as_deref(), Some("jane"));
    assert_eq!(request.user.as_deref(), Some("admin"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_refuses_a_path_that_leaves_the_servers_own_and_sends_nothing() {
    let server = server().await;
    let kubeconfig = kubeconfig_of(&server, "token: t0ken");
    let path = kubeconfig.path().to_str().unwrap();
    let prefix = format!("--server={}/k8s/clusters/c-1/../c-2", server.url());
    for leaving in [
        "/../../v3/tokens",
        "/%2e%2e/%2E%2E/v3/tokens",
        "/%252e%252e/x",
        "/..%2f..%2fx",
        "/..%5cx",
        "/..\\x",
        "/a/../../x",
        "//../x",
        "/..;a=b/x",
        "/..\t/x",
        "../x",
    ] {
        let got = kubex(&["get", leaving, &prefix, "--kubeconfig", path]);
        assert_ne!(got.status, 0, "{leaving}: {got:?}");
        assert!(got.stdout.is_empty(), "{leaving}: {got:?}");
        assert!(got.stderr.contains("path"), "{leaving}: {got:?}");
    }
    assert_eq!((server.connections(), server.requests().len()), (0, 0));
    // The server's own path is normalized before it prefixes one that stays below.
    let got = kubex(&["get", "/a/../version", &prefix, "--kubeconfig", path]);
    assert_eq!(server.requests().len(), 1, "{got:?}");
    assert!(server.requests()[0].path.starts_with("/k8s/clusters/c-2/"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_42_a_token_of_a_configuration_that_impersonates_is_refused_and_get_sends_both() {
    let server = server().await;
    for (user, flags) in [
        ("token: t0ken, as: ann, as-groups: [ops]", [].as_slice()),
        ("token: t0ken", &["--as=ann", "--as-group=ops"]),
    ] {
        let kubeconfig = kubeconfig_of(&server, user);
        let got = run(&kubeconfig, &[&["token"], flags].concat());
        assert_eq!((got.status, got.stdout.as_str()), (4, ""), "{got:?}");
        for part in ["impersonate \"ann\"", "  at: ", "  help: "] {
            assert!(got.stderr.contains(part), "{part}: {}", got.stderr);
        }
        let got = run(&kubeconfig, &[&["get", "/version"], flags].concat());
        assert_eq!(got.status, 0, "{got:?}");
    }
    for request in server.requests() {
        assert_eq!(request.authenticated_as.as_deref(), Some("jane"));
        assert_eq!(request.user.as_deref(), Some("ann"));
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_follows_redirects_to_the_same_origin_only() {
    let server = server().await;
    let other = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    server.redirect("/near", "/version");
    server.redirect("/far", format!("{}/version", other.url()));
    let kubeconfig = kubeconfig_of(&server, "token: t0ken");
    let near = run(&kubeconfig, &["get", "/near"]);
    assert!(near.status == 0 && near.stdout.contains("gitVersion"), "{near:?}");
    let far = run(&kubeconfig, &["get", "/far"]);
    assert_eq!((far.status, far.stdout.as_str()), (1, ""));
    assert!(
        far.stderr.contains("302") && far.stderr.contains("not followed"),
        "{far:?}"
    );
    assert!(other.requests().is_empty());
    server.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_reach_a_server_of_another_tls_name_through_a_proxy() {
    let server = ApiServer::builder()
        .host_name("api.cluster.test")
        .only_named("api.internal")
        .start()
        .await
        .unwrap();
    server.accept_token("t0ken", User::new("jane"));
    for (kind, scheme) in [(ProxyKind::Http, "http"), (ProxyKind::Https, "https")] {
        let proxy = Proxy::start(kind, server.address()).await.unwrap();
        let mut file = NamedTempFile::new().unwrap();
        write!(
            file,
            "current-context: test\n\
             clusters: [{{name: test, cluster: {{server: '{}', certificate-authority-data: {}, \
             proxy-url: '{scheme}://{}', tls-server-name: api.internal}}}}]\n\
             users: [{{name: test, user: {{token: t0ken}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
            server.url(),
            BASE64_STANDARD.encode(server.ca_pem() + proxy.ca_pem()),
            proxy.authority()
        )
        .unwrap();
        let got = run(&file, &["get", "/version"]);
        assert!(got.status == 0 && got.stdout.contains("gitVersion"), "{got:?}");
        let asked = run(&file, &["whoami", "--online"]);
        assert!(asked.status == 0 && asked.stdout.contains("jane"), "{asked:?}");
        assert_eq!(proxy.tunnels().len(), 2);
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_prints_the_message_of_the_server_and_exits_with_its_class() {
    let server = server().await;
    let kubeconfig = kubeconfig_of(&server, "token: t0ken");
    server.answer(
        "/forbidden",
        StatusCode::FORBIDDEN,
        json!({"kind": "Status", "message": "no\u{1b}[31m \u{202e}way, Bearer Qz7token-of-the-server"}),
    );
    server.answer("/broken", StatusCode::INTERNAL_SERVER_ERROR, json!(["odd"]));
    for (path, status, message) in [
        (
            "/forbidden",
            1,
            "error: the server responded 403 Forbidden: noU+001B[31m U+202Eway, Bearer [masked]\n",
        ),
        ("/nowhere", 1, "error: the server responded 404 Not Found: "),
        (
            "/broken",
            1,
            "error: the server responded 500 Internal Server Error: [\"odd\"]\n",
        ),
    ] {
        let got = run(&kubeconfig, &["get", path]);
        assert_eq!((got.status, got.stdout.as_str()), (status, ""), "{got:?}");
        assert!(got.stderr.starts_with(message), "{got:?}");
    }
    let elsewhere = run(&kubeconfig, &["get", "//other.example/x"]);
    assert_eq!(
        elsewhere.status, 1,
        "a path never leads to another server: {elsewhere:?}"
    );
    let wrong = kubeconfig_of(&server, "token: Qz7token-that-is-wrong");
    for words in [["get", "/version"], ["whoami", "--online"]] {
        let got = run(&wrong, &words);
        assert_eq!((got.status, got.stdout.as_str()), (8, ""), "{got:?}");
        assert!(
            got.stderr.contains("rejected the credential (bearer token): 401"),
            "{got:?}"
        );
        assert!(!got.stderr.contains("Qz7token"), "{got:?}");
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_online_prints_the_identity_that_the_server_reports() {
    let server = server().await;
    let kubeconfig = kubeconfig_of(&server, "token: t0ken");
    let page = run(&kubeconfig, &["whoami", "--online", "-ojson"]);
    assert_eq!(page.status, 0, "{page:?}");
    let page: serde_json::Value = serde_json::from_str(&page.stdout).unwrap();
    assert_eq!(page["username"], "jane");
    assert_eq!(page["groups"], json!(["dev", "system:authenticated"]));
    assert_eq!(page["server"], server.url());
    let acting = run(
        &kubeconfig,
        &["whoami", "--online", "--as=admin", "--as-group=ops"],
    );
    assert!(
        acting.stdout.contains("username   admin") && acting.stdout.contains("ops"),
        "{acting:?}"
    );
    server.answer(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        StatusCode::OK,
        json!({"kind": "Something"}),
    );
    let odd = run(&kubeconfig, &["whoami", "--online"]);
    assert!(
        odd.status == 1 && odd.stderr.contains("not a SelfSubjectReview"),
        "{odd:?}"
    );
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_reads_a_client_certificate() {
    let server = server().await;
    let pair = server.issue_client_certificate("jane\u{202e}", &["dev", "ops"]);
    let user = format!(
        "client-certificate-data: {}, client-key-data: {}",
        BASE64_STANDARD.encode(&pair.certificate),
        BASE64_STANDARD.encode(&pair.key)
    );
    let kubeconfig = kubeconfig_of(&server, &user);
    let page = run(&kubeconfig, &["whoami", "-ojson"]);
    assert!(!page.stdout.contains('\u{202e}'), "{page:?}");
    let page: serde_json::Value = serde_json::from_str(&page.stdout).unwrap();
    assert_eq!(page["credential"], "client certificate");
    let certificate = &page["certificate"];
    assert_eq!(certificate["username"], "jane\u{202e}");
    assert_eq!(certificate["groups"], json!(["dev", "ops"]));
    assert_eq!(certificate["sha256"], pair.sha256());
    assert_eq!(certificate["expired"], false);
    let table = run(&kubeconfig, &["whoami"]);
    assert!(
        table.stdout.contains("certificate username     janeU+202E"),
        "{table:?}"
    );
    assert!(server.requests().is_empty(), "nothing is asked of the server");
    let resolved = run(&kubeconfig, &["resolve", "-ojson"]);
    assert!(
        resolved.stdout.contains("\"kind\": \"client-certificate\""),
        "{resolved:?}"
    );
    let none = run(&kubeconfig, &["token"]);
    assert!(
        none.status == 4 && none.stderr.contains("client certificate"),
        "{none:?}"
    );
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_token_of_a_pod_comes_with_advice_about_its_service_account() {
    let server = server().await;
    let mount = tempfile::tempdir().unwrap();
    std::fs::write(mount.path().join("token"), "another-t0ken").unwrap();
    std::fs::write(mount.path().join("ca.crt"), server.ca_pem()).unwrap();
    let url = server.url().to_string();
    let (host, port) = url
        .trim_start_matches("https://")
        .trim_end_matches('/')
        .split_once(':')
        .unwrap();
    let mut command = program(KUBEX, &["get", "/version"]);
    command
        .env("KUBERNETES_SERVICE_HOST", host)
        .env("KUBERNETES_SERVICE_PORT", port)
        .env("KUBEX_CHAIN", "in-cluster")
        .env("KUBEX_SOURCES__IN_CLUSTER__ROOT", mount.path());
    let got = tokio::task::spawn_blocking(move || ended(command.output().unwrap()))
        .await
        .unwrap();
    assert_eq!(got.status, 8, "{got:?}");
    assert!(
        got.stderr
            .contains("help: check that the service account of the pod still exists")
            && !got.stderr.contains("log in"),
        "{got:?}"
    );
    server.shutdown().await;
}

#[test]
fn a_request_to_a_silent_server_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("--server=http://{}", silent.local_addr().unwrap());
    for words in [["get", "/version"], ["whoami", "--online"]] {
        let got = kubex(&[&words as &[&str], &[&server, "--request-timeout=300ms"]].concat());
        assert_eq!((got.status, got.stdout.as_str()), (6, ""), "{got:?}");
        assert!(got.stderr.contains("longer than 0.3 s"), "{got:?}");
    }
}

/// The body is longer than the buffer of a pipe, so the command writes to the closed end.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_closes_the_output_early_is_not_a_failure() {
    let server = server().await;
    server.answer("/long", StatusCode::OK, json!("x".repeat(2_000_000)));
    let kubeconfig = kubeconfig_of(&server, "token: t0ken");
    let line = format!(
        "set -o pipefail; {KUBEX} get /long --kubeconfig {} | head -c 1",
        kubeconfig.path().display()
    );
    let got = ended(program("bash", &["-c", &line]).output().unwrap());
    assert_eq!(
        (got.status, got.stdout.as_str(), got.stderr.as_str()),
        (0, "\"", "")
    );
    server.shutdown().await;
}
