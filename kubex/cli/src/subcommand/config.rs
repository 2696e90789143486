//! `kubex config show` and `kubex config check FILE`: the configuration of Kubex.

use clap::{Args, Subcommand, ValueHint};
use kubex::config::Configuration;
use kubex::registry;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Output, OutputArguments, Style, Table, print_message};
use crate::session::Session;
use crate::view::Location;

/// The arguments of `config`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every value that is set, merged from all layers, with its location
    Show(OutputArguments),
    /// Report every mistake in a file, including sources that the chain does not use
    Check {
        /// The file
        #[arg(value_hint = ValueHint::FilePath)]
        file: String,
    },
}

impl Arguments {
    /// The argument for the output format.
    pub(super) fn output(&mut self) -> Option<&mut OutputArguments> {
        match &mut self.action {
            Action::Show(arguments) => Some(arguments),
            Action::Check { .. } => None,
        }
    }
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    match &arguments.action {
        Action::Show(arguments) => show(arguments, session).await,
        Action::Check { file } => check(file, session).await,
    }
}

/// The output of `config show`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MergedConfiguration {
    /// The files that were read; later ones win.
    files: Vec<String>,
    profile: Option<String>,
    values: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    key: String,
    /// The value; `[masked]` replaces what may be a secret.
    value: serde_json::Value,
    origin: Location,
}

async fn show(arguments: &OutputArguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.configuration().await?;
    let files = configuration.files();
    let entries = configuration.entries(&registry()?).into_iter();
    let merged = MergedConfiguration {
        files: files.map(|file| file.to_string_lossy().into_owned()).collect(),
        profile: configuration.profile().map(str::to_owned),
        values: entries
            .map(|entry| Entry {
                origin: Location::from(&entry.origin),
                key: entry.key,
                value: entry.shown,
            })
            .collect(),
    };
    Ok(output::print(&merged, arguments.format(), &session.host)?)
}

async fn check(file: &str, session: &Session) -> Result<(), Failure> {
    let registry = registry()?;
    let configuration = Configuration::check_file(file, &session.host, &registry).await?;
    let unreplaced = configuration.unreplaced_plugins(&registry);
    for warning in configuration.warnings().chain(&unreplaced) {
        print_message(&format!("warning: {warning}"));
    }
    print_message(&format!("{file} is valid"));
    Ok(())
}

impl Output for MergedConfiguration {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["KEY", "VALUE", "LOCATION"]);
        for entry in &self.values {
            let value = match &entry.value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            table.row([entry.key.as_str(), &value, &entry.origin.text]);
        }
        table.render(style)
    }
}
