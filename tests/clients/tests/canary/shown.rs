//! Everything that is shown while a test runs, and the search for secrets in it.

use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use kubex::Error;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<String>>);

/// From now on, as long as the guard lives, the events of this thread are shown.
pub fn watch(shown: &Shown) -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(shown.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_default(subscriber)
}

impl Shown {
    pub fn debug(&self, value: &dyn Debug) {
        self.add(&format!("{value:?}\n{value:#?}\n"));
    }

    pub fn error(&self, error: &Error) {
        self.add(&format!("{error:#}\n"));
        self.debug(&error.report());
        self.any(error);
    }

    /// An error of any kind, with its causes.
    pub fn any(&self, error: &dyn StdError) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.add(&format!("{error}\n{error:?}\n{error:#?}\n"));
            next = error.source();
        }
    }

    /// Nothing of what was planted shows.
    pub fn assert_clean(&self, what: &str, planted: &[String]) {
        let shown = self.0.lock().unwrap();
        assert!(
            shown.len() > 50,
            "{what}: hardly anything was shown, so nothing was searched: {shown}"
        );
        for trace in planted {
            let line = shown.lines().find(|line| line.contains(trace));
            assert!(line.is_none(), "{what}: a secret shows as {trace} in: {line:?}");
        }
    }

    fn add(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

/// How a secret text may show: cut short, or encoded.
pub fn traces(secret: &str) -> Vec<String> {
    let mut traces = vec![secret.chars().take(8).collect()];
    // Base64 of a text that has the secret at any of the three alignments.
    for padding in 0..3 {
        let encoded = BASE64_STANDARD_NO_PAD.encode(format!("{}{secret}", "x".repeat(padding)));
        traces.push(encoded.chars().skip(padding + 1).take(12).collect());
    }
    traces.extend(traces_of_bytes(&secret.as_bytes()[..8]));
    traces
}

/// How the private part of a key may show. A PKCS #8 of a short curve begins with what is the same in each.
pub fn traces_of_key(pem: &str) -> Vec<String> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = BASE64_STANDARD.decode(&base64).unwrap();
    let mut traces = traces_of_bytes(&bytes[36..44]);
    traces.push(base64[48..60].to_owned());
    traces
}

fn traces_of_bytes(bytes: &[u8]) -> Vec<String> {
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
    vec![hex, numbers.join(", ")]
}

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(&String::from_utf8_lossy(bytes));
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
