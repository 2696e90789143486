//! Values that must never be shown.
//!
//! Kubex uses the `secrecy` crate's types: their `Debug` is redacted, they are wiped from memory on drop, and
//! they cannot be serialized. Reading one takes an explicit [`ExposeSecret::expose_secret`], which is easy to
//! find in a review.

pub use secrecy::{ExposeSecret, SecretString};

/// Bytes that must never be shown: a file that may hold a key, a private key in DER.
pub type SecretBytes = secrecy::SecretSlice<u8>;
