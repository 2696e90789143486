//! Kubex is asked, and everything it says is compared and searched for secrets.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kubex::options::{Options, Value};
use kubex::reqwest::{Client, StatusCode};
use kubex::{Chain, ClientConfiguration, Credential, Error, Host, Report, Result};
use serde_json::Value as Json;
use tracing_subscriber::fmt::MakeWriter;

use crate::case::{Case, Configured, Expect, Refusal};
use crate::facts::{self, Facts, NOT_CONFIGURED, REFUSED};
use crate::world::{MOUNT, World};

/// How long a case may take: long, for a machine that is busy with others.
const LIMIT: Duration = Duration::from_secs(30);

/// How a case went.
#[derive(Default)]
pub struct Verdict {
    /// What is not as the case expects.
    pub problems: Vec<String>,
    /// Secrets that show.
    pub leaks: Vec<String>,
}

/// Asks Kubex in the world of the case.
pub async fn ask(case: &Case) -> io::Result<Verdict> {
    let world = World::of(case).await?;
    let shown = Shown::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(shown.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let answer = tokio::time::timeout(LIMIT, answer(case, &world, &shown)).await;
    drop(guard);
    let problems = match answer {
        Err(_) => vec![format!("no answer within {} s", LIMIT.as_secs())],
        Ok(answer) => problems(case, &world, &answer),
    };
    Ok(Verdict {
        problems,
        leaks: shown.leaks(&world),
    })
}

/// What Kubex answered, and what came of the requests.
struct Answer {
    resolution: Result<(ClientConfiguration, Option<Report>)>,
    sent: Result<Option<StatusCode>>,
    credential: Option<Arc<Credential>>,
}

async fn answer(case: &Case, world: &World, shown: &Shown) -> Answer {
    let resolution = resolve(case, world).await;
    let mut answer = Answer {
        resolution,
        sent: Ok(None),
        credential: None,
    };
    match &answer.resolution {
        Err(error) => shown.error(error),
        Ok((configuration, report)) => {
            shown.debug(configuration);
            shown.debug(configuration.cluster());
            shown.debug(configuration.credentials());
            shown.debug(report);
            if let Some(report) = report {
                shown.add(&format!("{report}\n{report:#}\n"));
            }
            shown.add(&configuration.provenance().to_string());
            answer.sent = send(case, world, configuration).await;
            answer.credential = configuration.credentials().last();
            if let Err(error) = &answer.sent {
                shown.error(error);
            }
            shown.debug(&answer.credential);
            shown.debug(configuration);
        }
    }
    answer
}

async fn resolve(case: &Case, world: &World) -> Result<(ClientConfiguration, Option<Report>)> {
    let ask = &case.file.ask;
    let host = host(world);
    if let Some(file) = &ask.bytes {
        let content = std::fs::read(world.path(file)).expect("the file that `bytes` names");
        let mut configure = kubex::configure_from_kubeconfig()
            .host(host)
            .bytes(content)
            .trusted(ask.trusted);
        for (key, value) in &ask.kubeconfig {
            let name = value.as_str().unwrap_or_default();
            configure = match key.as_str() {
                "context" => configure.context(name),
                "cluster" => configure.cluster(name),
                "user" => configure.user(name),
                "namespace" => configure.namespace(name),
                other => panic!("bytes have no option {other}"),
            };
        }
        if !ask.overrides.is_empty() {
            configure = configure.overrides(options(&ask.overrides, world));
        }
        return configure.await.map(|configuration| (configuration, None));
    }
    let mut chain = Chain::builder(kubex::registry()?).host(host);
    for name in &ask.chain {
        let options = match name.as_str() {
            "kubeconfig" => options(&ask.kubeconfig, world),
            "in-cluster" => {
                let root = world.path(MOUNT).to_string_lossy().into_owned();
                let mut mounted = Options::new().set("root", root);
                for (key, value) in options(&ask.in_cluster, world).iter() {
                    mounted.insert(key, value.clone());
                }
                mounted
            }
            other => panic!("there is no source {other}"),
        };
        chain = chain.configured(name, name, options)?;
    }
    if !ask.overrides.is_empty() {
        chain = chain.overrides(options(&ask.overrides, world))?;
    }
    let resolution = chain.build().resolve().await?;
    Ok((resolution.configuration, Some(resolution.report)))
}

/// The real host with the case's environment, and nothing of this process's own.
fn host(world: &World) -> Host {
    let mut host = Host::real();
    for (name, _) in std::env::vars() {
        host = host.with_variable(&name, None::<String>);
    }
    for (name, value) in world.pod.iter().chain(&world.environment) {
        host = host.with_variable(name, Some(value));
    }
    host
}

fn options(written: &BTreeMap<String, Json>, world: &World) -> Options {
    let mut options = Options::new();
    for (key, value) in written {
        let filled = fill(value, world);
        let value: Value = serde_json::from_value(filled).expect("options of a case are plain values");
        options.insert(key, value.located(options.origin_of(key)));
    }
    options
}

/// The value with the placeholders in its texts filled in.
fn fill(value: &Json, world: &World) -> Json {
    match value {
        Json::String(text) => Json::String(world.text(text)),
        Json::Array(items) => items.iter().map(|item| fill(item, world)).collect(),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (key.clone(), fill(value, world)));
            Json::Object(entries.collect())
        }
        other => other.clone(),
    }
}

