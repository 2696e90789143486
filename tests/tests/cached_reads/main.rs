//! Small files of the page cache are read on the thread of their caller, which is never blocked.
//!
//! A test sees where a file was read by occupying the only blocking thread of its runtime: what is answered nevertheless was
//! read by the caller.

#![cfg(target_os = "linux")]

mod fuse;
mod pod;
mod refused;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use kubex::{ExposeSecret as _, Host};
use kubex_core::host::FileContent;
use kubex_tests::machine::{has_tool, not_tested, patience};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use tokio::runtime::{Builder, Runtime};

const LIMIT: usize = 1024 * 1024;

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().max_blocking_threads(1).build().unwrap()
}

async fn read(path: &Path) -> io::Result<FileContent> {
    Host::real().files().read_stamped(path, LIMIT).await
}

/// The result of a read that finds no blocking thread; `None` if it waits for one.
async fn read_here(path: &Path) -> Option<io::Result<FileContent>> {
    without_blocking_threads(read(path)).await
}

/// The result of work that finds no blocking thread; `None` if it waits for one.
async fn without_blocking_threads<T>(work: impl Future<Output = T>) -> Option<T> {
    let (release, released) = mpsc::channel::<()>();
    let occupied = tokio::task::spawn_blocking(move || released.recv());
    let done = tokio::time::timeout(Duration::from_millis(100), work).await;
    drop(release);
    let _ = occupied.await;
    done.ok()
}

/// What a caller sees of a read.
fn shown(read: &io::Result<FileContent>) -> String {
    match read {
        Ok(content) => format!(
            "{:?} {:?} {} {:?}",
            String::from_utf8_lossy(content.bytes.expose_secret()),
            content.stamp,
            content.is_from_pipe,
            content.foreign_writers
        ),
        Err(error) => format!("{:?} {:?} {error}", error.kind(), error.raw_os_error()),
    }
}

/// Runs the work on a thread with a mount namespace of its own, so that no mount outlives it. Returns whether it ran.
fn in_own_namespace(what: &str, work: impl FnOnce() + Send) -> bool {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let private = unshare(CloneFlags::CLONE_NEWNS).and_then(|()| {
                let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
                mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
            });
            match private {
                Ok(()) => {
                    work();
                    true
                }
                Err(error) => {
                    not_tested(what, &format!("no mount namespace: {error}"));
                    false
                }
            }
        });
        thread.join().unwrap()
    })
}

fn memory(directory: &Path) {
    mount(
        Some("memory"),
        directory,
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    )
    .unwrap();
}

#[test]
fn a_small_file_and_a_missing_one_are_read_by_the_caller_once_their_mount_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let (path, missing) = (directory.path().join("file"), directory.path().join("missing"));
    fs::write(&path, "content").unwrap();
    runtime().block_on(async {
        let first = read(&path).await.unwrap();
        let here = read_here(&path).await.expect("the caller reads it").unwrap();
        assert_eq!(here.bytes.expose_secret(), b"content");
        assert_eq!(here.stamp, first.stamp);
        // A look-up puts the missing name into the cache.
        assert_eq!(read(&missing).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        let error = read_here(&missing)
            .await
            .expect("the caller knows it")
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.raw_os_error(), Some(nix::libc::ENOENT));
        // A change is seen at once.
        fs::write(&path, "changed").unwrap();
        let changed = read_here(&path).await.unwrap().unwrap();
        assert_eq!(changed.bytes.expose_secret(), b"changed");
        assert_ne!(changed.stamp, first.stamp);
        fs::write(directory.path().join("other"), "replaced").unwrap();
        fs::rename(directory.path().join("other"), &path).unwrap();
        let replaced = read(&path).await.unwrap();
        assert_eq!(replaced.bytes.expose_secret(), b"replaced");
    });
}

#[test]
fn a_read_by_the_caller_and_one_by_a_blocking_thread_have_the_same_result() {
    let directory = tempfile::tempdir().unwrap();
    let here = both_ways_are_equal(directory.path());
    assert!(here >= 5, "the caller has read only {here}");
    in_own_namespace("both ways of a mount in memory", || {
        memory(directory.path());
        let here = both_ways_are_equal(directory.path());
        assert!(here >= 8, "the caller has read only {here}");
    });
}

