//! The command without a terminal: what its parent told it to ignore, plugins that call themselves, and calls that hang.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use kubex_tests::machine::{has_tool, not_tested, patience};

use crate::cluster::Cluster;
use crate::runs;
use crate::shell::wait_for_file;

const KUBEX: &str = env!("CARGO_BIN_EXE_kubex");

fn run(program: &str, words: &[&str], cluster: &Cluster) -> Output {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null());
    command.env("KUBECONFIG", cluster.kubeconfig()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_ignores_sigchld_changes_nothing() {
    let cluster = Cluster::start("Never", "answer").await;
    let script = format!(
        "import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv('{KUBEX}', ['kubex', 'token'])"
    );
    for _ in 0..runs() {
        let output = run("python3", &["-c", &script], &cluster);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "t0ken\n", "{output:?}");
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_calls_itself_without_its_variables_ends_in_one_error() {
    let line = format!("env -i PATH=/usr/bin:/bin KUBECONFIG=$PWD/config {KUBEX} token");
    let sudo = format!("sudo -n env -i PATH=/usr/bin:/bin KUBECONFIG=$PWD/config {KUBEX} token");
    let mut scripts = vec![line.clone(), format!("exec {line}"), format!("setsid -w {line}")];
    if has_tool(&["sudo", "-n", "true"], "recursion through sudo") {
        scripts.push(sudo);
    }
    for script in scripts {
        for _ in 0..runs() {
            let cluster = Cluster::start("Never", &script).await;
            let started = Instant::now();
            let output = run(KUBEX, &["token"], &cluster);
            assert!(started.elapsed() < patience(Duration::from_secs(10)), "{script}");
            assert_eq!(output.status.code(), Some(5), "{script}: {output:?}");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains("it is already running"), "{stderr}");
            assert!(cluster.runs() <= 4, "{script}: {} runs", cluster.runs());
            cluster.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_18_a_plugin_that_calls_the_command_again_ends_in_one_error_and_another_plugin_may_be_run() {
    for _ in 0..runs() {
        let cluster = Cluster::start("Never", &format!("exec {KUBEX} token")).await;
        let output = run(KUBEX, &["token"], &cluster);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{stderr}");
        assert!(stderr.contains("it is already running"), "{stderr}");
        assert!(cluster.runs() <= 2, "{} runs: {stderr}", cluster.runs());
        cluster.shutdown().await;

        let script = format!("[ \"$(KUBECONFIG=$PWD/other {KUBEX} token)\" = inner ] && answer");
        let cluster = Cluster::start("Never", &script).await;
        let inner = "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
                     \"status\":{\"token\":\"inner\"}}'";
        let other = serde_json::json!({
            "current-context": "o",
            "contexts": [{"name": "o", "context": {"cluster": "o", "user": "o"}}],
            "clusters": [{"name": "o", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "o", "user": {"exec": {
                "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
                "command": "sh", "args": ["-c", inner],
            }}}],
        });
        std::fs::write(cluster.path("other"), other.to_string()).unwrap();
        let output = run(KUBEX, &["token"], &cluster);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "t0ken\n", "{output:?}");
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_17_without_descriptors_the_command_ends_with_an_error_and_never_panics() {
    if !has_tool(&["prlimit", "--version"], "a limit of open files") {
        return;
    }
    let cluster = Cluster::start("Never", "answer").await;
    let mut succeeded = 0;
    for limit in 4..40 {
        let limit = format!("--nofile={limit}");
        let output = run("prlimit", &[&limit, "--", KUBEX, "token"], &cluster);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{limit}: {stderr}");
        let code = output.status.code();
        // The loader of the system needs some, too.
        assert!(
            code.is_some_and(|code| code <= 8 || code == 127),
            "{limit}: {code:?} {stderr}"
        );
        succeeded += usize::from(code == Some(0));
    }
    assert!(succeeded > 0);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_does_not_keep_the_command_from_exiting() {
    // Reading it blocks until the kernel has something to say.
    const KERNEL_LOG: &str = "/proc/kmsg";
    let can_read = std::fs::File::open(KERNEL_LOG).is_ok();
    if !can_read {
        not_tested(
            "a blocking call that hangs",
            "/proc/kmsg cannot be opened by this user",
        );
        return;
    }
    let cluster = Cluster::start("Never", "answer").await;
    // What is there already is read first.
    let _ = Command::new("timeout").args(["0.5", "cat", KERNEL_LOG]).output();
    let path = cluster.path("hangs");
    std::fs::write(
        &path,
        format!(
            "current-context: c\nclusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1', certificate-authority: {KERNEL_LOG}}}}}]\n\
             users: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
        ),
    )
    .unwrap();
    for _ in 0..runs() {
        let started = Instant::now();
        let output = Command::new("timeout")
            .args(["--kill-after=1", "120", KUBEX, "get", "/version", "--kubeconfig"])
            .arg(&path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let code = output.status.code();
        assert!(
            code.is_some_and(|code| (1..=8).contains(&code)),
            "after {:?}: {output:?}",
            started.elapsed()
        );
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_leaves_nothing_running() {
    let script = "sleep 60 & (setsid sleep 60 &); env -i sleep 60 & (env -i PATH=$PATH sh -c 'echo $$ > orphan; exec sleep 60' >/dev/null 2>&1 &)
                  while [ ! -s orphan ]; do sleep 0.01; done; exit 1";
    let cluster = Cluster::start("Never", script).await;
    let output = run(KUBEX, &["token"], &cluster);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    wait_for_file(&cluster.path("orphan"));
    let id = std::fs::read_to_string(cluster.path("orphan")).unwrap();
    let started = Instant::now();
    let is_running = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z")
    };
    while is_running() {
        assert!(
            started.elapsed() < patience(Duration::from_secs(2)),
            "{id} is left"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    cluster.shutdown().await;
}
