//! The plugins that are running now, so that a program that is about to end can end them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(unix)]
use std::time::{Duration, Instant};

use super::family::Family;
#[cfg(target_os = "linux")]
use super::watcher::Watcher;

static RUNNING: Mutex<Vec<Arc<Family>>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Arc<Family>>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this is the id of a running plugin.
#[cfg(target_os = "linux")]
pub(super) fn is_leader(id: i32) -> bool {
    running().iter().any(|family| family.leader() == id)
}

/// Makes this process a subreaper: if a plugin exits, the processes that it has started become children of this process. If the
/// plugin has failed, Kubex can then end them too.
///
/// Call it only in a program that starts no other processes and ends soon, such as the command `kubex`, because
/// adopted processes are not reaped. It has an effect only on Linux.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if rustix::process::set_child_subreaper(rustix::process::getpid().into()).is_ok() {
        super::family::ADOPTS_ORPHANS.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Ends all running plugins and their descendants, and waits until they have ended. Call it when `signal` is about to
/// end this program.
///
/// 1. The plugins receive `signal`. If it is SIGINT or SIGQUIT, the plugins at the terminal do not receive it, because
///    the terminal has sent it to them already.
/// 2. After 300 ms, those that are still running receive SIGTERM.
/// 3. After `grace`, or as soon as `is_impatient` returns `true`, those that are still running are killed with SIGKILL.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "these are the real host's processes")]
pub fn end_running_plugins(signal: i32, grace: Duration, is_impatient: impl Fn() -> bool) {
    use nix::sys::signal::Signal;

    /// How long a plugin may take to end by the signal itself.
    const MOMENT: Duration = Duration::from_millis(300);
    /// How often to look whether it has ended.
    const INTERVAL: Duration = Duration::from_millis(10);

    let families = running().clone();
    let wait = |limit: Duration| {
        let started = Instant::now();
        while families.iter().any(|family| family.is_running()) {
            if started.elapsed() > limit || is_impatient() {
                return;
            }
            std::thread::sleep(INTERVAL);
        }
    };
    if let Ok(signal) = Signal::try_from(signal) {
        let is_of_keyboard = matches!(signal, Signal::SIGINT | Signal::SIGQUIT);
        for family in families
            .iter()
            .filter(|family| !(family.shares_group && is_of_keyboard))
        {
            family.send(signal);
            family.send(Signal::SIGCONT);
        }
        wait(MOMENT.min(grace));
    }
    for family in families.iter().filter(|family| family.is_running()) {
        family.terminate();
    }
    wait(grace);
    for family in &families {
        family.kill();
    }
}

/// A running plugin. It is killed with its descendants on drop, unless it was released.
pub(super) struct Running {
    family: Arc<Family>,
    is_over: bool,
    #[cfg(target_os = "linux")]
    watcher: Option<Watcher>,
}

impl Running {
    pub(super) fn new(family: Family) -> Self {
        let family = Arc::new(family);
        running().push(Arc::clone(&family));
        Self {
            is_over: false,
            #[cfg(target_os = "linux")]
            watcher: Watcher::start(&family),
            family,
        }
    }

    pub(super) fn family(&self) -> &Family {
        &self.family
    }

    /// Leaves what is running alone.
    pub(super) fn release(&mut self) {
        self.is_over = true;
        running().retain(|other| !Arc::ptr_eq(other, &self.family));
        #[cfg(unix)]
        self.family.restore_terminal(&[]);
        #[cfg(not(unix))]
        self.family.release();
        #[cfg(target_os = "linux")]
        drop(self.watcher.take());
    }

    /// Kills all that is running.
    pub(super) fn end(&mut self) {
        if !self.is_over {
            self.family.kill();
            self.release();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
