//! Classes of errors, for programs that do not distinguish every kind.

use super::ErrorKind;

/// A group of error kinds that require the same action. The enum is exhaustive, so that a `match` covers every class.
///
/// A class shows who can fix the error, and a kind shows what is wrong. If a new kind is added, a program that matches
/// on classes handles it already.
///
/// ```
/// use kubex_core::{ErrorClass, ErrorKind};
///
/// fn retry(kind: ErrorKind) -> bool {
///     matches!(kind.class(), ErrorClass::TimedOut | ErrorClass::SourceFailed | ErrorClass::RequestFailed)
/// }
/// assert!(retry(ErrorKind::PluginFailed));
/// assert!(!retry(ErrorKind::MissingContext)); // the user has to change the kubeconfig
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Nothing is configured: write a kubeconfig, or run in a pod.
    NothingConfigured,
    /// The configuration is invalid or cannot be read: correct it.
    InvalidConfiguration,
    /// The source of the credential failed: check the plugin or the issuer.
    SourceFailed,
    /// The operation took too long: try again, or raise the limit.
    TimedOut,
    /// A policy forbids the operation: change the policy if it should be allowed.
    Refused,
    /// The credential is not valid or has expired: log in again.
    Rejected,
    /// The server could not be reached, or its response did not arrive: check the network.
    RequestFailed,
}

impl ErrorKind {
    /// Returns the [`ErrorClass`], which tells a user what to do about an error of this kind.
    ///
    /// ```
    /// use kubex_core::error::{ErrorClass, ErrorKind};
    /// assert_eq!(ErrorKind::MissingContext.class(), ErrorClass::InvalidConfiguration);
    /// assert_eq!(ErrorKind::PluginNotFound.class(), ErrorClass::SourceFailed);
    /// ```
    pub fn class(self) -> ErrorClass {
        match self {
            Self::NotConfigured | Self::Exhausted => ErrorClass::NothingConfigured,
            Self::MalformedDocument
            | Self::UnreadableFile
            | Self::MissingContext
            | Self::MissingCluster
            | Self::MissingUser
            | Self::DuplicateName
            | Self::InvalidValue
            | Self::MissingField
            | Self::ConflictingFields
            | Self::UnknownField
            | Self::InvalidBase64
            | Self::InvalidPem
            | Self::IncompleteKeyPair
            | Self::EmptyToken
            | Self::InvalidToken
            | Self::UnknownSource
            | Self::UnknownProvider
            | Self::DuplicateProvider
            | Self::Unsupported => ErrorClass::InvalidConfiguration,
            Self::PluginNotFound
            | Self::PluginNotExecutable
            | Self::PluginFailed
            | Self::EmptyOutput
            | Self::OutputTooLarge
            | Self::MalformedOutput
            | Self::VersionMismatch
            | Self::KindMismatch
            | Self::MissingStatus
            | Self::MissingCredential
            | Self::Recursion
            | Self::Unavailable
            | Self::Aborted
            | Self::NoRuntime => ErrorClass::SourceFailed,
            Self::TimedOut | Self::RuntimeBusy => ErrorClass::TimedOut,
            Self::Refused => ErrorClass::Refused,
            Self::Expired => ErrorClass::Rejected,
            Self::RequestFailed => ErrorClass::RequestFailed,
        }
    }
}