async fn send(case: &Case, world: &World, configuration: &ClientConfiguration) -> Result<Option<StatusCode>> {
    let mut status = None;
    if case.file.ask.requests == 0 {
        return Ok(None);
    }
    let client = Client::new(configuration)?;
    for _ in 0..case.file.ask.requests {
        let mut request = client.get("/version")?;
        for (name, value) in &case.file.ask.headers {
            request = request.header(name, world.text(value));
        }
        status = Some(client.send(request).await?.status());
    }
    Ok(status)
}

fn problems(case: &Case, world: &World, answer: &Answer) -> Vec<String> {
    let mut observed = facts::observed(world);
    let mut problems = Vec::new();
    match (&case.file.expect, &answer.resolution) {
        (Expect::Ok(expected), Ok((configuration, report))) => {
            problems.extend(check_configured(
                expected,
                world,
                configuration,
                report.as_ref(),
                answer,
            ));
            if answer.sent.is_err() {
                observed.insert("outcome", REFUSED.to_owned());
            }
        }
        (Expect::Error(expected), Err(error)) if !is_nothing_configured(error) => {
            problems.extend(check_error(expected, world, error));
            observed.insert("outcome", REFUSED.to_owned());
        }
        (Expect::NotConfigured(words), Err(error)) if is_nothing_configured(error) => {
            problems.extend(check_words(words, &[], world, &error.to_string()));
            observed.insert("outcome", NOT_CONFIGURED.to_owned());
        }
        (_, Ok((configuration, report))) => {
            let report = report.as_ref().map(ToString::to_string).unwrap_or_default();
            problems.push(format!("it resolves: {report}\n{configuration:?}"));
        }
        (_, Err(error)) => problems.push(format!("it does not resolve: {error:?}")),
    }
    if problems.is_empty() || answer.resolution.is_ok() {
        problems.extend(facts::compare(&facts::expected(case, world), &observed));
    }
    problems
}

fn is_nothing_configured(error: &Error) -> bool {
    error.is_not_configured() || error.kind() == kubex::ErrorKind::Exhausted
}

