//! `ClusterProfiles` (KEP-4322, `multicluster.x-k8s.io/v1alpha1`): a cluster that another program describes, and a plugin that
//! the owner of this program chooses.
//!
//! | field | rule |
//! |---|---|
//! | `status.accessProviders[]`: `name`, `cluster` | the first access provider in the program's file that the profile also names |
//! | `status.credentialProviders[]` | deprecated; an access provider of the same name wins |
//! | `cluster` | the fields of a kubeconfig's cluster; a file is refused |
//! | extension `client.authentication.k8s.io/exec` | given to the plugin, as the cluster's `config` |
//! | extension `clusterprofiles.multicluster.x-k8s.io/exec/additional-args` | added, if the program's own file says so |
//! | extension `clusterprofiles.multicluster.x-k8s.io/exec/additional-envs` | added, if the program's own file says so: regions, profiles and proxies, and those that the program [allows](crate::Input::profile_variables) |

use kubex_core::host::HARMLESS_VARIABLES;
use kubex_core::options::Value;
use kubex_core::text::shown_key;
use kubex_core::{Error, ErrorKind, Identity, Options, Origin, ResolvedSource, Result};

use crate::access_provider::{AccessProvider, AccessProviders, VariablesPolicy};
use crate::definition::Rules;
use crate::fields::{Fields, text};
use crate::limits::{self, exceeded};

const ARGUMENTS: &str = "clusterprofiles.multicluster.x-k8s.io/exec/additional-args";
const VARIABLES: &str = "clusterprofiles.multicluster.x-k8s.io/exec/additional-envs";

/// The version of the API that is read, without its group.
pub(crate) const API_VERSION: &str = "multicluster.x-k8s.io/v1alpha1";

/// The cluster of a profile.
pub(crate) fn answer(
    profile: Fields<'_>,
    providers: &AccessProviders,
    rules: &Rules,
) -> Result<ResolvedSource> {
    let named = named_clusters(profile)?;
    let Some((provider, cluster)) = chosen(&named, providers) else {
        return Err(no_provider(profile, &named, providers));
    };
    let mut options = Options::with_origin(cluster.origin().clone());
    if let Some(value) = cluster.get("certificate-authority") {
        return Err(Error::new(
            ErrorKind::Refused,
            "a ClusterProfile names a file in \"certificate-authority\"",
        )
        .with_origin(value.origin())
        .with_help("write the certificates into \"certificate-authority-data\""));
    }
    options.insert("server", cluster.required("server")?.clone());
    let texts = ["tls-server-name", "certificate-authority-data", "proxy-url"];
    cluster.copy_texts(&mut options, &texts.map(|key| (key, key)))?;
    let flags = ["insecure-skip-tls-verify", "disable-compression"];
    cluster.copy_flags(&mut options, &flags.map(|key| (key, key)))?;
    let mut extensions: Vec<(String, Value)> = Vec::new();
    let (mut arguments, mut variables) = (Vec::new(), Vec::new());
    let items = cluster.list("extensions")?;
    if items.len() > limits::EXTENSIONS {
        let error = exceeded("the cluster has more", limits::EXTENSIONS, "extensions");
        return Err(error.with_origin(&cluster.origin_of("extensions")));
    }
    for item in items {
        let item = Fields::new(item)?;
        let name = item.str("name")?.unwrap_or_default();
        let Some(extension) = item.get("extension") else {
            continue;
        };
        if extensions.iter().any(|(other, _)| other == name) {
            return Err(Error::new(
                ErrorKind::DuplicateName,
                format_args!("two extensions have the same name \"{}\"", shown_key(name)),
            )
            .with_origin(item.origin())
            .with_help("rename or remove one of them"));
        }
        match name {
            ARGUMENTS => arguments = added_arguments(item)?,
            VARIABLES => variables = added_variables(item, provider, rules)?,
            _ => {}
        }
        extensions.push((name.to_owned(), extension.clone()));
    }
    let identity = Identity::named("exec", provider.options_with(&arguments, &variables));
    Ok(ResolvedSource::new(options)
        .extensions(extensions)
        .identity(identity))
}