/// Returns how many of the files the caller has read.
fn both_ways_are_equal(root: &Path) -> usize {
    let inner = root.join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("file"), "content").unwrap();
    fs::write(inner.join("empty"), "").unwrap();
    fs::write(inner.join("large"), "x".repeat(100 * 1024)).unwrap();
    fs::write(inner.join("larger"), "x".repeat(LIMIT + 1)).unwrap();
    symlink("file", inner.join("link")).unwrap();
    symlink(inner.join("file"), inner.join("absolute")).unwrap();
    symlink("nothing", inner.join("dangling")).unwrap();
    symlink("inner", root.join("through")).unwrap();
    fs::create_dir(inner.join("..1")).unwrap();
    fs::write(inner.join("..1/token"), "t0ken").unwrap();
    symlink("..1", inner.join("..data")).unwrap();
    symlink("..data/token", inner.join("token")).unwrap();
    symlink("..data/nothing", inner.join("no-token")).unwrap();
    symlink("token", inner.join("third")).unwrap();
    let names = [
        "inner/file",
        "inner/file/",
        "inner/file/.",
        "inner/file/below",
        "inner/./file",
        "inner/../inner/file",
        "inner/empty",
        "inner/large",
        "inner/larger",
        "inner/link",
        "inner/absolute",
        "inner/dangling",
        "inner/token",
        "inner/no-token",
        "inner/third",
        "through/file",
        "through/token",
        "inner",
        "inner/missing",
        "missing/file",
        "",
    ];
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let (mut here, mut compared) = (0, 0);
    runtime().block_on(async {
        for directory_mode in [0o755, 0o700, 0o777, 0o1777] {
            for mode in [0o600, 0o644, 0o666, 0o640] {
                set_mode(&inner, directory_mode);
                set_mode(&inner.join("file"), mode);
                set_mode(&inner.join("..1/token"), mode);
                set_mode(&inner.join("..1"), directory_mode);
                for name in names {
                    let path = root.join(name);
                    // Of so many files, none is read by the caller.
                    let many = vec![path.clone(); 40];
                    let there = Host::real().files().read_each_stamped(&many, LIMIT).await;
                    let ours = read(&path).await;
                    assert_eq!(
                        shown(&ours),
                        shown(&there[0]),
                        "{name} {mode:o} in {directory_mode:o}"
                    );
                    compared += 1;
                    if mode == 0o600 && directory_mode == 0o755 {
                        here += usize::from(read_here(&path).await.is_some());
                    }
                }
            }
        }
    });
    println!(
        "{compared} reads are the same in both ways; {here} of {} were the caller's",
        names.len()
    );
    here
}

#[test]
fn a_relative_path_is_read_from_the_working_directory_in_both_ways() {
    // Tests run in the directory of their crate.
    let path = Path::new("Cargo.toml");
    runtime().block_on(async {
        let many = vec![path.to_owned(); 40];
        let there = Host::real().files().read_each_stamped(&many, LIMIT).await;
        assert_eq!(shown(&read(path).await), shown(&there[0]));
        let here = read_here(path).await;
        assert!(here.is_none_or(|read| shown(&Ok(read.unwrap())) == shown(&there[0])));
    });
}

#[test]
fn a_file_that_is_not_in_the_page_cache_is_read_by_a_blocking_thread() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "content").unwrap();
    runtime().block_on(async {
        read(&path).await.unwrap();
        assert!(read_here(&path).await.is_some());
        let file = File::open(&path).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        if read_here(&path).await.is_some() {
            not_tested(
                "a cold file",
                "the file system of the temporary directory keeps it in memory",
            );
            return;
        }
        assert_eq!(read(&path).await.unwrap().bytes.expose_secret(), b"content");
        assert!(read_here(&path).await.is_some(), "it is in the cache again");
    });
}

#[test]
fn a_pipe_is_not_opened_by_the_caller_and_its_writer_keeps_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let (file, pipe) = (directory.path().join("file"), directory.path().join("pipe"));
    fs::write(&file, "content").unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writing = pipe.clone();
    let writer = std::thread::spawn(move || fs::write(writing, "from the pipe"));
    runtime().block_on(async {
        read(&file).await.unwrap();
        assert!(read_here(&pipe).await.is_none());
        assert!(!writer.is_finished());
        let content = read(&pipe).await.unwrap();
        assert!(content.is_from_pipe);
        assert_eq!(content.bytes.expose_secret(), b"from the pipe");
    });
    writer.join().unwrap().unwrap();
}

#[test]
fn many_reads_that_do_not_wait_let_other_tasks_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "content").unwrap();
    runtime().block_on(async {
        read(&path).await.unwrap();
        let reading = tokio::spawn(async move {
            for _ in 0..10_000 {
                read(&path).await.unwrap();
            }
        });
        let mut turns = 0;
        while !reading.is_finished() {
            tokio::task::yield_now().await;
            turns += 1;
        }
        reading.await.unwrap();
        assert!(turns >= 20, "{turns}");
    });
}