fn check_configured(
    expected: &Configured,
    world: &World,
    configuration: &ClientConfiguration,
    report: Option<&Report>,
    answer: &Answer,
) -> Vec<String> {
    let mut found = Facts::from([
        ("server", configuration.cluster().server.as_str().to_owned()),
        ("namespace", configuration.namespace().to_owned()),
        (
            "warnings",
            sorted(
                configuration
                    .warnings()
                    .iter()
                    .map(|warning| warning.id().to_owned()),
            ),
        ),
    ]);
    let mut wanted = Facts::from([
        ("server", world.text(&expected.server)),
        ("namespace", expected.namespace.clone()),
        ("warnings", sorted(expected.warnings.iter().cloned())),
    ]);
    if let Some(report) = report {
        let chosen = report.chosen().map(|attempt| attempt.source.clone());
        found.insert("source", chosen.unwrap_or_default());
        wanted.insert("source", expected.source.clone());
    }
    if let Some(credential) = &expected.credential {
        wanted.insert("credential", credential.clone());
        found.insert("credential", kind_of(answer.credential.as_deref()));
    }
    let mut problems = facts::compare(&wanted, &found);

    let proxy = configuration.cluster().proxy.as_ref().map(ToString::to_string);
    match (&expected.proxy, &proxy) {
        (Some(wanted), Some(found)) if found.contains(&world.text(wanted)) => {}
        (Some(wanted), found) => problems.push(format!(
            "proxy of the configuration: expected {wanted}, found {found:?}"
        )),
        (None, Some(found)) if expected.arrives.proxy == "none" => {
            problems.push(format!(
                "proxy of the configuration: expected none, found {found}"
            ));
        }
        (None, _) => {}
    }
    let reported = report.map(ToString::to_string).unwrap_or_default();
    problems.extend(check_words(&expected.says, &[], world, &reported));
    for (field, place) in &expected.provenance {
        let place = world.text(place);
        let found = configuration.provenance().origin_of(field).map(ToString::to_string);
        if !found.as_deref().is_some_and(|found| found.contains(&place)) {
            problems.push(format!("{field}: expected to come from {place}, found {found:?}"));
        }
    }
    let shadowed = configuration.provenance().shadowed();
    let shadowed: Vec<String> = shadowed.iter().map(|entry| entry.shadowed.to_string()).collect();
    for place in &expected.shadowed {
        let place = world.text(place);
        if !shadowed.iter().any(|found| found.contains(&place)) {
            problems.push(format!("{place} is not among the shadowed entries: {shadowed:?}"));
        }
    }
    match (&expected.fails, &answer.sent) {
        (Some(expected), Err(error)) => problems.extend(check_error(expected, world, error)),
        (Some(expected), Ok(status)) => {
            problems.push(format!(
                "expected {} of the request, got {status:?}",
                expected.kind
            ));
        }
        (None, Err(error)) => problems.push(format!("the request fails: {error:?}")),
        (None, Ok(_)) => {}
    }
    problems
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts.join(", ")
}

fn kind_of(credential: Option<&Credential>) -> String {
    let Some(credential) = credential else {
        return "none".to_owned();
    };
    let word = match (credential.token(), credential.basic_pair()) {
        (Some(_), _) => Some("token"),
        (None, Some(_)) => Some("basic"),
        (None, None) => None,
    };
    let kinds: Vec<&str> = word
        .into_iter()
        .chain(credential.certificate().map(|_| "certificate"))
        .collect();
    if kinds.is_empty() {
        "none".to_owned()
    } else {
        kinds.join(" and ")
    }
}

fn check_error(expected: &Refusal, world: &World, error: &Error) -> Vec<String> {
    let mut problems = Vec::new();
    let kind = format!("{:?}", error.kind());
    if kind != expected.kind {
        problems.push(format!("expected an error {}, found {kind}", expected.kind));
    }
    let words: Vec<String> = expected.says.iter().chain(&expected.at).cloned().collect();
    problems.extend(check_words(&words, &expected.never, world, &error.to_string()));
    problems
}

fn check_words(words: &[String], never: &[String], world: &World, text: &str) -> Vec<String> {
    let missing = words.iter().map(|word| world.text(word));
    let missing = missing.filter(|word| !text.contains(word.as_str()));
    let missing = missing.map(|word| format!("{word:?} is not in: {text}"));
    let excess = never.iter().map(|word| world.text(word));
    let excess = excess.filter(|word| text.contains(word.as_str()));
    missing
        .chain(excess.map(|word| format!("{word:?} must not be in: {text}")))
        .collect()
}

/// Everything that was shown in one case: errors, reports, `Debug` forms, events of every level.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn add(&self, text: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(text);
    }

    fn debug(&self, value: &dyn Debug) {
        self.add(&format!("{value:?}\n{value:#?}\n"));
    }

    fn error(&self, error: &Error) {
        self.add(&format!("{error}\n{error:#}\n"));
        self.debug(error);
        self.debug(&error.report());
        if let Some(report) = error.report() {
            self.add(&format!("{report}\n"));
        }
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            self.add(&format!("{next}\n{next:?}\n"));
            cause = next.source();
        }
    }

    fn leaks(&self, world: &World) -> Vec<String> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if world.words.secrets() > 0 && shown.is_empty() {
            return vec!["nothing was shown, so nothing was searched".to_owned()];
        }
        let traces = world.words.traces();
        let found = traces.iter().filter(|trace| shown.contains(trace.as_str()));
        found
            .map(|trace| {
                let line = shown.lines().find(|line| line.contains(trace.as_str()));
                format!("a secret shows, as {trace:?} in: {}", line.unwrap_or_default())
            })
            .collect()
    }
}

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(&String::from_utf8_lossy(bytes));
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
