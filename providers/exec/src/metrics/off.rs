//! What is recorded without the feature `metrics`: nothing.

use std::time::SystemTime;

use kubex_core::host::{ProcessError, ProcessOutput};
use kubex_core::{Credential, Error};

#[inline]
pub(crate) fn asked<T>(_: &Result<T, Error>) {}

#[inline]
pub(crate) fn called(_: &Result<ProcessOutput, ProcessError>) {}

#[derive(Debug)]
pub(crate) struct PluginCertificate;

impl PluginCertificate {
    pub(crate) const fn none() -> Self {
        Self
    }

    #[inline]
    #[allow(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn replaced_by(&self, _: &Credential, _: SystemTime) {}
}
