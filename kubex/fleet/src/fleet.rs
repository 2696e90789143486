//! The fleet: its members, and the one timer that looks at its inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kubex_core::chain::follow::{Followed, Look};
use kubex_core::text::sanitize_line;
use kubex_core::{Chain, Error, Host, Registry, Result, Source};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{info, warn};

use crate::changes::{Change, Changes, Subscriber, Subscribers};
use crate::member::Member;
use crate::member_provider::MemberProvider;
use crate::report::{FleetReport, ReportedInput, ReportedMember};
use crate::snapshot::{Entry, Snapshot};
use crate::turns::{InTurn, Turns};
use crate::watched_input::{LOOK_EVERY, WatchedInput};

/// How long a start waits for its members.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long a member may take to resolve.
const MEMBER_LIMIT: Duration = Duration::from_secs(5);

/// How many members of an input are resolved at once.
const RESOLVED_AT_ONCE: usize = 32;

/// After how many members that are looked at other tasks get their turn.
const YIELD_EVERY: usize = 256;

/// Many clusters, each followed. It is cheap to clone; the last clone that is dropped ends the timer. See the
/// [crate](crate).
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    inputs: Vec<Arc<WatchedInput>>,
    registry: Registry,
    host: Host,
    turns: Arc<Turns>,
    wake: Arc<Notify>,
    settled: Notify,
    members: Mutex<Members>,
    timer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Members {
    by_name: BTreeMap<Arc<str>, Held>,
    subscribers: Subscribers,
}

/// A member, and why its latest definition is not used.
struct Held {
    member: Member,
    problem: Option<Error>,
}

impl Fleet {
    pub(crate) fn new(
        inputs: Vec<Arc<WatchedInput>>,
        registry: Registry,
        host: Host,
        plugins_at_once: usize,
        wake: Arc<Notify>,
    ) -> Self {
        Self(Arc::new(Inner {
            inputs,
            registry,
            host,
            turns: Arc::new(Turns::new(plugins_at_once)),
            wake,
            settled: Notify::new(),
            members: Mutex::default(),
            timer: Mutex::default(),
        }))
    }

    /// Looks at the inputs for the first time, and starts the timer.
    pub(crate) async fn begin(&self) {
        self.keep_looking();
        let _: Result<(), _> = self.0.host.within(START_LIMIT, self.settled()).await;
    }

    /// Returns the members, sorted by name. Broken ones are among them.
    pub fn members(&self) -> Vec<Member> {
        self.keep_looking();
        let members = self.0.members();
        members.by_name.values().map(|held| held.member.clone()).collect()
    }

    /// Returns the member with this name.
    pub fn get(&self, name: &str) -> Option<Member> {
        self.keep_looking();
        let members = self.0.members();
        members.by_name.get(name).map(|held| held.member.clone())
    }

    /// Subscribes to the changes. The subscription begins with the members that are there.
    pub fn changes(&self) -> Changes {
        self.keep_looking();
        let subscriber = Arc::new(Subscriber::default());
        let mut members = self.0.members();
        for held in members.by_name.values() {
            subscriber.put(Change::Added(held.member.clone()));
        }
        members.subscribers.add(&subscriber);
        drop(members);
        Changes {
            fleet: self.clone(),
            subscriber,
        }
    }

    /// Returns what the fleet consists of, with the problem of each input and each member.
    pub fn report(&self) -> FleetReport {
        self.keep_looking();
        let members = self.0.members();
        let reported = members.by_name.iter().map(|(name, held)| ReportedMember {
            name: Arc::clone(name),
            origin: held.member.origin().clone(),
            outcome: match held.member.configuration() {
                Ok(configuration) => Ok(configuration.to_string()),
                Err(error) => Err(error.clone()),
            },
            problem: held.problem.clone(),
        });
        let reported = reported.collect();
        drop(members);
        let inputs = self.0.inputs.iter().map(|input| {
            let latest = input.latest();
            ReportedInput {
                name: Arc::clone(&input.name),
                members: latest.entries.len(),
                problems: latest.problems.clone(),
            }
        });
        FleetReport {
            inputs: inputs.collect(),
            members: reported,
        }
    }

    /// Waits until everything that the inputs are known to contain has been resolved: after a start, and after
    /// [`Objects::apply`](crate::Objects::apply). It does not look at files earlier than they are due.
    pub async fn settled(&self) {
        loop {
            let finished = self.0.settled.notified();
            if self.0.inputs.iter().all(|input| input.is_settled()) {
                return;
            }
            self.keep_looking();
            self.0.wake.notify_one();
            finished.await;
        }
    }

    /// Returns how many plugins of the fleet have run at once at most, so far.
    pub fn most_plugins_at_once(&self) -> usize {
        self.0.turns.most()
    }

    /// Starts the timer on this runtime, if there is none or its runtime was shut down.
    pub(crate) fn keep_looking(&self) {
        let mut timer = self.0.timer.lock().unwrap_or_else(PoisonError::into_inner);
        if timer.as_ref().is_some_and(|timer| !timer.is_finished()) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let watch = watch(
                Arc::downgrade(&self.0),
                self.0.host.clone(),
                Arc::clone(&self.0.wake),
            );
            *timer = Some(runtime.spawn(watch));
        }
    }
}

/// Looks at each input when it is due or has something new, each on its own, so that one that hangs delays no other.
async fn watch(fleet: Weak<Inner>, host: Host, wake: Arc<Notify>) {
    loop {
        let Some(inner) = fleet.upgrade() else { return };
        let now = host.now().monotonic;
        for input in &inner.inputs {
            if input.begin(now) {
                let (inner, input) = (Arc::downgrade(&inner), Arc::clone(input));
                tokio::spawn(async move {
                    let _finish = Finish(&input, &inner);
                    input.refresh().await;
                    settle(&inner, &input).await;
                });
            }
        }
        let next = inner.inputs.iter().map(|input| input.next_look()).min();
        let sleep = next.map_or(LOOK_EVERY, |next| next.saturating_sub(now));
        drop(inner);
        // Whether the time is over or something is new, what is due is found above.
        let _ = host
            .within(sleep.max(Duration::from_millis(1)), wake.notified())
            .await;
    }
}

