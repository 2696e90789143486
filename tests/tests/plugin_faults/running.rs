//! Runs that do not end as they should, or do not begin at all.

use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use kubex::host::PluginRules;
use kubex::{ErrorKind, Host, Options};
use kubex_tests::machine::{not_tested, patience};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::plugin::{
    Plugin, credentials_of, credentials_with, in_millis, is_running, token, wait_until_gone,
};

/// What counts as at once. The scripts would take minutes.
fn at_once() -> Duration {
    patience(Duration::from_secs(2))
}

/// A deadline by which a plugin on this machine has started and printed its first words.
fn short() -> Duration {
    patience(Duration::from_millis(300))
}

/// Row 1: it hangs. A typed timeout at the deadline, with what it said; its whole process group is gone.
#[tokio::test]
async fn fault_01_a_plugin_that_hangs_is_ended_at_its_deadline() {
    let plugin = Plugin::new("echo waiting for the browser >&2; sleep 600 & note $!; wait");
    let deadline = short();
    let credentials = plugin.credentials(deadline).await;
    let begun = Instant::now();
    let error = credentials.current().await.unwrap_err();
    let took = begun.elapsed();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let within = format!("within {} s", deadline.as_secs_f32());
    assert!(error.message().contains(&within), "{error}");
    assert!(error.message().contains("waiting for the browser"), "{error}");
    assert!(took >= deadline && took < deadline + at_once(), "{took:?}");
    assert_eq!(plugin.runs().len(), 2, "itself and its child");
    wait_until_gone(&plugin.runs()).await;
}

/// Row 1: it hangs while there is a valid credential. No caller notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_01_a_plugin_that_hangs_delays_no_caller_with_a_valid_credential() {
    // Of at most 20 s, the second half is when a credential is renewed.
    let lifetime = patience(Duration::from_secs(2)).min(Duration::from_secs(20));
    let soon = in_millis(u64::try_from(lifetime.as_millis()).unwrap());
    let plugin = Plugin::new(&format!("[ $run = 1 ] && answer old {soon} || exec sleep 600"));
    let credentials = plugin.credentials(short()).await;
    assert_eq!(token(&credentials).await, "old");
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    let is_under_way = || plugin.runs().len() >= 2;
    while begun.elapsed() < lifetime * 13 / 20 || (!is_under_way() && begun.elapsed() < lifetime * 9 / 10) {
        let asked = Instant::now();
        assert_eq!(token(&credentials).await, "old");
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(is_under_way(), "the refresh was under way");
    assert!(
        slowest < patience(Duration::from_millis(250)),
        "a caller waited {slowest:?}"
    );
    println!("row 1: slowest of the callers with a valid credential: {slowest:?}");
    wait_until_gone(&plugin.runs()).await;
}

/// Row 2: it ignores SIGTERM. SIGKILL after the grace, which is 2 s unless it is set.
#[tokio::test]
async fn fault_02_a_plugin_that_ignores_sigterm_is_killed_after_the_grace() {
    assert_eq!(PluginRules::new().time_to_end(), Duration::from_secs(2));
    let plugin = Plugin::new("trap 'echo not me >&2' TERM; while :; do sleep 0.02; done");
    let deadline = short();
    let credentials = plugin.credentials(deadline).await;
    let begun = Instant::now();
    let error = credentials.current().await.unwrap_err();
    let took = begun.elapsed();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.message().contains("not me"), "it was asked first: {error}");
    assert!(
        took >= deadline + Duration::from_millis(300),
        "it had its grace: {took:?}"
    );
    assert!(took < deadline + at_once(), "{took:?}");
    wait_until_gone(&plugin.runs()).await;
}

