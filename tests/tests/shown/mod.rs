//! Everything that a test shows, and the search for secrets in it. The canary suites share it.

#![allow(dead_code, reason = "no suite needs all of it")]

use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use kubex::{Chain, Error};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// How a secret may show: as it is, cut short, or encoded.
pub(crate) fn disguises(secret: &str) -> Vec<String> {
    let mut disguises = vec![secret.to_owned(), secret.chars().take(8).collect()];
    // Base64 of a text that has the secret at any of the three alignments.
    for padding in 0..3 {
        let padded = format!("{}{secret}", "x".repeat(padding));
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            disguises.push(encoded.chars().skip(padding + 1).take(12).collect());
        }
    }
    let bytes = secret.as_bytes();
    disguises.push(bytes.iter().take(8).fold(String::new(), |mut escaped, byte| {
        write!(escaped, "%{byte:02X}").unwrap();
        escaped
    }));
    disguises.extend(disguises_of_bytes(&bytes[..8]));
    disguises
}

/// How the private part of a key may show. A PKCS #8 of a short curve begins with the same bytes in each key.
pub(crate) fn disguises_of_key(pem: &str) -> Vec<String> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = BASE64_STANDARD.decode(&base64).unwrap();
    let mut disguises = disguises_of_bytes(&bytes[36..44]);
    disguises.push(base64[48..60].to_owned());
    disguises
}

/// In hexadecimal, and as the numbers of a `Debug`.
fn disguises_of_bytes(bytes: &[u8]) -> Vec<String> {
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let numbers: Vec<_> = bytes.iter().take(4).map(u8::to_string).collect();
    vec![hex, numbers.join(", ")]
}

/// Everything that was shown in one case.
#[derive(Clone, Default)]
pub(crate) struct Shown(Arc<Mutex<String>>);

impl Shown {
    /// From here on, every event of this thread is shown too.
    pub(crate) fn listen(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(self.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn add(&self, text: impl AsRef<str>) {
        self.0.lock().unwrap().push_str(text.as_ref());
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn debug(&self, value: &dyn Debug) {
        self.add(format!("{value:?}\n{value:#?}\n"));
    }

    pub(crate) fn error(&self, error: &Error) {
        self.add(format!("{error:#}\n"));
        self.debug(&error.report());
        self.any_error(error);
    }

    /// An error of any kind, with its causes.
    pub(crate) fn any_error(&self, error: &dyn StdError) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.add(format!("{error}\n{error:?}\n{error:#?}\n"));
            next = error.source();
        }
    }

    /// Resolves the chain, fetches twice, and shows all of it.
    pub(crate) async fn all_of(&self, what: &str, chain: kubex::Result<Chain>) {
        self.add(format!(
            "the case is: {what}; what follows is everything that it shows\n"
        ));
        let chain = match chain {
            Err(error) => return self.error(&error),
            Ok(chain) => chain,
        };
        self.debug(&chain);
        let configuration = match chain.resolve().await {
            Err(error) => return self.error(&error),
            Ok(configuration) => configuration,
        };
        self.debug(&configuration);
        self.add(format!("{}\n", configuration.report()));
        for _ in 0..2 {
            match configuration.credentials().current().await {
                Ok(credential) => {
                    self.debug(&credential);
                    configuration.credentials().invalidate(credential.generation());
                }
                Err(error) => self.error(&error),
            }
        }
        self.add(configuration.credentials().describe());
    }

    /// Nothing of the secrets shows in any of these disguises.
    pub(crate) fn assert_hides(&self, what: &str, disguises: &[String]) {
        let shown = self.0.lock().unwrap();
        assert!(
            shown.len() > 50,
            "{what}: hardly anything was shown, so nothing was searched: {shown}"
        );
        for disguise in disguises {
            let line = shown.lines().find(|line| line.contains(disguise));
            assert!(
                line.is_none(),
                "{what}: a secret shows as {disguise} in: {line:?}"
            );
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

/// A secret in any of its disguises is found.
#[test]
fn the_search_itself_finds_what_is_shown() {
    let secret = "Qz7token-canary-in-a-token";
    for leak in [
        format!("{secret:?}"),
        BASE64_STANDARD_NO_PAD.encode(format!("ab{secret}")),
        BASE64_URL_SAFE_NO_PAD.encode(format!("a{secret}")),
        format!("{:?}", secret.as_bytes()),
        secret.chars().take(10).collect(),
    ] {
        let shown = Shown::default();
        shown.add(format!(
            "something harmless in front of it, long enough to count {leak}"
        ));
        let found = std::panic::catch_unwind(|| shown.assert_hides("a leak", &disguises(secret)));
        assert!(found.is_err(), "not found: {leak}");
    }
    let shown = Shown::default();
    let guard = shown.listen();
    tracing::trace!(target: "elsewhere", "{}", "x".repeat(100));
    shown.assert_hides("nothing", &disguises(secret));
    tracing::trace!(target: "elsewhere", "it is {secret}");
    drop(guard);
    let found = std::panic::catch_unwind(|| shown.assert_hides("an event", &disguises(secret)));
    assert!(found.is_err());
}
