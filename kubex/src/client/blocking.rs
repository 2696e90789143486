//! For programs without an async runtime.
//!
//! ```no_run
//! # fn main() -> kubex::Result<()> {
//! let configuration = kubex::blocking::resolve()?;
//! let headers = kubex::blocking::headers(&configuration)?;
//! println!("{} wants {} headers", configuration.cluster().server, headers.len());
//! # Ok(())
//! # }
//! ```
//!
//! | to | call |
//! |---|---|
//! | take the default chain | [`resolve`] |
//! | take a kubeconfig, or await anything else | [`wait`]`(kubex::configure_from_kubeconfig().context("prod"))` |
//! | get the current credential | [`current`] |
//! | get the headers of a request: `Authorization`, impersonation | [`headers`] |
//! | send a request with `kubex::reqwest` | [`wait`]`(client.get("/version")?.send())` |
//!
//! They share one runtime with one thread, which the first call starts. It renews credentials in the background while
//! the program works. Ask for the headers anew for each request: while the credential is valid, that only reads a
//! snapshot.
//!
//! # Inside an async runtime
//!
//! Waiting inside a tokio runtime (an async function, a task, `spawn_blocking`) would block one of its threads. There,
//! each function returns an error of kind `Unsupported` at once and never panics: await the function of the same name
//! in [`kubex`](crate) instead.

use std::future::IntoFuture;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime};

use super::authorizer::Authorizer;

/// Asks the default chain, as [`kubex::resolve`](crate::resolve()) does.
///
/// # Errors
/// As [`kubex::resolve`](crate::resolve()) and [`wait`].
#[cfg(feature = "config")]
pub fn resolve() -> Result<ClientConfiguration> {
    wait(crate::resolve())
}

/// Reads the kubeconfig, as [`kubex::configure_from_kubeconfig`](crate::configure_from_kubeconfig()) without options.
///
/// # Errors
/// As there, and as [`wait`].
#[cfg(feature = "kubeconfig")]
pub fn configure_from_kubeconfig() -> Result<ClientConfiguration> {
    wait(crate::configure_from_kubeconfig())
}

/// Takes the service account of the pod that the program runs in, as
/// [`kubex::configure_from_pod_env`](crate::configure_from_pod_env()).
///
/// # Errors
/// As there, and as [`wait`].
#[cfg(feature = "in-cluster")]
pub fn configure_from_pod_env() -> Result<ClientConfiguration> {
    wait(crate::configure_from_pod_env())
}

/// The current credential. It waits only while there is no valid one.
///
/// # Errors
/// The error of the credential source, and as [`wait`].
pub fn current(configuration: &ClientConfiguration) -> Result<Arc<Credential>> {
    wait(configuration.credentials().current())
}

/// The headers of a request to the configuration's server: `Authorization`, marked sensitive, if the credential has one,
/// and the impersonation. Send them to that server alone. A client certificate is not a header: it belongs to the
/// connection.
///
/// After a 401, [`invalidate`](kubex_core::Credentials::invalidate) the generation of [`current`] and ask once more.
///
/// # Errors
/// As [`current`].
pub fn headers(configuration: &ClientConfiguration) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let credential = current(configuration)?;
    Authorizer::new(configuration).authorize(&credential, &mut headers);
    Ok(headers)
}

/// Waits for a future of Kubex.
///
/// # Errors
/// The future's own; `Unsupported` inside an async runtime, see the [module](self#inside-an-async-runtime), or where
/// the system cannot start a thread.
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
