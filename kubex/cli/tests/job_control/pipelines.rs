//! Pipelines whose other programs use the terminal, and Ctrl-Z.

use crate::cluster::{ANSWER, Cluster, kubex, kubex_and_kubectl};
use crate::runs;
use crate::shell::{CTRL_Z, Shell};

/// Reads a line from the terminal at once, as a program that asks.
const LINE: &str = r#"python3 -c "
import sys
t = open('/dev/tty', 'r+b', buffering=0)
t.write(b'your' + b' line: ')
print('line', t.readline().decode().strip(), sys.stdin.read())""#;

/// Takes the terminal over and reads a key from it at once, as fzf.
const KEY: &str = r#"python3 -c "
import sys, termios, tty
t = open('/dev/tty', 'r+b', buffering=0)
old = termios.tcgetattr(t)
tty.setcbreak(t)
t.write(b'your' + b' key: ')
key = t.read(1).decode()
termios.tcsetattr(t, termios.TCSADRAIN, old)
print('key', key, sys.stdin.read())""#;

#[tokio::test(flavor = "multi_thread")]
async fn a_pager_beside_a_plugin_with_the_terminal_works() {
    let cluster = Cluster::start("IfAvailable", "sleep 0.1; answer").await;
    for client in kubex_and_kubectl() {
        for _ in 0..runs() {
            let mut shell = Shell::start(&cluster.kubeconfig());
            shell.enter(&format!("{} | less", client.line));
            shell.wait_for(ANSWER);
            shell.wait_for("(END)");
            shell.press(b"q");
            let rest = shell.wait_for_prompt();
            assert!(!rest.contains("Stopped"), "{}: {rest}", client.name);
            shell.assert_nothing_runs();
        }
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_reads_the_terminal_beside_a_plugin_works() {
    for mode in ["IfAvailable", "Never"] {
        let cluster = Cluster::start(mode, "sleep 0.3; answer").await;
        for client in kubex_and_kubectl() {
            for (reader, question, keys, shown) in [
                (LINE, "your line: ", "hello\n", "line hello"),
                (KEY, "your key: ", "k", "key k"),
            ] {
                for _ in 0..runs() {
                    let mut shell = Shell::start(&cluster.kubeconfig());
                    shell.enter(&format!("{} | {reader}", client.line));
                    shell.wait_for(question);
                    shell.press(keys.as_bytes());
                    shell.wait_for(&format!("{shown} \"{ANSWER}\""));
                    let rest = shell.wait_for_prompt();
                    assert!(!rest.contains("Stopped"), "{}: {rest}", client.name);
                    assert!(!shell.screen().contains("Stopped"), "{}", shell.screen());
                    shell.assert_nothing_runs();
                }
            }
        }
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_asks_at_the_terminal_within_a_pipeline() {
    let script = "printf 'code? ' >&2; read -r code; [ \"$code\" = 123 ] && answer";
    let cluster = Cluster::start("Always", script).await;
    for client in kubex_and_kubectl() {
        for _ in 0..runs() {
            let mut shell = Shell::start(&cluster.kubeconfig());
            shell.enter(&format!("{} | cat", client.line));
            shell.wait_for("code? ");
            shell.enter("123");
            shell.wait_for(ANSWER);
            assert!(!shell.wait_for_prompt().contains("Stopped"));
            shell.assert_nothing_runs();
        }
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_was_stopped_with_its_command_continues_with_it() {
    let script = "printf 'code? ' >&2; read -r code; [ \"$code\" = 123 ] && answer";
    let cluster = Cluster::start("IfAvailable", script).await;
    // Not with kubectl: its launchers are several processes, which a shell sees stop one by one.
    let client = kubex();
    for _ in 0..runs() {
        let mut shell = Shell::start(&cluster.kubeconfig());
        shell.enter(&client.line);
        shell.wait_for("code? ");
        shell.press(CTRL_Z);
        shell.wait_for("Stopped");
        shell.wait_for_prompt();
        shell.enter("fg");
        shell.wait_for(&client.line);
        shell.enter("123");
        shell.wait_for(ANSWER);
        shell.wait_for_prompt();
        assert_eq!(shell.status(), 0, "{}", shell.screen());
        shell.assert_nothing_runs();
    }
    cluster.shutdown().await;
}
