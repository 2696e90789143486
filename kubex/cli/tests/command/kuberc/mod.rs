//! kubectl's `kuberc` as a policy for plugins: each rule of KEP-3104, compared with kubectl where there is one that has it.

mod layers;
mod places;
mod rules;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubex_tests::kubectl::Kubectl;
use serde_json::Value;

use crate::world::{Ended, KUBEX, ended};

const BETA: &str = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n";
const ALPHA: &str = "apiVersion: kubectl.config.k8s.io/v1alpha1\nkind: Preference\n";
const GA: &str = "apiVersion: kubectl.config.k8s.io/v1\nkind: Preference\n";
const TOKEN: &str = "Qz7token-of-the-plugin";

/// What a program does with the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plugin {
    Runs,
    DoesNotRun,
}
use Plugin::{DoesNotRun, Runs};

/// A home directory, and a plugin that leaves a mark when it runs.
struct Scene {
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        for directory in ["home/.kube", "bin", "other"] {
            fs::create_dir_all(scene.path(directory)).unwrap();
        }
        let answer = format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{TOKEN}"}}}}"#
        );
        let script = format!("#!/bin/sh\n: > \"${{0%/*}}/../ran\"\nprintf '%s' '{answer}'\n");
        scene.write("bin/plug", &script);
        fs::set_permissions(scene.path("bin/plug"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(scene.path("bin/plug"), scene.path("other/plug")).unwrap();
        scene.use_command("plug");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The text with the directory in the place of `[DIR]`.
    fn filled(&self, text: &str) -> String {
        text.replace("[DIR]", self.directory.path().to_str().unwrap())
    }

    fn use_command(&self, command: &str) {
        self.use_plugin(&format!("command: {}", self.filled(command)));
    }

    /// Writes a kubeconfig with this plugin.
    fn use_plugin(&self, plugin: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\ncurrent-context: c\nusers:\n- name: u\n  user:\n    \
             exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, {plugin}}}\n"
        );
        self.write("home/.kube/config", &text);
    }

    fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()))
            .env("KUBEX_CACHE_DIR", self.path("cache"))
            .env("KUBEX_CACHE_KEY", "file")
            .stdin(Stdio::null());
        command
    }

    /// What a program does, and what it printed.
    fn run(&self, command: &mut Command) -> (Plugin, Ended) {
        let _ = fs::remove_file(self.path("ran"));
        let ended = ended(command.output().unwrap());
        let plugin = if self.path("ran").exists() {
            Runs
        } else {
            DoesNotRun
        };
        (plugin, ended)
    }

    fn kubex(&self, words: &[&str]) -> Command {
        self.command(Path::new(KUBEX), words)
    }
}

/// A kubectl whose kuberc has a policy for plugins.
fn kubectl() -> Option<Kubectl> {
    match Kubectl::find() {
        Ok(kubectl) if kubectl.number >= (1, 35) => Some(kubectl),
        Ok(kubectl) => {
            eprintln!(
                "NOT COMPARED: the kuberc with kubectl: {} is older than 1.35",
                kubectl.version
            );
            None
        }
        Err(why) => {
            eprintln!("NOT COMPARED: the kuberc with kubectl: {why}");
            None
        }
    }
}
