//! Rows 5 and 7 of the list of faults: plugins that print or say far too much. They measure the memory of the
//! whole program, so they have a program of their own and run one after the other. The other rows are in
//! `plugin_faults`.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kubex::{Chain, Credentials, ErrorKind, ExposeSecret as _, Options, Source};
use kubex_tests::machine::patience;
use tokio::sync::Mutex;

/// So much more memory than before a run is too much.
const MOST_GROWTH: u64 = 8 * 1024 * 1024;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn credentials(directory: &Path, script: &str) -> Credentials {
    let path = directory.join("plugin");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("command", path.to_str().unwrap())
        // A gigabyte takes longer than the default of 30 s on a busy machine.
        .set("deadline", "10m");
    let chain = Chain::builder(kubex::registry().unwrap())
        .source(Source::new("cloud").provider("exec").options(options))
        .build()
        .unwrap();
    chain.resolve().await.unwrap().credentials().clone()
}

/// The memory that this program has at the moment.
fn memory() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let resident: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    resident * 4096
}

/// Looks at the memory every millisecond until it is stopped.
struct Watch {
    before: u64,
    most: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl Watch {
    fn begin() -> Self {
        let before = memory();
        let most = Arc::new(AtomicU64::new(before));
        let is_over = Arc::new(AtomicBool::new(false));
        let (seen, over) = (Arc::clone(&most), Arc::clone(&is_over));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                seen.fetch_max(memory(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self {
            before,
            most,
            is_over,
        }
    }

    fn growth(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.most.load(Ordering::Relaxed).max(memory()) - self.before
    }
}

/// The watch itself must see memory that is taken for a moment.
#[tokio::test]
async fn the_watch_sees_what_is_taken_for_a_moment() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let watch = Watch::begin();
    let mut taken = vec![1_u8; 32 * 1024 * 1024];
    thread::sleep(Duration::from_millis(20));
    taken.fill(2);
    drop(taken);
    assert!(watch.growth() > MOST_GROWTH);
}

/// Row 5: 200 MB of standard output. `OutputTooLarge` within 1 s of the bound, memory growth under 8 MiB.
#[tokio::test]
async fn fault_05_endless_output_is_cut_off_at_the_bound_in_little_memory() {
    let _alone = ONE_AT_A_TIME.lock().await;
    // One run first, so that what is only needed once is there. It also says how long a start takes.
    let other = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let first = credentials(other.path(), "exit 1").await.current().await;
    assert!(first.is_err());
    let start = begun.elapsed();

    let directory = tempfile::tempdir().unwrap();
    let done = directory.path().join("done");
    let script = format!(
        "head -c 200000000 /dev/zero && echo yes > {}; sleep 600",
        done.display()
    );
    let credentials = credentials(directory.path(), &script).await;
    let watch = Watch::begin();
    let begun = Instant::now();
    let error = credentials.current().await.unwrap_err();
    let took = begun.elapsed();
    let growth = watch.growth();
    println!(
        "row 5: refused after {took:?} (a start takes {start:?}), growth {} KiB",
        growth / 1024
    );
    assert_eq!(error.kind(), ErrorKind::OutputTooLarge, "{error}");
    assert!(took < patience(Duration::from_secs(1)), "{took:?}");
    assert!(growth < MOST_GROWTH, "{growth} bytes");
    assert!(!done.exists(), "it was ended, and could not write all of it");
}

/// Row 7: 1 GB of standard error. It is drained, and the last 8 KiB are kept.
#[tokio::test]
async fn fault_07_a_gigabyte_of_standard_error_is_drained_in_little_memory() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let answer = r#"{"apiVersion":"client.authentication.k8s.io/v1","status":{"token":"abc"}}"#;
    let script = format!("head -c 1000000000 /dev/zero >&2; echo '{answer}'");
    let succeeding = credentials(directory.path(), &script).await;
    let watch = Watch::begin();
    let begun = Instant::now();
    let credential = succeeding.current().await.unwrap();
    let (took, growth) = (begun.elapsed(), watch.growth());
    println!("row 7: 1 GB drained in {took:?}, growth {} KiB", growth / 1024);
    assert_eq!(credential.token().unwrap().expose_secret(), "abc");
    assert!(growth < MOST_GROWTH, "{growth} bytes");

    let directory = tempfile::tempdir().unwrap();
    let script = "yes 0123456 | head -c 100000000 >&2; printf 'last words' >&2; exit 9";
    let error = credentials(directory.path(), script)
        .await
        .current()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginFailed);
    let (_, said) = error.message().split_once("exit code 9; stderr: ").unwrap();
    assert!(said.ends_with("0123456\nlast words"), "the end is kept: {said}");
    assert!(
        (8_000..=8 * 1024).contains(&said.len()),
        "{} bytes are kept",
        said.len()
    );
}
