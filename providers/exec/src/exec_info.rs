//! Writes `KUBERNETES_EXEC_INFO`, the input of a plugin.
//!
//! The bytes are those of client-go (plugin/pkg/client/auth/exec/exec.go): compact JSON in the order of
//! its structs, escaped as by Go's encoder, and a line feed at the end.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::credentials::SharingKey;
use kubex_core::options::{Value, ValueKind};
use kubex_core::{Cluster, Proxy, SecretString, Trust};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::protocol::{ApiVersion, KIND};

/// The name of the variable.
pub(crate) const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// The extension of a cluster that is passed to its plugins.
const EXTENSION: &str = "client.authentication.k8s.io/exec";

#[derive(serde::Serialize)]
struct ExecInfo<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    spec: Spec<'a>,
}

#[derive(serde::Serialize)]
struct Spec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<SpecCluster<'a>>,
    interactive: bool,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum SpecCluster<'a> {
    Of(Box<ClusterInfo<'a>>),
    Received(&'a RawValue),
}

/// The cluster that a plugin receives.
#[derive(Clone, Copy)]
pub(crate) enum PassedCluster<'a> {
    None,
    Of(&'a Cluster),
    /// What the program that this one serves has passed, unchanged.
    Received(&'a RawValue),
}

#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterInfo<'a> {
    server: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    tls_server_name: &'a str,
    #[serde(skip_serializing_if = "is_off")]
    insecure_skip_tls_verify: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    certificate_authority_data: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    proxy_url: &'a str,
    #[serde(skip_serializing_if = "is_off")]
    disable_compression: bool,
    /// Always present: Go's encoder does not omit an empty struct.
    config: Option<Json<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_off(value: &bool) -> bool {
    !value
}

/// The variable's value. It is a secret because a proxy's URL may contain a password.
pub(crate) fn exec_info(
    version: ApiVersion,
    cluster: PassedCluster<'_>,
    is_interactive: bool,
) -> SecretString {
    let info = ExecInfo {
        kind: KIND,
        api_version: version.as_str(),
        spec: Spec {
            cluster: match cluster {
                PassedCluster::None => None,
                PassedCluster::Of(cluster) => Some(SpecCluster::Of(Box::new(whole_cluster_info(cluster)))),
                PassedCluster::Received(cluster) => Some(SpecCluster::Received(cluster)),
            },
            interactive: is_interactive,
        },
    };
    // This always serializes, because all keys are texts. A plugin treats an empty variable as unset.
    let json = Zeroizing::new(serde_json::to_string(&info).unwrap_or_default());
    let mut escaped = Zeroizing::new(String::with_capacity(json.len() + 64));
    for c in json.chars() {
        // These characters occur only within strings, where an escape means the same.
        match c {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            c => escaped.push(c),
        }
    }
    escaped.push('\n');
    SecretString::unlisted(escaped.as_str())
}

/// Adds everything that a plugin receives about a cluster to a sharing key.
pub(crate) fn add_to(key: SharingKey, cluster: &Cluster) -> SharingKey {
    // The CA bundle is most of the data. Its number will do: the handle of this key keeps the cluster, and so the bundle.
    let rest = cluster_info(cluster, String::new());
    let rest = Zeroizing::new(serde_json::to_string(&rest).unwrap_or_default());
    let bundle = match &cluster.trust {
        Trust::CaBundle(bundle) => bundle.number(),
        _ => 0,
    };
    key.with(rest.as_bytes()).with(bundle.to_le_bytes())
}

/// The field `spec.cluster` as JSON.
pub(crate) fn cluster_json(cluster: &Cluster) -> Option<serde_json::Value> {
    let json = Zeroizing::new(serde_json::to_string(&whole_cluster_info(cluster)).ok()?);
    serde_json::from_str(&json).ok()
}

fn whole_cluster_info(cluster: &Cluster) -> ClusterInfo<'_> {
    cluster_info(cluster, BASE64_STANDARD.encode(ca_bundle_of(cluster)))
}

fn ca_bundle_of(cluster: &Cluster) -> &[u8] {
    match &cluster.trust {
        Trust::CaBundle(bundle) => bundle.pem(),
        _ => &[],
    }
}

fn cluster_info(cluster: &Cluster, certificate_authority_data: String) -> ClusterInfo<'_> {
    ClusterInfo {
        server: cluster.server.as_str(),
        tls_server_name: cluster.tls_server_name.as_deref().unwrap_or_default(),
        insecure_skip_tls_verify: matches!(cluster.trust, Trust::Insecure),
        certificate_authority_data,
        // A proxy of the environment is known to the plugin already (client-go, rest/exec.go).
        proxy_url: cluster
            .proxy
            .as_ref()
            .filter(|proxy| proxy.variable().is_none())
            .map_or("", Proxy::expose_text),
        disable_compression: cluster.disable_compression,
        config: cluster
            .extensions
            .iter()
            .find(|(name, _)| name == EXTENSION)
            .map(|(_, value)| Json(value)),
    }
}

/// A number as Go's `encoding/json` writes it: with an exponent only where it is very small or very large.
fn go_number(number: f64) -> String {
    if number != 0.0 && !(1e-6..1e21).contains(&number.abs()) {
        let text = format!("{number:e}");
        return if text.contains("e-") {
            text
        } else {
            text.replace('e', "e+")
        };
    }
    number.to_string()
}

