//! The definition of a member in an input: the data that the member is resolved from.

use std::fmt;

use kubex_core::options::Value;
use kubex_core::text::{sanitize_line, shown_key};
use kubex_core::{
    CredentialProvider as _, Error, ErrorKind, Host, Origin, Registry, ResolveRequest, ResolvedSource, Result,
};
use kubex_kubeconfig::{ContextProvider, KubeconfigProvider};

use crate::access_provider::AccessProviders;
use crate::fields::Fields;
use crate::secret::{Flavor, Secret};
use crate::{argo, cluster_profile};

/// The permissions of the objects of an input.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) registry: Registry,
    /// Whether the rules for plugins are an allowlist, so that an object may name a plugin.
    pub(crate) has_allowlist: bool,
    /// The variables that a `ClusterProfile` may set, beyond the harmless ones.
    pub(crate) profile_variables: Vec<String>,
    /// Whether a Secret may use the program's own AWS credentials.
    pub(crate) allows_aws: bool,
}

impl Rules {
    pub(crate) fn has_provider(&self, name: &str) -> bool {
        self.registry.get(name).is_ok()
    }

    /// Refuses a plugin that an object names, unless the rules for plugins are an allowlist.
    pub(crate) fn require_an_allowlist(&self, what: &str, origin: &Origin) -> Result<()> {
        if self.has_allowlist {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Refused,
            format_args!("{what} names a plugin, and there is no plugin allowlist"),
        )
        .with_origin(origin)
        .with_help("set a plugin policy with an allowlist of the plugins that a hub may use"))
    }
}

/// The definition of a member.
pub(crate) enum Definition {
    /// A context of a kubeconfig of the user.
    Context(ContextProvider),
    /// A kubeconfig in a Secret.
    Kubeconfig(Box<KubeconfigProvider>, Origin),
    /// A Secret of Argo CD.
    Argo(Value),
    /// A `ClusterProfile`.
    Profile(Value),
    /// An object that describes a cluster, but is broken.
    Broken(Error),
}

impl Definition {
    /// The cluster and the identity as data.
    pub(crate) async fn answer(
        &self,
        rules: &Rules,
        providers: &AccessProviders,
        host: &Host,
    ) -> Result<ResolvedSource> {
        match self {
            Self::Context(provider) => provider.resolve(ResolveRequest::new(host)).await,
            Self::Kubeconfig(provider, origin) => {
                let answer = provider.resolve(ResolveRequest::new(host)).await;
                answer.map_err(|error| of_a_hub(error, rules, origin))
            }
            Self::Argo(object) => argo::answer(Secret::new(Fields::new(object)?), object.origin(), rules),
            Self::Profile(object) => cluster_profile::answer(Fields::new(object)?, providers, rules),
            Self::Broken(error) => Err(error.clone()),
        }
    }
}

/// The error of a kubeconfig in a Secret. Its help is for the owner of the program, because only that person can permit what is
/// refused.
fn of_a_hub(error: Error, rules: &Rules, origin: &Origin) -> Error {
    if error.kind() != ErrorKind::Refused {
        return error;
    }
    let keys = error.origin().map_or("", Origin::keys);
    if keys.ends_with("exec") && !rules.has_allowlist {
        return rules
            .require_an_allowlist("the kubeconfig in a Secret", origin)
            .err()
            .unwrap_or(error);
    }
    error.with_help(
        "write the data itself into the kubeconfig, as in \"certificate-authority-data\" or \"token\"",
    )
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Context(_) => "Context",
            Self::Kubeconfig(..) => "Kubeconfig",
            Self::Argo(_) => "Argo",
            Self::Profile(_) => "Profile",
            Self::Broken(_) => "Broken",
        })
    }
}

/// A member that an object defines: its name within the input, and its definition. `None` if the object does not describe a
/// cluster.
///
/// # Errors
/// Returns an error if the object has no valid name. The error is then a problem of the input.
pub(crate) fn of_object(object: Value, rules: &Rules) -> Result<Option<(String, Definition)>> {
    let fields = Fields::new(&object)?;
    let kind = fields.str("kind")?.unwrap_or_default();
    let version = fields.str("apiVersion")?.unwrap_or_default();
    let is_profile = kind == "ClusterProfile" && version == cluster_profile::API_VERSION;
    let is_secret = kind == "Secret" && version == "v1";
    if !is_profile && !is_secret {
        return Ok(None);
    }
    let name = Name::new(fields)?;
    if is_profile {
        let path = name.path("clusterprofiles");
        return Ok(Some((path, Definition::Profile(kept(object, &["status"])))));
    }
    let secret = Secret::new(fields);
    let definition = match secret.flavor(&name.name) {
        Ok(None) => return Ok(None),
        Ok(Some(Flavor::Kubeconfig(key))) => kubeconfig(secret, key, &name, rules),
        Ok(Some(Flavor::Argo)) => Ok(Definition::Argo(kept(object, &["data", "stringData"]))),
        Err(error) => Err(error),
    };
    let path = name.path("secrets");
    Ok(Some((path, definition.unwrap_or_else(Definition::Broken))))
}

fn kubeconfig(secret: Secret<'_>, key: &str, name: &Name, rules: &Rules) -> Result<Definition> {
    let (bytes, origin) = secret.required(key)?;
    let shown = format!("the Secret {}/{}, {key}", name.namespace, name.name);
    let mut provider = KubeconfigProvider::from_bytes(&shown, bytes);
    if rules.has_allowlist {
        provider = provider.untrusted_plugins();
    }
    Ok(Definition::Kubeconfig(Box::new(provider), origin))
}

/// The object with only these of its fields.
fn kept(object: Value, keys: &[&str]) -> Value {
    let origin = object.origin().clone();
    let mut fields = Vec::with_capacity(keys.len());
    if let kubex_core::options::ValueKind::Mapping(entries) = object.into_kind() {
        fields.extend(
            entries
                .into_iter()
                .filter(|(key, _)| keys.contains(&key.as_str())),
        );
    }
    fields.shrink_to_fit();
    Value::new(fields, origin)
}

/// The namespace and the name of an object.
pub(crate) struct Name {
    namespace: String,
    name: String,
}

/// The longest name of an object.
const LONGEST_NAME: usize = 253;

impl Name {
    fn new(object: Fields<'_>) -> Result<Self> {
        let metadata = object
            .fields("metadata")?
            .ok_or_else(|| object.missing("metadata"))?;
        let name = metadata.required("name")?;
        let namespace = metadata.str("namespace")?.unwrap_or("default");
        let parts = Self::from_parts(namespace, name.as_str().unwrap_or_default());
        parts.map_err(|error| error.with_origin(name.origin()))
    }

    /// The name of an object, if it consists of characters that the API server permits.
    pub(crate) fn from_parts(namespace: &str, name: &str) -> Result<Self> {
        for part in [namespace, name] {
            let is_plain = part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if part.is_empty() || part.len() > LONGEST_NAME || !is_plain {
                let shown: String = sanitize_line(&shown_key(part)).chars().take(64).collect();
                return Err(Error::new(
                    ErrorKind::InvalidValue,
                    format_args!("\"{shown}\" is not a valid name of an object"),
                )
                .with_help("use letters, digits, \"-\" and \".\", at most 253"));
            }
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The name of the member within its input.
    pub(crate) fn path(&self, kind: &str) -> String {
        format!("{kind}/{}/{}", self.namespace, self.name)
    }
}
