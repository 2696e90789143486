//! The settings of the terminal, which a plugin leaves without echo if it is ended while it asks for a password.

use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, PoisonError};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

/// The settings before the plugin started.
pub(super) struct TerminalSettings(Mutex<Termios>);

impl TerminalSettings {
    /// `None` if stdin is not a terminal.
    pub(super) fn read() -> Option<Self> {
        tcgetattr(io::stdin()).ok().map(Mutex::new).map(Self)
    }

    /// Restores them, unless the terminal is now used by another program: the shell, or a pager in the same pipeline.
    /// The processes with these ids were ended, and may take a moment to disappear.
    pub(super) fn restore(&self, ended: &[i32]) {
        let terminal = io::stdin();
        if tcgetpgrp(&terminal) == Ok(getpgrp()) && is_alone_without(ended) {
            // The terminal may be closed.
            let settings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = tcsetattr(&terminal, SetArg::TCSANOW, &settings);
        }
    }
}

/// Whether this program is the only one of its group, but for these processes.
#[cfg(target_os = "linux")]
fn is_alone_without(ended: &[i32]) -> bool {
    let (own, group) = (std::process::id().cast_signed(), getpgrp().as_raw());
    let mut others = super::process_table::members().into_iter();
    io::stdout().is_terminal()
        || !others.any(|other| other.group == group && other.id != own && !ended.contains(&other.id))
}

#[cfg(not(target_os = "linux"))]
fn is_alone_without(_: &[i32]) -> bool {
    io::stdout().is_terminal()
}
