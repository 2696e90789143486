//! A process and its descendants.
//!
//! Descendants are found by several marks, because each of them can be lost: the parent (lost when the parent exits), the
//! process group (lost in a new session), and a variable that only this run has (lost with `env -i`). With
//! [`adopt_orphans`](super::adopt_orphans), descendants whose parent has exited become children of this program.
//!
//! Only Linux has a table of processes that is read here. On other systems the process itself is ended, and the group of a
//! process that has one of its own.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

#[cfg(target_os = "linux")]
use super::process_table::{self, Member};
use super::terminal_settings::TerminalSettings;

/// The variable that marks the descendants of a run.
pub(super) use kubex_core::host::RUN_VARIABLE as MARKER;

/// How often the table is read until no new descendant appears.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 8;

/// Whether orphans become children of this program.
#[cfg(target_os = "linux")]
pub(super) static ADOPTS_ORPHANS: AtomicBool = AtomicBool::new(false);

/// Lets this program learn how its children ended, even if its parent made it ignore SIGCHLD.
pub(super) fn prepare() -> io::Result<()> {
    static HANDLES_SIGCHLD: AtomicBool = AtomicBool::new(false);
    if !HANDLES_SIGCHLD.swap(true, Ordering::Relaxed) {
        drop(signal(SignalKind::child())?);
    }
    Ok(())
}

/// The mark of one run: its own id after those of the runs that it is nested in.
pub(super) struct Marker {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "descendants are found on Linux only")
    )]
    id: String,
    value: OsString,
}

impl Marker {
    pub(super) fn new(inherited: &[(OsString, OsString)]) -> Self {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        #[cfg(target_os = "linux")]
        let started = Member::find(own_id()).map_or(0, |own| own.started);
        #[cfg(not(target_os = "linux"))]
        let started = 0;
        let id = format!("{}.{started}.{}", own_id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let outer = inherited.iter().find(|(name, _)| name == MARKER);
        let mut value = outer.map(|(_, value)| value.clone()).unwrap_or_default();
        if !value.is_empty() {
            value.push(",");
        }
        value.push(&id);
        Self { id, value }
    }

    pub(super) fn value(&self) -> &OsStr {
        &self.value
    }
}

fn own_id() -> i32 {
    // Ids are positive and fit into this type: it is the kernel's own.
    std::process::id().cast_signed()
}

/// A process and its descendants.
pub(super) struct Family {
    leader: i32,
    /// Whether the process is in this program's group.
    pub(super) shares_group: bool,
    has_exited: AtomicBool,
    settings: Option<TerminalSettings>,
    #[cfg(target_os = "linux")]
    started: u64,
    #[cfg(target_os = "linux")]
    marker: Marker,
}

impl Family {
    pub(super) fn new(
        child: &Child,
        shares_group: bool,
        settings: Option<TerminalSettings>,
        marker: Marker,
    ) -> Self {
        // A child that was just started was not reaped, and has an id.
        let leader = child.id().map_or(0, u32::cast_signed);
        #[cfg(not(target_os = "linux"))]
        drop(marker);
        Self {
            leader,
            shares_group,
            has_exited: AtomicBool::new(false),
            settings,
            // If it has ended already, its descendants have started since this program's last child.
            #[cfg(target_os = "linux")]
            started: Member::find(leader)
                .or_else(|| Member::find(own_id()))
                .map_or(0, |member| member.started),
            #[cfg(target_os = "linux")]
            marker,
        }
    }

    /// From now on the process's id may be given to another one.
    pub(super) fn leader_exited(&self) {
        self.has_exited.store(true, Ordering::Relaxed);
    }

    /// Sends SIGTERM, which a stopped process receives when it continues.
    pub(super) fn terminate(&self) {
        self.send(Signal::SIGTERM);
        self.send(Signal::SIGCONT);
    }

