//! The program that asks for the credential.
//!
//! client-go keeps a credential until it expires, and runs its plugin again only after a 401. So if a process requests the
//! credential again, the server has rejected the one that it got.

use std::sync::OnceLock;

use kubex_exec::ExecRequest;
use kubex_store::{Asked, Client};

/// Programs that run between a client and this command, for example if the plugin is a script. Each request starts new ones.
const WRAPPERS: &[&str] = &[
    "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "env", "sudo", "doas", "timeout", "nice", "nohup",
    "setsid", "xargs", "stdbuf", "chrt", "ionice", "strace", "time",
];

/// The most programs that are looked through.
const MOST_WRAPPERS: usize = 8;

/// The program that asks. `None` for a person, who may ask as often as they like.
pub(super) fn of(request: &ExecRequest) -> Option<Client> {
    if !request.is_from_program() {
        return None;
    }
    let question = request.cluster_json().map(|cluster| cluster.to_string());
    let (process, started) = asking_process();
    Some(Client::new(process, started, question.unwrap_or_default()).asking_at(asked()))
}

/// When this command was started.
pub(super) fn asked() -> Asked {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    *ASKED.get_or_init(Asked::now)
}

#[cfg(unix)]
fn asking_process() -> (u32, u64) {
    let parent = std::os::unix::process::parent_id();
    let mut process = parent;
    for _ in 0..MOST_WRAPPERS {
        match Process::read(process) {
            Some(read) if read.is_wrapper() && read.parent > 1 => process = read.parent,
            Some(read) => return (process, read.started),
            None => return (process, 0),
        }
    }
    (parent, 0)
}

/// Other systems do not provide the parent of a process, so a second request is not recognized there.
#[cfg(not(unix))]
fn asking_process() -> (u32, u64) {
    (std::process::id(), 0)
}

/// A process, as the kernel describes it.
#[cfg(unix)]
struct Process {
    name: String,
    parent: u32,
    started: u64,
}

#[cfg(unix)]
impl Process {
    /// Only Linux has these files. Elsewhere the number of the process alone identifies the client; a number that is used
    /// again costs one run of the plugin.
    #[expect(
        clippy::disallowed_methods,
        reason = "this file of the kernel describes a process"
    )]
    fn read(process: u32) -> Option<Self> {
        let mut read = Self::parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)?;
        // A script has the name of its file there, and its shell is the program.
        if let Ok(program) = std::fs::read_link(format!("/proc/{process}/exe"))
            && let Some(name) = program.file_name()
        {
            read.name = name.to_string_lossy().into_owned();
        }
        Some(read)
    }

    /// Reads a line of proc(5). The name is in parentheses, and may contain some itself.
    fn parse(stat: &str) -> Option<Self> {
        let (before, after) = stat.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        Some(Self {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    fn is_wrapper(&self) -> bool {
        WRAPPERS.contains(&self.name.as_str())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_process_is_read_whatever_its_name_is() {
        let line = "17 (a) b (c) S 4 17 4 34816 17 4194304 1 0 0 0 0 0 0 0 20 0 1 0 12345 2 3 4";
        let process = Process::parse(line).unwrap();
        assert_eq!(
            (process.name.as_str(), process.parent, process.started),
            ("a) b (c", 4, 12345)
        );
        for broken in ["", "17", "17 (a", "17 (a) S", "17 (a) S x"] {
            assert!(Process::parse(broken).is_none(), "{broken}");
        }
    }
}
