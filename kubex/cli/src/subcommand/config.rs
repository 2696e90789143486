//! `kubex config show` and `kubex config check`: the configuration of Kubex.

use std::path::Path;

use clap::{Args, Subcommand, ValueHint};
use kubex::config::Configuration;
use kubex::text::shown_path;
use kubex::{Origin, registry};
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
        /// The file; by default every file that is in force, and the variables
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<String>,
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
        Action::Check { file } => check(file.as_deref(), session).await,
    }
}

/// The output of `config show`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MergedConfiguration {
    /// The files that were read; later ones win.
    files: Vec<String>,
    /// The paths where no file was found.
    not_found: Vec<String>,
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
    let files: Vec<&Path> = configuration.files().collect();
    let entries = configuration.entries(&registry()?).into_iter();
    let merged = MergedConfiguration {
        not_found: not_found(&files, session),
        files: files.iter().map(|file| shown_path(file).into_owned()).collect(),
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

/// The paths at which a file of the machine or of the user could be.
fn not_found(files: &[&Path], session: &Session) -> Vec<String> {
    let searched = Configuration::searched_paths(&session.host);
    // A directory has only one of the names.
    let is_there = |path: &Path| files.iter().any(|file| file.parent() == path.parent());
    let missing = searched.iter().filter(|path| !is_there(path));
    missing.map(|path| shown_path(path).into_owned()).collect()
}

async fn check(file: Option<&str>, session: &Session) -> Result<(), Failure> {
    let (registry, host) = (registry()?, &session.host);
    let configuration = match (file, session.flags.config()) {
        (Some(file), _) => Configuration::check_file(file, host, &registry).await?,
        (None, Some(named)) => {
            let origin = Origin::flag("--config");
            Configuration::check_files_with(named, origin, host, &registry).await?
        }
        (None, None) => Configuration::check_files(host, &registry).await?,
    };
    let unreplaced = configuration.unreplaced_plugins(&registry);
    for warning in configuration.warnings().chain(&unreplaced) {
        print_message(&format!("warning: {warning}"));
    }
    if let Some(file) = file {
        print_message(&format!("{file} is valid"));
        return Ok(());
    }
    let files: Vec<&Path> = configuration.files().collect();
    for file in &files {
        print_message(&format!("{} is valid", shown_path(file)));
    }
    if files.is_empty() {
        let searched = not_found(&files, session).join(", ");
        print_message(&format!(
            "there is no configuration file, so the defaults and the variables are used; looked for {searched}"
        ));
    }
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
        let mut text = table.render(style);
        let mut table = Table::new(&["OUTCOME", "FILE"]);
        for file in &self.not_found {
            table.row(["not found", file.as_str()]);
        }
        for file in &self.files {
            table.row(["read", file.as_str()]);
        }
        text.push('\n');
        text + &table.render(style)
    }
}
