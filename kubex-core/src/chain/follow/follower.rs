//! Resolves a chain again, compares the result with the last one, and adopts the changes that the rules allow.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::{info, warn};

use super::handles::{FollowedCredentials, FollowedTrust};
use super::line::{Last, Line};
use super::policy::NewestPolicy;
use super::rules::{Change, FollowRules, source_of};
use super::{ChainLoader, LOOK_AFTER, LOOK_DEADLINE, Look};
use crate::chain::Chain;
use crate::chain::resolve::{Asked, Choice};
use crate::cluster::Trust;
use crate::configuration::ClientConfiguration;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::metrics;
use crate::report::FollowedChange;
use crate::resolved_source::{Difference, Fingerprint, ResolvedSource};
use crate::sharing_key::SharingKey;
use crate::trust::LiveTrust;

/// Follows the source that a chain has used.
pub(super) struct Follower {
    host: Host,
    /// Builds the chain anew, if the chain's own configuration can change too.
    loader: Option<Loader>,
    rules: FollowRules,
    pub(super) state: Mutex<State>,
}

/// Builds a chain anew, and knows the plugin policy of the newest chain.
pub(super) struct Loader {
    pub(super) chains: Arc<dyn ChainLoader>,
    pub(super) policy: Arc<NewestPolicy>,
}

pub(super) struct State {
    chain: Chain,
    /// The last answer of the source that was adopted.
    answer: Fingerprint,
    /// The configuration that was built from this answer.
    pub(super) configuration: ClientConfiguration,
    /// The number of answers that were adopted.
    pub(super) epoch: u64,
    line: Arc<Line>,
    /// What the source chose by itself.
    choice: Option<Box<Choice>>,
    /// When the chain was last resolved, by the monotonic clock.
    looked_at: Duration,
    /// The last answer that was not adopted, so that one warning is logged about it.
    refused: Option<Box<SharingKey>>,
    /// Whether the last look failed.
    is_failing: bool,
}

/// The parts of a chain's answer that are kept.
pub(super) struct Seen {
    fingerprint: Fingerprint,
    /// What the source chose by itself.
    chosen: Option<String>,
}

impl Seen {
    /// Resolves a chain. A source is asked for what it `chose` before.
    pub(super) async fn resolve(
        chain: &Chain,
        chose: Option<&Choice>,
    ) -> Result<(ClientConfiguration, Self)> {
        let mut seen = None;
        let see = |answer: &ResolvedSource| {
            seen = Some(Self {
                fingerprint: answer.fingerprint(),
                chosen: answer.chosen().map(str::to_owned),
            });
        };
        let asked = Asked {
            chose,
            is_followed: true,
            keeps_inputs: false,
        };
        let configuration = chain.resolve_with(asked, see).await?;
        // A chain that resolves has an answer.
        let seen = seen.ok_or_else(|| Error::new(ErrorKind::Exhausted, "no source of the chain answered"))?;
        Ok((configuration, seen))
    }
}

impl Follower {
    /// Follows what a chain has answered. Also returns the configuration with live handles that ask the follower.
    pub(super) fn start(
        chain: Chain,
        loader: Option<Loader>,
        rules: FollowRules,
        seen: Seen,
        configuration: ClientConfiguration,
    ) -> (Arc<Self>, ClientConfiguration) {
        let host = chain.host.clone();
        let line = Arc::new(Line::new(Arc::clone(configuration.cluster()), Vec::new()));
        let state = State {
            chain,
            configuration: configuration.clone(),
            epoch: 0,
            line: Arc::clone(&line),
            choice: choice_of(&configuration, seen.chosen),
            looked_at: host.now().monotonic,
            refused: None,
            is_failing: false,
            answer: seen.fingerprint,
        };
        let follower = Arc::new(Self {
            host,
            loader,
            rules,
            state: Mutex::new(state),
        });
        let configuration = follower.attach(configuration, line);
        (follower, configuration)
    }

    /// The configuration with live handles that ask this follower.
    fn attach(self: &Arc<Self>, first: ClientConfiguration, line: Arc<Line>) -> ClientConfiguration {
        let relays = Arc::new(AtomicBool::new(!first.credentials().is_fixed()));
        let credentials = Credentials::relayed(
            Arc::new(FollowedCredentials::new(
                Arc::clone(self),
                Arc::clone(&line),
                first.credentials(),
                Arc::clone(&relays),
            )),
            Arc::clone(first.cluster()),
            self.host.clone(),
            relays,
        );
        let trust = match first.trust().try_current().trust() {
            Trust::CaBundle(bundle) => {
                let source = Arc::new(FollowedTrust::new(Arc::clone(self), Arc::clone(&line)));
                let relays = !first.trust().is_fixed();
                LiveTrust::relayed(bundle.clone(), source, self.host.clone(), relays)
            }
            other => LiveTrust::fixed(other.clone()),
        };
        first.with_handles(line, credentials, trust)
    }

