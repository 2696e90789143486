//! Exec plugins as real processes, through a chain: one run for all callers, no waiting, no process left.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kubex::{Chain, Credentials, ErrorKind, ExposeSecret as _, Options, Source};
use kubex_tests::machine::patience;

/// A directory with a plugin in it, which notes each of its runs.
struct Plugin {
    directory: tempfile::TempDir,
}

impl Plugin {
    /// The script finds the number of its run in `$run` and answers with `answer TOKEN [EXPIRY]`.
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plugin");
        let runs = directory.path().join("runs");
        let text = format!(
            "#!/bin/sh\necho $$ >> {runs}\nrun=$(wc -l < {runs})\n\
             answer() {{ printf '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
             \"status\":{{\"token\":\"%s\",\"expirationTimestamp\":%s}}}}' \"$1\" \"${{2:-null}}\"; }}\n{script}\n",
            runs = runs.display()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("plugin")
    }

    /// The process ids of its runs.
    fn runs(&self) -> Vec<u32> {
        let runs = fs::read_to_string(self.directory.path().join("runs")).unwrap_or_default();
        runs.lines().map(|id| id.trim().parse().unwrap()).collect()
    }

    async fn credentials(&self, deadline: &str) -> Credentials {
        let options = Options::new()
            .set("server", "https://10.0.0.1")
            .set("command", self.path().to_string_lossy().into_owned())
            .set("deadline", deadline);
        let chain = Chain::builder(kubex::registry().unwrap())
            .source(Source::new("cloud").provider("exec").options(options))
            .build()
            .unwrap();
        chain.resolve().await.unwrap().credentials().clone()
    }
}

/// A time so many seconds from now, as a JSON string for a script.
fn in_seconds(seconds: u64) -> String {
    let at = kubex::time::rfc3339(std::time::SystemTime::now() + Duration::from_secs(seconds));
    format!("'\"{at}\"'")
}

async fn token(credentials: &Credentials) -> String {
    credentials
        .current()
        .await
        .unwrap()
        .token()
        .unwrap()
        .expose_secret()
        .to_owned()
}

fn is_running(id: u32) -> bool {
    // A zombie has ended; it only waits to be collected.
    let status = fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z")
}

/// Waits at most two seconds, on an idle machine, for the process to be gone.
async fn wait_until_gone(id: u32) {
    wait_until_gone_after(Duration::ZERO, id).await;
}

