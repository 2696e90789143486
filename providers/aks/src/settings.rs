//! The settings of a login, from the options and the variables. Reading them opens no connection.

use std::path::PathBuf;

use kubex_core::text::check_path;
use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Origin, Result, SecretString};
use url::Url;

use crate::authority::{authority_of_cloud, default_authority, parse_authority};
use crate::azure_cli::CliLogin;
use crate::login::Login;
use crate::machine::Place;
use crate::options::AksOptions;

/// The application id of the server of every AKS cluster with managed Microsoft Entra.
const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";

/// The largest token file that is read, in bytes.
const LARGEST_FILE: usize = 1024 * 1024;

pub(crate) const CLIENT_ID: [&str; 2] = ["AZURE_CLIENT_ID", "AAD_SERVICE_PRINCIPAL_CLIENT_ID"];
pub(crate) const CLIENT_SECRET: [&str; 2] = ["AZURE_CLIENT_SECRET", "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET"];
pub(crate) const TENANT_ID: [&str; 1] = ["AZURE_TENANT_ID"];
pub(crate) const TOKEN_FILE: [&str; 1] = ["AZURE_FEDERATED_TOKEN_FILE"];
pub(crate) const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
pub(crate) const CLOUD: &str = "AZURE_ENVIRONMENT";
pub(crate) const LOGIN: &str = "AAD_LOGIN_METHOD";

/// The address of a token proxy, as AKS sets it for identity bindings.
const TOKEN_PROXY: &str = "AZURE_KUBERNETES_TOKEN_PROXY";

/// Which of an option and a variable is used if both are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precedence {
    Options,
    /// As in kubelogin, whose flags are the options.
    Variables,
}

/// The settings of one fetch.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) login: Login,
    pub(crate) scope: String,
    pub(crate) identity: Identity,
}

/// The identity that logs in.
#[derive(Debug)]
pub(crate) enum Identity {
    Managed(ManagedIdentity),
    Application(Application),
    Cli(CliLogin),
}

/// A managed identity of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManagedIdentity {
    SystemAssigned,
    ClientId(String),
    ResourceId(String),
}

/// An application of a tenant.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) authority: Url,
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) proof: Proof,
}

/// The proof of an application's identity.
#[derive(Debug)]
pub(crate) enum Proof {
    Secret(SecretString),
    /// The content of the token file.
    Token(SecretString),
}

impl Settings {
    /// Reads the variables and files.
    ///
    /// # Errors
    /// Returns an error if the login is not supported, or if a setting that it needs is missing or not valid.
    pub(crate) async fn read(
        options: &AksOptions,
        precedence: Precedence,
        origin: &Origin,
        host: &Host,
    ) -> Result<Self> {
        let fields = Fields {
            options,
            precedence,
            origin,
            host,
        };
        let login = fields.login()?;
        let identity = match login {
            Login::ManagedIdentity => Identity::Managed(fields.managed_identity()?),
            Login::WorkloadIdentity | Login::ServicePrincipal => {
                Identity::Application(fields.application(login).await?)
            }
            Login::AzureCli => Identity::Cli(fields.cli()?),
        };
        Ok(Self {
            login,
            scope: scope(options.server_id.as_deref().unwrap_or(AKS)),
            identity,
        })
    }
}

/// The login that the options and variables choose.
///
/// # Errors
/// Returns an error if the login is not supported.
pub(crate) fn login(
    options: &AksOptions,
    precedence: Precedence,
    origin: &Origin,
    host: &Host,
) -> Result<Login> {
    let fields = Fields {
        options,
        precedence,
        origin,
        host,
    };
    fields.login()
}

/// The scope of the request to Microsoft Entra. Like kubelogin, it is derived from the server's id.
fn scope(server_id: &str) -> String {
    let server_id = server_id.trim_end_matches('/');
    if server_id.ends_with("/.default") {
        return server_id.to_owned();
    }
    format!("{server_id}/.default")
}

/// Checks one text of the options by its name.
///
/// # Errors
/// `InvalidValue`. The value is not shown.
pub(crate) fn check_text(key: &str, text: &str) -> Result<()> {
    match key {
        "environment" => return authority_of_cloud(text).map(drop),
        "authority-host" => return parse_authority(text).map(drop),
        _ => {}
    }
    let (is_allowed, help): (fn(u8) -> bool, _) = match key {
        "tenant-id" => (
            |byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte),
            "set it to the id of the tenant, or to one of its domains",
        ),
        "identity-resource-id" => (
            |byte| byte.is_ascii_graphic(),
            "write it as /subscriptions/.../userAssignedIdentities/NAME",
        ),
        // What the Azure SDK passes to the Azure CLI.
        "subscription" => (
            |byte| byte.is_ascii_alphanumeric() || b".-_ ".contains(&byte),
            "set it to the id of the subscription",
        ),
        _ => (
            |byte| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte),
            "write it as 00000000-0000-0000-0000-000000000000",
        ),
    };
    // A program would read one that begins with a dash as an option.
    let names_something = text.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && !text.starts_with('-')
        && !text.contains("..");
    if names_something && text.len() <= 1024 && text.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidValue,
        "the value contains a character that is not allowed in an id",
    )
    .with_help(help))
}