/// How long this thread has waited for a processor that it could have used.
fn waited() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = text.split(' ').nth(1).and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(waited.unwrap_or(0))
}

/// Reads the path for a while, and returns the longest time for which the thread did not serve another task although it had
/// a processor.
fn longest_gap(path: PathBuf) -> Duration {
    let runtime = runtime();
    let longest = runtime.block_on(async {
        let reading = tokio::spawn(async move {
            loop {
                let host = Host::real();
                let read = host.files().read_stamped(&path, LIMIT);
                let ended = host.within(Duration::from_millis(50), read).await;
                assert!(ended.is_err(), "it is read although its server is gone");
            }
        });
        let begun = Instant::now();
        let (mut last, mut waited_before, mut longest) = (begun, waited(), Duration::ZERO);
        while begun.elapsed() < Duration::from_millis(300) {
            tokio::task::yield_now().await;
            let (now, waited) = (Instant::now(), waited());
            longest = longest.max((now - last).saturating_sub(waited.saturating_sub(waited_before)));
            (last, waited_before) = (now, waited);
        }
        reading.abort();
        longest
    });
    // Its other thread hangs.
    runtime.shutdown_background();
    longest
}

#[test]
fn a_file_system_whose_server_is_gone_never_blocks_the_caller() {
    let directory = tempfile::tempdir().unwrap();
    in_own_namespace("a FUSE file system that hangs", || {
        let mounted = match fuse::Fuse::mount(directory.path()) {
            Ok(mounted) => mounted,
            Err(error) => return not_tested("a FUSE file system that hangs", &error.to_string()),
        };
        let path = mounted.file();
        // Its names, attributes and content are in the caches.
        for _ in 0..3 {
            let content = runtime().block_on(read(&path)).unwrap();
            assert_eq!(content.bytes.expose_secret(), fuse::CONTENT);
        }
        mounted.stop();
        let opening = path.clone();
        let control = std::thread::spawn(move || fs::read(opening).is_ok());
        std::thread::sleep(Duration::from_millis(100));
        assert!(!control.is_finished(), "the file system answers");
        // On a busy machine another program can take the processor in one run, but hardly in each.
        let (ended, gaps) = mpsc::channel();
        let hung = path.clone();
        // A thread that hangs must not keep the test from its end.
        std::thread::spawn(move || {
            for _ in 0..5 {
                let gap = longest_gap(hung.clone());
                if ended.send(gap).is_err() || gap < Duration::from_millis(2) {
                    return;
                }
            }
        });
        let next = || gaps.recv_timeout(patience(Duration::from_secs(10))).ok();
        let shortest = std::iter::from_fn(next).min();
        drop(mounted);
        let _ = control.join();
        let shortest = shortest.expect("the caller was blocked");
        println!("the longest time without another task: {shortest:?}");
        assert!(shortest < patience(Duration::from_millis(2)), "{shortest:?}");
    });
}

#[test]
fn a_mount_over_a_known_directory_is_not_taken_for_it() {
    let directory = tempfile::tempdir().unwrap();
    in_own_namespace("a FUSE file system over a known directory", || {
        let root = directory.path();
        memory(root);
        fs::write(root.join(fuse::NAME), "local").unwrap();
        let path = root.join(fuse::NAME);
        runtime().block_on(async {
            read(&path).await.unwrap();
            assert!(read_here(&path).await.is_some());
        });
        let mounted = match fuse::Fuse::mount(root) {
            Ok(mounted) => mounted,
            Err(error) => return not_tested("a FUSE file system over a directory", &error.to_string()),
        };
        runtime().block_on(async {
            assert_eq!(read(&path).await.unwrap().bytes.expose_secret(), fuse::CONTENT);
            assert!(read_here(&path).await.is_none());
        });
        drop(mounted);
        // What was beneath is known as before.
        runtime().block_on(async {
            let beneath = read_here(&path).await.expect("the caller reads it").unwrap();
            assert_eq!(beneath.bytes.expose_secret(), b"local");
        });
    });
}

#[test]
fn outside_of_a_runtime_a_file_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "content").unwrap();
    runtime().block_on(read(&path)).unwrap();
    let mut reading = std::pin::pin!(read(&path));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = reading.as_mut().poll(&mut context) else {
        panic!("it must be refused at once");
    };
    assert_eq!(error.to_string(), "it was called outside of a tokio runtime");
}
