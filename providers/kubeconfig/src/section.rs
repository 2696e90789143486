//! The three lists of a kubeconfig.

use kubex_core::ErrorKind;

/// One of the three lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Contexts,
    Clusters,
    Users,
}

impl Section {
    pub(crate) const ALL: [Self; 3] = [Self::Contexts, Self::Clusters, Self::Users];

    /// The section with this top-level key.
    pub(crate) fn from_list(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.list() == key)
    }

    /// The top-level key of the list.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Contexts => "contexts",
            Self::Clusters => "clusters",
            Self::Users => "users",
        }
    }

    /// The key of an item's content, beside its name.
    pub(crate) fn inner(self) -> &'static str {
        match self {
            Self::Contexts => "context",
            Self::Clusters => "cluster",
            Self::Users => "user",
        }
    }

    /// The fields of an item's content.
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Contexts => &["cluster", "user", "namespace", "extensions"],
            Self::Clusters => &[
                "server",
                "tls-server-name",
                "insecure-skip-tls-verify",
                "certificate-authority",
                "certificate-authority-data",
                "proxy-url",
                "disable-compression",
                "extensions",
            ],
            Self::Users => &[
                "client-certificate",
                "client-certificate-data",
                "client-key",
                "client-key-data",
                "token",
                "tokenFile",
                "as",
                "as-uid",
                "as-groups",
                "as-user-extra",
                "username",
                "password",
                "auth-provider",
                "exec",
                "extensions",
            ],
        }
    }

    /// The error for a missing item.
    pub(crate) fn missing(self) -> ErrorKind {
        match self {
            Self::Contexts => ErrorKind::MissingContext,
            Self::Clusters => ErrorKind::MissingCluster,
            Self::Users => ErrorKind::MissingUser,
        }
    }
}
