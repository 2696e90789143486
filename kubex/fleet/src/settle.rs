//! The timer of a fleet and the work that it starts: reads each input when it is due or has changed, and then updates the
//! members.
//!
//! The work does not keep the fleet alive. When the last handle of the fleet is dropped, the work ends after the members that
//! are being resolved.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use kubex_core::chain::follow::Look;
use kubex_core::text::sanitize_line;
use kubex_core::{Error, Host, Origin};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::claim::Claimed;
use crate::fleet::{Held, Inner, Resolver};
use crate::member::Member;
use crate::snapshot::Snapshot;
use crate::watched_input::{LOOK_EVERY, WORK_CLAIM, WatchedInput, Work};

/// How many members of an input are resolved at once, and how many broken ones.
const RESOLVED_AT_ONCE: usize = 32;

/// How long the retry of broken members may take without progress.
const RETRY_CLAIM: Duration = Duration::from_secs(60);

/// Reads each input when it is due or has changed. Each input has its own task, so that one that hangs does not delay the
/// others.
pub(crate) async fn watch(fleet: Weak<Inner>, host: Host, wake: Arc<Notify>) {
    loop {
        let Some(inner) = fleet.upgrade() else { return };
        let now = host.now().monotonic;
        inner.tick(now);
        for input in &inner.inputs {
            if let Some(work) = input.begin(now) {
                let (fleet, input) = (Weak::clone(&fleet), Arc::clone(input));
                let resolver = Arc::clone(&inner.resolver);
                tokio::spawn(async move {
                    let work = Finish(Some(work), &input, &fleet);
                    input.refresh().await;
                    work.settle(&resolver).await;
                });
            }
        }
        let next = inner.inputs.iter().map(|input| input.next_look()).min();
        let sleep = next.map_or(LOOK_EVERY, |next| next.saturating_sub(now));
        drop(inner);
        // In both cases, the loop finds out above which inputs are due.
        let _ = host
            .within(sleep.max(Duration::from_millis(1)), wake.notified())
            .await;
    }
}

/// The work at an input, which is finished on drop, also if it panics.
struct Finish<'w>(Option<Work>, &'w Arc<WatchedInput>, &'w Weak<Inner>);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        drop(self.0.take());
        self.1.finish();
        if let Some(inner) = self.2.upgrade() {
            inner.settled.notify_waiters();
        }
    }
}

impl Finish<'_> {
    /// Updates the members: removes those that the input no longer contains, adds new ones, and resolves those again whose
    /// definition may differ. If it is time, a separate task then resolves the broken ones again, which may take long.
    async fn settle(&self, resolver: &Arc<Resolver>) {
        let Self(Some(work), input, fleet) = self else {
            return;
        };
        let (settled, latest) = (input.settled(), input.latest());
        log_problems(&input.name, &settled, &latest);
        let broken = match fleet.upgrade() {
            Some(inner) if work.is_regular => inner.broken(&input.name),
            _ => Vec::new(),
        };
        let mut resolving = Resolving::new(&work.claimed, WORK_CLAIM, resolver);
        for different in latest.differences(&settled) {
            let Some(inner) = fleet.upgrade() else { return };
            for name in &different.gone {
                inner.remove(&full_name(input, name));
            }
            drop(inner);
            for name in different.changed {
                if !resolving.has_room().await {
                    return;
                }
                let Some(inner) = fleet.upgrade() else { return };
                let Some(entry) = latest.entries.get(&name) else {
                    continue;
                };
                let full_name = full_name(input, &name);
                let round = inner.begin_round(&full_name);
                let target = Target {
                    fleet: Weak::clone(fleet),
                    resolver: Arc::clone(resolver),
                    input: Arc::clone(input),
                    name,
                    full_name,
                    origin: entry.origin.clone(),
                    round,
                };
                resolving.tasks.spawn(target.resolve());
            }
            tokio::task::yield_now().await;
        }
        resolving.finish().await;
        work.claimed.if_held(|| input.set_settled(latest));
        if !broken.is_empty() {
            let (fleet, resolver, input) = (Weak::clone(fleet), Arc::clone(resolver), Arc::clone(input));
            tokio::spawn(retry(fleet, resolver, input, broken));
        }
    }
}