/// The options with the variables that stand for them.
struct Fields<'a> {
    options: &'a AksOptions,
    precedence: Precedence,
    origin: &'a Origin,
    host: &'a Host,
}

/// A text with the place that it is set at.
type Found = Option<(String, Origin)>;

impl Fields<'_> {
    fn variable(&self, name: &str) -> Result<Found> {
        let value = self.host.environment().unicode(name)?;
        Ok(value.map(|value| (value, Origin::variable(name))))
    }

    /// The first of these variables that is set.
    fn variables(&self, names: &[&str]) -> Result<Found> {
        for name in names {
            if let Some(found) = self.variable(name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The option or the variables, in the order of the precedence.
    fn find(&self, option: Option<String>, names: &[&str]) -> Result<Found> {
        let option = option.map(|text| (text, self.origin.clone()));
        Ok(match self.precedence {
            Precedence::Options if option.is_some() => option,
            Precedence::Options => self.variables(names)?,
            Precedence::Variables => self.variables(names)?.or(option),
        })
    }

    /// An id that is needed.
    fn id(&self, key: &str, option: Option<&String>, names: &[&str]) -> Result<String> {
        let Some((id, origin)) = self.find(option.cloned(), names)? else {
            return Err(self.missing(key, names));
        };
        check_text(key, &id).map_err(|error| error.with_origin(&origin))?;
        Ok(id)
    }

    fn missing(&self, key: &str, names: &[&str]) -> Error {
        let name = names.first().copied().unwrap_or_default();
        Error::new(ErrorKind::MissingField, format_args!("\"{key}\" is not set"))
            .with_origin(self.origin)
            .with_help(format_args!("set \"{key}\", or the variable {name}"))
    }

    fn login(&self) -> Result<Login> {
        let option = self.options.login.clone();
        let found = match self.precedence {
            // The variable does not choose the login of a source.
            Precedence::Options => None,
            Precedence::Variables => self.variable(LOGIN)?,
        };
        let (name, origin) = found.unwrap_or((option, self.origin.clone()));
        Login::from_name(&name).map_err(|error| error.with_origin(&origin))
    }

    fn managed_identity(&self) -> Result<ManagedIdentity> {
        let place = Place::find(self.host)?;
        if let (Some(resource), Precedence::Options) = (&self.options.identity_resource_id, self.precedence) {
            return resource_id(resource, place).map_err(|error| error.with_origin(self.origin));
        }
        let client = self.find(self.options.client_id.clone(), &CLIENT_ID)?;
        match (client, &self.options.identity_resource_id) {
            (Some((client, origin)), None) => {
                check_text("client-id", &client).map_err(|error| error.with_origin(&origin))?;
                Ok(ManagedIdentity::ClientId(client))
            }
            (None, Some(resource)) => {
                resource_id(resource, place).map_err(|error| error.with_origin(self.origin))
            }
            (None, None) => Ok(ManagedIdentity::SystemAssigned),
            (Some((_, origin)), Some(_)) => Err(Error::new(
                ErrorKind::ConflictingFields,
                "both a client id and a resource id name the managed identity",
            )
            .with_origin(&origin)
            .with_help("set only one of them")),
        }
    }

    /// A subscription belongs to one tenant, so only a tenant of the configuration contradicts it.
    fn cli(&self) -> Result<CliLogin> {
        let subscription = self.options.subscription.clone();
        let tenant = match (&subscription, self.precedence) {
            (Some(_), Precedence::Options) => None,
            _ => self.find(self.options.tenant_id.clone(), &TENANT_ID)?,
        };
        if let Some((tenant, origin)) = &tenant {
            check_text("tenant-id", tenant).map_err(|error| error.with_origin(origin))?;
        }
        Ok(CliLogin {
            tenant: tenant.map(|(tenant, _)| tenant),
            subscription,
        })
    }

    async fn application(&self, login: Login) -> Result<Application> {
        Ok(Application {
            tenant: self.id("tenant-id", self.options.tenant_id.as_ref(), &TENANT_ID)?,
            client: self.id("client-id", self.options.client_id.as_ref(), &CLIENT_ID)?,
            authority: self.authority()?,
            proof: match login {
                Login::WorkloadIdentity => Proof::Token(self.token().await?),
                _ => Proof::Secret(self.secret()?),
            },
        })
    }

    /// The address of Microsoft Entra.
    fn authority(&self) -> Result<Url> {
        let option = |option: &Option<String>| option.clone().map(|text| (text, self.origin.clone()));
        let by_option = (
            option(&self.options.authority_host),
            option(&self.options.environment),
        );
        let by_variable = (self.variable(AUTHORITY)?, self.variable(CLOUD)?);
        let (address, cloud) = match self.precedence {
            // A call with AZURE_ENVIRONMENT is not served, because kubelogin reads more clouds from it.
            Precedence::Variables => (by_variable.0.or(by_option.0), by_option.1),
            // A cloud that the configuration names is not another one because of a variable.
            Precedence::Options if by_option.0.is_some() || by_option.1.is_some() => by_option,
            Precedence::Options => by_variable,
        };
        if let Some((address, origin)) = address {
            return parse_authority(&address).map_err(|error| error.with_origin(&origin));
        }
        let address = match cloud {
            Some((cloud, origin)) => {
                authority_of_cloud(&cloud).map_err(|error| error.with_origin(&origin))?
            }
            None => default_authority(),
        };
        parse_authority(address)
    }

    fn secret(&self) -> Result<SecretString> {
        let option = self.options.client_secret.as_ref();
        let option = option.filter(|secret| !secret.expose_secret().is_empty());
        if let (Some(secret), Precedence::Options) = (option, self.precedence) {
            return Ok(secret.clone());
        }
        let found = self.variables(&CLIENT_SECRET)?;
        let found = found.map(|(secret, _)| SecretString::from(secret));
        let found = found.or_else(|| option.cloned());
        found.ok_or_else(|| self.missing("client-secret", &CLIENT_SECRET))
    }

    /// The token that is exchanged. Kubernetes renews its file, so it is read for each fetch.
    async fn token(&self) -> Result<SecretString> {
        let key = "federated-token-file";
        if let Some((_, origin)) = self.variable(TOKEN_PROXY)? {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format_args!(
                    "the variable {TOKEN_PROXY} names a token proxy, which the Azure SDK does not support"
                ),
            )
            .with_origin(&origin)
            .with_help("use `kubelogin get-token` with the provider exec"));
        }
        let option = self.options.federated_token_file.as_ref();
        let option = option.map(|path| path.to_string_lossy().into_owned());
        let path = self.find(option.filter(|path| !path.is_empty()), &TOKEN_FILE)?;
        let Some((path, origin)) = path else {
            return Err(self.missing(key, &TOKEN_FILE));
        };
        check_path(key, &path, &origin)?;
        let path = PathBuf::from(path);
        let content = self.host.files().read(&path, LARGEST_FILE).await;
        let content = content
            .map_err(|error| Error::unreadable("the federated token", &path, error).with_origin(&origin))?;
        let text = std::str::from_utf8(content.expose_secret())
            .unwrap_or_default()
            .trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                ErrorKind::InvalidToken,
                "the federated token file does not contain a token",
            )
            .with_origin(&Origin::file(&path))
            .with_help("check what writes it"));
        }
        Ok(text.into())
    }
}

