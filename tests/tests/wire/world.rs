//! The servers, the proxies and the files that every case of a run has, and the two clients.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex::options::{Options, Value, ValueKind};
use kubex::{Chain, Host, Source, reqwest};
use kubex_tests::api_server::{ApiServer, RecordedRequest, User};
use kubex_tests::kubectl::Kubectl;
use kubex_tests::machine::patience;
use kubex_tests::proxy::{Proxy, ProxyKind};
use tempfile::TempDir;

use super::case::Case;
use super::scripts::{ANSWERS, NAMED};

/// How long a client may take for one request on an idle machine.
const LIMIT: Duration = Duration::from_secs(10);

/// What is said of a client that takes longer.
const HANGS: &str = "it hangs";

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What arrived, by the names of its parts.
    Arrived(BTreeMap<&'static str, String>),
    /// Nothing arrived, and what the client said.
    Refused(String),
}

pub struct World {
    directory: TempDir,
    server: ApiServer,
    plain: ApiServer,
    http: Proxy,
    socks5: Proxy,
    words: Vec<(&'static str, String)>,
}

impl World {
    pub async fn start() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("kubex-wire-").tempdir()?;
        let server = ApiServer::builder()
            .allow_anonymous(true)
            .also_named("api.cluster.test")
            .start()
            .await?;
        let plain = ApiServer::builder()
            .allow_anonymous(true)
            .plain_http()
            .start()
            .await?;
        for token in ["abc", "plugin", "flag", "file"] {
            server.accept_token(token, User::new("jane"));
        }
        let http = Proxy::start(ProxyKind::Http, server.address()).await?;
        let socks5 = Proxy::start(ProxyKind::Socks5, server.address()).await?;
        let other = Proxy::start(ProxyKind::Https, server.address()).await?;
        let mut world = Self {
            directory,
            server,
            plain,
            http,
            socks5,
            words: Vec::new(),
        };
        world.fill(other.ca_pem())?;
        Ok(world)
    }

    fn fill(&mut self, other_ca: &str) -> io::Result<()> {
        let base64 = |text: &str| BASE64_STANDARD.encode(text);
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let jane = self.server.issue_client_certificate("jane", &[]);
        let flag = self.server.issue_client_certificate("flag", &[]);
        let ca = self.server.ca_pem();
        self.words = vec![
            ("{dir}", self.path().to_string_lossy().into_owned()),
            ("{port}", self.server.address().port().to_string()),
            ("{plain-port}", self.plain.address().port().to_string()),
            ("{http-proxy}", self.http.authority()),
            ("{socks5-proxy}", self.socks5.authority()),
            ("{ca}", base64(&ca)),
            ("{other-ca}", base64(other_ca)),
            ("{certificate}", base64(&jane.certificate)),
            ("{key}", base64(&jane.key)),
            ("{certificate-json}", json(&jane.certificate)),
            ("{key-json}", json(&jane.key)),
        ];
        for (file, text) in [
            ("ca.crt", ca.as_str()),
            ("other-ca.crt", other_ca),
            ("client.crt", &jane.certificate),
            ("client.key", &jane.key),
            ("flag.crt", &flag.certificate),
            ("flag.key", &flag.key),
            ("token", " file\n"),
            ("empty", ""),
        ] {
            std::fs::write(self.path().join(file), text)?;
        }
        std::fs::create_dir(self.path().join("plugins"))?;
        for (name, script) in NAMED {
            self.add_plugin(name, script)?;
        }
        for (name, output) in ANSWERS {
            let output = self.text(output).replace('\'', "'\\''");
            self.add_plugin(name, &format!("printf %s '{output}'"))?;
        }
        Ok(())
    }

    fn add_plugin(&self, name: &str, script: &str) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;

        let path = self.path().join("plugins").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n"))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The text with its placeholders filled in.
    pub fn text(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (word, value) in &self.words {
            filled = filled.replace(word, value);
        }
        filled
    }

    /// What Kubex does.
    pub async fn ask_kubex(&self, case: &Case) -> Outcome {
        let mut said = self.kubex_says(&self.prepare(case), &self.flags(case)).await;
        if said == HANGS {
            // The machine was too busy, unless it hangs again.
            said = self.kubex_says(&self.prepare(case), &self.flags(case)).await;
        }
        self.outcome(said)
    }

    /// What kubectl does.
    pub async fn ask_kubectl(&self, kubectl: &Kubectl, case: &Case) -> Outcome {
        let mut said = Self::kubectl_says(kubectl, &self.prepare(case), &self.flags(case)).await;
        if said == HANGS {
            said = Self::kubectl_says(kubectl, &self.prepare(case), &self.flags(case)).await;
        }
        self.outcome(said)
    }