/// The clusters of the profile by the name of the access provider.
fn named_clusters(profile: Fields<'_>) -> Result<Vec<(&str, Fields<'_>)>> {
    let mut named: Vec<(&str, Fields<'_>)> = Vec::new();
    let Some(status) = profile.fields("status")? else {
        return Ok(named);
    };
    for list in ["accessProviders", "credentialProviders"] {
        let mut of_this_list = Vec::new();
        for item in status.list(list)? {
            let item = Fields::new(item)?;
            let name = item.required("name")?.as_str().unwrap_or_default();
            let cluster = item.fields("cluster")?.ok_or_else(|| item.missing("cluster"))?;
            if named.iter().all(|(other, _)| *other != name) {
                of_this_list.push((name, cluster));
            }
        }
        named.append(&mut of_this_list);
        if named.len() > limits::ACCESS_PROVIDERS {
            let error = exceeded(
                "the profile has more",
                limits::ACCESS_PROVIDERS,
                "access providers",
            );
            return Err(error.with_origin(&status.origin_of(list)));
        }
    }
    Ok(named)
}

/// The first provider of the program's file that the profile also has.
fn chosen<'p, 'v>(
    named: &[(&str, Fields<'v>)],
    providers: &'p AccessProviders,
) -> Option<(&'p AccessProvider, Fields<'v>)> {
    providers.0.iter().find_map(|provider| {
        let found = named.iter().find(|(name, _)| *name == provider.name)?;
        Some((provider, found.1))
    })
}

fn no_provider(profile: Fields<'_>, named: &[(&str, Fields<'_>)], providers: &AccessProviders) -> Error {
    let origin = profile.origin().clone().key("status").key("accessProviders");
    if named.is_empty() {
        return Error::new(
            ErrorKind::MissingField,
            "the ClusterProfile has no access provider",
        )
        .with_origin(&origin)
        .with_help("wait until its cluster manager has written \"status.accessProviders\"");
    }
    let its: Vec<_> = named.iter().map(|(name, _)| shown_key(name)).collect();
    let own: Vec<_> = providers
        .0
        .iter()
        .map(|provider| shown_key(&provider.name))
        .collect();
    let own = if own.is_empty() {
        "none".to_owned()
    } else {
        own.join(", ")
    };
    Error::new(
        ErrorKind::UnknownProvider,
        format_args!(
            "the ClusterProfile has the access providers {}, and this program has {own}",
            its.join(", ")
        ),
    )
    .with_origin(&origin)
    .with_help("add one of them to the program's file of access providers")
}

fn added_arguments(item: Fields<'_>) -> Result<Vec<Value>> {
    let arguments: Vec<_> = item.texts("extension")?.into_iter().cloned().collect();
    check_amount(arguments.iter(), arguments.len(), &item.origin_of("extension"))?;
    Ok(arguments)
}

fn added_variables(
    item: Fields<'_>,
    provider: &AccessProvider,
    rules: &Rules,
) -> Result<Vec<(String, Value)>> {
    let mut variables = Vec::new();
    let Some(written) = item.fields("extension")? else {
        return Ok(variables);
    };
    for (name, value) in written.entries() {
        text(value)?;
        if provider.variables_policy != VariablesPolicy::Ignore && !is_allowed(name, rules) {
            return Err(Error::new(
                ErrorKind::Refused,
                format_args!(
                    "a ClusterProfile may not set the variable \"{}\"",
                    shown_key(name)
                ),
            )
            .with_origin(value.origin())
            .with_help("allow its name with profile_variables, if every author of profiles may set it"));
        }
        variables.push((name.to_owned(), value.clone()));
    }
    let values = variables.iter().map(|(_, value)| value);
    check_amount(values, variables.len(), &item.origin_of("extension"))?;
    Ok(variables)
}

fn is_allowed(name: &str, rules: &Rules) -> bool {
    let allowed = rules.profile_variables.iter().map(String::as_str);
    let mut allowed = allowed.chain(HARMLESS_VARIABLES.iter().copied());
    allowed.any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => !beginning.is_empty() && name.starts_with(beginning),
        None => name == pattern,
    })
}

fn check_amount<'v>(values: impl Iterator<Item = &'v Value>, amount: usize, origin: &Origin) -> Result<()> {
    if amount > limits::ADDED_TO_A_PLUGIN {
        let error = exceeded("the extension adds more", limits::ADDED_TO_A_PLUGIN, "values");
        return Err(error.with_origin(origin));
    }
    for value in values {
        if value.as_str().unwrap_or_default().len() > limits::ADDED_LENGTH {
            let error = exceeded("the value is longer", limits::ADDED_LENGTH, "bytes");
            return Err(error.with_origin(value.origin()));
        }
    }
    Ok(())
}
