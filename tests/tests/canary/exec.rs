//! Secrets that plugins are given, and those that they print.

use std::io;
use std::sync::{Arc, Mutex};

use kubex::credentials::SharingKey;
use kubex::{Chain, ExposeSecret as _, Host, Options, Result, SecretString, Source};
use kubex_core::host::{
    Exit, PluginEnvironment, PluginPolicy, PluginRules, Process, ProcessError, ProcessOutput, SimulatedHost,
};

use super::case::{one, run, with_server, world};
use super::shown::{ARGUMENT, Canary as _, ENVIRONMENT, KEY, OUTPUT, Shown, TOKEN, UNKNOWN_FIELD};

fn exec_options() -> Options {
    let entry = |name: &str, value: &str| -> kubex::options::ValueKind {
        use kubex::options::Value;
        vec![
            ("name".to_owned(), Value::new(name, kubex::Origin::code())),
            ("value".to_owned(), Value::new(value, kubex::Origin::code())),
        ]
        .into()
    };
    with_server()
        .set("command", "login")
        .set("args", vec!["--client-secret", ARGUMENT])
        .set("env", vec![entry("LOGIN_SECRET", ENVIRONMENT)])
}

pub(super) fn output(exit: Exit, output: &str, error: &str) -> ProcessOutput {
    ProcessOutput {
        exit,
        output: output.as_bytes().to_vec().into(),
        error: error.as_bytes().to_vec().into(),
    }
}

type Script = Box<dyn Fn(&Process) -> Result<ProcessOutput, ProcessError> + Send + Sync>;

