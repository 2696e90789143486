//! Ctrl-C while a plugin runs.

use crate::cluster::{Client, Cluster, kubex, kubex_and_kubectl};
use crate::runs;
use crate::shell::{CTRL_C, Shell};

async fn assert_interrupted(clients: &[Client], modes: &[&str], script: &str) {
    for mode in modes {
        let cluster = Cluster::start(mode, script).await;
        for client in clients {
            for _ in 0..runs() {
                let mut shell = Shell::start(&cluster.kubeconfig());
                let runs = cluster.runs();
                shell.enter(&format!(
                    "for i in 1 2 3; do {}; echo after-$i; done",
                    client.line
                ));
                shell.wait_for("I am here");
                shell.press(CTRL_C);
                let shown = shell.wait_for_prompt();
                assert!(
                    !shown.contains("after-"),
                    "{}: the loop went on: {shown}",
                    client.name
                );
                assert!(!shown.contains("error:"), "{}: {shown}", client.name);
                assert_eq!(cluster.runs(), runs + 1);
                assert_eq!(shell.status(), 130);
                shell.assert_nothing_runs();
            }
        }
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_plugin_the_command_and_the_loop_of_the_shell() {
    let script = "echo I am here >&2; sleep 60";
    assert_interrupted(&kubex_and_kubectl(), &["IfAvailable", "Never"], script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_ignores_the_interrupt_is_ended_too() {
    for script in [
        "trap '' INT; echo I am here >&2; sleep 60; sleep 60",
        "trap 'echo bye >&2; exit 1' INT; echo I am here >&2; sleep 60 & wait",
        "setsid sleep 60 & (sleep 60 &) ; echo I am here >&2; wait",
    ] {
        assert_interrupted(&[kubex()], &["IfAvailable", "Never"], script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_question_leaves_the_terminal_with_echo() {
    let script = "stty -echo; printf 'I am here: ' >&2; read -r password; answer";
    let cluster = Cluster::start("Always", script).await;
    for _ in 0..runs() {
        let mut shell = Shell::start(&cluster.kubeconfig());
        shell.enter(&kubex().line);
        shell.wait_for("I am here: ");
        shell.press(CTRL_C);
        shell.wait_for_prompt();
        shell.enter("stty -a");
        shell.wait_for(" echo ");
        shell.wait_for_prompt();
        shell.assert_nothing_runs();
    }
    cluster.shutdown().await;
}
