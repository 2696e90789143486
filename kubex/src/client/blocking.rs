//! Functions for programs without an async runtime.
//!
//! ```no_run
//! # fn main() -> kubex::Result<()> {
//! let configuration = kubex::blocking::resolve()?;
//! let headers = kubex::blocking::headers(&configuration)?;
//! println!("{}: {} headers", configuration.cluster().server, headers.len());
//! # Ok(())
//! # }
//! ```
//!
//! | to | call |
//! |---|---|
//! | resolve the configured chain | [`resolve`] |
//! | use a kubeconfig, or wait for any other future | [`wait`]`(kubex::configure_from_kubeconfig().context("prod"))` |
//! | get the current credential | [`current`] |
//! | get the headers of a request: `Authorization`, impersonation | [`headers`] |
//! | send a request with `kubex::reqwest` | [`wait`]`(client.get("/version")?.send())` |
//!
//! The first call starts a runtime with one thread, which all these functions share. The runtime renews credentials in the
//! background. Call [`headers`] again for each request: while the credential is valid, the call returns it from memory.
//!
//! # Inside an async runtime
//!
//! Inside a tokio runtime (in an async function, a task or `spawn_blocking`), each of these functions returns
//! [`ErrorKind::Unsupported`] at once, because it would block a thread of the runtime. Await the async functions of
//! [`kubex`](crate) there.

use std::future::IntoFuture;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime};

use super::authorizer::Authorizer;

/// Resolves the configured chain, like [`kubex::resolve`](crate::resolve()), and waits for the result.
///
/// # Errors
/// Returns the errors of [`kubex::resolve`](crate::resolve()) and of [`wait`].
#[cfg(feature = "config")]
pub fn resolve() -> Result<ClientConfiguration> {
    wait(crate::resolve())
}

/// Reads the kubeconfig, like [`kubex::configure_from_kubeconfig`](crate::configure_from_kubeconfig()) without
/// options, and waits for the result.
///
/// # Errors
/// Returns the errors of [`kubex::configure_from_kubeconfig`](crate::configure_from_kubeconfig()) and of [`wait`].
#[cfg(feature = "kubeconfig")]
pub fn configure_from_kubeconfig() -> Result<ClientConfiguration> {
    wait(crate::configure_from_kubeconfig())
}

/// Uses the service account of the pod, like [`kubex::configure_from_pod_env`](crate::configure_from_pod_env()), and
/// waits for the result.
///
/// # Errors
/// Returns the errors of [`kubex::configure_from_pod_env`](crate::configure_from_pod_env()) and of [`wait`].
#[cfg(feature = "in-cluster")]
pub fn configure_from_pod_env() -> Result<ClientConfiguration> {
    wait(crate::configure_from_pod_env())
}

/// Returns the current credential. Waits for a fetch only if there is no valid credential.
///
/// # Errors
/// Returns the error of the credential source, or an error of [`wait`].
pub fn current(configuration: &ClientConfiguration) -> Result<Arc<Credential>> {
    wait(configuration.credentials().current())
}

/// Returns the headers of a request to the configuration's server. Send them to that server only.
///
/// - `Authorization`, marked as sensitive, if the credential contains a token or a password
/// - the impersonation headers, if the configuration impersonates a user
///
/// A client certificate is not a header; it is part of the TLS connection.
///
/// If the server responds with status 401, pass the generation of the credential (see [`current`]) to
/// [`invalidate`](kubex_core::Credentials::invalidate), and call this function again for a retry.
///
/// # Errors
/// Returns the errors of [`current`].
pub fn headers(configuration: &ClientConfiguration) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let credential = current(configuration)?;
    Authorizer::new(configuration).authorize(&credential, &mut headers)?;
    Ok(headers)
}

/// Blocks this thread until a future of Kubex completes, and returns its result.
///
/// # Errors
/// Returns the error of the future, or [`ErrorKind::Unsupported`]:
///
/// - inside an async runtime (see the [module](self#inside-an-async-runtime))
/// - if the operating system cannot start a thread
pub fn wait<F, T>(what: F) -> Result<T>
where
    F: IntoFuture<Output = Result<T>>,
{
    if Handle::try_current().is_ok() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "waiting would block a thread of the async runtime",
        )
        .with_help("await the function of the same name outside of kubex::blocking"));
    }
    runtime()?.block_on(what.into_future())
}

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let started = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kubex")
            .enable_all()
            .build()
    });
    started.as_ref().map_err(|error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("the async runtime could not be started: {error}"),
        )
    })
}
