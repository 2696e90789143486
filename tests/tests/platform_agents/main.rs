//! Each recipe of `docs/platform-agents.md`, with real files that are replaced as its agent replaces them, in an environment
//! without variables.

#![cfg(unix)]

mod agents;

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agents::{Agent, Files};
use http::StatusCode;
use kubex::config::Configuration;
use kubex::host::{Clock, Moment};
use kubex::{ClientConfiguration, Host, Result};
use kubex_core::host::SimulatedHost;
use kubex_tests::api_server::{ApiServer, ClientCertificatePem, RecordedRequest, User};
use kubex_tests::machine::patience;
use tempfile::TempDir;

/// How many times the files of a recipe are replaced.
const ROTATIONS: usize = 20;

/// The age at which files are read again, and a little more.
const MINUTE: Duration = Duration::from_secs(61);

/// What the files of a recipe contain.
#[derive(Clone, Copy, Debug)]
enum Content {
    Token(&'static str),
    /// The certificate and its key in two files, in the order in which they are written.
    Pair(&'static str, &'static str),
    /// The key and then the certificate, in one file.
    Bundle(&'static str),
}

/// A recipe: the name of its source on the page, and what its agent does.
struct Recipe {
    source: &'static str,
    agent: Agent,
    directory: &'static str,
    content: Content,
    /// Whether the agent also writes the CA bundle, as the last file.
    authority: Option<&'static str>,
}

const fn recipe(source: &'static str, agent: Agent, directory: &'static str, content: Content) -> Recipe {
    Recipe {
        source,
        agent,
        directory,
        content,
        authority: None,
    }
}

use Agent::{RenamesEachFile, SwapsTheDirectory, TruncatesAndWrites};

const RECIPES: [Recipe; 9] = [
    recipe(
        "projected-token",
        SwapsTheDirectory,
        "/var/run/secrets/tokens",
        Content::Token("api"),
    ),
    recipe(
        "in-cluster",
        SwapsTheDirectory,
        "/var/run/pod-certificate",
        Content::Bundle("bundle.pem"),
    ),
    recipe(
        "pod-certificate",
        SwapsTheDirectory,
        "/var/run/pod-certificate",
        Content::Bundle("bundle.pem"),
    ),
    Recipe {
        authority: Some("ca.crt"),
        ..recipe(
            "cert-manager",
            SwapsTheDirectory,
            "/var/run/tls",
            Content::Pair("tls.crt", "tls.key"),
        )
    },
    recipe(
        "jwt-svid",
        TruncatesAndWrites,
        "/run/spiffe",
        Content::Token("jwt_svid.token"),
    ),
    recipe(
        "x509-svid",
        TruncatesAndWrites,
        "/run/spiffe",
        Content::Pair("svid.pem", "svid_key.pem"),
    ),
    recipe(
        "vault-token",
        RenamesEachFile,
        "/vault/secrets",
        Content::Token("kubernetes-token"),
    ),
    recipe(
        "vault-certificate",
        RenamesEachFile,
        "/vault/secrets",
        Content::Bundle("client.pem"),
    ),
    recipe(
        "vault-pair",
        RenamesEachFile,
        "/vault/secrets",
        Content::Pair("client.crt", "client.key"),
    ),
];

/// The clock of a simulated host, for the files of the real one.
#[derive(Debug)]
struct SimulatedClock(SimulatedHost);

impl Clock for SimulatedClock {
    fn now(&self) -> Moment {
        self.0.host().now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.host().clock().sleep(duration)
    }

    fn has_timers(&self) -> bool {
        true
    }

    fn random(&self) -> u64 {
        self.0.host().clock().random()
    }
}

/// The identity of one generation.
enum Identity {
    Token(String),
    Certificate(ClientCertificatePem),
}

struct Scene<'r> {
    recipe: &'r Recipe,
    root: TempDir,
    server: ApiServer,
    time: SimulatedHost,
}

impl<'r> Scene<'r> {
    async fn new(recipe: &'r Recipe) -> Self {
        let scene = Self {
            recipe,
            root: tempfile::tempdir().unwrap(),
            server: ApiServer::builder().start().await.unwrap(),
            time: SimulatedHost::new(),
        };
        fs::create_dir_all(scene.directory()).unwrap();
        for authority in [
            "/etc/kubernetes/ca.crt",
            "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
        ] {
            let path = scene.real(authority);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, scene.server.ca_pem()).unwrap();
        }
        scene
    }