/// The same for a process that may run this long first.
async fn wait_until_gone_after(deadline: Duration, id: u32) {
    let begun = Instant::now();
    while is_running(id) {
        assert!(
            begun.elapsed() < deadline + patience(Duration::from_secs(2)),
            "process {id} is still running"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_tasks_that_ask_one_expired_credential_cause_one_run() {
    let lifetime = patience(Duration::from_secs(1));
    let soon = in_seconds(lifetime.as_secs());
    let later = in_seconds(3600);
    let plugin = Plugin::new(&format!(
        "[ $run = 1 ] && answer token-1 {soon} || answer token-$run {later}"
    ));
    let credentials = plugin.credentials("30s").await;
    assert!(plugin.runs().is_empty(), "resolving runs nothing");
    credentials.current().await.unwrap();
    assert_eq!(plugin.runs().len(), 1);

    tokio::time::sleep(lifetime + Duration::from_millis(100)).await;
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let credentials = credentials.clone();
            tokio::spawn(async move { token(&credentials).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "token-2");
    }
    assert_eq!(plugin.runs().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tasks_at_a_cold_start_cause_one_run() {
    let later = in_seconds(3600);
    let plugin = Plugin::new(&format!("sleep 0.2; answer token-$run {later}"));
    let credentials = plugin.credentials("30s").await;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..10_000)
        .map(|_| {
            let credentials = credentials.clone();
            tokio::spawn(async move { token(&credentials).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "token-1");
    }
    println!("10,000 tasks, {} run, {:?}", plugin.runs().len(), begun.elapsed());
    assert_eq!(plugin.runs().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_configurations_with_the_same_plugin_share_one_run() {
    let later = in_seconds(3600);
    let plugin = Plugin::new(&format!("sleep 0.1; answer token-$run {later}"));
    let (one, other) = (plugin.credentials("30s").await, plugin.credentials("30s").await);
    let both = tokio::join!(token(&one), token(&other));
    assert_eq!(both, ("token-1".to_owned(), "token-1".to_owned()));
    one.invalidate(one.current().await.unwrap().generation());
    assert_eq!(token(&other).await, "token-2", "a rejection is for both");
    drop(one);
    assert_eq!(token(&plugin.credentials("30s").await).await, "token-2");
    drop(other);
    // The task of the last fetch may have it for a moment longer than those who waited for it.
    for _ in 0..100 {
        if token(&plugin.credentials("30s").await).await == "token-3" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        plugin.runs().len(),
        3,
        "it had no user any more, so it was run anew"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_caller_waits_for_a_plugin_that_hangs_while_the_old_token_is_valid() {
    // Of at most 20 s, the second half is when a credential is renewed.
    let lifetime = patience(Duration::from_secs(2)).min(Duration::from_secs(20));
    let soon = in_seconds(lifetime.as_secs());
    let plugin = Plugin::new(&format!("[ $run = 1 ] && answer old {soon} || exec sleep 600"));
    let deadline = format!("{}s", lifetime.as_secs() / 2);
    let credentials = plugin.credentials(&deadline).await;
    assert_eq!(token(&credentials).await, "old");

    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < lifetime * 3 / 4 && plugin.runs().len() < 2 {
        let asked = Instant::now();
        assert_eq!(token(&credentials).await, "old");
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(token(&credentials).await, "old");
        slowest = slowest.max(asked.elapsed());
    }
    let runs = plugin.runs();
    assert_eq!(runs.len(), 2, "the refresh is under way");
    assert!(is_running(runs[1]), "and it hangs");
    assert!(
        slowest < patience(Duration::from_millis(500)),
        "a caller waited {slowest:?}"
    );

    // Its deadline ends it, with everything it started.
    wait_until_gone_after(lifetime / 2, runs[1]).await;
}

#[test]
fn a_runtime_that_is_shut_down_leaves_no_plugin_running() {
    let plugin = Plugin::new("exec sleep 600");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let credentials = plugin.credentials("30s").await;
        drop(tokio::spawn(async move { credentials.current().await.map(drop) }));
        let begun = Instant::now();
        while plugin.runs().is_empty() && begun.elapsed() < patience(Duration::from_secs(2)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let id = plugin.runs()[0];
    assert!(is_running(id));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(wait_until_gone(id));
}

#[tokio::test]
async fn the_stderr_of_the_plugin_is_part_of_the_error() {
    let plugin = Plugin::new("echo 'no login: run cloud login first' >&2; exit 7");
    let error = plugin.credentials("30s").await.current().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.source_name()),
        (ErrorKind::PluginFailed, Some("cloud"))
    );
    let text = error.to_string();
    assert!(
        text.contains("exit code 7") && text.contains("no login: run cloud login first"),
        "{text}"
    );
}

#[tokio::test]
async fn arguments_and_variables_arrive_as_they_are() {
    let plugin = Plugin::new(
        "answer \"$1|$2|$GREETING|$(printf %s \"$KUBERNETES_EXEC_INFO\" | wc -c)\" | tr -d '\\n'",
    );
    let variable = |name: &str, value: &str| {
        use kubex::options::{Value, ValueKind};
        let entry = |text: &str| Value::new(text, kubex::Origin::code());
        ValueKind::from(vec![
            ("name".to_owned(), entry(name)),
            ("value".to_owned(), entry(value)),
        ])
    };
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("command", plugin.path().to_string_lossy().into_owned())
        .set("args", vec!["two words", "$HOME;`id`"])
        .set(
            "env",
            vec![
                variable("GREETING", "hello"),
                variable("KUBERNETES_EXEC_INFO", "x"),
            ],
        );
    let chain = Chain::builder(kubex::registry().unwrap())
        .source(Source::new("cloud").provider("exec").options(options))
        .build()
        .unwrap();
    let credentials = chain.resolve().await.unwrap().credentials().clone();
    let info = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#;
    // The shell's `$( )` drops the trailing line feed that the variable ends with.
    let seen = token(&credentials).await;
    let length = info.len() + 1;
    assert_eq!(seen, format!("two words|$HOME;`id`|hello|{length}"));
}
