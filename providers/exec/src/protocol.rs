//! The versions of the protocol between Kubex and a plugin.

use std::fmt;

use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Result};

/// The API group of the protocol.
pub(crate) const GROUP: &str = "client.authentication.k8s.io";

/// The kind of both of its messages.
pub(crate) const KIND: &str = "ExecCredential";

/// A version of the exec plugin protocol. Both versions have the same fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiVersion {
    /// `client.authentication.k8s.io/v1`.
    #[default]
    V1,
    /// `client.authentication.k8s.io/v1beta1`.
    V1Beta1,
}

impl ApiVersion {
    /// Parses a version, such as `client.authentication.k8s.io/v1`.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the text is neither `client.authentication.k8s.io/v1` nor `/v1beta1`. For
    /// `v1alpha1`, which Kubernetes 1.24 removed, the error suggests these two.
    ///
    /// ```
    /// use kubex_exec::ApiVersion;
    /// assert_eq!(ApiVersion::parse("client.authentication.k8s.io/v1beta1")?, ApiVersion::V1Beta1);
    /// assert!(ApiVersion::parse("client.authentication.k8s.io/v1alpha1").is_err());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "client.authentication.k8s.io/v1" => Ok(Self::V1),
            "client.authentication.k8s.io/v1beta1" => Ok(Self::V1Beta1),
            "client.authentication.k8s.io/v1alpha1" => Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!("the exec API version {text} is no longer supported"),
            )
            .with_help(
                "set the API version to client.authentication.k8s.io/v1, or to \
                 client.authentication.k8s.io/v1beta1 if the plugin does not support v1, and update the plugin",
            )),
            _ => Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!("\"{}\" is not a valid exec API version", clean_line(text)),
            )
            .with_help(
                "set the API version to client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
            )),
        }
    }

    /// Returns the text of the version, such as `client.authentication.k8s.io/v1`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