/// Row 3: a grandchild holds standard output after the plugin printed and left. A credential in under 1 s. The grandchild
/// of a plugin that succeeded lives, that of one that failed is ended.
#[tokio::test]
async fn fault_03_a_grandchild_that_holds_the_output_holds_nothing_up() {
    for (end, lives) in [("answer token", true), ("exit 1", false)] {
        let plugin = Plugin::new(&format!("sleep 600 & note $!; {end}"));
        let credentials = plugin.credentials(Duration::from_secs(20)).await;
        let begun = Instant::now();
        let credential = credentials.current().await;
        let took = begun.elapsed();
        println!("row 3: {end} after {took:?}");
        assert!(took < patience(Duration::from_secs(1)), "{took:?}");
        assert_eq!(credential.is_ok(), lives, "{credential:?}");
        let runs = plugin.runs();
        assert_eq!(runs.len(), 2);
        wait_until_gone(&runs[..1]).await;
        if lives {
            assert!(is_running(runs[1]), "it was killed");
            let id = nix::unistd::Pid::from_raw(runs[1].cast_signed());
            nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        wait_until_gone(&runs).await;
    }
}

/// Row 4: a grandchild in a session of its own. A credential, no hang.
#[tokio::test]
async fn fault_04_a_grandchild_in_a_session_of_its_own_holds_nothing_up() {
    let plugin = Plugin::new("setsid sleep 3 & note $!; answer token");
    let credentials = plugin.credentials(Duration::from_secs(20)).await;
    let begun = Instant::now();
    assert_eq!(token(&credentials).await, "token");
    let took = begun.elapsed();
    println!("row 4: a credential after {took:?}");
    assert!(took < patience(Duration::from_secs(1)), "{took:?}");
}

/// Row 6: one byte a second for ever. The deadline counts, not the activity.
#[tokio::test]
async fn fault_06_a_plugin_that_trickles_for_ever_is_ended_at_its_deadline() {
    let plugin = Plugin::new("while :; do printf x; printf . >&2; sleep 1; done");
    let deadline = patience(Duration::from_millis(1_300));
    let credentials = plugin.credentials(deadline).await;
    let begun = Instant::now();
    let error = credentials.current().await.unwrap_err();
    let took = begun.elapsed();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let (_, dots) = error.message().rsplit_once(": ").unwrap();
    let seconds = deadline.as_secs() + 1;
    assert!(
        dots.chars().all(|c| c == '.') && (2..=seconds).contains(&(dots.len() as u64)),
        "one for each second that was begun: {error}"
    );
    assert!(took >= deadline && took < deadline + at_once(), "{took:?}");
    wait_until_gone(&plugin.runs()).await;
}

/// Row 15: it is killed by a signal. The error names the signal.
#[tokio::test]
async fn fault_15_the_signal_that_killed_a_plugin_is_named() {
    for (signal, name) in [("SEGV", "11 (SIGSEGV)"), ("KILL", "9 (SIGKILL)")] {
        let plugin = Plugin::new(&format!("echo nearly there >&2; kill -{signal} $$"));
        let error = plugin
            .credentials(Duration::from_secs(20))
            .await
            .current()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginFailed);
        let said = format!("was killed by signal {name}; stderr: nearly there");
        assert!(error.message().ends_with(&said), "{error}");
    }
}

/// A program for another processor: the header of one, which is all the system looks at.
fn foreign_program() -> Vec<u8> {
    let foreign: u8 = if cfg!(target_arch = "aarch64") { 0x3e } else { 0xb7 };
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    header.extend([foreign, 0]);
    header.resize(64, 0);
    header
}

