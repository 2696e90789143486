//! The provider's behaviour in a simulated world.
#![expect(
    clippy::unwrap_used,
    clippy::unnecessary_wraps,
    reason = "helpers of tests; what a script leaves behind is a result"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kubex_core::host::{
    Exit, PluginEnvironment, PluginPolicy, PluginRules, Process, ProcessError, ProcessOutput, SimulatedHost,
};
use kubex_core::options::{Value, ValueKind};
use kubex_core::{
    Chain, ClientConfiguration, Credential, Error, ErrorKind, ExposeSecret, Host, Options, Origin, Registry,
    Result, Source,
};

const ANSWER: &str =
    r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"abc"}}"#;

fn world() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    world.set_variable("HOME", "/home/jane");
    world.install_program("/usr/bin/aws");
    world
}

fn output(exit: Exit, output: &str, error: &str) -> Result<ProcessOutput, ProcessError> {
    Ok(ProcessOutput {
        exit,
        output: output.as_bytes().to_vec().into(),
        error: error.as_bytes().to_vec().into(),
    })
}

/// What a plugin was started with.
struct Seen {
    program: String,
    arguments: Vec<String>,
    inherited: Vec<String>,
    added: Vec<(String, String)>,
    is_interactive: bool,
    deadline: Duration,
    kill_grace: Duration,
}

impl Seen {
    fn of(process: &Process) -> Self {
        let added = process.added.iter();
        Self {
            program: process.program.path().to_str().unwrap().to_owned(),
            arguments: process.arguments.clone(),
            inherited: process
                .inherited
                .iter()
                .map(|(name, _)| name.to_str().unwrap().to_owned())
                .collect(),
            added: added
                .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
                .collect(),
            is_interactive: process.terminal.is_some(),
            deadline: process.deadline,
            kill_grace: process.kill_grace,
        }
    }
}

/// Options as a file has them.
fn options(json: &str) -> Options {
    let origin = Origin::file("/home/jane/kubex.yaml").key("sources.prod");
    let value: Value = serde_json::from_str::<Value>(json)
        .unwrap()
        .located(origin.clone());
    let ValueKind::Mapping(entries) = value.kind() else {
        panic!("not a mapping")
    };
    let mut options = Options::with_origin(origin).set("server", "https://h:6443");
    for (key, value) in entries {
        options.insert(key, value.clone());
    }
    options
}

async fn configuration(host: Host, json: &str) -> Result<ClientConfiguration> {
    let registry = Registry::from_registrations([&kubex_exec::REGISTRATION])?;
    let chain = Chain::builder(registry)
        .host(host)
        .source(Source::new("prod").provider("exec").options(options(json)))
        .build()?;
    chain.resolve().await
}

async fn credential(world: &SimulatedHost, json: &str) -> Result<Arc<Credential>> {
    let configuration = configuration(world.host(), json).await?;
    assert_eq!(world.runs(), 0, "resolving starts nothing");
    configuration.credentials().current().await
}

async fn failing(world: &SimulatedHost, json: &str) -> Error {
    credential(world, json).await.unwrap_err()
}

#[tokio::test]
async fn the_plugin_gets_what_was_configured_and_nothing_overrides_the_exec_info() {
    let world = world();
    let seen: Arc<Mutex<Option<Seen>>> = Arc::default();
    let copy = Arc::clone(&seen);
    world.run_processes(move |process| {
        *copy.lock().unwrap() = Some(Seen::of(process));
        output(Exit::Status(0), ANSWER, "a word of warning")
    });
    let credential = credential(
        &world,
        r#"{"command": "aws", "args": ["a b", "$HOME"], "deadline": "5s", "provideClusterInfo": true,
            "env": [{"name": "KUBERNETES_EXEC_INFO", "value": "forged"}, {"name": "A", "value": "1"},
                    {"name": "A", "value": "2"}]}"#,
    )
    .await
    .unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "abc");
    assert_eq!(credential.provenance(), "exec plugin aws");

    let process = seen.lock().unwrap().take().unwrap();
    assert_eq!(process.program, "/usr/bin/aws");
    assert_eq!(process.arguments, ["a b", "$HOME"]);
    assert_eq!(process.deadline, Duration::from_secs(5));
    assert_eq!(process.kill_grace, Duration::from_secs(2));
    assert!(!process.is_interactive);
    assert!(process.inherited.contains(&"HOME".to_owned()));
    let added: Vec<_> = process
        .added
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| *name != "KUBEX_EXEC_STACK")
        .collect();
    let info = "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\
                \"spec\":{\"cluster\":{\"server\":\"https://h:6443\",\"config\":null},\"interactive\":false}}\n";
    assert_eq!(
        added,
        [
            ("KUBERNETES_EXEC_INFO", "forged"),
            ("A", "1"),
            ("A", "2"),
            ("KUBERNETES_EXEC_INFO", info)
        ]
    );
}

