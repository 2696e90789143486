//! An interactive bash on a pseudo terminal, and the processes that descend from it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use kubex_tests::machine::patience;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub(crate) const CTRL_C: &[u8] = b"\x03";
pub(crate) const CTRL_Z: &[u8] = b"\x1a";

const PROMPT: &str = "ready> ";
/// The variable by which the descendants are found.
const MARK: &str = "JOB_CONTROL_SHELL";

pub(crate) struct Shell {
    typing: File,
    screen: Arc<Mutex<String>>,
    /// Everything before was waited for.
    seen: usize,
    bash: Child,
    mark: String,
}

impl Shell {
    pub(crate) fn start(kubeconfig: &Path) -> Self {
        static SHELLS: AtomicUsize = AtomicUsize::new(0);
        let mark = format!(
            "{}-{}",
            std::process::id(),
            SHELLS.fetch_add(1, Ordering::Relaxed)
        );
        let pty = nix::pty::openpty(None, None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        // A suite that runs in the background inherits ignored signals, which no shell can restore.
        let bash = Command::new("env")
            .args(["--default-signal", "setsid", "--ctty", "bash"])
            .args(["--norc", "--noprofile", "-i"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", kubeconfig.parent().unwrap())
            .env("KUBECONFIG", kubeconfig)
            .env("TERM", "xterm")
            .env("INPUTRC", "/dev/null")
            .env("PS1", PROMPT)
            .env(MARK, &mark)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap_or_else(|error| panic!("env of coreutils: {error}"));
        drop(pty.slave);
        let typing = File::from(pty.master);
        let mut reading = typing.try_clone().unwrap();
        let screen: Arc<Mutex<String>> = Arc::default();
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // It ends with an error when the terminal is closed.
            while let Ok(length @ 1..) = reading.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..length]);
                shown.lock().unwrap().push_str(&text);
            }
        });
        let mut shell = Self {
            typing,
            screen,
            seen: 0,
            bash,
            mark,
        };
        shell.wait_for(PROMPT);
        shell
    }

    /// Types a line.
    pub(crate) fn enter(&mut self, line: &str) {
        self.press(format!("{line}\n").as_bytes());
    }

    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.typing.write_all(keys).unwrap();
    }

    /// Does what the system does when the window is closed: the shell gets SIGHUP, and sends it to its jobs.
    pub(crate) fn hang_up(&self) {
        kill(Pid::from_raw(self.bash.id().cast_signed()), Signal::SIGHUP).unwrap();
    }

    /// Sends a signal to the command alone.
    pub(crate) fn signal(&self, program: &str, signal: Signal) {
        let running = self.running();
        let line = running
            .iter()
            .find(|line| line.split(' ').nth(1) == Some(program))
            .unwrap();
        let id = line.split(' ').next().unwrap().parse().unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    /// Waits until this is on the screen, after what was waited for before. Returns what came before it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let screen = self.screen.lock().unwrap().clone();
            let new = screen.get(self.seen..).unwrap_or_default();
            if let Some(at) = new.find(text) {
                self.seen += at + text.len();
                return new[..at].to_owned();
            }
            assert!(
                started.elapsed() < patience(Duration::from_secs(15)),
                "{text:?} is not on the screen: {new}\nrunning: {:?}",
                self.running()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the shell, and returns what is on the screen since the last wait.
    #[track_caller]
    pub(crate) fn wait_for_prompt(&mut self) -> String {
        self.wait_for(PROMPT)
    }

    /// The exit status of the last command.
    #[track_caller]
    pub(crate) fn status(&mut self) -> i32 {
        self.enter("echo status=$?.");
        self.wait_for("status=$?.");
        self.wait_for("status=");
        let status = self.wait_for(".").parse().unwrap();
        self.wait_for_prompt();
        status
    }

    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// The command lines of all processes that the shell's jobs left.
    pub(crate) fn running(&self) -> Vec<String> {
        let marked = format!("{MARK}={}", self.mark);
        let own = self.bash.id().to_string();
        let mut running = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let id = entry.file_name().into_string().unwrap_or_default();
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let mut variables = environment.split(|&byte| byte == 0);
            if id != own && variables.any(|variable| variable == marked.as_bytes()) {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                running.push(format!(
                    "{id} {}",
                    String::from_utf8_lossy(&line).replace('\0', " ")
                ));
            }
        }
        running
    }

    /// Fails if a process is left after a while.
    #[track_caller]
    pub(crate) fn assert_nothing_runs(&self) {
        let started = Instant::now();
        while !self.running().is_empty() {
            assert!(
                started.elapsed() < patience(Duration::from_secs(3)),
                "left: {:?}\n{}",
                self.running(),
                self.screen()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for line in self.running() {
            let id = line.split(' ').next().and_then(|id| id.parse().ok());
            if let Some(id) = id {
                let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
            }
        }
        let _ = self.bash.kill();
        let _ = self.bash.wait();
    }
}

/// Waits until a file is there.
#[track_caller]
pub(crate) fn wait_for_file(path: &Path) {
    let started = Instant::now();
    while !path.exists() {
        assert!(
            started.elapsed() < patience(Duration::from_secs(10)),
            "{} is not there",
            path.display()
        );
        thread::sleep(Duration::from_millis(5));
    }
}
