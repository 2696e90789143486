//! The kinds of objects that can be watched on a hub.

use kube::api::{ApiResource, GroupVersionKind};
use kube::runtime::watcher;

use crate::objects::ObjectKind;

/// How many objects a page of a list has. The server takes objects of up to 1.5 MiB, and a page is in memory at once.
const PAGE: u32 = 100;

/// The objects of one tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    ClusterApi,
    ArgoCd,
    MulticlusterRuntime,
    ClusterProfiles,
}

impl Selection {
    /// For messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClusterApi => "Secrets of Cluster API",
            Self::ArgoCd => "Secrets of Argo CD",
            Self::MulticlusterRuntime => "Secrets of multicluster-runtime",
            Self::ClusterProfiles => "ClusterProfiles",
        }
    }

    pub(super) fn kind(self) -> ObjectKind {
        match self {
            Self::ClusterProfiles => ObjectKind::ClusterProfile,
            _ => ObjectKind::Secret,
        }
    }

    /// The plural of the kind, as in RBAC rules.
    pub(super) fn plural(self) -> &'static str {
        match self.kind() {
            ObjectKind::Secret => "secrets",
            ObjectKind::ClusterProfile => "clusterprofiles",
        }
    }

    /// The bit of this selection in a set of selections.
    pub(super) fn bit(self) -> u8 {
        match self {
            Self::ClusterApi => 1,
            Self::ArgoCd => 2,
            Self::MulticlusterRuntime => 4,
            Self::ClusterProfiles => 8,
        }
    }

    pub(super) fn resource(self) -> ApiResource {
        let kind = match self.kind() {
            ObjectKind::Secret => GroupVersionKind::gvk("", "v1", "Secret"),
            ObjectKind::ClusterProfile => {
                GroupVersionKind::gvk("multicluster.x-k8s.io", "v1alpha1", "ClusterProfile")
            }
        };
        ApiResource::from_gvk_with_plural(&kind, self.plural())
    }

    /// The selectors of the request, so that the server returns no other objects.
    pub(super) fn config(self) -> watcher::Config {
        let config = watcher::Config::default().page_size(PAGE);
        match self {
            Self::ClusterApi => config.fields("type=cluster.x-k8s.io/secret"),
            Self::ArgoCd => config.labels("argocd.argoproj.io/secret-type=cluster"),
            Self::MulticlusterRuntime => config.labels("sigs.k8s.io/multicluster-runtime-kubeconfig=true"),
            Self::ClusterProfiles => config,
        }
    }
}
