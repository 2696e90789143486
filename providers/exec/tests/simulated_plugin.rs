//! The provider's behaviour in a simulated world.
#![expect(
    clippy::unwrap_used,
    clippy::unnecessary_wraps,
    reason = "helpers of tests; what a script leaves behind is a result"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kubex_core::host::{Exit, Process, ProcessError, ProcessOutput, SimulatedHost};
use kubex_core::options::{Value, ValueKind};
use kubex_core::{Chain, Credential, Error, ErrorKind, ExposeSecret, Options, Origin, Registry, Result};

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

/// Options as a file has them.
fn options(json: &str) -> Options {
    let origin = Origin::file("/home/jane/kubex.yaml").key("sources.prod");
    let value: Value = serde_json::from_str::<Value>(json)
        .unwrap()
        .located(origin.clone());
    let ValueKind::Mapping(entries) = value.kind() else {
        panic!("not a mapping")
    };
    let mut options = Options::at(origin).set("server", "https://h:6443");
    for (key, value) in entries {
        options.insert(key, value.clone());
    }
    options
}

async fn credential(world: &SimulatedHost, json: &str) -> Result<Arc<Credential>> {
    let registry = Registry::of([&kubex_exec::REGISTRATION])?;
    let chain = Chain::builder(registry)
        .host(world.host())
        .configured("prod", "exec", options(json))?
        .build();
    let configuration = chain.resolve().await?.configuration;
    assert_eq!(world.runs(), 0, "resolving starts nothing");
    configuration.credentials().current().await
}

async fn failing(world: &SimulatedHost, json: &str) -> Error {
    credential(world, json).await.unwrap_err()
}

#[tokio::test]
async fn the_plugin_gets_what_was_configured_and_nothing_overrides_the_exec_info() {
    let world = world();
    let seen: Arc<Mutex<Option<Process>>> = Arc::default();
    let copy = Arc::clone(&seen);
    world.run_processes(move |process| {
        *copy.lock().unwrap() = Some(Process {
            program: process.program.clone(),
            arguments: process.arguments.clone(),
            inherited: process.inherited.clone(),
            added: process.added.clone(),
            ..*process
        });
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
    assert_eq!(process.program.to_str(), Some("/usr/bin/aws"));
    assert_eq!(process.arguments, ["a b", "$HOME"]);
    assert_eq!(process.deadline, Duration::from_secs(5));
    assert!(process.inherited.contains(&("HOME".into(), "/home/jane".into())));
    let added: Vec<_> = process
        .added
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose_secret()))
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
async fn a_failure_shows_what_was_said_and_no_secret() {
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
        "prod: exec plugin aws failed with exit code 255: U+001B[31mdenied: [masked], [masked] \
         (/home/jane/kubex.yaml, sources.prod.command); run it in a terminal to see what it needs"
    );
    assert!(!format!("{error:?}").contains("marker"));
}

#[tokio::test]
async fn nothing_printed_is_told_with_the_reason() {
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
    assert!(error.message().contains("within 7 s and was ended"), "{error}");
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
        shown.ends_with("\n\ninstall\nit from U+001B]8;;http://xU+0007hereU+202E"),
        "{shown}"
    );
    assert_eq!(world.runs(), 0);
}

#[tokio::test]
async fn a_plugin_that_needs_a_terminal_is_not_run() {
    let world = world();
    let error = failing(&world, r#"{"command": "aws", "interactive-mode": "Always"}"#).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.message(),
        "exec plugin cannot support interactive mode: standard input is not a terminal"
    );
    assert_eq!(world.runs(), 0);
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
            "\"v2\" is no exec API version (/home/jane/kubex.yaml, sources.prod.api-version)",
        ),
        (
            r#"{"command": "x", "interactive-mode": "Sometimes"}"#,
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
