//! Makes a plugin's process group the foreground group of the terminal, and restores the previous one.
//!
//! A plugin runs in its own process group. The system stops a background group that reads from the terminal, so the plugin's
//! group becomes the foreground group while it holds the terminal. Afterwards this program becomes the foreground group
//! again, with the previous terminal settings: a plugin that is ended while it asks for a password leaves the echo off.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// The foreground of the terminal; restored on drop.
pub(super) struct Foreground {
    own: Pid,
    settings: Option<Termios>,
}

impl Foreground {
    /// Makes the group the foreground group. `None` if stdin is not a terminal, or this program is not its foreground group.
    pub(super) fn give_to(group: Pid) -> Option<Self> {
        let terminal = io::stdin();
        let own = getpgrp();
        if tcgetpgrp(&terminal).ok()? != own {
            return None;
        }
        let settings = tcgetattr(&terminal).ok();
        tcsetpgrp(&terminal, group).ok()?;
        // The group may have been stopped because it read before it was in the foreground.
        let _ = killpg(group, Signal::SIGCONT);
        Some(Self { own, settings })
    }
}

impl Drop for Foreground {
    /// A call from the background causes SIGTTOU, unless the calling thread blocks the signal. Errors are ignored: the
    /// terminal may be closed.
    fn drop(&mut self) {
        let ttou = SigSet::from(Signal::SIGTTOU);
        let Ok(before) = ttou.thread_swap_mask(SigmaskHow::SIG_BLOCK) else {
            return;
        };
        let terminal = io::stdin();
        let _ = tcsetpgrp(&terminal, self.own);
        if let Some(settings) = &self.settings {
            let _ = tcsetattr(&terminal, SetArg::TCSANOW, settings);
        }
        let _ = before.thread_set_mask();
    }
}
