//! Many callers ask at once for a credential that was not fetched yet.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kubex_benches::{Row, Table};
use tokio::runtime::Runtime;

use crate::plugin;

/// One run of the plugin for all of them; how long after its end the last one has the credential.
pub(crate) fn cold(runtime: &Runtime, scratch: &Path, table: &mut Table) {
    let program = plugin::program(scratch, 0.3);
    let path = scratch.join("cold");
    std::fs::write(&path, plugin::kubeconfig(&plugin::user(&program))).expect("the file can be written");
    for waiters in [1_u32, 100, 10_000] {
        let mut late = Vec::new();
        let mut runs = 0;
        for _ in 0..5 {
            let _ = std::fs::remove_file(scratch.join("runs"));
            let last = runtime.block_on(async {
                let configuration = kubex::configure_from_kubeconfig()
                    .path(&path)
                    .await
                    .expect("Kubex loads it");
                let mut all = tokio::task::JoinSet::new();
                for _ in 0..waiters {
                    let credentials = configuration.credentials().clone();
                    all.spawn(async move {
                        credentials.current().await.expect("the plugin answers");
                        SystemTime::now()
                    });
                }
                all.join_all()
                    .await
                    .into_iter()
                    .max()
                    .expect("at least one waits")
            });
            let ended = std::fs::read_to_string(scratch.join("ended")).expect("the plugin has ended");
            let ended = UNIX_EPOCH + Duration::from_nanos(ended.trim().parse().expect("it is a time"));
            late.push(last.duration_since(ended).unwrap_or_default());
            let noted = std::fs::read_to_string(scratch.join("runs")).expect("the plugin has run");
            runs = runs.max(noted.lines().count());
        }
        assert_eq!(runs, 1, "one run for all of them");
        late.sort_unstable();
        let late = late[late.len() / 2];
        table.add(
            Row::took(
                format!("{waiters} waiters, cold: the last one after the plugin's end"),
                late,
            )
            .at_most(
                "one run of the plugin; within 20 ms",
                late.as_secs_f64() / 0.020,
                1.0,
            )
            .ungated(),
        );
    }
}
