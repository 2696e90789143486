//! Tests with real `sh` scripts that misbehave like plugins.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests watch real processes"
)]

use std::path::Path;
use std::pin::pin;
use std::time::Instant;

use kubex_core::Host;
use kubex_core::SecretBytes;
use kubex_core::host::{LiveStderr, Program};
use kubex_tests::machine::patience;

use super::*;

/// The maximum time for something that should happen immediately. The scripts would take a minute.
fn at_once() -> Duration {
    patience(Duration::from_secs(4))
}

/// A deadline by which a script on this machine has started and printed its first words.
fn short() -> Duration {
    patience(Duration::from_millis(300))
}

/// A program that any policy of a new host permits. Permitting it looks at nothing, so one poll is enough.
fn program(path: &str) -> Program {
    use std::task::{Context, Poll, Waker};
    let host = Host::real();
    let path = path.to_owned();
    let name = path.clone();
    let mut permitted = pin!(host.permit(&name, async move { Ok(path.into()) }, &[]));
    match permitted.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(permitted) => permitted.unwrap(),
        Poll::Pending => panic!("it waits"),
    }
}

/// A script, with times short enough for a test.
fn sh(script: &str) -> Process {
    Process {
        program: program("/bin/sh"),
        arguments: vec!["-c".into(), script.into()],
        inherited: vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())],
        added: Vec::new(),
        terminal: None,
        live_stderr: LiveStderr::new("sh", [], None, &Host::real()),
        deadline: patience(Duration::from_secs(10)),
        kill_grace: patience(Duration::from_millis(200)),
        pipe_grace: Duration::from_millis(200),
        output_limit: 1024 * 1024,
        error_kept: 8 * 1024,
    }
}

async fn run(process: Process) -> Result<ProcessOutput, ProcessError> {
    NativeProcesses.run(process).await
}

fn text(bytes: &SecretBytes) -> String {
    String::from_utf8_lossy(bytes.expose_secret()).into_owned()
}