fn resource_id(id: &str, place: Place) -> Result<ManagedIdentity> {
    check_text("identity-resource-id", id)?;
    if place == Place::AppService {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "App Service finds a managed identity by its client id, and not by its resource id",
        )
        .with_help("set \"client-id\" in place of \"identity-resource-id\""));
    }
    Ok(ManagedIdentity::ResourceId(id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_that_of_kubelogin() {
        assert_eq!(scope(AKS), "6dae42f8-4368-4678-94ff-3960e28e3630/.default");
        assert_eq!(scope("api://mine/"), "api://mine/.default");
        assert_eq!(scope("api://mine/.default"), "api://mine/.default");
    }

    #[test]
    fn an_id_that_could_mean_something_else_is_refused() {
        for (key, text) in [
            ("tenant-id", "contoso.example"),
            ("tenant-id", "00000000-0000-0000-0000-000000000000"),
            ("client-id", "00000000-0000-0000-0000-000000000000"),
            ("server-id", "api://mine"),
            ("subscription", "Team A 1.0"),
            ("identity-resource-id", "/subscriptions/s/resourceGroups/g/x"),
        ] {
            assert!(check_text(key, text).is_ok(), "{key} {text}");
        }
        for (key, text) in [
            ("tenant-id", "a/../b"),
            ("tenant-id", ".."),
            ("server-id", "/"),
            ("tenant-id", "a?b"),
            ("tenant-id", "-o"),
            ("server-id", "--debug"),
            ("subscription", "-x"),
            ("subscription", "a\"b"),
            ("subscription", "$(id)"),
            ("tenant-id", ""),
            ("client-id", "a b"),
            ("client-id", "a&b"),
            ("server-id", "a\nb"),
            ("identity-resource-id", "a b"),
            ("client-id", &"a".repeat(1025)),
        ] {
            let error = check_text(key, text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{key}");
        }
    }
}
