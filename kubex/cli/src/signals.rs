//! Signals that end the command. They end its plugins first, and then the command itself, by the same signal.
//!
//! A shell stops its loop only if the command was killed by SIGINT, so the command does not turn it into an exit status. A
//! thread waits for the signals, so that they have an effect even if everything else hangs.

#[cfg(unix)]
pub(crate) use self::unix::Signals;

/// On other systems the plugins end with the command, because they are in its job.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn catch(_: std::time::Duration) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the same interface as on Unix")]
    pub(crate) fn give_way(&self) {}
}

#[cfg(unix)]
mod unix {
    use std::cell::RefCell;
    use std::ffi::c_int;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use kubex_exec::end_running_plugins;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::{flag, iterator, low_level};

    /// The signals that are caught from now on.
    pub(crate) struct Signals {
        has_arrived: Arc<AtomicBool>,
    }

    impl Signals {
        /// Catches the signals, except those that the command's parent has set to be ignored, as `nohup` does. Plugins have the
        /// grace between SIGTERM and SIGKILL. If the system has no thread to spare, the signals have their usual effect.
        pub(crate) fn catch(grace: Duration) -> Self {
            let has_arrived: Arc<AtomicBool> = Arc::default();
            let ignored = ignored_signals();
            let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];
            let signals = signals
                .into_iter()
                .filter(|signal| ignored & (1 << (signal - 1)) == 0);
            let signals: Vec<c_int> = signals.collect();
            if let Ok(iterator) = iterator::Signals::new(&signals) {
                for signal in signals {
                    // Set within the handler, so before anything that the signal causes can be seen.
                    let _ = flag::register(signal, Arc::clone(&has_arrived));
                }
                let thread = std::thread::Builder::new().name("kubex-signals".into());
                if let Err(_no_thread) = thread.spawn(move || end_by_signal(iterator, grace)) {
                    has_arrived.store(false, Ordering::Relaxed);
                }
            }
            Self { has_arrived }
        }

        /// If a signal has arrived, waits until it ends the command.
        pub(crate) fn give_way(&self) {
            while self.has_arrived.load(Ordering::SeqCst) {
                std::thread::park();
            }
        }
    }

    fn end_by_signal(signals: iterator::Signals, grace: Duration) {
        let signals = RefCell::new(signals);
        loop {
            let arrived = signals.borrow_mut().wait().next();
            if let Some(signal) = arrived {
                end_running_plugins(signal, grace, || signals.borrow_mut().pending().next().is_some());
                kubex_store::record_cancelled();
                // The default of these signals is to end the program.
                let _ = low_level::emulate_default_handler(signal);
            }
        }
    }

    /// The signals that this process ignores, one bit each. Only Linux provides them.
    #[expect(
        clippy::disallowed_methods,
        reason = "this file of the kernel describes the process"
    )]
    fn ignored_signals() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        ignored
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0)
    }
}
