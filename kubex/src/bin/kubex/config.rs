//! `kubex config show` and `kubex config check FILE`: the configuration of the chain.

use clap::{Args, Subcommand, ValueHint};
use kubex::config::Configuration;
use kubex::registry;
use kubex::text::clean_line;
use serde::Serialize;

use crate::arguments::{Format, PageArguments};
use crate::failure::Failure;
use crate::page::{self, Page, Table};
use crate::place::Place;
use crate::say::say;
use crate::session::Session;
use crate::style::Style;

/// What to do with it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show every value that is set, merged from all layers, with where it was written down
    Show(PageArguments),
    /// Say everything that is wrong with one file, also in what the chain does not use
    Check {
        /// The file
        #[arg(value_hint = ValueHint::FilePath)]
        file: String,
    },
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    match &arguments.what {
        What::Show(page) => show(page.format.output, session).await,
        What::Check { file } => check(file, session).await,
    }
}

/// The configuration, value by value.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    /// The files that were read, each winning over those before it.
    files: Vec<String>,
    profile: Option<String>,
    values: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    key: String,
    /// The value; `[masked]` stands for what may be a secret.
    value: serde_json::Value,
    written_at: Place,
}

async fn show(format: Format, session: &Session) -> Result<(), Failure> {
    let configuration = session.configuration().await?;
    let files = configuration.files();
    let entries = configuration.entries(&registry()?).into_iter();
    let page = Shown {
        files: files.map(|file| file.to_string_lossy().into_owned()).collect(),
        profile: configuration.profile().map(str::to_owned),
        values: entries
            .map(|entry| Entry {
                written_at: Place::from(&entry.origin),
                key: entry.key,
                value: entry.shown,
            })
            .collect(),
    };
    page::print(&page, format, session)
}

async fn check(file: &str, session: &Session) -> Result<(), Failure> {
    let configuration = Configuration::from_file(file, &session.host).await?;
    configuration.check(&registry()?)?;
    say(&format!("nothing is wrong with {}", clean_line(file)));
    Ok(())
}

impl Page for Shown {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["KEY", "VALUE", "WRITTEN AT"]);
        for entry in &self.values {
            let value = match &entry.value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            table.row([entry.key.as_str(), &value, &entry.written_at.text]);
        }
        table.render(style)
    }
}