/// A value as the JSON that a Go program makes of a YAML document: keys sorted, the last of two equal ones
/// kept, whole floats without a fraction.
struct Json<'a>(&'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.kind() {
            ValueKind::Null => serializer.serialize_unit(),
            ValueKind::Boolean(value) => serializer.serialize_bool(*value),
            ValueKind::Integer(number) => serializer.serialize_i128(*number),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole, and within the range of an i64"
            )]
            ValueKind::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                serializer.serialize_i64(*number as i64)
            }
            ValueKind::Float(number) => match RawValue::from_string(go_number(*number)) {
                Ok(number) => number.serialize(serializer),
                // Infinite or not a number: JSON cannot express it.
                Err(_) => serializer.serialize_unit(),
            },
            ValueKind::String(text) => serializer.serialize_str(text),
            ValueKind::Sequence(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    sequence.serialize_element(&Json(item))?;
                }
                sequence.end()
            }
            ValueKind::Mapping(entries) => {
                let sorted: std::collections::BTreeMap<&str, &Value> =
                    entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
                let mut mapping = serializer.serialize_map(Some(sorted.len()))?;
                for (key, value) in sorted {
                    mapping.serialize_entry(key, &Json(value))?;
                }
                mapping.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kubex_core::{CaBundle, ExposeSecret, ServerUrl};

    use super::*;

    fn cluster(server: &str) -> Cluster {
        Cluster::new(ServerUrl::parse(server).unwrap())
    }

    fn written(version: ApiVersion, cluster: Option<&Cluster>, is_interactive: bool) -> String {
        let cluster = cluster.map_or(PassedCluster::None, PassedCluster::Of);
        exec_info(version, cluster, is_interactive)
            .expose_secret()
            .to_owned()
    }

    #[test]
    fn without_a_cluster_it_is_short() {
        assert_eq!(
            written(ApiVersion::V1, None, false),
            "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\
             \"spec\":{\"interactive\":false}}\n"
        );
    }

    #[test]
    fn of_a_bare_cluster_only_server_and_config_are_there() {
        assert_eq!(
            written(ApiVersion::V1, Some(&cluster("https://h:6443")), false),
            "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\
             \"spec\":{\"cluster\":{\"server\":\"https://h:6443\",\"config\":null},\"interactive\":false}}\n"
        );
    }

    #[test]
    fn a_cluster_with_everything_comes_in_the_order_of_client_go() {
        let certificate = rcgen::generate_simple_self_signed(vec!["h".into()]).unwrap();
        let pem = certificate.cert.pem();
        let mut cluster = cluster("https://h:6443/prefix");
        cluster.trust = Trust::CaBundle(CaBundle::from_pem(pem.as_bytes()).unwrap());
        cluster.tls_server_name = Some("n".into());
        cluster.proxy = Some(Proxy::parse("http://u:p@p:3128").unwrap());
        cluster.disable_compression = true;
        let config = r#"{"z": [1, 2.0, 2.5, null, true], "a": {"b": "<&>\u2028\u2029\""}, "big": 18446744073709551615}"#;
        cluster.extensions = vec![
            ("other".into(), serde_json::from_str("1").unwrap()),
            (EXTENSION.into(), serde_json::from_str(config).unwrap()),
        ];
        assert_eq!(
            written(ApiVersion::V1Beta1, Some(&cluster), true),
            format!(
                "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\
                 \"spec\":{{\"cluster\":{{\"server\":\"https://h:6443/prefix\",\"tls-server-name\":\"n\",\
                 \"certificate-authority-data\":\"{}\",\"proxy-url\":\"http://u:p@p:3128\",\
                 \"disable-compression\":true,\"config\":{{\"a\":{{\"b\":\
                 \"\\u003c\\u0026\\u003e\\u2028\\u2029\\\"\"}},\"big\":18446744073709551615,\
                 \"z\":[1,2,2.5,null,true]}}}},\"interactive\":true}}}}\n",
                BASE64_STANDARD.encode(&pem)
            )
        );
    }

    #[test]
    fn the_plugin_receives_the_server_as_it_was_written() {
        for server in ["https://H:443", "https://h/", "https://h:6443/k8s/"] {
            let info = written(ApiVersion::V1, Some(&cluster(server)), false);
            assert!(info.contains(&format!("{{\"server\":\"{server}\",")), "{info}");
        }
    }

    #[test]
    fn a_path_and_a_proxy_are_escaped_as_by_go() {
        let mut cluster = cluster("HTTPS://H/a b");
        cluster.proxy = Some(Proxy::parse("HTTP://u%41:p!@P:80/a|b").unwrap());
        let info = written(ApiVersion::V1, Some(&cluster), false);
        assert!(info.contains("{\"server\":\"https://H/a%20b\","), "{info}");
        assert!(
            info.contains("\"proxy-url\":\"http://uA:p%21@P:80/a%7Cb\","),
            "{info}"
        );
    }

    #[test]
    fn a_cluster_that_trusts_any_certificate_shows_it() {
        let mut cluster = cluster("http://h");
        cluster.trust = Trust::Insecure;
        assert!(
            written(ApiVersion::V1, Some(&cluster), false)
                .contains("{\"server\":\"http://h\",\"insecure-skip-tls-verify\":true,\"config\":null}")
        );
    }
}
