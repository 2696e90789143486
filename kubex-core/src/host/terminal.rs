//! The terminal, which a program may hand over to plugins that ask their user.
//!
//! Without [`Host::with_terminal`](super::Host::with_terminal) plugins get no terminal: their stdin is empty, and
//! `KUBERNETES_EXEC_INFO` says so. A refresh in the background may ask too, so hand over the terminal only if the user
//! expects questions. One plugin at a time holds the terminal; others wait. While a plugin holds it, its stderr is shown
//! immediately, because plugins ask there; control characters are replaced.

use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, LazyLock, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::secret::{ExposeSecret as _, SecretString};
use crate::text::{MASKED, clean, clean_line};

/// The program's terminal, for plugins. Clones are the same terminal.
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
        // A closed terminal cannot show the text; it is also kept for the error.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn holder(&self) -> Arc<Mutex<()>> {
        Arc::clone(&HOLDER_OF_STANDARD_INPUT)
    }
}

impl Terminal {
    /// This program's stdin. It is used only while it is a terminal.
    pub fn standard_input() -> Self {
        Self::new(Arc::new(StandardInput))
    }

    pub(super) fn new(device: Arc<dyn Device>) -> Self {
        Self {
            device,
            unavailable: None,
        }
    }

    /// Marks stdin as used by something else, with the reason, which may be empty. A plugin that needs a terminal is refused
    /// with this reason.
    #[must_use]
    pub fn unavailable(mut self, why: &str) -> Self {
        self.unavailable = Some(clean_line(why).into_owned());
        self
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.device.is_terminal()
    }

    /// Why the terminal cannot be handed over.
    pub fn why_unavailable(&self) -> Option<&str> {
        self.unavailable.as_deref()
    }

    /// Waits until no other plugin holds the terminal.
    pub async fn hold(&self) -> TerminalHold {
        TerminalHold {
            device: Arc::clone(&self.device),
            hidden: Vec::new(),
            cut: StdMutex::default(),
            _guard: self.device.holder().lock_owned().await,
        }
    }
}

/// The terminal while one plugin holds it.
pub struct TerminalHold {
    device: Arc<dyn Device>,
    hidden: Vec<SecretString>,
    /// The beginning of a character that is not complete yet.
    cut: StdMutex<Vec<u8>>,
    _guard: OwnedMutexGuard<()>,
}

impl TerminalHold {
    /// Masks these texts in the output.
    #[must_use]
    pub fn hiding(mut self, secrets: impl IntoIterator<Item = SecretString>) -> Self {
        self.hidden.extend(
            secrets
                .into_iter()
                .filter(|secret| secret.expose_secret().len() >= 4),
        );
        self
    }

    /// Shows a part of the plugin's stderr. Control characters are replaced.
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

    #[tokio::test]
    async fn output_is_shown_without_control_characters_and_secrets() {
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
