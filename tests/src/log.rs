//! The log of a test: the lines that `tracing` writes on this thread.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// Collects lines from level debug on. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects the lines of this thread until the guard is dropped.
    pub fn capture() -> (Self, DefaultGuard) {
        listen_everywhere();
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// All lines.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.held()).into_owned()
    }

    /// The lines that contain this text, such as the name of a level.
    pub fn lines(&self, with: &str) -> Vec<String> {
        let text = self.text();
        text.lines()
            .filter(|line| line.contains(with))
            .map(str::to_owned)
            .collect()
    }

    fn held(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a subscriber for the threads that have none. Without it, the event of a line that runs on two threads for the first
/// time may be recorded as one that no subscriber wants.
fn listen_everywhere() {
    static IS_SET: Once = Once::new();
    IS_SET.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_writer(io::sink)
            .finish();
        // A suite may have one of its own.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
