//! What the cases share: an issuer, a simulated world, and a source that asks the one by the clock of the other.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use kubex::{Chain, Credentials, Error, ExposeSecret as _, Options, Result, Source};
use kubex_core::host::SimulatedHost;
use kubex_tests::issuer::{CLIENT, Issuer, id_token};
use kubex_tests::machine::patience;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// No answer of an issuer in the same process takes that long.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Scene {
    pub(crate) issuer: Issuer,
    pub(crate) world: SimulatedHost,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self {
            issuer: Issuer::start().await.unwrap(),
            world: SimulatedHost::new(),
        }
    }

    /// An id-token that expires so many seconds from now.
    pub(crate) fn token(&self, subject: &str, seconds: i64) -> String {
        id_token(
            subject,
            kubex::time::unix_seconds(self.world.host().now().wall) + seconds,
        )
    }

    /// A user with an id-token that expired a minute ago and the refresh token of the moment.
    pub(crate) fn expired(&self) -> Options {
        self.options()
            .set("id-token", self.token("expired", -60))
            .set("refresh-token", self.issuer.refresh_token())
    }

    /// A user without tokens.
    pub(crate) fn options(&self) -> Options {
        Options::new()
            .set("server", "https://10.0.0.1")
            .set("idp-issuer-url", self.issuer.url())
            .set("client-id", CLIENT)
            .set("idp-certificate-authority-data", self.issuer.ca_pem())
    }

    pub(crate) fn chain(&self, options: Options) -> Result<Chain> {
        Chain::builder(kubex::registry()?)
            .host(self.world.host())
            .source(Source::new("company").provider("oidc").options(options))
            .build()
    }

    pub(crate) async fn resolve(&self, options: Options) -> Result<Credentials> {
        let configuration = self.chain(options)?.resolve().await?;
        Ok(configuration.credentials().clone())
    }

    pub(crate) async fn credentials(&self, options: Options) -> Credentials {
        self.resolve(options).await.unwrap()
    }

    /// The error of the first credential, or of what comes before it. It shows no token of these tests.
    pub(crate) async fn error(&self, options: Options) -> Error {
        let error = match self.resolve(options).await {
            Ok(credentials) => current(&credentials).await.unwrap_err(),
            Err(error) => error,
        };
        assert_hides(&error, &[&self.issuer.refresh_token(), "e30.", "c2lnbmF0dXJl"]);
        error
    }
}

/// The token of the moment.
pub(crate) async fn current(credentials: &Credentials) -> Result<String> {
    let credential = tokio::time::timeout(patience(LIMIT), credentials.current())
        .await
        .unwrap()?;
    Ok(credential.token().unwrap().expose_secret().to_owned())
}

/// Waits for what happens in another task, on the real clock.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < patience(2 * SECOND),
            "this did not happen in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) fn assert_hides(error: &Error, secrets: &[&str]) {
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        write!(shown, " {next} {next:?}").unwrap();
        cause = next.source();
    }
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret} shows in: {shown}");
    }
}
