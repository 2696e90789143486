//! The terminal, which the program may hand over to plugins that ask their user.
//!
//! Without [`Host::with_terminal`](super::Host::with_terminal) no plugin is given one: its standard input is
//! empty, and it is told so. A refresh in the background is a run like any other, so hand it over only where the
//! user expects to be asked. One plugin at a time holds the terminal; the next one waits. While it is held,
//! what the plugin says on standard error is shown as it comes, for that is where plugins ask; control
//! characters have no effect there.

use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, LazyLock, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::secret::{ExposeSecret as _, SecretString};
use crate::text::{MASKED, clean, clean_line};

/// The program's terminal, to be handed over to plugins. Clones are one terminal.
///
/// ```no_run
/// use kubex_core::Host;
/// use kubex_core::host::Terminal;
///
/// // A command-line tool whose standard input is not read by anything else.
/// let host = Host::real().with_terminal(Terminal::standard_input());
///
/// // The same, called with `-f -`.
/// let host = Host::real().with_terminal(
///     Terminal::standard_input().unavailable("used by stdin resource manifest reader"),
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Terminal {
    device: Arc<dyn Device>,
    unavailable: Option<String>,
}

/// What is behind a terminal.
pub(super) trait Device: fmt::Debug + Send + Sync {
    /// Whether there is somebody to be asked. Looked at before every run.
    fn is_terminal(&self) -> bool;

    /// Shows a text that has been cleaned.
    fn show(&self, text: &str);

    /// What its one holder holds.
    fn holder(&self) -> Arc<Mutex<()>>;
}

/// A program has one standard input, so all its hosts wait for one holder.
static HOLDER_OF_STANDARD_INPUT: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

#[derive(Debug)]
struct StandardInput;

impl Device for StandardInput {
    fn is_terminal(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    fn show(&self, text: &str) {
        // Somebody who has closed the terminal reads nothing there; the text is kept for the error as well.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn holder(&self) -> Arc<Mutex<()>> {
        Arc::clone(&HOLDER_OF_STANDARD_INPUT)
    }
}

impl Terminal {
    /// This program's standard input. It counts as a terminal only while it is one.
    pub fn standard_input() -> Self {
        Self::new(Arc::new(StandardInput))
    }

    pub(super) fn new(device: Arc<dyn Device>) -> Self {
        Self {
            device,
            unavailable: None,
        }
    }

    /// Says that standard input is taken by something else, and by what; empty for no reason. A plugin that
    /// cannot do without a terminal is refused with it.
    #[must_use]
    pub fn unavailable(mut self, why: &str) -> Self {
        self.unavailable = Some(clean_line(why).into_owned());
        self
    }

    /// Whether there is somebody to be asked.
    pub fn is_terminal(&self) -> bool {
        self.device.is_terminal()
    }

    /// Why it cannot be handed over although it is there.
    pub fn why_unavailable(&self) -> Option<&str> {
        self.unavailable.as_deref()
    }

    /// Waits until nobody else holds it.
    pub async fn hold(&self) -> TerminalHold {
        TerminalHold {
            device: Arc::clone(&self.device),
            hidden: Vec::new(),
            cut: StdMutex::default(),
            _guard: self.device.holder().lock_owned().await,
        }
    }
}

/// The terminal in the hands of one plugin's run, until it is dropped.
pub struct TerminalHold {
    device: Arc<dyn Device>,
    hidden: Vec<SecretString>,
    /// The beginning of a character whose end has not come yet.
    cut: StdMutex<Vec<u8>>,
    _guard: OwnedMutexGuard<()>,
}

impl TerminalHold {
    /// Hides these texts in what is shown.
    #[must_use]
    pub fn hiding(mut self, secrets: impl IntoIterator<Item = SecretString>) -> Self {
        self.hidden.extend(
            secrets
                .into_iter()
                .filter(|secret| secret.expose_secret().len() >= 4),
        );
        self
    }

    /// Shows what the plugin says, as it comes, without effect of its control characters.
    pub fn show(&self, said: &[u8]) {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = std::mem::take(&mut *cut);
        bytes.extend_from_slice(said);
        if let Err(error) = std::str::from_utf8(&bytes)
            && error.error_len().is_none()
        {
            *cut = bytes.split_off(error.valid_up_to());
        }
        drop(cut);
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        for secret in &self.hidden {
            text = text.replace(secret.expose_secret(), MASKED);
        }
        self.device.show(&clean(&text));
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
    async fn one_at_a_time_holds_it() {
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

    #[tokio::test]
    async fn what_is_said_is_shown_without_effect() {
        let world = SimulatedHost::new();
        world.attach_terminal();
        let terminal = world.host().terminal().cloned().unwrap();
        let hold = terminal.hold().await.hiding(["hunter22".into(), "x".into()]);
        hold.show("Grüße: ".as_bytes().split_at(3).0);
        hold.show("Grüße: ".as_bytes().split_at(3).1);
        hold.show(b"\x1b[31mhunter22\r\n\xff");
        assert_eq!(world.shown(), "Grüße: U+001B[31m[masked]\n\u{fffd}");
    }
}
