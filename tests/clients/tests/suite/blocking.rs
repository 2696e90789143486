//! Programs without an async runtime, and the error that they get inside one.

use std::process::Command;

use kubex::{Chain, ErrorKind, Host, Options, Source};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::json;

/// A server in a runtime of its own, as if it were another process.
fn serve<T>(prepare: impl AsyncFnOnce() -> T) -> (tokio::runtime::Runtime, T) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let prepared = runtime.block_on(prepare());
    (runtime, prepared)
}

fn kubeconfig(server: &ApiServer, token_file: &std::path::Path) -> String {
    json!({
        "current-context": "dev",
        "contexts": [{ "name": "dev", "context": { "cluster": "dev", "user": "jane" } }],
        "clusters": [{ "name": "dev", "cluster": {
            "server": server.url(),
            "certificate-authority-data": base64(&server.ca_pem()),
        } }],
        "users": [{ "name": "jane", "user": { "tokenFile": token_file, "as": null } }],
    })
    .to_string()
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}

#[test]
fn a_program_without_a_runtime_resolves_asks_for_headers_and_sends() {
    let (runtime, server) = serve(async || ApiServer::builder().start().await.unwrap());
    server.accept_token("one", User::new("jane"));
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    let file = directory.path().join("config");
    std::fs::write(&token, "one").unwrap();
    std::fs::write(&file, kubeconfig(&server, &token)).unwrap();

    let options = Options::new().set("path", file.to_string_lossy().into_owned());
    let chain = Chain::builder(kubex::registry().unwrap())
        .source(Source::new("mine").provider("kubeconfig").options(options))
        .build()
        .unwrap();
    let configuration = kubex::blocking::wait(chain.resolve()).unwrap();
    let headers = kubex::blocking::headers(&configuration).unwrap();
    assert_eq!(headers["authorization"], "Bearer one");
    assert!(headers["authorization"].is_sensitive());
    assert_eq!(headers.len(), 1);

    // A rejected token is read again by the next who asks.
    std::fs::write(&token, "two").unwrap();
    let current = kubex::blocking::current(&configuration).unwrap();
    configuration.credentials().invalidate(current.generation());
    let headers = kubex::blocking::headers(&configuration).unwrap();
    assert_eq!(headers["authorization"], "Bearer two");

    server.accept_token("two", User::new("jane"));
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    let answer = kubex::blocking::wait(client.get("/version").unwrap().send()).unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(server.requests()[0].bearer_token(), Some("two"));
    runtime.block_on(server.shutdown());
}

const CHILD: &str = "TEST_OF_BLOCKING";

/// The environment of a process belongs to all of its tests, so a child looks for its kubeconfig, which is this very
/// test once more.
#[test]
fn the_default_chain_and_the_kubeconfig_are_found_as_elsewhere() {
    if std::env::var(CHILD).is_ok() {
        let configuration = kubex::blocking::resolve().unwrap();
        assert_eq!(configuration.cluster().server.as_str(), "https://10.0.0.1:6443");
        let configuration = kubex::blocking::configure_from_kubeconfig().unwrap();
        assert_eq!(configuration.namespace(), "team-a");
        let pod = kubex::blocking::configure_from_pod_env().unwrap_err();
        assert!(pod.is_not_configured(), "{pod}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    let content = "current-context: c\n\
                   contexts: [{name: c, context: {cluster: k, user: u, namespace: team-a}}]\n\
                   clusters: [{name: k, cluster: {server: 'https://10.0.0.1:6443'}}]\n\
                   users: [{name: u, user: {token: abc}}]\n";
    std::fs::write(&file, content).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "blocking::the_default_chain_and_the_kubeconfig_are_found_as_elsewhere",
        ])
        .env(CHILD, "1")
        .env("KUBECONFIG", &file)
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn inside_a_runtime_each_function_returns_an_error_with_help_and_none_panics() {
    let configuration = kubex::blocking::wait(
        kubex::configure()
            .url("https://10.0.0.1")
            .token("abc")
            .host(Host::real()),
    )
    .unwrap();
    let ask_all = move || {
        [
            kubex::blocking::resolve().map(drop),
            kubex::blocking::configure_from_kubeconfig().map(drop),
            kubex::blocking::configure_from_pod_env().map(drop),
            kubex::blocking::current(&configuration).map(drop),
            kubex::blocking::headers(&configuration).map(drop),
            kubex::blocking::wait(async { Ok(()) }),
        ]
    };
    for builder in [
        &mut tokio::runtime::Builder::new_current_thread(),
        &mut tokio::runtime::Builder::new_multi_thread(),
    ] {
        let runtime = builder.build().unwrap();
        let in_a_task = runtime.block_on(async { ask_all() });
        let on_a_blocking_thread = runtime.block_on(runtime.spawn_blocking(ask_all.clone())).unwrap();
        for result in in_a_task.into_iter().chain(on_a_blocking_thread) {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("async runtime"), "{error}");
        }
    }
    // And outside of it, it goes on.
    assert!(ask_all()[3].is_ok());
}

#[test]
fn many_threads_share_one_runtime() {
    let configuration =
        kubex::blocking::wait(kubex::configure().url("https://10.0.0.1").token("abc")).unwrap();
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let configuration = configuration.clone();
            std::thread::spawn(move || kubex::blocking::headers(&configuration).unwrap())
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap()["authorization"], "Bearer abc");
    }
}
