//! A real terminal, handed over to real plugins that ask their user.
//!
//! The test is the user: it holds the other end of a pseudo terminal and types. The program that hands its
//! terminal over is this one again, as the leader of a session of its own whose terminal that is.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use kubex::host::{PluginRules, Terminal};
use kubex::{Chain, Credentials, ErrorKind, ExposeSecret as _, Host, Options, Source};
use kubex_tests::machine::patience;
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use tokio::signal::unix::{SignalKind, signal};

const VARIABLE: &str = "KUBEX_TERMINAL_TEST";

/// The user's end.
struct User {
    typing: File,
    seen: Arc<Mutex<String>>,
    program: Child,
}

impl User {
    fn start() -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let program = Command::new("setsid")
            .arg("--ctty")
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "part_of_the_test",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(VARIABLE, "yes")
            .env("RUST_BACKTRACE", "0")
            .stdin(end())
            .stdout(Stdio::piped())
            .stderr(end())
            .spawn()
            .expect("setsid of util-linux");
        drop(pty.slave);
        let typing = File::from(pty.master);
        let mut reading = typing.try_clone().unwrap();
        let seen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&seen);
        thread::spawn(move || {
            let mut piece = [0; 1024];
            // It ends with an error when the other end is closed.
            while let Ok(length) = reading.read(&mut piece) {
                if length == 0 {
                    break;
                }
                shown
                    .lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        Self {
            typing,
            seen,
            program,
        }
    }

    /// Waits until this is on the screen, and types.
    fn answer(&mut self, question: &str, answer: &[u8]) {
        self.wait_for(question);
        self.typing.write_all(answer).unwrap();
    }

    fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.screen().contains(text) {
            if begun.elapsed() > patience(Duration::from_secs(10)) {
                let _ = self.program.kill();
                panic!("{text} did not show: {}", self.screen());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }
}

#[test]
fn a_plugin_asks_its_user_at_the_terminal_that_was_handed_over() {
    let mut user = User::start();
    user.answer("one-time code? ", b"123456\n");
    user.wait_for("U+001B[31mthank you");
    user.answer("interrupt me ", &[3]);
    user.wait_for("I hang");
    user.answer("does the program itself have its terminal back? ", b"it does\n");
    let ended = user.program.wait().unwrap();
    let mut told = String::new();
    user.program
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    let screen = user.screen();
    assert!(ended.success() && told.contains("1 passed"), "{told}\n{screen}");
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
}

async fn ask(directory: &std::path::Path, script: &str, rules: PluginRules) -> Credentials {
    // Each has a name of its own, because equal plugins share one credential.
    let path = directory.join(format!("plugin-{}", fs::read_dir(directory).unwrap().count()));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let host = Host::real()
        .with_terminal(Terminal::standard_input())
        .with_plugin_rules(rules);
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("command", path.to_str().unwrap())
        .set("interactive-mode", "Always");
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(host)
        .source(Source::new("cloud").provider("exec").options(options))
        .build()
        .unwrap();
    chain.resolve().await.unwrap().credentials().clone()
}

/// The program is in the foreground, and what is typed is shown.
fn assert_the_terminal_is_as_it_was() {
    let terminal = io::stdin();
    assert_eq!(tcgetpgrp(&terminal).unwrap(), getpgrp());
    let settings = tcgetattr(&terminal).unwrap();
    assert!(
        settings
            .local_flags
            .contains(LocalFlags::ECHO | LocalFlags::ICANON)
    );
}

#[tokio::test]
#[ignore = "a part of the test above, which runs it at a terminal"]
async fn part_of_the_test() {
    assert!(std::env::var(VARIABLE).is_ok(), "this is a part of another test");
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    assert_the_terminal_is_as_it_was();

    // It reads a line, with the settings that a password is asked with.
    let script = "printf 'one-time code? ' >&2; stty -echo; read -r code\n\
                  printf '\\033[31mthank you\\n' >&2\n\
                  case \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":true'*) told=yes;; esac\n\
                  echo \"{apiVersion: client.authentication.k8s.io/v1, status: {token: code-$code-$told}}\"";
    let credentials = ask(directory, script, PluginRules::new()).await;
    let credential = credentials.current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "code-123456-yes");
    assert_the_terminal_is_as_it_was();

    // Ctrl-C reaches both. This program handles it, and the plugin ends.
    let mut interrupts = signal(SignalKind::interrupt()).unwrap();
    let script = "stty -echo; printf 'interrupt me ' >&2; read -r code; echo never";
    let error = ask(directory, script, PluginRules::new())
        .await
        .current()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginFailed);
    assert!(error.message().contains("signal 2 (SIGINT)"), "{error}");
    interrupts.recv().await.unwrap();
    assert_the_terminal_is_as_it_was();

    // The deadline of a run at the terminal is its own.
    let script = "printf 'I hang' >&2; stty -echo -icanon; sleep 600";
    let deadline = patience(Duration::from_millis(300));
    let rules = PluginRules::new().interactive_deadline(deadline);
    let begun = Instant::now();
    let error = ask(directory, script, rules).await.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(begun.elapsed() < deadline + patience(Duration::from_secs(2)));
    assert!(
        error.help().unwrap().contains("\"exec.interactive-deadline\""),
        "{error}"
    );
    assert_the_terminal_is_as_it_was();

    // A caller that goes away takes the plugin along, and the terminal is given back.
    let script = "stty -echo; read -r code";
    let rules = PluginRules::new().interactive_deadline(patience(Duration::from_millis(900)));
    let runtime_of_its_own = thread::spawn({
        let directory = directory.to_owned();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let credentials = ask(&directory, script, rules).await;
                let asking = tokio::spawn(async move { credentials.current().await.map(drop) });
                tokio::time::sleep(patience(Duration::from_millis(200))).await;
                assert!(!asking.is_finished());
            });
            drop(runtime);
        }
    });
    runtime_of_its_own.join().unwrap();
    assert_the_terminal_is_as_it_was();

    let _ = io::stderr().write_all(b"does the program itself have its terminal back? ");
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).unwrap();
    assert_eq!(line, "it does\n");
}
