//! What is planted, everything that is shown, and the search for the one in the other.

use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use kubex::{ClientConfiguration, Error};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// What is planted. Each begins with eight characters of its own, so that a prefix gives it away too.
const MARKERS: &[&str] = &[
    "Qz7token-canary-in-a-token",
    "Wx8passw-canary-in-a-password",
    "Er9envir-canary-in-the-environment",
    "Ty4stdou-canary-in-the-output",
    "Ui5fallb-canary-in-a-fallback-token",
    "Op6proxy-canary-in-a-proxy-url",
    "As3authp-canary-in-an-auth-provider",
    "Df2unkno-canary-in-an-unknown-field",
    "Gh1keyda-canary-in-a-private-key",
    "Jk0filet-canary-in-a-token-file",
    "Lq4argum-canary-in-an-argument",
];

pub(super) const TOKEN: &str = MARKERS[0];
pub(super) const PASSWORD: &str = MARKERS[1];
pub(super) const ENVIRONMENT: &str = MARKERS[2];
pub(super) const OUTPUT: &str = MARKERS[3];
pub(super) const FALLBACK: &str = MARKERS[4];
pub(super) const PROXY: &str = MARKERS[5];
pub(super) const AUTH_PROVIDER: &str = MARKERS[6];
pub(super) const UNKNOWN_FIELD: &str = MARKERS[7];
pub(super) const KEY: &str = MARKERS[8];
pub(super) const FILE: &str = MARKERS[9];
pub(super) const ARGUMENT: &str = MARKERS[10];

fn markers() -> impl Iterator<Item = &'static str> {
    MARKERS.iter().chain(super::oidc::MARKERS).copied()
}

/// How a marker may show: as it is, cut short, or encoded.
fn disguises(marker: &str) -> Vec<String> {
    let mut disguises = vec![marker.to_owned(), marker.chars().take(8).collect()];
    // Base64 of a text that has the marker at any of the three alignments.
    for padding in 0..3 {
        let padded = format!("{}{marker}", "x".repeat(padding));
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            disguises.push(encoded.chars().skip(padding + 1).take(12).collect());
        }
    }
    let bytes = marker.as_bytes();
    disguises.push(bytes.iter().take(8).map(|byte| format!("%{byte:02X}")).collect());
    disguises.push(bytes.iter().take(8).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    }));
    disguises.push(
        bytes
            .iter()
            .take(4)
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    );
    disguises
}

/// Everything that was shown in one case.
#[derive(Clone, Default)]
pub(super) struct Shown(Arc<Mutex<String>>);

impl Shown {
    /// From here on, every event of this thread is shown too.
    pub(super) fn listen(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(self.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(super) fn add(&self, text: impl AsRef<str>) {
        self.0.lock().unwrap().push_str(text.as_ref());
    }

    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn debug(&self, value: &dyn Debug) {
        self.add(format!("{value:?}\n{value:#?}\n"));
    }

    pub(super) fn error(&self, error: &Error) {
        self.add(format!("{error}\n{error:#}\n"));
        self.debug(error);
        self.debug(&error.report());
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            self.add(format!("{next}\n{next:?}\n"));
            cause = next.source();
        }
    }

    pub(super) fn configuration(&self, configuration: &ClientConfiguration) {
        self.add(format!("{}\n", configuration.report()));
        self.debug(configuration);
        self.debug(configuration);
        self.debug(&configuration.cluster());
        self.debug(&configuration.credentials());
        self.add(configuration.credentials().describe());
        if let Some(proxy) = &configuration.cluster().proxy {
            self.add(format!("{proxy} {proxy:?}"));
        }
    }

    pub(super) fn assert_clean(&self, what: &str) {
        let shown = self.0.lock().unwrap();
        assert!(
            shown.len() > 50,
            "{what}: hardly anything was shown, so nothing was searched: {shown}"
        );
        for marker in markers() {
            for disguise in disguises(marker) {
                assert!(
                    !shown.contains(&disguise),
                    "{what}: {marker} shows as {disguise} in:\n{shown}"
                );
            }
        }
    }
}

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Shown {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_search_itself_finds_what_is_shown() {
    for marker in markers() {
        for leak in [
            format!("{marker:?}"),
            BASE64_STANDARD_NO_PAD.encode(format!("ab{marker}")),
            format!("{:?}", marker.as_bytes()),
            marker.chars().take(10).collect(),
        ] {
            let shown = Shown::default();
            shown.add(format!(
                "{} {leak}",
                "something harmless in front of it, long enough to count"
            ));
            let found = std::panic::catch_unwind(|| shown.assert_clean("a leak"));
            assert!(found.is_err(), "not found: {leak}");
        }
    }
}
