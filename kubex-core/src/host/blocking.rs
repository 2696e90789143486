//! Work that would hold up an async worker: file access, and parsing of large documents.
//!
//! It runs on the threads that tokio keeps for blocking calls. Their number is limited, and a runtime whose threads are
//! all in use queues the work silently. Here, that is an error.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind, Result};

/// How long work may wait for a thread. It is shorter than the deadline of any fetch, so that the error names the cause.
const LIMIT: Duration = Duration::from_secs(4);

/// The [effort] of a document that an async worker parses itself, which takes less than a millisecond. Handing one over
/// takes 0.1 ms.
pub(super) const SMALL: usize = 24 * 1024;

/// The most bytes that are wiped at once, in a few tenths of a millisecond.
const LARGE: usize = 4 * 1024 * 1024;

/// The effort of one value of a document, in bytes of usual text.
const VALUE: usize = 16;

/// Estimates how much work it is to parse a document. The result is its number of bytes, or more if a small document consists
/// of many short values, such as `[a,a,a]`. Pass the result to [`parse`].
pub fn effort(document: &[u8]) -> usize {
    if document.len() > SMALL {
        return document.len();
    }
    let is_mark = |byte: &u8| u8::from(matches!(byte, b',' | b'\n' | b'[' | b'{'));
    // A sum of 255 bytes stays a byte, so that the processor adds many of them at once.
    let marks_of = |chunk: &[u8]| usize::from(chunk.iter().map(is_mark).sum::<u8>());
    let marks: usize = document.chunks(255).map(marks_of).sum();
    document.len().max(marks * VALUE)
}

/// Why work did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRun {
    NoRuntime,
    Busy,
    ShutDown,
}

impl NotRun {
    pub(crate) fn kind(self) -> ErrorKind {
        match self {
            Self::NoRuntime => ErrorKind::NoRuntime,
            Self::Busy => ErrorKind::RuntimeBusy,
            Self::ShutDown => ErrorKind::Aborted,
        }
    }

    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::NoRuntime => "call it from a tokio runtime",
            Self::Busy => {
                "move work that blocks to threads of its own, or raise \"max_blocking_threads\" of the runtime"
            }
            Self::ShutDown => "call it again from a runtime that is running",
        }
    }

    /// Returns why a read did not begin, if the error means that.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRuntime => "it was called outside of a tokio runtime",
            Self::Busy => "all threads for blocking work of the tokio runtime are in use",
            Self::ShutDown => "the runtime was shut down",
        })
    }
}

impl std::error::Error for NotRun {}

impl From<NotRun> for io::Error {
    fn from(reason: NotRun) -> Self {
        let kind = match reason {
            NotRun::Busy => io::ErrorKind::ResourceBusy,
            NotRun::NoRuntime | NotRun::ShutDown => io::ErrorKind::Other,
        };
        Self::new(kind, reason)
    }
}

/// Runs a parser: at once if the [effort] is small, otherwise on a blocking thread of tokio, where it does not delay async
/// tasks.
///
/// # Errors
/// Returns [`ErrorKind::RuntimeBusy`] if all blocking threads are busy, and [`ErrorKind::Aborted`] if the runtime shuts
/// down.
pub async fn parse<T: Send + 'static>(
    effort: usize,
    parse: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    if effort <= SMALL || !has_runtime() {
        // Outside of a tokio runtime there is no async worker to hold up.
        return Ok(parse());
    }
    run(parse).await.map_err(|reason| {
        Error::new(
            reason.kind(),
            format_args!("cannot parse a large document: {reason}"),
        )
        .with_help(reason.help())
    })
}

/// Drops a document of this many bytes. Wiping the memory of a large document takes time, so it is dropped on a blocking thread
/// of tokio.
pub fn discard<T: Send + 'static>(length: usize, document: T) {
    if length > LARGE
        && let Ok(runtime) = Handle::try_current()
    {
        // If the runtime shuts down, the task is dropped, and the document with it.
        drop(runtime.spawn_blocking(move || drop(document)));
    }
}

/// Whether this is called from a tokio runtime.
pub(super) fn has_runtime() -> bool {
    Handle::try_current().is_ok()
}

/// Runs the work on a blocking thread.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::result::Result<T, NotRun> {
    let runtime = Handle::try_current().map_err(|_| NotRun::NoRuntime)?;
    let has_begun = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&has_begun);
    let mut task = Task(runtime.spawn_blocking(move || {
        begins.store(true, Ordering::Relaxed);
        work()
    }));
    if has_timers() {
        let ended = super::clock::race(LIMIT, pin!(&mut task)).await;
        match ended {
            Some(ended) => return ended,
            None if !has_begun.load(Ordering::Relaxed) => return Err(NotRun::Busy),
            None => {}
        }
    }
    task.await
}

/// Work that is cancelled if its caller is dropped before the work begins.
struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = std::result::Result<T, NotRun>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|ended| {
            ended.map_err(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => NotRun::ShutDown,
            })
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether the current runtime has timers. tokio has no function for this question, and panics if there are none, so each
/// thread tries once for each runtime.
#[expect(clippy::disallowed_methods, reason = "this belongs to the real host's clock")]
pub(super) fn has_timers() -> bool {
    thread_local! {
        static KNOWN: Cell<Option<(Id, bool)>> = const { Cell::new(None) };
    }
    let Ok(runtime) = Handle::try_current() else {
        return false;
    };
    match KNOWN.get() {
        Some((id, has_timers)) if id == runtime.id() => has_timers,
        _ => {
            let has_timers = std::panic::catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
            KNOWN.set(Some((runtime.id(), has_timers)));
            has_timers
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_document_takes_more_effort_than_its_bytes() {
        let usual = "    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n".repeat(300);
        assert_eq!(effort(usual.as_bytes()), usual.len());
        for dense in ["a,", "[],", "?\n", "a: b\n"] {
            let dense = dense.repeat(SMALL / dense.len());
            assert!(effort(dense.as_bytes()) > SMALL, "{}", dense.len());
        }
        let large = "a".repeat(SMALL + 1);
        assert_eq!(effort(large.as_bytes()), large.len());
    }
}