    /// Resolves the chain again if that is due or `at_once` is set, and adopts the changes that the rules allow. Returns what
    /// happened.
    pub(super) async fn look(
        self: &Arc<Self>,
        state: &mut State,
        at_once: bool,
    ) -> (Look, Vec<FollowedChange>) {
        let now = self.host.now().monotonic;
        if !at_once && now < state.looked_at.saturating_add(LOOK_AFTER) {
            return (Look::Unchanged, Vec::new());
        }
        state.looked_at = now;
        let resolved = self.resolve(&state.chain, state.choice.as_deref());
        let resolved = self.host.within(LOOK_DEADLINE, resolved).await;
        let mut happened = Vec::new();
        let look = match resolved.unwrap_or_else(|_| Err(too_slow())) {
            Ok((chain, configuration, seen)) => {
                if std::mem::take(&mut state.is_failing) {
                    let source = source_of(&configuration);
                    metrics::followed(&source, "recovered");
                    info!(target: "kubex::follow", source = &*source, outcome = "recovered", "the source can be followed again");
                    happened.push(state.line.add("recovered", String::new()));
                }
                let (look, change) = self.compare(state, chain, configuration, seen);
                happened.extend(change);
                look
            }
            Err(error) => {
                if !std::mem::replace(&mut state.is_failing, true) {
                    let source = source_of(&state.configuration);
                    metrics::followed(&source, "failed");
                    warn!(target: "kubex::follow", source = &*source, outcome = "failed", %error, "the source could not be resolved again; the old configuration stays in use");
                    happened.push(state.line.add("failed", error.message().to_owned()));
                }
                Look::Failed(error)
            }
        };
        (look, happened)
    }

    async fn resolve(
        &self,
        chain: &Chain,
        chose: Option<&Choice>,
    ) -> Result<(Chain, ClientConfiguration, Seen)> {
        let chain = match &self.loader {
            Some(loader) => loader.policy.take(loader.chains.load().await?),
            None => chain.clone(),
        };
        let (configuration, seen) = Seen::resolve(&chain, chose).await?;
        Ok((chain, configuration, seen))
    }

    /// Adopts the new answer if it differs only in ways that the rules allow. Returns what happened.
    fn compare(
        self: &Arc<Self>,
        state: &mut State,
        chain: Chain,
        configuration: ClientConfiguration,
        seen: Seen,
    ) -> (Look, Option<FollowedChange>) {
        let differences = state.answer.differences(&seen.fingerprint);
        let has_other_rules = rules_of(&chain) != rules_of(&state.chain);
        if differences.is_empty() && !has_other_rules {
            state.refused = None;
            return (Look::Unchanged, None);
        }
        let change = Change {
            is_other_server: differences.contains(&Difference::Server),
            is_other_identity: differences.contains(&Difference::Credential)
                && !state.answer.has_provider_of(&seen.fingerprint),
            is_other_trust: differences.contains(&Difference::Trust)
                && !both_have_a_bundle(&state.configuration, &configuration),
            before: state.configuration.clone(),
            after: configuration,
        };
        let mut parts: Vec<_> = differences.iter().copied().map(id).collect();
        parts.extend(has_other_rules.then_some("policy"));
        let changed = if change.is_other_source() {
            "source".to_owned()
        } else {
            parts.join(", ")
        };
        let source = source_of(&change.after);
        if !change.needs_permission() {
            metrics::followed(&source, "followed");
            info!(target: "kubex::follow", source = &*source, outcome = "followed", changed, "the change is in use now");
            state.take(chain, change.after, seen);
            state
                .line
                .cluster
                .store(Arc::clone(state.configuration.cluster()));
            return (Look::Followed, Some(state.line.add("followed", changed)));
        }
        if self.rules.allow(&change) {
            metrics::followed(&source, "replaced");
            info!(target: "kubex::follow", source = &*source, outcome = "replaced", changed, "a new configuration replaces the old one");
            let happened = state.line.add("replaced", change.describe());
            let cluster = Arc::clone(change.after.cluster());
            let next = Arc::new(Line::new(cluster, state.line.changes()));
            let successor = self.attach(change.after.clone(), Arc::clone(&next));
            let last = Last {
                configuration: state.configuration.clone(),
                epoch: state.epoch,
            };
            state.line.end(last, successor);
            state.line = next;
            state.take(chain, change.after, seen);
            return (Look::Replaced, Some(happened));
        }
        let key = seen.fingerprint.key();
        let is_known = state.refused.as_deref() == Some(&key);
        state.refused = Some(Box::new(key));
        if is_known {
            return (Look::KeptOut, None);
        }
        metrics::followed(&source, "kept");
        warn!(target: "kubex::follow", source = &*source, outcome = "kept", changed, "the follow rules do not permit this change; the old configuration stays in use");
        (Look::KeptOut, Some(state.line.add("kept", change.describe())))
    }
}

fn too_slow() -> Error {
    Error::new(
        ErrorKind::TimedOut,
        "resolving the chain again took longer than its time limit",
    )
}

impl State {
    fn take(&mut self, chain: Chain, configuration: ClientConfiguration, seen: Seen) {
        self.refused = None;
        self.epoch += 1;
        self.choice = choice_of(&configuration, seen.chosen);
        self.chain = chain;
        self.answer = seen.fingerprint;
        self.configuration = configuration;
    }
}

fn choice_of(configuration: &ClientConfiguration, chosen: Option<String>) -> Option<Box<Choice>> {
    let source = configuration.report().chosen()?.source.clone();
    Some(Box::new(Choice {
        source,
        name: chosen?,
    }))
}

/// The rules for plugins, as a key.
fn rules_of(chain: &Chain) -> SharingKey {
    chain.host.add_to(SharingKey::new("rules")).closed()
}

fn both_have_a_bundle(one: &ClientConfiguration, other: &ClientConfiguration) -> bool {
    [one, other]
        .iter()
        .all(|configuration| matches!(configuration.cluster().trust, Trust::CaBundle(_)))
}

fn id(difference: Difference) -> &'static str {
    match difference {
        Difference::Server => "server",
        Difference::Trust => "trust",
        Difference::Route => "route",
        Difference::Credential => "credential",
        Difference::Other => "other",
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
