//! An object of a hub as the server has sent it.

use std::borrow::Cow;
use std::fmt;

use kube::Resource;
use kube::api::{ApiResource, ObjectMeta};
use kube::core::DynamicResourceScope;
use kubex_core::secret::SecretBuffer;
use kubex_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// An object of any content. Reading one never fails, because kube's client logs what it cannot read, and this is a Secret.
#[derive(Clone)]
pub(super) struct HubObject {
    metadata: ObjectMeta,
    content: Value,
}

impl<'de> Deserialize<'de> for HubObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let content = Value::deserialize(deserializer)?;
        let text = |key: &str| Some(content.get("metadata")?.get(key)?.as_str()?.to_owned());
        let metadata = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, content })
    }
}

impl HubObject {
    /// The object as JSON, without what only the server needs. The items of a list lack their version and kind.
    pub(super) fn into_manifest(mut self, resource: ApiResource) -> Result<SecretBuffer> {
        let invalid = || Error::new(ErrorKind::MalformedDocument, "an object of the hub is not valid");
        let object = self.content.as_object_mut().ok_or_else(invalid)?;
        object.insert("apiVersion".to_owned(), resource.api_version.into());
        object.insert("kind".to_owned(), resource.kind.into());
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let mut manifest = Buffer(SecretBuffer::default());
        serde_json::to_writer(&mut manifest, &self.content).map_err(|_| invalid())?;
        wipe(&mut self.content);
        Ok(manifest.0)
    }
}

/// Wipes the texts of a value.
fn wipe(value: &mut Value) {
    let mut pending = vec![std::mem::take(value)];
    while let Some(value) = pending.pop() {
        match value {
            Value::String(text) => drop(Zeroizing::new(text)),
            Value::Array(items) => pending.extend(items),
            Value::Object(entries) => pending.extend(Map::into_iter(entries).map(|(_, value)| value)),
            _ => {}
        }
    }
}

impl Resource for HubObject {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl fmt::Debug for HubObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubObject")
            .field("name", &self.metadata.name)
            .finish_non_exhaustive()
    }
}

/// Writes to memory that is wiped.
struct Buffer(SecretBuffer);

impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Selection;
    use super::*;

    #[test]
    fn an_object_of_any_content_can_be_read_and_is_not_shown() {
        for text in [
            r#"{"metadata": {"name": "a", "labels": ["s3cret"], "managedFields": "s3cret"}, "data": {"x": "s3cret"}}"#,
            r#"{"metadata": "s3cret"}"#,
            r#"["s3cret"]"#,
            r#""s3cret""#,
        ] {
            let object: HubObject = serde_json::from_str(text).unwrap();
            assert!(!format!("{object:?}").contains("s3cret"));
            match object.into_manifest(Selection::ArgoCd.resource()) {
                Ok(manifest) => assert!(manifest.starts_with(b"{")),
                Err(error) => assert!(!error.to_string().contains("s3cret")),
            }
        }
    }

    #[test]
    fn a_manifest_has_its_kind_and_nothing_that_only_the_server_needs() {
        let text = r#"{"metadata": {"name": "a", "managedFields": [1]}, "data": {"x": "eA=="}}"#;
        let object: HubObject = serde_json::from_str(text).unwrap();
        let manifest = object
            .into_manifest(Selection::ClusterProfiles.resource())
            .unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let expected = serde_json::json!({
            "apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ClusterProfile", "metadata": {"name": "a"},
            "data": {"x": "eA=="},
        });
        assert_eq!(manifest, expected);
    }
}
