//! Kubex in five acts, against an API server on this machine, on real files and real processes.
//!
//! This program plays two parts. Started by a person it is the stage; started as `quickstart plugin DIRECTORY`
//! it is the credential plugin that the kubeconfig on the stage names, so that the example needs no other tool.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use kubex::{Chain, ClientConfiguration, Host, Options, Result, Source};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::{Value, json};

/// How long a token of the plugin lives.
const LIFETIME: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("plugin"), Some(directory)) => plugin(Path::new(&directory)),
        _ => play().await,
    }
}

/// The plugin: counts its runs in a file and prints a token of its own for each.
fn plugin(directory: &Path) -> Result<(), Box<dyn Error>> {
    let run = runs_of_the_plugin(directory) + 1;
    fs::write(directory.join("runs"), run.to_string())?;
    let expires = kubex::time::rfc3339(SystemTime::now() + LIFETIME);
    let credential = json!({
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "status": { "token": format!("plugin-token-{run}"), "expirationTimestamp": expires.to_string() },
    });
    println!("{credential}");
    Ok(())
}

fn runs_of_the_plugin(directory: &Path) -> usize {
    fs::read_to_string(directory.join("runs"))
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(0)
}

async fn play() -> Result<(), Box<dyn Error>> {
    let stage = Stage::set().await?;

    act(1, "the kubeconfig's user is an exec plugin");
    let configuration = stage.resolve().await?;
    say(
        "resolved; the plugin has not run yet",
        &format!("plugin runs: {}", stage.plugin_runs()),
    );
    show(&configuration);
    let mut me = String::new();
    for _ in 0..3 {
        me = whoami(&configuration).await?;
    }
    say("asked three times, the server says who we are", &me);
    let runs = format!("plugin runs: {}", stage.plugin_runs());
    say("one run was enough", &runs);

    act(2, "the token expires, and nobody has to care");
    stage.server.revoke_token("plugin-token-1");
    let credentials = configuration.credentials();
    let first = credentials.current().await?;
    tokio::time::sleep(LIFETIME + Duration::from_millis(100)).await;
    let me = whoami(&configuration).await?;
    let second = credentials.current().await?;
    say("the same configuration, later", &me);
    let generations = format!("generation {} became {}", first.generation(), second.generation());
    say("the credential was renewed behind it", &generations);

    act(3, "the kubeconfig goes, and the program runs in a pod");
    fs::remove_file(&stage.kubeconfig)?;
    let configuration = stage.resolve().await?;
    show(&configuration);
    say("the server says who we are", &whoami(&configuration).await?);

    act(4, "the kubeconfig is back, and broken");
    stage.write_kubeconfig("contexts: [ {name: prod")?;
    match stage.resolve().await {
        Ok(_) => return Err("a broken kubeconfig must be an error".into()),
        Err(error) => {
            say("an error, not the pod's identity", &error.to_string());
            if let Some(report) = error.report() {
                println!("{}", indented(&report.to_string()));
            }
        }
    }

    act(5, "neither is there");
    fs::remove_file(&stage.kubeconfig)?;
    fs::remove_dir_all(&stage.service_account)?;
    match stage.resolve().await {
        Ok(_) => return Err("there was nothing to find".into()),
        Err(error) => say("one error with every reason", &error.to_string()),
    }

    stage.server.shutdown().await;
    println!("\nThat was Kubex. In your own program it is one line: kubex::resolve().await?");
    Ok(())
}

/// An API server, a kubeconfig and a pod's mount, in a directory that is gone when the stage is.
struct Stage {
    server: ApiServer,
    directory: tempfile::TempDir,
    kubeconfig: PathBuf,
    service_account: PathBuf,
}

impl Stage {
    async fn set() -> Result<Self, Box<dyn Error>> {
        let server = ApiServer::builder().start().await?;
        for run in 1..=3 {
            server.accept_token_until(
                format!("plugin-token-{run}"),
                User::new("jane").group("developers"),
                Instant::now() + LIFETIME * 30,
            );
        }
        server.accept_token("pod-token", User::new("system:serviceaccount:team-a:default"));

        let directory = tempfile::tempdir()?;
        let service_account = directory.path().join("serviceaccount");
        fs::create_dir(&service_account)?;
        fs::write(service_account.join("token"), "pod-token")?;
        fs::write(service_account.join("ca.crt"), server.ca_pem())?;
        fs::write(service_account.join("namespace"), "team-a")?;
        fs::write(directory.path().join("ca.crt"), server.ca_pem())?;
        let kubeconfig = directory.path().join("config");
        println!(
            "An API server listens on {}, for this example alone.",
            server.url()
        );

        let stage = Self {
            server,
            directory,
            kubeconfig,
            service_account,
        };
        stage.write_kubeconfig(&stage.kubeconfig_with_plugin()?)?;
        Ok(stage)
    }

    /// A kubeconfig as people have it: JSON is YAML, and spares this example the indentation.
    fn kubeconfig_with_plugin(&self) -> Result<String, Box<dyn Error>> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "prod",
            "clusters": [{
                "name": "prod",
                "cluster": { "server": self.server.url(), "certificate-authority": "ca.crt" },
            }],
            "users": [{
                "name": "jane",
                "user": { "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "interactiveMode": "Never",
                    "command": std::env::current_exe()?,
                    "args": ["plugin", self.directory.path()],
                } },
            }],
            "contexts": [{ "name": "prod", "context": { "cluster": "prod", "user": "jane", "namespace": "team-a" } }],
        });
        Ok(serde_json::to_string_pretty(&config)?)
    }

    fn write_kubeconfig(&self, content: &str) -> std::io::Result<()> {
        fs::write(&self.kubeconfig, content)
    }

    /// The default chain. Only the pod's variables and the place of its mount are the stage's own; a program
    /// in a pod calls `kubex::resolve()` and says nothing at all.
    async fn resolve(&self) -> Result<ClientConfiguration> {
        let port = self.server.address().port().to_string();
        let host = Host::real()
            .with_variable("KUBECONFIG", Some(&self.kubeconfig))
            .with_variable("KUBERNETES_SERVICE_HOST", Some("127.0.0.1"))
            .with_variable("KUBERNETES_SERVICE_PORT", Some(port))
            .with_variable("POD_NAMESPACE", None::<String>);
        let mount = Options::new().set("root", self.service_account.to_string_lossy().into_owned());
        let chain = Chain::builder(kubex::registry()?)
            .host(host)
            .source(Source::new("kubeconfig"))
            .source(Source::new("in-cluster").provider("in-cluster").options(mount));
        chain.build()?.resolve().await
    }

    fn plugin_runs(&self) -> usize {
        runs_of_the_plugin(self.directory.path())
    }
}

/// Asks the server who we are (`SelfSubjectReview`).
async fn whoami(configuration: &ClientConfiguration) -> Result<String, Box<dyn Error>> {
    let client = kubex::reqwest::Client::new(configuration)?;
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let answer: Value = client.post(path)?.json(&review).send().await?.json().await?;
    let user = &answer["status"]["userInfo"];
    Ok(format!("{}, groups {}", user["username"], user["groups"]))
}

fn act(number: usize, title: &str) {
    println!(
        "\n── {number}. {title} {}",
        "─".repeat(60_usize.saturating_sub(title.chars().count()))
    );
}

fn say(what: &str, words: &str) {
    println!("   {what}:\n{}", indented(words));
}

fn show(configuration: &ClientConfiguration) {
    println!(
        "   the report:\n{}",
        indented(&configuration.report().to_string())
    );
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("     {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
