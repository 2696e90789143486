//! The error type: what failed, where, why, and what to do about it.
//!
//! Every provider and every credential source returns this one [`Error`] type. A program acts on the [`ErrorKind`]. The text of
//! the error is for people: what failed, where (source, file, line, key), why, and one thing to do. The text is
//! [sanitized](crate::text::sanitize) when the error is created, and again when it is printed.
//!
//! ```
//! use kubex_core::{Error, ErrorKind, Origin};
//! let error = Error::new(ErrorKind::MissingContext, "there is no context \"prodd\"")
//!     .with_origin(&Origin::file("/home/jane/.kube/config").key("current-context"))
//!     .with_help("did you mean \"prod\"?");
//! assert_eq!(error.kind(), ErrorKind::MissingContext);
//! assert_eq!(
//!     error.to_string(),
//!     "there is no context \"prodd\" (/home/jane/.kube/config, current-context); did you mean \"prod\"?",
//! );
//! ```
//!
//! # Writing an error
//!
//! | part | set by | rule |
//! |---|---|---|
//! | kind | [`Error::new`] | what a program may match on; the same cause always has the same kind |
//! | message | [`Error::new`] | what failed and why: lower case, no full stop, no secret, the value's name in quotes |
//! | origin | [`with_origin`](Error::with_origin) | file, line, column and key, or the variable or flag |
//! | help | [`with_help`](Error::with_help) | one thing to do |
//! | cause | [`with_source`](Error::with_source) | the error of another crate; [`std::error::Error::source`] returns it |
//! | source's name | [`in_source`](Error::in_source) | set by the chain |
//!
//! A function that can find several problems collects them in [`Problems`] and returns them together. The user can then
//! fix all of them before the next run.
//!
//! # Reading an error
//!
//! ```
//! use kubex_core::{Error, ErrorClass, ErrorKind};
//!
//! fn exit_status(error: &Error) -> u8 {
//!     for problem in error.problems() {
//!         eprintln!("{}", problem.message());
//!     }
//!     match error.kind() {
//!         ErrorKind::Exhausted => 3, // nothing is configured: explain how to begin
//!         kind if kind.class() == ErrorClass::TimedOut => 6,
//!         _ => 1,
//!     }
//! }
//! assert_eq!(exit_status(&Error::new(ErrorKind::TimedOut, "no answer within 30 s")), 6);
//! ```

mod cause;
mod class;
mod display;
mod id;
mod problems;
mod unreadable;
mod wrong_type;

use std::any::Any;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::origin::Origin;
use crate::text::{Sanitized, nearest, shown_key, shown_path};

pub use cause::Cause;
pub use class::ErrorClass;
pub(crate) use display::Unsigned;
pub use problems::Problems;
pub use unreadable::is_missing;
pub(crate) use unreadable::reason;
use unreadable::{kind_of, remedy};

