//! Following a chain: a configuration whose credential and certificate authorities follow the source that answered.
//!
//! Sources keep their files current by themselves: a token file, a client certificate, a CA bundle. What is written *in* a
//! kubeconfig is read once: an inline token, the arguments of a plugin, the path of a file. A followed configuration
//! resolves its chain again, and takes what is new:
//!
//! | what differs | what happens |
//! |---|---|
//! | the credential, or its options | the next request uses the new one; connections stay, unless the client certificate differs |
//! | the CA bundle, the proxy, the TLS server name | new connections; requests under way end on the old ones |
//! | the server, the source, the provider of the identity, trust that is not a CA bundle | kept as it was, with one warning: a program that agrees resolves again |
//! | the namespace, the impersonation | kept as it was; they belong to the configuration |
//! | a file is half-written, invalid or gone | kept as it was, with one warning, until it is whole again |
//! | another `current-context` | nothing, if the source selected a context; otherwise as above |
//!
//! The chain is resolved again when a credential or a CA bundle is due: at least 45 s after the last time, and at once
//! when the server rejected a credential or has an unknown issuer. It is read by its content and not by its time stamps,
//! because resolving costs a fraction of a millisecond and stamps miss changes that follow each other closely. An idle program
//! is not woken.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio::sync::Mutex;
use tracing::{info, warn};

use super::Chain;
use super::resolve::{log_choice, own_error};
use crate::cluster::{CaBundle, Cluster, Trust};
use crate::configuration::ClientConfiguration;
use crate::credential::{Credential, Generation};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, PluginVerdict};
use crate::metrics;
use crate::resolved_source::{Difference, Fingerprint, ResolvedSource};
use crate::sharing_key::SharingKey;
use crate::source::{CredentialSource, FetchReason, FetchRequest};
use crate::text::sanitize_line;
use crate::trust::{LiveTrust, TrustSource};

/// The age of the last look at which the chain is resolved again.
const LOOK_AFTER: Duration = Duration::from_secs(45);

/// The age at which a followed credential is asked for again.
const REVALIDATE_AFTER: Duration = Duration::from_secs(60);

/// The time limit of one look. A source that takes longer is looked at again later.
const LOOK_DEADLINE: Duration = Duration::from_secs(5);

impl Chain {
    /// Resolves the chain like [`resolve`](Self::resolve), and keeps following the source that answered. See the
    /// [module](self).
    ///
    /// ```no_run
    /// # async fn example(chain: kubex_core::Chain) -> kubex_core::Result<()> {
    /// let configuration = chain.follow().await?;
    /// // An inline token that is replaced in the kubeconfig is used from the next request on.
    /// let credential = configuration.credentials().current().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The same as [`resolve`](Self::resolve).
    pub async fn follow(&self) -> Result<ClientConfiguration> {
        self.follow_closely().await.map(|followed| followed.configuration)
    }

    /// Follows the chain like [`follow`](Self::follow), and returns the means to resolve it again at once, for a program that
    /// learns of a change by itself.
    ///
    /// # Errors
    /// The same as [`resolve`](Self::resolve).
    pub async fn follow_closely(&self) -> Result<Followed> {
        let mut found = None;
        let configuration = self.resolve_with(|answer| found = Some(answer.clone())).await?;
        log_choice(&configuration);
        let Some(answer) = found else {
            // A chain that resolves has an answer.
            return Err(Error::new(
                ErrorKind::Aborted,
                "the chain has no answer to follow",
            ));
        };
        let now = self.host.now().monotonic;
        let follower = Arc::new(Follower {
            chain: self.clone(),
            cluster: Arc::new(ArcSwap::new(Arc::clone(configuration.cluster()))),
            state: Mutex::new(State {
                answer: answer.fingerprint(),
                configuration: configuration.clone(),
                epoch: 0,
                looked_at: now,
                refused: None,
                is_failing: false,
            }),
        });
        let configuration = Arc::clone(&follower).attach(configuration, &self.host);
        Ok(Followed {
            configuration,
            follower,
        })
    }

    /// Follows a chain of one source, as [`resolve_only`](Self::resolve_only) resolves it.
    ///
    /// # Errors
    /// The same as [`resolve_only`](Self::resolve_only).
    pub async fn follow_only(&self) -> Result<ClientConfiguration> {
        self.follow().await.map_err(own_error)
    }
}

/// A followed configuration, with the means to resolve its chain at once. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Followed {
    configuration: ClientConfiguration,
    follower: Arc<Follower>,
}

/// The result of resolving a followed chain again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Look {
    /// Nothing differs.
    Unchanged,
    /// What differs is used from the next request on.
    Followed,
    /// What differs needs a new configuration, and is not used.
    KeptOut,
    /// The chain cannot be resolved, and everything is kept as it was.
    Failed(Error),
}

