//! Everything that Kubex shows in a case, to be searched for secrets.

use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use kubex::Error;
use tracing_subscriber::fmt::MakeWriter;

use super::words::Words;

/// Everything that was shown in one case: errors, reports, `Debug` forms, events of every level.
#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<String>>);

impl Shown {
    pub fn add(&self, text: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(text);
    }

    pub fn debug(&self, value: &dyn Debug) {
        self.add(&format!("{value:?}\n{value:#?}\n"));
    }

    pub fn error(&self, error: &Error) {
        self.add(&format!("{error}\n{error:#}\n"));
        self.debug(error);
        self.debug(&error.report());
        if let Some(report) = error.report() {
            self.add(&format!("{report}\n"));
        }
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            self.add(&format!("{next}\n{next:?}\n"));
            cause = next.source();
        }
    }

    /// Where a secret of the case shows.
    pub fn leaks(&self, words: &Words) -> Vec<String> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if words.secrets() > 0 && shown.is_empty() {
            return vec!["nothing was shown, so nothing was searched".to_owned()];
        }
        let traces = words.traces();
        let found = traces.iter().filter(|trace| shown.contains(trace.as_str()));
        found
            .map(|trace| {
                let line = shown.lines().find(|line| line.contains(trace.as_str()));
                format!("a secret shows, as {trace:?} in: {}", line.unwrap_or_default())
            })
            .collect()
    }
}

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Shown {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
