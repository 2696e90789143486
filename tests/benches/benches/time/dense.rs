//! The largest documents that an async worker parses itself, as dense as they can be: they must not hold it up.

use std::hint::black_box;
use std::time::Duration;

use kubex_benches::{Row, Table, alternate};
use kubex_core::host::effort;
use tokio::runtime::Runtime;

/// The most that is parsed on a worker.
const EFFORT: usize = 24 * 1024;

/// A worker should not be held up for longer.
const MOST: Duration = Duration::from_millis(1);

const HEAD: &str = "{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], \
    clusters: [{name: c, cluster: {server: 'https://10.0.0.1'}}], ";

/// Documents of many small parts.
pub(crate) fn documents(runtime: &Runtime, table: &mut Table) {
    let exec = "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, \
        command: x, args: [";
    for (what, before, part, after) in [
        ("arguments of a plugin", exec, "a,", "]}}}]}"),
        (
            "ignored values",
            "users: [{name: u, user: {token: t}}], extensions: [",
            "{},",
            "]}",
        ),
        (
            "ignored lists",
            "users: [{name: u, user: {token: t}}], other: [",
            "[a],",
            "]}",
        ),
        (
            "keys",
            "users: [{name: u, user: {token: t}}], other: {",
            "?,",
            "}}",
        ),
    ] {
        let filled = |parts: usize| [HEAD, before, &part.repeat(parts), after].concat();
        let parts = (1..).take_while(|parts| effort(filled(*parts).as_bytes()) <= EFFORT);
        let text = filled(parts.last().unwrap_or(1));
        let mut parse = || {
            let bytes = text.clone().into_bytes();
            let loaded = runtime.block_on(async {
                let loading = kubex::configure_from_kubeconfig().bytes(bytes);
                loading.trusted(true).await
            });
            // Whether it is a kubeconfig does not matter here.
            drop(black_box(loaded));
        };
        let [parsed] = alternate(30, [&mut parse]);
        let ratio = parsed.median.as_secs_f64() / MOST.as_secs_f64();
        let row = Row::took(format!("as many {what} as a worker parses"), parsed.median);
        table.add(row.at_most("1 ms", ratio, 1.0).ungated());
    }
}
