//! A second process of a program, which ends a plugin if the program itself is killed.
//!
//! Nothing runs in a program that gets SIGKILL, so another process must notice it: one whose stdin is a pipe that only the
//! program holds open. It finds the plugin's descendants as the program does.

use std::io::{self, PipeWriter, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::family::Family;

/// The first argument of the second process.
const ARGUMENT: &str = "--watch-plugin-of-kubex";

/// The message that ends the watcher, sent when the plugin has ended.
const DISMISSED: &[u8] = b".";

static IS_ENABLED: AtomicBool = AtomicBool::new(false);

/// The ids of all watchers of this program.
static WATCHERS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// Call this first in `main`, and exit if it returns `true`. It makes sure that a running plugin is ended even if this
/// program is killed with SIGKILL.
///
/// While a plugin runs, the program runs a second instance of its own executable. In that instance, this function
/// waits for the program to exit, ends the plugin if it is still running, and returns `true`. In the program itself,
/// it enables this behavior and returns `false`.
pub fn watch_plugin() -> bool {
    IS_ENABLED.store(true, Ordering::Relaxed);
    let arguments = std::env::args_os().skip(1);
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    if arguments.next().as_deref() != Some(ARGUMENT) {
        return false;
    }
    if let Some(family) = Family::from_arguments(&mut arguments) {
        let mut said = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut said);
        if read.is_err() || said != DISMISSED {
            family.kill();
        }
    }
    true
}

/// Whether this is the id of a watcher.
pub(super) fn is_watcher(id: i32) -> bool {
    WATCHERS.lock().is_ok_and(|watchers| watchers.contains(&id))
}

/// The watcher of one plugin. It is dismissed on drop.
pub(super) struct Watcher(PipeWriter);

impl Watcher {
    /// `None` if the program does not take part, or the system has no process to spare.
    #[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
    pub(super) fn start(family: &Family) -> Option<Self> {
        if !IS_ENABLED.load(Ordering::Relaxed) {
            return None;
        }
        let (reader, writer) = io::pipe().ok()?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(ARGUMENT)
            .args(family.to_arguments())
            .env_clear()
            .stdin(Stdio::from(reader))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Out of reach of the terminal's signals, which may end this program first.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().ok()?;
        if let Ok(mut watchers) = WATCHERS.lock() {
            watchers.push(child.id().cast_signed());
        }
        Some(Self(writer))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.0.write_all(DISMISSED);
    }
}
