//! Children that outlive a successful plugin, such as the browser that a login opens.

use crate::cluster::{ANSWER, Cluster, kubex, kubex_and_kubectl};
use crate::runs;
use crate::shell::{Shell, wait_for_file};

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_lives_and_may_write_to_stderr_when_the_command_has_exited() {
    let script = "(sleep 1.5; echo late >&2; echo late >&2 && echo lives > browser) > /dev/null & answer";
    for mode in ["IfAvailable", "Never"] {
        let cluster = Cluster::start(mode, script).await;
        for client in kubex_and_kubectl() {
            for _ in 0..runs() {
                let _ = std::fs::remove_file(cluster.path("browser"));
                let mut shell = Shell::start(&cluster.kubeconfig());
                shell.enter(&client.line);
                shell.wait_for(ANSWER);
                shell.wait_for_prompt();
                assert!(!cluster.path("browser").exists(), "the command waited for it");
                wait_for_file(&cluster.path("browser"));
                shell.assert_nothing_runs();
            }
        }
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_holds_stdout_is_waited_for_half_a_second_and_lives() {
    for child in [
        "(sleep 1.5; echo late; echo late >&2 && echo lives > browser) &",
        "setsid sh -c 'sleep 1.5; echo late; echo late >&2 && echo lives > browser' &",
        "(trap 'echo hangup > hangup' HUP; sleep 1.5; head -c 2000000 /dev/zero; echo lives > browser) &",
    ] {
        let cluster = Cluster::start("IfAvailable", &format!("{child} answer")).await;
        for _ in 0..runs() {
            let _ = std::fs::remove_file(cluster.path("browser"));
            let mut shell = Shell::start(&cluster.kubeconfig());
            shell.enter(&kubex().line);
            shell.wait_for(ANSWER);
            shell.wait_for_prompt();
            wait_for_file(&cluster.path("browser"));
            assert!(!cluster.path("hangup").exists());
            shell.assert_nothing_runs();
        }
        cluster.shutdown().await;
    }
}
