//! `kubex explain --watch`: each change, as a program that follows the chain would see it.
//!
//! A chain that does not resolve at the start is tried again, so that one can wait for the first file of an agent.

use std::time::{Duration, SystemTime};

use kubex::follow::Watch;
use kubex::time::{rfc3339, unix_seconds};
use kubex::{Error, Host};
use serde::Serialize;

use super::{Configuration, Explanation, Source, explained};
use crate::failure::Failure;
use crate::output::{self, Format, Output, Style, print_message};
use crate::session::Session;

/// How long it waits between two looks. A look reads the files and runs nothing.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// The outcome of a chain that resolves for the first time, after it did not.
const RESOLVED: &str = "resolved";

/// What happened to a source that is followed, and what is used from then on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    time: String,
    /// `resolved`, `followed`, `kept`, `replaced`, `failed` or `recovered`.
    outcome: &'static str,
    /// What changed, or why the source failed.
    details: String,
    sources: Vec<Source>,
    configuration: Option<Configuration>,
}

/// Goes on until a signal ends the command.
pub(super) async fn run(format: Format, session: &Session) -> Result<(), Failure> {
    let mut watch = match session.watch().await {
        Ok(watch) => {
            let explanation = Explanation::of(watch.configuration(), &[], &session.host).await;
            output::print(&explanation, format, &session.host)?;
            watch
        }
        Err(error) => wait_for_the_first(error, format, session).await?,
    };
    loop {
        wait(&session.host).await;
        for change in watch.look().await {
            let explanation = Explanation::of(watch.configuration(), &[], &session.host).await;
            Block::new(change.outcome, change.details, explanation, &session.host)
                .print(format, &session.host)?;
        }
    }
}

/// Shows why the chain does not resolve, then each other reason, until it resolves.
async fn wait_for_the_first(error: Error, format: Format, session: &Session) -> Result<Watch, Failure> {
    let mut reason = error.to_string();
    if let Some(report) = error.report() {
        output::print(&Explanation::new(report, None), format, &session.host)?;
    }
    // The status would be that of the command, which goes on.
    let _ = Failure::from(error).print(&session.host).await;
    print_message("waiting until the chain can be resolved; press Ctrl-C to stop");
    loop {
        wait(&session.host).await;
        match session.watch().await {
            Ok(watch) => {
                let explanation = Explanation::of(watch.configuration(), &[], &session.host).await;
                let block = Block::new(RESOLVED, String::new(), explanation, &session.host);
                block.print(format, &session.host)?;
                return Ok(watch);
            }
            Err(error) if error.to_string() != reason => {
                reason = error.to_string();
                let explanation = error.report().map(|report| Explanation::new(report, None));
                let details = error.message().to_owned();
                let block = Block::new("failed", details, explanation.unwrap_or_default(), &session.host);
                block.print(format, &session.host)?;
            }
            Err(_) => {}
        }
    }
}

async fn wait(host: &Host) {
    // Nothing ends the wait but its time limit.
    let _ = host.within(LOOK_AFTER, std::future::pending::<()>()).await;
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds(time).try_into().unwrap_or_default())
}

impl Block {
    fn new(outcome: &'static str, details: String, explanation: Explanation, host: &Host) -> Self {
        Self {
            time: rfc3339(whole_seconds(host.now().wall)).to_string(),
            outcome,
            details,
            sources: explanation.sources,
            configuration: explanation.configuration,
        }
    }

    fn print(&self, format: Format, host: &Host) -> Result<(), Failure> {
        if format == Format::Yaml {
            output::print_text("---\n")?;
        }
        Ok(output::print(self, format, host)?)
    }
}

impl Output for Block {
    fn table(&self, style: Style) -> String {
        let outcome = match self.outcome {
            RESOLVED | "followed" | "replaced" | "recovered" => style.good(self.outcome),
            "failed" => style.error(self.outcome),
            "kept" => style.warning(self.outcome),
            other => other.to_owned(),
        };
        let mut text = format!("\n{} {outcome}", self.time);
        if !self.details.is_empty() {
            text.push_str(": ");
            text.push_str(&self.details);
        }
        text.push('\n');
        if matches!(self.outcome, RESOLVED | "followed" | "replaced") {
            text.push_str(&explained(&self.sources, self.configuration.as_ref(), style));
        }
        text
    }
}
