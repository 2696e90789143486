//! What is planted, everything that is shown, and the search for the one in the other.

use base64::Engine as _;
use kubex::ClientConfiguration;

pub(super) use crate::shown_output::Shown;
use crate::shown_output::disguises;

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

/// What this suite asks of everything that was shown.
pub(super) trait Canary {
    /// Shows a configuration with its report and its handles.
    fn configuration(&self, configuration: &ClientConfiguration);

    /// No marker shows.
    fn assert_clean(&self, what: &str);
}

impl Canary for Shown {
    fn configuration(&self, configuration: &ClientConfiguration) {
        self.add(format!("{}\n", configuration.report()));
        self.debug(configuration);
        self.debug(&configuration.cluster());
        self.debug(&configuration.credentials());
        self.add(configuration.credentials().describe());
        if let Some(proxy) = &configuration.cluster().proxy {
            self.add(format!("{proxy} {proxy:?}"));
        }
    }

    fn assert_clean(&self, what: &str) {
        for marker in markers() {
            self.assert_hides(&format!("{what}: {marker}"), &disguises(marker));
        }
    }
}

#[tokio::test]
async fn the_search_itself_finds_what_is_shown() {
    for marker in markers() {
        for leak in [
            format!("{marker:?}"),
            base64::prelude::BASE64_STANDARD_NO_PAD.encode(format!("ab{marker}")),
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
