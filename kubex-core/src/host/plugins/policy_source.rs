//! A policy that is read before every run, such as kubectl's `kuberc`.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::PluginPolicy;
use crate::error::Result;
use crate::host::Host;

/// Reads a plugin policy before every run of a plugin. See [`PluginPolicy::from_source`].
///
/// ```
/// use std::sync::Arc;
/// use kubex_core::{Host, Result};
/// use kubex_core::host::{PluginPolicy, PluginPolicySource, PluginRules};
///
/// /// No plugin runs while a file is there.
/// #[derive(Debug)]
/// struct Locked;
///
/// #[async_trait::async_trait]
/// impl PluginPolicySource for Locked {
///     async fn policy(&self, host: &Host) -> Result<PluginPolicy> {
///         match host.files().kind("/run/no-plugins".as_ref()).await {
///             Ok(_) => Ok(PluginPolicy::deny_all()),
///             Err(_) => Ok(PluginPolicy::allow_all()),
///         }
///     }
///
///     fn id(&self) -> String {
///         "/run/no-plugins".to_owned()
///     }
/// }
///
/// let rules = PluginRules::new().policy(PluginPolicy::from_source(Arc::new(Locked)));
/// ```
#[async_trait]
pub trait PluginPolicySource: Debug + Send + Sync {
    /// Returns the current policy, which must not itself be a policy [from a source](PluginPolicy::from_source). An
    /// implementation must not start a process or open a connection.
    ///
    /// # Errors
    /// Any error prevents the plugin from running, and is returned to the caller as the reason.
    async fn policy(&self, host: &Host) -> Result<PluginPolicy>;

    /// Returns an id of the source. Two sources with the same id must return the same policy on the same host.
    fn id(&self) -> String;
}

/// Sources are equal if their ids are.
#[derive(Clone, Debug)]
pub(super) struct ArcPolicySource(pub(super) Arc<dyn PluginPolicySource>);

impl PartialEq for ArcPolicySource {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ArcPolicySource {}
