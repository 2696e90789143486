//! Recognizes other Kubernetes objects in place of a kubeconfig: a ConfigMap or a Secret that contains one, a List.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::text::clean_line;
use kubex_document::{Kind, Node};
use zeroize::Zeroizing;

/// The longest key that is shown.
const LONGEST_SHOWN: usize = 63;

/// The kinds that are shown. Another text may be a misplaced secret.
const KINDS: &[&str] = &[
    "Cluster",
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "ExecCredential",
    "Ingress",
    "InitConfiguration",
    "Job",
    "Kustomization",
    "List",
    "Namespace",
    "Node",
    "Pod",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
    "Status",
    "TokenRequest",
    "TokenReview",
];

/// The kind of an object, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OtherObject {
    pub(crate) message: String,
    pub(crate) help: String,
}

impl OtherObject {
    /// Describes an object of this kind with these top-level fields. `None` if the kind is not known.
    pub(crate) fn new<'d>(kind: &str, fields: impl Iterator<Item = (String, Node<'d>)>) -> Option<Self> {
        let kind = KINDS.iter().find(|known| **known == kind)?;
        let article = if kind.starts_with(['A', 'E', 'I', 'O', 'U']) {
            "an"
        } else {
            "a"
        };
        let message = format!("this is {article} {kind}, not a kubeconfig");
        let is_container = matches!(*kind, "ConfigMap" | "Secret");
        let found = fields
            .filter(|(field, _)| is_container && matches!(&**field, "data" | "stringData" | "binaryData"))
            .find_map(|(field, data)| Some((key_of_kubeconfig(&field, data)?, field)));
        let Some((key, field)) = found else {
            let help = if is_container {
                "save the document in its data as a file, and use that"
            } else {
                "name a file whose kind is Config, as kubectl config view --raw prints it"
            };
            return Some(Self {
                message,
                help: help.to_owned(),
            });
        };
        let is_encoded = field == "binaryData" || *kind == "Secret" && field == "data";
        let decode = if is_encoded { ", decoded from base64," } else { "" };
        Some(Self {
            message: format!("{message}; its key \"{key}\" in \"{field}\" contains one"),
            help: format!("save the value of \"{key}\"{decode} as a file, and use that"),
        })
    }
}

/// The key whose value is a kubeconfig.
fn key_of_kubeconfig(field: &str, data: Node<'_>) -> Option<String> {
    if data.kind() != Kind::Mapping {
        return None;
    }
    let found = data.entries().find(|(_, value)| {
        let text = value.as_str().unwrap_or_default();
        is_kubeconfig(text) || field != "stringData" && is_encoded_kubeconfig(text)
    });
    let (key, _) = found?;
    let key = key.name();
    let is_key = key.len() <= LONGEST_SHOWN
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_key.then(|| clean_line(&key).into_owned())
}

fn is_kubeconfig(text: &str) -> bool {
    text.contains("clusters:") || text.contains("\"clusters\"") || text.contains("kind: Config\n")
}

fn is_encoded_kubeconfig(text: &str) -> bool {
    let text: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    let decoded = BASE64_STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
    decoded.is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok_and(is_kubeconfig))
}
