//! Pipes on a real system: read once, bounded, with a deadline; and paths that change their kind.

#![cfg(unix)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kubex::{ErrorKind, ExposeSecret as _, Host, Options, Source};
use kubex_core::host::{FileKind, SimulatedHost};
use kubex_tests::machine::patience;
use tempfile::TempDir;

const LIMIT: usize = 1024 * 1024;

fn fifo(directory: &TempDir, name: &str) -> PathBuf {
    let path = directory.path().join(name);
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success(), "mkfifo is needed");
    path
}

/// Writes into a FIFO from another thread, which waits for the reader.
fn write_into(path: &Path, content: Vec<u8>) -> std::thread::JoinHandle<io::Result<()>> {
    let path = path.to_owned();
    std::thread::spawn(move || OpenOptions::new().write(true).open(path)?.write_all(&content))
}

async fn read(host: &Host, path: &Path) -> io::Result<Vec<u8>> {
    let read = host.files().read(path, LIMIT).await;
    read.map(|content| content.expose_secret().to_vec())
}

fn impatient() -> Host {
    Host::real().with_pipe_deadline(Duration::from_millis(200))
}

#[tokio::test]
async fn a_pipe_is_read_to_its_end_and_keeps_its_content_for_every_host() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory, "pipe");
    // More than a pipe holds, so that it takes several reads.
    let content = b"0123456789abcdef".repeat(20_000);
    let writer = write_into(&path, content.clone());
    let host = Host::real();
    let first = host.files().read_stamped(&path, LIMIT).await.unwrap();
    assert!(first.is_from_pipe && first.stamp.is_none());
    assert_eq!(first.origin(&path).directory(), None);
    assert_eq!(first.bytes.expose_secret(), content);
    writer.join().unwrap().unwrap();
    assert_eq!(read(&host, &path).await.unwrap(), content);
    assert_eq!(read(&impatient(), &path).await.unwrap(), content);
    assert_eq!(host.files().kind(&path).await.unwrap(), FileKind::Pipe);
}

#[tokio::test]
async fn a_pipe_without_a_name_and_without_content_is_empty() {
    let (reader, writer) = io::pipe().unwrap();
    drop(writer);
    let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    assert_eq!(read(&Host::real(), &path).await.unwrap(), b"");
}

#[tokio::test]
async fn a_new_pipe_at_the_same_path_is_read_anew() {
    let directory = tempfile::tempdir().unwrap();
    for content in ["first", "second", "third"] {
        let path = fifo(&directory, "pipe");
        let writer = write_into(&path, content.into());
        assert_eq!(read(&Host::real(), &path).await.unwrap(), content.as_bytes());
        writer.join().unwrap().unwrap();
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn a_pipe_that_nothing_writes_to_times_out_and_can_be_written_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory, "pipe");
    let begun = Instant::now();
    let error = read(&impatient(), &path).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(
        error.to_string(),
        "it is a pipe, and nothing was written to it within 0.2 s"
    );
    assert!(begun.elapsed() < patience(Duration::from_secs(2)));
    let writer = write_into(&path, b"late".to_vec());
    assert_eq!(read(&Host::real(), &path).await.unwrap(), b"late");
    writer.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_read_that_ended_early_is_continued_by_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory, "pipe");
    let opening = path.clone();
    let opened = std::thread::spawn(move || OpenOptions::new().write(true).open(opening).unwrap());
    let host = impatient();
    let error = read(&host, &path).await;
    let mut writer = opened.join().unwrap();
    let error = match error {
        // The writer may open the pipe only at the end of the first read.
        Err(error) => error,
        Ok(content) => panic!("{content:?}"),
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    // The writer must not see it closed, which holds only after something has arrived.
    let keeps_open = OpenOptions::new().read(true).open(&path).unwrap();
    writer.write_all(b"half, ").unwrap();
    let error = read(&host, &path).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "it is a pipe, and its writer did not close it within 0.2 s"
    );
    drop(keeps_open);
    writer.write_all(b"whole").unwrap();
    drop(writer);
    assert_eq!(read(&host, &path).await.unwrap(), b"half, whole");
}

#[tokio::test]
async fn a_pipe_is_read_only_up_to_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory, "pipe");
    let writing = path.clone();
    let writer = std::thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(writing).unwrap();
        (0..8).try_for_each(|_| pipe.write_all(&vec![b'x'; LIMIT]))
    });
    let error = read(&Host::real(), &path).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    // A reader that takes more gets all of it.
    let whole = Host::real().files().read(&path, 16 * LIMIT).await.unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(whole.expose_secret().len(), 8 * LIMIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_at_the_same_time_all_get_the_whole_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory, "pipe");
    let content = b"0123456789abcdef".repeat(10_000);
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { read(&Host::real(), &path).await })
        })
        .collect();
    write_into(&path, content.clone()).join().unwrap().unwrap();
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap(), content);
    }
}

