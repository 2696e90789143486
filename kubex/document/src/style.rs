//! The style of a scalar: plain, quoted or a block scalar.

/// The style in which a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// A scalar without quotes. It may be a string, a number, a boolean or null.
    Plain,
    /// A string in single quotes.
    SingleQuoted,
    /// A string in double quotes. Strings of JSON and TOML have this style too.
    DoubleQuoted,
    /// A block scalar that begins with `|`.
    Literal,
    /// A block scalar that begins with `>`.
    Folded,
}

impl Style {
    /// Returns whether the scalar is in single or double quotes.
    pub fn is_quoted(self) -> bool {
        matches!(self, Self::SingleQuoted | Self::DoubleQuoted)
    }
}
