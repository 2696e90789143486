//! The error of the layer.

/// The error of the inner service, or a [`kubex_core::Error`] of the layer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