/// Resolves broken members again, except for those whose definition has changed in the meantime.
async fn retry(
    fleet: Weak<Inner>,
    resolver: Arc<Resolver>,
    input: Arc<WatchedInput>,
    broken: Vec<(Arc<str>, u64)>,
) {
    let Some(claimed) = input.retrying.take(resolver.now(), RETRY_CLAIM) else {
        return;
    };
    let latest = input.latest();
    let mut resolving = Resolving::new(&claimed, RETRY_CLAIM, &resolver);
    for (full_name, round) in broken {
        if !resolving.has_room().await || fleet.strong_count() == 0 {
            return;
        }
        let name = full_name.get(input.name.len() + 1..).unwrap_or_default();
        let Some(entry) = latest.entries.get(name) else {
            continue;
        };
        let target = Target {
            fleet: Weak::clone(&fleet),
            resolver: Arc::clone(&resolver),
            input: Arc::clone(&input),
            name: name.into(),
            origin: entry.origin.clone(),
            full_name,
            round: Some(round),
        };
        resolving.tasks.spawn(target.resolve());
    }
    resolving.finish().await;
}

/// Members that are being resolved, a few at the same time. The claim to the work is renewed whenever one of them is done.
struct Resolving<'w> {
    tasks: JoinSet<()>,
    claimed: &'w Claimed,
    time: Duration,
    resolver: &'w Resolver,
}

impl<'w> Resolving<'w> {
    fn new(claimed: &'w Claimed, time: Duration, resolver: &'w Resolver) -> Self {
        Self {
            tasks: JoinSet::new(),
            claimed,
            time,
            resolver,
        }
    }

    /// Waits until a further member may be resolved; `false` if the claim is lost.
    async fn has_room(&mut self) -> bool {
        if self.tasks.len() >= RESOLVED_AT_ONCE {
            self.tasks.join_next().await;
        }
        self.renew()
    }

    async fn finish(mut self) {
        while self.tasks.join_next().await.is_some() {
            self.renew();
        }
    }

    fn renew(&self) -> bool {
        self.claimed.renew(self.resolver.now(), self.time)
    }
}

/// A member that is to be resolved.
struct Target {
    fleet: Weak<Inner>,
    resolver: Arc<Resolver>,
    input: Arc<WatchedInput>,
    /// The name within the input.
    name: Arc<str>,
    full_name: Arc<str>,
    origin: Origin,
    /// The round of the member that the work belongs to; `None` for a new member.
    round: Option<u64>,
}

impl Target {
    /// Resolves the member again. Its configuration is kept if it can follow the change, for example of a credential.
    async fn resolve(self) {
        let held = match self.fleet.upgrade() {
            Some(inner) => inner.held(&self.full_name),
            None => return,
        };
        if held.as_ref().map(|(_, round)| *round) != self.round {
            return;
        }
        let held = held.map(|(member, _)| member);
        if let Some(member) = &held
            && let Ok(followed) = member.followed()
        {
            let problem = match followed.look().await {
                Look::Unchanged | Look::Followed => Some(None),
                Look::Failed(error) => Some(Some(error)),
                // It needs a new configuration.
                _ => None,
            };
            if let Some(problem) = problem {
                return self.update(|held| held.problem = problem);
            }
        }
        let followed = self
            .resolver
            .follow(&self.input, &self.name, &self.full_name)
            .await;
        if let (Some(member), Err(error)) = (&held, &followed) {
            match member.configuration() {
                Ok(_) => {
                    let error = error.clone();
                    return self.update(|held| held.problem = Some(error));
                }
                Err(earlier) if earlier.to_string() == error.to_string() => return,
                Err(_) => {}
            }
        }
        if let Some(inner) = self.fleet.upgrade() {
            let member = Member::new(self.full_name, self.origin, followed);
            inner.put(&member, self.round);
        }
    }

    fn update(&self, update: impl FnOnce(&mut Held)) {
        if let Some(inner) = self.fleet.upgrade() {
            inner.update(&self.full_name, self.round, update);
        }
    }
}

fn full_name(input: &WatchedInput, name: &str) -> Arc<str> {
    format!("{}/{name}", input.name).into()
}

fn log_problems(input: &str, before: &Snapshot, now: &Snapshot) {
    let before: BTreeSet<_> = before.problems.iter().map(ToString::to_string).collect();
    let is_new = |error: &&Error| !before.contains(&error.to_string());
    for error in now.problems.iter().filter(is_new) {
        warn!(target: "kubex::fleet", input = &*sanitize_line(input), outcome = "failed", %error, "a part of the input cannot be read, so its members are kept as they were");
    }
    if now.problems.is_empty() && !before.is_empty() {
        info!(target: "kubex::fleet", input = &*sanitize_line(input), outcome = "recovered", "the input can be read again");
    }
}
