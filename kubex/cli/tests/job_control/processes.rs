//! The command without a terminal: what its parent told it to ignore, plugins that call themselves, and calls that hang.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use kubex_tests::machine::{has_tool, not_tested, patience};

use crate::cluster::Cluster;
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
    let output = run("python3", &["-c", &script], &cluster);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "t0ken\n", "{output:?}");
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
