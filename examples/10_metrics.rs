//! Metrics for Prometheus: a plugin whose tokens live for six seconds, a token that the server revokes, a plugin that fails for
//! a while, and a kubeconfig that changes its server.
//!
//! `cargo run -p kubex-client-tests --example metrics` prints one scrape. With a number of seconds, it prints one scrape each
//! second: the data of the picture in `docs/pictures`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use kubex_tests::api_server::{ApiServer, User};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const LIFETIME: Duration = Duration::from_secs(6);

#[tokio::main]
async fn main() -> Result<()> {
    let seconds: Option<u64> = match std::env::args().nth(1) {
        Some(seconds) => Some(seconds.parse()?),
        None => None,
    };
    for line in run(seconds).await? {
        println!("{line}");
    }
    Ok(())
}

async fn run(seconds: Option<u64>) -> Result<Vec<String>> {
    // The program chooses the recorder; Kubex only writes to it.
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &[0.01, 0.1, 1.0, 10.0])?
        .install_recorder()?;
    kubex::metrics::describe();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let endpoint = tokio::spawn(serve_metrics(listener, recorder));

    let server = ApiServer::builder().start().await?;
    let directory = tempfile::tempdir()?;
    let cluster = Cluster {
        kubeconfig: directory.path().join("config"),
        answer: directory.path().join("answer.json"),
        authority: directory.path().join("ca.crt"),
    };
    std::fs::write(&cluster.authority, server.ca_pem())?;
    cluster.point_at(server.url())?;
    cluster.issue("token-0", &server)?;
    let configuration = kubex::configure_from_kubeconfig()
        .path(&cluster.kubeconfig)
        .following()
        .await?;
    let client = kubex::reqwest::Client::new(&configuration)?;

    let mut scrapes = Vec::new();
    let started = Instant::now();
    for second in 0..seconds.unwrap_or(1) {
        if let 20..30 = second {
            // The plugin fails. The old token is used until it expires.
            drop(std::fs::remove_file(&cluster.answer));
        } else {
            cluster.issue(&format!("token-{}", second + 1), &server)?;
        }
        if second == 65 {
            // The server is another one: a followed configuration keeps the old one.
            cluster.point_at("https://127.0.0.2:6443")?;
        }
        if second % 20 == 10 {
            // Every token but the newest one.
            for revoked in second.saturating_sub(6)..=second {
                server.revoke_token(&format!("token-{revoked}"));
            }
        }
        while started.elapsed() < Duration::from_secs(second + 1) {
            // While the plugin fails and the token has expired, there is nothing to send.
            if let Ok(answer) = client.get("/version")?.send().await {
                drop(answer.bytes().await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if seconds.is_some() {
            scrapes.push(format!("# second {second}"));
        }
        scrapes.push(scrape(address).await?);
    }
    endpoint.abort();
    server.shutdown().await;
    Ok(scrapes)
}

/// Answers each connection with the metrics. A program that already has an HTTP server adds a route to it.
async fn serve_metrics(listener: TcpListener, recorder: PrometheusHandle) -> Result<()> {
    loop {
        let (mut connection, _) = listener.accept().await?;
        // What is asked for does not matter, so the first line is enough.
        BufReader::new(&mut connection)
            .read_line(&mut String::new())
            .await?;
        // The time to the expiry of a credential changes although nothing happens.
        kubex::metrics::update();
        recorder.run_upkeep();
        let body = recorder.render();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n\r\n";
        connection.write_all(format!("{head}{body}").as_bytes()).await?;
    }
}

async fn scrape(address: std::net::SocketAddr) -> Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    connection
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no body")?;
    Ok(body.to_owned())
}

/// The files of a cluster whose credentials a plugin prints.
struct Cluster {
    kubeconfig: PathBuf,
    answer: PathBuf,
    authority: PathBuf,
}

impl Cluster {
    fn point_at(&self, server: &str) -> std::io::Result<()> {
        let (answer, authority) = (self.answer.display(), self.authority.display());
        let kubeconfig = format!(
            "current-context: lab
contexts: [{{name: lab, context: {{cluster: lab, user: worker}}}}]
clusters: [{{name: lab, cluster: {{server: \"{server}\", certificate-authority: \"{authority}\"}}}}]
users:
- name: worker
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: /bin/cat
      args: [\"{answer}\"]
      interactiveMode: Never
"
        );
        replace(&self.kubeconfig, &kubeconfig)
    }

    /// The plugin prints this token from now on.
    fn issue(&self, token: &str, server: &ApiServer) -> Result<()> {
        server.accept_token_until(token, User::new("worker"), Instant::now() + LIFETIME);
        let expires = jiff::Timestamp::try_from(SystemTime::now() + LIFETIME)?;
        let answer = serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": {"token": token, "expirationTimestamp": expires.to_string()},
        });
        Ok(replace(&self.answer, &answer.to_string())?)
    }
}

/// Writes by atomic rename, so that no reader sees half of it.
fn replace(path: &Path, content: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, content)?;
    std::fs::rename(new, path)
}

#[cfg(test)]
#[tokio::test]
async fn a_scrape_has_what_happened() {
    let scrapes = run(None).await.unwrap();
    let scrape = scrapes.last().unwrap();
    for series in [
        "kubex_handles{subject=\"credentials\"} ",
        "kubex_fetches_total{subject=\"credentials\",source=\"kubeconfig\",outcome=\"fetched\",reason=\"first\"} 1",
        "kubex_credentials_seconds_to_expiry{source=\"kubeconfig\"} ",
        "kubex_fetch_duration_seconds_bucket{subject=\"credentials\",source=\"kubeconfig\",le=\"0.01\"} ",
        "rest_client_exec_plugin_call_total{code=\"0\",call_status=\"no_error\"} 1",
        "rest_client_exec_plugin_policy_call_total{allowed=\"true\",denied=\"false\"} 1",
        "rest_client_exec_plugin_ttl_seconds inf",
    ] {
        assert!(scrape.contains(series), "{series} is not in {scrape}");
    }
    assert!(!scrape.contains("token-"), "{scrape}");
}
