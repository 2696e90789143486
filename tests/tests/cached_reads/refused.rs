//! Kernels and sandboxes that refuse the calls: simulated by strace, which makes them fail in a process of its own.

use super::*;

/// The system calls that the process of the test cannot make, in its environment.
const REFUSED: &str = "KUBEX_TEST_REFUSED_CALLS";

#[test]
fn without_the_system_calls_a_blocking_thread_reads_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "content").unwrap();
    let is_refused = std::env::var_os(REFUSED).is_some();
    runtime().block_on(async {
        for _ in 0..3 {
            assert_eq!(read(&path).await.unwrap().bytes.expose_secret(), b"content");
        }
        assert_eq!(read_here(&path).await.is_none(), is_refused);
        let missing = read(&directory.path().join("missing")).await.unwrap_err();
        assert_eq!(missing.to_string(), "No such file or directory (os error 2)");
    });
}

#[test]
fn each_refusal_of_a_kernel_or_a_sandbox_leads_to_the_blocking_thread() {
    if !has_tool(&["strace", "-o", "/dev/null", "true"], "refused system calls") {
        return;
    }
    let test = "refused::without_the_system_calls_a_blocking_thread_reads_the_file";
    for (call, error) in [
        ("openat2", "ENOSYS"),
        ("openat2", "EPERM"),
        ("openat2", "EINVAL"),
        ("openat2", "EACCES"),
        ("openat2", "EAGAIN"),
        ("openat2", "ELOOP"),
        ("statx", "ENOSYS"),
        ("preadv2", "ENOSYS"),
        ("preadv2", "EPERM"),
        ("preadv2", "EOPNOTSUPP"),
        ("preadv2", "EAGAIN"),
        ("preadv2", "EIO"),
    ] {
        let run = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("trace={call}"))
            .arg("-e")
            .arg(format!("inject={call}:error={error}"))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(REFUSED, call)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&run.stdout);
        assert!(
            run.status.success() && printed.contains("1 passed"),
            "{call} {error}: {printed}{}",
            String::from_utf8_lossy(&run.stderr)
        );
    }
}
