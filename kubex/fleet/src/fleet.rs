//! The fleet: its members, and the timer that reads its inputs.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kubex_core::chain::follow::Followed;
use kubex_core::text::sanitize_line;
use kubex_core::{Chain, Error, Host, Registry, Result, Source};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::changes::{Change, Changes, Subscriber, Subscribers};
#[cfg(feature = "kube")]
use crate::hub::HubWatch;
use crate::in_turn::InTurn;
use crate::member::Member;
use crate::member_provider::MemberProvider;
use crate::report::{FleetReport, ReportedInput, ReportedMember};
use crate::settle::watch;
use crate::turns::Turns;
use crate::watched_input::{LOOK_EVERY, WatchedInput};

/// How long a start waits for its members.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long a member may take to resolve.
const MEMBER_LIMIT: Duration = Duration::from_secs(5);

/// The age of the timer's last tick after which its runtime counts as standing still.
pub(crate) const LATE: Duration = LOOK_EVERY.saturating_mul(2);

/// A set of clusters, called members. The configuration of each one is kept current. Cloning a fleet is cheap, and
/// clones share the members. When the last clone is dropped, the fleet stops reading its inputs. See the
/// [crate](crate).
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) inputs: Vec<Arc<WatchedInput>>,
    #[cfg(feature = "kube")]
    hubs: Vec<HubWatch>,
    pub(crate) resolver: Arc<Resolver>,
    wake: Arc<Notify>,
    pub(crate) settled: Notify,
    members: Mutex<Members>,
    timer: Mutex<Option<JoinHandle<()>>>,
    /// When the timer has ticked last, in milliseconds of the monotonic clock.
    ticked_at: AtomicU64,
}

/// What a member is resolved with.
pub(crate) struct Resolver {
    registry: Registry,
    host: Host,
    turns: Arc<Turns>,
}

#[derive(Default)]
struct Members {
    by_name: BTreeMap<Arc<str>, Held>,
    subscribers: Subscribers,
    rounds: u64,
}

/// A member, and why its latest definition is not used.
pub(crate) struct Held {
    member: Member,
    pub(crate) problem: Option<Error>,
    /// Another one whenever the definition differs, so that what was resolved by an earlier one is not used.
    round: u64,
}

impl Fleet {
    pub(crate) fn new(
        inputs: Vec<Arc<WatchedInput>>,
        #[cfg(feature = "kube")] hubs: Vec<HubWatch>,
        registry: Registry,
        host: Host,
        plugins_at_once: usize,
        wake: Arc<Notify>,
    ) -> Self {
        Self(Arc::new(Inner {
            inputs,
            #[cfg(feature = "kube")]
            hubs,
            resolver: Arc::new(Resolver {
                registry,
                host,
                turns: Arc::new(Turns::new(plugins_at_once)),
            }),
            wake,
            settled: Notify::new(),
            members: Mutex::default(),
            timer: Mutex::default(),
            ticked_at: AtomicU64::default(),
        }))
    }

    /// Looks at the inputs for the first time, and starts the timer.
    pub(crate) async fn begin(&self) {
        self.keep_looking();
        let ready = async {
            #[cfg(feature = "kube")]
            for hub in &self.0.hubs {
                hub.listed().await;
            }
            self.settled().await;
        };
        let _: Result<(), _> = self.host().within(START_LIMIT, ready).await;
    }

    /// Returns all members, sorted by name. Broken members are included.
    pub fn members(&self) -> Vec<Member> {
        self.keep_looking();
        let members = self.0.members();
        members.by_name.values().map(|held| held.member.clone()).collect()
    }

    /// Returns the member of this name, or `None` if there is none.
    pub fn get(&self, name: &str) -> Option<Member> {
        self.keep_looking();
        let members = self.0.members();
        members.by_name.get(name).map(|held| held.member.clone())
    }

    /// Subscribes to the changes. The subscription first returns each existing member as
    /// [`Added`](crate::Change::Added).
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

    /// Returns a report of all inputs and members, with their problems.
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

    /// Waits until the fleet has resolved all members that it has found in its inputs so far. Call it after the start, or after
    /// [`Objects::apply`](crate::Objects::apply). Files are still read only once a minute.
    pub async fn settled(&self) {
        loop {
            let finished = self.0.settled.notified();
            if self.0.inputs.iter().all(|input| input.is_settled()) {
                return;
            }
            self.keep_looking();
            self.0.wake.notify_one();
            // Another runtime than that of the timer may have to go on.
            let _ = self.host().within(LATE, finished).await;
        }
    }

