//! How a scalar is written: plain, quoted or in lines of its own.

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// Without quotes, so that it may be a number, a boolean or null.
    Plain,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes; also a string of JSON or TOML.
    DoubleQuoted,
    /// In lines of its own, behind `|`.
    Literal,
    /// In lines of its own, behind `>`.
    Folded,
}

impl Style {
    /// Whether it is in single or double quotes.
    pub fn is_quoted(self) -> bool {
        matches!(self, Self::SingleQuoted | Self::DoubleQuoted)
    }
}
