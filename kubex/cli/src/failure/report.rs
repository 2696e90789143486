//! One error as the user sees it: what failed, where, the line of the file, and one thing to do.

use std::time::Duration;

use kubex::report::Outcome;
use kubex::text::looks_like_a_key;
use kubex::{Error, ErrorKind, Host, Report};
use kubex_document::Format;

use crate::output::{Style, help_lines, print_message};
use crate::snippet::Snippet;

/// The largest file from which a line is shown.
const MAX_FILE: usize = 64 * 1024 * 1024;

/// How long reading that file may take. The error may be about a file that cannot be read.
const MAX_READ: Duration = Duration::from_secs(1);

/// Prints an error on stderr.
pub(super) async fn print(error: &Error, style: Style, host: &Host) {
    let source = error.source_name();
    let source = source.map(|source| format!("{source}: ")).unwrap_or_default();
    let reasons = reasons(error);
    let message = if reasons.is_empty() {
        error.message()
    } else {
        "no source of the chain is configured"
    };
    print_message(&format!("{} {source}{message}", style.error("error:")));
    for reason in reasons {
        print_message(&format!("  {reason}"));
    }
    if let Some(origin) = error.origin() {
        print_message(&format!("  at: {origin}"));
    }
    if let Some(snippet) = snippet(error, host).await {
        print_message(&snippet.render(style));
    }
    if let Some(help) = error.help() {
        print_message(&help_lines(help));
    }
}

/// Why each source of a chain is not configured, one line each, if none is.
fn reasons(error: &Error) -> Vec<String> {
    let report = error.report().filter(|_| error.kind() == ErrorKind::Exhausted);
    let attempts = report.map(Report::attempts).unwrap_or_default().iter();
    let reasons = attempts.filter_map(|attempt| match &attempt.outcome {
        Outcome::NotConfigured(reason) => Some(format!("{}: {}", attempt.source, reason.message())),
        _ => None,
    });
    reasons.collect()
}

/// The line of the file that the error is about.
async fn snippet(error: &Error, host: &Host) -> Option<Snippet> {
    let origin = error.origin()?;
    let (path, position) = (origin.path()?, origin.line_and_column()?);
    let read = host.files().read(path, MAX_FILE);
    let content = host.within(MAX_READ, read).await.ok()?.ok()?;
    let named_by_error = |key: &str| {
        error.message().contains(&format!("\"{key}\""))
            || error.message().contains(&format!("exec plugin {key} "))
            || (origin.keys().rsplit('.').next() == Some(key) && looks_like_a_key(key))
    };
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    let format = if is_toml { Format::Toml } else { Format::Yaml };
    Snippet::new(&content, format, position, &named_by_error)
}
