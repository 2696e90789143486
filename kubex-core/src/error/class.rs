//! The few things that can be done about an error, for a program that does not look at each kind.

use super::ErrorKind;

/// What is to be done about an error, in a word. A new one is a breaking change: who matches on it has an
/// answer to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Nothing says which server to talk to: write a kubeconfig, or run in a pod.
    NothingConfigured,
    /// What is configured cannot be meant, or cannot be read: correct it.
    InvalidConfiguration,
    /// What gives the credential failed: look at the plugin, or at the issuer.
    SourceFailed,
    /// It took too long: try again, or allow more time.
    TimedOut,
    /// A policy forbids it: allow it, or leave it.
    Refused,
    /// The credential is not valid, or not valid any more: log in again.
    Rejected,
    /// The server was not reached, or its answer did not arrive: look at the network.
    RequestFailed,
}

impl ErrorKind {
    /// The class of the kind. It is written out for each, so that a new kind does not compile without one.
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
            | Self::Aborted => ErrorClass::SourceFailed,
            Self::TimedOut => ErrorClass::TimedOut,
            Self::Refused => ErrorClass::Refused,
            Self::Expired => ErrorClass::Rejected,
            Self::RequestFailed => ErrorClass::RequestFailed,
        }
    }
}
