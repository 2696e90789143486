//! Calls of a plugin: in a kubeconfig, and by `kubex exec`.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use kubex::{ClientConfiguration, Error, Host, configure_from_kubeconfig};

use super::write;

/// A kubeconfig with this exec block, one line each. `version` is that of the protocol: `v1`.
pub(crate) fn kubeconfig(version: &str, exec: &str) -> String {
    let exec = exec.split('\n').fold(String::new(), |mut exec, line| {
        writeln!(exec, "      {line}").unwrap();
        exec
    });
    format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\nusers:\n- name: u\n  user:\n    exec:\n      \
         apiVersion: client.authentication.k8s.io/{version}\n      interactiveMode: IfAvailable\n{exec}"
    )
}

/// Installs a plugin that prints a token of its own: a script in `bin`, below the home directory.
pub(crate) fn install(home: &Path, plugin: &str, version: &str) {
    let answer = format!(
        r#"{{"apiVersion":"client.authentication.k8s.io/{version}","kind":"ExecCredential","status":{{"token":"printed"}}}}"#
    );
    let file = write(
        home,
        &format!("bin/{plugin}"),
        &format!("#!/bin/sh\necho '{answer}'\n"),
    );
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Resolves a kubeconfig in the home directory, whose plugins are in `bin` there.
pub(crate) async fn resolve_kubeconfig(
    home: &Path,
    kubeconfig: &str,
    host: Host,
) -> kubex::Result<ClientConfiguration> {
    write(home, "kubeconfig", kubeconfig);
    let path = home.join("bin").display().to_string();
    configure_from_kubeconfig()
        .host(host.with_variable("PATH", Some(path)))
        .path(home.join("kubeconfig"))
        .await
}

/// The error of a kubeconfig that the program passes as bytes.
pub(crate) async fn refused_as_bytes(kubeconfig: String, host: Host) -> Error {
    let bytes = kubeconfig.into_bytes();
    configure_from_kubeconfig()
        .host(host)
        .bytes(bytes)
        .await
        .unwrap_err()
}

/// The command with the providers of the clouds, without the foreign variables. Its configuration is `kubex.yaml` in the home
/// directory.
pub(crate) fn command(home: &Path, path: &str, foreign: &[String], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubex-with-clouds"));
    for name in foreign {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("PATH", path)
        .env("KUBEX_CACHE_KEY", "file")
        .env("KUBEX_CONFIG", home.join("kubex.yaml"))
        .env_remove("KUBERNETES_EXEC_INFO")
        .stdin(Stdio::null());
    command
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
