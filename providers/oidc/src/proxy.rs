//! The proxy on the way to the issuer.
//!
//! kubectl takes it from the environment (Go's `http.ProxyFromEnvironment`): `HTTPS_PROXY` and `NO_PROXY`, or
//! the same in small letters. A kubeconfig's `proxy-url` is the cluster's and not the issuer's.

use kubex_core::{Error, ErrorKind, Host, Origin, Proxy, Result};
use reqwest::NoProxy;

/// Never reached by a proxy, whatever `NO_PROXY` says.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxy that the host's environment names for https.
///
/// # Errors
/// `InvalidValue`, with the variable, where it names none that can be used.
pub(crate) fn of_environment(host: &Host) -> Result<Option<reqwest::Proxy>> {
    let Some((name, text)) = variable(host, ["HTTPS_PROXY", "https_proxy"]) else {
        return Ok(None);
    };
    let about = |error: Error| error.at(&Origin::variable(name));
    // `proxy.example:3128` is a usual way of writing it.
    let text = if text.contains("://") {
        text
    } else {
        format!("http://{text}")
    };
    let proxy = Proxy::parse(&text).map_err(about)?;
    let skipped = match variable(host, ["NO_PROXY", "no_proxy"]) {
        Some((_, listed)) => format!("{LOOPBACK},{listed}"),
        None => LOOPBACK.to_owned(),
    };
    reqwest::Proxy::https(proxy.expose_url().clone())
        .map(|taken| Some(taken.no_proxy(NoProxy::from_string(&skipped))))
        .map_err(|_| {
            about(Error::new(
                ErrorKind::Unsupported,
                format_args!("the HTTP client does not take the proxy {proxy}"),
            ))
        })
}

/// The first of these variables that is set, with its name.
fn variable<'a>(host: &Host, names: [&'a str; 2]) -> Option<(&'a str, String)> {
    names
        .into_iter()
        .find_map(|name| Some((name, host.environment().text(name)?)))
}