    /// Returns the highest number of plugins that have run at the same time so far.
    pub fn most_plugins_at_once(&self) -> usize {
        self.0.resolver.turns.most()
    }

    pub(crate) fn host(&self) -> &Host {
        &self.0.resolver.host
    }

    /// Starts the timer on this runtime, if there is none, or its runtime was shut down or stands still.
    pub(crate) fn keep_looking(&self) {
        #[cfg(feature = "kube")]
        self.0.hubs.iter().for_each(HubWatch::keep_watching);
        let now = self.0.resolver.now();
        let mut timer = self.0.timer.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = millis(now.saturating_sub(LATE)) > self.0.ticked_at.load(Ordering::Relaxed);
        if !is_late && timer.as_ref().is_some_and(|timer| !timer.is_finished()) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            if let Some(late) = timer.take() {
                late.abort();
            }
            self.0.tick(now);
            let watch = watch(
                Arc::downgrade(&self.0),
                self.host().clone(),
                Arc::clone(&self.0.wake),
            );
            *timer = Some(runtime.spawn(watch));
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Resolver {
    pub(crate) fn now(&self) -> Duration {
        self.host.now().monotonic
    }

    pub(crate) async fn follow(
        &self,
        input: &Arc<WatchedInput>,
        name: &Arc<str>,
        full_name: &str,
    ) -> Result<Followed> {
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
}

impl Inner {
    /// Notes that the timer ticks.
    pub(crate) fn tick(&self, now: Duration) {
        self.ticked_at.store(millis(now), Ordering::Relaxed);
    }

    /// The members of an input that are broken, or whose latest definition is not used, each with its round.
    pub(crate) fn broken(&self, input: &str) -> Vec<(Arc<str>, u64)> {
        let prefix = format!("{input}/");
        let members = self.members();
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let of_input = members.by_name.range::<str, _>(from);
        let of_input = of_input.take_while(|(name, _)| name.starts_with(&prefix));
        let broken =
            of_input.filter(|(_, held)| held.problem.is_some() || held.member.configuration().is_err());
        broken
            .map(|(name, held)| (Arc::clone(name), held.round))
            .collect()
    }

    /// The member with its round.
    pub(crate) fn held(&self, name: &str) -> Option<(Member, u64)> {
        let members = self.members();
        let held = members.by_name.get(name);
        held.map(|held| (held.member.clone(), held.round))
    }

    /// Begins a new round of a member, because its definition may differ. `None` if the member is new.
    pub(crate) fn begin_round(&self, name: &str) -> Option<u64> {
        let mut members = self.members();
        let round = members.rounds + 1;
        members.rounds = round;
        members.by_name.get_mut(name).map(|held| {
            held.round = round;
            round
        })
    }

    /// Changes what is held of a member, unless a new round has begun.
    pub(crate) fn update(&self, name: &str, round: Option<u64>, update: impl FnOnce(&mut Held)) {
        let mut members = self.members();
        if let Some(held) = members.by_name.get_mut(name)
            && Some(held.round) == round
        {
            update(held);
        }
    }

    /// Adds or replaces a member, unless a new round has begun.
    pub(crate) fn put(&self, member: &Member, round: Option<u64>) {
        let name = member.shared_name();
        let (change, outcome) = match round {
            Some(_) => (Change::Changed(member.clone()), "changed"),
            None => (Change::Added(member.clone()), "added"),
        };
        let mut members = self.members();
        if members.by_name.get(&name).map(|held| held.round) != round {
            return;
        }
        members.rounds += 1;
        let held = Held {
            member: member.clone(),
            problem: None,
            round: members.rounds,
        };
        members.by_name.insert(Arc::clone(&name), held);
        members.subscribers.put(&change);
        drop(members);
        match member.configuration() {
            Ok(_) => {
                info!(target: "kubex::fleet", member = &*sanitize_line(&name), outcome, "a member of the fleet");
            }
            Err(error) => {
                warn!(target: "kubex::fleet", member = &*sanitize_line(&name), outcome, %error, "a broken member of the fleet");
            }
        }
    }

    pub(crate) fn remove(&self, name: &Arc<str>) {
        let mut members = self.members();
        let removed = members.by_name.remove(name);
        if removed.is_some() {
            members.subscribers.put(&Change::Removed(Arc::clone(name)));
        }
        drop(members);
        if removed.is_some() {
            info!(target: "kubex::fleet", member = &*sanitize_line(name), outcome = "removed", "no longer a member of the fleet");
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
