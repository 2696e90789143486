//! Which cluster, which user and which namespace: what the context names, or the options in its place.

use kubex_core::options::Value;
use kubex_core::{Error, ErrorKind, Options, Origin, Result};

use crate::fields::Fields;
use crate::merge::{Entry, Kubeconfig, find};
use crate::options::KubeconfigOptions;

/// What the kubeconfig says of the chosen context.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) cluster: Fields,
    /// `None` where the context names no user.
    pub(crate) user: Option<Fields>,
    pub(crate) namespace: Option<Value>,
    /// The context, or the cluster where there is no context.
    pub(crate) origin: Origin,
}

/// Finds the entries. `written` knows where the options were written down.
pub(crate) fn select(
    kubeconfig: &Kubeconfig,
    options: &KubeconfigOptions,
    written: &Options,
) -> Result<Selection> {
    let context = context(kubeconfig, options, written)?;
    let named = |option: Option<&String>, key: &str| -> Result<Option<(String, Origin)>> {
        if let Some(name) = set(option) {
            return Ok(Some((name.to_owned(), written.origin_of(key))));
        }
        let Some(context) = &context else { return Ok(None) };
        Ok(context
            .text(key)?
            .map(|name| (name.to_owned(), context.origin_of(key))))
    };
    let Some((name, origin)) = named(options.cluster.as_ref(), "cluster")? else {
        let origin = context.map_or_else(
            || written.origin_of("cluster"),
            |context| context.origin_of("cluster"),
        );
        return Err(
            Error::new(ErrorKind::MissingCluster, "the context names no cluster")
                .at(&origin)
                .advise("set \"cluster\" to one of the clusters"),
        );
    };
    let cluster = find(
        &kubeconfig.clusters,
        &name,
        ErrorKind::MissingCluster,
        "cluster",
        &origin,
    )?
    .fields()?;
    let user = named(options.user.as_ref(), "user")?
        .map(|(name, origin)| find(&kubeconfig.users, &name, ErrorKind::MissingUser, "user", &origin))
        .transpose()?
        .map(Entry::fields)
        .transpose()?;
    let namespace =
        named(options.namespace.as_ref(), "namespace")?.map(|(name, origin)| Value::new(name, origin));
    let origin = context
        .as_ref()
        .map_or_else(|| cluster.origin(), Fields::origin)
        .clone();
    Ok(Selection {
        cluster,
        user,
        namespace,
        origin,
    })
}

/// The chosen context. None need be chosen where the options name a cluster themselves.
fn context(
    kubeconfig: &Kubeconfig,
    options: &KubeconfigOptions,
    written: &Options,
) -> Result<Option<Fields>> {
    let chosen = match (set(options.context.as_ref()), &kubeconfig.current_context) {
        (Some(name), _) => Some((name, written.origin_of("context"))),
        (None, Some((name, origin))) => Some((name.as_str(), origin.clone())),
        (None, None) => None,
    };
    match chosen {
        Some((name, origin)) => {
            let entry = find(
                &kubeconfig.contexts,
                name,
                ErrorKind::MissingContext,
                "context",
                &origin,
            )?;
            entry.fields().map(Some)
        }
        None if set(options.cluster.as_ref()).is_some() => Ok(None),
        None => {
            let origin = kubeconfig.origins.first().cloned().unwrap_or_else(Origin::code);
            Err(
                Error::new(ErrorKind::MissingContext, "the kubeconfig chooses no context")
                    .at(&origin.key("current-context"))
                    .advise("set \"current-context\" to one of its contexts"),
            )
        }
    }
}

/// An option that is there and not empty.
fn set(option: Option<&String>) -> Option<&str> {
    option.map(String::as_str).filter(|text| !text.is_empty())
}
