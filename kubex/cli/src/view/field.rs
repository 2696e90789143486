//! The values of single fields.

use kubex::host::FileKind;
use kubex::text::shown_path;
use kubex::{ClientConfiguration, Host, Trust};

use super::trust::ca_digests;

/// The value of a field as it is used. `None` for what is or may be a secret: a path is shown if there is a file of that
/// name, because anything else in its place may be a secret. Of certificate authorities in a file, path and digest are shown.
pub(crate) async fn value_of(
    field: &str,
    configuration: &ClientConfiguration,
    host: &Host,
) -> Option<String> {
    let own = own_value_of(field, configuration);
    match (path_of(field, configuration, host).await, own) {
        (Some(path), Some(own)) => Some(format!("{path} ({own})")),
        (path, own) => path.or(own),
    }
}

/// The path in a field that names a file, if there is a file of that name.
pub(crate) async fn path_of(field: &str, configuration: &ClientConfiguration, host: &Host) -> Option<String> {
    let path = configuration.provenance().file_of(field)?;
    let is_there = matches!(host.files().kind(path).await, Ok(FileKind::Regular { .. }));
    is_there.then(|| shown_path(path).into_owned())
}

fn own_value_of(field: &str, configuration: &ClientConfiguration) -> Option<String> {
    let cluster = configuration.cluster();
    let impersonation = configuration.impersonation();
    match field {
        "server" => Some(cluster.server.to_string()),
        "certificate-authority" | "certificate-authority-data" => {
            Some(match ca_digests(&cluster.trust).as_slice() {
                [one] => format!("sha256 {}...", one.get(..16).unwrap_or(one)),
                several => format!("{} certificates", several.len()),
            })
        }
        "tls-server-name" => cluster.tls_server_name.clone(),
        "insecure-skip-tls-verify" => Some(matches!(cluster.trust, Trust::Insecure).to_string()),
        "proxy-url" => cluster.proxy.as_ref().map(ToString::to_string),
        "disable-compression" => Some(cluster.disable_compression.to_string()),
        "namespace" => Some(configuration.namespace().to_owned()),
        "as" => impersonation.map(|it| it.user.clone()),
        "as-uid" => impersonation.and_then(|it| it.uid.clone()),
        "as-groups" => impersonation.map(|it| it.groups.join(", ")),
        "as-user-extra" => impersonation.map(|it| {
            let extra = it.extra.iter();
            let extra = extra.map(|(key, values)| format!("{key}={}", values.join(", ")));
            extra.collect::<Vec<_>>().join(", ")
        }),
        _ => configuration.provenance().value_of(field).map(str::to_owned),
    }
}
