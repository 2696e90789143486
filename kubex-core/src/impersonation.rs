//! User impersonation: requests act as another user, if the server allows it.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The most headers that impersonation adds to a request. A header map holds 24,576, those of the program included.
const MAX_HEADERS: usize = 4096;

/// The most bytes of these headers: an API server answers a request with more than 1 MiB of headers with 431.
const MAX_BYTES: usize = 1024 * 1024;

use crate::error::{Error, ErrorKind, Result};

/// The user to impersonate (Kubernetes documentation, "User impersonation").
///
/// The server decides whether the user of the credential may impersonate this user. The headers are sent with every
/// request. They are also sent to an `http://` server, although it receives no credential.
///
/// ```
/// use kubex_core::Impersonation;
///
/// let mut impersonation = Impersonation::new("jane");
/// impersonation.groups = vec!["dev".to_owned(), "ops".to_owned()];
/// impersonation.extra = vec![("example.com/team".to_owned(), vec!["a".to_owned()])];
///
/// let headers = impersonation.headers()?;
/// assert_eq!(headers["impersonate-user"], "jane");
/// assert_eq!(headers.get_all("impersonate-group").iter().count(), 2);
/// // A key is percent-encoded, as client-go does.
/// assert_eq!(headers["impersonate-extra-example.com%2fteam"], "a");
/// # Ok::<(), kubex_core::Error>(())
/// ```
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
    /// Impersonates the user with this name, without a uid, groups or extra fields.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            uid: None,
            groups: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// Returns the request headers in client-go's order.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if a value is not a valid header value, or if there are more than 4,096
    /// headers or more than 1 MiB of headers.
    pub fn headers(&self) -> Result<HeaderMap> {
        let mut headers = Headers::default();
        headers.add(HeaderName::from_static("impersonate-user"), "as", &self.user)?;
        if let Some(uid) = self.uid.as_deref().filter(|uid| !uid.is_empty()) {
            headers.add(HeaderName::from_static("impersonate-uid"), "as-uid", uid)?;
        }
        for group in &self.groups {
            headers.add(HeaderName::from_static("impersonate-group"), "as-groups", group)?;
        }
        for (key, values) in &self.extra {
            // Checked before the name is made, which may be three times as long.
            headers.spend("as-user-extra", key.len())?;
            let name = HeaderName::try_from(format!("impersonate-extra-{}", escape(key)))
                .map_err(|_| invalid_header_value("as-user-extra"))?;
            for text in values {
                headers.add(name.clone(), "as-user-extra", text)?;
            }
        }
        Ok(headers.map)
    }
}

/// The headers so far, within the budget.
#[derive(Default)]
struct Headers {
    map: HeaderMap,
    bytes: usize,
}

impl Headers {
    fn add(&mut self, name: HeaderName, field: &str, text: &str) -> Result<()> {
        self.spend(field, name.as_str().len().saturating_add(text.len()))?;
        if self.map.len() >= MAX_HEADERS {
            return Err(too_many(field, format_args!("{MAX_HEADERS} headers")));
        }
        let value = value(field, text)?;
        self.map
            .try_append(name, value)
            .map_err(|_| too_many(field, format_args!("{MAX_HEADERS} headers")))?;
        Ok(())
    }

    fn spend(&mut self, field: &str, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_BYTES {
            return Err(too_many(field, format_args!("1 MiB of headers")));
        }
        Ok(())
    }
}

fn too_many(field: &str, budget: std::fmt::Arguments<'_>) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("\"{field}\" makes the impersonation larger than {budget}, which is the limit"),
    )
    .with_help(format_args!("shorten \"{field}\""))
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

    #[test]
    fn headers_beyond_the_budget_are_an_error_that_names_it() {
        let with = |keys: usize, values: usize, text: &str| {
            let mut jane = Impersonation::new("jane");
            let values = vec![text.to_owned(); values];
            jane.extra = (0..keys).map(|key| (format!("k{key}"), values.clone())).collect();
            jane.headers()
        };
        assert_eq!(with(4095, 1, "v").unwrap().len(), 4096);
        for (keys, values, text, budget) in [
            (4096, 1, "v", "4096 headers"),
            (24_576, 1, "v", "4096 headers"),
            (200_000, 0, "v", "1 MiB"),
            (1, 24_576, "v", "4096 headers"),
            (1, 2, &*"v".repeat(1 << 19), "1 MiB"),
        ] {
            let error = with(keys, values, text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue);
            assert!(error.message().contains(budget), "{error}");
            assert!(error.message().contains("as-user-extra"), "{error}");
        }
        let mut groups = Impersonation::new("jane");
        groups.groups = vec!["g".into(); 5000];
        assert!(groups.headers().unwrap_err().message().contains("as-groups"));
    }
}