    /// Where the file with this path is in this test.
    fn real(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn directory(&self) -> PathBuf {
        self.real(self.recipe.directory)
    }

    /// The real host without a single variable, but those that a pod has.
    fn host(&self) -> Host {
        let empty = std::env::vars_os().fold(Host::real(), |host, (name, _)| {
            host.with_variable(&name.to_string_lossy(), None::<&str>)
        });
        let host = empty.with_clock(Arc::new(SimulatedClock(self.time.clone())));
        if self.recipe.source != "in-cluster" {
            return host;
        }
        let address = self.server.address();
        host.with_variable("KUBERNETES_SERVICE_HOST", Some(address.ip().to_string()))
            .with_variable("KUBERNETES_SERVICE_PORT", Some(address.port().to_string()))
    }

    /// Resolves the recipe as it is on the page. Only the server and the root directory are those of this test.
    async fn resolve(&self) -> Result<ClientConfiguration> {
        let root = self.root.path().display();
        let mut yaml = self.recipe.yaml().replace(": /", &format!(": {root}/"));
        yaml = yaml.replace("https://api.example:6443", self.server.url());
        if self.recipe.source == "in-cluster" {
            yaml += &format!("    root: {root}/var/run/secrets/kubernetes.io/serviceaccount\n");
        }
        let file = self.root.path().join("kubex.yaml");
        fs::write(&file, yaml).unwrap();
        let (host, registry) = (self.host(), kubex::registry()?);
        Configuration::check_file(&file, &host, &registry).await?;
        let configuration = Configuration::from_file(&file, &host).await?;
        configuration.chain(registry)?.build()?.resolve().await
    }

    /// A new identity, and the files that hold it.
    fn issue(&self, generation: usize) -> (Identity, Files) {
        let certificate = || self.server.issue_client_certificate("jane", &[]);
        let (identity, mut files) = match self.recipe.content {
            Content::Token(file) => {
                let token = format!("token-{generation}");
                self.server.accept_token(&token, User::new("jane"));
                (Identity::Token(token.clone()), vec![(file, token)])
            }
            Content::Pair(certificate_file, key_file) => {
                let pair = certificate();
                let files = vec![
                    (certificate_file, pair.certificate.clone()),
                    (key_file, pair.key.clone()),
                ];
                (Identity::Certificate(pair), files)
            }
            Content::Bundle(file) => {
                let pair = certificate();
                let files = vec![(file, format!("{}{}", pair.key, pair.certificate))];
                (Identity::Certificate(pair), files)
            }
        };
        files.extend(self.recipe.authority.map(|file| (file, self.server.ca_pem())));
        (identity, files)
    }

    /// Sends a request, which must succeed.
    async fn request(&self, client: &kubex::reqwest::Client, what: &str) -> RecordedRequest {
        let sent = client.get("/version").unwrap().send();
        let sent = tokio::time::timeout(patience(Duration::from_secs(20)), sent).await;
        let source = self.recipe.source;
        let response = sent
            .unwrap()
            .unwrap_or_else(|error| panic!("{source}, {what}: {error}"));
        assert_eq!(response.status(), StatusCode::OK, "{source}, {what}");
        self.server.requests().pop().unwrap()
    }
}

impl Recipe {
    /// The YAML of the page.
    fn yaml(&self) -> String {
        let chain = format!("chain: [{}]\n", self.source);
        let found = recipes().into_iter().find(|yaml| yaml.starts_with(&chain));
        found.unwrap_or_else(|| panic!("the page has no recipe for {}", self.source))
    }
}

fn recipes() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/platform-agents.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// Whether the request was made with this identity. A certificate whose key does not belong to it makes no connection.
fn is_of(request: &RecordedRequest, identity: &Identity) -> bool {
    match identity {
        Identity::Token(token) => request.bearer_token() == Some(token),
        Identity::Certificate(pair) => request
            .client_certificate
            .as_ref()
            .is_some_and(|certificate| certificate.sha256 == pair.sha256()),
    }
}

#[test]
fn each_recipe_of_the_page_is_tested() {
    assert_eq!(recipes().len(), RECIPES.len());
    for recipe in &RECIPES {
        recipe.yaml();
    }
}

#[tokio::test]
async fn no_request_fails_in_any_state_of_twenty_rotations_and_each_new_identity_is_used() {
    for recipe in &RECIPES {
        let scene = Scene::new(recipe).await;
        let (mut current, files) = scene.issue(1);
        for step in recipe.agent.steps(&scene.directory(), 1, files) {
            step.run();
        }
        let configuration = scene
            .resolve()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", recipe.source));
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        assert!(is_of(&scene.request(&client, "at first").await, &current));
        for generation in 2..=ROTATIONS + 1 {
            let (new, files) = scene.issue(generation);
            for step in recipe.agent.steps(&scene.directory(), generation, files) {
                let what = format!("generation {generation}: {}", step.what);
                step.run();
                scene.time.advance(MINUTE);
                let request = scene.request(&client, &what).await;
                assert!(
                    is_of(&request, &current) || is_of(&request, &new),
                    "{}, {what}",
                    recipe.source
                );
            }
            scene.time.advance(MINUTE);
            let what = format!("after generation {generation}");
            scene.request(&client, &what).await;
            let request = scene.request(&client, &what).await;
            assert!(
                is_of(&request, &new),
                "{}, {what}: the old identity",
                recipe.source
            );
            // The old one ends.
            match &current {
                Identity::Token(token) => scene.server.revoke_token(token),
                Identity::Certificate(pair) => scene.server.revoke_client_certificate(pair),
            }
            current = new;
        }
        scene.server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_an_agent_writes_at_the_same_time() {
    for recipe in &RECIPES {
        let scene = Scene::new(recipe).await;
        let generations: Vec<(Identity, Files)> =
            (1..=ROTATIONS + 1).map(|number| scene.issue(number)).collect();
        let (identities, files): (Vec<Identity>, Vec<Files>) = generations.into_iter().unzip();
        let mut writings: Vec<_> = files
            .into_iter()
            .enumerate()
            .map(|(index, files)| recipe.agent.steps(&scene.directory(), index + 1, files))
            .collect();
        for step in writings.remove(0) {
            step.run();
        }
        let configuration = scene.resolve().await.unwrap();
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        scene.request(&client, "at first").await;
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        let agent = std::thread::spawn(move || {
            for step in writings.into_iter().flatten() {
                step.run();
                std::thread::sleep(Duration::from_millis(3));
            }
            ended.store(true, Ordering::SeqCst);
        });
        let mut requests = 0;
        while !has_ended.load(Ordering::SeqCst) {
            scene.time.advance(MINUTE);
            scene.request(&client, "while the agent writes").await;
            requests += 1;
        }
        agent.join().unwrap();
        assert!(requests > 0);
        scene.time.advance(2 * MINUTE);
        scene.request(&client, "at the end").await;
        let request = scene.request(&client, "at the end").await;
        assert!(
            is_of(&request, identities.last().unwrap()),
            "{}: the old identity",
            recipe.source
        );
        scene.server.shutdown().await;
    }
}
