//! The install hint for a missing plugin, at most ten times an hour.
//!
//! A controller without its plugin tries again and again, and its log should not consist of install hints. So the
//! explanation and the kubeconfig's install hint are part of the error at most ten times an hour, as in client-go. The
//! plain "not found" is returned every time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kubex_core::{Error, ErrorKind, Host};

/// The number of hints in one window.
const MAX_HINTS: u32 = 10;

/// The length of a window. It begins with the first use.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// The hint of one plugin.
pub(crate) struct InstallHint {
    text: Option<String>,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    began: Option<Duration>,
    used: u32,
}

impl InstallHint {
    pub(crate) fn new(text: Option<String>) -> Self {
        Self {
            text: text
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
            window: Mutex::default(),
        }
    }

    /// The hint, or an empty text.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Adds the hint to the error of a missing plugin, after the general help, or removes the explanation once the limit is
    /// reached. Errors clean the text that they are given.
    pub(crate) fn add_to(&self, error: Error, host: &Host) -> Error {
        if error.kind() != ErrorKind::PluginNotFound {
            return error;
        }
        if !self.is_within_limit(host.now().monotonic) {
            return Error::new(error.kind(), error.message());
        }
        match &self.text {
            Some(text) => {
                let help = error.help().unwrap_or_default().to_owned();
                error.with_help(format_args!("{help}\nits install hint:\n{text}"))
            }
            None => error,
        }
    }

    fn is_within_limit(&self, now: Duration) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window
            .began
            .is_none_or(|began| now.saturating_sub(began) >= WINDOW)
        {
            *window = Window {
                began: Some(now),
                used: 0,
            };
        }
        window.used = window.used.saturating_add(1);
        window.used <= MAX_HINTS
    }
}

#[cfg(test)]
mod tests {
    use kubex_core::host::SimulatedHost;

    use super::*;

    #[test]
    fn the_hint_is_shown_ten_times_an_hour() {
        let world = SimulatedHost::new();
        let hint = InstallHint::new(Some(" \u{1b}[1mbrew install x\n".into()));
        let ask = || {
            let error = Error::new(ErrorKind::PluginNotFound, "x not found").with_help("install it");
            hint.add_to(error, &world.host()).to_string()
        };
        for hour in 0..3 {
            for run in 1..=12 {
                let shown = if run <= 10 {
                    "x not found; install it\nits install hint:\nU+001B[1mbrew install x"
                } else {
                    "x not found"
                };
                assert_eq!(ask(), shown, "hour {hour}, run {run}");
                world.advance(Duration::from_secs(60));
            }
            world.advance(Duration::from_secs(48 * 60));
        }
    }

    #[test]
    fn other_errors_have_no_hint() {
        let hint = InstallHint::new(Some("brew install x".into()));
        let error = Error::new(ErrorKind::PluginFailed, "x failed");
        let shown = hint.add_to(error, &SimulatedHost::new().host()).to_string();
        assert_eq!(shown, "x failed");
    }
}
