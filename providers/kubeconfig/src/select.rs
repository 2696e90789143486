//! Selects the cluster, the user and the namespace, by the context and by the options.

use kubex_core::error::Problems;
use kubex_core::options::Value;
use kubex_core::{Error, ErrorKind, Options, Origin, Result, Warning};

use crate::cluster::named_extensions;
use crate::entry::{Entries, Entry};
use crate::mapping::Mapping;
use crate::merge::Merged;
use crate::options::KubeconfigOptions;

/// The selected context, with its cluster and its user.
#[derive(Debug)]
pub(crate) struct Selection<'m> {
    /// `None` only if it is missing, which was recorded as a problem.
    pub(crate) cluster: Option<Mapping<'m>>,
    /// `None` if the context names no user, or if the user is missing, which was recorded as a problem.
    pub(crate) user: Option<Mapping<'m>>,
    /// The name of that user.
    pub(crate) user_name: &'m str,
    pub(crate) namespace: Option<Value>,
    /// The origin of the selection, if a context was selected.
    pub(crate) chosen_at: Option<Origin>,
    /// The name of that context.
    pub(crate) context: Option<&'m str>,
    /// The cluster and the user that are selected by name: the field, the name, and where it is set.
    pub(crate) named: Vec<(&'static str, &'m str, Origin)>,
    /// The context, or the cluster if there is no context.
    pub(crate) origin: Origin,
    /// Warnings about keys of these entries that resemble a field.
    pub(crate) warnings: Vec<Warning>,
}

/// Finds the entries. `written` contains the origins of the options.
///
/// Problems of the cluster and of the user are collected, so that the error contains both.
pub(crate) fn select<'m>(
    merged: &'m Merged,
    options: &'m KubeconfigOptions,
    written: &Options,
    followed: Option<&'m str>,
    problems: &mut Problems,
) -> Result<Selection<'m>> {
    let mut warnings = Vec::new();
    let mut read = |entry: &'m Entry| -> Result<Mapping<'m>> {
        let fields = entry.fields()?;
        warnings.append(&mut entry.warnings(&fields)?);
        Ok(fields)
    };
    let mut unnamed = Vec::new();
    let chosen = chosen(merged, options, written, followed)?;
    if let Some((name, _)) = &chosen
        && name.is_empty()
    {
        unnamed.extend(merged.contexts.get(""));
    }
    let context = match &chosen {
        Some((name, origin)) => Some(read(merged.contexts.find(name, origin)?)?),
        None => None,
    };
    if let Some(context) = &context {
        problems.take(named_extensions(context));
    }
    let named = |option: Option<&'m String>, key: &str| -> Result<Option<(&'m str, Origin)>> {
        if let Some(name) = set(option) {
            return Ok(Some((name, written.origin_of(key))));
        }
        let Some(context) = &context else { return Ok(None) };
        Ok(context.text(key)?.map(|name| (name, context.origin_of(key))))
    };
    let mut found_by_name = Vec::new();
    // Without a name, the entry without a name is used, if there is one.
    let mut find = |key, entries: &'m Entries, named: Option<(&'m str, Origin)>| -> Result<_> {
        if let Some((name, origin)) = named {
            let entry = entries.find(name, &origin)?;
            found_by_name.push((key, name, origin));
            return Ok(Some(entry));
        }
        let entry = entries.get("");
        unnamed.extend(entry);
        Ok(entry)
    };
    let cluster = named(options.cluster.as_ref(), "cluster").and_then(|named| {
        match find("cluster", &merged.clusters, named)? {
            Some(entry) => read(entry),
            None => Err(names_no_cluster(context.as_ref(), written)),
        }
    });
    let cluster = problems.take(cluster);
    let user = named(options.user.as_ref(), "user").and_then(|named| {
        find("user", &merged.users, named)?
            .map(|entry| Ok((read(entry)?, entry.name())))
            .transpose()
    });
    let (user, user_name) = problems.take(user).flatten().unzip();
    let namespace = problems
        .take(named(options.namespace.as_ref(), "namespace"))
        .flatten();
    warnings.extend(unnamed.into_iter().map(Entry::unnamed));
    let origin = context
        .as_ref()
        .or(cluster.as_ref())
        .map_or_else(Origin::code, |fields| fields.origin().clone());
    Ok(Selection {
        cluster,
        user,
        user_name: user_name.unwrap_or_default(),
        namespace: namespace.map(|(name, origin)| Value::new(name, origin)),
        context: chosen.as_ref().map(|(name, _)| *name),
        chosen_at: chosen.map(|(_, origin)| origin),
        named: found_by_name,
        origin,
        warnings,
    })
}

/// The name of the context, and what selected it. `followed` is the one that was current when the kubeconfig was resolved
/// first. A context is not required if the options name a cluster.
fn chosen<'a>(
    merged: &'a Merged,
    options: &'a KubeconfigOptions,
    written: &Options,
    followed: Option<&'a str>,
) -> Result<Option<(&'a str, Origin)>> {
    if let Some(name) = set(options.context.as_ref()) {
        return Ok(Some((name, written.origin_of("context"))));
    }
    if let Some(name) = followed {
        let origin = match &merged.current_context {
            Some((current, origin)) if current == name => origin.clone(),
            _ => merged.contexts.get(name).map_or_else(Origin::code, Entry::origin),
        };
        return Ok(Some((name, origin)));
    }
    if let Some((name, origin)) = &merged.current_context {
        return Ok(Some((name, origin.clone())));
    }
    // kubectl looks up the empty name.
    if let Some(entry) = merged.contexts.get("") {
        return Ok(Some(("", entry.origin())));
    }
    if set(options.cluster.as_ref()).is_some() {
        return Ok(None);
    }
    let origin = merged.origins.first().cloned().unwrap_or_else(Origin::code);
    if merged.contexts.is_empty() {
        return Err(
            Error::new(ErrorKind::MissingContext, "the kubeconfig contains no context")
                .with_origin(&origin.key("contexts"))
                .with_help("add one with: kubectl config set-context NAME --cluster=CLUSTER --user=USER"),
        );
    }
    Err(
        Error::new(ErrorKind::MissingContext, "the kubeconfig selects no context")
            .with_origin(&origin.key("current-context"))
            .with_help("set \"current-context\" to one of its contexts"),
    )
}

fn names_no_cluster(context: Option<&Mapping<'_>>, written: &Options) -> Error {
    let origin = context.map_or_else(
        || written.origin_of("cluster"),
        |context| context.origin_of("cluster"),
    );
    Error::new(ErrorKind::MissingCluster, "the context names no cluster")
        .with_origin(&origin)
        .with_help("set \"cluster\" to one of the clusters")
}

/// An option that is set and not empty.
fn set(option: Option<&String>) -> Option<&str> {
    option.map(String::as_str).filter(|text| !text.is_empty())
}
