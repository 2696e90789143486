//! User impersonation: acting as another user, if the server allows it.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, ErrorKind, Result};

/// The user to impersonate (Kubernetes documentation, "User impersonation").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impersonation {
    /// The user name, sent as `Impersonate-User`.
    pub user: String,
    /// The uid, sent as `Impersonate-Uid`.
    pub uid: Option<String>,
    /// The groups, each sent as one `Impersonate-Group` header.
    pub groups: Vec<String>,
    /// Extra fields. Each value is sent as one `Impersonate-Extra-<key>` header.
    pub extra: Vec<(String, Vec<String>)>,
}

impl Impersonation {
    /// Impersonates a user by name, without a uid, groups or extra fields.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            uid: None,
            groups: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// Returns the request headers, in client-go's order.
    ///
    /// # Errors
    /// Returns `InvalidValue` if a value is not a valid header value.
    pub fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.append("impersonate-user", value("as", &self.user)?);
        if let Some(uid) = self.uid.as_deref().filter(|uid| !uid.is_empty()) {
            headers.append("impersonate-uid", value("as-uid", uid)?);
        }
        for group in &self.groups {
            headers.append("impersonate-group", value("as-groups", group)?);
        }
        for (key, values) in &self.extra {
            let name = HeaderName::try_from(format!("impersonate-extra-{}", escape(key)))
                .map_err(|_| invalid_header_value("as-user-extra"))?;
            for text in values {
                headers.append(name.clone(), value("as-user-extra", text)?);
            }
        }
        Ok(headers)
    }
}

/// The header's value. White space at its ends is removed: a header has none there (RFC 9110, 5.5).
fn value(field: &str, text: &str) -> Result<HeaderValue> {
    let text = text.trim_matches([' ', '\t']);
    HeaderValue::from_str(text)
        .or_else(|_| HeaderValue::from_bytes(text.as_bytes()))
        .map_err(|_| invalid_header_value(field))
}

fn invalid_header_value(field: &str) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("\"{field}\" contains a control character"),
    )
}

/// Percent-encodes every byte that is not a token character of RFC 9110, and the percent sign itself. Header names are
/// not case-sensitive, so the server lower-cases the key. The hexadecimal digits decode in either case.
fn escape(key: &str) -> String {
    let mut escaped = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_keys_are_escaped_as_client_go_does() {
        assert_eq!(escape("a/b"), "a%2Fb");
        assert_eq!(escape("test.example.com/x%20y"), "test.example.com%2Fx%2520y");
    }

    #[test]
    fn every_part_has_its_header() {
        let mut jane = Impersonation::new("jane");
        jane.uid = Some("7".into());
        jane.groups = vec!["dev".into(), "ops".into()];
        jane.extra = vec![("scopes".into(), vec!["a".into(), "b".into()])];
        let headers = jane.headers().unwrap();
        assert_eq!(headers.get_all("impersonate-group").iter().count(), 2);
        assert_eq!(headers.get_all("impersonate-extra-scopes").iter().count(), 2);
        assert!(Impersonation::new("a\nb").headers().is_err());
        assert_eq!(
            Impersonation::new(" a b ").headers().unwrap()["impersonate-user"],
            "a b"
        );
    }
}
