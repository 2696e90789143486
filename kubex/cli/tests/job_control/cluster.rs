//! A server, and a kubeconfig whose user has a plugin.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::machine::not_tested;
use serde_json::json;

/// What the server answers to the request of [`Client::line`].
pub(crate) const ANSWER: &str = "it-works";

pub(crate) struct Cluster {
    server: ApiServer,
    directory: tempfile::TempDir,
}

impl Cluster {
    /// A server whose plugin is this script. It prints the token with `answer`.
    pub(crate) async fn start(interactive_mode: &str, script: &str) -> Self {
        let server = ApiServer::builder().start().await.unwrap();
        server.accept_token("t0ken", User::new("jane"));
        server.answer("/probe", StatusCode::OK, json!(ANSWER));
        let cluster = Self {
            server,
            directory: tempfile::tempdir().unwrap(),
        };
        let plugin = cluster.path("plugin");
        let answer = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t0ken"}}"#;
        let text = format!(
            "#!/bin/bash\ncd {}\necho $$ >> runs\nanswer() {{ echo '{answer}'; }}\n{script}\n",
            cluster.directory.path().display()
        );
        fs::write(&plugin, text).unwrap();
        fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: test, cluster: {{server: '{}', certificate-authority-data: {}}}}}]\n\
             users: [{{name: test, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}, interactiveMode: {interactive_mode}}}}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
            cluster.server.url(),
            BASE64_STANDARD.encode(cluster.server.ca_pem()),
            plugin.display()
        );
        fs::write(cluster.kubeconfig(), kubeconfig).unwrap();
        cluster
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.path("config")
    }

    /// How often the plugin has started.
    pub(crate) fn runs(&self) -> usize {
        let runs = fs::read_to_string(self.path("runs")).unwrap_or_default();
        runs.lines().count()
    }

    pub(crate) async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

/// A program that sends the request.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    /// The command line for a shell.
    pub(crate) line: String,
}

pub(crate) fn kubex() -> Client {
    Client {
        name: "kubex",
        line: format!("{} get /probe", env!("CARGO_BIN_EXE_kubex")),
    }
}

/// Both clients, or the first one with a notice.
pub(crate) fn kubex_and_kubectl() -> Vec<Client> {
    let mut clients = vec![kubex()];
    match kubectl() {
        Some(path) => clients.push(Client {
            name: "kubectl",
            line: format!("{} get --raw /probe", path.display()),
        }),
        None => not_tested(
            "job control of kubectl",
            "there is no kubectl, and KUBECTL is not set",
        ),
    }
    clients
}

fn kubectl() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("KUBECTL") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let directory = std::env::split_paths(&path).find(|directory| directory.join("kubectl").is_file())?;
    // The one that is called `kubectl` may only choose among those with a version.
    let version = |path: &Path| path.to_str()?.rsplit_once("kubectl.1.")?.1.parse::<u32>().ok();
    let with_version = fs::read_dir(&directory).ok()?.flatten().map(|entry| entry.path());
    let newest = with_version
        .filter(|path| version(path).is_some())
        .max_by_key(|path| version(path));
    Some(newest.unwrap_or_else(|| directory.join("kubectl")))
}