/// The result type of Kubex.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error, for programs. All crates of Kubex use this enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source's file, variables or mount do not exist. The chain continues with the next source. Every other kind
    /// stops the chain.
    NotConfigured,
    /// Every source of the chain returned [`NotConfigured`](Self::NotConfigured). [`Error::report`] contains the reasons.
    Exhausted,

    /// A document is not valid YAML or JSON, or has the wrong kind or version.
    MalformedDocument,
    /// A file cannot be read, although it exists or is required.
    UnreadableFile,
    /// The requested context does not exist, or no context is selected.
    MissingContext,
    /// The cluster that a context refers to does not exist, or has no server.
    MissingCluster,
    /// The user that a context refers to does not exist.
    MissingUser,
    /// Two entries of one document have the same name.
    DuplicateName,
    /// A value has the wrong type, or is not allowed for its field.
    InvalidValue,
    /// A required field is missing.
    MissingField,
    /// Two fields are set, although only one of them is allowed.
    ConflictingFields,
    /// A document contains a field that is not known.
    UnknownField,
    /// A value is not valid base64.
    InvalidBase64,
    /// A text is not valid PEM, or does not contain the expected PEM block.
    InvalidPem,
    /// A client certificate has no key, a key has no certificate, or the key does not belong to the certificate.
    IncompleteKeyPair,
    /// The token is empty.
    EmptyToken,
    /// A token or a name cannot be sent in a header: it contains control characters or line breaks.
    InvalidToken,

    /// The chain refers to a source that is not defined.
    UnknownSource,
    /// No provider with this name is linked into the program.
    UnknownProvider,
    /// Two providers are registered with the same name.
    DuplicateProvider,

    /// A policy or a security rule forbids the operation. For example, the plugin policy does not permit the plugin.
    Refused,
    /// A running plugin used Kubex in a way that requires the same plugin to run again.
    Recursion,

    /// The plugin's command was not found.
    PluginNotFound,
    /// The plugin's command was found but cannot be started.
    PluginNotExecutable,
    /// The plugin exited with a status other than 0, or was killed by a signal.
    PluginFailed,
    /// The plugin printed nothing.
    EmptyOutput,
    /// The plugin printed more than the limit.
    OutputTooLarge,
    /// The plugin's output is not a valid credential.
    MalformedOutput,
    /// The plugin's output has no API version, or not the requested one.
    VersionMismatch,
    /// The plugin's output is not an `ExecCredential`.
    KindMismatch,
    /// The plugin's output has no status.
    MissingStatus,
    /// The status in the plugin's output has neither a token nor a client certificate with its key.
    MissingCredential,

    /// The operation exceeded its deadline.
    TimedOut,
    /// The credential has expired, and there is no newer one.
    Expired,
    /// The issuer of the credential refused the request or could not be reached.
    Unavailable,
    /// The fetch ended without a result: its runtime was shut down, or it panicked.
    Aborted,
    /// Kubex was called outside of a tokio runtime, or on one that lacks the timers or the I/O that the call needs.
    NoRuntime,
    /// All blocking threads of the tokio runtime are busy, so a file could not be read.
    RuntimeBusy,
    /// A request could not be sent, or its response could not be received.
    RequestFailed,
    /// This build or this client does not support the operation.
    Unsupported,
}

/// An error: what failed, where, why, and one thing to do. It is cheap to clone. See the [module](self).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    source_name: Option<Sanitized>,
    message: Sanitized,
    origin: Option<Origin>,
    help: Option<Sanitized>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
    others: Vec<Error>,
    /// Data that the chain attaches: its report. This module does not know the type.
    attachment: Option<Arc<dyn Any + Send + Sync>>,
}