#[tokio::test]
async fn a_failure_shows_its_stderr_and_no_secret() {
    let world = world();
    world.run_processes(|_| {
        output(
            Exit::Status(255),
            r#"{"status":{"token":"opaque-marker-1"}}"#,
            "\u{1b}[31mdenied: env-marker-2, opaque-marker-1\n",
        )
    });
    let error = failing(
        &world,
        r#"{"command": "aws", "env": [{"name": "KEY", "value": "env-marker-2"}]}"#,
    )
    .await;
    assert_eq!(error.kind(), ErrorKind::PluginFailed);
    assert_eq!(
        error.to_string(),
        "prod: exec plugin aws failed with exit code 255; stderr: U+001B[31mdenied: [masked], [masked] \
         (/home/jane/kubex.yaml, sources.prod.command); run the plugin in a terminal to see what it needs"
    );
    assert!(!format!("{error:?}").contains("marker"));
}

#[tokio::test]
async fn the_error_of_an_empty_output_contains_the_reason() {
    let world = world();
    world.run_processes(|_| output(Exit::Status(0), " \n", "please log in"));
    let error = failing(&world, r#"{"command": "aws"}"#).await;
    assert_eq!(error.kind(), ErrorKind::EmptyOutput);
    assert!(error.message().ends_with(": please log in"), "{error}");
}

#[tokio::test]
async fn a_plugin_that_hangs_gives_the_plugins_own_error() {
    let world = world();
    world.set_process_time(Duration::from_secs(3600));
    world.run_processes(|_| output(Exit::Status(0), ANSWER, ""));
    let clock = world.clone();
    let ticking = tokio::spawn(async move {
        loop {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(500));
        }
    });
    let error = failing(&world, r#"{"command": "aws", "deadline": 7}"#).await;
    ticking.abort();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.message().contains("within 7 s and was killed"), "{error}");
}

#[tokio::test]
async fn a_missing_plugin_is_an_error_of_the_fetch_with_the_cleaned_hint() {
    let world = world();
    let hint =
        r#"{"command": "gke", "installHint": "install\r\nit from \u001b]8;;http://x\u0007here\u202e"}"#;
    let error = failing(&world, hint).await;
    assert_eq!(error.kind(), ErrorKind::PluginNotFound);
    let shown = error.to_string();
    assert!(shown.contains("exec plugin gke not found"), "{shown}");
    assert!(
        shown.ends_with("\nits install hint:\ninstall\nit from U+001B]8;;http://xU+0007hereU+202E"),
        "{shown}"
    );
    assert_eq!(world.runs(), 0);
}

/// Rows 1 to 6 of client-go's matrix; the seventh, an unknown mode, is among the options that cannot be meant.
#[tokio::test]
async fn the_terminal_is_given_by_the_mode_and_by_what_was_handed_over() {
    const NOT_A_TERMINAL: &str =
        "exec plugin cannot support interactive mode: standard input is not a terminal";
    const UNAVAILABLE: &str = "exec plugin cannot support interactive mode: standard input is unavailable";
    let taken = format!("{UNAVAILABLE}: used by stdin resource manifest reader");
    // Whether it was handed over, whether it is one still, what it is taken by.
    let not_handed_over = (false, false, None);
    let redirected = (true, false, None);
    let there = (true, true, None);
    let taken_by = |what| (true, true, Some(what));
    for (mode, (is_handed_over, is_terminal, unavailable), expected) in [
        ("Never", there, Ok(false)),
        ("Never", not_handed_over, Ok(false)),
        ("IfAvailable", there, Ok(true)),
        ("IfAvailable", not_handed_over, Ok(false)),
        ("IfAvailable", redirected, Ok(false)),
        ("IfAvailable", taken_by("x"), Ok(false)),
        ("Always", not_handed_over, Err(NOT_A_TERMINAL)),
        ("Always", redirected, Err(NOT_A_TERMINAL)),
        ("Always", taken_by(""), Err(UNAVAILABLE)),
        (
            "Always",
            taken_by("used by stdin resource manifest reader"),
            Err(taken.as_str()),
        ),
        ("Always", there, Ok(true)),
    ] {
        let world = world();
        let seen: Arc<Mutex<Option<Seen>>> = Arc::default();
        let copy = Arc::clone(&seen);
        world.run_processes(move |process| {
            *copy.lock().unwrap() = Some(Seen::of(process));
            output(Exit::Status(0), ANSWER, "")
        });
        if is_handed_over {
            world.attach_terminal();
        }
        let mut host = world.host();
        if !is_terminal {
            world.detach_terminal();
        }
        if let Some(what) = unavailable {
            let terminal = host.terminal().unwrap().clone().unavailable(what);
            host = host.with_terminal(terminal);
        }
        let json = format!(r#"{{"command": "aws", "interactive-mode": "{mode}"}}"#);
        let asked = configuration(host, &json).await.unwrap();
        let asked = asked.credentials().current().await;
        match expected {
            Ok(is_interactive) => {
                asked.unwrap();
                let process = seen.lock().unwrap().take().unwrap();
                assert_eq!(process.is_interactive, is_interactive, "{mode}");
                let (name, info) = process.added.last().unwrap();
                assert_eq!(name, "KUBERNETES_EXEC_INFO");
                assert!(
                    info.ends_with(&format!("\"interactive\":{is_interactive}}}}}\n")),
                    "{info}"
                );
                let deadline = Duration::from_secs(if is_interactive { 300 } else { 30 });
                assert_eq!(process.deadline, deadline, "{mode}");
            }
            Err(said) => {
                let error = asked.unwrap_err();
                assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, said));
                assert_eq!(world.runs(), 0);
            }
        }
    }
}