#[test]
fn a_runtime_ends_soon_although_a_pipe_was_being_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory, "pipe");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let begun = Instant::now();
    runtime.block_on(async {
        let host = Host::real().with_pipe_deadline(Duration::from_secs(3600));
        let read = host.within(Duration::from_millis(100), host.files().read(&path, LIMIT));
        assert!(read.await.is_err());
    });
    // Waits for the threads of the runtime.
    drop(runtime);
    assert!(
        begun.elapsed() < patience(Duration::from_secs(2)),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_device_or_a_socket_is_refused_and_the_null_device_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let host = Host::real();
    for (path, why) in [
        (Path::new("/dev/zero"), "it is a device"),
        (Path::new("/dev/tty"), "it is a device"),
        (&socket, "it is a socket"),
    ] {
        let error = read(&host, path).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (io::ErrorKind::InvalidInput, why.to_owned())
        );
    }
    let link = directory.path().join("link");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for path in [Path::new("/dev/null"), &link] {
        assert_eq!(read(&host, path).await.unwrap(), b"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_changes_between_a_file_and_a_pipe_never_hangs() {
    const READS: usize = 2000;
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = (directory.path().join("path"), directory.path().join("file"));
    fs::write(&path, "content").unwrap();
    let pipe = fifo(&directory, "pipe");
    let is_over = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (path, is_over) = (path.clone(), is_over.clone());
        move || {
            let mut swaps = 0_usize;
            while !is_over.load(Ordering::Relaxed) {
                // Each is a rename, so that one of the two is always there.
                fs::hard_link(&pipe, pipe.with_extension("other")).unwrap();
                fs::rename(pipe.with_extension("other"), &path).unwrap();
                fs::write(&file, "content").unwrap();
                fs::rename(&file, &path).unwrap();
                swaps += 1;
            }
            swaps
        }
    });
    let host = Host::real().with_pipe_deadline(Duration::from_millis(2));
    let (begun, mut timed_out) = (Instant::now(), 0);
    for _ in 0..READS {
        match read(&host, &path).await {
            Ok(content) => assert_eq!(content, b"content"),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                timed_out += 1;
            }
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let swaps = swapper.join().unwrap();
    println!(
        "{READS} reads over {swaps} swaps: {timed_out} met the pipe, in {:?}",
        begun.elapsed()
    );
    assert!(swaps > 100 && timed_out > 10 && timed_out < READS);
    assert!(begun.elapsed() < patience(Duration::from_secs(60)));
}

const KUBECONFIG: &str = "current-context: t
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: u, user: {USER}}]
contexts: [{name: t, context: {cluster: c, user: u}}]
";

async fn resolve(world: &SimulatedHost, path: &str) -> kubex::Result<kubex::ClientConfiguration> {
    let source = Source::new("kubeconfig").options(Options::new().set("path", path));
    let chain = kubex::Chain::builder(kubex::registry()?).host(world.host());
    chain.source(source).build()?.resolve().await
}

#[tokio::test]
async fn a_relative_path_in_a_piped_kubeconfig_is_an_error_that_names_the_field() {
    let pair = "client-certificate: PATH, client-key: /k";
    for (user, field) in [
        ("tokenFile: PATH", "tokenFile"),
        (pair, "client-certificate"),
        ("client-certificate: /c, client-key: PATH", "client-key"),
        (
            "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: PATH}",
            "command",
        ),
    ] {
        for path in ["./x", "a/b", "../x"] {
            let world = SimulatedHost::new();
            let content = KUBECONFIG.replace("USER", &user.replace("PATH", path));
            world.put_pipe("/dev/fd/63", &content);
            let error = resolve(&world, "/dev/fd/63").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
            assert_eq!(
                error.message(),
                format!("\"{field}\" is a relative path, but a pipe has no directory")
            );
            let origin = error.origin().unwrap().to_string();
            assert!(
                origin.starts_with("/dev/fd/63:3:") && origin.ends_with(field),
                "{origin}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_from_a_pipe_is_used_with_a_warning_that_it_is_read_once() {
    let world = SimulatedHost::new();
    let content = KUBECONFIG.replace("USER", "tokenFile: /run/token");
    world.write("/config", &content);
    world.put_pipe("/run/token", "t0ken\n");
    let configuration = resolve(&world, "/config").await.unwrap();
    let warnings: Vec<String> = configuration.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(configuration.warnings()[0].id(), "pipe-read-once");
    assert!(warnings[0].contains("/run/token"), "{warnings:?}");
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "t0ken");
    // A kubeconfig from a pipe is as good as one from a file that is not followed.
    world.put_pipe(
        "/dev/fd/63",
        &content.replace("tokenFile: /run/token", "token: x"),
    );
    assert!(resolve(&world, "/dev/fd/63").await.unwrap().warnings().is_empty());
}

#[tokio::test]
async fn a_source_of_which_a_pipe_is_never_written_times_out_by_its_own_limit() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory, "pipe");
    let options = Options::new().set("path", path.to_string_lossy().into_owned());
    let source = Source::new("kubeconfig")
        .options(options)
        .timeout(Duration::from_millis(900));
    let chain = kubex::Chain::builder(kubex::registry().unwrap()).source(source);
    let error = chain.build().unwrap().resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert_eq!(
        error.message(),
        "cannot read the kubeconfig: it is a pipe, and nothing was written to it within 0.6 s"
    );
    assert_eq!(error.origin().unwrap().path(), Some(&*path));
    assert!(error.help().is_some());
}

#[tokio::test]
async fn no_file_stays_open_for_a_pipe_that_was_read() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let targets = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
        targets
            .filter(|target| target.starts_with(directory.path()))
            .count()
    };
    for index in 0..20 {
        let path = fifo(&directory, &format!("pipe{index}"));
        if index % 2 == 0 {
            let writer = write_into(&path, vec![b'x'; 100]);
            read(&Host::real(), &path).await.unwrap();
            writer.join().unwrap().unwrap();
        } else {
            let host = Host::real().with_pipe_deadline(Duration::from_millis(5));
            read(&host, &path).await.unwrap_err();
        }
    }
    if File::open("/proc/self/fd").is_err() {
        println!("there is no /proc here, so the open files were not counted");
        return;
    }
    assert_eq!(open(), 0);
}
