//! Metrics without the feature `metrics`: nothing is recorded. The types have no size, and the functions have no code.

use std::time::{Duration, SystemTime};

use crate::error::Result;
use crate::refresh::Subject;

#[derive(Debug)]
pub(crate) struct CountedHandle;

impl CountedHandle {
    #[inline]
    pub(crate) fn new(_: Subject) -> Self {
        Self
    }

    #[inline]
    #[allow(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn holds(&self, _: &str, _: Option<SystemTime>, _: SystemTime) {}
}

#[derive(Debug)]
pub(crate) struct Waiting;

impl Waiting {
    #[inline]
    pub(crate) fn start(_: Subject) -> Self {
        Self
    }
}

#[inline]
pub(crate) fn fetched(_: Subject, _: &str, _: &'static str, _: &'static str, _: Duration) {}

#[inline]
pub(crate) fn rejected(_: Subject, _: &str) {}

#[inline]
pub(crate) fn plugin_decided<T>(_: &Result<T>) {}

#[inline]
pub(crate) fn followed(_: &str, _: &'static str) {}