/// What a plugin may do, right or wrong; each says what it knows on standard error.
fn plugins() -> Vec<(&'static str, Script)> {
    // As a whole and in part, for a prefix of a secret is one.
    let told = format!(
        "using {ENVIRONMENT} and {ARGUMENT}, that is {} and {}",
        &ENVIRONMENT[..9],
        &ARGUMENT[..9]
    );
    let chatter = format!("{told} I got {OUTPUT}, which begins with {}", &OUTPUT[..9]);
    let answer = |status: &str| {
        format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{status}}}"#
        )
    };
    let mut plugins: Vec<(&'static str, Script)> = Vec::new();
    for (what, exit, printed) in [
        (
            "token",
            Exit::Status(0),
            answer(&format!(r#"{{"token":"{OUTPUT}"}}"#)),
        ),
        (
            "token that expires",
            Exit::Status(0),
            answer(&format!(
                r#"{{"token":"{OUTPUT}","expirationTimestamp":"2030-01-01T01:00:00Z"}}"#
            )),
        ),
        (
            "expired on arrival",
            Exit::Status(0),
            answer(&format!(
                r#"{{"token":"{OUTPUT}","expirationTimestamp":"2020-01-01T00:00:00Z"}}"#
            )),
        ),
        (
            "expiry nonsense",
            Exit::Status(0),
            answer(&format!(
                r#"{{"token":"{OUTPUT}","expirationTimestamp":"{OUTPUT}"}}"#
            )),
        ),
        ("garbage", Exit::Status(0), format!("{OUTPUT} {OUTPUT}")),
        (
            "cut short",
            Exit::Status(0),
            answer(&format!(r#"{{"token":"{OUTPUT}"#)),
        ),
        (
            "text after it",
            Exit::Status(0),
            answer(&format!(r#"{{"token":"{OUTPUT}"}}"#)) + OUTPUT,
        ),
        (
            "another version",
            Exit::Status(0),
            format!(r#"{{"apiVersion":"{OUTPUT}","status":{{"token":"x"}}}}"#),
        ),
        (
            "another kind",
            Exit::Status(0),
            answer("{}").replace("ExecCredential", OUTPUT),
        ),
        (
            "token that cannot travel",
            Exit::Status(0),
            answer(&format!(r#"{{"token":"{OUTPUT}\n"}}"#)),
        ),
        (
            "token of another type",
            Exit::Status(0),
            answer(&format!(r#"{{"token":["{OUTPUT}"]}}"#)),
        ),
        (
            "half a pair",
            Exit::Status(0),
            answer(&format!(r#"{{"clientKeyData":"{KEY}"}}"#)),
        ),
        (
            "no PEM",
            Exit::Status(0),
            answer(&format!(
                r#"{{"clientCertificateData":"{KEY}","clientKeyData":"{KEY}"}}"#
            )),
        ),
        ("nothing", Exit::Status(0), String::new()),
        ("failed", Exit::Status(1), OUTPUT.to_owned()),
        ("killed", Exit::Signal(9), OUTPUT.to_owned()),
    ] {
        // What was never printed and never told is unknown to Kubex, which cannot hide it.
        let chatter = if printed.contains(OUTPUT) {
            chatter.clone()
        } else {
            told.clone()
        };
        plugins.push((what, Box::new(move |_| Ok(output(exit, &printed, &chatter)))));
    }
    plugins.push(("too large", Box::new(|_| Err(ProcessError::OutputTooLarge))));
    plugins.push((
        "timed out",
        Box::new(move |_| {
            let said = chatter.clone().into_bytes().into();
            Err(ProcessError::TimedOut {
                output: OUTPUT.as_bytes().to_vec().into(),
                error: said,
            })
        }),
    ));
    plugins.push((
        "not started",
        Box::new(|_| Err(ProcessError::NotStarted(io::ErrorKind::PermissionDenied.into()))),
    ));
    plugins
}

#[tokio::test]
async fn exec_shows_no_secret() {
    for (what, plugin) in plugins() {
        let world = world();
        world.install_program("/usr/bin/login");
        world.run_processes(plugin);
        run(what, &world, || one(&world, "exec", exec_options())).await;
    }
    let world = world();
    run("no such command", &world, || one(&world, "exec", exec_options())).await;
    run("unknown option", &world, || {
        one(&world, "exec", exec_options().set("envs", UNKNOWN_FIELD))
    })
    .await;
    run("wrong type", &world, || {
        one(&world, "exec", exec_options().set("env", ENVIRONMENT))
    })
    .await;
}

/// A host with secrets in what was changed with it, in what its plugins are told, and with this changed besides.
fn changed(world: &SimulatedHost, change: impl FnOnce(Host) -> Host) -> Host {
    change(world.host().with_variable("LOGIN_SECRET", Some(ENVIRONMENT)))
}

async fn run_on(what: &str, world: &SimulatedHost, host: Host) {
    let shown = Shown::default();
    shown.add("the host itself, on its way to the provider, is shown here too: ");
    shown.debug(&host);
    shown.debug(&host.plugin_rules());
    shown.debug(&host.terminal());
    shown.assert_clean(what);
    run(what, world, || {
        Chain::builder(kubex::registry()?)
            .host(host)
            .source(Source::new("source").provider("exec").options(exec_options()))
            .build()
    })
    .await;
}

#[tokio::test]
async fn rules_terminal_and_recursion_show_no_secret() {
    // What is shown while the plugin runs is searched afterwards: a panic there would be the plugin's.
    let processes = Shown::default();
    let world = || {
        let world = world();
        world.install_program("/usr/bin/login");
        world.attach_terminal();
        let processes = processes.clone();
        world.run_processes(move |process| {
            processes.add("the process itself, and all that is shown of it, is searched as well: ");
            processes.debug(process);
            let asked = format!("using {ENVIRONMENT} and {ARGUMENT}, enter code: ");
            process.live_stderr.take(asked.as_bytes());
            processes.debug(&process.live_stderr);
            if let Some(terminal) = &process.terminal {
                processes.debug(terminal);
            }
            Ok(output(Exit::Status(1), OUTPUT, ENVIRONMENT))
        });
        world
    };
    let allowed = PluginPolicy::allowlist(["/usr/bin/other"]).unwrap();
    for (what, policy) in [
        ("all allowed", PluginPolicy::allow_all()),
        ("none allowed", PluginPolicy::deny_all()),
        ("another allowed", allowed),
    ] {
        let world = world();
        let rules = PluginRules::new()
            .policy(policy)
            .environment(PluginEnvironment::minimal().dropping(["AWS_*"]));
        let host = changed(&world, |host| host.with_plugin_rules(rules));
        run_on(what, &world, host).await;
    }
    let at_the_terminal = world();
    run_on(
        "at the terminal",
        &at_the_terminal,
        changed(&at_the_terminal, |host| host),
    )
    .await;
    assert!(at_the_terminal.shown().ends_with("enter code: "), "it was asked");
    processes.add(at_the_terminal.shown());
    processes.assert_clean("the processes and the terminal");

    // Which runs it is in is told by the fingerprint of each.
    let world = world();
    let stack: Arc<Mutex<String>> = Arc::default();
    let seen = Arc::clone(&stack);
    world.run_processes(move |process| {
        let of_the_stack = |(name, _): &&(String, SecretString)| name == "KUBEX_EXEC_STACK";
        let (_, value) = process.added.iter().find(of_the_stack).unwrap();
        *seen.lock().unwrap() = value.expose_secret().to_owned();
        Ok(output(Exit::Status(1), "", ""))
    });
    run_on("a run", &world, changed(&world, |host| host)).await;
    let stack = stack.lock().unwrap().clone();
    let shown = Shown::default();
    shown.add(format!(
        "the stack of runs, which every child of the plugin can read, is {stack}"
    ));
    shown.assert_clean("the stack of runs");
    let within = changed(&world, |host| {
        host.with_variable("KUBEX_EXEC_STACK", Some(&stack))
    });
    run_on("a run within itself", &world, within).await;
}

#[test]
fn what_a_shared_credential_is_known_by_shows_no_secret() {
    let shown = Shown::default();
    shown.add("the key by which a shared credential is known is shown here: ");
    shown.debug(
        &SharingKey::new("exec")
            .with(TOKEN)
            .with(ENVIRONMENT)
            .with(ARGUMENT),
    );
    shown.assert_clean("the key");
}