/// Row 16: missing, not executable, bad interpreter, wrong architecture, a directory. Each has an error of its
/// own with the way out, and the install hint is cleaned.
#[tokio::test]
async fn fault_16_each_reason_why_a_plugin_cannot_be_started_has_its_own_error() {
    let files = Plugin::new("");
    let script = b"#!/bin/sh\n";
    files.install("not-executable", script, 0o644);
    files.install("no-interpreter", b"#!/nowhere/python\n", 0o755);
    files.install("no-first-line", b"\0\0 data", 0o755);
    files.install("foreign", &foreign_program(), 0o755);
    files.install("directory/in-it", script, 0o755);
    let mut told = Vec::new();
    for (name, kind, said, way_out) in [
        (
            "missing",
            ErrorKind::PluginNotFound,
            "not found",
            "install the plugin",
        ),
        (
            "plugin/below",
            ErrorKind::PluginNotFound,
            "not found",
            "install the plugin",
        ),
        (
            "not-executable",
            ErrorKind::PluginNotExecutable,
            "is not executable",
            "chmod +x",
        ),
        (
            "no-interpreter",
            ErrorKind::PluginNotExecutable,
            "interpreter",
            "first line",
        ),
        (
            "no-first-line",
            ErrorKind::PluginNotExecutable,
            "architecture",
            "build of the plugin",
        ),
        (
            "foreign",
            ErrorKind::PluginNotExecutable,
            "architecture",
            "build of the plugin",
        ),
        (
            "directory",
            ErrorKind::PluginNotExecutable,
            "is a directory",
            "set the command to the path of a program in that directory",
        ),
    ] {
        let options = Options::new()
            .set("command", files.directory().join(name).to_str().unwrap())
            .set(
                "install-hint",
                "brew\u{1b}]8;;http://evil\u{7}install \u{202e}cloud",
            );
        let credentials = credentials_with(options, Host::real()).await.unwrap();
        let error = credentials.current().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains(said) && text.contains(way_out), "{name}: {text}");
        let has_hint = text.contains("brewU+001B]8;;http://evilU+0007install U+202Ecloud");
        assert_eq!(has_hint, kind == ErrorKind::PluginNotFound, "{name}: {text}");
        told.push((name, error.message().replace(name, "")));
    }
    for (name, message) in &told {
        let alike = told.iter().filter(|(_, other)| other == message).count();
        // Two of them are missing, and two are not programs for this machine.
        let expected = if ["missing", "plugin/below", "no-first-line", "foreign"].contains(name) {
            2
        } else {
            1
        };
        assert_eq!(alike, expected, "{name}: {message}");
    }
}

/// Runs one of the ignored tests below as a program of its own and expects it to pass.
fn in_a_program_of_its_own(test: &str, prefix: &[&str], variables: &[(&str, &str)]) -> String {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let mut line: Vec<&str> = prefix.to_vec();
    line.extend([
        own,
        "--exact",
        test,
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    let ended = Command::new(line[0])
        .args(&line[1..])
        .envs(variables.iter().copied())
        .env("KUBEX_FAULT", test)
        .output()
        .unwrap();
    let shown = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(ended.status.success() && shown.contains("1 passed"), "{shown}");
    shown
}

fn assert_in_a_program_of_its_own(test: &str) {
    assert_eq!(
        std::env::var("KUBEX_FAULT").as_deref(),
        Ok(test),
        "this is a part of another test, which runs it as a program of its own"
    );
}

/// Row 17: no file descriptors are left. An error, retried later; the cached credential is still served.
#[test]
fn fault_17_without_file_descriptors_the_old_credential_is_served_and_the_run_retried() {
    in_a_program_of_its_own("running::part_of_fault_17_descriptors", &[], &[]);
}

/// Row 17: no processes are left. The system does not count those of root, so it is run as nobody.
#[test]
fn fault_17_without_processes_the_old_credential_is_served_and_the_run_retried() {
    let test = "running::part_of_fault_17_processes";
    if !nix::unistd::geteuid().is_root() {
        in_a_program_of_its_own(test, &[], &[]);
        return;
    }
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--",
    ];
    let own = std::env::current_exe().unwrap();
    let can = Command::new(nobody[0])
        .args(&nobody[1..])
        .arg("test")
        .arg("-x")
        .arg(&own)
        .status();
    match can {
        Ok(status) if status.success() => drop(in_a_program_of_its_own(test, &nobody, &[])),
        _ => not_tested(
            "plugin fault 17, no processes left",
            "as root it needs setpriv, and a build directory that the user nobody can read",
        ),
    }
}

#[tokio::test]
#[ignore = "a part of fault_17, which runs it in a program of its own"]
async fn part_of_fault_17_descriptors() {
    assert_in_a_program_of_its_own("running::part_of_fault_17_descriptors");
    let open = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    exhausted(Resource::RLIMIT_NOFILE, open).await;
}

#[tokio::test]
#[ignore = "a part of fault_17, which runs it in a program of its own"]
async fn part_of_fault_17_processes() {
    assert_in_a_program_of_its_own("running::part_of_fault_17_processes");
    exhausted(Resource::RLIMIT_NPROC, 1).await;
}

/// Fetches, takes the resource away for a while, and gives it back.
async fn exhausted(resource: Resource, left: u64) {
    // All in less than 10 s: after that the runtime ends its idle threads, and could start no new ones.
    let tenth = patience(Duration::from_millis(100)).min(Duration::from_millis(400));
    let soon = in_millis(u64::try_from(16 * tenth.as_millis()).unwrap());
    let later = in_millis(3_600_000);
    let plugin = Plugin::new(&format!(
        "[ $run = 1 ] && answer old {soon} || answer new {later}"
    ));
    let credentials = plugin.credentials(Duration::from_secs(20)).await;
    assert_eq!(token(&credentials).await, "old");
    let (_, hard) = getrlimit(resource).unwrap();
    setrlimit(resource, left, hard).unwrap();

    tokio::time::sleep(9 * tenth).await;
    for _ in 0..20 {
        assert_eq!(
            token(&credentials).await,
            "old",
            "it is valid, whatever became of the refresh"
        );
        tokio::time::sleep(tenth / 10).await;
    }
    tokio::time::sleep(7 * tenth).await;
    let error = credentials.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error
            .to_string()
            .contains("out of processes, open files or memory"),
        "{error}"
    );

    setrlimit(resource, hard, hard).unwrap();
    // The longer it lasted, the longer the back-off.
    for _ in 0..600 {
        if credentials.current().await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(token(&credentials).await, "new");
    assert_eq!(plugin.runs().len(), 2, "only those that could be started");
}

/// Row 18: the plugin calls back into Kubex, which needs the plugin. One error, one process of the plugin; with
/// other arguments each time, at most two.
#[tokio::test]
async fn fault_18_a_plugin_that_calls_back_into_kubex_ends_in_one_error() {
    for (adds_an_argument, processes) in [("no", 1), ("yes", 2)] {
        let own = std::env::current_exe().unwrap();
        let part = "running::part_of_fault_18";
        let plugin = Plugin::new(&format!(
            "export KUBEX_FAULT={part} PLUGIN=\"$0\" ARGUMENTS=\"$*\" ADDS={adds_an_argument}\n\
             exec {} --exact {part} --ignored --nocapture --test-threads=1",
            own.display()
        ));
        let begun = Instant::now();
        let error = plugin
            .credentials(Duration::from_secs(20))
            .await
            .current()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginFailed);
        assert!(
            error.to_string().contains("Recursion"),
            "the reason is in it: {error}"
        );
        assert_eq!(plugin.runs().len(), processes, "{error}");
        println!(
            "row 18: {processes} processes, an error after {:?}",
            begun.elapsed()
        );
        wait_until_gone(&plugin.runs()).await;
    }
}

