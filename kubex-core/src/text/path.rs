//! Detects values that cannot be paths.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use super::{MASKED, sanitize_line};
use crate::error::{Error, ErrorKind, Result};
use crate::origin::Origin;

/// The longest path, and the longest name in one, on Linux.
const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;

/// The reason why a value cannot be a path: what it is instead. `Display` prints it for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAPath {
    /// The content of a kubeconfig or of another document.
    Document,
    /// A certificate or a key, in PEM or in base64.
    Pem,
    /// A JSON web token.
    Token,
    /// A text of several lines.
    Lines,
    /// A text that is longer than a path can be.
    TooLong,
}

impl fmt::Display for NotAPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document => "a document, not a path",
            Self::Pem => "a certificate or a key, not a path",
            Self::Token => "a token, not a path",
            Self::Lines => "several lines, not a path",
            Self::TooLong => "a value that is longer than a path can be",
        })
    }
}

/// Returns why a value cannot be a path; `None` if it can be one.
///
/// ```
/// use kubex_core::text::{NotAPath, not_a_path};
/// assert_eq!(not_a_path("/home/jane/.kube/config"), None);
/// assert_eq!(not_a_path("apiVersion: v1\nkind: Config\n"), Some(NotAPath::Document));
/// assert_eq!(not_a_path("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"), Some(NotAPath::Pem));
/// ```
pub fn not_a_path(text: &str) -> Option<NotAPath> {
    let start = text.trim_start();
    // A relative path was already joined to the directory of its file.
    let name = start.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_document = [
        "apiVersion:",
        "kind:",
        "clusters:",
        "users:",
        "contexts:",
        "current-context:",
    ]
    .iter()
    .any(|key| text.contains(key));
    if text.contains("-----BEGIN ") || start.contains("LS0tLS1CRUdJTi") || is_der(name) || is_der(start) {
        Some(NotAPath::Pem)
    } else if is_document || (start.starts_with('{') && start.contains(['"', ':'])) {
        Some(NotAPath::Document)
    } else if is_jwt(name) {
        Some(NotAPath::Token)
    } else if text.trim_end_matches(['\n', '\r']).contains(['\n', '\r']) {
        Some(NotAPath::Lines)
    } else if text.len() > MAX_PATH || text.split(['/', '\\']).any(|name| name.len() > MAX_NAME) {
        Some(NotAPath::TooLong)
    } else {
        None
    }
}

/// Checks that the value of this field can be a path.
///
/// ```
/// use kubex_core::text::check_path;
/// use kubex_core::{ErrorKind, Origin};
///
/// let error = check_path("tokenFile", "first line\nsecond line", &Origin::code()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidValue);
/// ```
///
/// # Errors
/// Returns [`ErrorKind::InvalidValue`] with what the value is instead. The error does not contain the value.
pub fn check_path(field: &str, value: &str, origin: &Origin) -> Result<()> {
    let Some(what) = not_a_path(value) else {
        return Ok(());
    };
    let error =
        Error::new(ErrorKind::InvalidValue, format_args!("\"{field}\" holds {what}")).with_origin(origin);
    let data = match field {
        "client-certificate" | "client-key" | "certificate-authority" | "idp-certificate-authority" => {
            format!("{field}-data")
        }
        "tokenFile" | "token-file" => "token".to_owned(),
        _ => return Err(error.with_help("write it to a file, and use the path of the file")),
    };
    Err(error.with_help(format_args!("set \"{data}\" to use the content itself")))
}

/// The base64 of a certificate or a key without its BEGIN line.
fn is_der(text: &str) -> bool {
    let text = text.trim_end();
    text.len() >= 64
        && ["MII", "MIG", "MIH", "MHc", "MHQ", "MGg", "MC4"]
            .iter()
            .any(|start| text.starts_with(start))
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+/=_-\n\r".contains(c))
}

fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.len() > 20 && text.matches('.').count() == 2
}

/// Returns a path for printing. A value that [cannot be a path](not_a_path) may be a secret, so it is masked.
///
/// ```
/// use std::path::Path;
/// use kubex_core::text::shown_path;
/// assert_eq!(shown_path(Path::new("/etc/kubernetes/ca.crt")), "/etc/kubernetes/ca.crt");
/// assert_eq!(shown_path(Path::new("users: [{name: jane}]")), "[masked]");
/// ```
pub fn shown_path(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    if not_a_path(&text).is_some() {
        return Cow::Borrowed(MASKED);
    }
    let shown = match text {
        Cow::Borrowed(text) => sanitize_line(text),
        Cow::Owned(text) => Cow::Owned(sanitize_line(&text).into_owned()),
    };
    // White space at an end would be invisible.
    if has_blank_at_an_end(&shown) {
        Cow::Owned(format!("\"{shown}\""))
    } else {
        shown
    }
}

/// Whether a text begins or ends with white space.
pub(crate) fn has_blank_at_an_end(text: &str) -> bool {
    text.trim() != text
}
