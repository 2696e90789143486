//! No secret in any output: markers are planted in every secret field of every provider, every success and
//! every failure is run, and everything that is shown (`Debug`, `Display`, causes, reports, events of every
//! level) is searched for them, also in disguise.

#[path = "canary/config.rs"]
mod config;
#[path = "canary/oidc.rs"]
mod oidc;

use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use kubex::credentials::SharingKey;
use kubex::{Chain, Error, ExposeSecret as _, Host, Options, Resolution, Result, SecretString};
use kubex_core::host::{
    Exit, PluginEnvironment, PluginPolicy, PluginRules, Process, ProcessError, ProcessOutput, SimulatedHost,
};
use kubex_tests::api_server::ApiServer;
use tracing_subscriber::fmt::MakeWriter;

/// What is planted. Each begins with eight characters of its own, so that a prefix gives it away too.
const MARKERS: &[&str] = &[
    "Qz7token-canary-in-a-token",
    "Wx8passw-canary-in-a-password",
    "Er9envir-canary-in-the-environment",
    "Ty4stdou-canary-in-the-output",
    "Ui5fallb-canary-in-a-fallback-token",
    "Op6proxy-canary-in-a-proxy-url",
    "As3authp-canary-in-an-auth-provider",
    "Df2unkno-canary-in-an-unknown-field",
    "Gh1keyda-canary-in-a-private-key",
    "Jk0filet-canary-in-a-token-file",
    "Lq4argum-canary-in-an-argument",
];

const TOKEN: &str = MARKERS[0];
const PASSWORD: &str = MARKERS[1];
const ENVIRONMENT: &str = MARKERS[2];
const OUTPUT: &str = MARKERS[3];
const FALLBACK: &str = MARKERS[4];
const PROXY: &str = MARKERS[5];
const AUTH_PROVIDER: &str = MARKERS[6];
const UNKNOWN_FIELD: &str = MARKERS[7];
const KEY: &str = MARKERS[8];
const FILE: &str = MARKERS[9];
const ARGUMENT: &str = MARKERS[10];

fn markers() -> impl Iterator<Item = &'static str> {
    MARKERS.iter().chain(oidc::MARKERS).copied()
}

/// How a marker may show: as it is, cut short, or encoded.
fn disguises(marker: &str) -> Vec<String> {
    let mut disguises = vec![marker.to_owned(), marker.chars().take(8).collect()];
    // Base64 of a text that has the marker at any of the three alignments.
    for padding in 0..3 {
        let padded = format!("{}{marker}", "x".repeat(padding));
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            disguises.push(encoded.chars().skip(padding + 1).take(12).collect());
        }
    }
    let bytes = marker.as_bytes();
    disguises.push(bytes.iter().take(8).map(|byte| format!("%{byte:02X}")).collect());
    disguises.push(bytes.iter().take(8).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    }));
    disguises.push(
        bytes
            .iter()
            .take(4)
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    );
    disguises
}

