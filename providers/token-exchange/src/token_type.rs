//! The identifiers of token types (RFC 8693, 3).

use kubex_core::{Error, ErrorKind, Origin, Result};
use url::Url;

/// A token type: the URI that identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenType(String);

/// The beginning of the identifiers that the RFC defines.
const PREFIX: &str = "urn:ietf:params:oauth:token-type:";

/// The short names of an option, and the ends of their identifiers.
const SHORT: [(&str, &str); 3] = [
    ("jwt", "jwt"),
    ("id-token", "id_token"),
    ("access-token", "access_token"),
];

/// The ends of identifiers whose tokens authenticate no request to an API server.
const UNUSABLE: [&str; 3] = ["refresh_token", "saml1", "saml2"];

impl TokenType {
    /// A JSON web token of any kind.
    pub(crate) fn jwt() -> Self {
        Self(format!("{PREFIX}jwt"))
    }

    /// Reads the option with this key: a short name, or the URI itself.
    ///
    /// # Errors
    /// `InvalidValue`.
    pub(crate) fn parse(key: &str, text: &str, origin: &Origin) -> Result<Self> {
        if let Some((_, end)) = SHORT.iter().find(|(short, _)| *short == text) {
            return Ok(Self(format!("{PREFIX}{end}")));
        }
        if Url::parse(text).is_ok() && !text.contains(char::is_whitespace) {
            return Ok(Self(text.to_owned()));
        }
        // It is not quoted, because a token may have been written by mistake.
        Err(Error::new(
            ErrorKind::InvalidValue,
            format_args!("\"{key}\" is not a token type"),
        )
        .with_origin(origin)
        .with_help("write jwt, id-token, access-token, or the URI of the type"))
    }

    /// The type of a response.
    pub(crate) fn from_response(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the API server can accept a token of this type. A type that is not known may be one of the issuer's own.
    pub(crate) fn can_be_a_bearer_token(&self) -> bool {
        let end = self.0.strip_prefix(PREFIX);
        end.is_none_or(|end| !UNUSABLE.contains(&end))
    }

    /// Whether a token of this type is a bearer token although it is not an OAuth access token.
    pub(crate) fn is_a_web_token(&self) -> bool {
        let end = self.0.strip_prefix(PREFIX);
        end.is_some_and(|end| matches!(end, "jwt" | "id_token"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_a_short_name_or_a_uri() {
        let parse = |text| TokenType::parse("subject-token-type", text, &Origin::code());
        let id_token = "urn:ietf:params:oauth:token-type:id_token";
        assert_eq!(parse("id-token").unwrap().as_str(), id_token);
        assert_eq!(parse(id_token).unwrap().as_str(), id_token);
        assert_eq!(
            parse("https://issuer.example/t").unwrap().as_str(),
            "https://issuer.example/t"
        );
        for text in ["", "id_token", "idtoken", "a b:c", "jwt "] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{text}: {error}");
        }
    }

    #[test]
    fn saml_assertions_and_refresh_tokens_are_not_bearer_tokens() {
        let of = |end: &str| TokenType::from_response(format!("{PREFIX}{end}"));
        for end in ["jwt", "id_token", "access_token", "something_new"] {
            assert!(of(end).can_be_a_bearer_token(), "{end}");
        }
        for end in UNUSABLE {
            assert!(!of(end).can_be_a_bearer_token(), "{end}");
        }
        assert!(of("id_token").is_a_web_token() && !of("access_token").is_a_web_token());
    }
}
