//! The terminal, which a program may let plugins use to prompt the user.

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::{Arc, LazyLock};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::plugin_stderr::show_on_stderr;
use crate::text::clean_line;

/// The program's terminal, which plugins may use. Clones refer to the same terminal.
///
/// Unless the program calls [`Host::with_terminal`](super::Host::with_terminal), plugins have no terminal: their stdin is
/// empty, and `KUBERNETES_EXEC_INFO` contains `interactive: false`. Call `with_terminal` only if the user expects prompts,
/// because a refresh in the background may also prompt.
///
/// Only one plugin uses the terminal at a time, and others wait. That plugin runs in the program's process group, so pipelines,
/// Ctrl-C and Ctrl-Z work as in a shell. Its stderr is printed while it runs ([`PluginStderr`](super::PluginStderr)), because
/// plugins prompt on stderr.
///
/// ```no_run
/// use kubex_core::Host;
/// use kubex_core::host::Terminal;
///
/// // A command-line tool that does not read stdin itself.
/// let host = Host::real().with_terminal(Terminal::standard_input());
///
/// // The same tool, if it reads a manifest from stdin (`-f -`).
/// let host = Host::real().with_terminal(
///     Terminal::standard_input().unavailable("used by stdin resource manifest reader"),
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Terminal {
    device: Arc<dyn Device>,
    unavailable: Option<String>,
}

/// The device of a terminal.
pub(super) trait Device: fmt::Debug + Send + Sync {
    /// Whether it is a terminal. This is checked before every run.
    fn is_terminal(&self) -> bool;

    /// Shows a cleaned text.
    fn show(&self, text: &str);

    /// The lock of the plugin that holds the terminal.
    fn holder(&self) -> Arc<Mutex<()>>;
}

/// A program has one stdin, so all its hosts share one lock.
static HOLDER_OF_STANDARD_INPUT: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

#[derive(Debug)]
struct StandardInput;

impl Device for StandardInput {
    fn is_terminal(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    fn show(&self, text: &str) {
        show_on_stderr(text);
    }

    fn holder(&self) -> Arc<Mutex<()>> {
        Arc::clone(&HOLDER_OF_STANDARD_INPUT)
    }
}

impl Terminal {
    /// Uses this program's stdin. If it is not a terminal, plugins run without one.
    pub fn standard_input() -> Self {
        Self::new(Arc::new(StandardInput))
    }

    pub(super) fn new(device: Arc<dyn Device>) -> Self {
        Self {
            device,
            unavailable: None,
        }
    }

    /// Declares that plugins must not use the terminal, for example because the program reads from stdin itself. `why`
    /// is the reason, which may be empty. A plugin that requires a terminal then fails with this reason.
    #[must_use]
    pub fn unavailable(mut self, why: &str) -> Self {
        self.unavailable = Some(clean_line(why).into_owned());
        self
    }

    /// Returns whether stdin is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.device.is_terminal()
    }

    /// Returns why a plugin must not use the terminal; `None` if it may.
    pub fn why_unavailable(&self) -> Option<&str> {
        self.unavailable.as_deref()
    }

    /// Waits until no other plugin uses the terminal, and reserves it. Dropping the result releases it.
    pub async fn hold(&self) -> TerminalHold {
        TerminalHold {
            device: Arc::clone(&self.device),
            _guard: self.device.holder().lock_owned().await,
        }
    }
}

/// Reserves the terminal for one plugin until it is dropped. [`Terminal::hold`] returns it.
pub struct TerminalHold {
    device: Arc<dyn Device>,
    _guard: OwnedMutexGuard<()>,
}

impl TerminalHold {
    /// The function that shows a text at the terminal.
    pub(super) fn show(&self) -> Arc<dyn Fn(&str) + Send + Sync> {
        let device = Arc::clone(&self.device);
        Arc::new(move |text| device.show(text))
    }
}

impl fmt::Debug for TerminalHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalHold").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::SimulatedHost;

    #[tokio::test]
    async fn one_plugin_at_a_time_holds_the_terminal() {
        let world = SimulatedHost::new();
        world.attach_terminal();
        let terminals = [world.host(), world.host()].map(|host| host.terminal().cloned().unwrap());
        let first = terminals[0].hold().await;
        let second = tokio::spawn({
            let terminal = terminals[1].clone();
            async move { drop(terminal.hold().await) }
        });
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(!second.is_finished(), "two hold it");
        drop(first);
        second.await.unwrap();
    }
}
