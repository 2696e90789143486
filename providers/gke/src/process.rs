//! The variables and files that Google's SDK reads in the environment of the process when it exchanges an identity, because no
//! other environment can be passed to it.
//!
//! If the variables or files of the host differ from those of the process, the result would be another identity, so this is an
//! error.

use std::path::Path;

use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Origin, Proxy, Result};

use crate::identity::Exchanged;

/// For every request.
const OF_PROXIES: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Proxies that the SDK uses for requests over http, or where kubectl uses none.
const OF_OTHER_PROXIES: &[&str] = &["ALL_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy"];

/// For a workload on AWS.
const OF_AWS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// The largest file of a subject token that is read, in bytes.
pub(crate) const LARGEST_FILE: usize = 1024 * 1024;

/// Checks that the process has the same variables and the same file as the host, among those that the SDK reads.
///
/// # Errors
/// `Unsupported` if one differs, or if the SDK would use another proxy than kubectl; `InvalidValue` for an invalid proxy;
/// `UnreadableFile` if the file of the subject token cannot be read. `Unsupported` also for a subject token that other SDKs
/// of Google would send without its white space.
pub(crate) async fn check_process(exchanged: &Exchanged, host: &Host) -> Result<()> {
    let process = Host::real();
    let mut names = OF_PROXIES.to_vec();
    if exchanged.of_the_source("environment_id").is_some() {
        names.extend_from_slice(OF_AWS);
    }
    for name in names {
        if host.environment().variable(name) != process.environment().variable(name) {
            return Err(unsupported(
                format!(
                    "the variable {name} has another value in the environment of the process, where Google's SDK reads it"
                ),
                name,
                "set it in the environment of the process",
            ));
        }
    }
    let addresses = exchanged.addresses();
    let is_over_http = addresses.iter().any(|address| address.scheme() == "http");
    let is_set = |name: &&&str| host.environment().text(name).is_some_and(|it| !it.is_empty());
    if let Some(name) = OF_OTHER_PROXIES
        .iter()
        .filter(|name| is_over_http || name.eq_ignore_ascii_case("ALL_PROXY"))
        .find(is_set)
    {
        return Err(unsupported(
            format!(
                "Google's SDK would use the proxy in {name} for a request that kubectl sends without one"
            ),
            name,
            "unset it, or use HTTPS_PROXY",
        ));
    }
    for address in &addresses {
        // The SDK ignores an invalid one, and would connect directly.
        Proxy::from_environment(address, host)?;
    }
    match exchanged.of_the_source("file") {
        Some(path) => check_file(Path::new(path), exchanged.has_json_subject(), host, &process).await,
        None => Ok(()),
    }
}

async fn check_file(path: &Path, is_json: bool, host: &Host, process: &Host) -> Result<()> {
    let content = host.files().read(path, LARGEST_FILE).await;
    let content = content.map_err(|error| Error::unreadable("the file of the subject token", path, error))?;
    let is_sent_as_it_is = |text: &str| text == text.trim();
    if !is_json && !std::str::from_utf8(content.expose_secret()).is_ok_and(is_sent_as_it_is) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the file of the subject token has white space at its ends or is not text, and Google's SDK for Rust would send \
             all of it",
        )
        .with_origin(&Origin::file(path))
        .with_help("write the token without a line end, as `printf %s` does"));
    }
    let of_the_process = process.files().read(path, LARGEST_FILE).await;
    if of_the_process.is_ok_and(|other| other.expose_secret() == content.expose_secret()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "the file of the subject token is another one for the process, whose files Google's SDK reads",
    )
    .with_help("use the files of the process"))
}

fn unsupported(what: String, name: &str, help: &str) -> Error {
    Error::new(ErrorKind::Unsupported, what)
        .with_origin(&Origin::variable(name))
        .with_help(help)
}
