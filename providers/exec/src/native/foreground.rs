//! The foreground of the terminal, lent to a plugin.
//!
//! A plugin runs in a process group of its own. A group in the background is stopped by the system when it reads
//! from the terminal, so the plugin's group is put into the foreground for the time it holds the terminal. Then
//! this program is put there again, with the terminal's settings as they were: a plugin that was ended while it
//! asked for a password leaves a terminal behind that shows nothing of what is typed.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// The terminal's foreground, taken back on drop.
pub(super) struct Foreground {
    own: Pid,
    settings: Option<Termios>,
}

impl Foreground {
    /// Puts the group into the foreground. `None` where standard input is no terminal that this program
    /// controls from the foreground: then it has nothing to give.
    pub(super) fn give_to(group: Pid) -> Option<Self> {
        let terminal = io::stdin();
        let own = getpgrp();
        if tcgetpgrp(&terminal).ok()? != own {
            return None;
        }
        let settings = tcgetattr(&terminal).ok();
        tcsetpgrp(&terminal, group).ok()?;
        // It may have read before it was in the foreground, and so have been stopped.
        let _ = killpg(group, Signal::SIGCONT);
        Some(Self { own, settings })
    }
}

impl Drop for Foreground {
    /// From the background, the system answers such a call with SIGTTOU, unless the thread that makes it does
    /// not listen. Nothing can be done about a terminal that is gone.
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
