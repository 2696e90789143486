//! One error as the user sees it: what failed, where, the line of the file, and one thing to do.

use std::time::Duration;

use kubex::text::looks_like_a_key;
use kubex::{Error, ErrorKind, Host};
use kubex_document::Format;

use crate::output::{Style, print_message};
use crate::snippet::Snippet;

/// The largest file from which a line is shown.
const MAX_FILE: usize = 64 * 1024 * 1024;

/// How long reading that file may take. The error may be about a file that cannot be read.
const MAX_READ: Duration = Duration::from_secs(1);

/// Prints an error on stderr.
pub(super) async fn print(error: &Error, style: Style, host: &Host) {
    let source = error.source_name();
    let source = source.map(|source| format!("{source}: ")).unwrap_or_default();
    print_message(&format!("{} {source}{}", style.error("error:"), error.message()));
    if let Some(origin) = error.origin() {
        print_message(&format!("  at: {origin}"));
    }
    if let Some(snippet) = snippet(error, host).await {
        print_message(&snippet.render(style));
    }
    if let Some(help) = help(error) {
        print_message(&format!("  help: {help}"));
    }
}

/// One thing to do. The library's help about a provider that is not linked is for programmers, not for users of the command.
fn help(error: &Error) -> Option<&str> {
    let is_not_linked = error.kind() == ErrorKind::UnknownProvider && error.origin().is_some();
    match error.help() {
        Some(help) if is_not_linked && !help.starts_with("did you mean") => Some(
            "set the provider to one that `kubex providers` lists, or build a kubex with the provider's crate and one \
             kubex-core: see \"With your own providers\" in docs/command.md",
        ),
        help => help,
    }
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
