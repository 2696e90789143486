//! The stderr of plugins, printed while they run.

mod lines;

use std::fmt;
use std::io::Write as _;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use self::lines::Lines;
use super::{Host, TerminalHold};
use crate::secret::SecretString;
use crate::sharing_key::SharingKey;

/// How long a plugin may be silent before an incomplete line is printed.
pub const SILENCE: Duration = Duration::from_millis(100);

/// How long to wait for this program's stderr, whose reader may have stopped.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// How many texts may wait for this program's stderr. More are dropped, so that a stopped reader does not stop the plugin.
const QUEUE: usize = 1024;

/// The place where the stderr of plugins is printed while they run. Pass it to [`Host::with_plugin_stderr`].
///
/// A plugin prompts the user on stderr, for example for a password. Therefore, each line is printed at once, and a prompt
/// without a line break after 100 ms. If a plugin may use the terminal, its stderr is always printed there. For other plugins,
/// the program decides with [`Host::with_plugin_stderr`]. Every text is also a `tracing` event.
///
/// Secrets in the text are masked by the rules of [`Mask`](crate::text::Mask). The secrets that the plugin receives, and the
/// words that it has printed on stdout so far, are masked too.
///
/// ```no_run
/// use kubex_core::Host;
/// use kubex_core::host::PluginStderr;
///
/// // A command-line tool.
/// let host = Host::real().with_plugin_stderr(PluginStderr::inherit());
///
/// // A program with a user interface of its own.
/// let host = Host::real().with_plugin_stderr(PluginStderr::to(|text| { /* show it */ }));
/// ```
#[derive(Clone)]
pub struct PluginStderr(Sink);

/// Receives text that is masked and clean.
type Show = Arc<dyn Fn(&str) + Send + Sync>;

#[derive(Clone)]
enum Sink {
    Inherit,
    To(Show),
}

impl PluginStderr {
    /// Prints the text on this program's own stderr.
    pub fn inherit() -> Self {
        Self(Sink::Inherit)
    }

    /// Passes each text to this function, which must not block. A text is a line, several lines, or a part of a line.
    ///
    /// ```
    /// use kubex_core::Host;
    /// use kubex_core::host::PluginStderr;
    ///
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let stderr = PluginStderr::to(move |text| drop(sender.send(text.to_owned())));
    /// let host = Host::real().with_plugin_stderr(stderr);
    /// assert!(receiver.try_recv().is_err()); // no plugin has run yet
    /// ```
    pub fn to(show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Sink::To(Arc::new(show)))
    }

    pub(super) fn add_to(&self, key: SharingKey) -> SharingKey {
        match &self.0 {
            Sink::Inherit => key.with("stderr"),
            Sink::To(show) => key.with("to").with(Arc::as_ptr(show).addr().to_le_bytes()),
        }
    }
}

impl fmt::Debug for PluginStderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Sink::Inherit => "PluginStderr::inherit()",
            Sink::To(_) => "PluginStderr::to(..)",
        })
    }
}

/// Receives the stderr of one run of a plugin, masks the secrets in it, and prints it. The exec provider uses this type. Clones
/// belong to the same run.
#[derive(Clone)]
pub struct LiveStderr {
    plugin: Arc<str>,
    show: Option<Show>,
    lines: Arc<Mutex<Lines>>,
}

impl LiveStderr {
    /// Creates the receiver for one run of this plugin. `secrets` are the secrets that the plugin receives; they are
    /// masked. `terminal` is `Some` if the plugin may use the terminal.
    pub fn new(
        plugin: &str,
        secrets: impl IntoIterator<Item = SecretString>,
        terminal: Option<&TerminalHold>,
        host: &Host,
    ) -> Self {
        let show = match (terminal, host.plugin_stderr()) {
            (Some(terminal), _) => Some(terminal.show()),
            (None, Some(PluginStderr(Sink::Inherit))) => Some(Arc::new(show_on_stderr) as Show),
            (None, Some(PluginStderr(Sink::To(show)))) => Some(Arc::clone(show)),
            (None, None) => None,
        };
        Self {
            plugin: plugin.into(),
            show,
            lines: Arc::new(Mutex::new(Lines::new(secrets))),
        }
    }

