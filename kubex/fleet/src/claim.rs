//! Claims: work that only one task does at a time. If that task's runtime stands still, another task takes the work over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The right to do a piece of work. A task that does not renew its claim in time has lost it, and another task may take it.
#[derive(Debug, Default)]
pub(crate) struct Claim(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    number: u64,
    until: Option<Duration>,
}

/// A claim that is held, and given up on drop.
#[derive(Debug)]
pub(crate) struct Claimed {
    state: Arc<Mutex<State>>,
    number: u64,
}

impl Claim {
    /// Takes the claim for this long, unless another task holds it.
    pub(crate) fn take(&self, now: Duration, time: Duration) -> Option<Claimed> {
        let mut state = locked(&self.0);
        if state.until.is_some_and(|until| now < until) {
            return None;
        }
        state.number += 1;
        state.until = Some(now.saturating_add(time));
        Some(Claimed {
            state: Arc::clone(&self.0),
            number: state.number,
        })
    }

    /// Whether a task does the work now.
    pub(crate) fn is_taken(&self, now: Duration) -> bool {
        locked(&self.0).until.is_some_and(|until| now < until)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Each change is whole, so a poisoned lock is safe to use.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claimed {
    /// Holds the claim for this long from now. Returns `false` if another task has taken it; the caller must then stop its
    /// work.
    pub(crate) fn renew(&self, now: Duration, time: Duration) -> bool {
        let mut state = locked(&self.state);
        let is_held = state.number == self.number;
        if is_held {
            state.until = Some(now.saturating_add(time));
        }
        is_held
    }

    /// Gives the claim up.
    pub(crate) fn give_up(&self) {
        let mut state = locked(&self.state);
        if state.number == self.number {
            state.until = None;
        }
    }

    /// Calls `act` if the claim is still held. No other task can take it in the meantime.
    pub(crate) fn if_held(&self, act: impl FnOnce()) {
        let state = locked(&self.state);
        if state.number == self.number {
            act();
        }
        drop(state);
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(30);

    #[test]
    fn one_task_holds_a_claim_until_it_gives_it_up_or_its_time_is_over() {
        let at = Duration::from_secs;
        let claim = Claim::default();
        let first = claim.take(at(0), TIME).unwrap();
        assert!(claim.take(at(29), TIME).is_none());
        assert!(first.renew(at(29), TIME));
        assert!(claim.take(at(58), TIME).is_none());
        let second = claim.take(at(59), TIME).unwrap();
        // The first one wakes up, and neither acts nor takes the claim from the second one.
        assert!(!first.renew(at(60), TIME));
        first.if_held(|| panic!("the claim is lost"));
        drop(first);
        assert!(claim.is_taken(at(60)));
        drop(second);
        assert!(!claim.is_taken(at(60)));
    }
}
