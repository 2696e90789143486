//! A cluster entry, and what of the user's entry goes with it, as the core's cluster options.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::options::{ClusterOptions, Value, ValueKind};
use kubex_core::{Error, ErrorKind, Options, Result};
use zeroize::Zeroizing;

use crate::fields::Fields;

/// The cluster's options. The impersonation is the user's, and the namespace the context's.
pub(crate) fn options(
    cluster: &Fields,
    user: Option<&Fields>,
    namespace: Option<Value>,
) -> Result<ClusterOptions> {
    let mut options = Options::at(cluster.origin().clone());
    if !cluster.has("server") {
        return Err(Error::new(ErrorKind::MissingCluster, "the cluster has no server")
            .at(&cluster.origin_of("server"))
            .advise("set \"server\" to its address, https://host:port"));
    }
    cluster.copy_into(
        &mut options,
        &[
            ("server", "server"),
            ("certificate-authority-data", "certificate-authority-data"),
            ("tls-server-name", "tls-server-name"),
            ("proxy-url", "proxy-url"),
        ],
    )?;
    is_base64(cluster, "certificate-authority-data")?;
    cluster.copy_path_into(&mut options, "certificate-authority", "certificate-authority")?;
    for flag in ["insecure-skip-tls-verify", "disable-compression"] {
        if cluster.flag(flag)? {
            options.insert(flag, Value::new(true, cluster.origin_of(flag)));
        }
    }
    if let Some(namespace) = namespace {
        options.insert("namespace", namespace);
    }
    if let Some(user) = user {
        user.copy_into(&mut options, &[("as", "as"), ("as-uid", "as-uid")])?;
        user.texts("as-groups")?;
        for (_, values) in user.entries("as-user-extra")? {
            if !matches!(values.kind(), ValueKind::Sequence(_) | ValueKind::Null) {
                return Err(crate::fields::wrong_type(values, "a list"));
            }
        }
        for key in ["as-groups", "as-user-extra"] {
            if let Some(value) = user.get(key) {
                options.insert(key, value.clone());
            }
        }
    }
    ClusterOptions::take_from(&mut options)
}

/// Whether a `-data` field is base64, as a kubeconfig must have it; the core also takes PEM as it is.
pub(crate) fn is_base64(fields: &Fields, key: &str) -> Result<()> {
    let Some(text) = fields.text(key)? else {
        return Ok(());
    };
    let joined: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect());
    match BASE64_STANDARD.decode(joined.as_bytes()).map(Zeroizing::new) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(
            ErrorKind::InvalidBase64,
            format_args!("\"{key}\" is not valid base64"),
        )
        .at(&fields.origin_of(key))
        .advise("encode the PEM file with: base64 -w0")),
    }
}
