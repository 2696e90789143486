//! For programs without an async runtime.
//!
//! ```no_run
//! # fn main() -> kubex::Result<()> {
//! let configuration = kubex::blocking::resolve()?.configuration;
//! let headers = kubex::blocking::headers(&configuration)?;
//! println!("{} wants {} headers", configuration.cluster().server, headers.len());
//! # Ok(())
//! # }
//! ```
//!
//! | to | call |
//! |---|---|
//! | take the default chain | [`resolve`] |
//! | take a kubeconfig, or what else can be awaited | [`wait`]`(kubex::configure_from_kubeconfig().context("prod"))` |
//! | get the credential of the moment | [`current`] |
//! | get what a request carries: `Authorization`, impersonation | [`headers`] |
//! | send a request with `kubex::reqwest` | [`wait`]`(client.send(request))` |
//!
//! Behind them is one small runtime with one thread of its own, started by the first call and shared by all. It renews
//! credentials in the background while the program works, so ask for the headers of each request anew: while the
//! credential is valid that is a look at a snapshot.
//!
//! # Inside an async runtime
//!
//! Where a tokio runtime runs already (an async function, a task, `spawn_blocking`), waiting would hold up its thread.
//! Each function returns an error of kind `Unsupported` there, at once, and never panics: await the function of the
//! same name in [`kubex`](crate) instead.

use std::future::IntoFuture;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Resolution, Result};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::authorize::Authorizer;

/// Asks the default chain, as [`kubex::resolve`](crate::resolve()) does.
///
/// # Errors
/// As [`kubex::resolve`](crate::resolve()) and [`wait`].
pub fn resolve() -> Result<Resolution> {
    wait(crate::resolve())
}

/// A kubeconfig and nothing else, as [`kubex::configure_from_kubeconfig`](crate::configure_from_kubeconfig()) finds it
/// when it is told nothing.
///
/// # Errors
/// As there, and as [`wait`].
#[cfg(feature = "kubeconfig")]
pub fn configure_from_kubeconfig() -> Result<ClientConfiguration> {
    wait(crate::configure_from_kubeconfig())
}

/// The service account of the pod the program runs in, as
/// [`kubex::configure_from_pod_env`](crate::configure_from_pod_env()).
///
/// # Errors
/// As there, and as [`wait`].
#[cfg(feature = "in-cluster")]
pub fn configure_from_pod_env() -> Result<ClientConfiguration> {
    wait(crate::configure_from_pod_env())
}

/// The current credential. It waits only where there is no valid one.
///
/// # Errors
/// What the credential source said, and as [`wait`].
pub fn current(configuration: &ClientConfiguration) -> Result<Arc<Credential>> {
    wait(configuration.credentials().current())
}

/// What a request to the configuration's server carries: `Authorization`, marked sensitive, where the credential has one,
/// and the impersonation. Send them to that server alone. A client certificate is not among them: it belongs to the
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

/// Waits for anything of Kubex's that is awaited elsewhere.
///
/// # Errors
/// What it says itself; `Unsupported` inside an async runtime, see the [module](self#inside-an-async-runtime), or where
/// the system gives no thread.
pub fn wait<F, T>(what: F) -> Result<T>
where
    F: IntoFuture<Output = Result<T>>,
{
    if Handle::try_current().is_ok() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "this thread belongs to an async runtime, which waiting would hold up",
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
            format_args!("no runtime could be started: {error}"),
        )
    })
}
