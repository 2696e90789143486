//! Every Rust block of the README files and of the docs, as a function: what does not compile fails the build. The blocks that
//! need no cluster are also run. `build.rs` finds them.

#![forbid(unsafe_code)]
#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    unused,
    missing_docs,
    reason = "the code of the docs is written to be read"
)]

mod blocks {
    include!(concat!(env!("OUT_DIR"), "/blocks.rs"));
}

#[tokio::test]
async fn the_blocks_that_need_no_cluster_run() {
    let configuration = kubex::configure()
        .url("https://127.0.0.1:6443")
        .token("a-fake-token")
        .await
        .unwrap();
    let registry = kubex::registry().unwrap();
    blocks::run_all(&configuration, registry, &serde_json::json!({}), "a-fake-token")
        .await
        .unwrap();
    let (compiled, run) = blocks::COUNTS;
    println!("{compiled} blocks compiled, {run} run");
    assert!(
        compiled >= 15 && run >= 2,
        "{compiled} blocks compiled, {run} run"
    );
}