impl Error {
    /// Creates an error of this kind. The message contains what failed and why; it is
    /// [sanitized](crate::text::sanitize).
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self(Arc::new(Inner {
            kind,
            source_name: None,
            message: Sanitized::new(message),
            origin: None,
            help: None,
            cause: None,
            others: Vec::new(),
            attachment: None,
        }))
    }

    /// Creates the error of a source that is not configured. The chain continues with the next source.
    ///
    /// Use it only if there is nothing to read, for example because there is no file. For a file that exists but is empty or
    /// invalid, return an error of another kind, because the next source would be another identity.
    ///
    /// ```
    /// use kubex_core::Error;
    ///
    /// let error = Error::not_configured("the variable VAULT_ADDR is not set").with_help("set VAULT_ADDR");
    /// assert!(error.is_not_configured());
    /// assert!(!error.as_failure().is_not_configured()); // where a source is named explicitly
    /// ```
    pub fn not_configured(reason: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotConfigured, reason)
    }

    /// Creates the error for a file that cannot be read. `what` describes the file, such as `the kubeconfig`.
    ///
    /// ```
    /// use kubex_core::{Error, ErrorKind};
    ///
    /// let path = "/run/secrets/token".as_ref();
    /// let error = Error::unreadable("the token file", path, std::io::ErrorKind::PermissionDenied.into());
    /// assert_eq!(error.kind(), ErrorKind::UnreadableFile);
    /// ```
    pub fn unreadable(what: &str, path: &Path, cause: io::Error) -> Self {
        Self::new(
            kind_of(&cause),
            format_args!("cannot read {what} {}: {}", shown_path(path), reason(&cause)),
        )
        .with_help(remedy(&cause, Some(path)))
        .with_source(cause)
    }

    /// Creates the error for a file that cannot be read, with an origin instead of a path. `what` describes the file,
    /// such as `the kubeconfig`.
    pub fn unreadable_at(what: &str, origin: &Origin, cause: io::Error) -> Self {
        Self::new(
            kind_of(&cause),
            format_args!("cannot read {what}: {}", reason(&cause)),
        )
        .with_help(remedy(&cause, origin.path()))
        .with_source(cause)
        .with_origin(origin)
    }

    /// Sets the origin: the file, line and key, or the variable or flag, that the error is about.
    ///
    /// ```
    /// use kubex_core::{Error, ErrorKind, Origin};
    ///
    /// let origin = Origin::file("/home/jane/.kube/config").position(7, 13).key("server");
    /// let error = Error::new(ErrorKind::InvalidValue, "the scheme is missing").with_origin(&origin);
    /// assert_eq!(error.to_string(), "the scheme is missing (/home/jane/.kube/config:7:13, server)");
    /// ```
    #[must_use]
    pub fn with_origin(self, origin: &Origin) -> Self {
        self.change(|inner| inner.origin = Some(origin.clone()))
    }

    /// Sets the origin, if none is set yet.
    #[must_use]
    pub fn or_origin(self, origin: &Origin) -> Self {
        match self.0.origin {
            Some(_) => self,
            None => self.with_origin(origin),
        }
    }

    /// Sets the help text: one thing to do, without a final period.
    ///
    /// ```
    /// use kubex_core::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::MissingField, "the role is not set").with_help("set \"role\"");
    /// assert_eq!(error.to_string(), "the role is not set; set \"role\"");
    /// assert_eq!(error.message(), "the role is not set");
    /// ```
    #[must_use]
    pub fn with_help(self, help: impl fmt::Display) -> Self {
        let help = Sanitized::new(help);
        self.change(|inner| inner.help = Some(help))
    }

    /// Sets the cause, which [`source`](std::error::Error::source) returns. An error of another crate is kept only as a
    /// [`Cause`], which is its sanitized text.
    ///
    /// ```
    /// use std::error::Error as _;
    /// use kubex_core::{Error, ErrorKind};
    ///
    /// let cause = "eighty".parse::<u16>().unwrap_err();
    /// let error = Error::new(ErrorKind::InvalidValue, "the port is not a number").with_source(cause);
    /// assert_eq!(error.source().unwrap().to_string(), "invalid digit found in string");
    /// ```
    #[must_use]
    pub fn with_source(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        let cause = cause::cause_of(&cause);
        self.change(|inner| inner.cause = Some(cause))
    }

    /// Sets the name of the chain's source in which the error happened, also for its [related](Self::with_related)
    /// problems. If a name is set already, it is kept.
    ///
    /// ```
    /// use kubex_core::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::TimedOut, "no answer within 30 s").in_source("prod").in_source("other");
    /// assert_eq!(error.source_name(), Some("prod"));
    /// assert_eq!(error.to_string(), "prod: no answer within 30 s");
    /// ```
    #[must_use]
    pub fn in_source(self, name: &str) -> Self {
        self.change(|inner| {
            inner.source_name.get_or_insert_with(|| Sanitized::line(name));
            for other in &mut inner.others {
                *other = other.clone().in_source(name);
            }
        })
    }

    /// Replaces the source and the origin of the error and of its related errors, for another configuration that shares the
    /// fetch.
    #[must_use]
    pub(crate) fn signed(self, name: Option<&str>, origin: Option<&Origin>) -> Self {
        self.change(|inner| {
            inner.source_name = name.map(Sanitized::line);
            inner.origin = origin.cloned();
            for other in &mut inner.others {
                *other = other.clone().signed(name, origin);
            }
        })
    }

    /// Adds another problem that was found at the same time. [`problems`](Self::problems) returns both.
    ///
    /// ```
    /// use kubex_core::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::MissingField, "no server")
    ///     .with_related(Error::new(ErrorKind::InvalidPem, "no certificate"));
    /// assert_eq!(error.kind(), ErrorKind::MissingField); // that of the first
    /// assert_eq!(error.problems().count(), 2);
    /// ```
    #[must_use]
    pub fn with_related(self, other: Self) -> Self {
        self.change(|inner| {
            let mut other = Arc::unwrap_or_clone(other.0);
            let more = std::mem::take(&mut other.others);
            inner.others.push(Self(Arc::new(other)));
            inner.others.extend(more);
        })
    }

    /// Creates the error for an unknown key. It suggests a similar key of `known`, or lists them all. It does not show
    /// the key's value.
    ///
    /// ```
    /// use kubex_core::Error;
    ///
    /// let error = Error::unknown_key("tokne", &["token", "token-file"]);
    /// assert_eq!(error.to_string(), "unknown key \"tokne\"; did you mean \"token\"?");
    /// ```
    pub fn unknown_key(key: &str, known: &[&str]) -> Self {
        let error = Self::new(
            ErrorKind::UnknownField,
            format_args!("unknown key \"{}\"", shown_key(key)),
        );
        match nearest(key, known) {
            Some(near) => error.with_help(format_args!("did you mean \"{near}\"?")),
            None if known.is_empty() => error.with_help("no keys are allowed here"),
            None => error.with_help(format_args!("the valid keys are: {}", known.join(", "))),
        }
    }

    /// Changes the kind `NotConfigured` to `Unavailable`, and keeps other kinds. Use it if a part of a configured
    /// source is missing: the source is then broken, and the chain must not continue with another identity.
    #[must_use]
    pub fn as_failure(self) -> Self {
        self.change(|inner| {
            if inner.kind == ErrorKind::NotConfigured {
                inner.kind = ErrorKind::Unavailable;
            }
        })
    }

    /// Appends to the message.
    #[must_use]
    pub(crate) fn adding(self, more: impl fmt::Display) -> Self {
        let more = Sanitized::new(more);
        self.change(|inner| inner.message.push(&more))
    }

    /// Attaches more data about the failure, which is read by its type.
    #[must_use]
    pub(crate) fn with_attachment<T: Any + Send + Sync>(self, attachment: T) -> Self {
        self.change(|inner| inner.attachment = Some(Arc::new(attachment)))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Returns the kind, for programs.
    ///
    /// ```
    /// use kubex_core::{Error, ErrorKind};
    ///
    /// fn may_retry(error: &Error) -> bool {
    ///     matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Unavailable)
    /// }
    /// assert!(may_retry(&Error::new(ErrorKind::TimedOut, "no response within 30 s")));
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what failed and why, without the origin and the help.
    pub fn message(&self) -> &str {
        self.0.message.as_str()
    }

    /// Returns the name of the chain's source in which the error happened; `None` if no chain is involved.
    pub fn source_name(&self) -> Option<&str> {
        self.0.source_name.as_ref().map(Sanitized::as_str)
    }

    /// Returns the file, line and key, or the variable or flag, that the error is about; `None` if no origin is set.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// Returns one thing to do about the error; `None` if there is no suggestion.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_ref().map(Sanitized::as_str)
    }

    /// Returns this error and those added by [`with_related`](Self::with_related), in the order in which they were
    /// found.
    pub fn problems(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.0.others)
    }

    /// Splits this error into separate errors: itself, and those added by [`with_related`](Self::with_related), in the
    /// order in which they were found.
    ///
    /// ```
    /// use kubex_core::{Error, ErrorKind};
    ///
    /// let server = Error::new(ErrorKind::MissingField, "no server");
    /// let both = server.with_related(Error::new(ErrorKind::InvalidPem, "no certificate"));
    /// assert_eq!(both.into_problems().len(), 2);
    /// ```
    pub fn into_problems(self) -> Vec<Self> {
        let mut first = Arc::unwrap_or_clone(self.0);
        let others = std::mem::take(&mut first.others);
        std::iter::once(Self(Arc::new(first))).chain(others).collect()
    }

    /// The attached data, if it has this type.
    pub(crate) fn attachment<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.attachment.as_ref()?.downcast_ref()
    }

    /// The message without the source's name.
    pub(crate) fn unsigned(&self) -> Unsigned<'_> {
        Unsigned(&self.0)
    }

    /// Returns whether the kind is `NotConfigured`, so that the chain continues with the next source.
    pub fn is_not_configured(&self) -> bool {
        self.0.kind == ErrorKind::NotConfigured
    }
}
