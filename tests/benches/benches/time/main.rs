//! How long Kubex takes for what it does, beside who else does it.
//!
//! `cargo bench -p kubex-benches --bench time`, with `-- --short` for a run of a minute that fails where a target is
//! missed by more than half, and `--only resolve`, `request` or `plugins` for a part.

mod dense;
mod loading;
mod plugin;
mod request;
mod sources;
mod waiters;

use kubex_benches::Table;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    let scratch = tempfile::tempdir().expect("there is room for files");
    let mut table = Table::new();
    let only = std::env::args()
        .skip_while(|argument| argument != "--only")
        .nth(1);
    let is_asked_for = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if is_asked_for("resolve") {
        Table::head("resolving, from the file to the configuration");
        loading::one_file(&runtime, scratch.path(), &mut table);
        loading::in_memory(&runtime, &mut table);
        loading::hand_over(&runtime, &mut table);
        loading::three_files(&runtime, scratch.path(), &mut table);
        loading::in_cluster(&runtime, &mut table);
        dense::documents(&runtime, &mut table);
        sources::explained(&runtime, &mut table);
    }
    if is_asked_for("request") {
        Table::head("a credential on the request path");
        request::current(&runtime, &mut table);
        request::while_a_refresh_hangs(&runtime, &mut table);
        request::layers(&runtime, scratch.path(), &mut table);
    }
    if is_asked_for("plugins") {
        Table::head("plugins");
        plugin::overhead(&runtime, scratch.path(), &mut table);
        waiters::cold(&runtime, scratch.path(), &mut table);
    }
    table.judge();
}