    /// From now on, masks these secrets in the stderr too. For example, a plugin that has printed a token to stdout may print
    /// it to stderr later.
    pub fn hide(&self, secrets: Vec<SecretString>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.hide(secrets);
    }

    /// Adds the next bytes of stderr, and prints the lines that are complete.
    pub fn take(&self, bytes: &[u8]) {
        self.pass_on(|lines| lines.take(bytes));
    }

    /// Prints the incomplete line, such as a prompt. Call it when the plugin has printed nothing for [`SILENCE`].
    pub fn pause(&self) {
        self.pass_on(Lines::pause);
    }

    /// Prints the rest. Call it after the last byte.
    pub async fn finish(&self) {
        self.pass_on(Lines::finish);
        if self.show.is_some() {
            flush_stderr().await;
        }
    }

    fn pass_on(&self, next: impl FnOnce(&mut Lines) -> String) {
        // Held while the text is shown, so that two texts keep their order.
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let text = next(&mut lines);
        if text.is_empty() {
            return;
        }
        if let Some(show) = &self.show {
            show(&text);
        }
        let text = text.trim();
        if !text.is_empty() {
            tracing::info!(target: "kubex::exec", command = &*self.plugin, text, "the plugin writes to stderr");
        }
    }
}

impl fmt::Debug for LiveStderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveStderr")
            .field("plugin", &self.plugin)
            .field("is_shown", &self.show.is_some())
            .finish_non_exhaustive()
    }
}

enum Message {
    Text(String),
    Flush(oneshot::Sender<()>),
}

/// The queue of the thread that writes to this program's stderr: a write blocks while the terminal is stopped.
static WRITER: OnceLock<Option<SyncSender<Message>>> = OnceLock::new();

fn start_writer() -> Option<SyncSender<Message>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let write = move || {
        for message in receiver {
            match message {
                // A closed stderr cannot show the text; its end is also kept for the error.
                Message::Text(text) => drop(std::io::stderr().write_all(text.as_bytes())),
                Message::Flush(done) => drop(done.send(())),
            }
        }
    };
    let thread = std::thread::Builder::new().name("kubex-stderr".into());
    thread.spawn(write).ok().map(|_| sender)
}

/// Queues a text for this program's stderr.
pub(super) fn show_on_stderr(text: &str) {
    match WRITER.get_or_init(start_writer) {
        Some(writer) => drop(writer.try_send(Message::Text(text.to_owned()))),
        None => drop(std::io::stderr().write_all(text.as_bytes())),
    }
}

/// Waits until the queued texts are written, but not for a reader that has stopped.
#[expect(clippy::disallowed_methods, reason = "this is the real host's stderr")]
async fn flush_stderr() {
    let Some(Some(writer)) = WRITER.get() else { return };
    let (done, written) = oneshot::channel();
    if writer.try_send(Message::Flush(done)).is_ok() {
        let _ = tokio::time::timeout(FLUSH_LIMIT, written).await;
    }
}

#[cfg(all(test, feature = "test-util"))]
mod tests {
    use super::super::SimulatedHost;
    use super::*;

    #[tokio::test]
    async fn a_plugin_at_the_terminal_is_shown_there_and_others_where_the_program_sets_it() {
        let world = SimulatedHost::new();
        world.attach_terminal();
        let seen: Arc<Mutex<String>> = Arc::default();
        let elsewhere = Arc::clone(&seen);
        let host = world.host().with_plugin_stderr(PluginStderr::to(move |text| {
            elsewhere.lock().unwrap().push_str(text);
        }));
        let hold = host.terminal().unwrap().hold().await;
        for (terminal, text) in [(Some(&hold), "at the terminal"), (None, "elsewhere")] {
            let live = LiveStderr::new("exec plugin x", ["hunter22".into()], terminal, &host);
            live.take(format!("hunter22 \u{1b}[31m{text}").as_bytes());
            live.finish().await;
        }
        assert_eq!(world.shown(), "[masked] U+001B[31mat the terminal");
        assert_eq!(*seen.lock().unwrap(), "[masked] U+001B[31melsewhere");
        let nowhere = LiveStderr::new("exec plugin x", [], None, &world.host());
        nowhere.take(b"text\n");
        nowhere.finish().await;
        assert!(!world.shown().contains("text"));
    }
}
