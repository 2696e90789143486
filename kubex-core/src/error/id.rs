//! The stable id of each kind, for outputs that a program reads.

use super::ErrorKind;

impl ErrorKind {
    /// Returns the id of the kind in kebab case, for machine-readable output. It never changes, even if the variant is
    /// renamed.
    ///
    /// ```
    /// assert_eq!(kubex_core::ErrorKind::MissingContext.id(), "missing-context");
    /// ```
    pub fn id(self) -> &'static str {
        match self {
            Self::NotConfigured => "not-configured",
            Self::Exhausted => "exhausted",
            Self::MalformedDocument => "malformed-document",
            Self::UnreadableFile => "unreadable-file",
            Self::MissingContext => "missing-context",
            Self::MissingCluster => "missing-cluster",
            Self::MissingUser => "missing-user",
            Self::DuplicateName => "duplicate-name",
            Self::InvalidValue => "invalid-value",
            Self::MissingField => "missing-field",
            Self::ConflictingFields => "conflicting-fields",
            Self::UnknownField => "unknown-field",
            Self::InvalidBase64 => "invalid-base64",
            Self::InvalidPem => "invalid-pem",
            Self::IncompleteKeyPair => "incomplete-key-pair",
            Self::EmptyToken => "empty-token",
            Self::InvalidToken => "invalid-token",
            Self::UnknownSource => "unknown-source",
            Self::UnknownProvider => "unknown-provider",
            Self::DuplicateProvider => "duplicate-provider",
            Self::Refused => "refused",
            Self::Recursion => "recursion",
            Self::PluginNotFound => "plugin-not-found",
            Self::PluginNotExecutable => "plugin-not-executable",
            Self::PluginFailed => "plugin-failed",
            Self::EmptyOutput => "empty-output",
            Self::OutputTooLarge => "output-too-large",
            Self::MalformedOutput => "malformed-output",
            Self::VersionMismatch => "version-mismatch",
            Self::KindMismatch => "kind-mismatch",
            Self::MissingStatus => "missing-status",
            Self::MissingCredential => "missing-credential",
            Self::TimedOut => "timed-out",
            Self::Expired => "expired",
            Self::Unavailable => "unavailable",
            Self::Aborted => "aborted",
            Self::NoRuntime => "no-runtime",
            Self::RuntimeBusy => "runtime-busy",
            Self::RequestFailed => "request-failed",
            Self::Unsupported => "unsupported",
        }
    }
}
