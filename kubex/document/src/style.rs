//! The style of a scalar: plain, quoted or a block scalar.

/// The style of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// Without quotes, so that it may be a number, a boolean or null.
    Plain,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes; also a string of JSON or TOML.
    DoubleQuoted,
    /// A block scalar with `|`.
    Literal,
    /// A block scalar with `>`.
    Folded,
}

impl Style {
    /// Whether it is in single or double quotes.
    pub fn is_quoted(self) -> bool {
        matches!(self, Self::SingleQuoted | Self::DoubleQuoted)
    }
}
