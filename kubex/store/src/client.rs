//! The program that a credential is given to.

use crate::moment::Asked;

/// The program that asks for a credential, such as a kubectl process that runs this program as its exec plugin. If the
/// same process makes the same request again, the store concludes that the server has rejected the first credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    process: u32,
    started: u64,
    /// What the client asks for, such as the cluster.
    question: Vec<u8>,
    asked: Asked,
}

impl Client {
    /// Creates a client. `process` is its process id. `started` is the start time of the process, in any unit; it distinguishes
    /// processes that get the same id one after the other. `question` is the request of the client, such as the cluster.
    pub fn new(process: u32, started: u64, question: impl Into<Vec<u8>>) -> Self {
        Self {
            process,
            started,
            question: question.into(),
            asked: Asked::now(),
        }
    }

    /// Sets the time at which the client asked. The default is the time of [`new`](Self::new). Only a request that the client
    /// makes after it has got a credential counts as a rejection of that credential.
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
