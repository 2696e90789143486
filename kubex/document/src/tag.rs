//! Tags of scalars: those of YAML's core, those that change nothing, and all others.

use crate::error::Problem;
use crate::resolve::{Resolved, resolve_plain, words_of_yaml_1_1};
use crate::style::Style;

/// The effect of a tag on its scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarTag {
    /// No tag: the style and the text determine the kind.
    None,
    Null,
    Boolean,
    Integer,
    Float,
    /// Text, even if it looks like a number.
    Text,
    Binary,
    /// Not a tag of YAML's core. It has no effect on a scalar that is text without it.
    Unknown,
}

/// The beginning of the tags of YAML's core.
const CORE: &str = "tag:yaml.org,2002:";

/// The longest tag that is compared with those of the core.
const LONGEST: usize = 64;

impl ScalarTag {
    /// The tag that a prefix and a suffix make.
    pub(crate) fn new(prefix: &str, suffix: &str) -> Self {
        if prefix.len() + suffix.len() > LONGEST {
            return Self::Unknown;
        }
        let tag = [prefix, suffix].concat();
        if tag == "!" {
            return Self::Text;
        }
        match tag.strip_prefix(CORE) {
            Some("null") => Self::Null,
            Some("bool") => Self::Boolean,
            Some("int") => Self::Integer,
            Some("float") => Self::Float,
            Some("str") => Self::Text,
            Some("binary") => Self::Binary,
            _ => Self::Unknown,
        }
    }

    /// What the tag makes of a scalar, which must fit it.
    pub(crate) fn check(self, text: &str, style: Style) -> Result<Self, Problem> {
        let found = || resolve_plain(text);
        let fits = match self {
            Self::None | Self::Text | Self::Binary => true,
            Self::Null => found() == Resolved::Null,
            Self::Boolean => matches!(found(), Resolved::Boolean(_)) || words_of_yaml_1_1(text).is_some(),
            Self::Integer => matches!(found(), Resolved::Integer(_)),
            Self::Float => matches!(found(), Resolved::Integer(_) | Resolved::Float(_)),
            Self::Unknown => {
                let is_text =
                    style != Style::Plain || text.is_empty() || matches!(found(), Resolved::Text(_));
                return if is_text {
                    Ok(Self::Text)
                } else {
                    Err(Problem::UnknownTag)
                };
            }
        };
        if fits { Ok(self) } else { Err(Problem::TagMismatch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tag: &str, text: &str, style: Style) -> Result<ScalarTag, Problem> {
        ScalarTag::new(CORE, tag).check(text, style)
    }

    #[test]
    fn a_tag_fits_its_value_or_is_refused() {
        for (tag, text) in [
            ("null", "~"),
            ("null", ""),
            ("bool", "yes"),
            ("int", "0x1f"),
            ("float", "5"),
            ("str", "5"),
        ] {
            assert!(check(tag, text, Style::Plain).is_ok(), "{tag} {text}");
        }
        for (tag, text) in [("null", "a"), ("bool", "1"), ("int", "1.5"), ("float", "a")] {
            assert_eq!(
                check(tag, text, Style::Plain),
                Err(Problem::TagMismatch),
                "{tag} {text}"
            );
        }
    }

    #[test]
    fn an_unknown_tag_is_ignored_where_it_changes_nothing() {
        assert_eq!(check("x", "a", Style::Plain), Ok(ScalarTag::Text));
        assert_eq!(check("x", "5", Style::SingleQuoted), Ok(ScalarTag::Text));
        assert_eq!(check("x", "", Style::Plain), Ok(ScalarTag::Text));
        assert_eq!(check("x", "5", Style::Plain), Err(Problem::UnknownTag));
        assert_eq!(ScalarTag::new("", "!"), ScalarTag::Text);
        assert_eq!(ScalarTag::new("tag:yaml.", "org,2002:str"), ScalarTag::Text);
        assert_eq!(ScalarTag::new(&"x".repeat(100), "str"), ScalarTag::Unknown);
    }
}