impl Followed {
    /// Returns the configuration that is kept current.
    pub fn configuration(&self) -> &ClientConfiguration {
        &self.configuration
    }

    /// Resolves the chain now, and takes what may be taken. Events are the same as when it is due.
    ///
    /// A new credential that is only read is in use when this returns. One that has to be fetched, as by a plugin, is
    /// fetched when the old one is due.
    pub async fn look(&self) -> Look {
        let look = {
            let mut state = self.follower.state.lock().await;
            self.follower.look(&mut state, true).await
        };
        let credentials = self.configuration.credentials();
        if let Look::Followed = look
            && credentials.only_reads_files()
            && let Some(held) = credentials.peek()
        {
            // The source replaced it, which counts like a revocation.
            credentials.accept(held.generation());
            credentials.invalidate(held.generation());
        }
        look
    }
}

/// Follows the source that answered for a chain.
struct Follower {
    chain: Chain,
    /// The cluster with the route of the last answer that was taken.
    cluster: Arc<ArcSwap<Cluster>>,
    state: Mutex<State>,
}

struct State {
    /// What the source answered when it was last taken.
    answer: Fingerprint,
    /// What was made of it.
    configuration: ClientConfiguration,
    /// Counts how often an answer was taken.
    epoch: u64,
    /// When the chain was last resolved, by the monotonic clock.
    looked_at: Duration,
    /// The answer that was last kept out, so that it is warned about once.
    refused: Option<SharingKey>,
    /// Whether the last look failed.
    is_failing: bool,
}

impl Follower {
    /// The configuration with live handles that ask this follower.
    fn attach(self: Arc<Self>, first: ClientConfiguration, host: &Host) -> ClientConfiguration {
        let relays = Arc::new(AtomicBool::new(!first.credentials().is_fixed()));
        let credentials = Credentials::relayed(
            Arc::new(FollowedCredentials {
                follower: Arc::clone(&self),
                description: first.credentials().describe(),
                only_reads_files: first.credentials().only_reads_files(),
                deadline: first.credentials().deadline().saturating_add(LOOK_DEADLINE),
                served: std::sync::Mutex::default(),
                relays: Arc::clone(&relays),
            }),
            Arc::clone(first.cluster()),
            host.clone(),
            relays,
        );
        let cluster = Arc::clone(&self.cluster);
        let trust = match first.trust().try_current().trust() {
            Trust::CaBundle(bundle) => {
                let is_live = !first.trust().is_fixed();
                let (bundle, source) = (bundle.clone(), Arc::new(FollowedTrust(self)));
                if is_live {
                    LiveTrust::relayed(bundle, source, host.clone())
                } else {
                    LiveTrust::live(bundle, source, host.clone())
                }
            }
            other => LiveTrust::fixed(other.clone()),
        };
        first.with_handles(cluster, credentials, trust)
    }

    /// Resolves the chain again if it is due or `at_once`, and takes what may be taken.
    async fn look(&self, state: &mut State, at_once: bool) -> Look {
        let now = self.chain.host.now().monotonic;
        if !at_once && now < state.looked_at.saturating_add(LOOK_AFTER) {
            return Look::Unchanged;
        }
        state.looked_at = now;
        let mut found = None;
        let resolved = self.chain.resolve_with(|answer| found = Some(answer.clone()));
        let resolved = match self.chain.host.within(LOOK_DEADLINE, resolved).await {
            Ok(resolved) => resolved,
            Err(_) => Err(Error::new(
                ErrorKind::TimedOut,
                "the chain did not resolve in time to be followed",
            )),
        };
        match (resolved, found) {
            (Ok(configuration), Some(answer)) => {
                if std::mem::take(&mut state.is_failing) {
                    metrics::followed(&name_of(&configuration), "recovered");
                    info!(target: "kubex::follow", source = &*name_of(&configuration), outcome = "recovered", "the source can be followed again");
                }
                let look = state.takes(configuration, &answer);
                if let Look::Followed = look {
                    self.cluster.store(Arc::clone(state.configuration.cluster()));
                }
                look
            }
            (Err(error), _) => {
                if !std::mem::replace(&mut state.is_failing, true) {
                    metrics::followed(&name_of(&state.configuration), "failed");
                    warn!(target: "kubex::follow", source = &*name_of(&state.configuration), outcome = "failed", %error, "the source cannot be followed, so everything is kept as it was");
                }
                Look::Failed(error)
            }
            // A chain that resolves has an answer.
            (Ok(_), None) => Look::Unchanged,
        }
    }
}

