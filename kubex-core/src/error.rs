//! What went wrong, where, and what to do about it.
//!
//! Every provider and every credential source returns this one [`Error`]. Its [`ErrorKind`] is what a program
//! acts on; its text is for a person: what failed, where (source, file, line, key), why, and one thing to do.
//! No text of it ever holds a secret, and everything that came from outside is cleaned on the way in.
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

mod class;
mod id;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::origin::Origin;
use crate::report::Report;
use crate::text::{clean, clean_line, nearest};

pub use class::ErrorClass;

/// The result of anything in Kubex that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a program can act on. One flat list for all crates, so that `match` is all it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source's file, variables or mount are not there. The chain goes on with the next source; every
    /// other kind stops it.
    NotConfigured,
    /// Every source of the chain said [`NotConfigured`](Self::NotConfigured). [`Error::report`] has each reason.
    Exhausted,

    /// A document is not what its format asks for: YAML, JSON, kind or version.
    MalformedDocument,
    /// A file is there (or must be there) and cannot be read.
    UnreadableFile,
    /// The context asked for does not exist, or none is chosen.
    MissingContext,
    /// The cluster that a context names does not exist, or has no server.
    MissingCluster,
    /// The user that a context names does not exist.
    MissingUser,
    /// Two entries of one document have the same name.
    DuplicateName,
    /// A value is of the wrong type, or not one of those its field takes.
    InvalidValue,
    /// A field that must be there is not.
    MissingField,
    /// Fields that exclude each other are both set.
    ConflictingFields,
    /// A field is not one of those that are known here.
    UnknownField,
    /// Base64 that is none.
    InvalidBase64,
    /// PEM without what was looked for, or cut short.
    InvalidPem,
    /// A client certificate without its key, a key without its certificate, or the two of different pairs.
    IncompleteKeyPair,
    /// A token that is empty.
    EmptyToken,
    /// A token or a name that cannot travel in a header: control characters, line breaks.
    InvalidToken,

    /// A chain names a source that there is none of.
    UnknownSource,
    /// No provider of that name is linked into the program.
    UnknownProvider,
    /// Two registrations claim one name.
    DuplicateProvider,

    /// A policy forbids it: the plugin policy, or an untrusted kubeconfig that wants a plugin or a file.
    Refused,
    /// A plugin that is being run asks for a credential that takes running it once more.
    Recursion,

    /// The plugin's command is not there.
    PluginNotFound,
    /// The plugin's command is there and cannot be started.
    PluginNotExecutable,
    /// The plugin ended with a status other than 0, or by a signal.
    PluginFailed,
    /// The plugin printed nothing.
    EmptyOutput,
    /// The plugin printed more than the bound.
    OutputTooLarge,
    /// The plugin printed something that cannot be read as a credential.
    MalformedOutput,
    /// The plugin answered in another API version than the one asked for, or in none.
    VersionMismatch,
    /// The plugin answered with an object of another kind.
    KindMismatch,
    /// The plugin's answer has no status.
    MissingStatus,
    /// The status of the plugin's answer has neither a token nor a client certificate with its key.
    MissingCredential,

    /// It took longer than its deadline.
    TimedOut,
    /// The only credential there is has expired, and there is no newer one.
    Expired,
    /// What issues the credential refused to, or could not be reached.
    Unavailable,
    /// The fetch ended without an answer: its runtime was shut down, or it panicked.
    Aborted,
    /// A request could not be sent, or its answer not be received.
    RequestFailed,
    /// What was asked for is not supported by this build or this client.
    Unsupported,
}

/// What went wrong, where, why, and one thing to do. Cheap to clone: callers of one flight share it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    source_name: Option<String>,
    message: String,
    origin: Option<Origin>,
    help: Option<String>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
    others: Vec<Error>,
    report: Option<Report>,
}

