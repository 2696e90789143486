//! Everything that is told of a kubeconfig, and whether a secret in it may be there.

use std::fmt::Write as _;

use kubex_core::{ClientConfiguration, Error, Result};

use crate::marks::Marks;

/// What every planted secret is made of, over and over, so that no edit leaves a secret without it.
pub(crate) const MARKER: &str = "M4rk";

/// Everything that a person or a log may be shown of it.
pub(crate) fn shown(resolved: &Result<ClientConfiguration>) -> String {
    match resolved {
        Ok(configuration) => format!(
            "{configuration} {configuration:?} {configuration:#?} {} {:#} {:?} {} {} {:?}",
            configuration.report(),
            configuration.report(),
            configuration.report(),
            configuration.provenance(),
            configuration.credentials().describe(),
            configuration.warnings(),
        ),
        Err(error) => shown_of(error),
    }
}

fn shown_of(error: &Error) -> String {
    let mut shown = format!("{error} {error:#} {error:?} {error:#?} {:?}", error.report());
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        write!(shown, " {next} {next:?}").unwrap();
        cause = next.source();
    }
    shown
}

/// Whether the edits have made a name of a secret: a key, or a value that is shown because its field is not secret.
pub(crate) fn is_made_a_name(text: &str) -> Option<bool> {
    const SHOWN: &[&str] = &[
        "current-context",
        "name",
        "server",
        "tls-server-name",
        "certificate-authority",
        "client-certificate",
        "client-key",
        "tokenFile",
        "username",
        "as",
        "as-uid",
        "command",
    ];
    const SHOWN_BELOW: &[&str] = &["context", "as-groups", "as-user-extra"];
    let marks = Marks::of(text)?;
    Some(marks.texts().any(|(path, text)| {
        let is_shown = path.last().is_some_and(|key| SHOWN.contains(&key.as_str()))
            || path.iter().any(|key| SHOWN_BELOW.contains(&key.as_str()));
        path.iter().any(|key| key.contains(MARKER)) || is_shown && text.contains(MARKER)
    }))
}
