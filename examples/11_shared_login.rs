//! A program and `kubectl` share one login: the plugin runs once for both.
//!
//! The program has `cache: shared` for its source. kubectl runs `kubex exec -- PLUGIN` as its plugin, which `kubex wrap`
//! writes into a kubeconfig. Both then use the same store. Run it with `cargo run -p kubex-cli --example shared_login`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example prints, and touches files as any program does"
)]

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use kubex::config::Configuration;
use kubex::{Host, Options};
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::kubectl::Kubectl;

/// The plugin of a cloud provider, which logs in and is slow. It counts its runs.
const PLUGIN: &str = r#"#!/bin/sh
echo run >> "${0%/*}/runs"
sleep 1
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
       "status": {"token": "abc", "expirationTimestamp": "2099-01-01T00:00:00Z"}}'
"#;

fn main() -> ExitCode {
    // kubectl runs this program as its plugin, so that the example works before `kubex` is installed.
    if std::env::args().nth(1).as_deref() == Some("exec") {
        return kubex_cli::main();
    }
    let shared = std::env::current_exe().map_err(Into::into);
    match shared.and_then(|program| share_a_login(&program)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `kubex` is the command that kubectl runs as its plugin.
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
pub(crate) async fn share_a_login(kubex: &Path) -> Result<(), Box<dyn Error>> {
    let server = ApiServer::builder().start().await?;
    server.accept_token("abc", User::new("jane"));
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(path("plugin"), PLUGIN)?;
    fs::set_permissions(path("plugin"), fs::Permissions::from_mode(0o755))?;
    fs::write(path("ca.crt"), server.ca_pem())?;

    // The store of this example. Without these variables, it is the one of the user.
    let store = [
        ("KUBEX_CACHE_DIR", path("cache")),
        ("KUBEX_CACHE_KEY", "file".to_owned()),
    ];
    let host = store.iter().fold(Host::real(), |host, (name, value)| {
        host.with_variable(name, Some(value))
    });

    // The program: the plugin as a source, whose credential is shared.
    let source = Options::new()
        .set("chain", vec!["cluster"])
        .set("sources.cluster.provider", "exec")
        .set("sources.cluster.command", path("plugin"))
        .set("sources.cluster.server", server.url().to_string())
        .set("sources.cluster.certificate-authority", path("ca.crt"))
        .set("sources.cluster.cache", "shared");
    let configuration = Configuration::load(&host).await?.with(source)?;
    let configuration = configuration
        .chain(kubex::registry()?)?
        .build()?
        .resolve()
        .await?;
    let client = kubex::reqwest::Client::new(&configuration)?;
    let answer = client.get("/version")?.send().await?;
    println!("the program: GET /version: {}", answer.status());
    if !answer.status().is_success() {
        return Err("the server refused the program".into());
    }
    println!("the plugin has run {} time(s)", runs(&path("runs")));

    // kubectl: its user is the same plugin, through `kubex exec`.
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{}', certificate-authority: ca.crt}}}}]\nusers:\n- name: u\n  user:\n    \
         exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: IfAvailable\n      \
         command: {}\n      args: [exec, --, {}]\n",
        server.url(),
        kubex.display(),
        path("plugin")
    );
    fs::write(path("config"), kubeconfig)?;
    let kubectl = match Kubectl::find() {
        Ok(kubectl) => kubectl,
        Err(why) => {
            println!("NOT RUN: kubectl with the same login: {why}");
            return Ok(());
        }
    };
    let output = tokio::task::spawn_blocking({
        let mut command = Command::new(&kubectl.program);
        command
            .args(["--kubeconfig", &path("config"), "get", "--raw", "/version"])
            .envs(store);
        move || command.output()
    });
    let output = output.await??;
    println!("kubectl {}: {}", kubectl.version, output.status);
    print!("{}", String::from_utf8_lossy(&output.stderr));
    println!("the plugin has run {} time(s)", runs(&path("runs")));
    if !output.status.success() || runs(&path("runs")) != 1 {
        return Err("kubectl did not use the login of the program".into());
    }
    Ok(())
}

fn runs(file: &str) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}
