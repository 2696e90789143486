//! Limits for reading a document.

use std::ops::RangeInclusive;

/// The limits for reading one document. They keep the time and the memory for any input proportional to its length.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The largest document, in bytes.
    pub bytes: usize,
    /// The maximum nesting depth of lists and mappings.
    pub depth: usize,
    /// The bounds of the maximum number of values. The maximum is the number of bytes of the document, raised to the start or
    /// lowered to the end of this range. Keys count as values, and an alias counts as all values of its anchor.
    pub nodes: RangeInclusive<usize>,
    /// The longest key, in bytes. Keys are limited because the origin of each value contains all keys that lead to it.
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
    /// YAML or JSON. A document that is valid JSON is read as JSON: escapes may contain surrogate pairs, and `<<` is an
    /// ordinary key.
    Yaml,
    /// TOML.
    #[cfg(feature = "toml")]
    Toml,
}
