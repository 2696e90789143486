//! What the fuzz targets check. Each module is a property that holds for all input, and each target calls one.

#[allow(dead_code, reason = "the property tests use the rest")]
#[path = "../../../providers/kubeconfig/tests/properties/marks.rs"]
mod marks;
#[allow(dead_code, reason = "the property tests use the rest")]
#[path = "../../../providers/kubeconfig/tests/properties/shown.rs"]
mod shown;

mod kubeconfig;
mod plugin;
mod position;
mod request;
mod snippet;

pub use kubeconfig::{assert_shows_no_secret, load, meaning, resolve, shown};
pub use plugin::assert_hides_what_the_plugin_knew;
pub use position::{assert_positions, assert_spans};
pub use request::assert_never_panics;
pub use snippet::assert_snippets_show_no_secret;

/// Waits for what never waits: the simulated host answers at once. The runtime has no I/O driver, so no property can open a
/// connection.
fn now<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().unwrap_or_else(|error| panic!("{error}"));
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