#[tokio::test]
#[ignore = "a part of fault_18, which runs it as a plugin"]
async fn part_of_fault_18() {
    assert_in_a_program_of_its_own("running::part_of_fault_18");
    let variable = |name: &str| std::env::var(name).unwrap();
    let mut arguments: Vec<String> = variable("ARGUMENTS")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if variable("ADDS") == "yes" {
        arguments.push("more".into());
    }
    let options = Options::new()
        .set("command", variable("PLUGIN"))
        .set("args", arguments);
    let credentials = credentials_with(options, Host::real()).await.unwrap();
    if let Err(error) = credentials.current().await {
        // As a plugin ends: the reason on standard error, and no backtrace behind it.
        let _ = writeln!(std::io::stderr(), "{error:?}");
        std::process::exit(1);
    }
}

/// A plugin may need one other plugin: that is not recursion.
#[tokio::test]
async fn fault_18_a_plugin_that_needs_another_plugin_may_run_it() {
    let inner = Plugin::new("answer inner");
    let own = std::env::current_exe().unwrap();
    let part = "running::part_of_fault_18";
    let outer = Plugin::new(&format!(
        "export KUBEX_FAULT={part} PLUGIN={} ARGUMENTS= ADDS=no\n\
         {} --exact {part} --ignored --nocapture --test-threads=1 >&2 && answer outer",
        inner.path().display(),
        own.display()
    ));
    let credentials = credentials_of(&outer.path(), Host::real()).await;
    assert_eq!(token(&credentials).await, "outer");
    assert_eq!((outer.runs().len(), inner.runs().len()), (1, 1));
    assert!(!is_running(outer.runs()[0]));
}