/// Marks the work at an input as finished, also if it panics.
struct Finish<'w>(&'w WatchedInput, &'w Weak<Inner>);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finish();
        if let Some(inner) = self.1.upgrade() {
            inner.settled.notify_waiters();
        }
    }
}

/// Makes the members what the input says: those that are gone are removed, new ones are added, those whose definition may
/// differ are resolved again, and so are the broken ones.
async fn settle(fleet: &Weak<Inner>, input: &Arc<WatchedInput>) {
    let mut settled = input.settled.lock().await;
    let latest = input.take_new();
    let Some(inner) = fleet.upgrade() else { return };
    log_problems(&input.name, &settled, &latest);
    for name in settled
        .entries
        .keys()
        .filter(|name| !latest.entries.contains_key(*name))
    {
        inner.remove(&full_name(input, name));
    }
    let unsettled = inner.unsettled();
    let mut resolving = JoinSet::new();
    for (number, (name, entry)) in latest.entries.iter().enumerate() {
        if number % YIELD_EVERY == YIELD_EVERY - 1 {
            tokio::task::yield_now().await;
        }
        let full_name = full_name(input, name);
        if !latest.differs_in(name, &settled) && !unsettled.contains(&full_name) {
            continue;
        }
        if resolving.len() >= RESOLVED_AT_ONCE {
            resolving.join_next().await;
        }
        let (inner, input, name, entry) = (
            Arc::clone(&inner),
            Arc::clone(input),
            Arc::clone(name),
            entry.clone(),
        );
        resolving.spawn(async move { inner.resolve(&input, name, full_name, &entry).await });
    }
    while resolving.join_next().await.is_some() {}
    *settled = latest;
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

impl Inner {
    /// The members that are broken, or whose latest definition is not used.
    fn unsettled(&self) -> BTreeSet<Arc<str>> {
        let members = self.members();
        let unsettled = members
            .by_name
            .iter()
            .filter(|(_, held)| held.problem.is_some() || held.member.configuration().is_err());
        unsettled.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Resolves a member anew, or follows what differs.
    async fn resolve(&self, input: &Arc<WatchedInput>, name: Arc<str>, full_name: Arc<str>, entry: &Entry) {
        let held = {
            let members = self.members();
            members.by_name.get(&full_name).map(|held| held.member.clone())
        };
        if let Some(member) = &held
            && let Ok(followed) = member.followed()
        {
            match followed.look().await {
                Look::Unchanged | Look::Followed => return self.set_problem(&full_name, None),
                Look::Failed(error) => return self.set_problem(&full_name, Some(error)),
                // It needs a new configuration.
                _ => {}
            }
        }
        let followed = self.follow(input, &name, &full_name).await;
        if let (Some(member), Err(error)) = (&held, &followed) {
            if member.configuration().is_ok() {
                return self.set_problem(&full_name, Some(error.clone()));
            }
            if member
                .configuration()
                .is_err_and(|earlier| earlier.to_string() == error.to_string())
            {
                return;
            }
        }
        self.put(
            Member::new(full_name, entry.origin.clone(), followed),
            held.is_some(),
        );
    }

    async fn follow(&self, input: &Arc<WatchedInput>, name: &Arc<str>, full_name: &str) -> Result<Followed> {
        let provider = MemberProvider {
            input: Arc::clone(input),
            name: Arc::clone(name),
        };
        let turns = Arc::clone(&self.turns);
        let source = Source::from_provider(full_name, Arc::new(provider))
            .timeout(MEMBER_LIMIT)
            .decorated_by(move |source| InTurn::wrap(source, &turns));
        let chain = Chain::builder(self.registry.clone()).host(self.host.clone());
        chain.source(source).build()?.follow_closely().await
    }

    fn put(&self, member: Member, was_there: bool) {
        let name = member.shared_name();
        let outcome = if was_there { "changed" } else { "added" };
        match member.configuration() {
            Ok(_) => {
                info!(target: "kubex::fleet", member = &*sanitize_line(&name), outcome, "a member of the fleet");
            }
            Err(error) => {
                warn!(target: "kubex::fleet", member = &*sanitize_line(&name), outcome, %error, "a broken member of the fleet");
            }
        }
        let change = if was_there {
            Change::Changed(member.clone())
        } else {
            Change::Added(member.clone())
        };
        let mut members = self.members();
        members.by_name.insert(
            name,
            Held {
                member,
                problem: None,
            },
        );
        members.subscribers.put(&change);
    }

    fn remove(&self, name: &Arc<str>) {
        let mut members = self.members();
        if members.by_name.remove(name).is_some() {
            info!(target: "kubex::fleet", member = &*sanitize_line(name), outcome = "removed", "no longer a member of the fleet");
            members.subscribers.put(&Change::Removed(Arc::clone(name)));
        }
    }

    fn set_problem(&self, name: &str, problem: Option<Error>) {
        if let Some(held) = self.members().by_name.get_mut(name) {
            held.problem = problem;
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // Each change is whole, so a poisoned lock is safe to use.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let timer = self.timer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(timer) = timer.take() {
            timer.abort();
        }
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field(
                "inputs",
                &self.0.inputs.iter().map(|input| &input.name).collect::<Vec<_>>(),
            )
            .field("members", &self.0.members().by_name.len())
            .finish_non_exhaustive()
    }
}
