//! Collects all output, and searches it for a secret.

use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

use crate::error::Error;

/// Collects texts: outputs, errors, events.
#[derive(Clone, Default)]
pub(super) struct Shown(Arc<Mutex<String>>);

impl Shown {
    pub(super) fn add(&self, text: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_str(text);
        all.push('\n');
    }

    pub(super) fn debug(&self, value: &dyn Debug) {
        self.add(&format!("{value:?}"));
        self.add(&format!("{value:#?}"));
    }

    pub(super) fn error(&self, error: &Error) {
        self.add(&error.to_string());
        self.debug(error);
        let mut cause = error.source();
        while let Some(next) = cause {
            self.add(&next.to_string());
            self.debug(&next);
            cause = next.source();
        }
    }

    /// Collects the events of this thread, of every level, until the guard is dropped.
    pub(super) fn listen(&self) -> DefaultGuard {
        tracing::subscriber::set_default(Listener(self.clone()))
    }

    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Listener(Shown);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        self.0.add(&fields.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.0.add(&fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.add(&fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The form in which the text contains the secret: unchanged, a prefix, encoded, or as bytes.
pub(super) fn find(text: &str, secret: &str) -> Option<String> {
    let beginning: String = secret.chars().take(8).collect();
    let mut disguises = vec![beginning.clone()];
    // Base64 of a text that has the secret at any of the three alignments.
    for padding in 0..3 {
        let padded = format!("{}{secret}", "x".repeat(padding));
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            disguises.push(encoded.chars().skip(padding + 1).take(12).collect());
        }
    }
    let as_text = |format: fn(&u8) -> String, separator: &str| {
        let bytes: Vec<String> = beginning.bytes().take(6).map(|byte| format(&byte)).collect();
        bytes.join(separator)
    };
    disguises.push(as_text(|byte| format!("%{byte:02X}"), ""));
    disguises.push(as_text(|byte| format!("{byte:02x}"), ""));
    disguises.push(as_text(u8::to_string, ", "));
    disguises.into_iter().find(|disguise| text.contains(disguise))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_disguise() {
        let secret = "Zq9conf-a-token";
        for leak in [
            secret.to_owned(),
            format!("cut short: {}", &secret[..9]),
            BASE64_STANDARD_NO_PAD.encode(format!("ab{secret}")),
            format!("{:?}", secret.as_bytes()),
            "5a7139636f6e66".to_owned(),
        ] {
            assert!(
                find(&format!("something {leak} something"), secret).is_some(),
                "{leak}"
            );
        }
        assert_eq!(find("nothing of it", secret), None);
    }
}