/// The process id that a script wrote to a file, as soon as it is there.
async fn id_in(file: &Path) -> i32 {
    let started = Instant::now();
    while started.elapsed() < patience(Duration::from_secs(2)) {
        if let Some(id) = std::fs::read_to_string(file)
            .ok()
            .filter(|text| text.ends_with('\n'))
        {
            return id.trim().parse().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the script did not start");
}

/// Whether the process vanishes within a second. A zombie counts as gone.
async fn vanishes(id: i32) -> bool {
    let started = Instant::now();
    while started.elapsed() < patience(Duration::from_secs(1)) {
        let is_collected = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), None).is_err();
        let is_zombie = std::fs::read_to_string(format!("/proc/{id}/stat"))
            .is_ok_and(|stat| stat.rsplit(") ").next().unwrap().starts_with('Z'));
        if is_collected || is_zombie {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn a_run_gets_arguments_and_variables_as_they_are_and_no_input() {
    let mut process = sh(r#"cat; printf '%s|%s|%s|%s' "$1" "$LATER" "$KEPT" "${HOME-unset}"; echo said >&2"#);
    process.arguments.extend(["sh".into(), "a b  $HOME 'c'".into()]);
    process.inherited.push(("KEPT".into(), "kept".into()));
    process.inherited.push(("LATER".into(), "inherited".into()));
    process.added = vec![("LATER".into(), "first".into()), ("LATER".into(), "last".into())];
    let output = run(process).await.unwrap();
    assert_eq!(output.exit, Exit::Status(0));
    assert_eq!(text(&output.output), "a b  $HOME 'c'|last|kept|unset");
    assert_eq!(text(&output.error), "said\n");
}

#[tokio::test]
async fn the_exit_is_reported() {
    let output = run(sh("echo reason >&2; exit 7")).await.unwrap();
    assert_eq!(output.exit, Exit::Status(7));
    assert_eq!(text(&output.error), "reason\n");
    let output = run(sh("kill -SEGV $$")).await.unwrap();
    assert_eq!(output.exit, Exit::Signal(11));
}

#[tokio::test]
async fn what_hangs_is_ended_at_the_deadline_with_all_it_started() {
    let files = tempfile::tempdir().unwrap();
    let (one, two) = (files.path().join("one"), files.path().join("two"));
    let mut process = sh(&format!(
        "echo $$ > {}; echo waiting >&2; sleep 60 & echo $! > {}; wait",
        one.display(),
        two.display()
    ));
    let deadline = short();
    process.deadline = deadline;
    let started = Instant::now();
    let Err(ProcessError::TimedOut { error, .. }) = run(process).await else {
        panic!("it did not time out");
    };
    assert!(started.elapsed() < deadline + at_once());
    assert_eq!(text(&error), "waiting\n");
    assert!(vanishes(id_in(&one).await).await && vanishes(id_in(&two).await).await);
}

#[tokio::test]
async fn what_ignores_sigterm_is_killed_after_the_grace() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("id");
    let mut process = sh(&format!(
        "trap 'echo ignored >&2' TERM; echo $$ > {}; while :; do sleep 0.05; done",
        file.display()
    ));
    let deadline = short();
    process.deadline = deadline;
    let grace = process.kill_grace;
    let started = Instant::now();
    let Err(ProcessError::TimedOut { error, .. }) = run(process).await else {
        panic!("it did not time out");
    };
    let took = started.elapsed();
    assert!(
        took >= deadline + grace && took < deadline + grace + at_once(),
        "{took:?}"
    );
    assert!(text(&error).ends_with("ignored\n"));
    assert!(vanishes(id_in(&file).await).await);
}

/// Kills a process that a successful plugin left running.
fn kill_left(id: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn children_of_a_successful_process_hold_nothing_up_and_live() {
    for held in ["", ">/dev/null", "2>/dev/null", ">/dev/null 2>&1"] {
        let files = tempfile::tempdir().unwrap();
        let file = files.path().join("id");
        let started = Instant::now();
        let script = format!("sleep 60 {held} & echo $! > {}; echo token", file.display());
        let output = run(sh(&script)).await.unwrap();
        assert!(started.elapsed() < at_once());
        assert_eq!(
            (output.exit, text(&output.output).as_str()),
            (Exit::Status(0), "token\n")
        );
        let id = id_in(&file).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let id_exists = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), None).is_ok();
        assert!(id_exists, "it was killed: {held}");
        kill_left(id);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_writes_after_the_program_stopped_reading_lives() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("written");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let script = format!(
        "(sleep 0.5; head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; echo written > {}) & echo token",
        file.display()
    );
    let output = runtime.block_on(run(sh(&script))).unwrap();
    assert_eq!(text(&output.output), "token\n");
    // Nothing reads the pipes from now on, as when the program exits.
    drop(runtime);
    let started = Instant::now();
    while !file.exists() {
        assert!(
            started.elapsed() < patience(Duration::from_secs(5)),
            "SIGPIPE, or blocked"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn all_that_a_failed_process_started_is_ended() {
    let files = tempfile::tempdir().unwrap();
    let path = |name: &str| files.path().join(name);
    let script = format!(
        "sleep 60 & echo $! > {}; setsid sleep 60 & echo $! > {};
         (setsid sh -c 'echo $$ > {}; exec sleep 60 >/dev/null 2>&1' &)
         while [ ! -s {} ]; do sleep 0.01; done; exit 1",
        path("child").display(),
        path("session").display(),
        path("orphan").display(),
        path("orphan").display(),
    );
    let output = run(sh(&script)).await.unwrap();
    assert_eq!(output.exit, Exit::Status(1));
    for name in ["child", "session", "orphan"] {
        assert!(vanishes(id_in(&path(name)).await).await, "{name}");
    }
}

#[tokio::test]
async fn a_beginning_of_a_line_is_passed_on_while_the_process_runs() {
    let (sender, mut shown) = tokio::sync::mpsc::unbounded_channel();
    let show = kubex_core::host::PluginStderr::to(move |text| drop(sender.send(text.to_owned())));
    let host = Host::real().with_plugin_stderr(show);
    let mut process = sh("printf 'line\nenter code: ' >&2; sleep 60");
    process.live_stderr = LiveStderr::new("sh", [], None, &host);
    let running = tokio::spawn(run(process));
    let mut seen = String::new();
    while seen != "line\nenter code: " {
        let next = tokio::time::timeout(patience(Duration::from_secs(2)), shown.recv());
        seen += &next.await.expect("nothing is shown while it runs").unwrap();
    }
    running.abort();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_grandchild_in_a_session_of_its_own_holds_nothing_up() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("id");
    let script = format!(
        "setsid sh -c 'echo $$ > {}; exec sleep 5' & echo token",
        file.display()
    );
    let started = Instant::now();
    let output = run(sh(&script)).await.unwrap();
    assert!(started.elapsed() < at_once());
    assert_eq!(text(&output.output), "token\n");
    kill_left(id_in(&file).await);
}

#[tokio::test]
async fn endless_output_ends_the_run_at_the_bound() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("id");
    let started = Instant::now();
    let script = format!(
        "echo $$ > {}; head -c 200000000 /dev/zero; sleep 60",
        file.display()
    );
    let ended = run(sh(&script)).await;
    assert!(matches!(ended, Err(ProcessError::OutputTooLarge)));
    assert!(started.elapsed() < at_once());
    assert!(vanishes(id_in(&file).await).await);
}

#[tokio::test]
async fn output_of_just_the_limit_is_taken() {
    let output = run(sh("head -c 1048576 /dev/zero")).await.unwrap();
    assert_eq!(output.output.expose_secret().len(), 1024 * 1024);
    assert!(matches!(
        run(sh("head -c 1048577 /dev/zero")).await,
        Err(ProcessError::OutputTooLarge)
    ));
}

#[tokio::test]
async fn of_much_standard_error_the_end_is_kept() {
    let output = run(sh("head -c 50000000 /dev/zero >&2; printf end >&2; echo token"))
        .await
        .unwrap();
    assert_eq!(text(&output.output), "token\n");
    let error = output.error.expose_secret();
    assert_eq!(error.len(), 8 * 1024);
    assert!(error.ends_with(b"\0end"));
}

#[tokio::test]
async fn a_dropped_run_leaves_nothing_running() {
    let files = tempfile::tempdir().unwrap();
    let (one, two) = (files.path().join("one"), files.path().join("two"));
    let script = format!(
        "echo $$ > {}; sleep 60 & echo $! > {}; wait",
        one.display(),
        two.display()
    );
    let running = tokio::spawn(run(sh(&script)));
    let ids = (id_in(&one).await, id_in(&two).await);
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert!(vanishes(ids.0).await && vanishes(ids.1).await);
}

#[test]
fn a_runtime_that_is_shut_down_leaves_nothing_running() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("id");
    let build = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let runtime = build();
    let script = format!("echo $$ > {}; sleep 60", file.display());
    let id = runtime.block_on(async {
        tokio::spawn(run(sh(&script)));
        id_in(&file).await
    });
    drop(runtime);
    assert!(build().block_on(vanishes(id)));
}

#[tokio::test]
async fn each_reason_why_a_program_cannot_be_started_has_its_own_error() {
    let files = tempfile::tempdir().unwrap();
    for (name, content, errno) in [
        ("interpreter", "#!/nowhere/python\n", nix::errno::Errno::ENOENT),
        (
            "architecture",
            "\u{7f}not an executable format\n",
            nix::errno::Errno::ENOEXEC,
        ),
    ] {
        let path = files.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
        let mut process = sh("");
        process.program = program(path.to_str().unwrap());
        let Err(ProcessError::NotStarted(error)) = run(process).await else {
            panic!("{name} was started");
        };
        assert_eq!(error.raw_os_error(), Some(errno as i32), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_that_is_just_being_written_is_waited_for() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("plugin");
    std::fs::write(&path, "#!/bin/sh\necho token\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let writer = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut process = sh("");
    process.program = program(path.to_str().unwrap());
    let running = tokio::spawn(run(process));
    tokio::time::sleep(Duration::from_millis(30)).await;
    drop(writer);
    assert_eq!(text(&running.await.unwrap().unwrap().output), "token\n");
}
