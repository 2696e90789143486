//! `explain --watch`: one block for each change, until Ctrl-C.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kubex_tests::machine::patience;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{KUBEX, program};

const SECRET: &str = "Qz7watch-canary-in-a-token";

fn kubeconfig(server: &str, token: &str) -> String {
    format!(
        "current-context: a\ncontexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\nusers: [{{name: u, user: {{token: {token}}}}}]\n"
    )
}

/// A command that watches, and the lines that it prints.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    printed: String,
}

impl Watching {
    fn start(words: &[&str], kubeconfig: &Path) -> Self {
        let mut command = program(KUBEX, &[&["explain", "--watch"], words].concat());
        command
            .env("KUBECONFIG", kubeconfig)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            printed: String::new(),
        }
    }

    /// Waits for a line that contains this text.
    fn wait_for(&mut self, text: &str) {
        loop {
            let line = self.lines.recv_timeout(patience(Duration::from_secs(20)));
            let line = line.unwrap_or_else(|_| panic!("{text} does not follow {}", self.printed));
            self.printed.push_str(&line);
            self.printed.push('\n');
            if line.contains(text) {
                return;
            }
        }
    }

    /// Ends it as Ctrl-C does. Returns all that it printed on stdout.
    fn interrupt(mut self) -> String {
        let signal = signal_of_ctrl_c();
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(signal as i32), "{ended:?}");
        for line in &self.lines {
            self.printed.push_str(&line);
            self.printed.push('\n');
        }
        self.printed
    }
}

/// SIGINT, unless this process was started with it ignored, as a shell does in the background. Children inherit that.
fn signal_of_ctrl_c() -> Signal {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    if ignored & (1 << (Signal::SIGINT as i32 - 1)) == 0 {
        return Signal::SIGINT;
    }
    eprintln!(
        "NOT TESTED with SIGINT, which is ignored here, but with SIGTERM: explain --watch ends with Ctrl-C"
    );
    Signal::SIGTERM
}

#[test]
fn each_change_is_a_block_until_ctrl_c() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let server = "https://10.0.0.1:6443";
    std::fs::write(&path, kubeconfig(server, SECRET)).unwrap();
    let mut watching = Watching::start(&[], &path);
    watching.wait_for("kubeconfig   chosen");
    watching.wait_for("users[u].user.token");
    std::fs::write(&path, kubeconfig(server, &format!("{SECRET}-2"))).unwrap();
    watching.wait_for(" followed: credential");
    watching.wait_for("users[u].user.token");
    std::fs::write(&path, kubeconfig("https://10.0.0.2:6443", SECRET)).unwrap();
    watching.wait_for(" kept: server https://10.0.0.1:6443 to https://10.0.0.2:6443");
    std::fs::write(&path, format!("users: [{{token: {SECRET}")).unwrap();
    watching.wait_for(" failed: ");
    std::fs::write(&path, kubeconfig(server, &format!("{SECRET}-3"))).unwrap();
    watching.wait_for(" recovered");
    watching.wait_for(" followed: credential");
    let printed = watching.interrupt();
    assert!(!printed.contains("Qz7watch"), "{printed}");
}

#[test]
fn each_change_is_a_document_for_a_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let server = "https://10.0.0.1:6443";
    std::fs::write(&path, kubeconfig(server, SECRET)).unwrap();
    let mut watching = Watching::start(&["-ojson"], &path);
    watching.wait_for("}");
    watching.wait_for("\"warnings\"");
    std::fs::write(&path, kubeconfig("https://10.0.0.2:6443", SECRET)).unwrap();
    watching.wait_for("\"outcome\": \"kept\"");
    watching.wait_for("\"warnings\"");
    let printed = watching.interrupt();
    let documents = serde_json::Deserializer::from_str(&printed).into_iter::<serde_json::Value>();
    let documents: Vec<_> = documents.map(Result::unwrap).collect();
    assert_eq!(documents.len(), 2, "{printed}");
    assert_eq!(documents[1]["sources"], documents[0]["sources"]);
    let details = documents[1]["details"].as_str().unwrap();
    assert!(
        details.starts_with("server https://10.0.0.1:6443 to "),
        "{details}"
    );
    assert!(!printed.contains("Qz7watch"), "{printed}");
}

#[test]
fn a_chain_that_fails_at_the_start_is_shown_and_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let server = "https://10.0.0.1:6443";
    let start: [(&str, &[&str]); 3] = [
        ("nothing is there", &[]),
        ("the file is empty", &[]),
        ("the file must exist", &["--kubeconfig", path.to_str().unwrap()]),
    ];
    for (what, words) in start {
        let _ = std::fs::remove_file(&path);
        if what == "the file is empty" {
            std::fs::write(&path, "").unwrap();
        }
        let mut watching = Watching::start(words, &path);
        watching.wait_for(if words.is_empty() {
            "kubeconfig   not configured"
        } else {
            "kubeconfig   failed"
        });
        std::fs::write(&path, format!("users: [{{token: {SECRET}")).unwrap();
        watching.wait_for(" failed: ");
        std::fs::write(&path, kubeconfig(server, SECRET)).unwrap();
        watching.wait_for(" resolved");
        watching.wait_for("users[u].user.token");
        std::fs::write(&path, kubeconfig(server, &format!("{SECRET}-2"))).unwrap();
        watching.wait_for(" followed: credential");
        let printed = watching.interrupt();
        assert!(!printed.contains("Qz7watch"), "{what}: {printed}");
    }
}
