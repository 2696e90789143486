//! The processes of this machine, from `/proc`.
//!
//! An id may be given to another process as soon as its process is gone. A [`Member`] holds its directory of `/proc` open,
//! which never becomes another process's.

use std::ffi::OsStr;

use procfs::process::{Process, Stat, all_processes};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// A process that has not ended.
pub(crate) struct Member {
    process: Process,
    pub(crate) id: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// In clock ticks since the machine started.
    pub(crate) started: u64,
}

impl Member {
    /// The process with this id.
    pub(crate) fn find(id: i32) -> Option<Self> {
        Self::read(Process::new(id).ok()?)
    }

    fn read(process: Process) -> Option<Self> {
        let stat = process.stat().ok().filter(|stat| !has_ended(stat))?;
        Some(Self {
            id: stat.pid,
            parent: stat.ppid,
            group: stat.pgrp,
            started: stat.starttime,
            process,
        })
    }

    /// The value of a variable that the process was started with, if it can be read.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let environment = self.process.environ().ok()?;
        let value = environment.get(OsStr::new(name))?;
        Some(value.to_string_lossy().into_owned())
    }

    /// The command line, which is empty if it cannot be read.
    pub(crate) fn command_line(&self) -> Vec<String> {
        self.process.cmdline().unwrap_or_default()
    }

    /// Sends a signal to this process, and to no other one that gets its id.
    pub(crate) fn send(&self, signal: Signal) {
        let Some(id) = Pid::from_raw(self.id) else { return };
        let handle = pidfd_open(id, PidfdFlags::empty());
        // As long as the directory can be read, the id and the handle are this process's.
        if self.process.stat().is_err() {
            return;
        }
        // An error means that the process has ended, or may not be signalled.
        let _ = match handle {
            Ok(handle) => pidfd_send_signal(handle, signal),
            // A kernel before 5.3.
            Err(_) => kill_process(id, signal),
        };
    }
}

fn has_ended(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X')
}

/// All processes that can be seen.
pub(crate) fn members() -> Vec<Member> {
    let Ok(processes) = all_processes() else {
        return Vec::new();
    };
    processes
        .filter_map(|process| Member::read(process.ok()?))
        .collect()
}

/// The processes that this one descends from, its parent first.
pub(crate) fn ancestors() -> Vec<Member> {
    /// A chain is longer only if it is a loop, which the table cannot rule out while it changes.
    const LONGEST: usize = 64;
    let own = Process::myself().ok().and_then(Member::read);
    let mut ancestors: Vec<Member> = Vec::new();
    let mut next = own.map(|own| own.parent);
    while let Some(member) = next.filter(|&id| id > 0).and_then(Member::find) {
        if ancestors.len() == LONGEST {
            break;
        }
        next = Some(member.parent);
        ancestors.push(member);
    }
    ancestors
}
