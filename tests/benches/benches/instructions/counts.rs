//! Counts by callgrind, and the counts that the repository keeps.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::works::Work;

/// A smaller change is noise: hash tables have random keys, which changes the number of probes.
const SHOWN_CHANGE: f64 = 0.03;

/// The version of valgrind; `None` if it cannot be started.
pub(crate) fn valgrind_version() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !version.is_empty()).then_some(version)
}

/// The instructions of one run of the work.
pub(crate) fn count(work: &Work) -> u64 {
    let (few, many) = work.times;
    let [few_count, many_count] = [few, many].map(|times| total(work.name, times));
    many_count.saturating_sub(few_count) / u64::from(many - few)
}

/// The instructions of a process that does the work so many times.
fn total(name: &str, times: u32) -> u64 {
    let itself = std::env::current_exe().expect("this program has a file");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(itself)
        .args(["--work", name, &times.to_string()])
        // Callgrind counts each byte of a repeated string instruction as an instruction of its own.
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000",
        )
        .output()
        .expect("valgrind starts");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {shown}");
    let collected = shown.lines().find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.unwrap_or_else(|| panic!("callgrind counts nothing: {shown}"));
    collected.trim().parse().expect("callgrind's count is a number")
}

/// The counts in the repository, and the compiler that they are of.
#[derive(Debug, Default)]
pub(crate) struct Kept(String);

impl Kept {
    pub(crate) fn read() -> Self {
        Self(std::fs::read_to_string(path()).unwrap_or_default())
    }

    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        let mut lines = self.0.lines().filter_map(|line| line.rsplit_once(' '));
        lines.find(|(work, _)| *work == name)?.1.parse().ok()
    }

    /// Why the counts may differ although Kubex has not changed.
    pub(crate) fn differences_of_the_tools(&self) -> Option<String> {
        let of = self.0.lines().find_map(|line| line.strip_prefix("# "))?;
        let here = tools();
        (of != here).then(|| format!("The kept counts are of other tools: {of}; here: {here}.\n"))
    }
}

/// The count of one work beside the kept one.
#[derive(Debug)]
pub(crate) struct Comparison {
    name: &'static str,
    count: u64,
    kept: Option<u64>,
}

impl Comparison {
    pub(crate) fn new(name: &'static str, count: u64, kept: Option<u64>) -> Self {
        Self { name, count, kept }
    }

    pub(crate) fn row(&self) -> String {
        let Self { name, count, kept } = self;
        let kept = kept.map_or_else(|| "none".to_owned(), |kept| kept.to_string());
        format!("| {name} | {count} | {kept} | {} |", self.percent())
    }

    fn share(&self) -> Option<f64> {
        let kept = self.kept.filter(|kept| *kept > 0)? as f64;
        Some((self.count as f64 - kept) / kept)
    }

    fn percent(&self) -> String {
        self.share()
            .map_or_else(|| "new".to_owned(), |share| format!("{:+.1} %", share * 100.0))
    }

    /// A change that should be seen.
    pub(crate) fn change(&self) -> Option<String> {
        let is_shown = self.share().is_none_or(|share| share.abs() > SHOWN_CHANGE);
        let Self { name, count, kept } = self;
        let kept = kept.map_or_else(|| "none".to_owned(), |kept| kept.to_string());
        is_shown.then(|| format!("{name}: {count} instructions, kept {kept}, {}", self.percent()))
    }
}

/// Writes the counts to the repository.
pub(crate) fn keep(all: &[Comparison]) {
    let mut text = format!("# {}\n", tools());
    for Comparison { name, count, .. } in all {
        writeln!(text, "{name} {count}").expect("a text can be written to");
    }
    std::fs::write(path(), text).expect("the counts can be written");
    println!("the counts are kept in tests/benches/instructions.txt");
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

/// Counts depend on the compiler, and on the instructions that the processor has.
fn tools() -> String {
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or_else(
        |_| "an unknown rustc".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let valgrind = valgrind_version().unwrap_or_default();
    format!("{rustc}, {valgrind}, {}", std::env::consts::ARCH)
}
