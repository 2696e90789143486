//! A cache of its own, and a plugin that counts its runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) const KUBEX: &str = env!("CARGO_BIN_EXE_kubex");

/// What kubectl passes to a plugin.
pub(crate) const EXEC_INFO: &str = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#;

/// A directory with a cache, a home and a plugin.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    /// A world whose plugin prints a token that is valid for ten minutes.
    pub(crate) fn new() -> Self {
        let world = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(world.path("home")).unwrap();
        world.write("lifetime", "600");
        world.write("delay", "0");
        world.write("version", "v1");
        world.write("status", "0");
        let script = r#"#!/bin/sh
cd "${0%/*}" || exit 1
delay=$(cat delay)
echo $$ >> runs
run=$(wc -l < runs)
sleep "$delay"
status=$(cat status)
if [ "$status" != 0 ]; then echo "the session has expired" >&2; exit "$status"; fi
token="s3cret-token-$run"
if [ -e token ]; then token=$(cat token); fi
printf '{"apiVersion":"client.authentication.k8s.io/%s","kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"%s"}}' \
    "$(cat version)" "$token" "$(date -u -d "+$(cat lifetime) sec" +%Y-%m-%dT%H:%M:%SZ)"
"#;
        world.write("plugin", script);
        fs::set_permissions(world.path("plugin"), fs::Permissions::from_mode(0o755)).unwrap();
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// How often the plugin was run.
    pub(crate) fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// Waits until the plugin was run this often.
    pub(crate) fn wait_for_runs(&self, runs: usize) {
        let began = Instant::now();
        while self.runs() < runs {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the plugin was not started"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The directory of the store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("cache/credentials")
    }

    /// The files of the store with this ending.
    pub(crate) fn files(&self, ending: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.store())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|extension| extension == ending))
            .collect()
    }

    /// The command, with this cache and no other variable.
    pub(crate) fn kubex(&self, words: &[&str]) -> Command {
        self.program(Path::new(KUBEX), words)
    }

    /// A program in this world.
    pub(crate) fn program(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", "/usr/bin:/bin")
            .env("KUBEX_CACHE_DIR", self.path("cache"))
            .env("KUBEX_CACHE_KEY", "file")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `kubex exec -- plugin`, as a person runs it.
    pub(crate) fn exec(&self) -> Command {
        let plugin = self.path("plugin");
        self.kubex(&["exec", "--", plugin.to_str().unwrap()])
    }

    /// The same, as a client such as kubectl runs it.
    pub(crate) fn exec_for_client(&self) -> Command {
        let mut command = self.exec();
        command.env("KUBERNETES_EXEC_INFO", EXEC_INFO);
        command
    }
}

/// What the command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: Option<i32>,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        }
    }
}

impl Ended {
    /// The token that was printed.
    pub(crate) fn token(&self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        let answer: serde_json::Value = serde_json::from_str(&self.stdout).unwrap();
        answer["status"]["token"].as_str().unwrap().to_owned()
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    command.output().unwrap().into()
}
