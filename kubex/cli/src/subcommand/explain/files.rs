//! The files that the chosen source was read from, and those that it was looked for in.

use std::io;
use std::path::{Path, PathBuf};

use kubex::Host;
use kubex::host::{FileKind, Input};
use kubex::text::shown_path;
use serde::Serialize;

use crate::output::{Style, Table};

/// The variable that replaces the kubeconfig in the home directory.
const KUBECONFIG: &str = "KUBECONFIG";

/// A file, and whether it was read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    path: String,
    /// `read`, `not-found`, `unreadable`, or `not-read` for one that is there and does not count.
    outcome: &'static str,
    /// What named it, or why it does not count.
    #[serde(skip_serializing_if = "str::is_empty")]
    details: &'static str,
}

impl File {
    /// The files among the inputs of a source, in the order in which they were read.
    pub(super) async fn of_all(inputs: &[Input], host: &Host) -> Vec<Self> {
        let is_list =
            |input: &Input| matches!(input, Input::Variable { name, value: Some(_) } if name == KUBECONFIG);
        let is_listed = inputs.iter().any(is_list);
        let mut files = Vec::new();
        let mut known: Vec<PathBuf> = Vec::new();
        for input in inputs {
            let (path, is_read) = match input {
                Input::File { path, stamp } => (path, stamp.is_some()),
                Input::Pipe { path } => (path, true),
                _ => continue,
            };
            let from_here = host.from_working_directory(path);
            if known.contains(&from_here) {
                continue;
            }
            let outcome = if is_read {
                "read"
            } else {
                why_not(path, host).await
            };
            files.push(Self {
                path: shown_path(path).into_owned(),
                outcome,
                details: if is_listed && !is_read {
                    "named by KUBECONFIG"
                } else {
                    ""
                },
            });
            known.push(from_here);
        }
        if is_listed
            && let Some(home) = kubeconfig_at_home(host).await
            && !known.contains(&home)
        {
            files.push(Self {
                path: shown_path(&home).into_owned(),
                outcome: "not-read",
                details: "KUBECONFIG is set",
            });
        }
        files
    }

    /// A table, unless it would tell only that one file was read, which the locations of the fields tell too.
    pub(super) fn table(files: &[Self], style: Style) -> String {
        if let [] | [Self { outcome: "read", .. }] = files {
            return String::new();
        }
        let mut table = Table::new(&["OUTCOME", "DETAILS", "FILE"]);
        for file in files {
            table.row([&*file.outcome.replace('-', " "), file.details, &file.path]);
            if file.outcome != "read" {
                table.highlight(0, Style::warning);
            }
        }
        format!("\n{}", table.render(style))
    }
}

/// Why a file could not be read.
async fn why_not(path: &Path, host: &Host) -> &'static str {
    match host.files().kind(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => "not-found",
        _ => "unreadable",
    }
}

/// The kubeconfig in the home directory, if it is there.
async fn kubeconfig_at_home(host: &Host) -> Option<PathBuf> {
    let path = host.environment().home_directory()?.join(".kube").join("config");
    match host.files().kind(&path).await {
        Ok(FileKind::Regular { .. }) => Some(path),
        _ => None,
    }
}