#[tokio::test]
async fn one_plugin_at_a_time_has_the_terminal() {
    let world = world();
    world.attach_terminal();
    world.set_process_time(Duration::from_secs(20));
    let at_once = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&at_once);
    world.run_processes(move |process| {
        // The process itself holds the terminal until it has ended.
        process.live_stderr.take(b"code?");
        shared.fetch_add(1, Ordering::SeqCst);
        output(Exit::Status(0), ANSWER, "")
    });
    let mut asking = Vec::new();
    for argument in ["one", "two"] {
        let json = format!(r#"{{"command": "aws", "args": ["{argument}"]}}"#);
        let configuration = configuration(world.host(), &json).await.unwrap();
        asking.push(tokio::spawn(async move {
            configuration.credentials().current().await.map(drop)
        }));
    }
    for ended in 0..2 {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.runs(), ended + 1, "the other one waits for the terminal");
        assert_eq!(at_once.load(Ordering::SeqCst), ended);
        world.advance(Duration::from_secs(20));
    }
    for asked in asking {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(world.shown(), "code?code?");
}

#[tokio::test]
async fn waiting_too_long_for_the_terminal_is_an_error() {
    let world = world();
    world.attach_terminal();
    let host = world
        .host()
        .with_plugin_rules(PluginRules::new().interactive_deadline(Duration::from_secs(3)));
    let held = host.terminal().unwrap().hold().await;
    let clock = world.clone();
    let ticking = tokio::spawn(async move {
        loop {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(500));
        }
    });
    let configuration = configuration(host, r#"{"command": "aws"}"#).await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    ticking.abort();
    drop(held);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(
        error
            .message()
            .contains("did not release the terminal within 3 s"),
        "{error}"
    );
    assert_eq!(world.runs(), 0);
}

