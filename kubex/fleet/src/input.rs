//! Inputs: the places where the members of a fleet are defined.

use std::path::{Path, PathBuf};

#[cfg(feature = "kube")]
use crate::hub::Hub;
use crate::objects::Objects;

/// A place where clusters are defined. Each cluster becomes a member of the fleet. The name of a member begins with
/// the name of its input, which must not contain `/`.
///
/// | input | members | names |
/// |---|---|---|
/// | [`kubeconfig`](Self::kubeconfig) | the contexts of a kubeconfig | `INPUT/CONTEXT` |
/// | [`kubeconfigs`](Self::kubeconfigs) | the contexts of all kubeconfigs in a directory | `INPUT/FILE/CONTEXT` |
/// | [`manifests`](Self::manifests) | Secrets and `ClusterProfiles` in the YAML and JSON files of a directory | `INPUT/secrets/NAMESPACE/NAME`, `INPUT/clusterprofiles/NAMESPACE/NAME` |
/// | [`objects`](Self::objects) | Secrets and `ClusterProfiles` that the program passes | the same |
/// | `hub`, with the feature `kube` | Secrets and `ClusterProfiles` of a hub that the fleet watches | the same |
///
/// Kubeconfigs are trusted: they may run plugins and refer to files. Secrets and `ClusterProfiles` are untrusted.
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

    /// Creates an input whose members are the contexts of a kubeconfig file.
    pub fn kubeconfig(name: &str, path: impl AsRef<Path>) -> Self {
        Self::new(name, Kind::Kubeconfig(path.as_ref().to_owned()))
    }

    /// Creates an input whose members are the contexts of all kubeconfig files in a directory. Files whose names begin
    /// with a dot are ignored. If two files contain a context with the same name, both are members.
    pub fn kubeconfigs(name: &str, directory: impl AsRef<Path>) -> Self {
        Self::new(name, Kind::Kubeconfigs(directory.as_ref().to_owned()))
    }

    /// Creates an input from the Secrets and `ClusterProfiles` in a directory. It reads the files whose names end in
    /// `.yaml`, `.yml` or `.json`. Other objects in these files are ignored.
    pub fn manifests(name: &str, directory: impl AsRef<Path>) -> Self {
        Self::new(name, Kind::Manifests(directory.as_ref().to_owned()))
    }

    /// Creates an input from the Secrets and `ClusterProfiles` that the program puts into `objects`.
    pub fn objects(name: &str, objects: &Objects) -> Self {
        Self::new(name, Kind::Objects(objects.clone()))
    }

    /// Creates an input from the Secrets and `ClusterProfiles` of a hub, which the fleet watches. While the hub cannot
    /// be reached, the members stay unchanged, and the [report](crate::Fleet::report) contains the problem.
    #[cfg(feature = "kube")]
    pub fn hub(name: &str, hub: Hub) -> Self {
        Self {
            hub: Some(hub),
            ..Self::new(name, Kind::Objects(Objects::new()))
        }
    }

    /// Sets the file of access providers for `ClusterProfiles` (KEP-5339). It lists the plugin for each access provider that a
    /// profile may refer to. Other programs read the same format by the flag `--clusterprofile-provider-file`. Only the owner
    /// of the program should be able to write to it.
    pub fn access_providers(mut self, file: impl AsRef<Path>) -> Self {
        self.access_providers = Some(file.as_ref().to_owned());
        self
    }

    /// Permits a `ClusterProfile` to set these variables for its plugin, besides the [harmless
    /// ones](kubex_core::host::HARMLESS_VARIABLES). A name that ends in `*` matches all names that begin with it. The file of
    /// access providers must permit variables too, by `profileSourcedEnvVarsPolicy`. Do not permit a variable that makes the
    /// plugin run another program or read another file.
    pub fn profile_variables(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.profile_variables = names.into_iter().map(Into::into).collect();
        self
    }

    /// Permits Secrets of Argo CD with `awsAuthConfig` to use the program's own AWS credentials, through the provider
    /// `eks`.
    ///
    /// The author of such a Secret chooses the cluster that a token is created for, and the server that receives the
    /// token. So call this only if you trust each author of a Secret as much as the program.
    pub fn aws_auth(mut self) -> Self {
        self.allows_aws = true;
        self
    }
}
