//! A hub: a cluster whose Secrets and `ClusterProfiles` describe other clusters. The fleet watches it.
//!
//! kube's runtime lists and watches the objects. They are then handled like [`Objects`](crate::Objects) that the
//! program passes, so that the rules for untrusted objects are the same.

mod known;
mod object;
mod problem;
mod selection;
mod watch;

use std::fmt;

use kube::Client;
use kubex_core::{Error, ErrorKind, Result};

pub(crate) use selection::Selection;
pub(crate) use watch::HubWatch;

/// A hub, and the kinds of objects that the fleet watches there. A hub is a cluster whose Secrets and
/// `ClusterProfiles` describe other clusters.
///
/// Create the client with `kubex::kube::client`, so that the hub's own credential, CA bundle and proxy are kept
/// current.
///
/// ```no_run
/// use kubex_fleet::{Hub, Input};
///
/// # fn example(client: kube::Client) {
/// let hub = Hub::new(client).cluster_api().argo_cd().namespace("fleet");
/// let input = Input::hub("hub", hub);
/// # }
/// ```
///
/// | method | watched objects | permission that the client needs |
/// |---|---|---|
/// | [`cluster_api`](Self::cluster_api) | Secrets of the type `cluster.x-k8s.io/secret` | `list` and `watch` for `secrets` |
/// | [`argo_cd`](Self::argo_cd) | Secrets with the label `argocd.argoproj.io/secret-type=cluster` | the same |
/// | [`multicluster_runtime`](Self::multicluster_runtime) | Secrets with the label `sigs.k8s.io/multicluster-runtime-kubeconfig=true` | the same |
/// | [`cluster_profiles`](Self::cluster_profiles) | `ClusterProfiles` | `list` and `watch` for `clusterprofiles` of `multicluster.x-k8s.io` |
#[derive(Clone)]
#[must_use]
pub struct Hub {
    pub(crate) client: Client,
    pub(crate) namespace: Option<String>,
    pub(crate) selections: Vec<Selection>,
}

impl Hub {
    /// Creates a hub that is reached through this client. Select at least one kind of object before you use it.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            namespace: None,
            selections: Vec::new(),
        }
    }

    /// Also watches the Secrets in which Cluster API stores the kubeconfigs of its clusters.
    pub fn cluster_api(self) -> Self {
        self.with(Selection::ClusterApi)
    }

    /// Also watches the Secrets in which Argo CD stores its clusters.
    pub fn argo_cd(self) -> Self {
        self.with(Selection::ArgoCd)
    }

    /// Also watches the Secrets in which multicluster-runtime stores kubeconfigs.
    pub fn multicluster_runtime(self) -> Self {
        self.with(Selection::MulticlusterRuntime)
    }

    /// Also watches `ClusterProfiles`, each of which describes a cluster.
    /// [`Input::access_providers`](crate::Input::access_providers) sets the plugins that supply the credentials of
    /// these clusters.
    pub fn cluster_profiles(self) -> Self {
        self.with(Selection::ClusterProfiles)
    }

    /// Watches the objects of one namespace only, so that the client needs only a Role. By default, the objects of all
    /// namespaces are watched, which needs a ClusterRole.
    pub fn namespace(mut self, name: &str) -> Self {
        self.namespace = Some(name.to_owned());
        self
    }

    fn with(mut self, selection: Selection) -> Self {
        if !self.selections.contains(&selection) {
            self.selections.push(selection);
        }
        self
    }

    /// Checks that the hub is asked for something.
    pub(crate) fn check(&self) -> Result<()> {
        if self.selections.is_empty() {
            let error = Error::new(
                ErrorKind::MissingField,
                "no kind of object is selected for the hub",
            );
            return Err(
                error.with_help("call cluster_api, argo_cd, multicluster_runtime or cluster_profiles")
            );
        }
        Ok(())
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("namespace", &self.namespace)
            .field("selections", &self.selections)
            .finish_non_exhaustive()
    }
}