#[tokio::test]
async fn the_rules_of_the_host_set_what_runs_what_it_inherits_and_for_how_long() {
    let world = world();
    world.set_variable("AWS_SECRET_ACCESS_KEY", "x");
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let copy = Arc::clone(&seen);
    world.run_processes(move |process| {
        copy.lock().unwrap().push(Seen::of(process));
        output(Exit::Status(0), ANSWER, "")
    });
    let rules = PluginRules::new()
        .environment(PluginEnvironment::inherit().dropping(["AWS_*"]))
        .deadline(Duration::from_millis(700));
    for (rules, json, deadline) in [
        (rules.clone(), r#"{"command": "aws"}"#, 700),
        (rules, r#"{"command": "aws", "deadline": "9s"}"#, 9_000),
    ] {
        let host = world.host().with_plugin_rules(rules);
        let configuration = configuration(host, json).await.unwrap();
        configuration.credentials().current().await.unwrap();
        let process = seen.lock().unwrap().pop().unwrap();
        assert_eq!(process.deadline, Duration::from_millis(deadline));
        assert_eq!(process.inherited, ["HOME", "PATH"]);
    }
    let denied = world
        .host()
        .with_plugin_rules(PluginRules::new().policy(PluginPolicy::deny_all()));
    let configuration = configuration(denied, r#"{"command": "gone", "installHint": "install me"}"#)
        .await
        .unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(!error.to_string().contains("install me"), "{error}");
    assert_eq!(world.runs(), 2);
}

#[tokio::test]
async fn a_plugin_that_asks_for_its_own_credential_is_not_started_again() {
    let world = world();
    let stack: Arc<Mutex<Option<String>>> = Arc::default();
    let copy = Arc::clone(&stack);
    world.run_processes(move |process| {
        let of_the_stack = |(name, _): &&(String, _)| name == "KUBEX_EXEC_STACK";
        let (_, value) = process.added.iter().rfind(of_the_stack).unwrap();
        *copy.lock().unwrap() = Some(value.expose_secret().to_owned());
        output(Exit::Status(0), ANSWER, "")
    });
    let json = r#"{"command": "aws", "env": [{"name": "KUBEX_EXEC_STACK", "value": ""}]}"#;
    credential(&world, json).await.unwrap();

    let within = stack.lock().unwrap().take().unwrap();
    let host = world.host().with_variable("KUBEX_EXEC_STACK", Some(&within));
    let configuration = configuration(host, json).await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Recursion);
    assert_eq!(world.runs(), 1);
}

#[tokio::test]
async fn equal_plugins_of_equal_clusters_share_one_run() {
    let world = world();
    world.run_processes(|_| output(Exit::Status(0), ANSWER, ""));
    let plugin = |extra: &str| format!(r#"{{"command": "aws", "server": "https://h"{extra}}}"#);
    let mut kept = Vec::new();
    for (extra, runs) in [
        ("", 1),
        ("", 1),
        (r#", "server": "https://other""#, 2),
        (r#", "args": ["x"]"#, 3),
        (r#", "args": ["x"]"#, 3),
        (r#", "env": [{"name": "x", "value": ""}]"#, 4),
        (r#", "apiVersion": "client.authentication.k8s.io/v1""#, 4),
        (r#", "provideClusterInfo": true"#, 5),
        (r#", "tls-server-name": "h2""#, 6),
        (r#", "installHint": "h""#, 7),
        (r#", "interactiveMode": "Never""#, 8),
        (r#", "deadline": "3s""#, 9),
    ] {
        let configuration = configuration(world.host(), &plugin(extra)).await.unwrap();
        configuration.credentials().current().await.unwrap();
        assert_eq!(world.runs(), runs, "{extra}");
        kept.push(configuration);
    }
    drop(kept);
    let configuration = configuration(world.host(), &plugin("")).await.unwrap();
    configuration.credentials().current().await.unwrap();
    assert_eq!(world.runs(), 10, "what has no user any more is not kept");
}

#[tokio::test]
async fn options_that_cannot_be_meant_are_found_when_the_chain_is_built() {
    for (json, kind, said) in [
        (r"{}", ErrorKind::MissingField, "\"command\" is missing"),
        (r#"{"command": ""}"#, ErrorKind::InvalidValue, "is empty"),
        (
            r#"{"command": "x", "apiVersion": "client.authentication.k8s.io/v1alpha1"}"#,
            ErrorKind::InvalidValue,
            "no longer supported (/home/jane/kubex.yaml, sources.prod.apiVersion); set the API version to \
             client.authentication.k8s.io/v1,",
        ),
        (
            r#"{"command": "x", "api-version": "v2"}"#,
            ErrorKind::InvalidValue,
            "\"v2\" is not a valid exec API version (/home/jane/kubex.yaml, sources.prod.api-version)",
        ),
        (
            r#"{"command": "x", "interactive-mode": "Sometimes"}"#,
            ErrorKind::InvalidValue,
            "Never",
        ),
        (
            r#"{"command": "x", "interactiveMode": ""}"#,
            ErrorKind::InvalidValue,
            "Never",
        ),
        (
            r#"{"command": "x", "env": [{"name": "A=B", "value": "s3cret"}]}"#,
            ErrorKind::InvalidValue,
            "equals sign",
        ),
        (
            r#"{"command": "x", "env": [{"name": "A", "value": "s3cret\u0000"}]}"#,
            ErrorKind::InvalidValue,
            "zero byte",
        ),
        (
            r#"{"command": "x", "args": ["s3cret\u0000"]}"#,
            ErrorKind::InvalidValue,
            "zero byte",
        ),
        (
            r#"{"command": "x", "comand": 1}"#,
            ErrorKind::UnknownField,
            "did you mean",
        ),
    ] {
        let error = failing(&world(), json).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}
