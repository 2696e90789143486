//! What a document's readers rely on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod agreement;
mod kubectl;
#[cfg(unix)]
mod linear;
mod mutations;
mod reading;
mod spans;
#[cfg(feature = "toml")]
mod toml;

use kubex_document::{Budget, Document, Format, ReadError};

/// Reads YAML or JSON by the budget of a kubeconfig.
fn read(text: &str) -> Result<Document, ReadError> {
    read_bytes(text.as_bytes().to_vec())
}

fn read_bytes(bytes: Vec<u8>) -> Result<Document, ReadError> {
    Document::read(bytes.into(), Format::Yaml, &Budget::KUBECONFIG)
}
