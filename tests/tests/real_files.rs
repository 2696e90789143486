//! What a kubeconfig's path may really be: a pipe, a device, a directory, a file without end.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kubex::{Error, ErrorKind, Host, Result};
use kubex_tests::machine::patience;

async fn resolve(path: &Path) -> Result<()> {
    let host = Host::real()
        .with_pipe_deadline(Duration::from_millis(300))
        .with_variable("KUBECONFIG", Some(path))
        .with_variable("KUBERNETES_SERVICE_HOST", None::<String>)
        .with_variable("KUBERNETES_SERVICE_PORT", None::<String>);
    kubex::default_chain()?
        .host(host)
        .build()?
        .resolve()
        .await
        .map(drop)
}

async fn refusal(path: &Path) -> Error {
    let begun = Instant::now();
    let error = resolve(path).await.unwrap_err();
    assert!(
        begun.elapsed() < patience(Duration::from_secs(1)),
        "it took {:?}: {error}",
        begun.elapsed()
    );
    error
}

#[tokio::test]
async fn a_pipe_a_device_a_directory_and_a_giant_are_refused_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let giant = directory.path().join("giant");
    fs::File::create(&giant)
        .unwrap()
        .set_len(64 * 1024 * 1024 + 1)
        .unwrap();
    let circle = directory.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    for path in [
        pipe.as_path(),
        Path::new("/dev/zero"),
        directory.path(),
        giant.as_path(),
        circle.as_path(),
    ] {
        let error = refusal(path).await;
        let kind = if path == pipe {
            ErrorKind::TimedOut
        } else {
            ErrorKind::UnreadableFile
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
}

#[tokio::test]
async fn the_null_device_counts_as_no_kubeconfig() {
    assert_eq!(refusal(Path::new("/dev/null")).await.kind(), ErrorKind::Exhausted);
}

#[tokio::test]
async fn nesting_without_end_is_malformed_and_no_crash() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    for text in [
        "[".repeat(20_000),
        "{\"a\":".repeat(20_000),
        "- ".repeat(20_000),
        "? ".repeat(20_000),
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(refusal(&path).await.kind(), ErrorKind::MalformedDocument);
    }
}