/// Everything that was shown in one case.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn add(&self, text: impl AsRef<str>) {
        self.0.lock().unwrap().push_str(text.as_ref());
    }

    fn debug(&self, value: &dyn Debug) {
        self.add(format!("{value:?}\n{value:#?}\n"));
    }

    fn error(&self, error: &Error) {
        self.add(format!("{error}\n{error:#}\n"));
        self.debug(error);
        self.debug(&error.report());
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            self.add(format!("{next}\n{next:?}\n"));
            cause = next.source();
        }
    }

    fn resolution(&self, resolution: &Resolution) {
        self.add(format!("{}\n", resolution.report));
        self.debug(resolution);
        let configuration = &resolution.configuration;
        self.debug(configuration);
        self.debug(&configuration.cluster());
        self.debug(&configuration.credentials());
        self.add(configuration.credentials().describe());
        if let Some(proxy) = &configuration.cluster().proxy {
            self.add(format!("{proxy} {proxy:?}"));
        }
    }

    fn assert_clean(&self, what: &str) {
        let shown = self.0.lock().unwrap();
        assert!(
            shown.len() > 50,
            "{what}: hardly anything was shown, so nothing was searched: {shown}"
        );
        for marker in markers() {
            for disguise in disguises(marker) {
                assert!(
                    !shown.contains(&disguise),
                    "{what}: {marker} shows as {disguise} in:\n{shown}"
                );
            }
        }
    }
}

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Shown {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Builds the chain, resolves it, asks for credentials, lets them be rejected and expire, and shows all of it.
async fn run(what: &str, world: &SimulatedHost, build: impl FnOnce() -> Result<Chain>) {
    let shown = Shown::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(shown.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    shown.add(format!(
        "the case is: {what}; what follows is everything that it shows\n"
    ));
    match build() {
        Ok(chain) => {
            shown.debug(&chain);
            match chain.resolve().await {
                Ok(resolution) => live(&shown, world, &resolution).await,
                Err(error) => shown.error(&error),
            }
        }
        Err(error) => shown.error(&error),
    }
    drop(guard);
    shown.assert_clean(what);
}

async fn live(shown: &Shown, world: &SimulatedHost, resolution: &Resolution) {
    shown.resolution(resolution);
    let credentials = resolution.configuration.credentials();
    for _ in 0..3 {
        match credentials.current().await {
            Ok(credential) => {
                shown.debug(&credential);
                shown.debug(&credential.authorization());
                shown.debug(&credential.token());
                shown.debug(&credential.basic_pair().map(|(_, password)| password));
                shown.debug(&credential.certificate());
                credentials.invalidate(credential.generation());
            }
            Err(error) => shown.error(&error),
        }
        world.advance(Duration::from_secs(7200));
    }
    shown.resolution(resolution);
}

fn world() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.set_variable("PATH", "/usr/bin");
    world
}

/// A chain of one source.
fn one(world: &SimulatedHost, provider: &str, options: Options) -> Result<Chain> {
    Ok(Chain::builder(kubex::registry()?)
        .host(world.host())
        .configured("source", provider, options)?
        .build())
}

fn with_server() -> Options {
    Options::new().set("server", "https://10.0.0.1")
}

#[tokio::test]
async fn the_search_itself_finds_what_is_shown() {
    for marker in markers() {
        for leak in [
            format!("{marker:?}"),
            BASE64_STANDARD_NO_PAD.encode(format!("ab{marker}")),
            format!("{:?}", marker.as_bytes()),
            marker.chars().take(10).collect(),
        ] {
            let shown = Shown::default();
            shown.add(format!(
                "{} {leak}",
                "something harmless in front of it, long enough to count"
            ));
            let found = std::panic::catch_unwind(|| shown.assert_clean("a leak"));
            assert!(found.is_err(), "not found: {leak}");
        }
    }
}

#[tokio::test]
async fn static_shows_no_secret() {
    let world = world();
    let cases: Vec<(&str, Options)> = vec![
        ("token", with_server().set("token", TOKEN)),
        (
            "basic",
            with_server().set("username", "jane").set("password", PASSWORD),
        ),
        (
            "token that cannot travel",
            with_server().set("token", format!("{TOKEN}\n")),
        ),
        (
            "token and pair",
            with_server()
                .set("token", TOKEN)
                .set("username", "j")
                .set("password", PASSWORD),
        ),
        ("password alone", with_server().set("password", PASSWORD)),
        ("key alone", with_server().set("client-key-data", KEY)),
        (
            "key that is no PEM",
            with_server()
                .set("client-certificate-data", KEY)
                .set("client-key-data", KEY),
        ),
        ("unknown option", with_server().set("tokn", UNKNOWN_FIELD)),
        ("wrong type", with_server().set("token", vec![TOKEN])),
        (
            "proxy",
            with_server()
                .set("token", TOKEN)
                .set("proxy-url", format!("http://jane:{PROXY}@proxy:3128")),
        ),
        (
            "bad proxy",
            with_server()
                .set("token", TOKEN)
                .set("proxy-url", format!("ftp://jane:{PROXY}@proxy")),
        ),
        (
            "password in server",
            Options::new().set("server", format!("https://jane:{PASSWORD}@h")),
        ),
        (
            "plain http",
            Options::new().set("server", "http://h").set("token", TOKEN),
        ),
        ("no server", Options::new().set("token", TOKEN)),
    ];
    for (what, options) in cases {
        let shown = Shown::default();
        shown.add("the options themselves, on their way to the provider, are shown here: ");
        shown.debug(&options);
        shown.assert_clean(what);
        run(what, &world, || one(&world, "static", options)).await;
    }
}

#[tokio::test]
async fn static_with_a_certificate_shows_no_key() {
    let server = ApiServer::builder().start().await.unwrap();
    let pair = server.issue_client_certificate("jane", &["dev"]);
    let shown = Shown::default();
    let world = world();
    let options = with_server()
        .set("client-certificate-data", pair.certificate.as_str())
        .set("client-key-data", pair.key.as_str());
    let resolution = one(&world, "static", options).unwrap().resolve().await.unwrap();
    live(&shown, &world, &resolution).await;
    let body: String = pair.key.lines().filter(|line| !line.starts_with('-')).collect();
    let text = shown.0.lock().unwrap().clone();
    assert!(
        !text.contains(&body[..16]) && !text.contains("PRIVATE KEY"),
        "{text}"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn token_file_shows_no_secret() {
    let options = || with_server().set("token-file", "/token").set("token", FALLBACK);
    for (what, content) in [
        ("token", FILE.to_owned()),
        ("two lines", format!("{FILE}\n{FILE}")),
        ("control characters", format!("{FILE}\u{7}")),
        ("empty", String::new()),
        ("beyond ASCII", format!("{FILE}ü")),
    ] {
        let world = world();
        world.write("/token", &content);
        run(what, &world, || one(&world, "token-file", options())).await;
        let without_fallback = with_server().set("token-file", "/token");
        run(what, &world, || one(&world, "token-file", without_fallback)).await;
    }
    let world = world();
    run("no file", &world, || one(&world, "token-file", options())).await;
}

/// What a live handle says of files that change under it: events, errors, its own description.
#[tokio::test]
async fn files_that_change_while_in_use_show_no_secret() {
    type Change<'a> = (&'a str, Box<dyn Fn(&SimulatedHost) + 'a>);

    let server = ApiServer::builder().start().await.unwrap();
    let (jane, joe) = (
        server.issue_client_certificate("jane", &[]),
        server.issue_client_certificate("joe", &[]),
    );
    let bodies: Vec<String> = [&jane.key, &joe.key]
        .iter()
        .map(|key| key.lines().nth(1).unwrap().chars().take(16).collect())
        .collect();
    let options = Options::new()
        .set("server", server.url())
        .set("token-file", "/token")
        .set("certificate-authority", "/ca.crt")
        .set("client-certificate", "/client.crt")
        .set("client-key", "/client.key");
    let certificates = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let changes: Vec<Change<'_>> = vec![
        ("another token", Box::new(|world| world.write("/token", FALLBACK))),
        (
            "a token that cannot travel",
            Box::new(|world| world.write("/token", &format!("{FILE}\u{7}"))),
        ),
        (
            "a token that is no text",
            Box::new(|world| {
                world.write_bytes("/token", &[FILE.as_bytes(), b"\xff"].concat());
            }),
        ),
        (
            "a key of another pair",
            Box::new(|world| world.write("/client.key", &joe.key)),
        ),
        (
            "a key that is none",
            Box::new(|world| world.write("/client.key", KEY)),
        ),
        (
            "half a key",
            Box::new(|world| world.write("/client.key", &jane.key[..100])),
        ),
        (
            "an authority that is none",
            Box::new(|world| world.write("/ca.crt", KEY)),
        ),
        (
            "an authority of no use",
            Box::new(|world| world.write("/ca.crt", certificates)),
        ),
        (
            "an authority that is gone",
            Box::new(|world| world.remove("/ca.crt")),
        ),
        (
            "a server of another authority",
            Box::new(|_| server.rotate_certificate_authority()),
        ),
    ];
    for (what, change) in changes {
        let world = world();
        world.write("/token", FILE);
        world.write("/ca.crt", &server.ca_pem());
        world.write("/client.crt", &jane.certificate);
        world.write("/client.key", &jane.key);
        let shown = Shown::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(shown.clone())
            .with_ansi(false)
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        let chain = one(&world, "token-file", options.clone()).unwrap();
        let resolution = chain.resolve().await.unwrap();
        let client = kubex::reqwest::Client::new(&resolution.configuration).unwrap();
        for round in 0..3 {
            match client.send(client.get("/version").unwrap()).await {
                Ok(answer) => shown.debug(&answer.status()),
                Err(error) => shown.error(&error),
            }
            if round == 0 {
                change(&world);
            }
            world.advance(Duration::from_secs(61));
        }
        shown.debug(&resolution.configuration.trust());
        shown.debug(&resolution.configuration.trust().current().await);
        shown.debug(&client);
        live(&shown, &world, &resolution).await;
        drop(guard);
        shown.assert_clean(what);
        let text = shown.0.lock().unwrap().clone();
        for body in &bodies {
            assert!(!text.contains(body), "{what}: a key shows in:\n{text}");
        }
        assert!(
            text.contains("kubex::trust") && text.contains("kubex::credentials"),
            "{what}: {text}"
        );
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_refresh_that_fails_or_comes_late_shows_no_secret() {
    use kubex_core::faults::{Act, FaultySource};
    use kubex_core::{ClientConfiguration, Cluster, Credential, ErrorKind, ServerUrl};

    let given = || Credential::bearer(TOKEN.into()).unwrap();
    let lasting = |seconds| Act::gives(given()).lasting(jiff::SignedDuration::from_secs(seconds));
    for (what, acts) in [
        ("it fails", vec![lasting(100), Act::fails(ErrorKind::Unavailable)]),
        ("it comes late", vec![lasting(100), lasting(-5)]),
        ("it hangs", vec![lasting(100), Act::hangs()]),
        ("it panics", vec![lasting(100), Act::panics()]),
        (
            "it works again",
            vec![lasting(100), Act::fails(ErrorKind::Unavailable), lasting(100)],
        ),
    ] {
        let world = world();
        let shown = Shown::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(shown.clone())
            .with_ansi(false)
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        let source = FaultySource::playing(acts);
        let builder =
            ClientConfiguration::builder(Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap()));
        let configuration = builder.source(source.clone()).build(&world.host()).unwrap();
        let credentials = configuration.credentials().clone();
        for _ in 0..4 {
            let asked = tokio::spawn({
                let credentials = credentials.clone();
                async move { credentials.current().await }
            });
            for _ in 0..40 {
                tokio::task::yield_now().await;
                if asked.is_finished() {
                    break;
                }
                world.advance(Duration::from_secs(1));
            }
            match asked.await.unwrap() {
                Ok(credential) => shown.debug(&credential),
                Err(error) => shown.error(&error),
            }
            world.advance(Duration::from_secs(101));
        }
        shown.debug(&source);
        shown.debug(&configuration);
        drop(guard);
        shown.assert_clean(what);
    }
}

#[tokio::test]
async fn in_cluster_shows_no_secret() {
    const ROOT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    for (what, token, authority) in [
        ("token", FILE.to_owned(), None),
        ("token that cannot travel", format!("{FILE}\u{1}"), None),
        ("no authority in PEM", FILE.to_owned(), Some(KEY)),
        ("empty token", String::new(), None),
    ] {
        let world = world();
        world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        world.set_variable("KUBERNETES_SERVICE_PORT", "443");
        world.write(format!("{ROOT}/token"), &token);
        if let Some(authority) = authority {
            world.write(format!("{ROOT}/ca.crt"), authority);
        }
        run(what, &world, || one(&world, "in-cluster", Options::new())).await;
    }
}

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

fn output(exit: Exit, output: &str, error: &str) -> ProcessOutput {
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
        // What was never printed and never told is unknown to Kubex: nobody could hide it.
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
        Ok(Chain::builder(kubex::registry()?)
            .host(host)
            .configured("source", "exec", exec_options())?
            .build())
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
            if let Some(terminal) = &process.terminal {
                terminal.show(format!("using {ENVIRONMENT} and {ARGUMENT}, enter code: ").as_bytes());
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

#[tokio::test]
async fn kubeconfig_shows_no_secret() {
    let users = [
        format!("{{token: {TOKEN}}}"),
        format!("{{token: {TOKEN}, username: jane, password: {PASSWORD}}}"),
        format!("{{username: jane, password: {PASSWORD}}}"),
        format!("{{token: [{TOKEN}]}}"),
        format!("{{token: {{{TOKEN}: {TOKEN}}}}}"),
        format!("{{token: \"{TOKEN}\\n\"}}"),
        format!("{{Token: {UNKNOWN_FIELD}, pasword: {UNKNOWN_FIELD}}}"),
        format!("{{client-certificate-data: {KEY}, client-key-data: {KEY}}}"),
        format!("{{client-key-data: {KEY}}}"),
        format!("{{client-certificate-data: {KEY}}}"),
        format!("{{tokenFile: /token, token: {FALLBACK}}}"),
        format!("{{auth-provider: {{name: gcp, config: {{access-token: {AUTH_PROVIDER}}}}}}}"),
        format!("{{auth-provider: {{name: oidc, config: {{client-secret: {AUTH_PROVIDER}}}}}}}"),
        format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login, \
             env: [{{name: A, value: {ENVIRONMENT}}}]}}}}"
        ),
        format!(
            "{{token: {TOKEN}, exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, \
             command: login, env: [{{name: A, value: {ENVIRONMENT}}}]}}}}"
        ),
        format!("{{exec: {{command: login, env: {ENVIRONMENT}}}}}"),
        format!("{{exec: {{command: login, env: [{{name: A, value: [{ENVIRONMENT}]}}]}}}}"),
    ];
    let rest = format!(
        "current-context: prod\nclusters: [{{name: prod, cluster: {{server: 'https://prod.example', \
         proxy-url: 'http://jane:{PROXY}@proxy:3128', unheard-of: {UNKNOWN_FIELD}}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: prod, user: jane}}}}]\n"
    );
    let mut documents: Vec<(String, String)> = users
        .iter()
        .map(|user| {
            (
                user.split(':').next().unwrap_or_default().to_owned(),
                format!("{rest}users: [{{name: jane, user: {user}}}]\n"),
            )
        })
        .collect();
    let good = format!("{rest}users: [{{name: jane, user: {{token: {TOKEN}}}}}]\n");
    documents.extend([
        (
            "two of one name".to_owned(),
            good.replace(
                "users: [",
                &format!("users: [{{name: jane, user: {{token: {TOKEN}}}}}, "),
            ),
        ),
        ("no such user".to_owned(), good.replace("user: jane", "user: jan")),
        (
            "no such context".to_owned(),
            good.replace("current-context: prod", "current-context: prd"),
        ),
        ("cut short".to_owned(), good[..good.len() - 4].to_owned()),
        (
            "bad indentation".to_owned(),
            format!("users:\n- name: jane\n  user:\n    token: {TOKEN}\n   password: {PASSWORD}\n"),
        ),
        (
            "a tab".to_owned(),
            format!("users:\n- name: jane\n\ttoken: {TOKEN}\n"),
        ),
        ("a list".to_owned(), format!("- {TOKEN}\n")),
        ("a text".to_owned(), TOKEN.to_owned()),
        (
            "broken JSON".to_owned(),
            format!("{{\"users\": [{{\"name\": \"jane\", \"user\": {{\"token\": \"{TOKEN}\""),
        ),
        ("an alias to nothing".to_owned(), format!("users: *{TOKEN}\n")),
        ("a tag".to_owned(), format!("users: !{TOKEN} x\n")),
        (
            "token as name".to_owned(),
            format!("{good}kind: {UNKNOWN_FIELD}\n"),
        ),
    ]);
    for (what, document) in documents {
        let world = world();
        world.install_program("/usr/bin/login");
        world.run_processes(move |_| Ok(output(Exit::Status(1), OUTPUT, ENVIRONMENT)));
        world.write("/token", FILE);
        world.write("/home/jane/.kube/config", &document);
        run(&what, &world, || one(&world, "kubeconfig", Options::new())).await;
    }
}
