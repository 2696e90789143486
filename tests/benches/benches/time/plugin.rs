//! A credential plugin, and what running it costs beside its own time.

use std::hint::black_box;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use kubex_benches::{Row, Table, in_turn, is_short};
use tokio::runtime::Runtime;

/// A plugin that takes so many seconds, notes each run and writes down when it ended.
pub(crate) fn program(scratch: &Path, seconds: f64) -> PathBuf {
    let path = scratch.join(format!("plugin-{seconds}"));
    let wait = if seconds > 0.0 {
        format!("sleep {seconds}\n")
    } else {
        String::new()
    };
    let notes = if seconds > 0.0 {
        format!(
            "echo run >> {0}/runs\ndate +%s%N > {0}/ended\n",
            scratch.display()
        )
    } else {
        String::new()
    };
    let script = format!(
        "#!/bin/sh\n{wait}echo '{{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \
         \"status\": {{\"token\": \"a.b.c\", \"expirationTimestamp\": \"2099-01-01T00:00:00Z\"}}}}'\n{notes}"
    );
    std::fs::write(&path, script).expect("the plugin can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .expect("it can be made a program");
    path
}

/// A user whom the plugin gives a credential.
pub(crate) fn user(program: &Path) -> String {
    format!(
        "{{\"exec\": {{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"command\": \"{}\", \
         \"interactiveMode\": \"Never\"}}}}",
        program.display()
    )
}

/// A kubeconfig with this user.
pub(crate) fn kubeconfig(user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters:\n- name: a\n  cluster:\n    server: \
         https://10.0.0.1:6443\ncontexts:\n- name: a\n  context:\n    cluster: a\n    user: a\nusers:\n- name: a\n  user: \
         {user}\n"
    )
}

/// The first credential of a plugin beside a bare run of it.
pub(crate) fn overhead(runtime: &Runtime, scratch: &Path, table: &mut Table) {
    let program = program(scratch, 0.0);
    let path = scratch.join("overhead");
    std::fs::write(&path, kubeconfig(&user(&program))).expect("the file can be written");
    let mut ours = || {
        runtime.block_on(async {
            let configuration = kubex::configure_from_kubeconfig()
                .path(&path)
                .await
                .expect("Kubex loads it");
            let began = Instant::now();
            black_box(
                configuration
                    .credentials()
                    .current()
                    .await
                    .expect("the plugin answers"),
            );
            began.elapsed()
        })
    };
    let mut bare = || {
        runtime.block_on(async {
            let began = Instant::now();
            let mut command = tokio::process::Command::new(&program);
            black_box(command.stdin(Stdio::null()).output().await.expect("it runs"));
            began.elapsed()
        })
    };
    let [ours, bare] = in_turn(if is_short() { 30 } else { 200 }, [&mut ours, &mut bare]);
    table.add(
        Row::took("first credential of a plugin that answers at once", ours.median)
            .beside(format!("a bare run {:.2} ms", bare.median.as_secs_f64() * 1e3)),
    );
}