    /// Writes the files of a case, forgets what came of the last one, and tells the environment.
    fn prepare(&self, case: &Case) -> Vec<(String, String)> {
        self.forget();
        let mut environment: Vec<(String, String)> = vec![
            ("HOME".to_owned(), self.text("{dir}")),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ];
        let mut files = Vec::new();
        for (index, file) in case.files.iter().enumerate() {
            let path = self.path().join(format!("config-{index}"));
            std::fs::write(&path, self.text(file)).expect("a file is written");
            files.push(path.to_string_lossy().into_owned());
        }
        environment.push(("KUBECONFIG".to_owned(), files.join(":")));
        for (name, value) in &case.environment {
            environment.push(((*name).to_owned(), self.text(value)));
        }
        environment
    }

    fn flags<'c>(&self, case: &'c Case) -> Vec<(&'c str, String)> {
        case.flags
            .iter()
            .filter_map(|flag| flag.split_once('='))
            .map(|(key, value)| (key, self.text(value)))
            .collect()
    }

    async fn kubex_says(&self, environment: &[(String, String)], flags: &[(&str, String)]) -> String {
        let mut host = Host::real();
        for (name, _) in std::env::vars() {
            host = host.with_variable(&name, None::<String>);
        }
        for (name, value) in environment {
            host = host.with_variable(name, Some(value));
        }
        let mut source = Options::new();
        let mut overrides = Options::new();
        for (key, text) in flags {
            let value = match *key {
                "insecure-skip-tls-verify" | "disable-compression" => ValueKind::from(text == "true"),
                "as-group" => vec![text.clone()].into(),
                _ => text.as_str().into(),
            };
            let (options, key) = match *key {
                "context" | "cluster" | "user" => (&mut source, *key),
                "as-group" => (&mut overrides, "as-groups"),
                key => (&mut overrides, key),
            };
            options.insert(key, Value::new(value, kubex::Origin::flag(&format!("--{key}"))));
        }
        let request = async {
            let registry = kubex::registry()?;
            let source = Source::new("kubeconfig").options(source);
            let chain = Chain::builder(registry)
                .host(host)
                .source(source)
                .overrides(overrides);
            let configuration = chain.build()?.resolve().await?;
            let client = reqwest::Client::new(&configuration)?;
            client.get("/version")?.send().await.map(drop)
        };
        match tokio::time::timeout(patience(LIMIT), request).await {
            Ok(Ok(())) => "a response".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => HANGS.to_owned(),
        }
    }

    async fn kubectl_says(
        kubectl: &Kubectl,
        environment: &[(String, String)],
        flags: &[(&str, String)],
    ) -> String {
        let mut command = tokio::process::Command::new(&kubectl.program);
        command
            .args(["get", "--raw", "/version"])
            .args(flags.iter().map(|(key, value)| format!("--{key}={value}")))
            .env_clear()
            .envs(environment.iter().cloned())
            // One kubectl at a time, which starts faster so.
            .env("GOMAXPROCS", "1")
            .env("GOGC", "off")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match tokio::time::timeout(patience(LIMIT), command.output()).await {
            Ok(output) => {
                let output = output.expect("kubectl runs");
                String::from_utf8_lossy(&output.stderr).trim().to_owned()
            }
            Err(_) => HANGS.to_owned(),
        }
    }

    fn forget(&self) {
        self.server.forget_requests();
        self.plain.forget_requests();
        self.http.forget_tunnels();
        self.socks5.forget_tunnels();
    }

    /// What arrived, of which the first request counts: a client may send a refused one again.
    fn outcome(&self, said: String) -> Outcome {
        let requests = [self.server.requests(), self.plain.requests()];
        let proxy = [("http", &self.http), ("socks5", &self.socks5)]
            .into_iter()
            .find_map(|(kind, proxy)| {
                let tunnel = proxy.tunnels().into_iter().next()?;
                let user = tunnel
                    .credentials
                    .map(|user| format!(" as {user}"))
                    .unwrap_or_default();
                Some(format!("{kind} to {}{user}", tunnel.target))
            });
        match requests.iter().flatten().next() {
            None => Outcome::Refused(said),
            Some(request) => Outcome::Arrived(facts(request, proxy)),
        }
    }
}

fn facts(request: &RecordedRequest, proxy: Option<String>) -> BTreeMap<&'static str, String> {
    let none = || "none".to_owned();
    let header = |name: &str| {
        let value = request.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let certificate = request.client_certificate.as_ref();
    let mut impersonation: Vec<String> = request
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("impersonate-"))
        .map(|(name, value)| format!("{}: {}", name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    // Headers of different names come in any order; those of one name stay in theirs.
    impersonation.sort_by(|one, other| one.split(':').next().cmp(&other.split(':').next()));
    let query = request
        .query
        .as_ref()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    BTreeMap::from([
        ("path", format!("{}{query}", request.path)),
        ("authorization", header("authorization").unwrap_or_else(none)),
        (
            "certificate",
            certificate.map_or_else(none, |it| it.common_name.clone()),
        ),
        ("impersonation", impersonation.join("; ")),
        // Names of hosts are compared without regard to case (RFC 6066, 3).
        (
            "sni",
            request
                .server_name
                .as_ref()
                .map_or_else(none, |name| name.to_lowercase()),
        ),
        ("compression", header("accept-encoding").unwrap_or_else(none)),
        ("proxy", proxy.unwrap_or_else(none)),
    ])
}
