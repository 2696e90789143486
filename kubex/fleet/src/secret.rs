//! Secrets that describe clusters.
//!
//! | Secret | recognized by | key |
//! |---|---|---|
//! | Cluster API | type `cluster.x-k8s.io/secret`, name `CLUSTER-kubeconfig` | `value`, a kubeconfig |
//! | Argo CD | label `argocd.argoproj.io/secret-type: cluster` | `name`, `server`, `config`; see [`argo`](crate::argo) |
//! | multicluster-runtime | label `sigs.k8s.io/multicluster-runtime-kubeconfig: "true"` | `kubeconfig` |
//!
//! Other Secrets are not members.

use kubex_core::options::Value;
use kubex_core::{Error, ErrorKind, ExposeSecret as _, Origin, Result, SecretBytes};

use crate::fields::{Fields, decoded, text};
use crate::limits::{self, exceeded};

/// The kind of a Secret that describes a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// A kubeconfig is in this key.
    Kubeconfig(&'static str),
    Argo,
}

/// The type of the Secrets of Cluster API.
const CLUSTER_API: &str = "cluster.x-k8s.io/secret";

/// A Secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret<'v>(Fields<'v>);

impl<'v> Secret<'v> {
    pub(crate) fn new(object: Fields<'v>) -> Self {
        Self(object)
    }

    /// The way in which the Secret describes a cluster; `None` if it does not describe one.
    pub(crate) fn flavor(self, name: &str) -> Result<Option<Flavor>> {
        let metadata = self.0.fields("metadata")?;
        let labels = metadata.map_or(Ok(None), |metadata| metadata.fields("labels"))?;
        let label = |key| labels.map_or(Ok(None), |labels| labels.str(key));
        if label("argocd.argoproj.io/secret-type")? == Some("cluster") {
            return Ok(Some(Flavor::Argo));
        }
        if label("sigs.k8s.io/multicluster-runtime-kubeconfig")? == Some("true") {
            return Ok(Some(Flavor::Kubeconfig("kubeconfig")));
        }
        // The Secrets with the certificates of the control plane have the same type.
        let is_cluster_api = self.0.str("type")? == Some(CLUSTER_API) && name.ends_with("-kubeconfig");
        Ok(is_cluster_api.then_some(Flavor::Kubeconfig("value")))
    }

    /// The content of a key: `stringData`, otherwise `data`, decoded.
    pub(crate) fn get(self, key: &str) -> Result<Option<(SecretBytes, Origin)>> {
        if let Some(written) = self.0.fields("stringData")?
            && let Some(value) = written.text(key)?
        {
            let bytes = value.as_str().unwrap_or_default().as_bytes().to_vec();
            return bounded(bytes.into(), value).map(Some);
        }
        let Some(data) = self.0.fields("data")? else {
            return Ok(None);
        };
        let Some(value) = data.get(key).map(text).transpose()? else {
            return Ok(None);
        };
        bounded(decoded(value, key)?, value).map(Some)
    }

    /// The content of a key that must be there and not empty.
    pub(crate) fn required(self, key: &str) -> Result<(SecretBytes, Origin)> {
        let found = self.get(key)?;
        found
            .filter(|(bytes, _)| !bytes.expose_secret().is_empty())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::MissingField,
                    format_args!("the Secret has no key \"{key}\" with content"),
                )
                .with_origin(&self.0.origin().clone().key("data").key(key))
                .with_help(format_args!("add the key \"{key}\""))
            })
    }

    /// The text of a key.
    pub(crate) fn text(self, key: &str) -> Result<Option<Value>> {
        let Some((bytes, origin)) = self.get(key)? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes.expose_secret()).map_err(|_| {
            Error::new(
                ErrorKind::InvalidValue,
                format_args!("\"{key}\" is not text in UTF-8"),
            )
            .with_origin(&origin)
            .with_help("encode a text")
        })?;
        let value = Value::new(text.trim(), origin);
        Ok(Some(value).filter(|value| !value.is_blank()))
    }
}

fn bounded(bytes: SecretBytes, value: &Value) -> Result<(SecretBytes, Origin)> {
    let origin = value.origin().clone();
    if bytes.expose_secret().len() > limits::OBJECT {
        let error = exceeded("the content is longer", limits::OBJECT, "bytes");
        return Err(error.with_origin(&origin));
    }
    Ok((bytes, origin))
}