impl Error {
    /// An error with what failed and why. The text is cleaned of control characters; that it holds no secret
    /// is the caller's duty.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self(Arc::new(Inner {
            kind,
            source_name: None,
            message: clean(&message.to_string()).into_owned(),
            origin: None,
            help: None,
            cause: None,
            others: Vec::new(),
            report: None,
        }))
    }

    /// The source is not there; the chain goes on.
    pub fn not_configured(reason: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotConfigured, reason)
    }

    /// A file that cannot be read, with the reason in words and the cause behind it.
    pub fn unreadable(what: &str, path: &Path, cause: io::Error) -> Self {
        let shown = path.to_string_lossy();
        Self::new(
            ErrorKind::UnreadableFile,
            format_args!("cannot read {what} {}: {}", clean_line(&shown), reason(&cause)),
        )
        .with_help(remedy(&cause))
        .with_source(cause)
    }

    /// A document that cannot be read, where the document itself is the place of the error.
    pub fn unreadable_at(what: &str, origin: &Origin, cause: io::Error) -> Self {
        Self::new(
            ErrorKind::UnreadableFile,
            format_args!("cannot read {what}: {}", reason(&cause)),
        )
        .with_help(remedy(&cause))
        .with_source(cause)
        .with_origin(origin)
    }

    /// Where it is.
    #[must_use]
    pub fn with_origin(self, origin: &Origin) -> Self {
        self.change(|inner| inner.origin = Some(origin.clone()))
    }

    /// The same at this place, where it names none itself.
    #[must_use]
    pub(crate) fn or_origin(self, origin: &Origin) -> Self {
        match self.0.origin {
            Some(_) => self,
            None => self.with_origin(origin),
        }
    }

    /// One thing to do, as a sentence without a full stop.
    #[must_use]
    pub fn with_help(self, help: impl fmt::Display) -> Self {
        let help = clean(&help.to_string()).into_owned();
        self.change(|inner| inner.help = Some(help))
    }

    /// The error behind it, for [`source`](std::error::Error::source). It must not hold a secret: a parser's
    /// error that quotes its input does not belong here.
    #[must_use]
    pub fn with_source(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.cause = Some(Arc::new(cause)))
    }

    /// The name of the source it happened in. The chain sets it; the innermost name stays.
    #[must_use]
    pub fn in_source(self, name: &str) -> Self {
        self.change(|inner| {
            inner
                .source_name
                .get_or_insert_with(|| clean_line(name).into_owned());
        })
    }

    /// With another problem that was found at the same time.
    #[must_use]
    pub fn with_related(self, other: Self) -> Self {
        self.change(|inner| {
            let mut other = Arc::unwrap_or_clone(other.0);
            let more = std::mem::take(&mut other.others);
            inner.others.push(Self(Arc::new(other)));
            inner.others.extend(more);
        })
    }

    /// A key that is not one of those that are known in its place. The key is shown, its value is not known here.
    pub fn unknown_key(key: &str, known: &[&str]) -> Self {
        let error = Self::new(
            ErrorKind::UnknownField,
            format_args!("unknown key \"{}\"", clean_line(key)),
        );
        match nearest(key, known) {
            Some(near) => error.with_help(format_args!("did you mean \"{near}\"?")),
            None if known.is_empty() => error.with_help("no key is taken here"),
            None => error.with_help(format_args!("the keys here are: {}", known.join(", "))),
        }
    }

    /// The same as a failure: where a part of a source is not there, the source itself is broken, and the chain
    /// must not go on to another identity.
    #[must_use]
    pub fn as_failure(self) -> Self {
        self.change(|inner| {
            if inner.kind == ErrorKind::NotConfigured {
                inner.kind = ErrorKind::Unavailable;
            }
        })
    }

    /// Adds to what failed and why. The text must hold no secret.
    #[must_use]
    pub(crate) fn adding(self, more: impl fmt::Display) -> Self {
        let more = clean(&more.to_string()).into_owned();
        self.change(|inner| inner.message.push_str(&more))
    }

    /// The report of the chain that ended in this error.
    #[must_use]
    pub(crate) fn with_report(self, report: Report) -> Self {
        self.change(|inner| inner.report = Some(report))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What a program can act on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What failed and why, without place and help.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The source of the chain it happened in.
    pub fn source_name(&self) -> Option<&str> {
        self.0.source_name.as_deref()
    }

    /// The file, line and key it is about.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// One thing to do about it.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// This problem and those that were found at the same time, in the order they were found.
    pub fn problems(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.0.others)
    }

    /// The problems one by one.
    pub(crate) fn into_problems(self) -> Vec<Self> {
        let mut first = Arc::unwrap_or_clone(self.0);
        let others = std::mem::take(&mut first.others);
        std::iter::once(Self(Arc::new(first))).chain(others).collect()
    }

    /// What each source of the chain did, where a chain ended in this error.
    pub fn report(&self) -> Option<&Report> {
        self.0.report.as_ref()
    }

    /// The text without the source's name.
    pub(crate) fn unsigned(&self) -> Unsigned<'_> {
        Unsigned(&self.0)
    }

    /// Whether the source simply is not there, so that the next one may answer.
    pub fn is_not_configured(&self) -> bool {
        self.0.kind == ErrorKind::NotConfigured
    }
}

/// The reason of an input or output error in words that do not depend on the platform.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        io::ErrorKind::NotADirectory => "a part of its path is no directory".into(),
        _ => clean_line(&error.to_string()).into_owned(),
    }
}

/// What to do about it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "check the path, or put the file there",
        io::ErrorKind::PermissionDenied => "let the user that the program runs as read it",
        _ => "name a regular file",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.0.source_name {
            write!(f, "{name}: ")?;
        }
        self.unsigned().fmt(f)
    }
}

/// An error's text without the name of its source, for where that name stands already.
pub(crate) struct Unsigned<'a>(&'a Inner);

impl fmt::Display for Unsigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(origin) = &self.0.origin {
            write!(f, " ({origin})")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, "; {help}")?;
        }
        for other in &self.0.others {
            write!(f, "\nalso: {}", other.unsigned())?;
        }
        Ok(())
    }
}

/// What `main` prints for an error that it returns: the kind and the whole text.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// The problems of a thing that is looked at as a whole, so that its user can repair them all at once.
///
/// ```
/// use kubex_core::error::Problems;
/// use kubex_core::{Error, ErrorKind};
///
/// let mut problems = Problems::default();
/// let seven = problems.take(Ok(7));
/// let none: Option<u8> = problems.take(Err(Error::new(ErrorKind::MissingField, "no server")));
/// problems.take::<u8>(Err(Error::new(ErrorKind::InvalidPem, "no certificate")));
/// assert_eq!((seven, none), (Some(7), None));
/// assert_eq!(problems.into_result().unwrap_err().to_string(), "no server\nalso: no certificate");
/// ```
#[derive(Debug, Default)]
#[must_use = "a problem that nobody is told is lost"]
pub struct Problems(Option<Error>);

impl Problems {
    /// Takes the value, or notes the problem.
    pub fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Notes a problem.
    pub fn add(&mut self, error: Error) {
        self.0 = Some(match self.0.take() {
            None => error,
            Some(first) => first.with_related(error),
        });
    }

    /// Adds the problems that were noted elsewhere.
    pub(crate) fn absorb(&mut self, others: Self) {
        if let Some(error) = others.0 {
            self.add(error);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of them as one error, of the kind of the first.
    ///
    /// # Errors
    /// Where there was any problem.
    pub fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
