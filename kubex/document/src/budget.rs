//! Limits for reading a document.

use std::ops::RangeInclusive;

/// How large a document may be. Whatever its bytes are, time and memory stay in proportion to them.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The largest document, in bytes.
    pub bytes: usize,
    /// How deep lists and mappings may be nested.
    pub depth: usize,
    /// How many values a document may have, its keys and what its aliases stand for included: as many as it has
    /// bytes, which a document without aliases never exceeds, within these bounds.
    pub nodes: RangeInclusive<usize>,
    /// The longest key, in bytes. The place of each value repeats the keys that lead to it.
    pub key: usize,
}

/// The largest document whose positions can be represented.
const LARGEST: usize = u32::MAX as usize / 2;

/// How many `%TAG` directives are read.
pub(crate) const MOST_DIRECTIVES: usize = 100;

impl Budget {
    /// The budget of a kubeconfig: 64 MiB, 100 levels, 1,000,000 values.
    pub const KUBECONFIG: Self = Self {
        bytes: 64 * 1024 * 1024,
        depth: 100,
        nodes: 100_000..=1_000_000,
        key: 1024,
    };

    /// The budget of Kubex's own configuration: 1 MiB, 32 levels, 10,000 values.
    pub const CONFIGURATION: Self = Self {
        bytes: 1024 * 1024,
        depth: 32,
        nodes: 10_000..=10_000,
        key: 1024,
    };

    pub(crate) fn most_bytes(&self) -> usize {
        self.bytes.min(LARGEST)
    }

    pub(crate) fn most_nodes(&self, bytes: usize) -> usize {
        bytes.max(*self.nodes.start()).min(*self.nodes.end())
    }
}

/// The format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// YAML. What is JSON is read as JSON: it may have surrogate pairs in escapes, and its `<<` is an ordinary key.
    Yaml,
    /// TOML.
    #[cfg(feature = "toml")]
    Toml,
}
