//! The error for a value of the wrong type.

use super::{Error, ErrorKind};

impl Error {
    /// Creates the error for a value of the wrong type. Both types are named as `a boolean`, `a list`, `a mapping`, `a string`
    /// or `a number`. The help shows how to write a value of the expected type. The error does not contain the value.
    ///
    /// ```
    /// use kubex_core::Error;
    ///
    /// let error = Error::wrong_type("a boolean", "a string");
    /// assert_eq!(error.to_string(), "expected a boolean, found a string; write true or false");
    /// ```
    pub fn wrong_type(expected: &str, found: &str) -> Self {
        let message = format_args!("expected {expected}, found {found}");
        let error = Self::new(ErrorKind::InvalidValue, message);
        match how_to_write(expected, found) {
            Some(help) => error.with_help(help),
            None => error,
        }
    }
}

/// How to write a value of this type, in YAML and in TOML.
fn how_to_write(expected: &str, found: &str) -> Option<&'static str> {
    let is_scalar = matches!(found, "a boolean" | "a number");
    match expected {
        "a boolean" | "true or false" => Some("write true or false"),
        "a number" => Some("write a number, without quotes"),
        "a string" | "a path" if is_scalar => Some("put the value in quotes"),
        "a string" | "a path" => Some("write a single string"),
        _ if expected.starts_with("the name of ") && is_scalar => Some("put the value in quotes"),
        _ if expected.starts_with("the name of ") => Some("write one name"),
        _ if expected.starts_with("a mapping") => Some("write it as a mapping of keys to values"),
        _ if expected.starts_with("a list") => Some("write it as a list: [...]"),
        _ if expected.starts_with("a whole number") => Some("write a whole number, without quotes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_a_help_that_fits_what_was_found() {
        for (expected, found, help) in [
            ("a boolean", "a string", "write true or false"),
            ("a list", "a string", "write it as a list: [...]"),
            ("a list of names", "a string", "write it as a list: [...]"),
            ("a string", "a number", "put the value in quotes"),
            ("a string", "a list", "write a single string"),
            (
                "a whole number that is not negative",
                "a string",
                "write a whole number, without quotes",
            ),
            ("the name of a source", "a mapping", "write one name"),
            ("a mapping", "a list", "write it as a mapping of keys to values"),
        ] {
            assert_eq!(how_to_write(expected, found), Some(help), "{expected}, {found}");
        }
        assert_eq!(how_to_write("a duration", "a list"), None);
    }
}