    /// Sends SIGKILL, and restores the terminal. All are stopped first, so that none starts another one meanwhile.
    pub(super) fn kill(&self) {
        let mut ended: Vec<i32> = Vec::new();
        #[cfg(target_os = "linux")]
        {
            let mut held: Vec<Member> = Vec::new();
            for _ in 0..ROUNDS {
                let is_held = |new: &Member| {
                    let mut held = held.iter();
                    held.any(|old| (old.id, old.started) == (new.id, new.started))
                };
                let new: Vec<_> = self.members().into_iter().filter(|new| !is_held(new)).collect();
                if new.is_empty() {
                    break;
                }
                for member in &new {
                    member.send(rustix::process::Signal::STOP);
                }
                held.extend(new);
            }
            for member in &held {
                member.send(rustix::process::Signal::KILL);
            }
            ended.extend(held.iter().map(|member| member.id));
        }
        self.send_directly(Signal::SIGKILL);
        ended.push(self.leader);
        self.restore_terminal(&ended);
    }

    /// Restores the terminal, which the process may have changed.
    pub(super) fn restore_terminal(&self, ended: &[i32]) {
        if let Some(settings) = &self.settings {
            settings.restore(ended);
        }
    }

    /// Sends a signal to the process and its descendants.
    pub(super) fn send(&self, signal: Signal) {
        #[cfg(target_os = "linux")]
        {
            let members = self.members();
            if !members.is_empty() {
                if let Some(signal) = rustix::process::Signal::from_named_raw(signal as i32) {
                    for member in &members {
                        member.send(signal);
                    }
                }
                return;
            }
        }
        self.send_directly(signal);
    }

    /// Sends a signal without the table of processes. The id is the process's own until it was reaped.
    fn send_directly(&self, signal: Signal) {
        if self.leader <= 0 || self.has_exited.load(Ordering::Relaxed) {
            return;
        }
        let leader = Pid::from_raw(self.leader);
        // An error means that it has ended already.
        let _ = if self.shares_group {
            kill(leader, signal)
        } else {
            killpg(leader, signal)
        };
    }

    /// Whether one of them is running.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(clippy::unused_self, reason = "descendants are found on Linux only")
    )]
    pub(super) fn is_running(&self) -> bool {
        #[cfg(target_os = "linux")]
        if !self.members().is_empty() {
            return true;
        }
        false
    }

    #[cfg(target_os = "linux")]
    fn members(&self) -> Vec<Member> {
        let mut others = process_table::members();
        let own = own_id();
        others.retain(|other| other.started >= self.started && other.id != own);
        let leader = others.iter().find(|other| other.id == self.leader);
        // After the process has ended, another one may have its id, and a group with that id.
        let has_group = !self.shares_group && leader.is_none_or(|leader| leader.started == self.started);
        let adopts = ADOPTS_ORPHANS.load(Ordering::Relaxed);
        let is_orphan = |id| !super::running::is_leader(id) && !super::watcher::is_watcher(id);
        let is_first = |other: &Member| {
            (other.id == self.leader && other.started == self.started)
                || (has_group && other.group == self.leader)
                || (adopts && other.parent == own && is_orphan(other.id))
                || other.variable(MARKER).is_some_and(|value| {
                    let mut runs = value.split(',');
                    runs.any(|run| run == self.marker.id)
                })
        };
        let mut members: Vec<Member> = others.extract_if(.., |other| is_first(other)).collect();
        loop {
            let known: Vec<i32> = members.iter().map(|member| member.id).collect();
            let next: Vec<Member> = others
                .extract_if(.., |other| known.contains(&other.parent))
                .collect();
            if next.is_empty() {
                return members;
            }
            members.extend(next);
        }
    }

    #[cfg(target_os = "linux")]
    pub(super) fn leader(&self) -> i32 {
        self.leader
    }

    /// What another process needs to find them.
    #[cfg(target_os = "linux")]
    pub(super) fn to_arguments(&self) -> [String; 4] {
        let Self { leader, started, .. } = self;
        let group = if self.shares_group { "shared" } else { "own" };
        [
            leader.to_string(),
            started.to_string(),
            group.to_owned(),
            self.marker.id.clone(),
        ]
    }

    /// The family in another process that [`to_arguments`](Self::to_arguments) describes.
    #[cfg(target_os = "linux")]
    pub(super) fn from_arguments(arguments: &mut impl Iterator<Item = String>) -> Option<Self> {
        Some(Self {
            leader: arguments.next()?.parse().ok()?,
            started: arguments.next()?.parse().ok()?,
            shares_group: arguments.next()? == "shared",
            marker: Marker {
                id: arguments.next()?,
                value: OsString::new(),
            },
            // It is not this process's child.
            has_exited: AtomicBool::new(true),
            settings: None,
        })
    }
}
