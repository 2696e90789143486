//! The program that a credential is given to.

use crate::moment::Asked;

/// The program that asked for a credential, by its process. A second question by the same process is recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    process: u32,
    started: u64,
    /// What the client asks for, such as the cluster.
    question: Vec<u8>,
    asked: Asked,
}

impl Client {
    /// A process id, its start time in the system's unit, and the request. The start time distinguishes processes that get the
    /// same id one after the other.
    pub fn new(process: u32, started: u64, question: impl Into<Vec<u8>>) -> Self {
        Self {
            process,
            started,
            question: question.into(),
            asked: Asked::now(),
        }
    }

    /// When it asked. A client that asks several times at once has not rejected the answer to the first question.
    #[must_use]
    pub fn asking_at(mut self, asked: Asked) -> Self {
        self.asked = asked;
        self
    }

    pub(crate) fn asked(&self) -> Asked {
        self.asked
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [
            self.process.to_le_bytes().as_slice(),
            &self.started.to_le_bytes(),
            &self.question,
        ]
        .concat()
    }
}
