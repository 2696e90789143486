//! Inputs: where the members of a fleet come from.

use std::path::{Path, PathBuf};

#[cfg(feature = "kube")]
use crate::hub::Hub;
use crate::objects::Objects;

/// One place that members come from. The name of each member begins with the name of its input, which contains no `/`.
///
/// | input | members | names |
/// |---|---|---|
/// | [`kubeconfig`](Self::kubeconfig) | the contexts of a kubeconfig | `INPUT/CONTEXT` |
/// | [`kubeconfigs`](Self::kubeconfigs) | the contexts of all kubeconfigs in a directory | `INPUT/FILE/CONTEXT` |
/// | [`manifests`](Self::manifests) | Secrets and `ClusterProfiles` in the YAML and JSON files of a directory | `INPUT/secrets/NAMESPACE/NAME`, `INPUT/clusterprofiles/NAMESPACE/NAME` |
/// | [`objects`](Self::objects) | those that the program hands over | the same |
/// | `hub`, with the feature `kube` | those of a hub that is watched | the same |
///
/// Kubeconfigs are the user's own: they may run plugins and refer to files. Secrets and `ClusterProfiles` are untrusted.
#[derive(Clone, Debug)]
#[must_use]
pub struct Input {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) access_providers: Option<PathBuf>,
    pub(crate) profile_variables: Vec<String>,
    pub(crate) allows_aws: bool,
    #[cfg(feature = "kube")]
    pub(crate) hub: Option<Hub>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Kubeconfig(PathBuf),
    Kubeconfigs(PathBuf),
    Manifests(PathBuf),
    Objects(Objects),
}

impl Input {
    fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            access_providers: None,
            profile_variables: Vec::new(),
            allows_aws: false,
            #[cfg(feature = "kube")]
            hub: None,
        }
    }

    /// The contexts of a kubeconfig.
    pub fn kubeconfig(name: &str, path: impl AsRef<Path>) -> Self {
        Self::new(name, Kind::Kubeconfig(path.as_ref().to_owned()))
    }

    /// The contexts of the kubeconfigs in a directory. Files whose names begin with a dot are ignored. If two files define a
    /// context with the same name, both are members.
    pub fn kubeconfigs(name: &str, directory: impl AsRef<Path>) -> Self {
        Self::new(name, Kind::Kubeconfigs(directory.as_ref().to_owned()))
    }

    /// The Secrets and `ClusterProfiles` in the files of a directory whose names end in `.yaml`, `.yml` or `.json`. Other
    /// objects in them are ignored.
    pub fn manifests(name: &str, directory: impl AsRef<Path>) -> Self {
        Self::new(name, Kind::Manifests(directory.as_ref().to_owned()))
    }

    /// The Secrets and `ClusterProfiles` that the program hands over.
    pub fn objects(name: &str, objects: &Objects) -> Self {
        Self::new(name, Kind::Objects(objects.clone()))
    }

    /// The Secrets and `ClusterProfiles` of a hub, which is listed and watched. While the hub is away, the members are kept as
    /// they were, and the [report](crate::Fleet::report) says so.
    #[cfg(feature = "kube")]
    pub fn hub(name: &str, hub: Hub) -> Self {
        Self {
            hub: Some(hub),
            ..Self::new(name, Kind::Objects(Objects::new()))
        }
    }

    /// Sets the file with the program's access providers, for `ClusterProfiles`: which plugin serves a profile. It belongs to
    /// the owner of the program; its form is that of `--clusterprofile-provider-file`.
    pub fn access_providers(mut self, file: impl AsRef<Path>) -> Self {
        self.access_providers = Some(file.as_ref().to_owned());
        self
    }

    /// Sets the variables that a `ClusterProfile` may set for its plugin, beyond the
    /// [harmless ones](kubex_core::host::HARMLESS_VARIABLES), if the access provider takes variables. A name that ends in `*`
    /// matches all names with that beginning. Name none that makes the plugin run another program or read another file.
    pub fn profile_variables(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.profile_variables = names.into_iter().map(Into::into).collect();
        self
    }

    /// Lets Secrets of Argo CD with `awsAuthConfig` use the program's own AWS credentials, through the provider `eks`. The author
    /// of a Secret then chooses the server that gets a token for the cluster that it names, so allow it only if you trust every
    /// author as much as the program.
    pub fn aws_auth(mut self) -> Self {
        self.allows_aws = true;
        self
    }
}
