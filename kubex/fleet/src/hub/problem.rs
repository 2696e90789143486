//! The reason why a hub cannot be watched. It contains nothing of the server's response.

use std::io;

use kube::runtime::watcher;
use kubex_core::{Error, ErrorKind};

use super::selection::Selection;

/// The kind of the reason, which determines the help.
enum Reason {
    /// The server answered with this status.
    Status(u16),
    /// Kubex could not send the request, for example because there is no credential.
    Client(Error),
    Unreachable,
    NotUnderstood,
}

impl Reason {
    fn of(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::of_client(error),
            watcher::Error::WatchError(status) => Self::Status(status.code),
            watcher::Error::NoResourceVersion => Self::NotUnderstood,
        }
    }

    fn of_client(error: &kube::Error) -> Self {
        if let kube::Error::Api(status) = error {
            return Self::Status(status.code);
        }
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(own) = error.downcast_ref::<Error>() {
                return Self::Client(own.clone());
            }
            next = error.source();
        }
        match error {
            // Its text may quote what the server returned.
            kube::Error::SerdeError(_)
            | kube::Error::FromUtf8(_)
            | kube::Error::LinesCodecMaxLineLengthExceeded => Self::NotUnderstood,
            // A line of a watch that is not UTF-8.
            kube::Error::ReadEvents(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::NotUnderstood
            }
            _ => Self::Unreachable,
        }
    }
}

/// Whether the watch recovers by itself, so that nothing needs to be reported.
pub(super) fn is_passing(error: &watcher::Error) -> bool {
    match error {
        // The server no longer knows the version where the watch would go on, and everything is listed again.
        watcher::Error::WatchError(status) => status.code == 410,
        // The connection has ended, and the watch starts again where it ended. After an event that is not understood, it would
        // go on without that event, so everything has to be listed again.
        watcher::Error::WatchFailed(error) => matches!(Reason::of_client(error), Reason::Unreachable),
        _ => false,
    }
}

/// The problem of the input.
pub(super) fn describe(selection: Selection, error: &watcher::Error) -> Error {
    let plural = selection.plural();
    match Reason::of(error) {
        Reason::Status(code @ (401 | 403)) => failed(
            selection,
            ErrorKind::Refused,
            &format!("the server answered {code}"),
        )
        .with_help(format!(
            "grant \"list\" and \"watch\" for \"{plural}\" to the identity of the hub's client"
        )),
        Reason::Status(404) => failed(selection, ErrorKind::Unavailable, "the server answered 404")
            .with_help(format!(
                "install the resource \"{plural}\" in the hub, or do not ask for it"
            )),
        Reason::Status(code) => failed(
            selection,
            ErrorKind::Unavailable,
            &format!("the server answered {code}"),
        )
        .with_help("look at the log of the hub's API server"),
        Reason::Client(error) => failed(selection, error.kind(), error.message())
            .with_help("check the configuration of the hub's client"),
        Reason::Unreachable => failed(selection, ErrorKind::Unavailable, "the server cannot be reached")
            .with_help("check the address of the hub and the route to it"),
        Reason::NotUnderstood => failed(
            selection,
            ErrorKind::Unavailable,
            "the server's answer is not a list of objects",
        )
        .with_help("check that the hub is a Kubernetes API server"),
    }
}

/// The problem of a hub that accepts a request but does not respond.
pub(super) fn silent(selection: Selection, seconds: u64) -> Error {
    failed(
        selection,
        ErrorKind::TimedOut,
        &format!("the server did not answer within {seconds} s"),
    )
    .with_help("check the hub's API server")
}

fn failed(selection: Selection, kind: ErrorKind, reason: &str) -> Error {
    Error::new(
        kind,
        format_args!("the {} of the hub cannot be watched: {reason}", selection.name()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_the_hub_returned_is_in_a_message() {
        let serde = serde_json::from_str::<u8>("\"s3cret\"").unwrap_err();
        let status = kube::core::Status::failure("token s3cret", "s3cret").with_code(500);
        for error in [
            watcher::Error::InitialListFailed(kube::Error::SerdeError(serde)),
            watcher::Error::WatchError(status.clone().boxed()),
            watcher::Error::WatchStartFailed(kube::Error::Api(status.boxed())),
            watcher::Error::WatchFailed(kube::Error::Service("s3cret".into())),
            watcher::Error::NoResourceVersion,
        ] {
            let problem = describe(Selection::ArgoCd, &error);
            assert!(!format!("{problem} {problem:?}").contains("s3cret"), "{problem}");
            assert!(problem.help().is_some(), "{problem}");
        }
    }

    #[test]
    fn only_a_connection_that_ends_and_an_old_version_are_passing() {
        let serde = || serde_json::from_str::<u8>("[").unwrap_err();
        let status = |code| kube::core::Status::failure("", "").with_code(code).boxed();
        let read = |kind: io::ErrorKind| kube::Error::ReadEvents(kind.into());
        for (error, expected) in [
            (watcher::Error::WatchError(status(410)), true),
            (
                watcher::Error::WatchFailed(read(io::ErrorKind::ConnectionReset)),
                true,
            ),
            (watcher::Error::WatchFailed(read(io::ErrorKind::Other)), true),
            (
                watcher::Error::WatchFailed(kube::Error::Service("gone".into())),
                true,
            ),
            (
                watcher::Error::WatchFailed(read(io::ErrorKind::InvalidData)),
                false,
            ),
            (
                watcher::Error::WatchFailed(kube::Error::SerdeError(serde())),
                false,
            ),
            (watcher::Error::WatchFailed(kube::Error::Api(status(500))), false),
            (watcher::Error::WatchError(status(500)), false),
            (
                watcher::Error::WatchStartFailed(kube::Error::Service("gone".into())),
                false,
            ),
            (
                watcher::Error::InitialListFailed(kube::Error::SerdeError(serde())),
                false,
            ),
            (watcher::Error::NoResourceVersion, false),
        ] {
            assert_eq!(is_passing(&error), expected, "{error:?}");
        }
    }
}