impl State {
    /// Takes the new answer if it differs, and only in what may be followed.
    fn takes(&mut self, configuration: ClientConfiguration, answer: &ResolvedSource) -> Look {
        let answer = answer.fingerprint();
        let differences = self.answer.differences(&answer);
        if differences.is_empty() {
            self.refused = None;
            return Look::Unchanged;
        }
        let source = name_of(&configuration);
        let is_other_source = source != name_of(&self.configuration);
        let is_kept_out = is_other_source
            || differences.contains(&Difference::Credential) && !self.answer.has_provider_of(&answer)
            || differences.contains(&Difference::Server)
            || differences.contains(&Difference::Trust)
                && !both_have_a_bundle(&self.configuration, &configuration);
        let changed: Vec<_> = differences.iter().copied().map(id).collect();
        let changed = if is_other_source {
            "source".to_owned()
        } else {
            changed.join(", ")
        };
        if is_kept_out {
            let key = answer.key();
            if self.refused.as_ref() != Some(&key) {
                metrics::followed(&source, "kept");
                warn!(target: "kubex::follow", source = &*source, outcome = "kept", changed, "this change needs a new configuration, so everything is kept as it was");
            }
            self.refused = Some(key);
            return Look::KeptOut;
        }
        metrics::followed(&source, "followed");
        info!(target: "kubex::follow", source = &*source, outcome = "followed", changed, "what changed is used from now on");
        self.refused = None;
        self.epoch += 1;
        self.answer = answer;
        self.configuration = configuration;
        Look::Followed
    }
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

/// The name of the source that a configuration comes from.
fn name_of(configuration: &ClientConfiguration) -> String {
    let chosen = configuration.report().chosen();
    chosen.map_or_else(String::new, |attempt| sanitize_line(&attempt.source).into_owned())
}

/// The credentials of the source that is followed.
#[derive(Debug)]
struct FollowedCredentials {
    follower: Arc<Follower>,
    description: String,
    only_reads_files: bool,
    deadline: Duration,
    /// The credential that was returned last: the epoch of the answer that it belongs to, and its generation there.
    served: std::sync::Mutex<(u64, Generation)>,
    /// Whether the source's own handle reports the fetches.
    relays: Arc<AtomicBool>,
}

impl FollowedCredentials {
    fn served(&self) -> MutexGuard<'_, (u64, Generation)> {
        // Only ever assigned whole, so a poisoned lock is safe to use.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialSource for FollowedCredentials {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let is_rejected = request.reason == FetchReason::Rejected;
        let (credentials, epoch) = {
            let mut state = self.follower.state.lock().await;
            self.follower.look(&mut state, is_rejected).await;
            (state.configuration.credentials().clone(), state.epoch)
        };
        self.relays.store(!credentials.is_fixed(), Ordering::Relaxed);
        // If the source has returned a newer credential already, that one was not rejected.
        if is_rejected
            && let Some(held) = credentials.peek()
            && *self.served() == (epoch, held.generation())
        {
            // It counts as accepted, because the limits of rejections have been applied by the caller.
            credentials.accept(held.generation());
            credentials.invalidate_relayed(held.generation());
        }
        let credential = credentials.current().await?;
        *self.served() = (epoch, credential.generation());
        let age = credential.revalidate_after().unwrap_or(REVALIDATE_AFTER);
        Ok(Credential::clone(&credential).with_revalidate_after(age.min(REVALIDATE_AFTER)))
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn only_reads_files(&self) -> bool {
        self.only_reads_files
    }

    async fn plugin_verdict(&self, _: &Host) -> Option<PluginVerdict> {
        let credentials = self
            .follower
            .state
            .lock()
            .await
            .configuration
            .credentials()
            .clone();
        credentials.plugin_verdict().await
    }
}

/// The certificate authorities of the source that is followed.
#[derive(Debug)]
struct FollowedTrust(Arc<Follower>);

#[async_trait]
impl TrustSource for FollowedTrust {
    async fn fetch(&self, host: &Host) -> Result<CaBundle> {
        self.fetch_because(FetchReason::Expiring, host).await
    }

    async fn fetch_because(&self, reason: FetchReason, _: &Host) -> Result<CaBundle> {
        let is_rejected = reason == FetchReason::Rejected;
        let trust = {
            let mut state = self.0.state.lock().await;
            self.0.look(&mut state, is_rejected).await;
            state.configuration.trust().clone()
        };
        if is_rejected {
            // A CA file may have been replaced although its path is the same.
            trust.invalidate_relayed(trust.try_current().generation());
        }
        let current = trust.current().await;
        match current.trust() {
            Trust::CaBundle(bundle) => Ok(bundle.clone()),
            // Other trust is kept out.
            _ => Err(Error::new(
                ErrorKind::InvalidPem,
                "there is no CA bundle to follow",
            )),
        }
    }

    fn describe(&self) -> String {
        "the certificate authority of the followed source".to_owned()
    }

    fn deadline(&self) -> Duration {
        LOOK_DEADLINE * 2
    }

    fn only_reads_files(&self) -> bool {
        true
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}
