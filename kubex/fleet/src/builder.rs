//! The builder of a fleet.

use std::sync::Arc;

use kubex_core::error::Problems;
use kubex_core::host::PluginRules;
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Host, Registry, Result};
use tokio::sync::Notify;

use crate::definition::Rules;
use crate::fleet::Fleet;
#[cfg(feature = "kube")]
use crate::hub::HubWatch;
use crate::input::Input;
#[cfg(feature = "kube")]
use crate::input::Kind;
use crate::watched_input::WatchedInput;

/// How many plugins run at once, unless set.
const PLUGINS_AT_ONCE: usize = 8;

/// Builds a [`Fleet`]. [`Fleet::builder`] returns it.
#[derive(Debug)]
#[must_use]
pub struct FleetBuilder {
    registry: Registry,
    host: Host,
    inputs: Vec<Input>,
    plugins_at_once: usize,
}

impl Fleet {
    /// Creates a builder of a fleet that has no inputs yet. The clusters of the fleet can use the providers in `registry`. By
    /// default, the fleet uses the real host.
    pub fn builder(registry: Registry) -> FleetBuilder {
        FleetBuilder {
            registry,
            host: Host::real(),
            inputs: Vec::new(),
            plugins_at_once: PLUGINS_AT_ONCE,
        }
    }
}

impl FleetBuilder {
    /// Adds an input: a place where clusters are defined, such as a directory of kubeconfigs.
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Uses this host (the interface to variables, files, processes and clocks) instead of the real one. A test passes
    /// a simulated host. The fleet does not use the host's terminal, so its plugins cannot ask the user questions.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Sets the rules for exec plugins. They replace those of the host. A plugin that a Secret names runs only if an allowlist
    /// in these rules permits it.
    pub fn plugin_rules(mut self, rules: PluginRules) -> Self {
        self.host = self.host.with_plugin_rules(rules);
        self
    }

    /// Sets how many plugins may run at the same time. The default is 8, and the minimum is 1. Credential sources that send
    /// requests, such as `oidc`, count as plugins; those that only read files do not.
    ///
    /// At most half of these places go to plugins that take longer than 5 s while others wait. So a plugin that hangs does not
    /// block the others, unless there is only one place.
    pub fn plugins_at_once(mut self, number: usize) -> Self {
        self.plugins_at_once = number;
        self
    }

    /// Starts the fleet. The fleet reads its inputs now, and again every minute. This method returns when all members are
    /// resolved, or after 10 s. Problems of inputs and members are not errors of this method: the [report](Fleet::report)
    /// contains them.
    ///
    /// # Errors
    /// - [`ErrorKind::DuplicateName`]: two inputs have the same name, or share the same [`Objects`](crate::Objects).
    /// - [`ErrorKind::InvalidValue`]: the name of an input is empty, or contains `/`, which separates the parts of a
    ///   member's name.
    /// - [`ErrorKind::MissingField`]: a hub was added without selecting a kind of object.
    /// - [`ErrorKind::NoRuntime`]: the method was called outside of a tokio runtime.
    pub async fn start(self) -> Result<Fleet> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::new(
                ErrorKind::NoRuntime,
                "the fleet was started outside of a tokio runtime",
            )
            .with_help("start it from a tokio runtime"));
        }
        let host = self.host.without_terminal();
        let wake = Arc::new(Notify::new());
        let has_allowlist = host.plugin_rules().plugin_policy().is_allowlist();
        let mut problems = Problems::default();
        let mut inputs: Vec<Arc<WatchedInput>> = Vec::new();
        #[cfg(feature = "kube")]
        let mut hubs = Vec::new();
        for input in self.inputs {
            if inputs.iter().any(|other| *other.name == *input.name)
                || input.name.is_empty()
                || input.name.contains('/')
            {
                problems.add(bad_name(&input.name));
                continue;
            }
            let rules = Rules {
                registry: self.registry.clone(),
                has_allowlist,
                profile_variables: input.profile_variables.clone(),
                allows_aws: input.allows_aws,
            };
            #[cfg(feature = "kube")]
            if let (Some(hub), Kind::Objects(objects)) = (&input.hub, &input.kind) {
                problems.take(hub.check());
                hubs.push(HubWatch::new(hub.clone(), objects.clone(), host.clone()));
            }
            let watched = WatchedInput::new(input, rules, host.clone(), &wake);
            inputs.extend(problems.take(watched).map(Arc::new));
        }
        problems.into_result()?;
        let fleet = Fleet::new(
            inputs,
            #[cfg(feature = "kube")]
            hubs,
            self.registry,
            host,
            self.plugins_at_once,
            wake,
        );
        fleet.begin().await;
        Ok(fleet)
    }
}

fn bad_name(name: &str) -> Error {
    if name.is_empty() {
        return Error::new(ErrorKind::InvalidValue, "an input of the fleet has no name")
            .with_help("give the input a name");
    }
    if name.contains('/') {
        return Error::new(
            ErrorKind::InvalidValue,
            format_args!("the name \"{}\" of an input contains \"/\"", clean_line(name)),
        )
        .with_help("use \"-\" instead, because \"/\" separates the parts of the names of members");
    }
    Error::new(
        ErrorKind::DuplicateName,
        format_args!("two inputs of the fleet have the name \"{}\"", clean_line(name)),
    )
    .with_help("rename one of them")
}
