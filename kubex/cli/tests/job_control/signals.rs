//! Signals to the command alone, while a plugin runs.

use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::cluster::{Cluster, kubex};
use crate::runs;
use crate::shell::Shell;

/// A plugin with a child, a child in another session, and an orphan.
const SCRIPT: &str = "sleep 60 & setsid sleep 60 & (sleep 60 &); echo I am here >&2; wait";

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_to_the_command_ends_the_plugin_with_all_it_started() {
    for mode in ["Never", "IfAvailable"] {
        let cluster = Cluster::start(mode, SCRIPT).await;
        for (signal, status) in [
            (Signal::SIGINT, 130),
            (Signal::SIGTERM, 143),
            (Signal::SIGHUP, 129),
            (Signal::SIGQUIT, 131),
            (Signal::SIGKILL, 137),
        ] {
            for _ in 0..runs() {
                let mut shell = Shell::start(&cluster.kubeconfig());
                shell.enter(&kubex().line);
                shell.wait_for("I am here");
                shell.signal(env!("CARGO_BIN_EXE_kubex"), signal);
                shell.wait_for_prompt();
                assert_eq!(shell.status(), status, "{signal}: {}", shell.screen());
                shell.assert_nothing_runs();
            }
        }
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_closed_ends_the_plugin() {
    for mode in ["Never", "IfAvailable"] {
        let cluster = Cluster::start(mode, SCRIPT).await;
        for _ in 0..runs() {
            let mut shell = Shell::start(&cluster.kubeconfig());
            shell.enter(&kubex().line);
            shell.wait_for("I am here");
            shell.hang_up();
            shell.assert_nothing_runs();
        }
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_that_the_parent_set_to_be_ignored_is_ignored() {
    let cluster = Cluster::start(
        "Never",
        "echo I am here >&2; while [ ! -e go ]; do sleep 0.02; done; answer",
    )
    .await;
    let mut shell = Shell::start(&cluster.kubeconfig());
    shell.enter(&format!(
        "nohup {} > '{}' 2> '{}' &",
        kubex().line,
        cluster.path("out").display(),
        cluster.path("messages").display()
    ));
    shell.wait_for_prompt();
    crate::shell::wait_for_file(&cluster.path("runs"));
    shell.enter("kill -HUP $!");
    shell.wait_for_prompt();
    thread::sleep(Duration::from_millis(200));
    std::fs::write(cluster.path("go"), "").unwrap();
    shell.enter("wait $!");
    shell.wait_for_prompt();
    assert_eq!(shell.status(), 0, "{}", shell.screen());
    cluster.shutdown().await;
}
