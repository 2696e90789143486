//! The logins of kubelogin, and which of them this provider supports.

use kubex_core::text::{nearest, shown_key};
use kubex_core::{Error, ErrorKind, Result};

/// A supported login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// The token of a Kubernetes service account is exchanged.
    WorkloadIdentity,
    /// The managed identity of the machine.
    ManagedIdentity,
    /// An application with a secret.
    ServicePrincipal,
    /// The identity that is logged in to the Azure CLI.
    AzureCli,
}

/// Their names, as kubelogin has them.
const SUPPORTED: [(&str, Login); 4] = [
    ("workloadidentity", Login::WorkloadIdentity),
    ("msi", Login::ManagedIdentity),
    ("spn", Login::ServicePrincipal),
    ("azurecli", Login::AzureCli),
];

/// The other logins of kubelogin, with the reason why this provider does not have them.
const UNSUPPORTED: [(&str, &str); 5] = [
    ("devicecode", "needs a person to log in"),
    ("interactive", "needs a person to log in"),
    ("ropc", "needs a person's password"),
    (
        "azd",
        "needs the Azure Developer CLI, which this provider does not run",
    ),
    ("azurepipelines", "is for a job of Azure Pipelines"),
];

impl Login {
    /// # Errors
    /// `MissingField` for an empty name, `Unsupported` for another login of kubelogin, and `InvalidValue`.
    pub(crate) fn from_name(name: &str) -> Result<Self> {
        let supported = SUPPORTED.iter().find(|(known, _)| *known == name);
        if let Some((_, login)) = supported {
            return Ok(*login);
        }
        if name.is_empty() {
            return Err(Error::new(ErrorKind::MissingField, "\"login\" is empty")
                .with_help("set \"login\" to workloadidentity, msi, spn or azurecli"));
        }
        if let Some((known, why)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format_args!("the login \"{known}\" {why}"),
            )
            .with_help("use `kubelogin get-token` with the provider exec, or another login"));
        }
        let error = Error::new(
            ErrorKind::InvalidValue,
            format_args!("\"{}\" is not a login of kubelogin", shown_key(name)),
        );
        Err(match nearest(name, &SUPPORTED.map(|(known, _)| known)) {
            Some(near) => error.with_help(format_args!("did you mean \"{near}\"?")),
            None => error.with_help("set \"login\" to workloadidentity, msi, spn or azurecli"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_is_not_supported_says_why() {
        assert_eq!(Login::from_name("msi").unwrap(), Login::ManagedIdentity);
        assert_eq!(Login::from_name("azurecli").unwrap(), Login::AzureCli);
        for (name, kind, message) in [
            ("", ErrorKind::MissingField, "\"login\" is empty"),
            (
                "devicecode",
                ErrorKind::Unsupported,
                "the login \"devicecode\" needs a person to log in",
            ),
            (
                "azd",
                ErrorKind::Unsupported,
                "the login \"azd\" needs the Azure Developer CLI, which this provider does not run",
            ),
            (
                "MSI",
                ErrorKind::InvalidValue,
                "\"MSI\" is not a login of kubelogin",
            ),
            (
                "workload",
                ErrorKind::InvalidValue,
                "\"workload\" is not a login of kubelogin",
            ),
        ] {
            let error = Login::from_name(name).unwrap_err();
            assert_eq!((error.kind(), error.message()), (kind, message));
            assert!(error.help().is_some(), "{name}");
        }
    }
}
