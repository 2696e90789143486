//! Kubex is asked.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use kubex::options::{Options, Value};
use kubex::{Chain, ClientConfiguration, Credential, Host, Report, Result, Source};
use kubex_tests::machine::patience;
use libtest_mimic::{Completion, Failed};
use serde_json::Value as Json;

use super::case::Case;
use super::check::problems;
use super::failed;
use super::shown::Shown;
use super::world::{MOUNT, World};
use crate::client::Client;

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

impl Verdict {
    /// What that means for the case. A secret that shows is a failure, pending or not.
    pub fn judge(&self, case: &Case) -> Result<Completion, Failed> {
        if !self.leaks.is_empty() {
            return Err(failed(case, &self.leaks));
        }
        match (&case.file.pending, self.problems.is_empty()) {
            (None, true) => Ok(Completion::Completed),
            (None, false) => Err(failed(case, &self.problems)),
            (Some(missing), false) => {
                let today = self.problems.join("; ").replace('\n', " ");
                Ok(Completion::ignored_with(format!(
                    "pending: {missing}; today: {today}"
                )))
            }
            (Some(_), true) => Err("it passes now: remove `pending` from its case file".into()),
        }
    }
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
    let answer = tokio::time::timeout(patience(LIMIT), answer(case, &world, &shown)).await;
    drop(guard);
    let problems = match answer {
        Err(_) => vec![format!("no answer within {} s", LIMIT.as_secs())],
        Ok(answer) => problems(case, &world, &answer),
    };
    Ok(Verdict {
        problems,
        leaks: shown.leaks(&world.words),
    })
}

/// What Kubex answered, and what came of the requests.
pub struct Answer {
    pub configuration: Result<(ClientConfiguration, Option<Report>)>,
    pub sent: Result<Option<StatusCode>>,
    pub credential: Option<Arc<Credential>>,
}

async fn answer(case: &Case, world: &World, shown: &Shown) -> Answer {
    let configuration = resolve(case, world).await;
    let mut answer = Answer {
        configuration,
        sent: Ok(None),
        credential: None,
    };
    match &answer.configuration {
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
            answer.credential = configuration.credentials().peek();
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
        chain = chain.source(Source::new(name).options(options));
    }
    if !ask.overrides.is_empty() {
        chain = chain.overrides(options(&ask.overrides, world));
    }
    let configuration = chain.build()?.resolve().await?;
    let report = configuration.report().clone();
    Ok((configuration, Some(report)))
}

/// The real host with the case's environment, and nothing of this process's own.
fn host(world: &World) -> Host {
    let mut host = Host::real().with_pipe_deadline(Duration::from_secs(1));
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
    let headers: Vec<(String, String)> = case
        .file
        .ask
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), world.text(value)))
        .collect();
    let client = Client::new(configuration)?;
    for _ in 0..case.file.ask.requests {
        status = Some(client.get("/version", &headers).await?);
    }
    Ok(status)
}
