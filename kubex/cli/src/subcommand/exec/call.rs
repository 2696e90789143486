//! A call of a plugin through this command: the source of its credential, and the identity under which the store keeps the
//! credential.

use std::sync::Arc;

use kubex::credentials::StoreIdentity;
use kubex::{Cluster, CredentialSource, Host, Options, PluginCall, Replacement, Result, ServerUrl, Warning};
use kubex_exec::{ExecRequest, ExecSource};

use super::plugin::Plugin;

/// A plugin, or the provider that replaces it.
pub(super) struct Call {
    plugin: Plugin,
    request: ExecRequest,
    pub(super) host: Host,
    /// The plugin receives the cluster that the program has passed, and not this one.
    pub(super) cluster: Cluster,
    pub(super) source: Arc<dyn CredentialSource>,
    is_native: bool,
    /// Why no provider replaces the plugin, if the rules of the host list it as native.
    pub(super) warning: Option<Warning>,
}

impl Call {
    /// The call of this plugin on a host with its rules. The command is not empty.
    pub(super) async fn new(plugin: Plugin, request: &ExecRequest, host: Host) -> Result<Self> {
        let options = Options::new()
            .set("command", plugin.command(&host))
            .set("args", plugin.arguments().to_vec())
            .set_if_some(
                "interactive-mode",
                (!request.may_ask_its_user()).then_some("Never"),
            );
        let mut source: Arc<dyn CredentialSource> = Arc::new(ExecSource::serving(&options, request.clone())?);
        let call = PluginCall::new(plugin.name(), plugin.arguments()).with_plugin(Arc::clone(&source));
        let replacement = match host.plugin_rules().native_plugins() {
            [] => Replacement::NotRequested,
            _ => kubex::registry()?.replacement(&call, &host).await,
        };
        let (mut is_native, mut warning) = (false, None);
        match replacement {
            Replacement::Served(served, _) => {
                source = served;
                is_native = true;
            }
            Replacement::PluginRuns(why) => warning = Some(why),
            _ => {}
        }
        Ok(Self {
            plugin,
            request: request.clone(),
            host,
            cluster: Cluster::new(ServerUrl::parse("https://cluster.invalid")?),
            source,
            is_native,
            warning,
        })
    }

    /// The identity of the plugin itself. A stored credential of it is served before the rules are read.
    pub(super) fn plugin_identity(&self) -> Option<StoreIdentity> {
        self.plugin.identity(&self.request, &self.host)
    }

    /// The identity of what is fetched. `None` if it is not shared.
    pub(super) async fn identity(&self) -> Option<StoreIdentity> {
        let of_the_plugin = self.plugin_identity();
        if !self.is_native {
            return of_the_plugin;
        }
        // The program need not be installed. If it is, it counts, because a fetch may run it.
        let identity = self.source.store_identity(&self.host, &self.cluster).await?;
        Some(identity.with_optional("call", of_the_plugin.as_ref().map(StoreIdentity::expose)))
    }
}
