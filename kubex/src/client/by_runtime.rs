//! One set of connections for each tokio runtime.
//!
//! The runtime that opened a connection also drives it. If that runtime is blocked, a request that another runtime
//! sends over the connection waits forever. If that runtime no longer exists, the request fails. So each runtime opens
//! connections of its own.

use tokio::runtime::{Handle, Id};

/// The maximum number of runtimes whose connections are kept. A program has one or two; the limit matters to one that
/// starts a new runtime for each piece of work.
const MAX_RUNTIMES: usize = 8;

/// The connections of each runtime, in the order of their last use.
pub(crate) struct ByRuntime<C>(Vec<(Option<Id>, C)>);

impl<C: Clone> ByRuntime<C> {
    /// The connections of the current runtime.
    pub(crate) fn new(connections: C) -> Self {
        Self(vec![(current(), connections)])
    }

    /// Returns the connections of the current runtime. Opens them if there are none yet.
    pub(crate) fn get_or_open<E>(&mut self, open: impl FnOnce() -> Result<C, E>) -> Result<C, E> {
        let runtime = current();
        let known = self.0.iter().position(|(id, _)| *id == runtime);
        let entry = match known {
            Some(index) => self.0.remove(index),
            None => (runtime, open()?),
        };
        let connections = entry.1.clone();
        if self.0.len() >= MAX_RUNTIMES {
            self.0.remove(0);
        }
        self.0.push(entry);
        Ok(connections)
    }
}

fn current() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    fn get(connections: &mut ByRuntime<u32>, next: u32) -> u32 {
        let Ok(connections) = connections.get_or_open(|| Ok::<_, Infallible>(next));
        connections
    }

    #[test]
    fn each_runtime_has_its_own_connections_and_few_are_kept() {
        let first = runtime();
        let mut connections = first.block_on(async { ByRuntime::new(0) });
        assert_eq!(first.block_on(async { get(&mut connections, 1) }), 0);
        let others: Vec<_> = (0..20).map(|_| runtime()).collect();
        for (number, other) in (1..).zip(&others) {
            assert_eq!(other.block_on(async { get(&mut connections, number) }), number);
            assert_eq!(other.block_on(async { get(&mut connections, 99) }), number);
        }
        assert_eq!(connections.0.len(), MAX_RUNTIMES);
        assert_eq!(get(&mut connections, 50), 50, "outside of a runtime");
    }
}
